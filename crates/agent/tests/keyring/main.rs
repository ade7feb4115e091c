//! The vault against a real gnome-keyring and a real KeePassXC, on a session bus of its own: nobody's own keyring is touched.
//!
//! | room | concern |
//! | --- | --- |
//! | `session` | a bus and a keyring for one test |
//! | `states` | each state that a keyring can be in, as the vault names it |
//! | `keepassxc` | the same of KeePassXC, whose databases the user opens and locks |
//! | `program` | what the agent's program says of them, and that none of them holds it |
#![cfg(target_os = "linux")]

#[cfg(test)]
mod keepassxc;
#[cfg(test)]
mod program;
#[cfg(test)]
mod session;
#[cfg(test)]
mod states;
