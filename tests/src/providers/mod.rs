//! Identity providers that other people made, each in a process of its own and with Maya's account in it, and what
//! providers say of tokens. They are big, so they are installed only when somebody asks: `tests/providers/install NAME`.

pub mod canaille;
mod foreign;
pub mod keycloak;
pub mod tokens;
pub mod zitadel;

pub use foreign::{Foreign, Pages};
