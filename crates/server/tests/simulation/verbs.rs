//! What people do, and what goes wrong.

use std::time::Duration;

use latchkey_core::engine::{Ask, Input, Side, UseKey};
use latchkey_core::policy::Policy;
use latchkey_core::time::Timestamp;
use latchkey_core::vault::KeyState;

use super::events::Event;
use super::parts::{Power, Program};
use super::products::{Each, PRODUCTS, VERSION, Which, all, which};
use super::service::URL;
use super::world::World;

impl World {
    pub(super) fn launch(&mut self, desktop: usize) {
        let registry = self.service.registry();
        let registry = self.desktops[desktop].launch(registry);
        self.input(desktop, registry);
        self.read_key(desktop);
        for which in all() {
            if let Some(program) = self.desktops[desktop].programs[which] {
                self.authorize(desktop, which, program);
            }
        }
    }

    /// The agent says which device key the keyring has, if it needs one.
    pub(super) fn read_key(&mut self, desktop: usize) {
        let machine = &self.desktops[desktop];
        let services = machine.engine().map(|engine| &engine.facts().services);
        let wanted = services.is_some_and(|services| services.values().any(|known| known.device.is_some()));
        if !wanted {
            return;
        }
        let key = match &machine.vault {
            Some(vault) => KeyState::Held(vault.jkt.clone()),
            None => KeyState::Gone,
        };
        let service = URL.to_owned();
        self.input(desktop, Input::Key { service, key });
    }

    pub(super) fn authorize(&mut self, desktop: usize, which: Which, program: Program) {
        let input = Input::Authorize {
            key: program.key,
            product: PRODUCTS[which].to_owned(),
            version: VERSION.to_owned(),
            running: program.running,
        };
        self.input(desktop, input);
    }

    pub(crate) fn open(&mut self, desktop: usize, which: Which) {
        if self.desktops[desktop].programs[which].is_some() || !self.desktops[desktop].is_on() {
            return;
        }
        self.note_of(desktop, &format!("{} starts", PRODUCTS[which]));
        self.desktops[desktop].out_since = None;
        self.desktops[desktop].waits = Each::default();
        self.counter += 1;
        let program = Program {
            key: UseKey {
                client: self.counter,
                use_id: 1,
            },
            running: false,
        };
        self.desktops[desktop].programs[which] = Some(program);
        self.authorize(desktop, which, program);
    }

    pub(crate) fn close(&mut self, desktop: usize, which: Which) {
        if !self.desktops[desktop].is_on() {
            return;
        }
        if let Some(program) = self.desktops[desktop].programs[which].take() {
            self.note_of(desktop, &format!("{} is closed", PRODUCTS[which]));
            self.input(desktop, Input::ClientGone(program.key.client));
        }
    }

    pub(crate) fn ask(&mut self, desktop: usize, ask: Ask) {
        if !self.desktops[desktop].is_alive() {
            return;
        }
        self.note_of(desktop, &format!("somebody asks for {ask:?}"));
        self.desktops[desktop].out_since = None;
        self.desktops[desktop].waits = Each::default();
        let given_up = match &ask {
            Ask::Reset(Some(product)) => which(product)..which(product) + 1,
            Ask::Reset(None) | Ask::SignOut(_) => all(),
            _ => 0..0,
        };
        let machine = &mut self.desktops[desktop];
        if !given_up.is_empty() {
            // An answer to what was asked before is none any more, whatever else it is about (rule 15).
            let asked = machine.asked;
            machine.told.iter_mut().for_each(|told| told.by = asked);
        }
        for told in &mut machine.told[given_up] {
            told.given_up = true;
        }
        self.counter += 1;
        let ticket = self.counter;
        self.desktops[desktop].unanswered.insert(ticket);
        let input = Input::Ask {
            ticket,
            client: 1,
            ask,
        };
        self.input(desktop, input);
    }

    pub(crate) fn crash(&mut self, desktop: usize) {
        self.last_heard(desktop);
        self.desktops[desktop].crash();
        self.at(Duration::from_secs(1), Event::Launched(desktop));
    }

    pub(crate) fn set_network(&mut self, desktop: usize, up: bool) {
        if self.desktops[desktop].network == up {
            return;
        }
        self.note_of(desktop, if up { "is connected" } else { "is cut off" });
        self.last_heard(desktop);
        let machine = &mut self.desktops[desktop];
        machine.network = up;
        machine.waits = Each::default();
        machine.tokenless.is_interrupted(machine.asked);
        if !up {
            self.end_stream(desktop);
        }
        self.input(desktop, Input::NetworkChanged);
    }

    pub(crate) fn cut_off(&mut self, desktop: usize, time: Duration) {
        self.set_network(desktop, false);
        self.at(time, Event::Connected(desktop));
    }

    pub(crate) fn sleep(&mut self, desktop: usize, time: Duration) {
        if !self.desktops[desktop].is_alive() {
            return;
        }
        self.note_of(desktop, "falls asleep");
        self.last_heard(desktop);
        self.end_stream(desktop);
        self.desktops[desktop].power = Power::Asleep(self.now);
        self.at(time, Event::Woken(desktop));
    }

