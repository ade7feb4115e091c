//! Agents that are too old to be given leases (rule 9's table, `CLIENT_OUTDATED`).

use latchkey_core::code::Code;
use latchkey_core::lease::RefusalDetail;
use semver::Version;

use super::{Asked, Decision, Offer, Question, Refused, refuse};

/// Whether the asking agent is older than the service asks for. One whose version is none ([Semantic Versioning]) is.
///
/// [Semantic Versioning]: https://semver.org
fn is_outdated(question: &Question) -> bool {
    let agent = Version::parse(&question.agent).ok();
    let minimum = question.minimum_agent.as_ref();
    minimum.is_some_and(|minimum| agent.is_none_or(|agent| agent < *minimum))
}

/// The same, and nothing of this subscription runs on: with a lease of the product it would need a session, and without one it has
/// no use for a place or a session that others may have.
pub(super) fn is_too_old(question: &Question, asked: &Asked, offer: &Offer) -> bool {
    is_outdated(question) && asked.held.as_ref() != Some(&offer.subscription)
}

/// What the device may have, without a new lease for an agent that is too old: what it holds runs to its end.
pub(super) fn renewed(question: &Question, offer: &Offer, decision: Decision) -> Decision {
    match decision {
        Decision::Lease(_) if is_outdated(question) => outdated(question, offer),
        Decision::Lease(_) | Decision::Refuse(_) => decision,
    }
}

/// The refusal, which says from which version on leases are given.
pub(super) fn outdated(question: &Question, offer: &Offer) -> Decision {
    let refused = refuse(Code::ClientOutdated, offer);
    Decision::Refuse(Refused {
        detail: RefusalDetail {
            minimum_version: question.minimum_agent.as_ref().map(Version::to_string),
            ..refused.detail
        },
        ..refused
    })
}
