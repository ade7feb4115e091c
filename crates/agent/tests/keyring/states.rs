//! Each state that a keyring can be in, as the vault names it.

use std::time::Duration;

use latchkey_agent::secret::{SecretBytes, SecretText};
use latchkey_agent::vault::{Access, Entry, Secrets, Tokens, Vault, VaultError};
use latchkey_core::time::Timestamp;
use rustix::process::Signal;
use secret_service::EncryptionType;
use secret_service::blocking::SecretService;

use super::session::{
    in_session, lock_the_keyring, make_collection, start_keyring, unlock_collection, unlock_the_keyring,
};

fn entry() -> Entry {
    Entry::new("https://licences.example", "m1")
}

fn secret(text: &str) -> SecretBytes {
    SecretBytes::new(text.into())
}

fn signed_in() -> Secrets {
    let token = |letter: &str| SecretText::new(letter.repeat(6_000));
    Secrets {
        tokens: Some(Tokens {
            access_token: token("a"),
            access_expires_at: Timestamp::from_secs(7),
            refresh_token: Some(token("r")),
            id_token: token("i"),
            issuer: "https://id.example".into(),
            subject: "maya".into(),
            obtained_at: Timestamp::from_secs(3),
            scope: None,
        }),
        ..Secrets::generate().unwrap()
    }
}

#[test]
fn tokens_of_6000_bytes_are_kept_under_a_name_that_people_understand() {
    in_session(
        "states::tokens_of_6000_bytes_are_kept_under_a_name_that_people_understand",
        async {
            let _keyring = start_keyring(Some("test"));
            let vault = Vault::system().unwrap();
            assert_eq!(vault.load(&entry()).await, Ok(None));
            let secrets = signed_in();
            vault.store(&entry(), &secrets).await.unwrap();
            assert_eq!(vault.load(&entry()).await, Ok(Some(secrets.clone())));
            let later = Secrets {
                tokens: None,
                ..secrets
            };
            vault.store(&entry(), &later).await.unwrap();
            assert_eq!(vault.load(&entry()).await, Ok(Some(later)));

            let service = SecretService::connect(EncryptionType::Plain).unwrap();
            let items = service.get_default_collection().unwrap();
            let labels: Vec<String> = items
                .get_all_items()
                .unwrap()
                .iter()
                .map(|item| item.get_label().unwrap())
                .collect();
            assert_eq!(labels, ["Latchkey — https://licences.example"]);

            vault.delete(&entry()).await.unwrap();
            vault.delete(&entry()).await.unwrap();
            assert_eq!(vault.load(&entry()).await, Ok(None));
        },
    );
}

/// A keyring that was restored beside itself: nobody knows which of two entries counts, and the next sign-in ends that.
#[test]
fn several_entries_of_one_name_are_damage_that_can_be_mended() {
    in_session(
        "states::several_entries_of_one_name_are_damage_that_can_be_mended",
        async {
            let _keyring = start_keyring(Some("test"));
            let vault = Vault::system().unwrap();
            let double = || {
                let service = SecretService::connect(EncryptionType::Plain).unwrap();
                let collection = service.get_default_collection().unwrap();
                let item = collection.get_all_items().unwrap().pop().unwrap();
                let attributes = item.get_attributes().unwrap();
                let attributes = attributes
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()))
                    .collect();
                collection
                    .create_item("copy", attributes, b"another", false, "text/plain")
                    .unwrap();
                collection.get_all_items().unwrap().len()
            };
            vault.write(&entry(), secret("one")).await.unwrap();
            assert_eq!(double(), 2);
            let error = vault.read(&entry()).await.unwrap_err();
            assert!(matches!(error, VaultError::Corrupt { .. }), "{error:?}");
            vault.write(&entry(), secret("two")).await.unwrap();
            assert_eq!(vault.read(&entry()).await, Ok(Some(secret("two"))));
            assert_eq!(double(), 2);
            vault.delete(&entry()).await.unwrap();
            assert_eq!(vault.read(&entry()).await, Ok(None));
        },
    );
}

#[test]
fn a_keyring_that_is_restarted_or_starts_late_is_found_again() {
    in_session(
        "states::a_keyring_that_is_restarted_or_starts_late_is_found_again",
        async {
            let vault = Vault::system().unwrap();
            let error = vault.read(&entry()).await.unwrap_err();
            assert!(matches!(error, VaultError::Unavailable { .. }), "{error:?}");
            let first = start_keyring(Some("test"));
            vault.write(&entry(), secret("one")).await.unwrap();
            drop(first);
            let error = vault.read(&entry()).await.unwrap_err();
            assert!(
                matches!(error, VaultError::Unavailable { .. }),
                "no access is not no entry: {error:?}"
            );
            let _second = start_keyring(Some("test"));
            assert_eq!(vault.read(&entry()).await, Ok(Some(secret("one"))));
            vault.write(&entry(), secret("two")).await.unwrap();
            assert_eq!(vault.read(&entry()).await, Ok(Some(secret("two"))));
        },
    );
}

