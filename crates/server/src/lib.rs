//! The licensing service: it knows products, subscriptions, seats and devices, and signs leases and refusals.
//!
//! ```text
//! request ──► routes ──► access_token · id_token · identity (keys of the issuers) · introspection
//!               │
//!               ▼
//!             store.check ──► one transaction: rows ──► decide (pure) ──► rows
//!               │
//!               ▼
//!             signer ──► lease or refusal
//! ```
//!
//! | room | concern |
//! | --- | --- |
//! | [`decide`] | PURE: rows and a question in, a lease or a refusal out |
//! | [`store`] | what must survive a crash, behind the trait [`store::Store`] |
//! | [`signer`] | root key, lease keys, keys document; the signing itself |
//! | [`vouch`] | the keys of issuers in that document |
//! | [`jwt`] | signatures of tokens that other people's issuers made |
//! | [`identity`] | the issuers' keys, fetched and remembered within bounds |
//! | [`introspection`] | opaque tokens: their issuers are asked about them, within bounds |
//! | [`access_token`], [`id_token`] | what the claims of those tokens must say |
//! | [`address`] | e-mail addresses, and who may vouch for them |
//! | [`issuer_check`] | what an issuer offers, in words |
//! | [`nonce`], [`replay`] | freshness of DPoP proofs (RFC 9449) |
//! | [`capacity`] | how many connections and streams there may be |
//! | [`push`] | the streams that are open, and what they are told |
//! | [`routes`] | one file for each route |
//! | [`serve`], [`end`] | listening, TLS, shutting down |
//! | [`cli`] | the `latchkey-server` command |
#![deny(clippy::wildcard_enum_match_arm)]

pub mod access_token;
pub mod address;
pub mod capacity;
pub mod cli;
pub mod clock;
pub mod decide;
pub mod end;
pub mod id_token;
pub mod identity;
pub mod introspection;
pub mod issuer_check;
pub mod jwt;
pub mod nonce;
pub mod private_file;
pub mod push;
pub mod random;
pub mod replay;
pub mod routes;
pub mod serve;
pub mod signer;
mod silent_peer;
pub mod store;
pub mod vouch;
