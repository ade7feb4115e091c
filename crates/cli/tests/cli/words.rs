//! The command line's own words: none is missing, and none is left over.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn sources(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else {
            into.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_word_of_the_command_line_is_used_and_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let words = fs::read_to_string(root.join("../words/locales/en/cli.ftl")).unwrap();
    let names: BTreeSet<_> = words
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name)
        .filter(|name| !name.starts_with([' ', '#']))
        .collect();
    let mut code = String::new();
    sources(&root.join("src"), &mut code);
    for name in &names {
        let made = ["cli-from-"].into_iter().any(|start| name.starts_with(start));
        let key = name
            .strip_prefix("problem-")
            .map_or((*name).to_owned(), |key| key.replace('-', "_"));
        assert!(
            made || code.contains(&format!("\"{key}\"")),
            "{name} is said nowhere"
        );
    }
    for used in code
        .split('"')
        .filter(|text| text.starts_with("cli-") && !text.contains(['{', ' ']))
    {
        assert!(names.contains(used), "there are no words for {used}");
    }
}
