//! What the ID token of a first check must say, and what it proves about the user's e-mail. Its nonce is not known here:
//! the agent has verified it, and the access token beside it names the same subject.

use latchkey_core::time::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::access_token::check_times;
use crate::address;
use crate::jwt::{Audience, Header, JwtError, NumericDate};
use crate::store::records::{EmailClaim, Issuer};

/// The claims that matter here.
#[derive(Clone, Debug, Deserialize)]
pub struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: NumericDate,
    #[serde(default)]
    iat: Option<NumericDate>,
    #[serde(default)]
    auth_time: Option<NumericDate>,
    #[serde(default)]
    azp: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    email_verified: Option<Verified>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// What an ID token proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The user's e-mail.
    pub email: EmailClaim,
    /// When the user signed in: `auth_time` where the issuer says it, otherwise when the token was issued.
    pub signed_in_at: Option<Timestamp>,
}

/// Some issuers write the truth as text.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Verified {
    Flag(bool),
    Text(String),
}

/// Whether `typ` can be that of an ID token: an access token must not pass for one.
///
/// # Errors
/// [`JwtError::WrongType`].
pub fn check_type(header: &Header) -> Result<(), JwtError> {
    match header.typ.as_deref() {
        None => Ok(()),
        Some(typ) if typ.eq_ignore_ascii_case("JWT") => Ok(()),
        Some(other) => Err(JwtError::WrongType(other.to_owned())),
    }
}

/// Checks the claims at `now` (OpenID Connect Core section 3.1.3.7), and says what they prove. The signature has been
/// verified. `subject` is whom the access token beside it names.
///
/// # Errors
/// The first claim that is wrong.
pub fn validate(
    claims: &Claims,
    issuer: &Issuer,
    all: &[Issuer],
    subject: &str,
    now: Timestamp,
) -> Result<Proven, JwtError> {
    if claims.iss != issuer.issuer {
        return Err(JwtError::BadClaim("iss"));
    }
    if claims.sub != subject {
        return Err(JwtError::BadClaim("sub"));
    }
    let is_known = |name: &String| *name == issuer.client_id || issuer.trusted_audiences.contains(name);
    let strangers = !claims.aud.names().iter().all(is_known);
    let authorized = claims
        .azp
        .as_deref()
        .map_or(!strangers, |azp| azp == issuer.client_id);
    if !claims.aud.contains(&issuer.client_id) || !authorized {
        return Err(JwtError::BadClaim("aud"));
    }
    check_times(claims.exp, None, claims.iat, now)?;
    let signed_in_at = claims.auth_time.or(claims.iat);
    Ok(Proven {
        email: email(claims, issuer, all).map_or(EmailClaim::Unproven, EmailClaim::Proven),
        signed_in_at: signed_in_at.map(|at| Timestamp::from_secs(at.secs())),
    })
}

/// The e-mail, if the issuer has verified it and owns its domain: any issuer could claim any address otherwise.
fn email(claims: &Claims, issuer: &Issuer, all: &[Issuer]) -> Option<String> {
    let said = match &issuer.address_claim {
        Some(name) => claims.named(name),
        None => claims.email.as_deref().filter(|_| claims.is_email_verified()),
    };
    let email = address::email(said?)?;
    let owner = address::owner(all, &email)?;
    (owner.issuer == issuer.issuer).then_some(email)
}

impl Claims {
    fn is_email_verified(&self) -> bool {
        match &self.email_verified {
            Some(Verified::Flag(flag)) => *flag,
            Some(Verified::Text(text)) => text == "true",
            None => false,
        }
    }

