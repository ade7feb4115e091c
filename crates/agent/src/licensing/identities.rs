//! What the service says about itself, and about who says who its users are.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use http::HeaderMap;
use latchkey_api::discovery::{self, Discovery, Identity};
use latchkey_api::identity::IdentityQuery;

use super::answer::read;
use super::{Licensing, LicensingError, address};

impl Licensing {
    /// What the service says about itself; from memory when it has said so since the last failure.
    ///
    /// # Errors
    /// [`LicensingError`].
    pub async fn discover(&self, service: &str) -> Result<Discovery, LicensingError> {
        if let Some(known) = self.learned(service, |learned| learned.discovery.clone()) {
            return Ok(known);
        }
        let url = address(&format!("{service}{}", discovery::PATH))?;
        let response = self.http.get(&url, HeaderMap::new()).await?;
        let found: Discovery = read(&response)?;
        if found.service != service {
            return Err(LicensingError::Unexpected(format!(
                "that it is {}, and was asked as {service}",
                found.service
            )));
        }
        if found.api_max < discovery::API {
            return Err(LicensingError::Outdated(found.api_max));
        }
        let origin = url.origin();
        let endpoints = [&found.keys, &found.check, &found.release].into_iter();
        let more = [
            &found.identities,
            &found.devices,
            &found.release_device,
            &found.events,
        ];
        for endpoint in endpoints.chain(more.into_iter().flatten()) {
            if address(endpoint)?.origin() != origin {
                return Err(LicensingError::Unexpected(format!(
                    "with the address {endpoint}, which is not its own"
                )));
            }
        }
        self.learned(service, |learned| {
            learned.issuer = Some(found.identity.issuer.clone());
            learned.discovery = Some(found.clone());
        });
        Ok(found)
    }

    /// Who says who the user with this work address is: their company's identity service, or the vendor's.
    ///
    /// # Errors
    /// [`LicensingError`].
    pub async fn identity_for(&self, service: &str, email: Option<&str>) -> Result<Identity, LicensingError> {
        let found = match self.discover(service).await {
            Ok(found) => found,
            // Which company a work address belongs to, only the service knows.
            Err(
                error
                @ (LicensingError::Http(_) | LicensingError::Out { .. } | LicensingError::Unexpected(_)),
            ) if email.is_none() => {
                let registered = self.learned(service, |learned| learned.registered.first().cloned());
                return registered.ok_or(error);
            }
            Err(error) => return Err(error),
        };
        match (email, &found.identities) {
            (Some(email), Some(_)) => {
                let query = IdentityQuery::Email(email.to_owned());
                self.ask_identity(service, &found, &query).await
            }
            (None, _) | (_, None) => Ok(found.identity),
        }
    }

    /// The settings of an issuer that a user is signed in at; from memory since the last failure.
    ///
    /// # Errors
    /// [`LicensingError`]; [`LicensingError::UnknownIssuer`] where the service has none such.
    pub async fn identity_of(&self, service: &str, issuer: &str) -> Result<Identity, LicensingError> {
        let found = self.discover(service).await?;
        let identity = if found.identity.issuer == issuer {
            found.identity
        } else if let Some(known) = self.learned(service, |learned| learned.identities.get(issuer).cloned()) {
            return Ok(known);
        } else if found.identities.is_none() {
            return Err(LicensingError::UnknownIssuer);
        } else {
            let query = IdentityQuery::Issuer(issuer.to_owned());
            self.ask_identity(service, &found, &query).await?
        };
        if identity.issuer != issuer {
            return Err(LicensingError::UnknownIssuer);
        }
        self.learned(service, |learned| {
            learned.identities.insert(issuer.to_owned(), identity.clone());
            learned.last.insert(issuer.to_owned(), identity.clone());
        });
        Ok(identity)
    }

    /// The settings of an issuer as the service said them last, or as they were signed: nobody is asked.
    pub fn remembered_identity(&self, service: &str, issuer: &str) -> Option<Identity> {
        let last = self.learned(service, |learned| learned.last.get(issuer).cloned());
        last.or_else(|| self.registered_identity(service, issuer))
    }

    async fn ask_identity(
        &self,
        service: &str,
        found: &Discovery,
        query: &IdentityQuery,
    ) -> Result<Identity, LicensingError> {
        let url = address(found.identities.as_deref().unwrap_or_default())?;
        let response = self.http.post_json(&url, HeaderMap::new(), query).await?;
        let identity: Identity = read(&response)?;
        tracing::debug!(service, issuer = identity.issuer, "the identity service is named");
        Ok(identity)
    }

    /// Remembers what signed registrations say of issuers, by service, the vendor's own first; and nothing else of that.
    pub fn registered(&self, mut identities: BTreeMap<String, Vec<Identity>>) {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        for (service, learned) in learned.iter_mut() {
            learned.registered = identities.remove(service).unwrap_or_default();
        }
        for (service, registered) in identities {
            learned.entry(service).or_default().registered = registered;
        }
    }

    /// What was signed of an issuer: nobody is asked.
    pub fn registered_identity(&self, service: &str, issuer: &str) -> Option<Identity> {
        self.learned(service, |learned| {
            let mut registered = learned.registered.iter();
            registered.find(|identity| identity.issuer == issuer).cloned()
        })
    }

    /// The identity service that this service named last or that was remembered; else the first that was signed.
    pub fn issuer(&self, service: &str) -> Option<String> {
        self.learned(service, |learned| {
            let registered = learned.registered.first();
            let known = learned.issuer.clone();
            known.or_else(|| Some(registered?.issuer.clone()))
        })
    }

    /// Remembers the identity service that an account here was signed in at.
    pub fn remember_issuer(&self, service: &str, issuer: &str) {
        self.learned(service, |learned| {
            learned.issuer.get_or_insert_with(|| issuer.to_owned());
        });
    }

    /// Forgets what the service said about itself, so that the next use asks anew.
    pub fn rediscover(&self, service: &str) {
        self.learned(service, |learned| {
            learned.discovery = None;
            learned.identities.clear();
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use latchkey_ipc::settings::Proxy;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::http::Http;

    /// A gateway in front of a service that is gone.
    async fn out() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _head = stream.read(&mut [0; 4096]).await;
                let answer = b"HTTP/1.1 503 Out\r\nretry-after: 60\r\ncontent-length: 0\r\n\r\n";
                let _sent = stream.write_all(answer).await;
            }
        });
        service
    }

    fn identity(issuer: &str) -> Identity {
        let identity = serde_json::json!({"issuer": issuer, "client_id": "latchkey", "scopes": ["openid"]});
        serde_json::from_value(identity).unwrap()
    }

    /// Rule 7: what the vendor has signed is enough to sign in by.
    #[tokio::test]
    async fn whoever_signs_in_while_the_service_is_out_goes_by_what_was_signed() {
        let service = out().await;
        let licensing = Licensing::new(Http::new(Duration::from_secs(20), Proxy::System));
        let error = licensing.identity_for(&service, None).await.unwrap_err();
        assert!(matches!(error, LicensingError::Out { .. }), "{error:?}");
        let signed = identity("https://id.example");
        licensing.registered(BTreeMap::from([(service.clone(), vec![signed.clone()])]));
        assert_eq!(licensing.identity_for(&service, None).await.unwrap(), signed);
        let company = licensing.identity_for(&service, Some("maya@example.com")).await;
        assert!(company.is_err(), "whose address that is, only the service knows");
    }
}
