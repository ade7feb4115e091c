//! The wire between the agent and the licensing service: bodies, the DPoP proof, and the discovery document.
//!
//! | room | concern |
//! | --- | --- |
//! | [`discovery`] | what `/.well-known/latchkey` says |
//! | [`identity`] | `POST /v1/identity` |
//! | [`check`] | `POST /v1/check` |
//! | [`devices`] | the user's own devices |
//! | [`events`] | the stream of pushes |
//! | [`release`] | `POST /v1/release` |
//! | [`dpop`] | DPoP proofs (RFC 9449), made and verified |
//! | [`problem`] | error bodies (RFC 9457) |
#![deny(clippy::wildcard_enum_match_arm)]

pub mod check;
pub mod devices;
pub mod discovery;
pub mod dpop;
pub mod events;
pub mod identity;
pub mod problem;
pub mod release;
