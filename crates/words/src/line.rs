//! The status line: the one sentence that tooltip, menu, window and `latchkey status` begin with.

use latchkey_core::time::Timestamp;
use latchkey_core::view::{Away, Line, Reach, StatusView};

use crate::Words;
use crate::dates::left_args;
use crate::message::Value;

impl Words {
    /// The status line.
    pub fn line(&self, line: &Line, now: Timestamp) -> String {
        let timed = |id, away: Away, product: &str, left, until| {
            let until = self.date_time(until, now);
            let [unit, count] = left_args(left);
            self.message(
                id,
                &[
                    ("product", Value::Text(product)),
                    ("until", Value::from(&until)),
                    ("away", away.name().into()),
                    unit,
                    count,
                ],
            )
        };
        match line {
            Line::NoProducts => self.message("line-no-products", &[]),
            Line::SignedOut => self.message("line-signed-out", &[]),
            Line::SigningIn => self.message("line-signing-in", &[]),
            Line::Licensed { user } => self.message("line-licensed", &[("user", user.into())]),
            Line::SignInAgain { user } => self.message("line-sign-in-again", &[("user", user.into())]),
            Line::Checking => self.message("line-checking", &[]),
            Line::Offline {
                away,
                product,
                left,
                until,
            } => timed("line-offline", *away, product, *left, *until),
            Line::Final {
                away,
                product,
                left,
                until,
            } => timed("line-final", *away, product, *left, *until),
            Line::Outage {
                reach: Reach::IdentityOutage,
            } => self.message("line-outage-identity", &[]),
            Line::Outage {
                reach: Reach::LicensingOutage,
            } => self.message("line-outage-licensing", &[]),
            Line::Outage { .. } => self.message("line-outage", &[]),
            Line::Stopped {
                product,
                code,
                stop_at,
            } => {
                let state = self.state(
                    &StatusView {
                        code: *code,
                        ..StatusView::default()
                    },
                    now,
                );
                let state = ("state", Value::from(&state));
                match stop_at {
                    Some(stop_at) => {
                        let time = self.time(*stop_at, now);
                        self.message(
                            "line-stopping",
                            &[("product", product.into()), state, ("time", (&time).into())],
                        )
                    }
                    None => self.message("line-stopped", &[("product", product.into()), state]),
                }
            }
            Line::VaultLocked => self.message("line-vault-locked", &[]),
            _ => self.message("line-other", &[]),
        }
    }
}
