//! What programs and people do.

use latchkey_core::engine::{Answer, Ask, ClientId, Input, Ticket, UseKey};
use latchkey_core::view::StatusView;

use super::judge::Happened;
use super::witness::judge_pending;
use super::world::{Program, TRAY, User, World};
use super::{SERVICE, at, seconds};

impl World {
    /// A program starts; from then on it is told of every change.
    pub(crate) fn start(&mut self, product: &str) -> UseKey {
        self.asked += 1;
        let key = UseKey {
            client: 1000 + self.asked,
            use_id: 1,
        };
        self.authorize(key, product, false);
        key
    }

    /// A program asks for its product.
    pub(crate) fn authorize(&mut self, key: UseKey, product: &str, running: bool) {
        self.happened(&Happened::Started {
            key,
            product: product.to_owned(),
            running,
        });
        let program = self.programs.entry(key).or_insert_with(|| Program {
            product: product.to_owned(),
            running,
            told: Vec::new(),
        });
        program.running = running;
        self.input(Input::Authorize {
            key,
            product: product.to_owned(),
            version: "2026.1".to_owned(),
            running,
        });
        if self.is_alive() {
            self.tell(key);
        }
    }

    /// A program closes.
    pub(crate) fn close(&mut self, key: UseKey) {
        self.programs.remove(&key);
        if self.is_alive() {
            self.input(Input::Release(key));
        }
    }

    /// Where a program stands now, by its service's clock.
    pub(crate) fn status(&self, key: UseKey) -> StatusView {
        let now = self.now();
        let status = self.engine().use_status(&now, key);
        let trusted = match self.engine().use_of(key) {
            Some((_, service)) => self.engine().time_of(service, &now),
            None => self.engine().trusted(&now),
        };
        judge_pending(&status, trusted);
        status
    }

    /// The codes that a program was told, in order, without repetitions.
    pub(crate) fn told(&self, key: UseKey) -> Vec<u16> {
        let mut codes: Vec<u16> = self.programs[&key]
            .told
            .iter()
            .map(|status| status.code)
            .collect();
        codes.dedup();
        codes
    }

    /// Where a product stands, for whoever asks without opening it.
    pub(crate) fn product(&self, product: &str) -> StatusView {
        let now = self.now();
        self.engine().product_status(&now, product)
    }

    /// The code of [`Self::product`].
    pub(crate) fn code(&self, product: &str) -> u16 {
        self.product(product).code
    }

    /// A program is told where it stands.
    pub(super) fn tell(&mut self, key: UseKey) {
        let told = self.status(key);
        let reason = told.reason.map(|reason| reason.name());
        let why = reason.or(told.basis.map(|basis| basis.name()));
        self.told_of.insert((told.code, why, told.stop_at.is_some()));
        if let Some(program) = self.programs.get_mut(&key) {
            program.running |= told.may_run();
            program.told.push(told);
        }
    }

    /// Asks through the tray.
    pub(crate) fn ask(&mut self, ask: Ask) -> Ticket {
        self.ask_as(TRAY, ask)
    }

    pub(crate) fn ask_as(&mut self, client: ClientId, ask: Ask) -> Ticket {
        self.asked += 1;
        let ticket = self.asked;
        self.happened(&Happened::Asked(ticket, ask.clone()));
        if self.is_alive() {
            self.unanswered.insert(ticket);
        }
        self.input(Input::Ask { ticket, client, ask });
        ticket
    }

    /// The answer to a request, if there is one yet.
    pub(crate) fn answer(&self, ticket: Ticket) -> Option<&Answer> {
        self.answers.get(&ticket)
    }

    /// The user signs in at [`SERVICE`], and the first check is answered.
    pub(crate) fn sign_in(&mut self) {
        self.user = User::SignsIn;
        self.ask(Ask::SignIn(at(SERVICE)));
        self.pass(seconds(60));
        assert!(
            self.view().accounts[0].user.is_some(),
            "signed in: {:?}",
            self.view()
        );
    }
}
