//! The agent: the one process that signs in, refreshes tokens, opens the vault and keeps the licences.
//!
//! | room | concern |
//! | --- | --- |
//! | `main_loop` | inputs in, effects out, in order |
//! | `runner` | carries effects out, each in a task of its own, and reports what came of it |
//! | `listening` | where clients find the agent |
//! | `clients` | who is connected, who watches, who holds a role |
//! | `devices` | the device keys in memory, and what a product is told |
//! | [`store`] | the facts on disk |
//! | `saver` | the thread that writes them |
//! | [`registry`] | the registered products |
//! | [`vault`] | where the secrets are: the system's keyring, a file, or memory |
//! | [`identity`] | OpenID Connect |
//! | [`licensing`] | the licensing service |
//! | [`http`] | the one bounded HTTP client |
//! | [`os`] | clocks, network, folders: what only the operating system knows |
//! | `start` | puts it all together |

mod clients;
mod devices;
pub mod http;
pub mod identity;
pub mod licensing;
mod listening;
mod logging;
mod main_loop;
pub mod os;
mod privacy;
mod random;
pub mod registry;
mod runner;
mod saver;
pub mod secret;
mod start;
pub mod store;
mod tray;
pub mod vault;

pub use start::{StartError, reset_all, run};
