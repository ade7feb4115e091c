//! One check: an access token, then one round trip. When it fails, what the failure shows of both services
//! (rules 6 to 8).

use std::time::Duration;

use latchkey_api::check::{CheckRequest, DeviceDescription, ProductQuery, Usage};
use latchkey_core::engine::{Attempt, CheckAnswered, CheckFailure, CheckOrder, Outcome, Query, Side, Signed};
use latchkey_core::status::Party;
use latchkey_core::vault::VaultTrouble;

use super::hindrance::{in_the_way, in_the_way_of_identity};
use super::sides::{identity_side, licensing_side, no_token, side, unjudged};
use super::{Runner, Tools};
use crate::devices::Device;
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
            let is_licensing_out = result.as_ref().is_err_and(is_licensing_out);
            if let Err(failure) = &result {
                tracing::info!(?failure, service = order.service, "the check failed");
                tools.licensing.rediscover(&order.service);
            }
            tools.report(attempt, Outcome::Checked(result));
            if is_licensing_out {
                check.keeps_credentials().await;
            }
        });
    }

    /// Finds out which of the two services answer. `issuer` is that of the account, if there is one; where the licensing service is
    /// `strange`, what it answers says nothing of the other one.
    pub(crate) fn probe(&mut self, attempt: Attempt, service: String, issuer: Option<String>, strange: bool) {
        let tools = self.tools.clone();
        let name = service.clone();
        self.spawn(&name, async move {
            tools.http.follow_settings().await;
            tools.report(attempt, probe(&tools, &service, issuer, strange).await);
        });
    }
}

async fn probe(tools: &Tools, service: &str, issuer: Option<String>, strange: bool) -> Outcome {
    tools.licensing.rediscover(service);
    let licensing = match tools.licensing.discover(service).await {
        Ok(_) => Side::Answers,
        Err(error) => {
            tracing::info!(%error, "the licensing service does not answer a probe");
            if let Some(by) = in_the_way(&error, service, tools.times.is_wall_right()) {
                return Outcome::ProbeHindered(CheckFailure::Hindered(by));
            }
            side(&error)
        }
    };
    let identity = match issuer.or_else(|| tools.licensing.issuer(service)) {
        Some(issuer) if strange || licensing != Side::Answers => identity_side(tools, &issuer).await,
        // The network is there; or nobody knows whom to ask, and what the machine sees of the one service is all that is known.
        Some(_) | None => licensing,
    };
    Outcome::Probed { licensing, identity }
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

    /// Who signed in stays signed in, however long the licensing service is out: the identity service is there, and forgets whoever
    /// does not come (rule 13). What it says is told by the next check.
    async fn keeps_credentials(&self) {
        let CheckOrder {
            service,
            issuer,
            refresh_every,
            ..
        } = self.order;
        let Some(identity) = self.tools.licensing.remembered_identity(service, issuer) else {
            return;
        };
        let kept = self
            .tools
            .sessions
            .credentials(service, &identity, *refresh_every);
        if let Err(error) = kept.await {
            tracing::info!(%error, service, "the credentials were not refreshed");
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
        self.tools.used(&self.order.service, device);
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
        if let Some(by) = in_the_way(error, &self.order.service, self.tools.times.is_wall_right()) {
            return CheckFailure::Hindered(by);
        }
        match error {
            LicensingError::Busy { retry_after } => CheckFailure::Busy {
                retry_after: *retry_after,
            },
            LicensingError::IdentityUnavailable { retry_after } => {
                let identity = identity_side(self.tools, &self.order.issuer).await;
                unjudged(identity, *retry_after)
            }
            LicensingError::Out { retry_after, .. } => CheckFailure::LicensingOut {
                identity: identity_side(self.tools, &self.order.issuer).await,
                retry_after: *retry_after,
            },
            // It works, and what the identity service gives is no access token for it: to the user as if there were none (rule 6).
            LicensingError::InvalidToken => CheckFailure::Unreachable {
                licensing: Side::Answers,
                identity: Side::Silent,
            },
            LicensingError::IdTokenRequired => CheckFailure::IdTokenRequired,
            LicensingError::UnknownIssuer | LicensingError::UnknownDomain => CheckFailure::SignInAgain,
            LicensingError::Http(_)
            | LicensingError::Outdated(_)
            | LicensingError::Blocked(..)
            | LicensingError::UnknownDevice
            | LicensingError::ReleaseLimit
            | LicensingError::NotOffered
            | LicensingError::Unexpected(_) => {
                let licensing = side(error);
                CheckFailure::Unreachable {
                    licensing,
                    identity: identity_side(self.tools, &self.order.issuer).await,
                }
            }
        }
    }

    async fn session_failed(&self, error: &SessionError) -> CheckFailure {
        tracing::info!(%error, "no access token");
        match error {
            SessionError::SignInAgain(Ended::Removed) => CheckFailure::VaultEmptied,
            SessionError::SignInAgain(_) => CheckFailure::SignInAgain,
            SessionError::Vault(error) => {
                CheckFailure::Vault(error.trouble().unwrap_or(VaultTrouble::Unavailable))
            }
            // What the licensing service said of itself may be long ago: whether it is there now, it is asked (rule 8).
            SessionError::Identity(error) => {
                let licensing = licensing_side(self.tools, &self.order.service).await;
                match in_the_way_of_identity(error, self.tools.times.is_wall_right()) {
                    Some(by) if licensing == Side::Answers => CheckFailure::IdentityHindered(by),
                    Some(by) => CheckFailure::Hindered(by),
                    None => no_token(error, licensing),
                }
            }
            // Something of this machine keeps the token away. A refresh that another process has not ended is waited for; where the state
            // takes no lock file it is as if there were no token, and what it is, is named.
            SessionError::Busy | SessionError::Lock { .. } | SessionError::Replaced => {
                match (error, licensing_side(self.tools, &self.order.service).await) {
                    (SessionError::Lock { .. }, Side::Answers) => CheckFailure::IdentityRefuses {
                        problem: error.problem(),
                    },
                    (_, Side::Answers) => CheckFailure::IdentityBusy { retry_after: None },
                    (_, licensing) => CheckFailure::Unreachable {
                        licensing,
                        identity: identity_side(self.tools, &self.order.issuer).await,
                    },
                }
            }
        }
    }
}

/// The identity service answers, and the licensing service does not.
const fn is_licensing_out(failure: &CheckFailure) -> bool {
    matches!(
        failure,
        CheckFailure::Unreachable {
            licensing: Side::Silent | Side::NoRoute,
            identity: Side::Answers
        } | CheckFailure::LicensingOut {
            identity: Side::Answers,
            ..
        }
    )
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
