//! Against a provider that answers over real HTTP whatever a test wants it to. The numbers are those of the list in
//! `docs/sign-in.md`, "What a hostile or broken provider sends".

mod believed;
mod callbacks;
mod device;
mod discovery;
pub(super) mod provider;
mod refreshes;
mod tokens;

use std::time::Duration;

use latchkey_api::discovery::Identity;
use provider::{Idp, Raw};
use serde_json::json;

use super::{IdentityError, SignedIn, Wish};

const WITHIN: Duration = Duration::from_secs(20);

/// An error of a token endpoint, as providers and what stands before them send it.
fn in_any_dress(error: &str) -> Vec<Raw> {
    let body = json!({ "error": error });
    let as_a_page = |status| Raw {
        headers: Raw::html().headers,
        ..Raw::json(status, &body)
    };
    let oddly = json!({ "error": error, "error_description": ["no"], "error_uri": 7 });
    vec![
        Raw::json(400, &body),
        Raw::json(200, &body),
        Raw::json(429, &body),
        Raw::json(400, &oddly),
        as_a_page(400),
        as_a_page(200),
    ]
}

/// Signs in as a user does whose browser does what it is told.
pub(super) async fn sign_in(idp: &Idp) -> Result<SignedIn, IdentityError> {
    sign_in_as(idp, &idp.identity()).await
}

/// By these settings.
pub(super) async fn sign_in_as(idp: &Idp, identity: &Identity) -> Result<SignedIn, IdentityError> {
    let attempt = idp.oidc().begin(identity, Wish::default(), WITHIN).await?;
    let visit = idp.visit(attempt.url());
    let browser = tokio::spawn(visit);
    let (signed_in, page) = attempt.returned().await?.exchange().await?;
    page.signed_in().await;
    let shown = browser.await.unwrap();
    assert!(shown.contains("You are signed in."), "{shown}");
    Ok(signed_in)
}
