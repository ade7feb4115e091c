//! Rule 7: what goes on, and what begins, while the licensing service is out.

use latchkey_core::code::{Basis, Code};
use latchkey_core::engine::{Base, Grounds};
use latchkey_core::first_start::FirstStart;
use latchkey_core::keys::Keys;
use latchkey_core::lease::{Expected, Lease};
use latchkey_core::temporary::Temporary;
use latchkey_core::time::{MINUTE, Timestamp};
use latchkey_core::view::StatusView;

use super::{Judge, SLACK, STILL_BELIEVED, UNNOTICED_FOR};
use crate::desktop::Desktop;
use crate::products::{PRODUCTS, Which};
use crate::service::{Granted, LicensingService, Said, URL};

impl Judge {
    /// What it runs on is verified by the program, from nothing but the root key that it pins; and counted here.
    pub(super) fn is_given(
        &self,
        desktop: &mut Desktop,
        which: Which,
        status: &StatusView,
        service: &LicensingService,
        now: Timestamp,
    ) {
        let runs = status.may_run() && status.basis == Some(Basis::Temporary);
        let Some(until) = status.until.filter(|_| runs) else {
            return;
        };
        if !desktop.given[which].insert(until) {
            return;
        }
        let most = service.policies[which]
            .temporary_limit
            .map_or(usize::MAX, |limit| limit as usize);
        let (name, given) = (&desktop.name, &desktop.given[which]);
        assert!(
            given.len() <= most,
            "{name} is given {given:?}, and may have {most}"
        );
        let program = desktop.programs[which].filter(|program| desktop.knows(*program));
        if let (Some(engine), Some(program)) = (desktop.engine(), program) {
            let grounds = engine.grant(&desktop.now(now, 0), program.key);
            let grounds = grounds.unwrap_or_else(|| panic!("{name} may run, and has nothing to show for it"));
            shows(desktop, which, service, &grounds);
        }
    }

    /// Rule 7: signed while the service was seen to be out, for a device that was not refused. `end` is that of the lease that it
    /// goes on from, if it was ever told one.
    pub(super) fn goes_on(
        &self,
        desktop: &Desktop,
        which: Which,
        end: Option<Timestamp>,
        service: &LicensingService,
        now: Timestamp,
    ) {
        let (name, told) = (&desktop.name, &desktop.told[which]);
        // That another device has the session is no word against a first start, and ends by itself (decision 6).
        let nothing_against = matches!(told.last, None | Some(Said::Refusal(Code::SessionInUse)));
        let may_begin = service.first_starts.is_some() && nothing_against;
        assert!(
            end.is_some() || may_begin,
            "{name} goes on from nothing: {told:?}"
        );
        let ended = match told.last {
            Some(Said::Lease(lease)) if lease.is_last => end.map(|end| end.shifted(told.off) + SLACK),
            Some(Said::Lease(_) | Said::Refusal(_)) | None => None,
        };
        assert!(
            ended.is_none_or(|end| now < end),
            "{name} outlives its subscription: {told:?}"
        );
        let out_at = desktop.out_at.expect("it was never out");
        let latest = out_at.shifted(told.off) + UNNOTICED_FOR + service.policies[which].temporary_for;
        assert!(
            now < latest,
            "{name} goes on {:?} after the outage",
            now.since(out_at)
        );
    }

    /// Whoever may go on, or begin, does so within a few minutes, by itself, and for as long as it lasts.
    pub(super) fn waits_in_no_outage(
        &self,
        desktop: &Desktop,
        which: Which,
        status: &StatusView,
        service: &LicensingService,
        now: Timestamp,
    ) {
        let knows = desktop
            .out_since
            .is_some_and(|since| since + STILL_BELIEVED < now);
        if !knows || !desktop.is_signed_in() || service.policies[which].temporary_limit.is_some() {
            return;
        }
        let is_lost = desktop.told[which].given_up || desktop.lost_its_key(which);
        // Nothing outlives the end of a subscription (decision 2).
        let lasts = |lease: Granted| !lease.is_last || now + SLACK < Timestamp::from_secs(lease.exp);
        let holds = matches!(desktop.told[which].last, Some(Said::Lease(lease)) if lasts(lease)) && !is_lost;
        // A refusal outlives a reset, and so does the end of a subscription (decision 5).
        let may_be_first = match desktop.told[which].last {
            Some(Said::Refusal(_)) => false,
            Some(Said::Lease(lease)) => !lease.is_last,
            None => true,
        };
        let is_first = is_lost && may_be_first;
        // An ID token says when it was issued: whoever has no idea of the time cannot use it.
        let tells_time = desktop.clock_is_off(now) < MINUTE;
        let may_begin =
            is_first && service.first_starts.is_some() && tells_time && desktop.programs[which].is_some();
        assert!(
            status.code() == Some(Code::Ok) || !(holds || may_begin),
            "{} is left with {status:?} in an outage since {:?}",
            desktop.name,
            desktop.out_since
        );
    }
}

fn shows(desktop: &Desktop, which: Which, service: &LicensingService, grounds: &Grounds<'_>) {
    let (name, roots) = (&desktop.name, [service.some_key()]);
    let keys = Keys::verify(grounds.keys, &roots, URL).expect("a keys document");
    let device = desktop.vault.as_ref().expect("it has a key").key.jwk();
    let temporary = grounds.temporary.expect("it rests on one");
    let verified = match grounds.base {
        Base::FirstStart(token) => {
            let first =
                FirstStart::verify(token, &roots, URL, PRODUCTS[which]).expect("a signed registration");
            Temporary::verify_first(temporary, &device, &first, &keys)
        }
        Base::Lease(token) => {
            let expected = Expected {
                service: URL,
                product: PRODUCTS[which],
                device: None,
                user: None,
                request: None,
            };
            let lease = Lease::verify(token, &keys, &expected).expect("a lease");
            Temporary::verify(temporary, &device, &lease)
        }
    };
    assert!(verified.is_ok(), "{name} shows {verified:?}");
}
