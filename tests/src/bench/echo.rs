//! The baseline of a call to the agent: another process that answers so many bytes with so many bytes, on a socket of
//! the same kind.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use stories::process::Process;
use stories::wait::SOON;

/// What this program is told to be the other side.
#[derive(clap::Args)]
pub(crate) struct Served {
    socket: PathBuf,
    question: usize,
    answer: usize,
}

/// Answers one connection after the other, until it is ended.
pub(crate) fn serve(served: &Served) -> Result<()> {
    let listener = UnixListener::bind(&served.socket)?;
    writeln!(std::io::stdout(), "ready")?;
    let (mut question, answer) = (vec![0; served.question], vec![b'x'; served.answer]);
    for stream in listener.incoming() {
        let mut stream = stream?;
        // It ends where the other side has had enough.
        while stream.read_exact(&mut question).is_ok() && stream.write_all(&answer).is_ok() {}
    }
    Ok(())
}

/// The other side, running.
pub(crate) struct Echo {
    socket: PathBuf,
    question: Vec<u8>,
    answer: Vec<u8>,
    _process: Process,
}

impl Echo {
    pub(crate) fn start(folder: &Path, logs: &Path, name: &str, sizes: Sizes) -> Result<Self> {
        let socket = folder.join(name);
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("echo")
            .arg(&socket)
            .args([sizes.question.to_string(), sizes.answer.to_string()]);
        let mut process = Process::start(name, &mut command, logs)?;
        process.wait_for_line("that it is ready", SOON, |line| (line == "ready").then_some(()))?;
        Ok(Self {
            socket,
            question: vec![b'x'; sizes.question],
            answer: vec![0; sizes.answer],
            _process: process,
        })
    }

    pub(crate) fn connect(&self) -> Result<UnixStream> {
        UnixStream::connect(&self.socket).context("connecting to the echo")
    }

    /// One question and its answer.
    pub(crate) fn call(&mut self, stream: &mut UnixStream) -> Result<()> {
        stream.write_all(&self.question)?;
        Ok(stream.read_exact(&mut self.answer)?)
    }
}

/// How many bytes go to and fro.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) question: usize,
    pub(crate) answer: usize,
}
