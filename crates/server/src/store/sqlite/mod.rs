//! The store on SQLite, embedded: one thread writes and one reads (measured elsewhere at several times the rate of a
//! connection pool). The command line opens the same file while the service runs; WAL and a busy timeout keep them apart.

mod agents;
mod check;
mod devices;
mod issuers;
mod keys;
mod losses;
mod migrations;
mod open;
mod person;
mod pushes;
mod row;
mod sessions;
mod subject;
mod subscriptions;
#[cfg(test)]
mod tests;
mod usage;
mod users;
mod worker;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use latchkey_api::devices::{OwnDevices, ReleaseDevice};
use latchkey_core::jws::Thumbprint;
use latchkey_core::policy::Policy;
use latchkey_core::time::Timestamp;
use semver::Version;

pub use self::open::OpenError;
use self::worker::{Kind, Worker};
use super::records::{
    Caller, CheckCommand, CheckOutcome, Device, Hold, Imported, Issuer, Keyring, NewKeys, NewSubscription,
    Organisation, Overlap, Product, Release, ReleaseOutcome, Seat, SessionRow, Subscription, UsageRow, User,
};
use super::{Store, StoreError};

/// The store on one SQLite file.
pub struct SqliteStore {
    writer: Worker,
    reader: Worker,
}

impl SqliteStore {
    /// Makes a new database at `path`.
    ///
    /// # Errors
    /// [`OpenError::Exists`] and the others.
    pub fn create(path: &Path) -> Result<Self, OpenError> {
        Self::start(open::create(path)?, open::reader(path)?)
    }

