//! The tables of `docs/rules.md`: rules 2, 9 and 10 here, rule 11 in [`sessions`].

mod sessions;

use latchkey_core::time::{DAY, HOUR, MINUTE};

use super::*;

const NOW: i64 = 1_800_000_000;
const ONE_DAY: i64 = 86_400;

fn device(id: &str) -> DeviceEntry {
    DeviceEntry {
        id: id.into(),
        name: format!("name of {id}"),
        system: "Linux".into(),
        last_seen: NOW,
    }
}

fn offer(subscription: &str, limit: u32) -> Offer {
    Offer {
        subscription: subscription.into(),
        organisation: "Studio Nord".into(),
        contact: Some("it@nord.example".into()),
        policy: Policy {
            device_limit: limit,
            save_window: 7 * MINUTE,
            ..Policy::default()
        },
        ends_at: None,
        entitlements: vec!["render".into()],
        seat: Some(format!("seat in {subscription}")),
    }
}

fn place_of(subscription: &str, id: &str, since: i64) -> Place {
    Place {
        subscription: subscription.into(),
        device: device(id),
        since,
    }
}

fn question(offers: Vec<Offer>, places: Vec<Place>) -> Question {
    Question {
        now: NOW,
        device: device("mine"),
        agent: "1.2.3".into(),
        minimum_agent: None,
        token_life: HOUR,
        asked: vec![Asked {
            product: "ATLAS".into(),
            held: None,
            open: false,
            wish: None,
            offers,
        }],
        places,
        released: false,
        sessions: vec![],
        waiting: vec![],
        contact: Some("Studio Nord".into()),
    }
}

fn one(question: &Question) -> Decision {
    check(question).unwrap().decisions.remove(0)
}

fn lease(question: &Question) -> Grant {
    match one(question) {
        Decision::Lease(grant) => *grant,
        Decision::Refuse(refused) => panic!("{refused:?}"),
    }
}

fn refusal(question: &Question) -> Refused {
    match one(question) {
        Decision::Refuse(refused) => refused,
        Decision::Lease(grant) => panic!("{grant:?}"),
    }
}

#[test]
fn a_seat_gets_a_lease_for_the_time_of_its_policy() {
    let grant = lease(&question(vec![offer("s", 3)], vec![]));
    assert_eq!(
        (grant.exp, grant.refresh_after),
        (NOW + 30 * ONE_DAY, NOW + ONE_DAY)
    );
    assert_eq!(
        (grant.seat.as_str(), grant.organisation.as_str()),
        ("seat in s", "Studio Nord")
    );
    assert_eq!(
        (grant.since, grant.entitlements),
        (NOW, vec!["render".to_owned()])
    );
}

#[test]
fn without_a_seat_the_product_is_not_assigned() {
    let unassigned = Offer {
        seat: None,
        ..offer("s", 3)
    };
    let refused = refusal(&question(vec![unassigned], vec![]));
    assert_eq!(
        (refused.code, refused.save_window),
        (Code::NotAssigned, 7 * MINUTE)
    );
    assert_eq!(refused.detail.contact.as_deref(), Some("it@nord.example"));

    let refused = refusal(&question(vec![], vec![]));
    assert_eq!(
        (refused.code, refused.save_window),
        (Code::NotAssigned, 10 * MINUTE)
    );
    assert_eq!(refused.detail.contact.as_deref(), Some("Studio Nord"));
}

#[test]
fn an_end_is_exclusive_and_no_lease_outlives_it() {
    for (ends_at, expected) in [
        (NOW - 1, None),
        (NOW, None),
        (NOW + 1, Some(NOW + 1)),
        (NOW + 5 * ONE_DAY, Some(NOW + 5 * ONE_DAY)),
        (NOW + 90 * ONE_DAY, Some(NOW + 30 * ONE_DAY)),
    ] {
        let asked = question(
            vec![Offer {
                ends_at: Some(ends_at),
                ..offer("s", 3)
            }],
            vec![],
        );
        match expected {
            Some(exp) => {
                let grant = lease(&asked);
                assert_eq!(grant.exp, exp);
                assert!(grant.refresh_after <= grant.exp && grant.exp > NOW);
            }
            None => assert_eq!(refusal(&asked).code, Code::SubscriptionEnded),
        }
    }
}

#[test]
fn a_running_subscription_wins_over_an_ended_one_and_the_longest_over_the_shorter() {
    let ended = Offer {
        ends_at: Some(NOW - ONE_DAY),
        ..offer("ended", 3)
    };
    let short = Offer {
        ends_at: Some(NOW + ONE_DAY),
        ..offer("short", 3)
    };
    let full = offer("full", 1);
    let places = vec![place_of("full", "other", NOW - 9)];
    let grant = lease(&question(vec![ended, short, full], places));
    assert_eq!(grant.subscription, "short", "the longest one has no free place");
    let unassigned = Offer {
        seat: None,
        ..offer("unassigned", 3)
    };
    let ended = Offer {
        ends_at: Some(NOW),
        ..offer("ended", 3)
    };
    assert_eq!(
        refusal(&question(vec![unassigned, ended], vec![])).code,
        Code::SubscriptionEnded
    );
}

