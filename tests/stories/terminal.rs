//! Everything from a terminal: sign in, check, look, start a product, and take it all away again.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use stories::atlas::atlas_of;
use stories::keyring;
use stories::prelude::*;
use stories::secrets::files_with;
use stories::services::PRODUCT;
use stories::wait::SOON;

tell!(
    signing_in_checking_and_starting_a_product,
    an_address_is_printed_where_no_browser_is_wanted,
    a_first_start_offline_is_refused_in_words,
    a_product_starts_again_without_the_services,
    days_offline_are_counted_through_sleep_and_reboot,
    the_agent_is_found_wherever_a_program_looks_for_it,
    an_agent_that_is_too_old_runs_to_the_end_of_its_lease,
    a_reset_leaves_no_secret_behind,
);

const DAY: Duration = Duration::from_secs(86_400);

/// Where the product stands, by `latchkey status --json`.
fn atlas_status(world: &World<'_>) -> Result<Value> {
    atlas_of(&world.status()?).cloned()
}

fn signing_in_checking_and_starting_a_product(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let before = world.cli_output(["status", PRODUCT])?;
    ensure!(
        before.status.code() == Some(110),
        "before signing in, latchkey status ATLAS ends with {}",
        before.status
    );

    world.sign_in()?;
    world.cli(["check"])?;
    let status = atlas_status(&world)?;
    ensure!(
        status["code"] == 0 && status["basis"] == "lease",
        "after the check: {status}"
    );
    let users = world.status()?["accounts"][0]["user"].clone();
    ensure!(
        users["email"] == world.maya().email && users["name"] == world.maya().name,
        "signed in is {users}"
    );
    ensure!(
        world.cli_output(["status", PRODUCT])?.status.success(),
        "latchkey status ATLAS must end with 0"
    );

    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    atlas.close()
}

fn an_address_is_printed_where_no_browser_is_wanted(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let mut command = world.cli_command(["sign-in", "--no-browser"]);
    let mut sign_in = stories::process::Process::start("sign-in", &mut command, &desk.logs())?;
    let issuer = world.provider().issuer().to_owned();
    let address = sign_in.wait_for_line("the address", stories::wait::SOON, |line| {
        line.split_whitespace()
            .find(|word| word.starts_with(&issuer))
            .map(str::to_owned)
    })?;
    let browser = Browser::start(&desk)?;
    browser.sign_in(&address, &world.maya().email, &world.maya().password)?;
    ensure!(
        sign_in.wait(stories::wait::SOON)?.success(),
        "{}",
        sign_in.log().text()?
    );
    ensure!(
        desk.opened_addresses()?.is_empty(),
        "a browser was opened all the same"
    );
    Ok(())
}

fn a_first_start_offline_is_refused_in_words(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    world.go_offline()?;
    let mut atlas = world.start_atlas()?;
    atlas.wait_as_long_as(Duration::from_secs(60), "FIRST_START_OFFLINE")?;
    let status = atlas_status(&world)?;
    let words = format!("{} {}", status["text"], status["next_step"]);
    // There is a route, and nobody at its end (rule 8): that there is no Internet, nobody can know.
    ensure!(
        words.contains("neither service answers") && words.contains("network"),
        "the words are {words}"
    );
    Ok(())
}

fn a_product_starts_again_without_the_services(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    world.sign_in()?;
    let mut first = world.start_atlas()?;
    first.wait_for("OK")?;
    first.close()?;

    world.go_offline()?;
    world.machine().end("latchkey-agent")?;
    let mut second = world.start_atlas()?;
    second.wait_for("OK")?;
    second.close()
}

fn days_offline_are_counted_through_sleep_and_reboot(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    world.sign_in()?;
    world.cli(["check"])?;
    world.go_offline()?;

    let left = |awaited: u32| -> Result<()> {
        let seen = atlas_status(&world)?;
        ensure!(
            seen["code"] == 0 && seen["left"]["days"] == awaited,
            "{awaited} days should be left: {seen}"
        );
        Ok(())
    };
    left(30)?;
    world.time_passes(5 * DAY)?;
    left(25)?;
    world.reboot(10 * DAY)?;
    left(15)?;
    // Setting the clock back while the machine runs gives nothing.
    world.machine().wall().set(0)?;
    left(15)?;
    world.time_passes(16 * DAY)?;
    let seen = atlas_status(&world)?;
    ensure!(seen["code"] == 12, "thirty-one days on: {seen}");

    // Its clock is fifteen days behind everybody else's now, which the product names, and lives with no longer than need be.
    world.go_online()?;
    let refused = world.cli_output(["check"])?;
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(
        refused.status.code() == Some(104) && words.contains("clock"),
        "with a wrong clock: {words}"
    );
    world.machine().wall().set(world.service().clock().ahead())?;
    world.cli(["check"])?;
    left(30)
}

