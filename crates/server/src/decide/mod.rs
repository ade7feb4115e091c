//! Who gets a lease. PURE: rows and the time come in as arguments, and what comes out is data. The store calls this
//! inside its transaction, so that two devices can never both take the last place.

#[cfg(test)]
mod tests;

use std::time::Duration;

use latchkey_core::code::Code;
use latchkey_core::lease::{DeviceEntry, RefusalDetail};
use latchkey_core::policy::Policy;

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

/// One product that is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Product key.
    pub product: String,
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
    /// How long the access token lives altogether.
    pub token_life: Duration,
    /// What is asked about.
    pub asked: Vec<Asked>,
    /// Every place that the user's devices hold, under any subscription.
    pub places: Vec<Place>,
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

/// The access token lives longer than the policy of a product allows (`access_token_for`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenLivesTooLong {
    /// The longest life that is accepted.
    pub allowed: Duration,
}

/// Clocks of issuer and service may differ by this much.
const LEEWAY: Duration = Duration::from_secs(60);

/// Answers for every product of the question, in its order. A place that the first product takes also counts for the
/// next ones of the same subscription.
///
/// # Errors
/// [`TokenLivesTooLong`] where a lease would be given on such a token.
pub fn check(question: &Question) -> Result<Vec<Decision>, TokenLivesTooLong> {
    let mut places = question.places.clone();
    question
        .asked
        .iter()
        .map(|asked| {
            let decision = product(question, &places, asked);
            if let Decision::Lease(grant) = &decision {
                if question.token_life > grant.policy.access_token_for + LEEWAY {
                    return Err(TokenLivesTooLong {
                        allowed: grant.policy.access_token_for,
                    });
                }
                let (subscription, since) = (grant.subscription.clone(), grant.since);
                if held(&places, &subscription, &question.device.id).is_none() {
                    places.push(Place {
                        subscription,
                        device: question.device.clone(),
                        since,
                    });
                }
            }
            Ok(decision)
        })
        .collect()
}

fn product(question: &Question, places: &[Place], asked: &Asked) -> Decision {
    let seats = || {
        asked
            .offers
            .iter()
            .filter_map(|offer| Some((offer, offer.seat.as_deref()?)))
    };
    let running = seats().filter(|(offer, _)| offer.ends_at.is_none_or(|end| question.now < end));
    // A subscription with a free place wins over one without; among equals, the one that lasts longest.
    let best = running
        .map(|(offer, seat)| place(question, places, offer, seat))
        .max_by_key(|decision| match decision {
            Decision::Lease(grant) => Some(grant.exp),
            Decision::Refuse(_) => None,
        });
    best.unwrap_or_else(|| {
        let ended = seats().max_by_key(|(offer, _)| offer.ends_at);
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
    })
}

/// Gives the device a place under the offer's subscription, or says that none is free (rule 10). Where a limit was
/// lowered, the devices that came first keep their places.
fn place(question: &Question, places: &[Place], offer: &Offer, seat: &str) -> Decision {
    let others = || {
        places
            .iter()
            .filter(|p| p.subscription == offer.subscription && p.device.id != question.device.id)
    };
    let mine = held(places, &offer.subscription, &question.device.id);
    let before_me = others().filter(|other| match mine {
        Some(mine) => (other.since, &other.device.id) < (mine.since, &mine.device.id),
        None => true,
    });
    if before_me.count() >= usize::try_from(offer.policy.device_limit).unwrap_or(usize::MAX) {
        let mut refused = refuse(Code::DeviceLimit, offer);
        refused.detail.devices = others().map(|other| other.device.clone()).collect();
        refused
            .detail
            .devices
            .sort_by(|a, b| (b.last_seen, &a.id).cmp(&(a.last_seen, &b.id)));
        return Decision::Refuse(refused);
    }
    let good_offline = question.now.saturating_add(seconds(offer.policy.offline_for));
    let exp = offer.ends_at.map_or(good_offline, |end| end.min(good_offline));
    Decision::Lease(Box::new(Grant {
        subscription: offer.subscription.clone(),
        organisation: offer.organisation.clone(),
        seat: seat.to_owned(),
        since: mine.map_or(question.now, |mine| mine.since),
        exp,
        refresh_after: question
            .now
            .saturating_add(seconds(offer.policy.check_every))
            .min(exp),
        policy: offer.policy.clone(),
        entitlements: offer.entitlements.clone(),
    }))
}

fn held<'a>(places: &'a [Place], subscription: &str, device: &str) -> Option<&'a Place> {
    places
        .iter()
        .find(|place| place.subscription == subscription && place.device.id == device)
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
