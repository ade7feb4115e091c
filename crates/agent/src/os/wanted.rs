//! Tells the agent that runs where else it is wanted.

#[cfg(unix)]
#[path = "wanted_unix.rs"]
mod system;
#[cfg(windows)]
#[path = "wanted_windows.rs"]
mod system;

pub use system::Wanted;
