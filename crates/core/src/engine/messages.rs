//! What comes into the engine, and what goes out.

use std::time::Duration;

use crate::code::Code;
use crate::facts::{Forget, PendingRelease};
use crate::hindrance::Hindrance;
use crate::jws::Thumbprint;
use crate::registration::Registration;
use crate::session::{SessionWish, WaitingDevice};
use crate::status::Party;
use crate::temporary::{SelfSigned, TemporaryClaims};
use crate::time::Timestamp;
use crate::usage::Usage;
use crate::vault::{KeyState, VaultTrouble};
use crate::view::{SignInMethod, SignInResult, UserCode};

/// A client's connection, as the agent numbers them.
pub type ClientId = u64;
/// Names a request whose answer may come later.
pub type Ticket = u64;
/// Names one thing that was started. An outcome of another attempt than the present one is dropped.
pub type Attempt = u64;

/// One program that has a product open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UseKey {
    /// Its connection.
    pub client: ClientId,
    /// Its own number for it.
    pub use_id: u64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Time passed.
    Tick,
    /// The machine woke from sleep: delivered before whatever it was that was noticed first.
    Woke {
        /// How long it slept.
        slept: Duration,
    },
    /// The machine's network changed.
    NetworkChanged,
    /// The registered products, at start and whenever they change.
    Registry(Vec<Registration>),
    /// A product starts. Its status is read with [`Engine::use_status`] right after.
    Authorize {
        /// Names the use.
        key: UseKey,
        /// Product key.
        product: String,
        /// Its version.
        version: String,
        /// It was running already, under an agent that has gone since.
        running: bool,
    },
    /// A product is closed.
    Release(UseKey),
    /// A connection is closed.
    ClientGone(ClientId),
    /// Somebody asks for something.
    Ask {
        /// Names the request.
        ticket: Ticket,
        /// Who asks.
        client: ClientId,
        /// What.
        ask: Ask,
    },
    /// Notices were shown.
    Shown(Vec<u64>),
    /// Something that an [`Effect`] asked for came to an end, or got somewhere.
    Outcome {
        /// Which.
        attempt: Attempt,
        /// What came of it.
        outcome: Outcome,
    },
    /// How the last [`Effect::Save`] went, before any other input: each one that failed, and the first that went well after it.
    Saved(bool),
    /// The vault is otherwise than before: what stands in the way of the secrets, if anything.
    Vault(Option<VaultTrouble>),
    /// Something happened at a service that concerns this device: a device was released from here.
    Changed(String),
    /// What the vault said of a service's device key.
    Key {
        /// The service.
        service: String,
        /// What it said.
        key: KeyState,
    },
}

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Sign in.
    SignIn(SignInWish),
    /// End the open sign-in.
    CancelSignIn,
    /// Sign out of this service, or of the only one there is.
    SignOut(Option<String>),
    /// Check every service now.
    Check,
    /// Reset one product, or everything.
    Reset(Option<String>),
    /// What becomes of the session of this product's service.
    Session {
        /// Product key.
        product: String,
        /// What the user wants.
        wish: SessionWish,
    },
}

/// How somebody wants to sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignInWish {
    /// The licensing service; the only one there is, when absent.
    pub service: Option<String>,
    /// The user's work address, whose domain leads to their company's identity service; the vendor's own, when absent.
    pub email: Option<String>,
    /// In the browser here, or by a code elsewhere. Whatever is open already, when absent; else the browser.
    pub method: Option<SignInMethod>,
}

/// Where to go to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The identity service.
    pub issuer: String,
    /// The address to open.
    pub url: String,
    /// The code to type there, for a sign-in by code.
    pub code: Option<UserCode>,
    /// When the provider's own patience ends, where that is sooner than ours.
    pub expires_in: Option<Duration>,
}

/// The answer to an [`Ask`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done.
    Done,
    /// The sign-in's address is known.
    SignIn {
        /// Names it.
        attempt: Attempt,
        /// Where to go.
        url: String,
        /// Whether whoever asked is the one that opens it.
        open: bool,
        /// The code to type there, for a sign-in by code.
        code: Option<UserCode>,
    },
    /// Every service answered its check.
    Checked {
        /// The earliest end of the leases held.
        until: Option<Timestamp>,
    },
    /// It was not done.
    Refused {
        /// The status code that fits.
        code: Code,
        /// A stable key with a sentence in `latchkey-words`.
        problem: String,
    },
}

