//! One check: an access token, then one round trip. When it fails, what the failure shows of both services
//! (rules 6 to 8).

use std::time::Duration;

use latchkey_api::check::{CheckRequest, DeviceDescription, ProductQuery, Usage};
use latchkey_core::code::Reason;
use latchkey_core::engine::{Attempt, CheckAnswered, CheckFailure, CheckOrder, Outcome, Query, Side, Signed};
use latchkey_core::network::NetworkTrouble;
use latchkey_core::status::Party;
use latchkey_core::vault::VaultTrouble;

use super::{Runner, Tools};
use crate::devices::{Device, Slot};
use crate::http::{HttpError, TlsFault};
use crate::identity::IdentityError;
use crate::identity::problem::PROVIDER_UNTRUSTED;
use crate::identity::session::{Credentials, Ended, SessionError};
use crate::licensing::LicensingError;
use crate::random;

impl Runner {
    pub(crate) fn check(&mut self, attempt: Attempt, order: CheckOrder) {
        let tools = self.tools.clone();
        let name = order.service.clone();
        self.spawn(&name, async move {
            let check = Check {
                tools: &tools,
                attempt,
                order: &order,
            };
            tools.http.follow_settings().await;
            let result = check.run().await;
            if let Err(failure) = &result {
                tracing::info!(?failure, service = order.service, "the check failed");
                tools.licensing.rediscover(&order.service);
            }
            tools.report(attempt, Outcome::Checked(result));
        });
    }

    pub(crate) fn probe(&mut self, attempt: Attempt, service: String) {
        let tools = self.tools.clone();
        let name = service.clone();
        self.spawn(&name, async move {
            tools.http.follow_settings().await;
            tools.licensing.rediscover(&service);
            let outcome = match tools.licensing.discover(&service).await {
                Ok(_) => Outcome::Probed {
                    licensing: Side::Answers,
                    identity: Side::Answers,
                },
                Err(error) => {
                    tracing::info!(%error, "the licensing service does not answer a probe");
                    match in_the_way(&error, tools.times.is_wall_right()) {
                        Some(hindered) => Outcome::ProbeHindered(hindered),
                        None => {
                            let licensing = side(&error);
                            let identity = match licensing {
                                Side::Answers => Side::Answers,
                                Side::Silent | Side::NoRoute => {
                                    identity_side(&tools, tools.licensing.issuer(&service)).await
                                }
                            };
                            Outcome::Probed { licensing, identity }
                        }
                    }
                }
            };
            tools.report(attempt, outcome);
        });
    }
}

struct Check<'a> {
    tools: &'a Tools,
    attempt: Attempt,
    order: &'a CheckOrder,
}

