//! What must survive a crash. [`Store`] is the one door; [`sqlite`] stands behind it.
//!
//! What a method has answered is on the disk. A method either does all of its work or none.

pub mod records;
pub mod sqlite;
#[cfg(test)]
pub(crate) mod suite;

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use latchkey_core::jws::Thumbprint;
use latchkey_core::policy::Policy;
use latchkey_core::time::Timestamp;
use semver::Version;

use latchkey_api::devices::{OwnDevices, ReleaseDevice};

use self::records::{
    Caller, CheckCommand, CheckOutcome, Device, Hold, Imported, Issuer, Keyring, NewKeys, NewSubscription,
    Organisation, Overlap, Product, Release, ReleaseOutcome, Seat, SessionRow, Subscription, UsageRow, User,
};

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Nothing has this name.
    #[error("there is no {what} {name:?}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Something else has this name already.
    #[error("there is a {what} {name:?} already")]
    Exists {
        /// What it is.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// It would contradict what is stored.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// More is asked than can be done now, or another process holds the database.
    #[error("the store is busy: try again")]
    Busy,
    /// The database itself failed.
    #[error("the database failed: {0}")]
    Database(Arc<dyn Error + Send + Sync>),
}

/// A contradiction to what is stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// There can be one issuer without domains.
    #[error("{0} is the vendor's issuer already: a second issuer needs the domains that it owns (--domain)")]
    SecondVendorIssuer(String),
    /// A domain has one owner.
    #[error("{domain} belongs to {issuer} already")]
    DomainTaken {
        /// The domain.
        domain: String,
        /// Its owner.
        issuer: String,
    },
    /// A move needs an issuer that was not moved yet.
    #[error("{issuer} was moved to {to} already")]
    MovedAlready {
        /// The issuer.
        issuer: String,
        /// What took its place.
        to: String,
    },
    /// The user is somebody else's.
    #[error("{email} belongs to {organisation} already")]
    OtherOrganisation {
        /// The user.
        email: String,
        /// Whose.
        organisation: String,
    },
    /// A user without an organisation can have no seat.
    #[error("{0} belongs to no organisation: add the user to one first (user add)")]
    NoOrganisation(String),
    /// No subscription covers it.
    #[error("{organisation} has no running subscription that includes {target}")]
    NoSubscription {
        /// Whose.
        organisation: String,
        /// A product key or a subscription.
        target: String,
    },
    /// More than one subscription covers it.
    #[error("more than one subscription includes {product}: name one of {}", subscriptions.join(", "))]
    Ambiguous {
        /// The product.
        product: String,
        /// The subscriptions.
        subscriptions: Vec<String>,
    },
    /// Every seat is taken.
    #[error("all {seats} seats of {product} under {subscription} are taken")]
    NoSeatLeft {
        /// The product.
        product: String,
        /// The subscription.
        subscription: String,
        /// How many there are.
        seats: u32,
    },
    /// Another process changed the keys.
    #[error("the keys were changed meanwhile: try again")]
    KeysChanged,
}

/// What the licensing service stores, and the decisions that must be atomic with it.
#[async_trait]
pub trait Store: Send + Sync {
    /// Decides a check ([`crate::decide::check`]) and stores what follows from it, in one transaction.
    async fn check(&self, command: CheckCommand) -> Result<CheckOutcome, StoreError>;

    /// Ends what a device gives up, for every user it serves. A device that is not known has nothing to release.
    async fn release(&self, release: Release, now: Timestamp) -> Result<(), StoreError>;

    /// What the user sees of their devices; `None` where the asking one has never checked, or was released.
    async fn devices_of(&self, caller: Caller, now: Timestamp) -> Result<Option<OwnDevices>, StoreError>;
    /// A user gives one of their devices up (rule 10).
    async fn release_own(
        &self,
        caller: Caller,
        wanted: ReleaseDevice,
        now: Timestamp,
    ) -> Result<ReleaseOutcome, StoreError>;

    /// The id of the asking device, if it has checked and was not released.
    async fn known_device(&self, caller: Caller) -> Result<Option<String>, StoreError>;
    /// The issuer whose token came with the last check of a device key; `None` where it has never checked.
    async fn issuer_of(&self, jkt: Thumbprint) -> Result<Option<String>, StoreError>;
    /// The number of the last push.
    async fn last_push(&self) -> Result<i64, StoreError>;
    /// Pushes after this one, each with its device, at most 1,000 at a time.
    async fn pushes_since(&self, push: i64) -> Result<Vec<(i64, String)>, StoreError>;
    /// Whether the device was pushed since it last checked.
    async fn push_missed(&self, device: String) -> Result<bool, StoreError>;
    /// These devices are connected: their sessions and what they wait for go on, and the sessions of those that have been
    /// silent for too long end (rule 11). Gives those that nobody comes under any more: they were released or forgotten, or
    /// whoever came under them is another user now.
    async fn heard(&self, devices: Vec<String>, now: Timestamp) -> Result<Vec<String>, StoreError>;

    /// Every session that is held, or was until it fell silent.
    async fn sessions(&self) -> Result<Vec<SessionRow>, StoreError>;
    /// Devices of one user that ran at once, the last first.
    async fn overlaps(&self) -> Result<Vec<Overlap>, StoreError>;
    /// Minutes of use, from this day on (UTC, `YYYY-MM-DD`).
    async fn usage(&self, since: Option<String>) -> Result<Vec<UsageRow>, StoreError>;

