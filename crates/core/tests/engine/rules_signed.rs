//! What is signed counts for what it was signed for, and for nothing else (rules 7 and 9).

use std::time::Duration;

use latchkey_core::code::Code;
use latchkey_core::engine::{CheckAnswered, Signed};
use latchkey_core::jws::SigningKey;
use latchkey_core::keys::Keys;
use latchkey_core::lease::{Expected, LEASE_TYP, Lease, LeaseClaims, LeaseError, Refusal};
use latchkey_core::policy::Policy;
use latchkey_core::temporary::{self, Temporary, TemporaryClaims, begin_at};
use latchkey_core::time::Timestamp;

use crate::support::licensing::{Licensing, Seat};
use crate::support::{ATLAS, SERVICE, days, device, device_key, hours, seconds};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const MILLISECOND: Duration = Duration::from_millis(1);

/// A service, and its answer about Atlas to our request.
fn answered(policy: Policy, seat: Seat) -> (Licensing, Keys, CheckAnswered) {
    let mut service = Licensing::new(SERVICE, 1);
    service.policy = policy;
    service.seat(ATLAS, seat);
    let answer = service.answer("request", &device(1), &[ATLAS.to_owned()], NOW);
    let roots = service.registration(ATLAS, "Atlas").root_keys;
    let keys = Keys::verify(&answer.keys, &roots, SERVICE).unwrap();
    (service, keys, answer)
}

fn token(answer: &CheckAnswered) -> &str {
    match &answer.products[0].1 {
        Signed::Lease(token) | Signed::Refusal(token) => token,
    }
}

/// What is to be ours: `user` is `None` before the first check.
fn ours<'a>(device: &'a latchkey_core::jws::Thumbprint, user: Option<&'a str>) -> Expected<'a> {
    Expected {
        service: SERVICE,
        product: ATLAS,
        device: Some(device),
        user,
        request: Some("request"),
    }
}

fn lease(policy: Policy) -> Lease {
    let (_, keys, answer) = answered(policy, Seat::Assigned);
    Lease::verify(token(&answer), &keys, &ours(&device(1), None)).unwrap()
}

#[test]
fn a_lease_counts_for_whom_and_what_it_was_signed() {
    let (service, keys, answer) = answered(Policy::default(), Seat::Assigned);
    let here = device(1);
    let verify = |change: &dyn Fn(&mut LeaseClaims), user| {
        let lease = Lease::verify(token(&answer), &keys, &ours(&here, None)).unwrap();
        let mut claims = lease.claims().clone();
        change(&mut claims);
        let signed = service.sign_claims(LEASE_TYP, &claims);
        Lease::verify(&signed, &keys, &ours(&here, user)).map(|_| ())
    };
    let known = Some("user-1");
    assert_eq!(verify(&|_| {}, known), Ok(()));
    type Change = fn(&mut LeaseClaims);
    let changes: [(&str, Change); 6] = [
        ("service", |claims| claims.binding.iss.push('x')),
        ("product", |claims| claims.binding.aud.push('X')),
        ("device", |claims| claims.binding.cnf.jkt = device(2)),
        ("user", |claims| claims.binding.sub.push('2')),
        ("user", |claims| claims.binding.sub.clear()),
        ("request", |claims| claims.binding.req.push('2')),
    ];
    for (what, change) in changes {
        assert_eq!(verify(&change, known), Err(LeaseError::Foreign(what)), "{what}");
    }
    // Before the first check the user is whoever the service says, but somebody.
    assert_eq!(verify(&|claims| claims.binding.sub.push('2'), None), Ok(()));
    let nobody = verify(&|claims| claims.binding.sub.clear(), None);
    assert_eq!(nobody, Err(LeaseError::Foreign("user")));
    let never_good = verify(&|claims| claims.nbf = claims.exp, known);
    assert_eq!(never_good, Err(LeaseError::Times));
    let over = |claims: &mut LeaseClaims| {
        claims.exp = claims.binding.server_time;
        claims.nbf = claims.exp - 10;
    };
    assert_eq!(verify(&over, known), Err(LeaseError::Times));
    let shortest = verify(&|claims| claims.exp = claims.nbf + 1, known);
    assert_eq!(shortest, Ok(()));
}

