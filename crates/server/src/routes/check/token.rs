//! Whose access token it is, and whether it is good. Issuers that give JWTs are never asked about a token, and of those
//! that give opaque ones no signature counts.

use super::super::Service;
use super::error::CheckError;
use crate::access_token::{self, AccessToken, Expected};
use crate::introspection::Question;
use crate::jwt;
use crate::store::records::Issuer;

/// The token's issuer, and what it says.
pub(super) async fn judge<'a>(
    service: &Service,
    issuers: &'a [Issuer],
    token: &str,
    hint: Option<&str>,
) -> Result<(&'a Issuer, AccessToken), CheckError> {
    let issuer = issuer(issuers, token, hint)?;
    let audience = audience(issuer, &service.url);
    let Some(introspection) = &issuer.introspection else {
        let header = jwt::header(token)?;
        access_token::check_type(&header)?;
        let kid = header.kid.as_deref();
        let claims = service.identity.verify(&issuer.issuer, kid, token).await?;
        let expected = Expected {
            audience,
            client_id: &issuer.client_id,
        };
        let token = access_token::validate(claims, &issuer.issuer, expected, service.clock.now())?;
        return Ok((issuer, token));
    };
    let question = Question {
        issuer,
        introspection,
        audience,
        token,
    };
    let token = service
        .introspections
        .judge(&question, &service.identity, &*service.clock)
        .await?;
    Ok((issuer, token))
}

/// The issuer that the token names. Where it names none that is known, the hint chooses among those that are asked about
/// their tokens, and among no others.
fn issuer<'a>(issuers: &'a [Issuer], token: &str, hint: Option<&str>) -> Result<&'a Issuer, CheckError> {
    let known = |name: &str| issuers.iter().find(|issuer| issuer.issuer == name);
    let claimed = jwt::claimed_issuer(token);
    if let Some(issuer) = claimed.as_ref().ok().and_then(|name| known(name)) {
        return Ok(issuer);
    }
    let hinted = hint
        .and_then(known)
        .filter(|issuer| issuer.introspection.is_some());
    match (hinted, claimed) {
        (Some(issuer), _) if token.len() <= jwt::LONGEST => Ok(issuer),
        (_, Ok(claimed)) => Err(CheckError::UnknownIssuer(claimed)),
        (_, Err(error)) => Err(error.into()),
    }
}

/// The `aud` that an access token for this service carries.
fn audience<'a>(issuer: &'a Issuer, service: &'a str) -> &'a str {
    let told = issuer.token_audience.as_deref();
    told.or(issuer.resource.as_deref())
        .or(issuer.audience.as_deref())
        .unwrap_or(service)
}
