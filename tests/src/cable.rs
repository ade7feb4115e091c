//! A network cable: the agent of a machine is in a network of its own, and what it reaches the services by can be pulled out.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::wait::{SOON, until};

/// What the cable is plugged into.
const LINK: &str = "near-end";
/// Of the machine, in a network for examples (RFC 5737).
const ADDRESS: &str = "192.0.2.2/24";
/// How often it is looked whether the cable is still there.
const LOOKED: Duration = Duration::from_millis(50);

/// A cable that leads to ports of this machine, until it is dropped.
#[derive(Debug)]
pub struct Cable {
    /// Keeps the network, in which it is the only process at first.
    holder: Child,
    network: String,
    gone: Arc<AtomicBool>,
}

impl Cable {
    /// Lays one that leads to these ports, and plugs it in.
    ///
    /// # Errors
    /// The system gives no network, or a port is taken there.
    pub fn lay(ports: &[u16]) -> Result<Self> {
        let holder = Command::new("unshare")
            .args(["--net", "sleep", "infinity"])
            .stdin(Stdio::null())
            .spawn()
            .context("cannot run unshare (package util-linux)")?;
        let network = format!("/proc/{}/ns/net", holder.id());
        let cable = Self {
            holder,
            network,
            gone: Arc::default(),
        };
        let ours = fs::read_link("/proc/self/ns/net")?;
        until("a network of its own", SOON, || {
            let its = fs::read_link(&cable.network).ok();
            Ok(its.filter(|its| *its != ours).map(drop))
        })?;
        cable.ip(&format!("link add {LINK} type veth peer name far-end"))?;
        cable.ip(&format!("link set {LINK} up"))?;
        cable.plug_in()?;
        for &port in ports {
            cable.lead_to(port)?;
        }
        Ok(cable)
    }

    /// The words before a program that put it behind the cable.
    pub fn words(&self) -> Vec<OsString> {
        vec![
            "nsenter".into(),
            format!("--net={}", self.network).into(),
            "--".into(),
        ]
    }

    /// Pulls it out: there is no route to anywhere, and whoever manages the network takes the address away.
    ///
    /// # Errors
    /// The system does not let it.
    pub fn pull_out(&self) -> Result<()> {
        self.ip("link set lo down")?;
        self.ip("address flush dev lo")?;
        self.ip(&format!("address flush dev {LINK}"))
    }

    /// Plugs it in: there is a route again, and an address.
    ///
    /// # Errors
    /// The system does not let it.
    pub fn plug_in(&self) -> Result<()> {
        self.ip("link set lo up")?;
        self.ip(&format!("address add {ADDRESS} dev {LINK}"))
    }

    fn ip(&self, command: &str) -> Result<()> {
        let mut words = self.words().into_iter();
        let status = Command::new(words.next().unwrap_or_default())
            .args(words)
            .arg("ip")
            .args(command.split(' '))
            .status()
            .context("cannot run ip (package iproute2)")?;
        ensure!(status.success(), "ip {command}: {status}");
        Ok(())
    }

    /// Who connects to a port at the far end is connected to that port here.
    fn lead_to(&self, port: u16) -> Result<()> {
        let network = File::open(&self.network)?;
        let (gone, (came, coming), (ready, listens)) = (Arc::clone(&self.gone), channel(), channel());
        thread::spawn(move || {
            let listener = listen(&network, port);
            let _ = ready.send(listener.as_ref().map(drop).map_err(ToString::to_string));
            if let Ok(listener) = listener {
                accept(&listener, &gone, &came);
            }
        });
        thread::spawn(move || {
            for stream in coming {
                // Nobody listens here: whoever came is turned away.
                if let Ok(service) = TcpStream::connect(("127.0.0.1", port)) {
                    carry(stream, service);
                }
            }
        });
        let listening: Result<(), String> = listens.recv()?;
        listening.map_err(anyhow::Error::msg)
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::SeqCst);
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Moves this thread into the network, and listens there.
fn listen(network: &File, port: u16) -> io::Result<TcpListener> {
    move_into_link_name_space(
        std::os::fd::AsFd::as_fd(network),
        Some(LinkNameSpaceType::Network),
    )?;
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn accept(listener: &TcpListener, gone: &AtomicBool, came: &Sender<TcpStream>) {
    while !gone.load(Ordering::SeqCst) {
        match listener.accept() {
            Ok((stream, _)) => {
                let _ = stream.set_nonblocking(false);
                let _ = came.send(stream);
            }
            Err(_) => thread::sleep(LOOKED),
        }
    }
}

/// Carries what either says to the other, until one has ended.
fn carry(one: TcpStream, other: TcpStream) {
    let halves = one.try_clone().and_then(|one| Ok((one, other.try_clone()?)));
    if let Ok((back, forth)) = halves {
        thread::spawn(move || copy(&one, &other));
        thread::spawn(move || copy(&forth, &back));
    }
}

fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}
