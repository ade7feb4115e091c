//! `latchkey unlock`: the passphrase of the file that the sign-in is kept in, or the keyring's own prompt once more.

use latchkey_core::vault::VaultKind;
use latchkey_ipc::messages::{Refused, Reply, Request};
use latchkey_ipc::passphrase::Passphrase;
use latchkey_words::Words;

use super::Outcome;
use crate::agent::Agent;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{hidden, output};

pub(super) fn run(words: &Words) -> Outcome {
    let agent = Agent::connect()?;
    let unlocked = unlock(&agent, agent.view()?.vault, words)?;
    let said = if unlocked {
        "cli-unlock-done"
    } else {
        "cli-unlock-open"
    };
    output::line(&words.message(said, &[]))?;
    Ok(Exit::Done)
}

/// Before somebody signs in who would be told that nothing can be kept. Where nobody can be asked, they are told that.
///
/// # Errors
/// As [`Agent::ask`], and when whoever is asked wants nothing of it.
pub(super) fn before_sign_in(agent: &Agent, words: &Words) -> Result<(), Failure> {
    let vault = agent.view()?.vault;
    if vault == VaultKind::File && hidden::can_ask() {
        unlock(agent, vault, words)?;
    }
    Ok(())
}

/// Whether there was anything to unlock.
fn unlock(agent: &Agent, vault: VaultKind, words: &Words) -> Result<bool, Failure> {
    let refused = match agent.try_ask(Request::Unlock {
        passphrase: None,
        first: false,
    })? {
        Reply::Done => return Ok(false),
        Reply::Refused(refused) => refused,
        _ => return Err(Failure::unsupported()),
    };
    let (passphrase, first) = match (vault, refused.problem.as_str()) {
        (VaultKind::File, "passphrase_not_set") => (choose(words)?, true),
        (VaultKind::File, "vault_locked" | "passphrase_file") => (type_in(refused, words)?, false),
        _ => return Err(refused.into()),
    };
    agent.order(Request::Unlock {
        passphrase: Some(passphrase),
        first,
    })?;
    Ok(true)
}

fn choose(words: &Words) -> Result<Passphrase, Failure> {
    let plain = |id| words.message(id, &[]);
    if hidden::can_ask() {
        output::note(&plain("cli-unlock-choose"));
    }
    let passphrase = hidden::ask(&plain("cli-unlock-new"))?;
    if hidden::ask(&plain("cli-unlock-again"))? != passphrase {
        return Err(Failure::new(Exit::Declined, "passphrases_differ", ""));
    }
    Ok(passphrase)
}

fn type_in(refused: Refused, words: &Words) -> Result<Passphrase, Failure> {
    if refused.problem == "vault_locked" {
        return hidden::ask(&words.message("cli-unlock-passphrase", &[]));
    }
    if !hidden::can_ask() {
        return Err(refused.into());
    }
    output::note(&words.problem(&refused.problem).text);
    hidden::ask(&words.message("cli-unlock-passphrase", &[]))
}
