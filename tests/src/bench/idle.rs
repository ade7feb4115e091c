//! A minute in which nobody does anything: memory, processor time and wake-ups of tray and agent, and of the baseline in
//! the same minute.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use stories::process::Process;
use stories::wait::until;

use crate::figures::{Figure, millis};
use crate::installed::Installed;
use crate::processes::{self, Watch, Work};

const MINUTE: Duration = Duration::from_secs(60);
/// How often is looked, so that short-lived threads are seen.
const PAUSE: Duration = Duration::from_secs(1);
/// Whoever has used less than a thousandth of so long a time has finished starting.
const QUIET: Duration = Duration::from_secs(2);
const QUIET_WITHIN: Duration = Duration::from_secs(30);

const AGAINST: &str = "minimal AppIndicator program";

/// Somebody is signed in, one product is open, and the baseline shows its icon.
pub(crate) fn measure(installed: &Installed<'_>, indicator: &Process) -> Result<Vec<Figure>> {
    wait_for_quiet(installed)?;
    let baseline = [indicator.id()];
    let mut ours_watch = Watch::begin(&installed.processes()?)?;
    let mut baseline_watch = Watch::begin(&baseline)?;
    let began = Instant::now();
    let (mut ours_did, mut baseline_did) = (Work::default(), Work::default());
    while began.elapsed() < MINUTE {
        thread::sleep(PAUSE.min(MINUTE.saturating_sub(began.elapsed())));
        ours_did = ours_watch.look(&installed.processes()?)?;
        baseline_did = baseline_watch.look(&baseline)?;
    }
    let pids = installed.processes()?;
    ensure!(pids.len() >= 2, "tray and agent run, and more than {pids:?}");
    let (ours_has, baseline_has) = (processes::memory(&pids)?, processes::memory(&baseline)?);

    let mib = |kib: u64| kib as f64 / 1024.0;
    let cpu = |work: Work| millis(Duration::from_nanos(work.cpu));
    let figure = |measurement, unit, ours, baseline| Figure::new(measurement, AGAINST, unit, ours, baseline);
    Ok(vec![
        figure(
            "idle memory, private dirty",
            "MiB",
            mib(ours_has.private_dirty),
            mib(baseline_has.private_dirty),
        ),
        figure(
            "idle memory, proportional",
            "MiB",
            mib(ours_has.proportional),
            mib(baseline_has.proportional),
        ),
        figure(
            "processor time, 60 s idle",
            "ms",
            cpu(ours_did),
            cpu(baseline_did),
        ),
        figure(
            "wake-ups, 60 s idle",
            "",
            ours_did.switches as f64,
            baseline_did.switches as f64,
        ),
    ])
}

/// Waits until what the sign-in set in motion has come to rest.
fn wait_for_quiet(installed: &Installed<'_>) -> Result<()> {
    let mut watch = Watch::begin(&installed.processes()?)?;
    let mut seen = (0, Instant::now());
    until("tray and agent to come to rest", QUIET_WITHIN, || {
        if seen.1.elapsed() < QUIET {
            return Ok(None);
        }
        let cpu = watch.look(&installed.processes()?)?.cpu;
        let is_quiet = u128::from(cpu - seen.0) < QUIET.as_nanos() / 1_000;
        seen = (cpu, Instant::now());
        Ok(is_quiet.then_some(()))
    })
}
