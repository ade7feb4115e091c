//! Names that nobody can guess.

use latchkey_core::jws::base64url;

/// 24 random bytes, base64url. Without the system's randomness there is no name: the empty string, which every
/// receiver refuses.
pub(crate) fn id() -> String {
    let mut bytes = [0_u8; 24];
    match getrandom::fill(&mut bytes) {
        Ok(()) => base64url(bytes),
        Err(_) => String::new(),
    }
}
