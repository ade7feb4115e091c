//! Everybody who has a part in a sign-in, and what is left when one of them dies.

use std::net::TcpStream;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use stories::prelude::*;
use stories::process::Process;
use stories::wait::SOON;

const AGENT: &str = "latchkey-agent";
/// A command line that waits for an agent that has gone must have noticed by then.
const NOTICED: Duration = Duration::from_secs(60);

/// A sign-in that a command line has begun, and that a tray waits for too.
struct Attempt {
    asking: Process,
    page: String,
}

/// Where the browser comes back to: read from the address that it was sent to.
fn listener(page: &str) -> Result<String> {
    let (_, rest) = page
        .split_once("redirect_uri=")
        .context("the page knows where to come back to")?;
    let back = rest.split('&').next().unwrap_or_default();
    let back = back.replace("%3A", ":").replace("%2F", "/");
    let host = back
        .trim_start_matches("http://")
        .split('/')
        .next()
        .unwrap_or_default();
    Ok(host.to_owned())
}

fn is_listened_on(host: &str) -> Result<bool> {
    Ok(TcpStream::connect_timeout(&host.parse()?, Duration::from_secs(2)).is_ok())
}

/// Nothing is pending without its reason, since when, and what to do; and until when, where somebody is awaited.
fn judge_pending(status: &Value) -> Result<()> {
    for product in status["products"].as_array().into_iter().flatten() {
        let status = &product["status"];
        if status["code"] != 4 {
            continue;
        }
        let awaited = [
            "waiting_for_user",
            "waiting_for_other",
            "vault_locked",
            "entitlement_spreading",
        ];
        let reason = status["reason"]
            .as_str()
            .context("a pending state has a reason")?;
        ensure!(!status["since"].is_null(), "since when: {status}");
        ensure!(
            status["next_step"].as_str().is_some_and(|step| !step.is_empty()),
            "what to do: {status}"
        );
        ensure!(
            !awaited.contains(&reason) || !status["until"].is_null(),
            "until when: {status}"
        );
    }
    Ok(())
}

/// The attempt that is open, if one is.
fn open_attempt(world: &World<'_>) -> Result<Option<Value>> {
    let status = world.status()?;
    judge_pending(&status)?;
    Ok(Some(status["sign_in"].clone()).filter(|open| !open.is_null()))
}

fn wait_until_nothing_is_open(world: &World<'_>, story: &str) -> Result<()> {
    until(&format!("nothing to be open ({story})"), SOON, || {
        Ok(open_attempt(world)?.is_none().then_some(()))
    })
}

impl Attempt {
    fn begin(world: &World<'_>, tray: &Tray<'_>) -> Result<Self> {
        let desk = world.desk();
        let seen = desk.opened_addresses()?.len();
        let asking = Process::start("asking", &mut world.cli_command(["sign-in"]), &desk.logs())?;
        let page = desk.wait_for_opened_address(seen)?;
        tray.wait_for_label("Cancel sign-in")?;
        ensure!(
            is_listened_on(&listener(&page)?)?,
            "nobody waits for the browser to come back"
        );
        Ok(Self { asking, page })
    }

    fn with_code(world: &World<'_>) -> Result<(Process, String, String)> {
        let mut command = world.cli_command(["sign-in", "--device"]);
        let mut asking = Process::start("code", &mut command, &world.desk().logs())?;
        let mut lines = Vec::new();
        asking
            .wait_for_line("the code", SOON, |line| {
                lines.push(line.trim().to_owned());
                let told = |before: &str| {
                    let at = lines.iter().position(|line| line.contains(before))?;
                    lines.get(at + 1).cloned()
                };
                told("type this code").zip(told("Open this address in any browser"))
            })
            .map(|(code, address)| (asking, code, address))
    }

    /// Whoever asked is told that it is over, and why.
    fn is_told(&mut self, story: &str) -> Result<()> {
        told(&mut self.asking, story)?;
        ensure!(
            !is_listened_on(&listener(&self.page)?)?,
            "{story}: somebody still listens for the browser"
        );
        Ok(())
    }
}

