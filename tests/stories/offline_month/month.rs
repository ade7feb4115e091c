//! What Maya sees of a month: the tray's line and icon, and the notices, counted.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use latchkey_core::time::Timestamp;
use latchkey_core::view::{Icon, Reach, View};
use latchkey_ipc::address::Address;
use latchkey_ipc::client::{CONNECT_TIMEOUT, ConnectError, Connection};
use latchkey_ipc::hello::Kind;
use latchkey_ipc::messages::{Reply, Request};
use stories::notices::{Shown, Urgency};
use stories::prelude::*;
use stories::services::VERSION;
use stories::wait::SOON;

use crate::{DAY, HOUR, MINUTE};

/// A notice as it is meant: how it begins, and how it is shown.
#[derive(Clone, Copy)]
pub(crate) struct Meant {
    words: &'static str,
    urgency: Urgency,
    /// Until it is put away.
    stays: bool,
}

/// Good to know.
pub(crate) const fn calm(words: &'static str) -> Meant {
    Meant {
        words,
        urgency: Urgency::Low,
        stays: false,
    }
}

/// Work is at stake.
pub(crate) const fn grave(words: &'static str) -> Meant {
    Meant {
        words,
        urgency: Urgency::Critical,
        stays: false,
    }
}

/// The same, and it stays.
pub(crate) const fn staying(words: &'static str) -> Meant {
    Meant {
        stays: true,
        ..grave(words)
    }
}

/// Whether the end follows on these words.
fn leads_to_the_end(words: &str) -> bool {
    ["until ", "before ", " on "]
        .iter()
        .any(|last| words.ends_with(last))
}

/// What Maya sees of it: the tray, and the notices so far.
pub(crate) struct Month<'w, 'd> {
    world: &'w World<'d>,
    tray: Tray<'d>,
    /// Notices that were shown, each of them meant.
    told: usize,
    /// The end, as the first line wrote it.
    end: Option<String>,
    /// Every picture that the tray showed.
    pictures: Vec<(Icon, Vec<u8>)>,
}

