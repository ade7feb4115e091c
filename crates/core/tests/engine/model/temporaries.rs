//! Temporary licences, as rule 7 words them: when one may be given, and how many in a row.

use std::collections::BTreeMap;

use latchkey_core::code::Basis;
use latchkey_core::policy::Policy;
use latchkey_core::temporary::TemporaryClaims;
use latchkey_core::time::Timestamp;
use latchkey_core::view::StatusView;

use crate::support::world::World;

/// Where the product stands that one is given for.
#[derive(Debug)]
pub(super) struct Grounds<'a> {
    pub(super) signed_in: bool,
    pub(super) is_refused: bool,
    /// The licensing service may be believed to be out.
    pub(super) is_out: bool,
    /// When the lease was checked, and its policy.
    pub(super) lease: Option<(Timestamp, &'a Policy)>,
}

/// Those that were given.
#[derive(Debug, Default)]
pub(super) struct Given {
    read: usize,
    /// The last number of each product, and of which lease it was.
    numbers: BTreeMap<String, (Timestamp, u32)>,
    /// When the last of each product ends that it was seen to rest on: what was signed while news came may not have been taken.
    ends: BTreeMap<String, Timestamp>,
}

impl Given {
    /// Those that were given since somebody last looked.
    pub(super) fn read<'a>(&mut self, world: &'a World) -> &'a [TemporaryClaims] {
        let read = std::mem::replace(&mut self.read, world.temporaries.len());
        &world.temporaries[read..]
    }

    /// When a lease ends that was to end then: what goes on from it is not at its end.
    pub(super) fn end_of(&self, product: &str, until: Timestamp) -> Timestamp {
        let last = self.ends.get(product);
        last.map_or(until, |last| until.max(*last))
    }

    pub(super) fn seen(&mut self, product: &str, status: &StatusView) {
        if let Some(until) = status.until.filter(|_| status.basis == Some(Basis::Temporary)) {
            self.ends.insert(product.to_owned(), until);
        }
    }

    pub(super) fn judge(&mut self, claims: &TemporaryClaims, grounds: &Grounds<'_>) {
        let says = |why: &str| format!("{why}: {claims:?}\n{grounds:?}");
        assert!(grounds.signed_in, "{}", says("given to nobody"));
        assert!(!grounds.is_refused, "{}", says("it would outlive a refusal"));
        assert!(grounds.is_out, "{}", says("given without an outage"));
        let preset = Policy::default();
        let policy = grounds.lease.map_or(&preset, |(_, policy)| policy);
        let lives = u64::try_from(claims.exp - claims.iat).unwrap();
        assert!(lives <= policy.temporary_for.as_secs(), "{}", says("too long"));
        let of = grounds.lease.map(|(checked_at, _)| checked_at);
        if let Some(checked_at) = of {
            let from = checked_at + policy.outage_keep_for;
            assert!(from.as_secs() <= claims.iat, "{}", says("given too early"));
        }
        let limit = policy.temporary_limit.unwrap_or(u32::MAX);
        assert!(claims.number <= limit, "{}", says("one too many"));
        // The count begins anew with a lease. An agent that dies before it has stored one gives that number again.
        let of = of.unwrap_or_default();
        let last = self.numbers.get(&claims.aud).filter(|(lease, _)| *lease == of);
        if let Some((_, last)) = last {
            assert!(
                claims.number == *last || claims.number == last + 1,
                "{} after {last}",
                says("counted wrongly")
            );
        }
        self.numbers.insert(claims.aud.clone(), (of, claims.number));
    }
}
