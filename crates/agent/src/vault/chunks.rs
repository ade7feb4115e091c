//! A value of any length in blobs of a limited one, written so that a crash at any point leaves the old value or the
//! new one.
//!
//! The chunks of a value stand in one of two slots, and a manifest under the entry's own name says in which, how many
//! there are and what their checksum is. A write fills the other slot and replaces the manifest last.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use latchkey_core::jws::base64url;

use super::VaultError;
use crate::secret::SecretBytes;

/// Windows' limit (`CRED_MAX_CREDENTIAL_BLOB_SIZE`), in bytes.
const LONGEST_BLOB: usize = 5 * 512;
/// More chunks than any value of ours has. A manifest that names more is damaged.
const MOST_CHUNKS: usize = 400;

/// A store of small blobs, each of which is replaced atomically.
pub(super) trait Blobs {
    /// Reads a blob.
    fn read(&mut self, name: &str) -> Result<Option<SecretBytes>, VaultError>;
    /// Writes a blob of at most [`LONGEST_BLOB`] bytes.
    fn write(&mut self, name: &str, value: &[u8]) -> Result<(), VaultError>;
    /// Deletes a blob. That there is none is no error.
    fn delete(&mut self, name: &str) -> Result<(), VaultError>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Slot {
    A,
    B,
}

impl Slot {
    const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    fn chunk(self, name: &str, index: usize) -> String {
        let slot = match self {
            Self::A => 'a',
            Self::B => 'b',
        };
        format!("{name}:{slot}{index}")
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    slot: Slot,
    chunks: usize,
    /// SHA-256 of the whole value, base64url.
    sha256: String,
}

fn manifest(blobs: &mut impl Blobs, name: &str) -> Result<Option<Manifest>, VaultError> {
    let Some(bytes) = blobs.read(name)? else {
        return Ok(None);
    };
    serde_json::from_slice(bytes.expose())
        .ok()
        .filter(|manifest: &Manifest| manifest.chunks <= MOST_CHUNKS)
        .map(Some)
        .ok_or_else(|| corrupt("its manifest is not readable"))
}

/// Reads a value; `None` when there is no manifest.
pub(super) fn read(blobs: &mut impl Blobs, name: &str) -> Result<Option<SecretBytes>, VaultError> {
    let Some(manifest) = manifest(blobs, name)? else {
        return Ok(None);
    };
    let mut value = zeroize::Zeroizing::new(Vec::with_capacity(manifest.chunks * LONGEST_BLOB));
    for index in 0..manifest.chunks {
        let chunk = blobs
            .read(&manifest.slot.chunk(name, index))?
            .ok_or_else(|| corrupt("a part of it is missing"))?;
        value.extend_from_slice(chunk.expose());
    }
    if base64url(Sha256::digest(&*value)) != manifest.sha256 {
        return Err(corrupt("its checksum does not fit"));
    }
    Ok(Some(SecretBytes::new(std::mem::take(&mut value))))
}

/// Writes a value.
pub(super) fn write(blobs: &mut impl Blobs, name: &str, value: &SecretBytes) -> Result<(), VaultError> {
    let before = match manifest(blobs, name) {
        Ok(before) => before,
        // What is damaged is replaced.
        Err(VaultError::Corrupt { .. }) => None,
        Err(error) => return Err(error),
    };
    let slot = before.as_ref().map_or(Slot::A, |before| before.slot.other());
    let mut chunks = 0;
    for chunk in value.expose().chunks(LONGEST_BLOB) {
        blobs.write(&slot.chunk(name, chunks), chunk)?;
        chunks += 1;
    }
    let manifest = Manifest {
        slot,
        chunks,
        sha256: base64url(Sha256::digest(value.expose())),
    };
    let manifest = serde_json::to_vec(&manifest).map_err(|_| corrupt("its manifest does not serialise"))?;
    blobs.write(name, &manifest)?;
    if let Some(before) = before {
        clear(blobs, name, before.slot)?;
    }
    Ok(())
}

/// Deletes a value, the manifest first.
pub(super) fn delete(blobs: &mut impl Blobs, name: &str) -> Result<(), VaultError> {
    blobs.delete(name)?;
    clear(blobs, name, Slot::A)?;
    clear(blobs, name, Slot::B)
}

/// Deletes the chunks of a slot that no manifest names any more, those of an interrupted write included. The last one first: what is
/// left where this is interrupted is a beginning without a gap, which the next one finds.
fn clear(blobs: &mut impl Blobs, name: &str, slot: Slot) -> Result<(), VaultError> {
    let mut chunks = Vec::new();
    for index in 0..MOST_CHUNKS {
        let chunk = slot.chunk(name, index);
        if blobs.read(&chunk)?.is_none() {
            break;
        }
        chunks.push(chunk);
    }
    chunks.iter().rev().try_for_each(|chunk| blobs.delete(chunk))
}

fn corrupt(why: &str) -> VaultError {
    VaultError::Corrupt { why: why.into() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Blobs in memory, which fail after so many writes and deletions.
    #[derive(Default)]
    struct Memory {
        blobs: BTreeMap<String, Vec<u8>>,
        power: Option<usize>,
    }

    impl Memory {
        fn spend(&mut self) -> Result<(), VaultError> {
            match &mut self.power {
                Some(0) => Err(VaultError::Unavailable {
                    why: "power cut".into(),
                }),
                Some(left) => {
                    *left -= 1;
                    Ok(())
                }
                None => Ok(()),
            }
        }
    }

    impl Blobs for Memory {
        fn read(&mut self, name: &str) -> Result<Option<SecretBytes>, VaultError> {
            Ok(self.blobs.get(name).cloned().map(SecretBytes::new))
        }
        fn write(&mut self, name: &str, value: &[u8]) -> Result<(), VaultError> {
            assert!(value.len() <= 2_560);
            self.spend()?;
            self.blobs.insert(name.into(), value.to_vec());
            Ok(())
        }
        fn delete(&mut self, name: &str) -> Result<(), VaultError> {
            self.spend()?;
            self.blobs.remove(name);
            Ok(())
        }
    }

    fn value(letter: u8, len: usize) -> SecretBytes {
        SecretBytes::new(vec![letter; len])
    }

    #[test]
    fn values_of_every_length_come_back() {
        let mut blobs = Memory::default();
        assert_eq!(read(&mut blobs, "x").unwrap(), None);
        for len in [0, 1, 2_559, 2_560, 2_561, 6_000, 20_000, 100] {
            write(&mut blobs, "x", &value(b'v', len)).unwrap();
            assert_eq!(read(&mut blobs, "x").unwrap(), Some(value(b'v', len)), "{len}");
        }
        assert_eq!(
            blobs.blobs.len(),
            2,
            "only the manifest and one chunk are left: {:?}",
            blobs.blobs.keys()
        );
        delete(&mut blobs, "x").unwrap();
        assert!(blobs.blobs.is_empty());
    }

    #[test]
    fn a_write_that_is_torn_anywhere_leaves_the_old_value_or_the_new_one() {
        for power in 0..9 {
            let mut blobs = Memory::default();
            write(&mut blobs, "x", &value(b'a', 3_000)).unwrap();
            write(&mut blobs, "x", &value(b'o', 7_000)).unwrap();
            blobs.power = Some(power);
            let written = write(&mut blobs, "x", &value(b'n', 6_000));
            let kept = read(&mut blobs, "x").unwrap().unwrap();
            if written.is_ok() || power > 3 {
                assert_eq!(kept, value(b'n', 6_000), "after {power}");
            } else {
                assert_eq!(kept, value(b'o', 7_000), "after {power}");
            }
            blobs.power = None;
            write(&mut blobs, "x", &value(b'l', 100)).unwrap();
            assert_eq!(
                read(&mut blobs, "x").unwrap(),
                Some(value(b'l', 100)),
                "after {power}"
            );
        }
    }

    #[test]
    fn a_deletion_that_is_cut_off_anywhere_is_finished_by_the_next() {
        for power in 0..5 {
            let mut blobs = Memory::default();
            write(&mut blobs, "x", &value(b'o', 7_000)).unwrap();
            blobs.power = Some(power);
            let cut_off = delete(&mut blobs, "x");
            assert_eq!(cut_off.is_err(), power < 4, "after {power}");
            blobs.power = None;
            delete(&mut blobs, "x").unwrap();
            assert!(blobs.blobs.is_empty(), "after {power}: {:?}", blobs.blobs.keys());
        }
    }

    #[test]
    fn damage_is_named_and_a_new_value_replaces_it() {
        for (name, damage) in [("x", &b"{"[..]), ("x:a1", b"other"), ("x:a0", b"")] {
            let mut blobs = Memory::default();
            write(&mut blobs, "x", &value(b'o', 3_000)).unwrap();
            blobs.blobs.insert(name.into(), damage.to_vec());
            assert!(
                matches!(read(&mut blobs, "x"), Err(VaultError::Corrupt { .. })),
                "{name}"
            );
            write(&mut blobs, "x", &value(b'n', 3_000)).unwrap();
            assert_eq!(read(&mut blobs, "x").unwrap(), Some(value(b'n', 3_000)));
        }
    }
}
