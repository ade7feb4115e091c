//! Every way to sign in: by a code that is typed elsewhere, from a terminal and from the window, and at one's company.

use std::time::Duration;

use stories::prelude::*;
use stories::process::Process;
use stories::provider::{Account, Provider, RESOURCE};
use stories::providers::tokens;
use stories::qr;
use stories::services::{ORGANISATION, PRODUCT};
use stories::wait::SOON;

tell!(
    a_code_from_the_terminal_is_typed_in_a_browser_elsewhere,
    a_code_from_the_window_is_read_by_a_camera,
    a_code_that_was_declined_says_so_and_the_next_one_is_good,
    a_work_address_leads_to_the_company,
);

/// What follows `before` on a line of its own, or on the next one.
fn line_after(sign_in: &mut Process, before: &str) -> Result<String> {
    let mut is_next = false;
    sign_in.wait_for_line(&format!("what follows {before:?}"), SOON, |line| {
        let found = is_next.then(|| line.trim().to_owned());
        is_next = line.contains(before);
        found
    })
}

fn a_code_from_the_terminal_is_typed_in_a_browser_elsewhere(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let mut command = world.cli_command(["sign-in", "--device"]);
    let mut sign_in = Process::start("sign-in", &mut command, &desk.logs())?;
    let address = line_after(&mut sign_in, "Open this address in any browser")?;
    let code = line_after(&mut sign_in, "type this code")?;

    let browser = Browser::start(&desk)?;
    browser.page().go_to(&address)?;
    browser.page().wait_for("#user-code")?.type_text(&code)?;
    browser.page().wait_for("#continue")?.click()?;
    browser.confirm_code(&code, world.maya())?;
    ensure!(sign_in.wait(SOON)?.success(), "{}", sign_in.log().text()?);
    ensure!(
        desk.opened_addresses()?.is_empty(),
        "no browser is opened here for a code that is typed elsewhere"
    );
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    atlas.close()
}

fn a_code_from_the_window_is_read_by_a_camera(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let tray = world.start_tray()?;
    tray.wait_for_words("Signed out")?;
    let window = world.open_window("")?;
    window.page().click_button("Use a code on another device")?;
    window.page().wait_for_words("Type this code")?;
    let code = window.page().wait_for(".letters")?.text()?;
    // The page says what it shows before the screen does.
    let address = until("a camera to read the code", SOON, || {
        Ok(qr::read(&window.screenshot("code")?).ok())
    })?;
    ensure!(
        address.contains(&code.replace('-', "")) || address.contains(&code),
        "the picture says {address}, and the code is {code}"
    );

    let browser = Browser::start(&desk)?;
    browser.page().go_to(&address)?;
    browser.confirm_code(&code, world.maya())?;
    window.page().wait_for_words("Everything is licensed")?;
    tray.wait_for_words("Maya Lindqvist — licensed")?;
    Ok(())
}

fn a_code_that_was_declined_says_so_and_the_next_one_is_good(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let browser = Browser::start(&desk)?;
    let mut command = world.cli_command(["sign-in", "--device"]);
    let mut sign_in = Process::start("declined", &mut command, &desk.logs())?;
    let code = line_after(&mut sign_in, "type this code")?;
    let address = line_after(&mut sign_in, "Open this address in any browser")?;
    browser.page().go_to(&address)?;
    browser.page().wait_for("#user-code")?.type_text(&code)?;
    browser.page().wait_for("#continue")?.click()?;
    browser.page().wait_for("#code")?;
    browser.page().wait_for("#cancel")?.click()?;
    let status = sign_in.wait(Duration::from_secs(30))?;
    let said = sign_in.log().text()?;
    ensure!(
        status.code() == Some(3) && said.contains("declined"),
        "{status}: {said}"
    );

    let mut command = world.cli_command(["sign-in", "--device"]);
    let mut sign_in = Process::start("again", &mut command, &desk.logs())?;
    let another = line_after(&mut sign_in, "type this code")?;
    ensure!(another != code, "the same code was given twice");
    browser.page().go_to(&address)?;
    browser.page().wait_for("#user-code")?.type_text(&another)?;
    browser.page().wait_for("#continue")?.click()?;
    browser.confirm_code(&another, world.maya())?;
    ensure!(sign_in.wait(SOON)?.success(), "{}", sign_in.log().text()?);
    Ok(())
}

