//! The View: the whole state, as everyone shows it.

use std::collections::BTreeSet;

use crate::clock::WRONG_FROM;
use crate::code::{Basis, Code};
use crate::facts::Held;
use crate::hindrance::NetworkTrouble;
use crate::notice::Left;
use crate::status::{Status, Why};
use crate::time::{Now, Timestamp};
use crate::view::{AccountView, Headline, Icon, Line, Problem, ProductView, Reach, UserView, View};

use super::Engine;
use super::link::Link;

impl Engine {
    /// Makes the View anew, and says whether it is another than before.
    pub(super) fn repaint(&mut self, now: &Now) -> bool {
        let mut view = self.paint(now);
        view.revision = self.view.revision;
        let old_at = std::mem::replace(&mut self.view.at, view.at);
        let changed = view != self.view;
        if changed {
            view.revision += 1;
            self.view = view;
        } else {
            // Readers count down from `at`: it belongs to the View they were given.
            self.view.at = old_at;
        }
        changed
    }

    fn paint(&self, now: &Now) -> View {
        let at = self.trusted(now);
        let products = self.paint_products(now);
        let accounts = self.paint_accounts(now);
        View {
            revision: 0,
            at,
            headline: self.headline(at, &products, &accounts),
            accounts,
            products: products.into_iter().map(|(product, _)| product).collect(),
            sign_in: self.sign_in.as_ref().map(super::sign_in::SignIn::view),
            last_sign_in: self.last_sign_in.clone(),
            notices: self.facts.told.waiting.clone(),
            problems: self.problems(now),
            vault: self.vault.kind(),
            clock_ahead: self.clock_ahead(now).filter(|_| self.wall_is_wrong(now)),
        }
    }

