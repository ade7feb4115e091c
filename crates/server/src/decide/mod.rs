//! Who gets a lease. PURE: rows and the time come in as arguments, and what comes out is data. The store calls this
//! inside its transaction, so that two devices can never both take the last place.

mod agents;
pub mod mass_loss;
mod places;
mod sessions;
#[cfg(test)]
mod tests;

use std::time::Duration;

use latchkey_api::check::SessionWish;
use latchkey_core::code::Code;
use latchkey_core::lease::{DeviceEntry, RefusalDetail};
use latchkey_core::policy::Policy;
use semver::Version;

use self::sessions::Sessions;

/// A subscription of the user's organisation that includes the product, and the user's seat in it, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The subscription.
    pub subscription: String,
    /// The organisation that holds it.
    pub organisation: String,
    /// Whom to ask about it.
    pub contact: Option<String>,
    /// The policy in force.
    pub policy: Policy,
    /// When it ends, exclusive, in seconds.
    pub ends_at: Option<i64>,
    /// Named features of the product that it includes.
    pub entitlements: Vec<String>,
    /// The user's seat.
    pub seat: Option<String>,
}

/// A device of the user that holds a place under a subscription: it has a lease from it that is still good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The subscription.
    pub subscription: String,
    /// The device.
    pub device: DeviceEntry,
    /// When it took the place, in seconds.
    pub since: i64,
}

/// A session of a subscription that one of the user's devices has (rule 11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The subscription.
    pub subscription: String,
    /// The device.
    pub device: DeviceEntry,
    /// When it began, in seconds.
    pub since: i64,
    /// When the device was last heard of, in seconds.
    pub heard_at: i64,
}

/// A device of the user that waits for a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The subscription.
    pub subscription: String,
    /// The device.
    pub device: DeviceEntry,
    /// When it asked first, in seconds: its turn.
    pub asked_at: i64,
    /// When it was last heard of, in seconds.
    pub heard_at: i64,
}

/// Whoever waits is heard of every minute where its stream stands, in seconds.
const LATELY: i64 = 120;

impl Waiting {
    /// Whose turn is first: whoever asked first. One that was not heard of lately may be gone, and comes after all that were.
    pub(crate) fn turn(&self, now: i64) -> (bool, i64, &str) {
        let is_late = now >= self.heard_at.saturating_add(LATELY);
        (is_late, self.asked_at, &self.device.id)
    }
}

/// One product that is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Product key.
    pub product: String,
    /// A program has it open, or starts it: this takes a session.
    pub open: bool,
    /// The subscription of the lease that this device has of it and that is still good.
    pub held: Option<String>,
    /// What the user wants of that session.
    pub wish: Option<SessionWish>,
    /// Everything that could cover it for this user.
    pub offers: Vec<Offer>,
}

/// One check, with all that the store knows about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The service's time, in seconds.
    pub now: i64,
    /// The device that asks.
    pub device: DeviceEntry,
    /// The version of its agent, as it says.
    pub agent: String,
    /// The oldest version that is given leases; `None` for any.
    pub minimum_agent: Option<Version>,
    /// How long the access token lives altogether.
    pub token_life: Duration,
    /// What is asked about.
    pub asked: Vec<Asked>,
    /// Every place that the user's devices hold, under any subscription.
    pub places: Vec<Place>,
    /// The device was released: it is told so, and nothing else.
    pub released: bool,
    /// Every session that the user's devices have, ended ones among them.
    pub sessions: Vec<Session>,
    /// Who waits for one.
    pub waiting: Vec<Waiting>,
    /// Whom to ask, where no subscription covers the product.
    pub contact: Option<String>,
}

/// What a lease says beyond its binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The subscription.
    pub subscription: String,
    /// The organisation that holds it.
    pub organisation: String,
    /// The seat.
    pub seat: String,
    /// When the device took its place, in seconds.
    pub since: i64,
    /// Good until, exclusive, in seconds.
    pub exp: i64,
    /// When the next check is due at the latest, in seconds.
    pub refresh_after: i64,
    /// The policy in force.
    pub policy: Policy,
    /// Named features.
    pub entitlements: Vec<String>,
}

