//! What people read: the status in sentences, and tables.

use std::iter;

use latchkey_core::code::Basis;
use latchkey_core::time::Timestamp;
use latchkey_core::view::{AccountView, ProductView, Reach, View};
use latchkey_words::{MenuItem, Value, Words};
use unicode_width::UnicodeWidthStr as _;

/// The status line, what the user can mend, every product, and every account.
pub(crate) fn status(view: &View, words: &Words) -> Vec<String> {
    let mut lines = vec![words.line(&view.headline.line, view.at)];
    lines.extend(problems(view, words));
    for product in &view.products {
        lines.push(String::new());
        lines.extend(self::product(product, view.at, words));
    }
    for account in &view.accounts {
        lines.push(String::new());
        lines.extend(self::account(account, view.at, words));
    }
    lines
}

fn problems(view: &View, words: &Words) -> Vec<String> {
    let key = |problem| serde_json::to_value(problem).ok()?.as_str().map(str::to_owned);
    let keys = view.problems.iter().filter_map(key);
    let sentences = keys.map(|key| words.problem_in(view, &key));
    sentences
        .map(|problem| format!("{} {}", problem.text, problem.next_step))
        .collect()
}

/// One product: its name and state, and below them the sentence and the next step.
pub(crate) fn product(product: &ProductView, now: Timestamp, words: &Words) -> Vec<String> {
    let status = &product.status;
    let sentence = words.status(status, &product.name, now);
    let mut lines = vec![title(product, now, words)];
    let mut below = |text: String| lines.push(format!("  {text}"));
    below(format!("{} {}", sentence.text, sentence.next_step));
    // The sentences of the other bases name the end themselves.
    let unnamed = matches!(status.basis, Some(Basis::Lease | Basis::Outage));
    if let Some(until) = status.until.filter(|_| unnamed) {
        let until = words.date_time(until, now);
        below(words.message("cli-good-until", &[("until", Value::from(&until))]));
    }
    for device in status.detail.iter().flat_map(|detail| &detail.devices) {
        let seen = words.date_time(Timestamp::from_secs(device.last_seen), now);
        let args = [
            ("name", Value::from(&device.name)),
            ("system", Value::from(&device.system)),
            ("time", Value::from(&seen)),
        ];
        below(words.message("cli-device", &args));
    }
    lines
}

/// One product on one line.
pub(crate) fn title(product: &ProductView, now: Timestamp, words: &Words) -> String {
    if product.version.is_empty() {
        let state = words.state(&product.status, now);
        let args = [
            ("product", Value::from(&product.name)),
            ("state", Value::from(&state)),
        ];
        return words.message("cli-unregistered", &args);
    }
    words.menu(MenuItem::Product(product), now)
}

fn account(account: &AccountView, now: Timestamp, words: &Words) -> Vec<String> {
    let plain = |id| words.message(id, &[]);
    let user = match &account.user {
        Some(user) => {
            let email = user.email.as_deref().filter(|email| *email != user.name);
            let args = [
                ("user", Value::from(&user.name)),
                ("email", Value::from(email.unwrap_or("none"))),
            ];
            words.message("cli-signed-in", &args)
        }
        None => plain("line-signed-out"),
    };
    let reach = match account.reach {
        Reach::Online => Some("cli-reach-online"),
        Reach::Doubtful => Some("cli-reach-doubtful"),
        Reach::Offline => Some("cli-reach-offline"),
        Reach::NeitherAnswers => Some("cli-reach-neither"),
        Reach::IdentityOutage => Some("cli-reach-identity-outage"),
        Reach::LicensingOutage => Some("cli-reach-licensing-outage"),
        _ => None,
    };
    let timed = |id, at: Option<Timestamp>| {
        let time = words.date_time(at?, now);
        Some(words.message(id, &[("time", Value::from(&time))]))
    };
    let below = iter::once(user)
        .chain(reach.map(plain))
        .chain(timed("cli-last-check", account.checked_at))
        .chain(account.checking.then(|| plain("line-checking")))
        .chain(timed(
            "cli-next-check",
            account.next_check_at.filter(|_| !account.checking),
        ))
        .chain(account.release_waiting.then(|| plain("cli-release-waiting")));
    iter::once(account.service.clone())
        .chain(below.map(|text| format!("  {text}")))
        .collect()
}

/// Rows with their columns under each other, two spaces apart.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths);
        let padded = cells.map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width() + 2)));
        padded.collect::<String>().trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other_whatever_the_script() {
        let rows = [["工具", "1"], ["Atlas", "22"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), ["工具   1", "Atlas  22"]);
    }
}
