//! A terminal that shows nothing and hands over each key, Ctrl-C too: so it is always put back as it was.

use std::io::{self, Read as _};
use std::os::fd::AsFd as _;

use latchkey_ipc::passphrase::Passphrase;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const CTRL_U: u8 = 21;
const BACKSPACE: [u8; 2] = [8, 127];

/// The terminal as it was, to which it goes back.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> io::Result<Self> {
        let stdin = io::stdin();
        let before = tcgetattr(stdin.as_fd())?;
        let mut quiet = before.clone();
        quiet
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN);
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(stdin.as_fd(), OptionalActions::Drain, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _terminal_gone = tcsetattr(io::stdin().as_fd(), OptionalActions::Drain, &self.0);
    }
}

/// Asks, and reads a line; `None` when it was given up.
///
/// # Errors
/// What the system says of the terminal.
pub(super) fn read(ask: impl FnOnce()) -> io::Result<Option<Passphrase>> {
    let _quiet = Quiet::begin()?;
    ask();
    let mut line = Zeroizing::new(Vec::with_capacity(256));
    for byte in io::stdin().lock().bytes() {
        match byte? {
            b'\n' | b'\r' => return text(&line).map(Some),
            CTRL_C => return Ok(None),
            CTRL_D if line.is_empty() => return Ok(None),
            CTRL_U => line.clear(),
            byte if BACKSPACE.contains(&byte) => {
                // All of the last character.
                while line.pop().is_some_and(|byte| (0x80..0xc0).contains(&byte)) {}
            }
            byte => line.push(byte),
        }
    }
    Ok(None)
}

fn text(line: &[u8]) -> io::Result<Passphrase> {
    let text = std::str::from_utf8(line).map_err(io::Error::other)?;
    Ok(Passphrase::new(text.to_owned()))
}
