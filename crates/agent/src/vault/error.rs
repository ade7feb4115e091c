//! Why the vault did not do what was asked, and how it was last seen.

use latchkey_core::vault::VaultTrouble;

/// Why the vault did not do what was asked. None of these says anything about what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The keyring is locked: the user has closed its prompt, or it cannot be shown.
    #[error("the keyring is locked")]
    Locked,
    /// The keyring is locked, and its prompt is open: it waits for the user.
    #[error("the keyring waits for its password")]
    Prompting,
    /// There is no keyring, or it cannot be reached.
    #[error("the keyring is not available: {why}")]
    Unavailable {
        /// What the system says.
        why: String,
    },
    /// The keyring did not answer by the deadline. What was asked may still happen.
    #[error("the keyring does not answer")]
    TimedOut,
    /// The keyring gives what it has, and takes nothing new.
    #[error("the keyring takes nothing new: {why}")]
    ReadOnly {
        /// What the system says.
        why: String,
    },
    /// What is in the vault is not what was put there.
    #[error("the keyring's entry is damaged: {why}")]
    Corrupt {
        /// What is wrong with it; never a part of it.
        why: String,
    },
    /// A newer Latchkey wrote the entry. It is left untouched.
    #[error("the keyring's entry is of version {version}, which a newer Latchkey wrote")]
    TooNew {
        /// Its version.
        version: u64,
    },
    /// The vault is a file, and nobody has chosen its passphrase yet.
    #[error("no passphrase has been chosen yet")]
    NoPassphrase,
    /// The passphrase is not the file's.
    #[error("the passphrase is not the right one")]
    WrongPassphrase,
    /// A passphrase has been chosen already, and is not replaced unasked.
    #[error("a passphrase has been chosen already")]
    PassphraseSet,
    /// A passphrase that a program would guess.
    #[error("the passphrase is too short")]
    PassphraseTooShort,
    /// The file that holds the passphrase is no good.
    #[error("the passphrase file cannot be used: {why}")]
    PassphraseFile {
        /// What is wrong with it; never a part of it.
        why: String,
    },
    /// This vault has no passphrase.
    #[error("there is nothing that a passphrase would open")]
    NothingToUnlock,
}

impl VaultError {
    /// What stands in the way of the secrets, where it is not the caller's mistake.
    pub const fn trouble(&self) -> Option<VaultTrouble> {
        match self {
            Self::Locked | Self::WrongPassphrase => Some(VaultTrouble::Locked),
            Self::Prompting => Some(VaultTrouble::Prompting),
            Self::NoPassphrase => Some(VaultTrouble::NoPassphrase),
            Self::PassphraseFile { .. } => Some(VaultTrouble::PassphraseFile),
            Self::Unavailable { .. } => Some(VaultTrouble::Unavailable),
            Self::TimedOut => Some(VaultTrouble::Hung),
            Self::ReadOnly { .. } => Some(VaultTrouble::ReadOnly),
            Self::Corrupt { .. } => Some(VaultTrouble::Damaged),
            Self::TooNew { .. } => Some(VaultTrouble::TooNew),
            Self::PassphraseSet | Self::PassphraseTooShort | Self::NothingToUnlock => None,
        }
    }
}

/// Whether the keyring can be reached, as the last call or probe saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Nothing has been tried yet.
    #[default]
    Unknown,
    /// The last call was answered.
    Ready,
    /// It is answered, and what was to be written last was not taken.
    ReadOnly,
    /// The keyring is locked, and its prompt is open.
    Prompting,
    /// The keyring is locked, and the user has closed its prompt or was never asked.
    Locked,
    /// The vault is a file without a passphrase yet.
    NoPassphrase,
    /// The vault is a file, and the file that holds its passphrase is no good.
    PassphraseFile,
    /// There is no keyring.
    Unavailable,
    /// It does not answer.
    Hung,
}

impl Access {
    /// Whether secrets can be read.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Ready | Self::ReadOnly)
    }

    /// Whether a person, or something they start, must come first.
    pub const fn is_locked(self) -> bool {
        matches!(
            self,
            Self::Prompting | Self::Locked | Self::NoPassphrase | Self::PassphraseFile
        )
    }

    /// What stands in the way of the secrets.
    pub const fn trouble(self) -> Option<VaultTrouble> {
        match self {
            Self::Unknown | Self::Ready => None,
            Self::ReadOnly => Some(VaultTrouble::ReadOnly),
            Self::Prompting => Some(VaultTrouble::Prompting),
            Self::Locked => Some(VaultTrouble::Locked),
            Self::NoPassphrase => Some(VaultTrouble::NoPassphrase),
            Self::PassphraseFile => Some(VaultTrouble::PassphraseFile),
            Self::Unavailable => Some(VaultTrouble::Unavailable),
            Self::Hung => Some(VaultTrouble::Hung),
        }
    }

    /// How a call that ended so leaves it; `None` where it says nothing.
    pub(super) const fn after(error: &VaultError) -> Option<Self> {
        match error {
            VaultError::Locked => Some(Self::Locked),
            VaultError::Prompting => Some(Self::Prompting),
            VaultError::NoPassphrase => Some(Self::NoPassphrase),
            VaultError::PassphraseFile { .. } => Some(Self::PassphraseFile),
            VaultError::Unavailable { .. } => Some(Self::Unavailable),
            VaultError::TimedOut => Some(Self::Hung),
            VaultError::ReadOnly { .. } => Some(Self::ReadOnly),
            VaultError::Corrupt { .. } | VaultError::TooNew { .. } => Some(Self::Ready),
            VaultError::WrongPassphrase
            | VaultError::PassphraseSet
            | VaultError::PassphraseTooShort
            | VaultError::NothingToUnlock => None,
        }
    }
}
