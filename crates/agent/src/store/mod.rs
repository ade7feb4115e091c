//! The facts on disk: two copies, written in turn, each with a sequence number and a checksum, synced before anyone is
//! told. The copy that was good before a write is not touched by it, so a torn write costs at most that write.
//!
//! What ends something (a reset, a refusal, a sign-out) is written to both copies: no fallback may revive it.

mod disk;
#[cfg(test)]
mod tests;

use std::io;

use latchkey_core::facts::{Facts, VERSION};
use latchkey_core::view::Problem;
use sha2::{Digest as _, Sha256};

pub use disk::{Disk, Folder, has_no_locks, make_private};

/// The two copies.
const COPIES: [&str; 2] = ["state.a", "state.b"];
/// The first word of a copy.
const MAGIC: &str = "latchkey-state";
/// A copy longer than this is not ours.
const LONGEST: usize = 16 * 1024 * 1024;

/// What reading the state brought.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The newest facts that are whole.
    pub facts: Facts,
    /// What was wrong.
    pub problems: Vec<Problem>,
}

/// The state of one user on one machine.
#[derive(Debug)]
pub struct Store<D> {
    disk: D,
    /// Of the newest copy.
    sequence: u64,
    /// Which copy that is.
    newest: usize,
    /// A newer Latchkey wrote the state: it stays as it is.
    untouchable: bool,
}

enum Copy {
    Missing,
    Damaged,
    TooNew,
    Whole { sequence: u64, body: Vec<u8> },
}

impl<D: Disk> Store<D> {
    /// Reads the state.
    ///
    /// # Errors
    /// When the disk cannot be read. A copy that is damaged or cannot be read beside one that is whole is no error: it is named
    /// among the problems.
    pub fn open(mut disk: D) -> io::Result<(Self, Loaded)> {
        let mut loaded = Loaded::default();
        let mut newest: Option<(u64, usize)> = None;
        let (mut damaged, mut untouchable) = (false, false);
        let mut unreadable = None;
        for (index, name) in COPIES.into_iter().enumerate() {
            let content = match disk.read(name) {
                Ok(content) => content,
                Err(why) => {
                    unreadable = Some(why);
                    continue;
                }
            };
            match read(&content) {
                Copy::Missing => {}
                Copy::Damaged => damaged = true,
                Copy::TooNew => untouchable = true,
                Copy::Whole { sequence, body } => match serde_json::from_slice(&body) {
                    Ok(facts) if newest.is_none_or(|(best, _)| best < sequence) => {
                        newest = Some((sequence, index));
                        loaded.facts = facts;
                    }
                    Ok(_) => {}
                    Err(_) => damaged = true,
                },
            }
        }
        // Whatever was in it is not known to be gone: nothing is begun anew over it.
        damaged |= unreadable.is_some();
        if let Some(why) = unreadable.filter(|_| newest.is_none()) {
            return Err(why);
        }
        if untouchable {
            loaded = Loaded {
                facts: Facts::default(),
                problems: vec![Problem::StateTooNew],
            };
        } else if damaged {
            loaded.problems.push(Problem::StateRecovered);
        }
        let (sequence, newest) = newest.unwrap_or((0, 1));
        disk.prepare()?;
        Ok((
            Self {
                disk,
                sequence,
                newest,
                untouchable,
            },
            loaded,
        ))
    }

    /// Writes the facts over the older copy, and with `both` over the other one too, each synced before the next.
    ///
    /// # Errors
    /// When the disk does not take them. The newest copy that was whole is still there then.
    pub fn save(&mut self, facts: &Facts, both: bool) -> io::Result<()> {
        if self.untouchable {
            return Err(io::Error::other("the state was written by a newer Latchkey"));
        }
        let body = serde_json::to_vec(facts)?;
        for _ in 0..=usize::from(both) {
            let index = 1 - self.newest;
            let sequence = self.sequence + 1;
            let digest: String = checksum(sequence, &body)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let mut copy = format!("{MAGIC} {VERSION} {sequence} {digest}\n").into_bytes();
            copy.extend_from_slice(&body);
            let name = COPIES.get(index).copied().unwrap_or_default();
            self.disk.write(name, &copy)?;
            self.disk.sync(name)?;
            self.sequence = sequence;
            self.newest = index;
        }
        Ok(())
    }
}

/// The sequence is part of what is checked, so that a stale header before a newer body is noticed.
fn checksum(sequence: u64, body: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(sequence.to_be_bytes());
    digest.update(body);
    digest.finalize().into()
}

fn read(copy: &Option<Vec<u8>>) -> Copy {
    let Some(copy) = copy else { return Copy::Missing };
    if copy.is_empty() || copy.len() > LONGEST {
        return Copy::Damaged;
    }
    let Some(end) = copy.iter().take(256).position(|byte| *byte == b'\n') else {
        return Copy::Damaged;
    };
    let (header, body) = copy.split_at(end);
    let body = body.get(1..).unwrap_or_default();
    let Ok(header) = std::str::from_utf8(header) else {
        return Copy::Damaged;
    };
    let mut words = header.split(' ');
    if words.next() != Some(MAGIC) {
        return Copy::Damaged;
    }
    let Some(Ok(version)) = words.next().map(str::parse::<u32>) else {
        return Copy::Damaged;
    };
    if version > VERSION {
        return Copy::TooNew;
    }
    let (Some(Ok(sequence)), Some(digest)) = (words.next().map(str::parse::<u64>), words.next()) else {
        return Copy::Damaged;
    };
    let expected: String = checksum(sequence, body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if digest != expected {
        return Copy::Damaged;
    }
    Copy::Whole {
        sequence,
        body: body.to_vec(),
    }
}
