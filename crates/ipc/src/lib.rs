//! The wire between the agent and its clients: one user, one machine, one socket. See `docs/ipc.md`.
//!
//! | room | concern |
//! | --- | --- |
//! | [`hello`] | the first frame of either side, and the version they agree on |
//! | [`messages`] | requests, replies and events of version 1 |
//! | [`passphrase`] | what the user types to unlock their secrets |
//! | [`frame`] | length-prefixed JSON, without I/O |
//! | [`address`] | where the agent of this user listens, and whether that place can be trusted |
//! | [`client`] | the client's side, blocking |
//! | [`launch`] | reaching the agent, and starting it when it does not run |
//! | [`settings`] | what the user or an admin has set for every program |
//! | `server` | the agent's side, asynchronous (feature `server`) |

pub mod address;
pub mod client;
pub mod frame;
pub mod hello;
pub mod launch;
pub mod messages;
pub mod passphrase;
mod peer;
#[cfg(feature = "server")]
pub mod server;
pub mod settings;
mod stream;
#[cfg(test)]
mod transcripts;

pub use client::Connection;
