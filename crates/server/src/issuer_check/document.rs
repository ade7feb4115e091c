//! A discovery document as it came: every field may be absent, or of the wrong kind.

use serde_json::{Map, Value};

use crate::identity::fetch::{discovery_address, document};

/// A discovery document (OpenID Connect Discovery section 3, RFC 8414).
pub(super) struct Document(Map<String, Value>);

impl Document {
    pub(super) async fn fetch(http: &reqwest::Client, issuer: &str) -> Result<Self, String> {
        let address = discovery_address(issuer);
        let body = document(http, &address)
            .await
            .map_err(|error| error.to_string())?;
        match serde_json::from_slice(&body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) | Err(_) => Err(format!("{address} is no discovery document")),
        }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    pub(super) fn says(&self, name: &str) -> bool {
        self.0.get(name) == Some(&Value::Bool(true))
    }

    /// The texts of a list; `None` where there is no such list.
    pub(super) fn list(&self, name: &str) -> Option<Vec<&str>> {
        let list = self.0.get(name)?.as_array()?;
        Some(list.iter().filter_map(Value::as_str).collect())
    }

    /// Whether a list names `entry`; `None` where there is no such list.
    pub(super) fn lists(&self, name: &str, entry: &str) -> Option<bool> {
        self.list(name).map(|list| list.contains(&entry))
    }
}
