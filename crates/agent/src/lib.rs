//! latchkey-agent

pub mod http;
pub mod secret;
pub mod vault;
