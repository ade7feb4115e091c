//! The one sign-in attempt, and everybody who waits for it (rule 17; `docs/sign-in.md`).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::code::Code;
use crate::facts::{Account, Service};
use crate::time::{Now, Timestamp};
use crate::view::{SignInEnd, SignInMethod, SignInPhase, SignInResult, SignInView};

use super::link::Link;
use super::{Answer, Attempt, ClientId, Dirty, Effect, Engine, Invitation, SignInWish, SignedIn, Ticket};

/// How long a sign-in may take: enough for a second factor that lies in another room.
const SIGN_IN_WITHIN: Duration = Duration::from_secs(15 * 60);
/// How long after its end a code may say why it has ended: nobody signed in, or nobody could be asked.
const CODE_ENDED_WITHIN: Duration = Duration::from_secs(10);

/// The attempt that holds the slot.
#[derive(Debug)]
pub(super) struct SignIn {
    attempt: Attempt,
    pub(super) service: String,
    email: Option<String>,
    method: SignInMethod,
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
    /// In ticks, which count sleep and do not jump when trusted time does.
    begun: Duration,
    pub(super) deadline: Duration,
    phase: SignInPhase,
    invitation: Option<Invitation>,
    /// Who wants it, and the requests that are still to be answered with the address. The attempt ends when
    /// the last of them has gone.
    askers: BTreeMap<ClientId, Vec<Ticket>>,
    /// Who opens the browser: the first who asked.
    opener: Option<Ticket>,
}

impl SignIn {
    pub(super) fn view(&self) -> SignInView {
        let invitation = self.invitation.as_ref();
        SignInView {
            attempt: self.attempt,
            service: self.service.clone(),
            method: self.method,
            phase: self.phase,
            issuer: invitation.map(|invitation| invitation.issuer.clone()),
            url: invitation.map(|invitation| invitation.url.clone()),
            code: invitation.and_then(|invitation| invitation.code.clone()),
            since: self.since,
            until: self.until,
        }
    }

    /// Whether this attempt is what somebody wishes for. Who names neither method nor address wishes for what is open.
    fn grants(&self, wish: &SignInWish) -> bool {
        wish.method.is_none_or(|method| method == self.method)
            && (wish.email.is_none() || wish.email == self.email)
    }

    fn answer(&self, invitation: &Invitation, open: bool) -> Answer {
        Answer::SignIn {
            attempt: self.attempt,
            url: invitation.url.clone(),
            open,
            code: invitation.code.clone(),
        }
    }
}

impl Engine {
    pub(super) fn ask_sign_in(&mut self, now: &Now, ticket: Ticket, client: ClientId, wish: SignInWish) {
        let wanted = wish.service.clone().or_else(|| self.service_to_sign_in());
        let service = match self.service_or_only(wanted) {
            Ok(service) => service,
            Err(refused) => return self.answer(ticket, refused),
        };
        let account = self
            .facts
            .services
            .get(&service)
            .and_then(|service| service.account.as_ref());
        // Whose entry is gone or unreadable is told to sign in again, also before a check has found that out.
        let is_lost = self.vault.is_emptied(&service) || self.vault.is_keyless(&service);
        let is_refused = self.link(&service).is_some_and(Link::is_refused);
        if !is_lost && !is_refused && account.is_some_and(|account| !account.sign_in_again) {
            return self.answer(ticket, Answer::Done);
        }
        let Some(open) = &mut self.sign_in else {
            return self.begin_sign_in(
                now,
                service,
                wish,
                BTreeMap::from([(client, vec![ticket])]),
                ticket,
            );
        };
        if open.service != service {
            return self.answer(ticket, Answer::refused(Code::AuthPending, "waiting_for_other"));
        }
        // Past this point the user has signed in already: whatever else was wished for comes too late.
        if open.grants(&wish) || open.phase == SignInPhase::Finishing {
            return self.join_sign_in(ticket, client);
        }
        // Whoever waited for the earlier one waits for this one now: what they want is that somebody is signed in.
        let mut askers = std::mem::take(&mut open.askers);
        askers.entry(client).or_default().push(ticket);
        let wish = SignInWish {
            email: wish.email.or_else(|| open.email.clone()),
            ..wish
        };
        self.effects.push(Effect::CancelSignIn {
            attempt: open.attempt,
        });
        self.begin_sign_in(now, service, wish, askers, ticket);
    }

