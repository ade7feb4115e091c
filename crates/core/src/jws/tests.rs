//! What a signature must be, and what is none.

use serde_json::{Value, json};

use super::*;

const TYP: &str = "latchkey-test+jwt";

fn ed25519() -> SigningKey {
    SigningKey::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&[7; 32])))
}

fn p256() -> SigningKey {
    SigningKey::P256(Box::new(p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap()))
}

/// Signed with this header, whatever it says.
fn forged(key: &SigningKey, header: &Value) -> String {
    let mut token = format!("{}.{}", base64url(header.to_string()), base64url("{}"));
    let signature = base64url(key.sign(token.as_bytes()));
    token.push('.');
    token.push_str(&signature);
    token
}

fn verified(token: &str, key: &SigningKey) -> Result<Value, JwsError> {
    parse(token, TYP)?.verify(&key.jwk().verifying_key().unwrap())
}

#[test]
fn a_token_is_believed_for_its_key_and_its_type_alone() {
    for (key, other) in [(ed25519(), p256()), (p256(), ed25519())] {
        let token = sign(&key, TYP, "one", &json!({"a": 1})).unwrap();
        assert_eq!(verified(&token, &key), Ok(json!({"a": 1})));
        assert_eq!(parse(&token, TYP).unwrap().kid(), Some("one"));
        let wrong = JwsError::WrongAlgorithm(key.alg().to_owned());
        assert_eq!(verified(&token, &other), Err(wrong));
        let typ = parse(&token, "latchkey-other+jwt").unwrap_err();
        assert_eq!(typ, JwsError::WrongType(TYP.to_owned()));
    }
}

#[test]
fn the_algorithm_is_the_keys_and_not_the_headers() {
    let key = ed25519();
    for alg in ["none", "HS256", "ES256", "RS256", "eddsa"] {
        let token = forged(&key, &json!({"alg": alg, "typ": TYP}));
        let wrong = JwsError::WrongAlgorithm(alg.to_owned());
        assert_eq!(verified(&token, &key), Err(wrong));
    }
    for alg in ["EdDSA", "Ed25519"] {
        let token = forged(&key, &json!({"alg": alg, "typ": TYP}));
        assert_eq!(verified(&token, &key), Ok(json!({})), "{alg}");
    }
}

#[test]
fn no_header_brings_a_key_along() {
    let key = ed25519();
    for header in ["jku", "x5u", "x5c", "crit", "b64", "jwk"] {
        let token = forged(&key, &json!({"alg": "EdDSA", "typ": TYP, header: "x"}));
        assert_eq!(verified(&token, &key), Err(JwsError::ForbiddenHeader(header)));
    }
}

#[test]
fn a_token_that_brings_its_own_key_brings_the_public_one_alone() {
    for key in [ed25519(), p256()] {
        let token = sign_with_jwk(&key, TYP, &json!({"a": 1})).unwrap();
        let (unverified, jwk) = parse_with_jwk(&token, TYP).unwrap();
        assert_eq!(jwk.thumbprint(), key.jwk().thumbprint());
        assert_eq!(
            unverified.verify(&jwk.verifying_key().unwrap()),
            Ok(json!({"a": 1}))
        );
        for private in ["d", "k", "p", "q"] {
            let mut jwk = serde_json::to_value(key.jwk()).unwrap();
            jwk[private] = "x".into();
            let token = forged(&key, &json!({"alg": key.alg(), "typ": TYP, "jwk": jwk}));
            assert_eq!(
                parse_with_jwk(&token, TYP).unwrap_err(),
                JwsError::BadKey,
                "{private}"
            );
        }
        let without = sign(&key, TYP, "one", &json!({})).unwrap();
        assert_eq!(parse_with_jwk(&without, TYP).unwrap_err(), JwsError::BadKey);
    }
}

#[test]
fn a_token_of_somebody_else_is_a_jwt_or_says_nothing_of_what_it_is() {
    let typed = |typ: Value| {
        let token = forged(&ed25519(), &json!({"alg": "EdDSA", "typ": typ}));
        parse_jwt(&token).map(|_| ())
    };
    for good in [json!("JWT"), json!("jwt"), Value::Null] {
        assert_eq!(typed(good), Ok(()));
    }
    for bad in ["at+jwt", TYP] {
        assert_eq!(typed(bad.into()), Err(JwsError::WrongType(bad.to_owned())));
    }
    for header in [
        json!({"alg": "EdDSA", "crit": ["b64"]}),
        json!({"alg": "EdDSA", "typ": "JWT", "crit": []}),
    ] {
        let critical = parse_jwt(&forged(&ed25519(), &header)).unwrap_err();
        assert_eq!(critical, JwsError::ForbiddenHeader("crit"));
    }
}

#[test]
fn what_is_no_token_or_too_long_is_not_read() {
    let header = base64url(json!({"alg": "EdDSA", "typ": TYP}).to_string());
    let of_length = |length: usize| {
        let start = format!("{header}.{}.", base64url("{}"));
        format!("{start}{}", "A".repeat(length - start.len()))
    };
    let read = |token: &str| parse(token, TYP).map(|_| ());
    // What is left for the signature must be base64url, which is never one more than a multiple of four.
    let most = (65_533..=65_536)
        .rev()
        .find(|most| read(&of_length(*most)).is_ok());
    assert!(most.is_some_and(|most| most >= 65_535), "{most:?}");
    for longer in 65_537..=65_540 {
        assert_eq!(read(&of_length(longer)), Err(JwsError::Malformed), "{longer}");
    }
    for bad in ["", "a", "a.b", "a.b.c", "..", &format!("{header}..!")] {
        assert_eq!(read(bad), Err(JwsError::Malformed), "{bad:?}");
    }
}

#[test]
fn what_is_no_point_on_a_curve_that_is_known_here_is_no_key() {
    let (ed, p) = (ed25519().jwk(), p256().jwk());
    assert!(ed.verifying_key().is_ok() && p.verifying_key().is_ok());
    let short = |text: &str| base64url(&from_base64url(text).unwrap()[1..]);
    let bad = [
        Jwk {
            kty: "EC".into(),
            ..ed.clone()
        },
        Jwk {
            crv: "P-256".into(),
            ..ed.clone()
        },
        Jwk {
            x: short(&ed.x),
            ..ed.clone()
        },
        // The identity: any signature by it would verify.
        Jwk {
            x: base64url([&[1][..], &[0; 31]].concat()),
            ..ed
        },
        Jwk { y: None, ..p.clone() },
        Jwk {
            y: Some(p.x.clone()),
            ..p.clone()
        },
        Jwk {
            x: short(&p.x),
            ..p.clone()
        },
        Jwk {
            y: p.y.as_deref().map(short),
            ..p.clone()
        },
        Jwk {
            crv: "P-384".into(),
            ..p
        },
    ];
    for jwk in bad {
        assert_eq!(jwk.verifying_key(), Err(JwsError::BadKey), "{jwk:?}");
    }
}

/// The example of RFC 8037, appendix A.3.
#[test]
fn thumbprints_are_the_standards() {
    let jwk = Jwk {
        kty: "OKP".into(),
        crv: "Ed25519".into(),
        x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".into(),
        y: None,
        kid: None,
        alg: None,
        use_: None,
    };
    assert_eq!(
        jwk.thumbprint().to_string(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
}

#[test]
fn nothing_shows_a_private_key() {
    assert_eq!(
        format!("{:?} {:?}", ed25519(), p256()),
        "SigningKey(..) SigningKey(..)"
    );
}
