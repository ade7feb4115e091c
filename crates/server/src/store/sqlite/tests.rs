//! The suite on SQLite, and what only a file can do.

use std::sync::Arc;

use latchkey_api::check::Usage;
use latchkey_core::policy::{Policy, SessionPolicy};
use latchkey_core::time::{HOUR, Timestamp};
use rusqlite::Connection;
use tempfile::TempDir;

use super::super::Store as _;
use super::super::records::{CheckCommand, CheckOutcome, Product};
use super::super::suite::{self, Fixture, NOW};
use super::row::sql;
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
    who a_subject_is_linked_once
    who a_stranger_becomes_a_user_without_a_seat
    who a_removed_user_stays_the_same_person
    who a_second_person_with_an_address_waits_for_the_administrator
    who a_claim_that_is_not_proven_again_is_dropped
    who a_changed_address_is_the_administrators_to_change
    who a_stranger_is_looked_up_by_every_address_that_is_proven
    who an_address_that_is_reused_is_another_person
    who who_is_added_again_proves_the_address_once_more
    relocation a_moved_issuer_names_the_same_people
    relocation a_machine_leaves_one_place_behind
    relocation the_vendors_issuer_moves
    checks places_are_freed
    checks a_released_device_is_never_forgotten
    checks devices_that_hold_no_place_are_not_kept_for_ever
    checks terms_hold_from_the_next_check_on
    devices a_user_releases_a_device_from_another_one
    devices nobody_releases_what_is_not_theirs
    devices whoever_comes_back_after_a_long_time_hears_of_a_place_that_is_free
    devices a_clock_that_was_ahead_for_a_moment_keeps_nobody_out
    devices whoever_lost_a_place_to_other_terms_hears_of_one_that_is_free
    devices whoever_has_no_place_hears_of_one_that_is_free
    devices a_user_releases_at_most_five_devices_a_day
    devices a_clock_that_was_ahead_uses_no_releases_up
    devices old_tokens_take_no_place_back
    devices old_tokens_take_no_place_back_from_a_device_that_was_reset
    devices the_same_machine_keeps_its_place
    mass_loss a_mass_loss_is_held_back_and_given_back
    mass_loss a_mass_loss_that_is_confirmed_is_one
    mass_loss a_hold_says_how_many_it_keeps_back_by_now
    mass_loss whoever_was_refused_before_it_was_seen_gets_the_seat_back
    mass_loss whoever_sleeps_while_the_list_is_whole_gets_the_seat_back
    mass_loss a_released_device_hears_of_that_during_a_hold
    mass_loss a_removed_user_gets_no_seat_back
    mass_loss an_import_that_changes_nothing_pushes_nobody
    mass_loss a_hold_that_begins_by_itself_is_pushed
    mass_loss what_is_no_mass_loss_is_a_refusal
    mass_loss no_more_seats_are_given_back_than_there_are
    mass_loss whoever_was_refused_one_of_two_gets_both_back
    mass_loss what_an_administrator_takes_away_is_told_during_a_hold
    mass_loss what_is_held_back_can_be_taken_away_by_an_administrator
    mass_loss whoever_has_another_seat_of_the_product_loses_nothing
    mass_loss an_import_assigns_no_more_seats_than_there_are
    mass_loss what_was_lost_long_before_is_not_given_back_with_it
    mass_loss whoever_has_checked_within_thirty_days_is_active
    sessions the_one_session_has_one_winner
    sessions a_session_is_taken_over_and_its_holder_is_told
    sessions a_session_that_ends_goes_to_whoever_waits
    sessions whoever_waits_for_two_sessions_hears_of_either
    sessions whoever_waits_for_two_sessions_is_one
    sessions a_session_that_ends_by_silence_goes_to_whoever_waits
    sessions a_session_that_is_over_is_not_extended
    sessions who_asked_first_and_is_still_there_is_handed_the_session
    sessions who_is_connected_keeps_the_session
    sessions overlaps_are_reported
    sessions an_overlap_lasts_as_long_as_both_are_there
    sessions a_clock_that_was_ahead_for_a_moment_holds_no_session
    sessions changes_are_pushed
    sessions usage_counts_once
    sessions the_last_minutes_of_whoever_was_removed_count
    sessions usage_of_a_user_fills_no_disk
    sessions usage_that_nobody_can_have_is_left_out
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

