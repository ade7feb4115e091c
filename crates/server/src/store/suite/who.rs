//! Who is who: what becomes of subjects and addresses. `docs/server.md` says the same as a table.

use super::*;

/// (iss, sub) is linked once, by a proven e-mail; afterwards it alone decides.
pub(crate) async fn a_subject_is_linked_once(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let unknown = CheckCommand {
        email: EmailClaim::Unknown,
        ..fixture.command("d")
    };
    let outcome = fixture.store.check(unknown.clone()).await.unwrap();
    assert!(matches!(outcome, CheckOutcome::IdTokenRequired));

    let (maya, products) = fixture.check(fixture.command("d")).await;
    assert!(matches!(products[0].decision, Decision::Lease(_)));
    assert_eq!(fixture.check(unknown).await.0, maya);
    let renamed = EmailClaim::Proven("boss@nord.example".into());
    let (still, _) = fixture
        .check(CheckCommand {
            email: renamed,
            ..fixture.command("d")
        })
        .await;
    assert_eq!(still, maya, "a later e-mail changes nothing");

    let impostor = CheckCommand {
        subject: "mallory".into(),
        ..fixture.command("m")
    };
    let (mallory, products) = fixture.check(impostor).await;
    assert_ne!(mallory, maya, "the e-mail is somebody's already");
    assert_eq!(refused(&products[0]).code, Code::NotAssigned);

    let company = CheckCommand {
        issuer: "https://company.example".into(),
        ..fixture.command("d")
    };
    assert_eq!(
        fixture.check(company).await.0,
        maya,
        "another issuer may vouch for the same person"
    );
}

/// Who is not known yet becomes a user without a seat, and may be taken in later.
pub(crate) async fn a_stranger_becomes_a_user_without_a_seat(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let noor = |email| CheckCommand {
        subject: "noor".into(),
        email,
        ..fixture.command("n")
    };
    let (unproven, products) = fixture.check(noor(EmailClaim::Unproven)).await;
    assert_eq!(refused(&products[0]).code, Code::NotAssigned);
    assert_eq!(
        fixture.check(noor(EmailClaim::Unknown)).await.0,
        unproven,
        "known from now on"
    );

    let proven = EmailClaim::Proven("noor@nord.example".into());
    assert_eq!(
        fixture.check(noor(proven)).await.0,
        unproven,
        "the e-mail is added"
    );
    fixture
        .store
        .add_user("noor@nord.example".into(), "Nord".into(), NOW)
        .await
        .unwrap();
    fixture
        .store
        .assign_seat("noor@nord.example".into(), "ATLAS".into(), NOW)
        .await
        .unwrap();
    let (same, products) = fixture.check(noor(EmailClaim::Unknown)).await;
    assert_eq!(
        (same, grant(&products[0]).organisation.as_str()),
        (unproven, "Nord")
    );

    fixture
        .store
        .unassign_seat("noor@nord.example".into(), "ATLAS".into())
        .await
        .unwrap();
    let ola = |email| CheckCommand {
        subject: "ola".into(),
        email,
        ..fixture.command("o")
    };
    let (nobody, _) = fixture.check(ola(EmailClaim::Unproven)).await;
    let added = fixture
        .store
        .add_user("ola@nord.example".into(), "Nord".into(), NOW)
        .await
        .unwrap();
    fixture
        .store
        .assign_seat("ola@nord.example".into(), "ATLAS".into(), NOW)
        .await
        .unwrap();
    let (still, products) = fixture
        .check(ola(EmailClaim::Proven("ola@nord.example".into())))
        .await;
    grant(&products[0]);
    assert_eq!(still, nobody, "the device takes no answer to somebody else");
    let users = fixture.store.users().await.unwrap();
    let user = users.iter().find(|user| user.id == added.id).unwrap();
    assert_eq!(user.issuers, [ISSUER], "the one that the administrator has added");
}

