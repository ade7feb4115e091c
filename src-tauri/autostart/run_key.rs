//! The user's `Run` key, and the switch beside it that Task Manager and Settings turn.

use std::io;
use std::path::Path;

use windows_registry::{CURRENT_USER, Type};

use super::{ARGUMENT, Autostart};

const NAME: &str = "Latchkey";
const RUN: &str = r"Software\Microsoft\Windows\CurrentVersion\Run";
const APPROVED: &str = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run";
/// Twelve bytes: flags, and the time of switching off, for which zero is taken. An odd first byte is "off".
const SWITCHED_ON: [u8; 12] = [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const SWITCHED_OFF: [u8; 12] = [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

pub(super) fn state() -> Autostart {
    let Ok(run) = CURRENT_USER.open(RUN) else {
        return Autostart::Undecided;
    };
    if run.get_type(NAME).is_err() {
        return Autostart::Undecided;
    }
    let switch = CURRENT_USER.open(APPROVED).and_then(|key| key.get_value(NAME));
    match switch.ok().and_then(|flags| flags.first().copied()) {
        Some(flags) if flags % 2 == 1 => Autostart::Off,
        _ => Autostart::On,
    }
}

pub(super) fn set(on: bool, program: &Path) -> io::Result<()> {
    let command = format!("\"{}\" {ARGUMENT}", program.display());
    CURRENT_USER.create(RUN)?.set_string(NAME, command)?;
    let switch = if on { SWITCHED_ON } else { SWITCHED_OFF };
    CURRENT_USER
        .create(APPROVED)?
        .set_bytes(NAME, Type::Bytes, &switch)?;
    Ok(())
}
