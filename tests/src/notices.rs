//! Every notice that a program of the session showed, overheard on the bus between it and the notification daemon.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use zbus::message::{Message, Type};
use zbus::{MessageStream, OwnedVariant, Variant};

use crate::bus::{Bus, Target};
use crate::wait::{SOON, until};

const INTERFACE: &str = "org.freedesktop.Notifications";

/// How much a notice matters, by the desktop notifications specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// 0
    Low,
    /// 1, also where nothing is said
    Normal,
    /// 2
    Critical,
}

/// A notice, as it was handed to the daemon.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Who showed it.
    pub app: String,
    /// Its first line.
    pub summary: String,
    /// The rest.
    pub body: String,
    /// What can be clicked: key and label.
    pub actions: Vec<(String, String)>,
    /// How much it matters.
    pub urgency: Urgency,
    /// Milliseconds until it goes by itself; 0 is never, -1 is the daemon's choice.
    pub expires: i32,
    /// The daemon's number for it.
    pub id: Option<u32>,
    serial: NonZeroU32,
}

impl Shown {
    /// Summary and body.
    pub fn text(&self) -> String {
        format!("{}\n{}", self.summary, self.body)
    }
}

/// The notices of a session.
#[derive(Debug)]
pub struct Notices {
    shown: Arc<Mutex<Vec<Shown>>>,
    _bus: Bus,
}

impl Notices {
    /// Begins to listen.
    pub(crate) fn watch(address: &str) -> Result<Self> {
        let bus = Bus::connect(address)?;
        let messages = bus.messages();
        let rules = [
            format!("type='method_call',interface='{INTERFACE}',member='Notify'"),
            "type='method_return'".to_owned(),
        ];
        let monitoring = Target {
            name: "org.freedesktop.DBus",
            path: "/org/freedesktop/DBus",
            interface: "org.freedesktop.DBus.Monitoring",
        };
        bus.call(monitoring, "BecomeMonitor", &(rules.as_slice(), 0_u32))?;
        let shown = Arc::default();
        bus.runtime().spawn(listen(messages, Arc::clone(&shown)));
        Ok(Self { shown, _bus: bus })
    }

    /// All so far, in order.
    pub fn all(&self) -> Vec<Shown> {
        lock(&self.shown).clone()
    }

    /// Waits for a notice that says `words`, among those after the first `seen`.
    ///
    /// # Errors
    /// None does within 20 s; says which were shown.
    pub fn wait_for(&self, words: &str, seen: usize) -> Result<Shown> {
        let awaited = format!("a notice that says {words:?}");
        until(&awaited, SOON, || {
            Ok(self
                .all()
                .into_iter()
                .skip(seen)
                .find(|shown| shown.text().contains(words)))
        })
        .with_context(|| {
            format!(
                "shown were {:?}",
                self.all().iter().map(Shown::text).collect::<Vec<_>>()
            )
        })
    }
}

async fn listen(mut messages: MessageStream, shown: Arc<Mutex<Vec<Shown>>>) {
    while let Some(Ok(message)) = messages.next().await {
        match message.message_type() {
            Type::MethodCall => lock(&shown).extend(notice(&message)),
            Type::MethodReturn => note_id(&message, &mut lock(&shown)),
            _ => {}
        }
    }
}

fn notice(message: &Message) -> Option<Shown> {
    type Notify = (
        String,
        u32,
        String,
        String,
        String,
        Vec<String>,
        HashMap<String, OwnedVariant>,
        i32,
    );
    let body = message.body();
    let (app, _, _, summary, text, actions, hints, expires): Notify = body.deserialize().ok()?;
    let urgency = match hints.get("urgency").map(|urgency| &**urgency) {
        Some(Variant::U8(0)) => Urgency::Low,
        Some(Variant::U8(2)) => Urgency::Critical,
        _ => Urgency::Normal,
    };
    let actions = actions
        .chunks_exact(2)
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect();
    let serial = message.primary_header().serial_num();
    Some(Shown {
        app,
        summary,
        body: text,
        actions,
        urgency,
        expires,
        id: None,
        serial,
    })
}

/// Every answer on the bus comes past; the one to a notice names the notice's serial number, and is one number.
fn note_id(message: &Message, shown: &mut [Shown]) {
    let serial = message.header().reply_serial();
    let Some(notice) = shown
        .iter_mut()
        .rev()
        .find(|notice| notice.id.is_none() && Some(notice.serial) == serial)
    else {
        return;
    };
    notice.id = message.body().deserialize::<u32>().ok();
}

fn lock(shown: &Mutex<Vec<Shown>>) -> MutexGuard<'_, Vec<Shown>> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}
