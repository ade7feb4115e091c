//! The simulation: the real engines of several users' machines and the real service's store, decisions and signatures, in one
//! process and on a clock that is a number. Months pass in a second, and everything that can fail does. A seed names a history:
//! `cargo xtask simulate --seed 42` tells that of seed 42.
//!
//! Not simulated: HTTP, tokens (but for the ID tokens of first starts) and proofs of possession, which other tests hold.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    reason = "a simulation that cannot go on says so, and how it came there; chance needs no exactness"
)]

mod account;
mod crowd;
mod desktop;
mod devices;
mod dice;
mod events;
mod faults;
mod first_start;
mod identity;
mod judge;
mod mend;
mod minutes;
mod network;
mod office;
mod parts;
mod products;
mod seats;
mod service;
mod streams;
mod tokenless;
mod verbs;
mod wire;
mod world;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many histories are lived through unless told otherwise: unoptimised, they take their time.
const HISTORIES: u64 = 50;

/// From `SIMULATE_SEEDS`, `FROM..TO`.
fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("SIMULATE_SEEDS") else {
        return 0..HISTORIES;
    };
    let (from, to) = text.split_once("..").expect("SIMULATE_SEEDS is FROM..TO");
    from.parse().unwrap()..to.parse().unwrap()
}

#[test]
fn no_history_breaks_a_rule() {
    let seeds = seeds();
    let next = AtomicU64::new(seeds.start);
    let broken = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..std::thread::available_parallelism().map_or(1, usize::from))
            .map(|_| scope.spawn(|| live(&next, seeds.end)))
            .collect();
        let broken = workers.into_iter().flat_map(|worker| worker.join().unwrap());
        broken.collect::<Vec<u64>>()
    });
    assert!(
        broken.is_empty(),
        "seeds that break a rule: {broken:?}; their histories are above"
    );
}

/// Ids and the names of what is signed are random, and decide nothing.
#[test]
fn a_seed_is_one_history() {
    for seed in seeds().take(20) {
        assert_eq!(
            faults::history(seed),
            faults::history(seed),
            "seed {seed} is told in two ways"
        );
    }
}

fn live(next: &AtomicU64, end: u64) -> Vec<u64> {
    let mut broken = Vec::new();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return broken;
        }
        if catch_unwind(AssertUnwindSafe(|| faults::history(seed))).is_err() {
            broken.push(seed);
        }
    }
}
