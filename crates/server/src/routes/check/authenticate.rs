//! Who asks: an access token of a known issuer, and a proof by the device key that was made for this very request.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method};
use latchkey_api::dpop::{self, Expected, Proof};
use latchkey_core::jws::Thumbprint;

use super::super::Service;
use super::error::CheckError;
use super::token;
use crate::access_token::{AccessToken, Presentation};
use crate::replay::Seen;
use crate::store::records::Issuer;

/// Who asks.
pub(in super::super) struct Caller<'a> {
    /// The access token.
    pub(in super::super) token: AccessToken,
    /// Its issuer.
    pub(in super::super) issuer: &'a Issuer,
    /// The device key.
    pub(in super::super) jkt: Thumbprint,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Bearer,
    Dpop,
}

/// What the headers prove: that the device key was used for this very request and access token. Whose the token is, is not
/// known yet.
pub(in super::super) struct Proven<'a> {
    scheme: Scheme,
    access_token: &'a str,
    proof: Proof,
}

impl Proven<'_> {
    /// The device key.
    pub(in super::super) const fn jkt(&self) -> &Thumbprint {
        &self.proof.jkt
    }
}

/// Looks at the headers alone, of a request to this path.
pub(in super::super) fn prove<'a>(
    service: &Service,
    method: &Method,
    path: &str,
    headers: &'a HeaderMap,
) -> Result<Proven<'a>, CheckError> {
    let (scheme, access_token) = authorization(headers)?;
    let url = service.address(path);
    let expected = Expected {
        method: method.as_str(),
        url: &url,
        access_token: Some(access_token),
    };
    let proof = dpop::verify(only(headers, dpop::HEADER).ok_or(CheckError::NoProof)?, &expected)?;
    let fresh = |nonce: &String| service.nonces.accepts(nonce, service.clock.passed());
    if !proof.nonce.as_ref().is_some_and(fresh) {
        return Err(CheckError::UseNonce);
    }
    Ok(Proven {
        scheme,
        access_token,
        proof,
    })
}

/// Has the access token judged. `hint` is the issuer that the request names, or that of its device.
pub(in super::super) async fn authenticate<'a>(
    service: &Service,
    issuers: &'a [Issuer],
    proven: Proven<'_>,
    hint: Option<&str>,
) -> Result<Caller<'a>, CheckError> {
    let Proven {
        scheme,
        access_token,
        proof,
    } = proven;
    let (issuer, token) = token::judge(service, issuers, access_token, hint).await?;
    match (&token.presentation, scheme) {
        (Presentation::Bearer, Scheme::Bearer) => {}
        (Presentation::Dpop(jkt), Scheme::Dpop) if *jkt == proof.jkt => {}
        (Presentation::Dpop(_), Scheme::Dpop) => return Err(CheckError::ForeignKey),
        (Presentation::Bearer, Scheme::Dpop) | (Presentation::Dpop(_), Scheme::Bearer) => {
            return Err(CheckError::WrongScheme);
        }
    }
    // Last, so that only who is known can fill the cache.
    match service
        .replays
        .note(&proof.jkt, &proof.jti, service.clock.passed())
    {
        Seen::First => Ok(Caller {
            token,
            issuer,
            jkt: proof.jkt,
        }),
        Seen::Again => Err(CheckError::Replayed),
        Seen::Full => Err(CheckError::Overloaded),
    }
}

fn authorization(headers: &HeaderMap) -> Result<(Scheme, &str), CheckError> {
    let value = only(headers, AUTHORIZATION.as_str()).ok_or(CheckError::NoToken)?;
    let (scheme, token) = value.split_once(' ').ok_or(CheckError::NoToken)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok((Scheme::Bearer, token.trim()))
    } else if scheme.eq_ignore_ascii_case(dpop::SCHEME) {
        Ok((Scheme::Dpop, token.trim()))
    } else {
        Err(CheckError::NoToken)
    }
}

/// The header's value, if it is there exactly once (RFC 9449 section 4.3 item 1).
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}
