//! Every language says everything, with the same arguments; and nothing is said that nobody asks for.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use fluent_syntax::ast::{self, Entry, Expression, InlineExpression, Pattern, PatternElement};
use latchkey_core::code::{Basis, Code, Reason};

const LANGUAGES: [&str; 2] = ["en", "de"];

/// What one message, or one attribute of a message, needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Needs {
    arguments: BTreeSet<String>,
    messages: BTreeSet<String>,
}

fn collect(pattern: &Pattern<String>, needs: &mut Needs) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            collect_expression(expression, needs);
        }
    }
}

fn collect_expression(expression: &Expression<String>, needs: &mut Needs) {
    let inline = match expression {
        Expression::Inline(inline) => inline,
        Expression::Select { selector, variants } => {
            variants.iter().for_each(|variant| collect(&variant.value, needs));
            selector
        }
    };
    match inline {
        InlineExpression::VariableReference { id } => drop(needs.arguments.insert(id.name.clone())),
        InlineExpression::MessageReference { id, attribute } => {
            let attribute = attribute.as_ref().map(|attribute| format!(".{}", attribute.name));
            needs
                .messages
                .insert(format!("{}{}", id.name, attribute.unwrap_or_default()));
        }
        InlineExpression::Placeable { expression } => collect_expression(expression, needs),
        other => panic!("not used in these files: {other:?}"),
    }
}

/// Every message and attribute of a file, by `id` or `id.attribute`.
fn read(path: &Path) -> BTreeMap<String, Needs> {
    let text = fs::read_to_string(path).unwrap();
    let resource =
        fluent_syntax::parser::parse(text).unwrap_or_else(|(_, errors)| panic!("{path:?}: {errors:?}"));
    let mut messages = BTreeMap::new();
    for entry in resource.body {
        let Entry::Message(ast::Message {
            id,
            value,
            attributes,
            ..
        }) = entry
        else {
            continue;
        };
        let value = value.unwrap_or_else(|| panic!("{path:?}: {} says nothing", id.name));
        let patterns = attributes
            .iter()
            .map(|attribute| (format!("{}.{}", id.name, attribute.id.name), &attribute.value));
        for (name, pattern) in patterns.chain([(id.name.clone(), &value)]) {
            let mut needs = Needs::default();
            collect(pattern, &mut needs);
            assert!(
                messages.insert(name.clone(), needs).is_none(),
                "{path:?}: {name} stands twice"
            );
        }
    }
    messages
}

fn files(language: &str) -> BTreeMap<String, BTreeMap<String, Needs>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("locales")
        .join(language);
    let named = |entry: fs::DirEntry| (entry.file_name().into_string().unwrap(), read(&entry.path()));
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| named(entry.unwrap()))
        .collect()
}

/// Every message of a language with its arguments, those of the messages it refers to among them.
fn arguments(language: &str) -> BTreeMap<String, BTreeSet<String>> {
    let all: BTreeMap<_, _> = files(language).into_values().flatten().collect();
    fn resolve(name: &str, all: &BTreeMap<String, Needs>, into: &mut BTreeSet<String>) {
        let needs = all
            .get(name)
            .unwrap_or_else(|| panic!("a message refers to {name}, which there is not"));
        into.extend(needs.arguments.iter().cloned());
        needs
            .messages
            .iter()
            .for_each(|message| resolve(message, all, into));
    }
    let resolved = |name: &String| {
        let mut arguments = BTreeSet::new();
        resolve(name, &all, &mut arguments);
        (name.clone(), arguments)
    };
    all.keys().map(resolved).collect()
}

#[test]
fn every_language_says_the_same_things_in_the_same_files() {
    let [first, others @ ..] = LANGUAGES;
    let names = |language| {
        let keys = |(file, messages): (String, BTreeMap<String, Needs>)| {
            (file, messages.into_keys().collect::<Vec<_>>())
        };
        files(language).into_iter().map(keys).collect::<Vec<_>>()
    };
    for other in others {
        assert_eq!(
            names(first),
            names(other),
            "{first} on the left, {other} on the right"
        );
    }
}

#[test]
fn every_language_uses_the_same_arguments() {
    let [first, others @ ..] = LANGUAGES;
    for other in others {
        let theirs = arguments(other);
        for (name, ours) in arguments(first) {
            assert_eq!(
                Some(&ours),
                theirs.get(&name),
                "{name}: {first} on the left, {other} on the right"
            );
        }
    }
}

fn kebab(prefix: &str, name: &str) -> String {
    format!("{prefix}-{}", name.to_lowercase().replace('_', "-"))
}

/// The names that a table of messages by code must have, and the ones that it may have.
fn by_code(prefix: &str) -> BTreeSet<String> {
    let codes = Code::ALL.iter().map(|code| kebab(prefix, code.name()));
    let bases = Basis::ALL
        .iter()
        .map(|basis| kebab(&format!("{prefix}-ok"), basis.name()));
    let reasons = Reason::ALL
        .iter()
        .map(|reason| kebab(&format!("{prefix}-auth-pending"), reason.name()));
    codes
        .chain(bases)
        .chain(reasons)
        .chain([format!("{prefix}-unknown")])
        .collect()
}

#[test]
fn every_code_basis_and_reason_has_a_sentence_a_next_step_and_a_word() {
    let all = arguments("en");
    for name in by_code("status") {
        assert!(
            all.contains_key(&name) && all.contains_key(&format!("{name}.next")),
            "{name}"
        );
    }
    for name in by_code("state") {
        assert!(all.contains_key(&name), "{name}");
    }
    for name in all
        .keys()
        .filter(|name| name.starts_with("problem") && !name.contains('.'))
    {
        assert!(
            all.contains_key(&format!("{name}.next")),
            "{name} has no next step"
        );
    }
}

/// The text of every Rust source file below a folder, tests left out.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "tests") {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(path).unwrap();
        }
    }
    text
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(word.len().min(1));
    first.to_uppercase() + rest
}

#[test]
fn nothing_is_said_that_nobody_asks_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let code = sources(&root.join("crates")) + &sources(&root.join("src-tauri"));
    let by_code: BTreeSet<_> = ["status", "state", "cause"]
        .into_iter()
        .flat_map(by_code)
        .collect();
    let files = files("en");
    let referred: BTreeSet<_> = files
        .values()
        .flat_map(BTreeMap::values)
        .flat_map(|needs| &needs.messages)
        .collect();
    let asked_for = |name: &str| {
        // Problems and fields are asked for by their keys, everything else by its id.
        let key = ["problem-", "field-"]
            .into_iter()
            .find_map(|table| name.strip_prefix(table));
        let asked = key.map_or_else(|| name.to_owned(), |key| key.replace('-', "_"));
        let variant =
            key.map(|key| format!("Problem::{}", key.split('-').map(capitalised).collect::<String>()));
        let family = name
            .match_indices('-')
            .any(|(at, _)| code.contains(&format!("\"{}-{{", &name[..at])));
        code.contains(&format!("\"{asked}\""))
            || code.contains(&format!("\"{asked}."))
            || variant.is_some_and(|variant| code.contains(&variant))
            || family
    };
    // The window's own words are counted where they are used: in `ui`.
    let counted = files
        .iter()
        .filter(|(file, _)| *file != "window.ftl")
        .flat_map(|(_, messages)| messages.keys());
    let unused: Vec<_> = counted
        .filter(|name| !name.contains('.') && !by_code.contains(*name) && !referred.contains(name))
        .filter(|name| !asked_for(name))
        .collect();
    assert_eq!(unused, Vec::<&String>::new());
}