/// What a refusal says beyond its binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// One of rule 9's codes.
    pub code: Code,
    /// How long an open product may go on (rule 5).
    pub save_window: Duration,
    /// What else there is to say.
    pub detail: RefusalDetail,
}

/// The answer for one product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A lease.
    Lease(Box<Grant>),
    /// A refusal.
    Refuse(Refused),
}

impl Decision {
    /// Whether it is a refusal with this code.
    fn is(&self, code: Code) -> bool {
        matches!(self, Self::Refuse(refused) if refused.code == code)
    }
}

/// What becomes of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionStep {
    /// The device has it, since then: begun or confirmed.
    Hold {
        /// The subscription.
        subscription: String,
        /// The device.
        device: String,
        /// Since when, in seconds.
        since: i64,
    },
    /// The device has it no longer.
    End {
        /// The subscription.
        subscription: String,
        /// The device.
        device: String,
    },
    /// The asking device waits for it, and its holder may know.
    Wait {
        /// The subscription.
        subscription: String,
        /// Who has it.
        holder: String,
        /// Since when, in seconds.
        since: i64,
    },
    /// The asking device waits for it no longer, and its holder may know.
    Leave {
        /// The subscription.
        subscription: String,
        /// Who has it, if anybody does.
        holder: Option<String>,
    },
    /// The asking device runs beside another one (`report`).
    Overlap {
        /// The subscription.
        subscription: String,
        /// The other device.
        other: String,
        /// Since when both have one, in seconds.
        began_at: i64,
    },
}

/// What is answered, and what follows from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// For every product of the question, in its order.
    pub decisions: Vec<Decision>,
    /// What becomes of sessions, in this order.
    pub steps: Vec<SessionStep>,
}

/// The access token lives longer than the policy of a product allows (`access_token_for`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenLivesTooLong {
    /// The longest life that is accepted.
    pub allowed: Duration,
}

/// Clocks of issuer and service may differ by this much.
const LEEWAY: Duration = Duration::from_secs(60);

/// Answers for every product of the question, in its order. A place or a session that the first product takes also counts
/// for the next ones of the same subscription.
///
/// # Errors
/// [`TokenLivesTooLong`] where a lease would be given on such a token.
pub fn check(question: &Question) -> Result<Verdict, TokenLivesTooLong> {
    let mut places = question.places.clone();
    let wishes = question
        .asked
        .iter()
        .filter_map(|asked| concerned(question, asked));
    let mut sessions = Sessions::of(question, wishes.collect());
    let mut decisions = Vec::with_capacity(question.asked.len());
    for asked in &question.asked {
        let decision = if question.released {
            Decision::Refuse(released())
        } else {
            product(question, &places, &mut sessions, asked)
        };
        if let Decision::Lease(grant) = &decision {
            if question.token_life > grant.policy.access_token_for + LEEWAY {
                return Err(TokenLivesTooLong {
                    allowed: grant.policy.access_token_for,
                });
            }
            let (subscription, since) = (grant.subscription.clone(), grant.since);
            if places::held(&places, &subscription, &question.device.id).is_none() {
                places.push(Place {
                    subscription,
                    device: question.device.clone(),
                    since,
                });
            }
        }
        decisions.push(decision);
    }
    Ok(Verdict {
        decisions,
        steps: sessions.close(),
    })
}

/// Whether the user has a seat of the product that has not ended.
pub fn has_seat(question: &Question, asked: &Asked) -> bool {
    running(question, asked).next().is_some()
}

/// The user's seats of the product.
fn seats(asked: &Asked) -> impl Iterator<Item = (&Offer, &str)> {
    asked
        .offers
        .iter()
        .filter_map(|offer| Some((offer, offer.seat.as_deref()?)))
}

