//! E-mail addresses and their domains, as they are stored and compared, and which issuer may vouch for them.

use url::Host;

use crate::store::records::Issuer;

/// The longest address (RFC 5321 section 4.5.3.1, less the brackets).
const LONGEST: usize = 254;

/// An e-mail address as it is stored and compared: in small letters, its domain as [`domain`] writes it. `None` where it
/// cannot be one.
pub fn email(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@').filter(|_| text.len() <= LONGEST)?;
    let plain = !local
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || is_invisible(c));
    let whole = format!("{}@{}", local.to_lowercase(), self::domain(domain)?);
    (plain && !local.is_empty() && whole.len() <= LONGEST).then_some(whole)
}

/// What nobody sees that reads an address: a byte-order mark, joiners, marks of direction, a soft hyphen.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A domain as it is stored and compared: small letters of ASCII (IDNA, UTS 46), no dot at its end. `None` where it is
/// none; the address of a machine is none.
pub fn domain(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    // What is percent-encoded would be decoded, and mean another domain than the one that people read.
    if text.len() > LONGEST || text.contains('%') {
        return None;
    }
    let Ok(Host::Domain(domain)) = Host::parse(text) else {
        return None;
    };
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let label = |label: &str| !label.is_empty() && label.len() <= 63 && label.chars().all(letters);
    (domain.len() <= 253 && domain.split('.').all(label)).then_some(domain)
}

/// The vendor's issuer: the one that owns no domain by name, and so all the others.
pub fn vendor(issuers: &[Issuer]) -> Option<&Issuer> {
    issuers
        .iter()
        .find(|issuer| issuer.moved_to.is_none() && issuer.domains.is_empty())
}

/// The issuer that owns the domain of an address as [`email`] writes it. A domain is not those below it.
pub fn owner<'a>(issuers: &'a [Issuer], email: &str) -> Option<&'a Issuer> {
    let (_, domain) = email.rsplit_once('@')?;
    let named = |issuer: &&Issuer| issuer.domains.iter().any(|owned| owned == domain);
    issuers.iter().find(named).or_else(|| vendor(issuers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        let long = format!("{}@nord.example", "a".repeat(254 - "@nord.example".len()));
        for (text, spelt) in [
            ("\u{feff}maya@nord.example", None),
            ("ma\u{200b}ya@nord.example", None),
            (" Maya@Nord.Example ", Some("maya@nord.example")),
            ("maya@nord.example.", Some("maya@nord.example")),
            ("maya@NÖRD.example", Some("maya@xn--nrd-sna.example")),
            ("maya@no\u{308}rd.example", Some("maya@xn--nrd-sna.example")),
            ("maya@xn--nrd-sna.example", Some("maya@xn--nrd-sna.example")),
            ("maya@nord\u{3002}example", Some("maya@nord.example")),
            ("a@b@nord.example", Some("a@b@nord.example")),
            ("maya@corp", Some("maya@corp")),
            (&long, Some(&long)),
            (&format!("a{long}"), None),
            ("maya", None),
            ("@nord.example", None),
            ("maya@", None),
            ("maya@.", None),
            ("ma ya@nord.example", None),
            ("maya\u{7}@nord.example", None),
            ("maya@nord .example", None),
            ("maya@nord..example", None),
            ("maya@n%6frd.example", None),
            ("maya@nord.example:443", None),
            ("maya@nord.example/x", None),
            ("maya@127.0.0.1", None),
            ("maya@[::1]", None),
            ("maya@xn--a", None),
        ] {
            assert_eq!(email(text).as_deref(), spelt, "{text:?}");
        }
        assert_eq!(domain(&"a.".repeat(127)).map(|domain| domain.len()), Some(253));
        for bad in [&"a.".repeat(128), &format!("{}.example", "a".repeat(64))] {
            assert_eq!(domain(bad), None, "{bad:?}");
        }
    }
}