/// A user may have programs of several sessions, and a system clears away what it calls temporary. There is one agent all the same.
fn the_agent_is_found_wherever_a_program_looks_for_it(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    world.sign_in()?;
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("started, for Northwind")?;
    let agent = world.machine().running("latchkey-agent")?;
    ensure!(agent.len() == 1, "one agent should run: {agent:?}");
    let is_found = |looked_for: &str, elsewhere: Option<&Path>| -> Result<()> {
        let mut command = world.cli_command(["status", "--json"]);
        command.envs(elsewhere.map(|folder| ("XDG_RUNTIME_DIR", folder)));
        let output = command.output()?;
        let status: Value =
            serde_json::from_slice(&output.stdout).with_context(|| format!("{looked_for}: {output:?}"))?;
        ensure!(atlas_of(&status)?["code"] == 0, "{looked_for}: {status}");
        // Whoever was started to be that agent tells it where it is wanted, and ends.
        until("the first agent to run alone", SOON, || {
            let now = world.machine().running("latchkey-agent")?;
            ensure!(
                now.contains(&agent[0]),
                "{looked_for}: {agent:?} ran, and {now:?} do now"
            );
            Ok((now == agent).then_some(()))
        })
    };
    let runtime = Path::new(desk.variable("XDG_RUNTIME_DIR")?);
    let folder = runtime.join("latchkey");
    fs::remove_file(folder.join("agent.sock"))?;
    is_found("the socket was cleared away", None)?;
    fs::remove_dir_all(&folder)?;
    is_found("its folder was cleared away", None)?;
    let another = runtime.join("another");
    DirBuilder::new().mode(0o700).create(&another)?;
    is_found("a program of another session", Some(&another))?;
    is_found("the first session again", None)?;
    atlas.close()
}

fn an_agent_that_is_too_old_runs_to_the_end_of_its_lease(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    world.sign_in()?;
    world.cli(["check"])?;
    world.start_tray()?;
    world.service().tell(["agent", "require", "99.0.0"])?;
    world.time_passes(29 * DAY)?;
    world.cli(["check"])?;
    desk.notices().wait_for("Update Latchkey before", 0)?;
    let running_out = atlas_status(&world)?;
    ensure!(
        running_out["basis"] == "final_warning" && running_out["away"] == "outdated",
        "in the last days: {running_out}"
    );
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    atlas.close()?;

    world.time_passes(2 * DAY)?;
    let refused = world.cli_output(["status", PRODUCT])?;
    let words = String::from_utf8_lossy(&refused.stdout).into_owned();
    ensure!(
        refused.status.code() == Some(119) && words.contains("99.0.0"),
        "{}: {words}",
        refused.status
    );
    world.service().tell(["agent", "require", "--any"])?;
    world.cli(["check"])?;
    ensure!(atlas_status(&world)?["code"] == 0, "it is allowed again");
    Ok(())
}

fn a_reset_leaves_no_secret_behind(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    world.sign_in()?;
    let kept = keyring::items(desk.bus())?;
    ensure!(
        !kept.is_empty(),
        "after signing in, the keyring must hold something"
    );
    let secrets: Vec<String> = kept
        .iter()
        .map(|item| String::from_utf8_lossy(&item.secret).into_owned())
        .collect();
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    let found = files_with(&desk.home(), &secrets)?;
    let in_the_clear: Vec<_> = found
        .iter()
        .filter(|path| !path.starts_with(desk.home().join(".local/share/keyrings")))
        .collect();
    ensure!(
        in_the_clear.is_empty(),
        "secrets of the keyring also lie in {in_the_clear:?}"
    );
    ensure!(
        files_with(&desk.logs(), &secrets)?.is_empty(),
        "secrets of the keyring are in the logs"
    );

    world.cli(["reset", "--all", "--yes"])?;
    let left = keyring::items(desk.bus())?;
    let tokens = left
        .iter()
        .filter(|item| secrets.iter().any(|secret| item.secret == secret.as_bytes()))
        .count();
    ensure!(tokens == 0, "after the reset, the keyring holds {left:?}");
    ensure!(
        files_with(&desk.home().join(".local/state"), &secrets)?.is_empty(),
        "a secret is left in the state"
    );
    let status = atlas_status(&world)?;
    ensure!(status["code"] == 10, "after the reset: {status}");
    Ok(())
}
