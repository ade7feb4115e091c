//! Latchkey's rules, without a clock, a disk, a network or a die to throw.
//!
//! Everything the product promises about time, leases and refusals is decided here, from values that are
//! passed in, so that thirty days can be lived through in a millisecond. One direction of flow:
//!
//! ```text
//! Input ──► engine::Engine::handle(now, input) ──► Vec<Effect>
//!                        │
//!                        ▼
//!                  Facts (stored) ──► status (derived) ──► View (rendered by everyone)
//! ```
//!
//! | room | concern |
//! | --- | --- |
//! | [`time`] | instants and durations, as the rules count them |
//! | [`policy`] | the numbers that the licensing service signs into each lease |
//! | [`jws`] | compact JWS, read strictly |
//! | [`keys`] | the keys document: which keys may sign a lease, signed by the vendor's root key |
//! | [`identity`] | how users prove who they are |
//! | [`id_token`] | ID tokens, verified by keys that the root key vouches for |
//! | [`lease`] | leases and refusals: their claims, and when they count |
//! | [`temporary`] | temporary licences: what a device signs for itself in an outage |
//! | [`proof`] | how the agent proves to a product that it holds the device key |
//! | [`registration`] | what a product tells this machine about itself |
//! | [`first_start`] | what its vendor has signed of that: whether it may first start in an outage |
//! | [`session`] | sessions, as everyone names them |
//! | [`devices`] | the user's own devices, as everyone names them |
//! | [`usage`] | minutes of use |
//! | [`clock`] | trusted time (rule 16) |
//! | [`facts`] | what is stored |
//! | [`status`] | what is derived: one total function |
//! | [`code`] | the status codes and reasons that the outside sees |
//! | [`notice`] | what the user is told, once per cause |
//! | [`vault`] | where the secrets are kept, and what may stand in the way |
//! | [`hindrance`] | why no check can succeed, and what stands in its way |
//! | [`view`] | the whole state, for everyone who shows it |
//! | `lenient` | how an older reader of it survives a newer agent |
//! | [`engine`] | the one place where facts change |
#![deny(clippy::wildcard_enum_match_arm)]

pub mod clock;
pub mod code;
pub mod devices;
pub mod engine;
pub mod facts;
pub mod first_start;
pub mod hindrance;
pub mod id_token;
pub mod identity;
pub mod jws;
pub mod keys;
pub mod lease;
mod lenient;
pub mod notice;
pub mod policy;
pub mod proof;
pub mod registration;
pub mod session;
pub mod status;
pub mod temporary;
pub mod time;
pub mod usage;
pub mod vault;
pub mod view;
