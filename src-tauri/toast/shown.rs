//! Which toast the next one takes the place of.

use std::collections::BTreeMap;

use latchkey_words::NoticeText;

/// What the notification service shows of ours, or has shown, by its own numbers.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// The last that did not have to stay; 0 before the first.
    passing: u32,
    /// Those that stay until somebody puts them away, by what they are about.
    staying: BTreeMap<String, u32>,
}

impl Shown {
    /// Which one `text` is shown in place of; 0 for none. One that must stay gives way to what is about the same, and to nothing else:
    /// whoever comes back to the machine must still find that they have ten minutes to save.
    pub(crate) fn gives_way(&self, text: &NoticeText) -> u32 {
        let before = self.staying.get(&text.title).copied();
        before.unwrap_or(if text.stays { 0 } else { self.passing })
    }

    /// `text` is shown under this number.
    pub(crate) fn is_shown(&mut self, text: &NoticeText, number: u32) {
        self.staying.remove(&text.title);
        if text.stays {
            self.staying.insert(text.title.clone(), number);
        } else {
            self.passing = number;
        }
    }

    /// Whether it is one of ours.
    pub(crate) fn is_ours(&self, number: u32) -> bool {
        number == self.passing || self.staying.values().any(|own| *own == number)
    }
}

#[cfg(test)]
mod tests {
    use latchkey_words::Urgency;

    use super::*;

    fn text(title: &str, stays: bool) -> NoticeText {
        NoticeText {
            title: title.to_owned(),
            body: String::new(),
            urgency: Urgency::Normal,
            stays,
        }
    }

    #[test]
    fn what_must_stay_gives_way_to_nothing_but_news_of_the_same() {
        let mut shown = Shown::default();
        let mut next = 0;
        let mut show = |title, stays| {
            let text = text(title, stays);
            let before = shown.gives_way(&text);
            next = if before == 0 { next + 1 } else { next };
            let number = if before == 0 { next } else { before };
            shown.is_shown(&text, number);
            assert!(shown.is_ours(number) && !shown.is_ours(number + 100));
            before
        };
        assert_eq!(show("Latchkey", false), 0, "1");
        assert_eq!(show("Latchkey", false), 1);
        assert_eq!(show("Atlas", true), 0, "2");
        assert_eq!(show("Latchkey", false), 1);
        assert_eq!(show("Quarry", true), 0, "3");
        assert_eq!(show("Quarry", true), 3);
        assert_eq!(show("Atlas", false), 2, "it is over");
        assert_eq!(show("Atlas", true), 0, "4");
    }
}
