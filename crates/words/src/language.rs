//! Which languages there are, and which one is spoken.

use fluent_bundle::FluentResource;
use icu_locale_core::{Locale, locale};
use unic_langid::LanguageIdentifier;

use crate::message::Bundle;

/// One language and its words.
pub(crate) struct Language {
    /// BCP 47.
    pub(crate) tag: &'static str,
    /// Whose dates are used: for English the form that reads the same everywhere, day before month and 24 hours.
    pub(crate) dates: Locale,
    files: [&'static str; 8],
}

macro_rules! files {
    ($tag:literal) => {
        [
            include_str!(concat!("../locales/", $tag, "/callback.ftl")),
            include_str!(concat!("../locales/", $tag, "/cli.ftl")),
            include_str!(concat!("../locales/", $tag, "/dates.ftl")),
            include_str!(concat!("../locales/", $tag, "/notices.ftl")),
            include_str!(concat!("../locales/", $tag, "/privacy.ftl")),
            include_str!(concat!("../locales/", $tag, "/problems.ftl")),
            include_str!(concat!("../locales/", $tag, "/status.ftl")),
            include_str!(concat!("../locales/", $tag, "/tray.ftl")),
        ]
    };
}

static ENGLISH: Language = Language {
    tag: "en",
    dates: locale!("en-GB"),
    files: files!("en"),
};
static GERMAN: Language = Language {
    tag: "de",
    dates: locale!("de"),
    files: files!("de"),
};

/// The language that the system's user asked for first and that there are words in.
pub(crate) fn system() -> &'static Language {
    spoken(sys_locale::get_locales())
}

/// The first of these locales that there are words in, else English. `C` and `POSIX` ask for English.
pub(crate) fn spoken<S: AsRef<str>>(wanted: impl IntoIterator<Item = S>) -> &'static Language {
    wanted
        .into_iter()
        .find_map(|locale| named(locale.as_ref()))
        .unwrap_or(&ENGLISH)
}

fn named(locale: &str) -> Option<&'static Language> {
    // A POSIX name carries an encoding and a modifier: de_DE.UTF-8@euro.
    let locale = locale.split(['.', '@']).next().unwrap_or_default();
    if matches!(locale, "C" | "POSIX") {
        return Some(&ENGLISH);
    }
    let wanted: LanguageIdentifier = locale.parse().ok()?;
    [&ENGLISH, &GERMAN]
        .into_iter()
        .find(|language| language.tag == wanted.language.as_str())
}

impl Language {
    pub(crate) fn bundle(&self) -> Bundle {
        let identifier = self.tag.parse().unwrap_or_default();
        let mut bundle = Bundle::new_concurrent(vec![identifier]);
        // The marks that isolate right-to-left text show up as boxes in menus and terminals, and break what is
        // searched for or compared; no language here needs them.
        bundle.set_use_isolating(false);
        for file in self.files {
            // What does not parse is left out. The tests see to it that nothing is.
            let resource = FluentResource::try_new(file.to_owned()).unwrap_or_else(|(resource, _)| resource);
            bundle.add_resource_overriding(resource);
        }
        bundle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_with_words_is_spoken() {
        let tag = |wanted: &[&str]| spoken(wanted).tag;
        assert_eq!(tag(&["de-AT"]), "de");
        assert_eq!(tag(&["de_CH.UTF-8@euro"]), "de");
        assert_eq!(tag(&["fr-FR", "de-DE", "en"]), "de");
        assert_eq!(tag(&["C.UTF-8", "de-DE"]), "en");
        assert_eq!(tag(&["POSIX"]), "en");
        assert_eq!(tag(&["", "not a locale", "ja"]), "en");
        assert_eq!(tag(&[]), "en");
    }

    #[test]
    fn every_file_is_read_whole() {
        for language in [&ENGLISH, &GERMAN] {
            for file in language.files {
                let errors = FluentResource::try_new(file.to_owned())
                    .err()
                    .map(|(_, errors)| errors);
                assert_eq!(errors, None, "{}", language.tag);
            }
        }
    }
}
