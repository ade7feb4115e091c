//! What of a [`View`](latchkey_core::view::View) is told unasked: its notices, as one toast.

use std::cmp::Reverse;

use latchkey_core::notice::{Notice, NoticeKind};
use latchkey_core::time::Timestamp;
use latchkey_words::{NoticeText, Urgency, Words};

/// Shown for a toast that is about more than one product.
const APP: &str = "Latchkey";

/// These notices as one toast: the gravest first, one sentence of a kind, and where a kind counts down to an end, the
/// earliest (rule 3). `None` when there is nothing to tell.
pub(crate) fn toast<'a>(notices: impl IntoIterator<Item = &'a Notice>, words: &Words) -> Option<NoticeText> {
    let mut notices: Vec<_> = notices.into_iter().collect();
    notices.sort_by_key(|notice| (end(&notice.kind), notice.id));
    let mut told: Vec<&Notice> = Vec::new();
    for notice in notices {
        if !told.iter().any(|earlier| says_as_much(earlier, notice)) {
            told.push(notice);
        }
    }
    let mut texts: Vec<_> = told.into_iter().map(|notice| words.notice(notice)).collect();
    texts.sort_by_key(|text| Reverse(gravity(text.urgency)));
    let one_title = texts.iter().all(|text| text.title == texts[0].title);
    let (first, more) = texts.split_first()?;
    let title = if one_title {
        first.title.clone()
    } else {
        APP.to_owned()
    };
    let body = more
        .iter()
        .fold(first.body.clone(), |body, text| format!("{body}\n{}", text.body));
    Some(NoticeText {
        title,
        body,
        urgency: first.urgency,
        stays: texts.iter().any(|text| text.stays),
    })
}

/// Whether `earlier` leaves nothing for `notice` to add. What a product must do now is said for each product.
fn says_as_much(earlier: &Notice, notice: &Notice) -> bool {
    let one_is_enough = match notice.kind {
        NoticeKind::Offline { .. }
        | NoticeKind::FinalWarning { .. }
        | NoticeKind::Connected { .. }
        | NoticeKind::Outage => true,
        _ => earlier.product == notice.product,
    };
    one_is_enough && std::mem::discriminant(&earlier.kind) == std::mem::discriminant(&notice.kind)
}

fn end(kind: &NoticeKind) -> Option<Timestamp> {
    match kind {
        NoticeKind::Offline { until, .. }
        | NoticeKind::FinalWarning { until, .. }
        | NoticeKind::Connected { until } => Some(*until),
        NoticeKind::MustStop { stop_at, .. } => Some(*stop_at),
        NoticeKind::Ended { stop_at, .. } => *stop_at,
        _ => None,
    }
}

fn gravity(urgency: Urgency) -> u8 {
    match urgency {
        Urgency::Low => 0,
        Urgency::Normal => 1,
        Urgency::Critical => 2,
    }
}

#[cfg(test)]
mod tests;
