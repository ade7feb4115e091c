//! Requests, replies and events of protocol version 1. Unknown fields are ignored; an unknown request is
//! answered [`Reply::Unsupported`].

use latchkey_core::devices::OwnDevices;
use latchkey_core::jws::Jwk;
use latchkey_core::registration::Registration;
use latchkey_core::session::SessionWish;
use latchkey_core::view::{SignInMethod, StatusView, UserCode, View};
use serde::{Deserialize, Serialize};

use crate::passphrase::Passphrase;

/// A request with the number that its reply carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Chosen by the client; unique among its open requests on this connection.
    pub id: u64,
    /// What is asked.
    #[serde(flatten)]
    pub request: Request,
}

/// What of a licence a reset ends (rule 15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetScope {
    /// One product's lease; the user stays signed in.
    Product(String),
    /// Leases, tokens and device keys of every service.
    All,
}

/// A role that one client at a time may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Shows the icon, the menu and the notices.
    Tray,
    /// Shows the window.
    Window,
}

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "request")]
#[non_exhaustive]
pub enum Request {
    /// A product starts. Answered at once with [`Reply::Authorized`]; from then on this connection holds the
    /// product open under `use_id`, and every change of its status arrives as [`Event::Use`].
    Authorize {
        /// Chosen by the client; unique on this connection.
        use_id: u64,
        /// Product key.
        product: String,
        /// Product version.
        version: String,
        /// The challenge that the proof echoes: 16 to 64 characters of base64url.
        nonce: String,
        /// The product is running already: it was granted by an agent that has gone since. It is then no new start,
        /// and what is left of a save window is still its own (rule 5).
        #[serde(default)]
        running: bool,
    },
    /// Asks for a fresh grant for an open use: a new proof for a new nonce.
    Prove {
        /// Which use.
        use_id: u64,
        /// The challenge.
        nonce: String,
    },
    /// The product is closed. Closing the connection does the same for every use on it.
    Release {
        /// Which use.
        use_id: u64,
    },
    /// Where a product stands, without opening it.
    Status {
        /// Product key.
        product: String,
    },
    /// The whole state, once.
    View,
    /// The whole state, now and whenever it changes, as [`Event::View`].
    Watch,
    /// Signs in. Answered with [`Reply::SignIn`] when the address is known. While an attempt is open, everyone who asks
    /// joins it; who names another method or address than it has begins it anew, for everyone.
    SignIn {
        /// The licensing service; the only one there is when absent.
        #[serde(default)]
        service: Option<String>,
        /// The user's work address, whose domain leads to their company's identity service. The vendor's own when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        email: Option<String>,
        /// In the browser here, or by a code elsewhere. Whatever is open, else the browser, when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        method: Option<SignInMethod>,
    },
    /// Ends the open attempt, for everyone who waits.
    CancelSignIn,
    /// Signs out: tokens and leases go, the device keeps its place. The next start needs the Internet.
    SignOut {
        /// The licensing service; the only one there is when absent.
        #[serde(default)]
        service: Option<String>,
    },
    /// Checks now (rule 2), and answers when the check has ended.
    Check,
    /// Checks now and says until when this device is good (rule 19).
    PrepareOffline,
    /// Ends licences (rule 15).
    Reset {
        /// Which.
        scope: ResetScope,
    },
    /// Registers a product, or replaces its registration.
    Register {
        /// What the product says about itself.
        registration: Box<Registration>,
    },
    /// Takes a product's registration away. Its lease stays until it ends or is reset.
    Deregister {
        /// Product key.
        product: String,
        /// Only this version; every version when absent.
        #[serde(default)]
        version: Option<String>,
    },
    /// Opens the place where the secrets are, when it is locked.
    Unlock {
        /// What opens it. Without it, whoever can ask the user is told to ask once more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        passphrase: Option<Passphrase>,
        /// Nobody has chosen a passphrase yet: this is to be it.
        #[serde(default)]
        first: bool,
    },
    /// Says what becomes of the session that this device and another one want (rule 11). Answered like [`Request::Check`].
    Session {
        /// Product key.
        product: String,
        /// What the user wants.
        wish: SessionWish,
    },
    /// The user's own devices (rule 10).
    Devices {
        /// The licensing service; the only one where somebody is signed in when absent.
        #[serde(default)]
        service: Option<String>,
    },
    /// Gives one of the user's devices up (rule 10).
    ReleaseDevice {
        /// The licensing service; the only one where somebody is signed in when absent.
        #[serde(default)]
        service: Option<String>,
        /// Which, as [`Reply::Devices`] or a refusal names it.
        device: String,
        /// It is the same machine as this one, installed anew: its place goes over.
        #[serde(default)]
        same_machine: bool,
    },
    /// Every field that a check sends, with its present value.
    Privacy,
    /// Asks for a role. When another client holds it, that one is asked to show itself.
    Claim {
        /// Which.
        role: Role,
        /// What the holder should show, if there is one: a screen's name, or empty.
        #[serde(default)]
        show: String,
    },
    /// The tray shows these notices, and nobody else need.
    Shown {
        /// Notice ids.
        notices: Vec<u64>,
    },
    /// A newer client asks this agent to end, so that a newer one can start (installers replace files under
    /// running programs).
    Retire,
    /// A request of a newer protocol.
    #[serde(other)]
    Unknown,
}

