//! What is awaited, on standard error: one line that is written over in a terminal, and a line for each change elsewhere.

use std::io::{IsTerminal as _, stderr};

use unicode_width::UnicodeWidthStr as _;

use crate::output;

/// The line.
pub(crate) struct Progress {
    terminal: bool,
    /// Columns that the line takes now.
    width: usize,
    said: String,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            terminal: stderr().is_terminal(),
            width: 0,
            said: String::new(),
        }
    }

    /// Shows `now` in a terminal; elsewhere `lasting`, which does not count down, once.
    pub(crate) fn show(&mut self, now: &str, lasting: &str) {
        if self.terminal {
            let now = output::harmless(now);
            let width = now.width();
            let rest = " ".repeat(self.width.saturating_sub(width));
            output::prompt(&format!("\r{now}{rest}"));
            self.width = width;
        } else if self.said != lasting {
            output::note(lasting);
            lasting.clone_into(&mut self.said);
        }
    }

    /// Clears the line, so that something else can be written.
    pub(crate) fn clear(&mut self) {
        if self.width > 0 {
            output::prompt(&format!("\r{}\r", " ".repeat(self.width)));
            self.width = 0;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
