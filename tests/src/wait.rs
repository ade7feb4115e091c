//! Waiting for what must come, never longer than said.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often is looked.
const PAUSE: Duration = Duration::from_millis(20);

/// Long enough for anything that takes a moment on a busy machine.
pub const SOON: Duration = Duration::from_secs(20);

/// Looks until `look` sees something, and returns it.
///
/// # Errors
/// `limit` has passed: says what was awaited. Whatever `look` cannot go on after.
pub fn until<T>(awaited: &str, limit: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(seen) = look()? {
            return Ok(seen);
        }
        if Instant::now() >= deadline {
            bail!("waited {} s for {awaited}, in vain", limit.as_secs_f32());
        }
        thread::sleep(PAUSE);
    }
}
