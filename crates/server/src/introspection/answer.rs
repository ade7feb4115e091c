//! What an answer says of the token (RFC 7662 section 2.2), held to what a JWT would have to say.

use latchkey_core::time::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Question;
use crate::access_token::{self, AccessToken, Claims, Expected, Presentation};
use crate::jwt::{Audience, JwtError};

/// The token.
pub(super) fn judge(
    answer: &Map<String, Value>,
    question: &Question<'_>,
    now: Timestamp,
) -> Result<AccessToken, JwtError> {
    if answer.get("active") != Some(&Value::Bool(true)) {
        return Err(JwtError::Inactive);
    }
    let kind = optional::<String>(answer, "token_type")?.map(|kind| kind.to_ascii_lowercase());
    if !matches!(kind.as_deref(), None | Some("bearer" | "dpop")) {
        return Err(JwtError::BadClaim("token_type"));
    }
    let claims = Claims {
        iss: optional(answer, "iss")?.unwrap_or_else(|| question.issuer.issuer.clone()),
        sub: required(answer, "sub")?,
        aud: Some(audience(answer, question)?),
        client_id: None,
        exp: required(answer, "exp")?,
        nbf: optional(answer, "nbf")?,
        iat: optional(answer, "iat")?,
        cnf: optional(answer, "cnf")?,
    };
    let expected = Expected {
        audience: question.audience,
        client_id: &question.issuer.client_id,
    };
    let token = access_token::validate(claims, &question.issuer.issuer, expected, now)?;
    if kind.as_deref() == Some("dpop") && token.presentation == Presentation::Bearer {
        // Bound, and nobody says to which key: then everybody could present it.
        return Err(JwtError::BadClaim("cnf"));
    }
    Ok(token)
}

/// Without `aud` any client's token would do. So where an administrator has said that the issuer gives none, the token must
/// have been issued to the agents' own client.
fn audience(answer: &Map<String, Value>, question: &Question<'_>) -> Result<Audience, JwtError> {
    let given: Option<Audience> = optional(answer, "aud")?;
    match given {
        Some(given) => Ok(given),
        None if !question.introspection.audience_optional => Err(JwtError::BadClaim("aud")),
        None => {
            let client: String = required(answer, "client_id")?;
            if client == question.issuer.client_id {
                Ok(Audience::One(question.audience.to_owned()))
            } else {
                Err(JwtError::BadClaim("client_id"))
            }
        }
    }
}

fn required<T: DeserializeOwned>(answer: &Map<String, Value>, name: &'static str) -> Result<T, JwtError> {
    optional(answer, name)?.ok_or(JwtError::BadClaim(name))
}

fn optional<T: DeserializeOwned>(
    answer: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<T>, JwtError> {
    match answer.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value.clone())
            .map(Some)
            .map_err(|_| JwtError::BadClaim(name)),
    }
}
