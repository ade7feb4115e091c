//! A history: some hours, weeks or months in which people work, and everything fails that can.

use std::time::Duration;

use latchkey_core::engine::{Ask, SignInWish};
use latchkey_core::policy::{IdentityOutage, Policy, SessionPolicy};
use latchkey_core::session::SessionWish;
use latchkey_core::time::{DAY, HOUR, MINUTE};

use super::dice::Dice;
use super::events::{FAIR, Weather};
use super::products::PRODUCTS;
use super::service::Dies;
use super::world::{USERS, World};

/// What checks, people and whoever is connected write to, where the service's disk may be found full: all that is not written by
/// whoever sets it up.
const TABLES: [&str; 16] = [
    "device_losses",
    "device_releases",
    "devices",
    "holds",
    "identities",
    "leases",
    "naming",
    "overlaps",
    "pushes",
    "seat_losses",
    "seats",
    "sequences",
    "session_asks",
    "sessions",
    "subjects",
    "usage",
];
const SECOND: Duration = Duration::from_secs(1);
/// A session whose device fell silent ends with `session_ttl`, and whoever waits asks again within a heartbeat.
const SESSIONS_ENDED: Duration = Duration::from_secs(20 * MINUTE.as_secs());

/// Lives through the history of `seed`, and gives its digest. Panics where a rule is broken.
pub(crate) fn history(seed: u64) -> u64 {
    let mut dice = Dice::new(seed ^ 0x5EED);
    let policy = Policy {
        temporary_limit: dice.pick(&[None, None, Some(3)]),
        ..terms(&mut dice, Policy::default())
    };
    // Hours, weeks or months pass in a history: sessions are a matter of minutes, leases one of days or of a month.
    let longest = dice.pick(&[HOUR, 12 * HOUR, 4 * DAY, 20 * DAY]);
    let lasts_months = longest > 4 * DAY;
    // In some, leases end within the longest outage.
    let policy = match dice.percent(30) && !lasts_months {
        true => Policy {
            offline_for: 36 * HOUR,
            final_warning: 6 * HOUR,
            ..policy
        },
        false => policy,
    };
    policy.validate().expect("it makes sense");
    // In some there are others in the organisation: so many that five who lose their seats are a mass, or are none.
    let crowd = dice.pick(&[0, 0, 6, 26]);
    let first_starts = dice.percent(50);
    // The other subscription has the same terms but for places and sessions.
    let other = Policy {
        identity_outage: policy.identity_outage,
        ..terms(&mut dice, policy.clone())
    };
    let mut world = World::new(seed, [policy, other], first_starts, crowd);
    world.crowd_checks();
    // In some, nobody has ever checked when the first outage begins.
    if first_starts && dice.percent(50) {
        world.licensing_out(dice.spell(10 * MINUTE, 3 * DAY));
    }
    if dice.percent(15) {
        world.service_full(dice.pick(&TABLES), dice.spell(SECOND, HOUR));
    }
    for desktop in 0..world.desktops.len() {
        world.ask(desktop, Ask::SignIn(SignInWish::default()));
        world.pass(SECOND);
    }
    world.pass(2 * MINUTE);
    let (fewest, more) = if lasts_months { (20, 20) } else { (40, 80) };
    let steps = fewest + dice.below(more);
    let longest_cut = if lasts_months { 45 * DAY } else { 5 * DAY };
    for _ in 0..steps {
        let spell = dice.spell(SECOND, longest);
        step(&mut world, &mut dice, longest_cut);
        world.pass(spell);
    }
    world.mend();
    world.converge();
    world.judge_soon_after();
    world.pass(SESSIONS_ENDED);
    world.judge_at_the_end();
    world.digest()
}

/// What only happens where there are many.
fn crowd_step(world: &mut World, dice: &mut Dice) {
    if dice.percent(50) {
        world.crowd_checks();
    }
    // A list that is wrong; now and then it is mended, or gets worse, a moment later.
    let percent = dice.pick(&[0, 10, 15, 60]);
    for _ in 0..dice.pick(&[1, 1, 3]) {
        world.import(percent);
        world.pass(dice.spell(SECOND, 5 * MINUTE));
    }
}

fn step(world: &mut World, dice: &mut Dice, longest_cut: Duration) {
    if world.crowd > 0 && dice.percent(8) {
        return crowd_step(world, dice);
    }
    let desktop = dice.below(world.desktops.len());
    let user = dice.below(USERS);
    let which = dice.below(PRODUCTS.len());
    let session = |wish| Ask::Session {
        product: PRODUCTS[which].to_owned(),
        wish,
    };
    match dice.below(105) {
        0..20 => world.open(desktop, which),
        20..28 => world.close(desktop, which),
        28..34 => world.ask(desktop, Ask::SignIn(SignInWish::default())),
        34..40 => world.ask(desktop, session(SessionWish::TakeOver)),
        40..43 => world.ask(desktop, session(SessionWish::HandOver)),
        43..46 => world.ask(desktop, Ask::Check),
        46..48 => world.ask(desktop, Ask::SignOut(None)),
        48..50 => world.ask(desktop, Ask::Reset(None)),
        50..52 => world.ask(desktop, Ask::Reset(Some(PRODUCTS[which].to_owned()))),
        52..55 => world.release_other(desktop),
        55..58 => world.seat(user, which, false),
        58..62 => world.seat(user, which, true),
        62..67 => world.cut_off(desktop, dice.spell(SECOND, longest_cut)),
        67..70 => world.sleep(desktop, dice.spell(MINUTE, DAY)),
        70..73 => world.switch_off(desktop, dice.spell(MINUTE, 3 * DAY)),
        73..77 => world.desktops[desktop].dies_in = Some(dice.below(12)),
        77..79 => world.desktops[desktop].disk_full = dice.percent(50),
        79..81 => {
            let ahead = dice.pick(&[0, 0, -10 * 86_400_000, -60_000, 60_000, 400 * 86_400_000]);
            world.set_wall(desktop, ahead);
        }
        81..84 if world.service.up => world.licensing_out(dice.spell(SECOND, 2 * DAY)),
        84..87 if world.identity_up => world.identity_out(dice.spell(SECOND, 4 * DAY)),
        87..90 => world.service.dies = Some(dice.pick(&[Dies::BeforeTheWrite, Dies::AfterTheWrite])),
        90..92 if !world.service.is_full() => {
            world.service_full(dice.pick(&TABLES), dice.spell(SECOND, 12 * HOUR));
        }
        92..93 => world.service.clock_ahead = dice.pick(&[0, -60_000, 60_000]),
        93..96 => {
            world.weather = Weather {
                lost: dice.below(40),
                twice: dice.below(40),
                slowest: dice.pick(&[200, 2_000, 20_000]),
            };
        }
        96..98 => world.weather = FAIR,
        98..100 => world.end_grant(desktop),
        100..103 => {
            let time = dice.spell(SECOND, 5 * DAY);
            world.ends_in(which, dice.percent(50).then_some(time));
        }
        _ => {
            let policy = terms(dice, world.service.policies[which].clone());
            world.has_terms(which, &policy);
        }
    }
}

/// What a vendor changes in the terms of a subscription.
fn terms(dice: &mut Dice, policy: Policy) -> Policy {
    Policy {
        device_limit: dice.pick(&[1, 2, 3]),
        session_policy: dice.pick(&[
            SessionPolicy::Takeover,
            SessionPolicy::Takeover,
            SessionPolicy::Deny,
            SessionPolicy::Report,
        ]),
        identity_outage: dice.pick(&[IdentityOutage::Grace, IdentityOutage::Deny]),
        ..policy
    }
}
