//! Why a request was not answered, as data: the runner tells offline, blocked, outage and a wrong clock apart by it
//! (rules 8 and 16).

use std::error::Error;
use std::fmt;
use std::io;

use rustls::CertificateError;

/// Why a request was not answered, or its answer was not accepted. Never carries a query, a header or a body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// Nobody answered.
    #[error("{host} cannot be reached: {kind}")]
    Unreachable {
        /// Host that was asked.
        host: String,
        /// What stood in the way.
        kind: Unreachable,
    },
    /// The answer is longer than [`super::BODY_CAP`].
    #[error("{host} answered with more than {} bytes", super::BODY_CAP)]
    TooLarge {
        /// Host that was asked.
        host: String,
    },
    /// The answer is a redirect, and none is followed: a code, a token or a proof goes nowhere else.
    #[error("{host} redirects to {to}, and redirects are not followed")]
    Redirected {
        /// Host that was asked.
        host: String,
        /// Origin of the redirect's target; empty when there is none.
        to: String,
    },
    /// Only https is spoken, and http to a literal loopback address.
    #[error("{origin} is not an https address")]
    NotAllowed {
        /// Origin of the address.
        origin: String,
    },
    /// The request could not even be made: most likely the machine has no usable trust store.
    #[error("the request could not be made: {why}")]
    Unusable {
        /// What is missing.
        why: String,
    },
}

/// What stands between this machine and a host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unreachable {
    /// The host's name has no address: offline, or blocked by name.
    Dns,
    /// No route: offline.
    NoRoute,
    /// The host refuses the connection.
    Refused,
    /// No answer in time.
    Timeout,
    /// TLS failed.
    Tls {
        /// The certificate is expired or not yet valid, as far as this machine's clock knows: the clock is suspect.
        clock: bool,
        /// What rustls says of it.
        why: String,
    },
    /// A proxy does not let the request through.
    Proxy {
        /// What it says.
        why: String,
    },
    /// The connection broke before the answer was complete.
    Broken,
    /// Something else.
    Other(String),
}

impl Unreachable {
    /// Whether this is what a machine without a network sees (rule 8).
    pub fn looks_offline(&self) -> bool {
        matches!(self, Self::Dns | Self::NoRoute)
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns => f.write_str("its name is not known"),
            Self::NoRoute => f.write_str("there is no route to it"),
            Self::Refused => f.write_str("it refuses the connection"),
            Self::Timeout => f.write_str("it does not answer in time"),
            Self::Tls { clock: true, why } => {
                write!(f, "its certificate does not fit this machine's clock ({why})")
            }
            Self::Tls { clock: false, why } => write!(f, "TLS failed ({why})"),
            Self::Proxy { why } => write!(f, "the proxy refuses ({why})"),
            Self::Broken => f.write_str("the connection broke"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl HttpError {
    /// Whether this machine's clock is suspect.
    pub fn suspects_clock(&self) -> bool {
        matches!(
            self,
            Self::Unreachable {
                kind: Unreachable::Tls { clock: true, .. },
                ..
            }
        )
    }
}

/// Names what `error` is, by walking down to its causes.
pub(super) fn unreachable(error: &reqwest::Error) -> Unreachable {
    if error.is_dns() {
        return Unreachable::Dns;
    }
    let mut last = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Unreachable::Tls {
                clock: is_about_time(tls),
                why: tls.to_string(),
            };
        }
        if let Some(kind) = error.downcast_ref::<io::Error>().and_then(of_io) {
            return kind;
        }
        last = error.to_string();
        if let Some(why) = last.strip_prefix("tunnel error: ") {
            return Unreachable::Proxy { why: why.to_owned() };
        }
        cause = cause_of(error);
    }
    if error.is_timeout() {
        return Unreachable::Timeout;
    }
    if error.is_connect() || last.is_empty() {
        Unreachable::Other(last)
    } else {
        Unreachable::Broken
    }
}

/// The next cause. An [`io::Error`] hides the error it was made of from `source`, and shows that error's own source.
fn cause_of<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

fn of_io(error: &io::Error) -> Option<Unreachable> {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkDown,
        NetworkUnreachable, TimedOut, UnexpectedEof,
    };
    let named = [
        (Unreachable::Refused, &[ConnectionRefused][..]),
        (
            Unreachable::NoRoute,
            &[NetworkUnreachable, HostUnreachable, NetworkDown],
        ),
        (Unreachable::Timeout, &[TimedOut]),
        (
            Unreachable::Broken,
            &[ConnectionReset, ConnectionAborted, BrokenPipe, UnexpectedEof],
        ),
    ];
    named
        .into_iter()
        .find_map(|(kind, kinds)| kinds.contains(&error.kind()).then_some(kind))
}

fn is_about_time(error: &rustls::Error) -> bool {
    matches!(
        error,
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
        )
    )
}
