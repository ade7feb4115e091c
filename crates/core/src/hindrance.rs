//! Why no check can succeed, where trying again will not mend it and somebody can.

use serde::{Deserialize, Serialize};

use crate::code::Reason;
use crate::view::Problem;

/// Why no check can succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// The licensing service speaks an older API than this agent.
    ServiceOutdated,
    /// The machine's clock is so wrong that TLS or a token refuses (rule 16).
    ClockWrong {
        /// By how many minutes it is ahead (negative: behind), where that is known.
        ahead: Option<i64>,
    },
    /// Something of the network stands in the way.
    Blocked(Obstacle),
}

impl Hindrance {
    /// The reason of `AUTH_PENDING` that it is.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::ServiceOutdated => Reason::ServiceOutdated,
            Self::ClockWrong { .. } => Reason::ClockWrong,
            Self::Blocked(_) => Reason::NetworkBlocked,
        }
    }

    /// The stable key of the problem, as it is told to whoever wanted the check.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::ServiceOutdated | Self::ClockWrong { .. } => self.reason().name(),
            Self::Blocked(obstacle) => obstacle.by.key(),
        }
    }
}

/// What stands between this machine and a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obstacle {
    /// The host that was asked.
    pub host: String,
    /// What stands there.
    pub by: NetworkTrouble,
}

/// What of the network stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NetworkTrouble {
    /// A web page or a redirect came in place of the answer: most likely the network wants to be signed in to (RFC 8952).
    WebPage,
    /// The proxy wants a name and a password.
    ProxyPassword,
    /// The certificate comes from an authority that this machine does not know: most likely a company's own.
    AuthorityUnknown,
    /// No TLS comes about with what answers there.
    Tls,
}

impl NetworkTrouble {
    /// How everyone is shown it, also while everything runs.
    pub const fn problem(self) -> Option<Problem> {
        match self {
            Self::ProxyPassword => Some(Problem::ProxyPassword),
            Self::AuthorityUnknown => Some(Problem::AuthorityUnknown),
            // A network that one is in for an hour is nothing to be mended.
            Self::WebPage | Self::Tls => None,
        }
    }

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebPage => "web_page",
            Self::ProxyPassword => "proxy_password",
            Self::AuthorityUnknown => "authority_unknown",
            Self::Tls => "tls",
        }
    }

    /// The stable key of the problem, as it is told to whoever wanted the check.
    pub const fn key(self) -> &'static str {
        match self {
            Self::WebPage => "network_sign_in",
            Self::ProxyPassword | Self::AuthorityUnknown => self.name(),
            Self::Tls => "certificate",
        }
    }
}
