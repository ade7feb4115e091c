//! A licensing service with many users, on the machine's own clock.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use latchkey_core::jws::SigningKey;
use serde_json::{Value, json};
use stories::process::Process;
use stories::programs::program;
use stories::provider::RESOURCE;
use stories::service::Service;
use stories::services::{ORGANISATION, PRODUCT};

use super::issuer::Issuer;
use super::requests;

const CLIENT: &str = "latchkey";
/// How long tokens live, in seconds: no longer than a policy accepts.
const LIFE: u64 = 3_600;

/// A user on one device, with a token that is bound to its key.
pub(super) struct User {
    pub(super) subject: String,
    pub(super) device: SigningKey,
    pub(super) access_token: String,
}

/// The service, running, and its users, whom it knows.
pub(super) struct Site {
    pub(super) url: String,
    pub(super) issuer: String,
    pub(super) users: Vec<User>,
    pub(super) database: PathBuf,
    _process: Process,
}

impl Site {
    pub(super) fn start(folder: &Path, users: usize) -> Result<Self> {
        let logs = folder.join("log");
        let service = Service::init(folder, logs.clone())?;
        let issuer = Issuer::start()?;
        seed(&service, &issuer, users).context("filling the licensing service")?;
        let process = serve(&service, &logs)?;
        let site = Self {
            url: service.url(),
            users: (0..users)
                .map(|number| user(&issuer, number))
                .collect::<Result<_>>()?,
            issuer: issuer.url.clone(),
            database: service.data().join("latchkey.db"),
            _process: process,
        };
        for (number, user) in site.users.iter().enumerate() {
            let id_token = issuer.token("JWT", &claims(&issuer, number, CLIENT, None)?)?;
            requests::introduce(&site, user, &id_token)
                .with_context(|| format!("the first check of {}", user.subject))?;
        }
        Ok(site)
    }
}

fn seed(service: &Service, issuer: &Issuer, users: usize) -> Result<()> {
    let identity = ["--client-id", CLIENT, "--resource", RESOURCE];
    service.tell(["issuer", "add", &issuer.url].iter().chain(&identity))?;
    service.tell(["organisation", "add", ORGANISATION])?;
    service.tell([
        "product",
        "add",
        PRODUCT,
        "--name",
        "Atlas",
        "--publisher",
        "Northwind Maps",
    ])?;
    let organisation = ["--organisation", ORGANISATION];
    service.tell(
        ["subscription", "add", "--product", PRODUCT]
            .iter()
            .chain(&organisation),
    )?;
    for number in 0..users {
        let email = email(number);
        service.tell(["user", "add", &email].iter().chain(&organisation))?;
        service.tell(["seat", "assign", &email, PRODUCT])?;
    }
    Ok(())
}

/// Not by [`Service::serve`], whose clock can be set and is slow to ask.
fn serve(service: &Service, logs: &Path) -> Result<Process> {
    let mut command = Command::new(program("latchkey-server")?);
    let listen = service.url().replace("http://", "");
    command
        .arg("--data")
        .arg(service.data())
        .args(["--json", "serve", "--listen", &listen]);
    let mut process = Process::start("server", &mut command, logs)?;
    process.wait_for_line("that it is ready", Duration::from_secs(20), |line| {
        let line: Value = serde_json::from_str(line).ok()?;
        (line["ready"] == true).then_some(())
    })?;
    Ok(process)
}

fn email(number: usize) -> String {
    format!("user-{number}@northwind.example")
}

fn user(issuer: &Issuer, number: usize) -> Result<User> {
    let seed = u8::try_from(number + 1)?;
    let device = SigningKey::P256(Box::new(p256::ecdsa::SigningKey::from_slice(&[seed; 32])?));
    let claims = claims(issuer, number, RESOURCE, Some(&device))?;
    Ok(User {
        subject: subject(number),
        access_token: issuer.token("at+jwt", &claims)?,
        device,
    })
}

fn subject(number: usize) -> String {
    format!("subject-{number}")
}

/// What a token says; one that is bound to a key is an access token.
fn claims(issuer: &Issuer, number: usize, audience: &str, bound_to: Option<&SigningKey>) -> Result<Value> {
    let now = now()?;
    let mut claims = json!({
        "iss": issuer.url,
        "sub": subject(number),
        "aud": audience,
        "iat": now,
        "exp": now + LIFE,
    });
    match bound_to {
        Some(key) => claims["cnf"] = json!({ "jkt": key.jwk().thumbprint() }),
        None => {
            claims["email"] = email(number).into();
            claims["email_verified"] = true.into();
        }
    }
    Ok(claims)
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge: tokens are made for the present time"
)]
pub(super) fn now() -> Result<u64> {
    Ok(SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)?
        .as_secs())
}
