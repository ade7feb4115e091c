//! Sessions, as the wire and everyone who shows them name them (rule 11).

use serde::{Deserialize, Serialize};

/// What the user wants of a session that two devices want.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionWish {
    /// *Use here instead*: it ends on the device that has it.
    TakeOver,
    /// It goes to the device that waits for it.
    HandOver,
}

impl SessionWish {
    /// The stable name, as it travels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TakeOver => "take_over",
            Self::HandOver => "hand_over",
        }
    }
}

/// A device that waits for a session. It is told for people's sake alone, so it is not signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingDevice {
    /// What its user calls it: the host name.
    pub name: String,
    /// When it asked first, in seconds.
    pub asked_at: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_called_what_it_travels_as() {
        for wish in [SessionWish::TakeOver, SessionWish::HandOver] {
            assert_eq!(serde_json::to_value(wish).unwrap(), wish.name());
        }
    }
}
