//! Issuers that were moved: their users are who they were.

use latchkey_core::policy::SessionPolicy;

use super::*;

/// A company moves to another issuer: everybody is who they were, once, and no machine takes two places.
pub(crate) async fn a_moved_issuer_names_the_same_people(store: Arc<dyn Store>) {
    const NEW: &str = "https://new.example";
    let fixture = Fixture::new(store).await;
    let store = &fixture.store;
    store.put_issuer(issuer("https://vendor", &[])).await.unwrap();
    store.put_issuer(issuer(ISSUER, &["nord.example"])).await.unwrap();
    let (maya, products) = fixture.check(fixture.command("laptop")).await;
    grant(&products[0]);
    grant(&fixture.one(fixture.command("desktop")).await);

    let second = CheckCommand {
        subject: "second".into(),
        ..fixture.command("second")
    };
    fixture.check(second).await;

    let moved = store.move_issuer(ISSUER.into(), issuer(NEW, &[])).await.unwrap();
    assert_eq!(moved.domains, ["nord.example"]);
    let issuers = store.issuers().await.unwrap();
    let names: Vec<_> = issuers.iter().map(|one| one.issuer.as_str()).collect();
    assert_eq!(names, ["https://vendor", NEW, ISSUER]);
    assert_eq!(
        (issuers[2].moved_to.as_deref(), issuers[2].domains.len()),
        (Some(NEW), 0)
    );

    // The old issuer goes on naming whom it has named, and nobody else.
    let old = |subject: &str, device: &str| CheckCommand {
        subject: subject.into(),
        moved: true,
        email: EmailClaim::Unproven,
        ..fixture.command(device)
    };
    grant(&fixture.one(old("maya", "desktop")).await);
    let outcome = store.check(old("stranger", "s")).await.unwrap();
    assert!(matches!(outcome, CheckOutcome::IssuerMoved));

    let same_name = CheckCommand {
        jkt: Thumbprint("another laptop".into()),
        ..old("maya", "laptop")
    };
    let decided = fixture.one(same_name).await;
    assert_eq!(
        refused(&decided).code,
        Code::DeviceLimit,
        "a machine of the same name, and nobody has signed in anew"
    );

    // The new one names the same person, whose laptop has a new key now.
    let new = |subject: &str, key: &str, device: &str| CheckCommand {
        issuer: NEW.into(),
        subject: subject.into(),
        jkt: Thumbprint(key.into()),
        ..fixture.command(device)
    };
    let (same, products) = fixture.check(new("m-1", "laptop's new key", "laptop")).await;
    grant(&products[0]);
    assert_eq!(same, maya);
    let (other, products) = fixture.check(new("m-2", "another", "another")).await;
    assert_eq!(refused(&products[0]).code, Code::NotAssigned, "once");
    assert_ne!(other, maya);
    let third = fixture.one(new("m-1", "third", "third")).await;
    assert_eq!(refused(&third).code, Code::DeviceLimit, "two are in use");
    grant(&fixture.one(new("m-1", "desktop's new key", "desktop")).await);
    let back = fixture.one(old("maya", "desktop")).await;
    assert_eq!(
        refused(&back).code,
        Code::DeviceLimit,
        "its place went to the same machine"
    );

    fixture.release("laptop's new key", None, NOW).await;
    grant(&fixture.one(old("maya", "desktop")).await);
    grant(&fixture.one(new("m-1", "desktop's new key", "desktop")).await);
    let third = fixture.one(new("m-1", "third", "third")).await;
    assert_eq!(
        refused(&third).code,
        Code::DeviceLimit,
        "a machine that is known by its new key pushes nobody out"
    );

    store.remove_user(MAYA.into(), NOW).await.unwrap();
    store.add_user(MAYA.into(), "Nord".into(), NOW).await.unwrap();
    let outcome = store.check(old("maya", "desktop")).await.unwrap();
    assert!(
        matches!(outcome, CheckOutcome::IssuerMoved),
        "it cannot confirm her"
    );
    store.unlink_user(MAYA.into()).await.unwrap();
    let second = CheckCommand {
        email: EmailClaim::Unknown,
        ..old("second", "second")
    };
    let decided = fixture.one(second).await;
    assert_eq!(
        refused(&decided).code,
        Code::NotAssigned,
        "its issuer could prove nothing"
    );

    let again = store.move_issuer(ISSUER.into(), issuer("https://x", &[])).await;
    assert!(matches!(
        again,
        Err(StoreError::Conflict(Conflict::MovedAlready { .. }))
    ));
    let there = store.move_issuer(NEW.into(), issuer("https://vendor", &[])).await;
    assert!(matches!(there, Err(StoreError::Exists { what: "issuer", .. })));
    let missing = store
        .move_issuer("https://x".into(), issuer("https://y", &[]))
        .await;
    assert!(matches!(
        missing,
        Err(StoreError::NotFound { what: "issuer", .. })
    ));
    store.remove_issuer(ISSUER.into()).await.unwrap();
    assert_eq!(store.issuers().await.unwrap().len(), 2);
}

