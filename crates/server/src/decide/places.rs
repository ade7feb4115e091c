//! Places: how many devices of a user hold leases of a subscription at once (rule 10).

use latchkey_core::code::Code;

use super::{Decision, Grant, Offer, Place, Question, refuse, seconds};

/// Gives the device a place under the offer's subscription, or says that none is free (rule 10). Where a limit was
/// lowered, the devices that came first keep their places.
pub(super) fn place(question: &Question, places: &[Place], offer: &Offer, seat: &str) -> Decision {
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

pub(super) fn held<'a>(places: &'a [Place], subscription: &str, device: &str) -> Option<&'a Place> {
    places
        .iter()
        .find(|place| place.subscription == subscription && place.device.id == device)
}
