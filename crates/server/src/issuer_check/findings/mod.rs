//! The findings, one function for each: what the document, the keys and the trial say, in words.

mod beyond;
mod sign_in;

use super::document::Document;
use super::probe::Client;
use super::{Finding, Verdict};
use crate::jwt::Census;

/// The most letters of a finding.
const LONGEST: usize = 500;

pub(super) fn all(
    issuer: &str,
    document: &Document,
    keys: Result<Census, String>,
    client: Option<Client>,
) -> Vec<Finding> {
    let (code, device, revocation) = client.map_or((None, None, None), |client| {
        (client.code, client.device, client.revocation)
    });
    vec![
        sign_in::name(issuer, document),
        sign_in::endpoints(document),
        sign_in::code_flow(document),
        sign_in::pkce(document),
        sign_in::public_client(document, code),
        sign_in::id_tokens(document),
        sign_in::keys(document, keys),
        sign_in::email(document),
        sign_in::claims(document),
        beyond::refresh(document),
        beyond::device_code(document, device),
        beyond::callbacks(document),
        beyond::revocation(document, revocation),
        beyond::end_session(document),
        beyond::introspection(document),
        beyond::dpop(document),
    ]
}

fn ok(about: &'static str, words: impl Into<String>) -> Finding {
    finding(about, Verdict::Ok, words)
}

fn limited(about: &'static str, words: impl Into<String>) -> Finding {
    finding(about, Verdict::Limited, words)
}

fn missing(about: &'static str, words: impl Into<String>) -> Finding {
    finding(about, Verdict::Missing, words)
}

/// The words may quote the issuer: what a terminal would obey is left out, and what nobody would read to the end.
fn finding(about: &'static str, verdict: Verdict, words: impl Into<String>) -> Finding {
    let words: String = words.into();
    Finding {
        about,
        verdict,
        words: words.chars().filter(|c| !c.is_control()).take(LONGEST).collect(),
    }
}
