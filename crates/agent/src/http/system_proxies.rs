//! The system's own proxies: what is used where neither a setting nor the environment says anything.

#[cfg(target_os = "linux")]
#[path = "system_proxies_linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "system_proxies_elsewhere.rs"]
mod system;

pub(super) use system::SystemProxies;
