//! latchkey-words
