//! Thirty days without the services, lived through in minutes: the line, the icon and every notice on the way, the end, and
//! how one check heals it (rules 3, 4, 5 and 16).

#[path = "offline_month/month.rs"]
mod month;

use std::time::{Duration, Instant};

use latchkey_core::time::Timestamp;
use latchkey_core::view::{Icon, Problem};
use serde_json::{Value, json};
use stories::prelude::*;

use month::{Month, calm, grave, is_refused, staying, until_it_runs};

tell!(
    thirty_days_offline_with_every_notice_counted,
    the_end_meets_a_product_that_is_open,
    reboots_and_clocks_that_are_set_change_no_day,
);

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// The lease ends in the second minute without the services, and half of that is the final warning: the shortest that a
/// policy may say. Nobody moves the clock under a program that runs, so what an open product meets, it meets in real time.
fn two_minutes() -> Value {
    json!({ "offline_for": 120, "final_warning": 60, "check_every": 60, "save_window": 60 })
}

fn thirty_days_offline_with_every_notice_counted(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let mut month = Month::begin(&world)?;
    world.start_atlas().and_then(until_it_runs)?.close()?;
    month.is_told_no_more()?;
    world.go_offline()?;

    month.passes(DAY)?;
    month.stands("Neither service answers — 29 days left, until ", Icon::Offline)?;
    month.is_told(calm(
        "Neither service answers. Atlas keeps working for 29 more days, until ",
    ))?;
    month.gets_another_tray()?;
    month.is_told_no_more().context("another tray on the same day")?;

    // Two at once are one notice; that the agent dies under them is no start.
    let (one, two) = (world.start_atlas()?, world.start_atlas()?);
    let open = [until_it_runs(one)?, until_it_runs(two)?];
    month.is_told(calm(
        "Neither service answers. Atlas keeps working for 29 more days, until ",
    ))?;
    world.machine().kill("latchkey-agent")?;
    month.stands("Neither service answers — 29 days left, until ", Icon::Offline)?;
    month.has_open(2)?;
    month.is_told_no_more().context("another agent on the same day")?;
    open.into_iter().try_for_each(Atlas::close)?;
    month.starts_atlas_and_is_told(calm(
        "Neither service answers. Atlas keeps working for 29 more days, until ",
    ))?;

    month.passes(25 * DAY)?;
    month.has_a_day(
        "Neither service answers — 4 days left, until ",
        "neither service answers, 4 days left",
        Icon::Offline,
        calm("Neither service answers. Atlas keeps working for 4 more days, until "),
    )?;
    month.passes(DAY)?;
    month.has_a_day(
        "Less than 3 days left — unless the services answer before ",
        "less than 3 days left",
        Icon::Three,
        staying("Less than 3 days left. Atlas stops working on "),
    )?;
    month.passes(36 * HOUR)?;
    month.has_a_day(
        "Less than 2 days left — unless the services answer before ",
        "less than 2 days left",
        Icon::Two,
        staying("Less than 2 days left. Atlas stops working on "),
    )?;
    month.passes(33 * HOUR + 36 * MINUTE)?;
    month.has_a_day(
        "Less than 3 hours left — unless the services answer before ",
        "less than 3 hours left",
        Icon::One,
        staying("Less than 3 hours left. Atlas stops working on "),
    )?;

    month.passes(5 * HOUR)?;
    month.stands("Atlas has stopped — ", Icon::Stopped)?;
    month.is_told(grave(
        "Atlas has stopped: it has been offline for 30 days. Connect once to go on.",
    ))?;
    is_refused(&world)?;
    month.is_told_no_more().context("a refused start")?;
    month.passes(DAY)?;
    month.stands("Atlas has stopped — ", Icon::Stopped)?;
    month.is_told_no_more().context("the day after the end")?;

    world.go_online()?;
    world.cli(["check"])?;
    month.is_connected_again()?;
    world.start_atlas().and_then(until_it_runs)?.close()?;
    month.is_told_no_more().context("a start online")
}

fn the_end_meets_a_product_that_is_open(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded_with(&desk, &two_minutes())?;
    let mut month = Month::begin(&world)?;
    let (mut open, mut other) = (starts_and_tells(&world)?, starts_and_tells(&world)?);
    month.is_told_no_more()?;
    world.go_offline()?;
    month.stands("Neither service answers — 1 hour left, until ", Icon::Offline)?;
    month.is_told(calm(
        "Neither service answers. Atlas keeps working for 1 more hour, until ",
    ))?;
    month.waits_for(
        "Less than 1 hour left — unless the services answer before ",
        Icon::One,
    )?;
    month
        .is_told_no_more()
        .context("the final warning, later that day")?;

    let stop = Stop::told_to(&mut open)?;
    Stop::told_to(&mut other)?;
    month.waits_for("Atlas stops at ", Icon::Stopped)?;
    month.is_told(staying(
        "Atlas has been offline for 1 day. Save your work: it stops at ",
    ))?;
    stop.is_the_only_one(&month, &[&open, &other])?;

    // Neither another start nor another agent wins a second window.
    other.process().kill()?;
    is_refused(&world)?;
    world.machine().kill("latchkey-agent")?;
    month.has_open(1)?;
    stop.is_the_only_one(&month, &[&open])?;
    stop.is_when_it_stops(&mut open)?;
    is_refused(&world)?;
    month.stands("Atlas has stopped — ", Icon::Stopped)?;
    month.is_told_no_more().context("after the window")?;

    let mut patient = world.start_atlas_with(&["--keep-trying"])?;
    patient.wait_as_long_as(MINUTE, "OFFLINE_LIMIT_REACHED")?;
    world.go_online()?;
    patient.wait_for("started, for Northwind")?;
    month.is_connected_again()?;
    month.is_told_no_more()?;
    patient.close()
}