/// What the agent hands a product that may run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The lease (`latchkey-lease+jwt`); absent at a first start in an outage (rule 7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
    /// At such a first start: what the vendor has signed of the registration (`latchkey-registration+jwt`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<String>,
    /// The keys document that verifies it (`latchkey-keys+jwt`).
    pub keys: String,
    /// The temporary licence that goes on from it (`latchkey-temporary+jwt`, rule 7), where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporary: Option<String>,
    /// The device's public key, which the lease's `cnf.jkt` names.
    pub device: Jwk,
    /// Proof of possession of that key over the product's nonce (`latchkey-proof+jwt`).
    pub proof: String,
}

/// One field of what a check sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentField {
    /// The field's stable name, for which `latchkey-words` has a sentence.
    pub field: String,
    /// Its present value, as it would be sent. Credentials are named, never shown.
    pub value: String,
}

/// What went wrong with a request: a stable key with a sentence in `latchkey-words`, and detail for support.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The status code that fits, e.g. 22 for the caller's mistake.
    pub code: u16,
    /// Stable key of the problem.
    pub problem: String,
    /// Plain detail; never a secret.
    #[serde(default)]
    pub detail: String,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reply")]
#[non_exhaustive]
pub enum Reply {
    /// Done, and nothing more to say.
    Done,
    /// To [`Request::Authorize`] and [`Request::Prove`].
    Authorized {
        /// Where the product stands.
        status: StatusView,
        /// Present when it may run.
        #[serde(default)]
        grant: Option<Box<Grant>>,
    },
    /// To [`Request::Status`].
    Status {
        /// Where the product stands.
        status: StatusView,
    },
    /// To [`Request::View`] and [`Request::Watch`].
    View {
        /// The whole state.
        view: Box<View>,
    },
    /// To [`Request::SignIn`].
    SignIn {
        /// Names the attempt.
        attempt: u64,
        /// The address.
        url: String,
        /// Whether this client is the one that opens it.
        open: bool,
        /// The code to type there, for a sign-in by code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<UserCode>,
    },
    /// To [`Request::Check`] and [`Request::PrepareOffline`]: the check was answered.
    Checked {
        /// The earliest end of the leases held, if any is held.
        #[serde(default)]
        until: Option<latchkey_core::time::Timestamp>,
    },
    /// To [`Request::Devices`].
    Devices(OwnDevices),
    /// To [`Request::Privacy`].
    Privacy {
        /// Every field, in the order it is sent.
        fields: Vec<SentField>,
    },
    /// To [`Request::Claim`].
    Claimed {
        /// Whether the role is yours. If not, its holder was asked to show itself.
        granted: bool,
    },
    /// It was not done.
    Refused(Refused),
    /// This agent does not know the request.
    Unsupported,
    /// A reply of a newer protocol.
    #[serde(other)]
    Unknown,
}

/// What the agent says unasked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "few events exist at a time; a box would cost every reader more than it saves"
)]
pub enum Event {
    /// To watchers: the state changed.
    View {
        /// The whole state.
        view: Box<View>,
    },
    /// To a product: its status changed.
    Use {
        /// Which use.
        use_id: u64,
        /// Where the product stands.
        status: StatusView,
        /// Present when it may run and its lease or status is another than it was last told; the proof answers the use's
        /// last nonce.
        #[serde(default)]
        grant: Option<Box<Grant>>,
    },
    /// To the holder of a role: somebody else wanted it. Show yourself.
    Show {
        /// A screen's name, or empty.
        screen: String,
    },
    /// The agent ends: connect again when you need it.
    Retiring,
    /// An event of a newer protocol.
    #[serde(other)]
    Unknown,
}

/// One frame from agent to client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Message {
    /// An answer.
    Answer {
        /// The request's number.
        id: u64,
        /// What came of it.
        #[serde(flatten)]
        reply: Reply,
    },
    /// Something unasked.
    Event(Event),
}
