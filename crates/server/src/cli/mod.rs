//! The `latchkey-server` command. Every command works while the service runs; `--json` makes its answer one JSON value.

mod agent;
mod device;
mod error;
mod hold;
mod init;
mod issuer;
mod key;
mod organisation;
mod output;
mod product;
mod seat;
mod serve;
mod session;
mod subscription;
mod user;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::error::CliError;
use self::output::Output;
use crate::address;
use crate::clock::{Clock as _, SystemClock};
use crate::store::records::Keyring;
use crate::store::sqlite::SqliteStore;
use crate::store::{Store, StoreError};

/// The self-hosted licensing service of Latchkey.
///
/// Exit status: 0 done, 1 failed, 2 wrong usage, 3 something that was named is not there, 4 it contradicts what is
/// stored, 5 busy: try again, 6 an issuer that was checked does not fit.
#[derive(Parser)]
#[command(name = "latchkey-server", version)]
struct Cli {
    /// The data folder: database and root key.
    #[arg(long, global = true, env = "LATCHKEY_SERVER_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print one JSON value in place of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the data folder: database, root key, first lease key.
    Init(init::Init),
    /// Run the service.
    Serve(serve::Serve),
    /// Identity issuers: who may say who the users are.
    #[command(subcommand)]
    Issuer(issuer::Issuer),
    /// Organisations: who holds subscriptions.
    #[command(subcommand)]
    Organisation(organisation::Organisation),
    /// Products, and their registrations.
    #[command(subcommand)]
    Product(product::Product),
    /// Subscriptions: which products an organisation may use, and on which terms.
    #[command(subcommand)]
    Subscription(subscription::Subscription),
    /// Users, by e-mail address.
    #[command(subcommand)]
    User(user::User),
    /// Seats: which user may use which product.
    #[command(subcommand)]
    Seat(seat::Seat),
    /// Losses of seats that wait for an administrator.
    #[command(subcommand)]
    Hold(hold::Hold),
    /// Agents: how old they may be.
    #[command(subcommand)]
    Agent(agent::Agent),
    /// Devices that hold places.
    #[command(subcommand)]
    Device(device::Device),
    /// Sessions: who uses what, where.
    #[command(subcommand)]
    Session(session::Session),
    /// Minutes of use.
    Usage(session::Usage),
    /// Lease keys and root keys.
    #[command(subcommand)]
    Key(key::Key),
}

/// The data folder.
struct Data(PathBuf);

impl Data {
    fn database(&self) -> PathBuf {
        self.0.join("latchkey.db")
    }

    fn root_key(&self) -> PathBuf {
        self.0.join("root.key")
    }

    fn folder(&self) -> &Path {
        &self.0
    }

    fn open(&self) -> Result<SqliteStore, CliError> {
        Ok(SqliteStore::open(&self.database())?)
    }
}

/// Runs the command.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.json;
    match run(cli) {
        Ok(output) => output.print(json),
        Err(error) => error.print(json),
    }
}

fn run(cli: Cli) -> Result<Output, CliError> {
    let data = cli.data.map(Data).ok_or(CliError::NoDataFolder);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let now = SystemClock.now();
        // It looks at nothing that is stored.
        if let Command::Issuer(issuer::Issuer::Check(check)) = &cli.command {
            return check.run().await;
        }
        let data = data?;
        match cli.command {
            Command::Init(init) => init.run(&data, now).await,
            Command::Serve(serve) => serve.run(&data, cli.json).await,
            Command::Issuer(command) => command.run(&data.open()?).await,
            Command::Organisation(command) => command.run(&data.open()?, now).await,
            Command::Product(command) => command.run(&data, now).await,
            Command::Subscription(command) => command.run(&data.open()?, now).await,
            Command::User(command) => command.run(&data.open()?, now).await,
            Command::Seat(command) => command.run(&data.open()?, now).await,
            Command::Hold(command) => command.run(&data.open()?, now).await,
            Command::Agent(command) => command.run(&data.open()?).await,
            Command::Device(command) => command.run(&data.open()?, now).await,
            Command::Session(command) => command.run(&data.open()?).await,
            Command::Usage(usage) => usage.run(&data.open()?).await,
            Command::Key(command) => command.run(&data, now).await,
        }
    })
}

/// The keys, which `init` has made.
async fn keyring(store: &dyn Store) -> Result<Keyring, CliError> {
    let unfinished = StoreError::NotFound {
        what: "key",
        name: "of this service: run `latchkey-server init` once more".into(),
    };
    Ok(store.keyring().await?.ok_or(unfinished)?)
}

/// An e-mail address on the command line.
fn email(text: &str) -> Result<String, String> {
    address::email(text).ok_or_else(|| "is no e-mail address".into())
}

/// A name that people see.
fn name(text: &str) -> Result<String, String> {
    let bad = text.is_empty() || text.len() > 64 || text.chars().any(char::is_control);
    if bad {
        Err("must be 1 to 64 bytes of text".into())
    } else {
        Ok(text.to_owned())
    }
}
