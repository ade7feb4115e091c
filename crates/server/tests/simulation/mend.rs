//! The end of a history: every fault ends, and what is left of them is judged.

use std::collections::BTreeSet;

use latchkey_core::engine::{Ask, SignInWish};
use latchkey_core::time::MINUTE;

use super::events::{Event, FAIR};
use super::parts::Power;
use super::products::all;
use super::world::World;

/// So many minutes after the last fault, nobody is in doubt any more.
const CONVERGED_AFTER: u32 = 10;

impl World {
    /// Every fault ends.
    pub(crate) fn mend(&mut self) {
        self.note("every fault ends");
        self.weather = FAIR;
        self.set_identity(true);
        self.service.dies = None;
        self.service.clock_ahead = 0;
        self.service.fill(None);
        if !self.service.up {
            self.set_licensing(true);
        }
        for which in all() {
            if !self.service.has_ended(self.now, which) {
                self.ends_in(which, None);
            }
        }
        // An admin comes now, or not before all is over.
        self.queue.retain(|_, event| !matches!(event, Event::AdminComes));
        match self.dice.below(3) {
            0 => self.end_hold(true),
            1 => self.end_hold(false),
            _ => {}
        }
        for desktop in 0..self.desktops.len() {
            let now = self.now;
            let machine = &mut self.desktops[desktop];
            machine.disk_full = false;
            machine.dies_in = None;
            match machine.power {
                Power::On => {}
                Power::Asleep(_) => self.wake_up(desktop),
                Power::Off => {
                    machine.switch_on(now);
                    self.launch(desktop);
                }
            }
            if self.desktops[desktop].wall_ahead != 0 {
                self.set_wall(desktop, 0);
            }
            self.set_network(desktop, true);
        }
        self.come_back();
    }

    /// Everything is open, and whoever must sign in does: also who hears just now that their device was released.
    fn come_back(&mut self) {
        self.everybody_is_patient = true;
        for desktop in 0..self.desktops.len() {
            for which in all() {
                if self.dice.percent(50) {
                    self.close(desktop, which);
                }
                self.open(desktop, which);
            }
            if !self.desktops[desktop].may_refresh() {
                self.learn_of_the_grant(desktop);
            }
        }
        // Who was signed out when the device was released hears of it after the first.
        for _ in 0..2 {
            self.pass(MINUTE);
            for desktop in 0..self.desktops.len() {
                if !self.desktops[desktop].is_signed_in() {
                    self.sign_in_again(desktop);
                }
            }
        }
    }

    fn sign_in_again(&mut self, desktop: usize) {
        self.ask(desktop, Ask::CancelSignIn);
        self.ask(desktop, Ask::SignIn(SignInWish::default()));
    }

    /// Time passes until nobody is in doubt any more. Whoever hears only now that their device was released, because the next try
    /// after an outage is up to five minutes away, signs in then, once.
    pub(crate) fn converge(&mut self) {
        let mut had_to = BTreeSet::new();
        for _ in 0..CONVERGED_AFTER {
            self.pass(MINUTE);
            for desktop in 0..self.desktops.len() {
                if !self.desktops[desktop].is_signed_in() && had_to.insert(desktop) {
                    self.sign_in_again(desktop);
                }
            }
        }
    }

    /// Whose grant has ended is told so at the next check that needs a token.
    fn learn_of_the_grant(&mut self, desktop: usize) {
        if let Some(vault) = &mut self.desktops[desktop].vault {
            vault.access_until = self.now;
        }
        self.ask(desktop, Ask::Check);
    }

    pub(crate) fn judge_soon_after(&self) {
        self.judge
            .soon_after(&self.desktops, &self.service, &self.seats, self.now);
    }

    pub(crate) fn judge_at_the_end(&self) {
        self.judge
            .at_the_end(&self.desktops, &self.service, &self.seats, self.now);
    }
}
