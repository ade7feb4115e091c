//! What a failure shows of either service, and asking the other one to tell an outage from being offline (rules 6 to 8).

use std::time::Duration;

use latchkey_core::engine::{CheckFailure, Side};

use super::Tools;
use crate::http::HttpError;
use crate::identity::IdentityError;
use crate::identity::problem::PROVIDER_UNTRUSTED;
use crate::licensing::LicensingError;

/// What it means that the identity service gave no token, where the licensing service is like this. What an answer refuses is no
/// matter of the network (rule 6).
pub(super) fn no_token(error: &IdentityError, licensing: Side) -> CheckFailure {
    match (error, error.side()) {
        _ if licensing != Side::Answers => CheckFailure::Unreachable {
            licensing,
            identity: error.side(),
        },
        (IdentityError::Busy { retry_after }, _) => CheckFailure::IdentityBusy {
            retry_after: *retry_after,
        },
        (
            IdentityError::Unavailable {
                retry_after: Some(retry_after),
                ..
            },
            _,
        ) => CheckFailure::IdentityOut {
            retry_after: *retry_after,
        },
        // It is not this machine's clock that is wrong: that was ruled out.
        (IdentityError::Clock { .. }, _) => CheckFailure::IdentityRefuses {
            problem: PROVIDER_UNTRUSTED,
        },
        (error, Side::Answers) => CheckFailure::IdentityRefuses {
            problem: error.problem(),
        },
        (_, identity) => CheckFailure::Unreachable { licensing, identity },
    }
}

/// How the licensing service answered, as far as an outage is concerned: whatever is not its protocol is no answer.
pub(super) fn side(error: &LicensingError) -> Side {
    match error {
        LicensingError::Http(HttpError::Unreachable { kind, .. }) if kind.looks_offline() => Side::NoRoute,
        LicensingError::Busy { .. }
        | LicensingError::IdentityUnavailable { .. }
        | LicensingError::IdTokenRequired
        | LicensingError::UnknownIssuer
        | LicensingError::UnknownDomain
        | LicensingError::UnknownDevice
        | LicensingError::ReleaseLimit
        | LicensingError::NotOffered
        | LicensingError::InvalidToken
        | LicensingError::Outdated(_) => Side::Answers,
        LicensingError::Http(_)
        | LicensingError::Blocked(..)
        | LicensingError::Out { .. }
        | LicensingError::Unexpected(_) => Side::Silent,
    }
}

/// What it means that the licensing service cannot have an access token judged: the identity service is out, unless it answers this
/// machine. Then it is the licensing service that does not do its work.
pub(super) const fn unjudged(identity: Side, retry_after: Option<Duration>) -> CheckFailure {
    match (identity, retry_after) {
        (Side::Answers, Some(retry_after)) => CheckFailure::LicensingOut {
            identity,
            retry_after,
        },
        (Side::Answers, None) => CheckFailure::Unreachable {
            licensing: Side::Silent,
            identity,
        },
        (Side::Silent | Side::NoRoute, Some(retry_after)) => CheckFailure::IdentityOut { retry_after },
        (Side::Silent | Side::NoRoute, None) => CheckFailure::Unreachable {
            licensing: Side::Answers,
            identity,
        },
    }
}

/// Whether the licensing service answers, asked anew.
pub(super) async fn licensing_side(tools: &Tools, service: &str) -> Side {
    tools.licensing.rediscover(service);
    match tools.licensing.discover(service).await {
        Ok(_) => Side::Answers,
        Err(error) => side(&error),
    }
}

/// Whether the identity service answers, asked for the sake of telling an outage from being offline (rule 8).
pub(super) async fn identity_side(tools: &Tools, issuer: &str) -> Side {
    match tools.oidc.discover(issuer).await {
        Ok(_) => Side::Answers,
        Err(error) => error.side(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::IdTokenError;

    #[test]
    fn an_identity_service_that_answers_without_a_token_refuses_and_nobody_is_offline() {
        let refuses = |error: &str| IdentityError::Provider {
            error: error.into(),
            description: String::new(),
        };
        for (error, problem) in [
            (refuses("invalid_client"), "provider_error"),
            (refuses("invalid_scope"), "provider_error"),
            (IdTokenError::Audience.into(), "provider_untrusted"),
            (IdentityError::Clock { ahead: 900 }, "provider_untrusted"),
        ] {
            let failure = no_token(&error, Side::Answers);
            assert_eq!(failure, CheckFailure::IdentityRefuses { problem }, "{error:?}");
            let out = CheckFailure::Unreachable {
                licensing: Side::Silent,
                identity: Side::Answers,
            };
            assert_eq!(no_token(&error, Side::Silent), out, "{error:?}");
        }
        let out = IdentityError::Unavailable {
            status: 502,
            retry_after: None,
        };
        let silent = CheckFailure::Unreachable {
            licensing: Side::Answers,
            identity: Side::Silent,
        };
        assert_eq!(no_token(&out, Side::Answers), silent);
    }

    #[test]
    fn an_identity_service_that_is_busy_is_no_outage_and_one_that_is_out_may_say_until_when() {
        let wait = Duration::from_secs(90);
        for retry_after in [None, Some(wait)] {
            let busy = no_token(&IdentityError::Busy { retry_after }, Side::Answers);
            assert_eq!(busy, CheckFailure::IdentityBusy { retry_after });
        }
        let out = IdentityError::Unavailable {
            status: 503,
            retry_after: Some(wait),
        };
        let expected = CheckFailure::IdentityOut { retry_after: wait };
        assert_eq!(no_token(&out, Side::Answers), expected);
        // What is out besides is what counts, and 429 is an answer.
        let licensing = CheckFailure::Unreachable {
            licensing: Side::Silent,
            identity: Side::Answers,
        };
        let busy = IdentityError::Busy { retry_after: None };
        assert_eq!(no_token(&busy, Side::Silent), licensing);
    }
}
