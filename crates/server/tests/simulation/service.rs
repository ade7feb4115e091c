//! The real licensing service but for its HTTP: its store on SQLite, its decisions, its signatures. It may fail at any point.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;

use latchkey_api::check::{DeviceDescription, Usage};
use latchkey_core::code::Code;
use latchkey_core::engine::{CheckAnswered, CheckFailure, Signed};
use latchkey_core::jws::{Jwk, Thumbprint};
use latchkey_core::policy::{IdentityOutage, Policy, SessionPolicy};
use latchkey_core::time::{HOUR, Timestamp};
use latchkey_server::decide::Decision;
use latchkey_server::signer;
use latchkey_server::store::records::{AskedProduct, CheckCommand, CheckOutcome, EmailClaim};
use latchkey_server::store::sqlite::SqliteStore;
use latchkey_server::store::{Store, StoreError};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::identity::{ISSUER, subject_of};
use super::products::{Each, which};

pub(crate) const URL: &str = "https://licence.example";

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
    /// When the user signed in, if the ID token comes along.
    pub(crate) signed_in_at: Option<Timestamp>,
    pub(crate) products: Vec<AskedProduct>,
    pub(crate) usage: Vec<Usage>,
}

/// A lease, as far as the judge goes by it. In seconds, by the service's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) at: i64,
    pub(crate) exp: i64,
    pub(crate) sessions: SessionPolicy,
    pub(crate) identity_outage: IdentityOutage,
    /// Nothing outlives the subscription that it ends with.
    pub(crate) is_last: bool,
}

/// What the service said of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Lease(Granted),
    Refusal(Code),
}

/// What the service makes of a check.
#[derive(Debug)]
pub(crate) enum Reply {
    Decided(CheckAnswered, Each<Option<Said>>),
    /// So many have lost their seats that it answers as in an outage.
    Held,
    /// Its disk is full.
    Full,
    IdTokenRequired,
}

/// The answer as it arrives, or why there is none.
pub(crate) type Answered = Result<(CheckAnswered, Each<Option<Said>>), CheckFailure>;

/// The service.
pub(crate) struct LicensingService {
    pub(super) runtime: Runtime,
    pub(super) _folder: TempDir,
    pub(super) path: PathBuf,
    pub(super) store: Option<Arc<SqliteStore>>,
    pub(super) root: Jwk,
    pub(super) subscriptions: Vec<String>,
    /// What their vendor has signed: that the products may start for the first time in an outage.
    pub(super) first_starts: Option<Each<String>>,
    /// As an installer brings it along.
    pub(super) keys: String,
    pub(crate) policies: Each<Policy>,
    /// When the subscriptions end, if they do.
    pub(crate) ends_at: Each<Option<Timestamp>>,
    pub(crate) up: bool,
    pub(crate) dies: Option<Dies>,
    /// The table that takes no row and no change any more.
    pub(super) full: Option<&'static str>,
    /// How far its clock is ahead of the true time, in milliseconds.
    pub(crate) clock_ahead: i64,
    pub(super) last_push: i64,
    /// It was asked for something since its pushes were last looked for.
    pub(super) was_asked: Cell<bool>,
}

pub(crate) fn address_of(user: usize) -> String {
    format!("user-{user}@nord.example")
}

impl LicensingService {
    pub(super) fn block<T>(&self, work: impl AsyncFnOnce(&dyn Store) -> T) -> T {
        self.was_asked.set(true);
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
    pub(super) fn done<T>(&self, result: Result<T, StoreError>) -> Option<T> {
        match result {
            Ok(done) => Some(done),
            Err(StoreError::Database(_)) if self.is_full() => None,
            Err(error) => panic!("{error}"),
        }
    }

    pub(super) fn clock(&self, now: Timestamp) -> Timestamp {
        now.shifted(self.clock_ahead)
    }

    /// Answers a check.
    pub(crate) fn check(&self, now: Timestamp, question: &Question) -> Reply {
        let now = self.clock(now);
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
            products: question.products.clone(),
            usage: question.usage.clone(),
            kid: key.kid.clone(),
        };
        let outcome = self.block(async |store| store.check(command).await);
        let Some(outcome) = self.done(outcome) else {
            return Reply::Full;
        };
        let (user, waiting, decided) = match outcome {
            CheckOutcome::Decided {
                user,
                waiting,
                products,
                ..
            } => (user, waiting, products),
            CheckOutcome::IdTokenRequired => return Reply::IdTokenRequired,
            CheckOutcome::Held => return Reply::Held,
            other @ (CheckOutcome::IssuerMoved | CheckOutcome::TokenLivesTooLong(_)) => {
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
        let mut said = Each::default();
        for one in &decided {
            said[which(&one.product)] = Some(match &one.decision {
                Decision::Lease(grant) => Said::Lease(Granted {
                    at: now.as_secs(),
                    exp: grant.exp,
                    sessions: grant.policy.session_policy,
                    identity_outage: grant.policy.identity_outage,
                    is_last: (now + grant.policy.offline_for).as_secs() > grant.exp,
                }),
                Decision::Refuse(refused) => Said::Refusal(refused.code),
            });
        }
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
        Reply::Decided(answered, said)
    }
}