#[test]
fn one_device_more_than_the_limit_is_refused_with_the_list() {
    let mut places = vec![place_of("s", "a", NOW - 30), place_of("s", "b", NOW - 20)];
    places[0].device.last_seen = NOW - 1_000;
    assert_eq!(lease(&question(vec![offer("s", 3)], places.clone())).since, NOW);
    let refused = refusal(&question(vec![offer("s", 2)], places.clone()));
    assert_eq!(refused.code, Code::DeviceLimit);
    let listed: Vec<_> = refused
        .detail
        .devices
        .iter()
        .map(|device| device.id.as_str())
        .collect();
    assert_eq!(listed, ["b", "a"], "last seen first");

    places.push(place_of("another subscription", "c", NOW - 10));
    assert_eq!(
        refusal(&question(vec![offer("s", 2)], places.clone()))
            .detail
            .devices
            .len(),
        2
    );
    places.push(place_of("s", "mine", NOW - 10));
    assert_eq!(
        lease(&question(vec![offer("s", 3)], places)).since,
        NOW - 10,
        "it has its place already"
    );
}

#[test]
fn a_lowered_limit_leaves_the_places_to_those_who_came_first() {
    let others = [place_of("s", "a", NOW - 30), place_of("s", "z", NOW - 10)];
    let with_mine = |since| [&others[..], &[place_of("s", "mine", since)]].concat();
    for (mine_since, limit, leased) in [
        (NOW - 40, 1, true),
        (NOW - 20, 1, false),
        (NOW - 20, 2, true),
        (NOW - 10, 2, true),
        (NOW - 5, 2, false),
    ] {
        let decision = one(&question(vec![offer("s", limit)], with_mine(mine_since)));
        assert_eq!(
            matches!(decision, Decision::Lease(_)),
            leased,
            "since {mine_since}, limit {limit}"
        );
    }
}

#[test]
fn products_of_one_subscription_share_the_place_of_a_device() {
    let mut asked = question(vec![offer("s", 1)], vec![]);
    asked.asked.push(Asked {
        product: "BOREAS".into(),
        held: None,
        open: false,
        wish: None,
        offers: vec![offer("s", 1)],
    });
    asked.asked.push(Asked {
        product: "CIRRUS".into(),
        held: None,
        open: false,
        wish: None,
        offers: vec![],
    });
    let decisions = check(&asked).unwrap().decisions;
    assert!(matches!(
        &decisions[..],
        [
            Decision::Lease(_),
            Decision::Lease(_),
            Decision::Refuse(Refused {
                code: Code::NotAssigned,
                ..
            })
        ]
    ));
}

#[test]
fn a_token_that_lives_too_long_is_no_ground_for_a_lease() {
    let with_life = |token_life| Question {
        token_life,
        ..question(vec![offer("s", 3)], vec![])
    };
    assert!(check(&with_life(HOUR + MINUTE)).is_ok());
    assert_eq!(check(&with_life(DAY)), Err(TokenLivesTooLong { allowed: HOUR }));
    let unassigned = Question {
        token_life: DAY,
        ..question(vec![], vec![])
    };
    assert!(check(&unassigned).is_ok(), "a refusal needs no such care");
}

#[test]
fn a_released_device_hears_that_and_nothing_else() {
    let asked = Question {
        released: true,
        ..question(vec![offer("s", 3)], vec![place_of("s", "mine", NOW - 10)])
    };
    assert_eq!(refusal(&asked).code, Code::DeviceReleased);
}

#[test]
fn an_agent_that_is_too_old_is_given_no_lease_and_told_which_one_would_be() {
    for (agent, minimum, outdated) in [
        ("1.2.3", None, false),
        ("1.2.3", Some("1.2.3"), false),
        ("1.10.0", Some("1.9.9"), false),
        ("1.2.3", Some("1.2.4"), true),
        ("1.2.3-beta.1", Some("1.2.3"), true),
        ("", Some("0.0.1"), true),
        ("a fork", Some("0.0.1"), true),
        ("a fork", None, false),
    ] {
        for held in [None, Some("s")] {
            let places = held.map(|held| place_of(held, "mine", NOW - 10));
            let mut asked = Question {
                agent: agent.into(),
                minimum_agent: minimum.map(|minimum| minimum.parse().unwrap()),
                ..question(vec![offer("s", 3)], places.into_iter().collect())
            };
            asked.asked[0].held = held.map(str::to_owned);
            if !outdated {
                lease(&asked);
                continue;
            }
            let refused = refusal(&asked);
            assert_eq!(refused.code, Code::ClientOutdated, "{agent:?} under {minimum:?}");
            assert_eq!(refused.detail.minimum_version.as_deref(), minimum);
            assert_eq!(refused.detail.contact.as_deref(), Some("it@nord.example"));
            assert_eq!(refused.save_window, 7 * MINUTE);
        }
    }
}

#[test]
fn an_old_agent_need_not_release_a_device_for_a_lease_that_it_would_not_get() {
    let old = |offers, places| Question {
        minimum_agent: Some("2.0.0".parse().unwrap()),
        ..question(offers, places)
    };
    let full = || vec![place_of("s", "a", NOW - 10)];
    assert_eq!(
        refusal(&old(vec![offer("s", 1)], full())).code,
        Code::ClientOutdated
    );
    assert_eq!(refusal(&old(vec![], vec![])).code, Code::NotAssigned);
    let ended = Offer {
        ends_at: Some(NOW),
        ..offer("s", 3)
    };
    assert_eq!(refusal(&old(vec![ended], vec![])).code, Code::SubscriptionEnded);
    let released = Question {
        released: true,
        ..old(vec![offer("s", 3)], vec![])
    };
    assert_eq!(refusal(&released).code, Code::DeviceReleased);
}
