use super::memory::Memory;
use super::*;

fn vault(deadline: Duration) -> (Memory, Vault, Entry) {
    let memory = Memory::default();
    let backend = memory.clone();
    let vault = Vault::new(move || Box::new(backend.clone()), deadline).unwrap();
    (memory, vault, Entry::new("https://licences.example", "m1"))
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
    let (memory, vault, entry) = vault(10 * SHORT);
    memory.lock();
    assert_eq!(vault.write(&entry, secret("late")).await, Err(VaultError::Locked));
    assert_eq!(memory.prompts(), 1);
    let mut access = vault.access();
    assert_eq!(*access.borrow(), Access::Prompting);
    memory.answer(true);
    access.wait_for(|access| *access == Access::Ready).await.unwrap();
    assert_eq!(vault.read(&entry).await, Ok(Some(secret("late"))));
}

#[tokio::test]
async fn a_prompt_that_was_closed_is_shown_again_only_when_the_user_wants_something() {
    let (memory, vault, entry) = vault(LONG);
    memory.lock();
    memory.answer(false);
    assert_eq!(vault.read(&entry).await, Err(VaultError::Locked));
    assert_eq!(vault.read(&entry).await, Err(VaultError::Locked));
    assert_eq!(memory.prompts(), 1);
    assert_eq!(*vault.access().borrow(), Access::Locked);
    vault.ask_again();
    memory.answer(true);
    assert_eq!(vault.read(&entry).await, Ok(None));
    assert_eq!(memory.prompts(), 2);
}

#[tokio::test]
async fn a_keyring_that_is_unlocked_elsewhere_is_noticed() {
    let (memory, vault, entry) = vault(LONG);
    memory.lock();
    memory.answer(false);
    assert_eq!(vault.read(&entry).await, Err(VaultError::Locked));
    memory.open();
    let mut access = vault.access();
    tokio::time::timeout(LONG, access.wait_for(|access| *access == Access::Ready))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_keyring_that_hangs_times_out_and_blocks_nobody() {
    let (memory, vault, entry) = vault(SHORT);
    memory.hang(true);
    assert_eq!(
        vault.write(&entry, secret("one")).await,
        Err(VaultError::TimedOut)
    );
    assert_eq!(vault.read(&entry).await, Err(VaultError::TimedOut));
    memory.hang(false);
    let mut access = vault.access();
    access.wait_for(|access| *access == Access::Ready).await.unwrap();
    assert_eq!(memory.kept(&entry), Some(b"one".to_vec()));
    drop(vault);
}

#[tokio::test]
async fn no_access_is_not_no_entry() {
    let (memory, vault, entry) = vault(LONG);
    let failure = VaultError::Unavailable {
        why: "no service".into(),
    };
    memory.fail(Some(failure.clone()));
    assert_eq!(vault.read(&entry).await, Err(failure));
    assert_eq!(*vault.access().borrow(), Access::Unavailable);
    memory.fail(None);
    assert_eq!(vault.read(&entry).await, Ok(None));
}

#[tokio::test]
async fn a_write_that_was_not_kept_is_no_success() {
    let (memory, vault, entry) = vault(LONG);
    memory.forget();
    assert!(matches!(
        vault.write(&entry, secret("one")).await,
        Err(VaultError::Corrupt { .. })
    ));
}

#[tokio::test]
async fn a_flood_is_bounded() {
    let (memory, vault, entry) = vault(SHORT);
    memory.hang(true);
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
