//! What the agent inherits of its starter's environment. A list of what is let through, because the agent outlives the
//! program that started it, serves others, and must not be steered by what that program was started with: no
//! preloaded libraries, no credentials of a shell, no shifted clock.

use std::ffi::{OsStr, OsString};

use crate::address::{Address, FOLDER_VARIABLE};

/// Let through on every system. A name that ends in `*` stands for every name that begins so.
const NAMES: &[&str] = &[
    "HOME",
    "USER",
    "LOGNAME",
    "PATH",
    "TMPDIR",
    "TZ",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "XDG_*",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "LATCHKEY_*",
];

/// Let through on Windows besides, in upper case. Without most of them the system's own libraries do not load.
const WINDOWS_NAMES: &[&str] = &[
    "ALLUSERSPROFILE",
    "APPDATA",
    "COMMONPROGRAMFILES*",
    "COMPUTERNAME",
    "COMSPEC",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "NUMBER_OF_PROCESSORS",
    "OS",
    "PATHEXT",
    "PROCESSOR_*",
    "PROGRAMDATA",
    "PROGRAMFILES*",
    "PUBLIC",
    "SESSIONNAME",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "USERDOMAIN",
    "USERNAME",
    "USERPROFILE",
    "WINDIR",
];

/// The environment of a program of Latchkey's that this process starts, for the agent at `address`.
pub(super) fn inherited(address: &Address) -> Vec<(OsString, OsString)> {
    let mut variables: Vec<_> = std::env::vars_os()
        .filter(|(name, _)| is_inherited(name))
        .collect();
    if Address::of_user().ok().as_ref() != Some(address) {
        variables.retain(|(name, _)| name != FOLDER_VARIABLE);
        variables.push((FOLDER_VARIABLE.into(), address.folder().into()));
    }
    variables
}

fn is_inherited(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let listed = |names: &[&str], name: &str| {
        names.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == *pattern,
        })
    };
    if cfg!(windows) {
        let name = name.to_ascii_uppercase();
        return listed(NAMES, &name) || listed(WINDOWS_NAMES, &name);
    }
    listed(NAMES, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_agent_needs_comes_along() {
        for name in [
            "HOME",
            "LC_TIME",
            "XDG_RUNTIME_DIR",
            "https_proxy",
            "HTTPS_PROXY",
            "NO_PROXY",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
            "LATCHKEY_AGENT",
            "LATCHKEY_PROXY",
            "TZ",
        ] {
            assert!(is_inherited(OsStr::new(name)), "{name}");
        }
        for name in [
            "LD_PRELOAD",
            "FAKETIME",
            "DYLD_INSERT_LIBRARIES",
            "AWS_SECRET_ACCESS_KEY",
            "HOMEX",
            "",
        ] {
            assert!(!is_inherited(OsStr::new(name)), "{name}");
        }
    }
}
