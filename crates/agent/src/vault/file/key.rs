//! The key that a passphrase makes, and what it encrypts.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key as CipherKey, XChaCha20Poly1305, XNonce};
use latchkey_core::jws::{base64url, from_base64url};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::secret::{SecretBytes, SecretText};
use crate::vault::VaultError;

/// What a new file costs whoever guesses: the second choice of RFC 9106, well above what OWASP asks for.
const COST: Cost = Cost {
    memory_kib: 64 * 1024,
    passes: 3,
    lanes: 1,
};
/// What a file may ask for: a header that somebody has changed must not exhaust this machine.
const MOST: Cost = Cost {
    memory_kib: 1024 * 1024,
    passes: 64,
    lanes: 16,
};
const SALT: usize = 16;
const KEY: usize = 32;
const NONCE: usize = 24;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// How a passphrase becomes a key: as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lock {
    /// Always `argon2id`.
    kdf: String,
    #[serde(flatten)]
    cost: Cost,
    salt: String,
    /// The half of what the passphrase makes that encrypts nothing: it tells a wrong passphrase from a damaged file.
    check: String,
}

/// One encrypted entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sealed {
    nonce: String,
    #[serde(rename = "box")]
    sealed: String,
}

/// The key of a file, while it is unlocked. Wiped when it goes.
pub(super) struct Key {
    lock: Lock,
    key: Zeroizing<[u8; KEY]>,
}

impl Key {
    /// The key of a new file.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`] when the system has no randomness or not enough memory.
    pub(super) fn choose(passphrase: &SecretText) -> Result<Self, VaultError> {
        let salt = random::<SALT>()?;
        let (key, check) = derive(passphrase, &salt, COST)?;
        let lock = Lock {
            kdf: "argon2id".to_owned(),
            cost: COST,
            salt: base64url(salt),
            check: base64url(check),
        };
        Ok(Self { lock, key })
    }

    /// The key of a file that is there.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`], and [`VaultError::Corrupt`] when the header asks for what no file of ours does.
    pub(super) fn open(lock: &Lock, passphrase: &SecretText) -> Result<Self, VaultError> {
        let too_much = lock.cost.memory_kib > MOST.memory_kib
            || lock.cost.passes > MOST.passes
            || lock.cost.lanes > MOST.lanes;
        if lock.kdf != "argon2id" || too_much {
            return Err(corrupt("its key is made in no way that is known"));
        }
        let salt = from_base64url(&lock.salt).ok_or_else(|| corrupt("its salt is not readable"))?;
        let (key, check) = derive(passphrase, &salt, lock.cost)?;
        if base64url(check) != lock.check {
            return Err(VaultError::WrongPassphrase);
        }
        let lock = lock.clone();
        Ok(Self { lock, key })
    }

    /// How it is made anew.
    pub(super) const fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Encrypts an entry, bound to its name.
    ///
    /// # Errors
    /// [`VaultError::Unavailable`] when the system has no randomness.
    pub(super) fn seal(&self, name: &str, value: &SecretBytes) -> Result<Sealed, VaultError> {
        let nonce = random::<NONCE>()?;
        let aad = bound_to(name);
        let payload = Payload {
            msg: value.expose(),
            aad: aad.as_bytes(),
        };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload);
        Ok(Sealed {
            nonce: base64url(nonce),
            sealed: base64url(sealed.map_err(|_| corrupt("an entry is too long"))?),
        })
    }

    /// Decrypts an entry.
    ///
    /// # Errors
    /// [`VaultError::Corrupt`].
    pub(super) fn unseal(&self, name: &str, entry: &Sealed) -> Result<SecretBytes, VaultError> {
        let damaged = || corrupt("an entry does not decrypt");
        let nonce = from_base64url(&entry.nonce).ok_or_else(damaged)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| damaged())?;
        let sealed = from_base64url(&entry.sealed).ok_or_else(damaged)?;
        let aad = bound_to(name);
        let payload = Payload {
            msg: &sealed,
            aad: aad.as_bytes(),
        };
        let value = self.cipher().decrypt(&XNonce::from(nonce), payload);
        value.map(SecretBytes::new).map_err(|_| damaged())
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&CipherKey::from(*self.key))
    }
}

/// An entry does not decrypt in another's place.
fn bound_to(name: &str) -> String {
    format!("latchkey-vault 1 {name}")
}

type Derived = (Zeroizing<[u8; KEY]>, [u8; KEY]);

/// The key, and the other half.
fn derive(passphrase: &SecretText, salt: &[u8], cost: Cost) -> Result<Derived, VaultError> {
    let unusable = |_| corrupt("its key is made in no way that is known");
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(2 * KEY)).map_err(unusable)?;
    let mut memory = Zeroizing::new(Vec::new());
    memory
        .try_reserve_exact(params.block_count())
        .map_err(|error| VaultError::Unavailable {
            why: error.to_string(),
        })?;
    memory.resize(params.block_count(), Block::default());
    let mut made = Zeroizing::new([0; 2 * KEY]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(
            passphrase.expose().as_bytes(),
            salt,
            made.as_mut(),
            memory.as_mut_slice(),
        )
        .map_err(unusable)?;
    let (mut key, mut check) = (Zeroizing::new([0; KEY]), [0; KEY]);
    let (first, second) = made.split_at(KEY);
    key.copy_from_slice(first);
    check.copy_from_slice(second);
    Ok((key, check))
}

fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| VaultError::Unavailable {
        why: error.to_string(),
    })?;
    Ok(bytes)
}

pub(super) fn corrupt(why: &str) -> VaultError {
    VaultError::Corrupt { why: why.to_owned() }
}