/// A removed user is refused as the same user, and comes back as the same user.
pub(crate) async fn a_removed_user_stays_the_same_person(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let added = user_of(&fixture, MAYA).await;
    let (maya, _) = fixture.check(fixture.command("d")).await;
    fixture.store.remove_user(MAYA.into(), NOW).await.unwrap();
    let (same, products) = fixture.check(fixture.command("d")).await;
    assert_eq!(
        (same, refused(&products[0]).code),
        (maya.clone(), Code::NotAssigned)
    );
    assert!(fixture.store.seats().await.unwrap().is_empty());
    let assigned = fixture.store.assign_seat(MAYA.into(), "ATLAS".into(), NOW).await;
    assert!(matches!(
        assigned,
        Err(StoreError::Conflict(Conflict::NoOrganisation(_)))
    ));
    let back = fixture
        .store
        .add_user(MAYA.into(), "Nord".into(), NOW)
        .await
        .unwrap();
    assert_eq!((back.id, back.removed_at), (added.id, None));

    fixture.store.unlink_user(MAYA.into()).await.unwrap();
    let moved = CheckCommand {
        subject: "maya's new account".into(),
        ..fixture.command("d")
    };
    let (other, _) = fixture.check(moved).await;
    assert_ne!(other, maya, "another subject has another name");
    let users = fixture.store.users().await.unwrap();
    assert_eq!(
        users.len(),
        1,
        "unlinked, so the e-mail counts once more: {users:?}"
    );
}

/// A check of another subject of the same issuer, on a device of its own.
fn somebody(fixture: &Fixture, subject: &str, email: EmailClaim) -> CheckCommand {
    CheckCommand {
        subject: subject.into(),
        email,
        ..fixture.command(subject)
    }
}

fn proven(email: &str) -> EmailClaim {
    EmailClaim::Proven(email.into())
}

async fn asks_for_an_id_token(fixture: &Fixture, command: CheckCommand) -> bool {
    let outcome = fixture.store.check(command).await.unwrap();
    matches!(outcome, CheckOutcome::IdTokenRequired)
}

async fn user_of(fixture: &Fixture, email: &str) -> User {
    let users = fixture.store.users().await.unwrap();
    users
        .into_iter()
        .find(|user| user.email.as_deref() == Some(email))
        .unwrap()
}

/// Another subject with the address of a user is nobody until an administrator says whose the address is.
pub(crate) async fn a_second_person_with_an_address_waits_for_the_administrator(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let second = |email| somebody(&fixture, "second", email);
    let (maya, _) = fixture.check(fixture.command("d")).await;
    let (other, products) = fixture.check(second(proven(MAYA))).await;
    assert_eq!(refused(&products[0]).code, Code::NotAssigned);
    assert_ne!(other, maya);
    let claims = fixture.store.users().await.unwrap().into_iter();
    let claims: Vec<_> = claims.filter_map(|user| user.claims).collect();
    assert_eq!(claims, [MAYA], "the administrator sees it");
    let again = fixture.one(second(EmailClaim::Unknown)).await;
    assert_eq!(refused(&again).code, Code::NotAssigned, "signed, and no question");

    // It was the same person with a new account.
    fixture.store.unlink_user(MAYA.into()).await.unwrap();
    assert!(asks_for_an_id_token(&fixture, second(EmailClaim::Unknown)).await);
    let (still, products) = fixture.check(second(proven(MAYA))).await;
    grant(&products[0]);
    assert_eq!(still, other, "called what it was called");
    let first = CheckCommand {
        email: EmailClaim::Unknown,
        ..fixture.command("d")
    };
    assert!(asks_for_an_id_token(&fixture, first).await);
    let (first, products) = fixture.check(fixture.command("d")).await;
    assert_eq!(
        (first, refused(&products[0]).code),
        (maya, Code::NotAssigned),
        "now it is the other one who comes second, and hears it as itself"
    );
}

