//! What is not believed: code 21, and never an OK.

use std::collections::VecDeque;
use std::time::Duration;

use latchkey_core::code::Code;
use latchkey_core::time::{DAY, HOUR};
use latchkey_ipc::messages::Reply;
use latchkey_sdk::Event;
use serde_json::{Value, json};

use crate::agent::{Agent, Heard, Present, SOON, grants, open};
use crate::vendor::{FirstStart, NOW, Offer, ed25519, ok, p256, says, thumbprint};

/// What it is, how it is made, and what it is refused for.
type Forgery = (&'static str, fn(&mut Offer), &'static str);

/// What the product is told when the agent answers with what `forge` makes of an honest offer.
fn told(forge: fn(&mut Offer)) -> Result<(), (u16, String)> {
    told_of(Offer::honest, forge)
}

/// The same, of an offer past the end of its lease.
fn told_in_an_outage(forge: fn(&mut Offer)) -> Result<(), (u16, String)> {
    told_of(|nonce| Offer::honest(nonce).in_an_outage(), forge)
}

fn told_of(honest: fn(&str) -> Offer, forge: fn(&mut Offer)) -> Result<(), (u16, String)> {
    let folder = tempfile::tempdir().unwrap();
    let _agent = Agent::start(
        folder.path(),
        grants(move |nonce| {
            let mut offer = honest(nonce);
            forge(&mut offer);
            offer.reply()
        }),
    );
    let denied = open(folder.path()).authorize(SOON);
    denied
        .map(drop)
        .map_err(|denied| (denied.code(), denied.status.detail.clone()))
}

#[test]
fn an_honest_grant_is_a_permit() {
    let folder = tempfile::tempdir().unwrap();
    let _agent = Agent::start(folder.path(), grants(|nonce| Offer::honest(nonce).reply()));
    let licence = open(folder.path());
    let permit = licence.authorize(SOON).unwrap();
    assert_eq!(permit.until(), NOW + 30 * DAY);
    assert_eq!(permit.entitlements(), ["export"]);
    assert_eq!(permit.organisation(), "Studio Example");
    assert_eq!(licence.status().name, "OK");
    let again = licence.authorize(SOON).unwrap();
    assert_eq!(again.until(), permit.until());
}

/// Rule 7: the lease has ended, and the device's own temporary licence goes on from it.
#[test]
fn a_temporary_licence_outlives_its_lease() {
    let folder = tempfile::tempdir().unwrap();
    let _agent = Agent::start(
        folder.path(),
        grants(|nonce| Offer::honest(nonce).in_an_outage().reply()),
    );
    let permit = open(folder.path()).authorize(SOON).unwrap();
    assert_eq!(permit.until(), NOW + 40 * DAY + 3 * HOUR);
}

/// Rule 7: there has never been a lease, and the vendor has signed that this may be so.
#[test]
fn a_first_start_in_an_outage_rests_on_what_the_vendor_has_signed() {
    let folder = tempfile::tempdir().unwrap();
    let _agent = Agent::start(
        folder.path(),
        grants(|nonce| Offer::honest(nonce).first_start().reply()),
    );
    let permit = open(folder.path()).authorize(SOON).unwrap();
    let signed = Offer::honest("").first_start().proof.now;
    assert!(signed.since(permit.until() - 3 * HOUR) < SOON);
    assert_eq!(permit.entitlements(), [""; 0]);
    assert_eq!(permit.organisation(), "");
}

/// The first start that `forge` finds.
fn first(offer: &mut Offer) -> &mut FirstStart {
    offer.first_start.as_mut().unwrap()
}

