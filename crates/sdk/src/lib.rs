//! What products embed: a few calls that say whether the product may run, and that never take the agent's word for it.
//! Blocking, with a thread of its own and no asynchronous runtime. See `docs/sdk.md`.
//!
//! ```no_run
//! use std::time::Duration;
//! use latchkey_sdk::{Product, RootKeys};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let root_keys = RootKeys::from_json(r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "…"}]}"#)?;
//! let licence = Product::new("ATLAS", "2026.1", root_keys, "https://licence.example")?.named("Atlas").open()?;
//! let permit = licence.authorize(Duration::from_secs(60))?;
//! // … the product runs, for as long as it keeps `permit` …
//! drop(permit);
//! # Ok(())
//! # }
//! ```
//!
//! | room | concern |
//! | --- | --- |
//! | `product` | what a product says about itself |
//! | `licence` | the handles that a product holds |
//! | `status` | where it stands, in numbers and in words |
//! | `event` | what it is told unasked |
//! | `verify` | what is believed, and why |
//! | `ticks` | time that goes on while the machine sleeps |
//! | `worker` | the thread that talks to the agent |

mod event;
mod licence;
mod product;
mod status;
mod ticks;
mod verify;
mod worker;

pub use event::{Event, Events};
pub use latchkey_core::code::{Basis, Code, Reason};
pub use latchkey_core::jws::Jwk;
pub use latchkey_core::registration::Registration;
pub use latchkey_core::time::Timestamp;
pub use latchkey_core::view::StatusView;
pub use licence::{Licence, Permit};
pub use product::{InvalidArgument, Product, RootKeys};
pub use status::{Denied, Status};
