//! The real licensing service but for its HTTP: its store on SQLite, its decisions, its signatures. It may fail at any point.

use std::path::PathBuf;
use std::sync::Arc;

use latchkey_api::check::{DeviceDescription, SessionWish, Usage};
use latchkey_api::devices::ReleaseDevice;
use latchkey_core::code::Code;
use latchkey_core::engine::{CheckAnswered, CheckFailure, Side, Signed};
use latchkey_core::first_start::FirstStartClaims;
use latchkey_core::jws::{Jwk, Thumbprint};
use latchkey_core::policy::Policy;
use latchkey_core::registration::{Registration, VERSION};
use latchkey_core::time::{HOUR, Timestamp};
use latchkey_server::decide::Decision;
use latchkey_server::signer::{self, RootKey, new_lease_key};
use latchkey_server::store::records::{
    AskedProduct, Caller, CheckCommand, CheckOutcome, EmailClaim, Issuer, NewKeys, NewSubscription, Product,
    Release,
};
use latchkey_server::store::sqlite::SqliteStore;
use latchkey_server::store::{Store, StoreError};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::identity::{self, CLIENT, ISSUER, subject_of};

pub(crate) const PRODUCT: &str = "ATLAS";
pub(crate) const URL: &str = "https://licence.example";
const ORGANISATION: &str = "Studio Nord";
/// How often it is written down who is connected.
const HEARD_EVERY: i64 = 50;

/// Where in its work a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dies {
    BeforeTheWrite,
    AfterTheWrite,
}

/// A check, as it arrives.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) request: String,
    pub(crate) user: usize,
    pub(crate) jkt: Thumbprint,
    pub(crate) device: String,
    pub(crate) open: bool,
    /// When the user signed in, if the ID token comes along.
    pub(crate) signed_in_at: Option<Timestamp>,
    pub(crate) session: Option<SessionWish>,
    pub(crate) usage: Vec<Usage>,
}

/// What the service said of the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// With its end, in seconds.
    Lease(i64),
    Refusal(Code),
}

/// The answer, or why there is none.
pub(crate) type Answered = Result<(CheckAnswered, Option<Said>), CheckFailure>;

/// The service.
pub(crate) struct LicensingService {
    runtime: Runtime,
    _folder: TempDir,
    path: PathBuf,
    store: Option<Arc<SqliteStore>>,
    root: Jwk,
    /// What its vendor has signed: that the product may start for the first time in an outage.
    pub(crate) first_start: Option<String>,
    /// As an installer brings it along.
    keys: String,
    pub(crate) policy: Policy,
    pub(crate) up: bool,
    pub(crate) dies: Option<Dies>,
    /// The table that takes no row and no change any more.
    full: Option<&'static str>,
    /// How far its clock is ahead of the true time, in milliseconds.
    pub(crate) clock_ahead: i64,
    last_push: i64,
}

pub(crate) fn address_of(user: usize) -> String {
    format!("user-{user}@nord.example")
}

