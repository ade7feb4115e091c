//! The other people of the organisation: rows, without a machine. They are there so that many can lose their seats at once.

use latchkey_core::jws::Thumbprint;
use latchkey_core::time::{DAY, MINUTE};
use latchkey_server::store::records::AskedProduct;

use super::events::Event;
use super::products::{PRODUCTS, all};
use super::service::{Question, Reply};
use super::world::{USERS, World};

/// The product that they have seats of.
const THEIRS: usize = 0;

impl World {
    fn people(&self) -> std::ops::Range<usize> {
        0..USERS + self.crowd
    }

    /// Everybody in the crowd checks.
    pub(crate) fn crowd_checks(&mut self) {
        if !self.service.up || self.service.is_full() || self.service.dies.is_some() {
            return;
        }
        for user in self.people().skip(USERS) {
            let question = Question {
                request: format!("crowd-{user}-{}", self.counter),
                user,
                jkt: Thumbprint(format!("crowd-{user}")),
                device: format!("crowd-{user}"),
                products: vec![AskedProduct {
                    product: PRODUCTS[THEIRS].to_owned(),
                    open: false,
                    session: None,
                }],
                signed_in_at: Some(self.now),
                usage: Vec::new(),
            };
            let reply = self.service.check(self.now, &question);
            self.judge
                .service_replies(&question, &reply, self.now, &self.service, &mut self.seats);
            assert!(
                matches!(reply, Reply::Held | Reply::Decided(..)),
                "crowd-{user} is answered {reply:?}"
            );
        }
    }

    /// Another system says who has seats of a product, and leaves out about `percent` of those who have one.
    pub(crate) fn import(&mut self, percent: usize) {
        if self.service.has_ended(self.now, THEIRS) {
            return;
        }
        let mut users = Vec::new();
        for user in self.people() {
            let chance = if self.seats.has(user, THEIRS) {
                100 - percent
            } else {
                20
            };
            if self.dice.percent(chance) {
                users.push(user);
            }
        }
        self.note(&format!("an import gives seats to {users:?}"));
        self.survives(|world| world.imports(&users));
        self.tell_who_is_held();
        self.pass_pushes_on();
    }

    fn imports(&mut self, users: &[usize]) {
        let Some(held) = self.service.import(self.now, THEIRS, users) else {
            return self.note("that cannot be written down");
        };
        let at = self.service.clock(self.now);
        let expected = self.seats.import(THEIRS, users, at);
        assert_eq!(held, expected, "whether it is held back: {:?}", self.seats);
        let is_expected = |event: &Event| matches!(event, Event::AdminComes);
        if held && !self.queue.values().any(is_expected) {
            self.note("losses are held back");
            let after = self.dice.spell(MINUTE, DAY);
            self.at(after, Event::AdminComes);
        }
    }

    /// An admin says what is to become of what is held back.
    pub(crate) fn end_hold(&mut self, give_back: bool) {
        if !self.seats.are_held() {
            return;
        }
        self.note(&format!("an admin ends the hold, and gives back: {give_back}"));
        self.survives(|world| {
            if !world.service.end_hold(give_back) {
                return world.note("that cannot be written down");
            }
            world.seats.end_hold(give_back);
        });
        self.tell_who_is_held();
        self.pass_pushes_on();
    }

    pub(super) fn tell_who_is_held(&mut self) {
        for desktop in &mut self.desktops {
            desktop.withheld = all().any(|which| self.seats.is_held(desktop.user, which));
        }
    }
}
