//! Being asked to end: SIGTERM from the session, SIGINT from a terminal.

use std::io;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// A thread that only waits.
const STACK: usize = 64 * 1024;

/// Calls `end` when the process is asked to end, so that the icon goes with it and nothing stays behind.
///
/// # Errors
/// The system's own.
pub(crate) fn on_end(end: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new()
        .name("signals".into())
        .stack_size(STACK)
        .spawn(move || {
            if signals.forever().next().is_some() {
                end();
            }
        })?;
    Ok(())
}
