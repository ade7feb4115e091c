//! What a product says about itself.

use std::path::PathBuf;

use latchkey_core::jws::Jwk;
use latchkey_core::registration::{Registration, RegistrationError, is_product_key, is_service};
use latchkey_ipc::address::{Address, AddressError};
use latchkey_ipc::settings::Settings;
use latchkey_words::Words;

use crate::licence::Licence;
use crate::status::Denied;

/// The caller's mistake (code 22), named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidArgument {
    /// Not a product key.
    #[error("the product key must be 1 to 64 of A-Z, 0-9, - and _")]
    Key,
    /// Not a version.
    #[error("the version must be 1 to 64 bytes of text without control characters")]
    Version,
    /// Not the address of a licensing service.
    #[error("the service must be https, or http to a literal loopback address, without a trailing slash")]
    Service,
    /// Not root keys.
    #[error("the root keys must be Ed25519 public keys as JWKs, at least one: {0}")]
    RootKeys(String),
    /// Not a folder that an agent can listen in.
    #[error("{0}")]
    Folder(String),
    /// Not a registration.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
}

/// The vendor's root keys, which a product is built with: every trust begins here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootKeys(Vec<Jwk>);

impl RootKeys {
    /// These keys.
    ///
    /// # Errors
    /// [`InvalidArgument::RootKeys`] when there is none, or one is not a usable Ed25519 public key.
    pub fn new(keys: impl Into<Vec<Jwk>>) -> Result<Self, InvalidArgument> {
        let keys = keys.into();
        if keys.is_empty() {
            return Err(InvalidArgument::RootKeys("there is none".into()));
        }
        match keys
            .iter()
            .position(|key| key.crv != "Ed25519" || key.verifying_key().is_err())
        {
            Some(index) => Err(InvalidArgument::RootKeys(format!("key {} is none", index + 1))),
            None => Ok(Self(keys)),
        }
    }

    /// The keys of a JWK set (RFC 7517 section 5), or of a JSON array of JWKs.
    ///
    /// # Errors
    /// [`InvalidArgument::RootKeys`].
    pub fn from_json(json: &str) -> Result<Self, InvalidArgument> {
        let unreadable = |error: serde_json::Error| InvalidArgument::RootKeys(error.to_string());
        let mut document: serde_json::Value = serde_json::from_str(json).map_err(unreadable)?;
        let keys = document
            .get_mut("keys")
            .map(serde_json::Value::take)
            .unwrap_or(document);
        Self::new(serde_json::from_value::<Vec<Jwk>>(keys).map_err(unreadable)?)
    }

    pub(crate) fn as_slice(&self) -> &[Jwk] {
        &self.0
    }
}

/// A product that needs a licence.
#[derive(Clone, Debug)]
pub struct Product {
    pub(crate) key: String,
    pub(crate) version: String,
    pub(crate) roots: RootKeys,
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) registration: Option<Box<Registration>>,
    address: Option<Address>,
    language: Option<String>,
}

impl Product {
    /// A product that its installer registers on the machine.
    ///
    /// # Errors
    /// [`InvalidArgument`], naming what is wrong.
    pub fn new(key: &str, version: &str, roots: RootKeys, service: &str) -> Result<Self, InvalidArgument> {
        if !is_product_key(key) {
            return Err(InvalidArgument::Key);
        }
        if version.is_empty() || version.len() > 64 || version.chars().any(char::is_control) {
            return Err(InvalidArgument::Version);
        }
        if !is_service(service) {
            return Err(InvalidArgument::Service);
        }
        Ok(Self {
            key: key.to_owned(),
            version: version.to_owned(),
            roots,
            service: service.to_owned(),
            name: key.to_owned(),
            registration: None,
            address: None,
            language: None,
        })
    }

    /// A product that registers itself where no installer has done so.
    ///
    /// # Errors
    /// [`InvalidArgument`], naming what is wrong.
    pub fn from_registration(registration: Registration) -> Result<Self, InvalidArgument> {
        registration.validate()?;
        let roots = RootKeys::new(registration.root_keys.clone())?;
        let product = Self::new(
            &registration.product,
            &registration.version,
            roots,
            &registration.service,
        )?;
        Ok(Self {
            name: registration.name.clone(),
            registration: Some(Box::new(registration)),
            ..product
        })
    }

    /// What people call the product, in the sentences of a [`Status`](crate::Status). Its key, if nothing is said here.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..self
        }
    }

    /// The language of those sentences (BCP 47), for a product that speaks another than the system does.
    #[must_use]
    pub fn in_language(self, locale: &str) -> Self {
        Self {
            language: Some(locale.to_owned()),
            ..self
        }
    }

    /// Talks to the agent that listens in this folder, for a product in a sandbox that sees it elsewhere. For a whole
    /// process the variable `LATCHKEY_SOCKET_DIR` does the same.
    ///
    /// # Errors
    /// [`InvalidArgument::Folder`].
    pub fn with_agent_in(self, folder: impl Into<PathBuf>) -> Result<Self, InvalidArgument> {
        let address =
            Address::in_folder(folder).map_err(|error| InvalidArgument::Folder(error.to_string()))?;
        Ok(Self {
            address: Some(address),
            ..self
        })
    }

    /// Begins to reach the agent, and starts it where it does not run. Does not wait for it: that is what
    /// [`Licence::authorize`] does.
    ///
    /// # Errors
    /// [`Denied`] with code 20, when this process cannot start a thread.
    pub fn open(self) -> Result<Licence, Denied> {
        Licence::open(self)
    }

    pub(crate) fn address(&self) -> Result<Address, AddressError> {
        self.address.clone().map_or_else(Address::of_user, Ok)
    }

    pub(crate) fn words(&self) -> Words {
        let set = || Settings::read().language.map(|language| language.value);
        self.language
            .clone()
            .or_else(set)
            .map_or_else(Words::system, |locale| Words::for_locale(&locale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> Jwk {
        Jwk::ed25519(&ed25519_dalek::SigningKey::from_bytes(&[1; 32]).verifying_key())
    }

    #[test]
    fn a_mistake_is_named() {
        let roots = RootKeys::new(vec![root()]).unwrap();
        let new = |key, version, service| Product::new(key, version, roots.clone(), service).err();
        assert_eq!(new("ATLAS", "2026.1", "https://licence.example"), None);
        assert_eq!(
            new("atlas", "2026.1", "https://licence.example"),
            Some(InvalidArgument::Key)
        );
        assert_eq!(
            new("ATLAS", "", "https://licence.example"),
            Some(InvalidArgument::Version)
        );
        assert_eq!(
            new("ATLAS", "1", "http://licence.example"),
            Some(InvalidArgument::Service)
        );
        assert!(matches!(RootKeys::new([]), Err(InvalidArgument::RootKeys(_))));
        let curve = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
        let keys = [root(), Jwk::p256(curve.verifying_key())];
        assert_eq!(
            RootKeys::new(keys),
            Err(InvalidArgument::RootKeys("key 2 is none".into()))
        );
    }

    #[test]
    fn root_keys_are_read_as_a_set_and_as_an_array() {
        let array = serde_json::to_string(&[root()]).unwrap();
        let keys = RootKeys::new(vec![root()]).unwrap();
        assert_eq!(RootKeys::from_json(&array), Ok(keys.clone()));
        assert_eq!(RootKeys::from_json(&format!(r#"{{"keys": {array}}}"#)), Ok(keys));
        assert!(RootKeys::from_json("{}").is_err());
        assert!(RootKeys::from_json("no JSON").is_err());
    }
}
