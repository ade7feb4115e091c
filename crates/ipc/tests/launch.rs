//! Starting the agent, for real: this program runs again as the product that starts it, and as the agent.

use std::collections::BTreeMap;
use std::time::Duration;

use latchkey_ipc::hello::Kind;
use latchkey_ipc::launch::{self, LaunchError};
use latchkey_ipc::messages::{Reply, Request};

const SOON: Duration = Duration::from_secs(20);

#[cfg(test)]
mod stage {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};

    use latchkey_ipc::launch::PROGRAM;

    /// Tells a run of this program what it is.
    pub(super) const PART: &str = "LATCHKEY_TEST_PART";
    /// Where each start of the agent leaves a line.
    pub(super) const STARTS: &str = "LATCHKEY_TEST_STARTS";

    /// What this run of the program is; nothing when it is the test itself.
    pub(super) fn part() -> Option<String> {
        std::env::var(PART).ok()
    }

    /// A machine of its own for one test.
    pub(super) struct Machine {
        pub(super) folder: tempfile::TempDir,
        agent: PathBuf,
    }

    /// Puts this program there. As a link where that can be: what a test writes while another one starts a program may
    /// not run yet (ETXTBSY).
    pub(super) fn install(program: &Path) {
        let this = std::env::current_exe().unwrap();
        fs::hard_link(&this, program)
            .or_else(|_| fs::copy(&this, program).map(drop))
            .unwrap();
    }

    impl Machine {
        pub(super) fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let agent = folder.path().join("installed").join(PROGRAM);
            fs::create_dir(agent.parent().unwrap()).unwrap();
            install(&agent);
            Self { folder, agent }
        }

        pub(super) fn socket_folder(&self) -> PathBuf {
            self.folder.path().join("run")
        }

        /// This program as another one, which prints what the agent says of itself.
        pub(super) fn product(&self, program: &Path, kind: &str) -> Command {
            let mut command = Command::new(program);
            command
                .args(["--exact", "part_of_the_product", "--nocapture"])
                .env(PART, kind)
                .env(STARTS, self.folder.path().join("starts"))
                .env("LATCHKEY_SOCKET_DIR", self.socket_folder())
                .env("LATCHKEY_AGENT", &self.agent)
                .env("LATCHKEY_TEST_FROM_STARTER", "comes along")
                .env("PASSWORD_OF_A_SHELL", "stays behind")
                .env("FAKETIME", "+30d")
                .stdin(Stdio::null())
                .stdout(Stdio::piped());
            command
        }

        pub(super) fn sdk(&self) -> Command {
            self.product(&std::env::current_exe().unwrap(), "sdk")
        }

        /// How often the agent's program was started.
        pub(super) fn starts(&self) -> usize {
            fs::read_to_string(self.folder.path().join("starts")).map_or(0, |starts| starts.lines().count())
        }
    }

    /// Ends the agent, however the test ends.
    impl Drop for Machine {
        fn drop(&mut self) {
            let _ = self.product(&std::env::current_exe().unwrap(), "retire").output();
        }
    }
}

#[cfg(test)]
mod parts {
    use std::io::Write as _;
    use std::time::Instant;

    use latchkey_ipc::address::Address;
    use latchkey_ipc::messages::SentField;
    use latchkey_ipc::server::{Incoming, Listener, Outgoing};

    use super::{Duration, Reply, Request, SOON, stage};

    /// An agent that answers every request with what it is.
    pub(super) fn agent() {
        let mut starts = std::fs::File::options()
            .create(true)
            .append(true)
            .open(std::env::var(stage::STARTS).unwrap())
            .unwrap();
        writeln!(starts, "{}", std::process::id()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let Ok(listener) = Listener::bind(&Address::of_user().unwrap()) else {
                return;
            };
            let (sender, mut incoming) = tokio::sync::mpsc::channel(8);
            let served = tokio::spawn(listener.serve(sender));
            let began = Instant::now();
            let mut outboxes = std::collections::HashMap::new();
            while let Ok(Some(happened)) =
                tokio::time::timeout((3 * SOON).saturating_sub(began.elapsed()), incoming.recv()).await
            {
                match happened {
                    Incoming::Connected { client, outbox, .. } => drop(outboxes.insert(client, outbox)),
                    Incoming::Gone { client } => drop(outboxes.remove(&client)),
                    Incoming::Call { client, call } => {
                        let retire = call.request == Request::Retire;
                        let reply = if retire {
                            Reply::Done
                        } else {
                            Reply::Privacy { fields: fields() }
                        };
                        let _ = outboxes[&client].send(Outgoing::answer(call.id, reply).unwrap());
                        if retire {
                            break;
                        }
                    }
                    other => panic!("{other:?}"),
                }
            }
            drop((incoming, outboxes));
            let _ = tokio::time::timeout(Duration::from_secs(5), served).await;
        });
    }

    fn fields() -> Vec<SentField> {
        let field = |field: &str, value: String| SentField {
            field: field.to_owned(),
            value,
        };
        let names: Vec<String> = std::env::vars_os()
            .map(|(name, _)| name.to_string_lossy().into_owned())
            .collect();
        let mut fields = vec![field("pid", std::process::id().to_string())];
        fields.push(field("environment", names.join(" ")));
        fields.push(field(
            "folder",
            std::env::current_dir().unwrap().display().to_string(),
        ));
        #[cfg(target_os = "linux")]
        {
            let pid = rustix::process::getpid();
            fields.push(field(
                "leads_session",
                (rustix::process::getsid(None).unwrap() == pid).to_string(),
            ));
            let open = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| {
                Some(
                    std::fs::read_link(entry.unwrap().path())
                        .ok()?
                        .display()
                        .to_string(),
                )
            });
            fields.push(field("open", open.collect::<Vec<_>>().join(" ")));
        }
        fields
    }
}

