//! The agent dies: at any instant of a check, of a refresh, of a reset. Nothing is lost but what the architecture names,
//! a refresh token that the provider had rotated and that was not stored yet.
//!
//! The instants are drawn anew each time; a story that failed names its seed, and `STORIES_SEED` sets it.

#[path = "crashes/chance.rs"]
mod chance;
#[path = "crashes/doing.rs"]
mod doing;
#[path = "crashes/keyring_daemon.rs"]
mod keyring_daemon;
#[path = "crashes/lab.rs"]
mod lab;
#[path = "crashes/seen.rs"]
mod seen;

use stories::prelude::*;

use chance::{Chance, SEED};
use doing::Doing;
use lab::Lab;

tell!(an_agent_that_dies_at_any_instant_loses_nothing);

/// How often it dies while it does what.
const KILLS: [(Doing, usize); 7] = [
    (Doing::Check, 8),
    (Doing::StartAndCheck, 8),
    (Doing::Refresh, 16),
    (Doing::ResetProduct, 7),
    (Doing::ResetAll, 3),
    (Doing::ResetAllInAPowerCut, 4),
    (Doing::ResetWithoutAgent, 4),
];

fn an_agent_that_dies_at_any_instant_loses_nothing(story: &Story) -> Result<()> {
    let (seed, chance) = Chance::begin()?;
    eprintln!("{SEED}={seed}");
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let mut lab = Lab::open(&world, chance)?;
    for (doing, _) in KILLS {
        lab.measure(doing).with_context(|| format!("{doing:?}"))?;
    }
    eprintln!("undisturbed: {:?}", lab.lasts());
    let mut plan: Vec<_> = KILLS
        .into_iter()
        .flat_map(|(doing, times)| std::iter::repeat_n(doing, times))
        .collect();
    lab.shuffle(&mut plan);
    let kills = plan.len();
    ensure!(kills == 50, "{kills} kills are planned");
    for (number, doing) in plan.into_iter().enumerate() {
        lab.crash(doing)
            .with_context(|| format!("kill {} of {kills}, while {doing:?} ({SEED}={seed})", number + 1))?;
    }
    eprintln!("{}", lab.tally);
    // Otherwise they were all late, and have shown nothing.
    ensure!(lab.tally.unanswered >= 25, "{}", lab.tally);
    // Between the provider's answer and the keyring lies a small part of a refresh.
    ensure!(lab.tally.sign_ins_again <= 8, "{}", lab.tally);

    let devices = world.service().tell(["device", "list", &world.maya().email])?;
    let devices = devices.as_array().context("a list of devices")?;
    let held = devices
        .iter()
        .filter(|device| device["released_at"].is_null())
        .count();
    ensure!(held == 1, "every device but the last is given back: {devices:?}");
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    atlas.close()
}