/// A claim ends when the issuer no longer stands by it: nobody is asked for ID tokens for ever.
pub(crate) async fn a_claim_that_is_not_proven_again_is_dropped(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let second = |email| somebody(&fixture, "second", email);
    fixture.check(fixture.command("d")).await;
    fixture.check(second(proven(MAYA))).await;
    let third = |email| somebody(&fixture, "third", proven(email));
    fixture.check(third("third@nord.example")).await;
    fixture.check(third(MAYA)).await;
    let user = user_of(&fixture, "third@nord.example").await;
    assert_eq!(user.claims.as_deref(), Some(MAYA));
    let user = fixture
        .store
        .add_user("third@nord.example".into(), "Nord".into(), NOW)
        .await
        .unwrap();
    assert_eq!(user.claims, None, "the administrator has seen to it");

    fixture.store.unlink_user(MAYA.into()).await.unwrap();
    assert!(asks_for_an_id_token(&fixture, second(EmailClaim::Unknown)).await);
    for claim in [EmailClaim::Unproven, EmailClaim::Unknown] {
        let decided = fixture.one(second(claim)).await;
        assert_eq!(refused(&decided).code, Code::NotAssigned);
    }
}

/// A changed address changes nothing, until an administrator changes it too.
pub(crate) async fn a_changed_address_is_the_administrators_to_change(store: Arc<dyn Store>) {
    const BERG: &str = "maya.berg@nord.example";
    let fixture = Fixture::new(store).await;
    let store = &fixture.store;
    let (maya, _) = fixture.check(fixture.command("d")).await;
    let renamed = CheckCommand {
        email: proven(BERG),
        ..fixture.command("d")
    };
    let (same, products) = fixture.check(renamed).await;
    grant(&products[0]);
    assert_eq!(same, maya);
    let before = user_of(&fixture, MAYA).await;

    // Her old address is another person's before the administrator knows.
    let heir = |email| somebody(&fixture, "heir", email);
    let decided = fixture.one(heir(proven(MAYA))).await;
    assert_eq!(refused(&decided).code, Code::NotAssigned);
    store.add_user(BERG.into(), "Nord".into(), NOW).await.unwrap();
    store.assign_seat(BERG.into(), "ATLAS".into(), NOW).await.unwrap();
    // A list with the new address has given it the seat already: she is the same person.
    let user = store.rename_user(MAYA.into(), BERG.into()).await.unwrap();
    assert_eq!((user.id, user.organisation.as_deref()), (before.id, Some("Nord")));
    grant(&fixture.one(fixture.command("d")).await);
    let seats = store.seats().await.unwrap();
    assert!(seats.iter().all(|seat| seat.email == BERG), "{seats:?}");

    assert!(asks_for_an_id_token(&fixture, heir(EmailClaim::Unknown)).await);
    fixture.one(heir(proven(MAYA))).await;
    let users = store.users().await.unwrap();
    assert!(
        users.iter().all(|user| user.claims.is_none()),
        "it is hers now: {users:?}"
    );
    store.add_user(MAYA.into(), "Nord".into(), NOW).await.unwrap();
    store.assign_seat(MAYA.into(), "ATLAS".into(), NOW).await.unwrap();
    grant(&fixture.one(heir(EmailClaim::Unknown)).await);
    let missing = store.rename_user("nobody@nord.example".into(), MAYA.into()).await;
    assert!(matches!(missing, Err(StoreError::NotFound { what: "user", .. })));
    store.unassign_seat(MAYA.into(), "ATLAS".into()).await.unwrap();
    let taken = store.rename_user(BERG.into(), MAYA.into()).await;
    assert!(
        matches!(taken, Err(StoreError::Exists { .. })),
        "somebody signs in with it"
    );
}

/// Who belongs to no organisation has nothing to lose: the last proven address counts.
pub(crate) async fn a_stranger_is_looked_up_by_every_address_that_is_proven(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let noor = |email| somebody(&fixture, "noor", email);
    fixture.check(noor(proven("noor@old.example"))).await;
    fixture.check(noor(proven("noor@new.example"))).await;
    assert!(user_of(&fixture, "noor@new.example").await.organisation.is_none());
    fixture
        .store
        .add_user("noor@nord.example".into(), "Nord".into(), NOW)
        .await
        .unwrap();
    fixture
        .store
        .assign_seat("noor@nord.example".into(), "ATLAS".into(), NOW)
        .await
        .unwrap();
    grant(&fixture.one(noor(proven("noor@nord.example"))).await);
    let users = fixture.store.users().await.unwrap();
    assert_eq!(users.len(), 2, "no row stays behind: {users:?}");
}

