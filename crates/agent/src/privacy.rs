//! What a check sends, field by field, with its present value (rule 12: the user can see every field).

use latchkey_core::engine::Engine;
use latchkey_ipc::messages::SentField;

use crate::os::Machine;
use crate::runner::usage;

/// Every field of a check, in the order of the request. Credentials are named, never shown.
pub(crate) fn sent_fields(engine: &Engine, machine: &Machine) -> Vec<SentField> {
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
    let view = engine.view();
    for product in &view.products {
        let open = if product.open > 0 { "open" } else { "closed" };
        fields.push(field(
            "product",
            format!("{} {} ({open})", product.product, product.version),
        ));
    }
    let services = engine.facts().services.values();
    for usage in services
        .flat_map(|service| service.usage.to_send())
        .filter_map(|one| usage(&one))
    {
        let since = jiff::Timestamp::from_millisecond(usage.since).unwrap_or_default();
        let value = format!(
            "{} {}: {} min, {}, since {since:.0}",
            usage.product, usage.version, usage.minutes, usage.day
        );
        fields.push(field("usage", value));
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
