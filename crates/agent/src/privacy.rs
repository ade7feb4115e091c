//! What a check sends, field by field, with its present value (rule 12: the user can see every field).

use std::collections::BTreeSet;

use latchkey_core::engine::Engine;
use latchkey_core::time::Now;
use latchkey_core::usage::Usage;
use latchkey_ipc::messages::SentField;

use crate::os::Machine;
use crate::runner::usage;

/// Every field of a check, in the order of the request. Credentials are named, never shown.
pub(crate) fn sent_fields(engine: &Engine, now: &Now, machine: &Machine) -> Vec<SentField> {
    let field = |field: &str, value: String| SentField {
        field: field.to_owned(),
        value,
    };
    let mut fields = vec![
        field("access_token", String::new()),
        field("device_proof", String::new()),
        field("request_id", String::new()),
        field("agent_version", env!("CARGO_PKG_VERSION").to_owned()),
        field("device_name", machine.name.clone()),
        field("device_system", machine.system.clone()),
    ];
    let accounts = engine.facts().services.values();
    let accounts = accounts.filter_map(|service| service.account.as_ref());
    fields.extend(accounts.map(|account| field("issuer", account.issuer.clone())));
    let services: BTreeSet<&str> = engine
        .view()
        .products
        .iter()
        .map(|product| product.service.as_str())
        .collect();
    for query in services.iter().flat_map(|service| engine.queries(now, service)) {
        let open = if query.open { "open" } else { "closed" };
        for version in &query.versions {
            fields.push(field("product", format!("{} {version} ({open})", query.product)));
        }
        if let Some(wish) = query.session {
            fields.push(field("session", format!("{}: {}", query.product, wish.name())));
        }
    }
    for service in engine.facts().services.values() {
        let to_send = service.usage.to_send();
        fields.extend(
            to_send
                .iter()
                .filter_map(minutes)
                .map(|value| field("usage", value)),
        );
        let sent = service.usage.sent().filter_map(minutes);
        fields.extend(sent.map(|value| field("usage_sent", value)));
    }
    if engine
        .facts()
        .services
        .values()
        .any(|service| service.account.is_some() && !service.linked)
    {
        fields.push(field("id_token", String::new()));
    }
    fields
}

fn minutes(one: &Usage) -> Option<String> {
    let sent = usage(one)?;
    let since = jiff::Timestamp::from_millisecond(sent.since).unwrap_or_default();
    Some(format!(
        "{} {}: {} min, {}, since {since:.0}",
        sent.product, sent.version, sent.minutes, sent.day
    ))
}
