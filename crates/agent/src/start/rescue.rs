//! `reset --all` without a running agent (rule 15): what an agent that cannot start would have done.

use std::io;
use std::path::Path;

use latchkey_core::facts::{Facts, Forget, Held, Service};
use latchkey_core::registration::Registration;
use latchkey_core::time::Now;
use latchkey_core::vault::VaultKind;
use latchkey_ipc::server::BindError;

use super::{StartError, chosen, lock_patiently, passphrase_file};
use crate::os::{Clocks, Folders, Machine};
use crate::registry::Registry;
use crate::runner::sign_release;
use crate::store::{Folder, Loaded, Store};
use crate::vault::{Entry, Vault, delete_file};

/// Ends every licence without a running agent. The clock's memory, the count of temporary licences, that the last word was a refusal,
/// and releases that wait for the service stay.
///
/// # Errors
/// [`StartError`]: what could not be deleted, by name. Everything else has been.
pub fn reset_all(vault: Option<VaultKind>) -> Result<(), StartError> {
    let machine = Machine::this();
    let folders = Folders::of_user(&machine.id)?;
    let Some(_lock) = lock_patiently(&folders)? else {
        return Err(StartError::Bind(BindError::AlreadyRunning));
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let reset = Reset {
        state: &folders.state,
        vault: Vault::open(chosen(vault), &folders.state, passphrase_file())?,
        machine: &machine.id,
        now: Clocks::of(&machine).now(),
    };
    let done = runtime.block_on(reset.all(&Registry::new(&folders).read()));
    runtime.shutdown_background();
    done
}

/// Where everything is that goes.
struct Reset<'a> {
    state: &'a Path,
    vault: Vault,
    machine: &'a str,
    now: Now,
}

