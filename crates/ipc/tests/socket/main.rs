//! Both ends of the wire over a real socket.

#[cfg(test)]
mod calls;
#[cfg(all(test, unix))]
mod cleared;
#[cfg(test)]
mod transcripts;
#[cfg(test)]
mod wire;
