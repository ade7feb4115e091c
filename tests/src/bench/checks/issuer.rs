//! An issuer whose tokens are made here, because one that people sign in at would be asked for a token for every user. It
//! answers with two documents, and is asked for them once.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use anyhow::Result;
use latchkey_core::jws::{self, SigningKey};
use serde_json::{Value, json};

const KID: &str = "bench";

/// Somebody who says who users are.
pub(super) struct Issuer {
    pub(super) url: String,
    key: SigningKey,
}

impl Issuer {
    /// Serves its documents until this process ends.
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let key = SigningKey::P256(Box::new(p256::ecdsa::SigningKey::from_slice(&[9; 32])?));
        let discovery = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") });
        let mut jwk = key.jwk();
        jwk.kid = Some(KID.to_owned());
        let keys = json!({ "keys": [jwk] });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Who gets no answer complains, and the bench fails with that complaint.
                let _ = answer(stream, &discovery, &keys);
            }
        });
        Ok(Self { url, key })
    }

    /// A token of the type `typ`.
    pub(super) fn token(&self, typ: &str, claims: &Value) -> Result<String> {
        Ok(jws::sign(&self.key, typ, KID, claims)?)
    }
}

fn answer(mut stream: TcpStream, discovery: &Value, keys: &Value) -> Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let asked = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let document = if asked.contains("/keys ") { keys } else { discovery };
    let body = document.to_string();
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    Ok(())
}
