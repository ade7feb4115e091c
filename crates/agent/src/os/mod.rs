//! What only the operating system knows: time, this machine, its network, and where things are kept.
//!
//! Everything else takes these as arguments. Each system has one small module with the same functions.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "macos")]
use macos as system;
#[cfg(windows)]
use windows as system;

mod folders;
mod network;
#[cfg(unix)]
mod unix;
mod wanted;

use std::io;
use std::time::{Duration, SystemTime};

use latchkey_core::time::{BootId, Now, Timestamp};
use sha2::{Digest as _, Sha256};

pub use folders::{Folders, FoldersError};
pub use network::Network;
pub use system::Timer;
pub use wanted::Wanted;

/// This machine, as it stays from boot to boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Tells machines apart that share a home folder: 16 hexadecimal digits, not the system's own id.
    pub id: String,
    /// Host name.
    pub name: String,
    /// Operating system, for people.
    pub system: String,
    /// This run of the machine.
    pub boot: BootId,
}

impl Machine {
    /// This one.
    pub fn this() -> Self {
        let id = system::machine_id().unwrap_or_else(system::host_name);
        // The system's id is confidential by its own documentation (machine-id(5)): only a digest of it leaves here.
        let digest = Sha256::digest(format!("latchkey machine {id}").as_bytes());
        Self {
            id: digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect(),
            name: system::host_name(),
            system: system::describe(),
            boot: BootId(system::boot_id().unwrap_or_default()),
        }
    }
}

/// Lets this process hold so many connections, as far as the system allows it.
///
/// # Errors
/// What the system says.
pub fn allow_connections(connections: u64) -> io::Result<()> {
    system::allow_connections(connections)
}

/// The clocks of this machine.
#[derive(Clone, Debug)]
pub struct Clocks {
    boot: BootId,
}

impl Clocks {
    /// The clocks of this run of the machine.
    pub fn of(machine: &Machine) -> Self {
        Self {
            boot: machine.boot.clone(),
        }
    }

    /// What the clocks say now, with a random number for jitter.
    pub fn now(&self) -> Now {
        let wall = wall();
        Now {
            wall,
            ticks: system::ticks(),
            boot: self.boot.clone(),
            utc_offset: utc_offset(wall),
            // Without randomness there is no jitter: late, but right.
            entropy: getrandom::u64().unwrap_or(u64::MAX / 2),
        }
    }

    /// For how long the machine has slept since it was switched on.
    pub fn slept(&self) -> Duration {
        system::ticks().saturating_sub(system::awake())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the agent reads the wall clock"
)]
fn wall() -> Timestamp {
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => Timestamp::from_millis(0) + after,
        Err(before) => Timestamp::from_millis(0) - before.duration(),
    }
}

fn utc_offset(at: Timestamp) -> i32 {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .map_or(0, |at| jiff::tz::TimeZone::system().to_offset(at).seconds())
}
