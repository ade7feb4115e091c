//! The session over a provider that rotates refresh tokens and ends the grant when an old one is used.

mod change;

use std::sync::Arc;

use serde_json::json;
use tokio::sync::Notify;

use super::*;
use crate::identity::IdTokenError;
use crate::identity::tests::provider::{Idp, NOW, Raw};
use crate::identity::tests::sign_in;
use crate::vault::Access;
use crate::vault::double::Keyring;

const SERVICE: &str = "https://licences.example";
const DAY: Duration = Duration::from_secs(86_400);
const LONG: Duration = Duration::from_secs(20);
/// A deadline that these tests wait out, and that a machine which is busy still keeps.
const SHORT: Duration = Duration::from_secs(2);

struct World {
    idp: Idp,
    keyring: Keyring,
    folder: tempfile::TempDir,
    sessions: Sessions,
}

impl World {
    /// Somebody has signed in a minute ago.
    async fn signed_in() -> Self {
        Self::with_deadline(LONG).await
    }

    async fn with_deadline(deadline: Duration) -> Self {
        let idp = Idp::start().await;
        let (keyring, folder) = (Keyring::default(), tempfile::tempdir().unwrap());
        let sessions = process(&idp, &keyring, &folder, deadline);
        let signed_in = sign_in(&idp).await.unwrap();
        sessions.signed_in(SERVICE, &signed_in).await.unwrap();
        idp.set_now(NOW + 60);
        Self {
            idp,
            keyring,
            folder,
            sessions,
        }
    }

    /// An agent of its own: another process.
    fn another_process(&self) -> Sessions {
        process(&self.idp, &self.keyring, &self.folder, LONG)
    }

    async fn credentials(&self, refresh_every: Duration) -> Result<Credentials, SessionError> {
        self.sessions
            .credentials(SERVICE, &self.idp.identity(), refresh_every)
            .await
    }

    fn refreshes(&self) -> usize {
        self.idp.asked("/token") - 1
    }

    /// What is in the keyring.
    fn kept(&self) -> String {
        let kept = self.keyring.kept(&self.sessions.entry(SERVICE));
        String::from_utf8(kept.unwrap_or_default()).unwrap()
    }
}

fn process(idp: &Idp, keyring: &Keyring, folder: &tempfile::TempDir, deadline: Duration) -> Sessions {
    let backend = keyring.clone();
    let vault = Vault::new(move || Box::new(backend.clone()), deadline).unwrap();
    Sessions::new(idp.oidc(), vault, folder.path().to_owned(), "m1".into())
}

fn access_token(credentials: &Credentials) -> &str {
    credentials.tokens.access_token.expose()
}

#[tokio::test]
async fn the_cached_token_serves_until_it_is_old_or_nearly_expired() {
    let world = World::signed_in().await;
    assert_eq!(access_token(&world.credentials(DAY).await.unwrap()), "at-1");
    assert_eq!(world.refreshes(), 0);
    world.idp.set_now(NOW + 3_600 - 59);
    assert_eq!(
        access_token(&world.credentials(DAY).await.unwrap()),
        "at-2",
        "less than a minute was left"
    );
    world.idp.set_now(NOW + 3_600 + 600);
    assert_eq!(
        access_token(&world.credentials(Duration::from_secs(600)).await.unwrap()),
        "at-3",
        "older than asked for"
    );
    assert_eq!(
        access_token(&world.credentials(Duration::ZERO).await.unwrap()),
        "at-4",
        "zero asks for a refresh"
    );
    assert!(world.kept().contains("rt-4"));
    world.idp.set_now(NOW);
    assert_eq!(
        access_token(&world.credentials(DAY).await.unwrap()),
        "at-5",
        "the clock was set back"
    );
}

