//! A byte stream to the agent, for blocking callers: one thread reads while others write.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::Stream;
#[cfg(windows)]
pub(crate) use windows::Stream;
