//! States to be shown. It is 24 November 2026, 14:05 in Berlin.

use latchkey_core::code::{Basis, Code, Reason};
use latchkey_core::lease::{DeviceEntry, RefusalDetail};
use latchkey_core::notice::Left;
use latchkey_core::time::{DAY, HOUR, MINUTE, Timestamp};
use latchkey_core::view::{
    AccountView, Away, Headline, Icon, Line, Problem, ProductView, Reach, SignInEnd, SignInMethod,
    SignInPhase, SignInResult, SignInView, StatusView, UserView, View,
};

pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_795_525_500);
pub(crate) const SERVICE: &str = "https://licence.example";
pub(crate) const ADDRESS: &str =
    "https://id.example/authorize?client_id=latchkey&redirect_uri=http%3A%2F%2F127.0.0.1%3A41234%2Fcallback";

pub(crate) fn status(code: Code) -> StatusView {
    StatusView {
        code: code.number(),
        name: code.name().to_owned(),
        ..StatusView::default()
    }
}

pub(crate) fn licensed() -> StatusView {
    StatusView {
        basis: Some(Basis::Lease),
        until: Some(NOW + 30 * DAY),
        left: Some(Left::Days(30)),
        ..status(Code::Ok)
    }
}

pub(crate) fn atlas(status: StatusView) -> ProductView {
    ProductView {
        product: "ATLAS".to_owned(),
        version: "2026.1".to_owned(),
        name: "Atlas".to_owned(),
        publisher: "Lindqvist".to_owned(),
        service: SERVICE.to_owned(),
        status,
        open: 0,
        checked_at: Some(NOW - HOUR),
        offline_for: Some(30 * 86_400),
        org: Some("Lindqvist AB".to_owned()),
    }
}

pub(crate) fn account() -> AccountView {
    AccountView {
        service: SERVICE.to_owned(),
        user: Some(UserView {
            name: "Maya Lindqvist".to_owned(),
            email: Some("maya@lindqvist.example".to_owned()),
            issuer: "https://id.example".to_owned(),
        }),
        reach: Reach::Online,
        checked_at: Some(NOW - HOUR),
        next_check_at: Some(NOW + 22 * HOUR),
        checking: false,
        release_waiting: false,
        session_awaited: Vec::new(),
    }
}

/// One product that stands as `status` says, and the user who is signed in.
pub(crate) fn with_status(status: StatusView) -> View {
    View {
        revision: 1,
        at: NOW,
        headline: Headline {
            icon: Icon::Ready,
            line: Line::Licensed {
                user: "Maya Lindqvist".to_owned(),
            },
        },
        accounts: vec![account()],
        products: vec![atlas(status)],
        ..View::default()
    }
}

/// All is well.
pub(crate) fn ready() -> View {
    with_status(licensed())
}

/// Nobody is signed in.
pub(crate) fn signed_out() -> View {
    View {
        headline: Headline {
            icon: Icon::SignedOut,
            line: Line::SignedOut,
        },
        accounts: vec![AccountView {
            user: None,
            checked_at: None,
            next_check_at: None,
            reach: Reach::Unknown,
            ..account()
        }],
        ..with_status(status(Code::SignInRequired))
    }
}

/// A sign-in that is open since a minute.
pub(crate) fn signing_in(phase: SignInPhase) -> View {
    View {
        headline: Headline {
            icon: Icon::SignedOut,
            line: Line::SigningIn,
        },
        sign_in: Some(SignInView {
            attempt: 7,
            service: SERVICE.to_owned(),
            method: SignInMethod::Browser,
            phase,
            issuer: (phase != SignInPhase::Starting).then(|| "https://id.example".to_owned()),
            code: None,
            url: (phase != SignInPhase::Starting).then(|| ADDRESS.to_owned()),
            since: NOW - MINUTE,
            until: NOW + 14 * MINUTE,
        }),
        ..signed_out()
    }
}

/// The sign-in has ended.
pub(crate) fn sign_in_ended(result: SignInResult) -> View {
    let view = if result == SignInResult::SignedIn {
        ready()
    } else {
        signed_out()
    };
    View {
        last_sign_in: Some(SignInEnd {
            attempt: 7,
            method: SignInMethod::Browser,
            result,
        }),
        ..view
    }
}

/// Two products and everything that can be wrong besides.
pub(crate) fn troubled() -> View {
    let until = NOW + 27 * DAY;
    let offline = StatusView {
        basis: Some(Basis::Grace),
        until: Some(until),
        left: Some(Left::Days(27)),
        ..status(Code::Ok)
    };
    let borealis = ProductView {
        product: "BOREALIS".to_owned(),
        version: "4".to_owned(),
        name: "Borealis".to_owned(),
        open: 1,
        org: None,
        checked_at: None,
        ..atlas(StatusView {
            stop_at: Some(NOW + 10 * MINUTE),
            since: Some(NOW - HOUR),
            detail: Some(detail()),
            ..status(Code::DeviceLimit)
        })
    };
    View {
        revision: 9,
        at: NOW,
        headline: Headline {
            icon: Icon::Offline,
            line: Line::Offline {
                away: Away::Offline,
                product: "Atlas".to_owned(),
                left: Left::Days(27),
                until,
            },
        },
        accounts: vec![
            AccountView {
                reach: Reach::Offline,
                release_waiting: true,
                ..account()
            },
            AccountView {
                service: "https://other.example".to_owned(),
                user: None,
                reach: Reach::Doubtful,
                checked_at: None,
                checking: true,
                ..account()
            },
        ],
        products: vec![atlas(offline), borealis],
        sign_in: signing_in(SignInPhase::WaitingForUser).sign_in,
        problems: vec![Problem::ClockWrong, Problem::StateRecovered],
        ..View::default()
    }
}

pub(crate) fn detail() -> RefusalDetail {
    let device = |name: &str, system: &str| DeviceEntry {
        id: name.to_lowercase(),
        name: name.to_owned(),
        system: system.to_owned(),
        last_seen: (NOW - HOUR).as_secs(),
    };
    RefusalDetail {
        devices: vec![device("STUDIO-1", "Debian 12"), device("STUDIO-2", "Windows 11")],
        holder: Some(device("STUDIO-2", "Windows 11")),
        holder_since: Some((NOW - HOUR).as_secs()),
        may_take_over: true,
        minimum_version: Some("2.0".to_owned()),
        contact: Some("it@lindqvist.example".to_owned()),
    }
}

/// Every status that there is.
pub(crate) fn statuses() -> Vec<StatusView> {
    let ok = Basis::ALL.iter().map(|&basis| StatusView {
        basis: Some(basis),
        ..licensed()
    });
    let pending = Reason::ALL.iter().map(|&reason| StatusView {
        reason: Some(reason),
        since: Some(NOW),
        until: Some(NOW + 5 * MINUTE),
        ..status(Code::AuthPending)
    });
    let others = Code::ALL
        .iter()
        .filter(|code| !matches!(code, Code::Ok | Code::AuthPending));
    let others = others.map(|&code| StatusView {
        until: (code == Code::OfflineLimitReached).then(|| NOW - HOUR),
        detail: match code {
            Code::DeviceLimit => Some(RefusalDetail {
                devices: detail().devices,
                ..RefusalDetail::default()
            }),
            Code::SessionInUse => Some(RefusalDetail {
                holder: detail().holder,
                ..RefusalDetail::default()
            }),
            _ => None,
        },
        ..status(code)
    });
    let newer = StatusView {
        code: 99,
        name: "NEWER".to_owned(),
        ..StatusView::default()
    };
    ok.chain(pending).chain(others).chain([newer]).collect()
}