/// Machines of one user that have one name: each that comes with a new key leaves one place behind, of whoever was away for longest. One
/// that is at work keeps its place, whatever it is called; and a check that is not decided takes none from anybody.
pub(crate) async fn a_machine_leaves_one_place_behind(store: Arc<dyn Store>) {
    const NEW: &str = "https://new.example";
    let policy = Policy {
        device_limit: 3,
        session_policy: SessionPolicy::Report,
        ..Policy::default()
    };
    let fixture = Fixture::with(store, policy).await;
    let store = &fixture.store;
    store.put_issuer(issuer(ISSUER, &["nord.example"])).await.unwrap();
    let at = |seconds: i64| NOW.shifted(seconds * 1000);
    let mac = |key: &str, seconds: i64| CheckCommand {
        now: at(seconds),
        jkt: Thumbprint(key.into()),
        ..fixture.command("mac")
    };
    let mut at_work = mac("at work", 0);
    at_work.products[0].open = true;
    grant(&fixture.one(at_work).await);
    grant(&fixture.one(mac("first", 1)).await);
    grant(&fixture.one(mac("second", 2)).await);
    let caller = |key: &str| Caller {
        issuer: NEW.into(),
        subject: "m".into(),
        jkt: Thumbprint(key.into()),
    };
    let keys = async || {
        let mut holding = Vec::new();
        for key in ["at work", "first", "second", "new", "newer"] {
            let Some(own) = store.devices_of(caller(key), at(60)).await.unwrap() else {
                continue;
            };
            let mut this = own.devices.into_iter().filter(|device| device.this);
            if this.any(|device| device.holds_place) {
                holding.push(key);
            }
        }
        holding
    };
    store.move_issuer(ISSUER.into(), issuer(NEW, &[])).await.unwrap();
    let new = |key: &str, seconds: i64| CheckCommand {
        issuer: NEW.into(),
        subject: "m".into(),
        ..mac(key, seconds)
    };
    let too_long = CheckCommand {
        token_life: 3 * HOUR,
        ..new("new", 10)
    };
    let outcome = store.check(too_long).await.unwrap();
    assert!(matches!(outcome, CheckOutcome::TokenLivesTooLong(_)));
    assert_eq!(keys().await, ["at work", "first", "second"]);

    let before = store.last_push().await.unwrap();
    grant(&fixture.one(new("new", 20)).await);
    assert_eq!(keys().await, ["at work", "second", "new"]);
    let pushed = store.pushes_since(before).await.unwrap();
    let first = store.known_device(caller("first")).await.unwrap().unwrap();
    assert!(
        pushed.iter().any(|(_, device)| *device == first),
        "it hears of it"
    );
    grant(&fixture.one(new("newer", 30)).await);
    assert_eq!(keys().await, ["at work", "new", "newer"]);
    let one_more = fixture.one(new("newest", 40)).await;
    assert_eq!(
        refused(&one_more).code,
        Code::DeviceLimit,
        "nobody is left behind"
    );
    assert_eq!(keys().await, ["at work", "new", "newer"]);
}

/// The vendor's issuer can move too, and the one that comes is the vendor's then.
pub(crate) async fn the_vendors_issuer_moves(store: Arc<dyn Store>) {
    store.put_issuer(issuer("https://vendor", &[])).await.unwrap();
    let new = issuer("https://new", &["is.ignored"]);
    let new = store.move_issuer("https://vendor".into(), new).await.unwrap();
    assert!(new.domains.is_empty());
    let issuers = store.issuers().await.unwrap();
    assert_eq!(crate::address::vendor(&issuers).unwrap().issuer, "https://new");
    let second = store.put_issuer(issuer("https://second", &[])).await;
    assert!(matches!(
        second,
        Err(StoreError::Conflict(Conflict::SecondVendorIssuer(_)))
    ));
    let back = store.put_issuer(issuer("https://vendor", &["a.example"])).await;
    back.unwrap();
    assert_eq!(store.issuers().await.unwrap()[1].moved_to, None, "added again");
}
