//! The rows, as the rest of the service sees them. Instants are [`Timestamp`]s in the code and whole seconds in JSON.

mod issuers;

use std::time::Duration;

use latchkey_api::check::{DeviceDescription, SessionWish, Usage, WaitingDevice};
use latchkey_core::jws::{Jwk, Thumbprint};
use latchkey_core::policy::Policy;
use latchkey_core::time::Timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

pub use self::issuers::{Introspection, Issuer, Secret};
use crate::decide::{Decision, TokenLivesTooLong};

/// What the ID token of a check proves about the user's e-mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmailClaim {
    /// No usable ID token was sent.
    Unknown,
    /// It names no verified e-mail of a domain that its issuer owns.
    Unproven,
    /// The user's e-mail, in small letters.
    Proven(String),
}

/// A check, authenticated and not yet decided.
#[derive(Clone, Debug)]
pub struct CheckCommand {
    /// The service's time.
    pub now: Timestamp,
    /// Who issued the access token.
    pub issuer: String,
    /// Whether another issuer took its place: whom nobody knows yet signs in there.
    pub moved: bool,
    /// Whom it names.
    pub subject: String,
    /// What the ID token says.
    pub email: EmailClaim,
    /// The device key.
    pub jkt: Thumbprint,
    /// The device.
    pub device: DeviceDescription,
    /// The agent's version.
    pub agent: String,
    /// How long the access token lives altogether.
    pub token_life: Duration,
    /// When the user signed in, as the ID token says.
    pub signed_in_at: Option<Timestamp>,
    /// The products that are asked about.
    pub products: Vec<AskedProduct>,
    /// Minutes of use.
    pub usage: Vec<Usage>,
    /// The lease key that will sign the answer.
    pub kid: String,
}

/// A product that is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedProduct {
    /// Product key.
    pub product: String,
    /// A program has it open, or starts it.
    pub open: bool,
    /// What the user wants of the session of its subscription.
    pub session: Option<SessionWish>,
}

/// A device gives up what it holds (rule 15).
#[derive(Clone, Debug)]
pub struct Release {
    /// Its key.
    pub jkt: Thumbprint,
    /// Of these products; of every one, and its place too, when `None`.
    pub products: Option<Vec<String>>,
    /// When it signed that: a lease that was signed later stays.
    pub signed_at: Timestamp,
}

/// Who asks, where a check has made them known before.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who issued the access token.
    pub issuer: String,
    /// Whom it names.
    pub subject: String,
    /// The device key.
    pub jkt: Thumbprint,
}

/// Who gives a device up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Its own key: a reset.
    Device,
    /// Its user.
    User,
    /// An administrator.
    Administrator,
}

impl By {
    /// As it is stored.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::User => "user",
            Self::Administrator => "admin",
        }
    }
}

/// What became of a release by a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseOutcome {
    /// It is released, now or before.
    Released,
    /// The user has no such device.
    UnknownDevice,
    /// So many a day are enough.
    TooMany,
    /// The device that asks has never checked, or was released itself.
    UnknownCaller,
}

/// Minutes of use of one day (rule 12).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsageRow {
    /// The day, in UTC.
    pub day: String,
    /// The user, where they are still known.
    pub email: Option<String>,
    /// The device's name when it sent this.
    pub device: String,
    /// Product key.
    pub product: String,
    /// Its version.
    pub version: String,
    /// Minutes online.
    pub minutes: u32,
}

/// What an import of seats has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Who has a seat now, and had none.
    pub assigned: Vec<String>,
    /// Who has none any more.
    pub lost: Vec<String>,
    /// The organisation whose losses are held back, if they are.
    pub held: Option<String>,
}

/// An organisation whose losses are held back until an administrator says what is to become of them (rule 18).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// The organisation's name.
    pub organisation: String,
    /// Since when.
    #[serde(serialize_with = "seconds")]
    pub since: Timestamp,
    /// How many active users would lose their seats.
    pub lost: u32,
    /// Of how many.
    pub active: u32,
}

/// A session that is held (rule 11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionRow {
    /// The user.
    pub email: Option<String>,
    /// The device's name.
    pub device: String,
    /// The subscription.
    pub subscription: String,
    /// Since when.
    #[serde(serialize_with = "seconds")]
    pub since: Timestamp,
    /// When the device was last heard of.
    #[serde(serialize_with = "seconds")]
    pub heard_at: Timestamp,
}

/// Two devices of a user that ran at once, under `report`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overlap {
    /// The user.
    pub email: Option<String>,
    /// The subscription.
    pub subscription: String,
    /// The names of the two, where they are still known.
    pub devices: [Option<String>; 2],
    /// When it began.
    #[serde(serialize_with = "seconds")]
    pub began_at: Timestamp,
    /// When it was last seen.
    #[serde(serialize_with = "seconds")]
    pub seen_at: Timestamp,
}