#[test]
fn a_code_that_is_no_refusal_refuses_nothing() {
    for &code in Code::ALL {
        let (_, keys, answer) = answered(Policy::default(), Seat::Refused(code));
        let verified = Refusal::verify(token(&answer), &keys, &ours(&device(1), None));
        let expected = match code.number() {
            13 | 14 | 15 | 16 | 19 | 23 => Ok(code),
            number => Err(LeaseError::NoRefusal(number)),
        };
        assert_eq!(verified.map(|refusal| refusal.claims().code), expected);
    }
}

fn signed(key: &SigningKey, claims: &TemporaryClaims, lease: &Lease) -> Result<Temporary, LeaseError> {
    let signed = temporary::sign(key, claims).unwrap();
    Temporary::verify(&signed.token, &signed.jwk, lease)
}

#[test]
fn a_temporary_licence_counts_with_its_lease_and_within_its_policy() {
    let lease = lease(Policy {
        temporary_limit: Some(2),
        ..Policy::default()
    });
    let begins = begin_at(&lease);
    let claims = TemporaryClaims::of(&lease, 2, begins).unwrap();
    let good = signed(&device_key(1), &claims, &lease).unwrap();
    assert_eq!((good.signed_at(), good.until()), (begins, begins + hours(4)));
    assert!(good.is_good(begins) && good.is_good(good.until() - MILLISECOND));
    assert!(!good.is_good(begins - MILLISECOND) && !good.is_good(good.until()));
    let token = temporary::sign(&device_key(1), &claims).unwrap().token;
    assert_eq!(good.token(), token, "as it was signed");

    let foreign = LeaseError::Foreign;
    let beyond = LeaseError::Policy;
    type Change = fn(&mut TemporaryClaims);
    let changes: [(LeaseError, Change); 9] = [
        (foreign("device"), |claims| claims.iss = device(2).0),
        (foreign("product"), |claims| claims.aud.push('X')),
        (foreign("user"), |claims| claims.sub.push('2')),
        (foreign("lease"), |claims| claims.lease_hash = None),
        (beyond("a temporary licence so soon"), |claims| claims.iat -= 1),
        (LeaseError::Times, |claims| claims.exp = claims.iat),
        (beyond("a temporary licence so long"), |claims| claims.exp += 1),
        (beyond("so many temporary licences"), |claims| claims.number = 3),
        (beyond("so many temporary licences"), |claims| claims.number = 0),
    ];
    for (why, change) in changes {
        let mut changed = claims.clone();
        change(&mut changed);
        assert_eq!(signed(&device_key(1), &changed, &lease), Err(why));
    }
    let copied = TemporaryClaims {
        iss: device(2).0,
        ..claims
    };
    assert_eq!(
        signed(&device_key(2), &copied, &lease),
        Err(foreign("device")),
        "by another device's key"
    );
}

/// Nothing outlives a subscription (rule 7).
#[test]
fn no_temporary_licence_goes_on_from_a_lease_that_ends_early() {
    let whole = lease(Policy::default());
    let mut service = Licensing::new(SERVICE, 1);
    service.subscription_ends = Some(NOW + days(3));
    let answer = service.answer("request", &device(1), &[ATLAS.to_owned()], NOW);
    let roots = service.registration(ATLAS, "Atlas").root_keys;
    let keys = Keys::verify(&answer.keys, &roots, SERVICE).unwrap();
    let early = Lease::verify(token(&answer), &keys, &ours(&device(1), None)).unwrap();
    assert_eq!(TemporaryClaims::of(&early, 1, begin_at(&early)), None);
    let forced = TemporaryClaims {
        lease_hash: Some(latchkey_core::proof::hash(early.token())),
        ..TemporaryClaims::of(&whole, 1, begin_at(&early) + seconds(1)).unwrap()
    };
    assert_eq!(
        signed(&device_key(1), &forced, &early),
        Err(LeaseError::Policy(
            "a temporary licence at the end of a subscription"
        ))
    );
}

#[test]
fn what_a_vendor_signed_of_a_registration_is_read_by_its_own_keys() {
    let mut service = Licensing::new(SERVICE, 1);
    assert_eq!(service.registration(ATLAS, "Atlas").first_start(), None);
    service.first_start = Some(Policy::default());
    let entry = service.registration(ATLAS, "Atlas");
    let first = entry.first_start().unwrap();
    assert_eq!(Some(first.token()), entry.first_start.as_deref());
    assert_eq!(first.signed_at().as_secs(), service.registered_at);
    let mut pinned_by_others = entry;
    pinned_by_others.root_keys = Licensing::new(SERVICE, 2).registration(ATLAS, "Atlas").root_keys;
    assert_eq!(pinned_by_others.first_start(), None);
}
