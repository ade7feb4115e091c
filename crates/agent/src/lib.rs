//! latchkey-agent
