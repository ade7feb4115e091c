//! Starting a process that has nothing to do with its starter any more.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::windows::ffi::OsStrExt as _;
use std::os::windows::io::{FromRawHandle as _, OwnedHandle};
use std::path::Path;
use std::ptr::null;

use windows_sys::Win32::Foundation::ERROR_ACCESS_DENIED;
use windows_sys::Win32::System::Threading::{
    CREATE_BREAKAWAY_FROM_JOB, CREATE_NEW_PROCESS_GROUP, CREATE_UNICODE_ENVIRONMENT, CreateProcessW,
    DETACHED_PROCESS, PROCESS_INFORMATION, STARTUPINFOW,
};

/// Starts `program` with `arguments` and this environment, without console or handles of this process, and outside of
/// its job where that is allowed, so that it does not end with whatever started the product.
///
/// `std::process::Command` is not enough here: it always lets inheritable handles through.
pub(super) fn start(
    program: &Path,
    arguments: &[&str],
    environment: &[(OsString, OsString)],
) -> io::Result<()> {
    let environment = environment_block(environment)?;
    match start_with(program, arguments, &environment, CREATE_BREAKAWAY_FROM_JOB) {
        Err(error) if error.raw_os_error() == Some(ERROR_ACCESS_DENIED.cast_signed()) => {
            start_with(program, arguments, &environment, 0)
        }
        result => result,
    }
}

#[expect(unsafe_code, reason = "Win32 has no safe form of this")]
fn start_with(program: &Path, arguments: &[&str], environment: &[u16], flags: u32) -> io::Result<()> {
    let application = wide(program.as_os_str())?;
    let mut command_line = command_line(program, arguments)?;
    let folder = wide(program.parent().unwrap_or(program).as_os_str())?;
    let startup = STARTUPINFOW {
        cb: u32::try_from(size_of::<STARTUPINFOW>()).unwrap_or(0),
        ..STARTUPINFOW::default()
    };
    let mut process = PROCESS_INFORMATION::default();
    // SAFETY: every text ends with a zero, the environment with two, and all of them outlive the call; handles are not
    // inherited.
    let started = unsafe {
        CreateProcessW(
            application.as_ptr(),
            command_line.as_mut_ptr(),
            null(),
            null(),
            0,
            flags | DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP | CREATE_UNICODE_ENVIRONMENT,
            environment.as_ptr().cast(),
            folder.as_ptr(),
            &raw const startup,
            &raw mut process,
        )
    };
    if started == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above has just made both handles, and nobody else closes them.
    unsafe {
        drop(OwnedHandle::from_raw_handle(process.hProcess));
        drop(OwnedHandle::from_raw_handle(process.hThread));
    }
    Ok(())
}

/// The program and its arguments, each in quotes. An argument that would need more than quotes is refused; none does.
fn command_line(program: &Path, arguments: &[&str]) -> io::Result<Vec<u16>> {
    let mut line = OsString::from("\"");
    line.push(program);
    line.push("\"");
    for argument in arguments {
        if argument.contains(['"', '\\']) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        line.push(format!(" \"{argument}\""));
    }
    wide(&line)
}

/// `NAME=value`, each ended by a zero, sorted as the system wants it, and one more zero at the end.
fn environment_block(variables: &[(OsString, OsString)]) -> io::Result<Vec<u16>> {
    let mut variables = variables.to_vec();
    variables.sort_by_key(|(name, _)| name.to_ascii_uppercase());
    let mut block = Vec::new();
    for (mut variable, value) in variables {
        variable.push("=");
        variable.push(value);
        block.extend(wide(&variable)?);
    }
    block.push(0);
    if block.len() == 1 {
        block.push(0);
    }
    Ok(block)
}

/// As the system takes text: UTF-16 that ends with a zero, and has none before.
fn wide(text: &OsStr) -> io::Result<Vec<u16>> {
    let units: Vec<u16> = text.encode_wide().collect();
    if units.contains(&0) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(units.into_iter().chain([0]).collect())
}
