//! What stands in the way to a service, where it is known that trying again will not mend it (rule 16, code 4).

use latchkey_core::hindrance::{Hindrance, NetworkTrouble, Obstacle};
use url::Url;

use crate::http::{HttpError, TlsFault};
use crate::identity::IdentityError;
use crate::licensing::LicensingError;

/// What stands in the way to the licensing service, where it is known that trying again will not mend it.
pub(super) fn in_the_way(error: &LicensingError, service: &str, is_wall_right: bool) -> Option<Hindrance> {
    match error {
        LicensingError::Outdated(_) => Some(Hindrance::ServiceOutdated),
        LicensingError::Blocked(by, _) => Some(blocked(&host_of(service), *by)),
        LicensingError::Http(HttpError::Redirected { host, .. }) => {
            Some(blocked(host, NetworkTrouble::WebPage))
        }
        LicensingError::Http(error) => hindered(error, is_wall_right),
        LicensingError::Busy { .. }
        | LicensingError::InvalidToken
        | LicensingError::IdentityUnavailable { .. }
        | LicensingError::Out { .. }
        | LicensingError::IdTokenRequired
        | LicensingError::UnknownIssuer
        | LicensingError::UnknownDomain
        | LicensingError::UnknownDevice
        | LicensingError::ReleaseLimit
        | LicensingError::NotOffered
        | LicensingError::Unexpected(_) => None,
    }
}

/// What stands in the way to the identity service, where it is known that trying again will not mend it.
pub(super) fn in_the_way_of_identity(error: &IdentityError, is_wall_right: bool) -> Option<Hindrance> {
    if let IdentityError::CaptivePortal { host } = error {
        return Some(blocked(host, NetworkTrouble::WebPage));
    }
    if let IdentityError::Http(error) = error
        && let Some(hindrance) = hindered(error, is_wall_right)
    {
        return Some(hindrance);
    }
    let is_clock = error.suspects_clock() && !is_wall_right;
    is_clock.then(|| Hindrance::ClockWrong {
        ahead: error.clock_ahead(),
    })
}

/// What on the way to a service stands in it, where it is known that trying again will not mend it. A certificate that does
/// not fit a clock which is known to be right is an outage of whoever has it.
fn hindered(error: &HttpError, is_wall_right: bool) -> Option<Hindrance> {
    let host = error.host()?;
    if error.wants_proxy_password() {
        return Some(blocked(host, NetworkTrouble::ProxyPassword));
    }
    match error.tls_fault()? {
        TlsFault::Clock if is_wall_right => None,
        TlsFault::Clock => Some(Hindrance::ClockWrong { ahead: None }),
        TlsFault::Authority => Some(blocked(host, NetworkTrouble::AuthorityUnknown)),
        TlsFault::Other => Some(blocked(host, NetworkTrouble::Tls)),
    }
}

fn blocked(host: &str, by: NetworkTrouble) -> Hindrance {
    Hindrance::Blocked(Obstacle {
        host: host.to_owned(),
        by,
    })
}

/// The host of a service's address.
fn host_of(service: &str) -> String {
    let url = Url::parse(service).ok();
    let host = url.as_ref().and_then(Url::host_str);
    host.unwrap_or(service).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Unreachable;

    #[test]
    fn a_certificate_that_has_ended_blames_the_clock_only_where_that_may_be_wrong() {
        let with = |fault| HttpError::Unreachable {
            host: "id.example".into(),
            kind: Unreachable::Tls {
                fault,
                why: "expired".into(),
            },
        };
        let wrong = Hindrance::ClockWrong { ahead: None };
        assert_eq!(hindered(&with(TlsFault::Clock), false), Some(wrong));
        assert_eq!(hindered(&with(TlsFault::Clock), true), None);
        for is_wall_right in [false, true] {
            let unknown = blocked("id.example", NetworkTrouble::AuthorityUnknown);
            let error = with(TlsFault::Authority);
            assert_eq!(hindered(&error, is_wall_right), Some(unknown.clone()));
            let error = IdentityError::Http(error);
            assert_eq!(in_the_way_of_identity(&error, is_wall_right), Some(unknown));
        }
    }
}
