//! One machine, its services and its user, with time as an argument: thirty days pass in milliseconds.
//!
//! | room | concern |
//! | --- | --- |
//! | `issuer` | the identity service's ID tokens |
//! | `licensing` | a licensing service that signs for real |
//! | `machine` | true time, wall clock, ticks, boots |
//! | `world` | everything together |
//! | `verbs` | what programs and people do |
//! | `flow` | how time passes, and how the agent lives and dies in it |
//! | `runner` | what the agent does with an effect, and what comes of it |
//! | `checks` | a check's way through vault, network and services |
//! | `said` | what people were told, counted |
//! | `witness` | what must hold after every single input, whatever happened before |
//! | `judge` | a place for whoever knows more |

mod checks;
mod flow;
pub(crate) mod issuer;
pub(crate) mod judge;
pub(crate) mod licensing;
pub(crate) mod machine;
mod runner;
pub(crate) mod said;
mod verbs;
mod witness;
pub(crate) mod world;

use std::time::Duration;

use latchkey_core::code::Reason;
use latchkey_core::engine::SignInWish;
use latchkey_core::hindrance::{Hindrance, NetworkTrouble, Obstacle};
use latchkey_core::jws::{SigningKey, Thumbprint};
use latchkey_core::time::{DAY, HOUR, MINUTE};

/// The licensing service of most tests.
pub(crate) const SERVICE: &str = "https://licence.example";
/// A product of [`SERVICE`].
pub(crate) const ATLAS: &str = "ATLAS";
/// Another product of [`SERVICE`].
pub(crate) const QUARRY: &str = "QUARRY";

/// The device key that the `number`-th sign-in of this machine makes, from 1.
pub(crate) fn device_key(number: u8) -> SigningKey {
    let key = p256::ecdsa::SigningKey::from_slice(&[number; 32]).unwrap();
    SigningKey::P256(Box::new(key))
}

/// Its thumbprint.
pub(crate) fn device(number: u8) -> Thumbprint {
    device_key(number).jwk().thumbprint()
}

/// Something of the network stands in the way to [`SERVICE`].
pub(crate) fn blocked(by: NetworkTrouble) -> Hindrance {
    Hindrance::Blocked(Obstacle {
        host: "licence.example".to_owned(),
        by,
    })
}

/// One that has this reason.
pub(crate) fn hindrance(reason: Reason) -> Hindrance {
    match reason {
        Reason::ServiceOutdated => Hindrance::ServiceOutdated,
        Reason::ClockWrong => Hindrance::ClockWrong { ahead: None },
        Reason::NetworkBlocked => blocked(NetworkTrouble::WebPage),
        other => panic!("{other:?} keeps no check from succeeding"),
    }
}

/// To sign in at a service.
pub(crate) fn at(service: &str) -> SignInWish {
    SignInWish {
        service: Some(service.to_owned()),
        ..SignInWish::default()
    }
}

pub(crate) const fn days(count: u32) -> Duration {
    DAY.saturating_mul(count)
}

pub(crate) const fn hours(count: u32) -> Duration {
    HOUR.saturating_mul(count)
}

pub(crate) const fn minutes(count: u32) -> Duration {
    MINUTE.saturating_mul(count)
}

pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
