//! A line that is typed and not shown.

#[cfg(unix)]
#[path = "hidden/unix.rs"]
mod terminal;
#[cfg(windows)]
#[path = "hidden/windows.rs"]
mod terminal;

use std::io::{self, IsTerminal as _};

use latchkey_ipc::passphrase::Passphrase;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Whether somebody can be asked for something that nobody else is to see.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks, and reads what is typed without showing it.
///
/// # Errors
/// There is no terminal, or whoever was asked went away or wanted nothing of it.
pub(crate) fn ask(question: &str) -> Result<Passphrase, Failure> {
    if !can_ask() {
        return Err(Failure::new(Exit::Usage, "terminal_required", ""));
    }
    // First nothing is shown any more: whoever types fast is not to be seen either.
    let typed = terminal::read(|| output::prompt(&format!("{question} ")));
    // The key that ended the line was not shown either.
    output::prompt("\n");
    match typed {
        Ok(Some(text)) => Ok(text),
        Ok(None) => Err(Failure::new(Exit::Interrupted, "not_unlocked", "")),
        Err(error) => Err(Failure::failed("terminal_required", error)),
    }
}