fn reboots_and_clocks_that_are_set_change_no_day(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let mut month = Month::begin(&world)?;
    world.go_offline()?;
    month.passes(27 * DAY)?;
    month.stands(
        "Less than 3 days left — unless the services answer before ",
        Icon::Three,
    )?;
    month.is_told(staying("Less than 3 days left. Atlas stops working on "))?;
    month.is_off_for(36 * HOUR)?;
    let line = (
        "Less than 2 days left — unless the services answer before ",
        Icon::Two,
    );
    month.stands(line.0, line.1)?;
    month.is_told(staying("Less than 2 days left. Atlas stops working on "))?;

    let clock = world.machine().wall();
    let right = clock.ahead();
    for days in [-10, 400] {
        clock.set(right + days * 86_400)?;
        month.stands(line.0, line.1)?;
        let problems = month.view()?.context("the agent runs")?.problems;
        ensure!(
            problems.contains(&Problem::ClockWrong),
            "the clock {days} days off, the problems are {problems:?}"
        );
        month
            .is_told_no_more()
            .with_context(|| format!("the clock {days} days off"))?;
    }
    // An agent that begins by such a clock goes by what it knows of this boot.
    world.machine().kill("latchkey-agent")?;
    month.stands(line.0, line.1)?;
    month
        .is_told_no_more()
        .context("another agent, the clock 400 days off")?;
    month.starts_atlas_and_is_told(staying("Less than 2 days left. Atlas stops working on "))?;

    clock.set(right)?;
    month.is_off_for(MINUTE)?;
    month.stands(line.0, line.1)?;
    month.is_told_no_more().context("a reboot later that day")
}

/// Starts an Atlas that tells what it hears as JSON.
fn starts_and_tells(world: &World<'_>) -> Result<Atlas> {
    let mut atlas = world.start_atlas_with(&["--json"])?;
    atlas.wait_for(STARTED)?;
    Ok(atlas)
}

const STARTED: &str = r#""event":"started""#;
const MUST_STOP: &str = r#""event":"must_stop""#;
const SAVED: &str = r#""event":"saved""#;
const STOPPED: &str = r#""event":"stopped""#;

/// That a program must stop, as it was told.
struct Stop {
    told: Instant,
    at: Timestamp,
    left: u64,
}

impl Stop {
    /// The save window of a minute, at the end of the final warning.
    fn told_to(atlas: &mut Atlas) -> Result<Self> {
        let line = atlas.wait_as_long_as(2 * MINUTE, MUST_STOP)?;
        let told = Instant::now();
        let stop: Value = serde_json::from_str(&line)?;
        let (at, left) = (stop["at"].as_i64(), stop["left"].as_u64());
        let (at, left) = at.zip(left).with_context(|| format!("Atlas is told {line}"))?;
        ensure!(
            stop["code"] == 12 && (55..=60).contains(&left),
            "Atlas is told {line}"
        );
        atlas.wait_for(SAVED)?;
        Ok(Self {
            told,
            at: Timestamp::from_millis(at),
            left,
        })
    }

    /// Everybody says so, and was told once.
    fn is_the_only_one(&self, month: &Month<'_, '_>, open: &[&Atlas]) -> Result<()> {
        let at = month.stops_at()?;
        ensure!(
            at == self.at,
            "Atlas was told {:?}, and may go on until {at:?} now",
            self.at
        );
        for atlas in open {
            let text = atlas.text()?;
            ensure!(
                text.matches(MUST_STOP).count() == 1,
                "Atlas was to be told once: {text}"
            );
        }
        Ok(())
    }

    /// It goes on to the end of its window, and then ends by itself, its work saved.
    fn is_when_it_stops(&self, atlas: &mut Atlas) -> Result<()> {
        let ended = atlas.process().wait(2 * MINUTE)?;
        let (took, text) = (self.told.elapsed().as_secs(), atlas.text()?);
        ensure!(
            ended.success() && text.contains(STOPPED) && text.matches(MUST_STOP).count() == 1,
            "Atlas ended with {ended}: {text}"
        );
        ensure!(
            (self.left - 2..=self.left + 5).contains(&took),
            "Atlas stopped after {took} s, and was given {} s",
            self.left
        );
        Ok(())
    }
}
