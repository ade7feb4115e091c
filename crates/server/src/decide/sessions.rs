//! Sessions: one device of a user at a time, as the policy says (rule 11).

use latchkey_api::check::SessionWish;
use latchkey_core::code::Code;
use latchkey_core::lease::DeviceEntry;
use latchkey_core::policy::SessionPolicy;

use super::{Decision, Offer, Question, Refused, Session, SessionStep, Waiting, refuse, seconds};

/// The sessions of one check, as far as it has been decided.
pub(super) struct Sessions<'a> {
    question: &'a Question,
    /// What the user wants, and of which subscription's session.
    wishes: Vec<(SessionWish, &'a str)>,
    /// What this device has open, by subscription.
    held: Vec<String>,
    steps: Vec<SessionStep>,
}

impl<'a> Sessions<'a> {
    pub(super) const fn of(question: &'a Question, wishes: Vec<(SessionWish, &'a str)>) -> Self {
        Self {
            question,
            wishes,
            held: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// Whether the device may run something of the offer's subscription: the refusal, if not.
    pub(super) fn admit(&self, offer: &Offer) -> Option<Refused> {
        let policy = offer.policy.session_policy;
        if policy == SessionPolicy::Report || self.held.contains(&offer.subscription) {
            return None;
        }
        if let Some(successor) = self.successor(offer) {
            return Some(in_use(offer, &successor.device, self.question.now));
        }
        if policy == SessionPolicy::Takeover && self.wishes(offer, SessionWish::TakeOver) {
            return None;
        }
        let holder = self.before_me(offer)?;
        Some(in_use(offer, &holder.device, holder.since))
    }

    /// Notes what a decision about an open product does to the sessions of its subscription.
    pub(super) fn settle(&mut self, offer: &Offer, decision: &Decision) {
        let subscription = offer.subscription.clone();
        match decision {
            Decision::Lease(_) if !self.held.contains(&subscription) => self.begin(offer),
            refusal @ Decision::Refuse(_) if refusal.is(Code::SessionInUse) => self.give_way(offer),
            Decision::Lease(_) | Decision::Refuse(_) => {}
        }
    }

    /// What becomes of them. A device that has nothing of a subscription open any more has no session of it, and waits for none.
    pub(super) fn close(mut self) -> Vec<SessionStep> {
        let left = self.left();
        self.steps.extend(left);
        let mine = self
            .question
            .sessions
            .iter()
            .filter(|session| self.is_mine(session));
        let over = mine.filter(|session| !self.held.contains(&session.subscription));
        let ended: Vec<SessionStep> = over.map(end).collect();
        let new: Vec<SessionStep> = ended
            .into_iter()
            .filter(|step| !self.steps.contains(step))
            .collect();
        self.steps.extend(new);
        self.steps
    }

    /// What this device waited for until now: whoever handed a session over to it would give it to nobody.
    fn left(&self) -> Vec<SessionStep> {
        let still = |subscription: &String| {
            self.steps.iter().any(
                |step| matches!(step, SessionStep::Wait { subscription: waits, .. } if waits == subscription),
            )
        };
        let mine = self.question.waiting.iter();
        let mine = mine.filter(|waiting| self.waits_here(waiting) && !still(&waiting.subscription));
        let left = mine.filter(|waiting| !self.held.contains(&waiting.subscription));
        left.map(|waiting| {
            let sessions = self.question.sessions.iter();
            let holder = sessions.filter(|session| session.subscription == waiting.subscription);
            SessionStep::Leave {
                subscription: waiting.subscription.clone(),
                holder: holder
                    .min_by_key(|session| session.since)
                    .map(|session| session.device.id.clone()),
            }
        })
        .collect()
    }

    fn begin(&mut self, offer: &Offer) {
        let since = self.mine(offer).map_or(self.question.now, |mine| mine.since);
        let others: Vec<SessionStep> = match offer.policy.session_policy {
            SessionPolicy::Report => {
                let overlap = |other: &Session| SessionStep::Overlap {
                    subscription: other.subscription.clone(),
                    other: other.device.id.clone(),
                    began_at: since.max(other.since),
                };
                self.others(offer).map(overlap).collect()
            }
            // Also those that fell silent: their devices may come back, and are to hear that another has it.
            SessionPolicy::Takeover | SessionPolicy::Deny => {
                let others = self.question.sessions.iter();
                let others = others.filter(|session| session.subscription == offer.subscription);
                others.filter(|session| !self.is_mine(session)).map(end).collect()
            }
        };
        self.steps.extend(others);
        self.steps.push(SessionStep::Hold {
            subscription: offer.subscription.clone(),
            device: self.question.device.id.clone(),
            since,
        });
        self.held.push(offer.subscription.clone());
    }

    /// Hands the session over where the user wants that, also where the product goes on here under another subscription.
    pub(super) fn hand_over(&mut self, offer: &Offer) {
        if let Some(successor) = self.successor(offer) {
            self.pass_on(offer, successor);
        }
    }

    fn pass_on(&mut self, offer: &Offer, successor: &Waiting) {
        let hold = SessionStep::Hold {
            subscription: offer.subscription.clone(),
            device: successor.device.id.clone(),
            since: self.question.now,
        };
        if !self.steps.contains(&hold) {
            let ended = self.mine(offer).map(end);
            self.steps.extend(ended);
            self.steps.push(hold);
        }
    }

    /// The session is another's: handed over just now, or held all along. Its program is still open: also whoever has given the
    /// session away waits for it, from now on.
    fn give_way(&mut self, offer: &Offer) {
        let now = self.question.now;
        let (holder, since) = match self.successor(offer) {
            Some(successor) => {
                self.pass_on(offer, successor);
                (Some(&successor.device), now)
            }
            None => (
                self.before_me(offer).map(|holder| &holder.device),
                self.waits_since(offer),
            ),
        };
        if let Some(holder) = holder {
            let step = SessionStep::Wait {
                subscription: offer.subscription.clone(),
                holder: holder.id.clone(),
                since,
            };
            if !self.steps.contains(&step) {
                self.steps.push(step);
            }
        }
    }

    /// Whether the user wants this of the session of the subscription, for whichever of its products they said so.
    fn wishes(&self, offer: &Offer, wish: SessionWish) -> bool {
        self.wishes.contains(&(wish, &offer.subscription))
    }

    /// To whom the session is handed over: whose turn is first of those who still wait.
    fn successor(&self, offer: &Offer) -> Option<&'a Waiting> {
        // Under `report` nobody waits for a turn, also who has waited since it was another policy.
        if offer.policy.session_policy == SessionPolicy::Report {
            return None;
        }
        self.mine(offer)
            .filter(|_| self.wishes(offer, SessionWish::HandOver))?;
        let others = self.waiting(offer).filter(|waiting| !self.waits_here(waiting));
        others.min_by_key(|waiting| waiting.turn(self.question.now))
    }

    /// Those who wait for the session, as far as they were heard of in time.
    fn waiting(&self, offer: &Offer) -> impl Iterator<Item = &'a Waiting> {
        let (now, ttl) = (self.question.now, seconds(offer.policy.session_ttl));
        let subscription = offer.subscription.clone();
        let waiting = self.question.waiting.iter();
        waiting.filter(move |waiting| {
            waiting.subscription == subscription && now < waiting.heard_at.saturating_add(ttl)
        })
    }

    /// Asking again costs nobody their turn.
    fn waits_since(&self, offer: &Offer) -> i64 {
        let mine = self.waiting(offer).find(|waiting| self.waits_here(waiting));
        mine.map_or(self.question.now, |mine| mine.asked_at)
    }

    fn waits_here(&self, waiting: &Waiting) -> bool {
        waiting.device.id == self.question.device.id
    }

    fn is_mine(&self, session: &Session) -> bool {
        session.device.id == self.question.device.id
    }

    /// The session that this device has, if it was heard of in time.
    fn mine(&self, offer: &Offer) -> Option<&'a Session> {
        self.active(offer).find(|session| self.is_mine(session))
    }

    fn others(&self, offer: &Offer) -> impl Iterator<Item = &'a Session> {
        let me = &self.question.device.id;
        self.active(offer).filter(move |session| session.device.id != *me)
    }

    /// Sessions that have not ended by silence.
    fn active(&self, offer: &Offer) -> impl Iterator<Item = &'a Session> {
        let (now, ttl) = (self.question.now, seconds(offer.policy.session_ttl));
        let subscription = offer.subscription.clone();
        let sessions = self.question.sessions.iter();
        sessions.filter(move |session| {
            session.subscription == subscription && now < session.heard_at.saturating_add(ttl)
        })
    }

    /// Who holds the session before this device does. After `report`, where many hold one, it is whoever came first.
    fn before_me(&self, offer: &Offer) -> Option<&'a Session> {
        let mine = self.mine(offer);
        let before = self.others(offer).filter(|other| match mine {
            Some(mine) => (other.since, &other.device.id) < (mine.since, &mine.device.id),
            None => true,
        });
        before.min_by_key(|other| (other.since, &other.device.id))
    }
}

fn end(session: &Session) -> SessionStep {
    SessionStep::End {
        subscription: session.subscription.clone(),
        device: session.device.id.clone(),
    }
}

fn in_use(offer: &Offer, holder: &DeviceEntry, since: i64) -> Refused {
    let mut refused = refuse(Code::SessionInUse, offer);
    refused.detail.holder = Some(holder.clone());
    refused.detail.holder_since = Some(since);
    refused.detail.may_take_over = offer.policy.session_policy == SessionPolicy::Takeover;
    refused
}
