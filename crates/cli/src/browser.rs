//! Opens an address in the system's browser, and nothing that is no web address.

use url::{Host, Url};

/// An address that may be opened: https, or http to a literal loopback address. Every other scheme could start a program,
/// and http elsewhere is read by whoever is between.
#[derive(Clone, Debug)]
pub(crate) struct WebAddress(Url);

impl WebAddress {
    /// `None` for everything else.
    pub(crate) fn parse(address: &str) -> Option<Self> {
        let url = Url::parse(address).ok()?;
        let loopback = match url.host()? {
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
            Host::Domain(_) => false,
        };
        (url.scheme() == "https" || (url.scheme() == "http" && loopback)).then_some(Self(url))
    }

    /// The address, as it was understood: nothing hides in how it was written.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The port of this computer that the browser must come back to (RFC 8252, section 7.3).
    pub(crate) fn callback_port(&self) -> Option<u16> {
        let (_, redirect) = self.0.query_pairs().find(|(name, _)| name == "redirect_uri")?;
        Url::parse(&redirect).ok()?.port_or_known_default()
    }

    /// Opens it. The system may say that a browser started when none did.
    ///
    /// # Errors
    /// The system has none, or it did not start.
    pub(crate) fn open(&self) -> std::io::Result<()> {
        open::that_detached(self.as_str())
    }
}

/// Whether there can be a browser window here at all.
pub(crate) fn has_display() -> bool {
    if cfg!(any(windows, target_os = "macos")) {
        // Over SSH a window would open on a screen that nobody looks at.
        return !is_remote();
    }
    ["DISPLAY", "WAYLAND_DISPLAY"].into_iter().any(is_set)
}

/// Whether this is a remote shell.
pub(crate) fn is_remote() -> bool {
    is_set("SSH_CONNECTION")
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_opened() {
        for good in [
            "https://id.example/auth?a=b",
            "http://127.0.0.1:8080/x",
            "http://[::1]/",
            "HTTPS://ID.example",
        ] {
            assert!(WebAddress::parse(good).is_some(), "{good}");
        }
        for bad in [
            "http://id.example/",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "ms-settings:",
            "//id.example",
            "id.example",
            "",
            "http://127.0.0.1.evil.example/",
            "http://localhost/",
            "--help",
        ] {
            assert!(WebAddress::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_port_to_come_back_to_is_in_the_address() {
        let port = |address: &str| WebAddress::parse(address).unwrap().callback_port();
        let address = "https://id.example/auth?client_id=x&redirect_uri=http%3A%2F%2F127.0.0.1%3A41234%2Fcallback&state=y";
        assert_eq!(port(address), Some(41_234));
        assert_eq!(port("https://id.example/auth"), None);
    }
}
