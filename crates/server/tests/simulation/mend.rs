//! The end of a history: every fault ends, and what is left of them is judged.

use super::events::{Event, FAIR};
use super::parts::Power;
use super::world::World;

impl World {
    /// Every fault ends.
    pub(crate) fn mend(&mut self) {
        self.note("every fault ends");
        self.weather = FAIR;
        self.identity_up = true;
        self.service.dies = None;
        self.service.clock_ahead = 0;
        self.service.fill(None);
        if !self.service.up {
            self.set_licensing(true);
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
    }

    pub(crate) fn judge_soon_after(&self) {
        self.judge.soon_after(&self.desktops, &self.seats, self.now);
    }

    pub(crate) fn judge_at_the_end(&self) {
        self.judge
            .at_the_end(&self.desktops, &self.service, &self.seats, self.now);
    }
}