    fn join_sign_in(&mut self, ticket: Ticket, client: ClientId) {
        let Some(open) = &mut self.sign_in else { return };
        let tickets = open.askers.entry(client).or_default();
        match &open.invitation {
            Some(invitation) => {
                let answer = open.answer(invitation, false);
                self.answer(ticket, answer);
            }
            None => tickets.push(ticket),
        }
    }

    fn begin_sign_in(
        &mut self,
        now: &Now,
        service: String,
        wish: SignInWish,
        askers: BTreeMap<ClientId, Vec<Ticket>>,
        opener: Ticket,
    ) {
        // What was to be deleted goes first: afterwards it could not be told from what the sign-in brings.
        self.forget_now(now, &service);
        let since = self.trusted(now);
        let attempt = self.next_attempt();
        let method = wish.method.unwrap_or_default();
        self.sign_in = Some(SignIn {
            attempt,
            service: service.clone(),
            email: wish.email.clone(),
            method,
            since,
            until: since + SIGN_IN_WITHIN,
            begun: now.ticks,
            deadline: now.ticks + SIGN_IN_WITHIN,
            phase: SignInPhase::Starting,
            invitation: None,
            askers,
            opener: Some(opener),
        });
        self.last_sign_in = None;
        let known = self.facts.services.get(&service);
        let anew = known.is_some_and(|known| known.reauthenticate);
        self.effects.push(Effect::BeginSignIn {
            attempt,
            service,
            email: wish.email,
            method,
            anew,
            within: SIGN_IN_WITHIN,
        });
    }

    /// With several services, the one where somebody must sign in, if that is just one.
    fn service_to_sign_in(&self) -> Option<String> {
        let mut open: Vec<&str> = self.registry.iter().map(|entry| entry.service.as_str()).collect();
        open.sort_unstable();
        open.dedup();
        open.retain(|name| {
            let account = self
                .facts
                .services
                .get(*name)
                .and_then(|service| service.account.as_ref());
            account.is_none_or(|account| account.sign_in_again)
                || self.link(name).is_some_and(Link::is_refused)
        });
        match open.as_slice() {
            [only] => Some((*only).to_owned()),
            _ => None,
        }
    }

    /// Lets a lasting client, the tray, wait for an attempt that another began and may leave.
    pub fn adopt_sign_in(&mut self, client: ClientId) {
        if let Some(open) = &mut self.sign_in {
            open.askers.entry(client).or_default();
        }
    }

    pub(super) fn sign_in_ready(&mut self, now: &Now, attempt: Attempt, invitation: Invitation) {
        let at = self.trusted(now);
        let Some(open) = self.sign_in.as_mut().filter(|open| open.attempt == attempt) else {
            return;
        };
        open.phase = SignInPhase::WaitingForUser;
        // Tokens reach the vault before they are written down here; killed in between, they are still found by a reset.
        let is_new = !self.facts.services.contains_key(&open.service);
        if is_new {
            self.facts
                .services
                .insert(open.service.clone(), Service::default());
        }
        if let Some(expires_in) = invitation.expires_in {
            open.deadline = open.deadline.min(now.ticks + expires_in + CODE_ENDED_WITHIN);
            open.until = open.until.min(at + expires_in);
        }
        let opener = open.opener.take();
        let tickets: Vec<Ticket> = open.askers.values_mut().flat_map(std::mem::take).collect();
        // Whoever was to open it may have gone while others wait: then the first of those opens it.
        let opener = opener
            .filter(|opener| tickets.contains(opener))
            .or_else(|| tickets.first().copied());
        let answers: Vec<(Ticket, Answer)> = tickets
            .into_iter()
            .map(|ticket| (ticket, open.answer(&invitation, Some(ticket) == opener)))
            .collect();
        open.invitation = Some(invitation);
        if is_new {
            self.save(Dirty::One);
        }
        for (ticket, answer) in answers {
            self.answer(ticket, answer);
        }
    }

