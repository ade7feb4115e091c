//! What is in the vault: one entry for each licensing service, as versioned JSON (text, because some keyrings keep
//! nothing else).

use std::fmt;

use latchkey_core::jws::{self, Jwk, SigningKey};
use latchkey_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::VaultError;
use crate::secret::{self, SecretBytes, SecretText};

/// The version that this build writes.
const VERSION: u64 = 1;

/// The secrets of one licensing service on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets {
    /// The device's key.
    pub device_key: DeviceKey,
    /// Whose device it is. Another account gets a key of its own.
    pub account: Option<Account>,
    /// The tokens of whoever is signed in.
    pub tokens: Option<Tokens>,
}

/// A user at an identity service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The identity service.
    pub issuer: String,
    /// The user's identifier there.
    pub subject: String,
}

/// The tokens of one sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// The access token.
    #[serde(serialize_with = "secret::expose")]
    pub access_token: SecretText,
    /// When it ends, by this machine's clock.
    pub access_expires_at: Timestamp,
    /// The refresh token, where the provider gave one.
    #[serde(
        default,
        serialize_with = "secret::expose_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub refresh_token: Option<SecretText>,
    /// The newest ID token.
    #[serde(serialize_with = "secret::expose")]
    pub id_token: SecretText,
    /// Who issued them.
    pub issuer: String,
    /// The user's identifier at the issuer.
    pub subject: String,
    /// When they were obtained, by this machine's clock.
    pub obtained_at: Timestamp,
    /// The scope that was granted, where the provider says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// The device's private key: a P-256 scalar.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceKey(SecretBytes);

impl DeviceKey {
    /// Makes a new key from the system's randomness.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`] when the system has none.
    pub fn generate() -> Result<Self, VaultError> {
        // A random scalar is out of range once in 2^32; ten in a row means that the randomness is none.
        for _ in 0..10 {
            let mut scalar = Zeroizing::new([0_u8; 32]);
            getrandom::fill(scalar.as_mut()).map_err(|error| VaultError::Unavailable {
                why: error.to_string(),
            })?;
            if p256::ecdsa::SigningKey::from_slice(scalar.as_ref()).is_ok() {
                return Ok(Self(SecretBytes::new(scalar.to_vec())));
            }
        }
        Err(VaultError::Unavailable {
            why: "the system's randomness makes no key".into(),
        })
    }

    /// The key, ready to sign.
    ///
    /// # Errors
    /// [`VaultError::Corrupt`] when it is no key.
    pub fn signing_key(&self) -> Result<SigningKey, VaultError> {
        p256::ecdsa::SigningKey::from_slice(self.0.expose())
            .map(|key| SigningKey::P256(Box::new(key)))
            .map_err(|_| VaultError::Corrupt {
                why: "the device key is no P-256 key".into(),
            })
    }

    /// The public half.
    ///
    /// # Errors
    /// As [`DeviceKey::signing_key`].
    pub fn jwk(&self) -> Result<Jwk, VaultError> {
        self.signing_key().map(|key| key.jwk())
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKey(..)")
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    v: u64,
    #[serde(serialize_with = "secret::expose")]
    device_key: SecretText,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<Account>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens: Option<Tokens>,
}

impl Secrets {
    /// Nobody is signed in, and the device has a new key.
    ///
    /// # Errors
    /// As [`DeviceKey::generate`].
    pub fn generate() -> Result<Self, VaultError> {
        Ok(Self {
            device_key: DeviceKey::generate()?,
            account: None,
            tokens: None,
        })
    }

    /// As it goes into the vault.
    pub(super) fn to_bytes(&self) -> Result<SecretBytes, VaultError> {
        let stored = Stored {
            v: VERSION,
            device_key: SecretText::new(jws::base64url(self.device_key.0.expose())),
            account: self.account.clone(),
            tokens: self.tokens.clone(),
        };
        serde_json::to_vec(&stored)
            .map(SecretBytes::new)
            .map_err(|error| corrupt(&error))
    }

