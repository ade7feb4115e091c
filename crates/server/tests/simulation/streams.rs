//! Streams of pushes, and who is known to be connected.

use std::time::Duration;

use latchkey_core::code::Code;
use latchkey_core::engine::{Attempt, Outcome, Side};
use latchkey_core::time::{MINUTE, Timestamp};

use super::desktop::Desktop;
use super::events::Event;
use super::network::LISTENING_ENDED;
use super::parts::Stream;
use super::products::{Which, all};
use super::service::Said;
use super::world::{AT_ONCE, PATIENCE, World};

/// The service writes down every minute who is connected. Here that is done while somebody waits; else as often as a session needs,
/// and before each check.
const BEAT: Duration = MINUTE;
const RARE_BEAT: Duration = Duration::from_secs(14 * MINUTE.as_secs());

impl World {
    pub(super) fn listen(&mut self, desktop: usize, attempt: Attempt) {
        let from = self.sender(desktop, attempt);
        let after = self.latency();
        let machine = &self.desktops[desktop];
        let jkt = machine.vault.as_ref().map(|vault| vault.jkt.clone());
        let reachable = self.sides(desktop).0 == Side::Answers;
        let user = machine.user;
        if self.lost() {
            return self.outcome(PATIENCE, from, LISTENING_ENDED);
        }
        let listener = jkt.filter(|_| reachable).and_then(|jkt| {
            let listener = self.survives(|world| world.service.listener(user, &jkt));
            let (device, missed) = listener.flatten()?;
            Some((Stream { attempt, device, jkt }, missed))
        });
        let Some((stream, missed)) = listener else {
            return self.outcome(after, from, LISTENING_ENDED);
        };
        self.desktops[desktop].stream = Some(stream);
        self.expect_beat_within(RARE_BEAT);
        self.outcome(after, from, Outcome::Listening);
        if missed {
            self.outcome(after + AT_ONCE, from, Outcome::Pushed);
        }
    }

    pub(super) fn pass_pushes_on(&mut self) {
        let listening = |device: &String| {
            let stream = |one: &Desktop| one.stream.as_ref().is_some_and(|stream| stream.device == *device);
            self.desktops.iter().position(stream)
        };
        let pushed = self.service.pushes();
        let mut pushed: Vec<usize> = pushed.iter().filter_map(listening).collect();
        // The service names those of one moment in the order of their ids, which are random.
        pushed.sort_unstable();
        for desktop in pushed {
            // Of a stream nothing is lost but its end.
            if self.lost() {
                self.end_stream(desktop);
            } else if let Some(stream) = &self.desktops[desktop].stream {
                let from = self.sender(desktop, stream.attempt);
                let after = self.latency();
                self.outcome(after, from, Outcome::Pushed);
            }
        }
    }

    /// What a connected device says by being connected.
    pub(super) fn write_down_who_is_connected(&mut self) {
        let connected = self.desktops.iter().filter(|desktop| desktop.is_on());
        let streams: Vec<Stream> = connected.filter_map(|desktop| desktop.stream.clone()).collect();
        let devices: Vec<String> = streams.iter().map(|stream| stream.device.clone()).collect();
        // Most often it is over a check that the service dies.
        let dies = self
            .service
            .dies
            .take_if(|_| !devices.is_empty() && self.dice.percent(90));
        self.survives(|world| {
            if let Some((at, gone)) = world.service.heard(world.now, devices) {
                let there = streams.iter().filter(|stream| !gone.contains(&stream.device));
                let jkts: Vec<String> = there.map(|stream| stream.jkt.0.clone()).collect();
                world.judge.heard(&jkts, at, &world.service);
                world.end_streams_of(&gone);
            }
        });
        self.service.dies = self.service.dies.or(dies);
    }

    /// Nobody comes under these ids any more.
    fn end_streams_of(&mut self, gone: &[String]) {
        for desktop in 0..self.desktops.len() {
            let stream = self.desktops[desktop].stream.as_ref();
            if stream.is_some_and(|stream| gone.contains(&stream.device)) {
                self.end_stream(desktop);
            }
        }
    }

    /// Somebody waits from now on.
    pub(super) fn expect_beat(&mut self) {
        self.expect_beat_within(BEAT);
    }

    fn expect_beat_within(&mut self, time: Duration) {
        let by = self.now + time;
        let expected =
            |((at, _), event): (&(Timestamp, u64), &Event)| matches!(event, Event::Beat) && *at <= by;
        if !self.queue.iter().any(expected) {
            self.queue.retain(|_, event| !matches!(event, Event::Beat));
            self.at(time, Event::Beat);
        }
    }

    pub(super) fn beat(&mut self) {
        if self.service.up {
            self.write_down_who_is_connected();
        }
        let waits = |desktop: &Desktop| {
            let refused = |which: Which| desktop.told[which].last == Some(Said::Refusal(Code::SessionInUse));
            let in_vain = all().any(|which| refused(which) && desktop.programs[which].is_some());
            in_vain && desktop.stream.is_some()
        };
        if self.desktops.iter().any(waits) {
            self.expect_beat();
        } else if self.desktops.iter().any(|desktop| desktop.stream.is_some()) {
            self.expect_beat_within(RARE_BEAT);
        }
    }

    pub(super) fn last_heard(&mut self, desktop: usize) {
        if self.desktops[desktop].stream.is_some() && self.service.up {
            self.write_down_who_is_connected();
            self.pass_pushes_on();
        }
    }

    pub(super) fn end_stream(&mut self, desktop: usize) {
        if let Some(stream) = self.desktops[desktop].stream.take() {
            let from = self.sender(desktop, stream.attempt);
            self.outcome(AT_ONCE, from, LISTENING_ENDED);
        }
    }

    pub(super) fn streams_end(&mut self) {
        for desktop in 0..self.desktops.len() {
            self.end_stream(desktop);
        }
    }
}