impl LicensingService {
    /// With an organisation, whose `users` have seats.
    pub(crate) fn new(policy: Policy, first_starts: bool, users: usize, at: Timestamp) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        // In memory where there is such a folder: nothing is to survive this process.
        let memory = std::path::Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        let folder = folder.unwrap();
        let path = folder.path().join("latchkey.db");
        let store = SqliteStore::create(&path).unwrap();
        let root = RootKey::create(&folder.path().join("root.key")).unwrap();
        let lease_key = new_lease_key(at).unwrap();
        let lease_keys = std::slice::from_ref(&lease_key);
        let issuers = vec![identity::keys()];
        let document = root.document(URL, lease_keys, issuers, 0, at).unwrap();
        let claims = FirstStartClaims {
            iss: URL.to_owned(),
            aud: PRODUCT.to_owned(),
            iat: at.as_secs(),
            identities: vec![identity::settings()],
            policy: policy.clone(),
        };
        let service = Self {
            runtime,
            first_start: first_starts.then(|| root.first_start(&claims).unwrap()),
            keys: document.0.clone(),
            _folder: folder,
            path,
            root: root.jwk(),
            policy: policy.clone(),
            up: true,
            dies: None,
            full: None,
            clock_ahead: 0,
            last_push: 0,
            store: Some(Arc::new(store)),
        };
        service.block(async |store| {
            let keys = NewKeys {
                previous_iat: 0,
                url: Some(URL.into()),
                url_derived: false,
                document: Some(document),
                root: Some(root.jwk()),
                lease_key: Some(lease_key),
                dropped: vec![],
            };
            store.publish(keys).await.unwrap();
            let issuer = Issuer {
                issuer: ISSUER.into(),
                client_id: CLIENT.into(),
                scopes: vec!["openid".into()],
                resource: None,
                audience: None,
                redirect: Default::default(),
                token_audience: None,
                introspection: None,
                domains: vec![],
                moved_to: None,
                address_claim: None,
                trusted_audiences: Vec::new(),
            };
            store.put_issuer(issuer).await.unwrap();
            store
                .add_organisation(ORGANISATION.into(), None, at)
                .await
                .unwrap();
            let product = Product {
                key: PRODUCT.into(),
                name: "Atlas".into(),
                publisher: "Vendor".into(),
            };
            store.add_product(product, at).await.unwrap();
            let new = NewSubscription {
                organisation: ORGANISATION.into(),
                products: vec![PRODUCT.into()],
                entitlements: vec![],
                seats: None,
                ends_at: None,
                policy,
            };
            store.add_subscription(new, at).await.unwrap();
            for user in 0..users {
                store
                    .add_user(address_of(user), ORGANISATION.into(), at)
                    .await
                    .unwrap();
                store
                    .assign_seat(address_of(user), PRODUCT.into(), at)
                    .await
                    .unwrap();
            }
        });
        service
    }

    pub(crate) fn registration(&self) -> Registration {
        Registration {
            registration: VERSION,
            product: PRODUCT.to_owned(),
            version: "2026.1".to_owned(),
            name: "Atlas".to_owned(),
            publisher: "Vendor".to_owned(),
            service: URL.to_owned(),
            root_keys: vec![self.root.clone()],
            first_start: self.first_start.clone(),
            keys: self.first_start.as_ref().map(|_| self.keys.clone()),
        }
    }

    /// A public key, for where any will do.
    pub(crate) fn some_key(&self) -> Jwk {
        self.root.clone()
    }

    fn block<T>(&self, work: impl AsyncFnOnce(&dyn Store) -> T) -> T {
        let store = self.store.as_ref().expect("it is open");
        self.runtime.block_on(work(&**store))
    }

    /// The process ends, and another opens the same database.
    pub(crate) fn restart(&mut self) {
        self.store = None;
        self.store = Some(Arc::new(SqliteStore::open(&self.path).unwrap()));
    }

    /// The disk is full from the first write to this table on, which may be in the middle of a transaction; or it is not, any
    /// more. SQLite reports both alike, and undoes the statement.
    pub(crate) fn fill(&mut self, table: Option<&'static str>) {
        let database = Connection::open(&self.path).unwrap();
        for write in ["INSERT", "UPDATE"] {
            if let Some(full) = self.full {
                database
                    .execute_batch(&format!("DROP TRIGGER full_at_{write}_of_{full}"))
                    .unwrap();
            }
            if let Some(table) = table {
                let trigger = format!(
                    "CREATE TRIGGER full_at_{write}_of_{table} BEFORE {write} ON {table}
                     BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
                );
                database.execute_batch(&trigger).unwrap();
            }
        }
        self.full = table;
    }

    /// Whether something cannot be written down.
    pub(crate) const fn is_full(&self) -> bool {
        self.full.is_some()
    }

    /// What the store did, unless its disk is full.
    fn done<T>(&self, result: Result<T, StoreError>) -> Option<T> {
        match result {
            Ok(done) => Some(done),
            Err(StoreError::Database(_)) if self.is_full() => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn clock(&self, now: Timestamp) -> Timestamp {
        now.shifted(self.clock_ahead)
    }

    /// Answers a check. `None`: the process died over it.
    pub(crate) fn check(&mut self, now: Timestamp, question: &Question) -> Option<Answered> {
        let dies = self.dies.take();
        if dies == Some(Dies::BeforeTheWrite) {
            self.restart();
            return None;
        }
        let answered = self.answer(self.clock(now), question);
        if dies == Some(Dies::AfterTheWrite) {
            self.restart();
            return None;
        }
        Some(answered)
    }

    fn answer(&self, now: Timestamp, question: &Question) -> Answered {
        let keyring = self
            .block(async |store| store.keyring().await)
            .unwrap()
            .expect("it was published");
        let key = keyring.lease_keys.first().expect("there is one");
        let command = CheckCommand {
            now,
            issuer: ISSUER.into(),
            moved: false,
            subject: subject_of(question.user),
            email: match question.signed_in_at {
                Some(_) => EmailClaim::Proven(address_of(question.user)),
                None => EmailClaim::Unknown,
            },
            jkt: question.jkt.clone(),
            device: DeviceDescription {
                name: question.device.clone(),
                system: "Linux".into(),
            },
            agent: "0.1.0".into(),
            token_life: HOUR,
            signed_in_at: question.signed_in_at,
            products: vec![AskedProduct {
                product: PRODUCT.into(),
                open: question.open,
                session: question.session,
            }],
            usage: question.usage.clone(),
            kid: key.kid.clone(),
        };
        let outcome = self.block(async |store| store.check(command).await);
        let Some(outcome) = self.done(outcome) else {
            // Status 500: as if there were no service.
            return Err(CheckFailure::Unreachable {
                licensing: Side::Silent,
                identity: Side::Answers,
            });
        };
        let (user, waiting, decided) = match outcome {
            CheckOutcome::Decided {
                user,
                waiting,
                products,
                ..
            } => (user, waiting, products),
            CheckOutcome::IdTokenRequired => return Err(CheckFailure::IdTokenRequired),
            other @ (CheckOutcome::IssuerMoved | CheckOutcome::Held | CheckOutcome::TokenLivesTooLong(_)) => {
                panic!("{other:?}")
            }
        };
        let answer = signer::Answer {
            service: URL,
            user: &user,
            jkt: &question.jkt,
            request: &question.request,
            now,
        };
        let said = decided.first().map(|one| match &one.decision {
            Decision::Lease(grant) => Said::Lease(grant.exp),
            Decision::Refuse(refused) => Said::Refusal(refused.code),
        });
        let products = decided.iter().map(|one| {
            let signed = match signer::sign(key, &answer, one).unwrap() {
                signer::Signed::Lease(lease) => Signed::Lease(lease),
                signer::Signed::Refusal(refusal) => Signed::Refusal(refusal),
            };
            (one.product.clone(), signed)
        });
        let answered = CheckAnswered {
            request: question.request.clone(),
            keys: keyring.document.clone().expect("it was published"),
            products: products.collect(),
            waiting,
        };
        Ok((answered, said))
    }

    /// A device gives itself up. Says whether that is written down.
    pub(crate) fn release(&self, now: Timestamp, release: Release) -> bool {
        let now = self.clock(now);
        let released = self.block(async |store| store.release(release, now).await);
        self.done(released).is_some()
    }

    /// A user gives up another of their devices, from this one.
    pub(crate) fn release_other(&self, now: Timestamp, user: usize, jkt: &Thumbprint) -> Option<String> {
        let caller = caller(user, jkt);
        let now = self.clock(now);
        let own = self.block(async |store| store.devices_of(caller.clone(), now).await);
        let other = own.unwrap()?.devices.into_iter().find(|one| !one.this)?;
        let wanted = ReleaseDevice {
            device: other.id,
            same_machine: false,
        };
        let released = self.block(async |store| store.release_own(caller.clone(), wanted, now).await);
        self.done(released).map(|_| other.name)
    }

    /// The id of a device that may listen, and whether it has missed a push.
    pub(crate) fn listener(&self, user: usize, jkt: &Thumbprint) -> Option<(String, bool)> {
        let device = self.block(async |store| store.known_device(caller(user, jkt)).await);
        let device = device.unwrap()?;
        let missed = self.block(async |store| store.push_missed(device.clone()).await);
        self.done(missed).map(|missed| (device, missed))
    }

    /// The devices that are to be pushed since this was last asked.
    pub(crate) fn pushes(&mut self) -> Vec<String> {
        let since = self.last_push;
        let pushes = self.block(async |store| store.pushes_since(since).await).unwrap();
        if let Some((last, _)) = pushes.last() {
            self.last_push = *last;
        }
        pushes.into_iter().map(|(_, device)| device).collect()
    }

    /// These devices are connected, as was last written down.
    pub(crate) fn heard(&self, now: Timestamp, devices: Vec<String>) {
        if devices.is_empty() {
            return;
        }
        let now = self.clock(now);
        let at = Timestamp::from_secs(now.as_secs() - now.as_secs().rem_euclid(HEARD_EVERY));
        let heard = self.block(async |store| store.heard(devices, at).await);
        self.done(heard);
    }

    /// A seat comes or goes. Says whether that is written down.
    pub(crate) fn seat(&self, now: Timestamp, user: usize, assigned: bool) -> bool {
        let now = self.clock(now);
        let done = self.block(async |store| {
            let (email, product) = (address_of(user), PRODUCT.to_owned());
            if assigned {
                store.assign_seat(email, product, now).await.map(drop)
            } else {
                store.unassign_seat(email, product).await.map(drop)
            }
        });
        self.done(done).is_some()
    }

    /// Minutes of use in the table, by device name and day.
    pub(crate) fn minutes(&self) -> Vec<(String, String, u32)> {
        let rows = self.block(async |store| store.usage(None).await).unwrap();
        rows.into_iter()
            .map(|row| (row.device, row.day, row.minutes))
            .collect()
    }
}

fn caller(user: usize, jkt: &Thumbprint) -> Caller {
    Caller {
        issuer: ISSUER.into(),
        subject: subject_of(user),
        jkt: jkt.clone(),
    }
}
