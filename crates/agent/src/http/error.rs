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
        /// What is wrong, as far as it matters here.
        fault: TlsFault,
        /// What rustls says of it.
        why: String,
    },
    /// The proxy wants a name and a password.
    ProxyPassword,
    /// The proxy is there and brings nobody to the host: it does not want to, or cannot reach it itself, and does not say which.
    Proxy {
        /// What it says.
        why: String,
    },
    /// The proxy itself cannot be reached.
    ProxyUnreachable(Box<Unreachable>),
    /// The connection broke before the answer was complete.
    Broken,
    /// Something else.
    Other(String),
}

/// What is wrong with TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// The certificate is expired or not yet valid, as far as this machine's clock knows: the clock is suspect.
    Clock,
    /// The certificate comes from an authority that this machine does not know: most likely one of a company's proxy.
    Authority,
    /// Something else.
    Other,
}

impl Unreachable {
    /// Whether this is what a machine without a network sees (rule 8). The name of a proxy is known in the company's network alone.
    pub fn looks_offline(&self) -> bool {
        match self {
            Self::Dns | Self::NoRoute => true,
            Self::ProxyUnreachable(kind) => kind.looks_offline(),
            _ => false,
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns => f.write_str("its name is not known"),
            Self::NoRoute => f.write_str("there is no route to it"),
            Self::Refused => f.write_str("it refuses the connection"),
            Self::Timeout => f.write_str("it does not answer in time"),
            Self::Tls { fault, why } => match fault {
                TlsFault::Clock => write!(f, "its certificate does not fit this machine's clock ({why})"),
                TlsFault::Authority => write!(
                    f,
                    "its certificate comes from an authority that this machine does not know ({why})"
                ),
                TlsFault::Other => write!(f, "TLS failed ({why})"),
            },
            Self::ProxyPassword => f.write_str("the proxy wants a name and a password"),
            Self::Proxy { why } => write!(f, "the proxy does not connect to it ({why})"),
            Self::ProxyUnreachable(kind) => write!(f, "of the proxy before it: {kind}"),
            Self::Broken => f.write_str("the connection broke"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl HttpError {
    /// Whether nobody answered in time.
    pub fn is_timeout(&self) -> bool {
        let Self::Unreachable { kind, .. } = self else {
            return false;
        };
        match kind {
            Unreachable::ProxyUnreachable(kind) => **kind == Unreachable::Timeout,
            kind => *kind == Unreachable::Timeout,
        }
    }

    /// What is wrong with TLS, at the host or at the proxy before it.
    pub fn tls_fault(&self) -> Option<TlsFault> {
        let Self::Unreachable { kind, .. } = self else {
            return None;
        };
        match kind {
            Unreachable::Tls { fault, .. } => Some(*fault),
            Unreachable::ProxyUnreachable(kind) => match **kind {
                Unreachable::Tls { fault, .. } => Some(fault),
                _ => None,
            },
            _ => None,
        }
    }

    /// The host that was asked; `None` where nobody was.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Unreachable { host, .. } | Self::TooLarge { host } | Self::Redirected { host, .. } => {
                Some(host)
            }
            Self::NotAllowed { .. } | Self::Unusable { .. } => None,
        }
    }

    /// Whether this machine's clock is suspect.
    pub fn suspects_clock(&self) -> bool {
        self.tls_fault() == Some(TlsFault::Clock)
    }

    /// Whether a proxy stands in the way that wants a password.
    pub fn wants_proxy_password(&self) -> bool {
        matches!(
            self,
            Self::Unreachable {
                kind: Unreachable::ProxyPassword,
                ..
            }
        )
    }
}

/// How the client's tunnel through a proxy begins what it says; the rest is one of few texts, for it has no type of its own.
const TUNNEL: &str = "tunnel error: ";
/// What it says before it has reached the proxy, and while it speaks with it: a cause follows.
const NOT_AT_THE_PROXY: [&str; 2] = [
    "failed to create underlying connection",
    "io error establishing tunnel",
];
/// What it says of a 407.
const WANTS_PASSWORD: &str = "proxy authorization required";
/// The same of a proxy of the other kind (RFC 1928, RFC 1929). It keeps the cause to itself when there is no connection.
const SOCKS: &str = "SOCKS error: ";
const NO_CONNECTION: &str = "failed to create underlying connection";
const SOCKS_WANTS_PASSWORD: [&str; 2] = [
    "server does not support user/pass authentication",
    "credentials not accepted",
];

/// Names what `error` is, by walking down to its causes.
pub(super) fn unreachable(error: &reqwest::Error) -> Unreachable {
    let of_connection = |cause| {
        if error.is_dns() {
            Unreachable::Dns
        } else {
            named(cause)
        }
    };
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if let Some(why) = said.strip_prefix(SOCKS) {
            return of_socks(error, why);
        }
        match said.strip_prefix(TUNNEL) {
            Some(WANTS_PASSWORD) => return Unreachable::ProxyPassword,
            Some(why) if NOT_AT_THE_PROXY.contains(&why) => {
                return Unreachable::ProxyUnreachable(Box::new(of_connection(error.source())));
            }
            Some(why) => return Unreachable::Proxy { why: why.to_owned() },
            None => cause = cause_of(error),
        }
    }
    match of_connection(error.source()) {
        Unreachable::Other(_) if error.is_timeout() => Unreachable::Timeout,
        Unreachable::Other(why) if !why.is_empty() && !error.is_connect() => Unreachable::Broken,
        kind => kind,
    }
}

fn of_socks(error: &(dyn Error + 'static), why: &str) -> Unreachable {
    match why {
        NO_CONNECTION => {
            // What is known of the cause is told to whoever debugs, and to nobody else.
            let told = format!("{error:?}");
            let of_cause = [
                ("dns error", Unreachable::Dns),
                ("ConnectionRefused", Unreachable::Refused),
                ("NetworkUnreachable", Unreachable::NoRoute),
                ("HostUnreachable", Unreachable::NoRoute),
                ("NetworkDown", Unreachable::NoRoute),
                ("TimedOut", Unreachable::Timeout),
            ];
            let named = of_cause.into_iter().find(|(word, _)| told.contains(word));
            let kind = named.map_or_else(|| Unreachable::Other(why.to_owned()), |(_, kind)| kind);
            Unreachable::ProxyUnreachable(Box::new(kind))
        }
        why if SOCKS_WANTS_PASSWORD.contains(&why) => Unreachable::ProxyPassword,
        why => Unreachable::Proxy { why: why.to_owned() },
    }
}

/// Names a failed connection by its causes.
fn named(mut cause: Option<&(dyn Error + 'static)>) -> Unreachable {
    let mut last = String::new();
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Unreachable::Tls {
                fault: fault(tls),
                why: tls.to_string(),
            };
        }
        if let Some(kind) = error.downcast_ref::<io::Error>().and_then(of_io) {
            return kind;
        }
        last = error.to_string();
        cause = cause_of(error);
    }
    Unreachable::Other(last)
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

fn fault(error: &rustls::Error) -> TlsFault {
    match error {
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => TlsFault::Clock,
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => TlsFault::Authority,
        _ => TlsFault::Other,
    }
}
