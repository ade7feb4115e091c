//! The fields that a check sends.

use crate::Words;
use crate::message::id;

/// What a field is, and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldText {
    /// What people call it.
    pub name: String,
    /// What it is sent for.
    pub why: String,
}

impl Words {
    /// The words for a field of `SentField`. A field that this version does not know is shown by its own name.
    pub fn field(&self, field: &str) -> FieldText {
        let known = id("field", field);
        let args = [("field", field.into())];
        let id = if self.find(&known, &args).is_some() {
            known
        } else {
            "field".to_owned()
        };
        FieldText {
            name: self.message(&id, &args),
            why: self.message(&format!("{id}.why"), &args),
        }
    }
}
