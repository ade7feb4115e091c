//! Every sentence there is, in every language, to be read: `snapshots/`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use std::fmt::Write as _;

use latchkey_core::code::{Basis, Code, Reason};
use latchkey_core::hindrance::{NetworkTrouble, Obstacle};
use latchkey_core::lease::{DeviceEntry, RefusalDetail};
use latchkey_core::notice::{Left, Notice, NoticeKind};
use latchkey_core::time::{DAY, HOUR, MINUTE, Timestamp};
use latchkey_core::view::{Away, Line, ProductView, Reach, StatusView};
use latchkey_words::jiff::tz::TimeZone;
use latchkey_words::{MenuItem, Sentence, Words};
use serde_json::json;

/// 24 November 2026, 14:05 in Berlin.
const NOW: Timestamp = Timestamp::from_secs(1_795_525_500);

const DAY_MS: i64 = 86_400_000;

/// What keeps checks away, or does not, beside being offline.
const AWAY: [Away; 5] = [
    Away::NeitherAnswers,
    Away::IdentityOutage,
    Away::Overdue,
    Away::Outdated,
    Away::Subscription,
];

fn each_language(name: &str, write: impl Fn(&Words, &mut String)) {
    for language in ["en", "de"] {
        let words = Words::new(language, TimeZone::get("Europe/Berlin").unwrap());
        assert_eq!(words.language(), language);
        let mut text = String::new();
        write(&words, &mut text);
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("{name}.{language}"), text);
        });
    }
}

/// Nothing is left of an argument that was not given, nor of what stands for one that does not apply.
fn whole(text: String) -> String {
    for sign in ["{", "}", "$", "\u{2068}", "none"] {
        assert!(!text.contains(sign), "an argument is missing: {text}");
    }
    text
}

fn status(code: Code) -> StatusView {
    StatusView {
        code: code.number(),
        name: code.name().to_owned(),
        ..StatusView::default()
    }
}

fn detail() -> RefusalDetail {
    let device = DeviceEntry {
        id: "1".to_owned(),
        name: "STUDIO-2".to_owned(),
        system: "Debian 12".to_owned(),
        last_seen: NOW.as_secs(),
    };
    RefusalDetail {
        devices: vec![device.clone()],
        holder: Some(device),
        holder_since: Some((NOW - HOUR).as_secs()),
        may_take_over: true,
        minimum_version: Some("2.0".to_owned()),
        contact: Some("it@lindqvist.example".to_owned()),
    }
}

/// Every status that there is: each code, bare and with all it can carry, each basis, each reason.
fn statuses() -> Vec<(String, StatusView)> {
    let mut all = Vec::new();
    for &code in Code::ALL {
        let name = code.name().to_owned();
        match code {
            Code::Ok => {
                for &basis in Basis::ALL {
                    let (left, until) = match basis {
                        Basis::FinalWarning => (Left::Days(3), NOW + 3 * DAY),
                        Basis::Temporary => (Left::Hours(4), NOW + 4 * HOUR),
                        _ => (Left::Days(27), NOW + 27 * DAY),
                    };
                    let ok = StatusView {
                        basis: Some(basis),
                        left: Some(left),
                        until: Some(until),
                        ..status(code)
                    };
                    all.push((format!("{name} {}", basis.name()), ok));
                }
                for away in AWAY {
                    for basis in [Basis::Grace, Basis::FinalWarning] {
                        let ok = StatusView {
                            basis: Some(basis),
                            away: Some(away),
                            left: Some(Left::Days(3)),
                            until: Some(NOW + 3 * DAY),
                            ..status(code)
                        };
                        all.push((format!("{name} {}, {}", basis.name(), away.name()), ok));
                    }
                }
                let until = Some(NOW + HOUR);
                let left = Some(Left::Hours(1));
                let ok = StatusView {
                    basis: Some(Basis::FinalWarning),
                    left,
                    until,
                    ..status(code)
                };
                all.push((format!("{name} final_warning, an hour"), ok));
            }
            Code::AuthPending => {
                for &reason in Reason::ALL {
                    let pending = StatusView {
                        reason: Some(reason),
                        since: Some(NOW),
                        ..status(code)
                    };
                    let until = Some(NOW + 5 * MINUTE);
                    all.push((
                        format!("{name} {}, until", reason.name()),
                        StatusView {
                            until,
                            ..pending.clone()
                        },
                    ));
                    all.push((format!("{name} {}", reason.name()), pending));
                }
                all.extend(told_exactly());
            }
            _ => {
                let full = StatusView {
                    until: Some(NOW - HOUR),
                    detail: Some(detail()),
                    ..status(code)
                };
                all.push((format!("{name}, with all it can carry"), full));
            }
        }
        all.push((
            format!("{name}, open"),
            StatusView {
                stop_at: Some(NOW + 10 * MINUTE),
                ..status(code)
            },
        ));
        all.push((name, status(code)));
    }
    all.push((
        "unknown".to_owned(),
        StatusView {
            code: 99,
            ..StatusView::default()
        },
    ));
    all
}

