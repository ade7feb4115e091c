//! One connection to the agent, and the product that it holds open there.

use std::time::Duration;

use latchkey_core::code::{Code, Reason};
use latchkey_core::jws::base64url;
use latchkey_core::registration::Registration;
use latchkey_core::view::StatusView;
use latchkey_ipc::client::{CallError, Closed, Connection};
use latchkey_ipc::hello::Kind;
use latchkey_ipc::launch::{self, LaunchError};
use latchkey_ipc::messages::{Grant, Refused, Reply, Request};

use crate::product::Product;
use crate::status::own;

/// How long the agent may take to answer. It answers from memory.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the connection is of no use any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("this system gives no random numbers: {0}")]
    NoRandomness(getrandom::Error),
}

impl From<Closed> for LinkError {
    fn from(closed: Closed) -> Self {
        Self::Call(closed.into())
    }
}

/// What the agent says about the product; not yet believed.
pub(super) struct Answer {
    pub(super) status: StatusView,
    pub(super) grant: Option<Box<Grant>>,
    /// The challenge that the grant's proof has to echo.
    pub(super) nonce: String,
    pub(super) detail: String,
}

pub(super) struct Link {
    pub(super) connection: Connection,
    pub(super) has_registered: bool,
    open: Option<u64>,
}

/// The only use of a connection.
const USE: u64 = 1;

impl Link {
    pub(super) fn connect(product: &Product) -> Result<Self, LaunchError> {
        let address = product.address()?;
        let connection = launch::connect_or_start_at(&address, Kind::Sdk, launch::START_TIMEOUT)?;
        Ok(Self {
            connection,
            has_registered: false,
            open: None,
        })
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(super) fn is_open_as(&self, use_id: u64) -> bool {
        self.open == Some(use_id)
    }

    /// Opens the product, or asks for a fresh proof where it is open. `running` says that it was granted before, by an
    /// agent that has gone since.
    pub(super) fn ask(&mut self, product: &Product, running: bool) -> Result<Answer, LinkError> {
        let nonce = nonce()?;
        let request = match self.open {
            Some(use_id) => Request::Prove {
                use_id,
                nonce: nonce.clone(),
            },
            None => Request::Authorize {
                use_id: USE,
                product: product.key.clone(),
                version: product.version.clone(),
                nonce: nonce.clone(),
                running,
            },
        };
        let (status, grant, detail) = match self.connection.call(request, CALL_TIMEOUT)? {
            Reply::Authorized { status, grant } => {
                // The agent keeps no use of what it does not know: it has to be opened anew.
                let is_known = status.reason != Some(Reason::NotRegistered);
                self.open = is_known.then_some(USE);
                (status, grant, String::new())
            }
            reply => {
                let (status, detail) = refused(reply);
                (status, None, detail)
            }
        };
        Ok(Answer {
            status,
            grant,
            nonce,
            detail,
        })
    }

    /// Where the product stands, without opening it.
    pub(super) fn status(&self, product: &str) -> Result<StatusView, LinkError> {
        match self.connection.call(
            Request::Status {
                product: product.to_owned(),
            },
            CALL_TIMEOUT,
        )? {
            Reply::Status { status } => Ok(status),
            reply => Ok(refused(reply).0),
        }
    }

    /// Registers the product; with what stands in the way, if something does. It has to be opened anew then.
    pub(super) fn register(&mut self, registration: Box<Registration>) -> Result<Option<String>, LinkError> {
        self.has_registered = true;
        self.open = None;
        match self
            .connection
            .call(Request::Register { registration }, CALL_TIMEOUT)?
        {
            Reply::Done => Ok(None),
            reply => Ok(Some(refused(reply).1)),
        }
    }
}

/// A reply that is no answer to what was asked: the agent's reason, or an agent that is too old to know the request.
fn refused(reply: Reply) -> (StatusView, String) {
    match reply {
        Reply::Refused(Refused {
            code,
            problem,
            detail,
        }) => {
            let code = Code::from_number(code).filter(|code| *code != Code::Ok);
            let detail = if detail.is_empty() {
                problem
            } else {
                format!("{problem}: {detail}")
            };
            (own(code.unwrap_or(Code::InvalidArgument)), detail)
        }
        _ => (
            own(Code::AgentNotFound),
            "the agent does not know the request: update Latchkey".to_owned(),
        ),
    }
}

fn nonce() -> Result<String, LinkError> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(LinkError::NoRandomness)?;
    Ok(base64url(bytes))
}
