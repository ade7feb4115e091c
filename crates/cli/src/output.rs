//! What is printed: results on standard output, everything else on standard error. Never a colour.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde::Serialize;

use crate::failure::Failure;

/// Prints one line of the result.
///
/// # Errors
/// [`Failure::ReaderGone`] when nobody reads any more, and what else the system says.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    print(&format!("{}\n", harmless(text)))
}

/// Prints some lines of the result.
///
/// # Errors
/// As [`line`].
pub(crate) fn lines<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Result<(), Failure> {
    lines.into_iter().try_for_each(|text| line(text.as_ref()))
}

/// Prints a JSON document for people and scripts, over several lines.
///
/// # Errors
/// As [`line`].
pub(crate) fn json<T: Serialize>(document: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(document).map_err(internal)?;
    print(&format!("{}\n", ascii_controls(&text)))
}

/// Prints a JSON document as one line of many.
///
/// # Errors
/// As [`line`].
pub(crate) fn json_line<T: Serialize>(document: &T) -> Result<(), Failure> {
    let text = serde_json::to_string(document).map_err(internal)?;
    print(&format!("{}\n", ascii_controls(&text)))
}

/// Prints text of our own making as it is: a manual page, a script.
///
/// # Errors
/// As [`line`].
pub(crate) fn raw(text: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text)
        .and_then(|()| stdout.flush())
        .map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ReaderGone,
            _ => Failure::failed("output_failed", error),
        })
}

/// Says something beside the result. That nobody hears it changes nothing.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", harmless(text));
}

/// Writes on standard error without ending the line: a question, or a line that is written over.
pub(crate) fn prompt(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

fn print(text: &str) -> Result<(), Failure> {
    raw(text.as_bytes())
}

fn internal(error: serde_json::Error) -> Failure {
    Failure::failed("internal", error)
}

/// Text from elsewhere with its control characters written out, so that no name of a device or detail of an error can
/// steer a terminal.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return text.into();
    }
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            clean.extend(character.escape_default());
        } else {
            clean.push(character);
        }
    }
    clean.into()
}

/// JSON escapes the control characters of ASCII; a terminal obeys those above it as well. They occur in strings only.
fn ascii_controls(json: &str) -> Cow<'_, str> {
    let is_steering =
        |character: char| character.is_control() && !character.is_ascii() || character == '\u{7f}';
    if !json.contains(is_steering) {
        return json.into();
    }
    let mut clean = String::with_capacity(json.len());
    for character in json.chars() {
        if is_steering(character) {
            let _ = write!(clean, "\\u{:04x}", u32::from(character));
        } else {
            clean.push(character);
        }
    }
    clean.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_elsewhere_steers_the_terminal() {
        assert_eq!(harmless("STUDIO-2 – Büro"), "STUDIO-2 – Büro");
        assert_eq!(harmless("a\u{1b}[2Jb\nc\u{9b}d"), "a\\u{1b}[2Jb\\nc\\u{9b}d");
        let json = serde_json::to_string("\u{1b}\u{9b}\u{7f}ü").unwrap();
        let clean = ascii_controls(&json);
        assert_eq!(clean, r#""\u001b\u009b\u007fü""#);
        assert_eq!(
            serde_json::from_str::<String>(&clean).unwrap(),
            "\u{1b}\u{9b}\u{7f}ü"
        );
    }
}
