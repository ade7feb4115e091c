//! Checks in a second at the licensing service, against the statements of a check by hand: the same SQL, on a copy of the
//! same database, with the same durability, and nothing else — no HTTP, no signature, no decision.

mod by_hand;
mod issuer;
mod requests;
mod site;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::figures::{Figure, median};
use by_hand::ByHand;
use site::Site;

/// Users, each with a device; that many ask at once.
const USERS: usize = 32;
const ROUNDS: usize = 5;
/// Checks of one user after the other in a round.
const ALONE: usize = 320;
/// Checks of all users at once in a round.
const TOGETHER: usize = 1_280;

/// Measures, with all files below `folder`.
pub(crate) fn measure(folder: &Path) -> Result<Vec<Figure>> {
    let site = Site::start(&folder.join("checks"), USERS)?;
    let mut by_hand = ByHand::copy(&site)?;
    let (mut alone, mut together, mut hand) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let one = requests::prepare(&site, 1, ALONE)?;
        let all = requests::prepare(&site, USERS, TOGETHER)?;
        alone.push(per_second(ALONE, requests::run(&site, one)?));
        hand.push(per_second(ALONE, by_hand.run(ALONE)?));
        together.push(per_second(TOGETHER, requests::run(&site, all)?));
        hand.push(per_second(TOGETHER, by_hand.run(TOGETHER)?));
    }
    let figure = |measurement: String, ours: &[f64]| {
        let against = "the same statements by hand";
        Figure::of_speed(measurement, against, "1/s", median(ours), median(&hand))
    };
    Ok(vec![
        figure("checks, one at a time".to_owned(), &alone),
        figure(format!("checks, {USERS} at once"), &together),
    ])
}

fn per_second(checks: usize, took: Duration) -> f64 {
    checks as f64 / took.as_secs_f64()
}
