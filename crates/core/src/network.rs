//! What of the network stands between this machine and a service, where that is known and somebody can mend it.

use crate::view::Problem;

/// What stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NetworkTrouble {
    /// The proxy wants a name and a password.
    ProxyPassword,
    /// The certificate comes from an authority that this machine does not know: most likely a company's own.
    AuthorityUnknown,
}

impl NetworkTrouble {
    /// How everyone is shown it.
    pub const fn problem(self) -> Problem {
        match self {
            Self::ProxyPassword => Problem::ProxyPassword,
            Self::AuthorityUnknown => Problem::AuthorityUnknown,
        }
    }

    /// The stable key of that.
    pub const fn key(self) -> &'static str {
        match self {
            Self::ProxyPassword => "proxy_password",
            Self::AuthorityUnknown => "authority_unknown",
        }
    }
}