    /// The oldest agent version that is given leases; `None` for any.
    async fn minimum_agent(&self) -> Result<Option<Version>, StoreError>;
    /// Gives leases to agents of this version or a newer one alone; to any with `None` (rule 9, `CLIENT_OUTDATED`).
    async fn require_agent(&self, minimum: Option<Version>) -> Result<(), StoreError>;

    /// Writes nothing, in its turn among those who write: it shows that they get their turn, and not that the disk has room.
    async fn writes(&self) -> Result<(), StoreError>;

    /// The service's keys; `None` before [`Store::publish`] was first called.
    async fn keyring(&self) -> Result<Option<Keyring>, StoreError>;

    /// Replaces the keys document, unless another process did so since `keys.previous_iat`.
    async fn publish(&self, keys: NewKeys) -> Result<(), StoreError>;

    /// Every issuer, the vendor's first.
    async fn issuers(&self) -> Result<Vec<Issuer>, StoreError>;
    /// Adds an issuer, or replaces what is known about it.
    async fn put_issuer(&self, issuer: Issuer) -> Result<(), StoreError>;
    /// Puts a new issuer in the place of another, whose domains it takes over. The old one still names those whom it has
    /// named before, until it is removed.
    async fn move_issuer(&self, old: String, new: Issuer) -> Result<Issuer, StoreError>;
    /// Removes an issuer: its tokens are no longer accepted. Links to its subjects stay.
    async fn remove_issuer(&self, issuer: String) -> Result<(), StoreError>;

    /// Every organisation, by name.
    async fn organisations(&self) -> Result<Vec<Organisation>, StoreError>;
    /// Adds an organisation.
    async fn add_organisation(
        &self,
        name: String,
        contact: Option<String>,
        at: Timestamp,
    ) -> Result<Organisation, StoreError>;

    /// Every product, by key.
    async fn products(&self) -> Result<Vec<Product>, StoreError>;
    /// Adds a product.
    async fn add_product(&self, product: Product, at: Timestamp) -> Result<(), StoreError>;

    /// Every subscription, oldest first.
    async fn subscriptions(&self) -> Result<Vec<Subscription>, StoreError>;
    /// Adds a subscription.
    async fn add_subscription(&self, new: NewSubscription, at: Timestamp)
    -> Result<Subscription, StoreError>;
    /// Sets when a subscription ends, exclusive; `None` is never.
    async fn end_subscription(
        &self,
        id: String,
        ends_at: Option<Timestamp>,
    ) -> Result<Subscription, StoreError>;
    /// Replaces a subscription's policy. The caller has validated it.
    async fn set_policy(&self, id: String, policy: Policy) -> Result<Subscription, StoreError>;

    /// Every user, by e-mail.
    async fn users(&self) -> Result<Vec<User>, StoreError>;
    /// Adds a user to an organisation; one who has signed in before, or was removed, is taken in again. Who was removed
    /// has to prove the address once more: it may be another person's by now.
    async fn add_user(&self, email: String, organisation: String, at: Timestamp) -> Result<User, StoreError>;
    /// Gives a user another address. Who they are and what they have stays.
    async fn rename_user(&self, email: String, to: String) -> Result<User, StoreError>;
    /// Takes a user's seats and organisation away. Who they are stays known, so that their devices hear a refusal.
    async fn remove_user(&self, email: String, at: Timestamp) -> Result<(), StoreError>;
    /// Forgets which subjects the user is, so that the next sign-in links them anew.
    async fn unlink_user(&self, email: String) -> Result<(), StoreError>;

    /// Every seat, by user and product.
    async fn seats(&self) -> Result<Vec<Seat>, StoreError>;
    /// Assigns seats: of a product key, or of every product of a subscription. Assigning again changes nothing.
    async fn assign_seat(
        &self,
        email: String,
        target: String,
        at: Timestamp,
    ) -> Result<Vec<Seat>, StoreError>;
    /// Takes seats away, and frees the places of the user's devices: also seats that were lost and would be given back (rule 18).
    /// Returns those that were taken.
    async fn unassign_seat(&self, email: String, target: String) -> Result<Vec<Seat>, StoreError>;

    /// Makes the seats of a subscription those of these users, as another system has them. This is no administrator's own action:
    /// where too many would lose their seats by it, that is held back (rule 18).
    async fn import_seats(
        &self,
        subscription: String,
        emails: Vec<String>,
        at: Timestamp,
    ) -> Result<Imported, StoreError>;
    /// The organisations whose losses are held back, the longest first.
    async fn holds(&self, now: Timestamp) -> Result<Vec<Hold>, StoreError>;
    /// Ends a hold: what was lost is given back, or is lost. Gives the users who go without: everybody who has lost a seat, or
    /// those whose seats others have been assigned meanwhile where the subscription has no more of them.
    async fn end_hold(&self, organisation: String, give_back: bool) -> Result<Vec<String>, StoreError>;

    /// Every device, or one user's, last seen first.
    async fn devices(&self, email: Option<String>) -> Result<Vec<Device>, StoreError>;
    /// Releases a device by its id: its leases end here, and its places are free.
    async fn release_device(&self, id: String, at: Timestamp) -> Result<(), StoreError>;
}
