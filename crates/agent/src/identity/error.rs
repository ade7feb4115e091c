//! What can go wrong with an identity service. Every refusal of `docs/sign-in.md` has a value of its own.

use std::time::Duration;

use latchkey_core::engine::Side;

use crate::http::HttpError;

/// Why an identity service did not do what was asked, or was not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// No acceptable answer came.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// It is asked too often: 429 (RFC 6585 section 4). No outage (rule 8).
    #[error("the identity service is busy")]
    Busy {
        /// When it wants to be asked again, if it said.
        retry_after: Option<Duration>,
    },
    /// It is out: 5xx, 408.
    #[error("the identity service answers {status}")]
    Unavailable {
        /// The status.
        status: u16,
        /// When it wants to be asked again, if it said.
        retry_after: Option<Duration>,
    },
    /// A web page or a redirect came where data was asked for: the network wants the user to sign in to it first.
    #[error("a web page came in place of {host}'s answer")]
    CaptivePortal {
        /// Host that was asked.
        host: String,
    },
    /// It has no usable discovery document, or one that lacks what is needed.
    #[error("the identity service is not usable: {why}")]
    Misconfigured {
        /// What is missing or wrong.
        why: String,
    },
    /// Its discovery document is another issuer's (OpenID Connect Discovery 1.0 section 4.3).
    #[error("the discovery document is that of {found:?}, not of {expected:?}")]
    WrongIssuer {
        /// The issuer that was asked.
        expected: String,
        /// The issuer that answered.
        found: String,
    },
    /// An endpoint is neither https nor http to a loopback address. It is not opened.
    #[error("its {endpoint} is not an https address but {origin}")]
    UnsafeEndpoint {
        /// The endpoint's name in the discovery document.
        endpoint: &'static str,
        /// Its scheme and, where it has one, its host.
        origin: String,
    },
    /// It gives no codes for another device (RFC 8628).
    #[error("the identity service does not offer sign-in by code")]
    NoDeviceCode,
    /// The port that the browser must come back to cannot be had.
    #[error("port {port} on this machine cannot be used: {why}")]
    CallbackPort {
        /// The port; 0 when any would have done.
        port: u16,
        /// What the system says.
        why: String,
    },
    /// Another issuer sent the browser back, or none is named though it should be (RFC 9207).
    #[error("the browser was sent back by {found:?}, not by {expected:?}")]
    CallbackIssuer {
        /// The issuer that was asked.
        expected: String,
        /// The issuer that the callback names.
        found: Option<String>,
    },
    /// The user, or the provider on their behalf, said no (`access_denied`).
    #[error("the sign-in was declined: {description}")]
    Denied {
        /// The provider's own words, which may be empty.
        description: String,
    },
    /// The provider reports an error (RFC 6749 sections 4.1.2.1 and 5.2).
    #[error("the identity service reports {error}: {description}")]
    Provider {
        /// The error code.
        error: String,
        /// The provider's own words, which may be empty.
        description: String,
    },
    /// Nobody came back in time.
    #[error("nobody came back from the browser in time")]
    Expired,
    /// The token answer is not one.
    #[error("the token answer is not readable: {why}")]
    TokenAnswer {
        /// What is wrong with it; never a part of it.
        why: String,
    },
    /// The access token is of a type that was not asked for.
    #[error("the access token is of the type {0:?}")]
    TokenType(String),
    /// No ID token came.
    #[error("no ID token came")]
    MissingIdToken,
    /// The ID token is not believed.
    #[error("the ID token is not believed: {0}")]
    IdToken(#[from] IdTokenError),
    /// The ID token does not fit this machine's clock.
    #[error(
        "the ID token does not fit this machine's clock, which is {ahead} s ahead of the identity service's"
    )]
    Clock {
        /// Seconds that this machine's clock is ahead; negative when it is behind.
        ahead: i64,
    },
}

/// What of an ID token is not believed (OpenID Connect Core 1.0 section 3.1.3.7).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdTokenError {
    /// Not a JWT, or claims that are not of the types they must be.
    #[error("it is not readable")]
    Malformed,
    /// An algorithm that anybody could sign with, or that is not known here.
    #[error("its algorithm is not accepted")]
    Algorithm,
    /// No key of the issuer fits.
    #[error("the issuer has no key for it")]
    UnknownKey,
    /// The signature does not verify.
    #[error("its signature does not verify")]
    Signature,
    /// `iss`.
    #[error("it is of another issuer")]
    Issuer,
    /// `aud`.
    #[error("it is for somebody else, or for others too")]
    Audience,
    /// `azp`.
    #[error("it was given to another client")]
    AuthorizedParty,
    /// `nonce`.
    #[error("its nonce is missing or another")]
    Nonce,
    /// `at_hash`.
    #[error("it belongs to another access token")]
    AccessTokenHash,
    /// `sub`.
    #[error("it names no user")]
    Subject,
    /// After a refresh: another user, or another issuer, than before (section 12.2).
    #[error("it is of another account than before")]
    AccountChanged,
}

impl IdentityError {
    /// When it wants to be asked again, if it said.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } | Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// How the identity service answered, as far as an outage is concerned (rules 6 and 8).
    pub fn side(&self) -> Side {
        if self.is_offline() {
            return Side::NoRoute;
        }
        let silent = matches!(
            self,
            Self::Http(_)
                | Self::Unavailable { .. }
                | Self::CaptivePortal { .. }
                | Self::Misconfigured { .. }
        );
        if silent { Side::Silent } else { Side::Answers }
    }

    /// Whether it says of itself that it cannot answer now. What it said of itself before is no less true for that.
    pub(super) const fn is_passing(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Unavailable { .. })
    }

    /// Whether the provider wants the user, and says so (OpenID Connect Core 1.0 section 3.1.2.6): a sign-in is the way on.
    pub fn wants_the_user(&self) -> bool {
        let Self::Provider { error, .. } = self else {
            return false;
        };
        matches!(
            error.as_str(),
            "interaction_required" | "login_required" | "consent_required" | "account_selection_required"
        )
    }

    /// Whether the machine itself seems to have no network.
    pub fn is_offline(&self) -> bool {
        matches!(self, Self::Http(HttpError::Unreachable { kind, .. }) if kind.looks_offline())
    }

    /// Whether this machine's clock is the likely cause.
    pub fn suspects_clock(&self) -> bool {
        matches!(self, Self::Http(error) if error.suspects_clock()) || matches!(self, Self::Clock { .. })
    }

    /// By how many minutes this machine's clock is ahead, where the answer shows it.
    pub const fn clock_ahead(&self) -> Option<i64> {
        match self {
            Self::Clock { ahead } => Some(*ahead / 60),
            _ => None,
        }
    }
}
