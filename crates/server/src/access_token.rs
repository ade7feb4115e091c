//! What the claims of an access token must say (RFC 9068 where issuers follow it, and less where they do not).

use std::time::Duration;

use latchkey_core::jws::Thumbprint;
use latchkey_core::time::Timestamp;
use serde::Deserialize;

use crate::jwt::{Audience, Header, JwtError, NumericDate};

/// How far the clocks of issuer and service may be apart.
pub const LEEWAY: Duration = Duration::from_secs(60);

/// The claims that matter here, of a JWT or of an answer to an introspection.
#[derive(Clone, Debug, Deserialize)]
pub struct Claims {
    pub(crate) iss: String,
    pub(crate) sub: String,
    #[serde(default)]
    pub(crate) aud: Option<Audience>,
    #[serde(default)]
    pub(crate) client_id: Option<String>,
    pub(crate) exp: NumericDate,
    #[serde(default)]
    pub(crate) nbf: Option<NumericDate>,
    #[serde(default)]
    pub(crate) iat: Option<NumericDate>,
    #[serde(default)]
    pub(crate) cnf: Option<Cnf>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Cnf {
    #[serde(default)]
    jkt: Option<Thumbprint>,
}

/// How the token may be presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presentation {
    /// By whoever holds it (RFC 6750).
    Bearer,
    /// Only by who holds this key (RFC 9449 section 6.1).
    Dpop(Thumbprint),
}

/// Whom it must be for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Among its `aud`.
    pub audience: &'a str,
    /// To whom it was issued, where it has no `aud`: some issuers write none (Amazon Cognito), and any client's token would do then.
    pub client_id: &'a str,
}

/// A token whose claims are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// Who issued it.
    pub issuer: String,
    /// Whom it names.
    pub subject: String,
    /// How it may be presented.
    pub presentation: Presentation,
    /// How long it lives altogether; from now on, where it does not say since when.
    pub life: Duration,
    /// When it ends.
    pub ends_at: Timestamp,
}

/// Whether `typ` can be that of an access token (RFC 9068 section 2.1; many issuers write `JWT` or nothing).
///
/// # Errors
/// [`JwtError::WrongType`].
pub fn check_type(header: &Header) -> Result<(), JwtError> {
    match header.typ.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("jwt" | "at+jwt" | "application/at+jwt") => Ok(()),
        Some(other) => Err(JwtError::WrongType(other.to_owned())),
    }
}

/// Checks the claims at `now`. The signature has been verified.
///
/// # Errors
/// The first claim that is wrong.
pub fn validate(
    claims: Claims,
    issuer: &str,
    expected: Expected<'_>,
    now: Timestamp,
) -> Result<AccessToken, JwtError> {
    if claims.iss != issuer {
        return Err(JwtError::BadClaim("iss"));
    }
    let is_for_us = match &claims.aud {
        Some(aud) => aud.contains(expected.audience),
        None => claims.client_id.as_deref() == Some(expected.client_id),
    };
    if !is_for_us {
        return Err(JwtError::BadClaim("aud"));
    }
    if claims.sub.is_empty() || claims.sub.len() > 255 {
        return Err(JwtError::BadClaim("sub"));
    }
    let life = check_times(claims.exp, claims.nbf, claims.iat, now)?;
    let ends_at = Timestamp::from_secs(claims.exp.secs());
    let presentation = match claims.cnf {
        None => Presentation::Bearer,
        Some(Cnf { jkt: Some(jkt) }) => Presentation::Dpop(jkt),
        // Bound to something that is no DPoP key, a client certificate for one: nobody here could prove it.
        Some(Cnf { jkt: None }) => return Err(JwtError::BadClaim("cnf")),
    };
    Ok(AccessToken {
        issuer: claims.iss,
        subject: claims.sub,
        presentation,
        life,
        ends_at,
    })
}

