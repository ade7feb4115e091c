//! What went wrong, by its stable key: [`latchkey_core::view::SignInResult::Failed`], a refused request, and
//! [`latchkey_core::view::Problem`] as it is written in JSON.

use latchkey_core::view::View;

use crate::message::{NONE, Value, id};
use crate::{Sentence, Words};

impl Words {
    /// What to tell about a problem, and what to do. A key that this version does not know is shown as it is, for
    /// support.
    pub fn problem(&self, key: &str) -> Sentence {
        self.problem_of(key, None)
    }

    /// The same of what the user can mend, with what the View says of it.
    pub fn problem_in(&self, view: &View, key: &str) -> Sentence {
        self.problem_of(key, view.clock_ahead)
    }

    fn problem_of(&self, key: &str, clock_ahead: Option<i64>) -> Sentence {
        let known = id("problem", key);
        let (by, clock) = self.clock_off(clock_ahead);
        let args = [
            ("problem", key.into()),
            ("by", by.as_str().into()),
            ("clock", clock.into()),
        ];
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

    /// By how much a clock is wrong that is so many minutes ahead, where that is known, and to which side.
    pub(crate) fn clock_off(&self, ahead: Option<i64>) -> (String, &'static str) {
        let by = ahead.map(|minutes| self.clock_off_by(minutes.unsigned_abs()));
        let side = if ahead.is_some_and(i64::is_negative) {
            "behind"
        } else {
            "ahead"
        };
        (by.unwrap_or_else(|| NONE.to_owned()), side)
    }

    /// "12 minutes", "5 hours", "400 days".
    fn clock_off_by(&self, minutes: u64) -> String {
        let (unit, count) = match minutes {
            0..120 => ("minutes", minutes),
            120..2880 => ("hours", minutes / 60),
            _ => ("days", minutes / (24 * 60)),
        };
        let count = Value::Number(u32::try_from(count).unwrap_or(u32::MAX));
        self.message("clock-off-by", &[("unit", unit.into()), ("count", count)])
    }
}