    /// Opens the database at `path` and runs the migrations that it lacks.
    ///
    /// # Errors
    /// [`OpenError::Newer`] when a newer latchkey-server has written it, and the others.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::start(open::open(path)?, open::reader(path)?)
    }

    /// The same for a service: what it is asked is answered before whoever asks gives up, also while another process holds the
    /// database.
    ///
    /// # Errors
    /// Those of [`SqliteStore::open`].
    pub fn open_to_serve(path: &Path) -> Result<Self, OpenError> {
        let (writer, reader) = (open::open(path)?, open::reader(path)?);
        for connection in [&writer, &reader] {
            connection.busy_timeout(open::BUSY_SERVING)?;
        }
        Self::start(writer, reader)
    }

    fn start(writer: rusqlite::Connection, reader: rusqlite::Connection) -> Result<Self, OpenError> {
        Ok(Self {
            writer: Worker::start(writer, Kind::Writer)?,
            reader: Worker::start(reader, Kind::Reader)?,
        })
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn check(&self, command: CheckCommand) -> Result<CheckOutcome, StoreError> {
        self.writer.run(move |c| check::check(c, &command)).await
    }

    async fn release(&self, release: Release, now: Timestamp) -> Result<(), StoreError> {
        self.writer.run(move |c| devices::release(c, &release, now)).await
    }

    async fn devices_of(&self, caller: Caller, now: Timestamp) -> Result<Option<OwnDevices>, StoreError> {
        self.reader
            .run(move |c| devices::of_caller(c, &caller, now))
            .await
    }

    async fn release_own(
        &self,
        caller: Caller,
        wanted: ReleaseDevice,
        now: Timestamp,
    ) -> Result<ReleaseOutcome, StoreError> {
        self.writer
            .run(move |c| devices::release_by_user(c, &caller, &wanted, now))
            .await
    }

    async fn known_device(&self, caller: Caller) -> Result<Option<String>, StoreError> {
        self.reader.run(move |c| devices::known(c, &caller)).await
    }

    async fn issuer_of(&self, jkt: Thumbprint) -> Result<Option<String>, StoreError> {
        self.reader.run(move |c| devices::issuer(c, &jkt)).await
    }

    async fn last_push(&self) -> Result<i64, StoreError> {
        self.reader.run(pushes::last).await
    }

    async fn pushes_since(&self, push: i64) -> Result<Vec<(i64, String)>, StoreError> {
        self.reader.run(move |c| pushes::since(c, push)).await
    }

    async fn push_missed(&self, device: String) -> Result<bool, StoreError> {
        self.reader.run(move |c| pushes::missed(c, &device)).await
    }

    async fn heard(&self, devices: Vec<String>, now: Timestamp) -> Result<Vec<String>, StoreError> {
        self.writer.run(move |c| sessions::heard(c, &devices, now)).await
    }

    async fn sessions(&self) -> Result<Vec<SessionRow>, StoreError> {
        self.reader.run(sessions::all).await
    }

    async fn overlaps(&self) -> Result<Vec<Overlap>, StoreError> {
        self.reader.run(sessions::overlaps).await
    }

    async fn usage(&self, since: Option<String>) -> Result<Vec<UsageRow>, StoreError> {
        self.reader.run(move |c| usage::all(c, since.as_deref())).await
    }

    async fn minimum_agent(&self) -> Result<Option<Version>, StoreError> {
        self.reader.run(agents::minimum).await
    }

    async fn require_agent(&self, minimum: Option<Version>) -> Result<(), StoreError> {
        self.writer
            .run(move |c| agents::require(c, minimum.as_ref()))
            .await
    }

    async fn writes(&self) -> Result<(), StoreError> {
        self.writer.run(|_| Ok(())).await
    }

    async fn keyring(&self) -> Result<Option<Keyring>, StoreError> {
        self.reader.run(keys::keyring).await
    }

    async fn publish(&self, new: NewKeys) -> Result<(), StoreError> {
        self.writer.run(move |c| keys::publish(c, &new)).await
    }

    async fn issuers(&self) -> Result<Vec<Issuer>, StoreError> {
        self.reader.run(issuers::all).await
    }

    async fn put_issuer(&self, issuer: Issuer) -> Result<(), StoreError> {
        self.writer.run(move |c| issuers::put(c, &issuer)).await
    }

    async fn move_issuer(&self, old: String, new: Issuer) -> Result<Issuer, StoreError> {
        self.writer.run(move |c| issuers::relocate(c, &old, new)).await
    }

    async fn remove_issuer(&self, issuer: String) -> Result<(), StoreError> {
        self.writer.run(move |c| issuers::remove(c, &issuer)).await
    }

    async fn organisations(&self) -> Result<Vec<Organisation>, StoreError> {
        self.reader.run(subscriptions::organisations).await
    }

    async fn add_organisation(
        &self,
        name: String,
        contact: Option<String>,
        at: Timestamp,
    ) -> Result<Organisation, StoreError> {
        self.writer
            .run(move |c| subscriptions::add_organisation(c, name, contact, at))
            .await
    }

    async fn products(&self) -> Result<Vec<Product>, StoreError> {
        self.reader.run(subscriptions::products).await
    }

    async fn add_product(&self, product: Product, at: Timestamp) -> Result<(), StoreError> {
        self.writer
            .run(move |c| subscriptions::add_product(c, &product, at))
            .await
    }

    async fn subscriptions(&self) -> Result<Vec<Subscription>, StoreError> {
        self.reader.run(subscriptions::all).await
    }

    async fn add_subscription(
        &self,
        new: NewSubscription,
        at: Timestamp,
    ) -> Result<Subscription, StoreError> {
        self.writer.run(move |c| subscriptions::add(c, &new, at)).await
    }

    async fn end_subscription(
        &self,
        id: String,
        ends_at: Option<Timestamp>,
    ) -> Result<Subscription, StoreError> {
        self.writer
            .run(move |c| subscriptions::set_end(c, &id, ends_at))
            .await
    }

    async fn set_policy(&self, id: String, policy: Policy) -> Result<Subscription, StoreError> {
        self.writer
            .run(move |c| subscriptions::set_policy(c, &id, &policy))
            .await
    }

    async fn users(&self) -> Result<Vec<User>, StoreError> {
        self.reader.run(users::all).await
    }

    async fn add_user(&self, email: String, organisation: String, at: Timestamp) -> Result<User, StoreError> {
        self.writer
            .run(move |c| users::add(c, &email, &organisation, at))
            .await
    }

    async fn rename_user(&self, email: String, to: String) -> Result<User, StoreError> {
        self.writer.run(move |c| users::rename(c, &email, &to)).await
    }

    async fn remove_user(&self, email: String, at: Timestamp) -> Result<(), StoreError> {
        self.writer.run(move |c| users::remove(c, &email, at)).await
    }

    async fn unlink_user(&self, email: String) -> Result<(), StoreError> {
        self.writer.run(move |c| users::unlink(c, &email)).await
    }

    async fn seats(&self) -> Result<Vec<Seat>, StoreError> {
        self.reader.run(users::seats).await
    }

    async fn assign_seat(
        &self,
        email: String,
        target: String,
        at: Timestamp,
    ) -> Result<Vec<Seat>, StoreError> {
        self.writer
            .run(move |c| users::assign(c, &email, &target, at))
            .await
    }

    async fn unassign_seat(&self, email: String, target: String) -> Result<Vec<Seat>, StoreError> {
        self.writer
            .run(move |c| users::unassign(c, &email, &target))
            .await
    }

    async fn import_seats(
        &self,
        subscription: String,
        emails: Vec<String>,
        at: Timestamp,
    ) -> Result<Imported, StoreError> {
        self.writer
            .run(move |c| losses::import(c, &subscription, &emails, at))
            .await
    }

    async fn holds(&self, now: Timestamp) -> Result<Vec<Hold>, StoreError> {
        self.reader.run(move |c| losses::holds(c, now)).await
    }

    async fn end_hold(&self, organisation: String, give_back: bool) -> Result<Vec<String>, StoreError> {
        self.writer
            .run(move |c| losses::end_hold(c, &organisation, give_back))
            .await
    }

    async fn devices(&self, email: Option<String>) -> Result<Vec<Device>, StoreError> {
        self.reader.run(move |c| devices::all(c, email.as_deref())).await
    }

    async fn release_device(&self, id: String, at: Timestamp) -> Result<(), StoreError> {
        self.writer.run(move |c| devices::release_by_id(c, &id, at)).await
    }
}

/// Every failure of SQLite, as the trait says it.
fn database(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => StoreError::Busy,
        Some(_) | None => StoreError::Database(Arc::new(error)),
    }
}
