//! What a command prints: text for people, or the same as JSON.

use std::io::Write as _;
use std::process::ExitCode;

use latchkey_core::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::CliError;

/// An answer in both forms.
pub(super) struct Output {
    text: String,
    json: Value,
    status: u8,
}

impl Output {
    /// `value` as JSON, `text` for people.
    pub(super) fn new(value: &impl Serialize, text: impl Into<String>) -> Result<Self, CliError> {
        Ok(Self {
            text: text.into(),
            json: serde_json::to_value(value).map_err(std::io::Error::from)?,
            status: 0,
        })
    }

    /// The answer itself says that something is not as it should be.
    pub(super) const fn exiting(mut self, status: u8) -> Self {
        self.status = status;
        self
    }

    /// Nothing more to say: it was printed when it happened.
    pub(super) const fn none() -> Self {
        Self {
            text: String::new(),
            json: Value::Null,
            status: 0,
        }
    }

    /// Several values: a JSON array, or a table with one row for each.
    pub(super) fn table<T: Serialize, const N: usize>(
        values: &[T],
        head: [&str; N],
        row: impl Fn(&T) -> [String; N],
    ) -> Result<Self, CliError> {
        if values.is_empty() {
            return Self::new(&values, "None.");
        }
        let rows: Vec<_> = std::iter::once(head.map(str::to_owned))
            .chain(values.iter().map(row))
            .collect();
        Self::new(&values, columns(&rows))
    }

    /// Prints it. A closed pipe is nobody's failure.
    pub(super) fn print(self, json: bool) -> ExitCode {
        let printed = match (json, self.json) {
            (_, Value::Null) => ExitCode::SUCCESS,
            (true, value) => line(&value.to_string()),
            (false, _) => line(&self.text),
        };
        if printed == ExitCode::SUCCESS {
            ExitCode::from(self.status)
        } else {
            printed
        }
    }
}

/// Rows of text, each column as wide as its widest cell.
pub(super) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let lines = rows.iter().map(|row| {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Prints one line on the standard output, at once.
pub(super) fn line(text: &str) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Ok(()) | Err(_) => ExitCode::SUCCESS,
    }
}

/// An instant, for people: UTC, to the second.
pub(super) fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_secs()).map_or_else(|_| at.as_secs().to_string(), |at| at.to_string())
}

/// An instant that may be absent.
pub(super) fn optional_time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".into(), time)
}

/// A text that may be absent.
pub(super) fn optional(text: Option<&String>) -> String {
    text.map_or_else(|| "-".into(), Clone::clone)
}
