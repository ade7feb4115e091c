//! What the test issuer answers beside its documents: introspection, tokens, device codes. And servers that misbehave.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Semaphore;

/// A question that came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) authorization: String,
    pub(crate) form: BTreeMap<String, String>,
}

/// What is answered. Everything may be changed while the issuer runs.
pub(crate) struct Script {
    /// Of each token, what introspection says. Of others: that they are not active.
    pub(crate) tokens: Mutex<BTreeMap<String, Value>>,
    /// What introspection was asked.
    pub(crate) asked: Mutex<Vec<Asked>>,
    /// Introspection answers while there are permits.
    pub(crate) gate: Semaphore,
    /// In place of all that: status, headers, body.
    pub(crate) instead: Mutex<Option<(u16, &'static str, String)>>,
    /// What the endpoints `/token` and `/device` answer.
    pub(crate) endpoints: Mutex<BTreeMap<String, (u16, Value)>>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            tokens: Mutex::default(),
            asked: Mutex::default(),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            instead: Mutex::default(),
            endpoints: Mutex::default(),
        }
    }
}

impl Script {
    pub(crate) fn set_token(&self, token: &str, answer: Value) {
        self.tokens.lock().unwrap().insert(token.to_owned(), answer);
    }

    pub(crate) fn questions(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

pub(crate) fn router(script: Arc<Script>) -> Router {
    Router::new()
        .route("/introspect", post(introspect))
        .route("/instead", get(instead))
        .route("/oauth/{endpoint}", post(endpoint))
        .with_state(script)
}

async fn introspect(State(script): State<Arc<Script>>, headers: HeaderMap, body: String) -> Response {
    let form: BTreeMap<_, _> = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    script.asked.lock().unwrap().push(Asked {
        authorization: headers["authorization"].to_str().unwrap().to_owned(),
        form: form.clone(),
    });
    let _permit = script.gate.acquire().await.unwrap();
    if script.instead.lock().unwrap().is_some() {
        return instead(State(Arc::clone(&script))).await;
    }
    let answer = script.tokens.lock().unwrap().get(&form["token"]).cloned();
    axum::Json(answer.unwrap_or_else(|| json!({"active": false}))).into_response()
}

async fn instead(State(script): State<Arc<Script>>) -> Response {
    let (status, location, body) = script.instead.lock().unwrap().clone().unwrap();
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("location", location)], body).into_response()
}

async fn endpoint(State(script): State<Arc<Script>>, Path(endpoint): Path<String>) -> Response {
    match script.endpoints.lock().unwrap().get(&endpoint).cloned() {
        Some((status, answer)) => (StatusCode::from_u16(status).unwrap(), axum::Json(answer)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// An address whose answer never ends: one byte now and then.
pub(crate) async fn dripping() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let head =
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n";
                let mut sent = stream.write_all(head).await;
                while sent.is_ok() {
                    sent = stream.write_all(b" ").await;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            });
        }
    });
    url
}

/// An address that takes every connection and says nothing, and how many it has taken.
pub(crate) async fn silent() -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let taken = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        let mut held = vec![];
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (url, taken)
}