impl Check<'_> {
    async fn run(&self) -> Result<CheckAnswered, CheckFailure> {
        let identify = self.order.identify;
        // The service says which identity service to ask, so it comes first; from memory, but for the first time.
        self.on_wire(Party::Licensing);
        let identity = match self
            .tools
            .licensing
            .identity_of(&self.order.service, &self.order.issuer)
            .await
        {
            Ok(identity) => identity,
            Err(error) => return Err(self.licensing_failed(&error).await),
        };
        self.on_wire(Party::Identity);
        let mut session = self.session(&identity, false).await?;
        self.on_wire(Party::Licensing);
        match self.ask(&session, identify).await {
            Err(LicensingError::InvalidToken) => {
                // It may have been revoked, or signed by a key that is gone: a fresh one tells.
                self.on_wire(Party::Identity);
                session = self.session(&identity, true).await?;
                self.on_wire(Party::Licensing);
                self.answered(self.ask(&session, identify).await).await
            }
            Err(LicensingError::IdTokenRequired) => {
                // The one that is kept may be older than the service believes; a refresh brings a new one where the
                // provider gives any.
                self.on_wire(Party::Identity);
                session = self.session(&identity, true).await?;
                self.on_wire(Party::Licensing);
                self.answered(self.ask(&session, true).await).await
            }
            asked => self.answered(asked).await,
        }
    }

    fn on_wire(&self, party: Party) {
        self.tools.report(self.attempt, Outcome::OnWire(party));
    }

    async fn session(
        &self,
        identity: &latchkey_api::discovery::Identity,
        anew: bool,
    ) -> Result<Credentials, CheckFailure> {
        let refresh_every = if anew {
            Duration::ZERO
        } else {
            self.order.refresh_every
        };
        let session = self
            .tools
            .sessions
            .credentials(&self.order.service, identity, refresh_every)
            .await;
        match session {
            Ok(session) => Ok(session),
            Err(error) => Err(self.session_failed(&error).await),
        }
    }

    async fn ask(
        &self,
        session: &Credentials,
        identify: bool,
    ) -> Result<(String, latchkey_api::check::CheckAnswer), LicensingError> {
        let key = session
            .device_key
            .signing_key()
            .map_err(|error| LicensingError::Unexpected(error.to_string()))?;
        let device = Device::new(key);
        let request = CheckRequest {
            jti: random::id(),
            agent: env!("CARGO_PKG_VERSION").to_owned(),
            device: DeviceDescription {
                name: self.tools.machine.name.clone(),
                system: self.tools.machine.system.clone(),
            },
            products: self.order.products.iter().map(query).collect(),
            id_token: identify.then(|| session.tokens.id_token.expose().to_owned()),
            issuer: Some(self.order.issuer.clone()),
            usage: self.order.usage.iter().filter_map(usage).collect(),
        };
        let now = || self.tools.token_time();
        let answer = self
            .tools
            .licensing
            .check(
                &self.order.service,
                &request,
                &session.tokens.access_token,
                &device.key,
                now,
            )
            .await?;
        self.tools.hand_over(&self.order.service, Slot::Held(device));
        Ok((request.jti, answer))
    }

    async fn answered(
        &self,
        asked: Result<(String, latchkey_api::check::CheckAnswer), LicensingError>,
    ) -> Result<CheckAnswered, CheckFailure> {
        let (request, answer) = match asked {
            Ok(asked) => asked,
            Err(error) => return Err(self.licensing_failed(&error).await),
        };
        let products = answer.products.into_iter().filter_map(|one| {
            let signed = one
                .lease
                .map(Signed::Lease)
                .or(one.refusal.map(Signed::Refusal))?;
            Some((one.product, signed))
        });
        Ok(CheckAnswered {
            request,
            keys: answer.keys,
            products: products.collect(),
            waiting: answer.waiting,
        })
    }

    async fn licensing_failed(&self, error: &LicensingError) -> CheckFailure {
        tracing::info!(%error, "the licensing service did not check");
        if let Some(hindered) = in_the_way(error, self.tools.times.is_wall_right()) {
            return hindered;
        }
        match error {
            LicensingError::Busy { retry_after } => CheckFailure::Busy {
                retry_after: *retry_after,
            },
            LicensingError::IdentityUnavailable => {
                let identity = identity_side(self.tools, Some(self.order.issuer.clone())).await;
                CheckFailure::Unreachable {
                    licensing: judged_by(identity),
                    identity,
                }
            }
            // It works, and what the identity service gives is no access token for it: to the user as if there were none (rule 6).
            LicensingError::InvalidToken => CheckFailure::Unreachable {
                licensing: Side::Answers,
                identity: Side::Silent,
            },
            LicensingError::IdTokenRequired => CheckFailure::IdTokenRequired,
            LicensingError::UnknownIssuer | LicensingError::UnknownDomain => CheckFailure::SignInAgain,
            LicensingError::Http(_)
            | LicensingError::Outdated(_)
            | LicensingError::Blocked(_)
            | LicensingError::UnknownDevice
            | LicensingError::ReleaseLimit
            | LicensingError::NotOffered
            | LicensingError::Unexpected(_) => {
                let licensing = side(error);
                CheckFailure::Unreachable {
                    licensing,
                    identity: identity_side(self.tools, Some(self.order.issuer.clone())).await,
                }
            }
        }
    }

    async fn session_failed(&self, error: &SessionError) -> CheckFailure {
        tracing::info!(%error, "no access token");
        if let SessionError::Identity(IdentityError::Http(error)) = error
            && let Some(hindered) = hindered(error, self.tools.times.is_wall_right())
        {
            return hindered;
        }
        match error {
            SessionError::SignInAgain(Ended::Removed) => CheckFailure::VaultEmptied,
            SessionError::SignInAgain(_) => CheckFailure::SignInAgain,
            SessionError::Vault(error) => {
                CheckFailure::Vault(error.trouble().unwrap_or(VaultTrouble::Unavailable))
            }
            SessionError::Identity(error) if error.suspects_clock() && !self.tools.times.is_wall_right() => {
                CheckFailure::Hindered(Reason::ClockWrong)
            }
            SessionError::Identity(error) if error.is_blocked() => {
                CheckFailure::Hindered(Reason::NetworkBlocked)
            }
            // What the licensing service said of itself may be long ago: whether it is there now, it is asked (rule 8).
            SessionError::Identity(error) => {
                no_token(error, licensing_side(self.tools, &self.order.service).await)
            }
            SessionError::Busy | SessionError::Lock { .. } | SessionError::Replaced => {
                CheckFailure::Unreachable {
                    licensing: Side::Answers,
                    identity: Side::Silent,
                }
            }
        }
    }
}