#[test]
fn a_locked_keyring_is_locked_and_not_empty() {
    in_session("states::a_locked_keyring_is_locked_and_not_empty", async {
        let _keyring = start_keyring(Some("test"));
        let vault = Vault::system().unwrap();
        vault.write(&entry(), secret("one")).await.unwrap();
        lock_the_keyring();
        // Without a display nobody can be asked, which is as if they had said no.
        assert_eq!(vault.read(&entry()).await, Err(VaultError::Locked));
        assert_eq!(
            vault.read(&Entry::new("https://other.example", "m1")).await,
            Err(VaultError::Locked)
        );
        assert_eq!(
            vault.write(&entry(), secret("two")).await,
            Err(VaultError::Locked)
        );
        assert_eq!(vault.delete(&entry()).await, Err(VaultError::Locked));
        assert_eq!(*vault.access().borrow(), Access::Locked);
        unlock_the_keyring("test").await;
        let mut access = vault.access();
        let ready = access.wait_for(|access| *access == Access::Ready);
        tokio::time::timeout(Duration::from_secs(20), ready)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(vault.read(&entry()).await, Ok(Some(secret("one"))));
    });
}

/// The user has chosen another default keyring since the sign-in, and the one that the entry is in is not opened by a login.
#[test]
fn an_entry_in_another_locked_collection_is_locked_and_not_asked_for_twice() {
    in_session(
        "states::an_entry_in_another_locked_collection_is_locked_and_not_asked_for_twice",
        async {
            let _keyring = start_keyring(Some("test"));
            let vault = Vault::system().unwrap();
            vault.write(&entry(), secret("one")).await.unwrap();
            make_collection("Old", "old").await;
            let lock_it_away = || {
                let service = SecretService::connect(EncryptionType::Plain).unwrap();
                let collections = service.get_all_collections().unwrap();
                let mut collections = collections.iter();
                let old = collections.find(|one| one.get_label().unwrap() == "Old").unwrap();
                let login = service.get_default_collection().unwrap();
                let item = login.get_all_items().unwrap().pop().unwrap();
                let attributes = item.get_attributes().unwrap();
                let attributes = attributes
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()));
                let value = item.get_secret().unwrap();
                old.create_item("Latchkey", attributes.collect(), &value, false, "text/plain")
                    .unwrap();
                item.delete().unwrap();
                old.lock().unwrap();
            };
            lock_it_away();
            assert_eq!(vault.read(&entry()).await, Err(VaultError::Locked));
            assert_eq!(
                vault.write(&entry(), secret("two")).await,
                Err(VaultError::Locked),
                "there would be two of them"
            );
            // Longer than it takes until the vault looks again.
            tokio::time::sleep(Duration::from_secs(6)).await;
            let mut access = vault.access();
            assert_eq!(
                *access.borrow(),
                Access::Locked,
                "the default collection is open all the time"
            );
            assert_eq!(
                vault.read(&Entry::new("https://other.example", "m1")).await,
                Ok(None),
                "other entries are not behind this lock"
            );
            assert_eq!(vault.read(&entry()).await, Err(VaultError::Locked));

            unlock_collection("Old", "old").await;
            let ready = access.wait_for(|access| *access == Access::Ready);
            tokio::time::timeout(Duration::from_secs(20), ready)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(vault.read(&entry()).await, Ok(Some(secret("one"))));
        },
    );
}

#[test]
fn a_keyring_that_hangs_is_named_in_time_and_heals() {
    in_session("states::a_keyring_that_hangs_is_named_in_time_and_heals", async {
        let keyring = start_keyring(Some("test"));
        let vault = Vault::system().unwrap();
        vault.write(&entry(), secret("one")).await.unwrap();
        keyring.signal(Signal::STOP);
        assert_eq!(
            vault.write(&entry(), secret("two")).await,
            Err(VaultError::TimedOut)
        );
        keyring.signal(Signal::CONT);
        assert_eq!(
            vault.read(&entry()).await,
            Ok(Some(secret("two"))),
            "the late write was done first"
        );
    });
}

#[test]
fn where_no_keyring_was_ever_made_nothing_is_stored_and_nothing_is_kept() {
    in_session(
        "states::where_no_keyring_was_ever_made_nothing_is_stored_and_nothing_is_kept",
        async {
            let _keyring = start_keyring(None);
            let vault = Vault::system().unwrap();
            assert_eq!(vault.read(&entry()).await, Ok(None));
            let error = vault.write(&entry(), secret("one")).await.unwrap_err();
            assert!(
                matches!(error, VaultError::Locked | VaultError::Unavailable { .. }),
                "{error:?}"
            );
            assert_eq!(vault.read(&entry()).await, Ok(None));
        },
    );
}