fn told(asking: &mut Process, story: &str) -> Result<()> {
    let status = asking.wait(NOTICED)?;
    let said = asking.log().text()?;
    ensure!(!status.success(), "{story}: it says that somebody is signed in");
    ensure!(said.contains("latchkey: "), "{story}: it says nothing: {said}");
    Ok(())
}

fn cancel(tray: &Tray<'_>, attempt: &mut Attempt, world: &World<'_>, story: &str) -> Result<()> {
    tray.click("Cancel sign-in")?;
    attempt.is_told(story)?;
    wait_until_nothing_is_open(world, story)
}

pub(crate) fn while_the_page_is_open_anybody_may_die(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let mut tray = world.start_tray()?;

    // The browser: nobody can tell. The page is the same for whoever asks again.
    let mut attempt = Attempt::begin(&world, &tray)?;
    let browser = Browser::start(&desk)?;
    browser.page().go_to(&attempt.page)?;
    browser
        .page()
        .wait_for("#email")?
        .type_text(&world.maya().email)?;
    drop(browser);
    tray.click("Open the sign-in page again")?;
    let seen = desk.opened_addresses()?.len();
    ensure!(
        desk.opened_addresses()?.iter().all(|page| *page == attempt.page),
        "another attempt, {seen}"
    );
    cancel(&tray, &mut attempt, &world, "the browser died")?;

    // Whoever asked: the tray waits on.
    let mut attempt = Attempt::begin(&world, &tray)?;
    attempt.asking.kill()?;
    ensure!(
        open_attempt(&world)?.is_some(),
        "the tray waits, and the attempt is over"
    );
    tray.click("Cancel sign-in")?;
    wait_until_nothing_is_open(&world, "whoever asked died")?;

    // The tray: whoever asked waits on; and when that one goes too, it is over.
    let mut attempt = Attempt::begin(&world, &tray)?;
    world.machine().kill("latchkey-tray")?;
    ensure!(
        open_attempt(&world)?.is_some(),
        "whoever asked waits, and the attempt is over"
    );
    attempt.asking.kill()?;
    wait_until_nothing_is_open(&world, "nobody is left who wants it")?;
    tray = world.start_tray()?;

    // A product that waits for the sign-in.
    let mut attempt = Attempt::begin(&world, &tray)?;
    let mut atlas = world.start_atlas_with(&["--wait", "60"])?;
    until("the product to be awaited", SOON, || {
        let status = world.status()?;
        judge_pending(&status)?;
        Ok((status["products"][0]["status"]["reason"] == "waiting_for_user").then_some(()))
    })?;
    atlas.process().kill()?;
    ensure!(
        open_attempt(&world)?.is_some(),
        "it is over because a product died"
    );
    cancel(&tray, &mut attempt, &world, "a product died")?;

    // The agent: everyone is told, and nobody listens any more.
    let mut attempt = Attempt::begin(&world, &tray)?;
    world.machine().kill(AGENT)?;
    attempt.is_told("the agent died")?;
    wait_until_nothing_is_open(&world, "the agent died")?;
    tray.wait_for_label("Sign in…")?;

    // Either service: the page may not load, and nothing else is lost.
    let mut attempt = Attempt::begin(&world, &tray)?;
    world.provider().stop()?;
    world.service().stop()?;
    ensure!(
        open_attempt(&world)?.is_some(),
        "it is over because a service died"
    );
    world.service().serve()?;
    cancel(&tray, &mut attempt, &world, "the services died")?;
    world.provider().resume()?;

    // After all that the next one is as good as the first.
    let mut attempt = Attempt::begin(&world, &tray)?;
    let browser = Browser::start(&desk)?;
    browser.sign_in(&attempt.page, &world.maya().email, &world.maya().password)?;
    browser.page().wait_for_words("You are signed in")?;
    ensure!(
        attempt.asking.wait(SOON)?.success(),
        "{}",
        attempt.asking.log().text()?
    );
    tray.wait_for_words("Maya Lindqvist — licensed")?;
    ensure!(
        !is_listened_on(&listener(&attempt.page)?)?,
        "the listener outlives the sign-in"
    );
    Ok(())
}

