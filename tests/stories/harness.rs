//! The harness itself: what every story stands on is there, and says what it sees.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use stories::bus::Target;
use stories::clock::Clock;
use stories::keyring;
use stories::notices::Urgency;
use stories::prelude::*;
use stories::provider::{Account, Provider};
use zbus::Variant;

tell!(
    a_notice_is_seen_as_it_is_shown,
    a_secret_in_the_keyring_is_seen,
    an_opened_address_reaches_the_browser_and_the_provider_signs_in,
    a_clock_is_moved_under_a_running_program,
    what_a_story_starts_ends_with_it,
    a_story_whose_keyring_crashed_is_told_once_more,
);

fn a_notice_is_seen_as_it_is_shown(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let daemon = Target {
        name: "org.freedesktop.Notifications",
        path: "/org/freedesktop/Notifications",
        interface: "org.freedesktop.Notifications",
    };
    let hints = HashMap::from([("urgency", Variant::from(2_u8))]);
    let actions = ["default", "Open"].as_slice();
    desk.bus().call(
        daemon,
        "Notify",
        &(
            "harness",
            0_u32,
            "",
            "Fourteen days",
            "are left",
            actions,
            hints,
            0_i32,
        ),
    )?;
    let shown = desk.notices().wait_for("are left", 0)?;
    ensure!(
        shown.summary == "Fourteen days" && shown.urgency == Urgency::Critical,
        "{shown:?}"
    );
    ensure!(
        shown.actions == [("default".to_owned(), "Open".to_owned())],
        "{shown:?}"
    );
    until(
        "the daemon's number for the notice",
        Duration::from_secs(5),
        || Ok(desk.notices().all().first().and_then(|shown| shown.id)),
    )?;
    Ok(())
}

fn a_secret_in_the_keyring_is_seen(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let mut store = desk.command("secret-tool");
    store
        .args(["store", "--label=A harbour", "purpose", "story"])
        .stdin(std::process::Stdio::piped());
    let mut child = store.spawn()?;
    std::io::Write::write_all(&mut child.stdin.take().context("an input")?, b"hush")?;
    ensure!(child.wait()?.success(), "secret-tool failed");
    let items = keyring::items(desk.bus())?;
    ensure!(
        items.len() == 1 && items[0].secret == b"hush" && items[0].label == "A harbour",
        "{items:?}"
    );
    ensure!(
        items[0]
            .attributes
            .get("purpose")
            .is_some_and(|purpose| purpose == "story"),
        "{items:?}"
    );
    Ok(())
}

fn an_opened_address_reaches_the_browser_and_the_provider_signs_in(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let maya = Account::new("maya@northwind.example", "Maya Lindqvist", "a quiet harbour");
    let provider = Provider::start(
        story.folder().join("provider"),
        desk.logs(),
        std::slice::from_ref(&maya),
        &json!({}),
    )?;
    let challenge = "x".repeat(43);
    let address = format!(
        "{}/auth?client_id=latchkey&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback&scope=openid\
         &state=story&code_challenge={challenge}&code_challenge_method=S256",
        provider.issuer()
    );
    ensure!(
        desk.command("xdg-open").arg(&address).status()?.success(),
        "xdg-open failed"
    );
    let opened = desk.wait_for_opened_address(0)?;
    ensure!(opened == address, "opened was {opened}");
    let browser = Browser::start(&desk)?;
    browser.page().go_to(&opened)?;
    desk.screenshot("sign-in")?;
    // Nobody listens at the redirect, which the browser says in its own way.
    browser.sign_in(&opened, &maya.email, &maya.password)?;
    until("the redirect", Duration::from_secs(10), || {
        Ok(browser.page().address()?.contains("state=story").then_some(()))
    })
}

fn a_clock_is_moved_under_a_running_program(story: &Story) -> Result<()> {
    let clock = Clock::right(story.folder().join("clock"))?;
    let year = || -> Result<i32> {
        let output = std::process::Command::new("date")
            .arg("+%Y")
            .envs(clock.environment())
            .output()?;
        Ok(String::from_utf8(output.stdout)?.trim().parse()?)
    };
    let now = year()?;
    clock.advance(Duration::from_secs(366 * 86_400))?;
    ensure!(year()? > now, "the clock did not move");
    clock.set(-2 * 366 * 86_400)?;
    ensure!(year()? < now, "the clock did not move back");
    Ok(())
}

fn what_a_story_starts_ends_with_it(story: &Story) -> Result<()> {
    let mut desk = Some(Desktop::start(story)?);
    let running = || -> Result<usize> {
        let names = [
            "Xvfb",
            "dbus-daemon",
            "openbox",
            "dunst",
            "xfce4-panel",
            "gnome-keyring-d",
        ];
        let comms = std::fs::read_dir("/proc")?
            .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("comm")).ok());
        Ok(comms.filter(|comm| names.contains(&comm.trim_end())).count())
    };
    ensure!(running()? >= 6, "only {} parts of a session run", running()?);
    drop(desk.take());
    until(
        "every part of the session to end",
        Duration::from_secs(10),
        || Ok((running()? == 0).then_some(())),
    )
}

fn a_story_whose_keyring_crashed_is_told_once_more(story: &Story) -> Result<()> {
    static CRASHED: AtomicBool = AtomicBool::new(false);
    let desk = Desktop::start(story)?;
    if CRASHED.swap(true, Ordering::Relaxed) {
        keyring::items(desk.bus())?;
        return Ok(());
    }
    desk.signal_part("keyring", Signal::ABORT)?;
    until("the keyring to be gone", Duration::from_secs(5), || {
        Ok(keyring::lock(desk.bus()).err().map(drop))
    })?;
    bail!("the keyring is gone")
}
