//! Reading what a newer Latchkey says: a word that this version does not know costs that word and nothing else.
//!
//! For what is shown, and only there: what decides anything (leases, the stored state, requests) is read strictly.

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::Value;

/// What is known of it; absent where it is not.
///
/// # Errors
/// It is no JSON.
pub(crate) fn known<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Value::deserialize(deserializer).map(|value| T::deserialize(value).ok())
}

/// The same, with something to say in its place.
///
/// # Errors
/// As [`known`].
pub(crate) fn known_or_default<'de, T: DeserializeOwned + Default, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    known(deserializer).map(Option::unwrap_or_default)
}

/// Those of a list that are known.
///
/// # Errors
/// It is no list.
pub(crate) fn known_ones<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let values = Vec::<Value>::deserialize(deserializer)?;
    Ok(values
        .into_iter()
        .filter_map(|value| T::deserialize(value).ok())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Eq, serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        #[default]
        Nothing,
        Known,
    }

    #[derive(Debug, PartialEq, Eq, serde::Deserialize)]
    struct Said {
        #[serde(deserialize_with = "known")]
        word: Option<Word>,
        #[serde(deserialize_with = "known_or_default")]
        or_nothing: Word,
        #[serde(deserialize_with = "known_ones")]
        words: Vec<Word>,
    }

    #[test]
    fn a_word_that_is_not_known_costs_that_word_alone() {
        let said = |word: &str| -> Said {
            let said = serde_json::json!({ "word": word, "or_nothing": word, "words": [word, "known"] });
            serde_json::from_value(said).unwrap()
        };
        let known = Said {
            word: Some(Word::Known),
            or_nothing: Word::Known,
            words: vec![Word::Known, Word::Known],
        };
        assert_eq!(said("known"), known);
        let newer = Said {
            word: None,
            or_nothing: Word::Nothing,
            words: vec![Word::Known],
        };
        assert_eq!(said("of a newer version"), newer);
    }
}
