//! Where the secrets of a sign-in are kept, and what may stand between them and the agent.

use serde::{Deserialize, Serialize};

use crate::jws::Thumbprint;
use crate::view::Problem;

/// Where tokens and device keys are kept. Somebody chooses it, and nothing else is ever fallen back to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VaultKind {
    /// The system's keyring.
    #[default]
    Keyring,
    /// A file that a passphrase encrypts.
    File,
    /// The agent's memory: they end with the agent.
    Memory,
}

impl VaultKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Keyring, Self::File, Self::Memory];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File => "file",
            Self::Memory => "memory",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What stands between the agent and the secrets. None of it says anything about what they are, and nobody is signed out
/// over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultTrouble {
    /// It is locked, and nobody is being asked.
    Locked,
    /// It is locked, and its prompt is open.
    Prompting,
    /// It is the file, and nobody has chosen its passphrase yet.
    NoPassphrase,
    /// It is the file, and the file that names its passphrase is no good.
    PassphraseFile,
    /// There is none, or it cannot be reached.
    Unavailable,
    /// It does not answer in time.
    Hung,
    /// It gives what it has, and takes nothing new.
    ReadOnly,
    /// What it has is not what was put there.
    Damaged,
    /// A newer Latchkey wrote what it has.
    TooNew,
}

impl VaultTrouble {
    /// Whether the user ends it, by unlocking something (rule 17 says for how long they are awaited).
    pub const fn awaits_user(self) -> bool {
        matches!(
            self,
            Self::Locked | Self::Prompting | Self::NoPassphrase | Self::PassphraseFile
        )
    }

    /// Whether it says nothing at all, and nobody is asked for anything.
    pub const fn is_silent(self) -> bool {
        matches!(self, Self::Unavailable | Self::Hung)
    }

    /// What the user is told.
    pub const fn problem(self) -> Problem {
        match self {
            Self::Locked => Problem::VaultLocked,
            Self::Prompting => Problem::VaultPrompting,
            Self::NoPassphrase => Problem::PassphraseNotSet,
            Self::PassphraseFile => Problem::PassphraseFile,
            Self::Unavailable => Problem::VaultUnavailable,
            Self::Hung => Problem::VaultHung,
            Self::ReadOnly => Problem::VaultReadOnly,
            Self::Damaged => Problem::VaultDamaged,
            Self::TooNew => Problem::VaultTooNew,
        }
    }

    /// The stable key of that.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Locked => "vault_locked",
            Self::Prompting => "vault_prompting",
            Self::NoPassphrase => "passphrase_not_set",
            Self::PassphraseFile => "passphrase_file",
            Self::Unavailable => "vault_unavailable",
            Self::Hung => "vault_hung",
            Self::ReadOnly => "vault_read_only",
            Self::Damaged => "vault_damaged",
            Self::TooNew => "vault_too_new",
        }
    }
}

/// What is known of the device key of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// The agent has this one.
    Held(Thumbprint),
    /// The vault is open and has no such entry: somebody removed it, or it was in the memory of an agent that has ended.
    Gone,
    /// The vault does not give it yet: it is locked, or not there.
    Awaited,
    /// The entry is there and cannot be read.
    Unreadable(VaultTrouble),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_problem_as_it_is_written() {
        for trouble in [
            VaultTrouble::Locked,
            VaultTrouble::Prompting,
            VaultTrouble::NoPassphrase,
            VaultTrouble::PassphraseFile,
            VaultTrouble::Unavailable,
            VaultTrouble::Hung,
            VaultTrouble::ReadOnly,
            VaultTrouble::Damaged,
            VaultTrouble::TooNew,
        ] {
            let written = serde_json::to_value(trouble.problem()).unwrap();
            assert_eq!(written, trouble.key());
        }
    }

    #[test]
    fn a_kind_is_named_as_it_is_written() {
        for kind in VaultKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert_eq!(VaultKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(VaultKind::from_name("plain"), None);
    }
}
