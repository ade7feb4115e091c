//! What every status owes to whoever waits: nothing is pending without saying why, since when, until when, and what to do.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// `AUTH_PENDING`
const PENDING: u64 = 4;
/// Reasons for which somebody is awaited, who does not come for ever.
const AWAITED: [&str; 4] = [
    "waiting_for_user",
    "waiting_for_other",
    "vault_locked",
    "entitlement_spreading",
];

/// Looks at every product of what `latchkey status --json` printed, and at the sign-in that is open.
///
/// # Errors
/// Something is pending that does not say all of it.
pub fn ensure_explained(status: &Value) -> Result<()> {
    for product in status["products"].as_array().into_iter().flatten() {
        explained(&product["status"]).with_context(|| format!("{} waits unexplained", product["product"]))?;
    }
    let sign_in = &status["sign_in"];
    ensure!(
        sign_in.is_null() || !(sign_in["since"].is_null() || sign_in["until"].is_null()),
        "a sign-in is open since and until nobody knows when: {sign_in}"
    );
    Ok(())
}

/// Looks at every status that a product has printed (`atlas --json`).
///
/// # Errors
/// Something is pending that does not say all of it.
pub fn ensure_product_is_told(printed: &str) -> Result<()> {
    for line in printed.lines() {
        let said: Value = serde_json::from_str(line).with_context(|| format!("no JSON: {line}"))?;
        let mut status = said["view"].clone();
        if !status.is_null() {
            status["next_step"] = said["next_step"].clone();
            explained(&status).context("a product waits unexplained")?;
        }
    }
    Ok(())
}

fn explained(status: &Value) -> Result<()> {
    if status["code"].as_u64() != Some(PENDING) {
        return Ok(());
    }
    let reason = status["reason"]
        .as_str()
        .with_context(|| format!("no reason: {status}"))?;
    ensure!(!status["since"].is_null(), "since when: {status}");
    ensure!(
        status["until"].is_null() != AWAITED.contains(&reason),
        "until when, if and only if somebody is awaited: {status}"
    );
    ensure!(
        status["obstacle"]["host"].is_string() == (reason == "network_blocked"),
        "which host, and what stands in the way: {status}"
    );
    ensure!(
        status["waiting_for"].is_string() == (reason == "waiting_for_other"),
        "whose sign-in is open: {status}"
    );
    ensure!(
        status["next_step"].as_str().is_some_and(|step| !step.is_empty()),
        "what to do: {status}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn waiting() -> Value {
        json!({
            "code": 4, "reason": "waiting_for_user", "since": "2026-01-01T00:00:00Z", "until": "2026-01-01T00:15:00Z",
            "next_step": "Finish there.",
        })
    }

    fn seen(status: &Value) -> Result<()> {
        ensure_explained(&json!({ "products": [{ "product": "ATLAS", "status": status }] }))
    }

    #[test]
    fn nothing_is_pending_without_saying_all_of_it() {
        seen(&waiting()).unwrap();
        seen(&json!({ "code": 0 })).unwrap();
        for field in ["reason", "since", "until", "next_step"] {
            let mut status = waiting();
            status[field] = Value::Null;
            seen(&status).unwrap_err();
        }
        let mut status = waiting();
        status["reason"] = "network_blocked".into();
        seen(&status).unwrap_err();
        status["until"] = Value::Null;
        seen(&status).unwrap_err();
        status["obstacle"] = json!({ "host": "licences.example", "by": "web_page" });
        seen(&status).unwrap();
        ensure_explained(&json!({ "sign_in": { "since": "2026-01-01T00:00:00Z" } })).unwrap_err();
    }

    #[test]
    fn a_product_is_told_as_much() {
        let printed = |view: &Value| {
            json!({ "event": "status", "next_step": "Finish there.", "view": view }).to_string()
        };
        ensure_product_is_told(&printed(&waiting())).unwrap();
        ensure_product_is_told(r#"{"event":"stopped"}"#).unwrap();
        let mut status = waiting();
        status["until"] = Value::Null;
        ensure_product_is_told(&printed(&status)).unwrap_err();
    }
}
