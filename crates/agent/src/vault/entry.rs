//! How an entry is named, for the keyring and for people.

use sha2::{Digest as _, Sha256};

/// What every entry's `service` attribute says.
pub(super) const APPLICATION: &str = "Latchkey";

/// The entry of one licensing service on one machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    name: String,
    label: String,
}

impl Entry {
    /// The entry for the licensing service at the address `service`, on the machine `machine` (homes on NFS and roaming
    /// profiles are seen by several, and each has a device key of its own).
    pub fn new(service: &str, machine: &str) -> Self {
        let digest = Sha256::digest(service.as_bytes());
        let prefix: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self {
            name: format!("latchkey:{prefix}:{machine}"),
            label: format!("Latchkey — {service}"),
        }
    }

    /// The entry that is written to see whether anything can be, and deleted again.
    pub(super) fn trial() -> Self {
        Self {
            name: "latchkey:trial".into(),
            label: "Latchkey — trial".into(),
        }
    }

    /// The name by which the keyring finds it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a person sees who looks into the keyring.
    pub fn label(&self) -> &str {
        &self.label
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_and_machine_has_its_own() {
        let one = Entry::new("https://licences.example", "m1");
        assert!(one.name().starts_with("latchkey:") && one.name().ends_with(":m1"));
        assert_eq!(one.name().len(), "latchkey:".len() + 16 + ":m1".len());
        assert_eq!(one.label(), "Latchkey — https://licences.example");
        assert_ne!(one.name(), Entry::new("https://licences.example/", "m1").name());
        assert_ne!(one.name(), Entry::new("https://licences.example", "m2").name());
    }
}