/// Nora works at Nordfjell, which has an identity service of its own.
fn nordfjell(world: &World<'_>) -> Result<(Provider, Account)> {
    let nora = Account::new("nora@nordfjell.example", "Nora Fjell", "over the mountains");
    let company = Provider::start(
        world.desk().folder().join("company"),
        world.desk().logs(),
        std::slice::from_ref(&nora),
        &serde_json::json!({ "name": "Nordfjell" }),
    )?;
    let service = world.service();
    service.tell([
        "issuer",
        "add",
        company.issuer(),
        "--client-id",
        "latchkey",
        "--resource",
        RESOURCE,
        "--domain",
        "nordfjell.example",
    ])?;
    service.tell(["user", "add", &nora.email, "--organisation", ORGANISATION])?;
    service.tell(["seat", "assign", &nora.email, PRODUCT])?;
    drop(service);
    Ok((company, nora))
}

fn a_work_address_leads_to_the_company(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let (mut company, nora) = nordfjell(&world)?;
    let mut command = world.cli_command(["sign-in", "--email", &nora.email]);
    let mut sign_in = Process::start("company", &mut command, &desk.logs())?;
    let address = desk.wait_for_opened_address(0)?;
    ensure!(
        address.starts_with(company.issuer()),
        "the browser is sent to {address}, and the company is {}",
        company.issuer()
    );
    let browser = Browser::start(&desk)?;
    browser.page().go_to(&address)?;
    // Whoever has typed the address here need not type it there.
    browser.page().wait_for("#password")?.type_text(&nora.password)?;
    browser.page().wait_for("#sign-in")?.click()?;
    browser.page().wait_for("#allow")?.click()?;
    browser.page().wait_for_words("You are signed in")?;
    ensure!(sign_in.wait(SOON)?.success(), "{}", sign_in.log().text()?);
    let mut atlas = world.start_atlas()?;
    atlas.wait_for("OK")?;
    atlas.close()?;
    let user = world.status()?["accounts"][0]["user"].clone();
    ensure!(
        user["email"] == nora.email && user["issuer"] == company.issuer(),
        "signed in is {user}"
    );

    // The company's own service may be out: checks go on, and the vendor's is not asked in its place.
    company.stop()?;
    world.cli(["check"])?;
    company.resume()?;
    // Both ways out end the grant where it was given.
    for way_out in [&["sign-out"][..], &["reset", "--all", "--yes"][..]] {
        let token = tokens::held(desk.bus(), "refresh_token")?;
        ensure!(company.knows(&token)?, "it is another one's token");
        world.cli(way_out.iter().copied())?;
        ensure!(
            world.status()?["accounts"][0]["user"].is_null(),
            "somebody is still signed in"
        );
        until("the company to have ended the grant", SOON, || {
            Ok((!company.knows(&token)?).then_some(()))
        })
        .with_context(|| format!("after {way_out:?}"))?;
        if way_out == ["sign-out"] {
            // The browser still has its session there.
            let opened = desk.opened_addresses()?.len();
            let mut again = world.cli_command(["sign-in", "--email", &nora.email]);
            let mut again = Process::start("company again", &mut again, &desk.logs())?;
            browser.page().go_to(&desk.wait_for_opened_address(opened)?)?;
            browser.page().wait_for("#allow")?.click()?;
            browser.page().wait_for_words("You are signed in")?;
            ensure!(again.wait(SOON)?.success(), "{}", again.log().text()?);
        }
    }
    Ok(())
}
