//! Changes of the machine's network, as the system tells them; nothing is polled.

#[cfg(target_os = "linux")]
#[path = "network_linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "network_macos.rs"]
mod system;
#[cfg(windows)]
#[path = "network_windows.rs"]
mod system;

pub use system::Network;
