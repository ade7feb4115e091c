//! The service as the outside sees it: over HTTP on a free port, and as a command.

mod check;
mod issuer;
mod service;
