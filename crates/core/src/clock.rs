//! Trusted time (rule 16).
//!
//! A licensing service's time anchors ours at each check. Within a boot, trusted time is the anchor plus the
//! time passed since, whatever the wall clock does. After a reboot the wall clock is the only witness of how long
//! the machine was off, and is believed for that, and for nothing else.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::{BootId, Now, Timestamp};

/// A wall clock that is wrong by more than this is named, because TLS and tokens will refuse it. In milliseconds.
pub(crate) const WRONG_FROM: u64 = 10 * 60 * 1000;

/// Clocks that are both right differ by less than this.
pub(crate) const SKEW: Duration = Duration::from_secs(5 * 60);

/// A moment of a boot at which trusted time was known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Anchor {
    boot: BootId,
    /// Time since that boot, in milliseconds, sleep included.
    ticks: u64,
    /// Trusted time then.
    at: Timestamp,
    /// It came from a service in this very boot, and not from a wall clock.
    #[serde(default)]
    verified: bool,
    /// Which one.
    #[serde(default)]
    by: String,
}

/// What is remembered about time. Survives a reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Trusted time never falls below this, but by a check.
    floor: Timestamp,
    /// How far the service's time was ahead of the wall clock at the last check, in milliseconds.
    offset: i64,
    anchor: Option<Anchor>,
}

/// In milliseconds.
const fn apart(time: Timestamp, other: Timestamp) -> u64 {
    time.offset_from(other).unsigned_abs()
}

/// Whether clocks that say this at once may both be right.
const fn is_the_same(time: Timestamp, other: Timestamp) -> bool {
    (apart(time, other) as u128) < SKEW.as_millis()
}

fn ticks(now: &Now) -> u64 {
    u64::try_from(now.ticks.as_millis()).unwrap_or(u64::MAX)
}

impl Clock {
    /// Trusted time.
    pub fn trusted(&self, now: &Now) -> Timestamp {
        if let Some(anchor) = self.anchor.as_ref().filter(|anchor| anchor.boot == now.boot) {
            // Ticks that ran backwards belong to another boot, whatever the id says.
            if let Some(passed) = ticks(now).checked_sub(anchor.ticks) {
                return anchor.at + Duration::from_millis(passed);
            }
        }
        // The floor was stored before this boot began, and the machine has been on since: however far the wall
        // clock was set back, that hides only time during which the machine was off.
        (self.floor + now.ticks).max(now.wall.shifted(self.offset))
    }

    /// Anchors trusted time in this boot, if it is not yet, and raises the floor to it.
    ///
    /// From the first call in a boot on, the wall clock has no say until the next reboot.
    pub fn settle(&mut self, now: &Now) {
        let at = self.trusted(now);
        if !self.is_settled(now) {
            self.anchor = Some(Anchor {
                boot: now.boot.clone(),
                ticks: ticks(now),
                at,
                verified: false,
                by: String::new(),
            });
        }
        self.floor = self.floor.max(at);
    }

    /// Whether trusted time is anchored in this boot.
    pub fn is_settled(&self, now: &Now) -> bool {
        self.anchor
            .as_ref()
            .is_some_and(|anchor| anchor.boot == now.boot && anchor.ticks <= ticks(now))
    }

    /// Whether another service than this one has anchored it in this boot, and this one says the same but for [`SKEW`], or is further
    /// from the wall clock: which of two is right that contradict each other, nobody else can say.
    pub fn is_told_better(&self, service_time: Timestamp, now: &Now, service: &str) -> bool {
        let by_another = self.anchor.as_ref().is_some_and(|anchor| anchor.by != service);
        let known = self.trusted(now);
        self.is_verified(now)
            && by_another
            && (is_the_same(service_time, known) || apart(known, now.wall) <= apart(service_time, now.wall))
    }

    /// Another service says this: where that is the same, it is known anew how far the wall clock is off.
    pub fn confirmed_by(&mut self, service_time: Timestamp, now: &Now) {
        let known = self.trusted(now);
        if is_the_same(service_time, known) {
            self.offset = known.offset_from(now.wall);
        }
    }

    /// Takes the service's time from a verified answer to our own request: the only thing that may lower the floor.
    pub fn anchor(&mut self, service_time: Timestamp, now: &Now, by: &str) {
        self.anchor = Some(Anchor {
            boot: now.boot.clone(),
            ticks: ticks(now),
            at: service_time,
            verified: true,
            by: by.to_owned(),
        });
        self.offset = service_time.offset_from(now.wall);
        self.floor = service_time;
    }

