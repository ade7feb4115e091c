//! Lives through a history, and asks at its end whether everything has healed.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use latchkey_core::code::Reason;
use latchkey_core::engine::{Ask, Input, Outcome, SignInWish};
use latchkey_core::policy::Policy;
use latchkey_core::view::{Problem, Reach};

use super::reference::Reference;
use super::steps::Step;
use super::terms::Terms;
use crate::support::licensing::Seat;
use crate::support::world::{Keyring, User, Wire, World};
use crate::support::{ATLAS, QUARRY, SERVICE, minutes, seconds};

/// The back-off's ceiling, and the check that was under way when the last fault ended.
const HEALS_WITHIN: Duration = minutes(6);

/// What happens, from the first start on.
#[derive(Clone)]
pub(super) struct History {
    /// Which dice are thrown.
    pub(super) dice: u16,
    /// It begins with somebody who is signed in.
    pub(super) signed_in: bool,
    /// Under which policies Atlas and Quarry are licensed.
    pub(super) terms: [Policy; 2],
    pub(super) steps: Vec<Step>,
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let begin = if self.signed_in { "signed in" } else { "signed out" };
        let [atlas, quarry] = self.terms.each_ref().map(Terms);
        writeln!(
            f,
            "With dice {}, Atlas under {atlas}, Quarry under {quarry}, {begin}:",
            self.dice
        )?;
        for (at, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:>4}. {step:?}", at + 1)?;
        }
        Ok(())
    }
}

impl History {
    /// Lives through it with the reference watching.
    pub(super) fn live(&self) {
        let mut world = self.world();
        world.judge = Some(Box::new(Reference::new(&world.machine)));
        self.live_in(&mut world);
        heals(&mut world);
    }

    /// Lives through it, and says every effect that the engine wanted.
    pub(super) fn record(&self) -> Vec<String> {
        let mut world = self.world();
        world.recording = true;
        self.live_in(&mut world);
        world.record
    }

    /// Where it leads to: statuses that programs are told, and notices that the user is shown.
    pub(super) fn places(&self) -> BTreeSet<String> {
        let mut world = self.world();
        self.live_in(&mut world);
        let statuses = world.told_of.iter().map(|(code, why, stops)| {
            let (why, stops) = (why.unwrap_or_default(), if *stops { "stops" } else { "" });
            format!("{code} {why} {stops}").trim().to_owned()
        });
        let kinds = world
            .shown
            .iter()
            .map(|shown| serde_json::to_value(&shown.notice).unwrap()["kind"].to_string());
        let limited = world.temporaries.iter().filter(|claims| {
            let policy = world.services[SERVICE].policy_of(&claims.aud);
            Some(claims.number) == policy.temporary_limit
        });
        let limited = limited.map(|_| "the last temporary".to_owned());
        let temporaries = world.temporaries.iter().map(|claims| match claims.id_token {
            Some(_) => "temporary at a first start".to_owned(),
            None => "temporary".to_owned(),
        });
        statuses.chain(kinds).chain(temporaries).chain(limited).collect()
    }

    /// Quarry may start for the first time in an outage, and Atlas may not.
    fn world(&self) -> World {
        let mut world = World::seeded(u64::from(self.dice));
        world.may_first_start(QUARRY, Policy::default());
        for (product, policy) in [ATLAS, QUARRY].into_iter().zip(&self.terms) {
            license(&mut world, product, policy);
        }
        world
    }

    fn live_in(&self, world: &mut World) {
        world.comes_back = true;
        if self.signed_in {
            world.sign_in();
        }
        for step in &self.steps {
            happen(world, step);
            world.come_back();
        }
    }
}

/// From the next lease on.
fn license(world: &mut World, product: &str, policy: &Policy) {
    let policies = &mut world.service().policies;
    policies.insert(product.to_owned(), policy.clone());
}

const DAY_MILLIS: i64 = 86_400_000;

