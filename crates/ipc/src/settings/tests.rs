use super::*;

fn language(environment: Option<&str>, user: &Path, machine: &Path) -> Option<String> {
    let settings = Settings::of(
        |key| environment.filter(|_| key == Key::Language).map(str::to_owned),
        Some(user.to_owned()),
        Some(machine.to_owned()),
    );
    settings.language.map(|language| language.value)
}

#[test]
fn the_environment_stands_above_the_user_and_the_user_above_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let [user, machine] = ["user", "machine"].map(|name| folder.path().join(name));
    assert_eq!(language(None, &user, &machine), None);
    fs::write(&machine, r#"{"language": "de"}"#).unwrap();
    assert_eq!(language(None, &user, &machine).as_deref(), Some("de"));
    fs::write(&user, r#"{"language": "en"}"#).unwrap();
    assert_eq!(language(None, &user, &machine).as_deref(), Some("en"));
    assert_eq!(language(Some("de-AT"), &user, &machine).as_deref(), Some("de-AT"));
    assert_eq!(language(Some(""), &user, &machine).as_deref(), Some("en"));
}

#[test]
fn a_broken_file_is_named_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let [user, machine] = ["user", "machine"].map(|name| folder.path().join(name));
    fs::write(&user, "{").unwrap();
    fs::write(&machine, r#"{"language": "de"}"#).unwrap();
    let settings = Settings::of(|_| None, Some(user.clone()), Some(machine));
    assert_eq!(settings.language.unwrap().value, "de");
    let problem = settings.problems[0].to_string();
    assert!(problem.starts_with(&user.display().to_string()), "{problem}");
}

#[test]
fn secrets_are_kept_where_somebody_has_chosen_and_else_in_the_keyring() {
    let folder = tempfile::tempdir().unwrap();
    let [user, machine] = ["user", "machine"].map(|name| folder.path().join(name));
    let settings = |variable: Option<&'static str>| {
        Settings::of(
            move |key| variable.filter(|_| key == Key::Vault).map(str::to_owned),
            Some(user.clone()),
            Some(machine.clone()),
        )
    };
    assert_eq!(settings(None).vault(), VaultKind::Keyring);
    fs::write(&machine, r#"{"vault": "memory"}"#).unwrap();
    assert_eq!(settings(None).vault(), VaultKind::Memory);
    fs::write(&user, r#"{"vault": "file"}"#).unwrap();
    assert_eq!(settings(None).vault(), VaultKind::File);
    assert_eq!(settings(Some("keyring")).vault(), VaultKind::Keyring);
    // What nobody knows is named, and what stands below it holds.
    let mistaken = settings(Some("plain"));
    assert_eq!(mistaken.vault(), VaultKind::File);
    assert_eq!(
        mistaken.problems[0].to_string(),
        "LATCHKEY_VAULT: vault cannot be \"plain\""
    );
}

#[test]
fn a_proxy_is_the_systems_where_nobody_has_chosen_and_what_is_none_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let [user, machine] = ["user", "machine"].map(|name| folder.path().join(name));
    let settings = |variable: Option<&'static str>| {
        Settings::of(
            move |key| variable.filter(|_| key == Key::Proxy).map(str::to_owned),
            Some(user.clone()),
            Some(machine.clone()),
        )
    };
    assert_eq!(settings(None).proxy(), Proxy::System);
    fs::write(&machine, r#"{"proxy": "http://proxy.nord.example:3128"}"#).unwrap();
    assert_eq!(
        settings(None).proxy().to_string(),
        "http://proxy.nord.example:3128"
    );
    fs::write(&user, r#"{"proxy": "direct"}"#).unwrap();
    assert_eq!(settings(None).proxy(), Proxy::Direct);
    assert_eq!(settings(Some("system")).proxy(), Proxy::System);
    let mistaken = settings(Some("socks4://maya:s3cret@proxy:1080"));
    assert_eq!(mistaken.proxy(), Proxy::Direct);
    assert_eq!(
        mistaken.problems[0].to_string(),
        "LATCHKEY_PROXY: proxy cannot be this: only http://, https://, socks5:// and socks5h:// proxies can be used"
    );
}

#[cfg(unix)]
#[test]
fn what_is_written_only_its_owner_reads() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    fs::write(&path, "{}").unwrap();
    fs::write(path.with_extension("json.new"), "cut short").unwrap();
    let file = File {
        proxy: Some("http://maya:s3cret@proxy:3128".to_owned()),
        ..File::default()
    };
    file.write(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_is_written_reads_back_and_leaves_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latchkey").join("config.json");
    let mut file = File::read(&path).unwrap();
    file.newer.insert("later".to_owned(), true.into());
    file.language = Some("de".to_owned());
    file.write(&path).unwrap();
    let mut again = File::read(&path).unwrap();
    assert_eq!(again.language.as_deref(), Some("de"));
    again.language = None;
    again.write(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\n  \"later\": true\n}\n");
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}