/// Checks the times that access tokens and ID tokens share, and says how long the token lives.
pub(crate) fn check_times(
    exp: NumericDate,
    nbf: Option<NumericDate>,
    iat: Option<NumericDate>,
    now: Timestamp,
) -> Result<Duration, JwtError> {
    let (exp, soon) = (Timestamp::from_secs(exp.secs()), now + LEEWAY);
    if now >= exp + LEEWAY {
        return Err(JwtError::Expired);
    }
    let begins = [nbf, iat]
        .into_iter()
        .flatten()
        .map(|date| Timestamp::from_secs(date.secs()));
    if begins.clone().any(|begin| begin > soon) {
        return Err(JwtError::FromTheFuture);
    }
    let begin = iat.map_or(now, |iat| Timestamp::from_secs(iat.secs()));
    if iat.is_some() && begin >= exp {
        return Err(JwtError::BadClaim("iat"));
    }
    Ok(exp.since(begin))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_800_000_000;
    const ISSUER: &str = "https://id.example";

    fn with(changes: Value) -> Result<AccessToken, JwtError> {
        let mut claims = json!({
            "iss": ISSUER, "sub": "maya", "aud": ["x", "api"], "exp": NOW + 600, "iat": NOW - 3_000, "nbf": NOW - 3_000,
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let claims = serde_json::from_value(claims).map_err(|_| JwtError::Malformed)?;
        let expected = Expected {
            audience: "api",
            client_id: "latchkey",
        };
        validate(claims, ISSUER, expected, Timestamp::from_secs(NOW))
    }

    #[test]
    fn a_good_token_names_its_subject_and_its_life() {
        let token = with(json!({})).unwrap();
        assert_eq!((token.subject.as_str(), token.life.as_secs()), ("maya", 3_600));
        assert_eq!(token.presentation, Presentation::Bearer);
        assert_eq!(with(json!({"iat": null})).unwrap().life.as_secs(), 600);
        assert_eq!(
            with(json!({"aud": "api", "exp": NOW as f64 + 0.5}))
                .unwrap()
                .life
                .as_secs(),
            3_000
        );
        let without_audience = json!({"aud": null, "client_id": "latchkey"});
        assert_eq!(with(without_audience).unwrap().subject, "maya");
        let bound = with(json!({"cnf": {"jkt": "key"}})).unwrap();
        assert_eq!(bound.presentation, Presentation::Dpop(Thumbprint("key".into())));
    }

    #[test]
    fn each_wrong_claim_is_named() {
        use JwtError::{BadClaim, Expired, FromTheFuture, Malformed};
        for (changes, error) in [
            (json!({"iss": "https://id.example/"}), BadClaim("iss")),
            (json!({"aud": ["x"]}), BadClaim("aud")),
            (json!({"aud": []}), BadClaim("aud")),
            (json!({"aud": null}), BadClaim("aud")),
            (json!({"aud": null, "client_id": "another"}), BadClaim("aud")),
            (json!({"aud": ["x"], "client_id": "latchkey"}), BadClaim("aud")),
            (json!({"sub": ""}), BadClaim("sub")),
            (json!({"sub": null}), Malformed),
            (json!({"exp": null}), Malformed),
            (json!({"exp": "3600"}), Malformed),
            (json!({"exp": NOW - 60}), Expired),
            (json!({"exp": -1e300}), Expired),
            (json!({"nbf": NOW + 61}), FromTheFuture),
            (json!({"iat": NOW + 61}), FromTheFuture),
            (json!({"iat": NOW + 30, "exp": NOW + 20}), BadClaim("iat")),
            (json!({"cnf": {"x5t#S256": "certificate"}}), BadClaim("cnf")),
        ] {
            assert_eq!(with(changes.clone()), Err(error), "{changes}");
        }
        assert!(
            with(json!({"exp": NOW - 59, "nbf": NOW + 60})).is_ok(),
            "60 s of leeway"
        );
    }

    #[test]
    fn the_type_is_that_of_an_access_token() {
        let typed = |typ: Option<&str>| {
            let header = json!({"alg": "RS256", "typ": typ}).to_string();
            check_type(&crate::jwt::header(&format!(
                "{}..",
                latchkey_core::jws::base64url(header)
            ))?)
        };
        for good in [
            None,
            Some("JWT"),
            Some("at+jwt"),
            Some("application/at+jwt"),
            Some("AT+JWT"),
        ] {
            assert_eq!(typed(good), Ok(()), "{good:?}");
        }
        for bad in ["dpop+jwt", "logout+jwt", "latchkey-lease+jwt", ""] {
            assert_eq!(typed(Some(bad)), Err(JwtError::WrongType(bad.into())));
        }
    }
}
