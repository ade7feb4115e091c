//! The clocks, as an argument: the only place where the service asks what time it is, and how much of it has passed.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use latchkey_core::time::Timestamp;

/// Says what time it is.
pub trait Clock: Send + Sync {
    /// The wall clock of this machine.
    fn now(&self) -> Timestamp;

    /// How much time has passed in this process. It never goes back, whatever the wall clock does.
    fn passed(&self) -> Duration;
}

/// When somebody first asked how much time has passed.
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The operating system's clocks. Leases are anchored to the wall clock (rule 16), so it should be kept right by NTP.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the edge where time comes in")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn passed(&self) -> Duration {
        BEGINNING.elapsed()
    }
}