    /// What a claim says that the administrator has named. Where the issuer says itself that the address is not verified, it is not.
    fn named(&self, name: &str) -> Option<&str> {
        if self.email_verified.is_some() && !self.is_email_verified() {
            return None;
        }
        match name {
            "email" => self.email.as_deref(),
            name => self.others.get(name)?.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use latchkey_api::discovery::Redirect;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn issuer(name: &str, domains: &[&str]) -> Issuer {
        Issuer {
            issuer: name.into(),
            client_id: format!("client of {name}"),
            scopes: vec![],
            resource: None,
            audience: None,
            redirect: Redirect::default(),
            token_audience: None,
            introspection: None,
            moved_to: None,
            address_claim: None,
            trusted_audiences: Vec::new(),
            prompt: Default::default(),
            domains: domains.iter().map(|&domain| domain.to_owned()).collect(),
        }
    }

    fn with(name: &str, changes: Value) -> Result<EmailClaim, JwtError> {
        let all = [issuer("vendor", &[]), issuer("company", &["nord.example"])];
        let issuer = all.iter().find(|issuer| issuer.issuer == name).unwrap();
        let mut claims = json!({
            "iss": name, "sub": "maya", "aud": issuer.client_id, "exp": NOW + 600, "iat": NOW,
            "email": "Maya@Home.Example", "email_verified": true,
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let claims = serde_json::from_value(claims).map_err(|_| JwtError::Malformed)?;
        validate(&claims, issuer, &all, "maya", Timestamp::from_secs(NOW)).map(|proven| proven.email)
    }

    #[test]
    fn an_email_is_believed_only_from_the_owner_of_its_domain() {
        let proven = |email: &str| Ok(EmailClaim::Proven(email.into()));
        let nord = json!({"email": "maya@nord.example"});
        assert_eq!(with("vendor", json!({})), proven("maya@home.example"));
        assert_eq!(with("company", nord.clone()), proven("maya@nord.example"));
        assert_eq!(
            with("vendor", nord),
            Ok(EmailClaim::Unproven),
            "the company owns it"
        );
        assert_eq!(
            with("company", json!({})),
            Ok(EmailClaim::Unproven),
            "the vendor owns the rest"
        );
        let below = json!({"email": "maya@sub.nord.example"});
        assert_eq!(
            with("company", below),
            Ok(EmailClaim::Unproven),
            "a domain is not those below it"
        );
    }

    #[test]
    fn an_unverified_email_proves_nothing() {
        for changes in [
            json!({"email_verified": false}),
            json!({"email_verified": null}),
            json!({"email_verified": "false"}),
            json!({"email": null}),
            json!({"email": "maya"}),
            json!({"email": "maya\u{7}@home.example"}),
        ] {
            assert_eq!(
                with("vendor", changes.clone()),
                Ok(EmailClaim::Unproven),
                "{changes}"
            );
        }
        assert!(matches!(
            with("vendor", json!({"email_verified": "true"})),
            Ok(EmailClaim::Proven(_))
        ));
    }

    /// The directory of a company: what it says of its own people is true, and of nobody else's.
    #[test]
    fn an_address_counts_by_the_word_of_an_issuer_that_is_trusted_with_it() {
        let said = |claim: &str, changes: Value| {
            let all = [
                issuer("vendor", &[]),
                Issuer {
                    address_claim: Some(claim.to_owned()),
                    ..issuer("company", &["nord.example"])
                },
            ];
            let mut claims = json!({
                "iss": "company", "sub": "maya", "aud": "client of company", "exp": NOW + 600, "iat": NOW,
                "preferred_username": "Maya@Nord.Example",
            });
            for (name, value) in changes.as_object().unwrap() {
                claims[name] = value.clone();
            }
            let claims = serde_json::from_value(claims).unwrap();
            let proven = validate(&claims, &all[1], &all, "maya", Timestamp::from_secs(NOW));
            proven.unwrap().email
        };
        let maya = EmailClaim::Proven("maya@nord.example".into());
        assert_eq!(said("preferred_username", json!({})), maya);
        assert_eq!(said("email", json!({"email": "maya@nord.example"})), maya);
        for (claim, changes) in [
            (
                "preferred_username",
                json!({"preferred_username": "maya@home.example"}),
            ),
            ("preferred_username", json!({"preferred_username": "maya"})),
            (
                "preferred_username",
                json!({"preferred_username": ["maya@nord.example"]}),
            ),
            ("preferred_username", json!({"email_verified": false})),
            ("upn", json!({})),
            ("email", json!({})),
        ] {
            assert_eq!(
                said(claim, changes.clone()),
                EmailClaim::Unproven,
                "{claim} {changes}"
            );
        }
    }

    #[test]
    fn a_token_for_somebody_else_is_refused() {
        for (changes, error) in [
            (json!({"iss": "company"}), JwtError::BadClaim("iss")),
            (json!({"sub": "mallory"}), JwtError::BadClaim("sub")),
            (json!({"aud": "another client"}), JwtError::BadClaim("aud")),
            (
                json!({"aud": ["client of vendor", "stranger"]}),
                JwtError::BadClaim("aud"),
            ),
            (json!({"azp": "stranger"}), JwtError::BadClaim("aud")),
            (json!({"exp": NOW - 60}), JwtError::Expired),
            (json!({"iat": NOW + 61}), JwtError::FromTheFuture),
        ] {
            assert_eq!(with("vendor", changes.clone()), Err(error), "{changes}");
        }
        let several = json!({"aud": ["client of vendor", "other"], "azp": "client of vendor"});
        assert!(with("vendor", several).is_ok());
    }
}