/// What is told in other words where more is known.
fn told_exactly() -> Vec<(String, StatusView)> {
    let pending = |reason| StatusView {
        reason: Some(reason),
        since: Some(NOW),
        ..status(Code::AuthPending)
    };
    let troubles = [
        NetworkTrouble::WebPage,
        NetworkTrouble::ProxyPassword,
        NetworkTrouble::AuthorityUnknown,
        NetworkTrouble::Tls,
    ];
    let blocked = troubles.map(|by| {
        let host = "licences.example".to_owned();
        let told = StatusView {
            obstacle: Some(Obstacle { host, by }),
            ..pending(Reason::NetworkBlocked)
        };
        (format!("network_blocked, {}", by.name()), told)
    });
    let clocks = [-75, 3 * 24 * 60].map(|minutes| {
        let told = StatusView {
            clock_ahead: Some(minutes),
            ..pending(Reason::ClockWrong)
        };
        (format!("clock_wrong, {minutes}"), told)
    });
    let slot = StatusView {
        waiting_for: Some("https://other.example/licences".to_owned()),
        ..pending(Reason::WaitingForOther)
    };
    let slot = ("waiting_for_other, whose".to_owned(), slot);
    let first = StatusView {
        away: Some(Away::NeitherAnswers),
        ..status(Code::FirstStartOffline)
    };
    let first = ("first start, neither service answers".to_owned(), first);
    blocked.into_iter().chain(clocks).chain([slot, first]).collect()
}

#[test]
fn status_of_every_code_and_reason() {
    each_language("status", |words, text| {
        for (name, status) in statuses() {
            let sentence = words.status(&status, "Atlas", NOW);
            let sentence = Sentence {
                text: whole(sentence.text),
                next_step: whole(sentence.next_step),
            };
            assert!(
                !sentence.text.is_empty() && !sentence.next_step.is_empty(),
                "{name}"
            );
            let state = whole(words.state(&status, NOW));
            writeln!(
                text,
                "{name}\n  {}\n  > {}\n  Atlas — {state}",
                sentence.text, sentence.next_step
            )
            .unwrap();
        }
    });
}

#[test]
fn every_notice() {
    let soon = NOW + 10 * MINUTE;
    let mut kinds = vec![
        (
            "offline",
            NoticeKind::Offline {
                away: Away::Offline,
                left: Left::Days(27),
                until: NOW + 27 * DAY,
            },
        ),
        (
            "offline, one day",
            NoticeKind::Offline {
                away: Away::Offline,
                left: Left::Days(1),
                until: NOW + DAY,
            },
        ),
        (
            "final warning",
            NoticeKind::FinalWarning {
                away: Away::Offline,
                left: Left::Days(3),
                until: NOW + 3 * DAY,
            },
        ),
        (
            "final warning, one hour",
            NoticeKind::FinalWarning {
                away: Away::Offline,
                left: Left::Hours(1),
                until: NOW + HOUR,
            },
        ),
        (
            "ended",
            NoticeKind::Ended {
                days: 30,
                stop_at: None,
            },
        ),
        (
            "ended, open",
            NoticeKind::Ended {
                days: 30,
                stop_at: Some(soon),
            },
        ),
        (
            "connected",
            NoticeKind::Connected {
                until: NOW + 30 * DAY,
            },
        ),
        ("outage", NoticeKind::Outage),
    ];
    kinds.extend(AWAY.iter().flat_map(|away| {
        let (away, left, until) = (*away, Left::Days(3), NOW + 3 * DAY);
        [
            (away.name(), NoticeKind::Offline { away, left, until }),
            (away.name(), NoticeKind::FinalWarning { away, left, until }),
        ]
    }));
    kinds.extend(Code::ALL.iter().map(|code| {
        (
            code.name(),
            NoticeKind::MustStop {
                code: code.number(),
                stop_at: soon,
                holder: (*code == Code::SessionInUse).then(|| "STUDIO-2".to_owned()),
            },
        )
    }));
    each_language("notices", |words, text| {
        for (label, kind) in &kinds {
            let notice = Notice {
                id: 1,
                product: "Atlas".to_owned(),
                at: NOW,
                kind: kind.clone(),
            };
            let shown = words.notice(&notice);
            let stays = if shown.stays { ", stays" } else { "" };
            writeln!(
                text,
                "{label}\n  {:?}{stays}: {}\n  {}",
                shown.urgency, shown.title, shown.body
            )
            .unwrap();
        }
        let quit = words.quit_notice();
        writeln!(
            text,
            "on quitting\n  {:?}: {}\n  {}",
            quit.urgency, quit.title, quit.body
        )
        .unwrap();
    });
}