#[tokio::test]
async fn a_check_that_sets_the_clock_by_the_service_asks_for_no_refresh() {
    let world = World::signed_in().await;
    // Whole seconds: up to one of them less than when the tokens came.
    world.idp.set_now(NOW - 1);
    assert_eq!(access_token(&world.credentials(DAY).await.unwrap()), "at-1");
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn many_who_ask_at_once_are_served_by_one_refresh_across_processes() {
    let world = World::signed_in().await;
    world.idp.set_now(NOW + 4_000);
    let processes = [
        world.sessions.clone(),
        world.another_process(),
        world.another_process(),
    ];
    let asking: Vec<_> = (0..12)
        .map(|number| {
            let (sessions, identity) = (processes[number % 3].clone(), world.idp.identity());
            tokio::spawn(async move { sessions.credentials(SERVICE, &identity, DAY).await })
        })
        .collect();
    for asked in asking {
        assert_eq!(access_token(&asked.await.unwrap().unwrap()), "at-2");
    }
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn many_who_ask_for_a_fresh_token_at_once_share_it() {
    let world = World::signed_in().await;
    let asking: Vec<_> = (0..5)
        .map(|_| {
            let (sessions, identity) = (world.sessions.clone(), world.idp.identity());
            tokio::spawn(async move { sessions.credentials(SERVICE, &identity, Duration::ZERO).await })
        })
        .collect();
    for asked in asking {
        assert_eq!(access_token(&asked.await.unwrap().unwrap()), "at-2");
    }
    assert_eq!(world.refreshes(), 1);
}

#[tokio::test]
async fn what_a_refresh_brings_is_stored_though_nobody_waits_any_more() {
    let world = World::signed_in().await;
    let gate = Arc::new(Notify::new());
    world.idp.script().gate = Some(Arc::clone(&gate));
    let (sessions, identity) = (world.sessions.clone(), world.idp.identity());
    let asking = tokio::spawn(async move { sessions.credentials(SERVICE, &identity, Duration::ZERO).await });
    until(|| world.refreshes() == 1).await;
    asking.abort();
    let _aborted = asking.await;
    gate.notify_one();
    until(|| world.kept().contains("rt-2")).await;
}

#[tokio::test]
async fn tokens_that_cannot_be_stored_are_given_to_nobody_and_not_lost() {
    let world = World::signed_in().await;
    let gate = Arc::new(Notify::new());
    world.idp.script().gate = Some(Arc::clone(&gate));
    let (sessions, identity) = (world.sessions.clone(), world.idp.identity());
    let asking = tokio::spawn(async move { sessions.credentials(SERVICE, &identity, Duration::ZERO).await });
    until(|| world.refreshes() == 1).await;
    let failure = VaultError::Unavailable { why: "gone".into() };
    world.keyring.fail(Some(failure.clone()));
    gate.notify_one();
    assert_eq!(asking.await.unwrap(), Err(SessionError::Vault(failure)));
    assert!(world.kept().contains("rt-1"));
    world.keyring.fail(None);
    world.idp.script().gate = None;
    // The rotated token is stored first; a refresh with the old one would have ended the grant.
    world.idp.set_now(NOW + 4_000);
    assert_eq!(access_token(&world.credentials(DAY).await.unwrap()), "at-3");
    assert!(world.kept().contains("rt-3"));
}

#[tokio::test]
async fn invalid_grant_ends_the_session_and_keeps_the_device() {
    let world = World::signed_in().await;
    world.idp.script().refresh_token = None;
    let key = world.credentials(DAY).await.unwrap().device_key;
    let ended = world.credentials(Duration::ZERO).await;
    assert_eq!(ended, Err(SessionError::SignInAgain(Ended::InvalidGrant)));
    assert!(!world.kept().contains("rt-1"));
    assert_eq!(
        world.credentials(DAY).await,
        Err(SessionError::SignInAgain(Ended::SignedOut))
    );
    assert_eq!(world.refreshes(), 1, "asked once, and not again");
    // The same account gets its device back.
    let signed_in = sign_in(&world.idp).await.unwrap();
    assert_eq!(
        world
            .sessions
            .signed_in(SERVICE, &signed_in)
            .await
            .unwrap()
            .secrets
            .device_key,
        key
    );
}

#[tokio::test]
async fn an_outage_signs_nobody_out() {
    let world = World::signed_in().await;
    for answer in [
        Raw::json(503, &json!({})),
        Raw::html(),
        Raw::json(403, &json!({"error": "invalid_client"})),
    ] {
        world.idp.script().raw = vec![("/token", answer)];
        assert_eq!(
            access_token(&world.credentials(Duration::ZERO).await.unwrap()),
            "at-1",
            "still good enough"
        );
    }
    world.idp.set_now(NOW + 4_000);
    assert!(matches!(
        world.credentials(DAY).await,
        Err(SessionError::Identity(_))
    ));
    world.idp.script().raw.clear();
    assert_eq!(access_token(&world.credentials(DAY).await.unwrap()), "at-2");
}

/// OpenID Connect Core 1.0 section 3.1.2.6. They ask for the sign-in that `invalid_grant` asks for, and end nothing.
#[tokio::test]
async fn a_provider_that_wants_the_user_asks_for_a_sign_in_and_ends_no_session() {
    let world = World::signed_in().await;
    let key = world.credentials(DAY).await.unwrap().device_key;
    for wish in [
        "interaction_required",
        "login_required",
        "consent_required",
        "account_selection_required",
    ] {
        world.idp.script().raw = vec![("/token", Raw::json(400, &json!({ "error": wish })))];
        world.idp.set_now(NOW + 60);
        let still_good = world.credentials(Duration::ZERO).await.unwrap();
        assert_eq!(access_token(&still_good), "at-1", "{wish}");
        world.idp.set_now(NOW + 4_000);
        let wanted = Err(SessionError::SignInAgain(Ended::UserWanted));
        assert_eq!(world.credentials(DAY).await, wanted, "{wish}");
        assert!(world.kept().contains("rt-1"), "{wish} ends nothing");
    }
    world.idp.script().raw.clear();
    let signed_in = sign_in(&world.idp).await.unwrap();
    let stored = world.sessions.signed_in(SERVICE, &signed_in).await.unwrap();
    assert_eq!((stored.secrets.device_key, stored.replaced), (key, None));
}

#[tokio::test]
async fn a_provider_that_is_busy_is_not_asked_who_it_is_again() {
    const DOCUMENT: &str = "/.well-known/openid-configuration";
    for status in [429, 503] {
        let world = World::signed_in().await;
        world.idp.set_now(NOW + 4_000);
        world.idp.script().raw = vec![("/token", Raw::json(status, &json!({})))];
        let before = (world.idp.asked(DOCUMENT), world.idp.asked("/jwks"));
        for _ in 0..3 {
            let busy = world.credentials(DAY).await.unwrap_err();
            assert_eq!(busy.problem(), "identity_unavailable", "{status}");
        }
        let asked = (world.idp.asked(DOCUMENT), world.idp.asked("/jwks"));
        assert_eq!(asked, (before.0 + 1, before.1 + 1), "{status}");
    }
}

#[tokio::test]
async fn tokens_that_are_not_believed_leave_the_session_whole() {
    let world = World::signed_in().await;
    world.idp.set_now(NOW + 4_000);
    world.idp.script().claims = Box::new(|claims| claims["aud"] = "another".into());
    let doubt = IdentityError::IdToken(IdTokenError::Audience);
    assert_eq!(world.credentials(DAY).await, Err(SessionError::Identity(doubt)));
    assert!(
        world.kept().contains("rt-2") && world.kept().contains("at-1"),
        "rotated, and nothing else believed"
    );
    world.idp.script().claims = Box::new(|_| {});
    assert_eq!(access_token(&world.credentials(DAY).await.unwrap()), "at-3");
}

#[tokio::test]
async fn another_account_ends_the_session() {
    let world = World::signed_in().await;
    world.idp.script().claims = Box::new(|claims| claims["sub"] = "somebody else".into());
    let ended = world.credentials(Duration::ZERO).await;
    assert_eq!(ended, Err(SessionError::SignInAgain(Ended::AccountChanged)));
    assert!(!world.kept().contains("at-"));
}

#[tokio::test]
async fn without_a_refresh_token_the_access_token_serves_to_its_end() {
    let world = World::signed_in().await;
    world.idp.script().answer = Box::new(|answer| answer["refresh_token"] = json!(""));
    let signed_in = sign_in(&world.idp).await.unwrap();
    world.sessions.signed_in(SERVICE, &signed_in).await.unwrap();
    let before = access_token(&world.credentials(Duration::ZERO).await.unwrap()).to_owned();
    assert_eq!(before, "at-2");
    world.idp.set_now(NOW + 4_000);
    assert_eq!(
        world.credentials(DAY).await,
        Err(SessionError::SignInAgain(Ended::NoRefreshToken))
    );
}

#[tokio::test]
async fn a_token_that_ends_within_the_minute_serves_where_there_is_no_other() {
    let world = World::signed_in().await;
    world.idp.script().answer = Box::new(|answer| {
        answer["refresh_token"] = json!("");
        answer["expires_in"] = json!(45);
    });
    let signed_in = sign_in(&world.idp).await.unwrap();
    world.sessions.signed_in(SERVICE, &signed_in).await.unwrap();
    assert_eq!(access_token(&world.credentials(DAY).await.unwrap()), "at-2");
}

#[tokio::test]
async fn a_locked_keyring_signs_nobody_out() {
    let world = World::with_deadline(SHORT).await;
    world.keyring.lock();
    assert_eq!(
        world.credentials(DAY).await,
        Err(SessionError::Vault(VaultError::Prompting))
    );
    world.keyring.answer(true);
    until_ready(&world.sessions.0.vault).await;
    assert_eq!(access_token(&world.credentials(DAY).await.unwrap()), "at-1");
}

#[tokio::test]
async fn a_sign_in_waits_for_the_keyring_to_be_unlocked() {
    let world = World::with_deadline(SHORT).await;
    let signed_in = sign_in(&world.idp).await.unwrap();
    world.keyring.lock();
    let sessions = world.sessions.clone();
    let mut storing = tokio::spawn(async move { sessions.signed_in(SERVICE, &signed_in).await });
    let early = tokio::time::timeout(SHORT * 2, &mut storing).await;
    assert!(
        early.is_err(),
        "past the deadline, the user is still awaited: {early:?}"
    );
    world.keyring.answer(true);
    storing.await.unwrap().unwrap();
    assert!(world.kept().contains("at-2"));
}

#[tokio::test]
async fn a_sign_in_whose_prompt_is_closed_keeps_nothing() {
    let world = World::signed_in().await;
    world.sessions.forget(SERVICE).await.unwrap();
    let signed_in = sign_in(&world.idp).await.unwrap();
    world.keyring.lock();
    world.keyring.answer(false);
    let refused = world.sessions.signed_in(SERVICE, &signed_in).await;
    assert_eq!(refused, Err(SessionError::Vault(VaultError::Locked)));
    world.keyring.open();
    assert_eq!(
        world.credentials(DAY).await,
        Err(SessionError::SignInAgain(Ended::Removed))
    );
}

#[tokio::test]
async fn an_entry_that_somebody_removed_is_noticed_and_is_no_sign_out() {
    let world = World::signed_in().await;
    world.keyring.remove(&world.sessions.entry(SERVICE));
    let gone = world.credentials(DAY).await.unwrap_err();
    assert_eq!(gone, SessionError::SignInAgain(Ended::Removed));
    assert_eq!(gone.problem(), "vault_entry_gone");
    assert_eq!(world.refreshes(), 0);
    let signed_in = sign_in(&world.idp).await.unwrap();
    world.sessions.signed_in(SERVICE, &signed_in).await.unwrap();
    world.credentials(DAY).await.unwrap();
}

#[tokio::test]
async fn a_keyring_that_takes_nothing_new_costs_no_rotated_token() {
    let world = World::signed_in().await;
    world.keyring.refuse(true);
    let refused = world.credentials(Duration::ZERO).await.unwrap_err();
    assert_eq!(refused.problem(), "vault_read_only");
    assert_eq!(world.refreshes(), 1);
    assert!(world.kept().contains("rt-1"));
    // What is still good goes on being used, and the old refresh token is not.
    assert_eq!(access_token(&world.credentials(DAY).await.unwrap()), "at-1");
    world.idp.set_now(NOW + 4_000);
    assert_eq!(
        world.credentials(DAY).await.unwrap_err().problem(),
        "vault_read_only"
    );
    assert_eq!(world.refreshes(), 1);
    world.keyring.refuse(false);
    assert_eq!(access_token(&world.credentials(DAY).await.unwrap()), "at-3");
    assert!(world.kept().contains("rt-3"));
}

#[tokio::test]
async fn a_sign_in_that_is_cancelled_while_the_keyring_asks_keeps_nothing() {
    let world = World::with_deadline(SHORT).await;
    world.sessions.sign_out(SERVICE).await.unwrap();
    let signed_in = sign_in(&world.idp).await.unwrap();
    world.keyring.lock();
    let sessions = world.sessions.clone();
    let storing = tokio::spawn(async move { sessions.signed_in(SERVICE, &signed_in).await });
    until(|| world.keyring.prompts() == 1).await;
    storing.abort();
    let _aborted = storing.await;
    world.keyring.answer(true);
    let vault = &world.sessions.0.vault;
    until_ready(vault).await;
    let secrets = vault.load(&world.sessions.entry(SERVICE)).await.unwrap().unwrap();
    assert_eq!(secrets.tokens, None);
}

#[tokio::test]
async fn what_could_not_be_stored_never_replaces_a_newer_sign_in() {
    let world = World::signed_in().await;
    let gate = Arc::new(Notify::new());
    world.idp.script().gate = Some(Arc::clone(&gate));
    let (sessions, identity) = (world.sessions.clone(), world.idp.identity());
    let asking = tokio::spawn(async move { sessions.credentials(SERVICE, &identity, Duration::ZERO).await });
    until(|| world.refreshes() == 1).await;
    world
        .keyring
        .fail(Some(VaultError::Unavailable { why: "gone".into() }));
    gate.notify_one();
    asking.await.unwrap().unwrap_err();
    world.keyring.fail(None);
    world.idp.script().gate = None;
    let signed_in = sign_in(&world.idp).await.unwrap();
    world.sessions.signed_in(SERVICE, &signed_in).await.unwrap();
    assert!(world.kept().contains("rt-3"));
    assert_eq!(
        access_token(&world.credentials(Duration::ZERO).await.unwrap()),
        "at-4"
    );
}

#[tokio::test]
async fn signing_out_ends_a_refresh_that_is_under_way_and_nothing_comes_back() {
    for forget in [false, true] {
        let world = World::signed_in().await;
        let gate = Arc::new(Notify::new());
        world.idp.script().gate = Some(Arc::clone(&gate));
        let (sessions, identity) = (world.sessions.clone(), world.idp.identity());
        let asking =
            tokio::spawn(async move { sessions.credentials(SERVICE, &identity, Duration::ZERO).await });
        until(|| world.refreshes() == 1).await;
        let gone = if forget {
            world.sessions.forget(SERVICE).await
        } else {
            world.sessions.sign_out(SERVICE).await
        };
        assert_eq!(
            gone.unwrap().unwrap().refresh_token.unwrap().expose(),
            "rt-1",
            "to be revoked"
        );
        assert_eq!(asking.await.unwrap(), Err(SessionError::Replaced));
        gate.notify_one();
        let ended = if forget { Ended::Removed } else { Ended::SignedOut };
        assert_eq!(
            world.credentials(DAY).await,
            Err(SessionError::SignInAgain(ended))
        );
        assert_eq!(world.kept().contains("device_key"), !forget);
        assert!(!world.kept().contains("rt-"));
    }
}

#[tokio::test]
async fn another_account_is_another_device() {
    let world = World::signed_in().await;
    let key = world.credentials(DAY).await.unwrap().device_key;
    world.sessions.sign_out(SERVICE).await.unwrap();
    let same = sign_in(&world.idp).await.unwrap();
    let stored = world.sessions.signed_in(SERVICE, &same).await.unwrap();
    assert_eq!((stored.secrets.device_key, stored.replaced), (key.clone(), None));
    world.idp.script().claims = Box::new(|claims| claims["sub"] = "somebody else".into());
    let other = sign_in(&world.idp).await.unwrap();
    let stored = world.sessions.signed_in(SERVICE, &other).await.unwrap();
    assert_ne!(stored.secrets.device_key, key);
    assert_eq!(stored.replaced, Some(key), "whose place is given up");
}

#[tokio::test]
async fn another_identity_service_asks_for_a_sign_in_and_deletes_nothing() {
    let world = World::signed_in().await;
    let elsewhere = Idp::start().await;
    let moved = world
        .sessions
        .credentials(SERVICE, &elsewhere.identity(), DAY)
        .await;
    assert_eq!(moved, Err(SessionError::SignInAgain(Ended::IssuerChanged)));
    assert_eq!(access_token(&world.credentials(DAY).await.unwrap()), "at-1");
}

#[tokio::test]
async fn a_lock_file_that_cannot_be_made_is_named() {
    let World {
        idp,
        keyring,
        folder,
        sessions,
    } = World::signed_in().await;
    folder.close().unwrap();
    let error = sessions
        .credentials(SERVICE, &idp.identity(), Duration::ZERO)
        .await
        .unwrap_err();
    assert!(matches!(error, SessionError::Lock { .. }), "{error:?}");
    drop(keyring);
}

/// Waits for something that another task does.
async fn until(done: impl Fn() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(LONG, waiting).await.unwrap();
}

async fn until_ready(vault: &Vault) {
    let mut access = vault.access();
    let ready = access.wait_for(|access| *access == Access::Ready);
    tokio::time::timeout(LONG, ready).await.unwrap().unwrap();
}
