//! The whole state, for everyone who shows it: tray, window and command line render the same value.

use serde::{Deserialize, Deserializer, Serialize};

use crate::code::{Basis, Code, Reason};
use crate::hindrance::Obstacle;
use crate::lease::RefusalDetail;
use crate::lenient;
use crate::notice::{Left, Notice};
use crate::session::WaitingDevice;
use crate::time::Timestamp;
use crate::vault::VaultKind;

/// The status of one product, as it travels. Fields that do not apply are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    /// The stable number ([`Code`]). A number, so that an older reader survives a newer agent.
    pub code: u16,
    /// The stable name.
    pub name: String,
    /// What an `OK` rests on.
    #[serde(
        default,
        deserialize_with = "lenient::known",
        skip_serializing_if = "Option::is_none"
    )]
    pub basis: Option<Basis>,
    /// What keeps checks away: why the days are counted, where an `OK` rests on grace or is in its final days, and why a first start is not answered.
    #[serde(
        default,
        deserialize_with = "lenient::known",
        skip_serializing_if = "Option::is_none"
    )]
    pub away: Option<Away>,
    /// Why an `AUTH_PENDING` is pending.
    #[serde(
        default,
        deserialize_with = "lenient::known",
        skip_serializing_if = "Option::is_none"
    )]
    pub reason: Option<Reason>,
    /// What stands in the way, and to which host (`network_blocked` only).
    #[serde(
        default,
        deserialize_with = "lenient::known",
        skip_serializing_if = "Option::is_none"
    )]
    pub obstacle: Option<Obstacle>,
    /// The licensing service of the sign-in that holds the slot (`waiting_for_other` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
    /// By how many minutes the wall clock is ahead (negative: behind), where that is known (`clock_wrong` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ahead: Option<i64>,
    /// Since when it is pending or refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// `OK`: the lease's end, exclusive. Pending: the deadline. `OFFLINE_LIMIT_REACHED`: when the lease ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Time left until `until`, as people count it (`OK` only).
    #[serde(
        default,
        deserialize_with = "lenient::known",
        skip_serializing_if = "Option::is_none"
    )]
    pub left: Option<Left>,
    /// When an open product must have stopped (rules 5 and 20).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_at: Option<Timestamp>,
    /// When this was said, by the clock of `stop_at`: what an open product is told, whose own clock may be another (rule 16).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What else a refusal says.
    #[serde(
        default,
        deserialize_with = "lenient::known",
        skip_serializing_if = "Option::is_none"
    )]
    pub detail: Option<RefusalDetail>,
}

impl StatusView {
    /// The code, if this version knows its number.
    pub fn code(&self) -> Option<Code> {
        Code::from_number(self.code)
    }

    /// The same, in the time of a clock that is so far ahead, in milliseconds.
    #[must_use]
    pub fn shifted(self, millis: i64) -> Self {
        let one = |instant: Timestamp| instant.shifted(millis);
        Self {
            since: self.since.map(one),
            until: self.until.map(one),
            stop_at: self.stop_at.map(one),
            at: self.at.map(one),
            ..self
        }
    }

    /// Whether the product may start, or go on.
    pub fn may_run(&self) -> bool {
        self.code == Code::Ok.number()
    }

    /// Whether the answer is still to come: a start waits on codes 1 to 4 only while somebody is awaited.
    pub fn is_pending(&self) -> bool {
        match self.code() {
            Some(Code::Connecting | Code::PendingIdentity | Code::PendingLicensing) => true,
            Some(Code::AuthPending) => self.until.is_some(),
            _ => false,
        }
    }
}

/// One registered product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductView {
    /// Product key.
    pub product: String,
    /// Product version.
    pub version: String,
    /// What people call it.
    pub name: String,
    /// Who publishes it.
    pub publisher: String,
    /// Its licensing service.
    pub service: String,
    /// Where it stands.
    pub status: StatusView,
    /// How many programs have it open on this machine.
    pub open: u32,
    /// The last good check, if a lease is held.
    #[serde(default)]
    pub checked_at: Option<Timestamp>,
    /// For how long its lease was good offline when it was given, in seconds: the full ring.
    #[serde(default)]
    pub offline_for: Option<u64>,
    /// The organisation that holds the subscription.
    #[serde(default)]
    pub org: Option<String>,
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserView {
    /// Display name; the address where the provider gives no name.
    pub name: String,
    /// E-mail address, where the provider gives one.
    #[serde(default)]
    pub email: Option<String>,
    /// The identity service.
    pub issuer: String,
}

