//! `latchkey-server issuer check`

use clap::Args;

use super::super::{CliError, Output, output};
use super::issuer;
use crate::identity::{Identity, Timing};
use crate::issuer_check::{self, Report, Verdict};

/// The exit status where something that is needed is missing.
const UNFIT: u8 = 6;

#[derive(Args)]
pub(in super::super) struct Check {
    /// The issuer's address.
    #[arg(value_parser = issuer)]
    issuer: String,
    /// Try this client: ask for tokens with a code that was made up, and for a code to sign in by, which nobody uses.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
}

impl Check {
    pub(in super::super) async fn run(&self) -> Result<Output, CliError> {
        // The one crypto provider of the process.
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let http = Identity::new(Timing::DEFAULT)?.client();
        let report = issuer_check::check(&http, &self.issuer, self.client_id.as_deref()).await;
        let status = if report.fits { 0 } else { UNFIT };
        Ok(Output::new(&report, text(&report))?.exiting(status))
    }
}

fn text(report: &Report) -> String {
    let rows: Vec<_> = report
        .findings
        .iter()
        .map(|finding| {
            [
                finding.verdict.name().to_owned(),
                finding.about.to_owned(),
                finding.words.clone(),
            ]
        })
        .collect();
    let standing = |verdict| {
        let same = report
            .findings
            .iter()
            .filter(move |finding| finding.verdict == verdict);
        same.map(|finding| finding.about).collect::<Vec<_>>()
    };
    let (missing, limited) = (standing(Verdict::Missing), standing(Verdict::Limited));
    let end = if !missing.is_empty() {
        format!("It cannot be used as it is. Missing: {}.", missing.join(", "))
    } else if !limited.is_empty() {
        "All that is needed to sign in is there. What is limited says what will not work.".to_owned()
    } else {
        "All of it will work.".to_owned()
    };
    format!("{}\n\n{end}", output::columns(&rows))
}
