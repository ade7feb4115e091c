//! A thousand products that are open and do nothing, as far as the agent can tell: their connections.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use latchkey_ipc::address::Address;
use latchkey_ipc::frame::{self, Decoder, MESSAGE_LIMIT, REQUEST_LIMIT};
use latchkey_ipc::hello::{Hello, Kind};
use latchkey_ipc::messages::{Call, Event, Message, Reply, Request};
use rustix::process::{Resource, getrlimit, setrlimit};
use stories::prelude::*;
use stories::process::Process;
use stories::services::{PRODUCT, VERSION};
use stories::wait::SOON;

use crate::AGENT;

/// How long a thousand of them may take to start or to leave, on a machine that does other things too.
const ALL_OF_THEM: Duration = Duration::from_secs(120);

/// One product, open.
struct Open {
    stream: UnixStream,
    decoder: Decoder,
    greeted: bool,
    may_run: bool,
}

/// All of them. Like the SDK they listen to what they are told.
struct Crowd(Vec<Open>);

impl Crowd {
    /// Starts so many products at once.
    fn start(world: &World<'_>, products: usize) -> Result<Self> {
        let folder = Path::new(world.desk().variable("XDG_RUNTIME_DIR")?).join("latchkey");
        let socket = Address::in_folder(folder)?.socket();
        let open = |_| Open::ask(&socket);
        Ok(Self((0..products).map(open).collect::<Result<_>>()?))
    }

    /// Waits until all of them may run.
    fn wait_until_they_run(&mut self) -> Result<()> {
        until("every product to run", ALL_OF_THEM, || {
            let mut all_run = true;
            for product in &mut self.0 {
                product.listen()?;
                all_run &= product.may_run;
            }
            Ok(all_run.then_some(()))
        })
    }
}

impl Open {
    /// Asks to start.
    fn ask(socket: &Path) -> Result<Self> {
        let mut stream = UnixStream::connect(socket)?;
        stream.write_all(&frame::encode(&Hello::new(Kind::Sdk), REQUEST_LIMIT)?)?;
        let request = Request::Authorize {
            use_id: 1,
            product: PRODUCT.to_owned(),
            version: VERSION.to_owned(),
            nonce: "n".repeat(22),
            running: false,
        };
        stream.write_all(&frame::encode(&Call { id: 1, request }, REQUEST_LIMIT)?)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            decoder: Decoder::new(MESSAGE_LIMIT),
            greeted: false,
            may_run: false,
        })
    }

    /// Takes what it was told by now.
    fn listen(&mut self) -> Result<()> {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => bail!("the agent has closed the connection"),
                Ok(read) => self.decoder.push(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            while let Some(body) = self.decoder.frame()? {
                if !self.greeted {
                    let _hello: Hello = frame::decode(body)?;
                    self.greeted = true;
                    continue;
                }
                let status = match frame::decode(body)? {
                    Message::Answer {
                        reply: Reply::Authorized { status, .. },
                        ..
                    }
                    | Message::Event(Event::Use { status, .. }) => status,
                    other => bail!("a product is told {other:?}"),
                };
                self.may_run = status.may_run();
                ensure!(
                    self.may_run || status.is_pending(),
                    "a product may not run: {status:?}"
                );
            }
        }
    }
}

/// What a process has cost so far.
#[derive(Clone, Debug)]
struct Cost {
    /// How often each of its threads has waited: once for each wake-up.
    waits: BTreeMap<OsString, u64>,
    /// Its own memory: not the pages of its program, of which the first start touches many.
    own_kib: u64,
    /// What it has open.
    descriptors: usize,
}

impl Cost {
    fn of(process: u32) -> Result<Self> {
        let folder = format!("/proc/{process}");
        let mut waits = BTreeMap::new();
        for thread in fs::read_dir(format!("{folder}/task"))? {
            let thread = thread?;
            // A thread that ends while it is looked at has nothing to say.
            if let Ok(waited) = number(&thread.path().join("status"), "voluntary_ctxt_switches:") {
                waits.insert(thread.file_name(), waited);
            }
        }
        Ok(Self {
            waits,
            own_kib: number(format!("{folder}/status").as_ref(), "RssAnon:")?,
            descriptors: fs::read_dir(format!("{folder}/fd"))?.count(),
        })
    }

