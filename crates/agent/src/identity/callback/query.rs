//! What a callback says (RFC 6749 section 4.1.2, RFC 9207).

use url::form_urlencoded;

/// The longest value that is looked at.
const LONGEST: usize = 8 * 1024;

/// What came back for our own `state`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The code, or the provider's error.
    pub result: Result<String, CallbackError>,
    /// The issuer that the callback names.
    pub issuer: Option<String>,
}

/// The provider's error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackError {
    /// The code.
    pub error: String,
    /// Its own words, which may be empty.
    pub description: String,
}

/// Reads the query of a callback. `None` for everything that does not belong to the attempt with this `state`: whoever
/// sent it, it ends nothing.
pub fn read(query: &str, state: &str) -> Option<Callback> {
    let mut parameters = [
        ("state", None),
        ("code", None),
        ("error", None),
        ("error_description", None),
        ("iss", None),
    ];
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let Some((_, slot)) = parameters.iter_mut().find(|(known, _)| *known == name) else {
            continue;
        };
        // A repeated parameter makes the whole of it ambiguous (RFC 6749 section 3.1).
        if slot.is_some() || value.len() > LONGEST {
            return None;
        }
        *slot = Some(value.into_owned());
    }
    let [
        (_, given_state),
        (_, code),
        (_, error),
        (_, description),
        (_, issuer),
    ] = parameters;
    if given_state.as_deref() != Some(state) {
        return None;
    }
    let result = match (code, error) {
        (Some(code), None) if !code.is_empty() => Ok(code),
        (None, Some(error)) if !error.is_empty() => Err(CallbackError {
            error,
            description: description.unwrap_or_default(),
        }),
        _ => return None,
    };
    Some(Callback { result, issuer })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_callback_of_this_attempt_counts() {
        let code = |query: &str| read(query, "s1").and_then(|callback| callback.result.ok());
        assert_eq!(code("state=s1&code=c1").as_deref(), Some("c1"));
        assert_eq!(
            code("code=c%2B1&session_state=x&state=s1").as_deref(),
            Some("c+1")
        );
        for ignored in [
            "",
            "state=s1",
            "code=c1",
            "state=s2&code=c1",
            "state=&code=c1",
            "state=s1&code=",
            "state=s1&state=s1&code=c1",
            "state=s1&state=s2&code=c1",
            "state=s1&code=c1&code=c2",
            "state=s1&code=c1&error=access_denied",
            "state=s1&code=c1&iss=a&iss=b",
            "error=access_denied",
            "error=access_denied&state=s2",
            "state=s1&error=",
        ] {
            assert_eq!(read(ignored, "s1"), None, "{ignored}");
        }
        assert_eq!(
            read(&format!("state=s1&code={}", "c".repeat(LONGEST + 1)), "s1"),
            None
        );
    }

    #[test]
    fn errors_and_the_issuer_are_read() {
        let callback = read(
            "state=s1&error=access_denied&error_description=%3Cb%3E&iss=https%3A%2F%2Fid",
            "s1",
        )
        .unwrap();
        assert_eq!(callback.issuer.as_deref(), Some("https://id"));
        let error = CallbackError {
            error: "access_denied".into(),
            description: "<b>".into(),
        };
        assert_eq!(callback.result, Err(error));
    }

    proptest::proptest! {
        #[test]
        fn no_query_without_the_state_counts(query: String) {
            proptest::prop_assert_eq!(read(&query, "a state that nobody guesses"), None);
        }
    }
}
