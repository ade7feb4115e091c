//! What running programs cost, as the kernel counts it in `/proc`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// A process.
pub(crate) type Pid = u32;
/// A thread of a process.
type Thread = (Pid, u32);

/// The processes that run one of these programs, and all that these have started.
pub(crate) fn running(programs: &[PathBuf]) -> Result<Vec<Pid>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // What ends while it is looked at does not run.
        if let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) {
            let runs_one = fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| programs.contains(&exe));
            all.insert(pid, (parent(&stat), runs_one));
        }
    }
    Ok(with_descendants(&all))
}

/// The number in the fourth field of `/proc/PID/stat`; the second may hold anything.
fn parent(stat: &str) -> Option<Pid> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

fn with_descendants(all: &BTreeMap<Pid, (Option<Pid>, bool)>) -> Vec<Pid> {
    let belongs = |pid: Pid| {
        let ancestors = std::iter::successors(Some(pid), |pid| all.get(pid)?.0);
        // A process that ended in between may leave a number that stands for another: no line is longer than all.
        ancestors
            .take(all.len())
            .any(|pid| all.get(&pid).is_some_and(|(_, runs_one)| *runs_one))
    };
    all.keys().copied().filter(|&pid| belongs(pid)).collect()
}

/// Memory of some processes, in KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// What they have written and share with nobody: what they cost.
    pub(crate) private_dirty: u64,
    /// All that is resident, a shared page counted in equal parts to those who share it.
    pub(crate) proportional: u64,
}

/// The memory of these processes together.
pub(crate) fn memory(pids: &[Pid]) -> Result<Memory> {
    let mut sum = Memory::default();
    for pid in pids {
        let path = format!("/proc/{pid}/smaps_rollup");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let count = |field| number(&text, field).with_context(|| format!("{path} has no {field}"));
        sum.private_dirty += count("Private_Dirty:")?;
        sum.proportional += count("Pss:")?;
    }
    Ok(sum)
}

/// The number of a line `FIELD NUMBER …`.
fn number(text: &str, field: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(field))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// What a thread, or several, have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Work {
    /// Nanoseconds on a processor.
    pub(crate) cpu: u64,
    /// How often it went to sleep or was put aside, and so how often it was woken.
    pub(crate) switches: u64,
}

/// Adds up what the threads of some processes do, also of those threads that begin and end meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    last: BTreeMap<Thread, Work>,
    done: Work,
}

impl Watch {
    /// Counts from now on.
    pub(crate) fn begin(pids: &[Pid]) -> Result<Self> {
        Ok(Self {
            last: threads(pids)?,
            done: Work::default(),
        })
    }

    /// Looks again, at the processes that run now. What a thread did between the last look and its end is not seen.
    pub(crate) fn look(&mut self, pids: &[Pid]) -> Result<Work> {
        self.add(threads(pids)?);
        Ok(self.done)
    }

    fn add(&mut self, now: BTreeMap<Thread, Work>) {
        for (thread, work) in &now {
            let before = self.last.get(thread).copied().unwrap_or_default();
            self.done.cpu += work.cpu.saturating_sub(before.cpu);
            self.done.switches += work.switches.saturating_sub(before.switches);
        }
        self.last = now;
    }
}

fn threads(pids: &[Pid]) -> Result<BTreeMap<Thread, Work>> {
    let mut threads = BTreeMap::new();
    for &pid in pids {
        let tasks = format!("/proc/{pid}/task");
        for entry in fs::read_dir(&tasks).with_context(|| format!("cannot read {tasks}"))? {
            let task = entry?.path();
            let id = task
                .file_name()
                .and_then(|name| name.to_str()?.parse().ok())
                .with_context(|| format!("{} is no thread", task.display()))?;
            // `stat` counts in hundredths of a second, of which something idle needs none; this file counts in nanoseconds.
            let (Ok(times), Ok(status)) = (
                fs::read_to_string(task.join("schedstat")),
                fs::read_to_string(task.join("status")),
            ) else {
                // It has just ended.
                continue;
            };
            let work = work(&times, &status)
                .with_context(|| format!("{} does not say what it did", task.display()))?;
            threads.insert((pid, id), work);
        }
    }
    Ok(threads)
}

fn work(schedstat: &str, status: &str) -> Option<Work> {
    Some(Work {
        cpu: schedstat.split_whitespace().next()?.parse().ok()?,
        switches: number(status, "voluntary_ctxt_switches:")?
            + number(status, "nonvoluntary_ctxt_switches:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thread_did_is_read() {
        let status = "Name:\ta\nvoluntary_ctxt_switches:\t17\nnonvoluntary_ctxt_switches:\t3\n";
        assert_eq!(
            work("949535 361455 1\n", status),
            Some(Work {
                cpu: 949_535,
                switches: 20
            })
        );
        assert_eq!(work("", status), None);
        assert_eq!(work("1 2 3", "Name:\ta\n"), None);
    }

    #[test]
    fn threads_that_come_and_go_are_counted() {
        let work = |cpu, switches| Work { cpu, switches };
        let mut watch = Watch {
            last: BTreeMap::from([((1, 1), work(100, 10)), ((1, 2), work(50, 5))]),
            done: Work::default(),
        };
        watch.add(BTreeMap::from([((1, 1), work(110, 12)), ((1, 3), work(7, 1))]));
        assert_eq!(watch.done, work(17, 3), "one went on, one ended, one is new");
        watch.add(BTreeMap::from([((1, 1), work(110, 12))]));
        assert_eq!(watch.done, work(17, 3), "nothing was done since");
    }

    #[test]
    fn children_belong_to_who_started_them() {
        let all = BTreeMap::from([
            (1, (Some(0), false)),
            (2, (Some(1), true)),
            (3, (Some(2), false)),
            (4, (Some(3), false)),
            (5, (Some(1), false)),
            (6, (None, false)),
        ]);
        assert_eq!(with_descendants(&all), [2, 3, 4]);
        let ring = BTreeMap::from([(1, (Some(2), false)), (2, (Some(1), false))]);
        assert_eq!(with_descendants(&ring), [0; 0]);
    }

    #[test]
    fn a_parent_is_found_behind_any_name() {
        assert_eq!(parent("7 (a) b) (c) S 42 7 7 0 -1"), Some(42));
        assert_eq!(parent("7 (a"), None);
    }

    #[test]
    fn this_process_has_memory() {
        let own = memory(&[std::process::id()]).unwrap();
        assert!(own.private_dirty > 0 && own.proportional > 0, "{own:?}");
        assert_eq!(number("Pss_Dirty:  7 kB\nPss:   12 kB\n", "Pss:"), Some(12));
    }
}
