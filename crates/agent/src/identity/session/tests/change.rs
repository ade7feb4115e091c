//! A sign-in that came too late, or found what was not stored yet, and the end of the agent.

use super::*;

/// Whoever cancels in the moment in which the tokens have been stored is not signed in, and whoever was before still is.
#[tokio::test]
async fn a_sign_in_that_is_cancelled_after_it_was_stored_is_taken_back() {
    let world = World::signed_in().await;
    let before = world.kept();
    world.sessions.kept(SERVICE);
    let signed_in = sign_in(&world.idp).await.unwrap();
    let stored = world.sessions.signed_in(SERVICE, &signed_in).await.unwrap();
    assert_ne!(world.kept(), before);
    let key = world.sessions.take_back(SERVICE).await;
    assert_eq!(world.kept(), before);
    assert_eq!(key, Some(stored.secrets.device_key), "it is the same account's");
    // What is written down stays.
    world.sessions.signed_in(SERVICE, &signed_in).await.unwrap();
    world.sessions.kept(SERVICE);
    assert_eq!(world.sessions.take_back(SERVICE).await, None);
    assert!(world.kept().contains("at-2"));
}

#[tokio::test]
async fn a_first_sign_in_that_is_cancelled_after_it_was_stored_leaves_nothing() {
    let world = World::signed_in().await;
    assert!(world.kept().contains("at-1"), "it is not written down yet");
    assert_eq!(world.sessions.take_back(SERVICE).await, None);
    assert_eq!(world.kept(), "");
}

/// What a refresh brought and the keyring did not take is the only token that is still good.
#[tokio::test]
async fn a_sign_in_that_fails_costs_no_rotated_token() {
    let world = World::signed_in().await;
    world.keyring.refuse(true);
    world.credentials(Duration::ZERO).await.unwrap_err();
    assert_eq!(world.refreshes(), 1);
    let signed_in = sign_in(&world.idp).await.unwrap();
    world.sessions.signed_in(SERVICE, &signed_in).await.unwrap_err();
    world.keyring.refuse(false);
    world.credentials(Duration::ZERO).await.unwrap();
    assert!(world.kept().contains("rt-2"), "{}", world.kept());
}

/// A refresh that is under way has used its token up: an agent that ends waits for what it brings, and begins no other.
#[tokio::test]
async fn an_agent_that_ends_stores_what_a_refresh_brings() {
    let world = World::signed_in().await;
    let gate = Arc::new(Notify::new());
    world.idp.script().gate = Some(Arc::clone(&gate));
    let (sessions, identity) = (world.sessions.clone(), world.idp.identity());
    let asking = tokio::spawn(async move { sessions.credentials(SERVICE, &identity, Duration::ZERO).await });
    until(|| world.refreshes() == 1).await;
    asking.abort();
    let mut settles = Box::pin(world.sessions.settle(LONG));
    let early = tokio::time::timeout(Duration::ZERO, &mut settles).await;
    early.expect_err("it is waited for");
    gate.notify_one();
    settles.await;
    assert!(world.kept().contains("rt-2"), "{}", world.kept());
    let ended = world.credentials(Duration::ZERO).await;
    assert_eq!(ended, Err(SessionError::Replaced));
    assert_eq!(world.refreshes(), 1);
}
