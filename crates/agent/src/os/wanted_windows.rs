//! A user's agent has one pipe, by the user's name, wherever a program was started.

use std::io;
use std::path::Path;

use latchkey_ipc::address::Address;

/// Nothing is ever said.
#[derive(Debug)]
pub struct Wanted;

impl Wanted {
    /// Begins to listen.
    ///
    /// # Errors
    /// Never.
    pub const fn listen(_state: &Path) -> io::Result<Self> {
        Ok(Self)
    }

    /// Never comes.
    ///
    /// # Errors
    /// Never.
    pub async fn next(&mut self) -> io::Result<Address> {
        std::future::pending().await
    }

    /// Says nothing.
    ///
    /// # Errors
    /// Never.
    pub const fn tell(_state: &Path, _address: &Address) -> io::Result<()> {
        Ok(())
    }
}
