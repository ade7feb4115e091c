//! Cases 10 to 16: which ID tokens are believed.

use ed25519_dalek::Signer as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use latchkey_core::jws::{self, SigningKey};
use latchkey_core::time::{DAY, Timestamp};
use serde_json::{Value, json};
use sha2::Sha256;

use super::provider::{Idp, NOW, forged, key, public};
use super::*;
use crate::http::Http;
use crate::identity::IdTokenError;
use crate::identity::provider::Provider;

async fn with_claims(
    idp: &Idp,
    patch: impl FnMut(&mut Value) + Send + 'static,
) -> Result<SignedIn, IdentityError> {
    idp.script().claims = Box::new(patch);
    sign_in(idp).await
}

async fn doubt(idp: &Idp, patch: impl FnMut(&mut Value) + Send + 'static) -> IdTokenError {
    let error = with_claims(idp, patch).await.unwrap_err();
    let IdentityError::IdToken(doubt) = error else {
        panic!("{error:?}")
    };
    doubt
}

async fn doubt_signed(idp: &Idp, sign: impl FnMut(&Value) -> String + Send + 'static) -> IdTokenError {
    idp.script().sign = Box::new(sign);
    doubt(idp, |_| {}).await
}

fn es256(key: &SigningKey) -> impl FnOnce(&str) -> Vec<u8> {
    let SigningKey::P256(key) = key else {
        panic!("not P-256")
    };
    let key = key.clone();
    move |message| {
        use p256::ecdsa::signature::Signer as _;
        let signature: p256::ecdsa::Signature = key.sign(message.as_bytes());
        signature.to_bytes().to_vec()
    }
}

