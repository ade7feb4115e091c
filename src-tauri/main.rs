//! The program `latchkey-tray`: see the library for its rooms.
#![cfg_attr(windows, windows_subsystem = "windows")]

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Before anything of the desktop is touched: `--help` and `--version` work where there is no display.
    latchkey_tray::run(latchkey_tray::Arguments::parse())
}
