//! Status codes and reasons: one sentence and one next step for each, and the same in a word or two.

use latchkey_core::code::{Basis, Code};
use latchkey_core::lease::RefusalDetail;
use latchkey_core::notice::Left;
use latchkey_core::time::Timestamp;
use latchkey_core::view::StatusView;

use crate::dates::left_args;
use crate::message::{NONE, Value, id};
use crate::{Sentence, Words};

/// What every message of a status may name, ready to be read.
struct Facts {
    until: Option<String>,
    clock: (String, &'static str),
    code: String,
    left: Left,
}

impl Words {
    /// What to tell about a product's status, and what to do. Total: a code, reason or basis that this version does
    /// not know has a sentence too.
    pub fn status(&self, status: &StatusView, product: &str, now: Timestamp) -> Sentence {
        let facts = self.facts(status, now);
        let args = args(status, product, &facts);
        let id = format!("status-{}", self.known(status));
        let sentence = self.message(&id, &args);
        let text = match status.stop_at {
            Some(stop_at) => {
                let time = self.time(stop_at, now);
                let args = [
                    ("sentence", (&sentence).into()),
                    ("product", product.into()),
                    ("time", (&time).into()),
                ];
                self.message("status-stopping", &args)
            }
            None => sentence,
        };
        Sentence {
            text,
            next_step: self.message(&format!("{id}.next"), &args),
        }
    }

    /// The status in a word or two, to stand after the product's name: "ready", "offline, 27 days left".
    pub fn state(&self, status: &StatusView, now: Timestamp) -> String {
        let facts = self.facts(status, now);
        self.message(
            &format!("state-{}", self.known(status)),
            &args(status, "", &facts),
        )
    }

    fn facts(&self, status: &StatusView, now: Timestamp) -> Facts {
        let words = |until| match status.code() {
            // A next try and the end of a temporary licence are hours away at most.
            Some(Code::AuthPending) => self.time(until, now),
            _ if status.basis == Some(Basis::Temporary) => self.time(until, now),
            _ => self.date_time(until, now),
        };
        let between = |until| Left::between(now, until);
        Facts {
            until: status.until.map(words),
            clock: self.clock_off(status.clock_ahead),
            code: status.code.to_string(),
            left: status
                .left
                .or(status.until.map(between))
                .unwrap_or(Left::Hours(0)),
        }
    }

    /// The most exact name of the status that there are words for.
    fn known(&self, status: &StatusView) -> String {
        let Some(code) = status.code() else {
            return "unknown".to_owned();
        };
        let name = id("", code.name()).split_off(1);
        let detail = match code {
            // How long it goes on is all that these two say.
            Code::Ok if status.until.is_none() && status.basis != Some(Basis::Outage) => None,
            Code::Ok => status.basis.map(Basis::name),
            Code::AuthPending => status.reason.map(|reason| reason.name()),
            _ => None,
        };
        let exact = detail
            .map(|detail| id(&name, detail))
            .filter(|exact| self.find(&format!("state-{exact}"), &[]).is_some());
        exact.unwrap_or(name)
    }
}

/// Whether the session may be taken over from here (rule 11).
fn takes_over(detail: Option<&RefusalDetail>) -> Option<&'static str> {
    detail.filter(|detail| detail.may_take_over).map(|_| "yes")
}

/// The host of a service's address, and its port where it is none of the usual.
fn host(service: &str) -> &str {
    let (_, rest) = service.split_once("://").unwrap_or(("", service));
    rest.split('/').next().unwrap_or(rest)
}

fn args<'a>(status: &'a StatusView, product: &'a str, facts: &'a Facts) -> Vec<(&'static str, Value<'a>)> {
    let (detail, obstacle) = (status.detail.as_ref(), status.obstacle.as_ref());
    let or_none = |text: Option<&'a str>| Value::Text(text.filter(|text| !text.is_empty()).unwrap_or(NONE));
    let mut args = vec![
        ("product", Value::Text(product)),
        ("code", Value::Text(&facts.code)),
        ("by", Value::Text(&facts.clock.0)),
        ("clock", Value::Text(facts.clock.1)),
        ("host", or_none(obstacle.map(|obstacle| obstacle.host.as_str()))),
        ("trouble", or_none(obstacle.map(|obstacle| obstacle.by.name()))),
        ("other", or_none(status.waiting_for.as_deref().map(host))),
        ("away", Value::Text(status.away.unwrap_or_default().name())),
        ("until", or_none(facts.until.as_deref())),
        (
            "contact",
            or_none(detail.and_then(|detail| detail.contact.as_deref())),
        ),
        (
            "holder",
            or_none(
                detail
                    .and_then(|detail| detail.holder.as_ref())
                    .map(|holder| holder.name.as_str()),
            ),
        ),
        ("takeover", or_none(takes_over(detail))),
        (
            "version",
            or_none(detail.and_then(|detail| detail.minimum_version.as_deref())),
        ),
    ];
    args.extend(left_args(facts.left));
    args
}
