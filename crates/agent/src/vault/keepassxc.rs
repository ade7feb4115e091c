//! KeePassXC, which shows less of what is locked than any other keyring.

use secret_service::Error as ServiceError;
use secret_service::blocking::{Collection, SecretService};

/// Of a locked database KeePassXC shows its name alone, and finds nothing in it. While none is open, a search opens its window and waits
/// for the user. Every other keyring names what is in a locked collection.
pub(super) fn hides_what_is_locked() -> bool {
    const BUS: &str = "org.freedesktop.DBus";
    const NAMES: [&str; 2] = ["org.freedesktop.secrets", "org.keepassxc.KeePassXC.MainWindow"];
    let same_owner = async {
        let bus = zbus::Connection::session().await?;
        let mut owners = Vec::new();
        for name in NAMES {
            let owner = bus.call_method(
                Some(BUS),
                "/org/freedesktop/DBus",
                Some(BUS),
                "GetNameOwner",
                &name,
            );
            owners.push(owner.await?.body().deserialize::<String>()?);
        }
        Ok::<_, zbus::Error>(owners[0] == owners[1])
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.is_ok_and(|runtime| runtime.block_on(same_owner).unwrap_or(false))
}

/// The databases that KeePassXC shows, those it would ask for first.
#[derive(Default)]
pub(super) struct Databases<'a> {
    pub(super) locked: Vec<Collection<'a>>,
    pub(super) is_any_open: bool,
}

impl<'a> Databases<'a> {
    pub(super) fn shown(service: &'a SecretService<'a>) -> Result<Self, ServiceError> {
        let mut databases = Self::default();
        for one in service.get_all_collections()? {
            if one.is_locked()? {
                databases.locked.push(one);
            } else {
                databases.is_any_open = true;
            }
        }
        Ok(databases)
    }
}
