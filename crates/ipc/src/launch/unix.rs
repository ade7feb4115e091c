//! Starting a process that has nothing to do with its starter any more.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Descriptors beyond this are not looked for where the system has no call that covers all.
const MOST_DESCRIPTORS: u64 = 65_536;

/// Starts `program` with `arguments` in a session of its own, with this environment and none of the descriptors of this
/// process.
///
/// It becomes no child of this process: a child that ends before its parent stays as a zombie until the parent asks for
/// it, and a product that embeds the SDK must neither have to do that nor be given a child it knows nothing of.
#[expect(unsafe_code, reason = "what happens between fork and exec has no safe form")]
pub(super) fn start(
    program: &Path,
    arguments: &[&str],
    environment: &[(OsString, OsString)],
) -> io::Result<()> {
    let open_limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let last =
        i32::try_from(open_limit.unwrap_or(MOST_DESCRIPTORS).min(MOST_DESCRIPTORS)).unwrap_or(i32::MAX);
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // SAFETY: `detach` makes system calls and nothing else: it neither allocates nor takes a lock, either of which
    // another thread of this process could have held when it was forked.
    unsafe { command.pre_exec(move || detach(last)) };
    // The child that this waits for ends at once; the agent is its child. Where the product ignores SIGCHLD there is
    // nothing to wait for, which is as good.
    let _ = command.spawn()?.wait();
    Ok(())
}

/// Leaves the starter: as its child's child, in a session of its own, keeping no descriptor past the three standard ones.
#[expect(unsafe_code, reason = "fork and close_range have no safe form")]
fn detach(last: i32) -> io::Result<()> {
    // SAFETY: runs in a process that has one thread, and both sides make nothing but system calls until they exec or end.
    match unsafe { libc::fork() } {
        -1 => return Err(io::Error::last_os_error()),
        0 => {}
        // SAFETY: ends this intermediate process without running anything of the product's.
        _ => unsafe { libc::_exit(0) },
    }
    rustix::process::setsid()?;
    close_on_exec(last);
    Ok(())
}

/// Marks every descriptor from 3 on, so that those that serve the start itself still work until it is done.
#[expect(
    unsafe_code,
    reason = "close_range and fcntl have no safe form for descriptors that are not ours"
)]
fn close_on_exec(last: i32) {
    #[cfg(target_os = "linux")]
    // SAFETY: changes only a flag of descriptors that nobody uses after exec.
    if unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) } == 0 {
        return;
    }
    for descriptor in 3..last {
        // SAFETY: as above; a descriptor that is not open is answered with an error, which changes nothing.
        unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}
