//! The clipboard.

use std::sync::{Mutex, PoisonError};

use arboard::Clipboard;

use crate::failure::Failure;

/// Where the system keeps no clipboard, what was copied is there for as long as this is: so it stays.
static CLIPBOARD: Mutex<Option<Clipboard>> = Mutex::new(None);

/// Puts `text` into the clipboard.
///
/// # Errors
/// There is no clipboard, or it is in use for too long.
pub(crate) fn copy(text: String) -> Result<(), Failure> {
    let failed = |error| Failure::new("no_clipboard", error);
    let mut clipboard = CLIPBOARD.lock().unwrap_or_else(PoisonError::into_inner);
    let clipboard = match &mut *clipboard {
        Some(clipboard) => clipboard,
        none => none.insert(Clipboard::new().map_err(failed)?),
    };
    clipboard.set_text(text).map_err(failed)
}
