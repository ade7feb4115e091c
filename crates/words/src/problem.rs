//! What went wrong, by its stable key: [`latchkey_core::view::SignInResult::Failed`], a refused request, and
//! [`latchkey_core::view::Problem`] as it is written in JSON.

use crate::message::id;
use crate::{Sentence, Words};

impl Words {
    /// What to tell about a problem, and what to do. A key that this version does not know is shown as it is, for
    /// support.
    pub fn problem(&self, key: &str) -> Sentence {
        let known = id("problem", key);
        let args = [("problem", key.into())];
        let id = if self.find(&known, &args).is_some() {
            known
        } else {
            "problem".to_owned()
        };
        Sentence {
            text: self.message(&id, &args),
            next_step: self.message(&format!("{id}.next"), &args),
        }
    }
}