impl<'w, 'd> Month<'w, 'd> {
    /// Begins at ten in the morning, so that no story lives through a midnight that it does not mean: Maya signs in.
    pub(crate) fn begin(world: &'w World<'d>) -> Result<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "how far the clocks are to be moved is reckoned from the real time"
        )]
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let since_ten = (now + DAY - 10 * HOUR).as_secs() % DAY.as_secs();
        world.time_passes(DAY - Duration::from_secs(since_ten))?;
        let tray = world.start_tray()?;
        world.sign_in_from(&tray)?;
        let mut month = Self {
            world,
            tray,
            told: 0,
            end: None,
            pictures: Vec::new(),
        };
        month.waits_for("Maya Lindqvist — licensed", Icon::Ready)?;
        month.is_told_no_more().context("signing in")?;
        Ok(month)
    }

    pub(crate) fn passes(&mut self, time: Duration) -> Result<()> {
        self.tray = self.world.time_passes(time)?.context("the tray ran")?;
        Ok(())
    }

    pub(crate) fn is_off_for(&mut self, time: Duration) -> Result<()> {
        self.tray = self.world.reboot(time)?.context("the tray ran")?;
        Ok(())
    }

    pub(crate) fn gets_another_tray(&mut self) -> Result<()> {
        self.world.machine().end("latchkey-tray")?;
        self.tray = self.world.start_tray()?;
        Ok(())
    }

    /// Offline, it is settled how things stand: checks were made in vain, the agent has made up its mind about the
    /// network, and the tray says this.
    pub(crate) fn stands(&mut self, line: &str, icon: Icon) -> Result<()> {
        let check = self.world.cli_output(["check"])?;
        ensure!(!check.status.success(), "a check was answered, by nobody");
        until("the agent to know that neither service answers", SOON, || {
            let view = self.view()?;
            Ok(view.filter(|view| view.accounts[0].reach == Reach::NeitherAnswers))
        })?;
        self.waits_for(line, icon)
    }

    /// What the agent knows, and has to tell; nothing while it does not run.
    pub(crate) fn view(&self) -> Result<Option<View>> {
        let folder = Path::new(self.world.desk().variable("XDG_RUNTIME_DIR")?).join("latchkey");
        let agent = match Connection::open_at(&Address::in_folder(folder)?, Kind::Cli, CONNECT_TIMEOUT) {
            Ok(agent) => agent,
            // One that is just being killed accepts, and says no word.
            Err(ConnectError::NotRunning | ConnectError::Closed) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match agent.call(Request::View, SOON)? {
            Reply::View { view } => Ok(Some(*view)),
            reply => bail!("asked for the View, the agent answers {reply:?}"),
        }
    }

    /// Waits for the line and the picture that belongs to it. Whatever else the line says is the end, always the same.
    pub(crate) fn waits_for(&mut self, line: &str, icon: Icon) -> Result<()> {
        let awaited = format!("a line that begins with {line:?}");
        let limit = 2 * MINUTE;
        let entry = self
            .tray
            .wait_for_entry(&awaited, limit, &|text| text.starts_with(line))?;
        if leads_to_the_end(line) {
            let end = entry.label[line.len()..].to_owned();
            let first = self.end.get_or_insert_with(|| end.clone());
            ensure!(*first == end, "the end was {first}, and is {end} now");
        }
        let picture = until(&format!("the picture of {icon:?}"), SOON, || {
            let is_meant = self.view()?.is_some_and(|view| view.headline.icon == icon);
            // A picture that was just changed is gone.
            let picture = fs::read(self.tray.icon()?).ok();
            let is_right = |new: &Vec<u8>| {
                self.pictures
                    .iter()
                    .all(|(of, old)| (of == &icon) == (old == new))
            };
            Ok(picture.filter(|picture| is_meant && is_right(picture)))
        })?;
        self.pictures.push((icon, picture));
        Ok(())
    }

    /// One more notice is shown, and no other with it: one sentence about Atlas, with the end where it leads up to it.
    pub(crate) fn is_told(&mut self, meant: Meant) -> Result<()> {
        let shown = self.world.desk().notices().wait_for(meant.words, self.told)?;
        self.told += 1;
        self.has_counted()?;
        let is_about = shown.app == "Latchkey" && shown.summary == "Atlas" && !shown.body.contains('\n');
        let rest = shown.body.strip_prefix(meant.words);
        let end = self.end.as_deref().filter(|_| leads_to_the_end(meant.words));
        let says_so = rest.is_some_and(|rest| rest.starts_with(end.unwrap_or_default()));
        ensure!(
            is_about && says_so,
            "the end is {end:?}, and the notice {shown:?}"
        );
        ensure!(
            shown.urgency == meant.urgency && (shown.expires == 0) == meant.stays,
            "it is shown so: {shown:?}"
        );
        Ok(())
    }

    /// Nothing more is shown, also not after one more check, with which everything is considered anew.
    pub(crate) fn is_told_no_more(&self) -> Result<()> {
        self.world.cli_output(["check"])?;
        self.has_counted()
    }

    /// Once the agent has nothing left to tell, just the notices that are meant have been shown.
    fn has_counted(&self) -> Result<()> {
        until("every notice to be shown", SOON, || {
            Ok(self.view()?.filter(|view| view.notices.is_empty()))
        })?;
        let all = self.world.desk().notices().all();
        let all: Vec<_> = all.iter().map(Shown::text).collect();
        ensure!(
            all.len() == self.told,
            "{} notices are meant, and {} were shown: {all:#?}",
            self.told,
            all.len()
        );
        Ok(())
    }

    /// A day without a network: the line, the product's own, the notice of the day, and one at a start.
    pub(crate) fn has_a_day(&mut self, line: &str, state: &str, icon: Icon, meant: Meant) -> Result<()> {
        self.stands(line, icon)?;
        self.tray.wait_for_label(&format!("Atlas {VERSION} — {state}"))?;
        self.is_told(meant).context("the notice of the day")?;
        self.starts_atlas_and_is_told(meant)?;
        self.world
            .desk()
            .screenshot(&format!("{icon:?}").to_lowercase())?;
        Ok(())
    }

    pub(crate) fn starts_atlas_and_is_told(&mut self, meant: Meant) -> Result<()> {
        let atlas = self.world.start_atlas().and_then(until_it_runs)?;
        self.is_told(meant).context("the notice of a start")?;
        atlas.close()?;
        self.is_told_no_more()
    }

    /// Waits until the agent knows of so many open programs.
    pub(crate) fn has_open(&self, programs: u32) -> Result<()> {
        until("the agent to know what is open", SOON, || {
            let open = self.view()?.map(|view| view.products[0].open);
            Ok((open == Some(programs)).then_some(()))
        })
    }

    /// When what is open must have stopped.
    pub(crate) fn stops_at(&self) -> Result<Timestamp> {
        let view = self.view()?.context("the agent runs")?;
        let stop_at = view.products[0].status.stop_at;
        stop_at.with_context(|| format!("nothing must stop in {:?}", view.products))
    }

    /// A check was answered: all is well, the end is another, and whoever was warned is told once.
    pub(crate) fn is_connected_again(&mut self) -> Result<()> {
        self.end = None;
        self.waits_for("Maya Lindqvist — licensed", Icon::Ready)?;
        self.is_told(calm("Connected. Atlas is good offline until "))?;
        Ok(())
    }
}

pub(crate) fn until_it_runs(mut atlas: Atlas) -> Result<Atlas> {
    atlas.wait_for("started, for Northwind")?;
    Ok(atlas)
}

/// A start is refused, in words and by its exit status.
pub(crate) fn is_refused(world: &World<'_>) -> Result<()> {
    let mut atlas = world.start_atlas()?;
    atlas.wait_as_long_as(MINUTE, "refused 12 OFFLINE_LIMIT_REACHED")?;
    let ended = atlas.process().wait(SOON)?;
    ensure!(ended.code() == Some(112), "a refused Atlas ended with {ended}");
    Ok(())
}
