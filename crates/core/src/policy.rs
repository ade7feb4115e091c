//! The numbers that the licensing service signs into each lease. See `docs/rules.md`, "The policy".

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::{DAY, HOUR, MINUTE, seconds};

/// What happens when a user who holds the session on one device starts a product on another (rule 11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionPolicy {
    /// The second device waits until the first ends.
    Deny,
    /// The second device may take the session over.
    #[default]
    Takeover,
    /// Both run, and the overlap is reported.
    Report,
}

/// What an identity outage does to somebody who holds a good lease (rule 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityOutage {
    /// Products run as they do offline.
    #[default]
    Grace,
    /// No start without a valid access token.
    Deny,
}

/// The policy of one lease. Durations travel as whole seconds; a field that is absent has its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Longest time between checks.
    #[serde(with = "seconds")]
    pub check_every: Duration,
    /// How long a lease is good without a check.
    #[serde(with = "seconds")]
    pub offline_for: Duration,
    /// Time left at which the offline message becomes the final warning.
    #[serde(with = "seconds")]
    pub final_warning: Duration,
    /// Longest life of an access token that is accepted.
    #[serde(with = "seconds")]
    pub access_token_for: Duration,
    /// How often cached credentials are renewed while online.
    #[serde(with = "seconds")]
    pub credentials_refresh_every: Duration,
    /// Life of one temporary licence.
    #[serde(with = "seconds")]
    pub temporary_for: Duration,
    /// How many temporary licences in a row; `None` is again and again.
    pub temporary_limit: Option<u32>,
    /// How long after the last good check products run on in a licensing outage before temporary licences begin.
    #[serde(with = "seconds")]
    pub outage_keep_for: Duration,
    /// Devices a user may have per subscription.
    pub device_limit: u32,
    /// Rule 11.
    pub session_policy: SessionPolicy,
    /// How often a device with an open product confirms its session.
    #[serde(with = "seconds")]
    pub heartbeat_every: Duration,
    /// When a session that is not heard of ends.
    #[serde(with = "seconds")]
    pub session_ttl: Duration,
    /// How long an open product may go on, to save work, after it must stop.
    #[serde(with = "seconds")]
    pub save_window: Duration,
    /// Rule 6.
    pub identity_outage: IdentityOutage,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            check_every: DAY,
            offline_for: 30 * DAY,
            final_warning: 3 * DAY,
            access_token_for: HOUR,
            credentials_refresh_every: DAY,
            temporary_for: 4 * HOUR,
            temporary_limit: None,
            outage_keep_for: DAY,
            device_limit: 3,
            session_policy: SessionPolicy::default(),
            heartbeat_every: 5 * MINUTE,
            session_ttl: 15 * MINUTE,
            save_window: 10 * MINUTE,
            identity_outage: IdentityOutage::default(),
        }
    }
}

