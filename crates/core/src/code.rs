//! The status codes and reasons that products, the CLI and support see. Numbers never change; retired ones
//! stay reserved. The sentence and the next step of each stand in the Fluent files of `latchkey-words`.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $number:literal $variant:ident $name:literal,)*) => {
        /// A status code (`docs/rules.md`, "Status codes").
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[repr(u16)]
        pub enum Code { $($(#[$doc])* $variant = $number,)* }

        impl Code {
            /// Every code there is, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable number.
            pub const fn number(self) -> u16 {
                self as u16
            }

            /// The stable name, as it is written in logs and JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The code with this number, if this version knows it.
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

codes! {
    /// May run; carries the [`Basis`].
    0 Ok "OK",
    /// The agent is starting, or being reached. Only the SDK says this.
    1 Connecting "CONNECTING",
    /// A request to the identity service is on the wire.
    2 PendingIdentity "PENDING_IDENTITY",
    /// A request to the licensing service is on the wire.
    3 PendingLicensing "PENDING_LICENSING",
    /// Authorisation is not complete and no request is on the wire; always with a [`Reason`].
    4 AuthPending "AUTH_PENDING",
    /// Nobody is signed in.
    10 SignInRequired "SIGN_IN_REQUIRED",
    /// No lease, and the network is needed to get one.
    11 FirstStartOffline "FIRST_START_OFFLINE",
    /// The grace is used up.
    12 OfflineLimitReached "OFFLINE_LIMIT_REACHED",
    /// No seat.
    13 NotAssigned "NOT_ASSIGNED",
    /// The subscription has ended.
    14 SubscriptionEnded "SUBSCRIPTION_ENDED",
    /// Too many devices.
    15 DeviceLimit "DEVICE_LIMIT",
    /// The session is on another device.
    16 SessionInUse "SESSION_IN_USE",
    /// The identity service is out (rule 6).
    17 IdentityUnavailable "IDENTITY_UNAVAILABLE",
    /// The licensing service is out and no temporary licence may be given (rule 7).
    18 LicensingUnavailable "LICENSING_UNAVAILABLE",
    /// The licensing service asks for a newer agent.
    19 ClientOutdated "CLIENT_OUTDATED",
    /// The SDK could neither reach nor start the agent.
    20 AgentNotFound "AGENT_NOT_FOUND",
    /// The lease does not verify for this product, user or device.
    21 LeaseInvalid "LEASE_INVALID",
    /// The caller's mistake.
    22 InvalidArgument "INVALID_ARGUMENT",
    /// This device was released elsewhere.
    23 DeviceReleased "DEVICE_RELEASED",
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(self.number())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u16::deserialize(deserializer)?;
        Self::from_number(number)
            .ok_or_else(|| serde::de::Error::custom(format_args!("unknown status code {number}")))
    }
}

macro_rules! names {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum $type { $($(#[$variant_doc])* #[serde(rename = $name)] $variant,)* }

        impl $type {
            /// Every one there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name, as it is written in logs and JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

names! {
    /// What an `OK` rests on.
    Basis {
        /// A lease, confirmed online.
        Lease "lease",
        /// A lease, without having reached the services (rule 3).
        Grace "grace",
        /// The same, with less than `final_warning` left (rule 4).
        FinalWarning "final_warning",
        /// A lease, while the licensing service is out (rule 7).
        Outage "outage",
        /// A temporary licence (rule 7).
        Temporary "temporary",
    }
}

names! {
    /// Why a status is [`Code::AuthPending`].
    Reason {
        /// A browser or device-code sign-in is open.
        WaitingForUser "waiting_for_user",
        /// Another sign-in holds the slot.
        WaitingForOther "waiting_for_other",
        /// The system's keyring waits for the user.
        VaultLocked "vault_locked",
        /// Rule 14: the seat was just assigned, and the next try is scheduled.
        EntitlementSpreading "entitlement_spreading",
        /// The product is not registered on this machine.
        NotRegistered "not_registered",
        /// Something stands between this machine and a service.
        NetworkBlocked "network_blocked",
        /// The licensing service speaks an older protocol than this agent.
        ServiceOutdated "service_outdated",
        /// The machine's clock is so wrong that TLS or a token refuses.
        ClockWrong "clock_wrong",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back_to_their_code() {
        for code in Code::ALL {
            assert_eq!(Code::from_number(code.number()), Some(*code));
        }
        assert_eq!(Code::from_number(5), None, "5 to 9 are reserved");
        assert_eq!(serde_json::to_string(&Code::OfflineLimitReached).unwrap(), "12");
        for basis in Basis::ALL {
            assert_eq!(serde_json::to_value(basis).unwrap(), basis.name());
        }
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.name());
        }
    }
}
