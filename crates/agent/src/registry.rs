//! The registered products: one JSON file each, the user's own and the machine's.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use latchkey_core::registration::{Registration, RegistrationError};

use crate::os::Folders;
use crate::store::make_private;

/// A file longer than this is no registration.
const LONGEST: u64 = 64 * 1024;

/// Why a registration was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// It is not acceptable.
    #[error(transparent)]
    Invalid(#[from] RegistrationError),
    /// Another vendor's product has the same key, and comes first.
    #[error("{product} is registered for this machine already, by {publisher}")]
    Taken {
        /// The product key.
        product: String,
        /// Who registered it.
        publisher: String,
    },
    /// The disk does not take it.
    #[error("the registration could not be written: {0}")]
    Io(#[from] io::Error),
}

/// Where registrations are.
#[derive(Clone, Debug)]
pub struct Registry {
    own: PathBuf,
    machine: Vec<PathBuf>,
}

impl Registry {
    /// In these folders.
    pub fn new(folders: &Folders) -> Self {
        Self {
            own: folders.own_products.clone(),
            machine: folders.machine_products.clone(),
        }
    }

    /// Every registration that is acceptable. What an installer registered for the machine comes before what the
    /// user's programs did, so that no program of the user can put other root keys in front of an installed product.
    pub fn read(&self) -> Vec<Registration> {
        let mut all: Vec<Registration> = Vec::new();
        for folder in self.machine.iter().chain([&self.own]) {
            for registration in read_folder(folder) {
                let same_product = all.iter().find(|known| known.product == registration.product);
                let foreign = same_product.is_some_and(|known| known.service != registration.service);
                let known = all.iter().any(|known| {
                    known.product == registration.product && known.version == registration.version
                });
                if foreign {
                    tracing::warn!(
                        product = registration.product,
                        "another service's registration comes first"
                    );
                } else if !known {
                    all.push(registration);
                }
            }
        }
        all
    }

    /// Writes a registration for this user.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub fn register(&self, registration: &Registration) -> Result<(), RegistryError> {
        registration.validate()?;
        let before = self
            .read()
            .into_iter()
            .find(|known| known.product == registration.product && known.service != registration.service);
        if let Some(before) = before {
            let on_machine = self.machine.iter().flat_map(|folder| read_folder(folder));
            if on_machine
                .into_iter()
                .any(|known| known.product == registration.product)
            {
                return Err(RegistryError::Taken {
                    product: before.product,
                    publisher: before.publisher,
                });
            }
        }
        make_private(&self.own)?;
        let path = self
            .own
            .join(file_name(&registration.product, &registration.version));
        let mut file = tempfile::NamedTempFile::new_in(&self.own)?;
        serde_json::to_writer_pretty(&mut file, registration).map_err(io::Error::from)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        // The user's own product may have moved to another service: its older versions go with it, now that the new one is there.
        self.remove(|known| known.product == registration.product && known.service != registration.service)?;
        Ok(())
    }

    /// Takes the user's own registrations of a product away: of one version, or of every one. Says whether there was any.
    ///
    /// # Errors
    /// What the system says.
    pub fn deregister(&self, product: &str, version: Option<&str>) -> io::Result<bool> {
        self.remove(|known| {
            known.product == product && version.is_none_or(|version| version == known.version)
        })
    }

    fn remove(&self, which: impl Fn(&Registration) -> bool) -> io::Result<bool> {
        let mut any = false;
        for path in files(&self.own) {
            if read_file(&path).is_some_and(|known| which(&known)) {
                fs::remove_file(path)?;
                any = true;
            }
        }
        Ok(any)
    }
}

/// A name that any file system takes: the version is free text, so whatever is not plain is spelled out.
fn file_name(product: &str, version: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    let version: String = version
        .bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("_{byte:02x}")
            }
        })
        .collect();
    format!("{product}@{version}.json")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

fn read_folder(folder: &Path) -> Vec<Registration> {
    files(folder).iter().filter_map(|path| read_file(path)).collect()
}

fn read_file(path: &Path) -> Option<Registration> {
    let read = || -> Result<Registration, String> {
        let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
        if size > LONGEST {
            return Err(format!("{size} bytes are too many for a registration"));
        }
        let text = fs::read(path).map_err(|error| error.to_string())?;
        let registration: Registration = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        let Err(error) = registration.validate() else {
            return Ok(registration);
        };
        // What a newer vendor has signed may be read by a newer agent alone; the product is installed all the same.
        let plain = registration.unsigned();
        plain.validate().map_err(|error| error.to_string())?;
        tracing::warn!(path = %path.display(), %error, "what is signed of the registration does not count");
        Ok(plain)
    };
    read()
        .map_err(|error| tracing::warn!(path = %path.display(), error, "not a registration"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_core::jws::Jwk;

    fn registration(product: &str, version: &str, service: &str) -> Registration {
        let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
        Registration {
            registration: 1,
            product: product.into(),
            version: version.into(),
            name: "Atlas".into(),
            publisher: "Northwind".into(),
            service: service.into(),
            root_keys: vec![Jwk::ed25519(&key.verifying_key())],
            first_start: None,
            keys: None,
        }
    }

    #[test]
    fn registered_read_and_taken_away() {
        let temporary = tempfile::tempdir().unwrap();
        let registry = Registry {
            own: temporary.path().join("own"),
            machine: vec![temporary.path().join("all")],
        };
        registry
            .register(&registration("ATLAS", "2026.1", "https://a.example"))
            .unwrap();
        registry
            .register(&registration("ATLAS", "../2025 β", "https://a.example"))
            .unwrap();
        fs::write(registry.own.join("broken.json"), "{").unwrap();
        assert_eq!(registry.read().len(), 2);
        assert!(registry.deregister("ATLAS", Some("2026.1")).unwrap());
        assert_eq!(registry.read().len(), 1);
        assert!(registry.deregister("ATLAS", None).unwrap());
        assert!(!registry.deregister("ATLAS", None).unwrap());
    }

    #[test]
    fn a_product_that_moves_to_another_service_is_registered_all_the_time() {
        let temporary = tempfile::tempdir().unwrap();
        let registry = Registry {
            own: temporary.path().to_owned(),
            machine: Vec::new(),
        };
        let before = registration("ATLAS", "1", "https://a.example");
        registry.register(&before).unwrap();
        let in_the_way = temporary.path().join(file_name("ATLAS", "2"));
        fs::create_dir(&in_the_way).unwrap();
        let moved = registration("ATLAS", "2", "https://b.example");
        registry.register(&moved).unwrap_err();
        assert_eq!(registry.read(), std::slice::from_ref(&before));
        fs::remove_dir(in_the_way).unwrap();
        registry.register(&moved).unwrap();
        assert_eq!(registry.read(), [moved]);
    }

    #[test]
    fn a_user_cannot_put_other_keys_before_an_installed_product() {
        let temporary = tempfile::tempdir().unwrap();
        let registry = Registry {
            own: temporary.path().join("own"),
            machine: vec![temporary.path().join("all")],
        };
        fs::create_dir_all(&registry.machine[0]).unwrap();
        let installed = serde_json::to_vec(&registration("ATLAS", "1", "https://a.example")).unwrap();
        fs::write(registry.machine[0].join("atlas.json"), installed).unwrap();
        let error = registry
            .register(&registration("ATLAS", "2", "https://b.example"))
            .unwrap_err();
        assert!(matches!(error, RegistryError::Taken { .. }), "{error}");
    }
}
