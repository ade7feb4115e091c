//! Changes of the machine's network, as the system tells them; nothing is polled.

#[cfg(target_os = "linux")]
#[path = "network_linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "network_macos.rs"]
mod system;
#[cfg(windows)]
#[path = "network_windows.rs"]
mod system;

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// One change makes a burst of messages.
const SETTLE: Duration = Duration::from_millis(500);

/// Tells when the network changes, once for each burst.
#[derive(Debug)]
pub struct Network {
    system: system::Network,
    /// When the burst that has begun is over.
    settled_at: Option<Instant>,
}

impl Network {
    /// Begins to listen.
    ///
    /// # Errors
    /// What the system says: some sandboxes let nobody listen.
    pub fn watch() -> io::Result<Self> {
        Ok(Self {
            system: system::Network::watch()?,
            settled_at: None,
        })
    }

    /// Waits for a change, and until it has settled. Can be dropped and waited for again, however often: whoever keeps the agent
    /// busy meanwhile does not put it off.
    pub async fn changed(&mut self) {
        loop {
            let settled_at = match self.settled_at {
                Some(at) => at,
                None => {
                    self.system.stirs().await;
                    *self.settled_at.insert(Instant::now() + SETTLE)
                }
            };
            sleep_until(settled_at).await;
            self.settled_at = None;
            if self.system.has_changed() {
                return;
            }
        }
    }
}
