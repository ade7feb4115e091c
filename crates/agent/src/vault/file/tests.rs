use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

const PASSPHRASE: &str = "correct horse";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join(NAME)
    }

    /// The file as an agent that has just started sees it.
    fn vault(&self) -> Encrypted {
        Encrypted::new(self.0.path(), None)
    }

    /// The same, once its passphrase is chosen and an entry is in it.
    fn with_an_entry() -> Self {
        let folder = Self::new();
        let mut vault = folder.vault();
        vault.unlock_with(&text(PASSPHRASE), true).unwrap();
        vault.write(&entry(), &secret("hunter2")).unwrap();
        folder
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn text(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

fn secret(text: &str) -> SecretBytes {
    SecretBytes::new(text.into())
}

fn entry() -> Entry {
    Entry::new("https://licences.example", "m1")
}

fn other() -> Entry {
    Entry::new("https://other.example", "m1")
}

#[test]
fn what_is_written_is_read_by_the_next_agent_that_is_given_the_passphrase() {
    let folder = Folder::with_an_entry();
    let mut vault = folder.vault();
    assert_eq!(vault.is_locked(Purpose::Read), Ok(true));
    assert_eq!(vault.read(&entry()), Err(VaultError::Locked));
    assert_eq!(
        vault.unlock(),
        Err(VaultError::Locked),
        "nobody can be asked here"
    );
    vault.unlock_with(&text(PASSPHRASE), false).unwrap();
    assert_eq!(vault.is_locked(Purpose::Write), Ok(false));
    assert_eq!(vault.read(&entry()), Ok(Some(secret("hunter2"))));
    assert_eq!(vault.read(&other()), Ok(None));
    vault.write(&other(), &secret("another")).unwrap();
    assert_eq!(vault.read(&entry()), Ok(Some(secret("hunter2"))));
    assert_eq!(
        folder.names(),
        [NAME],
        "nothing else is left, and no key beside it"
    );
}

#[test]
fn the_file_is_the_users_alone_and_shows_nothing() {
    let folder = Folder::with_an_entry();
    let mode = fs::metadata(folder.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let bytes = folder.bytes();
    let shown = String::from_utf8_lossy(&bytes);
    assert!(
        !shown.contains("hunter2") && !shown.contains(PASSPHRASE) && !shown.contains("licences.example"),
        "{shown}"
    );
    // What it costs to guess stands in the file, and is more than OWASP asks for.
    assert!(
        shown.contains(r#""kdf":"argon2id","memory_kib":65536,"passes":3,"lanes":1"#),
        "{shown}"
    );
}

#[test]
fn a_file_that_an_agent_left_half_written_changes_nothing() {
    let folder = Folder::with_an_entry();
    let beside = folder.path().with_extension("new");
    fs::write(&beside, "half").unwrap();
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o644)).unwrap();
    let mut vault = folder.vault();
    vault.unlock_with(&text(PASSPHRASE), false).unwrap();
    vault.write(&other(), &secret("another")).unwrap();
    assert_eq!(vault.read(&entry()), Ok(Some(secret("hunter2"))));
    let mode = fs::metadata(folder.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(folder.names(), [NAME]);
}

#[test]
fn the_same_twice_looks_different() {
    let folder = Folder::with_an_entry();
    let before = folder.bytes();
    let mut vault = folder.vault();
    vault.unlock_with(&text(PASSPHRASE), false).unwrap();
    vault.write(&entry(), &secret("hunter2")).unwrap();
    assert_ne!(folder.bytes(), before, "a nonce was used twice");
    let again = Folder::with_an_entry();
    let lock = |folder: &Folder| folder.vault().document().unwrap().unwrap().lock;
    assert_ne!(lock(&again), lock(&folder), "a salt was used twice");
}

#[test]
fn a_wrong_passphrase_is_named_and_nothing_is_lost() {
    let folder = Folder::with_an_entry();
    let before = folder.bytes();
    let mut vault = folder.vault();
    for wrong in ["Correct horse", "", "correct horse "] {
        assert_eq!(
            vault.unlock_with(&text(wrong), false),
            Err(VaultError::WrongPassphrase),
            "{wrong:?}"
        );
    }
    assert_eq!(vault.is_locked(Purpose::Read), Ok(true));
    assert_eq!(folder.bytes(), before);
    vault.unlock_with(&text(PASSPHRASE), false).unwrap();
    assert_eq!(
        vault.unlock_with(&text("wrong"), false),
        Err(VaultError::WrongPassphrase)
    );
    assert_eq!(
        vault.read(&entry()),
        Ok(Some(secret("hunter2"))),
        "a mistake afterwards locks nothing"
    );
}

#[test]
fn the_first_passphrase_is_chosen_once_and_is_no_short_one() {
    let folder = Folder::new();
    let mut vault = folder.vault();
    assert_eq!(
        vault.is_locked(Purpose::Read),
        Ok(false),
        "there is nothing to be read"
    );
    assert_eq!(vault.read(&entry()), Ok(None));
    assert_eq!(vault.is_locked(Purpose::Write), Ok(true));
    assert_eq!(vault.unlock(), Err(VaultError::NoPassphrase));
    assert_eq!(
        vault.write(&entry(), &secret("hunter2")),
        Err(VaultError::NoPassphrase)
    );
    assert_eq!(
        vault.unlock_with(&text(PASSPHRASE), false),
        Err(VaultError::NoPassphrase),
        "what was typed once is not chosen unasked"
    );
    assert_eq!(
        vault.unlock_with(&text("1234567"), true),
        Err(VaultError::PassphraseTooShort)
    );
    assert!(folder.names().is_empty(), "{:?}", folder.names());
    vault.unlock_with(&text("forgotten at once"), true).unwrap();
    assert!(folder.names().is_empty(), "there is nothing to keep yet");
    vault.unlock_with(&text(PASSPHRASE), true).unwrap();
    vault.write(&entry(), &secret("hunter2")).unwrap();
    assert_eq!(
        vault.unlock_with(&text("another one"), true),
        Err(VaultError::PassphraseSet)
    );
}

#[test]
fn whatever_bit_is_changed_nothing_else_is_read() {
    let folder = Folder::with_an_entry();
    let whole = folder.bytes();
    for at in (0..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(folder.path(), &damaged).unwrap();
        let mut vault = folder.vault();
        let read = vault.read(&entry());
        assert!(
            matches!(read, Err(VaultError::Corrupt { .. } | VaultError::TooNew { .. })),
            "byte {at}: {read:?}"
        );
        assert_eq!(folder.bytes(), damaged, "it is left as it is");
    }
    fs::write(folder.path(), &whole[..whole.len() / 2]).unwrap();
    let cut = folder.vault().read(&entry());
    assert!(matches!(cut, Err(VaultError::Corrupt { .. })), "{cut:?}");
}

/// Whoever can write the file can make its checksum fit; the cipher does not let them change a bit, or exchange entries.
#[test]
fn what_was_changed_on_purpose_does_not_decrypt() {
    let folder = Folder::with_an_entry();
    let mut vault = folder.vault();
    vault.unlock_with(&text(PASSPHRASE), false).unwrap();
    vault.write(&other(), &secret("another")).unwrap();
    let whole = vault.document().unwrap().unwrap();
    let mut exchanged = whole.clone();
    let sealed = whole.entries[other().name()].clone();
    exchanged.entries.insert(entry().name().to_owned(), sealed);
    exchanged.write(&folder.path()).unwrap();
    assert!(matches!(vault.read(&entry()), Err(VaultError::Corrupt { .. })));
    assert_eq!(vault.read(&other()), Ok(Some(secret("another"))));

    let text_of = |document: &Document| serde_json::to_string(document).unwrap();
    let greedy = text_of(&whole).replace("65536", "4294967295");
    let greedy: Document = serde_json::from_str(&greedy).unwrap();
    greedy.write(&folder.path()).unwrap();
    let refused = folder.vault().unlock_with(&text(PASSPHRASE), false);
    assert!(matches!(refused, Err(VaultError::Corrupt { .. })), "{refused:?}");
    let cheap = text_of(&whole).replace("65536", "8");
    let cheap: Document = serde_json::from_str(&cheap).unwrap();
    cheap.write(&folder.path()).unwrap();
    assert_eq!(
        folder.vault().unlock_with(&text(PASSPHRASE), false),
        Err(VaultError::WrongPassphrase)
    );
}

#[test]
fn a_damaged_file_is_kept_aside_when_somebody_signs_in_anew() {
    let folder = Folder::with_an_entry();
    let mut vault = folder.vault();
    vault.unlock_with(&text(PASSPHRASE), false).unwrap();
    fs::write(folder.path(), "damaged").unwrap();
    assert!(matches!(vault.read(&entry()), Err(VaultError::Corrupt { .. })));
    assert!(matches!(folder.vault().unlock(), Err(VaultError::Corrupt { .. })));
    assert!(matches!(
        folder.vault().unlock_with(&text(PASSPHRASE), true),
        Err(VaultError::Corrupt { .. })
    ));
    vault.write(&entry(), &secret("new")).unwrap();
    assert_eq!(vault.read(&entry()), Ok(Some(secret("new"))));
    assert_eq!(folder.names(), [NAME, "secrets.damaged"]);
    let mut next = folder.vault();
    next.unlock_with(&text(PASSPHRASE), false).unwrap();
    assert_eq!(next.read(&entry()), Ok(Some(secret("new"))));
}

#[test]
fn a_file_of_a_newer_latchkey_is_left_alone() {
    let folder = Folder::new();
    fs::write(folder.path(), "latchkey-vault 2 whatever\n{}").unwrap();
    let mut vault = folder.vault();
    let too_new = VaultError::TooNew { version: 2 };
    assert_eq!(vault.read(&entry()), Err(too_new.clone()));
    assert_eq!(vault.write(&entry(), &secret("x")), Err(too_new.clone()));
    assert_eq!(vault.delete(&entry()), Err(too_new.clone()));
    assert_eq!(vault.unlock_with(&text(PASSPHRASE), true), Err(too_new));
    assert_eq!(folder.bytes(), b"latchkey-vault 2 whatever\n{}");
}

#[test]
fn a_passphrase_that_was_forgotten_is_no_dead_end() {
    let folder = Folder::with_an_entry();
    let mut vault = folder.vault();
    vault.unlock_with(&text(PASSPHRASE), false).unwrap();
    vault.write(&other(), &secret("another")).unwrap();
    let mut locked = folder.vault();
    assert_eq!(locked.is_locked(Purpose::Delete), Ok(false));
    locked.delete(&entry()).unwrap();
    assert_eq!(vault.read(&entry()), Ok(None));
    assert_eq!(vault.read(&other()), Ok(Some(secret("another"))));
    locked.delete(&other()).unwrap();
    assert!(folder.names().is_empty(), "nothing is left: {:?}", folder.names());
    assert_eq!(locked.unlock(), Err(VaultError::NoPassphrase));
    locked.delete(&other()).unwrap();
    // Whoever has the key goes on with it.
    vault.write(&entry(), &secret("new")).unwrap();
    let mut next = folder.vault();
    next.unlock_with(&text(PASSPHRASE), false).unwrap();
    assert_eq!(next.read(&entry()), Ok(Some(secret("new"))));
}

#[test]
fn a_file_that_was_exchanged_is_locked_again() {
    let folder = Folder::with_an_entry();
    let mut vault = folder.vault();
    vault.unlock_with(&text(PASSPHRASE), false).unwrap();
    fs::copy(Folder::with_an_entry().path(), folder.path()).unwrap();
    assert_eq!(vault.is_locked(Purpose::Read), Ok(true));
    assert_eq!(vault.write(&entry(), &secret("x")), Err(VaultError::Locked));
}

#[test]
fn a_machine_that_nobody_sits_at_has_its_passphrase_in_a_file() {
    let folder = Folder::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("passphrase");
    let put = |path: &Path, text: &str, mode: u32| {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let vault = |path: &Path| Encrypted::new(folder.0.path(), Some(path.to_owned()));
    let refused = |path: &Path, why: &str| {
        let error = vault(path).unlock().unwrap_err();
        assert!(matches!(error, VaultError::PassphraseFile { .. }), "{error:?}");
        let said = error.to_string();
        assert!(said.contains(why), "{said}");
        assert!(!said.contains(PASSPHRASE), "{said}");
    };
    refused(&file, "No such file");
    put(&file, "correct horse\n", 0o640);
    refused(&file, "others may read it");
    put(&file, "\n", 0o600);
    refused(&file, "empty");
    put(&file, "short\n", 0o600);
    refused(&file, "too short");
    put(&file, &"x".repeat(5_000), 0o600);
    refused(&file, "too long");
    refused(Path::new("passphrase"), "not absolute");
    refused(elsewhere.path(), "no file");
    let beside = folder.0.path().join("passphrase");
    put(&beside, "correct horse\n", 0o600);
    refused(&beside, "beside what it opens");
    fs::remove_file(&beside).unwrap();
    assert!(
        folder.names().is_empty(),
        "nothing was begun: {:?}",
        folder.names()
    );

    put(&file, "correct horse\n", 0o600);
    let mut first = vault(&file);
    assert_eq!(first.is_locked(Purpose::Write), Ok(true));
    first.unlock().unwrap();
    first.write(&entry(), &secret("hunter2")).unwrap();
    let mut next = vault(&file);
    next.unlock().unwrap();
    assert_eq!(next.read(&entry()), Ok(Some(secret("hunter2"))));
    put(&file, "wrong horse\n", 0o600);
    refused(&file, "not the right one");
}

#[test]
fn nothing_of_the_key_is_printed() {
    let folder = Folder::with_an_entry();
    let error = format!("{:?}", folder.vault().unlock_with(&text("hunter3hunter3"), false));
    assert!(!error.contains("hunter3"), "{error}");
}

/// Neither what a write that was cut off has left, nor what could not be read and was kept aside (rule 15).
#[test]
fn with_its_last_entry_goes_what_is_beside_the_file() {
    for whole in [true, false] {
        let folder = Folder::with_an_entry();
        for beside in ["new", "damaged"] {
            fs::write(folder.path().with_extension(beside), "left").unwrap();
        }
        if whole {
            folder.vault().delete(&entry()).unwrap();
        } else {
            delete_all(folder.0.path()).unwrap();
        }
        assert_eq!(folder.names(), Vec::<String>::new());
    }
    let folder = Folder::new();
    fs::write(folder.path().with_extension("damaged"), "left").unwrap();
    folder.vault().delete(&entry()).unwrap();
    assert_eq!(folder.names(), Vec::<String>::new());
}
