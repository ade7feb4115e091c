//! What an issuer offers, and what of it will not work with Latchkey: the issuer is asked, and the answer is put in words.

mod document;
mod findings;
mod probe;

use serde::Serialize;

use self::document::Document;
use crate::identity::fetch;
use crate::jwt::Census;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Something will not work, and Latchkey works without it.
    Limited,
    /// Nobody can sign in without it.
    Missing,
}

impl Verdict {
    /// As it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Limited => "limited",
            Self::Missing => "missing",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub about: &'static str,
    /// How it stands.
    pub verdict: Verdict,
    /// The same in words, and what to do.
    pub words: String,
}

/// Everything that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The issuer, as it was named.
    pub issuer: String,
    /// Whether all that is needed is there.
    pub fits: bool,
    /// In the order in which a sign-in needs them.
    pub findings: Vec<Finding>,
}

/// Asks `issuer`, and tries `client_id` there where one is given: with a code that was made up, which no issuer takes.
pub async fn check(http: &reqwest::Client, issuer: &str, client_id: Option<&str>) -> Report {
    let findings = match Document::fetch(http, issuer).await {
        Err(why) => vec![Finding {
            about: "discovery",
            verdict: Verdict::Missing,
            words: format!("{why}."),
        }],
        Ok(document) => {
            let keys = keys(http, &document).await;
            let client = match client_id {
                Some(client_id) => Some(probe::client(http, &document, client_id).await),
                None => None,
            };
            findings::all(issuer, &document, keys, client)
        }
    };
    Report {
        issuer: issuer.to_owned(),
        fits: findings.iter().all(|finding| finding.verdict != Verdict::Missing),
        findings,
    }
}

async fn keys(http: &reqwest::Client, document: &Document) -> Result<Census, String> {
    let address = document.text("jwks_uri").ok_or("there is no jwks_uri")?;
    let json = fetch::document(http, address)
        .await
        .map_err(|error| error.to_string())?;
    Census::take(&json).map_err(|_| format!("{address} is no JWK Set"))
}