impl Answer {
    pub(crate) fn refused(code: Code, problem: impl Into<String>) -> Self {
        Self::Refused {
            code,
            problem: problem.into(),
        }
    }
}

/// How a side answered when it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It answered, whatever it said.
    Answers,
    /// No answer: refused, timed out, 5xx, or something that is not its protocol.
    Silent,
    /// The machine itself has no route or name to it.
    NoRoute,
}

/// Why a check brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckFailure {
    /// A side did not answer.
    Unreachable {
        /// The licensing service.
        licensing: Side,
        /// The identity service.
        identity: Side,
    },
    /// Both services answer, and the identity service gives no access token: an error other than `invalid_grant` (RFC 6749 section
    /// 5.2), or tokens that are not believed. To the user it is as if it were out (rule 6).
    IdentityRefuses {
        /// The stable key of what it does not do, for which `latchkey-words` has a sentence.
        problem: &'static str,
    },
    /// The service is busy (429, or 503 with `Retry-After`): no outage.
    Busy {
        /// When it wants to be asked again, if it said.
        retry_after: Option<Duration>,
    },
    /// The licensing service answers, and the identity service is asked too often (429): no outage.
    IdentityBusy {
        /// When it wants to be asked again, if it said.
        retry_after: Option<Duration>,
    },
    /// The licensing service answers, and the identity service says that it is out, and for how long (503 with `Retry-After`).
    IdentityOut {
        /// When it wants to be asked again.
        retry_after: Duration,
    },
    /// The licensing service says that it is out, and for how long (5xx with `Retry-After`).
    LicensingOut {
        /// The identity service.
        identity: Side,
        /// When it wants to be asked again.
        retry_after: Duration,
    },
    /// The vault was not to be had.
    Vault(VaultTrouble),
    /// The vault is open and has nothing, although somebody is signed in.
    VaultEmptied,
    /// The identity service wants the user: it does not take our refresh token (`invalid_grant`), there is none, or it says so
    /// (`interaction_required` and the like, OpenID Connect Core 1.0 section 3.1.2.6).
    SignInAgain,
    /// The service does not know the user yet, and wants the ID token.
    IdTokenRequired,
    /// Something stands in the way that trying again will not mend.
    Hindered(Hindrance),
    /// The same, to the identity service alone: the licensing service answers, so that it is an outage of the other one (rule 6).
    IdentityHindered(Hindrance),
}

/// What a check brought, not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckAnswered {
    /// The `jti` of our request.
    pub request: String,
    /// The keys document that came along.
    pub keys: String,
    /// By product: a lease or a refusal.
    pub products: Vec<(String, Signed)>,
    /// Devices that wait for a session that this one has.
    pub waiting: Vec<WaitingDevice>,
}

/// A token of the service about one product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// `latchkey-lease+jwt`
    Lease(String),
    /// `latchkey-refusal+jwt`
    Refusal(String),
}

/// Who signed in, after the tokens are in the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The identity service.
    pub issuer: String,
    /// The user there.
    pub subject: String,
    /// Display name; the address where the provider gave no name.
    pub name: String,
    /// E-mail address.
    pub email: Option<String>,
    /// The device key in the vault.
    pub device: Thumbprint,
    /// Another account's key was in its place until now: the release of that device, whose place nobody needs any more.
    pub replaced: Option<Box<PendingRelease>>,
}

/// Why a temporary licence could not be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSigned {
    /// The device key is out of reach, or an ID token is not to be had.
    OutOfReach,
    /// The identity service wants the user ([`CheckFailure::SignInAgain`]).
    SignInAgain,
}

/// What came of an effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A check got so far that a request is on the wire.
    OnWire(Party),
    /// A check ended.
    Checked(Result<CheckAnswered, CheckFailure>),
    /// A probe ended: whether the two services answer.
    Probed {
        /// The licensing service.
        licensing: Side,
        /// The identity service.
        identity: Side,
    },
    /// A probe did not come to a service, because something stands in the way ([`CheckFailure::Hindered`]).
    ProbeHindered(CheckFailure),
    /// The stream of pushes stands.
    Listening,
    /// The service asks for a check.
    Pushed,
    /// The stream of pushes ended, or could not be had.
    ListeningEnded {
        /// When the service wants to be asked for it again, if it said.
        retry_after: Option<Duration>,
    },
    /// A sign-in's address is known.
    SignInReady(Invitation),
    /// The user came back from the browser.
    SignInReturned,
    /// A sign-in ended.
    SignInEnded(Result<SignedIn, SignInResult>),
    /// A temporary licence was signed, or could not be.
    TemporarySigned(Result<SelfSigned, NotSigned>),
    /// A release was signed, or could not be because the device key is out of reach.
    ReleaseSigned(Option<PendingRelease>),
    /// A release reached the service.
    ReleaseSent,
    /// A release did not reach it, or it did not take it.
    ReleaseNotSent {
        /// When the service wants to be asked again, if it said.
        retry_after: Option<Duration>,
    },
    /// The vault entry was deleted, or could not be yet.
    Forgotten(bool),
}