    /// How often a thread was woken since then. One that has come or gone in between was so at least once.
    fn wake_ups_since(&self, then: &Self) -> u64 {
        let of_those_that_stand = self.waits.iter().map(|(thread, waited)| {
            let before = then.waits.get(thread);
            before.map_or(1, |before| waited.saturating_sub(*before))
        });
        let gone = then
            .waits
            .keys()
            .filter(|&thread| !self.waits.contains_key(thread));
        of_those_that_stand.sum::<u64>() + gone.count() as u64
    }
}

fn number(file: &Path, name: &str) -> Result<u64> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let line = line.with_context(|| format!("{name} is not in {}", file.display()))?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// How many products are open, as the agent counts them.
pub(crate) fn open_products(world: &World<'_>) -> Result<u64> {
    let status = world.status()?;
    let products = status["products"].as_array().into_iter().flatten();
    let open = products.filter(|product| product["product"] == PRODUCT);
    Ok(open.filter_map(|product| product["open"].as_u64()).sum())
}

/// They cost it no wake-ups, little memory, and do not slow its answers.
pub(crate) fn a_thousand_idle_products_cost_the_agent_next_to_nothing(story: &Story) -> Result<()> {
    const PRODUCTS: usize = 1_000;
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum.map_or(Some(2_048), |most| Some(most.min(2_048)));
    setrlimit(Resource::Nofile, limit).context("this process must open more files")?;
    let desk = Desktop::start(story)?;
    let world = World::seeded(&desk)?;
    world.sign_in()?;
    world.cli(["check"])?;
    world.machine().end(AGENT)?;
    // Sessions begin with a limit that is lower than many clients need: 1024 on most desktops, 256 on some.
    let mut command = world.machine().any_command("prlimit");
    command
        .arg("--nofile=256:4096")
        .arg(world.machine().program(AGENT));
    let _agent = Process::start("agent", &mut command, &desk.logs())?;
    world.status()?;
    let agent = *world.machine().running(AGENT)?.first().context("an agent runs")?;
    let before = Cost::of(agent)?;

    let began = Instant::now();
    let mut products = Crowd::start(&world, PRODUCTS)?;
    products.wait_until_they_run()?;
    let started_in = began.elapsed();
    ensure!(
        open_products(&world)? == PRODUCTS as u64,
        "{} are open",
        open_products(&world)?
    );

    // Time has to pass for nothing to happen in it.
    let span = Duration::from_secs(2);
    let idle = until("two seconds in which nothing happens", SOON, || {
        let began = Cost::of(agent)?;
        thread::sleep(span);
        let ended = Cost::of(agent)?;
        Ok((ended.wake_ups_since(&began) <= 5).then_some(ended))
    })?;
    let each = idle.own_kib.saturating_sub(before.own_kib) / PRODUCTS as u64;
    let began = Instant::now();
    world.status()?;
    let answered_in = began.elapsed();
    eprintln!("{PRODUCTS} products: open in {started_in:?}, {each} KiB each, status in {answered_in:?}");
    ensure!(each <= 16, "{each} KiB for each product");
    ensure!(
        answered_in < Duration::from_secs(2),
        "status took {answered_in:?}"
    );

    let began = Instant::now();
    drop(products);
    until("every product to be closed", ALL_OF_THEM, || {
        // A thousand farewells at once may keep it from answering in time.
        let open = open_products(&world).unwrap_or(u64::MAX);
        Ok((open == 0).then_some(()))
    })?;
    eprintln!("closed in {:?}", began.elapsed());
    // What it keeps open to the services does not count, and none of the thousand is among it.
    let kept = Cost::of(agent)?.descriptors;
    ensure!(
        kept < before.descriptors + 50,
        "of {} descriptors before, {kept} are left",
        before.descriptors
    );
    Ok(())
}