/// What is known about reaching the services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reach {
    /// Nothing has been tried yet.
    #[default]
    Unknown,
    /// The last check was answered.
    Online,
    /// A check failed; one failure decides nothing (rule 8).
    Doubtful,
    /// The machine has no route or no name resolution.
    Offline,
    /// The machine has a network, and neither service answers.
    NeitherAnswers,
    /// The licensing service answers and the identity service does not (rule 6).
    IdentityOutage,
    /// The identity service answers and the licensing service does not (rule 7).
    LicensingOutage,
}

/// Why the days are counted (rules 3, 4, 6, 8 and 9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Away {
    /// The machine has no route or no name resolution.
    #[default]
    Offline,
    /// The machine has a network, and neither service answers (rule 8).
    NeitherAnswers,
    /// The identity service gives no token (rule 6).
    IdentityOutage,
    /// Something else, and the check that was due has not been made.
    Overdue,
    /// Nothing does: the service renews no lease for an agent of this age (rule 9, `CLIENT_OUTDATED`).
    Outdated,
    /// Nothing does: the licence ends with its subscription (rule 4).
    Subscription,
}

impl Away {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::NeitherAnswers => "neither_answers",
            Self::IdentityOutage => "identity_outage",
            Self::Overdue => "overdue",
            Self::Outdated => "outdated",
            Self::Subscription => "subscription",
        }
    }
}

impl From<Reach> for Away {
    fn from(reach: Reach) -> Self {
        match reach {
            Reach::Offline => Self::Offline,
            Reach::NeitherAnswers => Self::NeitherAnswers,
            Reach::IdentityOutage => Self::IdentityOutage,
            Reach::Unknown | Reach::Online | Reach::Doubtful | Reach::LicensingOutage => Self::Overdue,
        }
    }
}

/// One licensing service, and the account there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// The licensing service.
    pub service: String,
    /// Who is signed in, if anybody.
    #[serde(default)]
    pub user: Option<UserView>,
    /// What is known about reaching it.
    #[serde(deserialize_with = "lenient::known_or_default")]
    pub reach: Reach,
    /// The last good check.
    #[serde(default)]
    pub checked_at: Option<Timestamp>,
    /// When the next check is due.
    #[serde(default)]
    pub next_check_at: Option<Timestamp>,
    /// Whether a check is on the wire now.
    pub checking: bool,
    /// A signed release that waits for the service (rule 15).
    pub release_waiting: bool,
    /// Devices of the user that wait for the session that this one has (rule 11).
    #[serde(default)]
    pub session_awaited: Vec<WaitingDevice>,
}

/// Where a sign-in stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SignInPhase {
    /// The identity service is asked where to go.
    #[default]
    Starting,
    /// The browser is open: the user is awaited.
    WaitingForUser,
    /// The user came back; tokens are fetched and stored.
    Finishing,
}

/// How the user proves who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInMethod {
    /// In the browser of this machine, which comes back by itself (RFC 8252).
    #[default]
    Browser,
    /// In any browser, with a code that is shown here (RFC 8628).
    DeviceCode,
}

/// What the user needs for a sign-in in a browser elsewhere (RFC 8628 section 3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserCode {
    /// What is typed there.
    pub user_code: String,
    /// Where it is typed.
    pub verification_uri: String,
    /// The same address with the code in it, for a link or a QR code, where the provider offers one.
    #[serde(default)]
    pub verification_uri_complete: Option<String>,
}

