//! The stable keys of what can go wrong. `latchkey-words` has a sentence and a next step for each.

use super::IdentityError;
use crate::http::{HttpError, TlsFault, Unreachable};
use crate::vault::VaultError;

/// The machine has no network.
pub const OFFLINE: &str = "offline";
/// The network wants the user to sign in to it first.
pub const NETWORK_SIGN_IN: &str = "network_sign_in";
/// The network's proxy wants a name and a password.
pub const PROXY_PASSWORD: &str = "proxy_password";
/// The network's proxy does not connect to the service.
pub const PROXY_REFUSES: &str = "proxy_refuses";
/// The network's proxy does not answer.
pub const PROXY_UNREACHABLE: &str = "proxy_unreachable";
/// A certificate comes from an authority that this machine does not know.
pub const AUTHORITY_UNKNOWN: &str = "authority_unknown";
/// A certificate is not trusted.
pub const CERTIFICATE: &str = "certificate";
/// The machine's clock is wrong.
pub const CLOCK_WRONG: &str = "clock_wrong";
/// The identity service is out.
pub const IDENTITY_UNAVAILABLE: &str = "identity_unavailable";
/// It is not set up for Latchkey.
pub const PROVIDER_MISCONFIGURED: &str = "provider_misconfigured";
/// It reports an error.
pub const PROVIDER_ERROR: &str = "provider_error";
/// It sent something that is not believed.
pub const PROVIDER_UNTRUSTED: &str = "provider_untrusted";
/// It answered for another account than before.
pub const ACCOUNT_CHANGED: &str = "account_changed";
/// It does not offer sign-in by code.
pub const NO_DEVICE_CODE: &str = "no_device_code";
/// The callback's port is taken.
pub const CALLBACK_PORT: &str = "callback_port";
/// The sign-in was declined.
pub const ACCESS_DENIED: &str = "access_denied";
/// Nobody came back in time.
pub const EXPIRED: &str = "expired";
/// The keyring is locked.
pub const VAULT_LOCKED: &str = "vault_locked";
/// The keyring is locked, and its prompt is open.
pub const VAULT_PROMPTING: &str = "vault_prompting";
/// There is no keyring, or it cannot be reached.
pub const VAULT_UNAVAILABLE: &str = "vault_unavailable";
/// The keyring does not answer in time.
pub const VAULT_HUNG: &str = "vault_hung";
/// The keyring takes nothing new.
pub const VAULT_READ_ONLY: &str = "vault_read_only";
/// What the keyring has is damaged.
pub const VAULT_DAMAGED: &str = "vault_damaged";
/// A newer Latchkey wrote what the keyring has.
pub const VAULT_TOO_NEW: &str = "vault_too_new";
/// What the keyring had of a sign-in is gone.
pub const VAULT_ENTRY_GONE: &str = "vault_entry_gone";
/// The vault is a file without a passphrase yet.
pub const PASSPHRASE_NOT_SET: &str = "passphrase_not_set";
/// The file that holds the passphrase is no good.
pub const PASSPHRASE_FILE: &str = "passphrase_file";
/// The passphrase is not the right one.
pub const WRONG_PASSPHRASE: &str = "wrong_passphrase";
/// A passphrase has been chosen already.
pub const PASSPHRASE_SET: &str = "passphrase_set";
/// A passphrase that would be guessed.
pub const PASSPHRASE_TOO_SHORT: &str = "passphrase_too_short";
/// There is nothing that a passphrase would open.
pub const NOTHING_TO_UNLOCK: &str = "nothing_to_unlock";
/// The user must sign in again.
pub const SIGN_IN_AGAIN: &str = "sign_in_again";
/// Something of the same kind is still going on.
pub const BUSY: &str = "busy";
/// The state folder cannot be written.
pub const STATE_NOT_SAVED: &str = "state_not_saved";

