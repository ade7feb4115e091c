//! What a product tells this machine about itself when it is installed.

use serde::{Deserialize, Serialize};

use crate::first_start::FirstStart;
use crate::jws::{Jwk, Thumbprint};
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
    /// Whether it pins this root key.
    pub fn pins(&self, root: &Thumbprint) -> bool {
        self.root_keys.iter().any(|key| key.thumbprint() == *root)
    }

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

    fn good() -> Registration {
        let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
        Registration {
            registration: 1,
            product: "ATLAS".to_owned(),
            version: "2026.1".to_owned(),
            name: "Atlas".to_owned(),
            publisher: "Example Works".to_owned(),
            service: "https://licence.example".to_owned(),
            root_keys: vec![Jwk::ed25519(&key.verifying_key())],
            first_start: None,
            keys: None,
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        type Fault = fn(&mut Registration);
        let faults: [(&str, Fault); 13] = [
            ("registration", |entry| entry.registration = 0),
            ("product", |entry| entry.product.clear()),
            ("product", |entry| entry.product.push('a')),
            ("version", |entry| entry.version.clear()),
            ("version", |entry| entry.version = "x".repeat(65)),
            ("name", |entry| entry.name.push('\n')),
            ("publisher", |entry| entry.publisher.clear()),
            ("service", |entry| entry.service.push('/')),
            ("root_keys", |entry| entry.root_keys.clear()),
            ("root_keys", |entry| entry.root_keys[0].x.clear()),
            ("root_keys", |entry| {
                let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
                entry.root_keys.push(Jwk::p256(key.verifying_key()));
            }),
            ("first_start", |entry| entry.first_start = Some(String::new())),
            ("keys", |entry| entry.keys = Some(String::new())),
        ];
        for (wrong, fault) in faults {
            let mut entry = good();
            fault(&mut entry);
            let Err(RegistrationError::Field { field, .. }) = entry.validate() else {
                panic!("{wrong}: {:?}", entry.validate());
            };
            assert_eq!(field, wrong);
        }
        let mut newer = good();
        newer.registration = 2;
        assert_eq!(newer.validate(), Err(RegistrationError::TooNew(2)));
    }

    #[test]
    fn what_is_just_short_enough_is_right() {
        assert_eq!(good().validate(), Ok(()));
        let longest = Registration {
            product: "P".repeat(64),
            version: "v".repeat(64),
            ..good()
        };
        assert_eq!(longest.validate(), Ok(()));
    }

    #[test]
    fn what_nobody_has_signed_is_left_out() {
        let signed = Registration {
            first_start: Some("signed".to_owned()),
            keys: Some("signed".to_owned()),
            ..good()
        };
        assert_eq!(signed.unsigned(), good());
    }

    #[test]
    fn product_keys_are_capital_letters_digits_and_two_signs() {
        for good in ["A", "0", "ATLAS-2_PRO", "-", "_", &"Z".repeat(64)] {
            assert!(is_product_key(good), "{good}");
        }
        for bad in ["", "atlas", "A B", "A/B", "Ä", "A.B", &"Z".repeat(65)] {
            assert!(!is_product_key(bad), "{bad}");
        }
    }

    #[test]
    fn http_only_to_a_literal_loopback_address() {
        for good in [
            "https://licence.example",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "https://x.example/licence",
            &format!("https://{}", "x".repeat(504)),
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
            "https://a b.example",
            "https://a\x7f.example",
            "https://?x",
            "http://127.0.0.1:port",
            "http://192.0.2.1",
            "http://[::2]",
            &format!("https://{}", "x".repeat(505)),
        ] {
            assert!(!is_service(bad), "{bad}");
        }
    }
}
