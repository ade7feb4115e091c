//! The first frame of either side. Its shape never changes: everything after it may.

use serde::{Deserialize, Serialize};

/// The oldest version of the protocol that this build speaks.
pub const MIN: u32 = 1;
/// The newest.
pub const MAX: u32 = 1;

/// Who is calling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A product, through the SDK.
    Sdk,
    /// The command line.
    Cli,
    /// The tray app.
    Tray,
    /// The window.
    Window,
    /// The agent itself.
    Agent,
    /// Anything else.
    #[serde(other)]
    Other,
}

/// `hello {min, max, kind, version}`, from either side, before anything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The oldest protocol version that the sender speaks.
    pub min: u32,
    /// The newest.
    pub max: u32,
    /// Who it is.
    pub kind: Kind,
    /// The sender's program version, for people and for [`Request::Retire`](crate::messages::Request::Retire).
    pub version: String,
}

impl Hello {
    /// The hello of this build.
    pub fn new(kind: Kind) -> Self {
        Self {
            min: MIN,
            max: MAX,
            kind,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The newest version that both sides speak, or `None`.
    pub fn agree(&self, other: &Self) -> Option<u32> {
        let version = self.max.min(other.max);
        (version >= self.min.max(other.min)).then_some(version)
    }
}