fn running<'a>(question: &'a Question, asked: &'a Asked) -> impl Iterator<Item = (&'a Offer, &'a str)> {
    seats(asked).filter(|(offer, _)| offer.ends_at.is_none_or(|end| question.now < end))
}

fn renewable<'a>(question: &'a Question, asked: &'a Asked) -> impl Iterator<Item = (&'a Offer, &'a str)> {
    running(question, asked).filter(|(offer, _)| !agents::is_too_old(question, asked, offer))
}

/// What the user wants for the product, and the one subscription whose session that concerns: what is handed over is what the
/// device has, and what is taken over is what it would have if nobody else had anything.
fn concerned<'a>(question: &'a Question, asked: &'a Asked) -> Option<(SessionWish, &'a str)> {
    let wish = asked.wish.filter(|_| !question.released)?;
    let has =
        |offer: &Offer| wish == SessionWish::HandOver && asked.held.as_ref() == Some(&offer.subscription);
    let placed = renewable(question, asked).filter_map(|(offer, seat)| {
        match places::place(question, &question.places, offer, seat) {
            Decision::Lease(grant) => Some((offer, grant.exp)),
            Decision::Refuse(_) => None,
        }
    });
    let (offer, _) = placed.max_by_key(|(offer, exp)| (has(offer), *exp))?;
    Some((wish, &offer.subscription))
}

fn product(question: &Question, places: &[Place], sessions: &mut Sessions<'_>, asked: &Asked) -> Decision {
    // A subscription with a free place and session wins over one without; among equals, the one that lasts longest.
    let decided = renewable(question, asked).map(|(offer, seat)| {
        let decision = places::place(question, places, offer, seat);
        let admitted = match decision {
            Decision::Lease(_) if asked.open => sessions.admit(offer).map_or(decision, Decision::Refuse),
            Decision::Lease(_) | Decision::Refuse(_) => decision,
        };
        (offer, admitted)
    });
    let decided: Vec<(&Offer, Decision)> = decided.collect();
    let best = decided.iter().max_by_key(|(_, decision)| match decision {
        Decision::Lease(grant) => Some(grant.exp),
        Decision::Refuse(_) => None,
    });
    if let Some((offer, decision)) = best {
        if asked.open {
            // Whoever waits, waits for each that would do: nobody knows which is free first.
            let waits = decision.is(Code::SessionInUse);
            for (each, decision) in decided.iter().filter(|(each, _)| waits || each == offer) {
                sessions.settle(each, decision);
            }
            for other in asked.offers.iter().filter(|other| other != offer) {
                sessions.hand_over(other);
            }
        }
        return agents::renewed(question, offer, decision.clone());
    }
    if let Some((offer, _)) = running(question, asked).next() {
        return agents::outdated(question, offer);
    }
    let ended = seats(asked).max_by_key(|(offer, _)| offer.ends_at);
    Decision::Refuse(match (ended, asked.offers.first()) {
        (Some((ended, _)), _) => refuse(Code::SubscriptionEnded, ended),
        (None, Some(unassigned)) => refuse(Code::NotAssigned, unassigned),
        (None, None) => Refused {
            code: Code::NotAssigned,
            save_window: Policy::default().save_window,
            detail: RefusalDetail {
                contact: question.contact.clone(),
                ..RefusalDetail::default()
            },
        },
    })
}

fn released() -> Refused {
    Refused {
        code: Code::DeviceReleased,
        save_window: Policy::default().save_window,
        detail: RefusalDetail::default(),
    }
}

fn refuse(code: Code, offer: &Offer) -> Refused {
    let contact = offer
        .contact
        .clone()
        .unwrap_or_else(|| offer.organisation.clone());
    Refused {
        code,
        save_window: offer.policy.save_window,
        detail: RefusalDetail {
            contact: Some(contact),
            ..RefusalDetail::default()
        },
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
