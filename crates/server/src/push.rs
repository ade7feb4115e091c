//! Who is connected, and what they are told. A push is written to the store with the change that it is about, by whichever
//! process makes the change; here it is read and passed on. So an administrator's command reaches a device within a second, and
//! nothing is lost when this process ends in between.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use latchkey_core::time::Timestamp;
use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::clock::Clock;
use crate::store::{Store, StoreError};

/// How soon another process's change is seen, while anybody is connected.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often it is written down who is connected: less than half of the shortest `session_ttl` that a policy may say.
const HEARD_EVERY: Duration = Duration::from_secs(50);

/// There are too many streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("as many devices are connected as are served")]
pub struct Full;

/// The streams that are open, by device.
#[derive(Debug)]
pub struct Pushes {
    streams: Mutex<Streams>,
    /// How many there may be.
    most: usize,
    /// Something may have been written, or somebody has come.
    news: Notify,
}

#[derive(Debug, Default)]
struct Streams {
    open: HashMap<String, Sender<()>>,
    ended: bool,
}

impl Pushes {
    /// None is open yet, and so many may be at once.
    pub fn new(most: usize) -> Self {
        Self {
            streams: Mutex::default(),
            most,
            news: Notify::new(),
        }
    }

    fn streams<T>(&self, change: impl FnOnce(&mut Streams) -> T) -> T {
        change(&mut self.streams.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Opens the stream of a device; one that it had ends.
    ///
    /// # Errors
    /// [`Full`], also when the service is ending.
    pub fn open(&self, device: String) -> Result<Receiver<()>, Full> {
        // Two pushes that come before the device has heard of the first are one.
        let (push, pushes) = channel(1);
        self.streams(|streams| {
            if streams.open.len() >= self.most {
                streams.open.retain(|_, stream| !stream.is_closed());
            }
            let has_place = streams.open.contains_key(&device) || streams.open.len() < self.most;
            if streams.ended || !has_place {
                return Err(Full);
            }
            streams.open.insert(device, push);
            Ok(())
        })?;
        self.news.notify_one();
        Ok(pushes)
    }

    /// Something was written that may concern somebody who is connected.
    pub fn poke(&self) {
        self.news.notify_one();
    }

    fn tell(&self, device: &str) {
        self.streams(|streams| {
            if let Some(stream) = streams.open.get(device) {
                let _told_already = stream.try_send(());
            }
        });
    }

    /// The devices that are connected; those that have gone are forgotten.
    fn connected(&self) -> Vec<String> {
        self.streams(|streams| {
            streams.open.retain(|_, stream| !stream.is_closed());
            let mut devices: Vec<String> = streams.open.keys().cloned().collect();
            devices.sort_unstable();
            devices
        })
    }

    fn close(&self, devices: &[String]) {
        self.streams(|streams| {
            for device in devices {
                streams.open.remove(device);
            }
        });
    }

    fn is_empty(&self) -> bool {
        self.streams(|streams| streams.open.is_empty())
    }

    fn end(&self) {
        self.streams(|streams| {
            streams.ended = true;
            streams.open.clear();
        });
    }
}

/// Ends every stream when it is dropped.
struct Ends(Arc<Pushes>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Passes pushes on, for as long as it is polled.
pub(crate) async fn serve(pushes: Arc<Pushes>, store: Arc<dyn Store>, clock: Arc<dyn Clock>) {
    let _ends = Ends(Arc::clone(&pushes));
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard_at = Instant::now();
    let mut last = None;
    loop {
        if pushes.is_empty() {
            // Nobody listens: the store is left alone, and whoever comes is told what they missed.
            last = None;
            pushes.news.notified().await;
        } else {
            tokio::select! {
                _ = look.tick() => {}
                () = pushes.news.notified() => {}
            }
        }
        if let Err(error) = pass_on(&pushes, &*store, &mut last).await {
            tracing::warn!(%error, "pushes wait");
        }
        if heard_at.elapsed() >= HEARD_EVERY {
            heard_at = Instant::now();
            if let Err(error) = write_down(&pushes, &*store, clock.now()).await {
                tracing::warn!(%error, "who is connected could not be written down");
            }
        }
    }
}

/// Writes down who is connected. A stream under an id that nobody comes under any more would be told nothing: it ends, and its device
/// opens it anew as whoever it is now.
async fn write_down(pushes: &Pushes, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
    let gone = store.heard(pushes.connected(), now).await?;
    pushes.close(&gone);
    Ok(())
}

async fn pass_on(pushes: &Pushes, store: &dyn Store, last: &mut Option<i64>) -> Result<(), StoreError> {
    let Some(mut seen) = *last else {
        let seen = store.last_push().await?;
        // Whoever came first has looked for what they missed. What was written between that and now is in neither.
        for device in pushes.connected() {
            if store.push_missed(device.clone()).await? {
                pushes.tell(&device);
            }
        }
        *last = Some(seen);
        return Ok(());
    };
    loop {
        let news = store.pushes_since(seen).await?;
        for (push, device) in &news {
            pushes.tell(device);
            seen = *push;
        }
        *last = Some(seen);
        if news.is_empty() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tokio::sync::mpsc::error::TryRecvError;

    use super::*;
    use crate::store::records::{CheckCommand, EmailClaim};
    use crate::store::sqlite::SqliteStore;
    use crate::store::suite::{Fixture, NOW};

    #[tokio::test]
    async fn what_is_written_while_the_first_stream_opens_reaches_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::create(&folder.path().join("latchkey.db")).unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let fixture = Fixture::new(Arc::clone(&store)).await;
        fixture.one(fixture.command("d")).await;
        let device = store.devices(None).await.unwrap().remove(0);
        let pushes = Pushes::new(1);
        let mut stream = pushes.open(device.id.clone()).unwrap();
        assert!(!store.push_missed(device.id).await.unwrap());
        store
            .unassign_seat(device.email.unwrap(), "ATLAS".into())
            .await
            .unwrap();
        pass_on(&pushes, &*store, &mut None).await.unwrap();
        assert_eq!(stream.try_recv(), Ok(()));
    }

    /// Its subject was linked to another user, or it was released: pushes go to another id, or to none.
    #[tokio::test]
    async fn a_stream_under_an_id_that_nobody_comes_under_any_more_ends() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::create(&folder.path().join("latchkey.db")).unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let fixture = Fixture::new(Arc::clone(&store)).await;
        let stays = "stays@nord.example";
        store.add_user(stays.into(), "Nord".into(), NOW).await.unwrap();
        let other = CheckCommand {
            subject: "stays".into(),
            email: EmailClaim::Proven(stays.into()),
            ..fixture.command("stays")
        };
        for command in [fixture.command("linked anew"), fixture.command("released"), other] {
            fixture.one(command).await;
        }
        let pushes = Pushes::new(9);
        let mut streams = BTreeMap::new();
        for device in store.devices(None).await.unwrap() {
            streams.insert(device.name, (device.id.clone(), pushes.open(device.id).unwrap()));
        }
        write_down(&pushes, &*store, NOW).await.unwrap();
        assert_eq!(pushes.connected().len(), 3, "they are all there");

        let released = streams["released"].0.clone();
        store.release_device(released, NOW).await.unwrap();
        let (old, new) = ("maya@nord.example", "noor@nord.example");
        store.unlink_user(old.into()).await.unwrap();
        store.add_user(new.into(), "Nord".into(), NOW).await.unwrap();
        let later = NOW.shifted(60_000);
        let anew = CheckCommand {
            now: later,
            email: EmailClaim::Proven(new.into()),
            ..fixture.command("linked anew")
        };
        fixture.one(anew).await;
        write_down(&pushes, &*store, later).await.unwrap();
        for (name, (_, stream)) in &mut streams {
            let ends = stream.try_recv() == Err(TryRecvError::Disconnected);
            assert_eq!(ends, name != "stays", "{name}");
        }
    }

    #[test]
    fn there_are_so_many_streams_and_one_for_each_device() {
        let pushes = Pushes::new(2);
        let _one = pushes.open("one".into()).unwrap();
        let two = pushes.open("two".into()).unwrap();
        assert_eq!(pushes.open("three".into()).err(), Some(Full));
        drop(two);
        let _three = pushes.open("three".into()).unwrap();
        let _anew = pushes.open("one".into()).unwrap();
    }
}
