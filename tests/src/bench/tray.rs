//! From the start of a program to its item in the tray.

use std::time::Instant;

use anyhow::{Result, ensure};
use stories::bus::{Bus, Target};
use stories::process::Process;
use stories::wait::SOON;

use crate::figures::{Figure, median, millis};
use crate::indicator::Indicator;
use crate::installed::Installed;
use crate::watcher::Watcher;

const ROUNDS: usize = 15;

/// By turns: the tray app, which finds no agent as at a login, and the baseline. Neither may run.
pub(crate) fn measure(installed: &Installed<'_>, indicator: &Indicator) -> Result<Vec<Figure>> {
    let desk = installed.desk();
    let watcher = Watcher::replace_panel(desk)?;
    let timed = |start: &dyn Fn() -> Result<Process>| timed(&watcher, desk.bus(), start);
    let (mut ours, mut baseline) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        installed.end_agent()?;
        ours.push(timed(&|| installed.start_tray())?);
        installed.end_agent()?;
        baseline.push(timed(&|| indicator.start(desk))?);
    }
    Ok(vec![Figure::new(
        "start to tray item",
        "minimal AppIndicator program",
        "ms",
        median(&ours),
        median(&baseline),
    )])
}

/// Starts a program, and ends it when its item has come. In milliseconds.
fn timed(watcher: &Watcher, bus: &Bus, start: &dyn Fn() -> Result<Process>) -> Result<f64> {
    watcher.clear();
    let began = Instant::now();
    let mut process = start()?;
    let item = watcher.next(SOON)?;
    ensure!(
        owner(bus, &item.sender)? == process.id(),
        "the item is another program's"
    );
    process.end()?;
    Ok(millis(item.at.duration_since(began)))
}

/// The process behind a name on the bus.
fn owner(bus: &Bus, name: &str) -> Result<u32> {
    let target = Target {
        name: "org.freedesktop.DBus",
        path: "/org/freedesktop/DBus",
        interface: "org.freedesktop.DBus",
    };
    let owner = bus.call(target, "GetConnectionUnixProcessID", &name)?;
    Ok(owner.body().deserialize()?)
}
