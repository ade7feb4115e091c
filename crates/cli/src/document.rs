//! What `--json` prints: schema 1. Fields are added, and never renamed or taken away; `docs/cli.md` describes them.

use latchkey_core::devices::OwnDevices;
use latchkey_core::hindrance::Obstacle;
use latchkey_core::lease::{DeviceEntry, RefusalDetail};
use latchkey_core::notice::Left;
use latchkey_core::session::WaitingDevice;
use latchkey_core::time::Timestamp;
use latchkey_core::view::{
    AccountView, Icon, Line, Problem, ProductView, Reach, SignInMethod, SignInPhase, SignInView, StatusView,
    View,
};
use latchkey_words::{Words, jiff};
use serde::{Serialize, Serializer};

/// The version of all that stands here.
pub(crate) const SCHEMA: u32 = 1;

/// An instant as RFC 3339 has it, in UTC.
#[derive(Clone, Copy)]
struct Instant(Timestamp);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nearest = if self.0.as_millis() < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        };
        let instant = jiff::Timestamp::from_millisecond(self.0.as_millis()).unwrap_or(nearest);
        serializer.collect_str(&instant)
    }
}

/// `latchkey status --json`
#[derive(Serialize)]
pub(crate) struct StatusDocument<'a> {
    schema: u32,
    at: Instant,
    headline: Headline,
    products: Vec<Product<'a>>,
    accounts: Vec<Account<'a>>,
    sign_in: Option<SignIn<'a>>,
    problems: &'a [Problem],
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_ahead: Option<i64>,
}

/// `latchkey products --json`
#[derive(Serialize)]
pub(crate) struct ProductsDocument<'a> {
    schema: u32,
    products: Vec<Product<'a>>,
}

#[derive(Serialize)]
struct Headline {
    icon: Icon,
    line: String,
    text: String,
}

#[derive(Serialize)]
struct Product<'a> {
    product: &'a str,
    version: &'a str,
    name: &'a str,
    publisher: &'a str,
    service: &'a str,
    organisation: Option<&'a str>,
    open: u32,
    checked_at: Option<Instant>,
    status: Status<'a>,
}

#[derive(Serialize)]
struct Status<'a> {
    code: u16,
    name: &'a str,
    may_run: bool,
    basis: Option<&'static str>,
    away: Option<&'static str>,
    reason: Option<&'static str>,
    obstacle: Option<&'a Obstacle>,
    waiting_for: Option<&'a str>,
    clock_ahead: Option<i64>,
    since: Option<Instant>,
    until: Option<Instant>,
    left: Option<Left>,
    stop_at: Option<Instant>,
    devices: Vec<Device<'a>>,
    holder: Option<Device<'a>>,
    holder_since: Option<Instant>,
    may_take_over: bool,
    minimum_version: Option<&'a str>,
    contact: Option<&'a str>,
    text: String,
    next_step: String,
}

#[derive(Serialize)]
struct Device<'a> {
    id: &'a str,
    name: &'a str,
    system: &'a str,
    last_seen: Instant,
}

#[derive(Serialize)]
struct Account<'a> {
    service: &'a str,
    user: Option<User<'a>>,
    reach: Reach,
    checked_at: Option<Instant>,
    next_check_at: Option<Instant>,
    checking: bool,
    release_waiting: bool,
    session_awaited: Vec<Waiting<'a>>,
}

#[derive(Serialize)]
struct Waiting<'a> {
    name: &'a str,
    asked_at: Instant,
}

#[derive(Serialize)]
struct User<'a> {
    name: &'a str,
    email: Option<&'a str>,
    issuer: &'a str,
}

#[derive(Serialize)]
struct SignIn<'a> {
    service: &'a str,
    method: SignInMethod,
    issuer: Option<&'a str>,
    phase: SignInPhase,
    since: Instant,
    until: Instant,
}

impl<'a> StatusDocument<'a> {
    /// The state.
    pub(crate) fn new(view: &'a View, words: &Words) -> Self {
        Self {
            schema: SCHEMA,
            at: Instant(view.at),
            headline: Headline {
                icon: view.headline.icon,
                line: line_name(&view.headline.line),
                text: words.line(&view.headline.line, view.at),
            },
            products: products(view, words),
            accounts: view.accounts.iter().map(account).collect(),
            sign_in: view.sign_in.as_ref().map(sign_in),
            problems: &view.problems,
            clock_ahead: view.clock_ahead,
        }
    }

    /// Everything but the time, to see whether anything has changed.
    pub(crate) fn content(&self) -> serde_json::Value {
        let mut content = serde_json::to_value(self).unwrap_or_default();
        content["at"].take();
        content
    }
}

