//! The keys of issuers in the keys document: what a first start in an outage is verified by (rule 7), when nobody can be asked for
//! them. Whoever has the root key vouches for them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use latchkey_core::id_token::IssuerKeys;
use latchkey_core::time::Timestamp;

use crate::address;
use crate::clock::{Clock as _, SystemClock};
use crate::identity::fetch::{self, FetchError};
use crate::signer::{RootKey, RootKeyError, SignError, vouched_for};
use crate::store::records::{Issuer, Keyring};
use crate::store::{Store, StoreError};

/// How long one answer of an issuer may take.
const PATIENCE: Duration = Duration::from_secs(8);
/// How often a service that has its root key looks for new keys of its issuers: they are published before they are used.
const EVERY: Duration = Duration::from_secs(3_600);

/// Why the keys of issuers could not be written down.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VouchError {
    /// An issuer cannot be asked.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// An issuer publishes nothing to verify by.
    #[error("{0} publishes no key that an ID token could be verified by")]
    NoKeys(String),
    /// What is stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The root key is not here.
    #[error(transparent)]
    Root(#[from] RootKeyError),
    /// It cannot be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// Nobody has asked for it.
    #[error("the service has no address yet: run `latchkey-server serve` once, or give --url to init")]
    NoAddress,
}

/// Writes the keys that these issuers publish now into the keys document, those and no others, and says which. `lenient` keeps what
/// is written of an issuer that cannot be asked.
///
/// # Errors
/// [`VouchError`]; nothing has changed then.
pub async fn renew(
    store: &dyn Store,
    root: &RootKey,
    issuers: &[Issuer],
    lenient: bool,
    now: Timestamp,
) -> Result<Vec<IssuerKeys>, VouchError> {
    let keyring = store.keyring().await?.ok_or(VouchError::NoAddress)?;
    let url = keyring.url.clone().ok_or(VouchError::NoAddress)?;
    let thumbprint = root.jwk().thumbprint();
    if !keyring.roots.iter().any(|known| known.thumbprint() == thumbprint) {
        return Err(RootKeyError::Foreign(thumbprint.0).into());
    }
    let before = vouched_for(&keyring);
    let http = fetch::client(PATIENCE)?;
    let mut after = Vec::new();
    for Issuer { issuer, .. } in issuers {
        let keys = fetch::public_keys(&http, issuer).await.map_err(VouchError::from);
        let usable = keys.and_then(|keys| match keys.keys.as_slice() {
            [] => Err(VouchError::NoKeys(issuer.clone())),
            [_, ..] => Ok(keys),
        });
        match usable {
            Ok(keys) => after.push(keys),
            Err(error) if lenient => {
                tracing::warn!(issuer, %error, "the keys that are written of it stay");
                after.extend(before.iter().find(|known| known.issuer == *issuer).cloned());
            }
            Err(error) => return Err(error),
        }
    }
    if after != before {
        store
            .publish(root.vouch_for(&url, after.clone(), &keyring, now)?)
            .await?;
        tracing::info!("the keys document has new keys of issuers");
    }
    Ok(after)
}

/// The issuers of these names, the vendor's own first. No name at all is the vendor's own: naming a company's in a public document says that it is a customer, which is
/// for an administrator to say.
///
/// # Errors
/// [`StoreError::NotFound`] for one that is not configured, or has moved.
pub fn named(all: &[Issuer], names: &[String]) -> Result<Vec<Issuer>, StoreError> {
    if names.is_empty() {
        return Ok(address::vendor(all).into_iter().cloned().collect());
    }
    let found = names.iter().map(|name| {
        let is_it = |issuer: &&Issuer| issuer.issuer == *name && issuer.moved_to.is_none();
        all.iter()
            .find(is_it)
            .cloned()
            .ok_or_else(|| StoreError::NotFound {
                what: "issuer",
                name: name.clone(),
            })
    });
    found.collect::<Result<_, _>>().map(vendors_first)
}

fn vendors_first(mut issuers: Vec<Issuer>) -> Vec<Issuer> {
    issuers.sort_by_key(|issuer| !issuer.domains.is_empty());
    issuers
}

/// The configured issuers that the document vouches for, the vendor's own first.
pub fn vouched(all: &[Issuer], keyring: &Keyring) -> Vec<Issuer> {
    let written = vouched_for(keyring);
    let is_written = |issuer: &&Issuer| {
        let mut written = written.iter();
        issuer.moved_to.is_none() && written.any(|known| known.issuer == issuer.issuer)
    };
    vendors_first(all.iter().filter(is_written).cloned().collect())
}

/// Keeps the document new, for as long as the service runs, where it has begun and the root key is at hand.
pub async fn keep_new(store: std::sync::Arc<dyn Store>, root_key: PathBuf) {
    let mut every = tokio::time::interval(EVERY);
    loop {
        every.tick().await;
        if !root_key.exists() {
            continue;
        }
        if let Err(error) = renew_again(&*store, &root_key).await {
            tracing::warn!(%error, "the keys of issuers cannot be renewed");
        }
    }
}

async fn renew_again(store: &dyn Store, root_key: &Path) -> Result<(), VouchError> {
    let keyring = store.keyring().await?.ok_or(VouchError::NoAddress)?;
    let issuers = vouched(&store.issuers().await?, &keyring);
    // Where none is left, the issuer has moved: what is written holds until an administrator names another.
    if !issuers.is_empty() {
        let root = RootKey::read(root_key)?;
        renew(store, &root, &issuers, true, SystemClock.now()).await?;
    }
    Ok(())
}
