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
use provider::Idp;

use super::{IdentityError, SignedIn, Wish};

const WITHIN: Duration = Duration::from_secs(20);

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
