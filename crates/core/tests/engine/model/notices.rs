//! How often the user may be told: once per cause, and of the days at most once per local day, besides each start.

use std::collections::BTreeSet;

use latchkey_core::notice::{Notice, NoticeKind};
use latchkey_core::time::{LocalDay, Timestamp};

/// What the user was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    days: BTreeSet<LocalDay>,
    /// Starts that may still be told of.
    starts: u32,
    outage: bool,
    warned: bool,
    /// Leases whose end was told: product and end.
    ends: BTreeSet<(String, Timestamp)>,
    /// Refusals that were told: product and code.
    stops: BTreeSet<(String, u16)>,
}

impl Told {
    pub(super) fn started(&mut self) {
        self.starts += 1;
    }

    /// A check was answered, and trusted time is this now.
    pub(super) fn answered(&mut self, now: Timestamp) {
        self.outage = false;
        let today = LocalDay::of(now, 0);
        // A clock that was ahead is not any more: those days are still to come.
        self.days.retain(|day| *day <= today);
    }

    /// A product may run: whatever stops it next is another cause.
    pub(super) fn may_run(&mut self, product: &str) {
        self.stops.retain(|(stopped, _)| stopped != product);
    }

    /// A notice is shown; `ended` are the leases that have ended by now, and those that may not count yet.
    pub(super) fn shown(&mut self, notice: &Notice, ended: [Vec<(String, Timestamp)>; 2]) {
        match &notice.kind {
            NoticeKind::Offline { .. } => self.count_down(notice),
            NoticeKind::FinalWarning { .. } => {
                self.count_down(notice);
                self.warned = true;
            }
            NoticeKind::Ended { .. } => {
                let new = ended.into_iter().any(|ended| {
                    let known = self.ends.len();
                    self.ends.extend(ended);
                    self.ends.len() > known
                });
                assert!(new, "an end is told twice: {notice:?} {self:?}");
                self.warned = true;
            }
            NoticeKind::Connected { .. } => {
                assert!(self.warned, "nobody was warned: {notice:?} {self:?}");
                self.warned = false;
            }
            NoticeKind::MustStop { code, .. } => {
                let new = self.stops.insert((notice.product.to_uppercase(), *code));
                assert!(new, "a refusal is told twice: {notice:?} {self:?}");
            }
            NoticeKind::Outage => {
                assert!(!self.outage, "an outage is told twice: {notice:?} {self:?}");
                self.outage = true;
            }
            _ => panic!("a notice that the rules do not know: {notice:?}"),
        }
    }

    fn count_down(&mut self, notice: &Notice) {
        if !self.days.insert(LocalDay::of(notice.at, 0)) {
            assert!(self.starts > 0, "the day is told twice: {notice:?} {self:?}");
            self.starts -= 1;
        }
    }
}
