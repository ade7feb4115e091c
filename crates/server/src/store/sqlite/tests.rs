//! The suite on SQLite, and what only a file can do.

use std::sync::Arc;

use latchkey_core::time::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;

use super::super::records::CheckCommand;
use super::super::suite::{self, Fixture, NOW};
use super::{OpenError, SqliteStore};

fn fresh() -> (TempDir, Arc<SqliteStore>) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(&folder.path().join("latchkey.db")).unwrap();
    (folder, Arc::new(store))
}

macro_rules! suite {
    ($($room:ident $case:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $case() {
            let (_folder, store) = fresh();
            suite::$room::$case(store).await;
        }
    )*};
}

suite! {
    checks the_last_place_has_one_winner
    checks the_sequence_only_rises
    checks a_subject_is_linked_once
    checks a_stranger_becomes_a_user_without_a_seat
    checks a_removed_user_stays_the_same_person
    checks places_are_freed
    checks devices_that_hold_no_place_are_not_kept_for_ever
    checks terms_hold_from_the_next_check_on
    administration the_last_seat_has_one_winner
    administration seats_are_assigned_and_taken
    administration issuers_own_domains
    administration names_are_taken_once
    administration keys_change_as_a_whole
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_crash_and_a_clock_that_was_set_back() {
    let (folder, store) = fresh();
    let fixture = Fixture::new(store).await;
    let before = fixture.one(fixture.command("d")).await.seq;
    // A copy of the files as a power cut would leave them: nothing was closed, nothing was checkpointed.
    let crashed = tempfile::tempdir().unwrap();
    for file in ["latchkey.db", "latchkey.db-wal"] {
        std::fs::copy(folder.path().join(file), crashed.path().join(file)).unwrap();
    }
    let after = Fixture {
        store: Arc::new(SqliteStore::open(&crashed.path().join("latchkey.db")).unwrap()),
        subscription: fixture.subscription.clone(),
        ..fixture
    };
    let earlier = CheckCommand {
        now: Timestamp::from_secs(1_000_000_000),
        ..after.command("d")
    };
    assert_eq!(after.one(earlier).await.seq, before + 1);
}

#[test]
fn every_commit_is_synced_to_the_disk() {
    let (folder, _store) = fresh();
    let connection = super::open::open(&folder.path().join("latchkey.db")).unwrap();
    let pragma = |name: &str| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(
        (pragma("synchronous"), pragma("foreign_keys")),
        (2, 1),
        "2 is FULL"
    );
    let mode: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn a_database_of_a_newer_version_is_left_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latchkey.db");
    drop(SqliteStore::create(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    connection.pragma_update(None, "journal_mode", "delete").unwrap();
    drop(connection);
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(
        SqliteStore::open(&path),
        Err(OpenError::Newer { found: 99, .. })
    ));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "and nothing beside it"
    );
}

#[test]
fn a_foreign_or_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latchkey.db");
    assert!(matches!(SqliteStore::open(&path), Err(OpenError::Missing(_))));
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE somebody_elses (x)")
        .unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(OpenError::Foreign(_))));
    assert!(matches!(SqliteStore::create(&path), Err(OpenError::Exists(_))));
    std::fs::write(
        &path,
        "This is no database at all, though it is long enough to be looked at.",
    )
    .unwrap();
    assert!(matches!(SqliteStore::open(&path), Err(OpenError::Foreign(_))));
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_database() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, _store) = fresh();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}

#[tokio::test]
async fn two_processes_share_the_file() {
    let (folder, store) = fresh();
    let fixture = Fixture::new(store).await;
    let other = SqliteStore::open(&folder.path().join("latchkey.db")).unwrap();
    let users = crate::store::Store::users(&other).await.unwrap();
    assert_eq!(users.len(), 1);
    crate::store::Store::remove_user(&other, users[0].email.clone().unwrap(), NOW)
        .await
        .unwrap();
    let decided = fixture.one(fixture.command("d")).await;
    assert!(matches!(decided.decision, crate::decide::Decision::Refuse(_)));
}
