//! One crash: something is begun, the agent is killed in the middle of it, and whoever comes next looks what is left.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use stories::prelude::*;
use stories::process::Process;
use stories::wait::SOON;

use crate::chance::Chance;
use crate::doing::Doing::{
    self, Check, Refresh, ResetAll, ResetAllInAPowerCut, ResetProduct, ResetWithoutAgent, StartAndCheck,
};
use crate::doing::Tally;
use crate::keyring_daemon::KeyringDaemon;
use crate::seen::{self, Seen};

const AGENT: &str = "latchkey-agent";
/// Longer than an access token lives, and shorter than the time between checks.
const TOKEN_ENDS: Duration = Duration::from_secs(2 * 3_600);
/// A command line that waits for an agent that has gone must have noticed by then.
const NOTICED: Duration = Duration::from_secs(60);

/// How often gnome-keyring may die before that is what the story is about.
const MOST_KEYRINGS: u32 = 5;

/// Something under way.
struct Begun {
    asking: Process,
    agent: u32,
    at: Instant,
}

/// A world in which things are begun and interrupted.
pub(crate) struct Lab<'w, 'd> {
    world: &'w World<'d>,
    browser: Browser,
    keyring: KeyringDaemon<'d>,
    chance: Chance,
    lasts: BTreeMap<Doing, Duration>,
    secrets: Vec<String>,
    pub(crate) tally: Tally,
}

impl<'w, 'd> Lab<'w, 'd> {
    /// A lab in which Maya is signed in and licensed.
    pub(crate) fn open(world: &'w World<'d>, chance: Chance) -> Result<Self> {
        let mut lab = Self {
            world,
            browser: Browser::start(world.desk())?,
            keyring: KeyringDaemon::of(world.desk())?,
            chance,
            lasts: BTreeMap::new(),
            secrets: Vec::new(),
            tally: Tally::default(),
        };
        lab.sign_in(true)?;
        Ok(lab)
    }

    /// Signs Maya in, and checks. She keeps her browser open, which therefore knows her from the second time on.
    fn sign_in(&mut self, first: bool) -> Result<()> {
        let desk = self.world.desk();
        let seen = desk.opened_addresses()?.len();
        let mut command = self.world.cli_command(["sign-in"]);
        let mut sign_in = Process::start("sign-in", &mut command, &desk.logs())?;
        let address = desk.wait_for_opened_address(seen)?;
        let (maya, page) = (self.world.maya(), self.browser.page());
        if first {
            self.browser.sign_in(&address, &maya.email, &maya.password)?;
        } else {
            page.go_to(&address)?;
            page.wait_for("#allow")?.click()?;
        }
        ensure!(sign_in.wait(SOON)?.success(), "{}", sign_in.log().text()?);
        self.world.cli(["check"])?;
        self.secrets.extend(seen::secrets(self.world)?);
        Ok(())
    }

    fn prepare(&self, doing: Doing) -> Result<()> {
        if doing == Refresh {
            self.world.time_passes(TOKEN_ENDS)?;
        }
        if doing.begins_without_agent() {
            self.world.machine().end(AGENT)
        } else {
            self.world.status().map(drop)
        }
    }

    fn begin(&self, doing: Doing) -> Result<Begun> {
        let machine = self.world.machine();
        let mut command = machine.command(if doing == ResetWithoutAgent {
            AGENT
        } else {
            "latchkey"
        });
        command.args(doing.arguments());
        let known = machine.running(AGENT)?;
        let asking = Process::start(&format!("{doing:?}"), &mut command, &self.world.desk().logs())?;
        let mut at = Instant::now();
        let agent = match *known.as_slice() {
            [agent] => agent,
            // Its first instant is the one in which it is there.
            [] => loop {
                if let Some(agent) = machine.running(AGENT)?.first() {
                    at = Instant::now();
                    break *agent;
                }
                ensure!(at.elapsed() < SOON, "no agent has come up for {doing:?}");
            },
            _ => bail!("the agents {known:?} run"),
        };
        Ok(Begun { asking, agent, at })
    }

    /// Does something, and does it once more from the beginning where the keyring has died of it.
    fn repeating(&mut self, mut done: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        loop {
            let Err(error) = done(self) else { return Ok(()) };
            if self.keyring.is_alive() {
                return Err(error);
            }
            eprintln!("gnome-keyring has died: {error:#}");
            self.tally.keyrings += 1;
            ensure!(self.tally.keyrings <= MOST_KEYRINGS, "it dies too often");
            self.keyring.restart()?;
            // Whoever runs has seen a keyring that nobody has unlocked.
            self.world.machine().kill(AGENT)?;
            self.world.cli(["reset", "--all", "--yes"])?;
            self.sign_in(false)?;
        }
    }

    /// Finds out how long it takes when nobody disturbs it.
    pub(crate) fn measure(&mut self, doing: Doing) -> Result<()> {
        self.repeating(|lab| lab.measure_once(doing))
    }

