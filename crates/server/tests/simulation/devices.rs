//! What the service does besides answering checks: devices that are given up, and those that listen.

use latchkey_api::devices::ReleaseDevice;
use latchkey_core::jws::Thumbprint;
use latchkey_core::time::Timestamp;
use latchkey_server::store::records::{Caller, Release, ReleaseOutcome};

use super::identity::{ISSUER, subject_of};
use super::service::LicensingService;

/// How often it is written down who is connected.
const HEARD_EVERY: i64 = 50;

impl LicensingService {
    /// A device gives itself up. Says whether that is written down.
    pub(crate) fn release(&self, now: Timestamp, release: Release) -> bool {
        let now = self.clock(now);
        let released = self.block(async |store| store.release(release, now).await);
        self.done(released).is_some()
    }

    /// A user gives up another of their devices, from this one. `others` are the keys that these had; gives the one that it was.
    pub(crate) fn release_other(
        &self,
        now: Timestamp,
        user: usize,
        jkt: &Thumbprint,
        others: &[Thumbprint],
    ) -> Option<(String, Thumbprint)> {
        let caller = caller(user, jkt);
        let now = self.clock(now);
        let own = self.block(async |store| store.devices_of(caller.clone(), now).await);
        let other = own.unwrap()?.devices.into_iter().find(|one| !one.this)?;
        let is_its = |jkt: &&Thumbprint| {
            let known = self.block(async |store| store.known_device(self::caller(user, jkt)).await);
            known.unwrap().as_ref() == Some(&other.id)
        };
        let its = others.iter().find(is_its).expect("it has a key").clone();
        let wanted = ReleaseDevice {
            device: other.id.clone(),
            same_machine: false,
        };
        let released = self.block(async |store| store.release_own(caller.clone(), wanted, now).await);
        match self.done(released)? {
            ReleaseOutcome::Released => Some((other.name, its)),
            ReleaseOutcome::TooMany => None,
            other @ (ReleaseOutcome::UnknownDevice | ReleaseOutcome::UnknownCaller) => panic!("{other:?}"),
        }
    }

    /// The id of a device that may listen, and whether it has missed a push.
    pub(crate) fn listener(&self, user: usize, jkt: &Thumbprint) -> Option<(String, bool)> {
        let device = self.block(async |store| store.known_device(caller(user, jkt)).await);
        let device = device.unwrap()?;
        let missed = self.block(async |store| store.push_missed(device.clone()).await);
        self.done(missed).map(|missed| (device, missed))
    }

    /// The devices that are to be pushed since this was last asked.
    pub(crate) fn pushes(&mut self) -> Vec<String> {
        if !self.was_asked.get() {
            return Vec::new();
        }
        let since = self.last_push;
        let pushes = self.block(async |store| store.pushes_since(since).await).unwrap();
        if let Some((last, _)) = pushes.last() {
            self.last_push = *last;
        }
        self.was_asked.set(!pushes.is_empty());
        pushes.into_iter().map(|(_, device)| device).collect()
    }

    /// These devices are connected, as was last written down. Says as of when it is, if it is, and under which of them nobody comes
    /// any more.
    pub(crate) fn heard(&self, now: Timestamp, devices: Vec<String>) -> Option<(Timestamp, Vec<String>)> {
        if devices.is_empty() {
            return None;
        }
        let now = self.clock(now);
        let at = Timestamp::from_secs(now.as_secs() - now.as_secs().rem_euclid(HEARD_EVERY));
        let heard = self.block(async |store| store.heard(devices, at).await);
        self.done(heard).map(|gone| (at, gone))
    }
}

fn caller(user: usize, jkt: &Thumbprint) -> Caller {
    Caller {
        issuer: ISSUER.into(),
        subject: subject_of(user),
        jkt: jkt.clone(),
    }
}
