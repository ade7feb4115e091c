//! Providers that other people made: Maya signs in at each in its own pages, and everything that follows from it. Not in
//! every run, because they are big: install one with `tests/providers/install NAME`, and name it:
//! `cargo test -p stories --test providers -- NAME`. One that is not installed is a failure.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use stories::prelude::*;
use stories::process::Process;
use stories::provider::Account;
use stories::providers::{Foreign, canaille, keycloak, tokens, zitadel};
use stories::wait::SOON;

tell!(canaille_signs_in, keycloak_signs_in, zitadel_signs_in);

/// A refresh is due every minute, the oftenest that a policy may say. The provider's own clock stays behind by as much.
const REFRESH_IS_DUE: Duration = Duration::from_secs(62);

fn canaille_signs_in(story: &Story) -> Result<()> {
    whole(story, canaille::start)
}

fn keycloak_signs_in(story: &Story) -> Result<()> {
    whole(story, keycloak::start)
}

fn zitadel_signs_in(story: &Story) -> Result<()> {
    whole(story, zitadel::start)
}

/// Starts a provider, with a folder of its own, one for its logs, and the user whom it is to know.
type Start = fn(&Path, &Path, &Account) -> Result<Foreign>;

fn whole(story: &Story, start: Start) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded_with(&desk, &json!({ "credentials_refresh_every": 60 }))?;
    let foreign = start(desk.folder(), &desk.logs(), world.maya())?;
    is_configured(&world, &foreign)?;

    signs_in_with_the_browser(&world, &foreign)?;
    is_licensed(&world, &foreign)?;
    if foreign.verifies {
        is_refreshed(&world, &foreign)?;
    }
    signs_out(&world, &foreign)?;
    if foreign.pages.confirm_code.is_some() {
        signs_in_with_a_code(&world, &foreign).context("with a code")?;
        is_licensed(&world, &foreign)?;
        if foreign.keeps_codes {
            is_refreshed(&world, &foreign)?;
            signs_out(&world, &foreign)?;
        }
    }
    Ok(())
}

/// The service's own look at the provider finds nothing missing. What it says stays with the story's traces.
fn is_configured(world: &World<'_>, foreign: &Foreign) -> Result<()> {
    let service = world.service();
    let own = world.provider().issuer().to_owned();
    let look = ["issuer", "check", &foreign.issuer, "--client-id", foreign.client];
    let found = service.tell(look)?;
    fs::write(
        world.desk().folder().join("issuer-check.json"),
        format!("{found:#}"),
    )?;
    service.tell(["issuer", "remove", &own])?;
    let mut add = vec!["issuer", "add", &foreign.issuer, "--client-id", foreign.client];
    add.extend(foreign.settings.iter().map(String::as_str));
    service.tell(add)?;
    Ok(())
}

fn signs_in_with_the_browser(world: &World<'_>, foreign: &Foreign) -> Result<()> {
    let desk = world.desk();
    let mut sign_in = Process::start("browser", &mut world.cli_command(["sign-in"]), &desk.logs())?;
    let address = desk.wait_for_opened_address(0)?;
    let browser = Browser::start(desk)?;
    browser.page().go_to(&address)?;
    (foreign.pages.sign_in)(browser.page(), world.maya())?;
    browser.page().wait_for_words("You are signed in")?;
    ensure!(sign_in.wait(SOON)?.success(), "{}", sign_in.log().text()?);
    Ok(())
}

fn signs_in_with_a_code(world: &World<'_>, foreign: &Foreign) -> Result<()> {
    let confirm = foreign.pages.confirm_code.context("it gives codes")?;
    let mut command = world.cli_command(["sign-in", "--device"]);
    let mut sign_in = Process::start("code", &mut command, &world.desk().logs())?;
    let mut after = |before: &str| {
        let mut is_next = false;
        sign_in.wait_for_line(&format!("what follows {before:?}"), SOON, |line| {
            let found = is_next.then(|| line.trim().to_owned());
            is_next = line.contains(before);
            found
        })
    };
    let address = after("Open this address in any browser")?;
    let code = after("type this code")?;
    let browser = Browser::start(world.desk())?;
    browser.page().go_to(&address)?;
    confirm(browser.page(), &code, world.maya())?;
    ensure!(sign_in.wait(SOON)?.success(), "{}", sign_in.log().text()?);
    Ok(())
}

fn is_licensed(world: &World<'_>, foreign: &Foreign) -> Result<()> {
    let mut atlas = world.start_atlas()?;
    if foreign.verifies {
        atlas.wait_for("OK")?;
    } else {
        atlas.wait_for("Atlas is not assigned to you yet")?;
    }
    atlas.close()?;
    let user = world.status()?["accounts"][0]["user"].clone();
    ensure!(
        user["email"] == world.maya().email && user["issuer"] == foreign.issuer,
        "signed in is {user}"
    );
    Ok(())
}

fn is_refreshed(world: &World<'_>, foreign: &Foreign) -> Result<()> {
    let bus = world.desk().bus();
    let held = |name| tokens::held(bus, name);
    let before = (held("access_token")?, held("refresh_token")?);
    world.time_passes(REFRESH_IS_DUE)?;
    world.cli(["check"])?;
    ensure!(
        held("access_token")? != before.0,
        "the access token is the old one"
    );
    ensure!(
        (held("refresh_token")? != before.1) == foreign.rotates,
        "the refresh token is the old one, or should be"
    );
    Ok(())
}

/// Signing out revokes, where the provider lets it: neither token is worth anything there.
fn signs_out(world: &World<'_>, foreign: &Foreign) -> Result<()> {
    let bus = world.desk().bus();
    let (access, refresh) = (
        tokens::held(bus, "access_token")?,
        tokens::held(bus, "refresh_token")?,
    );
    ensure!(
        foreign.knows(&access)?,
        "the provider does not know its own token"
    );
    world.cli(["sign-out"])?;
    ensure!(
        world.status()?["accounts"][0]["user"].is_null(),
        "somebody is still signed in"
    );
    if !foreign.revokes {
        return Ok(());
    }
    until("the grant to be revoked", SOON, || {
        Ok((!foreign.knows(&access)?).then_some(()))
    })?;
    let refused = foreign.refuses(&refresh)?;
    ensure!(
        refused.as_deref() == Some("invalid_grant"),
        "it answers {refused:?} to the refresh token"
    );
    Ok(())
}
