use super::double::Keyring;
use super::*;

fn vault(deadline: Duration) -> (Keyring, Vault, Entry) {
    let keyring = Keyring::default();
    let backend = keyring.clone();
    let vault = Vault::new(move || Box::new(backend.clone()), deadline).unwrap();
    (keyring, vault, Entry::new("https://licences.example", "m1"))
}

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(50);

fn secret(text: &str) -> SecretBytes {
    SecretBytes::new(text.into())
}

#[tokio::test]
async fn what_is_written_is_read_and_what_is_deleted_is_gone() {
    let (_, vault, entry) = vault(LONG);
    assert_eq!(vault.read(&entry).await, Ok(None));
    vault.write(&entry, secret("one")).await.unwrap();
    assert_eq!(vault.read(&entry).await, Ok(Some(secret("one"))));
    vault.delete(&entry).await.unwrap();
    assert_eq!(vault.read(&entry).await, Ok(None));
    assert_eq!(*vault.access().borrow(), Access::Ready);
}

#[tokio::test]
async fn a_locked_keyring_is_named_at_the_deadline_and_the_late_write_is_done() {
    let (keyring, vault, entry) = vault(10 * SHORT);
    keyring.lock();
    assert_eq!(
        vault.write(&entry, secret("late")).await,
        Err(VaultError::Prompting)
    );
    assert_eq!(keyring.prompts(), 1);
    let mut access = vault.access();
    assert_eq!(*access.borrow(), Access::Prompting);
    keyring.answer(true);
    access.wait_for(|access| *access == Access::Ready).await.unwrap();
    assert_eq!(vault.read(&entry).await, Ok(Some(secret("late"))));
}

#[tokio::test]
async fn a_prompt_that_was_closed_is_shown_again_only_when_the_user_wants_something() {
    let (keyring, vault, entry) = vault(LONG);
    keyring.lock();
    keyring.answer(false);
    assert_eq!(vault.read(&entry).await, Err(VaultError::Locked));
    assert_eq!(vault.read(&entry).await, Err(VaultError::Locked));
    assert_eq!(keyring.prompts(), 1);
    assert_eq!(*vault.access().borrow(), Access::Locked);
    vault.ask_again();
    keyring.answer(true);
    assert_eq!(vault.read(&entry).await, Ok(None));
    assert_eq!(keyring.prompts(), 2);
}

#[tokio::test]
async fn a_keyring_that_is_unlocked_elsewhere_is_noticed() {
    let (keyring, vault, entry) = vault(LONG);
    keyring.lock();
    keyring.answer(false);
    assert_eq!(vault.read(&entry).await, Err(VaultError::Locked));
    keyring.open();
    let mut access = vault.access();
    tokio::time::timeout(LONG, access.wait_for(|access| *access == Access::Ready))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_keyring_that_hangs_times_out_and_blocks_nobody() {
    let (keyring, vault, entry) = vault(SHORT);
    keyring.hang(true);
    assert_eq!(
        vault.write(&entry, secret("one")).await,
        Err(VaultError::TimedOut)
    );
    assert_eq!(vault.read(&entry).await, Err(VaultError::TimedOut));
    keyring.hang(false);
    let mut access = vault.access();
    access.wait_for(|access| *access == Access::Ready).await.unwrap();
    assert_eq!(keyring.kept(&entry), Some(b"one".to_vec()));
    drop(vault);
}

#[tokio::test]
async fn no_access_is_not_no_entry() {
    let (keyring, vault, entry) = vault(LONG);
    let failure = VaultError::Unavailable {
        why: "no service".into(),
    };
    keyring.fail(Some(failure.clone()));
    assert_eq!(vault.read(&entry).await, Err(failure));
    assert_eq!(*vault.access().borrow(), Access::Unavailable);
    keyring.fail(None);
    assert_eq!(vault.read(&entry).await, Ok(None));
}

#[tokio::test]
async fn a_write_that_was_not_kept_is_no_success() {
    let (keyring, vault, entry) = vault(LONG);
    keyring.forget();
    assert!(matches!(
        vault.write(&entry, secret("one")).await,
        Err(VaultError::Corrupt { .. })
    ));
}

#[tokio::test]
async fn a_flood_is_bounded() {
    let (keyring, vault, entry) = vault(SHORT);
    keyring.hang(true);
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let (vault, entry) = (vault.clone(), entry.clone());
            tokio::spawn(async move { vault.read(&entry).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), Err(VaultError::TimedOut));
    }
}

