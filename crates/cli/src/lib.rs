//! latchkey-cli
