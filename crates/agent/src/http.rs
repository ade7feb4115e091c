//! The agent's one HTTP client. Whatever leaves this machine leaves through it, and it is bounded in every direction:
//! https only (http to a literal loopback address), no redirects, a time limit for the connection and for the whole
//! exchange, and a cap on the answer. Nothing of a query, a header or a body is logged.

mod error;
mod response;
mod stream;
mod system_proxies;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Method};
use latchkey_ipc::settings::{Proxy, Settings};
use serde::Serialize;
use url::{Host, Url};

pub use error::{HttpError, TlsFault, Unreachable};
pub use response::Response;
pub use stream::{Opened, Stream};
use system_proxies::SystemProxies;

/// The longest answer that is read, in bytes.
pub const BODY_CAP: usize = 1024 * 1024;
/// How long a connection may take, TLS included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an exchange may take, from the first name lookup to the answer's last byte.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);

/// The client. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Http(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    total: Duration,
    /// None: as the settings say at the time.
    proxy: Option<Proxy>,
    clients: RwLock<Clients>,
    /// Somebody out there could not be reached: the system's proxies or its trust store may not be what they were.
    doubtful: AtomicBool,
    /// Held by whoever makes the clients anew.
    turn: Mutex<()>,
}

impl Shared {
    fn proxy(&self) -> Proxy {
        self.proxy.clone().unwrap_or_else(|| Settings::read().proxy())
    }
}

/// What a client is made of depends on the system: its proxies and its trust store, as they were when it was made.
#[derive(Debug)]
struct Clients {
    proxy: Proxy,
    /// What the system says, where the setting leaves it to the system.
    system: Option<SystemProxies>,
    /// For hosts out there.
    outward: Result<reqwest::Client, HttpError>,
    /// For this machine: no proxy ever sees what is meant for a loopback address.
    loopback: Result<reqwest::Client, HttpError>,
}

impl Default for Http {
    fn default() -> Self {
        Self::with(TOTAL_TIMEOUT, None)
    }
}

impl Http {
    /// A client whose exchanges take at most `total`, through `proxy`. On a machine without a usable trust store, and with a proxy
    /// that cannot be used, every exchange fails with [`HttpError::Unusable`]; the agent itself goes on.
    pub fn new(total: Duration, proxy: Proxy) -> Self {
        Self::with(total, Some(proxy))
    }

    fn with(total: Duration, proxy: Option<Proxy>) -> Self {
        // Fails only where a provider has been installed already: then that one serves.
        let _already = rustls::crypto::ring::default_provider().install_default();
        let now = proxy.clone().unwrap_or_else(|| Settings::read().proxy());
        Self(Arc::new(Shared {
            total,
            proxy,
            clients: RwLock::new(Clients::new(total, now)),
            doubtful: AtomicBool::new(false),
            turn: Mutex::default(),
        }))
    }

    /// The machine has slept, or is in another network: that may have brought other proxies and other authorities, and connections that
    /// were open reach nobody any more. The next conversation begins with none of them; what is under way goes on as it began.
    pub fn renew(&self) {
        self.0.doubtful.store(true, Ordering::Relaxed);
    }

    /// Reads the settings, the system's proxies and its trust store anew, if another proxy was set since, or these are in doubt: somebody
    /// could not be reached, and an admin may have mended it. Cheap otherwise: before each conversation with a service.
    pub async fn follow_settings(&self) {
        let http = self.clone();
        // Reading the trust store takes a while on some systems; whoever comes meanwhile waits for it as well.
        let followed = tokio::task::spawn_blocking(move || {
            let _turn = http.0.turn.lock().unwrap_or_else(PoisonError::into_inner);
            let proxy = http.0.proxy();
            if http.0.doubtful.swap(false, Ordering::Relaxed) || http.clients().proxy != proxy {
                http.put(Clients::new(http.0.total, proxy));
            }
        });
        if let Err(error) = followed.await {
            tracing::error!(%error, "the proxy setting was not read");
        }
    }

    fn clients(&self) -> RwLockReadGuard<'_, Clients> {
        self.0.clients.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection has failed.
    fn unreachable(&self, host: &str, error: &reqwest::Error) -> HttpError {
        self.0.doubtful.store(true, Ordering::Relaxed);
        HttpError::Unreachable {
            host: host.to_owned(),
            kind: error::unreachable(error),
        }
    }