    /// The user is back. The end of a code was the end of asking whether they are: what is left has the time of every sign-in.
    pub(super) fn sign_in_returned(&mut self, attempt: Attempt) {
        if let Some(open) = self.sign_in.as_mut().filter(|open| open.attempt == attempt) {
            open.phase = SignInPhase::Finishing;
            open.deadline = open.begun + SIGN_IN_WITHIN;
            open.until = open.since + SIGN_IN_WITHIN;
        }
    }

    pub(super) fn sign_in_ended(&mut self, attempt: Attempt, result: Result<SignedIn, SignInResult>) {
        let Some(open) = self.sign_in.as_ref().filter(|open| open.attempt == attempt) else {
            return;
        };
        match result {
            Ok(signed_in) => {
                let service = open.service.clone();
                self.close_sign_in(SignInResult::SignedIn, &Answer::Done);
                self.signed_in(service, signed_in);
                self.effects.push(Effect::SignInKept { attempt });
            }
            Err(result) => self.end_sign_in(result),
        }
    }

    fn signed_in(&mut self, name: String, signed_in: SignedIn) {
        let service = self.facts.services.entry(name.clone()).or_default();
        let same_user = service.account.as_ref().is_some_and(|account| {
            account.issuer == signed_in.issuer && account.subject == signed_in.subject
        });
        let same_device = service.device.as_ref() == Some(&signed_in.device);
        if !(same_user && same_device) {
            // Another account's leases never count, and neither do those of another key.
            let Service {
                times,
                keys,
                releases,
                ended,
                products,
                ..
            } = std::mem::take(service);
            *service = Service {
                times,
                keys,
                releases,
                ended,
                products,
                ..Service::default()
            };
            service.products.values_mut().for_each(super::Held::clear);
            // What has been open until now was another's.
            if let Some(link) = self.links.get_mut(&name) {
                link.meters.clear();
            }
        }
        service.account = Some(Account {
            issuer: signed_in.issuer,
            subject: signed_in.subject,
            name: signed_in.name,
            email: signed_in.email,
            sign_in_again: false,
        });
        service.device = Some(signed_in.device);
        service
            .releases
            .extend(signed_in.replaced.map(|replaced| *replaced));
        service.linked = false;
        service.reauthenticate = false;
        service.forget = None;
        service.adopt_keys(&name, &self.registry);
        self.vault_was_written(&name);
        self.save(Dirty::Both);
        let link = self.links.entry(name).or_default();
        link.abandon();
        link.signed_in();
        link.want();
    }

    /// Ends the open attempt, if there is one, and tells everyone who waits.
    pub(super) fn end_sign_in(&mut self, result: SignInResult) {
        let Some(open) = &self.sign_in else { return };
        self.effects.push(Effect::CancelSignIn {
            attempt: open.attempt,
        });
        let problem = match &result {
            SignInResult::SignedIn => return,
            SignInResult::Cancelled => "sign_in_cancelled",
            SignInResult::Denied => "sign_in_denied",
            SignInResult::Expired => "sign_in_expired",
            SignInResult::Abandoned => "sign_in_abandoned",
            SignInResult::Failed { problem, .. } => problem,
        };
        let answer = Answer::refused(Code::SignInRequired, problem);
        self.close_sign_in(result, &answer);
    }

    fn close_sign_in(&mut self, result: SignInResult, answer: &Answer) {
        let Some(open) = self.sign_in.take() else { return };
        self.last_sign_in = Some(SignInEnd {
            attempt: open.attempt,
            method: open.method,
            result,
        });
        for ticket in open.askers.into_values().flatten() {
            self.answer(ticket, answer.clone());
        }
    }

    pub(super) fn asker_gone(&mut self, client: ClientId) {
        let Some(open) = &mut self.sign_in else { return };
        if open.askers.remove(&client).is_some() && open.askers.is_empty() {
            self.end_sign_in(SignInResult::Abandoned);
        }
    }

    pub(super) fn expire_sign_in(&mut self, now: &Now) {
        if self
            .sign_in
            .as_ref()
            .is_some_and(|open| now.ticks >= open.deadline)
        {
            self.end_sign_in(SignInResult::Expired);
        }
    }
}