/// A sign-in that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInView {
    /// Names the attempt.
    pub attempt: u64,
    /// For which licensing service.
    pub service: String,
    /// How.
    #[serde(default, deserialize_with = "lenient::known_or_default")]
    pub method: SignInMethod,
    /// Where it stands.
    #[serde(deserialize_with = "lenient::known_or_default")]
    pub phase: SignInPhase,
    /// The identity service, once known: the vendor's own, or the user's company's.
    #[serde(default)]
    pub issuer: Option<String>,
    /// The address to open, once known: *Open again* and *Copy link*.
    #[serde(default)]
    pub url: Option<String>,
    /// The code to type there, for a sign-in by code, once known.
    #[serde(default)]
    pub code: Option<UserCode>,
    /// Since when.
    pub since: Timestamp,
    /// The deadline (rule 17).
    pub until: Timestamp,
}

/// How a sign-in ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "result")]
#[non_exhaustive]
pub enum SignInResult {
    /// Signed in.
    SignedIn,
    /// Cancelled here.
    Cancelled,
    /// The user, or the provider on their behalf, said no.
    Denied,
    /// Nobody came back in time.
    Expired,
    /// Whoever asked for it went away.
    Abandoned,
    /// The browser or provider could not complete it.
    Failed {
        /// What went wrong: a stable key, for which `latchkey-words` has a sentence.
        problem: String,
        /// Plain detail for support; never a secret.
        #[serde(default)]
        detail: String,
    },
}

/// The last sign-in that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInEnd {
    /// Which attempt.
    pub attempt: u64,
    /// In the browser here, or by a code: what is offered once more.
    #[serde(default, deserialize_with = "lenient::known_or_default")]
    pub method: SignInMethod,
    /// How.
    #[serde(flatten, deserialize_with = "known_or_failed")]
    pub result: SignInResult,
}

/// An end that this version does not know is a failure of that name.
fn known_or_failed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignInResult, D::Error> {
    let end = serde_json::Value::deserialize(deserializer)?;
    let name = end.get("result").and_then(serde_json::Value::as_str);
    let failed = SignInResult::Failed {
        problem: name.unwrap_or("unknown").to_owned(),
        detail: String::new(),
    };
    Ok(SignInResult::deserialize(&end).unwrap_or(failed))
}

/// The tray icon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Icon {
    /// All is well.
    Ready,
    /// Something is on the wire that somebody waits for.
    Busy,
    /// Grace.
    Offline,
    /// Final days: three left.
    Three,
    /// Final days: two left.
    Two,
    /// Final days: one left, or hours.
    One,
    /// A product has stopped.
    Stopped,
    /// Nobody is signed in.
    #[default]
    SignedOut,
}

/// The status line: the one sentence that tooltip, menu and `latchkey status` begin with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "line")]
#[non_exhaustive]
pub enum Line {
    /// No product is registered.
    NoProducts,
    /// Nobody is signed in.
    #[default]
    SignedOut,
    /// A sign-in is open.
    SigningIn,
    /// All is well.
    Licensed {
        /// Display name.
        user: String,
    },
    /// The identity service wants the user to sign in again; licences go on until their end (rule 6).
    SignInAgain {
        /// Display name.
        user: String,
    },
    /// A check that somebody waits for is on the wire.
    Checking,
    /// Grace.
    Offline {
        /// Why the days are counted.
        #[serde(default, deserialize_with = "lenient::known_or_default")]
        away: Away,
        /// The product that ends first.
        product: String,
        /// Time left.
        left: Left,
        /// The end.
        until: Timestamp,
    },
    /// Final warning.
    Final {
        /// Why the days are counted.
        #[serde(default, deserialize_with = "lenient::known_or_default")]
        away: Away,
        /// The product that ends first.
        product: String,
        /// Time left.
        left: Left,
        /// The end.
        until: Timestamp,
    },
    /// A service is out, and work goes on.
    Outage {
        /// Which service is out.
        reach: Reach,
    },
    /// A product may not run, or must stop.
    Stopped {
        /// The product.
        product: String,
        /// Its status code.
        code: u16,
        /// When it must have stopped, where it is open.
        stop_at: Option<Timestamp>,
    },
    /// The system's keyring waits for the user.
    VaultLocked,
    /// Something that only a newer version has words for.
    Unknown,
}