/// After a removal the address is free. Whoever proves it next has it, and nothing of the person before.
pub(crate) async fn an_address_that_is_reused_is_another_person(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let store = &fixture.store;
    let heir = |email| somebody(&fixture, "heir", email);
    let before = CheckCommand {
        email: EmailClaim::Unknown,
        ..fixture.command("d")
    };
    let (maya, _) = fixture.check(fixture.command("d")).await;
    store.remove_user(MAYA.into(), NOW).await.unwrap();
    let (new, products) = fixture.check(heir(proven(MAYA))).await;
    assert_eq!(refused(&products[0]).code, Code::NotAssigned);
    store.add_user(MAYA.into(), "Nord".into(), NOW).await.unwrap();
    store.assign_seat(MAYA.into(), "ATLAS".into(), NOW).await.unwrap();
    let (still, products) = fixture.check(heir(EmailClaim::Unknown)).await;
    grant(&products[0]);
    assert_eq!(still, new);
    let (same, products) = fixture.check(before.clone()).await;
    assert_eq!((same, refused(&products[0]).code), (maya, Code::NotAssigned));
    let (_, products) = fixture.check(fixture.command("d")).await;
    assert_eq!(
        refused(&products[0]).code,
        Code::NotAssigned,
        "even if both prove it"
    );
    store.unlink_user(MAYA.into()).await.unwrap();
    let (_, products) = fixture.check(before).await;
    assert_eq!(
        refused(&products[0]).code,
        Code::NotAssigned,
        "whoever was removed hears the refusal, and is not asked for what it could keep back"
    );
    let devices = store.devices(Some(MAYA.into())).await.unwrap();
    assert_eq!(
        devices.len(),
        1,
        "the devices of the person before are not shown: {devices:?}"
    );
}

/// The same, where the administrator has added the address again before anybody came.
pub(crate) async fn who_is_added_again_proves_the_address_once_more(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store).await;
    let store = &fixture.store;
    let add = async || {
        store.remove_user(MAYA.into(), NOW).await.unwrap();
        store.add_user(MAYA.into(), "Nord".into(), NOW).await.unwrap();
        store.assign_seat(MAYA.into(), "ATLAS".into(), NOW).await.unwrap();
    };
    let before = |email| CheckCommand {
        email,
        ..fixture.command("d")
    };
    let (maya, _) = fixture.check(fixture.command("d")).await;

    add().await;
    assert!(asks_for_an_id_token(&fixture, before(EmailClaim::Unknown)).await);
    let (same, products) = fixture.check(fixture.command("d")).await;
    grant(&products[0]);
    assert_eq!(same, maya, "she is back");
    grant(&fixture.one(before(EmailClaim::Unknown)).await);

    add().await;
    let heir = somebody(&fixture, "heir", proven(MAYA));
    let (new, products) = fixture.check(heir).await;
    grant(&products[0]);
    assert_ne!(new, maya);
    let (same, products) = fixture.check(before(EmailClaim::Unknown)).await;
    assert_eq!(
        (same, refused(&products[0]).code),
        (maya.clone(), Code::NotAssigned)
    );
    let devices = store.devices(Some(MAYA.into())).await.unwrap();
    assert_eq!((devices.len(), devices[0].name.as_str()), (1, "heir"));

    for claim in [EmailClaim::Unproven, proven("maya@elsewhere.example")] {
        add().await;
        assert!(asks_for_an_id_token(&fixture, somebody(&fixture, "heir", EmailClaim::Unknown)).await);
        let decided = fixture.one(somebody(&fixture, "heir", claim.clone())).await;
        assert_eq!(
            refused(&decided).code,
            Code::NotAssigned,
            "{claim:?}: not hers any more"
        );
        let back = fixture.one(somebody(&fixture, "heir", proven(MAYA))).await;
        grant(&back);
    }
}
