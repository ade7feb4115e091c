//! Whether anybody still reads what is printed: `latchkey status --watch | head -1` must end when `head` has.

/// Waits until the reader of standard output has gone. `false` at once where that cannot be known before the next line.
#[cfg(unix)]
pub(crate) fn wait_until_gone() -> bool {
    use std::os::fd::AsFd as _;

    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;

    let stdout = std::io::stdout();
    // Errors and hang-ups are told without being asked for; a file or a terminal that stays has neither.
    let mut polled = [PollFd::from_borrowed_fd(stdout.as_fd(), PollFlags::empty())];
    loop {
        match poll(&mut polled, None) {
            Ok(_) => return polled[0].revents().intersects(PollFlags::ERR | PollFlags::HUP),
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// Waits until the reader of standard output has gone. `false` at once where that cannot be known before the next line.
#[cfg(not(unix))]
pub(crate) fn wait_until_gone() -> bool {
    false
}
