//! The stream of pushes: `GET` of the address that discovery names as `events`, authorised like a check, by a device that has
//! checked before. It is `text/event-stream` (WHATWG HTML, server-sent events), and says one thing: check now. Nothing in it is
//! believed, so nothing in it is signed. While it is open, the device's session goes on (rule 11).

/// The event that says that the stream stands.
pub const READY: &str = "ready";
/// The event that asks for a check.
pub const CHECK: &str = "check";
