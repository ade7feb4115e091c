//! What must not stand in any file that is committed: paths of somebody's machine, and the address of the package
//! registry that somebody's machine happens to use. Long files are pointed at.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use crate::command::{output, program, say};

/// A source file longer than this has more than one concern.
const LONG: usize = 600;

/// Fails with every file and line that should not be as it is.
pub(crate) fn check() -> Result<()> {
    let listed = output(&mut program("git", ["ls-files", "-z"]))?;
    let home = std::env::home_dir();
    let here = std::env::current_dir()?;
    let private: Vec<String> = [home.as_deref(), Some(&*here), here.parent()]
        .into_iter()
        .flatten()
        .filter_map(as_prefix)
        .collect();
    let mut wrong = Vec::new();
    for name in listed.split_terminator('\0') {
        // A file may be deleted and not yet committed as such; pictures are no text.
        let Ok(text) = fs::read_to_string(name) else {
            continue;
        };
        wrong.extend(problems(name, &text, &private));
        if is_source(name) && text.lines().count() > LONG {
            say(&format!(
                "{name} has more than {LONG} lines: does it have one concern?"
            ));
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("; "));
    }
    Ok(())
}

/// A folder as it would begin a path in a text. The root and the folder for temporary files, in which a clone may be, say
/// nothing about a machine.
fn as_prefix(folder: &Path) -> Option<String> {
    let tells = folder.components().count() > 1 && folder != std::env::temp_dir();
    tells.then(|| format!("{}/", folder.display()))
}

fn is_source(name: &str) -> bool {
    let extension = Path::new(name)
        .extension()
        .and_then(|extension| extension.to_str());
    matches!(
        extension,
        Some("rs" | "ts" | "mjs" | "js" | "svelte" | "css" | "sql" | "ftl")
    )
}

fn problems(name: &str, text: &str, private: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if let Some(path) = private.iter().find(|path| names_path(line, path)) {
            wrong.push(format!("{name}:{} names {path}", at + 1));
        }
    }
    if name.ends_with("package-lock.json") && text.contains("\"resolved\": \"http") {
        wrong.push(format!(
            "{name} names a registry (npm config set omit-lockfile-registry-resolved true)"
        ));
    }
    if name.ends_with(".npmrc") {
        wrong.push(format!("{name} belongs to a machine"));
    }
    wrong
}

/// Whether a line names a path, not only the end of a longer one.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '/' | '.' | '-' | '_' | '}' | '$'))
    })
}

#[cfg(test)]
mod tests {
    use super::problems;

    #[test]
    fn a_path_of_this_machine_is_seen_and_a_like_one_is_not() {
        let private = ["/home/maya/".to_owned()];
        assert_eq!(
            problems("a.rs", "x\nlet p = \"/home/maya/x\";", &private),
            ["a.rs:2 names /home/maya/"]
        );
        assert_eq!(
            problems(
                "a.rs",
                "\"{root}/home/maya/x\" https://example/home/maya/",
                &private
            ),
            [] as [&str; 0]
        );
    }

    #[test]
    fn a_lock_that_names_a_registry_is_seen() {
        let text = "\"resolved\": \"https://registry.example/x.tgz\"";
        assert_eq!(problems("ui/package-lock.json", text, &[]).len(), 1);
    }
}
