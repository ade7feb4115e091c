//! An answer, and what any service may say in its headers.

use std::fmt;
use std::time::Duration;

use http::header::{CONTENT_TYPE, DATE, HeaderName, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// An answer. Its `Debug` shows neither headers nor body, because both may hold secrets.
pub struct Response {
    /// The status: never a redirect.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body, at most [`super::BODY_CAP`] bytes.
    pub body: Vec<u8>,
}

impl Response {
    /// Whether the answer is a web page where data was asked for: what a captive portal or a proxy sends.
    pub fn is_html(&self) -> bool {
        let media_type = self.text(CONTENT_TYPE).unwrap_or_default();
        let start = self.body.trim_ascii_start();
        let start = start
            .get(..start.len().min(14))
            .unwrap_or_default()
            .to_ascii_lowercase();
        media_type
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("text/html")
            || start.starts_with(b"<!doctype html")
            || start.starts_with(b"<html")
    }

    /// When it was sent, by the sender's clock (RFC 9110 section 6.6.1).
    pub fn date(&self) -> Option<Timestamp> {
        parsed(self.text(DATE)?)
    }

    /// How long the sender wants to be left alone (RFC 9110 section 10.2.3): in seconds, or until a date. A date is taken
    /// against the sender's own clock, because this machine's may be wrong; without one it says nothing.
    pub fn retry_after(&self) -> Option<Duration> {
        let said = self.text(RETRY_AFTER)?.trim();
        if let Ok(secs) = said.parse() {
            return Some(Duration::from_secs(secs));
        }
        let left = parsed(said)?.duration_since(self.date()?);
        Some(Duration::try_from(left).unwrap_or_default())
    }

    fn text(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} bytes)", self.status.as_u16(), self.body.len())
    }
}

/// The one form of a date that may be sent (RFC 9110 section 5.6.7).
fn parsed(date: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(date).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn retry_after(said: &'static str, date: Option<&'static str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(said));
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_static(date));
        }
        let response = Response {
            status: StatusCode::SERVICE_UNAVAILABLE,
            headers,
            body: Vec::new(),
        };
        response.retry_after().map(|left| left.as_secs())
    }

    #[test]
    fn a_wait_is_said_in_seconds_or_until_a_date_of_the_senders_own_clock() {
        let noon = Some("Fri, 31 Dec 2032 12:00:00 GMT");
        for (said, date, expected) in [
            ("7", None, Some(7)),
            (" 120 ", noon, Some(120)),
            ("Fri, 31 Dec 2032 12:01:30 GMT", noon, Some(90)),
            ("Fri, 31 Dec 2032 11:59:00 GMT", noon, Some(0)),
            ("Fri, 31 Dec 2032 12:01:30 GMT", None, None),
            ("-5", noon, None),
            ("soon", noon, None),
            ("", noon, None),
        ] {
            assert_eq!(retry_after(said, date), expected, "{said:?}");
        }
    }
}
