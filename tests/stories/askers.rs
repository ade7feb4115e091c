//! One sign-in, many who want it, and each of those who have a part in it dying in the middle (rule 17).

#[path = "askers/many.rs"]
mod many;
#[path = "askers/parts.rs"]
mod parts;

use many::fifty_products_and_the_tray_are_one_page_and_all_run;
use parts::{
    while_the_code_is_shown_anybody_may_die, while_the_page_is_open_anybody_may_die,
    while_the_tokens_are_put_away_anybody_may_die,
};
use stories::prelude::*;

tell!(
    fifty_products_and_the_tray_are_one_page_and_all_run,
    while_the_page_is_open_anybody_may_die,
    while_the_code_is_shown_anybody_may_die,
    while_the_tokens_are_put_away_anybody_may_die,
    a_code_that_has_run_out_says_so_and_the_next_is_one_click_away,
);

/// How long a short-lived code lives, in seconds.
const SHORT: u64 = 12;

fn a_code_that_has_run_out_says_so_and_the_next_is_one_click_away(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let settings = serde_json::json!({ "device_code_for": SHORT });
    let world = World::seeded_by(&desk, &serde_json::json!({}), &settings)?;
    let window = world.open_window("")?;
    window.page().click_button("Use a code on another device")?;
    window.page().wait_for_words("Type this code")?;
    let first = window.page().wait_for(".letters")?.text()?;
    let mut terminal = stories::process::Process::start(
        "sign-in",
        &mut world.cli_command(["sign-in", "--device"]),
        &desk.logs(),
    )?;
    let status = terminal.wait(std::time::Duration::from_secs(SHORT + 30))?;
    let said = terminal.log().text()?;
    ensure!(
        status.code() == Some(3) && said.contains("not finished in time"),
        "{status}: {said}"
    );
    ensure!(said.contains(&first), "both saw the same code: {first}, {said}");
    window.page().wait_for_words("not finished in time")?;
    ensure!(world.status()?["sign_in"].is_null(), "an attempt is still open");
    window.screenshot("run-out")?;
    window.page().click_button("Get a new code")?;
    window.page().wait_for_words("Type this code")?;
    let second = window.page().wait_for(".letters")?.text()?;
    ensure!(second != first, "the code that has run out is shown again");
    Ok(())
}
