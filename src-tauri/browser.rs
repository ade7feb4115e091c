//! Opens an address in the system's browser, and nothing that is no web address.

use url::{Host, Url};

/// Why an address was not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrowserError {
    /// The address is none that is ever opened.
    #[error("only https addresses are opened, and http ones of this machine")]
    Address,
    /// The system has no browser, or it did not start.
    #[error("the browser did not start: {0}")]
    Start(#[from] std::io::Error),
}

/// Opens `address`: https, or http to a literal loopback address. Every other scheme could start a program instead.
///
/// # Errors
/// [`BrowserError`]. A desktop may say that a browser started when none did: *Copy link* is the way out then.
pub(crate) fn open(address: &str) -> Result<(), BrowserError> {
    let url = web_address(address).ok_or(BrowserError::Address)?;
    // What is opened is what was parsed, so that nothing hides from the check in how it was written.
    open::that_detached(url.as_str())?;
    Ok(())
}

fn web_address(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    let loopback = match url.host()? {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
        Host::Domain(_) => false,
    };
    (url.scheme() == "https" || (url.scheme() == "http" && loopback)).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_addresses_are_opened() {
        for good in [
            "https://id.example/auth?a=b",
            "http://127.0.0.1:8080/x",
            "http://[::1]/",
            "HTTPS://ID.example",
        ] {
            assert!(web_address(good).is_some(), "{good}");
        }
    }

    #[test]
    fn what_could_start_a_program_or_leave_in_the_clear_is_not() {
        for bad in [
            "http://id.example/",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "ms-settings:",
            "mailto:a@b.example",
            "//id.example",
            "id.example",
            "",
            "http://127.0.0.1.evil.example/",
            "http://localhost/",
            "--help",
        ] {
            assert!(web_address(bad).is_none(), "{bad}");
        }
    }
}