    fn paint_products(&self, now: &Now) -> Vec<(ProductView, Status)> {
        let mut products: Vec<_> = self
            .registry
            .iter()
            .map(|entry| {
                let (status, stop_at) = self.status_of_product(now, entry);
                let lease = self
                    .facts
                    .held(&entry.service, &entry.product)
                    .and_then(Held::lease);
                let running = self
                    .uses
                    .values()
                    .filter(|open| open.running && open.product == entry.product);
                let view = ProductView {
                    product: entry.product.clone(),
                    version: entry.version.clone(),
                    name: entry.name.clone(),
                    publisher: entry.publisher.clone(),
                    service: entry.service.clone(),
                    status: self.shown_status(now, &entry.service, &status, stop_at),
                    open: u32::try_from(running.count()).unwrap_or(u32::MAX),
                    checked_at: lease.map(|lease| self.ours(&entry.service, now, lease.checked_at())),
                    offline_for: lease.map(|lease| lease.until().since(lease.checked_at()).as_secs()),
                    org: lease.map(|lease| lease.claims().org.clone()),
                };
                (view, status)
            })
            .collect();
        products.sort_by(|(a, _), (b, _)| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        products
    }

    fn paint_accounts(&self, now: &Now) -> Vec<AccountView> {
        self.links
            .iter()
            .map(|(name, link)| {
                let service = self.facts.services.get(name);
                let account = service.and_then(|service| service.account.as_ref());
                let ours = |its| self.ours(name, now, its);
                AccountView {
                    service: name.clone(),
                    user: account.map(|account| UserView {
                        name: account.name.clone(),
                        email: account.email.clone(),
                        issuer: account.issuer.clone(),
                    }),
                    reach: link.reach,
                    checked_at: service.and_then(|service| service.checked_at).map(ours),
                    next_check_at: account.and_then(|_| self.next_check_at(name)).map(ours),
                    checking: link.is_checking(),
                    release_waiting: service.is_some_and(|service| !service.releases.is_empty()),
                    session_awaited: link.session.waiting.clone(),
                }
            })
            .collect()
    }

    fn problems(&self, now: &Now) -> Vec<Problem> {
        let mut problems = self.state_problems.clone();
        problems.extend(self.vault.problems());
        // Where the entry is gone, that is the reason, and not that the identity service wants it.
        let again = |name: &str, account: &crate::facts::Account| {
            (account.sign_in_again || self.is_refused(name)) && !self.vault.is_emptied(name)
        };
        let mut services = self.facts.services.iter();
        if services.any(|(name, service)| {
            service
                .account
                .as_ref()
                .is_some_and(|account| again(name, account))
        }) {
            problems.push(Problem::SignInAgain);
        }
        if self.wall_is_wrong(now) {
            problems.push(Problem::ClockWrong);
        }
        // As one line, however many services are behind it.
        let blocked: BTreeSet<_> = self.links.values().filter_map(Link::blocked).collect();
        problems.extend(blocked.into_iter().filter_map(NetworkTrouble::problem));
        problems
    }

    /// Whether the identity service is known to answer without giving a token: tries go on, and a sign-in may be the shorter way.
    fn is_refused(&self, name: &str) -> bool {
        self.link(name)
            .is_some_and(|link| link.is_refused() && link.reach == Reach::IdentityOutage)
    }

    /// Whether the wall clock is far from where the last check says that it should be: somebody has set it since.
    pub(super) fn wall_was_set(&self, now: &Now) -> bool {
        let mut services = self.facts.services.values();
        let known = services.any(|service| service.checked_at.is_some());
        known && self.facts.clock.wall_ahead(now).unsigned_abs() > WRONG_FROM
    }

    /// Whether it was set, and not right. One that has always been as wrong troubles nobody.
    fn wall_is_wrong(&self, now: &Now) -> bool {
        self.wall_was_set(now) && self.clock_ahead(now).is_some()
    }

    /// By how many minutes the wall clock is ahead, where it is known to be wrong.
    pub(super) fn clock_ahead(&self, now: &Now) -> Option<i64> {
        let mut services = self.facts.services.values();
        let known = services.any(|service| service.checked_at.is_some());
        let ahead = now.wall.offset_from(self.trusted(now));
        // To the nearest one: what is read of two clocks differs by a millisecond each time.
        (known && ahead.unsigned_abs() > WRONG_FROM).then(|| (ahead + 30_000 * ahead.signum()) / 60_000)
    }

    /// The tray at a glance: what stops work comes first, then what will.
    fn headline(
        &self,
        at: Timestamp,
        products: &[(ProductView, Status)],
        accounts: &[AccountView],
    ) -> Headline {
        if self.registry.is_empty() {
            return Headline {
                icon: Icon::SignedOut,
                line: Line::NoProducts,
            };
        }
        if let Some((product, _)) = products
            .iter()
            .find(|(product, status)| is_stopped(product, status))
        {
            let line = Line::Stopped {
                product: product.name.clone(),
                code: product.status.code,
                stop_at: product.status.stop_at,
            };
            return Headline {
                icon: Icon::Stopped,
                line,
            };
        }
        if self.sign_in.is_some() {
            return Headline {
                icon: Icon::Busy,
                line: Line::SigningIn,
            };
        }
        let awaits_key = |(_, status): &(ProductView, Status)| {
            matches!(
                status,
                Status::AuthPending {
                    why: Why::VaultLocked,
                    ..
                }
            )
        };
        if self.vault_locked.is_some() || products.iter().any(awaits_key) {
            return Headline {
                icon: Icon::Busy,
                line: Line::VaultLocked,
            };
        }
        let Some(user) = accounts.iter().find_map(|account| account.user.as_ref()) else {
            return Headline {
                icon: Icon::SignedOut,
                line: Line::SignedOut,
            };
        };
        let again = |name: &str, account: &crate::facts::Account| {
            account.sign_in_again || self.is_refused(name) || self.vault.is_keyless(name)
        };
        let mut services = self.facts.services.iter();
        if services.any(|(name, service)| {
            service
                .account
                .as_ref()
                .is_some_and(|account| again(name, account))
        }) {
            let line = Line::SignInAgain {
                user: user.name.clone(),
            };
            return Headline {
                icon: Icon::SignedOut,
                line,
            };
        }
        if let Some(headline) = self.countdown(at, products) {
            return headline;
        }
        if products.iter().any(|(_, status)| status.is_on_wire()) {
            return Headline {
                icon: Icon::Busy,
                line: Line::Checking,
            };
        }
        let out = accounts
            .iter()
            .map(|account| account.reach)
            .find(|reach| matches!(reach, Reach::LicensingOutage | Reach::IdentityOutage));
        // A temporary licence runs to its end, whatever else has gone since.
        let bridged = products.iter().any(|(_, status)| {
            matches!(
                status,
                Status::Ok {
                    basis: Basis::Temporary,
                    ..
                }
            )
        });
        match out.or(bridged.then_some(Reach::LicensingOutage)) {
            Some(reach) => Headline {
                icon: Icon::Offline,
                line: Line::Outage { reach },
            },
            None => Headline {
                icon: Icon::Ready,
                line: Line::Licensed {
                    user: user.name.clone(),
                },
            },
        }
    }

    /// Offline and in the final days, the product that ends first is named.
    fn countdown(&self, at: Timestamp, products: &[(ProductView, Status)]) -> Option<Headline> {
        let counting = products.iter().filter_map(|(product, status)| match status {
            Status::Ok {
                basis: basis @ (Basis::Grace | Basis::FinalWarning),
                away,
                ..
            } => Some((product, *basis, away.unwrap_or_default(), product.status.until?)),
            Status::Ok { .. }
            | Status::OnWire(_)
            | Status::AuthPending { .. }
            | Status::Refused(_)
            | Status::OfflineLimitReached { .. }
            | Status::LeaseInvalid
            | Status::FirstStartOffline { .. }
            | Status::SignInRequired
            | Status::IdentityUnavailable
            | Status::LicensingUnavailable => None,
        });
        let (product, basis, away, until) = counting.min_by_key(|(.., until)| *until)?;
        let (product, left) = (product.name.clone(), Left::between(at, until));
        if basis == Basis::Grace {
            return Some(Headline {
                icon: Icon::Offline,
                line: Line::Offline {
                    away,
                    product,
                    left,
                    until,
                },
            });
        }
        let icon = match left {
            Left::Days(0 | 1) | Left::Hours(_) => Icon::One,
            Left::Days(2) => Icon::Two,
            Left::Days(_) => Icon::Three,
        };
        Some(Headline {
            icon,
            line: Line::Final {
                away,
                product,
                left,
                until,
            },
        })
    }
}

/// Whether a product has stopped or must stop: a refusal, or the end of what it had.
fn is_stopped(product: &ProductView, status: &Status) -> bool {
    let ended = match status.code() {
        Code::OfflineLimitReached
        | Code::NotAssigned
        | Code::SubscriptionEnded
        | Code::DeviceLimit
        | Code::SessionInUse
        | Code::ClientOutdated
        | Code::LeaseInvalid
        | Code::DeviceReleased => true,
        Code::Ok
        | Code::Connecting
        | Code::PendingIdentity
        | Code::PendingLicensing
        | Code::AuthPending
        | Code::SignInRequired
        | Code::FirstStartOffline
        | Code::IdentityUnavailable
        | Code::LicensingUnavailable
        | Code::AgentNotFound
        | Code::InvalidArgument => false,
    };
    ended || product.status.stop_at.is_some()
}
