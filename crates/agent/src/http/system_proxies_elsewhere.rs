//! Windows and macOS: the client reads the system's settings by itself when it is made.

use std::future::{Ready, ready};

use reqwest::ClientBuilder;
use url::Url;

#[derive(Clone, Debug, Default)]
pub(crate) struct SystemProxies;

impl SystemProxies {
    /// A client that goes through them.
    pub(crate) fn through(&self, builder: ClientBuilder) -> ClientBuilder {
        builder
    }

    /// Finds out how `url` is reached.
    pub(crate) fn look_up(&self, _url: &Url) -> Ready<()> {
        ready(())
    }
}
