//! The answer of a token endpoint (RFC 6749 section 5.1), read as tolerantly as providers write it, and no further.

use std::time::Duration;

use latchkey_core::time::DAY;
use oauth2::basic::BasicTokenType;
use oauth2::{AccessToken, RefreshToken, Scope};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::secret::SecretText;

/// What an access token's life is taken for when the provider does not say.
const UNSAID: Duration = Duration::from_secs(300);
/// The longest life that is believed. What is stored for longer is refreshed anyway.
const LONGEST: Duration = DAY;

/// The answer.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct TokenAnswer {
    access_token: AccessToken,
    #[serde(deserialize_with = "token_type")]
    token_type: BasicTokenType,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<Duration>,
    #[serde(default)]
    refresh_token: Option<RefreshToken>,
    #[serde(default)]
    pub(super) id_token: Option<SecretText>,
    #[serde(default, deserialize_with = "scope")]
    scope: Option<Vec<Scope>>,
}

impl TokenAnswer {
    /// How long the access token is good. One that would have ended when it was given is not what the provider means.
    pub(super) fn life(&self) -> Duration {
        let said = self.expires_in.filter(|life| !life.is_zero());
        said.unwrap_or(UNSAID).min(LONGEST)
    }

    /// The refresh token. An empty one is none.
    pub(super) fn renewed(&self) -> Option<SecretText> {
        let token = self.refresh_token.as_ref()?;
        (!token.secret().is_empty()).then(|| SecretText::new(token.secret().clone()))
    }
}

impl oauth2::TokenResponse for TokenAnswer {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }
    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }
    fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }
    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }
    fn scopes(&self) -> Option<&Vec<Scope>> {
        self.scope.as_ref()
    }
}

/// `oauth2` asks for it; nothing is ever written.
impl Serialize for TokenAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

/// Case does not matter (RFC 6749 section 5.1).
fn token_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BasicTokenType, D::Error> {
    let name = String::deserialize(deserializer)?;
    Ok(if name.eq_ignore_ascii_case("bearer") {
        BasicTokenType::Bearer
    } else {
        BasicTokenType::Extension(name)
    })
}

/// A number or a string of one, of any size and sign; anything else is as if it were not said.
pub(super) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let seconds = match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Number(number) => number.as_f64(),
        serde_json::Value::String(text) => text.trim().parse::<f64>().ok(),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Array(_)
        | serde_json::Value::Object(_) => None,
    };
    // Cut off at both ends, and at a fraction: a conversion of floats saturates.
    Ok(seconds
        .filter(|seconds| !seconds.is_nan())
        .map(|seconds| Duration::from_secs(seconds as u64)))
}

/// Words (RFC 6749 section 3.3), or a list of them; anything else is as if it were not said.
fn scope<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Scope>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Said {
        Words(String),
        List(Vec<String>),
        Other(serde::de::IgnoredAny),
    }
    let words = |text: &str| -> Vec<Scope> {
        let words = text.split_ascii_whitespace();
        words.map(|scope| Scope::new(scope.into())).collect()
    };
    Ok(match Said::deserialize(deserializer)? {
        Said::Words(text) => Some(words(&text)),
        Said::List(texts) => Some(texts.iter().flat_map(|text| words(text)).collect()),
        Said::Other(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use oauth2::TokenResponse as _;

    use super::*;

    fn life(expires_in: &str) -> Duration {
        let answer = format!(r#"{{"access_token":"a","token_type":"BEARER","expires_in":{expires_in}}}"#);
        serde_json::from_str::<TokenAnswer>(&answer).unwrap().life()
    }

    #[test]
    fn a_life_of_any_kind_is_brought_into_sense() {
        for (given, seconds) in [
            ("3600", 3_600),
            ("\"3600\"", 3_600),
            ("3599.7", 3_599),
            ("59", 59),
            ("0", 300),
            ("-1", 300),
            ("\"-1\"", 300),
            ("9223372036854775808", 86_400),
            ("1e300", 86_400),
            ("null", 300),
            ("\"soon\"", 300),
            ("{}", 300),
        ] {
            assert_eq!(life(given).as_secs(), seconds, "{given}");
        }
    }

    #[test]
    fn an_empty_refresh_token_is_none_and_nothing_is_printed() {
        let read = |refresh: &str| {
            let answer = format!(
                r#"{{"access_token":"s3cret","token_type":"bearer","refresh_token":"{refresh}","id_token":"s3cret","scope":" a  b"}}"#
            );
            serde_json::from_str::<TokenAnswer>(&answer).unwrap()
        };
        assert_eq!(read("").renewed(), None);
        let answer = read("s3cret");
        assert_eq!(answer.renewed().unwrap().expose(), "s3cret");
        assert_eq!(answer.scopes().unwrap().len(), 2);
        assert!(!format!("{answer:?}{}", serde_json::to_string(&answer).unwrap()).contains("s3cret"));
    }
}