    pub(super) fn wake_up(&mut self, desktop: usize) {
        let Power::Asleep(since) = self.desktops[desktop].power else {
            return;
        };
        self.note_of(desktop, "wakes up");
        let machine = &mut self.desktops[desktop];
        machine.power = Power::On;
        machine.waits = Each::default();
        machine.woke_at = Some(self.now);
        machine.tokenless.is_interrupted(machine.asked);
        // Until it has looked again, it goes by what it saw before.
        machine.tokenless.at = machine.tokenless.at.map(|_| self.now);
        let slept = self.now.since(since);
        self.input(desktop, Input::Woke { slept });
        for input in std::mem::take(&mut self.desktops[desktop].missed) {
            self.input(desktop, input);
        }
    }

    pub(crate) fn switch_off(&mut self, desktop: usize, time: Duration) {
        if !self.desktops[desktop].is_on() {
            return;
        }
        self.note_of(desktop, "is switched off");
        self.last_heard(desktop);
        self.desktops[desktop].switch_off();
        self.at(time, Event::SwitchedOn(desktop));
    }

    pub(crate) fn set_wall(&mut self, desktop: usize, ahead: i64) {
        self.note_of(
            desktop,
            &format!("the wall clock is set {} s ahead", ahead / 1000),
        );
        let machine = &mut self.desktops[desktop];
        machine.wall_ahead = ahead;
        machine.was_ahead |= ahead > 0;
        self.input(desktop, Input::Tick);
    }

    pub(crate) fn set_licensing(&mut self, up: bool) {
        self.note(if up {
            "the licensing service answers"
        } else {
            "the licensing service is out"
        });
        self.write_down_who_is_connected();
        self.service.up = up;
        self.wait_anew();
        if !up {
            self.streams_end();
        }
    }

    pub(crate) fn set_identity(&mut self, up: bool) {
        self.identity_up = up;
        self.wait_anew();
    }

    /// What anybody waits for may show something else from now on.
    fn wait_anew(&mut self) {
        for desktop in &mut self.desktops {
            desktop.waits = Each::default();
        }
    }

    pub(crate) fn licensing_out(&mut self, time: Duration) {
        self.set_licensing(false);
        self.at(time, Event::LicensingBack);
    }

    /// Nothing can be written to this table of the service for that time.
    pub(crate) fn service_full(&mut self, table: &'static str, time: Duration) {
        self.note(&format!("the disk of the service is full at {table:?}"));
        self.write_down_who_is_connected();
        self.service.fill(Some(table));
        self.at(time, Event::ServiceHasRoom);
    }

    pub(crate) fn identity_out(&mut self, time: Duration) {
        self.note("the identity service is out");
        self.set_identity(false);
        self.at(time, Event::IdentityBack);
    }

    pub(crate) fn seat(&mut self, user: usize, which: Which, assigned: bool) {
        if self.seats.has(user, which) == assigned || (!assigned && self.seats.is_held(user, which)) {
            return;
        }
        // Of what has ended nobody is given anything.
        if assigned && self.service.has_ended(self.now, which) {
            return;
        }
        self.note(&format!(
            "user {user} has a seat of {}: {assigned}",
            PRODUCTS[which]
        ));
        self.survives(|world| {
            if !world.service.seat(world.now, user, which, assigned) {
                return world.note("that cannot be written down");
            }
            world.seats.set(user, which, assigned);
            world.tell_who_is_held();
            if !assigned {
                world.judge.places_freed(user, which);
            }
        });
        self.pass_pushes_on();
    }

    /// A subscription ends after that time, or never.
    pub(crate) fn ends_in(&mut self, which: Which, time: Option<Duration>) {
        let ends_at = time.map(|time| Timestamp::from_secs((self.now + time).as_secs()));
        self.note(&format!(
            "the subscription of {} ends in {time:?}",
            PRODUCTS[which]
        ));
        if self.survives(|world| world.service.set_end(which, ends_at)) == Some(false) {
            self.note("that cannot be written down");
        }
        self.pass_pushes_on();
    }

    /// The terms of a subscription change.
    pub(crate) fn has_terms(&mut self, which: Which, policy: &Policy) {
        let terms = (policy.session_policy, policy.device_limit, policy.identity_outage);
        self.note(&format!("the terms of {} are {terms:?}", PRODUCTS[which]));
        if self.survives(|world| world.service.set_policy(which, policy)) == Some(false) {
            self.note("that cannot be written down");
        }
        self.pass_pushes_on();
    }

    pub(crate) fn release_other(&mut self, desktop: usize) {
        let machine = &self.desktops[desktop];
        let jkt = machine.vault.as_ref().map(|vault| vault.jkt.clone());
        let reachable = self.sides(desktop).0 == Side::Answers && machine.is_alive();
        let Some(jkt) = jkt.filter(|_| reachable) else {
            return;
        };
        let user = machine.user;
        let theirs = self.desktops.iter().filter(|one| one.user == user);
        let jkts: Vec<_> = theirs.flat_map(|one| one.jkts.clone()).collect();
        let released = self.survives(|world| {
            let released = world.service.release_other(world.now, user, &jkt, &jkts);
            if let Some((other, its)) = &released {
                world.note_of(desktop, &format!("the user releases {other} from here"));
                world.judge.was_released(its);
            }
            released
        });
        if released.flatten().is_none() {
            return self.pass_pushes_on();
        }
        self.pass_pushes_on();
        self.input(desktop, Input::Changed(URL.to_owned()));
    }

    /// The identity service takes the refresh token no more.
    pub(crate) fn end_grant(&mut self, desktop: usize) {
        self.note_of(desktop, "the grant ends");
        if let Some(vault) = &mut self.desktops[desktop].vault {
            vault.granted = false;
        }
    }
}
