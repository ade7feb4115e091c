//! The wire between the agent and its clients: one user, one machine, one socket.
//!
//! | room | concern |
//! | --- | --- |
//! | [`hello`] | the first frame of either side, and the version they agree on |
//! | [`messages`] | requests, replies and events of version 1 |
//! | [`frame`] | length-prefixed JSON, without I/O |
#![deny(clippy::wildcard_enum_match_arm)]

pub mod hello;
pub mod messages;
