//! Where a product stands: one total function of what is stored, what is pending, and the time.

use std::time::Duration;

use crate::code::{Basis, Code, Reason};
use crate::facts::{Facts, Held, Service};
use crate::hindrance::Hindrance;
use crate::lease::{Lease, Refusal, RefusalDetail};
use crate::notice::Left;
use crate::policy::IdentityOutage;
use crate::registration::Registration;
use crate::temporary::{Temporary, may_go_on};
use crate::time::{DAY, MINUTE, Timestamp};
use crate::view::{Away, Reach, StatusView};

/// How long the user is awaited at a locked keyring (rule 17).
pub(crate) const VAULT_AWAITED_FOR: Duration = Duration::from_secs(15 * 60);
/// How long the check may take that is due when `check_every` has passed.
const CHECK_MAY_TAKE: Duration = MINUTE;
/// How long what is open runs on under `deny` after the last check (rule 6).
pub(crate) const DENIED_AFTER: Duration = DAY;

/// Where a product stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It may run.
    Ok {
        /// What that rests on.
        basis: Basis,
        /// Why the days are counted, where that is grace or the final days.
        away: Option<Away>,
        /// What the service says of an agent that is too old: it runs on, and is not renewed.
        detail: Option<Box<RefusalDetail>>,
        /// The end of the lease or of the temporary licence, exclusive.
        until: Timestamp,
    },
    /// A request is on the wire, and somebody waits for it.
    OnWire(Wire),
    /// Authorisation is not complete and no request is on the wire.
    AuthPending {
        /// Why.
        why: Why,
        /// Since when.
        since: Timestamp,
        /// The deadline, where somebody is awaited.
        until: Option<Timestamp>,
    },
    /// The service refused, signed.
    Refused(Box<Refusal>),
    /// The grace is used up.
    OfflineLimitReached {
        /// When the lease ended.
        ended_at: Timestamp,
    },
    /// The lease does not verify.
    LeaseInvalid,
    /// No lease, and the network is needed to get one.
    FirstStartOffline {
        /// What keeps the check away that would get one.
        away: Away,
    },
    /// Nobody is signed in.
    SignInRequired,
    /// The identity service is out.
    IdentityUnavailable,
    /// The licensing service is out.
    LicensingUnavailable,
}

/// Why authorisation is not complete: the reasons of `AUTH_PENDING`, with what each has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// A sign-in is open.
    WaitingForUser,
    /// Another sign-in holds the slot.
    WaitingForOther {
        /// The licensing service that it is for.
        service: String,
    },
    /// The system's keyring waits for the user, or does not answer.
    VaultLocked,
    /// The seat may just have been assigned (rule 14).
    EntitlementSpreading,
    /// The product is not registered on this machine.
    NotRegistered,
    /// No check can succeed.
    Hindered(Hindrance),
}

impl Why {
    /// The stable reason.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::WaitingForUser => Reason::WaitingForUser,
            Self::WaitingForOther { .. } => Reason::WaitingForOther,
            Self::VaultLocked => Reason::VaultLocked,
            Self::EntitlementSpreading => Reason::EntitlementSpreading,
            Self::NotRegistered => Reason::NotRegistered,
            Self::Hindered(hindrance) => hindrance.reason(),
        }
    }

    /// What the reason has to say, as it travels.
    fn told(&self, base: StatusView) -> StatusView {
        let base = StatusView {
            reason: Some(self.reason()),
            ..base
        };
        match self {
            Self::WaitingForOther { service } => StatusView {
                waiting_for: Some(service.clone()),
                ..base
            },
            Self::Hindered(Hindrance::Blocked(obstacle)) => StatusView {
                obstacle: Some(obstacle.clone()),
                ..base
            },
            Self::Hindered(Hindrance::ClockWrong { ahead }) => StatusView {
                clock_ahead: *ahead,
                ..base
            },
            Self::Hindered(Hindrance::ServiceOutdated)
            | Self::WaitingForUser
            | Self::VaultLocked
            | Self::EntitlementSpreading
            | Self::NotRegistered => base,
        }
    }
}

/// Which service is being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The identity service.
    Identity,
    /// The licensing service.
    Licensing,
}

/// A request that is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    /// To whom.
    pub party: Party,
    /// Since when.
    pub since: Timestamp,
    /// When the answer no longer counts.
    pub until: Timestamp,
}

/// A sign-in that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSignIn {
    /// The licensing service that it is for; where that is another one, it holds the slot.
    pub service: String,
    /// Since when.
    pub since: Timestamp,
    /// Its deadline.
    pub until: Timestamp,
}

