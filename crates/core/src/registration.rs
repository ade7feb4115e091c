//! What a product tells this machine about itself when it is installed.

use serde::{Deserialize, Serialize};

use crate::first_start::FirstStart;
use crate::jws::Jwk;
use crate::keys::Keys;

/// The version of the format that is written today.
pub const VERSION: u32 = 1;

/// The most bytes that what is signed of a registration may have: the whole must fit where agents read it.
pub const LONGEST_SIGNED: usize = 48 * 1024;

/// A product that is installed on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Version of this format: [`VERSION`].
    pub registration: u32,
    /// Product key: `A-Z`, `0-9`, `-` and `_`, 1 to 64 characters.
    pub product: String,
    /// Product version, as the vendor writes it, at most 64 characters.
    pub version: String,
    /// What people call the product.
    pub name: String,
    /// Who publishes it.
    pub publisher: String,
    /// The licensing service: an `https` address without a trailing slash, or `http` to a literal loopback
    /// address.
    pub service: String,
    /// The root keys that the vendor signs keys documents with (Ed25519).
    pub root_keys: Vec<Jwk>,
    /// What the vendor has signed of it (`latchkey-registration+jwt`): that it may first start in an outage (rule 7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_start: Option<String>,
    /// A keys document (`latchkey-keys+jwt`), for a machine that has never reached the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<String>,
}

/// Why a registration is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// Written by a newer Latchkey.
    #[error("registration format {0} is newer than this Latchkey, which reads {VERSION}: update Latchkey")]
    TooNew(u32),
    /// A field that cannot be.
    #[error("{field} {problem}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// What is wrong with it, and what it should be.
        problem: &'static str,
    },
}

impl Registration {
    /// Checks every field.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn validate(&self) -> Result<(), RegistrationError> {
        let wrong = |field, problem| Err(RegistrationError::Field { field, problem });
        if self.registration == 0 {
            return wrong("registration", "is 0; the first format is 1");
        }
        if self.registration > VERSION {
            return Err(RegistrationError::TooNew(self.registration));
        }
        if !is_product_key(&self.product) {
            return wrong("product", "must be 1 to 64 of A-Z, 0-9, - and _");
        }
        for (field, text) in [
            ("version", &self.version),
            ("name", &self.name),
            ("publisher", &self.publisher),
        ] {
            if text.is_empty() || text.len() > 64 || text.chars().any(char::is_control) {
                return wrong(field, "must be 1 to 64 bytes of text without control characters");
            }
        }
        if !is_service(&self.service) {
            return wrong(
                "service",
                "must be https, or http to a literal loopback address, without a trailing slash",
            );
        }
        if self.root_keys.is_empty() {
            return wrong("root_keys", "must name at least one Ed25519 key");
        }
        if self
            .root_keys
            .iter()
            .any(|key| key.crv != "Ed25519" || key.verifying_key().is_err())
        {
            return wrong("root_keys", "must be Ed25519 public keys as JWKs");
        }
        if self.first_start.is_some() && self.first_start().is_none() {
            return wrong(
                "first_start",
                "must be signed by one of root_keys, for this product and service: print it anew with \
                 `latchkey-server product registration`",
            );
        }
        let keys = self.keys.as_deref();
        if keys.is_some_and(|keys| Keys::verify(keys, &self.root_keys, &self.service).is_err()) {
            return wrong(
                "keys",
                "must be a keys document that one of root_keys has signed for this service",
            );
        }
        Ok(())
    }

    /// The same without what is signed of it.
    #[must_use]
    pub fn unsigned(self) -> Self {
        Self {
            first_start: None,
            keys: None,
            ..self
        }
    }

    /// What the vendor has signed, verified by the keys that it names itself: whoever pins others verifies by those.
    pub fn first_start(&self) -> Option<FirstStart> {
        let token = self.first_start.as_deref()?;
        FirstStart::verify(token, &self.root_keys, &self.service, &self.product).ok()
    }
}

/// Whether a text is a product key.
pub fn is_product_key(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

/// Whether a text can name a licensing service: `https`, or `http` to a literal loopback address.
pub fn is_service(text: &str) -> bool {
    let host_of = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    if text.ends_with('/') || text.len() > 512 || text.bytes().any(|b| b <= b' ' || b == 0x7f || b == b'@') {
        return false;
    }
    if let Some(rest) = text.strip_prefix("https://") {
        return !host_of(rest).is_empty();
    }
    let Some(rest) = text.strip_prefix("http://") else {
        return false;
    };
    let host = host_of(rest);
    let host = host
        .rsplit_once(':')
        .filter(|(_, port)| port.parse::<u16>().is_ok())
        .map_or(host.as_str(), |(h, _)| h);
    host == "[::1]"
        || host
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_only_to_a_literal_loopback_address() {
        for good in [
            "https://licence.example",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "https://x.example/licence",
        ] {
            assert!(is_service(good), "{good}");
        }
        for bad in [
            "http://localhost:8080",
            "http://licence.example",
            "https://",
            "https://x.example/",
            "ftp://127.0.0.1",
            "http://127.0.0.1.evil.example",
            "https://a@b.example",
        ] {
            assert!(!is_service(bad), "{bad}");
        }
    }
}
