//! Random histories against a small model of the rules.
//!
//! | room | concern |
//! | --- | --- |
//! | `steps` | what may happen, as sentences |
//! | `terms` | the policies that leases are given under |
//! | `clock` | trusted time as rule 16 words it |
//! | `reach` | what keeps checks away, and what two failures have decided (rule 8) |
//! | `codes` | which code is told where a product may not run, and how long one waits |
//! | `bases` | what an OK rests on, until when, and what is left (rules 3, 4 and 7) |
//! | `temporaries` | when temporary licences are given, and how many (rule 7) |
//! | `asking` | when checks come (rule 2) |
//! | `spreading` | the tries after a seat that was just assigned (rule 14) |
//! | `known` | what is known of each product, as answers and resets leave it |
//! | `reference` | who may run, as rules 1 to 9 and 15 word it; in its rooms, what it learns, and what the engine must not do |
//! | `sessions` | how often an open product is heard of (rule 11) |
//! | `usage` | what may count as use (rule 12) |
//! | `counted` | that no minute of it is lost (rule 12) |
//! | `notices` | how often the user may be told |
//! | `history` | lives through a history, and asks at its end whether everything has healed |
//!
//! `PROPTEST_CASES` makes it longer, and another `PROPTEST_RNG_SEED` another one: without, the histories are the same in each run.
//! What was found is kept in `regressions.txt` and lived through first.

mod asking;
mod bases;
mod clock;
mod codes;
mod counted;
mod history;
mod known;
mod notices;
mod reach;
mod reference;
mod sessions;
mod spreading;
mod steps;
mod temporaries;
mod terms;
mod usage;

use std::collections::BTreeSet;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestRunner};

use self::history::History;

const REGRESSIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engine/model/regressions.txt");

/// Enough for about a minute on two cores, unoptimised.
fn cases(default: u32) -> Config {
    let chosen = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    let preset = Config::default();
    let rng_seed = match preset.rng_seed {
        RngSeed::Random => RngSeed::Fixed(0),
        chosen @ RngSeed::Fixed(_) => chosen,
    };
    Config {
        rng_seed,
        cases: chosen.unwrap_or(default),
        max_shrink_iters: 2_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(REGRESSIONS))),
        ..preset
    }
}

/// Shared by as many workers as there are processors. The first has the seed, and so finds what one alone would have found.
#[test]
fn whatever_happens_the_rules_are_kept() {
    let all = cases(1_000);
    let workers = std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap());
    let RngSeed::Fixed(seed) = all.rng_seed else {
        unreachable!("cases() fixes it")
    };
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let share = Config {
                rng_seed: RngSeed::Fixed(seed.wrapping_add(u64::from(worker))),
                cases: all.cases.div_ceil(workers),
                ..all.clone()
            };
            scope.spawn(|| live(share));
        }
    });
}

fn live(share: Config) {
    let lived = TestRunner::new(share).run(&steps::histories(), |history: History| {
        history.live();
        Ok(())
    });
    if let Err(broken) = lived {
        panic!("{broken}");
    }
}

#[test]
fn the_same_inputs_have_the_same_effects() {
    let lived = TestRunner::new(cases(40)).run(&steps::histories(), |history: History| {
        let (once, again) = (history.record(), history.record());
        for (at, (first, second)) in once.iter().zip(&again).enumerate() {
            assert_eq!(first, second, "effect {at} of {}", once.len());
        }
        assert_eq!(once.len(), again.len());
        Ok(())
    });
    if let Err(broken) = lived {
        panic!("{broken}");
    }
}

#[test]
fn histories_lead_everywhere() {
    let mut runner = TestRunner::deterministic();
    let mut places = BTreeSet::new();
    for _ in 0..400 {
        let history = steps::histories().new_tree(&mut runner).unwrap().current();
        places.extend(history.places());
    }
    let everywhere = [
        "temporary",
        "temporary at a first start",
        "the last temporary",
        "0 lease",
        "0 grace",
        "0 final_warning",
        "0 outage",
        "0 temporary",
        "2",
        "3",
        "3  stops",
        "10",
        "10  stops",
        "11",
        "11  stops",
        "12",
        "12  stops",
        "13",
        "13  stops",
        "14",
        "14  stops",
        "15",
        "15  stops",
        "16",
        "16  stops",
        "17",
        "17  stops",
        "18",
        "18  stops",
        "19",
        "19  stops",
        "23",
        "23  stops",
        "4 waiting_for_user",
        "4 entitlement_spreading",
        "4 vault_locked",
        "4 network_blocked",
        "4 clock_wrong",
        "\"offline\"",
        "\"final_warning\"",
        "\"ended\"",
        "\"connected\"",
        "\"must_stop\"",
        "\"outage\"",
    ];
    let missing: Vec<&&str> = everywhere
        .iter()
        .filter(|place| !places.contains(**place))
        .collect();
    assert!(
        missing.is_empty(),
        "no history led to {missing:?}, only to {places:?}"
    );
}
