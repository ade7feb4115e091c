//! The page that the browser shows when it comes back: complete in itself, without a script, and safe whatever the
//! provider wrote into it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;
use latchkey_words::jiff::tz::TimeZone;
use latchkey_words::{Callback, Words};
use sha2::{Digest as _, Sha256};

/// What the page tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Tokens are stored: the user is signed in.
    SignedIn,
    /// Something went wrong.
    Failed {
        /// Stable key.
        problem: String,
        /// Detail for support; may quote the provider.
        detail: String,
    },
    /// The request does not belong to an open sign-in.
    NotOurs,
}

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{margin:0;min-height:100vh;display:grid;place-items:center;\
font:1rem/1.5 system-ui,sans-serif;background:#f6f7f9;color:#1b1f24}\
main{box-sizing:border-box;width:min(28rem,100vw);padding:2rem}\
h1{margin:0 0 .5rem;font-size:1.5rem;line-height:1.25}\
p{margin:.5rem 0 0}\
small{display:block;margin-top:1.5rem;color:#57606a;overflow-wrap:anywhere}\
@media(prefers-color-scheme:dark){body{background:#15181c;color:#e8eaed}small{color:#a2a9b1}}";

/// The page, in the language that the browser asks for.
pub(super) fn page(told: &Told, accept_language: &str) -> Response<Full<Bytes>> {
    let words = Words::new(language(accept_language), TimeZone::UTC);
    let (status, ended, problem, detail) = match told {
        Told::SignedIn => (StatusCode::OK, Callback::SignedIn, None, ""),
        Told::Failed { problem, detail } => (
            StatusCode::OK,
            Callback::Failed,
            Some(words.problem(problem)),
            detail.as_str(),
        ),
        Told::NotOurs => (StatusCode::BAD_REQUEST, Callback::NotOurs, None, ""),
    };
    let ended = words.callback(ended);
    let problem = problem
        .into_iter()
        .flat_map(|problem| [problem.text, problem.next_step]);
    let lines: Vec<String> = problem.chain([ended.next_step]).collect();
    let lines: String = lines
        .iter()
        .map(|line| format!("<p>{}</p>", escaped(line)))
        .collect();
    let detail = if detail.is_empty() {
        String::new()
    } else {
        format!("<small>{}</small>", escaped(detail))
    };
    let title = escaped(&ended.text);
    let html = format!(
        "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><link rel=\"icon\" href=\"data:,\">\
         <title>{title} Latchkey</title><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1>{lines}{detail}</main></body></html>",
        language = words.language(),
    );
    let mut response = Response::new(Full::new(Bytes::from(html)));
    *response.status_mut() = status;
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The first language of an `Accept-Language` header (RFC 9110 section 12.5.4) that there are words in. Browsers write
/// the header in the user's order.
fn language(accept_language: &str) -> &'static str {
    let wanted = accept_language.split(',').filter_map(|range| {
        let tag = range.split(';').next()?.trim();
        tag.split('-').next()
    });
    let known = |tag: &str| {
        ["en", "de"]
            .into_iter()
            .find(|known| tag.eq_ignore_ascii_case(known))
    };
    wanted.into_iter().find_map(known).unwrap_or("en")
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn shown(told: &Told, accept_language: &str) -> String {
        let response = page(told, accept_language);
        let body = futures_body(response.into_body());
        String::from_utf8(body).unwrap()
    }

    fn futures_body(body: Full<Bytes>) -> Vec<u8> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(body.collect()).unwrap().to_bytes().to_vec()
    }

    #[test]
    fn the_browsers_language_is_spoken() {
        for (header, expected) in [
            ("de-DE,de;q=0.9,en;q=0.8", "de"),
            ("fr-FR, de;q=0.5", "de"),
            ("en-US,en;q=0.9,de;q=0.8", "en"),
            ("ja", "en"),
            ("", "en"),
            (";;,,*", "en"),
        ] {
            assert_eq!(language(header), expected, "{header}");
        }
        assert!(shown(&Told::SignedIn, "de").contains("lang=\"de\""));
    }

    #[test]
    fn a_script_in_what_the_provider_wrote_is_text() {
        let told = Told::Failed {
            problem: "access_denied".into(),
            detail: "<script>alert('1')</script>".into(),
        };
        let page = shown(&told, "en");
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)"), "{page}");
    }

    #[test]
    fn nothing_is_loaded_and_nothing_runs() {
        let response = page(&Told::SignedIn, "");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"));
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    }

    #[test]
    fn every_problem_has_a_sentence_in_every_language() {
        for language in ["en", "de"] {
            let words = Words::new(language, TimeZone::UTC);
            for problem in crate::identity::problem::ALL {
                let unknown = words.message("problem", &[("problem", (*problem).into())]);
                assert_ne!(words.problem(problem).text, unknown, "{language}");
            }
            assert!(
                !words.callback(Callback::Failed).text.contains("callback"),
                "{language}"
            );
        }
    }
}
