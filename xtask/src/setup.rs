//! What must be on the machine before anything builds, and how it gets there.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command::{output, program, run, say, succeeds};
use crate::packages::{PACKAGES, Package};

/// The folders that npm packages are installed in.
const NPM_FOLDERS: [&str; 2] = ["ui", "tests/provider"];

/// Installs what is missing, and says what it does.
pub(crate) fn install() -> Result<()> {
    system_packages()?;
    node()?;
    NPM_FOLDERS
        .iter()
        .try_for_each(|folder| npm_packages(Path::new(folder)))
}

fn system_packages() -> Result<()> {
    if !cfg!(target_os = "linux") {
        say("this system brings what the product needs; the stories and the headless demo need Linux");
        return Ok(());
    }
    if !succeeds(&mut program("apt-get", ["--version"])) {
        let names: Vec<_> = PACKAGES
            .iter()
            .map(|package| format!("{} ({})", package.names[0], package.purpose))
            .collect();
        say(&format!(
            "no apt-get here: install by your system's own means, if missing: {}",
            names.join(", ")
        ));
        return Ok(());
    }
    let missing: Vec<&Package> = PACKAGES
        .iter()
        .filter(|package| !package.names.iter().any(|name| is_installed(name)))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    say("reading the package lists");
    run(as_root()?.args(["apt-get", "-qq", "update"]))?;
    let names = missing.into_iter().map(available).collect::<Result<Vec<_>>>()?;
    say(&format!("installing {}", names.join(" ")));
    // A keyboard or a time zone is no business of a test machine: nobody is there to be asked.
    run(as_root()?
        .args([
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "-qq",
            "install",
            "-y",
            "--no-install-recommends",
        ])
        .args(names))
}

fn is_installed(name: &str) -> bool {
    output(&mut program(
        "dpkg-query",
        ["--show", "--showformat=${db:Status-Status}", name],
    ))
    .is_ok_and(|s| s == "installed")
}

/// The first of a package's names that can be installed here.
fn available(package: &Package) -> Result<&'static str> {
    let known = |name: &&&str| {
        let policy = output(&mut program("apt-cache", ["policy", **name])).unwrap_or_default();
        policy
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Candidate: "))
            .any(|version| version != "(none)")
    };
    package.names.iter().find(known).copied().with_context(|| {
        format!(
            "no package {} here ({}): install it by hand",
            package.names.join(" or "),
            package.purpose
        )
    })
}

/// The beginning of a command that runs as root: nothing for root itself, else `sudo`.
fn as_root() -> Result<Command> {
    if output(&mut program("id", ["-u"]))?.trim() == "0" {
        return Ok(program("env", [] as [&str; 0]));
    }
    if !succeeds(&mut program("sudo", ["--version"])) {
        bail!(
            "installing packages needs root or sudo; run this as root, or install them by hand (see xtask/src/packages.rs)"
        );
    }
    Ok(program("sudo", [] as [&str; 0]))
}

fn node() -> Result<()> {
    let text = output(&mut program("node", ["--version"]))
        .context("Node 20 or newer is needed (and npm with it)")?;
    let major = text
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    match major {
        Some(20..) => Ok(()),
        _ => bail!("Node 20 or newer is needed; this is {}", text.trim()),
    }
}

/// Installs a folder's npm packages when its lock is newer than what is there.
pub(crate) fn npm_packages(folder: &Path) -> Result<()> {
    let lock = folder.join("package-lock.json");
    if !lock.exists() {
        return Ok(());
    }
    let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    if modified(&folder.join("node_modules/.package-lock.json")) >= modified(&lock) {
        return Ok(());
    }
    say(&format!("installing npm packages in {}", folder.display()));
    run(program("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(folder))
}
