//! ID tokens (OpenID Connect Core 1.0), as a first start in an outage is proven by one (rule 7): verified by keys of the issuer that
//! the vendor's root key vouches for, because nobody can be asked for others.

use std::time::Duration;

use rsa::pkcs1v15;
use rsa::pss;
use rsa::sha2::{Sha256, Sha384, Sha512};
use rsa::signature::Verifier as _;
use rsa::{BigUint, RsaPublicKey};
use serde::{Deserialize, Serialize};

use crate::jws::{self, Jwk, JwsError, from_base64url};
use crate::lease::LeaseError;
use crate::time::{HOUR, MINUTE, Timestamp};

/// For so long an ID token says who the user is (rule 7).
pub const BELIEVED_FOR: Duration = HOUR;
/// How long past its end it still counts: clocks differ (OpenID Connect Core 1.0 section 3.1.3.7, point 9).
const TOLERANCE: Duration = Duration::from_secs(5 * MINUTE.as_secs());
/// RSA keys of 2048 to 4096 bits, as everywhere else here: shorter ones are broken, longer ones are an attack on our processor.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// A public key of an issuer, with the members of a JWK (RFC 7517) that are public, and no others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerKey {
    /// Key type: `RSA`, `EC` or `OKP`.
    pub kty: String,
    /// Key id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The only algorithm it is used with, where the issuer says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// What it is used for; for signatures when absent.
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    pub use_: Option<String>,
    /// Curve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// The point, or its x coordinate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// The y coordinate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// The modulus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// The exponent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
}

/// The keys of one issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerKeys {
    /// The issuer.
    pub issuer: String,
    /// Its keys.
    pub keys: Vec<IssuerKey>,
}

/// What of an ID token matters here. Times are `NumericDate`s.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct IdToken {
    /// The issuer.
    pub iss: String,
    /// The user there.
    pub sub: String,
    aud: Audience,
    #[serde(default)]
    azp: Option<String>,
    iat: serde_json::Number,
    exp: serde_json::Number,
}

/// One audience, or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn names(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }
}

/// The instant of a `NumericDate`, which may have a fraction (RFC 7519 section 2).
pub fn instant(number: &serde_json::Number) -> Timestamp {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole seconds are enough, and `as` saturates"
    )]
    let secs = number
        .as_i64()
        .or_else(|| number.as_f64().map(|secs| secs as i64));
    Timestamp::from_secs(secs.unwrap_or_default())
}

impl IdToken {
    /// Verifies the signature by one of `issuers`' keys, and that it was made for one of `clients`: pairs of issuer and client id.
    /// Whether it is young enough is a question of time, and asked elsewhere.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub fn verify<'a>(
        token: &str,
        issuers: &[IssuerKeys],
        clients: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, LeaseError> {
        let unverified = jws::parse_jwt(token)?;
        let said: Self = unverified.unbelieved()?;
        let client = clients
            .into_iter()
            .find(|(issuer, client)| *issuer == said.iss && said.is_for(client));
        if client.is_none() {
            return Err(LeaseError::Foreign("issuer or client"));
        }
        let keys = issuers.iter().filter(|one| one.issuer == said.iss);
        let keys =
            keys.flat_map(|one| &one.keys)
                .filter(|key| match (unverified.kid(), key.kid.as_deref()) {
                    // It is a hint (RFC 7515 section 4.1.4), and a key need not have one (RFC 7517 section 4.5).
                    (Some(wanted), Some(name)) => wanted == name,
                    (None, _) | (_, None) => true,
                });
        let mut outcome = JwsError::UnknownKey(unverified.kid().unwrap_or_default().to_owned());
        for key in keys {
            match unverified.verify_by(|alg, message, signature| key.verifies(alg, message, signature)) {
                Ok(believed) => return Ok(believed),
                Err(error) => outcome = error,
            }
        }
        Err(outcome.into())
    }

    /// What a token says that was verified before it was kept; `None` when it is none.
    pub fn kept(token: &str) -> Option<Self> {
        jws::parse_jwt(token).ok()?.unbelieved().ok()
    }

    /// Section 3.1.3.7: it names the client as its audience, and as the authorised party where it names strangers too.
    fn is_for(&self, client: &str) -> bool {
        let names = self.aud.names();
        let strangers = names.iter().any(|name| name != client);
        let authorised = self.azp.as_deref().map_or(!strangers, |azp| azp == client);
        authorised && names.iter().any(|name| name == client)
    }

