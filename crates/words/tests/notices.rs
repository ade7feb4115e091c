//! The wordings that the interface page gives, letter by letter.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use latchkey_core::code::Code;
use latchkey_core::notice::{Left, Notice, NoticeKind};
use latchkey_core::time::{DAY, HOUR, MINUTE, Timestamp};
use latchkey_core::view::{Away, Line, Reach, StatusView, View};
use latchkey_words::jiff::tz::TimeZone;
use latchkey_words::{Urgency, Words};

/// 21 December 2026, 14:05 in Berlin.
const UNTIL: Timestamp = Timestamp::from_secs(1_797_858_300);

fn words(locale: &str) -> Words {
    Words::new(locale, TimeZone::get("Europe/Berlin").unwrap())
}

fn notice(at: Timestamp, kind: NoticeKind) -> Notice {
    Notice {
        id: 1,
        product: "Atlas".to_owned(),
        at,
        kind,
    }
}

fn body(locale: &str, at: Timestamp, kind: NoticeKind) -> String {
    words(locale).notice(&notice(at, kind)).body
}

#[test]
fn offline() {
    let kind = NoticeKind::Offline {
        away: Away::Offline,
        left: Left::Days(27),
        until: UNTIL,
    };
    let text = words("en").notice(&notice(UNTIL - 27 * DAY, kind.clone()));
    assert_eq!(text.title, "Atlas");
    assert_eq!(
        text.body,
        "You are offline. Atlas keeps working for 27 more days, until 21 December 14:05."
    );
    assert_eq!((text.urgency, text.stays), (Urgency::Low, false));
    assert_eq!(
        body("de-DE", UNTIL - 27 * DAY, kind),
        "Sie sind offline. Atlas funktioniert noch 27 Tage, bis zum 21. Dezember, 14:05."
    );
}

#[test]
fn the_final_days() {
    let kind = NoticeKind::FinalWarning {
        away: Away::Offline,
        left: Left::Days(3),
        until: UNTIL,
    };
    let text = words("en").notice(&notice(UNTIL - 3 * DAY + MINUTE, kind));
    assert_eq!(
        text.body,
        "Less than 3 days left. Connect to the Internet before 21 December 14:05, or Atlas stops working."
    );
    assert_eq!((text.urgency, text.stays), (Urgency::Critical, true));
    let kind = NoticeKind::FinalWarning {
        away: Away::Offline,
        left: Left::Hours(1),
        until: UNTIL,
    };
    assert_eq!(
        body("en", UNTIL - MINUTE, kind),
        "Less than 1 hour left. Connect to the Internet before 21 December 14:05, or Atlas stops working."
    );
}

#[test]
fn the_end() {
    let kind = NoticeKind::Ended {
        days: 30,
        stop_at: None,
    };
    let text = words("en").notice(&notice(UNTIL, kind));
    assert_eq!(
        text.body,
        "Atlas has stopped: it has been offline for 30 days. Connect once to go on."
    );
    assert_eq!(text.urgency, Urgency::Critical);
    let kind = NoticeKind::Ended {
        days: 1,
        stop_at: Some(UNTIL + 10 * MINUTE),
    };
    assert_eq!(
        body("en", UNTIL, kind),
        "Atlas has been offline for 1 day. Save your work: it stops at 14:15. Connect once to go on."
    );
}

#[test]
fn connected_again() {
    let until = UNTIL + 30 * DAY;
    let text = words("en").notice(&notice(UNTIL, NoticeKind::Connected { until }));
    assert_eq!(text.body, "Connected. Atlas is good offline until 20 January.");
    assert_eq!(text.urgency, Urgency::Low);
}

#[test]
fn taken_over() {
    for (holder, said) in [
        (
            Some("STUDIO-2"),
            "Atlas is now in use on STUDIO-2. You have 10 minutes to save.",
        ),
        (
            None,
            "Atlas is now in use on another device. You have 10 minutes to save.",
        ),
    ] {
        let kind = NoticeKind::MustStop {
            code: Code::SessionInUse.number(),
            stop_at: UNTIL + 10 * MINUTE,
            holder: holder.map(str::to_owned),
        };
        let text = words("en").notice(&notice(UNTIL, kind));
        assert_eq!(text.body, said);
        assert_eq!((text.urgency, text.stays), (Urgency::Critical, true));
    }
}

