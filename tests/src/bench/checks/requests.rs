//! Checks over HTTP. They are signed before the clock runs: what a device has to do is no cost of the service.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use latchkey_api::check::{CheckAnswer, CheckRequest, DeviceDescription, ProductQuery};
use latchkey_api::dpop;
use stories::services::{PRODUCT, VERSION};

use super::site::{Site, User, now};

const PATH: &str = "/v1/check";
/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(20);

/// One check, as it goes over the wire.
type Request = Vec<u8>;

/// Makes `count` checks, in equal parts by the first users.
pub(super) fn prepare(site: &Site, users: usize, count: usize) -> Result<Vec<Vec<Request>>> {
    let nonce = nonce(site)?;
    let checks = |user| {
        (0..count / users)
            .map(|_| request(site, user, &nonce, None))
            .collect()
    };
    site.users.iter().take(users).map(checks).collect()
}

/// Sends all of them, each user's on a connection of its own, and says how long the answers took.
pub(super) fn run(site: &Site, requests: Vec<Vec<Request>>) -> Result<Duration> {
    let connections = requests
        .into_iter()
        .map(|requests| Ok((Connection::open(site)?, requests)))
        .collect::<Result<Vec<_>>>()?;
    let began = Instant::now();
    let asking: Vec<_> = connections
        .into_iter()
        .map(|(mut connection, requests)| {
            thread::spawn(move || {
                requests
                    .iter()
                    .try_for_each(|request| connection.send(request)?.lease().map(drop))
            })
        })
        .collect();
    for asked in asking {
        let answered = asked.join();
        answered.map_err(|_| anyhow::anyhow!("a thread has panicked"))??;
    }
    Ok(began.elapsed())
}

/// The first check of a user, by which the service learns who that is.
pub(super) fn introduce(site: &Site, user: &User, id_token: &str) -> Result<()> {
    let request = request(site, user, &nonce(site)?, Some(id_token))?;
    Connection::open(site)?.send(&request)?.lease()?;
    Ok(())
}

/// The service's nonce, which comes with every answer and is good for minutes.
fn nonce(site: &Site) -> Result<String> {
    let asking = format!(
        "POST {PATH} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n",
        host(site)
    );
    let answer = Connection::open(site)?.send(asking.as_bytes())?;
    answer.nonce.context("an answer brings a nonce")
}

fn host(site: &Site) -> &str {
    site.url.trim_start_matches("http://")
}

fn request(site: &Site, user: &User, nonce: &str, id_token: Option<&str>) -> Result<Request> {
    let url = format!("{}{PATH}", site.url);
    let token = &user.access_token;
    let iat = i64::try_from(now()?)?;
    let proof = dpop::make(&user.device, "POST", &url, Some(nonce), Some(token), iat, &name())?;
    let body = serde_json::to_string(&CheckRequest {
        issuer: None,
        usage: Vec::new(),
        jti: name(),
        agent: "bench".to_owned(),
        device: DeviceDescription {
            name: user.subject.clone(),
            system: "Linux".to_owned(),
        },
        products: vec![ProductQuery {
            product: PRODUCT.to_owned(),
            versions: vec![VERSION.to_owned()],
            open: true,
            session: None,
        }],
        id_token: id_token.map(str::to_owned),
    })?;
    let (host, length) = (host(site), body.len());
    let request = format!(
        "POST {PATH} HTTP/1.1\r\nHost: {host}\r\nAuthorization: DPoP {token}\r\nDPoP: {proof}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    Ok(request.into_bytes())
}

/// A name that was never used in this run: the service asks no more of it.
fn name() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("bench-{:016}", NEXT.fetch_add(1, Ordering::Relaxed))
}

struct Connection(BufReader<TcpStream>);

struct Answer {
    status: String,
    nonce: Option<String>,
    body: Vec<u8>,
}

impl Connection {
    fn open(site: &Site) -> Result<Self> {
        let stream = TcpStream::connect(host(site))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    fn send(&mut self, request: &[u8]) -> Result<Answer> {
        self.0.get_mut().write_all(request)?;
        let status = line(&mut self.0)?;
        let (mut length, mut nonce) = (0, None);
        loop {
            let line = line(&mut self.0)?;
            if line.is_empty() {
                break;
            }
            let Some((name, value)) = line.split_once(':') else {
                bail!("{line:?} is no header");
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse()?,
                "dpop-nonce" => nonce = Some(value.trim().to_owned()),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok(Answer { status, nonce, body })
    }
}

impl Answer {
    /// The lease that it brings: anything else is no check that counts.
    fn lease(self) -> Result<String> {
        ensure!(
            self.status.starts_with("HTTP/1.1 200"),
            "{}: {}",
            self.status,
            String::from_utf8_lossy(&self.body)
        );
        let answer: CheckAnswer = serde_json::from_slice(&self.body)?;
        let product = answer.products.into_iter().next();
        product
            .and_then(|product| product.lease)
            .context("the answer brings no lease")
    }
}

fn line(stream: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    ensure!(
        stream.read_line(&mut line)? > 0,
        "the service closed the connection"
    );
    Ok(line.trim_end().to_owned())
}
