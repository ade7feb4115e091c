//! The provider.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use latchkey_api::discovery::{Identity, Redirect};
use latchkey_core::jws::{self, SigningKey};
use latchkey_core::time::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use url::Url;

use crate::http::Http;
use crate::identity::{Clock, Oidc};

/// What time it is in these tests.
pub(crate) const NOW: i64 = 1_800_000_000;

/// How long a browser of these tests waits.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// What the provider answers in place of its own.
#[derive(Clone)]
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Raw {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".into())];
        Self {
            status,
            headers,
            body: body.to_string().into_bytes(),
        }
    }

    pub(crate) fn html() -> Self {
        let headers = vec![("content-type", "text/html; charset=utf-8".into())];
        Self {
            status: 200,
            headers,
            body: b"<!doctype html><p>Accept our terms".to_vec(),
        }
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self {
            status: 307,
            headers: vec![("location", to.into())],
            body: Vec::new(),
        }
    }
}

type Patch = Box<dyn FnMut(&mut Value) + Send>;

/// What the provider does. Every part of it can be changed by a test.
pub(crate) struct Script {
    /// Answers by path, in place of the provider's own.
    pub(crate) raw: Vec<(&'static str, Raw)>,
    pub(crate) discovery: Patch,
    pub(crate) keys: Value,
    pub(crate) claims: Patch,
    /// Makes the ID token of the claims.
    pub(crate) sign: Box<dyn FnMut(&Value) -> String + Send>,
    pub(crate) answer: Patch,
    /// The one refresh token that is good; whoever sends another one ends it.
    pub(crate) refresh_token: Option<String>,
    /// Codes for another device are given only where PKCE is used, too.
    pub(crate) codes_want_pkce: bool,
    /// And where no new sign-in is wished for.
    pub(crate) codes_know_no_prompt: bool,
    /// Holds an exchange until it is notified.
    pub(crate) gate: Option<Arc<Notify>>,
    /// Requests seen: path and body.
    pub(crate) seen: Vec<(String, String)>,
    nonce: Option<String>,
    challenge: Option<String>,
    issued: usize,
}

/// The provider and the machine that signs in at it.
#[derive(Clone)]
pub(crate) struct Idp {
    pub(crate) issuer: String,
    script: Arc<Mutex<Script>>,
    now: Arc<Mutex<i64>>,
    begun: Instant,
    slept: Arc<Mutex<Duration>>,
    /// How far the wall clock is ahead of trusted time, in milliseconds.
    pub(crate) wall_ahead: Arc<Mutex<i64>>,
}

impl Clock for Idp {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(*self.now.lock().unwrap())
    }

    fn wall(&self) -> Timestamp {
        self.now().shifted(*self.wall_ahead.lock().unwrap())
    }

    fn ticks(&self) -> Duration {
        self.begun.elapsed() + *self.slept.lock().unwrap()
    }
}