/// What of the running agent a status depends on, for one product.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// A check that a start of this product waits for.
    pub wire: Option<Wire>,
    /// The start must wait for that check although the lease is good (rule 2).
    pub confirm: bool,
    /// A sign-in.
    pub sign_in: Option<OpenSignIn>,
    /// What is known about reaching the services.
    pub reach: Reach,
    /// The last that was heard is that this service is busy, and the other one answers.
    pub busy: Option<Party>,
    /// It runs already.
    pub running: bool,
    /// The keyring waits for the user, since.
    pub vault_locked: Option<Timestamp>,
    /// The vault is not there, or does not answer, since: nobody is awaited for it.
    pub vault_silent: Option<Timestamp>,
    /// The vault does not give the device key yet, since: until it does, nothing can be proven to the product.
    pub key_awaited: Option<Timestamp>,
    /// The device key is gone, so that nothing can be proven to the product.
    pub keyless: bool,
    /// The device key is another one than what is held is bound to: it is as if nothing were held and nobody signed in.
    pub unbound: bool,
    /// The seat may just have been assigned (rule 14): since when its user waits, and when the next try is.
    pub spreading: Option<(Timestamp, Timestamp)>,
    /// Why no check can succeed, and since when.
    pub hindrance: Option<(Hindrance, Timestamp)>,
}

impl Pending {
    /// The same, in the time of a clock that is so far ahead, in milliseconds.
    pub fn shifted(&self, millis: i64) -> Self {
        let one = |instant: Timestamp| instant.shifted(millis);
        Self {
            wire: self.wire.map(|wire| Wire {
                since: one(wire.since),
                until: one(wire.until),
                ..wire
            }),
            sign_in: self.sign_in.clone().map(|open| OpenSignIn {
                since: one(open.since),
                until: one(open.until),
                ..open
            }),
            vault_locked: self.vault_locked.map(one),
            vault_silent: self.vault_silent.map(one),
            key_awaited: self.key_awaited.map(one),
            spreading: self.spreading.map(|(since, next)| (one(since), one(next))),
            hindrance: self.hindrance.clone().map(|(by, since)| (by, one(since))),
            ..self.clone()
        }
    }
}

/// Where a product stands. `registration` is `None` when the product is not registered; `now` is trusted time.
///
/// Where several answers would fit, the first of `docs/rules.md`'s order is given.
pub fn status(
    facts: &Facts,
    pending: &Pending,
    registration: Option<&Registration>,
    now: Timestamp,
) -> Status {
    let auth_pending = |why, since, until| Status::AuthPending { why, since, until };
    let Some(registration) = registration else {
        return auth_pending(Why::NotRegistered, now, None);
    };
    let hindered =
        |(by, since): &(Hindrance, Timestamp)| auth_pending(Why::Hindered(by.clone()), *since, None);
    if let Some(hindrance @ (Hindrance::ServiceOutdated, _)) = &pending.hindrance {
        return hindered(hindrance);
    }
    let service = facts.services.get(&registration.service);
    let held = facts
        .held(&registration.service, &registration.product)
        .filter(|_| !pending.unbound);
    let lease = service
        .filter(|service| service.account.is_some())
        .and(held)
        .and_then(Held::lease);
    let good = lease.filter(|lease| lease.is_good(now));
    let temporary = service
        .filter(|service| service.account.is_some())
        .and(held)
        .and_then(Held::temporary)
        .filter(|temporary| temporary.is_good(now));

    if let Some(refusal) = standing_refusal(held, good.is_some()) {
        let code = refusal.claims().code;
        // What runs is told of its lease's end by the check that goes first (rule 5).
        let ends = pending.running && code == Code::ClientOutdated;
        return match (
            pending.spreading,
            pending.wire.filter(|_| pending.confirm || ends),
        ) {
            (Some((since, next_try)), _) if code == Code::NotAssigned => {
                auth_pending(Why::EntitlementSpreading, since, Some(next_try))
            }
            // The session may have ended since: who starts is answered by the check that asks (rule 2).
            // The agent may have been updated since.
            (_, Some(wire)) if matches!(code, Code::SessionInUse | Code::ClientOutdated) => {
                Status::OnWire(wire)
            }
            _ => Status::Refused(Box::new(refusal.clone())),
        };
    }
    let counts = !pending.keyless && !lease.is_some_and(|lease| is_denied(lease, service, pending, now));
    let grounds = grounds(lease, temporary, pending.reach, now).filter(|_| counts);
    let unproven = pending.key_awaited.filter(|_| grounds.is_some());
    if let Some((basis, until)) = grounds.filter(|_| unproven.is_none()) {
        return match pending.wire.filter(|_| pending.confirm) {
            Some(wire) => Status::OnWire(wire),
            None => runs(basis, until, held, pending.reach),
        };
    }
    if let Some(wire) = pending.wire {
        return Status::OnWire(wire);
    }
    let signed_in = service
        .and_then(|service| service.account.as_ref())
        .is_some_and(|account| !account.sign_in_again && !pending.unbound);
    // Somebody's sign-in at another service is waited for by those alone who need one themselves: there is one at a time.
    let needs_one = !signed_in || pending.keyless;
    let sign_in = pending
        .sign_in
        .as_ref()
        .filter(|open| needs_one || open.service == registration.service);
    if let Some(sign_in) = sign_in {
        let why = if sign_in.service == registration.service {
            Why::WaitingForUser
        } else {
            let service = sign_in.service.clone();
            Why::WaitingForOther { service }
        };
        return auth_pending(why, sign_in.since, Some(sign_in.until));
    }
    if let Some(since) = pending.vault_locked.or(unproven) {
        // Whoever has not come by then is no longer awaited (rule 17).
        let until = Some(since + VAULT_AWAITED_FOR).filter(|until| now < *until);
        return auth_pending(Why::VaultLocked, since, until);
    }
    if let Some(since) = pending.vault_silent.filter(|_| signed_in) {
        return auth_pending(Why::VaultLocked, since, None);
    }
    if let Some(hindrance) = &pending.hindrance {
        return hindered(hindrance);
    }
    if good.is_some() || temporary.is_some() {
        return if signed_in && !pending.keyless {
            Status::IdentityUnavailable
        } else {
            Status::SignInRequired
        };
    }
    if let Some(lease) = lease {
        // The lease verifies and is not good: it has ended, or its time has not come because the clock is behind.
        return if lease.until() <= now {
            Status::OfflineLimitReached {
                ended_at: lease.until(),
            }
        } else {
            Status::LeaseInvalid
        };
    }
    if held.is_some_and(|held| held.lease_error().is_some()) {
        return Status::LeaseInvalid;
    }
    let away = pending.reach.into();
    let first_start_offline = Status::FirstStartOffline { away };
    match pending.reach {
        Reach::Offline | Reach::NeitherAnswers => first_start_offline,
        Reach::Unknown | Reach::Online | Reach::Doubtful | Reach::IdentityOutage | Reach::LicensingOutage
            if !signed_in =>
        {
            Status::SignInRequired
        }
        Reach::IdentityOutage => Status::IdentityUnavailable,
        Reach::LicensingOutage => Status::LicensingUnavailable,
        Reach::Unknown | Reach::Online | Reach::Doubtful => match pending.busy {
            // Both have just answered: the network is there, and it is this service that keeps the lease away.
            Some(Party::Identity) => Status::IdentityUnavailable,
            Some(Party::Licensing) => Status::LicensingUnavailable,
            // Signed in, nothing held and nothing known against it: the lease is one check away.
            None => first_start_offline,
        },
    }
}

