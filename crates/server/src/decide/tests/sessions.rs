//! Rule 11, by policy: who has the session already, what the user wishes, and what becomes of it.

use latchkey_core::policy::SessionPolicy;

use super::*;

const TTL: i64 = 15 * 60;

fn with_policy(session_policy: SessionPolicy) -> Offer {
    let mut offer = offer("s", 9);
    offer.policy.session_policy = session_policy;
    offer
}

fn session(device_id: &str, since: i64, heard_at: i64) -> Session {
    Session {
        subscription: "s".into(),
        device: device(device_id),
        since,
        heard_at,
    }
}

/// The product is open on the asking device.
fn opened(policy: SessionPolicy, sessions: Vec<Session>) -> Question {
    let mut question = question(vec![with_policy(policy)], vec![]);
    question.asked[0].open = true;
    question.sessions = sessions;
    question
}

fn hold(device: &str, since: i64) -> SessionStep {
    SessionStep::Hold {
        subscription: "s".into(),
        device: device.into(),
        since,
    }
}

fn wait(holder: &str) -> SessionStep {
    SessionStep::Wait {
        subscription: "s".into(),
        holder: holder.into(),
        since: NOW,
    }
}

fn waiting(device_id: &str, asked_at: i64) -> Waiting {
    Waiting {
        subscription: "s".into(),
        device: device(device_id),
        asked_at,
        heard_at: asked_at,
    }
}

fn end(device: &str) -> SessionStep {
    SessionStep::End {
        subscription: "s".into(),
        device: device.into(),
    }
}

fn steps(question: &Question) -> Vec<SessionStep> {
    check(question).unwrap().steps
}

#[test]
fn whoever_opens_a_product_has_the_session_and_keeps_its_beginning() {
    for policy in [
        SessionPolicy::Deny,
        SessionPolicy::Takeover,
        SessionPolicy::Report,
    ] {
        assert_eq!(steps(&opened(policy, vec![])), [hold("mine", NOW)]);
        let again = opened(policy, vec![session("mine", NOW - 500, NOW - 300)]);
        assert_eq!(steps(&again), [hold("mine", NOW - 500)]);
        let silent = opened(policy, vec![session("mine", NOW - 5000, NOW - TTL)]);
        assert_eq!(steps(&silent), [hold("mine", NOW)], "it had ended by silence");
    }
}

#[test]
fn a_check_with_nothing_open_opens_no_session_and_ends_its_own() {
    let mut idle = opened(
        SessionPolicy::Takeover,
        vec![session("other", NOW - 60, NOW - 60)],
    );
    idle.asked[0].open = false;
    assert!(
        matches!(one(&idle), Decision::Lease(_)),
        "another one's session is no matter to it"
    );
    assert_eq!(steps(&idle), []);
    idle.sessions = vec![session("mine", NOW - 60, NOW - 60)];
    assert_eq!(steps(&idle), [end("mine")]);
}

#[test]
fn a_second_device_is_told_who_has_it_and_since_when() {
    for (policy, may) in [(SessionPolicy::Deny, false), (SessionPolicy::Takeover, true)] {
        let asked = opened(policy, vec![session("other", NOW - 600, NOW - 60)]);
        let refused = refusal(&asked);
        assert_eq!(refused.code, Code::SessionInUse);
        assert_eq!(refused.detail.holder, Some(device("other")));
        assert_eq!(refused.detail.holder_since, Some(NOW - 600));
        assert_eq!(refused.detail.may_take_over, may);
        assert_eq!(steps(&asked), [wait("other")]);
    }
}

#[test]
fn a_session_that_was_not_heard_of_for_its_time_is_over() {
    for (heard_at, free) in [(NOW - TTL + 1, false), (NOW - TTL, true), (NOW - TTL - 1, true)] {
        for policy in [SessionPolicy::Deny, SessionPolicy::Takeover] {
            let asked = opened(policy, vec![session("other", NOW - 6_000, heard_at)]);
            assert_eq!(
                matches!(one(&asked), Decision::Lease(_)),
                free,
                "heard at {heard_at}"
            );
        }
    }
}

#[test]
fn only_takeover_takes_over() {
    for (policy, expected) in [
        (SessionPolicy::Takeover, vec![end("other"), hold("mine", NOW)]),
        (SessionPolicy::Deny, vec![wait("other")]),
    ] {
        let mut asked = opened(policy, vec![session("other", NOW - 600, NOW - 60)]);
        asked.asked[0].wish = Some(SessionWish::TakeOver);
        assert_eq!(steps(&asked), expected);
    }
}