/// What version 1 has stored counts as it did, and is spelt as it is compared now.
#[tokio::test]
async fn a_database_of_the_first_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latchkey.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(include_str!("migrations/0001.sql"))
        .unwrap();
    connection
        .execute_batch(
            "INSERT INTO issuers VALUES ('https://id.example', 'c', '[]', NULL, NULL, '127.0.0.1', NULL, NULL);
             INSERT INTO issuer_domains VALUES ('nörd.example', 'https://id.example'), ('sued.example', 'https://id.example');
             INSERT INTO users VALUES ('usr_1', 'maya@nörd.example', NULL, 1, NULL), ('usr_2', 'a@ö.example', NULL, 1, NULL),
                                      ('usr_3', 'a@xn--nda.example', NULL, 1, NULL);
             INSERT INTO identities VALUES ('https://id.example', 'maya', 'usr_1', 1);
             INSERT INTO devices VALUES ('dev_1', 'usr_1', 'key', 'd', 'Linux', '0', 1, 1, NULL);
             INSERT INTO sequences VALUES ('dev_1', 'INVENTED', 9), ('dev_1', 'OTHER', 7);
             PRAGMA user_version = 1;",
        )
        .unwrap();
    connection
        .pragma_update(None, "application_id", 0x4c4b_6579)
        .unwrap();
    drop(connection);
    let store = SqliteStore::open(&path).unwrap();
    let issuers = crate::store::Store::issuers(&store).await.unwrap();
    assert_eq!(issuers[0].domains, ["sued.example", "xn--nrd-sna.example"]);
    assert_eq!((&issuers[0].introspection, &issuers[0].moved_to), (&None, &None));
    let emails: Vec<_> = crate::store::Store::users(&store)
        .await
        .unwrap()
        .into_iter()
        .filter_map(|user| user.email)
        .collect();
    assert_eq!(
        emails,
        ["a@xn--nda.example", "a@ö.example", "maya@xn--nrd-sna.example"],
        "one that is there already stays"
    );
    let database = Connection::open(&path).unwrap();
    let number = "SELECT product, seq FROM sequences";
    let number = database.query_row(number, [], |row| Ok((row.get(0)?, row.get(1)?)));
    assert_eq!(
        number.unwrap(),
        (String::new(), 9),
        "one for all that nobody made"
    );
    assert_eq!(count(&database, "sequences"), 1);
    let (called, issuer): (String, String) = database
        .query_row(
            "SELECT called, devices.issuer FROM subjects, devices WHERE subject = 'maya'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(
        (called.as_str(), issuer.as_str()),
        ("usr_1", "https://id.example")
    );
}

/// A backup from before somebody came knows nothing of them. They are called the same when they come once more: their devices
/// would believe no answer to another name.
#[tokio::test]
async fn whoever_a_restored_backup_has_forgotten_is_called_the_same() {
    let (folder, store) = fresh();
    let fixture = Fixture::new(store).await;
    let backup = folder.path().join("backup.db");
    let database = Connection::open(folder.path().join("latchkey.db")).unwrap();
    database
        .execute("VACUUM INTO ?1", [backup.to_str().unwrap()])
        .unwrap();
    let noor = CheckCommand {
        subject: "noor".into(),
        ..fixture.command("n")
    };
    let name = async |store: Arc<SqliteStore>| match store.check(noor.clone()).await.unwrap() {
        CheckOutcome::Decided { user, .. } => user,
        other @ (CheckOutcome::IdTokenRequired
        | CheckOutcome::IssuerMoved
        | CheckOutcome::Held
        | CheckOutcome::TokenLivesTooLong(_)) => panic!("{other:?}"),
    };
    let first = name(Arc::new(
        SqliteStore::open(&folder.path().join("latchkey.db")).unwrap(),
    ))
    .await;
    assert_eq!(name(Arc::new(SqliteStore::open(&backup).unwrap())).await, first);
    let elsewhere = fresh();
    Fixture::new(elsewhere.1.clone()).await;
    assert_ne!(
        name(elsewhere.1).await,
        first,
        "each service has names of its own"
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

/// What is done for each address of a long list, in each check, or for each device that is connected, goes by an index: the time that
/// it takes is the writer's.
#[test]
fn what_is_done_for_each_of_many_looks_no_table_through() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latchkey.db");
    drop(SqliteStore::create(&path).unwrap());
    let connection = super::open::open(&path).unwrap();
    for (statement, table) in [
        (sql!("user"), "users"),
        (sql!("seats_of_user"), "seats"),
        (sql!("loss_delete"), "seat_losses"),
        (sql!("losses_of_user"), "seat_losses"),
        (sql!("losses_of_user"), "device_losses"),
        (sql!("losses_take"), "seat_losses"),
        (sql!("session_asks_heard"), "session_asks"),
        (sql!("session_asks_delete_device"), "session_asks"),
        (sql!("overlaps_current"), "others"),
        (sql!("overlaps_current"), "other"),
        (sql!("overlap_seen"), "overlaps"),
        (sql!("overlaps_forget"), "overlaps"),
        (sql!("usage_put"), "usage"),
        (sql!("usage_forget"), "usage"),
        (sql!("device_is_gone"), "devices"),
        (sql!("device_is_gone"), "identities"),
    ] {
        let mut explained = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {statement}"))
            .unwrap();
        let mut rows = explained.raw_query();
        let mut plan = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            plan.push(row.get::<_, String>(3).unwrap());
        }
        let scan = format!("SCAN {table}");
        assert!(
            !plan.iter().any(|step| step.starts_with(&scan)),
            "{statement}: {plan:?}"
        );
    }
}