fn lines() -> Vec<Line> {
    let product = || "Atlas".to_owned();
    let user = || "Maya Lindqvist".to_owned();
    let offline_too_long = Code::OfflineLimitReached.number();
    let counted = AWAY.into_iter().flat_map(|away| {
        let (product, left, until) = (product(), Left::Days(3), NOW + 3 * DAY);
        [
            Line::Offline {
                away,
                product: product.clone(),
                left,
                until,
            },
            Line::Final {
                away,
                product,
                left,
                until,
            },
        ]
    });
    let mut lines = vec![
        Line::NoProducts,
        Line::SignedOut,
        Line::SigningIn,
        Line::Licensed { user: user() },
        Line::SignInAgain { user: user() },
        Line::Checking,
        Line::Offline {
            away: Away::Offline,
            product: product(),
            left: Left::Days(27),
            until: NOW + 27 * DAY,
        },
        Line::Final {
            away: Away::Offline,
            product: product(),
            left: Left::Hours(5),
            until: NOW + 5 * HOUR,
        },
        Line::Outage {
            reach: Reach::IdentityOutage,
        },
        Line::Outage {
            reach: Reach::LicensingOutage,
        },
        Line::Outage {
            reach: Reach::Doubtful,
        },
        Line::Stopped {
            product: product(),
            code: offline_too_long,
            stop_at: None,
        },
        Line::Stopped {
            product: product(),
            code: offline_too_long,
            stop_at: Some(NOW + 10 * MINUTE),
        },
        Line::VaultLocked,
    ];
    lines.extend(counted);
    lines
}

/// What the window's TypeScript must make of the same values (`ui/test/sentences.test.ts`), one JSON object a line.
#[test]
fn what_the_window_says_too() {
    each_language("window", |words, text| {
        for (_, status) in statuses() {
            let sentence = words.status(&status, "Atlas", NOW);
            let said = [sentence.text, sentence.next_step, words.state(&status, NOW)];
            writeln!(text, "{}", json!({ "status": status, "said": said })).unwrap();
        }
        for line in lines() {
            writeln!(
                text,
                "{}",
                json!({ "line": line, "said": [words.line(&line, NOW)] })
            )
            .unwrap();
        }
        for key in ["vault_locked", "sign_in_denied", "flux_capacitor"] {
            let sentence = words.problem(key);
            writeln!(
                text,
                "{}",
                json!({ "problem": key, "said": [sentence.text, sentence.next_step] })
            )
            .unwrap();
        }
        for key in ["device_name", "shoe_size"] {
            let field = words.field(key);
            writeln!(
                text,
                "{}",
                json!({ "field": key, "said": [field.name, field.why] })
            )
            .unwrap();
        }
        for after in [
            -400 * DAY_MS,
            -200 * DAY_MS,
            -30 * DAY_MS,
            0,
            DAY_MS,
            27 * DAY_MS,
            170 * DAY_MS,
            300 * DAY_MS,
        ] {
            let at = NOW.shifted(after);
            let said = [words.date(at, NOW), words.date_time(at, NOW), words.time(at, NOW)];
            writeln!(text, "{}", json!({ "at": at, "said": said })).unwrap();
        }
    });
}

#[test]
fn every_status_line_and_menu_entry() {
    let product = || "Atlas".to_owned();
    let atlas = ProductView {
        product: "ATLAS".to_owned(),
        version: "2026.1".to_owned(),
        name: product(),
        publisher: "Lindqvist".to_owned(),
        service: "https://licence.example".to_owned(),
        status: StatusView {
            basis: Some(Basis::Lease),
            until: Some(NOW + 30 * DAY),
            ..status(Code::Ok)
        },
        open: 1,
        checked_at: Some(NOW),
        offline_for: Some(30 * 86_400),
        org: None,
    };
    let menu = [
        MenuItem::Product(&atlas),
        MenuItem::Details,
        MenuItem::ResetLicence,
        MenuItem::SignIn,
        MenuItem::OpenSignIn,
        MenuItem::CopySignInLink,
        MenuItem::CancelSignIn,
        MenuItem::SignOut,
        MenuItem::PrepareOffline,
        MenuItem::Manage,
        MenuItem::ResetProduct("Atlas"),
        MenuItem::ResetAll,
        MenuItem::Open,
        MenuItem::StartAtLogin,
        MenuItem::Quit,
    ];
    each_language("tray", |words, text| {
        lines()
            .iter()
            .for_each(|line| writeln!(text, "{}", whole(words.line(line, NOW))).unwrap());
        writeln!(text, "---").unwrap();
        menu.iter()
            .for_each(|item| writeln!(text, "{}", whole(words.menu(*item, NOW))).unwrap());
    });
}
