//! The holder sees who asks, and gives way (rule 11).

use std::time::Instant;

use stories::prelude::*;
use stories::wait::SOON;

use super::{TOLD, atlas_of, signed_in};

pub(super) fn the_holder_sees_who_asks_and_hands_over(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let studio = World::seeded(&desk)?;
    let other_desk = Desktop::second(story)?;
    let laptop = studio.second(&other_desk)?;
    signed_in(&studio)?;
    signed_in(&laptop)?;
    let mut holding = studio.start_atlas()?;
    holding.wait_for("OK")?;
    let window = studio.open_window("")?;
    ensure!(
        !window.page().text()?.contains("Hand over"),
        "it is offered where nobody asks"
    );

    let mut asking = laptop.start_atlas_with(&["--keep-trying"])?;
    asking.wait_for("SESSION_IN_USE")?;
    window.page().wait_for_words("Hand over")?;
    window.screenshot("asked")?;
    ensure!(
        !holding.text()?.contains("SESSION_IN_USE"),
        "to be asked is to be stopped"
    );

    let began = Instant::now();
    window.page().click_button("Hand over")?;
    asking.wait_for("OK")?;
    let took = began.elapsed();
    ensure!(took < TOLD, "it was handed over after {took:?}");
    holding.wait_for("SESSION_IN_USE")?;
    // It has the whole save window, and has saved at once.
    let left = holding.wait_for("must stop within")?;
    let seconds: u64 = left
        .split_whitespace()
        .find_map(|word| word.parse().ok())
        .with_context(|| left.clone())?;
    ensure!((590..=600).contains(&seconds), "{left}");
    holding.wait_for("saved ")?;
    let stopping = atlas_of(&studio)?;
    ensure!(
        stopping["code"] == 16 && !stopping["stop_at"].is_null(),
        "{stopping}"
    );
    window.page().wait_for_words("Use here instead")?;
    window.screenshot("handed-over")?;

    // Whoever gave it away waits for it, and has it again when it is free.
    asking.close()?;
    holding.wait_for("OK")?;
    until("the end to be called off", SOON, || {
        Ok(atlas_of(&studio)?["stop_at"].is_null().then_some(()))
    })?;
    holding.close()
}
