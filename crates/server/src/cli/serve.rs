//! `latchkey-server serve`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::init::service_url;
use super::{CliError, Data, Output, keyring, output};
use crate::capacity::Capacity;
use crate::clock::{Clock as _, SystemClock};
use crate::end::told_to_end;
use crate::identity::{Identity, Timing};
use crate::routes::{Service, router};
use crate::serve::{Listener, Transport};
use crate::signer::RootKey;
use crate::store::Store;
use crate::store::sqlite::SqliteStore;
use crate::vouch;

#[derive(Args)]
pub(super) struct Serve {
    /// The address to listen on. Port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8787", env = "LATCHKEY_SERVER_LISTEN")]
    listen: SocketAddr,
    /// The public address, where it is not the one that was given to `init`.
    #[arg(long, value_parser = service_url, env = "LATCHKEY_SERVER_URL")]
    url: Option<String>,
    /// Certificate chain, PEM: serve TLS.
    #[arg(
        long,
        requires = "tls_key",
        env = "LATCHKEY_SERVER_TLS_CERT",
        value_name = "FILE"
    )]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM.
    #[arg(
        long,
        requires = "tls_cert",
        env = "LATCHKEY_SERVER_TLS_KEY",
        value_name = "FILE"
    )]
    tls_key: Option<PathBuf>,
    /// Serve plain HTTP on an address that is not loopback, because a proxy in front ends TLS.
    #[arg(long, conflicts_with = "tls_cert")]
    behind_tls_proxy: bool,
}

impl Serve {
    pub(super) async fn run(self, data: &Data, json: bool) -> Result<Output, CliError> {
        start_log(json);
        // The one crypto provider of the process, for the issuers' TLS as for our own.
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let transport = match (self.tls_cert, self.tls_key) {
            (Some(certificate), Some(key)) => Transport::Tls { certificate, key },
            _ if self.behind_tls_proxy => Transport::BehindTlsProxy,
            _ => Transport::Loopback,
        };
        let capacity = Capacity::of_this_process();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open_to_serve(&data.database())?);
        let listener = Listener::open(self.listen, &transport)?.at_most(capacity.connections);
        let listen = listener.address();
        let url = address(&*store, data, self.url, listen, &transport).await?;
        let keys = Arc::clone(&store);
        let service = Service::new(
            url.clone(),
            store,
            Arc::new(SystemClock),
            Identity::new(Timing::DEFAULT)?,
        )?
        .with_streams(capacity.streams);
        let end = told_to_end()?;
        if json {
            output::line(&json!({"ready": true, "url": url, "listen": listen.to_string()}).to_string());
        } else {
            output::line(&format!(
                "latchkey-server is ready at {url} (listening on {listen})"
            ));
        }
        let push = tokio::spawn(service.push());
        let vouching = tokio::spawn(vouch::keep_new(keys, data.root_key()));
        let end = async move {
            end.await;
            // Streams would keep the service from ending.
            push.abort();
            vouching.abort();
        };
        listener.serve(router(Arc::new(service)), end).await?;
        Ok(Output::none())
    }
}

/// The public address: what is said here, what an administrator has said before, or where we listen. When it changes,
/// the keys document has to be signed anew, for it names the address.
async fn address(
    store: &dyn Store,
    data: &Data,
    said: Option<String>,
    listen: SocketAddr,
    transport: &Transport,
) -> Result<String, CliError> {
    let keyring = keyring(store).await?;
    let given = said.or_else(|| keyring.url.clone().filter(|_| !keyring.url_derived));
    let derived = given.is_none();
    let url = match (given, transport) {
        (Some(url), _) => url,
        (None, Transport::Loopback) => format!("http://{listen}"),
        (None, Transport::BehindTlsProxy | Transport::Tls { .. }) => {
            return Err(CliError::Usage(
                "say the public address: --url https://...".into(),
            ));
        }
    };
    if !matches!(transport, Transport::Loopback) && !url.starts_with("https://") {
        return Err(CliError::Usage(format!(
            "the public address {url} must be https here: --url https://..."
        )));
    }
    if keyring.url.as_ref() != Some(&url) || keyring.document.is_none() {
        let root = RootKey::read(&data.root_key())?;
        store
            .publish(root.move_to(&url, derived, &keyring, SystemClock.now())?)
            .await?;
        tracing::info!(url, "the keys document is signed for this address");
    }
    Ok(url)
}

fn start_log(json: bool) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("LATCHKEY_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let _already_started = if json {
        log.json().try_init()
    } else {
        log.with_ansi(false).try_init()
    };
}