fn hs256(secret: &[u8]) -> impl FnOnce(&str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    move |message| {
        mac.update(message.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }
}

#[tokio::test]
async fn case_10_no_signature_and_signatures_that_anybody_can_make() {
    let idp = Idp::start().await;
    let unsigned = doubt_signed(&idp, |claims| {
        forged(&json!({"alg": "none"}), claims, |_| Vec::new())
    })
    .await;
    assert_eq!(unsigned, IdTokenError::Algorithm);

    let public_key = public(&key(1), "k1").to_string();
    let with_public = doubt_signed(&idp, move |claims| {
        forged(
            &json!({"alg": "HS256", "kid": "k1"}),
            claims,
            hs256(public_key.as_bytes()),
        )
    })
    .await;
    assert_eq!(with_public, IdTokenError::Algorithm);

    let embedded = doubt_signed(&idp, |claims| {
        let header = json!({"alg": "ES256", "kid": "k1", "jwk": public(&key(2), "k1")});
        forged(&header, claims, es256(&key(2)))
    })
    .await;
    assert_eq!(embedded, IdTokenError::Signature);

    let wrong_key = doubt_signed(&idp, |claims| jws::sign(&key(2), "JWT", "k1", claims).unwrap()).await;
    assert_eq!(wrong_key, IdTokenError::Signature);

    let unknown = doubt_signed(&idp, |claims| {
        forged(&json!({"alg": "XS256"}), claims, |_| vec![0; 64])
    })
    .await;
    assert_eq!(unknown, IdTokenError::Malformed);
}

#[tokio::test]
async fn case_10_a_symmetric_key_in_public_signs_nothing() {
    let idp = Idp::start().await;
    idp.script().keys = json!({"keys": [{"kty": "oct", "kid": "k1", "k": jws::base64url([7; 32])}]});
    let doubt = doubt_signed(&idp, |claims| {
        forged(&json!({"alg": "HS256", "kid": "k1"}), claims, hs256(&[7; 32]))
    })
    .await;
    assert_eq!(doubt, IdTokenError::Algorithm);
    let doubt = doubt_signed(&idp, |claims| jws::sign(&key(1), "JWT", "k1", claims).unwrap()).await;
    assert_eq!(doubt, IdTokenError::UnknownKey);
    // Nor is it kept: no later choice of algorithms can come upon it.
    let http = Http::new(WITHIN, latchkey_ipc::settings::Proxy::System);
    let provider = Provider::discover(&http, &idp.issuer).await.unwrap();
    assert_eq!(provider.keys(&http).await.unwrap(), Vec::new());
}

#[tokio::test]
async fn keys_of_other_kinds_are_believed() {
    let idp = Idp::start().await;
    let ed25519 = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
    let jwk =
        json!({"kty": "OKP", "crv": "Ed25519", "kid": "e1", "x": jws::base64url(ed25519.verifying_key())});
    idp.script().keys = json!({"keys": [{"kty": "unheard of", "kid": "e1"}, jwk]});
    idp.script().sign = Box::new(move |claims| {
        // `at_hash` is made with the algorithm's own hash, here SHA-512: leave it out.
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove("at_hash");
        forged(&json!({"alg": "EdDSA", "kid": "e1"}), &claims, |message| {
            ed25519.sign(message.as_bytes()).to_bytes().to_vec()
        })
    });
    sign_in(&idp).await.unwrap();
}

#[tokio::test]
async fn case_11_nonce() {
    let idp = Idp::start().await;
    assert_eq!(
        doubt(&idp, |claims| claims["nonce"] = "another".into()).await,
        IdTokenError::Nonce
    );
    assert_eq!(
        doubt(&idp, |claims| drop(
            claims.as_object_mut().unwrap().remove("nonce")
        ))
        .await,
        IdTokenError::Nonce
    );
}

#[tokio::test]
async fn case_12_audience_and_authorized_party() {
    let idp = Idp::start().await;
    for audience in [json!("another"), json!([]), json!(["latchkey", "stranger"])] {
        let given = audience.clone();
        assert_eq!(
            doubt(&idp, move |claims| claims["aud"] = given.clone()).await,
            IdTokenError::Audience,
            "{audience}"
        );
    }
    assert_eq!(
        doubt(&idp, |claims| claims["azp"] = "another".into()).await,
        IdTokenError::AuthorizedParty
    );
    assert_eq!(
        doubt(&idp, |claims| claims["iss"] = "https://evil.example".into()).await,
        IdTokenError::Issuer
    );
    let fine = |claims: &mut Value| {
        claims["aud"] = json!(["latchkey"]);
        claims["azp"] = "latchkey".into();
    };
    with_claims(&idp, fine).await.unwrap();
}

/// The administrator knows who they are: other clients of a project, say.
#[tokio::test]
async fn case_12_others_are_named_beside_us_where_they_are_trusted() {
    let idp = Idp::start().await;
    let signs_in = async |audience: Value, trusted: &[&str]| {
        idp.script().claims = Box::new(move |claims| {
            claims["aud"] = audience.clone();
            claims["azp"] = "latchkey".into();
        });
        let identity = Identity {
            trusted_audiences: trusted.iter().map(|&name| name.to_owned()).collect(),
            ..idp.identity()
        };
        sign_in_as(&idp, &identity).await.map(|signed_in| signed_in.email)
    };
    let others = json!(["project", "latchkey", "neighbour"]);
    signs_in(others.clone(), &["project", "neighbour"]).await.unwrap();
    for (audience, trusted) in [
        (others.clone(), &["project"][..]),
        (others, &[]),
        (json!(["project"]), &["project"]),
    ] {
        let refused = signs_in(audience.clone(), trusted).await.unwrap_err();
        assert_eq!(refused, IdTokenError::Audience.into(), "{audience} {trusted:?}");
    }
}

/// What only describes the user is of many types in the wild, and stands in nobody's way.
#[tokio::test]
async fn a_profile_of_odd_types_is_no_reason_to_refuse() {
    let idp = Idp::start().await;
    let odd = |claims: &mut Value| {
        for (name, value) in [
            ("amr", json!("pwd")),
            ("acr", json!(1)),
            ("address", json!("Harbour Street 1")),
            ("updated_at", json!("1700000000")),
            ("auth_time", json!("1700000000")),
            ("picture", json!({"data": {"url": "https://id.example/maya.png"}})),
            ("phone_number", json!(46_700_000)),
            ("email_verified", json!("yes")),
            ("locale", json!(["sv", "en"])),
            ("sid", Value::Null),
            ("name", json!({"formatted": "Maya Lindqvist"})),
        ] {
            claims[name] = value;
        }
    };
    let signed_in = with_claims(&idp, odd).await.unwrap();
    assert_eq!(signed_in.name, None);
    assert_eq!(signed_in.email.as_deref(), Some("maya@example.com"));
}

#[tokio::test]
async fn the_name_that_people_sign_in_by_is_shown_where_there_is_no_address() {
    let idp = Idp::start().await;
    let shown = async |email: Value, name: &str| {
        let name = name.to_owned();
        let signed_in = with_claims(&idp, move |claims| {
            claims["email"] = email.clone();
            claims["preferred_username"] = name.clone().into();
        });
        signed_in.await.unwrap().email
    };
    let nord = Some("maya@nord.example".to_owned());
    assert_eq!(shown(Value::Null, "maya@nord.example").await, nord);
    assert_eq!(shown("maya@nord.example".into(), "maya@home.example").await, nord);
    assert_eq!(shown(Value::Null, "maya").await, None);
}

/// What must not be guessed is refused where it is of another type.
#[tokio::test]
async fn claims_that_decide_are_of_their_type() {
    let idp = Idp::start().await;
    for (name, value) in [
        ("azp", json!(["latchkey"])),
        ("at_hash", json!(7)),
        ("nonce", json!(7)),
        ("iss", json!(["https://id.example"])),
        ("aud", json!({"latchkey": true})),
        ("sub", json!(7)),
    ] {
        let patch = move |claims: &mut Value| claims[name] = value.clone();
        assert_eq!(doubt(&idp, patch).await, IdTokenError::Malformed, "{name}");
    }
    for header in [
        json!({"alg": "ES256", "kid": "k1", "typ": "at+jwt"}),
        json!({"alg": "ES256", "kid": "k1", "cty": "JWT"}),
        json!({"alg": "ES256", "kid": "k1", "crit": ["exp"]}),
    ] {
        let sign = move |claims: &Value| forged(&header, claims, es256(&key(1)));
        assert_eq!(doubt_signed(&idp, sign).await, IdTokenError::Malformed);
    }
}

#[tokio::test]
async fn case_13_at_hash() {
    let idp = Idp::start().await;
    assert_eq!(
        doubt(&idp, |claims| claims["at_hash"] = "AAAA".into()).await,
        IdTokenError::AccessTokenHash
    );
    with_claims(&idp, |claims| {
        drop(claims.as_object_mut().unwrap().remove("at_hash"))
    })
    .await
    .unwrap();
}

/// A licensing service whose clock is wrong has told the time; the machine's own clock and the issuer's agree.
#[tokio::test]
async fn a_token_that_fits_the_wall_clock_is_believed_whatever_a_service_says_of_the_time() {
    let idp = Idp::start().await;
    for hours in [-3, 3] {
        let off = hours * 3_600;
        let times = move |claims: &mut Value| {
            claims["iat"] = (NOW + off).into();
            claims["exp"] = (NOW + off + 300).into();
        };
        *idp.wall_ahead.lock().unwrap() = off * 1_000;
        with_claims(&idp, times).await.unwrap();
        *idp.wall_ahead.lock().unwrap() = -off * 1_000;
        let error = with_claims(&idp, times).await.unwrap_err();
        assert_eq!(error, IdentityError::Clock { ahead: -off }, "it fits neither");
    }
}

#[tokio::test]
async fn case_14_a_wrong_clock_is_named_with_the_difference() {
    let idp = Idp::start().await;
    let times = |iat: i64, exp: i64| {
        move |claims: &mut Value| {
            claims["iat"] = iat.into();
            claims["exp"] = exp.into();
        }
    };
    for (iat, exp, ahead) in [
        (NOW - 4_000, NOW - 121, Some(4_000)),
        (NOW - 3_000, NOW - 119, None),
        (NOW + 86_400, NOW + 90_000, Some(-86_400)),
        (NOW + 119, NOW + 3_600, None),
        (NOW, NOW + 100 * 365 * 86_400, Some(0)),
        (NOW, NOW + 399 * 86_400, None),
    ] {
        let result = with_claims(&idp, times(iat, exp)).await;
        match ahead {
            None => drop(result.unwrap()),
            Some(ahead) => {
                let error = result.unwrap_err();
                assert_eq!(error, IdentityError::Clock { ahead });
                assert!(error.suspects_clock() && error.problem() == "clock_wrong");
            }
        }
    }
    for nonsense in [
        json!(1e300),
        json!("soon"),
        json!(-1e300),
        json!(i64::MAX),
        Value::Null,
    ] {
        let result = with_claims(&idp, move |claims| claims["exp"] = nonsense.clone()).await;
        assert!(
            matches!(
                result,
                Err(IdentityError::IdToken(_) | IdentityError::Clock { .. })
            ),
            "{result:?}"
        );
    }
}

#[tokio::test]
async fn case_15_nobody() {
    let idp = Idp::start().await;
    for nobody in ["", "  "] {
        assert_eq!(
            doubt(&idp, move |claims| claims["sub"] = nobody.into()).await,
            IdTokenError::Subject
        );
    }
    assert_eq!(
        doubt(&idp, |claims| drop(claims.as_object_mut().unwrap().remove("sub"))).await,
        IdTokenError::Malformed
    );
}

#[tokio::test]
async fn case_16_an_unknown_key_is_looked_for_once() {
    let idp = Idp::start().await;
    idp.script().keys = json!({"keys": []});
    assert_eq!(doubt(&idp, |_| {}).await, IdTokenError::UnknownKey);
    assert_eq!(idp.asked("/jwks"), 2, "fetched, and fetched once more");
}

#[tokio::test]
async fn case_16_keys_without_a_name_are_looked_for_too() {
    let idp = Idp::start().await;
    let nameless = |number: u8| {
        let mut jwk = public(&key(number), "");
        jwk.as_object_mut().unwrap().remove("kid");
        json!({ "keys": [jwk] })
    };
    let sign = |number: u8, claims: &Value| {
        let SigningKey::P256(secret) = key(number) else {
            panic!("another kind of key")
        };
        forged(&json!({ "alg": "ES256" }), claims, |message| {
            let signature: p256::ecdsa::Signature = secret.sign(message.as_bytes());
            signature.to_bytes().to_vec()
        })
    };
    let oidc = idp.oidc();
    idp.script().keys = nameless(1);
    idp.script().sign = Box::new(move |claims| sign(1, claims));
    let signed_in = sign_in(&idp).await.unwrap();
    let refreshed = oidc.refresh(&idp.identity(), &signed_in.tokens).await.unwrap();
    idp.script().keys = nameless(2);
    idp.script().sign = Box::new(move |claims| sign(2, claims));
    oidc.refresh(&idp.identity(), &refreshed.tokens)
        .await
        .expect("the new key is fetched");
    assert_eq!(idp.asked("/jwks"), 3);
}

#[tokio::test]
async fn case_16_keys_that_rotate_are_found_and_the_provider_is_not_flooded() {
    let idp = Idp::start().await;
    let provider = idp.oidc().discover(&idp.issuer).await.unwrap();
    let http = crate::http::Http::default();
    assert_eq!(provider.keys(&http).await.unwrap().len(), 1);
    idp.script().keys = json!({"keys": [public(&key(1), "k1"), public(&key(2), "k2")]});
    let now = Timestamp::from_secs(NOW);
    assert_eq!(provider.other_keys(&http, now).await.unwrap().unwrap().len(), 2);
    assert_eq!(
        provider
            .other_keys(&http, now + Duration::from_secs(59))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        provider.keys(&http).await.unwrap().len(),
        2,
        "what was found is kept"
    );
    assert!(
        provider
            .other_keys(&http, now + Duration::from_secs(60))
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        provider.other_keys(&http, now - DAY).await.unwrap().is_some(),
        "a clock set back stops nobody"
    );
    assert_eq!(idp.asked("/jwks"), 4);
}
