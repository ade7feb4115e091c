use latchkey_core::code::{Basis, Code};
use latchkey_core::notice::Left;
use latchkey_core::time::{DAY, HOUR, Timestamp};
use latchkey_core::view::{Away, Headline, Line, ProductView, Reach, SignInMethod, UserView};
use latchkey_words::jiff::tz::TimeZone;

use super::*;

/// 2026-11-24T13:05:00Z: in Berlin, 27 days before 21 December 14:05.
const AT: Timestamp = Timestamp::from_secs(1_795_525_500);
const SERVICE: &str = "https://licence.example";

fn words(language: &str) -> Words {
    Words::new(language, TimeZone::get("Europe/Berlin").unwrap())
}

fn product(key: &str, name: &str, status: StatusView) -> ProductView {
    ProductView {
        product: key.into(),
        version: "2026.1".into(),
        name: name.into(),
        publisher: "Example".into(),
        service: SERVICE.into(),
        status,
        open: 0,
        checked_at: Some(AT),
        offline_for: Some(30 * 86_400),
        org: None,
    }
}

fn ok(basis: Basis, left: Left) -> StatusView {
    let until = Some(AT + 27 * DAY);
    StatusView {
        basis: Some(basis),
        left: Some(left),
        until,
        ..status(Code::Ok)
    }
}

fn status(code: Code) -> StatusView {
    StatusView {
        code: code.number(),
        name: code.name().into(),
        ..StatusView::default()
    }
}

fn account(service: &str, user: Option<&str>) -> AccountView {
    AccountView {
        service: service.into(),
        user: user.map(|name| UserView {
            name: name.into(),
            email: None,
            issuer: "https://id.example".into(),
        }),
        reach: Reach::Online,
        checked_at: None,
        next_check_at: None,
        checking: false,
        release_waiting: false,
        session_awaited: Vec::new(),
    }
}

fn view(line: Line, accounts: Vec<AccountView>, products: Vec<ProductView>) -> View {
    View {
        at: AT,
        headline: Headline {
            line,
            ..Headline::default()
        },
        accounts,
        products,
        ..View::default()
    }
}

fn licensed() -> View {
    view(
        Line::Licensed {
            user: "Maya Lindqvist".into(),
        },
        vec![account(SERVICE, Some("Maya Lindqvist"))],
        vec![product("ATLAS", "Atlas", ok(Basis::Lease, Left::Days(30)))],
    )
}

fn signed_out() -> View {
    let atlas = product("ATLAS", "Atlas", status(Code::SignInRequired));
    view(Line::SignedOut, vec![account(SERVICE, None)], vec![atlas])
}

fn signing_in(phase: SignInPhase, url: Option<&str>) -> View {
    let sign_in = SignInView {
        attempt: 1,
        service: SERVICE.into(),
        method: SignInMethod::Browser,
        issuer: None,
        code: None,
        phase,
        url: url.map(str::to_owned),
        since: AT,
        until: AT + HOUR / 4,
    };
    View {
        headline: Headline {
            line: Line::SigningIn,
            ..Headline::default()
        },
        sign_in: Some(sign_in),
        ..signed_out()
    }
}

/// The menu as a person sees it, what each entry does behind it.
fn shown(view: Option<&View>) -> String {
    let mut text = String::new();
    write(&mut text, 0, &menu(view, true, &words("en")));
    text
}

fn write(text: &mut String, depth: usize, entries: &[Entry]) {
    for entry in entries {
        let indent = "    ".repeat(depth);
        let line = match entry {
            Entry::Line(line) => format!("{indent}({line})"),
            Entry::Separator => format!("{indent}───"),
            Entry::Item { label, action } => format!("{indent}{label}  → {action:?}"),
            Entry::Check {
                label,
                action,
                checked,
            } => {
                format!(
                    "{indent}[{}] {label}  → {action:?}",
                    if *checked { 'x' } else { ' ' }
                )
            }
            Entry::Submenu { label, .. } => format!("{indent}{label} ▸"),
        };
        text.push_str(&line);
        text.push('\n');
        if let Entry::Submenu { entries, .. } = entry {
            write(text, depth + 1, entries);
        }
    }
}