#[test]
fn a_first_start_that_is_not_proven_is_code_21() {
    let forgeries: &[Forgery] = &[
        (
            "a registration signed by nobody we know",
            |offer| first(offer).root = ed25519(5),
            "no key",
        ),
        (
            "a registration of another product",
            |offer| first(offer).registration.aud = "OTHER".into(),
            "another product",
        ),
        (
            "a registration of another service",
            |offer| first(offer).registration.iss = "https://other.example".into(),
            "another service",
        ),
        (
            "a licence of another registration",
            |offer| offer.temporary = Some(|claims| claims.registration_hash = Some("another".into())),
            "another registration",
        ),
        (
            "no ID token",
            |offer| first(offer).id_token = Value::Null,
            "another user",
        ),
        (
            "an ID token signed by nobody the root key vouches for",
            |offer| first(offer).issuer = ed25519(5),
            "no key",
        ),
        ("keys of no issuer", |offer| offer.keys.issuers.clear(), "no key"),
        (
            "keys of another issuer",
            |offer| offer.keys.issuers[0].issuer = "https://other.example".into(),
            "no key",
        ),
        (
            "keys of an issuer that are for encryption",
            |offer| offer.keys.issuers[0].keys[0].use_ = Some("enc".into()),
            "signature",
        ),
        (
            "an issuer that the registration does not believe",
            |offer| first(offer).registration.identities[0].issuer = "https://other.example".into(),
            "another issuer or client",
        ),
        (
            "an ID token for another client",
            |offer| first(offer).id_token["aud"] = "other".into(),
            "another issuer or client",
        ),
        (
            "an ID token for strangers too, and authorised for them",
            |offer| {
                first(offer).id_token["aud"] = json!(["latchkey", "other"]);
                first(offer).id_token["azp"] = "other".into();
            },
            "another issuer or client",
        ),
        (
            "an ID token of another user",
            |offer| first(offer).id_token["sub"] = "nora".into(),
            "another user",
        ),
        (
            "an ID token an hour old",
            |offer| {
                let now = offer.proof.now;
                first(offer).id_token["iat"] = (now - 2 * HOUR).as_secs().into();
                first(offer).id_token["exp"] = (now + DAY).as_secs().into();
            },
            "so old",
        ),
        (
            "an ID token that had ended",
            |offer| first(offer).id_token["exp"] = (offer.proof.now - 2 * HOUR).as_secs().into(),
            "so old",
        ),
        (
            "an ID token of the future",
            |offer| {
                let now = offer.proof.now;
                first(offer).id_token["iat"] = (now + 2 * HOUR).as_secs().into();
                first(offer).id_token["exp"] = (now + DAY).as_secs().into();
            },
            "of the future",
        ),
        (
            "longer than the vendor says",
            |offer| first(offer).registration.policy.temporary_for = 2 * HOUR,
            "so long",
        ),
        (
            "more than the vendor says",
            |offer| first(offer).registration.policy.temporary_limit = Some(0),
            "so many",
        ),
        (
            "signed by another device",
            |offer| offer.temporary_key = p256(5),
            "signature",
        ),
        (
            "proven by another device",
            |offer| offer.prover = p256(5),
            "signature",
        ),
        (
            "without a temporary licence",
            |offer| offer.temporary = None,
            "neither the lease",
        ),
        (
            "of another day than the system's",
            |offer| {
                let another = offer.proof.now - 2 * DAY;
                offer.proof.now = another;
                first(offer).id_token["iat"] = (another - HOUR).as_secs().into();
                first(offer).id_token["exp"] = (another + HOUR).as_secs().into();
            },
            "not the system's",
        ),
        (
            "over",
            |offer| offer.temporary = Some(|claims| claims.exp -= 3 * 3600),
            "neither the lease",
        ),
    ];
    for (what, forge, reason) in forgeries {
        let told = told_of(|nonce| Offer::honest(nonce).first_start(), *forge);
        let (code, detail) = told.expect_err(what);
        assert_eq!(code, Code::LeaseInvalid.number(), "{what}");
        assert!(detail.contains(reason), "{what}: {detail}");
    }
}

