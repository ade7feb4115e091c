//! How the operating system tells the service to end.

pub use self::os::told_to_end;

#[cfg(unix)]
mod os {
    use std::io;

    use tokio::signal::unix::{SignalKind, signal};

    /// Ready on SIGTERM (as `systemctl stop` sends it) or SIGINT (Ctrl+C). From the call on, neither ends the process
    /// by itself.
    ///
    /// # Errors
    /// When the signals cannot be listened for.
    pub fn told_to_end() -> io::Result<impl Future<Output = ()> + Send + 'static> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
}

#[cfg(windows)]
mod os {
    use std::io;

    use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_shutdown};

    /// Ready on Ctrl+C, when the console closes, or when the machine shuts down. From the call on, none of them ends the
    /// process by itself.
    ///
    /// # Errors
    /// When the events cannot be listened for.
    pub fn told_to_end() -> io::Result<impl Future<Output = ()> + Send + 'static> {
        let (mut interrupt, mut close, mut shutdown) = (ctrl_c()?, ctrl_close()?, ctrl_shutdown()?);
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = close.recv() => {}
                _ = shutdown.recv() => {}
            }
        })
    }
}
