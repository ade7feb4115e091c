//! Values that must not be printed: tokens, keys, and whatever the vault holds.
//!
//! Their `Debug` shows nothing, their memory is wiped when they are dropped, and they have no `Serialize`: whoever
//! writes one somewhere says so, by [`SecretText::expose`] or [`expose`].

use std::fmt;

use serde::{Deserialize, Deserializer, Serializer};
use zeroize::Zeroizing;

/// Text that must not be printed: a token.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Keeps `text` from being printed.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// Writes the text itself: for `#[serde(serialize_with = "secret::expose")]` on what goes into the vault.
///
/// # Errors
/// The serializer's own.
pub fn expose<S: Serializer>(secret: &SecretText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// The same for text that may be absent.
///
/// # Errors
/// The serializer's own.
pub fn expose_option<S: Serializer>(secret: &Option<SecretText>, serializer: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(secret) => serializer.serialize_some(secret.expose()),
        None => serializer.serialize_none(),
    }
}

/// Bytes that must not be printed: a key, or an entry of the vault.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Keeps `bytes` from being printed.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes themselves.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let text = SecretText::new("hunter2".into());
        let bytes = SecretBytes::new(b"hunter2".to_vec());
        let shown = format!("{text:?} {:?} {bytes:?}", Some(&text));
        assert!(!shown.contains("hunter2") && !shown.contains("104"), "{shown}");
        assert_eq!(text.expose(), "hunter2");
    }
}
