//! Which proxy the agent uses, as it is written in settings.

use std::fmt;

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

/// The address of a proxy: `http://host:port` or `https://host:port`, with a name and a password where it wants them. Its
/// `Debug` and `Display` show no password.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyAddress(String);

impl Proxy {
    /// Reads a setting: `system`, `direct`, or an address.
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "system" => Some(Self::System),
            "direct" => Some(Self::Direct),
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
    fn from_text(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let host = rest.strip_suffix('/').unwrap_or(rest);
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let port = host.rsplit_once(':').map(|(_, port)| port.trim_end_matches(']'));
        let port_fits =
            port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0) || host.ends_with(']'));
        let fits = matches!(scheme, "http" | "https")
            && !name.is_empty()
            && host.chars().all(plain)
            && port_fits
            && text.len() <= 1024
            && !text.chars().any(|c| c.is_whitespace() || c.is_control());
        fits.then(|| Self(text.to_owned()))
    }

    /// The whole address, password included: for the client that uses it.
    pub fn expose(&self) -> &str {
        &self.0
    }
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
        assert_eq!(Proxy::from_text("system"), Some(Proxy::System));
        assert_eq!(Proxy::from_text("direct"), Some(Proxy::Direct));
        for good in [
            "http://proxy.nord.example:3128",
            "https://proxy.nord.example",
            "http://maya:s3cret@10.0.0.1:8080/",
            "http://[::1]:3128",
        ] {
            assert!(matches!(Proxy::from_text(good), Some(Proxy::At(_))), "{good}");
        }
        for bad in [
            "",
            "proxy.nord.example:3128",
            "socks5://proxy:1080",
            "http://",
            "http://:3128",
            "http://proxy:port",
            "http://proxy:0",
            "http://proxy/pac.js",
            "http://pro xy:3128",
            "file:///etc/proxy",
        ] {
            assert_eq!(Proxy::from_text(bad), None, "{bad}");
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