fn happen(world: &mut World, step: &Step) {
    match step {
        Step::Pass(time) => world.pass(*time),
        Step::Sleep(time) => world.sleep(*time),
        Step::Off(time, moved) => {
            world.machine.wall_ahead += moved * DAY_MILLIS;
            world.reboot(*time);
        }
        Step::MoveWall(moved) => world.machine.wall_ahead += moved * DAY_MILLIS,
        Step::Network(up) => world.set_network(*up),
        Step::NetworkUnseen(up) => {
            world.network = *up;
            if !up {
                world.streams_fall_silent();
            }
        }
        Step::Streams(served) => {
            world.streams_served = *served;
            if !served {
                world.break_streams();
            }
        }
        Step::Push => world.push(),
        Step::Session(product, wish) => {
            let product = (*product).to_owned();
            world.ask(Ask::Session { product, wish: *wish });
        }
        Step::Licensing(up) => world.licensing = *up,
        Step::Identity(up) => world.identity = *up,
        Step::Wire(wire) => world.wire = wire.clone(),
        Step::NoToken(failure) => world.gives_no_token = failure.clone(),
        Step::Latency(time) => world.latency = *time,
        Step::Keyring(keyring) => world.keyring = *keyring,
        Step::EndGrant => world.grant_revoked = true,
        Step::Start(product) => {
            world.start(product);
        }
        Step::Close => {
            if let Some(key) = world.programs.keys().next().copied() {
                world.close(key);
            }
        }
        Step::Seat(product, seat) => world.service().seat(product, *seat),
        Step::Policy(product, policy) => license(world, product, policy),
        Step::Check => {
            world.ask(Ask::Check);
        }
        Step::SignIn(user) => {
            world.user = *user;
            world.ask(Ask::SignIn(SignInWish::default()));
        }
        Step::SignOut => {
            world.ask(Ask::SignOut(None));
        }
        Step::Reset(product) => {
            world.ask(Ask::Reset(product.map(str::to_owned)));
        }
        Step::Echo => {
            if let Some((attempt, answered)) = world.last_answer.clone() {
                let outcome = Outcome::Checked(Ok(answered));
                world.input(Input::Outcome { attempt, outcome });
            }
        }
        Step::Crash => world.restart(),
        Step::CrashWithin(effects) => world.dies_in = Some(*effects),
    }
}

/// The last fault ends, and nobody says so: within six minutes everything is well, and nobody waits any more.
fn heals(world: &mut World) {
    (world.network, world.licensing, world.identity) = (true, true, true);
    (world.wire, world.keyring, world.grant_revoked) = (Wire::Honest, Keyring::Open, false);
    (world.streams_served, world.gives_no_token) = (true, None);
    (world.user, world.dies_in) = (User::Ignores, None);
    world.latency = Duration::from_millis(200);
    world.pass(HEALS_WITHIN);
    if world.view().sign_in.is_some() {
        // Somebody is awaited in a browser, and not for ever; what is to be deleted does not cut that off.
        world.pass(minutes(15) + HEALS_WITHIN);
    }

    if world.view().accounts[0].checking {
        // A session is confirmed every few minutes, perhaps just now.
        world.pass(seconds(5));
    }
    let view = world.view().clone();
    let account = &view.accounts[0];
    assert!(
        matches!(account.reach, Reach::Online | Reach::Unknown),
        "still {:?}: {view:#?}",
        account.reach
    );
    assert!(!account.checking, "a check is still under way: {view:#?}");
    assert!(!account.release_waiting, "a release still waits: {view:#?}");
    let forget = world
        .facts()
        .services
        .get(SERVICE)
        .and_then(|service| service.forget);
    assert_eq!(forget, None, "the vault still holds what was to be deleted");
    assert!(
        world.unanswered.is_empty(),
        "requests {:?} wait for ever",
        world.unanswered
    );
    let signed_in = account.user.is_some() && !view.problems.contains(&Problem::SignInAgain);
    if signed_in {
        assert_eq!(view.problems, [], "{view:#?}");
        assert_licensed(world);
    }
}

/// Whoever is signed in has, one check later, what the service says.
fn assert_licensed(world: &mut World) {
    world.ask(Ask::Check);
    world.pass(seconds(5));
    let released = [ATLAS, QUARRY].into_iter().any(|product| {
        world.services[SERVICE].seat_of(product) == Seat::Refused(latchkey_core::code::Code::DeviceReleased)
    });
    for product in [ATLAS, QUARRY] {
        let code = world.code(product);
        match world.services[SERVICE].seat_of(product) {
            Seat::Assigned if released => assert_eq!(code, 10, "{product}"),
            Seat::Assigned => assert_eq!(code, 0, "{product}"),
            Seat::Refused(latchkey_core::code::Code::ClientOutdated) => {
                assert!(matches!(code, 0 | 19 | 10), "{product}")
            }
            Seat::Refused(latchkey_core::code::Code::NotAssigned) => {
                let spreads = world.product(product).reason == Some(Reason::EntitlementSpreading);
                assert!(code == 13 || (code == 4 && spreads), "{product}: {code}");
            }
            Seat::Refused(refused) => assert_eq!(code, refused.number(), "{product}"),
        }
    }
}
