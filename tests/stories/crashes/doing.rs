//! What the agent is doing when it dies, and what came of that.

use std::collections::BTreeMap;
use std::fmt;

use stories::services::PRODUCT;

/// What the agent is doing when it dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Doing {
    /// `latchkey check`
    Check,
    /// The same, with an agent that only starts for it.
    StartAndCheck,
    /// `latchkey check`, where the access token has ended.
    Refresh,
    /// `latchkey reset ATLAS`
    ResetProduct,
    /// `latchkey reset --all`; only the agent dies, and the command line goes on.
    ResetAll,
    /// The same, and the command line dies with it.
    ResetAllInAPowerCut,
    /// `latchkey-agent reset --all`, the way out where no agent starts.
    ResetWithoutAgent,
}

use Doing::{Check, Refresh, ResetAll, ResetAllInAPowerCut, ResetProduct, ResetWithoutAgent, StartAndCheck};

impl Doing {
    /// What is asked for.
    pub(crate) fn arguments(self) -> &'static [&'static str] {
        match self {
            Check | StartAndCheck | Refresh => &["check"],
            ResetProduct => &["reset", PRODUCT, "--yes"],
            ResetAll | ResetAllInAPowerCut => &["reset", "--all", "--yes"],
            ResetWithoutAgent => &["reset", "--all"],
        }
    }

    /// Whether it is about an agent that does not run yet.
    pub(crate) fn begins_without_agent(self) -> bool {
        matches!(self, StartAndCheck | ResetWithoutAgent)
    }

    /// Whether everything is to be gone afterwards.
    pub(crate) fn resets_all(self) -> bool {
        matches!(self, ResetAll | ResetAllInAPowerCut | ResetWithoutAgent)
    }
}

/// What came of the kills.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) kills: BTreeMap<Doing, u32>,
    /// Whoever had asked was still waiting for the answer.
    pub(crate) unanswered: u32,
    /// Resets that had happened, or were completed.
    pub(crate) reset: u32,
    /// Refresh tokens that the provider had rotated and that were not stored.
    pub(crate) sign_ins_again: u32,
    /// Copies of the state that were found torn.
    pub(crate) recovered: u32,
    /// Deaths of gnome-keyring, after which all was begun anew.
    pub(crate) keyrings: u32,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kills,
            unanswered,
            reset,
            sign_ins_again,
            recovered,
            keyrings,
        } = self;
        write!(
            f,
            "kills: {kills:?}; before the answer: {unanswered}; had reset: {reset}; a rotated refresh token was lost: \
             {sign_ins_again}; a torn copy of the state was found: {recovered}; gnome-keyring died too: {keyrings}"
        )
    }
}