/// The refusal in force, if one stands in the way (rule 9): an outdated client runs to the end of its lease.
fn standing_refusal(held: Option<&Held>, has_good_lease: bool) -> Option<&Refusal> {
    let refusal = held?.refusal()?;
    let runs_on = has_good_lease && refusal.claims().code == Code::ClientOutdated;
    (!runs_on).then_some(refusal)
}

/// What rests on this. Where the lease is not renewed the days are counted from then on, online too.
fn runs(basis: Basis, until: Timestamp, held: Option<&Held>, reach: Reach) -> Status {
    let outdated = held
        .filter(|held| held.is_client_outdated())
        .and_then(Held::refusal);
    let basis = match basis {
        Basis::Lease | Basis::Outage if outdated.is_some() => Basis::Grace,
        Basis::Lease | Basis::Outage | Basis::Grace | Basis::FinalWarning | Basis::Temporary => basis,
    };
    let counts_down = matches!(basis, Basis::Grace | Basis::FinalWarning);
    Status::Ok {
        basis,
        away: counts_down.then(|| away(held, reach, basis == Basis::FinalWarning)),
        detail: outdated.map(|refusal| Box::new(refusal.claims().detail.clone())),
        until,
    }
}

/// Why the days are counted of what is held, where they are.
pub(crate) fn away(held: Option<&Held>, reach: Reach, is_final: bool) -> Away {
    let lease = held.and_then(Held::lease);
    if held.is_some_and(Held::is_client_outdated) {
        Away::Outdated
    } else if is_final && lease.is_some_and(|lease| !may_go_on(lease)) {
        // No check gives it more time, only whoever renews the subscription.
        Away::Subscription
    } else {
        reach.into()
    }
}

/// Whether the identity service's absence, or its `invalid_grant`, keeps a good lease from counting (rule 6).
pub(crate) fn is_denied(lease: &Lease, service: Option<&Service>, pending: &Pending, now: Timestamp) -> bool {
    let account = service.and_then(|service| service.account.as_ref());
    let no_token =
        pending.reach == Reach::IdentityOutage || account.is_some_and(|account| account.sign_in_again);
    let runs_on = pending.running && now < lease.checked_at() + DENIED_AFTER;
    lease.claims().policy.identity_outage == IdentityOutage::Deny && no_token && !runs_on
}

