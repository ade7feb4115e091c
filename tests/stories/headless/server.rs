//! A machine that is a server: no display, no session bus, no keyring.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};
use stories::desktop::Parts;
use stories::pending::ensure_explained;
use stories::prelude::*;
use stories::process::Process;
use stories::secrets::files_with;
use stories::wait::SOON;

use crate::plain::ensure_nothing_is_plain;
use crate::{AGENT, AT_ONCE};

const PASSPHRASE: &str = "nine quiet harbours";

/// A remote shell on the server.
struct Shell<'w, 'd> {
    world: &'w World<'d>,
    passphrase: PathBuf,
}

impl Shell<'_, '_> {
    /// Any command of it: what makes a desktop is not there.
    fn bare(&self, mut command: Command) -> Command {
        command
            .env_remove("DISPLAY")
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
            .env("LATCHKEY_VAULT_PASSPHRASE_FILE", &self.passphrase);
        command
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.bare(self.world.cli_command(arguments.iter().copied()))
    }

    fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command(arguments).output()?;
        let text = String::from_utf8(output.stdout)?;
        ensure!(
            output.status.success(),
            "{arguments:?} failed: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(text)
    }

    fn refuses(&self, arguments: &[&str], words: &str) -> Result<()> {
        let output = self.command(arguments).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            !output.status.success() && said.contains(words),
            "{arguments:?} ended with {}: {said}",
            output.status
        );
        Ok(())
    }

    fn status(&self) -> Result<Value> {
        let began = Instant::now();
        let status = serde_json::from_str(&self.run(&["status", "--json"])?)?;
        ensure!(began.elapsed() < AT_ONCE, "the status took {:?}", began.elapsed());
        ensure_explained(&status)?;
        Ok(status)
    }

    fn says(&self, problems: &[&str]) -> Result<Value> {
        until(&format!("the problems {problems:?}"), SOON, || {
            let status = self.status()?;
            Ok((status["problems"] == json!(problems)).then_some(status))
        })
    }

    fn is_signed_in(&self) -> Result<()> {
        let status = self.says(&[])?;
        ensure!(
            status["accounts"][0]["user"]["email"] == self.world.maya().email
                && status["products"][0]["status"]["code"] == 0,
            "she is not licensed any more: {status}"
        );
        self.run(&["check"])?;
        let mut atlas = Process::start(
            "atlas",
            &mut self.bare(self.world.atlas_command()),
            &self.world.desk().logs(),
        )?;
        atlas.wait_for_line("that it runs", SOON, |line| {
            line.starts_with("started").then_some(())
        })?;
        atlas.end().map(drop)
    }

    /// She signs in by a code that she types in a browser elsewhere.
    fn sign_in(&self) -> Result<()> {
        let mut command = self.command(&["sign-in", "--device"]);
        let mut sign_in = Process::start("sign-in", &mut command, &self.world.desk().logs())?;
        let mut next = None;
        let (address, code) = sign_in.wait_for_line("the code", SOON, |line| {
            if line.contains("Open this address") {
                next = None;
            }
            let line = line.trim();
            if line.starts_with("http") {
                next = Some(line.to_owned());
            }
            let is_code = line.len() == 9 && line.chars().nth(4) == Some('-');
            next.clone()
                .filter(|_| is_code)
                .map(|address| (address, line.to_owned()))
        })?;
        let browser = Browser::start(self.world.desk())?;
        browser.page().go_to(&address)?;
        browser.page().wait_for("#user-code")?.type_text(&code)?;
        browser.page().wait_for("#continue")?.click()?;
        browser.confirm_code(&code, self.world.maya())?;
        let status = sign_in.wait(SOON)?;
        ensure!(status.success(), "{status}: {}", sign_in.log().text()?);
        Ok(())
    }

    /// The file that the secrets are in.
    fn secrets(&self) -> Result<PathBuf> {
        let machines = self.world.desk().home().join(".local/state/latchkey");
        let mut found =
            fs::read_dir(machines)?.filter_map(|machine| Some(machine.ok()?.path().join("secrets")));
        found
            .find(|path| path.exists())
            .context("no file holds the secrets")
    }
}

fn write_passphrase(file: &Path) -> Result<()> {
    fs::write(file, format!("{PASSPHRASE}\n"))?;
    Ok(fs::set_permissions(file, Permissions::from_mode(0o600))?)
}

pub(crate) fn a_server_without_a_keyring_keeps_the_sign_in_in_a_file(story: &Story) -> Result<()> {
    let nothing = Parts {
        keyring: false,
        panel: false,
        notifications: false,
    };
    let desk = Desktop::start_with(story, nothing)?;
    let world = World::seeded(&desk)?;
    world.machine().end(AGENT)?;
    let shell = Shell {
        world: &world,
        passphrase: desk.folder().join("passphrase"),
    };

    // Nothing is chosen, so nothing is kept, and the way on is named.
    shell.refuses(&["sign-in", "--device"], "latchkey config set vault file")?;
    shell.says(&["vault_unavailable"])?;
    ensure!(shell.secrets().is_err(), "a file was made that nobody has chosen");

    shell.run(&["config", "set", "vault", "file"])?;
    world.machine().end(AGENT)?;
    shell.says(&["passphrase_file"])?;
    shell.refuses(&["sign-in", "--device"], "LATCHKEY_VAULT_PASSPHRASE_FILE")?;
    write_passphrase(&shell.passphrase)?;
    shell.run(&["unlock"])?;
    shell.says(&[])?;
    shell.sign_in()?;
    shell.run(&["check"])?;
    shell.is_signed_in()?;
    let mode = fs::metadata(shell.secrets()?)?.permissions().mode() & 0o777;
    ensure!(mode == 0o600, "the file has mode {mode:o}");
    ensure_nothing_is_plain(&world)?;

    // An orderly end, and a crash.
    world.machine().end(AGENT)?;
    shell.is_signed_in()?;
    world.machine().kill(AGENT)?;
    shell.is_signed_in()?;

    // Without the passphrase nobody is signed out, and the agent ends as ever.
    fs::remove_file(&shell.passphrase)?;
    world.machine().end(AGENT)?;
    let status = shell.says(&["passphrase_file"])?;
    ensure!(
        status["accounts"][0]["user"]["email"] == world.maya().email,
        "she is signed out: {status}"
    );
    shell.refuses(&["check"], "LATCHKEY_VAULT_PASSPHRASE_FILE")?;
    let began = Instant::now();
    world.machine().end(AGENT)?;
    ensure!(
        began.elapsed() < AT_ONCE,
        "the agent took {:?} to end",
        began.elapsed()
    );
    write_passphrase(&shell.passphrase)?;
    shell.is_signed_in()?;
    let found = files_with(&desk.home(), &[PASSPHRASE])?;
    ensure!(found.is_empty(), "the passphrase lies in {found:?}");
    ensure_nothing_is_plain(&world)
}