#[tokio::test]
async fn a_keyring_that_takes_nothing_new_is_told_from_one_that_is_not_there() {
    let (keyring, vault, entry) = vault(LONG);
    vault.write(&entry, secret("one")).await.unwrap();
    keyring.refuse(true);
    let why = "read-only file system".to_owned();
    let refused = Err(VaultError::ReadOnly { why });
    assert_eq!(vault.write(&entry, secret("two")).await, refused);
    assert_eq!(vault.delete(&entry).await, refused);
    assert_eq!(vault.read(&entry).await, Ok(Some(secret("one"))));
    let access = vault.access();
    assert_eq!(*access.borrow(), Access::ReadOnly, "that it is read says nothing");
    keyring.refuse(false);
    vault.write(&entry, secret("two")).await.unwrap();
    assert_eq!(*access.borrow(), Access::Ready);
}

#[tokio::test]
async fn whether_anything_new_is_taken_is_found_out_without_leaving_something() {
    let (keyring, vault, _) = vault(LONG);
    assert_eq!(vault.try_out().await, Ok(()));
    assert_eq!(keyring.kept(&Entry::trial()), None);
    keyring.refuse(true);
    let refused = vault.try_out().await;
    assert!(matches!(refused, Err(VaultError::ReadOnly { .. })), "{refused:?}");
    assert_eq!(*vault.access().borrow(), Access::ReadOnly);
    keyring.refuse(false);
    assert_eq!(vault.try_out().await, Ok(()));
    assert_eq!(*vault.access().borrow(), Access::Ready, "it is noticed");
}

#[tokio::test]
async fn a_prompt_that_is_open_has_a_name_of_its_own_and_is_no_hang() {
    let (keyring, vault, entry) = vault(SHORT);
    keyring.lock();
    assert_eq!(vault.read(&entry).await, Err(VaultError::Prompting));
    assert_eq!(*vault.access().borrow(), Access::Prompting);
    tokio::time::sleep(3 * SHORT).await;
    assert_eq!(*vault.access().borrow(), Access::Prompting);
    keyring.answer(true);
}

#[tokio::test]
async fn a_hang_is_told_when_the_first_caller_is_and_not_when_it_is_given_up() {
    let deadline = 20 * SHORT;
    let (keyring, vault, entry) = vault(deadline);
    keyring.hang(true);
    assert_eq!(vault.read(&entry).await, Err(VaultError::TimedOut));
    let mut access = vault.access();
    let told = access.wait_for(|access| *access == Access::Hung);
    // It is given up after six of them.
    tokio::time::timeout(3 * deadline, told).await.unwrap().unwrap();
    keyring.hang(false);
}

#[tokio::test]
async fn a_keyring_that_hangs_for_long_holds_a_few_threads_and_no_more() {
    let (keyring, vault, entry) = vault(SHORT);
    keyring.hang(true);
    let mut access = vault.access();
    assert_eq!(vault.read(&entry).await, Err(VaultError::TimedOut));
    access.wait_for(|access| *access == Access::Hung).await.unwrap();
    let stuck = async {
        while keyring.hanging() < 4 {
            assert_eq!(vault.read(&entry).await, Err(VaultError::TimedOut));
        }
    };
    tokio::time::timeout(LONG, stuck).await.unwrap();
    for _ in 0..30 {
        assert_eq!(vault.read(&entry).await, Err(VaultError::TimedOut));
    }
    assert_eq!(keyring.hanging(), 4);
    keyring.hang(false);
    let well = async {
        while vault.read(&entry).await != Ok(None) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, well).await.unwrap();
    assert_eq!(*access.borrow(), Access::Ready);
}