#[test]
fn the_agent_cannot_be_reached() {
    insta::assert_snapshot!(shown(None), @r#"
    (Latchkey is not running)
    ───
    Open Latchkey  → Open { screen: "" }
    [x] Start at login  → ToggleAutostart
    Quit  → Quit
    "#);
}

#[test]
fn nothing_is_registered() {
    insta::assert_snapshot!(shown(Some(&view(Line::NoProducts, vec![], vec![]))), @r#"
    (No product is registered)
    ───
    Open Latchkey  → Open { screen: "" }
    [x] Start at login  → ToggleAutostart
    Quit  → Quit
    "#);
}

#[test]
fn signed_out_offers_sign_in() {
    insta::assert_snapshot!(shown(Some(&signed_out())), @r#"
    (Signed out)
    ───
    Atlas 2026.1 — signed out ▸
        Details  → Open { screen: "product:ATLAS" }
        Reset licence…  → Open { screen: "reset:ATLAS" }
    ───
    Sign in…  → SignIn { service: "https://licence.example" }
    Manage licences ▸
        Reset Atlas…  → Open { screen: "reset:ATLAS" }
        Reset all…  → Open { screen: "reset" }
    ───
    Open Latchkey  → Open { screen: "" }
    [x] Start at login  → ToggleAutostart
    Quit  → Quit
    "#);
}

#[test]
fn a_sign_in_that_begins_can_be_cancelled() {
    insta::assert_snapshot!(shown(Some(&signing_in(SignInPhase::Starting, None))), @r#"
    (Signing in…)
    ───
    Atlas 2026.1 — signed out ▸
        Details  → Open { screen: "product:ATLAS" }
        Reset licence…  → Open { screen: "reset:ATLAS" }
    ───
    Cancel sign-in  → CancelSignIn
    Manage licences ▸
        Reset Atlas…  → Open { screen: "reset:ATLAS" }
        Reset all…  → Open { screen: "reset" }
    ───
    Open Latchkey  → Open { screen: "" }
    [x] Start at login  → ToggleAutostart
    Quit  → Quit
    "#);
}

#[test]
fn a_sign_in_that_waits_can_be_opened_copied_and_cancelled() {
    let view = signing_in(
        SignInPhase::WaitingForUser,
        Some("https://id.example/auth?state=x"),
    );
    insta::assert_snapshot!(shown(Some(&view)), @r#"
    (Signing in…)
    ───
    Atlas 2026.1 — signed out ▸
        Details  → Open { screen: "product:ATLAS" }
        Reset licence…  → Open { screen: "reset:ATLAS" }
    ───
    Open the sign-in page again  → OpenSignIn { url: "https://id.example/auth?state=x" }
    Copy the sign-in link  → CopySignInLink { url: "https://id.example/auth?state=x" }
    Cancel sign-in  → CancelSignIn
    Manage licences ▸
        Reset Atlas…  → Open { screen: "reset:ATLAS" }
        Reset all…  → Open { screen: "reset" }
    ───
    Open Latchkey  → Open { screen: "" }
    [x] Start at login  → ToggleAutostart
    Quit  → Quit
    "#);
}

#[test]
fn licensed_is_calm() {
    insta::assert_snapshot!(shown(Some(&licensed())), @r#"
    (Maya Lindqvist — licensed)
    ───
    Atlas 2026.1 — ready ▸
        Details  → Open { screen: "product:ATLAS" }
        Reset licence…  → Open { screen: "reset:ATLAS" }
    ───
    Sign out  → Open { screen: "sign-out" }
    Prepare for offline  → PrepareOffline
    Manage licences ▸
        Reset Atlas…  → Open { screen: "reset:ATLAS" }
        Reset all…  → Open { screen: "reset" }
        Devices…  → Open { screen: "devices" }
    ───
    Open Latchkey  → Open { screen: "" }
    [x] Start at login  → ToggleAutostart
    Quit  → Quit
    "#);
}

#[test]
fn offline_says_how_long() {
    let (left, until) = (Left::Days(27), AT + 27 * DAY);
    let view = View {
        headline: Headline {
            line: Line::Offline {
                away: Away::Offline,
                product: "Atlas".into(),
                left,
                until,
            },
            ..Headline::default()
        },
        products: vec![product("ATLAS", "Atlas", ok(Basis::Grace, left))],
        ..licensed()
    };
    insta::assert_snapshot!(shown(Some(&view)), @r#"
    (Offline — 27 days left, until 21 December 14:05)
    ───
    Atlas 2026.1 — offline, 27 days left ▸
        Details  → Open { screen: "product:ATLAS" }
        Reset licence…  → Open { screen: "reset:ATLAS" }
    ───
    Sign out  → Open { screen: "sign-out" }
    Prepare for offline  → PrepareOffline
    Manage licences ▸
        Reset Atlas…  → Open { screen: "reset:ATLAS" }
        Reset all…  → Open { screen: "reset" }
        Devices…  → Open { screen: "devices" }
    ───
    Open Latchkey  → Open { screen: "" }
    [x] Start at login  → ToggleAutostart
    Quit  → Quit
    "#);
}

#[test]
fn the_final_days_say_what_to_do() {
    let (left, until) = (Left::Days(2), AT + 2 * DAY);
    let view = View {
        headline: Headline {
            line: Line::Final {
                away: Away::Offline,
                product: "Atlas".into(),
                left,
                until,
            },
            ..Headline::default()
        },
        products: vec![product("ATLAS", "Atlas", ok(Basis::FinalWarning, left))],
        ..licensed()
    };
    insta::assert_snapshot!(shown(Some(&view)), @r#"
    (Less than 2 days left — connect before 26 November 14:05)
    ───
    Atlas 2026.1 — less than 2 days left ▸
        Details  → Open { screen: "product:ATLAS" }
        Reset licence…  → Open { screen: "reset:ATLAS" }
    ───
    Sign out  → Open { screen: "sign-out" }
    Prepare for offline  → PrepareOffline
    Manage licences ▸
        Reset Atlas…  → Open { screen: "reset:ATLAS" }
        Reset all…  → Open { screen: "reset" }
        Devices…  → Open { screen: "devices" }
    ───
    Open Latchkey  → Open { screen: "" }
    [x] Start at login  → ToggleAutostart
    Quit  → Quit
    "#);
}

#[test]
fn stopped_names_the_product_and_why() {
    let line = Line::Stopped {
        product: "Atlas".into(),
        code: Code::OfflineLimitReached.number(),
        stop_at: None,
    };
    let view = View {
        headline: Headline {
            line,
            ..Headline::default()
        },
        products: vec![
            product("ATLAS", "Atlas", status(Code::OfflineLimitReached)),
            product("BOLT", "Bolt & Nut", ok(Basis::Grace, Left::Days(12))),
        ],
        ..licensed()
    };
    insta::assert_snapshot!(shown(Some(&view)), @r#"
    (Atlas has stopped — offline too long)
    ───
    Atlas 2026.1 — offline too long ▸
        Details  → Open { screen: "product:ATLAS" }
        Reset licence…  → Open { screen: "reset:ATLAS" }
    Bolt & Nut 2026.1 — offline, 12 days left ▸
        Details  → Open { screen: "product:BOLT" }
        Reset licence…  → Open { screen: "reset:BOLT" }
    ───
    Sign out  → Open { screen: "sign-out" }
    Prepare for offline  → PrepareOffline
    Manage licences ▸
        Reset Atlas…  → Open { screen: "reset:ATLAS" }
        Reset Bolt & Nut…  → Open { screen: "reset:BOLT" }
        Reset all…  → Open { screen: "reset" }
        Devices…  → Open { screen: "devices" }
    ───
    Open Latchkey  → Open { screen: "" }
    [x] Start at login  → ToggleAutostart
    Quit  → Quit
    "#);
}

#[test]
fn an_outage_says_that_work_goes_on() {
    let line = Line::Outage {
        reach: Reach::LicensingOutage,
    };
    let view = View {
        headline: Headline {
            line,
            ..Headline::default()
        },
        products: vec![product("ATLAS", "Atlas", ok(Basis::Outage, Left::Days(30)))],
        ..licensed()
    };
    insta::assert_snapshot!(shown(Some(&view)), @r#"
    (The licensing service is not answering — you can keep working)
    ───
    Atlas 2026.1 — ready, service not answering ▸
        Details  → Open { screen: "product:ATLAS" }
        Reset licence…  → Open { screen: "reset:ATLAS" }
    ───
    Sign out  → Open { screen: "sign-out" }
    Prepare for offline  → PrepareOffline
    Manage licences ▸
        Reset Atlas…  → Open { screen: "reset:ATLAS" }
        Reset all…  → Open { screen: "reset" }
        Devices…  → Open { screen: "devices" }
    ───
    Open Latchkey  → Open { screen: "" }
    [x] Start at login  → ToggleAutostart
    Quit  → Quit
    "#);
}

#[test]
fn versions_of_one_product_share_their_licence() {
    let mut older = product("ATLAS", "Atlas", ok(Basis::Lease, Left::Days(30)));
    older.version = "2025.2".into();
    let mut view = licensed();
    view.products.insert(0, older);
    insta::assert_snapshot!(shown(Some(&view)), @r#"
    (Maya Lindqvist — licensed)
    ───
    Atlas 2025.2 — ready ▸
        Details  → Open { screen: "product:ATLAS" }
        Reset licence…  → Open { screen: "reset:ATLAS" }
    Atlas 2026.1 — ready ▸
        Details  → Open { screen: "product:ATLAS" }
        Reset licence…  → Open { screen: "reset:ATLAS" }
    ───
    Sign out  → Open { screen: "sign-out" }
    Prepare for offline  → PrepareOffline
    Manage licences ▸
        Reset Atlas…  → Open { screen: "reset:ATLAS" }
        Reset all…  → Open { screen: "reset" }
        Devices…  → Open { screen: "devices" }
    ───
    Open Latchkey  → Open { screen: "" }
    [x] Start at login  → ToggleAutostart
    Quit  → Quit
    "#);
}

#[test]
fn two_services_are_told_apart() {
    let mut view = signed_out();
    view.accounts
        .push(account("https://other.example:8443/licence", None));
    insta::assert_snapshot!(shown(Some(&view)), @r#"
    (Signed out)
    ───
    Atlas 2026.1 — signed out ▸
        Details  → Open { screen: "product:ATLAS" }
        Reset licence…  → Open { screen: "reset:ATLAS" }
    ───
    Sign in… ▸
        licence.example  → SignIn { service: "https://licence.example" }
        other.example  → SignIn { service: "https://other.example:8443/licence" }
    Manage licences ▸
        Reset Atlas…  → Open { screen: "reset:ATLAS" }
        Reset all…  → Open { screen: "reset" }
    ───
    Open Latchkey  → Open { screen: "" }
    [x] Start at login  → ToggleAutostart
    Quit  → Quit
    "#);
}

#[test]
fn an_ended_sign_in_can_be_renewed() {
    for problem in [Problem::SignInAgain, Problem::VaultEntryGone] {
        let view = View {
            problems: vec![problem],
            ..licensed()
        };
        let menu = shown(Some(&view));
        assert!(menu.contains("SignIn {") && menu.contains("sign-out"), "{menu}");
    }
}

#[test]
fn every_word_is_translated() {
    let view = signing_in(SignInPhase::WaitingForUser, Some("https://id.example/"));
    let labels = |language| {
        let mut text = String::new();
        write(&mut text, 0, &menu(Some(&view), false, &words(language)));
        text
    };
    insta::assert_snapshot!(labels("de"), @r#"
    (Anmeldung läuft …)
    ───
    Atlas 2026.1 – abgemeldet ▸
        Details  → Open { screen: "product:ATLAS" }
        Lizenz zurücksetzen …  → Open { screen: "reset:ATLAS" }
    ───
    Anmeldeseite erneut öffnen  → OpenSignIn { url: "https://id.example/" }
    Link der Anmeldeseite kopieren  → CopySignInLink { url: "https://id.example/" }
    Anmeldung abbrechen  → CancelSignIn
    Lizenzen verwalten ▸
        Atlas zurücksetzen …  → Open { screen: "reset:ATLAS" }
        Alles zurücksetzen …  → Open { screen: "reset" }
    ───
    Latchkey öffnen  → Open { screen: "" }
    [ ] Bei der Anmeldung am Computer starten  → ToggleAutostart
    Beenden  → Quit
    "#);
}
