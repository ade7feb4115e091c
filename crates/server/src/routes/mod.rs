//! The HTTP API: one file for each route, with its own error and how that error is answered. The contract is
//! `latchkey-api`.

mod check;
mod devices;
mod discovery;
mod events;
mod health;
mod identity;
mod keys;
mod limits;
mod problem;
mod release;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use self::problem::Answer;
use crate::capacity::Capacity;
use crate::clock::Clock;
use crate::identity::Identity;
use crate::introspection::Introspections;
use crate::nonce::{self, Nonces};
use crate::push::{self, Pushes};
use crate::random::{self, NoEntropy};
use crate::replay::Replays;
use crate::store::Store;

/// The path of the keys document.
pub const KEYS: &str = "/v1/keys";
/// The path of checks.
pub const CHECK: &str = "/v1/check";
/// The path of the question who says who a user is.
pub const IDENTITY: &str = "/v1/identity";
/// The path of releases.
pub const RELEASE: &str = "/v1/release";
/// The path of the user's own devices.
pub const DEVICES: &str = "/v1/devices";
/// The path of the release of one of them.
pub const RELEASE_DEVICE: &str = "/v1/devices/release";
/// The path of the stream of pushes.
pub const EVENTS: &str = "/v1/events";
/// The path of the health check.
pub const HEALTH: &str = "/health";

/// The largest body that is read.
const LARGEST_BODY: usize = 64 * 1024;
/// For how long: a proof is noted when its request is nearly done, and its nonce was fresh when that began.
const PROOFS_REMEMBERED_FOR: Duration = nonce::LIFE.saturating_add(limits::LONGEST);
/// How many proofs are remembered in that time: some 3,000 checks a second.
const REMEMBERED_PROOFS: usize = 1_000_000;

/// What every route works with.
pub struct Service {
    /// The public address: `iss` of leases, and what `htu` of proofs is compared with.
    url: String,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    identity: Identity,
    introspections: Introspections,
    nonces: Nonces,
    replays: Replays,
    pushes: Arc<Pushes>,
    health: health::Health,
    at_once: usize,
}

impl Service {
    /// The service at `url`.
    ///
    /// # Errors
    /// [`NoEntropy`]: no secret for its nonces.
    pub fn new(
        url: String,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        identity: Identity,
    ) -> Result<Self, NoEntropy> {
        let nonces = Nonces::new(&random::secret()?);
        let replays = Replays::new(PROOFS_REMEMBERED_FOR, REMEMBERED_PROOFS);
        let introspections = Introspections::new(identity.client());
        Ok(Self {
            url,
            store,
            clock,
            identity,
            introspections,
            nonces,
            replays,
            pushes: Arc::new(Pushes::new(Capacity::FULL.streams)),
            health: health::Health::default(),
            at_once: limits::AT_ONCE,
        })
    }

    /// The same, working on so many requests at once.
    #[must_use]
    pub fn with_requests(self, at_once: usize) -> Self {
        Self { at_once, ..self }
    }

    /// The same, with so many streams of pushes at once.
    #[must_use]
    pub fn with_streams(self, most: usize) -> Self {
        Self {
            pushes: Arc::new(Pushes::new(most)),
            ..self
        }
    }

    /// Serves the streams of pushes, for as long as it is polled; then they end.
    pub fn push(&self) -> impl Future<Output = ()> + Send + 'static {
        push::serve(
            Arc::clone(&self.pushes),
            Arc::clone(&self.store),
            Arc::clone(&self.clock),
        )
    }

    /// The public address of a path.
    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}

/// Everything that the service answers.
pub fn router(service: Arc<Service>) -> Router {
    let limits = Arc::new(limits::Limits::new(service.at_once));
    let next_nonce = || from_fn_with_state(Arc::clone(&service), check::next_nonce);
    Router::new()
        .route(CHECK, post(check::check).layer(next_nonce()))
        .route(DEVICES, post(devices::list).layer(next_nonce()))
        .route(RELEASE_DEVICE, post(devices::release).layer(next_nonce()))
        .route(EVENTS, get(events::events).layer(next_nonce()))
        .route(
            IDENTITY,
            post(identity::identity).layer(DefaultBodyLimit::max(identity::LARGEST_BODY)),
        )
        .route(RELEASE, post(release::release))
        .route(KEYS, get(keys::keys))
        .route(latchkey_api::discovery::PATH, get(discovery::discovery))
        .layer(from_fn_with_state(limits, limits::limited))
        .route(HEALTH, get(health::health))
        .fallback(async || Answer::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here"))
        .method_not_allowed_fallback(async || {
            Answer::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "invalid_request",
                "This path has another method",
            )
        })
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn(limits::logged))
        .with_state(service)
}