#[test]
fn under_report_both_run_and_it_is_written_down_since_both_do() {
    let asked = opened(SessionPolicy::Report, vec![session("other", NOW - 600, NOW - 60)]);
    assert!(matches!(one(&asked), Decision::Lease(_)));
    let overlap = |began_at| SessionStep::Overlap {
        subscription: "s".into(),
        other: "other".into(),
        began_at,
    };
    assert_eq!(steps(&asked), [overlap(NOW), hold("mine", NOW)]);
    let both = vec![
        session("other", NOW - 600, NOW - 60),
        session("mine", NOW - 300, NOW - 60),
    ];
    let again = opened(SessionPolicy::Report, both);
    assert_eq!(steps(&again), [overlap(NOW - 300), hold("mine", NOW - 300)]);
}

#[test]
fn after_report_the_session_is_whose_came_first() {
    for (mine_since, leased) in [(NOW - 700, true), (NOW - 500, false)] {
        let both = vec![
            session("other", NOW - 600, NOW - 60),
            session("mine", mine_since, NOW - 60),
        ];
        let decision = one(&opened(SessionPolicy::Deny, both));
        assert_eq!(matches!(decision, Decision::Lease(_)), leased);
    }
}

#[test]
fn the_holder_hands_over_to_whoever_has_asked_first_and_still_waits() {
    let mut asked = opened(SessionPolicy::Deny, vec![session("mine", NOW - 600, NOW - 60)]);
    asked.asked[0].wish = Some(SessionWish::HandOver);
    assert!(
        matches!(one(&asked), Decision::Lease(_)),
        "nobody waits: it stays"
    );
    let elsewhere = Waiting {
        subscription: "t".into(),
        ..waiting("elsewhere", NOW - 20)
    };
    asked.waiting = vec![waiting("gone", NOW - TTL), elsewhere];
    assert!(
        matches!(one(&asked), Decision::Lease(_)),
        "nobody waits for it any more: it stays"
    );
    asked.waiting = vec![
        waiting("gone", NOW - TTL),
        waiting("late", NOW - 10),
        waiting("first", NOW - 20),
        waiting("mine", NOW - 30),
    ];
    let refused = refusal(&asked);
    assert_eq!(
        (refused.code, refused.detail.holder),
        (Code::SessionInUse, Some(device("first")))
    );
    let gives = [end("mine"), hold("first", NOW), wait("first")];
    assert_eq!(steps(&asked), gives, "its program is still open");
    asked.sessions = vec![session("other", NOW - 600, NOW - 60)];
    assert_eq!(
        refusal(&asked).detail.holder,
        Some(device("other")),
        "who has none hands none over"
    );
}

/// The policy was another one when they began to wait.
#[test]
fn under_report_nobody_gives_way_to_whoever_still_waits() {
    let mut asked = opened(SessionPolicy::Report, vec![session("mine", NOW - 600, NOW - 60)]);
    asked.asked[0].wish = Some(SessionWish::HandOver);
    asked.waiting = vec![waiting("first", NOW - 20)];
    assert!(matches!(one(&asked), Decision::Lease(_)));
    assert_eq!(steps(&asked), [hold("mine", NOW - 600)]);
}

#[test]
fn whoever_has_closed_everything_waits_no_more() {
    let leave = |holder: Option<&str>| SessionStep::Leave {
        subscription: "s".into(),
        holder: holder.map(str::to_owned),
    };
    let mut asked = opened(
        SessionPolicy::Takeover,
        vec![session("other", NOW - 600, NOW - 60)],
    );
    asked.waiting = vec![waiting("mine", NOW - 20), waiting("another", NOW - 20)];
    let waits = SessionStep::Wait {
        subscription: "s".into(),
        holder: "other".into(),
        since: NOW - 20,
    };
    assert_eq!(steps(&asked), [waits], "it is still open, and keeps its turn");
    asked.asked[0].open = false;
    assert_eq!(steps(&asked), [leave(Some("other"))]);
    asked.sessions.clear();
    assert_eq!(steps(&asked), [leave(None)]);
    asked.waiting = vec![waiting("another", NOW - 20)];
    assert_eq!(steps(&asked), [], "that is for the other one to say");
}