/// One product that is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Product key.
    pub product: String,
    /// Installed versions.
    pub versions: Vec<String>,
    /// A program has it open, or starts it.
    pub open: bool,
    /// What the user wants of its session.
    pub session: Option<SessionWish>,
}

/// A check that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckOrder {
    /// The licensing service.
    pub service: String,
    /// The identity service that the user is signed in at.
    pub issuer: String,
    /// What is asked about.
    pub products: Vec<Query>,
    /// Send the ID token along.
    pub identify: bool,
    /// Refresh credentials that are older than this.
    pub refresh_every: Duration,
    /// Minutes of use that the service has not taken yet.
    pub usage: Vec<Usage>,
}

/// Something to be done. Effects are carried out in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write the facts, and wait until they are safe, before anything that follows. With `both`, to both copies,
    /// so that no fallback revives what was ended.
    Save {
        /// Both copies.
        both: bool,
    },
    /// Check one service.
    Check {
        /// Names it.
        attempt: Attempt,
        /// What is asked, and how.
        order: Box<CheckOrder>,
    },
    /// Keep the stream of pushes open.
    Listen {
        /// Names it.
        attempt: Attempt,
        /// The licensing service.
        service: String,
        /// The identity service that the user is signed in at.
        issuer: String,
    },
    /// Close it.
    StopListening {
        /// Which.
        attempt: Attempt,
    },
    /// Find out whether the services answer, without signing in.
    Probe {
        /// Names it.
        attempt: Attempt,
        /// The licensing service.
        service: String,
        /// The identity service that the account is one of, if there is an account.
        issuer: Option<String>,
        /// Something answers in the licensing service's place, and says nothing of the network: the identity service is asked in any
        /// case.
        strange: bool,
    },
    /// Begin a sign-in.
    BeginSignIn {
        /// Names it.
        attempt: Attempt,
        /// The licensing service.
        service: String,
        /// The user's work address, if they gave one.
        email: Option<String>,
        /// In the browser here, or by a code elsewhere.
        method: SignInMethod,
        /// A session that the browser has at the identity service is not enough.
        anew: bool,
        /// How long it may take.
        within: Duration,
    },
    /// A sign-in is on disk: its page may say so.
    SignInKept {
        /// Which.
        attempt: Attempt,
    },
    /// End a sign-in: its listener closes.
    CancelSignIn {
        /// Which.
        attempt: Attempt,
    },
    /// Sign a release with the device key.
    SignRelease {
        /// Names it.
        attempt: Attempt,
        /// The licensing service.
        service: String,
        /// Which product; everything, and the device itself, when `None`.
        product: Option<String>,
        /// Trusted time, for its `iat`.
        at: Timestamp,
    },
    /// Sign a temporary licence with the device key; at once, but for an ID token.
    SignTemporary {
        /// Names it.
        attempt: Attempt,
        /// The licensing service.
        service: String,
        /// What it says.
        claims: Box<TemporaryClaims>,
        /// At a first start: the issuer whose ID token goes into it, a new one where the one that is kept is too old.
        identify: Option<String>,
    },
    /// Bring a release to the service.
    SendRelease {
        /// Names it.
        attempt: Attempt,
        /// The licensing service.
        service: String,
        /// The release.
        release: PendingRelease,
    },
    /// Stop everything that is under way for a service, and delete from the vault.
    Forget {
        /// Names it.
        attempt: Attempt,
        /// The licensing service.
        service: String,
        /// What.
        what: Forget,
    },
    /// Answer a request.
    Answer {
        /// Which.
        ticket: Ticket,
        /// With what.
        answer: Answer,
    },
    /// The status of an open use is another than it was told.
    UseChanged(UseKey),
    /// The View changed.
    Publish,
    /// Call again at these ticks at the latest; never, when `None`.
    WakeAt(Option<Duration>),
}
