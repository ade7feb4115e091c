//! Fifty products and the tray, all at once.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use latchkey_ipc::address::Address;
use latchkey_ipc::client::Connection;
use latchkey_ipc::hello::Kind;
use latchkey_ipc::messages::{Event, Reply, Request};
use stories::prelude::*;
use stories::services::{PRODUCT, VERSION};

const PRODUCTS: usize = 50;
/// A machine with two processors has other things to do as well.
const PATIENCE: Duration = Duration::from_secs(60);

/// A product that starts, and asks for a sign-in because nobody is signed in.
struct Product(Connection);

impl Product {
    fn start(address: &Address) -> Result<Self> {
        let connection = Connection::open_at(address, Kind::Sdk, PATIENCE)?;
        let authorize = Request::Authorize {
            use_id: 1,
            product: PRODUCT.to_owned(),
            version: VERSION.to_owned(),
            nonce: "n".repeat(22),
            running: false,
        };
        let Reply::Authorized { status, .. } = connection.call(authorize, PATIENCE)? else {
            bail!("a start is answered with something else");
        };
        ensure!(!status.may_run(), "it may run although nobody is signed in");
        Ok(Self(connection))
    }

    /// Asks, and says which page it is and whether this one opens it.
    fn sign_in(&self) -> Result<(String, bool)> {
        let request = Request::SignIn {
            service: None,
            email: None,
            method: None,
        };
        match self.0.call(request, PATIENCE)? {
            Reply::SignIn { url, open, .. } => Ok((url, open)),
            other => bail!("the sign-in is answered with {other:?}"),
        }
    }

    /// Waits until it is told that it may run.
    fn runs(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.0.next_event(left)? {
                Some(Event::Use { status, .. }) if status.may_run() => return Ok(()),
                Some(_) => {}
                None => bail!("a product was never told that it may run"),
            }
        }
    }
}

fn shows_the_sign_in(tray: &Tray<'_>) -> Result<bool> {
    Ok(tray.menu()?.find(&|label| label == "Cancel sign-in").is_some())
}

pub(crate) fn fifty_products_and_the_tray_are_one_page_and_all_run(story: &Story) -> Result<()> {
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    let tray = world.start_tray()?;
    tray.wait_for_words("Signed out")?;
    let folder = Path::new(desk.variable("XDG_RUNTIME_DIR")?).join("latchkey");
    let address = Address::in_folder(folder)?;
    let products = (0..PRODUCTS)
        .map(|_| Product::start(&address))
        .collect::<Result<Vec<_>>>()?;

    let answers: Vec<(String, bool)> = thread::scope(|scope| {
        let asking: Vec<_> = products
            .iter()
            .map(|product| scope.spawn(|| product.sign_in()))
            .collect();
        // It asks among them, or comes too late for that and shows the sign-in that is open.
        until("the tray to ask", PATIENCE, || {
            let is_done = tray.try_click("Sign in…")? || shows_the_sign_in(&tray)?;
            Ok(is_done.then_some(()))
        })?;
        let answers = asking
            .into_iter()
            .map(|one| one.join().map_err(|_| anyhow::anyhow!("an asker died"))?);
        answers.collect::<Result<_>>()
    })?;
    let page = &answers[0].0;
    ensure!(
        answers.iter().all(|(url, _)| url == page),
        "there is more than one page"
    );
    let told_to_open = answers.iter().filter(|(_, open)| *open).count();
    until("the tray to know of the sign-in", PATIENCE, || {
        Ok(shows_the_sign_in(&tray)?.then_some(()))
    })?;
    // The tray opens it if it came first, and a browser takes its time to start.
    let opened = until("somebody to open the page", PATIENCE, || {
        let opened = desk.opened_addresses()?;
        Ok((told_to_open + opened.len() > 0).then_some(opened))
    })?;
    ensure!(
        told_to_open + opened.len() == 1,
        "{told_to_open} products open it, and the tray opened {opened:?}"
    );

    let browser = Browser::start(&desk)?;
    browser.sign_in(page, &world.maya().email, &world.maya().password)?;
    browser.page().wait_for_words("You are signed in")?;
    for product in &products {
        product.runs()?;
    }
    tray.wait_for_words("Maya Lindqvist — licensed")?;
    ensure!(
        desk.opened_addresses()?.len() == opened.len(),
        "a second page was opened"
    );
    Ok(())
}