pub(crate) fn while_the_code_is_shown_anybody_may_die(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;

    let (mut asking, ..) = Attempt::with_code(&world)?;
    asking.kill()?;
    wait_until_nothing_is_open(&world, "whoever asked died")?;

    let (mut asking, ..) = Attempt::with_code(&world)?;
    world.machine().kill(AGENT)?;
    told(&mut asking, "the agent died")?;
    wait_until_nothing_is_open(&world, "the agent died")?;

    // The provider goes and comes back while the code is good: the same code still signs in.
    let (mut asking, code, address) = Attempt::with_code(&world)?;
    world.provider().stop()?;
    world.service().stop()?;
    std::thread::sleep(Duration::from_secs(7));
    ensure!(
        asking.is_running()?,
        "an outage ends the wait: {}",
        asking.log().text()?
    );
    ensure!(open_attempt(&world)?.is_some(), "an outage ends the attempt");
    world.provider().resume()?;
    world.service().serve()?;
    let browser = Browser::start(&desk)?;
    browser.page().go_to(&address)?;
    browser.page().wait_for("#user-code")?.type_text(&code)?;
    browser.page().wait_for("#continue")?.click()?;
    browser.confirm_code(&code, world.maya())?;
    ensure!(asking.wait(NOTICED)?.success(), "{}", asking.log().text()?);
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    atlas.close()
}

/// The keyring is asked to keep the tokens and does not answer: somebody dies while that is awaited.
pub(crate) fn while_the_tokens_are_put_away_anybody_may_die(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let tray = world.start_tray()?;
    let browser = Browser::start(&desk)?;
    let mut knows_her = false;
    let mut finishing = |attempt: &Attempt| -> Result<()> {
        let (page, maya) = (browser.page(), world.maya());
        desk.signal_part("keyring", Signal::STOP)?;
        page.go_to(&attempt.page)?;
        if !knows_her {
            page.wait_for("#email")?.type_text(&maya.email)?;
            page.wait_for("#password")?.type_text(&maya.password)?;
            page.wait_for("#sign-in")?.click()?;
            knows_her = true;
        }
        page.wait_for("#allow")?;
        // Not by a click of the driver's: that waits for the page, which waits for the keyring.
        page.run("setTimeout(() => document.querySelector('#allow').click(), 20)")?;
        until("the sign-in to be finishing", SOON, || {
            let open = open_attempt(&world)?;
            Ok(open.filter(|open| open["phase"] == "finishing").map(drop))
        })
    };

    let mut attempt = Attempt::begin(&world, &tray)?;
    finishing(&attempt)?;
    world.machine().kill(AGENT)?;
    desk.signal_part("keyring", Signal::CONT)?;
    attempt.is_told("the agent died while the tokens were put away")?;
    wait_until_nothing_is_open(&world, "the agent died")?;
    tray.wait_for_label("Sign in…")?;

    let mut attempt = Attempt::begin(&world, &tray)?;
    finishing(&attempt)?;
    tray.click("Cancel sign-in")?;
    desk.signal_part("keyring", Signal::CONT)?;
    attempt.is_told("it was cancelled while the tokens were put away")?;
    wait_until_nothing_is_open(&world, "cancelled")?;
    until("what was stored meanwhile to be taken back", SOON, || {
        let items = stories::keyring::items(desk.bus())?;
        let tokens = items
            .iter()
            .filter(|item| String::from_utf8_lossy(&item.secret).contains("access_token\":\""));
        Ok((tokens.count() == 0).then_some(()))
    })?;

    let mut attempt = Attempt::begin(&world, &tray)?;
    finishing(&attempt)?;
    attempt.asking.kill()?;
    desk.signal_part("keyring", Signal::CONT)?;
    browser.page().wait_for_words("You are signed in")?;
    tray.wait_for_words("Maya Lindqvist — licensed")?;
    Ok(())
}
