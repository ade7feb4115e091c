//! Rule 11: *Use here instead*, and who waits.

use latchkey_core::code::Code;
use latchkey_core::engine::{Answer, Ask, CheckOrder, Input};
use latchkey_core::notice::NoticeKind;
use latchkey_core::session::{SessionWish, WaitingDevice};

use crate::support::licensing::Seat;
use crate::support::world::{TRAY, World};
use crate::support::{ATLAS, QUARRY, days, minutes, seconds};

use super::rules_sessions::{in_use, last, says_open};

/// The window, as a client.
const WINDOW: u64 = 2;

fn wish(order: &CheckOrder) -> Option<SessionWish> {
    order.products.iter().find_map(|query| query.session)
}

#[test]
fn use_here_instead_takes_it_over_with_the_next_check_and_only_that() {
    let mut world = World::signed_in();
    world.service().seat(ATLAS, in_use());
    let key = world.start(ATLAS);
    world.pass(seconds(5));
    assert_eq!(world.status(key).code, 16);
    world.service().seat(ATLAS, Seat::Assigned);
    let ticket = world.ask(Ask::Session {
        product: ATLAS.to_owned(),
        wish: SessionWish::TakeOver,
    });
    assert_eq!(wish(last(&world)), Some(SessionWish::TakeOver));
    world.pass(seconds(2));
    assert!(matches!(world.answer(ticket), Some(Answer::Checked { .. })));
    assert_eq!(world.status(key).code, 0);
    world.ask(Ask::Check);
    assert_eq!(wish(last(&world)), None);
}

/// A check is under way already when the user asks: it knows nothing of the wish, and does not answer it.
#[test]
fn a_wish_is_answered_by_the_check_that_carries_it_and_by_no_other() {
    let take_over = |world: &mut World| {
        world.ask(Ask::Session {
            product: ATLAS.to_owned(),
            wish: SessionWish::TakeOver,
        })
    };
    let mut world = World::signed_in();
    world.latency = seconds(5);
    world.ask(Ask::Check);
    let ticket = take_over(&mut world);
    assert_eq!(wish(last(&world)), None);
    world.pass(seconds(5));
    assert_eq!(world.answer(ticket), None, "nothing was taken over yet");
    assert_eq!(wish(last(&world)), Some(SessionWish::TakeOver));
    world.pass(seconds(6));
    assert!(matches!(world.answer(ticket), Some(Answer::Checked { .. })));

    // The check that is under way fails: the user is told so, and nothing is taken over behind their back.
    world.licensing = false;
    world.ask(Ask::Check);
    let ticket = take_over(&mut world);
    world.pass(minutes(1));
    assert!(matches!(world.answer(ticket), Some(Answer::Refused { .. })));
    world.licensing = true;
    let before = world.orders.len();
    world.pass(days(2));
    assert!(world.orders.len() > before);
    assert!(world.orders[before..].iter().all(|order| wish(order).is_none()));
}

/// Rule 17: a window that is closed, or a command that is interrupted, before a check has taken its wish along.
#[test]
fn a_wish_goes_with_whoever_wished_for_it() {
    for (gone, taken_over) in [(WINDOW, false), (TRAY, true)] {
        let mut world = World::signed_in();
        world.latency = seconds(5);
        world.ask(Ask::Check);
        let before = world.orders.len();
        world.ask_as(
            WINDOW,
            Ask::Session {
                product: ATLAS.to_owned(),
                wish: SessionWish::TakeOver,
            },
        );
        world.input(Input::ClientGone(gone));
        world.pass(minutes(1));
        let mut carried = world.orders[before..].iter().filter_map(wish);
        assert_eq!(carried.next().is_some(), taken_over, "{gone} has gone");
        assert_eq!(
            says_open(last(&world), ATLAS),
            taken_over,
            "nothing is kept for nobody"
        );
    }
}

#[test]
fn it_is_also_taken_over_for_a_product_that_has_ended_meanwhile() {
    let mut world = World::signed_in();
    world.ask(Ask::Session {
        product: ATLAS.to_owned(),
        wish: SessionWish::TakeOver,
    });
    assert!(says_open(last(&world), ATLAS) && !says_open(last(&world), QUARRY));
}

