//! Devices that are gone without a word: a cable was pulled, a lid was closed. Nothing is sent that would say so, and a stream of
//! pushes counts as being there (rule 11), so a connection ends when what was sent is not acknowledged for a while.

use std::io;
use std::net::TcpListener;

/// What is sent on a stream of pushes must have arrived by then, in milliseconds.
#[cfg(target_os = "linux")]
const ACKNOWLEDGED_WITHIN: u32 = 60_000;

/// Has every connection that is accepted here end when its peer falls silent (RFC 5482).
///
/// # Errors
/// Those of the system.
#[cfg(target_os = "linux")]
pub(crate) fn ends(listener: &TcpListener) -> io::Result<()> {
    // Whoever is accepted has the options of the listener.
    rustix::net::sockopt::set_tcp_user_timeout(listener, ACKNOWLEDGED_WITHIN)?;
    Ok(())
}

/// Windows and macOS end such connections by themselves, in their own time.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub(crate) fn ends(_: &TcpListener) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn whoever_is_accepted_is_bounded() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        ends(&listener).unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let timeout = rustix::net::sockopt::tcp_user_timeout(&accepted).unwrap();
        assert_eq!(timeout, ACKNOWLEDGED_WITHIN);
    }
}
