//! The real command against an agent that says what the test wants, over the real socket.
//!
//! | room | concern |
//! | --- | --- |
//! | `agent` | that agent |
//! | `command` | running the command as a shell does |
//! | `views` | states to be shown |
//! | the others | one for each command, and for terminals and help |
//!
//! Tests that send Ctrl-C or need a terminal run on Unix alone.

#[cfg(test)]
mod agent;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod command;
#[cfg(test)]
mod config;
#[cfg(test)]
mod help;
#[cfg(test)]
mod registrations;
#[cfg(test)]
#[cfg(unix)]
mod rescues;
#[cfg(test)]
mod resets;
#[cfg(test)]
mod signing_in;
#[cfg(test)]
mod states;
#[cfg(test)]
#[cfg(unix)]
mod terminal;
#[cfg(test)]
#[cfg(unix)]
mod unlocking;
#[cfg(test)]
mod views;
#[cfg(test)]
#[cfg(unix)]
mod watching;
#[cfg(test)]
mod words;
