//! What a machine has seen of an identity service that gives it no token: the truth that the judge goes by (rules 6 and 8).

use std::time::Duration;

use latchkey_core::engine::{Attempt, CheckFailure, Side};
use latchkey_core::time::Timestamp;

use super::desktop::Desktop;

/// Two failures decide, at least this far apart.
const DECIDED_AFTER: Duration = Duration::from_secs(10);

/// Since when, and how certainly, a machine gets no access token.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokenless {
    /// When it last had none, with the identity service, and that alone, out of its reach.
    pub(crate) at: Option<Timestamp>,
    /// The first of the failures in a row that have shown it.
    first: Option<Timestamp>,
    /// Another has shown the same, and nothing has shown anything else since.
    decided: bool,
    /// The identity service takes the refresh token no more, and the agent was told.
    sign_in_again: bool,
    /// The last check that began before the machine slept or changed its network, as [`super::parts::Told::by`] names it.
    of_before: (u64, Attempt),
}

impl Tokenless {
    /// The agent knows.
    pub(crate) const fn is_known(&self) -> bool {
        self.decided || self.sign_in_again
    }

    /// A check has ended.
    pub(crate) fn ended(&mut self, by: (u64, Attempt), failure: Option<&CheckFailure>, now: Timestamp) {
        match failure {
            Some(failure) if by <= self.of_before && *failure != CheckFailure::SignInAgain => {}
            Some(CheckFailure::Unreachable {
                licensing: Side::Answers,
                identity: Side::Silent,
            }) => {
                let first = *self.first.get_or_insert(now);
                self.decided |= now.since(first) >= DECIDED_AFTER;
            }
            Some(CheckFailure::SignInAgain) => {
                self.forget_failures();
                self.sign_in_again = true;
            }
            Some(_) | None => self.forget_failures(),
        }
    }

    /// After sleep or a change of network, a failure of before says nothing about now; nor does that of a check that is under way.
    pub(crate) const fn is_interrupted(&mut self, asked: (u64, Attempt)) {
        self.forget_failures();
        self.of_before = asked;
    }

    const fn forget_failures(&mut self) {
        self.first = None;
        self.decided = false;
    }

    /// Somebody signs in, or an agent is started that may know nothing of it.
    pub(crate) const fn begin_anew(&mut self) {
        self.forget_failures();
        self.sign_in_again = false;
    }
}

impl Desktop {
    /// The keyring has a refresh token, and the identity service takes it.
    pub(crate) fn may_refresh(&self) -> bool {
        let vault = self.vault.as_ref();
        vault.is_some_and(|vault| vault.tokens && vault.granted)
    }

    /// The service sees it by its stream, with the key that it has.
    pub(crate) fn is_connected(&self) -> bool {
        let jkt = self.vault.as_ref().map(|vault| &vault.jkt);
        self.stream
            .as_ref()
            .is_some_and(|stream| Some(&stream.jkt) == jkt)
    }

    /// It has a token that the licensing service takes.
    pub(crate) fn has_token(&self, at: Timestamp) -> bool {
        let vault = self.vault.as_ref();
        vault.is_some_and(|vault| vault.tokens && at < vault.access_until)
    }

    /// What it could see from `since` to `at` of services that are out. While losses are held back, a check is answered as if the
    /// licensing service were; whoever has no token to check with does not come that far.
    pub(crate) fn could_see(&mut self, sides: (Side, Side), since: Timestamp, at: Timestamp) {
        if sides == (Side::Answers, Side::Silent) && !self.has_token(at) {
            self.tokenless.at = self.tokenless.at.max(Some(at));
        }
        let (licensing, identity) = sides;
        let is_out = identity == Side::Answers
            && (licensing == Side::Silent || (licensing == Side::Answers && self.withheld));
        if is_out {
            self.out_at = self.out_at.max(Some(at));
        }
        self.out_since = self
            .out_since
            .or(Some(since))
            .filter(|_| is_out && self.is_alive());
    }
}
