//! Temporary licences, as the agent has them signed: by the device key, and at a first start with an ID token (rule 7).

use latchkey_core::engine::{Attempt, NotSigned, Outcome, Side};
use latchkey_core::id_token::IdToken;
use latchkey_core::temporary::{self, SelfSigned, TemporaryClaims};
use latchkey_core::time::{HOUR, Timestamp};

use super::identity::id_token;
use super::world::{AT_ONCE, World};

impl World {
    pub(super) fn sign_temporary(
        &mut self,
        desktop: usize,
        attempt: Attempt,
        claims: TemporaryClaims,
        identify: bool,
    ) {
        let number = claims.number;
        let from = self.sender(desktop, attempt);
        let signed = self.signed(desktop, claims, identify);
        let first = if identify { " of a first start" } else { "" };
        let problem = signed.as_ref().err();
        self.desktops[desktop].must_sign_in |= problem == Some(&NotSigned::SignInAgain);
        self.note_of(
            desktop,
            &format!("temporary licence {number}{first} is signed: {problem:?}"),
        );
        self.outcome(AT_ONCE, from, Outcome::TemporarySigned(signed));
    }

    fn signed(
        &mut self,
        desktop: usize,
        mut claims: TemporaryClaims,
        identify: bool,
    ) -> Result<SelfSigned, NotSigned> {
        if identify {
            let at = Timestamp::from_secs(claims.iat);
            claims.id_token = Some(self.proof_of_user(desktop, at)?);
        }
        let vault = self.desktops[desktop].vault.as_ref();
        let vault = vault.ok_or(NotSigned::OutOfReach)?;
        Ok(temporary::sign(&vault.key, &claims).unwrap())
    }

    /// The ID token that came with the last tokens; a new one, where that does not prove at `at` any more who sits there.
    fn proof_of_user(&mut self, desktop: usize, at: Timestamp) -> Result<String, NotSigned> {
        let (now, identity) = (self.now, self.sides(desktop).1);
        let machine = &mut self.desktops[desktop];
        let user = machine.user;
        let vault = machine.vault.as_mut().filter(|vault| vault.tokens);
        let vault = vault.ok_or(NotSigned::SignInAgain)?;
        let proves = |token: &String| IdToken::kept(token).is_some_and(|token| token.objection(at).is_none());
        let kept = id_token(user, vault.access_until - HOUR);
        if proves(&kept) {
            return Ok(kept);
        }
        match identity {
            Side::Answers if vault.granted => vault.access_until = now + HOUR,
            Side::Answers => return Err(NotSigned::SignInAgain),
            Side::Silent | Side::NoRoute => return Err(NotSigned::OutOfReach),
        }
        Some(id_token(user, now))
            .filter(proves)
            .ok_or(NotSigned::OutOfReach)
    }
}
