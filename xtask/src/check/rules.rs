//! `docs/rules.md` names the tests that hold each rule: every rule has one, and every name is a test.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::command::{output, program};

const PAGE: &str = "docs/rules.md";
const HEADING: &str = "## The tests that hold it";
const RULES: u32 = 20;

/// Fails with every rule that no test holds, and every name that is no test.
pub(crate) fn check() -> Result<()> {
    let page = std::fs::read_to_string(PAGE).with_context(|| format!("cannot read {PAGE}"))?;
    let wrong = judge(&page, &functions()?);
    if !wrong.is_empty() {
        bail!("{PAGE}: {}", wrong.join("; "));
    }
    Ok(())
}

fn judge(page: &str, functions: &BTreeSet<String>) -> Vec<String> {
    let table = page.split_once(HEADING).map_or("", |(_, table)| table);
    let rows: Vec<(&str, Vec<&str>)> = table.lines().filter_map(row).collect();
    let held = |rule: u32| {
        let mut of_it = rows.iter().filter(|(name, _)| *name == rule.to_string());
        of_it.any(|(_, tests)| !tests.is_empty())
    };
    let without = (1..=RULES).filter(|rule| !held(*rule));
    let without = without.map(|rule| format!("no test holds rule {rule}"));
    let names = rows.iter().flat_map(|(_, tests)| tests);
    let unknown = names.filter(|name| !functions.contains(**name));
    let unknown = unknown.map(|name| format!("there is no test {name}"));
    without.chain(unknown).collect()
}

/// A row's rule, and the tests that it names.
fn row(line: &str) -> Option<(&str, Vec<&str>)> {
    let cells = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let (rule, tests) = cells.split_once(" | ")?;
    // Between backticks is every other piece.
    Some((rule, tests.split('`').skip(1).step_by(2).collect()))
}

/// Where tests are functions that something else runs: the harness of the stories, and every store.
const RUN_ELSEWHERE: [&str; 2] = ["tests/stories/", "crates/server/src/store/suite/"];

/// Every test in a committed Rust file that is not ignored: of the tests themselves, of the store's suite, of a story.
fn functions() -> Result<BTreeSet<String>> {
    let listed = output(&mut program("git", ["ls-files", "-z", "--", "*.rs"]))?;
    let mut functions = BTreeSet::new();
    for file in listed.split('\0').filter(|file| Path::new(file).is_file()) {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
        let elsewhere = RUN_ELSEWHERE.iter().any(|folder| file.starts_with(folder));
        functions.extend(tests(&text, elsewhere));
    }
    Ok(functions)
}

/// The tests of one file: what is marked as one, or, where something `elsewhere` runs them, every function that it can see (a
/// story whose name is long has its parameter on the next line).
fn tests(text: &str, elsewhere: bool) -> Vec<String> {
    let (mut tests, mut marked, mut ignored) = (Vec::new(), false, false);
    for line in text.lines().map(str::trim) {
        if line.starts_with("//") {
            continue;
        }
        marked |= line == "#[test]" || line.starts_with("#[tokio::test");
        ignored |= line.starts_with("#[ignore");
        if let Some(name) = function(line) {
            let is_seen =
                line.starts_with("pub(crate) ") || line.contains("(story: &Story") || line.ends_with("(");
            let is_test = marked || (elsewhere && is_seen);
            tests.extend(Some(name).filter(|_| is_test && !ignored));
            (marked, ignored) = (false, false);
        }
    }
    tests
}

fn function(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("fn ")?;
    let (name, _) = rest.split_once('(')?;
    Some(name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_without_a_test_and_a_name_without_one_are_told() {
        let functions: BTreeSet<String> = ["one".to_owned(), "two".to_owned()].into();
        let mut page = format!("text `none`\n{HEADING}\n\n| rule | tests |\n| --- | --- |\n");
        for rule in 1..RULES {
            page += &format!("| {rule} | `one`; the story `two` |\n");
        }
        assert_eq!(judge(&page, &functions), [format!("no test holds rule {RULES}")]);
        page += &format!("| {RULES} | `three` |\n");
        assert_eq!(judge(&page, &functions), ["there is no test three"]);
        page = page.replace("three", "one");
        assert_eq!(judge(&page, &functions), [""; 0]);
    }

    #[test]
    fn tests_are_found_however_they_are_written_and_nothing_else_is() {
        let file = "
            #[test]
            fn one() {
                fn within() {}
            #[tokio::test(start_paused = true)]
            async fn two() {
            // #[test]
            fn helper() {
            #[test]
            #[ignore = \"by hand\"]
            fn ignored() {
            pub(crate) async fn three(store: Arc<dyn Store>) {
            fn private() {
            fn four(story: &Story) -> Result<()> {
        ";
        assert_eq!(tests(file, false), ["one", "two"]);
        assert_eq!(tests(file, true), ["one", "two", "three", "four"]);
    }
}
