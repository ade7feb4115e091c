//! What a check brought. Nothing of it counts before it verifies and is bound to our own request (rules 9, 16).

use crate::code::Code;
use crate::facts::{Forget, Held, are_of_one, pins, roots};
use crate::keys::Keys;
use crate::lease::{Binding, Expected, Lease, Refusal};
use crate::time::{Now, Timestamp};

use super::{CheckAnswered, Dirty, Engine, Signed};

enum Verified {
    Lease(String, Lease),
    Refusal(String, Refusal),
}

impl Verified {
    fn binding(&self) -> &Binding {
        match self {
            Self::Lease(_, lease) => &lease.claims().binding,
            Self::Refusal(_, refusal) => &refusal.claims().binding,
        }
    }
}

impl Engine {
    /// Takes from an answer whatever verifies. Says whether anything did.
    pub(super) fn believe(&mut self, now: &Now, name: &str, answered: &CheckAnswered) -> bool {
        let Some(keys) = self.newest_keys(name, &answered.keys) else {
            return false;
        };
        let verified = self.verify_answers(name, &keys, answered);
        let Some(time) = verified.iter().map(|one| one.binding().server_time).max() else {
            return false;
        };

        let time = Timestamp::from_secs(time);
        self.told_the_time(name, now, time, &keys);
        if let Some(service) = self.facts.services.get_mut(name) {
            service.user = verified.first().map(|one| one.binding().sub.clone());
            service.linked = true;
            service.checked_at = Some(time);
        }
        if let Some(link) = self.links.get_mut(name) {
            link.session.waiting.clone_from(&answered.waiting);
        }
        let service = self.facts.services.get(name);
        let mut held = service.into_iter().flat_map(|service| service.products.values());
        let had_proven = held.any(Held::has_id_token);
        let (mut granted, mut refusals) = (Vec::new(), Vec::new());
        for one in verified {
            match one {
                Verified::Lease(product, lease) => {
                    self.assigned(name, &product);
                    self.take_lease(name, product.clone(), lease);
                    granted.push(product);
                }
                Verified::Refusal(product, refusal) => refusals.push((product, refusal)),
            }
        }
        // Last, because one of them may end the device, and every lease with it.
        let refused = !refusals.is_empty();
        for (product, refusal) in refusals {
            self.take_refusal(now, name, product, refusal);
        }
        self.close_save_windows(name, &granted);
        // An ID token that is given up goes from both copies.
        self.save(if refused || had_proven {
            Dirty::Both
        } else {
            Dirty::One
        });
        self.connected_again(now, name);
        true
    }

    /// The newer of the document we hold and the one that came along, if a pinned root key signed it. Which of two root keys is right that
    /// different products pin, the answer itself shows: it verifies by its own.
    fn newest_keys(&self, name: &str, token: &str) -> Option<Keys> {
        let held = self.facts.services.get(name)?.verified_keys(name, &self.registry);
        let came = Keys::verify(token, &roots(name, &self.registry), name).ok();
        let is_older = |held: &Keys, came: &Keys| {
            let roots = [held.root(), came.root()];
            came.signed_at() < held.signed_at() && are_of_one(name, roots, &self.registry)
        };
        match (held, came) {
            (Some(held), Some(came)) if is_older(&held, &came) => Some(held),
            (held, came) => came.or(held),
        }
    }

    fn verify_answers(&self, name: &str, keys: &Keys, answered: &CheckAnswered) -> Vec<Verified> {
        let Some(service) = self.facts.services.get(name) else {
            return Vec::new();
        };
        let Some(device) = service.device.as_ref() else {
            return Vec::new();
        };
        let mut verified: Vec<Verified> = Vec::new();
        let pinning = answered
            .products
            .iter()
            .filter(|(product, _)| pins(name, product, keys.root(), &self.registry));
        for (product, signed) in pinning {
            let expected = Expected {
                service: name,
                product,
                device: Some(device),
                // The user is whoever the first answer says; from then on always the same.
                user: service
                    .user
                    .as_deref()
                    .or_else(|| verified.first().map(|one| one.binding().sub.as_str())),
                request: Some(&answered.request),
            };
            let one = match signed {
                Signed::Lease(token) => {
                    Lease::verify(token, keys, &expected).map(|lease| Verified::Lease(product.clone(), lease))
                }
                Signed::Refusal(token) => Refusal::verify(token, keys, &expected)
                    .map(|refusal| Verified::Refusal(product.clone(), refusal)),
            };
            verified.extend(one);
        }
        verified
    }

    fn take_lease(&mut self, name: &str, product: String, lease: Lease) {
        if let Some(service) = self.facts.services.get_mut(name) {
            service.products.entry(product).or_default().take_lease(lease);
        }
    }

    /// What ended a licence is over where a lease has come, and nothing in the same answer took it away again.
    fn close_save_windows(&mut self, name: &str, granted: &[String]) {
        let Some(service) = self.facts.services.get_mut(name) else {
            return;
        };
        for product in granted {
            if let Some(held) = service.products.get_mut(product)
                && held.lease().is_some()
                && held.refusal().is_none()
            {
                held.save_window = None;
            }
        }
    }

    /// What a refusal does to the lease (rule 9's table).
    fn take_refusal(&mut self, now: &Now, name: &str, product: String, refusal: Refusal) {
        let code = refusal.claims().code;
        let Some(service) = self.facts.services.get_mut(name) else {
            return;
        };
        let held = service.products.entry(product.clone()).or_default();
        if !held.take_refusal(refusal) {
            return;
        }
        match code {
            Code::SubscriptionEnded => held.drop_lease(),
            Code::NotAssigned => {
                held.drop_lease();
                self.not_assigned(now, name, &product);
            }
            Code::DeviceReleased => {
                service.products.values_mut().for_each(super::Held::drop_lease);
                service.account = None;
                service.device = None;
                service.linked = false;
                // Whoever has the machine now must not come in by what its browser remembers, nor hear of that from the service.
                service.reauthenticate = true;
                self.forget(now, name, Forget::Everything);
            }
            Code::Ok
            | Code::Connecting
            | Code::PendingIdentity
            | Code::PendingLicensing
            | Code::AuthPending
            | Code::SignInRequired
            | Code::FirstStartOffline
            | Code::OfflineLimitReached
            | Code::DeviceLimit
            | Code::SessionInUse
            | Code::IdentityUnavailable
            | Code::LicensingUnavailable
            | Code::ClientOutdated
            | Code::AgentNotFound
            | Code::LeaseInvalid
            | Code::InvalidArgument => {}
        }
    }
}
