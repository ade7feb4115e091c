//! What may happen, as sentences, so that a history that breaks the rules reads like a story.

use std::fmt;
use std::time::Duration;

use latchkey_core::code::Code;
use latchkey_core::engine::CheckFailure;
use latchkey_core::hindrance::{Hindrance, NetworkTrouble};
use latchkey_core::policy::Policy;
use latchkey_core::session::SessionWish;
use proptest::prelude::*;
use proptest::sample::select;

use super::history::History;
use super::terms::{Terms, policies};
use crate::support::licensing::Seat;
use crate::support::world::{Keyring, User, Wire};
use crate::support::{ATLAS, QUARRY, blocked, days, hours, minutes, seconds};

/// One thing that happens.
#[derive(Clone, PartialEq)]
pub(super) enum Step {
    Pass(Duration),
    Sleep(Duration),
    /// Off for so long, and the wall clock is moved by so many days meanwhile.
    Off(Duration, i64),
    MoveWall(i64),
    Network(bool),
    /// The same, and the system says nothing.
    NetworkUnseen(bool),
    Licensing(bool),
    Identity(bool),
    Wire(Wire),
    /// Whether the identity service gives access tokens, and what its answer means where it does not.
    NoToken(Option<CheckFailure>),
    Latency(Duration),
    Keyring(Keyring),
    EndGrant,
    /// Whether the service has streams of pushes.
    Streams(bool),
    Push,
    Session(&'static str, SessionWish),
    Start(&'static str),
    /// The program that has been there longest closes.
    Close,
    Seat(&'static str, Seat),
    /// It counts with the next lease.
    Policy(&'static str, Box<Policy>),
    Check,
    SignIn(User),
    SignOut,
    Reset(Option<&'static str>),
    /// The last answer arrives once more.
    Echo,
    Crash,
    /// The agent dies in front of this many-th effect from now, and is started again.
    CrashWithin(u32),
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let comes_and_goes = |up: &bool| if *up { "is back" } else { "is gone" };
        match self {
            Self::Pass(time) => write!(f, "{} pass", Time(*time)),
            Self::Sleep(time) => write!(f, "the machine sleeps for {}", Time(*time)),
            Self::Off(time, 0) => write!(f, "the machine is off for {}", Time(*time)),
            Self::Off(time, moved) => write!(
                f,
                "the machine is off for {}, and its clock is moved by {moved} days meanwhile",
                Time(*time)
            ),
            Self::MoveWall(moved) => write!(f, "the wall clock is moved by {moved} days"),
            Self::Network(up) => write!(f, "the network {}", comes_and_goes(up)),
            Self::NetworkUnseen(up) => write!(f, "the network {}, and nobody says so", comes_and_goes(up)),
            Self::Licensing(up) => write!(f, "the licensing service {}", comes_and_goes(up)),
            Self::Identity(up) => write!(f, "the identity service {}", comes_and_goes(up)),
            Self::Wire(wire) => write!(f, "from now on answers are {wire:?}"),
            Self::NoToken(None) => f.write_str("the identity service gives tokens"),
            Self::NoToken(Some(failure)) => write!(f, "the identity service gives no token: {failure:?}"),
            Self::Latency(time) => write!(f, "from now on an answer takes {}", Time(*time)),
            Self::Keyring(keyring) => write!(f, "the keyring is {keyring:?}"),
            Self::EndGrant => f.write_str("the identity service ends the grant"),
            Self::Streams(true) => f.write_str("the service pushes"),
            Self::Streams(false) => f.write_str("the service pushes no more"),
            Self::Push => f.write_str("the service wants to be asked"),
            Self::Session(product, wish) => {
                write!(f, "the user wants the session of {product} to be: {wish:?}")
            }
            Self::Start(product) => write!(f, "{product} starts"),
            Self::Close => f.write_str("the oldest program closes"),
            Self::Seat(product, seat) => write!(f, "the seat for {product} is {seat:?}"),
            Self::Policy(product, policy) => {
                write!(f, "from now on {product} is licensed under {}", Terms(policy))
            }
            Self::Check => f.write_str("the user asks for a check"),
            Self::SignIn(user) => write!(f, "the user begins to sign in, and {user:?}"),
            Self::SignOut => f.write_str("the user signs out"),
            Self::Reset(None) => f.write_str("everything is reset"),
            Self::Reset(Some(product)) => write!(f, "{product} is reset"),
            Self::Echo => f.write_str("the last answer arrives once more"),
            Self::Crash => f.write_str("the agent crashes"),
            Self::CrashWithin(effects) => write!(f, "the agent crashes within {effects} effects"),
        }
    }
}

/// A duration, as people say it.
pub(super) struct Time(pub(super) Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.0.as_secs();
        match () {
            () if secs >= 86_400 => write!(f, "{:.2} days", self.0.as_secs_f64() / 86_400.0),
            () if secs >= 3_600 => write!(f, "{:.2} hours", self.0.as_secs_f64() / 3_600.0),
            () if secs >= 60 => write!(f, "{:.2} minutes", self.0.as_secs_f64() / 60.0),
            () => write!(f, "{:.3} seconds", self.0.as_secs_f64()),
        }
    }
}

/// Up to `longest`, short times as likely as long ones.
fn up_to(longest: Duration) -> impl Strategy<Value = Duration> + Clone {
    let scales = [seconds(20), minutes(10), hours(2), days(2), days(45)];
    let scales: Vec<Duration> = scales.into_iter().map(|scale| scale.min(longest)).collect();
    (select(scales), 1_u32..=1000).prop_map(|(scale, share)| {
        let millis = u64::try_from(scale.as_millis()).unwrap() * u64::from(share) / 1000;
        Duration::from_millis(millis.max(1))
    })
}

fn product() -> impl Strategy<Value = &'static str> {
    select(vec![ATLAS, QUARRY])
}

fn seat() -> impl Strategy<Value = Seat> {
    prop_oneof![
        3 => Just(Seat::Assigned),
        4 => select(vec![
            Seat::Refused(Code::NotAssigned),
            Seat::Refused(Code::SubscriptionEnded),
            Seat::Refused(Code::DeviceLimit),
            Seat::Refused(Code::SessionInUse),
            Seat::Refused(Code::ClientOutdated),
            Seat::Refused(Code::DeviceReleased),
        ]),
    ]
}

fn wires() -> impl Strategy<Value = Wire> {
    prop_oneof![
        4 => Just(Wire::Honest),
        4 => select(vec![
            Wire::Tampered,
            Wire::TamperedAbout(ATLAS),
            Wire::Replayed,
            Wire::Foreign,
            Wire::Fails(CheckFailure::Busy { retry_after: Some(seconds(200)) }),
            Wire::Fails(CheckFailure::Hindered(blocked(NetworkTrouble::WebPage))),
            Wire::Fails(CheckFailure::Hindered(Hindrance::ClockWrong { ahead: None })),
        ]),
    ]
}

fn tokens() -> impl Strategy<Value = Option<CheckFailure>> {
    select(vec![
        None,
        None,
        Some(CheckFailure::IdentityRefuses {
            problem: "provider_error",
        }),
        Some(CheckFailure::IdentityHindered(blocked(NetworkTrouble::Tls))),
        Some(CheckFailure::IdentityBusy {
            retry_after: Some(seconds(100)),
        }),
        Some(CheckFailure::IdentityOut {
            retry_after: seconds(100),
        }),
    ])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => up_to(days(2)).prop_map(Step::Pass),
        6 => up_to(days(45)).prop_map(Step::Sleep),
        3 => (up_to(days(45)), select(vec![0, 0, 0, -400, -12, -1, 1, 12, 400]))
            .prop_map(|(time, moved)| Step::Off(time, moved)),
        2 => select(vec![-400, -12, -1, 1, 12, 400]).prop_map(Step::MoveWall),
        4 => any::<bool>().prop_map(Step::Network),
        2 => any::<bool>().prop_map(Step::NetworkUnseen),
        3 => any::<bool>().prop_map(Step::Licensing),
        3 => any::<bool>().prop_map(Step::Identity),
        3 => wires().prop_map(Step::Wire),
        2 => tokens().prop_map(Step::NoToken),
        1 => select(vec![50, 200, 2_000, 20_000]).prop_map(|millis| Step::Latency(Duration::from_millis(millis))),
        2 => select(vec![Keyring::Open, Keyring::Open, Keyring::Locked, Keyring::Missing]).prop_map(Step::Keyring),
        1 => Just(Step::EndGrant),
        3 => any::<bool>().prop_map(Step::Streams),
        1 => Just(Step::Push),
        2 => (product(), select(vec![SessionWish::TakeOver, SessionWish::HandOver]))
            .prop_map(|(product, wish)| Step::Session(product, wish)),
        6 => product().prop_map(Step::Start),
        2 => Just(Step::Close),
        3 => (product(), seat()).prop_map(|(product, seat)| Step::Seat(product, seat)),
        2 => (product(), policies()).prop_map(|(product, policy)| Step::Policy(product, Box::new(policy))),
        4 => Just(Step::Check),
        4 => select(vec![User::SignsIn, User::SignsIn, User::SignsIn, User::Denies, User::Ignores])
            .prop_map(Step::SignIn),
        1 => Just(Step::SignOut),
        2 => select(vec![None, Some(ATLAS), Some(QUARRY)]).prop_map(Step::Reset),
        1 => Just(Step::Echo),
        2 => Just(Step::Crash),
        2 => (0_u32..12).prop_map(Step::CrashWithin),
    ]
}

/// What seldom comes together by chance.
fn scene() -> impl Strategy<Value = Vec<Step>> {
    let told = (product(), seat(), up_to(minutes(10))).prop_map(|(product, seat, after)| {
        vec![
            Step::Start(product),
            Step::Pass(after),
            Step::Seat(product, seat),
            Step::Check,
            Step::Pass(after),
        ]
    });
    let fault = prop_oneof![step(), wires().prop_map(Step::Wire)];
    let first_start = (product(), fault, up_to(minutes(10))).prop_map(|(product, fault, after)| {
        vec![
            Step::Reset(Some(product)),
            Step::Pass(after),
            fault,
            Step::Start(product),
            Step::Pass(after),
        ]
    });
    let away = (product(), up_to(days(45)), up_to(hours(2)), any::<bool>());
    let away = away.prop_map(|(product, away, after, back)| {
        vec![
            Step::Start(product),
            Step::Pass(after),
            Step::Network(false),
            Step::Sleep(away),
            Step::Pass(after),
            Step::Network(back),
            Step::Pass(after),
        ]
    });
    let outage = (product(), up_to(hours(2)), up_to(days(4)));
    let outage = outage.prop_map(|(product, before, during)| {
        vec![
            Step::Start(product),
            Step::Pass(before),
            Step::Licensing(false),
            Step::Pass(during),
            Step::Start(product),
        ]
    });
    let denied = (product(), up_to(hours(2)), up_to(days(2)));
    let denied = denied.prop_map(|(product, before, during)| {
        vec![
            Step::Start(product),
            Step::Pass(before),
            Step::Identity(false),
            Step::Pass(during),
            Step::Start(product),
            Step::Pass(before),
        ]
    });
    let spreads = (product(), up_to(minutes(20))).prop_map(|(product, after)| {
        vec![
            Step::Seat(product, Seat::Refused(Code::NotAssigned)),
            Step::Start(product),
            Step::Pass(after),
        ]
    });
    let mended = Just(vec![
        Step::Network(true),
        Step::Licensing(true),
        Step::Identity(true),
        Step::Wire(Wire::Honest),
        Step::NoToken(None),
        Step::Keyring(Keyring::Open),
    ]);
    prop_oneof![
        20 => step().prop_map(|step| vec![step]),
        2 => told,
        1 => first_start,
        1 => away,
        1 => outage,
        1 => denied,
        1 => spreads,
        2 => mended,
    ]
}

/// Histories of some dozen steps; most begin signed in, and half of them under the default policy.
pub(super) fn histories() -> impl Strategy<Value = History> {
    let begin = prop::bool::weighted(0.8);
    let terms = prop_oneof![
        Just([Policy::default(), Policy::default()]),
        [policies(), policies()],
    ];
    let scenes = prop::collection::vec(scene(), 1..30);
    (any::<u16>(), begin, terms, scenes).prop_map(|(dice, signed_in, terms, scenes)| History {
        dice,
        signed_in,
        terms,
        steps: scenes.concat(),
    })
}