/// Not a test by itself: the agent, which is this program started without arguments.
#[test]
fn part_of_the_agent() {
    let started_bare = std::env::args().len() == 1;
    if stage::part().is_some() && started_bare {
        parts::agent();
    }
}

/// Not a test by itself: the program that starts the agent.
#[test]
fn part_of_the_product() {
    let Some(part) = stage::part().filter(|_| std::env::args().len() > 1) else {
        return;
    };
    if part == "retire" {
        if let Ok(connection) = latchkey_ipc::Connection::open(Kind::Cli) {
            let _ = connection.call(Request::Retire, SOON);
        }
        return;
    }
    let (kind, timeout) = match part.as_str() {
        "cli" => (Kind::Cli, SOON),
        "hurried" => (Kind::Sdk, Duration::from_millis(300)),
        _ => (Kind::Sdk, SOON),
    };
    #[cfg(target_os = "linux")]
    let _inherited = {
        // What a product written in C may well have: a file that it did not mark to be closed.
        let file = std::fs::File::open("/etc/hostname")
            .or_else(|_| std::fs::File::open("/etc/passwd"))
            .unwrap();
        rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
        file
    };
    match launch::connect_or_start(kind, timeout) {
        Ok(connection) => {
            println!("\nagent_version={}", connection.agent().version);
            match connection.call(Request::Privacy, SOON) {
                Ok(Reply::Privacy { fields }) => {
                    fields
                        .iter()
                        .for_each(|field| println!("{}={}", field.field, field.value));
                }
                other => println!("reply={other:?}"),
            }
        }
        Err(error) => {
            let which = match &error {
                LaunchError::NotInstalled { .. } => "not installed",
                LaunchError::Start { .. } => "start",
                LaunchError::Silent { .. } => "silent",
                _ => "other",
            };
            println!("\nerror={which}\nsays={error}");
        }
    }
    #[cfg(target_os = "linux")]
    println!(
        "children={}",
        std::fs::read_to_string(format!("/proc/self/task/{}/children", std::process::id()))
            .unwrap_or_default()
    );
}

#[cfg(test)]
fn said(output: &std::process::Output) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

#[test]
fn the_agent_keeps_nothing_of_who_started_it() {
    if stage::part().is_some() {
        return;
    }
    let machine = stage::Machine::new();
    let first = said(&machine.sdk().output().unwrap());
    let environment: Vec<&str> = first["environment"].split(' ').collect();
    assert!(environment.contains(&"LATCHKEY_TEST_FROM_STARTER"), "{first:?}");
    assert!(
        !environment.contains(&"PASSWORD_OF_A_SHELL") && !environment.contains(&"FAKETIME"),
        "{first:?}"
    );
    if cfg!(target_os = "linux") {
        assert_eq!(first["leads_session"], "true");
        assert_eq!(first["folder"], "/");
        assert_eq!(first["children"], "", "the starter has a child, or a zombie");
        let open: Vec<&str> = first["open"]
            .split(' ')
            .filter(|path| path.starts_with("/etc/"))
            .collect();
        assert!(open.is_empty(), "{open:?}");
        assert!(
            first["open"].starts_with("/dev/null /dev/null /dev/null"),
            "{first:?}"
        );
    }
    let second = said(&machine.sdk().output().unwrap());
    assert_eq!(
        second["pid"], first["pid"],
        "the agent lives on after the one who started it"
    );
    assert_eq!(machine.starts(), 1);
}

