//! A timer for systems without one that counts sleep: it looks at the clock again at least every so often, and at
//! once whenever the agent is woken by anything else.

use std::io;
use std::time::Duration;

use crate::os::system;

/// While something is pending that people wait for, clocks are compared this often (`docs/sign-in.md`).
const SOON: Duration = Duration::from_secs(30);
/// Otherwise this often.
const LATER: Duration = Duration::from_secs(10 * 60);
/// What is due within this long counts as pending.
const PENDING_WITHIN: Duration = Duration::from_secs(15 * 60);

/// Wakes at an instant in ticks, sleep counted.
#[derive(Debug, Default)]
pub struct Timer(Option<Duration>);

impl Timer {
    /// A timer that is not set.
    ///
    /// # Errors
    /// Never: other systems' timers can.
    pub fn new() -> io::Result<Self> {
        Ok(Self::default())
    }

    /// Sets it to an instant in ticks, or stops it.
    ///
    /// # Errors
    /// Never: other systems' timers can.
    pub fn set(&mut self, at: Option<Duration>) -> io::Result<()> {
        self.0 = at;
        Ok(())
    }

    /// Waits until it goes off. Can be dropped and waited for again.
    pub async fn rings(&mut self) {
        loop {
            let Some(at) = self.0 else {
                return std::future::pending().await;
            };
            let left = at.saturating_sub(system::ticks());
            if left.is_zero() {
                self.0 = None;
                return;
            }
            let look_again = if left <= PENDING_WITHIN { SOON } else { LATER };
            tokio::time::sleep(left.min(look_again)).await;
        }
    }
}
