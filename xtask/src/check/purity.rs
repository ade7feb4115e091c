//! The core is pure: no I/O, no async, no clock, no randomness. Neither its dependencies nor the standard library
//! may bring them in by a side door.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::direction;

/// What the core may be built on: encodings and signatures.
const DEPENDENCIES: [&str; 9] = [
    "base64",
    "ed25519-dalek",
    "p256",
    "rsa",
    "serde",
    "serde_json",
    "sha2",
    "thiserror",
    "zeroize",
];

/// What of the standard library it may not touch. Addresses of `std::net` are values, and may be parsed.
const FORBIDDEN: [&str; 14] = [
    "std::fs",
    "std::io",
    "std::process",
    "std::thread",
    "std::env",
    "std::os",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "ToSocketAddrs",
    "SystemTime",
    "Instant::now",
    "async fn",
    "static mut",
];

/// Fails with every dependency or line that is not pure.
pub(crate) fn check() -> Result<()> {
    let metadata = direction::metadata()?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists packages")?;
    let core = packages
        .iter()
        .find(|package| package["name"] == "latchkey-core")
        .context("there is a core")?;
    let mut wrong: Vec<String> = direction::dependencies(core)
        .filter(|dependency| !DEPENDENCIES.contains(dependency))
        .map(|dependency| {
            format!(
                "latchkey-core must not depend on {dependency} (or xtask/src/check/purity.rs says why it may)"
            )
        })
        .collect();
    scan(Path::new("crates/core/src"), &mut wrong)?;
    if !wrong.is_empty() {
        bail!("{}", wrong.join("; "));
    }
    Ok(())
}

fn scan(folder: &Path, wrong: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            scan(&path, wrong)?;
            continue;
        }
        let text = fs::read_to_string(&path)?;
        wrong
            .extend(impure_lines(&text).map(|(line, what)| format!("{}:{line} uses {what}", path.display())));
    }
    Ok(())
}

/// Lines of code, by number, that name something forbidden. Comments may name it, and so may tests.
fn impure_lines(text: &str) -> impl Iterator<Item = (usize, &'static str)> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    code.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .filter_map(|(at, line)| {
            let what = FORBIDDEN.into_iter().find(|what| line.contains(what))?;
            Some((at + 1, what))
        })
}

#[cfg(test)]
mod tests {
    use super::impure_lines;

    #[test]
    fn code_is_seen_and_comments_are_not() {
        let text = "// std::fs\nuse std::fmt;\nlet now = std::time::SystemTime::now();\n#[cfg(test)]\nmod tests {\nuse std::fs;\n";
        assert_eq!(impure_lines(text).collect::<Vec<_>>(), [(3, "SystemTime")]);
    }
}
