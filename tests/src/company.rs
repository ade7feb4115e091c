//! A company's network on one machine: its names, which nobody else knows, and its own certificate authority.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};

use crate::services::{LICENSING, PROVIDER};

/// Where names are looked up first.
pub const HOSTS: &str = "/etc/hosts";
/// What a program is started through, so that it knows the names of the file it is given.
const WITH_NAMES: &str = r#"mount --bind "$1" /etc/hosts && shift && exec "$@""#;

/// The company.
#[derive(Debug)]
pub struct Company {
    folder: PathBuf,
    hosts: PathBuf,
    root: PathBuf,
    authority: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM files.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate.
    pub chain: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Company {
    /// A company whose files are in `folder`.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn new(folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "Northwind Root CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let company = Self {
            hosts: folder.join("hosts"),
            root: folder.join("root.pem"),
            folder,
            authority,
        };
        fs::write(&company.root, company.authority.pem())?;
        fs::write(&company.hosts, company.names())?;
        Ok(company)
    }

    /// Its names, as a hosts file has them.
    pub fn names(&self) -> String {
        format!("127.0.0.1 localhost\n127.0.0.1 {LICENSING} {PROVIDER}\n")
    }

    /// The certificate of its authority.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A certificate of its authority for a name.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn certificate(&self, name: &str) -> Result<Certificate> {
        self.certify(CertificateParams::new([name.to_owned()])?, name)
    }

    /// One that has ended, in the place of the one that the name has.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn let_end(&self, name: &str) -> Result<()> {
        let mut params = CertificateParams::new([name.to_owned()])?;
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.certify(params, name).map(drop)
    }

    fn certify(&self, params: CertificateParams, name: &str) -> Result<Certificate> {
        let key = KeyPair::generate()?;
        let signed = params.signed_by(&key, &self.authority)?;
        let certificate = Certificate {
            chain: self.folder.join(format!("{name}.pem")),
            key: self.folder.join(format!("{name}.key")),
        };
        fs::write(&certificate.chain, signed.pem())?;
        fs::write(&certificate.key, key.serialize_pem())?;
        Ok(certificate)
    }

    /// A program inside its network: it knows the names, and believes the authority and no other.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", WITH_NAMES, "sh"])
            .arg(&self.hosts)
            .arg(program)
            .env("SSL_CERT_FILE", &self.root)
            .env_remove("SSL_CERT_DIR");
        // It is inside already: whatever leads the machine's own programs out leads it nowhere.
        for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(variable);
        }
        command
    }
}
