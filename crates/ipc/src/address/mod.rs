//! Where the agent of this OS user listens, and whether that place can be trusted.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::path::PathBuf;

#[cfg(unix)]
pub use unix::Address;
#[cfg(unix)]
pub(crate) use unix::own_uid;
#[cfg(windows)]
pub use windows::Address;

/// Names the folder that the socket is in, absolutely, in place of the one that the system's conventions give (Unix).
/// For sandboxes that see the socket elsewhere, and for tests.
pub const FOLDER_VARIABLE: &str = "LATCHKEY_SOCKET_DIR";

/// Why there is no address, or why it is not trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// A socket's path has little room in the system's own structure.
    #[error("the socket's path {} is longer than {limit} bytes: set {FOLDER_VARIABLE} to a shorter folder", path.display())]
    TooLong {
        /// The path.
        path: PathBuf,
        /// What fits on every system.
        limit: usize,
    },
    /// A variable that must name an absolute folder does not.
    #[error("{FOLDER_VARIABLE} must be an absolute path, and is {}", path.display())]
    NotAbsolute {
        /// What it says.
        path: PathBuf,
    },
    /// The folder could be another user's doing.
    #[error("{} {problem}: remove it, or set {FOLDER_VARIABLE} to a folder of your own", path.display())]
    Untrusted {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The operating system does not say who this process belongs to.
    #[error("the user of this process is not known: {0}")]
    NoUser(#[source] std::io::Error),
    /// The folder could not be made or read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}
