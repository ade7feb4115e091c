//! What each command does.

mod check;
mod config;
mod confirm;
mod devices;
mod privacy;
mod register;
mod rescue;
mod reset;
mod session;
mod shell;
mod sign_in;
mod sign_out;
mod status;
mod unlock;
mod version;
mod watch;

use latchkey_core::session::SessionWish;
use latchkey_ipc::settings::Settings;
use latchkey_words::Words;

use crate::arguments::{Arguments, Command};
use crate::exit::Exit;
use crate::failure::Failure;

/// How a command ends.
type Outcome = Result<Exit, Failure>;

/// Does what was asked for.
///
/// # Errors
/// Why it was not done.
pub(crate) fn run(arguments: &Arguments, settings: &Settings, words: &Words) -> Outcome {
    match &arguments.command {
        Command::SignIn(options) => sign_in::run(options, words),
        Command::SignOut { service } => sign_out::run(service.clone(), words),
        Command::Status(options) if options.watch => watch::run(options, words),
        Command::Status(options) => status::run(options, words),
        Command::Products { json } => status::products(*json, words),
        Command::Register { file } => register::register(file, words),
        Command::Deregister { product, version } => register::deregister(product, version.as_deref(), words),
        Command::Check => check::check(words),
        Command::PrepareOffline => check::prepare_offline(words),
        Command::Devices { service, json } => devices::list(service.as_deref(), *json, words),
        Command::ReleaseDevice(options) => devices::release(options, words),
        Command::UseHere { product } => session::run(product, SessionWish::TakeOver, words),
        Command::HandOver { product } => session::run(product, SessionWish::HandOver, words),
        Command::Reset(options) => reset::run(options, words),
        Command::Config { change } => {
            config::run(change.as_ref(), arguments.language.as_deref(), settings, words)
        }
        Command::Unlock => unlock::run(words),
        Command::Privacy => privacy::run(words),
        Command::Completions { shell } => shell::completions(*shell),
        Command::Man { command } => shell::man(command),
        Command::Version => version::run(words),
        Command::ExitCodes => shell::exit_codes(),
    }
}
