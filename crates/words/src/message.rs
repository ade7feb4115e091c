//! One message with its arguments.

use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

use crate::Words;

pub(crate) type Bundle = fluent_bundle::concurrent::FluentBundle<FluentResource>;

/// An argument of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Text, as it is.
    Text(&'a str),
    /// A number, which may choose a plural.
    Number(u32),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

/// What a message selects on where an argument does not apply.
pub(crate) const NONE: &str = "none";

impl Words {
    /// The message with this id, or with `id.attribute`; the id itself where there is none, because something must
    /// be shown. For words that only one place shows; everything that a status, a notice or a problem says has a
    /// method of its own.
    pub fn message(&self, id: &str, args: &[(&str, Value<'_>)]) -> String {
        self.find(id, args).unwrap_or_else(|| id.to_owned())
    }

    /// The message with this id, if there is one.
    pub(crate) fn find(&self, id: &str, args: &[(&str, Value<'_>)]) -> Option<String> {
        let (name, attribute) = id
            .split_once('.')
            .map_or((id, None), |(name, attribute)| (name, Some(attribute)));
        let message = self.bundle.get_message(name)?;
        let pattern = match attribute {
            Some(attribute) => message.get_attribute(attribute)?.value(),
            None => message.value()?,
        };
        let args: FluentArgs<'_> = args
            .iter()
            .map(|(name, value)| (*name, FluentValue::from(*value)))
            .collect();
        // Errors are missing arguments and unknown references; the pattern is written out with their names in it,
        // and the tests see to it that there are none.
        Some(
            self.bundle
                .format_pattern(pattern, Some(&args), &mut Vec::new())
                .into_owned(),
        )
    }
}

impl<'a> From<Value<'a>> for FluentValue<'a> {
    fn from(value: Value<'a>) -> Self {
        match value {
            Value::Text(text) => text.into(),
            Value::Number(number) => number.into(),
        }
    }
}

/// The id that stands for a stable name: `NOT_ASSIGNED` and `device.name` become `not-assigned` and `device-name`.
pub(crate) fn id(prefix: &str, name: &str) -> String {
    let name = name.chars().map(|c| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    });
    prefix.chars().chain(['-']).chain(name).collect()
}
