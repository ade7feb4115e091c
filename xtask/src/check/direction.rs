//! Dependencies point one way: `tray, cli, sdk → ipc → core`; `agent → ipc, api, core`; `server → api, core`.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::command::{cargo, output};

/// Who may know whom. Only tests see both the agent and the server, so dev-dependencies are free.
const ALLOWED: [(&str, &[&str]); 11] = [
    ("latchkey-core", &[]),
    ("latchkey-api", &["latchkey-core"]),
    ("latchkey-ipc", &["latchkey-core"]),
    ("latchkey-words", &["latchkey-core"]),
    (
        "latchkey-agent",
        // The page that the browser comes back to is the agent's, and its words are the product's.
        &["latchkey-ipc", "latchkey-api", "latchkey-core", "latchkey-words"],
    ),
    ("latchkey-server", &["latchkey-api", "latchkey-core"]),
    (
        "latchkey-sdk",
        &["latchkey-ipc", "latchkey-core", "latchkey-words"],
    ),
    (
        "latchkey-cli",
        &["latchkey-ipc", "latchkey-core", "latchkey-words"],
    ),
    (
        "latchkey-tray",
        &["latchkey-ipc", "latchkey-core", "latchkey-words"],
    ),
    (
        "stories",
        &[
            "latchkey-core",
            "latchkey-ipc",
            "latchkey-api",
            "latchkey-agent",
            "latchkey-server",
            "latchkey-sdk",
            "latchkey-words",
        ],
    ),
    ("xtask", &[]),
];

/// Fails with every dependency that points another way.
pub(crate) fn check() -> Result<()> {
    let wrong = violations(&metadata()?)?;
    if !wrong.is_empty() {
        bail!("{}; see ARCHITECTURE.md", wrong.join("; "));
    }
    Ok(())
}

/// What cargo knows of the workspace's own packages.
pub(super) fn metadata() -> Result<Value> {
    let text = output(&mut cargo(["metadata", "--no-deps", "--format-version", "1"]))?;
    serde_json::from_str(&text).context("cargo metadata is JSON")
}

/// The names of a package's dependencies of the ordinary kind: neither for tests nor for its build script.
pub(super) fn dependencies(package: &Value) -> impl Iterator<Item = &str> {
    let all = package["dependencies"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    all.iter()
        .filter(|dependency| dependency["kind"].is_null())
        .filter_map(|dependency| dependency["name"].as_str())
}

fn violations(metadata: &Value) -> Result<Vec<String>> {
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists packages")?;
    let ours: Vec<&str> = packages
        .iter()
        .filter_map(|package| package["name"].as_str())
        .collect();
    let mut wrong = Vec::new();
    for package in packages {
        let name = package["name"].as_str().context("a package has a name")?;
        match ALLOWED.iter().find(|(known, _)| *known == name) {
            Some((_, allowed)) => wrong.extend(
                dependencies(package)
                    .filter(|dependency| ours.contains(dependency) && !allowed.contains(dependency))
                    .map(|dependency| format!("{name} must not depend on {dependency}")),
            ),
            None => wrong.push(format!("{name} has no place in xtask/src/check/direction.rs")),
        }
    }
    Ok(wrong)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::violations;

    #[test]
    fn a_dependency_against_the_direction_is_named() {
        let metadata = json!({ "packages": [
            { "name": "latchkey-core", "dependencies": [{ "name": "latchkey-agent", "kind": null }] },
            { "name": "latchkey-agent", "dependencies": [{ "name": "latchkey-core", "kind": null }, { "name": "latchkey-server", "kind": "dev" }] },
            { "name": "latchkey-server", "dependencies": [] },
        ]});
        assert_eq!(
            violations(&metadata).unwrap(),
            ["latchkey-core must not depend on latchkey-agent"]
        );
    }

    #[test]
    fn a_package_without_a_place_is_named() {
        let metadata = json!({ "packages": [{ "name": "latchkey-new", "dependencies": [] }] });
        assert_eq!(violations(&metadata).unwrap().len(), 1);
    }
}
