//! A tray that shows nothing, and notes when an item was put into it. It takes the panel's place: what a panel does with an
//! item would be measured with it, and not every panel survives items that come and go within a second.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use stories::desktop::Desktop;
use tokio::runtime::Runtime;
use zbus::message::Header;
use zbus::{Connection, conn, interface};

const NAME: &str = "org.kde.StatusNotifierWatcher";
const PATH: &str = "/StatusNotifierWatcher";

/// An item that came.
pub(crate) struct Registered {
    pub(crate) at: Instant,
    /// Its program's name on the bus.
    pub(crate) sender: String,
}

/// The tray, with the name that programs look for.
pub(crate) struct Watcher {
    registered: Receiver<Registered>,
    _connection: Connection,
    _runtime: Runtime,
}

impl Watcher {
    /// Takes the panel's place.
    pub(crate) fn replace_panel(desk: &Desktop) -> Result<Self> {
        desk.end_part("panel")?;
        let address = desk
            .variable("DBUS_SESSION_BUS_ADDRESS")?
            .to_str()
            .context("the bus's address is text")?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let (sender, registered) = channel();
        let connection = conn::Builder::address(address)
            .serve_at(PATH, Items(sender))
            .name(NAME)
            .build();
        let connection = runtime.block_on(connection).context("taking the panel's place")?;
        Ok(Self {
            registered,
            _connection: connection,
            _runtime: runtime,
        })
    }

    /// Forgets what came so far.
    pub(crate) fn clear(&self) {
        self.registered.try_iter().for_each(drop);
    }

    /// The next item.
    pub(crate) fn next(&self, limit: Duration) -> Result<Registered> {
        self.registered
            .recv_timeout(limit)
            .with_context(|| format!("no tray item within {} s", limit.as_secs()))
    }
}

struct Items(Sender<Registered>);

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Items {
    fn register_status_notifier_item(&self, _service: &str, #[zbus(header)] header: Header<'_>) {
        let at = Instant::now();
        let sender = header.sender().map(ToString::to_string).unwrap_or_default();
        // Nobody listens any more when the bench has ended.
        let _ = self.0.send(Registered { at, sender });
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        Vec::new()
    }
}