#[test]
fn products_of_one_subscription_share_its_session() {
    let mut asked = opened(SessionPolicy::Takeover, vec![]);
    asked.asked.push(Asked {
        product: "BOREAS".into(),
        held: None,
        ..asked.asked[0].clone()
    });
    assert_eq!(steps(&asked), [hold("mine", NOW)]);
    asked.sessions = vec![session("other", NOW - 600, NOW - 60)];
    asked.asked[1].wish = Some(SessionWish::TakeOver);
    assert_eq!(
        steps(&asked),
        [end("other"), hold("mine", NOW)],
        "for whichever of them it is wished"
    );
    asked.asked[1].wish = None;
    asked.asked[1].open = false;
    let decisions = check(&asked).unwrap().decisions;
    assert!(
        matches!(&decisions[..], [Decision::Refuse(_), Decision::Lease(_)]),
        "what is not open needs none"
    );
}

/// *Use here instead* names a product: what the user has open under another subscription stays where it is.
#[test]
fn a_wish_concerns_the_subscription_of_its_product_and_no_other() {
    let other = |subscription: &str| Session {
        subscription: subscription.into(),
        ..session("other", NOW - 600, NOW - 60)
    };
    let mut asked = opened(SessionPolicy::Takeover, vec![other("s"), other("t")]);
    let mut second = asked.asked[0].clone();
    second.product = "BOREAS".into();
    second.offers[0].subscription = "t".into();
    asked.asked.push(second);
    asked.asked[1].wish = Some(SessionWish::TakeOver);
    let decisions = check(&asked).unwrap().decisions;
    assert!(
        matches!(&decisions[..], [Decision::Refuse(refused), Decision::Lease(_)] if refused.code == Code::SessionInUse),
        "{decisions:?}"
    );
    asked.asked[1].offers[0].seat = None;
    asked.asked[1].offers[0].subscription = "s".into();
    assert_eq!(
        steps(&asked),
        [wait("other")],
        "nor that of one which has no seat there"
    );
}

/// ... also where the product could be had under more than one: what is not decided under stays where it is.
#[test]
fn a_wish_concerns_the_one_subscription_that_its_product_is_decided_under() {
    let under = |subscription: &str, device: &str| Session {
        subscription: subscription.into(),
        ..session(device, NOW - 600, NOW - 60)
    };
    let step_of = |step: SessionStep, of: &str| match step {
        SessionStep::Hold { device, since, .. } => SessionStep::Hold {
            subscription: of.into(),
            device,
            since,
        },
        SessionStep::End { device, .. } => SessionStep::End {
            subscription: of.into(),
            device,
        },
        other @ (SessionStep::Wait { .. } | SessionStep::Leave { .. } | SessionStep::Overlap { .. }) => other,
    };
    // ATLAS is covered by both, BOREAS by `s` alone. The lease of `t` lasts longer.
    let mut asked = opened(
        SessionPolicy::Takeover,
        vec![under("s", "other"), under("t", "other")],
    );
    let mut boreas = asked.asked[0].clone();
    boreas.product = "BOREAS".into();
    let mut t = asked.asked[0].offers[0].clone();
    t.subscription = "t".into();
    for offers in [&mut asked.asked[0].offers, &mut boreas.offers] {
        offers[0].ends_at = Some(NOW + ONE_DAY);
    }
    asked.asked[0].offers.push(t);
    asked.asked.push(boreas);

    asked.asked[0].wish = Some(SessionWish::TakeOver);
    let taken = [
        step_of(end("other"), "t"),
        step_of(hold("mine", NOW), "t"),
        wait("other"),
    ];
    assert_eq!(steps(&asked), taken);
    asked.asked[0].held = Some("s".into());
    assert_eq!(steps(&asked), taken, "whatever it had before");

    asked.sessions = vec![under("s", "mine"), under("t", "mine")];
    asked.waiting = ["s", "t"]
        .map(|subscription| Waiting {
            subscription: subscription.into(),
            ..waiting("other", NOW - 20)
        })
        .into();
    asked.asked[0].wish = Some(SessionWish::HandOver);
    asked.asked[0].held = Some("t".into());
    let given = [
        hold("mine", NOW - 600),
        step_of(end("mine"), "t"),
        step_of(hold("other", NOW), "t"),
    ];
    assert_eq!(steps(&asked), given, "what it has of `s` it keeps");
    asked.asked[0].held = Some("s".into());
    let given = [end("mine"), hold("other", NOW)];
    let steps = steps(&asked);
    assert!(
        given.iter().all(|step| steps.contains(step)) && !steps.contains(&step_of(end("mine"), "t")),
        "what it has is handed over, whichever lasts longer: {steps:?}"
    );
}