/// Every key of this room.
pub const ALL: &[&str] = &[
    OFFLINE,
    NETWORK_SIGN_IN,
    PROXY_PASSWORD,
    PROXY_REFUSES,
    PROXY_UNREACHABLE,
    AUTHORITY_UNKNOWN,
    CERTIFICATE,
    CLOCK_WRONG,
    IDENTITY_UNAVAILABLE,
    PROVIDER_MISCONFIGURED,
    PROVIDER_ERROR,
    PROVIDER_UNTRUSTED,
    ACCOUNT_CHANGED,
    NO_DEVICE_CODE,
    CALLBACK_PORT,
    ACCESS_DENIED,
    EXPIRED,
    VAULT_LOCKED,
    VAULT_PROMPTING,
    VAULT_UNAVAILABLE,
    VAULT_HUNG,
    VAULT_READ_ONLY,
    VAULT_DAMAGED,
    VAULT_TOO_NEW,
    VAULT_ENTRY_GONE,
    PASSPHRASE_NOT_SET,
    PASSPHRASE_FILE,
    WRONG_PASSPHRASE,
    PASSPHRASE_SET,
    PASSPHRASE_TOO_SHORT,
    NOTHING_TO_UNLOCK,
    SIGN_IN_AGAIN,
    BUSY,
    STATE_NOT_SAVED,
];

impl IdentityError {
    /// The stable key.
    pub fn problem(&self) -> &'static str {
        match self {
            Self::Http(error) => of_http(error),
            Self::Busy { .. } | Self::Unavailable { .. } => IDENTITY_UNAVAILABLE,
            Self::CaptivePortal { .. } => NETWORK_SIGN_IN,
            Self::Misconfigured { .. } | Self::WrongIssuer { .. } | Self::UnsafeEndpoint { .. } => {
                PROVIDER_MISCONFIGURED
            }
            Self::NoDeviceCode => NO_DEVICE_CODE,
            Self::CallbackPort { .. } => CALLBACK_PORT,
            Self::Denied { .. } => ACCESS_DENIED,
            Self::Provider { .. } => PROVIDER_ERROR,
            Self::Expired => EXPIRED,
            Self::IdToken(super::IdTokenError::AccountChanged) => ACCOUNT_CHANGED,
            Self::CallbackIssuer { .. }
            | Self::TokenAnswer { .. }
            | Self::TokenType(_)
            | Self::MissingIdToken
            | Self::IdToken(_) => PROVIDER_UNTRUSTED,
            Self::Clock { .. } => CLOCK_WRONG,
        }
    }
}

fn of_http(error: &HttpError) -> &'static str {
    match error {
        HttpError::Unreachable { .. } => of_network(error).unwrap_or(IDENTITY_UNAVAILABLE),
        HttpError::TooLarge { .. } | HttpError::Redirected { .. } => PROVIDER_UNTRUSTED,
        HttpError::NotAllowed { .. } => PROVIDER_MISCONFIGURED,
        HttpError::Unusable { .. } => CERTIFICATE,
    }
}

/// The stable key of what stands between this machine and a service; `None` where it is the service that does not answer.
pub fn of_network(error: &HttpError) -> Option<&'static str> {
    let HttpError::Unreachable { kind, .. } = error else {
        return None;
    };
    if kind.looks_offline() {
        return Some(OFFLINE);
    }
    match (error.tls_fault(), kind) {
        (Some(TlsFault::Clock), _) => Some(CLOCK_WRONG),
        (Some(TlsFault::Authority), _) => Some(AUTHORITY_UNKNOWN),
        (Some(TlsFault::Other), _) => Some(CERTIFICATE),
        (None, Unreachable::ProxyPassword) => Some(PROXY_PASSWORD),
        (None, Unreachable::ProxyUnreachable(_)) => Some(PROXY_UNREACHABLE),
        (None, Unreachable::Proxy { .. }) => Some(PROXY_REFUSES),
        (None, _) => None,
    }
}

/// The stable key of what went wrong with the vault.
pub fn of_vault(error: &VaultError) -> &'static str {
    match error {
        VaultError::Locked => VAULT_LOCKED,
        VaultError::Prompting => VAULT_PROMPTING,
        VaultError::Unavailable { .. } => VAULT_UNAVAILABLE,
        VaultError::TimedOut => VAULT_HUNG,
        VaultError::ReadOnly { .. } => VAULT_READ_ONLY,
        VaultError::Corrupt { .. } => VAULT_DAMAGED,
        VaultError::TooNew { .. } => VAULT_TOO_NEW,
        VaultError::NoPassphrase => PASSPHRASE_NOT_SET,
        VaultError::PassphraseFile { .. } => PASSPHRASE_FILE,
        VaultError::WrongPassphrase => WRONG_PASSPHRASE,
        VaultError::PassphraseSet => PASSPHRASE_SET,
        VaultError::PassphraseTooShort => PASSPHRASE_TOO_SHORT,
        VaultError::NothingToUnlock => NOTHING_TO_UNLOCK,
    }
}
