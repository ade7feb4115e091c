//! An identity service, as its discovery document and its keys describe it (OpenID Connect Discovery 1.0, RFC 8414).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use latchkey_core::time::{MINUTE, Timestamp};
use openidconnect::JsonWebKey as _;
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeySet, CoreJsonWebKeyType};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use url::Url;

use super::IdentityError;
use crate::http::{self as client, Http, HttpError, Response};

/// How soon after an unknown key the keys are fetched again for another one.
const COOLDOWN: Duration = MINUTE;

/// What of the discovery document matters here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Metadata {
    /// The issuer: exactly the one that was asked for.
    pub issuer: String,
    /// Where the browser goes.
    pub authorization_endpoint: Url,
    /// Where codes and refresh tokens are exchanged.
    pub token_endpoint: Url,
    /// Where the keys are.
    pub jwks_uri: Url,
    /// Where a code for another device is had (RFC 8628), where that is offered.
    #[serde(default, deserialize_with = "lenient")]
    pub device_authorization_endpoint: Option<Url>,
    /// Where tokens are revoked (RFC 7009), where that is offered.
    #[serde(default, deserialize_with = "lenient")]
    pub revocation_endpoint: Option<Url>,
    /// Every callback names the issuer (RFC 9207).
    #[serde(default, deserialize_with = "lenient")]
    pub authorization_response_iss_parameter_supported: bool,
    /// The `claims` parameter is understood, so that the ID token can be asked to name the user.
    #[serde(default, deserialize_with = "lenient")]
    pub claims_parameter_supported: bool,
    /// The kinds of PKCE that are understood; many say nothing of it.
    #[serde(default, deserialize_with = "lenient")]
    pub code_challenge_methods_supported: Option<Vec<String>>,
}

/// What need not be there is as if it were not, whatever stands in its place.
pub(super) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(T::deserialize(value).unwrap_or_default())
}

impl Metadata {
    /// Reads a discovery document of `issuer`, and believes none of another issuer's.
    ///
    /// # Errors
    /// [`IdentityError::Misconfigured`], [`IdentityError::WrongIssuer`] or [`IdentityError::UnsafeEndpoint`].
    pub fn parse(issuer: &str, document: &[u8]) -> Result<Self, IdentityError> {
        let metadata: Self = serde_json::from_slice(document).map_err(|error| {
            misconfigured(super::shortened(&format!(
                "no readable discovery document: {error}"
            )))
        })?;
        if metadata.issuer != issuer {
            return Err(IdentityError::WrongIssuer {
                expected: issuer.into(),
                found: super::shortened(&metadata.issuer),
            });
        }
        let endpoints = [
            ("authorization_endpoint", Some(&metadata.authorization_endpoint)),
            ("token_endpoint", Some(&metadata.token_endpoint)),
            ("jwks_uri", Some(&metadata.jwks_uri)),
            (
                "device_authorization_endpoint",
                metadata.device_authorization_endpoint.as_ref(),
            ),
            ("revocation_endpoint", metadata.revocation_endpoint.as_ref()),
        ];
        for (endpoint, url) in endpoints {
            if let Some(url) = url.filter(|url| !client::is_allowed(url)) {
                let origin = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
                return Err(IdentityError::UnsafeEndpoint { endpoint, origin });
            }
        }
        match &metadata.code_challenge_methods_supported {
            Some(methods) if !methods.iter().any(|method| method == "S256") => {
                Err(misconfigured("it does not support PKCE with S256"))
            }
            Some(_) | None => Ok(metadata),
        }
    }
}

/// An identity service and its keys.
#[derive(Debug)]
pub struct Provider {
    /// What its discovery document says.
    pub metadata: Metadata,
    keys: Mutex<Keys>,
}

#[derive(Debug, Default)]
struct Keys {
    set: Option<Vec<CoreJsonWebKey>>,
    refetched_at: Option<Timestamp>,
}

