//! `GET /health`: whether the service could answer a check. For load balancers; it says nothing else.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Service;
use super::problem::Answer;

pub(super) async fn health(State(service): State<Arc<Service>>) -> Result<Json<Value>, Answer> {
    match service.store.keyring().await? {
        Some(_) => Ok(Json(json!({"status": "ok"}))),
        None => Err(Answer::overloaded()),
    }
}