    fn measure_once(&mut self, doing: Doing) -> Result<()> {
        self.prepare(doing)?;
        let mut begun = self.begin(doing)?;
        let ended = begun.asking.wait(NOTICED)?;
        self.lasts.insert(doing, begun.at.elapsed());
        ensure!(
            ended.success(),
            "undisturbed, it failed ({ended}): {}",
            begun.asking.log().text()?
        );
        if doing.resets_all() {
            self.sign_in(false)
        } else {
            self.world.cli(["check"]).map(drop)
        }
    }

    /// How long each takes.
    pub(crate) fn lasts(&self) -> &BTreeMap<Doing, Duration> {
        &self.lasts
    }

    /// Begins it, and kills the agent at some instant within the time that it takes. Then everything must be as it was
    /// or as it was to be, and go on.
    pub(crate) fn crash(&mut self, doing: Doing) -> Result<()> {
        self.repeating(|lab| lab.crash_once(doing))
    }

    fn crash_once(&mut self, doing: Doing) -> Result<()> {
        let before = Seen::now(self.world)?;
        before.ensure_nothing_lost_since(&before)?;
        self.prepare(doing)?;
        let span = self.lasts.get(&doing).copied().context("it was measured")?;
        let instant = self.chance.within(span);
        let mut begun = self.begin(doing)?;
        thread::sleep(instant.saturating_sub(begun.at.elapsed()));
        let told = !begun.asking.is_running()? && begun.asking.wait(SOON)?.success();
        if doing == ResetAllInAPowerCut {
            begun.asking.kill()?;
        }
        kill(begun.agent);
        *self.tally.kills.entry(doing).or_default() += 1;
        self.tally.unanswered += u32::from(!told);
        let ended = begun.asking.wait(NOTICED)?;
        ensure!(self.keyring.is_alive(), "gnome-keyring has died");
        if doing == ResetAll {
            ensure!(
                ended.success(),
                "the command line did not finish the reset ({ended}): {}",
                begun.asking.log().text()?
            );
        }
        let told = told || doing == ResetAll;
        self.look(doing, &before, told)
            .and_then(|()| self.heal(doing, &before))
            .with_context(|| format!("killed after {instant:?} of {span:?}, answered: {told}"))
    }

    /// Starts again and looks.
    fn look(&mut self, doing: Doing, before: &Seen, told: bool) -> Result<()> {
        let after = Seen::now(self.world)?;
        self.tally.recovered += u32::from(after.recovered);
        ensure!(
            doing == Refresh || !after.sign_in_again,
            "no refresh token was in danger: {after:?}"
        );
        match doing {
            Check | StartAndCheck | Refresh => after.ensure_nothing_lost_since(before)?,
            ResetProduct => {
                if after.code != 0 {
                    ensure!(
                        after.signed_in && [2, 3, 11].contains(&after.code),
                        "half reset: {after:?}"
                    );
                    self.tally.reset += 1;
                } else {
                    after.ensure_nothing_lost_since(before)?;
                    ensure!(!told, "it was said to be reset, and is there: {after:?}");
                }
            }
            ResetAll | ResetAllInAPowerCut | ResetWithoutAgent => {
                if after.signed_in {
                    after.ensure_nothing_lost_since(before)?;
                    ensure!(!told, "it was said to be reset, and is there: {after:?}");
                    ensure!(
                        !seen::secrets(self.world)?.is_empty(),
                        "signed in, with an empty keyring"
                    );
                } else {
                    ensure!(after.code == 10, "half reset: {after:?}");
                    // The agent goes on where the one before it died.
                    seen::wait_for_an_empty_keyring(self.world)?;
                    self.tally.reset += 1;
                }
            }
        }
        Ok(())
    }

    /// Goes on: what was to be reset is, and everything is licensed again afterwards.
    fn heal(&mut self, doing: Doing, before: &Seen) -> Result<()> {
        self.secrets.extend(seen::secrets(self.world)?);
        if doing.resets_all() {
            self.world.cli(["reset", "--all", "--yes"])?;
            seen::ensure_no_secret_is_left(self.world, &self.secrets)?;
            seen::wait_until_released(self.world)?;
            self.sign_in(false)?;
        } else {
            let check = self.world.cli_output(["check"])?;
            let now = Seen::now(self.world)?;
            if now.sign_in_again {
                ensure!(doing == Refresh, "no refresh token was in danger: {now:?}");
                now.ensure_nothing_lost_since(before)?;
                self.tally.sign_ins_again += 1;
                self.sign_in(false)?;
            } else {
                let words = String::from_utf8_lossy(&check.stderr);
                ensure!(check.status.success(), "the next check does not heal it: {words}");
            }
        }
        Seen::now(self.world)?.ensure_nothing_lost_since(before)
    }

    /// An order of crashes that nobody chose.
    pub(crate) fn shuffle(&mut self, plan: &mut [Doing]) {
        self.chance.shuffle(plan);
    }
}

fn kill(agent: u32) {
    // Where it has ended by itself there is nothing to kill.
    let _ = i32::try_from(agent)
        .ok()
        .and_then(Pid::from_raw)
        .map(|agent| kill_process(agent, Signal::KILL));
}