#[tokio::test]
async fn a_keyring_that_was_away_and_comes_back_locked_is_locked() {
    let (keyring, vault, entry) = vault(LONG);
    keyring.fail(Some(VaultError::Unavailable { why: "gone".into() }));
    assert!(vault.read(&entry).await.is_err());
    assert_eq!(*vault.access().borrow(), Access::Unavailable);
    keyring.fail(None);
    keyring.lock();
    keyring.answer(false);
    assert_eq!(vault.read(&entry).await, Err(VaultError::Locked));
    assert_eq!(*vault.access().borrow(), Access::Locked);
}

#[tokio::test]
async fn no_passphrase_opens_a_keyring() {
    let (_, vault, _) = vault(LONG);
    let typed = SecretText::new("correct horse".to_owned());
    assert_eq!(vault.unlock(typed, false).await, Err(VaultError::NothingToUnlock));
}

#[tokio::test]
async fn what_is_in_memory_is_shared_and_ends_with_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::open(VaultKind::Memory, folder.path(), None).unwrap();
    let entry = Entry::new("https://licences.example", "m1");
    let secrets = Secrets::generate().unwrap();
    vault.make_ready().await.unwrap();
    vault.store(&entry, &secrets).await.unwrap();
    assert_eq!(vault.clone().load(&entry).await, Ok(Some(secrets)));
    let another = Vault::open(VaultKind::Memory, folder.path(), None).unwrap();
    assert_eq!(another.load(&entry).await, Ok(None));
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing is written"
    );
    vault.delete(&entry).await.unwrap();
    assert_eq!(vault.load(&entry).await, Ok(None));
}

#[tokio::test]
async fn a_file_is_locked_until_its_passphrase_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Vault::open(VaultKind::File, folder.path(), None).unwrap();
    let typed = |text: &str| SecretText::new(text.to_owned());
    let entry = Entry::new("https://licences.example", "m1");
    let secrets = Secrets::generate().unwrap();

    let vault = open();
    assert_eq!(vault.make_ready().await, Err(VaultError::NoPassphrase));
    assert_eq!(*vault.access().borrow(), Access::NoPassphrase);
    assert_eq!(vault.store(&entry, &secrets).await, Err(VaultError::NoPassphrase));
    vault.unlock(typed("correct horse"), true).await.unwrap();
    assert_eq!(*vault.access().borrow(), Access::Ready);
    vault.store(&entry, &secrets).await.unwrap();

    let vault = open();
    let mut access = vault.access();
    assert_eq!(vault.load(&entry).await, Err(VaultError::Locked));
    assert_eq!(*access.borrow(), Access::Locked);
    assert_eq!(
        vault.unlock(typed("wrong horse"), false).await,
        Err(VaultError::WrongPassphrase)
    );
    assert_eq!(*access.borrow(), Access::Locked, "it stays as it was");
    access.mark_unchanged();
    vault.unlock(typed("correct horse"), false).await.unwrap();
    assert!(access.has_changed().unwrap(), "whoever waits for it is woken");
    assert_eq!(vault.load(&entry).await, Ok(Some(secrets)));

    // A folder in its way stands for a disk that is full or read-only.
    std::fs::create_dir(folder.path().join("secrets.new")).unwrap();
    let refused = vault.delete(&Entry::new("https://other.example", "m1")).await;
    assert!(matches!(refused, Err(VaultError::ReadOnly { .. })), "{refused:?}");
    assert_eq!(*vault.access().borrow(), Access::ReadOnly);
}
