//! `POST /v1/check` end to end: leases and refusals, verified by the code that devices use.

use latchkey_core::code::Code;
use latchkey_core::policy::Policy;
use latchkey_core::time::Timestamp;
use reqwest::StatusCode;

use crate::service::{Device, MAYA, NOW, Running, query};

const DAY: i64 = 86_400;

#[tokio::test]
async fn the_first_check_links_the_user_and_brings_a_lease() {
    let service = Running::start().await;
    let device = Device::new(1);
    assert_eq!(service.attempt(&device).send().await.code(), "use_dpop_nonce");
    let unknown = service.attempt(&device).send().await;
    assert_eq!(
        (unknown.status, unknown.code().as_str()),
        (StatusCode::FORBIDDEN, "id_token_required")
    );

    let lease = service.first_check(&device).await.lease(&service, "ATLAS");
    let claims = lease.claims();
    assert_eq!(
        (claims.binding.iat, claims.binding.server_time, claims.nbf),
        (NOW, NOW, NOW)
    );
    assert_eq!((claims.exp, claims.refresh_after), (NOW + 30 * DAY, NOW + DAY));
    assert_eq!(
        (claims.org.as_str(), &claims.policy),
        ("Nord", &Policy::default())
    );
    assert_eq!(claims.entitlements, ["render"]);

    // From now on (iss, sub) alone decides.
    service.set_time(NOW + DAY);
    assert_eq!(
        service.attempt(&device).send().await.code(),
        "use_dpop_nonce",
        "a day later it is stale"
    );
    let next = service.attempt(&device).send().await.lease(&service, "ATLAS");
    assert_eq!(next.claims().binding.sub, claims.binding.sub);
    assert!(next.claims().binding.seq > claims.binding.seq);
    assert_eq!(next.until(), Timestamp::from_secs(NOW + 31 * DAY));
}