#[test]
fn many_products_at_once_start_one_agent() {
    if stage::part().is_some() {
        return;
    }
    let machine = stage::Machine::new();
    let products: Vec<_> = (0..8).map(|_| machine.sdk().spawn().unwrap()).collect();
    let pids: Vec<String> = products
        .into_iter()
        .map(|product| said(&product.wait_with_output().unwrap())["pid"].clone())
        .collect();
    assert!(pids.iter().all(|pid| *pid == pids[0]), "{pids:?}");
    assert_eq!(machine.starts(), 1);
}

#[test]
fn a_missing_agent_is_named_with_where_it_was_looked_for() {
    if stage::part().is_some() {
        return;
    }
    let machine = stage::Machine::new();
    let missing = machine.folder.path().join("nowhere");
    let output = machine.sdk().env("LATCHKEY_AGENT", &missing).output().unwrap();
    let said = said(&output);
    assert_eq!(said["error"], "not installed", "{said:?}");
    assert!(said["says"].contains(&missing.display().to_string()), "{said:?}");

    let relative = machine
        .sdk()
        .env("LATCHKEY_AGENT", "latchkey-agent")
        .output()
        .unwrap();
    assert_eq!(
        self::said(&relative)["error"],
        "not installed",
        "a relative path is whoever's"
    );
}

#[cfg(unix)]
#[test]
fn an_agent_that_never_listens_ends_in_an_error_at_the_deadline() {
    if stage::part().is_some() {
        return;
    }
    let machine = stage::Machine::new();
    let began = std::time::Instant::now();
    let output = machine
        .product(&std::env::current_exe().unwrap(), "hurried")
        .env("LATCHKEY_AGENT", "/bin/true")
        .output();
    assert_eq!(said(&output.unwrap())["error"], "silent");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());

    let text = machine.folder.path().join("text");
    std::fs::write(&text, "no program").unwrap();
    let output = said(&machine.sdk().env("LATCHKEY_AGENT", &text).output().unwrap());
    assert_eq!(output["error"], "start", "{output:?}");
}

#[cfg(unix)]
#[test]
fn an_older_agent_ends_for_the_one_that_was_installed_with_the_caller() {
    use latchkey_ipc::frame::{self, Decoder};
    use std::io::{Read as _, Write as _};

    if stage::part().is_some() {
        return;
    }
    let machine = stage::Machine::new();
    let address = latchkey_ipc::address::Address::in_folder(machine.socket_folder()).unwrap();
    address.prepare().unwrap();
    let old = std::os::unix::net::UnixListener::bind(address.socket()).unwrap();
    let socket = address.socket();
    let served = std::thread::spawn(move || {
        let (mut client, _) = old.accept().unwrap();
        client.set_read_timeout(Some(SOON)).unwrap();
        let hello = serde_json::json!({"min": 1, "max": 1, "kind": "agent", "version": "0.0.1"});
        client
            .write_all(&frame::encode(&hello, frame::MESSAGE_LIMIT).unwrap())
            .unwrap();
        let (mut decoder, mut buffer) = (Decoder::new(frame::REQUEST_LIMIT), [0; 4096]);
        loop {
            if let Some(body) = decoder.frame().unwrap() {
                let frame: serde_json::Value = frame::decode(body).unwrap();
                if frame["request"] == "retire" {
                    let done = serde_json::json!({"id": frame["id"], "reply": "done"});
                    client
                        .write_all(&frame::encode(&done, frame::MESSAGE_LIMIT).unwrap())
                        .unwrap();
                    std::fs::remove_file(socket).unwrap();
                    return true;
                }
                continue;
            }
            match client.read(&mut buffer).unwrap() {
                0 => return false,
                read => decoder.push(&buffer[..read]),
            }
        }
    });
    let beside = machine.folder.path().join("installed").join("product");
    stage::install(&beside);
    let said = said(&machine.product(&beside, "cli").output().unwrap());
    assert!(served.join().unwrap(), "the old agent was asked to end");
    assert_eq!(said["agent_version"], env!("CARGO_PKG_VERSION"), "{said:?}");
    assert_eq!(machine.starts(), 1);
}

#[cfg(unix)]
#[test]
fn an_agent_that_dies_while_a_product_connects_is_replaced() {
    if stage::part().is_some() {
        return;
    }
    let machine = stage::Machine::new();
    let address = latchkey_ipc::address::Address::in_folder(machine.socket_folder()).unwrap();
    address.prepare().unwrap();
    let dying = std::os::unix::net::UnixListener::bind(address.socket()).unwrap();
    let died = std::thread::spawn(move || {
        let connection = dying.accept().unwrap();
        // In the order in which the system closes what a killed process had open: nobody else can connect meanwhile.
        drop(dying);
        drop(connection);
    });
    let said = said(&machine.sdk().output().unwrap());
    died.join().unwrap();
    assert_eq!(said["agent_version"], env!("CARGO_PKG_VERSION"), "{said:?}");
    assert_eq!(machine.starts(), 1);
}
