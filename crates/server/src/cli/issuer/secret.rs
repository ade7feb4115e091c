//! The secret of the introspection client. It comes from a file or from the environment: whatever stands on a command line,
//! every process of the machine can read.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use zeroize::Zeroizing;

use super::super::CliError;
use crate::store::records::Secret;

const VARIABLE: &str = "LATCHKEY_SERVER_INTROSPECTION_SECRET";
const LONGEST: usize = 4 * 1024;

pub(super) fn read(file: Option<&Path>) -> Result<Secret, CliError> {
    let (text, from) = match file {
        Some(path) => (content(path)?, path.display().to_string()),
        None => {
            let text = std::env::var(VARIABLE).map_err(|_| {
                CliError::Usage(format!(
                    "--token opaque needs the client's secret: --introspection-secret-file FILE, or the environment variable \
                     {VARIABLE}"
                ))
            })?;
            (Zeroizing::new(text), VARIABLE.to_owned())
        }
    };
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() || secret.len() > LONGEST || secret.chars().any(char::is_control) {
        return Err(CliError::Usage(format!(
            "{from} must hold one line: the secret, of at most 4 KiB"
        )));
    }
    Ok(Secret(Zeroizing::new(secret.to_owned())))
}

fn content(path: &Path) -> Result<Zeroizing<String>, CliError> {
    let mut text = Zeroizing::new(String::with_capacity(LONGEST + 16));
    let unreadable = |error: std::io::Error| CliError::Usage(format!("{}: {error}", path.display()));
    let file = File::open(path).map_err(unreadable)?;
    file.take(LONGEST as u64 + 8)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    Ok(text)
}
