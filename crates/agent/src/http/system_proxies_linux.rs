//! Linux: what the desktop has set (GNOME, KDE), as its portal tells it (`org.freedesktop.portal.ProxyResolver`). It knows scripts
//! (PAC) and exceptions too, which is why it is asked about each host. Where no portal runs, there is none to be asked, and it is not
//! started for this.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::{ClientBuilder, Proxy};
use tokio::time::Instant;
use url::Url;
use zbus::Connection;

use crate::secret::SecretText;

/// The portals of the session.
const PORTAL: &str = "org.freedesktop.portal.Desktop";
/// The longest that the session bus and a portal are waited for: a script may have to be fetched from a server that is gone.
const WITHIN: Duration = Duration::from_secs(3);
/// The user may choose another one without a change of network.
const KNOWN_FOR: Duration = Duration::from_secs(60);

/// What says in the environment which proxy is used: the client reads these by itself.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// How each host is reached. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct SystemProxies(Arc<Mutex<BTreeMap<String, Way>>>);

#[derive(Clone, Debug)]
struct Way {
    /// The proxy's address; nothing where there is none.
    proxy: Option<SecretText>,
    at: Instant,
}

impl SystemProxies {
    /// A client that goes through them. What the environment says goes first, as for every program.
    pub(crate) fn through(&self, builder: ClientBuilder) -> ClientBuilder {
        let is_said = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if VARIABLES.iter().any(is_said) {
            return builder;
        }
        let known = self.clone();
        builder.proxy(Proxy::custom(move |url| {
            let way = known.way_to(url)?;
            way.proxy.map(|proxy| proxy.expose().to_owned())
        }))
    }

    /// Finds out how `url` is reached, unless that is known.
    pub(crate) async fn look_up(&self, url: &Url) {
        let is_known = self.way_to(url).is_some_and(|way| way.at.elapsed() < KNOWN_FOR);
        if is_known {
            return;
        }
        let proxy = match tokio::time::timeout(WITHIN, ask(url)).await {
            Ok(Ok(proxies)) => usable(&proxies),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the desktop says nothing about proxies");
                None
            }
            Err(_elapsed) => {
                tracing::info!("the desktop does not say in time how services are reached");
                None
            }
        };
        let way = Way {
            proxy,
            at: Instant::now(),
        };
        self.ways(|ways| ways.insert(origin(url), way));
    }

    fn way_to(&self, url: &Url) -> Option<Way> {
        self.ways(|ways| ways.get(&origin(url)).cloned())
    }

    fn ways<T>(&self, use_: impl FnOnce(&mut BTreeMap<String, Way>) -> T) -> T {
        use_(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The proxies for an address, the best first; none where no portal runs.
async fn ask(url: &Url) -> zbus::Result<Vec<String>> {
    let bus = Connection::session().await?;
    let has_owner = bus
        .call_method(
            Some("org.freedesktop.DBus"),
            "/org/freedesktop/DBus",
            Some("org.freedesktop.DBus"),
            "NameHasOwner",
            &PORTAL,
        )
        .await?;
    if !has_owner.body().deserialize::<bool>()? {
        return Ok(Vec::new());
    }
    // The path and the query are nobody's business: a script sees the host alone, as in a browser.
    let asked = bus
        .call_method(
            Some(PORTAL),
            "/org/freedesktop/portal/desktop",
            Some("org.freedesktop.portal.ProxyResolver"),
            "Lookup",
            &format!("{}/", origin(url)),
        )
        .await?;
    asked.body().deserialize()
}

/// The first proxy that this client can speak to. `direct://` is none. What a desktop calls `socks` looks names up for its clients, as
/// browsers want it to.
fn usable(proxies: &[String]) -> Option<SecretText> {
    let kind = |proxy: &str| proxy.split(':').next().unwrap_or_default().to_owned();
    let spoken = |proxy: &String| match (kind(proxy).as_str(), proxy.strip_prefix("socks:")) {
        ("http" | "https" | "socks5" | "socks5h" | "direct", _) => Some(proxy.clone()),
        (_, Some(rest)) => Some(format!("socks5h:{rest}")),
        _ => None,
    };
    let Some(first) = proxies.iter().find_map(spoken) else {
        let kinds: Vec<String> = proxies.iter().map(|proxy| kind(proxy)).collect();
        if !kinds.is_empty() {
            tracing::warn!(?kinds, "the desktop's proxy is of a kind that is not spoken here");
        }
        return None;
    };
    (kind(&first) != "direct").then(|| SecretText::new(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(proxies: &[&str]) -> Option<String> {
        let proxies: Vec<String> = proxies.iter().map(|&proxy| proxy.to_owned()).collect();
        usable(&proxies).map(|proxy| proxy.expose().to_owned())
    }

    #[test]
    fn the_first_proxy_that_can_be_spoken_to_is_used() {
        let proxy = Some("http://proxy.nord.example:3128".to_owned());
        assert_eq!(first(&["http://proxy.nord.example:3128", "direct://"]), proxy);
        assert_eq!(
            first(&[
                "socks4://proxy.nord.example:1080",
                "http://proxy.nord.example:3128"
            ]),
            proxy
        );
        assert_eq!(
            first(&["socks://proxy.nord.example:1080"]).as_deref(),
            Some("socks5h://proxy.nord.example:1080")
        );
        assert_eq!(first(&["direct://", "http://proxy.nord.example:3128"]), None);
        for none in [
            &[][..],
            &["direct://"],
            &["socks4a://proxy.nord.example:1080"],
            &[""],
        ] {
            assert_eq!(first(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_password_of_a_proxy_is_not_shown() {
        let known = SystemProxies::default();
        let way = Way {
            proxy: first(&["http://maya:s3cret@proxy.nord.example:3128"]).map(SecretText::new),
            at: Instant::now(),
        };
        known.ways(|ways| ways.insert("https://licence.example".into(), way));
        assert!(!format!("{known:?}").contains("s3cret"));
    }
}