/// The stable name of a status line, which its own JSON form carries beside what it says.
fn line_name(line: &Line) -> String {
    let form = serde_json::to_value(line).unwrap_or_default();
    form["line"].as_str().unwrap_or("other").to_owned()
}

/// `latchkey devices --json`
#[derive(Serialize)]
pub(crate) struct DevicesDocument<'a> {
    schema: u32,
    devices: Vec<Own<'a>>,
    releases_left: u32,
}

#[derive(Serialize)]
struct Own<'a> {
    id: &'a str,
    name: &'a str,
    system: &'a str,
    last_seen: Instant,
    holds_place: bool,
    in_use: bool,
    this: bool,
}

impl<'a> DevicesDocument<'a> {
    /// The user's own devices.
    pub(crate) fn new(own: &'a OwnDevices) -> Self {
        let devices = own.devices.iter().map(|device| Own {
            id: &device.id,
            name: &device.name,
            system: &device.system,
            last_seen: Instant(Timestamp::from_secs(device.last_seen)),
            holds_place: device.holds_place,
            in_use: device.in_use,
            this: device.this,
        });
        Self {
            schema: SCHEMA,
            devices: devices.collect(),
            releases_left: own.releases_left,
        }
    }
}

impl<'a> ProductsDocument<'a> {
    /// Every registered product.
    pub(crate) fn new(view: &'a View, words: &Words) -> Self {
        Self {
            schema: SCHEMA,
            products: products(view, words),
        }
    }
}

fn products<'a>(view: &'a View, words: &Words) -> Vec<Product<'a>> {
    let product = |product: &'a ProductView| Product {
        product: &product.product,
        version: &product.version,
        name: &product.name,
        publisher: &product.publisher,
        service: &product.service,
        organisation: product.org.as_deref(),
        open: product.open,
        checked_at: product.checked_at.map(Instant),
        status: status(&product.status, &product.name, view.at, words),
    };
    view.products.iter().map(product).collect()
}

fn status<'a>(status: &'a StatusView, product: &str, now: Timestamp, words: &Words) -> Status<'a> {
    static NONE: RefusalDetail = RefusalDetail {
        devices: Vec::new(),
        holder: None,
        holder_since: None,
        may_take_over: false,
        minimum_version: None,
        contact: None,
    };
    let detail = status.detail.as_ref().unwrap_or(&NONE);
    let sentence = words.status(status, product, now);
    Status {
        code: status.code,
        name: &status.name,
        may_run: status.may_run(),
        basis: status.basis.map(|basis| basis.name()),
        away: status.away.map(|away| away.name()),
        reason: status.reason.map(|reason| reason.name()),
        obstacle: status.obstacle.as_ref(),
        waiting_for: status.waiting_for.as_deref(),
        clock_ahead: status.clock_ahead,
        since: status.since.map(Instant),
        until: status.until.map(Instant),
        left: status.left,
        stop_at: status.stop_at.map(Instant),
        devices: detail.devices.iter().map(device).collect(),
        holder: detail.holder.as_ref().map(device),
        holder_since: detail
            .holder_since
            .map(|since| Instant(Timestamp::from_secs(since))),
        may_take_over: detail.may_take_over,
        minimum_version: detail.minimum_version.as_deref(),
        contact: detail.contact.as_deref(),
        text: sentence.text,
        next_step: sentence.next_step,
    }
}

fn device(device: &DeviceEntry) -> Device<'_> {
    Device {
        id: &device.id,
        name: &device.name,
        system: &device.system,
        last_seen: Instant(Timestamp::from_secs(device.last_seen)),
    }
}

fn waiting(device: &WaitingDevice) -> Waiting<'_> {
    Waiting {
        name: &device.name,
        asked_at: Instant(Timestamp::from_secs(device.asked_at)),
    }
}

fn account(account: &AccountView) -> Account<'_> {
    Account {
        service: &account.service,
        user: account.user.as_ref().map(|user| User {
            name: &user.name,
            email: user.email.as_deref(),
            issuer: &user.issuer,
        }),
        reach: account.reach,
        checked_at: account.checked_at.map(Instant),
        next_check_at: account.next_check_at.map(Instant),
        checking: account.checking,
        release_waiting: account.release_waiting,
        session_awaited: account.session_awaited.iter().map(waiting).collect(),
    }
}

fn sign_in(sign_in: &SignInView) -> SignIn<'_> {
    SignIn {
        service: &sign_in.service,
        method: sign_in.method,
        issuer: sign_in.issuer.as_deref(),
        phase: sign_in.phase,
        since: Instant(sign_in.since),
        until: Instant(sign_in.until),
    }
}
