//! Listening: plain HTTP on loopback, TLS everywhere else, no more connections than there may be, and an orderly end.

mod bounded;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use self::bounded::Bounded;
use crate::capacity::Capacity;
use crate::silent_peer;

/// How long a client may take to send its request's head, or to begin the next request.
const HEAD: Duration = Duration::from_secs(15);
/// How long requests may go on after the service was told to end.
const FAREWELL: Duration = Duration::from_secs(10);

/// Who encrypts.
#[derive(Clone, Debug)]
pub enum Transport {
    /// Nobody: only on a loopback address.
    Loopback,
    /// A proxy in front, on another machine or in another container. The administrator answers for the way between.
    BehindTlsProxy,
    /// This process.
    Tls {
        /// Certificate chain, PEM.
        certificate: PathBuf,
        /// Private key, PEM.
        key: PathBuf,
    },
}

/// Why the service does not listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Leases and tokens do not travel in the clear.
    #[error(
        "{0} is not a loopback address: plain HTTP is refused there. Give --tls-cert and --tls-key, or put a proxy that \
         ends TLS in front and say --behind-tls-proxy"
    )]
    PlainHttp(SocketAddr),
    /// The address is taken, or not ours.
    #[error("{address} cannot be listened on: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
    /// A certificate or key that cannot be used.
    #[error("{path}: {why}")]
    Certificate {
        /// The file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// Serving ended by itself.
    #[error("serving has failed: {0}")]
    Io(#[from] std::io::Error),
}

/// An open port, and everything that is needed to answer on it.
pub struct Listener {
    tcp: TcpListener,
    address: SocketAddr,
    tls: Option<RustlsConfig>,
    most: usize,
}

impl Listener {
    /// Opens the port, and reads the certificate.
    ///
    /// # Errors
    /// [`ServeError`], all but the last.
    pub fn open(address: SocketAddr, transport: &Transport) -> Result<Self, ServeError> {
        let tls = match transport {
            Transport::Loopback if !address.ip().is_loopback() => return Err(ServeError::PlainHttp(address)),
            Transport::Loopback | Transport::BehindTlsProxy => None,
            Transport::Tls { certificate, key } => Some(tls(certificate, key)?),
        };
        let listen = || {
            let tcp = TcpListener::bind(address)?;
            tcp.set_nonblocking(true)?;
            silent_peer::ends(&tcp)?;
            let address = tcp.local_addr()?;
            Ok(Self {
                tcp,
                address,
                tls,
                most: Capacity::FULL.connections,
            })
        };
        listen().map_err(|error| ServeError::Listen { address, error })
    }

    /// Where it listens: the port is known even where any was asked for.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same, with so many connections at once. One more is closed as soon as it is accepted.
    #[must_use]
    pub fn at_most(self, connections: usize) -> Self {
        Self {
            most: connections,
            ..self
        }
    }

    /// Answers until `end` is ready, and then lets what is on the way finish, for at most 10 s.
    ///
    /// # Errors
    /// [`ServeError::Io`].
    pub async fn serve(
        self,
        router: Router,
        end: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let handle = Handle::new();
        let ending = handle.clone();
        tokio::spawn(async move {
            end.await;
            tracing::info!("ending");
            ending.graceful_shutdown(Some(FAREWELL));
            // It looks for the end, and begins to count, only when nobody waits to be let in.
            tokio::time::sleep(FAREWELL).await;
            ending.shutdown();
        });
        let service = router.into_make_service();
        let bounded = Bounded::new(handle.clone(), self.most);
        match self.tls {
            None => {
                let server = axum_server::from_tcp(self.tcp)?;
                let mut server = server
                    .handle(handle)
                    .map(|inner| bounded.before(inner))
                    .http1_only();
                bound(&mut server);
                server.serve(service).await?;
            }
            Some(tls) => {
                let server = axum_server::from_tcp_rustls(self.tcp, tls)?;
                let mut server = server
                    .handle(handle)
                    .map(|inner| bounded.before(inner))
                    .http1_only();
                bound(&mut server);
                server.serve(service).await?;
            }
        }
        Ok(())
    }
}

/// Ends connections that say nothing.
fn bound<A: axum_server::Address, Acc>(server: &mut axum_server::Server<A, Acc>) {
    let timer = hyper_util::rt::TokioTimer::new();
    server
        .http_builder()
        .http1()
        .timer(timer)
        .header_read_timeout(HEAD)
        .max_headers(64);
}

fn tls(certificate: &Path, key: &Path) -> Result<RustlsConfig, ServeError> {
    let bad = |path: &Path, why: &dyn std::fmt::Display| ServeError::Certificate {
        path: path.display().to_string(),
        why: why.to_string(),
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| bad(certificate, &error))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| bad(key, &error))?;
    let mut config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
            .map_err(|error| bad(certificate, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(config)))
}