/// What it means that the identity service gave no token, where the licensing service is like this. What an answer refuses is no
/// matter of the network (rule 6).
fn no_token(error: &IdentityError, licensing: Side) -> CheckFailure {
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

/// What stands in the way to the licensing service, where it is known that trying again will not mend it.
fn in_the_way(error: &LicensingError, is_wall_right: bool) -> Option<CheckFailure> {
    match error {
        LicensingError::Outdated(_) => Some(CheckFailure::Hindered(Reason::ServiceOutdated)),
        LicensingError::Blocked(_) | LicensingError::Http(HttpError::Redirected { .. }) => {
            Some(CheckFailure::Hindered(Reason::NetworkBlocked))
        }
        LicensingError::Http(error) => hindered(error, is_wall_right),
        LicensingError::Busy { .. }
        | LicensingError::InvalidToken
        | LicensingError::IdentityUnavailable
        | LicensingError::IdTokenRequired
        | LicensingError::UnknownIssuer
        | LicensingError::UnknownDomain
        | LicensingError::UnknownDevice
        | LicensingError::ReleaseLimit
        | LicensingError::NotOffered
        | LicensingError::Unexpected(_) => None,
    }
}

/// What on the way to a service stands in it, where it is known that trying again will not mend it. A certificate that does
/// not fit a clock which is known to be right is an outage of whoever has it.
fn hindered(error: &HttpError, is_wall_right: bool) -> Option<CheckFailure> {
    if error.wants_proxy_password() {
        return Some(CheckFailure::Blocked(NetworkTrouble::ProxyPassword));
    }
    match error.tls_fault()? {
        TlsFault::Clock if is_wall_right => None,
        TlsFault::Clock => Some(CheckFailure::Hindered(Reason::ClockWrong)),
        TlsFault::Authority => Some(CheckFailure::Blocked(NetworkTrouble::AuthorityUnknown)),
        TlsFault::Other => Some(CheckFailure::Hindered(Reason::NetworkBlocked)),
    }
}

fn query(query: &Query) -> ProductQuery {
    ProductQuery {
        product: query.product.clone(),
        versions: query.versions.clone(),
        open: query.open,
        session: query.session,
    }
}

/// Minutes of use, with the day as people write it.
pub(crate) fn usage(usage: &latchkey_core::usage::Usage) -> Option<Usage> {
    let noon = usage.day.end(0).as_secs() - 43_200;
    let day = jiff::Timestamp::from_second(noon).ok()?;
    Some(Usage {
        product: usage.product.clone(),
        version: usage.version.clone(),
        day: day.to_zoned(jiff::tz::TimeZone::UTC).date().to_string(),
        since: usage.since.as_millis(),
        minutes: usage.minutes,
    })
}

/// How the licensing service answered, as far as an outage is concerned: whatever is not its protocol is no answer.
fn side(error: &LicensingError) -> Side {
    match error {
        LicensingError::Http(HttpError::Unreachable { kind, .. }) if kind.looks_offline() => Side::NoRoute,
        LicensingError::Busy { .. }
        | LicensingError::IdentityUnavailable
        | LicensingError::IdTokenRequired
        | LicensingError::UnknownIssuer
        | LicensingError::UnknownDomain
        | LicensingError::UnknownDevice
        | LicensingError::ReleaseLimit
        | LicensingError::NotOffered
        | LicensingError::InvalidToken
        | LicensingError::Outdated(_) => Side::Answers,
        LicensingError::Http(_) | LicensingError::Blocked(_) | LicensingError::Unexpected(_) => Side::Silent,
    }
}

/// How the licensing service stands that cannot have an access token judged: the identity service is out, unless it
/// answers this machine. Then it is the licensing service that does not do its work.
const fn judged_by(identity: Side) -> Side {
    match identity {
        Side::Answers => Side::Silent,
        Side::Silent | Side::NoRoute => Side::Answers,
    }
}

/// Whether the licensing service answers, asked anew.
async fn licensing_side(tools: &Tools, service: &str) -> Side {
    tools.licensing.rediscover(service);
    match tools.licensing.discover(service).await {
        Ok(_) => Side::Answers,
        Err(error) => side(&error),
    }
}

/// Whether the identity service answers, asked for the sake of telling an outage from being offline (rule 8).
async fn identity_side(tools: &Tools, issuer: Option<String>) -> Side {
    let Some(issuer) = issuer else {
        return Side::Silent;
    };
    match tools.oidc.discover(&issuer).await {
        Ok(_) => Side::Answers,
        Err(error) => error.side(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Unreachable;
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

    #[test]
    fn a_certificate_that_has_ended_blames_the_clock_only_where_that_may_be_wrong() {
        let with = |fault| HttpError::Unreachable {
            host: "id.example".into(),
            kind: Unreachable::Tls {
                fault,
                why: "expired".into(),
            },
        };
        let wrong = CheckFailure::Hindered(Reason::ClockWrong);
        assert_eq!(hindered(&with(TlsFault::Clock), false), Some(wrong));
        assert_eq!(hindered(&with(TlsFault::Clock), true), None);
        for is_wall_right in [false, true] {
            let unknown = CheckFailure::Blocked(NetworkTrouble::AuthorityUnknown);
            assert_eq!(hindered(&with(TlsFault::Authority), is_wall_right), Some(unknown));
        }
    }
}
