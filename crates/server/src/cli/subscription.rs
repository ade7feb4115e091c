//! `latchkey-server subscription`

use clap::Subcommand;
use latchkey_core::policy::Policy;
use latchkey_core::time::Timestamp;
use serde_json::Value;

use super::output::{optional_time, time};
use super::product::product_key;
use super::{CliError, Output, name};
use crate::store::Store;
use crate::store::records::{self, NewSubscription};

#[derive(Subcommand)]
pub(super) enum Subscription {
    /// Add a subscription.
    Add {
        /// Who holds it.
        #[arg(long)]
        organisation: String,
        /// A product that it includes.
        #[arg(long, required = true, value_parser = product_key)]
        product: Vec<String>,
        /// A named feature of its products that it includes.
        #[arg(long, value_parser = name)]
        entitlement: Vec<String>,
        /// Users for each product; without it there is no limit.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
        seats: Option<u32>,
        /// Its last day (UTC), as 2026-12-31, or the exact time, as 2026-12-31T12:00:00Z.
        #[arg(long, value_parser = end, value_name = "DATE")]
        ends: Option<Timestamp>,
        /// What of the policy differs from the defaults: JSON, or @FILE.
        #[arg(long, value_parser = policy, value_name = "JSON")]
        policy: Option<Policy>,
    },
    /// List the subscriptions.
    List,
    /// End a subscription now, or move its end.
    End {
        /// The subscription.
        id: String,
        /// Its last day (UTC), or the exact time. Without it: now.
        #[arg(long, value_parser = end, value_name = "DATE", conflicts_with = "never")]
        at: Option<Timestamp>,
        /// Let it run on without an end.
        #[arg(long)]
        never: bool,
    },
    /// The terms of a subscription.
    #[command(subcommand)]
    Policy(PolicyCommand),
}

#[derive(Subcommand)]
pub(super) enum PolicyCommand {
    /// Replace the policy. Leases carry it from their next renewal on.
    Set {
        /// The subscription.
        id: String,
        /// What differs from the defaults: JSON, or @FILE. Durations are in seconds.
        #[arg(value_parser = policy, value_name = "JSON")]
        policy: Policy,
    },
}

impl Subscription {
    pub(super) async fn run(self, store: &dyn Store, now: Timestamp) -> Result<Output, CliError> {
        match self {
            Self::Add {
                organisation,
                product,
                entitlement,
                seats,
                ends,
                policy,
            } => {
                let new = NewSubscription {
                    organisation,
                    products: product,
                    entitlements: entitlement,
                    seats,
                    ends_at: ends,
                    policy: policy.unwrap_or_default(),
                };
                one(&store.add_subscription(new, now).await?)
            }
            Self::List => {
                let head = ["ID", "ORGANISATION", "PRODUCTS", "SEATS", "ENDS"];
                Output::table(&store.subscriptions().await?, head, |one| {
                    let seats = one
                        .seats
                        .map_or_else(|| "no limit".into(), |seats| seats.to_string());
                    let ends = optional_time(one.ends_at);
                    [
                        one.id.clone(),
                        one.organisation.clone(),
                        one.products.join(" "),
                        seats,
                        ends,
                    ]
                })
            }
            Self::End { id, at, never } => {
                let ends_at = if never { None } else { Some(at.unwrap_or(now)) };
                one(&store.end_subscription(id, ends_at).await?)
            }
            Self::Policy(PolicyCommand::Set { id, policy }) => one(&store.set_policy(id, policy).await?),
        }
    }
}

fn one(subscription: &records::Subscription) -> Result<Output, CliError> {
    let records::Subscription {
        id,
        organisation,
        products,
        ..
    } = subscription;
    let ends = subscription
        .ends_at
        .map_or_else(|| "has no end".into(), |end| format!("ends {}", time(end)));
    Output::new(
        subscription,
        format!("{id}: {} for {organisation}, {ends}.", products.join(" ")),
    )
}

/// The exclusive end: after the last day, or the exact time.
fn end(text: &str) -> Result<Timestamp, String> {
    let exact = text.parse::<jiff::Timestamp>().ok();
    let after_day = || {
        let next = text.parse::<jiff::civil::Date>().ok()?.tomorrow().ok()?;
        next.to_zoned(jiff::tz::TimeZone::UTC)
            .ok()
            .map(|midnight| midnight.timestamp())
    };
    let end = exact
        .or_else(after_day)
        .ok_or("must be a day such as 2026-12-31, or a time in UTC")?;
    Ok(Timestamp::from_secs(end.as_second()))
}

/// A policy, which may say only what differs, and nothing that does not exist.
pub(super) fn policy(text: &str) -> Result<Policy, String> {
    let read = match text.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?,
        None => text.to_owned(),
    };
    let value: Value = serde_json::from_str(&read).map_err(|error| format!("is no JSON: {error}"))?;
    let known = serde_json::to_value(Policy::default()).map_err(|error| error.to_string())?;
    let given = value.as_object().ok_or("must be a JSON object")?;
    if let Some(unknown) = given.keys().find(|name| known.get(name.as_str()).is_none()) {
        return Err(format!("{unknown:?} is no field of a policy"));
    }
    let policy: Policy = serde_json::from_value(value).map_err(|error| error.to_string())?;
    policy.validate().map_err(|error| error.to_string())?;
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_last_day_or_an_exact_time() {
        assert_eq!(
            end("2026-12-31"),
            Ok(Timestamp::from_secs(1_798_761_600)),
            "midnight after it"
        );
        assert_eq!(
            end("2026-12-31T00:00:00Z"),
            Ok(Timestamp::from_secs(1_798_675_200))
        );
        assert!(end("31.12.2026").is_err());
    }

    #[test]
    fn a_policy_says_what_differs_and_nothing_unknown() {
        assert_eq!(
            policy(r#"{"device_limit": 1}"#),
            Ok(Policy {
                device_limit: 1,
                ..Policy::default()
            })
        );
        for (bad, why) in [
            (
                r#"{"device_limits": 1}"#,
                "\"device_limits\" is no field of a policy",
            ),
            (r#"{"device_limit": 0}"#, "device_limit must be at least 1"),
            (
                r#"{"offline_for": 100, "check_every": 200}"#,
                "final_warning must be shorter than offline_for",
            ),
            (
                r#"{"session_ttl": 20, "heartbeat_every": 10}"#,
                "heartbeat_every must be at least 60 seconds",
            ),
            ("[]", "must be a JSON object"),
        ] {
            assert_eq!(policy(bad), Err(why.to_owned()));
        }
        assert!(policy("@/no/such/file").unwrap_err().contains("/no/such/file"));
    }
}
