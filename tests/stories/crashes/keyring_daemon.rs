//! gnome-keyring, which may die of its clients: rarely, while it greets one, it aborts
//! (`gkd_secret_service_publish_dispatch: assertion 'client' failed`, a fault of its own). That is not what is looked at
//! here, so it is noticed, and mended as a new login would.

use stories::bus::{Bus, Target};
use stories::prelude::*;

const NAME: &str = "org.freedesktop.secrets";
const DAEMON: Target<'static> = Target {
    name: "org.freedesktop.DBus",
    path: "/org/freedesktop/DBus",
    interface: "org.freedesktop.DBus",
};

/// The daemon that is unlocked. Another one, which the bus may start in its place, is not.
pub(crate) struct KeyringDaemon<'d> {
    desk: &'d Desktop,
    owner: String,
}

impl<'d> KeyringDaemon<'d> {
    /// The one that the session began with.
    pub(crate) fn of(desk: &'d Desktop) -> Result<Self> {
        Ok(Self {
            desk,
            owner: owner(desk.bus())?,
        })
    }

    /// Whether it lives, once it is done with whatever came to it before now.
    pub(crate) fn is_alive(&self) -> bool {
        let itself = Target {
            name: &self.owner,
            path: "/org/freedesktop/secrets",
            interface: "org.freedesktop.DBus.Peer",
        };
        self.desk.bus().call(itself, "Ping", &()).is_ok()
    }

    /// Starts another one in its place, unlocked.
    pub(crate) fn restart(&mut self) -> Result<()> {
        let bus = self.desk.bus();
        self.desk.restart_keyring()?;
        self.owner = owner(bus)?;
        Ok(())
    }
}

fn owner(bus: &Bus) -> Result<String> {
    Ok(bus.call(DAEMON, "GetNameOwner", &NAME)?.body().deserialize()?)
}
