//! Asking before something that cannot be taken back.

use std::io::{self, BufRead as _, IsTerminal as _};

use latchkey_words::Words;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Asks in a terminal, and says what it means. Where nobody can be asked, `--yes` must be there.
///
/// # Errors
/// Nobody can be asked, and nobody said yes.
pub(super) fn confirmed(yes: bool, told: &[&str], words: &Words) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Failure::new(Exit::Usage, "confirmation_required", ""));
    }
    told.iter().for_each(|line| output::note(line));
    output::prompt(&format!("{} ", words.message("cli-confirm", &[])));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    let answer = answer.trim().to_lowercase();
    // In every language there are words in: a reflex must not depend on which one is set.
    let said_yes = ["y", "yes", "j", "ja"].contains(&answer.as_str());
    if read.is_ok() && said_yes {
        return Ok(true);
    }
    output::note(&words.message("cli-not-confirmed", &[]));
    Ok(false)
}