impl Reset<'_> {
    /// Deletes what can be deleted: a state that cannot be written keeps nothing in the vault, nor the other way round.
    async fn all(&self, registered: &[Registration]) -> Result<(), StartError> {
        let (mut store, loaded) = match Store::open(Folder::new(self.state)) {
            Ok((store, loaded)) => (Ok(store), loaded),
            Err(why) => (Err(why), Loaded::default()),
        };
        let mut facts = self.ended(loaded.facts, registered).await;
        // Written down first: where this dies, or the keyring is locked, the next agent deletes it.
        let _again_below = store.as_mut().map(|store| store.save(&facts, true));
        let mut undone = Vec::new();
        for (name, service) in &mut facts.services {
            let entry = Entry::new(name, self.machine);
            match self.vault.delete(&entry).await {
                Ok(()) => service.forget = None,
                Err(why) => undone.push(StartError::Vault {
                    entry: entry.label().to_owned(),
                    why,
                }),
            }
        }
        // Whatever is chosen now: a file that was chosen once may still be there.
        if let Err(why) = delete_file(self.state) {
            let entry = self.state.display().to_string();
            undone.push(StartError::Vault { entry, why });
        }
        if let Err(why) = store.and_then(|mut store| store.save(&facts, true)) {
            undone.push(self.not_written(why));
        }
        match undone.len() {
            0 => Ok(()),
            _ => Err(StartError::Undone(undone)),
        }
    }

    fn not_written(&self, why: io::Error) -> StartError {
        StartError::State {
            folder: self.state.to_owned(),
            why,
        }
    }

    /// What is left of the facts.
    async fn ended(&self, mut known: Facts, registered: &[Registration]) -> Facts {
        // Only a lease that verifies says whether it ends with its subscription.
        known.verify(registered);
        for entry in registered {
            known.services.entry(entry.service.clone()).or_default();
        }
        let mut left = Facts {
            clock: known.clock,
            ..Facts::default()
        };
        for (name, service) in known.services {
            let at = service.times.trusted(&self.now);
            let at = at.unwrap_or_else(|| left.clock.trusted(&self.now));
            // First a release is signed, if the keyring gives the key.
            let secrets = self.vault.load(&Entry::new(&name, self.machine)).await;
            let key = secrets.ok().flatten();
            let key = key.and_then(|secrets| secrets.device_key.signing_key().ok());
            let mut releases = service.releases;
            releases.extend(key.and_then(|key| sign_release(&key, &name, None, at)));
            let mut products = service.products;
            products.values_mut().for_each(Held::clear);
            let kept = Service {
                times: service.times,
                products,
                releases,
                ended: service.ended + 1,
                forget: Some(Forget::Everything),
                ..Service::default()
            };
            left.services.insert(name, kept);
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::vault::Secrets;

    const SERVICE: &str = "https://licence.example";
    const MACHINE: &str = "m1";

    /// A state in which somebody was refused one product, and has used two temporary licences of another.
    fn facts() -> Facts {
        let held = |more: serde_json::Value| {
            let mut held = json!({"lease": null, "refusal": null, "seq": 7, "save_window": null, "save_for": 600, "end_told": null});
            held.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            serde_json::from_value::<Held>(held).unwrap()
        };
        let products = [
            ("ATLAS", json!({"lease": "a.lease.token", "temporaries": 2})),
            ("QUARRY", json!({"refusal": "a.refusal.token"})),
        ];
        let products = products.map(|(product, more)| (product.to_owned(), held(more)));
        let service = Service {
            products: products.into(),
            ..Service::default()
        };
        Facts {
            services: [(SERVICE.to_owned(), service)].into(),
            ..Facts::default()
        }
    }

    /// A vault with the secrets of somebody who is signed in.
    async fn vault(state: &Path) -> Vault {
        let vault = Vault::open(VaultKind::Memory, state, None).unwrap();
        vault.make_ready().await.unwrap();
        let entry = Entry::new(SERVICE, MACHINE);
        vault.store(&entry, &Secrets::generate().unwrap()).await.unwrap();
        vault
    }

    async fn reset(vault: &Vault, state: &Path) -> Result<(), StartError> {
        let registration = json!({
            "registration": 1, "product": "ATLAS", "version": "2026.1", "name": "Atlas", "publisher": "Cartographers",
            "service": SERVICE, "root_keys": [],
        });
        let reset = Reset {
            state,
            vault: vault.clone(),
            machine: MACHINE,
            now: Clocks::of(&Machine::this()).now(),
        };
        reset.all(&[serde_json::from_value(registration).unwrap()]).await
    }

    #[tokio::test]
    async fn a_reset_without_an_agent_keeps_what_any_reset_keeps() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(folder.path()).await;
        let stored = || Store::open(Folder::new(folder.path())).unwrap();
        stored().0.save(&facts(), true).unwrap();
        reset(&vault, folder.path()).await.unwrap();

        let (_, loaded) = stored();
        let service = &loaded.facts.services[SERVICE];
        assert_eq!((service.forget, service.releases.len()), (None, 1));
        let held = |product| serde_json::to_value(&service.products[product]).unwrap();
        let (atlas, quarry) = (held("ATLAS"), held("QUARRY"));
        assert_eq!(
            (&atlas["lease"], &atlas["temporaries"]),
            (&json!(null), &json!(2))
        );
        assert_eq!(
            (&quarry["refusal"], &quarry["turned_away"]),
            (&json!(null), &json!(true))
        );
        assert_eq!(vault.load(&Entry::new(SERVICE, MACHINE)).await, Ok(None));
    }

    #[tokio::test]
    async fn a_state_that_cannot_be_written_keeps_no_secret_in_the_vault() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(folder.path()).await;
        for copy in ["state.a", "state.b"] {
            std::fs::write(
                folder.path().join(copy),
                "latchkey-state 99 1 of-a-newer-latchkey\n",
            )
            .unwrap();
        }
        let undone = reset(&vault, folder.path()).await.unwrap_err();
        assert!(undone.to_string().contains("a newer Latchkey"), "{undone}");
        assert_eq!(vault.load(&Entry::new(SERVICE, MACHINE)).await, Ok(None));
    }
}
