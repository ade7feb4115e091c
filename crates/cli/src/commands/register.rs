//! `latchkey register` and `latchkey deregister`: what an installer does.

use std::io::{self, Read as _};
use std::path::Path;

use latchkey_core::code::Code;
use latchkey_core::registration::Registration;
use latchkey_ipc::messages::Request;
use latchkey_words::{Value, Words};

use super::Outcome;
use crate::agent::Agent;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// What a request may carry.
const LONGEST: u64 = latchkey_ipc::frame::REQUEST_LIMIT as u64;

pub(super) fn register(file: &Path, words: &Words) -> Outcome {
    let text = read(file)
        .map_err(|error| Failure::failed("file_unreadable", format_args!("{}: {error}", file.display())))?;
    let registration = parse(&text)?;
    let (product, version) = (registration.name.clone(), registration.version.clone());
    Agent::connect()?.order(Request::Register {
        registration: Box::new(registration),
    })?;
    let args = [
        ("product", Value::from(&product)),
        ("version", Value::from(&version)),
    ];
    output::line(&words.message("cli-registered", &args))?;
    Ok(Exit::Done)
}

pub(super) fn deregister(product: &str, version: Option<&str>, words: &Words) -> Outcome {
    Agent::connect()?.order(Request::Deregister {
        product: product.to_owned(),
        version: version.map(str::to_owned),
    })?;
    let args = [
        ("product", Value::from(product)),
        ("version", Value::from(version.unwrap_or("none"))),
    ];
    output::line(&words.message("cli-deregistered", &args))?;
    Ok(Exit::Done)
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if file == Path::new("-") {
        io::stdin().lock().take(LONGEST + 1).read_to_end(&mut text)?;
    } else {
        std::fs::File::open(file)?
            .take(LONGEST + 1)
            .read_to_end(&mut text)?;
    }
    if text.len() as u64 > LONGEST {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("longer than {LONGEST} bytes"),
        ));
    }
    Ok(text)
}

/// The same checks as the agent's, so that a vendor is told where the mistake is.
fn parse(text: &[u8]) -> Result<Registration, Failure> {
    let invalid = |detail: String| {
        Failure::new(
            Exit::Status(Code::InvalidArgument.number()),
            "registration_refused",
            detail,
        )
    };
    let registration: Registration =
        serde_json::from_slice(text).map_err(|error| invalid(error.to_string()))?;
    registration
        .validate()
        .map_err(|error| invalid(error.to_string()))?;
    Ok(registration)
}