/// What became of a check.
#[derive(Clone, Debug)]
pub enum CheckOutcome {
    /// Nobody knows this subject yet, or not for certain: an ID token is needed.
    IdTokenRequired,
    /// The issuer was moved, and the subject has to sign in at the one that took its place.
    IssuerMoved,
    /// The user has lost a seat, and that is held back (rule 18).
    Held,
    /// The policy wants a shorter access token.
    TokenLivesTooLong(TokenLivesTooLong),
    /// Decided and stored.
    Decided {
        /// What the subject is called (`sub`): always what it was called first, so that its devices know the answer as
        /// theirs.
        user: String,
        /// The device's id.
        device: String,
        /// Who waits for a session that the device has.
        waiting: Vec<WaitingDevice>,
        /// By product, in the order of the question.
        products: Vec<Decided>,
    },
}

/// The answer for one product.
#[derive(Clone, Debug)]
pub struct Decided {
    /// Product key.
    pub product: String,
    /// Its number: higher than every one before it for this device and product.
    pub seq: u64,
    /// The decision.
    pub decision: Decision,
}

/// A lease key.
#[derive(Clone, Debug)]
pub struct LeaseKey {
    /// Its thumbprint.
    pub kid: String,
    /// Its private half.
    pub seed: Seed,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stopped signing; `None` for the one that signs.
    pub retired_at: Option<Timestamp>,
    /// When the last lease that it signed ends.
    pub last_exp: Timestamp,
}

/// The private half of an Ed25519 key (RFC 8032). Its `Debug` shows nothing.
#[derive(Clone)]
pub struct Seed(pub Zeroizing<[u8; 32]>);

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// The service's address and keys.
#[derive(Clone, Debug)]
pub struct Keyring {
    /// The service's public address, once it has one.
    pub url: Option<String>,
    /// Whether that address follows the one that is listened on; otherwise an administrator gave it.
    pub url_derived: bool,
    /// The keys document that is published, once the service has an address.
    pub document: Option<String>,
    /// When it was signed.
    pub document_iat: i64,
    /// The root keys that products pin, newest first.
    pub roots: Vec<Jwk>,
    /// The lease keys, newest first: the first one signs.
    pub lease_keys: Vec<LeaseKey>,
}

/// A change of the keys.
#[derive(Clone, Debug)]
pub struct NewKeys {
    /// The `document_iat` that the change was made from; 0 the first time.
    pub previous_iat: i64,
    /// The service's address, and whether it follows the one that is listened on.
    pub url: Option<String>,
    /// See [`Keyring::url_derived`].
    pub url_derived: bool,
    /// The new document, and when it was signed.
    pub document: Option<(String, i64)>,
    /// A root key to add.
    pub root: Option<Jwk>,
    /// A lease key that signs from now on; the one before it retires.
    pub lease_key: Option<LeaseKey>,
    /// Retired lease keys that are no longer needed.
    pub dropped: Vec<String>,
}

/// An organisation that holds subscriptions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Organisation {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whom its users ask: an address.
    pub contact: Option<String>,
}

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Product {
    /// Product key.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// Who publishes it.
    pub publisher: String,
}

/// A subscription to be made.
#[derive(Clone, Debug)]
pub struct NewSubscription {
    /// The organisation's name.
    pub organisation: String,
    /// Product keys.
    pub products: Vec<String>,
    /// Named features of each of them.
    pub entitlements: Vec<String>,
    /// Users for each product; `None` is no limit.
    pub seats: Option<u32>,
    /// When it ends, exclusive.
    pub ends_at: Option<Timestamp>,
    /// Its policy, validated.
    pub policy: Policy,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// The organisation's name.
    pub organisation: String,
    /// Product keys.
    pub products: Vec<String>,
    /// Users for each product; `None` is no limit.
    pub seats: Option<u32>,
    /// When it ends, exclusive.
    #[serde(serialize_with = "optional_seconds")]
    pub ends_at: Option<Timestamp>,
    /// Its policy.
    pub policy: Policy,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// The service's own id.
    pub id: String,
    /// What leases and refusals call the user (`sub`), since the first check.
    pub sub: Option<String>,
    /// E-mail, in small letters, where one is known.
    pub email: Option<String>,
    /// The e-mail that the user proved and that was somebody else's then.
    pub claims: Option<String>,
    /// The organisation's name.
    pub organisation: Option<String>,
    /// The issuers whose subjects this user is: empty before the first check.
    pub issuers: Vec<String>,
    /// When the user was removed.
    #[serde(serialize_with = "optional_seconds")]
    pub removed_at: Option<Timestamp>,
}

/// A seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seat {
    /// Its id.
    pub id: String,
    /// The user's e-mail.
    pub email: String,
    /// Product key.
    pub product: String,
    /// The subscription.
    pub subscription: String,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Its id.
    pub id: String,
    /// The user's e-mail, where one is known.
    pub email: Option<String>,
    /// Host name.
    pub name: String,
    /// Operating system.
    pub system: String,
    /// The agent's version at the last check.
    pub agent: String,
    /// Last check.
    #[serde(serialize_with = "seconds")]
    pub last_seen: Timestamp,
    /// Products whose lease is not released, and may still be good.
    pub products: Vec<String>,
    /// When it was released; `None` while it is in use.
    #[serde(serialize_with = "optional_seconds")]
    pub released_at: Option<Timestamp>,
}

fn seconds<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(at.as_secs())
}

fn optional_seconds<S: serde::Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(Timestamp::as_secs).serialize(serializer)
}
