//! The authorise call of the SDK to the running agent, against what cannot be spared: as many bytes to and fro between
//! two processes, and a signature.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use latchkey_core::registration::Registration;
use latchkey_ipc::address::Address;
use latchkey_ipc::client::{CONNECT_TIMEOUT, Connection};
use latchkey_ipc::frame::{MESSAGE_LIMIT, REQUEST_LIMIT, encode};
use latchkey_ipc::hello::Kind;
use latchkey_ipc::messages::{Call, Message, Reply, Request};
use latchkey_sdk::Product;

use crate::echo::{Echo, Sizes};
use crate::figures::{Figure, micros, percentile};
use crate::installed::Installed;
use crate::signatures::Signatures;

/// Product that runs asks again: so many rounds of so many calls.
const ROUNDS: usize = 20;
const CALLS: usize = 100;
/// Product that starts.
const START_ROUNDS: usize = 10;
const STARTS: usize = 20;

const PATIENCE: Duration = Duration::from_secs(10);

/// Somebody is signed in, and holds a lease.
pub(crate) fn measure(installed: &Installed<'_>) -> Result<Vec<Figure>> {
    let (folder, logs) = (installed.sockets()?, installed.desk().logs());
    let registration = installed.registration()?;
    let seen = Seen::at(&folder, &registration)?;
    let signatures = Signatures::over(&seen.lease, &seen.proof)?;
    let product = || -> Result<Product> {
        let product = Product::from_registration(registration.clone())?;
        Ok(product.with_agent_in(&folder)?.in_language("en"))
    };
    let sockets = tempfile::Builder::new().prefix("bench-").tempdir()?;
    let echo = |name, sizes| Echo::start(sockets.path(), &logs, name, sizes);
    let mut figures = again(&product, &signatures, echo("echo-prove", seen.prove)?)?;
    figures.extend(start(
        &product,
        &signatures,
        echo("echo-authorize", seen.authorize)?,
    )?);
    Ok(figures)
}

/// A product that holds its permit asks again, on the connection that it has.
fn again(
    product: &dyn Fn() -> Result<Product>,
    signatures: &Signatures,
    mut echo: Echo,
) -> Result<Vec<Figure>> {
    let licence = product()?.open()?;
    let _permit = licence.authorize(PATIENCE)?;
    let mut stream = echo.connect()?;
    let (mut ours, mut one, mut both) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for _ in 0..CALLS {
            ours.push(timed(|| Ok(licence.authorize(PATIENCE)?))?);
        }
        for _ in 0..CALLS {
            one.push(timed(|| {
                echo.call(&mut stream)?;
                signatures.verify_lease()
            })?);
        }
        for _ in 0..CALLS {
            both.push(timed(|| {
                echo.call(&mut stream)?;
                signatures.verify_lease()?;
                signatures.verify_proof()
            })?);
        }
    }
    compared(
        "authorise, product runs",
        &ours,
        [("echo + Ed25519", &one), ("echo + Ed25519 + ES256", &both)],
    )
}

/// A product starts: it connects, opens itself at the agent, and believes nothing yet.
fn start(
    product: &dyn Fn() -> Result<Product>,
    signatures: &Signatures,
    mut echo: Echo,
) -> Result<Vec<Figure>> {
    let (mut ours, mut one, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..START_ROUNDS {
        for _ in 0..STARTS {
            let product = product()?;
            ours.push(timed(|| {
                let licence = product.open()?;
                let permit = licence.authorize(PATIENCE)?;
                Ok((licence, permit))
            })?);
        }
        for _ in 0..STARTS {
            one.push(timed(|| {
                let mut stream = echo.connect()?;
                echo.call(&mut stream)?;
                signatures.verify_lease()?;
                Ok(stream)
            })?);
        }
        for _ in 0..STARTS {
            all.push(timed(|| {
                let mut stream = echo.connect()?;
                echo.call(&mut stream)?;
                // The keys document, the lease, the proof.
                signatures.verify_lease()?;
                signatures.verify_lease()?;
                signatures.verify_proof()?;
                Ok(stream)
            })?);
        }
    }
    compared(
        "authorise, product starts",
        &ours,
        [
            ("connect + echo + Ed25519", &one),
            ("connect + echo + 2 Ed25519 + ES256", &all),
        ],
    )
}

/// How long `work` takes, in microseconds. What it returns is let go of outside that time.
fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<f64> {
    let began = Instant::now();
    let made = work()?;
    let took = began.elapsed();
    drop(made);
    Ok(micros(took))
}

fn compared(what: &str, ours: &[f64], baselines: [(&'static str, &Vec<f64>); 2]) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (against, baseline) in baselines {
        for percent in [50, 99] {
            let at = |samples| percentile(samples, percent).context("nothing was measured");
            let measurement = format!("{what}, p{percent}");
            figures.push(Figure::new(measurement, against, "µs", at(ours)?, at(baseline)?));
        }
    }
    Ok(figures)
}

/// What goes over the socket, seen once.
struct Seen {
    authorize: Sizes,
    prove: Sizes,
    lease: String,
    proof: String,
}

impl Seen {
    fn at(folder: &Path, registration: &Registration) -> Result<Self> {
        let address = Address::in_folder(folder)?;
        let connection = Connection::open_at(&address, Kind::Sdk, CONNECT_TIMEOUT)?;
        // As long as the SDK's own: 24 bytes, base64url.
        let nonce = "n".repeat(32);
        let (authorize, _) = exchange(
            &connection,
            Request::Authorize {
                use_id: 1,
                product: registration.product.clone(),
                version: registration.version.clone(),
                nonce: nonce.clone(),
                running: false,
            },
        )?;
        let (prove, reply) = exchange(&connection, Request::Prove { use_id: 1, nonce })?;
        match reply {
            Reply::Authorized {
                grant: Some(grant), ..
            } => Ok(Self {
                authorize,
                prove,
                lease: grant.lease.context("the product runs on a lease")?,
                proof: grant.proof,
            }),
            other => bail!("the product may not run: {other:?}"),
        }
    }
}

fn exchange(connection: &Connection, request: Request) -> Result<(Sizes, Reply)> {
    let id = 1;
    let call = Call { id, request };
    let question = encode(&call, REQUEST_LIMIT)?.len();
    let reply = connection.call(call.request, PATIENCE)?;
    let message = Message::Answer {
        id,
        reply: reply.clone(),
    };
    let answer = encode(&message, MESSAGE_LIMIT)?.len();
    Ok((Sizes { question, answer }, reply))
}