fn known_line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Line, D::Error> {
    lenient::known(deserializer).map(|line| line.unwrap_or(Line::Unknown))
}

/// What the tray shows at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headline {
    /// The icon.
    #[serde(deserialize_with = "lenient::known_or_default")]
    pub icon: Icon,
    /// The status line.
    #[serde(flatten, deserialize_with = "known_line")]
    pub line: Line,
}

/// Something that is not as it should be, and that the user can mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Problem {
    /// The keyring is locked.
    VaultLocked,
    /// The keyring is locked, and its prompt is open.
    VaultPrompting,
    /// There is no keyring, or it cannot be reached.
    VaultUnavailable,
    /// The keyring does not answer in time.
    VaultHung,
    /// The keyring takes nothing new.
    VaultReadOnly,
    /// What the keyring has is damaged.
    VaultDamaged,
    /// A newer Latchkey wrote what the keyring has.
    VaultTooNew,
    /// What the keyring had of a sign-in is gone: somebody removed it.
    VaultEntryGone,
    /// The secrets are to go into a file, and its passphrase has not been chosen.
    PassphraseNotSet,
    /// The file that names the passphrase is no good.
    PassphraseFile,
    /// The sign-in is in the agent's memory, and ends with it.
    SessionInMemory,
    /// The state could not be written: disk full or read-only.
    StateNotSaved,
    /// The newest state file was damaged; the one before it was used.
    StateRecovered,
    /// The state was written by a newer Latchkey and is left untouched.
    StateTooNew,
    /// The wall clock is far from trusted time.
    ClockWrong,
    /// The identity service wants the user to sign in again.
    SignInAgain,
    /// The network's proxy wants a name and a password.
    ProxyPassword,
    /// A service's certificate comes from an authority that this machine does not know.
    AuthorityUnknown,
}

/// The whole state. An older reader survives a newer agent: a word that it does not know is absent, or reads as its default. `revision` counts the changes, so that a reader can tell a newer from an older.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Counts up with every change.
    pub revision: u64,
    /// Trusted time when this was made, so that a reader can count down from it.
    pub at: Timestamp,
    /// The tray at a glance.
    pub headline: Headline,
    /// Every licensing service that a registered product names.
    pub accounts: Vec<AccountView>,
    /// Every registered product, by name.
    pub products: Vec<ProductView>,
    /// The sign-in that is open.
    #[serde(default)]
    pub sign_in: Option<SignInView>,
    /// The last sign-in that ended.
    #[serde(default)]
    pub last_sign_in: Option<SignInEnd>,
    /// Notices not yet shown.
    #[serde(deserialize_with = "lenient::known_ones")]
    pub notices: Vec<Notice>,
    /// What the user can mend.
    #[serde(deserialize_with = "lenient::known_ones")]
    pub problems: Vec<Problem>,
    /// Where the secrets of a sign-in are kept.
    #[serde(default, deserialize_with = "lenient::known_or_default")]
    pub vault: VaultKind,
    /// By how many minutes the wall clock is ahead (negative: behind), where it is known to be wrong (rule 16).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ahead: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_only_a_newer_version_knows_is_told_as_that() {
        let read = |line: &str| {
            let headline = format!(r#"{{"icon":"ok",{line}}}"#);
            serde_json::from_str::<Headline>(&headline).unwrap().line
        };
        let known = serde_json::to_string(&Line::VaultLocked).unwrap();
        let known = known.trim_start_matches('{').trim_end_matches('}');
        assert_eq!(read(known), Line::VaultLocked);
        assert_eq!(read(&known.replace("vault_locked", "of_tomorrow")), Line::Unknown);
    }

    #[test]
    fn every_instant_of_a_status_is_of_the_same_clock() {
        let at = Timestamp::from_secs(1_000);
        let status = StatusView {
            since: Some(at),
            until: Some(at),
            stop_at: Some(at),
            at: Some(at),
            ..StatusView::default()
        };
        let shifted = status.shifted(5_000);
        let its = Some(Timestamp::from_secs(1_005));
        let all = [shifted.since, shifted.until, shifted.stop_at, shifted.at];
        assert_eq!(all, [its; 4]);
    }
}
