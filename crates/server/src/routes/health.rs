//! `GET /health`: whether the service could answer a check. For load balancers; it says nothing else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::Service;
use super::problem::Answer;
use crate::store::Store;

/// How long a check may wait for its turn to write, before it counts as one that is not answered.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long one look counts for everybody: whoever asks often takes no turn from checks.
const COUNTS_FOR: Duration = Duration::from_secs(1);

/// The last look at the store.
#[derive(Default)]
pub(super) struct Health(Mutex<Option<Looked>>);

#[derive(Clone, Copy)]
struct Looked {
    at: Instant,
    well: bool,
}

impl Health {
    /// Whether there are keys, and whoever writes gets their turn. A disk that is full shows only in a check.
    async fn is_well(&self, store: &dyn Store) -> bool {
        let mut last = self.0.lock().await;
        if let Some(last) = last.filter(|last| last.at.elapsed() < COUNTS_FOR) {
            return last.well;
        }
        let look = async {
            let (keys, writes) = (store.keyring().await, store.writes().await);
            matches!(keys, Ok(Some(_))) && writes.is_ok()
        };
        let well = tokio::time::timeout(PATIENCE, look).await.unwrap_or(false);
        let at = Instant::now();
        *last = Some(Looked { at, well });
        well
    }
}

pub(super) async fn health(State(service): State<Arc<Service>>) -> Result<Json<Value>, Answer> {
    if service.health.is_well(&*service.store).await {
        Ok(Json(json!({"status": "ok"})))
    } else {
        Err(Answer::overloaded())
    }
}
