//! The example in `docs/lease-format.md` is what this code signs. `LATCHKEY_BLESS=1 cargo test -p latchkey-server format`
//! writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use latchkey_core::code::Code;
use latchkey_core::jws::{self, SigningKey};
use latchkey_core::keys::{self, Keys, KeysClaims};
use latchkey_core::lease::{
    Binding, Confirmation, Expected, LEASE_TYP, Lease, LeaseClaims, REFUSAL_TYP, Refusal, RefusalClaims,
    RefusalDetail,
};
use latchkey_core::policy::Policy;
use serde::Serialize;

use crate::issuer::p256;

const SERVICE: &str = "https://licence.example";
const PRODUCT: &str = "ATLAS";
/// 2026-09-01T12:00:00Z
const AT: i64 = 1_788_264_000;
const BEGIN: &str = "<!-- example: begin -->\n";
const END: &str = "<!-- example: end -->";

fn ed25519(seed: u8) -> SigningKey {
    SigningKey::Ed25519(Box::new([seed; 32].into()))
}

fn signed(by: &SigningKey, typ: &str, claims: &impl Serialize) -> String {
    jws::sign(by, typ, &by.jwk().thumbprint().0, claims).unwrap()
}

fn show(text: &mut String, what: &str, token: &str, claims: &impl Serialize) {
    let claims = serde_json::to_string_pretty(claims).unwrap();
    write!(
        text,
        "{what}\n\n```text\n{token}\n```\n\n```json\n{claims}\n```\n\n"
    )
    .unwrap();
}

#[test]
fn the_example_in_the_documentation_is_true() {
    let (root, key, device) = (ed25519(1), ed25519(2), p256(3));
    let jkt = device.jwk().thumbprint();
    let document = KeysClaims {
        iss: SERVICE.into(),
        iat: AT,
        keys: vec![key.jwk()],
        issuers: Vec::new(),
    };
    let binding = |seq| Binding {
        iss: SERVICE.into(),
        aud: PRODUCT.into(),
        sub: "usr_7k3m9q2xv5b8n4c6".into(),
        jti: "Zz8wV3o1S0m5Q2tJ7hXc9A".into(),
        iat: AT,
        server_time: AT,
        seq,
        cnf: Confirmation { jkt: jkt.clone() },
        req: "3v1Yk6XqTn2bD8sLw0fHgQ".into(),
    };
    let lease = LeaseClaims {
        binding: binding(1_788_264_000_000),
        nbf: AT,
        exp: AT + 30 * 86_400,
        refresh_after: AT + 86_400,
        org: "Studio Nord".into(),
        seat: "seat_2m8x4k6p9c3v7b5n".into(),
        policy: Policy::default(),
        entitlements: vec!["render".into()],
    };
    let refusal = RefusalClaims {
        binding: binding(1_788_264_000_001),
        code: Code::NotAssigned,
        save_window: 600,
        detail: RefusalDetail {
            contact: Some("it@nord.example".into()),
            ..RefusalDetail::default()
        },
    };
    let keys_token = signed(&root, keys::TYP, &document);
    let lease_token = signed(&key, LEASE_TYP, &lease);
    let refusal_token = signed(&key, REFUSAL_TYP, &refusal);

    let mut text = String::from(BEGIN);
    let root_jwk = serde_json::to_string(&root.jwk()).unwrap();
    write!(
        text,
        "The root key, as a registration pins it:\n\n```json\n{root_jwk}\n```\n\n"
    )
    .unwrap();
    write!(text, "The device key's thumbprint: `{jkt}`\n\n").unwrap();
    show(&mut text, "The keys document:", &keys_token, &document);
    show(&mut text, "A lease:", &lease_token, &lease);
    show(&mut text, "A refusal:", &refusal_token, &refusal);

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lease-format.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let true_page = format!("{before}{text}{END}{after}");
    if std::env::var_os("LATCHKEY_BLESS").is_some() {
        std::fs::write(&path, true_page).unwrap();
    } else {
        assert!(
            page == true_page,
            "docs/lease-format.md is out of date: LATCHKEY_BLESS=1 writes it"
        );
    }

    // And a reader believes what stands there.
    let trusted = Keys::verify(&keys_token, &[root.jwk()], SERVICE).unwrap();
    let expected = Expected {
        service: SERVICE,
        product: PRODUCT,
        device: Some(&jkt),
        user: None,
        request: None,
    };
    assert_eq!(
        Lease::verify(&lease_token, &trusted, &expected).unwrap().claims(),
        &lease
    );
    assert_eq!(
        Refusal::verify(&refusal_token, &trusted, &expected)
            .unwrap()
            .claims(),
        &refusal
    );
}