/// Whether the licensing service is known to be out of reach, for whatever reason.
pub const fn is_offline(reach: Reach) -> bool {
    match reach {
        Reach::Offline | Reach::NeitherAnswers => true,
        Reach::Unknown | Reach::Online | Reach::Doubtful | Reach::IdentityOutage | Reach::LicensingOutage => {
            false
        }
    }
}

/// What lets a product run at `now`, and until when: the lease while it is good, and a temporary licence for as long as nobody is
/// known to be offline, past the lease's own end, or without one (rule 7).
fn grounds(
    lease: Option<&Lease>,
    temporary: Option<&Temporary>,
    reach: Reach,
    now: Timestamp,
) -> Option<(Basis, Timestamp)> {
    let counts_down = is_offline(reach) || reach == Reach::IdentityOutage;
    let good = lease.filter(|lease| lease.is_good(now));
    match temporary {
        Some(temporary) if !(counts_down && good.is_some()) => Some((Basis::Temporary, temporary.until())),
        Some(_) | None => good.map(|lease| (basis(lease, reach, now), lease.until())),
    }
}

/// Whether less than the final warning is left of a lease (rule 4).
pub(crate) fn is_final(lease: &Lease, now: Timestamp) -> bool {
    lease.until().since(now) < lease.claims().policy.final_warning
}

/// What a good lease rests on at `now` (rules 3, 4, 6 and 7).
fn basis(lease: &Lease, reach: Reach, now: Timestamp) -> Basis {
    if is_final(lease, now) {
        return Basis::FinalWarning;
    }
    match reach {
        Reach::Offline | Reach::NeitherAnswers | Reach::IdentityOutage => Basis::Grace,
        Reach::LicensingOutage => Basis::Outage,
        Reach::Unknown | Reach::Online | Reach::Doubtful if now < unconfirmed_from(lease) => Basis::Lease,
        Reach::Unknown | Reach::Online | Reach::Doubtful => Basis::Grace,
    }
}

/// From when on a lease has gone without the check that was due, whatever kept it away.
pub(crate) fn unconfirmed_from(lease: &Lease) -> Timestamp {
    lease.checked_at() + lease.claims().policy.check_every + CHECK_MAY_TAKE
}

impl Status {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Ok { .. } => Code::Ok,
            Self::OnWire(Wire {
                party: Party::Identity,
                ..
            }) => Code::PendingIdentity,
            Self::OnWire(Wire {
                party: Party::Licensing,
                ..
            }) => Code::PendingLicensing,
            Self::AuthPending { .. } => Code::AuthPending,
            Self::Refused(refusal) => refusal.claims().code,
            Self::OfflineLimitReached { .. } => Code::OfflineLimitReached,
            Self::LeaseInvalid => Code::LeaseInvalid,
            Self::FirstStartOffline { .. } => Code::FirstStartOffline,
            Self::SignInRequired => Code::SignInRequired,
            Self::IdentityUnavailable => Code::IdentityUnavailable,
            Self::LicensingUnavailable => Code::LicensingUnavailable,
        }
    }

    /// Whether the answer is still to come: something is on the wire.
    pub const fn is_on_wire(&self) -> bool {
        matches!(self, Self::OnWire(_))
    }

    /// The same, as it travels. `stop_at` is for an open product that must stop.
    pub fn view(&self, now: Timestamp, stop_at: Option<Timestamp>) -> StatusView {
        let code = self.code();
        let base = StatusView {
            code: code.number(),
            name: code.name().to_owned(),
            stop_at,
            ..StatusView::default()
        };
        match self {
            Self::Ok {
                basis,
                away,
                detail,
                until,
            } => StatusView {
                basis: Some(*basis),
                away: *away,
                detail: detail.as_deref().cloned(),
                until: Some(*until),
                left: Some(Left::between(now, *until)),
                ..base
            },
            Self::OnWire(wire) => StatusView {
                since: Some(wire.since),
                until: Some(wire.until),
                ..base
            },
            Self::AuthPending { why, since, until } => StatusView {
                since: Some(*since),
                until: *until,
                ..why.told(base)
            },
            Self::Refused(refusal) => StatusView {
                since: Some(Timestamp::from_secs(refusal.claims().binding.server_time)),
                detail: Some(refusal.claims().detail.clone()),
                ..base
            },
            Self::OfflineLimitReached { ended_at } => StatusView {
                since: Some(*ended_at),
                until: Some(*ended_at),
                ..base
            },
            Self::FirstStartOffline { away } => StatusView {
                away: Some(*away),
                ..base
            },
            Self::LeaseInvalid
            | Self::SignInRequired
            | Self::IdentityUnavailable
            | Self::LicensingUnavailable => base,
        }
    }
}