/// The product could be had under either: whichever session ends first is the one that it waited for.
#[test]
fn whoever_could_have_either_of_two_sessions_waits_for_both() {
    let under = |subscription: &str, device: &str| Session {
        subscription: subscription.into(),
        ..session(device, NOW - 600, NOW - 60)
    };
    let waits = |subscription: &str, holder: &str| SessionStep::Wait {
        subscription: subscription.into(),
        holder: holder.into(),
        since: NOW,
    };
    let mut asked = opened(SessionPolicy::Deny, vec![under("s", "one"), under("t", "other")]);
    let mut t = asked.asked[0].offers[0].clone();
    t.subscription = "t".into();
    asked.asked[0].offers.push(t);
    assert_eq!(refusal(&asked).detail.holder, Some(device("other")));
    assert_eq!(steps(&asked), [waits("s", "one"), waits("t", "other")]);

    let has_both = vec![
        waiting("mine", NOW - 20),
        Waiting {
            subscription: "t".into(),
            ..waiting("mine", NOW - 20)
        },
    ];
    let free = Question {
        waiting: has_both,
        sessions: vec![under("t", "other")],
        ..asked.clone()
    };
    let leave = SessionStep::Leave {
        subscription: "t".into(),
        holder: Some("other".into()),
    };
    assert_eq!(steps(&free), [hold("mine", NOW), leave], "one of them is enough");

    // Where a place is what is missing, there is no session to wait for.
    asked.asked[0].offers[0].policy.device_limit = 0;
    assert_eq!(steps(&asked), [waits("t", "other")]);
    asked.asked[0].offers.reverse();
    assert_eq!(refusal(&asked).code, Code::DeviceLimit);
    assert_eq!(steps(&asked), []);
}

/// Its device was not heard of for so long only because nobody could write it down: it is to hear who has the session now.
#[test]
fn whoever_begins_a_session_ends_also_one_that_fell_silent() {
    for policy in [SessionPolicy::Takeover, SessionPolicy::Deny] {
        let silent = opened(policy, vec![session("other", NOW - 6_000, NOW - TTL)]);
        assert_eq!(steps(&silent), [end("other"), hold("mine", NOW)]);
    }
}

#[test]
fn whoever_is_refused_for_another_reason_takes_no_session() {
    let mut asked = opened(SessionPolicy::Takeover, vec![]);
    asked.asked[0].offers[0].seat = None;
    assert_eq!(refusal(&asked).code, Code::NotAssigned);
    assert_eq!(steps(&asked), []);
    asked.sessions = vec![session("mine", NOW - 60, NOW - 60)];
    assert_eq!(steps(&asked), [end("mine")], "and loses the one it had");

    let mut asked = opened(
        SessionPolicy::Takeover,
        vec![session("other", NOW - 60, NOW - 60)],
    );
    asked.asked[0].offers[0].policy.device_limit = 0;
    assert_eq!(refusal(&asked).code, Code::DeviceLimit);
    assert_eq!(steps(&asked), [], "nor does it wait for another's");
}

#[test]
fn an_agent_that_is_too_old_keeps_the_session_of_what_runs_on_and_takes_none_for_what_does_not() {
    let old = |held: Option<&str>, sessions| {
        let mut asked = Question {
            minimum_agent: Some("2.0.0".parse().unwrap()),
            // Another product of the subscription has a lease here in either case.
            places: vec![place_of("s", "mine", NOW - 10)],
            ..opened(SessionPolicy::Takeover, sessions)
        };
        asked.asked[0].held = held.map(str::to_owned);
        asked.asked[0].wish = Some(SessionWish::TakeOver);
        asked
    };
    let others = || vec![session("other", NOW - 600, NOW - 60)];
    assert_eq!(steps(&old(Some("s"), vec![])), [hold("mine", NOW)]);
    assert_eq!(
        steps(&old(Some("s"), others())),
        [end("other"), hold("mine", NOW)]
    );
    for sessions in [vec![], others()] {
        for held in [None, Some("another one")] {
            let asked = old(held, sessions.clone());
            assert_eq!(refusal(&asked).code, Code::ClientOutdated);
            assert_eq!(steps(&asked), []);
        }
    }
    let mut in_use = old(Some("s"), others());
    in_use.asked[0].wish = None;
    assert_eq!(refusal(&in_use).code, Code::SessionInUse);
}