impl Idp {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let script = Script {
            raw: Vec::new(),
            discovery: Box::new(|_| {}),
            keys: json!({"keys": [public(&key(1), "k1")]}),
            claims: Box::new(|_| {}),
            sign: Box::new(|claims| jws::sign(&key(1), "JWT", "k1", claims).unwrap()),
            answer: Box::new(|_| {}),
            refresh_token: None,
            codes_want_pkce: false,
            codes_know_no_prompt: false,
            gate: None,
            seen: Vec::new(),
            nonce: None,
            challenge: None,
            issued: 0,
        };
        let idp = Self {
            issuer,
            script: Arc::new(Mutex::new(script)),
            now: Arc::new(Mutex::new(NOW)),
            begun: Instant::now(),
            slept: Arc::default(),
            wall_ahead: Arc::default(),
        };
        let serving = idp.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let idp = serving.clone();
                let service = service_fn(move |request| {
                    let idp = idp.clone();
                    async move { Ok::<_, Infallible>(idp.answer(request).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        idp
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    /// How many requests came to a path.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.script().seen.iter().filter(|(seen, _)| seen == path).count()
    }

    /// The body of the newest request to a path.
    pub(crate) fn body(&self, path: &str) -> Vec<(String, String)> {
        let script = self.script();
        let (_, body) = script.seen.iter().rev().find(|(seen, _)| seen == path).unwrap();
        url::form_urlencoded::parse(body.as_bytes())
            .into_owned()
            .collect()
    }

    pub(crate) fn set_now(&self, secs: i64) {
        *self.now.lock().unwrap() = secs;
    }

    /// The provider's machine and this one sleep.
    pub(crate) fn sleep_for(&self, slept: Duration) {
        *self.slept.lock().unwrap() += slept;
        *self.now.lock().unwrap() += i64::try_from(slept.as_secs()).unwrap();
    }

    pub(crate) fn oidc(&self) -> Oidc {
        Oidc::new(
            Http::new(Duration::from_secs(10), latchkey_ipc::settings::Proxy::System),
            Arc::new(self.clone()),
        )
    }

    pub(crate) fn identity(&self) -> Identity {
        Identity {
            issuer: self.issuer.clone(),
            client_id: "latchkey".into(),
            scopes: vec!["openid".into(), "email".into(), "offline_access".into()],
            resource: Some("https://licences.example".into()),
            audience: None,
            trusted_audiences: Vec::new(),
            prompt: Default::default(),
            redirect: Redirect::default(),
        }
    }

    /// What a user's browser does: goes to the address, signs in, and comes back. Returns the page it shows then.
    pub(crate) fn visit(&self, url: &Url) -> impl Future<Output = String> + Send + use<> {
        let query = |name: &str| {
            url.query_pairs()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let mut script = self.script();
        script.nonce = query("nonce");
        script.challenge = query("code_challenge");
        let back = format!(
            "{}?code=c1&state={}",
            query("redirect_uri").unwrap(),
            query("state").unwrap()
        );
        async move { get(&back).await }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let raw = {
            let mut script = self.script();
            script.seen.push((path.clone(), body.clone()));
            script
                .raw
                .iter()
                .find(|(at, _)| *at == path)
                .map(|(_, raw)| raw.clone())
        };
        let refuses = |script: &Script| {
            let lacks_pkce = script.codes_want_pkce && !body.contains("code_challenge=");
            lacks_pkce || (script.codes_know_no_prompt && body.contains("prompt="))
        };
        let raw = if path == "/device" && refuses(&self.script()) {
            Some(Raw::json(400, &json!({ "error": "invalid_request" })))
        } else {
            raw
        };
        let gate = if path == "/token" {
            self.script().gate.clone()
        } else {
            None
        };
        if let Some(gate) = gate {
            gate.notified().await;
        }
        let raw = raw.unwrap_or_else(|| match path.as_str() {
            "/.well-known/openid-configuration" => Raw::json(200, &self.discovery()),
            "/jwks" => Raw::json(200, &self.script().keys.clone()),
            "/token" => self.token(&body),
            "/revoke" => Raw::json(200, &json!({})),
            _ => Raw::json(404, &json!({})),
        });
        let mut response = Response::new(Full::new(Bytes::from(raw.body)));
        *response.status_mut() = StatusCode::from_u16(raw.status).unwrap();
        for (name, value) in raw.headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        response
    }

    fn discovery(&self) -> Value {
        let issuer = &self.issuer;
        let mut document = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks"),
            "revocation_endpoint": format!("{issuer}/revoke"),
            "code_challenge_methods_supported": ["S256"],
        });
        (self.script().discovery)(&mut document);
        document
    }

    fn token(&self, body: &str) -> Raw {
        let mut script = self.script();
        let form = |name: &str| {
            let mut pairs = url::form_urlencoded::parse(body.as_bytes());
            pairs
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let invalid_grant = Raw::json(
            400,
            &json!({"error": "invalid_grant", "error_description": "no such grant"}),
        );
        let with_code = form("grant_type").as_deref() == Some("authorization_code");
        if with_code {
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(form("code_verifier").unwrap_or_default()));
            if script.challenge.take() != Some(challenge) || form("code").as_deref() != Some("c1") {
                return invalid_grant;
            }
        } else if form("refresh_token") != script.refresh_token {
            script.refresh_token = None;
            return invalid_grant;
        }
        script.issued += 1;
        let access_token = format!("at-{}", script.issued);
        let refresh_token = format!("rt-{}", script.issued);
        let now = *self.now.lock().unwrap();
        let mut claims = json!({
            "iss": self.issuer, "sub": "maya", "aud": "latchkey", "iat": now, "exp": now + 3600,
            "email": "maya@example.com", "email_verified": true, "name": "Maya Lindqvist",
            "at_hash": at_hash(&access_token),
        });
        if let (true, Some(nonce)) = (with_code, script.nonce.take()) {
            claims["nonce"] = nonce.into();
        }
        (script.claims)(&mut claims);
        let id_token = (script.sign)(&claims);
        let mut answer = json!({
            "access_token": access_token, "token_type": "Bearer", "expires_in": 3600,
            "refresh_token": refresh_token, "id_token": id_token,
        });
        (script.answer)(&mut answer);
        if let Some(rotated) = answer["refresh_token"].as_str().filter(|token| !token.is_empty()) {
            script.refresh_token = Some(rotated.to_owned());
        }
        Raw::json(200, &answer)
    }
}

/// One of several keys.
pub(crate) fn key(number: u8) -> SigningKey {
    SigningKey::P256(Box::new(
        p256::ecdsa::SigningKey::from_slice(&[number; 32]).unwrap(),
    ))
}

/// Its public half, under a name.
pub(crate) fn public(key: &SigningKey, kid: &str) -> Value {
    let mut jwk = serde_json::to_value(key.jwk()).unwrap();
    jwk["kid"] = kid.into();
    jwk
}

/// A token of any header and any signature.
pub(crate) fn forged(header: &Value, claims: &Value, sign: impl FnOnce(&str) -> Vec<u8>) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(&message));
    format!("{message}.{signature}")
}

/// OpenID Connect Core 1.0 section 3.1.3.6.
fn at_hash(access_token: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(access_token)[..16])
}

/// Sends a request as a browser would, and returns the whole answer; empty when nobody listens.
pub(crate) async fn send(method: Method, url: &str) -> String {
    let url: Url = url.parse().unwrap();
    let port = url.port().unwrap();
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else {
        return String::new();
    };
    let target = &url[url::Position::BeforePath..];
    let request =
        format!("{method} {target} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(ANSWERED_WITHIN, stream.read_to_end(&mut answer)).await;
    let _reset = read.expect("an answer");
    String::from_utf8(answer).unwrap()
}

pub(crate) async fn get(url: &str) -> String {
    send(Method::GET, url).await
}