#[test]
fn outage() {
    let text = words("en").notice(&notice(UNTIL, NoticeKind::Outage));
    assert_eq!(
        text.body,
        "The licensing service is not answering. You can keep working; nothing to do."
    );
    assert_eq!((text.title.as_str(), text.urgency), ("Latchkey", Urgency::Low));
}

#[test]
fn the_status_line() {
    let line = Line::Licensed {
        user: "Maya Lindqvist".to_owned(),
    };
    assert_eq!(words("en").line(&line, UNTIL), "Maya Lindqvist — licensed");
    let line = Line::Offline {
        away: Away::Offline,
        product: "Atlas".to_owned(),
        left: Left::Days(27),
        until: UNTIL,
    };
    assert_eq!(
        words("en").line(&line, UNTIL),
        "Offline — 27 days left, until 21 December 14:05"
    );
    let line = Line::Outage {
        reach: Reach::IdentityOutage,
    };
    assert_eq!(
        words("en").line(&line, UNTIL),
        "The sign-in service is not answering — you can keep working"
    );
}

#[test]
fn the_year_is_told_where_it_is_not_plain() {
    let words = words("en");
    assert_eq!(
        words.date_time(UNTIL, UNTIL - 300 * DAY),
        "21 December 14:05",
        "the same year"
    );
    assert_eq!(
        words.date(UNTIL, UNTIL + 30 * DAY),
        "21 December",
        "the December just gone"
    );
    assert_eq!(words.date(UNTIL, UNTIL + 200 * DAY), "21 December 2026");
    assert_eq!(words.date(UNTIL + 300 * DAY, UNTIL), "17 October 2027");
    assert_eq!(
        words
            .date_time(Timestamp::from_millis(i64::MAX), UNTIL)
            .split(' ')
            .nth(2),
        Some("9999")
    );
}

#[test]
fn a_time_of_day_is_enough_for_today() {
    let words = words("de");
    assert_eq!(words.time(UNTIL, UNTIL - HOUR), "14:05");
    assert_eq!(words.time(UNTIL, UNTIL - DAY), "21. Dezember, 14:05");
    assert_eq!(words.left(Left::Hours(1)), "1 Stunde");
}

#[test]
fn the_zone_decides_which_day_it_is() {
    let tokyo = Words::new("en", TimeZone::get("Asia/Tokyo").unwrap());
    assert_eq!(tokyo.date_time(UNTIL + 2 * HOUR, UNTIL), "22 December 00:05");
    assert_eq!(tokyo.time_zone(), Some("Asia/Tokyo"));
}

#[test]
fn an_unknown_number_has_a_sentence_too() {
    let status = StatusView {
        code: 99,
        ..StatusView::default()
    };
    let sentence = words("en").status(&status, "Atlas", UNTIL);
    assert_eq!(
        sentence.text,
        "Atlas has the status 99, which this version does not know."
    );
    assert_eq!(sentence.next_step, "Update Latchkey and Atlas.");
}

#[test]
fn a_problem_without_words_is_named() {
    let sentence = words("en").problem("flux_capacitor");
    assert_eq!(sentence.text, "Something went wrong: flux_capacitor.");
    assert_eq!(
        words("en").problem("state_not_saved").next_step,
        "Make room on the disk."
    );
    assert_eq!(words("en").field("device.name").name, "Name of this computer");
    assert_eq!(words("en").field("shoe_size").name, "shoe_size");
}

#[test]
fn a_wrong_clock_is_told_with_the_difference() {
    let said = |language, minutes| {
        let view = View {
            clock_ahead: minutes,
            ..View::default()
        };
        words(language).problem_in(&view, "clock_wrong").text
    };
    assert_eq!(said("en", None), "The clock of this computer is wrong.");
    assert_eq!(
        said("en", Some(-14)),
        "The clock of this computer is 14 minutes behind."
    );
    assert_eq!(
        said("en", Some(120)),
        "The clock of this computer is 2 hours ahead."
    );
    assert_eq!(
        said("de", Some(-14_400)),
        "Die Uhr dieses Computers geht 10 Tage nach."
    );
    assert_eq!(
        said("de", Some(2_880)),
        "Die Uhr dieses Computers geht 2 Tage vor."
    );
}
