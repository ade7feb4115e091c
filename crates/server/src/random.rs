//! Names and secrets that nobody can guess.

use latchkey_core::jws::base64url;
use zeroize::Zeroizing;

/// The operating system gave no random bytes. Nothing can be signed or named without.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the operating system gives no random bytes: {0}")]
pub struct NoEntropy(#[from] getrandom::Error);

/// Crockford's alphabet in small letters: no `i`, `l`, `o`, `u`, so that an id can be read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A new opaque id of 80 random bits: `prefix`, an underscore, 16 characters.
///
/// # Errors
/// [`NoEntropy`].
pub fn id(prefix: &str) -> Result<String, NoEntropy> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(spell(prefix, &bytes))
}

/// An id of these bytes, of which the first 16 count, and 5 bits of each.
pub fn spell(prefix: &str, bytes: &[u8]) -> String {
    let letters = bytes
        .iter()
        .take(16)
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    [prefix, "_"]
        .into_iter()
        .flat_map(str::chars)
        .chain(letters)
        .collect()
}

/// A new token id (`jti`) of 128 random bits, base64url.
///
/// # Errors
/// [`NoEntropy`].
pub fn jti() -> Result<String, NoEntropy> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(base64url(bytes))
}

/// 256 secret random bits.
///
/// # Errors
/// [`NoEntropy`].
pub fn secret() -> Result<Zeroizing<[u8; 32]>, NoEntropy> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    getrandom::fill(bytes.as_mut())?;
    Ok(bytes)
}

/// A number below `bound`, as good as even. `bound` must not be zero.
///
/// # Errors
/// [`NoEntropy`].
pub fn below(bound: u16) -> Result<u16, NoEntropy> {
    let mut bytes = [0_u8; 4];
    getrandom::fill(&mut bytes)?;
    let drawn = u32::from_le_bytes(bytes) % u32::from(bound);
    Ok(u16::try_from(drawn).unwrap_or(0))
}
