//! The language that is spoken: command line over environment over files over the system.

use latchkey_ipc::settings::Settings;
use latchkey_words::Words;

/// Whether there are words in this language.
pub(crate) fn is_spoken(locale: &str) -> bool {
    let wanted = locale.split(['-', '_', '.', '@']).next().unwrap_or_default();
    Words::for_locale(locale).language().eq_ignore_ascii_case(wanted)
}

/// The words in the language that was asked for, or that was set.
pub(crate) fn words(asked: Option<&str>, settings: &Settings) -> Words {
    let set = settings.language.as_ref().map(|language| language.value.as_str());
    asked.or(set).map_or_else(Words::system, Words::for_locale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_is_spoken_when_asked_for_and_not_for_want_of_others() {
        for spoken in ["en", "en-GB", "de_CH.UTF-8", "DE"] {
            assert!(is_spoken(spoken), "{spoken}");
        }
        for other in ["fr", "", "deu tsch", "english"] {
            assert!(!is_spoken(other), "{other}");
        }
    }
}
