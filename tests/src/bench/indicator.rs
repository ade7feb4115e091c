//! The baseline of the tray app: a minimal AppIndicator program in C, compiled here.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use stories::desktop::Desktop;
use stories::process::Process;
use stories::programs;

/// The compiled program.
pub(crate) struct Indicator {
    program: PathBuf,
}

impl Indicator {
    /// Compiles it into the desktop's folder.
    pub(crate) fn compile(desk: &Desktop) -> Result<Self> {
        let program = desk.folder().join("indicator");
        let flags = Command::new("pkg-config")
            .args(["--cflags", "--libs", "gtk+-3.0"])
            .output()
            .context("cannot start pkg-config")?;
        ensure!(
            flags.status.success(),
            "GTK's headers are missing: {}",
            String::from_utf8_lossy(&flags.stderr)
        );
        let compiled = Command::new("cc")
            .args(["-O2", "-o"])
            .arg(&program)
            .arg(programs::root().join("tests/src/bench/indicator.c"))
            .args(String::from_utf8(flags.stdout)?.split_whitespace())
            // By its file name: the name without a version comes with the headers, which are not needed.
            .arg("-l:libayatana-appindicator3.so.1")
            .output()
            .context("cannot start cc")?;
        ensure!(
            compiled.status.success(),
            "the baseline does not compile: {}",
            String::from_utf8_lossy(&compiled.stderr)
        );
        Ok(Self { program })
    }

    pub(crate) fn start(&self, desk: &Desktop) -> Result<Process> {
        Process::start("indicator", &mut desk.command(&self.program), &desk.logs())
    }
}