    /// As it comes out of the vault.
    pub(super) fn from_bytes(bytes: &SecretBytes) -> Result<Self, VaultError> {
        #[derive(Deserialize)]
        struct Version {
            v: u64,
        }
        let Version { v } = serde_json::from_slice(bytes.expose()).map_err(|error| corrupt(&error))?;
        if v > VERSION {
            return Err(VaultError::TooNew { version: v });
        }
        let stored: Stored = serde_json::from_slice(bytes.expose()).map_err(|error| corrupt(&error))?;
        let scalar = jws::from_base64url(stored.device_key.expose()).map(SecretBytes::new);
        let device_key = DeviceKey(scalar.ok_or_else(|| VaultError::Corrupt {
            why: "the device key is not base64url".into(),
        })?);
        device_key.signing_key()?;
        Ok(Self {
            device_key,
            account: stored.account,
            tokens: stored.tokens,
        })
    }
}

/// Where the JSON breaks, and nothing of what it says: serde's own message would quote it.
fn corrupt(error: &serde_json::Error) -> VaultError {
    VaultError::Corrupt {
        why: format!("unreadable at line {}, column {}", error.line(), error.column()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets {
            account: Some(Account {
                issuer: "https://id.example".into(),
                subject: "maya".into(),
            }),
            tokens: Some(Tokens {
                access_token: SecretText::new("at-1".into()),
                access_expires_at: Timestamp::from_secs(7),
                refresh_token: Some(SecretText::new("r".repeat(6_000))),
                id_token: SecretText::new("idt-1".into()),
                issuer: "https://id.example".into(),
                subject: "maya".into(),
                obtained_at: Timestamp::from_secs(3),
                scope: None,
            }),
            ..Secrets::generate().unwrap()
        }
    }

    #[test]
    fn what_goes_in_comes_out() {
        let secrets = secrets();
        assert_eq!(
            Secrets::from_bytes(&secrets.to_bytes().unwrap()).unwrap(),
            secrets
        );
        let signed_out = Secrets {
            tokens: None,
            ..secrets
        };
        assert_eq!(
            Secrets::from_bytes(&signed_out.to_bytes().unwrap()).unwrap(),
            signed_out
        );
    }

    #[test]
    fn two_keys_are_never_the_same_and_sign() {
        let (one, two) = (DeviceKey::generate().unwrap(), DeviceKey::generate().unwrap());
        assert_ne!(one.jwk().unwrap(), two.jwk().unwrap());
        let token = jws::sign(
            &one.signing_key().unwrap(),
            "t",
            "k",
            &serde_json::json!({"a": 1}),
        )
        .unwrap();
        let key = one.jwk().unwrap().verifying_key().unwrap();
        jws::parse(&token, "t")
            .unwrap()
            .verify::<serde_json::Value>(&key)
            .unwrap();
    }

    #[test]
    fn nothing_of_it_is_printed() {
        let shown = format!("{:?}", secrets());
        assert!(
            !shown.contains("at-1") && !shown.contains("rrr") && !shown.contains("idt-1"),
            "{shown}"
        );
    }

    #[test]
    fn a_newer_version_is_left_alone_and_damage_is_named_without_quoting() {
        let read = |text: &str| Secrets::from_bytes(&SecretBytes::new(text.into())).unwrap_err();
        assert_eq!(
            read(r#"{"v":2,"secret":"s3cret"}"#),
            VaultError::TooNew { version: 2 }
        );
        for damaged in [
            "",
            "s3cret",
            r#"{"v":1,"device_key":"s3cret"}"#,
            r#"{"v":1,"device_key":{"s3cret":1}}"#,
        ] {
            let error = read(damaged);
            assert!(
                matches!(error, VaultError::Corrupt { .. }),
                "{damaged}: {error:?}"
            );
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }
}
