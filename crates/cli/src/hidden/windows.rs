//! A console that shows nothing while a line is typed.

use std::io::{self, BufRead as _};

use latchkey_ipc::passphrase::Passphrase;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Console::{
    CONSOLE_MODE, ENABLE_ECHO_INPUT, GetConsoleMode, GetStdHandle, STD_INPUT_HANDLE, SetConsoleMode,
};
use zeroize::Zeroizing;

/// The console as it was, to which it goes back.
struct Quiet {
    console: HANDLE,
    before: CONSOLE_MODE,
}

impl Quiet {
    #[expect(unsafe_code, reason = "operating system calls")]
    fn begin() -> io::Result<Self> {
        let mut before = 0;
        // SAFETY: the handle is this process's own, and `before` outlives the call.
        let (console, known) = unsafe {
            let console = GetStdHandle(STD_INPUT_HANDLE);
            (console, GetConsoleMode(console, &raw mut before))
        };
        // SAFETY: the handle was good just now.
        if known == 0 || unsafe { SetConsoleMode(console, before & !ENABLE_ECHO_INPUT) } == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { console, before })
    }
}

impl Drop for Quiet {
    #[expect(unsafe_code, reason = "an operating system call")]
    fn drop(&mut self) {
        // SAFETY: the handle is this process's own.
        unsafe { SetConsoleMode(self.console, self.before) };
    }
}

/// Asks, and reads a line; `None` when it was given up.
///
/// # Errors
/// What the system says of the console.
pub(super) fn read(ask: impl FnOnce()) -> io::Result<Option<Passphrase>> {
    let _quiet = Quiet::begin()?;
    ask();
    let mut line = Zeroizing::new(String::with_capacity(256));
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(Passphrase::new(
        line.trim_end_matches(['\r', '\n']).to_owned(),
    )))
}