#[test]
fn a_temporary_licence_that_the_lease_does_not_allow_is_code_21() {
    let forgeries: &[Forgery] = &[
        (
            "signed by another key",
            |offer| offer.temporary_key = p256(5),
            "signature",
        ),
        (
            "ended",
            |offer| offer.temporary = Some(|claims| claims.exp -= 3 * 3600),
            "neither the lease",
        ),
        (
            "not begun",
            |offer| {
                offer.temporary = Some(|claims| {
                    claims.iat += 2 * 3600;
                    claims.exp += 2 * 3600;
                });
            },
            "neither the lease",
        ),
        (
            "longer than the policy says",
            |offer| offer.temporary = Some(|claims| claims.exp += 1),
            "so long",
        ),
        (
            "more than the policy says",
            |offer| {
                offer.lease.policy.temporary_limit = Some(3);
                offer.temporary = Some(|claims| claims.number = 4);
            },
            "so many",
        ),
        (
            "counted from nought",
            |offer| offer.temporary = Some(|claims| claims.number = 0),
            "so many",
        ),
        (
            "of another lease",
            |offer| offer.temporary = Some(|claims| claims.lease_hash = Some("another".into())),
            "another lease",
        ),
        (
            "of another product",
            |offer| offer.temporary = Some(|claims| claims.aud = "OTHER".into()),
            "another product",
        ),
        (
            "of another user",
            |offer| offer.temporary = Some(|claims| claims.sub = "user-2".into()),
            "another user",
        ),
        (
            "in another device's name",
            |offer| offer.temporary = Some(|claims| claims.iss = "somebody".into()),
            "another device",
        ),
        (
            "before the lease has counted for as long as it does by itself",
            |offer| {
                offer.temporary = Some(|claims| {
                    claims.iat = (NOW + 23 * HOUR).as_secs();
                    claims.exp = (NOW + 27 * HOUR).as_secs();
                });
            },
            "so soon",
        ),
        (
            "at the end of a subscription",
            |offer| offer.lease.exp = (NOW + 20 * DAY).as_secs(),
            "at the end of a subscription",
        ),
    ];
    for (name, forge, why) in forgeries {
        let forged = told_in_an_outage(*forge);
        match forged {
            Err((21, detail)) => assert!(detail.contains(why), "{name}: {detail}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn everything_that_is_not_as_it_must_be_is_code_21() {
    let forgeries: &[Forgery] = &[
        (
            "keys document by a root of somebody else",
            |offer| offer.root = ed25519(9),
            "keys document",
        ),
        (
            "keys document of another service",
            |offer| offer.keys.iss = "https://other.example".into(),
            "keys document",
        ),
        (
            "keys document that vouches for another key",
            |offer| offer.keys.keys = vec![ed25519(8).jwk()],
            "no key",
        ),
        (
            "lease signed by the attacker's own key",
            |offer| offer.lease_key = ed25519(8),
            "no key",
        ),
        (
            "tampered lease: the last character of its claims",
            |offer| {
                offer.tamper = |token| {
                    let (message, signature) = token.rsplit_once('.').unwrap();
                    let flipped = if message.ends_with('A') { "B" } else { "A" };
                    format!("{}{flipped}.{signature}", &message[..message.len() - 1])
                }
            },
            "lease is not",
        ),
        (
            "lease of another product",
            |offer| offer.lease.binding.aud = "OTHER".into(),
            "another product",
        ),
        (
            "lease of another service",
            |offer| offer.lease.binding.iss = "https://other.example".into(),
            "another service",
        ),
        (
            "copied lease of another device, shown with the attacker's own key",
            |offer| {
                offer.lease.binding.cnf.jkt = thumbprint(&p256(5));
            },
            "another device",
        ),
        (
            "copied lease, shown with its own device's public key, and no private key to prove it",
            |offer| offer.prover = p256(5),
            "proof",
        ),
        (
            "expired lease",
            |offer| offer.proof.now = NOW + 30 * DAY,
            "neither the lease",
        ),
        (
            "lease of the future",
            |offer| offer.proof.now = NOW - HOUR,
            "neither the lease",
        ),
        (
            "replayed proof: the nonce of another time",
            |offer| offer.proof.nonce = "recorded-yesterday".into(),
            "nonce",
        ),
        (
            "proof for another product",
            |offer| offer.proof.aud = "OTHER".into(),
            "another product",
        ),
        (
            "proof of another status",
            |offer| offer.proof.code = Code::OfflineLimitReached,
            "another status",
        ),
        (
            "proof about another lease",
            |offer| offer.proof_of = Some("e30.e30.e30".into()),
            "another lease",
        ),
    ];
    for (name, forge, why) in forgeries {
        match told(*forge) {
            Err((21, detail)) => assert!(detail.contains(why), "{name}: {detail}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert_eq!(told(|_| {}), Ok(()), "and the same offer, left alone, is good");
}

#[test]
fn an_ok_without_a_grant_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let _agent = Agent::start(folder.path(), grants(|_| says(ok(NOW + DAY))));
    let denied = open(folder.path()).authorize(SOON).unwrap_err();
    assert_eq!(denied.code(), 21);
    assert!(
        !denied.status.message.is_empty() && !denied.status.next_step.is_empty(),
        "{denied}"
    );
}

#[test]
fn an_agent_that_has_no_key_cannot_answer_for_one_that_had() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorded: Option<Reply> = None;
    let _agent = Agent::start(
        folder.path(),
        grants(move |nonce| {
            recorded
                .get_or_insert_with(|| Offer::honest(nonce).reply())
                .clone()
        }),
    );
    let licence = open(folder.path());
    let permit = licence.authorize(SOON).unwrap();
    let denied = licence.authorize(SOON).unwrap_err();
    assert_eq!(
        denied.code(),
        21,
        "the recording of the first answer is no answer to the second question"
    );
    drop(permit);
}

#[test]
fn an_agent_cannot_stop_time_nor_turn_it_back() {
    // Trusted time, and the lease: when it was signed, and as which one.
    let answers = |times: Vec<(u64, Option<(u64, u64)>)>| {
        let folder = tempfile::tempdir().unwrap();
        let mut times: VecDeque<_> = times.into();
        let count = times.len();
        let _agent = Agent::start(
            folder.path(),
            grants(move |nonce| {
                let (now, signed) = times.pop_front().unwrap_or_default();
                let (signed, number) = signed.unwrap_or((0, 1));
                let signed = NOW + Duration::from_secs(signed);
                let mut offer = Offer::honest(nonce).signed(signed, 30 * DAY);
                offer.lease.binding.seq = number;
                offer.at(NOW + Duration::from_secs(now)).reply()
            }),
        );
        let licence = open(folder.path());
        // Kept, so that all of it is one use of one process.
        let mut permits = Vec::new();
        let code = |answer: Result<_, latchkey_sdk::Denied>| match answer {
            Ok(permit) => {
                permits.push(permit);
                0
            }
            Err(denied) => denied.code(),
        };
        (0..count)
            .map(|_| licence.authorize(SOON))
            .map(code)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        answers(vec![(1000, None), (2000, None)]),
        [0, 0],
        "it may run ahead: the machine slept"
    );
    assert_eq!(
        answers(vec![(1000, None), (970, None)]),
        [0, 0],
        "a little behind is no lie"
    );
    assert_eq!(answers(vec![(1000, None), (900, None)]), [0, 21], "set back");
    assert_eq!(
        answers(vec![(1000, None), (950, None), (910, None)]),
        [0, 0, 21],
        "a little each time adds up"
    );
    assert_eq!(
        answers(vec![(90_000, None), (500, Some((400, 2)))]),
        [0, 0],
        "the service's own time, in a lease signed since, is above ours"
    );
    assert_eq!(
        answers(vec![(3600, Some((3600, 1))), (5, Some((5, 2)))]),
        [0, 0],
        "also where the service was an hour ahead, and set its clock right"
    );
    assert_eq!(
        answers(vec![(90_000, Some((0, 2))), (500, Some((400, 1)))]),
        [0, 21],
        "an earlier lease says nothing of the time now"
    );
}

#[test]
fn what_is_told_to_a_running_product_is_proven_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut answers = 0;
    let agent = Agent::start(
        folder.path(),
        grants(move |nonce| {
            answers += 1;
            let mut offer = Offer::honest(nonce);
            if answers > 1 {
                offer.prover = p256(5);
            }
            offer.reply()
        }),
    );
    let licence = open(folder.path());
    let events = licence.events();
    let _permit = licence.authorize(SOON).unwrap();
    agent.wait_for(|heard| matches!(heard, Heard::Request(_)));
    agent.change(&Present::default(), None);
    let stop = std::iter::from_fn(|| events.wait(SOON)).find(|event| matches!(event, Event::MustStop { .. }));
    assert!(matches!(stop, Some(Event::MustStop { code: 21, .. })), "{stop:?}");
}
