//! The real command against an agent that says what the test wants, over the real socket.
//!
//! | room | concern |
//! | --- | --- |
//! | `agent` | that agent |
//! | `command` | running the command as a shell does |
//! | `views` | states to be shown |
//! | the others | one for each command, and for terminals and help |

mod agent;
mod checks;
mod command;
mod config;
mod help;
mod registrations;
mod resets;
mod signing_in;
mod states;
#[cfg(unix)]
mod terminal;
mod views;
mod watching;
mod words;