/// Anybody may have an account at an issuer, and ask about whatever they invent.
#[tokio::test]
async fn an_invented_product_takes_no_room_and_its_answers_are_numbered_all_the_same() {
    let (folder, store) = fresh();
    let fixture = Fixture::new(store).await;
    let asks = |product: &str, now| {
        let mut command = CheckCommand {
            now,
            ..fixture.command("d")
        };
        command.products[0].product = product.into();
        command
    };
    for n in 0..50 {
        fixture.one(asks(&format!("INVENTED{n}"), NOW)).await;
    }
    let database = Connection::open(folder.path().join("latchkey.db")).unwrap();
    assert_eq!(count(&database, "sequences"), 1, "for all that nobody has made");
    let later = NOW.shifted(86_400_000);
    let ahead = fixture.one(asks("NEW", later)).await.seq;
    let again = fixture.one(asks("NEW", NOW)).await.seq;
    assert!(again > ahead, "the clock was set back");
    let product = Product {
        key: "NEW".into(),
        name: "New".into(),
        publisher: "Vendor".into(),
    };
    fixture.store.add_product(product, NOW).await.unwrap();
    assert!(
        fixture.one(asks("NEW", NOW)).await.seq > again,
        "it is made, and what is said of it is the newest"
    );
}

fn count(database: &Connection, of: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {of}");
    database.query_row(&sql, [], |row| row.get(0)).unwrap()
}

/// Both devices open the product under this policy, one after the other.
async fn two_of_one_user(folder: &TempDir, store: Arc<SqliteStore>, policy: Policy) -> (Fixture, Connection) {
    let fixture = Fixture::new(store).await;
    let subscription = fixture.subscription.id.clone();
    fixture.store.set_policy(subscription, policy).await.unwrap();
    for device in ["a", "b"] {
        let mut opens = fixture.command(device);
        opens.products[0].open = true;
        fixture.one(opens).await;
    }
    let database = Connection::open(folder.path().join("latchkey.db")).unwrap();
    (fixture, database)
}

/// Whoever was not heard of for so long waits no more, and takes no room.
#[tokio::test]
async fn who_waited_long_ago_is_forgotten() {
    let (folder, store) = fresh();
    let policy = Policy {
        session_policy: SessionPolicy::Deny,
        session_ttl: 2 * HOUR,
        ..Policy::default()
    };
    let (fixture, database) = two_of_one_user(&folder, store, policy).await;
    for (minutes, waiting) in [(16, 1), (119, 1), (120, 0)] {
        let at = NOW.shifted(minutes * 60_000);
        fixture.store.heard(Vec::new(), at).await.unwrap();
        assert_eq!(count(&database, "session_asks"), waiting, "after {minutes} min");
    }
}

/// The report goes back as far as usage is taken.
#[tokio::test]
async fn overlaps_are_forgotten_after_400_days() {
    let (folder, store) = fresh();
    let policy = Policy {
        session_policy: SessionPolicy::Report,
        ..Policy::default()
    };
    let (fixture, _) = two_of_one_user(&folder, store, policy).await;
    for (days, kept) in [(399, 1), (400, 0)] {
        let at = NOW.shifted(days * 86_400_000);
        fixture.store.heard(Vec::new(), at).await.unwrap();
        assert_eq!(
            fixture.store.overlaps().await.unwrap().len(),
            kept,
            "after {days} days"
        );
    }
}

/// One day at a time, and those that are left stay.
#[tokio::test]
async fn usage_is_forgotten_after_400_days() {
    let (_folder, store) = fresh();
    let fixture = Fixture::new(store).await;
    let days = |days: i64| NOW.shifted(days * 86_400_000);
    let mut command = fixture.command("a");
    for (day, minutes) in [("2027-01-13", 1), ("2027-01-14", 2), ("2027-01-15", 4)] {
        command.usage.push(Usage {
            product: "ATLAS".into(),
            version: "2026.1".into(),
            day: day.into(),
            since: 0,
            minutes,
        });
    }
    fixture.one(command).await;
    for (after, kept) in [(398, 7), (399, 6), (401, 4), (401, 0)] {
        fixture.store.heard(Vec::new(), days(after)).await.unwrap();
        let rows = fixture.store.usage(None).await.unwrap();
        let minutes: u32 = rows.iter().map(|row| row.minutes).sum();
        assert_eq!(minutes, kept, "after {after} days");
    }
}