/// A product that ends when it is refused: its user takes the session over, and opens it anew.
#[test]
fn it_is_kept_until_the_user_has_had_time_to_open_it() {
    let taken_over = || {
        let mut world = World::signed_in();
        world.ask(Ask::Session {
            product: ATLAS.to_owned(),
            wish: SessionWish::TakeOver,
        });
        world.pass(minutes(1));
        assert!(says_open(last(&world), ATLAS), "nothing gives it back");
        world.ask(Ask::Check);
        assert!(says_open(last(&world), ATLAS), "whatever is asked meanwhile");
        world.pass(seconds(10));
        world
    };
    let mut opened = taken_over();
    let key = opened.start(ATLAS);
    opened.pass(minutes(5));
    assert!(says_open(last(&opened), ATLAS));
    opened.close(key);
    opened.pass(seconds(5));
    assert!(!says_open(last(&opened), ATLAS), "closed is closed, as ever");

    let mut forgotten = taken_over();
    forgotten.pass(minutes(1));
    assert!(!says_open(last(&forgotten), ATLAS), "and not for ever");
}

#[test]
fn what_one_user_took_over_is_not_open_for_the_next() {
    let mut world = World::signed_in();
    world.ask(Ask::Session {
        product: ATLAS.to_owned(),
        wish: SessionWish::TakeOver,
    });
    world.pass(seconds(1));
    world.ask(Ask::SignOut(None));
    world.pass(seconds(1));
    world.subject = "noor";
    let before = world.orders.len();
    world.sign_in();
    assert!(world.orders.len() > before);
    assert!(
        world.orders[before..]
            .iter()
            .all(|order| !says_open(order, ATLAS))
    );
}

#[test]
fn two_minutes_are_the_time_to_open_it() {
    let mut world = World::signed_in();
    world.ask(Ask::Session {
        product: ATLAS.to_owned(),
        wish: SessionWish::TakeOver,
    });
    for (after, open) in [(1, true), (118, true), (2, false)] {
        world.pass(seconds(after));
        world.ask(Ask::Check);
        assert_eq!(says_open(last(&world), ATLAS), open);
    }
}

#[test]
fn a_wish_without_anybody_to_have_it_is_refused_in_words() {
    let mut world = World::new();
    for (product, code, problem) in [
        (ATLAS, Code::SignInRequired, "not_signed_in"),
        ("NOSUCH", Code::InvalidArgument, "unknown_product"),
    ] {
        let ticket = world.ask(Ask::Session {
            product: product.to_owned(),
            wish: SessionWish::HandOver,
        });
        let refused = Answer::Refused {
            code,
            problem: problem.to_owned(),
        };
        assert_eq!(world.answer(ticket), Some(&refused));
    }
}

#[test]
fn the_holder_sees_who_waits_for_as_long_as_somebody_does() {
    let mut world = World::signed_in();
    world.start(ATLAS);
    world.pass(seconds(5));
    let waiting = WaitingDevice {
        name: "LAPTOP-7".to_owned(),
        asked_at: world.machine.real.as_secs(),
    };
    world.service().waiting = vec![waiting.clone()];
    world.push();
    world.pass(seconds(2));
    assert_eq!(world.view().accounts[0].session_awaited, [waiting]);
    world.service().waiting.clear();
    world.push();
    world.pass(seconds(2));
    assert!(world.view().accounts[0].session_awaited.is_empty());
}

/// What was taken over for one product opens no session of another, and is closed with its own alone.
#[test]
fn what_is_taken_over_for_one_product_is_open_for_that_one() {
    let mut world = World::signed_in();
    let asked = |world: &mut World| {
        world.ask(Ask::Check);
        world.pass(seconds(5));
        (says_open(last(world), ATLAS), says_open(last(world), QUARRY))
    };
    world.ask(Ask::Session {
        product: QUARRY.to_owned(),
        wish: SessionWish::TakeOver,
    });
    world.pass(seconds(1));
    assert_eq!(asked(&mut world), (false, true));
    world.start(ATLAS);
    world.pass(seconds(5));
    assert_eq!(asked(&mut world), (true, true), "Atlas does not open it");
    let key = world.start(QUARRY);
    world.pass(seconds(5));
    world.close(key);
    assert_eq!(asked(&mut world), (true, false), "closed is closed");
}

#[test]
fn whoever_must_stop_hears_which_device_has_the_session() {
    let mut world = World::signed_in();
    world.start(ATLAS);
    world.pass(minutes(1));
    world.service().seat(ATLAS, in_use());
    world.push();
    world.pass(seconds(5));
    let told = world.shown.last().map(|shown| &shown.notice.kind);
    assert!(
        matches!(told, Some(NoticeKind::MustStop { code: 16, holder: Some(holder), .. }) if holder == "STUDIO-2"),
        "{told:?}"
    );
}