    /// The time to judge tokens by: trusted time where a check has verified it in this boot, the wall clock otherwise,
    /// so that a clock that was set forward while off does not keep out the very tokens that would heal it.
    pub fn for_tokens(&self, now: &Now) -> Timestamp {
        if self.is_verified(now) {
            self.trusted(now)
        } else {
            now.wall
        }
    }

    /// Whether a check has shown in this boot that the wall clock is right, as far as certificates go: what does not fit it is
    /// somebody else's fault.
    pub fn is_wall_right(&self, now: &Now) -> bool {
        self.is_verified(now) && now.wall.offset_from(self.trusted(now)).unsigned_abs() <= WRONG_FROM
    }

    fn is_verified(&self, now: &Now) -> bool {
        self.is_settled(now) && self.anchor.as_ref().is_some_and(|anchor| anchor.verified)
    }

    /// How far the wall clock is ahead of where the last check says it should be, in milliseconds.
    pub fn wall_ahead(&self, now: &Now) -> i64 {
        now.wall.shifted(self.offset).offset_from(self.trusted(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{DAY, HOUR, MINUTE};

    const SERVICE: &str = "https://licence.example";

    #[test]
    fn a_wall_clock_is_right_where_a_check_has_shown_it_and_as_long_as_nobody_moves_it() {
        let mut machine = Machine::new();
        let mut clock = Clock::default();
        clock.settle(&machine.now());
        assert!(!clock.is_wall_right(&machine.now()), "nobody has shown it");
        clock.anchor(machine.real, &machine.now(), SERVICE);
        machine.pass(DAY);
        assert!(clock.is_wall_right(&machine.now()));
        for (minutes, right) in [(9, true), (-9, true), (11, false), (-11, false)] {
            machine.wall_error = minutes * i64::try_from(MINUTE.as_millis()).unwrap();
            assert_eq!(clock.is_wall_right(&machine.now()), right, "{minutes} min");
        }
        machine.wall_error = 0;
        machine.reboot(HOUR);
        clock.settle(&machine.now());
        assert!(!clock.is_wall_right(&machine.now()), "that was another boot");
    }

    #[test]
    fn of_two_services_one_tells_the_time_of_a_boot_and_where_they_contradict_the_one_nearer_to_the_wall_clock()
     {
        let mut machine = Machine::new();
        let mut clock = Clock::default();
        clock.anchor(machine.real, &machine.now(), SERVICE);
        machine.pass(HOUR);
        let minutes = |minutes: i64| minutes * 60_000;
        // By how many minutes the other one is ahead, and the wall clock; and which is believed.
        for (theirs, wall, better) in [
            (0, 0, true),
            (4, 0, true),
            (-4, -4, true),
            (5, 0, true),
            (-5, 0, true),
            (5, 5, false),
            (-5, -5, false),
            (60, 31, false),
            (60, 29, true),
        ] {
            machine.wall_error = minutes(wall);
            let time = machine.real.shifted(minutes(theirs));
            let told = clock.is_told_better(time, &machine.now(), "https://other.example");
            assert_eq!(told, better, "{theirs} min, with the wall at {wall} min");
            assert!(
                !clock.is_told_better(time, &machine.now(), SERVICE),
                "its own check always counts"
            );
        }
        machine.reboot(HOUR);
        clock.settle(&machine.now());
        let time = machine.real.shifted(-1);
        let told = clock.is_told_better(time, &machine.now(), "https://other.example");
        assert!(!told, "nobody else has told it in this boot");
    }

    /// What is known of the wall clock counts after the next reboot.
    #[test]
    fn another_service_that_agrees_shows_anew_how_far_the_wall_clock_is_off() {
        for (theirs, wall_after, is_known) in [(4, 30, true), (-4, -30, true), (6, 30, false)] {
            let minutes = |minutes: i64| minutes * 60_000;
            let mut machine = Machine::new();
            let mut clock = Clock::default();
            clock.anchor(machine.real, &machine.now(), SERVICE);
            machine.pass(HOUR);
            machine.wall_error = minutes(wall_after);
            clock.confirmed_by(machine.real.shifted(minutes(theirs)), &machine.now());
            assert_eq!(clock.trusted(&machine.now()), machine.real, "it moves nothing");
            machine.reboot(DAY);
            clock.settle(&machine.now());
            let off = clock.trusted(&machine.now()).offset_from(machine.real);
            let knows = off.unsigned_abs() < 1000;
            assert_eq!(
                knows, is_known,
                "{theirs} min, the wall at {wall_after} min: {off} ms"
            );
        }
    }

    /// A machine whose true time, wall clock and ticks can be moved apart.
    struct Machine {
        real: Timestamp,
        wall_error: i64,
        ticks: Duration,
        boot: u32,
    }

    impl Machine {
        fn new() -> Self {
            Self {
                real: Timestamp::from_secs(1_800_000_000),
                wall_error: 0,
                ticks: HOUR,
                boot: 1,
            }
        }
        fn now(&self) -> Now {
            Now {
                wall: self.real.shifted(self.wall_error),
                ticks: self.ticks,
                boot: BootId(self.boot.to_string()),
                utc_offset: 0,
                entropy: 0,
            }
        }
        fn pass(&mut self, time: Duration) {
            self.real = self.real + time;
            self.ticks += time;
        }
        fn reboot(&mut self, off_for: Duration) {
            self.real = self.real + off_for;
            self.ticks = Duration::from_secs(20);
            self.boot += 1;
        }
        fn set_wall(&mut self, days: i64) {
            self.wall_error = days * 86_400_000;
        }
    }

    fn checked(machine: &Machine) -> Clock {
        let mut clock = Clock::default();
        clock.anchor(machine.real, &machine.now(), SERVICE);
        clock
    }

    #[test]
    fn within_a_boot_the_wall_clock_does_not_matter() {
        let mut machine = Machine::new();
        let clock = checked(&machine);
        for days in [-10, 400, 0] {
            machine.set_wall(days);
            machine.pass(DAY);
            assert_eq!(clock.trusted(&machine.now()), machine.real);
        }
    }

    #[test]
    fn over_a_reboot_the_wall_clock_tells_how_long_it_was_off() {
        let mut machine = Machine::new();
        machine.set_wall(3);
        let mut clock = checked(&machine);
        machine.reboot(5 * DAY);
        clock.settle(&machine.now());
        assert_eq!(
            clock.trusted(&machine.now()),
            machine.real,
            "the offset of the last check is known"
        );
    }

    #[test]
    fn set_back_while_off_hides_only_the_time_off() {
        let mut machine = Machine::new();
        let mut clock = checked(&machine);
        machine.pass(DAY);
        clock.settle(&machine.now());
        let off = machine.real;
        machine.set_wall(-10);
        machine.reboot(2 * DAY);
        let on_since = machine.ticks;
        clock.settle(&machine.now());
        assert_eq!(clock.trusted(&machine.now()), off + on_since);
        machine.pass(4 * DAY);
        machine.set_wall(-300);
        assert_eq!(clock.trusted(&machine.now()), off + on_since + 4 * DAY);
    }

    #[test]
    fn set_forward_while_off_is_believed_until_a_check() {
        let mut machine = Machine::new();
        let mut clock = checked(&machine);
        machine.set_wall(400);
        machine.reboot(HOUR);
        clock.settle(&machine.now());
        let believed = machine.real + 400 * DAY;
        assert_eq!(clock.trusted(&machine.now()), believed);
        machine.set_wall(0);
        machine.reboot(HOUR);
        clock.settle(&machine.now());
        assert_eq!(
            clock.trusted(&machine.now()),
            believed + machine.ticks,
            "no wall clock lowers the floor"
        );
        clock.anchor(machine.real, &machine.now(), SERVICE);
        assert_eq!(clock.trusted(&machine.now()), machine.real);
    }

    #[test]
    fn tokens_are_judged_by_what_a_check_has_shown_in_this_boot_and_by_the_wall_clock_before() {
        let mut machine = Machine::new();
        let mut clock = checked(&machine);
        machine.set_wall(3);
        assert_eq!(clock.for_tokens(&machine.now()), machine.real);
        machine.set_wall(400);
        machine.reboot(HOUR);
        clock.settle(&machine.now());
        machine.set_wall(0);
        assert_eq!(
            clock.for_tokens(&machine.now()),
            machine.real,
            "a clock that was set forward while off is believed by nobody's tokens"
        );
    }

    #[test]
    fn ticks_that_ran_backwards_are_another_boot() {
        let mut machine = Machine::new();
        let mut clock = checked(&machine);
        machine.real = machine.real + DAY;
        machine.ticks = Duration::from_secs(5);
        assert!(!clock.is_settled(&machine.now()));
        clock.settle(&machine.now());
        assert_eq!(clock.trusted(&machine.now()), machine.real);
    }
}