    fn put(&self, clients: Clients) {
        *self.0.clients.write().unwrap_or_else(PoisonError::into_inner) = clients;
    }

    /// `GET`.
    ///
    /// # Errors
    /// [`HttpError`], when no acceptable answer came. Any status but a redirect is an answer.
    pub async fn get(&self, url: &Url, headers: HeaderMap) -> Result<Response, HttpError> {
        self.exchange(Method::GET, url, headers, Vec::new()).await
    }

    /// `POST` of `body` as JSON.
    ///
    /// # Errors
    /// As [`Http::get`]; [`HttpError::Unusable`] when `body` does not serialise.
    pub async fn post_json<T: Serialize + Sync>(
        &self,
        url: &Url,
        mut headers: HeaderMap,
        body: &T,
    ) -> Result<Response, HttpError> {
        let body = serde_json::to_vec(body).map_err(|error| HttpError::Unusable {
            why: error.to_string(),
        })?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.exchange(Method::POST, url, headers, body).await
    }

    /// One exchange.
    ///
    /// # Errors
    /// As [`Http::get`].
    pub async fn exchange(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Response, HttpError> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let client = self.client_for(url).await?;
        let unreachable = |error: reqwest::Error| self.unreachable(&host, &error);
        tracing::debug!(%method, host, path = url.path(), "asking");
        let mut answer = client
            .request(method, url.clone())
            .headers(headers)
            .body(body)
            .send()
            .await
            .map_err(unreachable)?;
        if answer.status().is_redirection() {
            return Err(redirected(url, &answer));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > BODY_CAP {
                return Err(HttpError::TooLarge { host });
            }
            body.extend_from_slice(&chunk);
        }
        tracing::debug!(
            host,
            status = answer.status().as_u16(),
            bytes = body.len(),
            "answered"
        );
        Ok(Response {
            status: answer.status(),
            headers: std::mem::take(answer.headers_mut()),
            body,
        })
    }

    async fn client_for(&self, url: &Url) -> Result<reqwest::Client, HttpError> {
        let system = self.clients().system.clone();
        if let Some(system) = system.filter(|_| !is_loopback(url)) {
            system.look_up(url).await;
        }
        let clients = self.clients();
        match (url.scheme(), is_loopback(url)) {
            ("https", false) => clients.outward.clone().inspect_err(|_| {
                self.0.doubtful.store(true, Ordering::Relaxed);
            }),
            ("https" | "http", true) => clients.loopback.clone(),
            _ => Err(HttpError::NotAllowed {
                origin: url.origin().ascii_serialization(),
            }),
        }
    }
}

impl Clients {
    fn new(total: Duration, proxy: Proxy) -> Self {
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("latchkey-agent/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .connect_timeout(CONNECT_TIMEOUT.min(total))
                .timeout(total)
        };
        let unusable = |error: reqwest::Error| HttpError::Unusable {
            why: error.without_url().to_string(),
        };
        let system = (proxy == Proxy::System).then(SystemProxies::default);
        let through = |builder| match &system {
            Some(system) => system.through(builder),
            None => builder,
        };
        let outward = match &proxy {
            Proxy::System => through(builder()).build(),
            Proxy::Direct => builder().no_proxy().build(),
            Proxy::At(address) => {
                reqwest::Proxy::all(address.expose()).and_then(|proxy| builder().proxy(proxy).build())
            }
        };
        Self {
            proxy,
            system,
            outward: outward.map_err(unusable),
            loopback: builder().no_proxy().build().map_err(unusable),
        }
    }
}

/// A redirect, and where it would have led.
fn redirected(url: &Url, answer: &reqwest::Response) -> HttpError {
    let to = answer
        .headers()
        .get(LOCATION)
        .and_then(|to| to.to_str().ok())
        .unwrap_or_default();
    HttpError::Redirected {
        host: url.host_str().unwrap_or_default().to_owned(),
        to: url
            .join(to)
            .map(|to| to.origin().ascii_serialization())
            .unwrap_or_default(),
    }
}

/// Whether the agent speaks to this address, and opens it in a browser: https, or http to a literal loopback address.
pub fn is_allowed(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.has_host(),
        "http" => is_loopback(url),
        _ => false,
    }
}

/// Whether the host is a literal loopback address. A name never is: whoever answers for `localhost` is configuration.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    }
}
