//! Thirty days without a network: the countdown, the final warning, the end, and the one connection that heals it.

use std::time::Duration;

use stories::notices::{Shown, Urgency};
use stories::prelude::*;
use stories::services::PRODUCT;

tell!(
    the_offline_month_counts_down_and_one_connection_heals_it,
    an_open_product_gets_its_time_to_save_once,
);

const DAY: Duration = Duration::from_secs(86_400);
/// Being offline is decided by two failures, at least ten seconds apart, and then told.
const TOLD_WITHIN: Duration = Duration::from_secs(60);

/// Waits for the one notice that is shown after the first `seen`, and makes sure that it is the only one.
fn only_notice(desk: &Desktop, seen: usize) -> Result<Shown> {
    let shown = until("a notice", TOLD_WITHIN, || {
        Ok(desk.notices().all().get(seen).cloned())
    })?;
    let all = desk.notices().all();
    ensure!(
        all.len() == seen + 1,
        "more than one notice: {:?}",
        all.get(seen..)
    );
    Ok(shown)
}

/// Sign in from the tray, and see that all is well.
fn licensed<'d>(world: &World<'d>) -> Result<Tray<'d>> {
    let tray = world.start_tray()?;
    world.sign_in_from(&tray)?;
    tray.wait_for_words(&format!("{} — licensed", world.maya().name))?;
    tray.wait_for_words("Atlas 2026.1 — ready")?;
    Ok(tray)
}

fn the_offline_month_counts_down_and_one_connection_heals_it(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    drop(licensed(&world)?);
    desk.screenshot("licensed")?;
    world.go_offline()?;

    // How far to go, what the menu's first line says there, what the day's notice says, and how urgently.
    let hours = |hours: u32| Duration::from_secs(3600) * hours;
    let journey = [
        (
            DAY,
            "Offline — 29 days left",
            "keeps working for 29 more days",
            Urgency::Low,
        ),
        (
            25 * DAY,
            "Offline — 4 days left",
            "keeps working for 4 more days",
            Urgency::Low,
        ),
        (
            DAY,
            "Less than 3 days left",
            "Less than 3 days left. Connect",
            Urgency::Critical,
        ),
        (
            hours(36),
            "Less than 2 days left",
            "Less than 2 days left. Connect",
            Urgency::Critical,
        ),
        (
            hours(33),
            "Less than 3 hours left",
            "Less than 3 hours left. Connect",
            Urgency::Critical,
        ),
    ];
    for (further, line, notice, urgency) in journey {
        let seen = desk.notices().all().len();
        let tray = world.time_passes(further)?.context("the tray runs")?;
        tray.wait_for_words(line)?;
        let told = only_notice(&desk, seen)?;
        ensure!(
            told.text().contains(notice) && told.urgency == urgency,
            "{told:?}, and not {notice:?}"
        );
        desk.screenshot(&line.replace(' ', "-").to_lowercase())?;

        // A start is told too, of its own product, and in the same words.
        let mut atlas = world.start_atlas()?;
        atlas.wait_for("OK")?;
        let told = only_notice(&desk, seen + 1)?;
        ensure!(told.text().contains(notice), "at the start: {told:?}");
        atlas.close()?;
    }

    let seen = desk.notices().all().len();
    let tray = world.time_passes(hours(4))?.context("the tray runs")?;
    tray.wait_for_words("Atlas has stopped")?;
    let told = only_notice(&desk, seen)?;
    ensure!(
        told.text()
            .contains("has been offline for 30 days. Connect once to go on."),
        "{told:?}"
    );
    desk.screenshot("stopped")?;
    let mut refused = world.start_atlas()?;
    refused.wait_as_long_as(TOLD_WITHIN, "OFFLINE_LIMIT_REACHED")?;

    let seen = desk.notices().all().len();
    world.go_online()?;
    world.cli(["check"])?;
    tray.wait_for_words("licensed")?;
    let told = only_notice(&desk, seen)?;
    ensure!(
        told.text().contains("Connected. Atlas is good offline until"),
        "{told:?}"
    );
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    atlas.close()
}

fn an_open_product_gets_its_time_to_save_once(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    // A month that a story can sit through: what is left when the product starts is under a minute.
    let policy = serde_json::json!({
        "offline_for": 180, "final_warning": 60, "check_every": 60, "save_window": 60,
        "heartbeat_every": 60, "session_ttl": 120, "credentials_refresh_every": 60,
    });
    let world = World::seeded_with(&desk, &policy)?;
    drop(licensed(&world)?);
    world.go_offline()?;
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    atlas.wait_as_long_as(Duration::from_secs(240), "OFFLINE_LIMIT_REACHED")?;

    // The agent's death wins no second time to save.
    let stop_at = |world: &World<'_>| -> Result<serde_json::Value> {
        let status = world.status()?;
        let products = status["products"].as_array().cloned().unwrap_or_default();
        let atlas = products.into_iter().find(|product| product["product"] == PRODUCT);
        Ok(atlas.context("Atlas is registered")?["status"]["stop_at"].clone())
    };
    let before = stop_at(&world)?;
    ensure!(
        !before.is_null(),
        "an open product is told when it must have stopped"
    );
    world.machine().kill("latchkey-agent")?;
    until("the product to come back to a new agent", TOLD_WITHIN, || {
        Ok((stop_at(&world)? == before).then_some(()))
    })?;
    Ok(())
}