    /// Why it does not say who sits there at `at`, if it does not: it is older than [`BELIEVED_FOR`], has ended, or is of the future.
    pub fn objection(&self, at: Timestamp) -> Option<&'static str> {
        let (issued, ends) = (instant(&self.iat), instant(&self.exp));
        // An issuer's clock may be ahead of the service's by as much as a token may be old (point 10): a token that is known is of the
        // past, whatever the two say.
        if issued > at + BELIEVED_FOR {
            Some("an ID token of the future")
        } else if at >= issued + BELIEVED_FOR || at >= ends + TOLERANCE {
            Some("an ID token so old")
        } else {
            None
        }
    }
}

impl IssuerKey {
    /// Whether signatures are verified with it: of a kind that is known here, and not meant for something else.
    pub fn is_usable(&self) -> bool {
        let is_for_signatures = self.use_.as_deref().is_none_or(|purpose| purpose == "sig");
        let on_a_curve = self.on_a_curve().and_then(|key| key.verifying_key().ok());
        is_for_signatures && (on_a_curve.is_some() || self.rsa().is_some())
    }

    fn verifies(&self, alg: &str, message: &[u8], signature: &[u8]) -> bool {
        let is_other =
            |said: &Option<String>, wanted: &str| said.as_deref().is_some_and(|said| said != wanted);
        if is_other(&self.alg, alg) || is_other(&self.use_, "sig") {
            return false;
        }
        if let Some(key) = self.rsa() {
            return rsa(key, alg, message, signature);
        }
        let on_a_curve = self.on_a_curve().and_then(|key| key.verifying_key().ok());
        on_a_curve.is_some_and(|key| key.accepts(alg) && key.verifies(message, signature))
    }

    fn rsa(&self) -> Option<RsaPublicKey> {
        if self.kty != "RSA" {
            return None;
        }
        let (n, e) = (
            from_base64url(self.n.as_deref()?)?,
            from_base64url(self.e.as_deref()?)?,
        );
        let number = BigUint::from_bytes_be;
        let most = RSA_BYTES.end() * 8;
        let key = RsaPublicKey::new_with_max_size(number(&n), number(&e), most).ok()?;
        RSA_BYTES.contains(&n.len()).then_some(key)
    }

    fn on_a_curve(&self) -> Option<Jwk> {
        Some(Jwk {
            kty: self.kty.clone(),
            crv: self.crv.clone()?,
            x: self.x.clone()?,
            y: self.y.clone(),
            kid: None,
            alg: None,
            use_: None,
        })
    }
}

/// RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 7518 sections 3.3 and 3.5).
fn rsa(key: RsaPublicKey, alg: &str, message: &[u8], signature: &[u8]) -> bool {
    let pkcs1 = pkcs1v15::Signature::try_from(signature);
    let pss = pss::Signature::try_from(signature);
    let (Ok(pkcs1), Ok(pss)) = (pkcs1, pss) else {
        return false;
    };
    match alg {
        "RS256" => pkcs1v15::VerifyingKey::<Sha256>::new(key).verify(message, &pkcs1),
        "RS384" => pkcs1v15::VerifyingKey::<Sha384>::new(key).verify(message, &pkcs1),
        "RS512" => pkcs1v15::VerifyingKey::<Sha512>::new(key).verify(message, &pkcs1),
        "PS256" => pss::VerifyingKey::<Sha256>::new(key).verify(message, &pss),
        "PS384" => pss::VerifyingKey::<Sha384>::new(key).verify(message, &pss),
        "PS512" => pss::VerifyingKey::<Sha512>::new(key).verify(message, &pss),
        _ => return false,
    }
    .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ISSUER: &str = "https://id.example";

    fn signed(seed: u8, kid: &str, claims: &Value) -> String {
        let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        jws::sign(&jws::SigningKey::Ed25519(Box::new(key)), "JWT", kid, claims).unwrap()
    }

    fn key(seed: u8, kid: &str) -> IssuerKey {
        let public = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key();
        IssuerKey {
            kty: "OKP".to_owned(),
            kid: Some(kid.to_owned()),
            crv: Some("Ed25519".to_owned()),
            x: Some(jws::base64url(public.as_bytes())),
            ..IssuerKey::default()
        }
    }

    fn claims() -> Value {
        json!({"iss": ISSUER, "sub": "maya", "aud": "latchkey", "iat": 1_000, "exp": 2_000})
    }

    fn with(change: Value) -> IdToken {
        let mut claims = claims();
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        IdToken::kept(&signed(1, "one", &claims)).unwrap()
    }

    #[test]
    fn it_is_for_the_client_that_it_names_and_for_no_stranger() {
        for (for_us, names) in [
            (true, json!({"aud": "latchkey"})),
            (true, json!({"aud": ["latchkey"]})),
            (true, json!({"aud": ["latchkey"], "azp": "latchkey"})),
            (true, json!({"aud": ["other", "latchkey"], "azp": "latchkey"})),
            (false, json!({"aud": ["other", "latchkey"]})),
            (false, json!({"aud": ["latchkey"], "azp": "other"})),
            (false, json!({"aud": ["other"], "azp": "latchkey"})),
            (false, json!({"aud": "other"})),
            (false, json!({"aud": []})),
        ] {
            assert_eq!(with(names.clone()).is_for("latchkey"), for_us, "{names}");
        }
    }

    #[test]
    fn it_says_for_an_hour_who_somebody_is_and_five_minutes_past_its_end() {
        let at = Timestamp::from_secs;
        let future = Some("an ID token of the future");
        let old = Some("an ID token so old");
        for (now, ends, objection) in [
            (6_399, 90_000, future),
            (6_400, 90_000, None),
            (13_599, 90_000, None),
            (13_600, 90_000, old),
            (11_299, 11_000, None),
            (11_300, 11_000, old),
        ] {
            let seen = with(json!({"iat": 10_000, "exp": ends})).objection(at(now));
            assert_eq!(seen, objection, "at {now}, ends at {ends}");
        }
        let fraction = with(json!({"iat": 10_000.7, "exp": 11_000.2}));
        assert_eq!(fraction.objection(at(11_299)), None);
        assert_eq!(fraction.objection(at(11_300)), old);
    }

    #[test]
    fn it_is_verified_by_the_keys_of_its_own_issuer_alone() {
        let vouched = |issuer: &str, keys: &[IssuerKey]| IssuerKeys {
            issuer: issuer.to_owned(),
            keys: keys.to_vec(),
        };
        let verify = |token: &str, issuers: &[IssuerKeys], client: (&str, &str)| {
            IdToken::verify(token, issuers, [client]).map(|token| token.sub)
        };
        let (ours, us) = (vouched(ISSUER, &[key(1, "one")]), (ISSUER, "latchkey"));
        let token = signed(1, "one", &claims());
        assert_eq!(
            verify(&token, std::slice::from_ref(&ours), us),
            Ok("maya".to_owned())
        );

        let foreign = Err(LeaseError::Foreign("issuer or client"));
        for client in [(ISSUER, "other"), ("https://other.example", "latchkey")] {
            assert_eq!(verify(&token, std::slice::from_ref(&ours), client), foreign);
        }
        let unknown = Err(JwsError::UnknownKey("one".to_owned()).into());
        let elsewhere = vouched("https://other.example", &[key(1, "one")]);
        assert_eq!(verify(&token, &[elsewhere], us), unknown);
        let renamed = vouched(ISSUER, &[key(1, "two")]);
        assert_eq!(verify(&token, &[renamed], us), unknown);
        let forged = Err(JwsError::BadSignature.into());
        let another = vouched(ISSUER, &[key(2, "one")]);
        assert_eq!(verify(&token, &[another], us), forged);
        // Its name is a hint, and a key need not have one.
        let nameless = |seed| IssuerKey {
            kid: None,
            ..key(seed, "")
        };
        let one_of_them = vouched(ISSUER, &[key(3, "two"), nameless(2), nameless(1)]);
        assert_eq!(verify(&token, &[one_of_them], us), Ok("maya".to_owned()));
        assert_eq!(verify(&token, &[vouched(ISSUER, &[nameless(2)])], us), forged);
        for purpose in [
            IssuerKey {
                use_: Some("enc".to_owned()),
                ..key(1, "one")
            },
            IssuerKey {
                alg: Some("RS256".to_owned()),
                ..key(1, "one")
            },
        ] {
            assert_eq!(verify(&token, &[vouched(ISSUER, &[purpose])], us), forged);
        }
        let rotated = vouched(ISSUER, &[key(2, "one"), key(1, "one")]);
        assert_eq!(verify(&token, &[rotated], us), Ok("maya".to_owned()));
    }

    #[test]
    fn a_key_is_of_use_where_it_verifies_signatures() {
        assert!(key(1, "one").is_usable());
        let signs = IssuerKey {
            use_: Some("sig".to_owned()),
            ..key(1, "one")
        };
        assert!(signs.is_usable());
        for useless in [
            IssuerKey {
                use_: Some("enc".to_owned()),
                ..key(1, "one")
            },
            IssuerKey {
                crv: Some("P-521".to_owned()),
                ..key(1, "one")
            },
            IssuerKey {
                kty: "RSA".to_owned(),
                ..key(1, "one")
            },
            IssuerKey::default(),
        ] {
            assert!(!useless.is_usable(), "{useless:?}");
        }
    }
}