impl Provider {
    /// Asks the issuer who it is.
    ///
    /// # Errors
    /// [`IdentityError`]; a redirect or a web page is a [`IdentityError::CaptivePortal`].
    pub(super) async fn discover(http: &Http, issuer: &str) -> Result<Self, IdentityError> {
        let address = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let url = Url::parse(&address).map_err(|_| misconfigured(format!("{issuer:?} is no address")))?;
        let document = fetch(http, &url, "discovery document").await?;
        Ok(Self {
            metadata: Metadata::parse(issuer, &document)?,
            keys: Mutex::default(),
        })
    }

    /// The keys, fetched if they are not known yet.
    ///
    /// # Errors
    /// [`IdentityError`] when they cannot be fetched.
    pub(super) async fn keys(&self, http: &Http) -> Result<Vec<CoreJsonWebKey>, IdentityError> {
        let known = self.locked(|keys| keys.set.clone());
        match known {
            Some(keys) => Ok(keys),
            None => self.fetch_keys(http).await,
        }
    }

    /// The keys, fetched anew because none of them fitted; `None` when that was done a moment ago.
    ///
    /// # Errors
    /// As [`Provider::keys`].
    pub(super) async fn other_keys(
        &self,
        http: &Http,
        now: Timestamp,
    ) -> Result<Option<Vec<CoreJsonWebKey>>, IdentityError> {
        let cooling = self.locked(|keys| {
            let cooling = keys
                .refetched_at
                .is_some_and(|at| now >= at && now < at + COOLDOWN);
            if !cooling {
                keys.refetched_at = Some(now);
            }
            cooling
        });
        if cooling {
            return Ok(None);
        }
        let fetched = self.fetch_keys(http).await;
        if fetched.is_err() {
            // Nothing was learned: the next token may ask again.
            self.locked(|keys| keys.refetched_at = None);
        }
        fetched.map(Some)
    }

    async fn fetch_keys(&self, http: &Http) -> Result<Vec<CoreJsonWebKey>, IdentityError> {
        let document = fetch(http, &self.metadata.jwks_uri, "key set").await?;
        let set: CoreJsonWebKeySet =
            serde_json::from_slice(&document).map_err(|_| misconfigured("its key set is not readable"))?;
        // A symmetric key in a public document is known to everybody: nothing that it signs proves anything.
        let keys: Vec<_> = set
            .keys()
            .iter()
            .filter(|key| *key.key_type() != CoreJsonWebKeyType::Symmetric)
            .cloned()
            .collect();
        self.locked(|known| known.set = Some(keys.clone()));
        Ok(keys)
    }

    fn locked<T>(&self, use_: impl FnOnce(&mut Keys) -> T) -> T {
        use_(&mut self.keys.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn fetch(http: &Http, url: &Url, what: &str) -> Result<Vec<u8>, IdentityError> {
    let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/json"))]);
    let response = match http.get(url, headers).await {
        Err(HttpError::Redirected { host, .. }) => return Err(IdentityError::CaptivePortal { host }),
        response => response?,
    };
    if let Some(error) = not_data(url, &response) {
        return Err(error);
    }
    match response.status {
        StatusCode::OK => Ok(response.body),
        status => Err(misconfigured(format!("its {what} answers {}", status.as_u16()))),
    }
}

/// What an answer means that is no data: a provider that is busy or out, or a web page.
pub(super) fn not_data(url: &Url, response: &Response) -> Option<IdentityError> {
    if response.status == StatusCode::TOO_MANY_REQUESTS {
        let retry_after = response.retry_after();
        return Some(IdentityError::Busy { retry_after });
    }
    if response.status.is_server_error() {
        return Some(IdentityError::Unavailable {
            status: response.status.as_u16(),
            retry_after: response.retry_after(),
        });
    }
    let host = || url.host_str().unwrap_or_default().to_owned();
    response
        .is_html()
        .then(|| IdentityError::CaptivePortal { host: host() })
}

fn misconfigured(why: impl Into<String>) -> IdentityError {
    IdentityError::Misconfigured { why: why.into() }
}
