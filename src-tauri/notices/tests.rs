use latchkey_core::code::Code;
use latchkey_core::notice::Left;
use latchkey_core::time::{DAY, MINUTE};
use latchkey_core::view::Away;
use latchkey_words::jiff::tz::TimeZone;

use super::*;

const AT: Timestamp = Timestamp::from_secs(1_795_525_500);

fn words() -> Words {
    Words::new("en", TimeZone::get("Europe/Berlin").unwrap())
}

fn notice(id: u64, product: &str, kind: NoticeKind) -> Notice {
    Notice {
        id,
        product: product.into(),
        at: AT,
        kind,
    }
}

fn offline(days: u32) -> NoticeKind {
    NoticeKind::Offline {
        away: Away::Offline,
        left: Left::Days(days),
        until: AT + days * DAY,
    }
}

fn must_stop() -> NoticeKind {
    NoticeKind::MustStop {
        code: Code::NotAssigned.number(),
        stop_at: AT + 10 * MINUTE,
        holder: None,
    }
}

fn shown(notices: &[Notice]) -> String {
    let toast = toast(notices, &words()).unwrap();
    let stays = if toast.stays { ", stays" } else { "" };
    format!("[{:?}{stays}] {}\n{}", toast.urgency, toast.title, toast.body)
}

#[test]
fn nothing_to_tell_is_no_toast() {
    assert_eq!(toast(&[], &words()), None);
}

#[test]
fn one_notice_is_told_as_it_is() {
    insta::assert_snapshot!(shown(&[notice(1, "Atlas", offline(27))]), @r"
    [Low] Atlas
    You are offline. Atlas keeps working for 27 more days, until 21 December 14:05.
    ");
}

#[test]
fn of_several_that_count_down_the_earliest_is_told() {
    insta::assert_snapshot!(shown(&[notice(1, "Bolt", offline(29)), notice(2, "Atlas", offline(27))]), @r"
    [Low] Atlas
    You are offline. Atlas keeps working for 27 more days, until 21 December 14:05.
    ");
}

#[test]
fn the_gravest_comes_first_and_decides_how_loud_it_is() {
    let last = NoticeKind::FinalWarning {
        away: Away::Offline,
        left: Left::Days(2),
        until: AT + 2 * DAY,
    };
    insta::assert_snapshot!(shown(&[notice(1, "Bolt", NoticeKind::Outage), notice(2, "Atlas", last)]), @r"
    [Critical, stays] Latchkey
    Less than 2 days left. Connect to the Internet before 26 November 14:05, or Atlas stops working.
    The licensing service is not answering. You can keep working; nothing to do.
    ");
}

#[test]
fn every_product_that_must_stop_is_named() {
    insta::assert_snapshot!(shown(&[notice(1, "Atlas", must_stop()), notice(2, "Bolt", must_stop())]), @r"
    [Critical, stays] Latchkey
    Your seat for Atlas was taken away. You have 10 minutes to save.
    Your seat for Bolt was taken away. You have 10 minutes to save.
    ");
}

#[test]
fn the_same_is_told_once() {
    let twice = [notice(1, "Atlas", must_stop()), notice(2, "Atlas", must_stop())];
    assert_eq!(shown(&twice), shown(&twice[..1]));
}
