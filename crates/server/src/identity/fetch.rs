//! Asking an issuer: bounded in time and size, and going nowhere it was not sent.

use std::net::IpAddr;
use std::time::Duration;

use latchkey_core::id_token::{IssuerKey, IssuerKeys};
use reqwest::{RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use url::{Host, Url};

use super::Documents;
use crate::jwt::{KeySet, published};

const CONNECT: Duration = Duration::from_secs(3);
/// The largest body that is read.
const LARGEST: usize = 1024 * 1024;

/// What an issuer did wrong, or the way to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Neither https nor a literal loopback address.
    #[error("{0} must be https, or http to a literal loopback address")]
    Forbidden(String),
    /// It could not be reached in time.
    #[error("{url}: {}", root_cause(.source))]
    Unreachable {
        /// What was fetched.
        url: String,
        /// Why not.
        source: reqwest::Error,
    },
    /// It could be reached, and all that it publishes did not come in time.
    #[error("{0}: timed out")]
    Late(String),
    /// It answered, but not with 200. A redirect is not followed.
    #[error("{url} answers {status}")]
    Status {
        /// What was fetched.
        url: String,
        /// The status.
        status: u16,
    },
    /// More than 1 MiB.
    #[error("{0} answers with more than 1 MiB")]
    TooLarge(String),
    /// It is no such document.
    #[error("{0} is not what it should be: JSON of OpenID Connect Discovery, or a JWK Set")]
    Unreadable(String),
    /// The document speaks for another issuer.
    #[error("the discovery document names the issuer {0:?}")]
    OtherIssuer(String),
}

/// A client that follows nobody elsewhere. `patience` is for one whole answer, body included.
pub(crate) fn client(patience: Duration) -> Result<reqwest::Client, FetchError> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT.min(patience))
        .timeout(patience)
        .user_agent(concat!("latchkey-server/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|source| FetchError::Unreachable {
            url: "TLS".into(),
            source,
        })
}

/// Whether an address may be fetched: https, or http to a literal loopback address, and no password in it.
pub fn fetchable(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let loopback = match url.host()? {
        Host::Ipv4(address) => IpAddr::from(address).is_loopback(),
        Host::Ipv6(address) => IpAddr::from(address).is_loopback(),
        Host::Domain(_) => false,
    };
    let allowed = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    (allowed && url.username().is_empty() && url.password().is_none()).then_some(url)
}

/// Where an issuer's discovery document is (OpenID Connect Discovery section 4).
pub(crate) fn discovery_address(issuer: &str) -> String {
    format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    )
}

/// An issuer's discovery document.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
    // A client that does not need it must not fail over it.
    #[serde(default)]
    introspection_endpoint: Value,
}

async fn discovery(http: &reqwest::Client, issuer: &str) -> Result<Discovery, FetchError> {
    let address = discovery_address(issuer);
    let body = document(http, &address).await?;
    let discovery: Discovery =
        serde_json::from_slice(&body).map_err(|_| FetchError::Unreadable(address.clone()))?;
    if discovery.issuer == issuer {
        Ok(discovery)
    } else {
        Err(FetchError::OtherIssuer(discovery.issuer))
    }
}

/// What `issuer` publishes: its discovery document, and the keys that this names, both within `patience`.
pub(super) async fn documents(
    http: &reqwest::Client,
    issuer: &str,
    patience: Duration,
) -> Result<Documents, FetchError> {
    let both = async {
        let discovery = discovery(http, issuer).await?;
        let keys = document(http, &discovery.jwks_uri).await?;
        Ok(Documents {
            keys: KeySet::read(&keys).map_err(|_| FetchError::Unreadable(discovery.jwks_uri))?,
            introspection_endpoint: discovery.introspection_endpoint.as_str().map(str::to_owned),
        })
    };
    tokio::time::timeout(patience, both)
        .await
        .unwrap_or_else(|_| Err(FetchError::Late(issuer.to_owned())))
}

/// The public keys of `issuer`, to be written down: what products verify its ID tokens by in an outage (rule 7).
pub(crate) async fn public_keys(http: &reqwest::Client, issuer: &str) -> Result<IssuerKeys, FetchError> {
    let discovery = discovery(http, issuer).await?;
    let keys = document(http, &discovery.jwks_uri).await?;
    let published = published(&keys).map_err(|_| FetchError::Unreadable(discovery.jwks_uri))?;
    // What is no key, or of a kind that verifies nothing, is left out; members that are not public are not even read.
    let keys = published
        .into_iter()
        .filter_map(|jwk| serde_json::from_value::<IssuerKey>(jwk).ok());
    Ok(IssuerKeys {
        issuer: issuer.to_owned(),
        keys: keys.filter(IssuerKey::is_usable).collect(),
    })
}

/// A public document: nothing but 200 will do.
pub(crate) async fn document(http: &reqwest::Client, address: &str) -> Result<Vec<u8>, FetchError> {
    let url = allowed(address)?;
    match send(http.get(url), address).await? {
        (StatusCode::OK, body) => Ok(body),
        (status, _) => Err(FetchError::Status {
            url: address.to_owned(),
            status: status.as_u16(),
        }),
    }
}

/// The address, if it may be asked at all.
pub(crate) fn allowed(address: &str) -> Result<Url, FetchError> {
    fetchable(address).ok_or_else(|| FetchError::Forbidden(address.to_owned()))
}

/// Sends a request to `address`, and reads the answer up to its limit.
pub(crate) async fn send(
    request: RequestBuilder,
    address: &str,
) -> Result<(StatusCode, Vec<u8>), FetchError> {
    let unreachable = |source| FetchError::Unreachable {
        url: address.to_owned(),
        source,
    };
    let mut answer = request.send().await.map_err(unreachable)?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > LARGEST {
            return Err(FetchError::TooLarge(address.to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((answer.status(), body))
}

/// reqwest's own words say only that a request failed; its last source says why.
fn root_cause(error: &reqwest::Error) -> String {
    let first: &dyn std::error::Error = error;
    std::iter::successors(Some(first), |error| error.source())
        .last()
        .unwrap_or(first)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::fetchable;

    #[test]
    fn only_https_and_literal_loopback_are_fetched() {
        for good in [
            "https://id.example/jwks",
            "http://127.0.0.1:9000/",
            "http://[::1]/jwks",
        ] {
            assert!(fetchable(good).is_some(), "{good}");
        }
        for bad in [
            "http://id.example/jwks",
            "http://localhost/",
            "file:///etc/passwd",
            "https://a:b@id.example/",
            "http://169.254.169.254/",
            "jwks",
        ] {
            assert!(fetchable(bad).is_none(), "{bad}");
        }
    }
}
