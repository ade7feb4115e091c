//! Which proxy the agent uses, as it is written in settings.

use std::fmt;
use std::net::Ipv6Addr;

/// HTTP's own proxies, and those of SOCKS 5 (RFC 1928): as everywhere, with an `h` the proxy itself looks the names up.
const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];
/// The longest address.
const LONGEST: usize = 1024;

/// Which proxy the agent uses for hosts out there. This machine itself is always asked directly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Proxy {
    /// Whatever the system or the environment names.
    #[default]
    System,
    /// None.
    Direct,
    /// This one.
    At(ProxyAddress),
}

/// The address of a proxy: a scheme of [`SCHEMES`], host and port, with a name and a password where it wants them. Its `Debug` and
/// `Display` show no password.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyAddress(String);

/// Why a text is no proxy. None of them repeats the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyFault {
    /// No word that is known, and no address.
    #[error("neither system nor direct, nor an address such as http://host:port")]
    NoAddress,
    /// An older SOCKS, for the most part.
    #[error("only http://, https://, socks5:// and socks5h:// proxies can be used")]
    Scheme,
    /// No host, or none that can be one.
    #[error("the host is missing, or has characters that none has")]
    Host,
    /// No port number.
    #[error("the port is no number from 1 to 65535")]
    Port,
    /// An address of a script or a page.
    #[error("something follows the host and the port: a script for proxies (PAC) cannot be used")]
    Path,
    /// A name or a password with characters that end an address.
    #[error("the name or the password has characters that must be written as %XX")]
    Credentials,
    /// Nobody's address.
    #[error("it is too long")]
    Length,
}

impl Proxy {
    /// Reads a setting: `system`, `direct`, or an address.
    ///
    /// # Errors
    /// [`ProxyFault`] says what is wrong with it.
    pub fn from_text(text: &str) -> Result<Self, ProxyFault> {
        match text {
            "system" => Ok(Self::System),
            "direct" => Ok(Self::Direct),
            address => ProxyAddress::from_text(address).map(Self::At),
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Direct => f.write_str("direct"),
            Self::At(address) => address.fmt(f),
        }
    }
}

impl ProxyAddress {
    fn from_text(text: &str) -> Result<Self, ProxyFault> {
        if text.len() > LONGEST {
            return Err(ProxyFault::Length);
        }
        let (scheme, rest) = text.split_once("://").ok_or(ProxyFault::NoAddress)?;
        if !SCHEMES.contains(&scheme) {
            return Err(ProxyFault::Scheme);
        }
        // A password may have an @ or a slash that nobody has written as %XX: the host comes after the last @.
        let (who, host) = match rest.rsplit_once('@') {
            Some((who, host)) => (Some(who), host),
            None => (None, rest),
        };
        if !who.is_none_or(are_credentials) {
            return Err(ProxyFault::Credentials);
        }
        let host = host.strip_suffix('/').unwrap_or(host);
        if host.contains(['/', '?', '#']) {
            return Err(ProxyFault::Path);
        }
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
            _ => (host, None),
        };
        if !is_host(name) {
            return Err(ProxyFault::Host);
        }
        let is_port = |port: &str| {
            port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
        };
        if !port.is_none_or(is_port) {
            return Err(ProxyFault::Port);
        }
        Ok(Self(text.to_owned()))
    }

    /// The whole address, password included: for the client that uses it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A name or an address of four numbers, or one of IPv6 in brackets.
fn is_host(text: &str) -> bool {
    if let Some(address) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !text.is_empty() && text.chars().all(plain)
}

/// What may stand before the @ (RFC 3986 section 3.2.1).
fn are_credentials(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'%' => (0..2).all(|_| bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit())),
            byte => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:".contains(&byte),
        };
        if !fits {
            return false;
        }
    }
    true
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or_default();
        match rest.rsplit_once('@') {
            Some((who, host)) => {
                let name = who.split_once(':').map_or(who, |(name, _)| name);
                write!(f, "{scheme}://{name}:…@{host}")
            }
            None => write!(f, "{scheme}://{rest}"),
        }
    }
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_proxy_is_not_taken_for_one() {
        assert_eq!(Proxy::from_text("system"), Ok(Proxy::System));
        assert_eq!(Proxy::from_text("direct"), Ok(Proxy::Direct));
        for good in [
            "http://proxy.nord.example:3128",
            "https://proxy.nord.example",
            "http://maya:s3cret@10.0.0.1:8080/",
            "http://maya%40nord:a%2Fb@proxy:8080",
            "http://[::1]:3128",
            "http://[::1]",
            "socks5://proxy.nord.example:1080",
            "socks5h://maya:s3cret@proxy.nord.example",
        ] {
            assert!(matches!(Proxy::from_text(good), Ok(Proxy::At(_))), "{good}");
        }
        for (bad, fault) in [
            ("", ProxyFault::NoAddress),
            ("none", ProxyFault::NoAddress),
            ("proxy.nord.example:3128", ProxyFault::NoAddress),
            ("socks4://proxy:1080", ProxyFault::Scheme),
            ("file:///etc/proxy", ProxyFault::Scheme),
            ("http://", ProxyFault::Host),
            ("http://:3128", ProxyFault::Host),
            ("http://pro xy:3128", ProxyFault::Host),
            ("http://[::1:3128", ProxyFault::Host),
            ("http://::1:3128", ProxyFault::Host),
            ("http://proxy:port", ProxyFault::Port),
            ("http://proxy:0", ProxyFault::Port),
            ("http://proxy:+80", ProxyFault::Port),
            ("http://proxy:65536", ProxyFault::Port),
            ("http://proxy/pac.js", ProxyFault::Path),
            ("http://proxy:3128?", ProxyFault::Path),
            ("http://maya:s3/cret@proxy:3128", ProxyFault::Credentials),
            ("http://maya:s3@cret@proxy:3128", ProxyFault::Credentials),
            ("http://maya:100%@proxy:3128", ProxyFault::Credentials),
            (&format!("http://{}", "a".repeat(LONGEST)), ProxyFault::Length),
        ] {
            assert_eq!(Proxy::from_text(bad), Err(fault), "{bad}");
        }
    }

    #[test]
    fn its_password_is_never_shown() {
        let proxy = Proxy::from_text("http://maya:s3cret@10.0.0.1:8080").unwrap();
        assert_eq!(proxy.to_string(), "http://maya:…@10.0.0.1:8080");
        assert!(!format!("{proxy:?}").contains("s3cret"));
        let Proxy::At(address) = proxy else {
            panic!("{proxy}")
        };
        assert!(address.expose().contains("s3cret"));
    }
}