/// Why a policy is nonsense. The server refuses to store such a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A duration that must be positive is zero.
    #[error("{0} must be longer than zero")]
    Zero(&'static str),
    /// A duration is shorter than what clients keep to.
    #[error("{0} must be at least {1} seconds")]
    TooShort(&'static str, u64),
    /// A duration is longer than anything the product can keep a promise about.
    #[error("{0} must be at most {1} seconds")]
    TooLong(&'static str, u64),
    /// `first` must be shorter than `second`.
    #[error("{0} must be shorter than {1}")]
    NotShorter(&'static str, &'static str),
    /// `device_limit` is zero: nobody could ever start.
    #[error("device_limit must be at least 1")]
    NoDevice,
}

/// The longest duration a policy may name: ten years.
pub const LONGEST: Duration = Duration::from_secs(3_650 * 86_400);

impl Policy {
    fn durations(&self) -> [(&'static str, Duration); 10] {
        [
            ("check_every", self.check_every),
            ("offline_for", self.offline_for),
            ("final_warning", self.final_warning),
            ("access_token_for", self.access_token_for),
            ("credentials_refresh_every", self.credentials_refresh_every),
            ("temporary_for", self.temporary_for),
            ("outage_keep_for", self.outage_keep_for),
            ("heartbeat_every", self.heartbeat_every),
            ("session_ttl", self.session_ttl),
            ("save_window", self.save_window),
        ]
    }

    /// Checks that the policy makes sense, as the server does before it stores or signs one.
    ///
    /// # Errors
    /// The first thing that is wrong, by the field's name.
    pub fn validate(&self) -> Result<(), PolicyError> {
        for (name, duration) in self.durations() {
            if duration.is_zero() {
                return Err(PolicyError::Zero(name));
            }
            if duration > LONGEST {
                return Err(PolicyError::TooLong(name, LONGEST.as_secs()));
            }
        }
        if self.final_warning >= self.offline_for {
            return Err(PolicyError::NotShorter("final_warning", "offline_for"));
        }
        if self.check_every >= self.offline_for {
            return Err(PolicyError::NotShorter("check_every", "offline_for"));
        }
        if self.heartbeat_every >= self.session_ttl {
            return Err(PolicyError::NotShorter("heartbeat_every", "session_ttl"));
        }
        if self.device_limit == 0 {
            return Err(PolicyError::NoDevice);
        }
        // What a client makes longer would be one number for the service and another for every device. What it makes shorter
        // only has it ask more often.
        let kept = self.clone().clamped();
        for ((name, said), (_, least)) in self.durations().into_iter().zip(kept.durations()) {
            if said < least {
                return Err(PolicyError::TooShort(name, least.as_secs()));
            }
        }
        Ok(())
    }

    /// The same policy with every number brought into the range that [`Policy::validate`] accepts: what a
    /// client does with a policy it was sent, because a signed mistake must not stop anybody.
    #[must_use]
    pub fn clamped(mut self) -> Self {
        let least = MINUTE;
        for duration in [
            &mut self.check_every,
            &mut self.offline_for,
            &mut self.access_token_for,
            &mut self.credentials_refresh_every,
            &mut self.temporary_for,
            &mut self.outage_keep_for,
            &mut self.heartbeat_every,
            &mut self.session_ttl,
            &mut self.save_window,
        ] {
            *duration = (*duration).clamp(least, LONGEST);
        }
        self.offline_for = self.offline_for.max(2 * least);
        self.check_every = self.check_every.min(self.offline_for / 2);
        self.final_warning = self
            .final_warning
            .clamp(Duration::from_secs(1), self.offline_for - least);
        self.session_ttl = self.session_ttl.max(2 * least);
        self.heartbeat_every = self.heartbeat_every.min(self.session_ttl / 2);
        self.device_limit = self.device_limit.max(1);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_rules() {
        let policy: Policy = serde_json::from_str("{}").unwrap();
        assert_eq!(policy, Policy::default());
        let seconds = [
            (policy.check_every, 24 * 3_600),
            (policy.offline_for, 30 * 86_400),
            (policy.final_warning, 3 * 86_400),
            (policy.access_token_for, 3_600),
            (policy.credentials_refresh_every, 24 * 3_600),
            (policy.temporary_for, 4 * 3_600),
            (policy.outage_keep_for, 24 * 3_600),
            (policy.heartbeat_every, 5 * 60),
            (policy.session_ttl, 15 * 60),
            (policy.save_window, 10 * 60),
        ];
        for (number, (is, should)) in seconds.into_iter().enumerate() {
            assert_eq!(is.as_secs(), should, "the {number}th");
        }
        assert_eq!((policy.temporary_limit, policy.device_limit), (None, 3));
        assert_eq!(policy.session_policy, SessionPolicy::Takeover);
        assert_eq!(policy.identity_outage, IdentityOutage::Grace);
        policy.validate().unwrap();
    }

    #[test]
    fn nonsense_is_rejected_by_name() {
        let policy = Policy {
            final_warning: 30 * DAY,
            ..Policy::default()
        };
        assert_eq!(
            policy.validate(),
            Err(PolicyError::NotShorter("final_warning", "offline_for"))
        );
        let policy = Policy {
            save_window: Duration::ZERO,
            ..Policy::default()
        };
        assert_eq!(policy.validate(), Err(PolicyError::Zero("save_window")));
    }

    #[test]
    fn what_clients_would_make_longer_is_rejected() {
        let second = Duration::from_secs(1);
        let sessions = |heartbeat_every, session_ttl| Policy {
            heartbeat_every,
            session_ttl,
            ..Policy::default()
        };
        sessions(MINUTE, 2 * MINUTE).validate().unwrap();
        assert_eq!(
            sessions(MINUTE, 2 * MINUTE - second).validate(),
            Err(PolicyError::TooShort("session_ttl", 120))
        );
        assert_eq!(
            sessions(MINUTE - second, 2 * MINUTE).validate(),
            Err(PolicyError::TooShort("heartbeat_every", 60))
        );
        let policy = Policy {
            save_window: second,
            ..Policy::default()
        };
        assert_eq!(policy.validate(), Err(PolicyError::TooShort("save_window", 60)));
        // Clients check twice within it: that is more than was asked for.
        let policy = Policy {
            offline_for: 36 * HOUR,
            final_warning: 6 * HOUR,
            ..Policy::default()
        };
        policy.validate().unwrap();
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_sent_is_clamped_into_sense(a: u64, b: u64, c: u64, d: u64, e: u64, limit: u32) {
            let policy = Policy {
                check_every: Duration::from_secs(a),
                offline_for: Duration::from_secs(b),
                final_warning: Duration::from_secs(c),
                heartbeat_every: Duration::from_secs(d),
                session_ttl: Duration::from_secs(e),
                device_limit: limit,
                ..Policy::default()
            };
            proptest::prop_assert_eq!(policy.clamped().validate(), Ok(()));
        }
    }
}