#[test]
fn an_entry_that_somebody_removed_is_gone_and_nothing_else_is() {
    in_session(
        "states::an_entry_that_somebody_removed_is_gone_and_nothing_else_is",
        async {
            let _keyring = start_keyring(Some("test"));
            let vault = Vault::system().unwrap();
            vault.write(&entry(), secret("one")).await.unwrap();
            let other = Entry::new("https://other.example", "m1");
            vault.write(&other, secret("other")).await.unwrap();
            let service = SecretService::connect(EncryptionType::Plain).unwrap();
            let collection = service.get_default_collection().unwrap();
            let items = collection.get_all_items().unwrap();
            let label = "Latchkey — https://licences.example";
            let item = items.iter().find(|item| item.get_label().unwrap() == label);
            item.unwrap().delete().unwrap();
            assert_eq!(vault.read(&entry()).await, Ok(None));
            assert_eq!(*vault.access().borrow(), Access::Ready);
            assert_eq!(vault.read(&other).await, Ok(Some(secret("other"))));
            vault.write(&entry(), secret("two")).await.unwrap();
            assert_eq!(vault.read(&entry()).await, Ok(Some(secret("two"))));
        },
    );
}

/// As when the disk is full, or the home folder read-only.
#[test]
fn a_keyring_that_takes_nothing_new_says_so_and_gives_what_it_has() {
    in_session(
        "states::a_keyring_that_takes_nothing_new_says_so_and_gives_what_it_has",
        async {
            let keyring = start_keyring(Some("test"));
            let vault = Vault::system().unwrap();
            vault.write(&entry(), secret("one")).await.unwrap();
            keyring.may_write(Some(0));
            let refused = vault.write(&entry(), secret("two")).await.unwrap_err();
            assert!(matches!(refused, VaultError::ReadOnly { .. }), "{refused:?}");
            assert_eq!(*vault.access().borrow(), Access::ReadOnly);
            assert_eq!(vault.read(&entry()).await, Ok(Some(secret("one"))));
            assert_eq!(*vault.access().borrow(), Access::ReadOnly);
            keyring.may_write(None);
            vault.write(&entry(), secret("three")).await.unwrap();
            assert_eq!(*vault.access().borrow(), Access::Ready);
            assert_eq!(vault.read(&entry()).await, Ok(Some(secret("three"))));
        },
    );
}

/// What shows a keyring's prompts, and here never answers one.
struct Prompter;

#[zbus::interface(name = "org.gnome.keyring.internal.Prompter")]
impl Prompter {
    fn begin_prompting(&self, _callback: zbus::ObjectPath<'_>) {}
    fn perform_prompt(
        &self,
        _callback: zbus::ObjectPath<'_>,
        _kind: &str,
        _properties: std::collections::HashMap<String, zbus::OwnedVariant>,
        _exchange: &str,
    ) {
    }
    fn stop_prompting(&self, _callback: zbus::ObjectPath<'_>) {}
}

#[test]
fn a_prompt_that_is_open_has_a_name_of_its_own() {
    in_session("states::a_prompt_that_is_open_has_a_name_of_its_own", async {
        let _keyring = start_keyring(Some("test"));
        let vault = Vault::system().unwrap();
        vault.write(&entry(), secret("one")).await.unwrap();
        lock_the_keyring();
        let _prompter = zbus::connection::Builder::session()
            .serve_at("/org/gnome/keyring/Prompter", Prompter)
            .name("org.gnome.keyring.SystemPrompter")
            .build()
            .await
            .unwrap();
        let mut access = vault.access();
        let (reading, of) = (vault.clone(), entry());
        let read = tokio::spawn(async move { reading.read(&of).await });
        let prompting = access.wait_for(|access| *access == Access::Prompting);
        tokio::time::timeout(Duration::from_secs(20), prompting)
            .await
            .unwrap()
            .unwrap();
        // Nobody answers, and whoever asked is told that it waits for them, and not that it hangs.
        assert_eq!(read.await.unwrap(), Err(VaultError::Prompting));
        assert_eq!(*access.borrow(), Access::Prompting);
        // Somebody opens it elsewhere, as a login does.
        unlock_the_keyring("test").await;
        drop(_prompter);
        let ready = access.wait_for(|access| *access == Access::Ready);
        tokio::time::timeout(Duration::from_secs(20), ready)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(vault.read(&entry()).await, Ok(Some(secret("one"))));
    });
}
