//! The session bus, spoken to without async: stories are told one step after the other.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;
use tokio::runtime::Runtime;
use zbus::conn::Builder;
use zbus::message::Message;
use zbus::{Connection, DynamicType, MessageStream, OwnedVariant};

use crate::wait::{SOON, until};

/// No answer on a bus may take longer.
const ANSWER: Duration = Duration::from_secs(20);

/// A connection to a session bus.
#[derive(Debug)]
pub struct Bus {
    runtime: Runtime,
    connection: Connection,
}

/// Where a call goes.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// A well-known or unique name.
    pub name: &'a str,
    /// The object's path.
    pub path: &'a str,
    /// Its interface.
    pub interface: &'a str,
}

impl Bus {
    /// Connects.
    ///
    /// # Errors
    /// Nobody answers at `address`.
    pub fn connect(address: &str) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let connection = runtime.block_on(Builder::address(address).method_timeout(ANSWER).build());
        let connection = connection.with_context(|| format!("cannot connect to the bus at {address}"))?;
        Ok(Self { runtime, connection })
    }

    /// Calls a method.
    ///
    /// # Errors
    /// The other side answers with an error, or not at all.
    pub fn call<B: Serialize + DynamicType>(
        &self,
        target: Target<'_>,
        method: &str,
        body: &B,
    ) -> Result<Message> {
        let Target {
            name,
            path,
            interface,
        } = target;
        self.runtime
            .block_on(
                self.connection
                    .call_method(Some(name), path, Some(interface), method, body),
            )
            .with_context(|| format!("{interface}.{method} at {name}"))
    }

    /// Reads a property.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn property(&self, target: Target<'_>, property: &str) -> Result<OwnedVariant> {
        let properties = Target {
            interface: "org.freedesktop.DBus.Properties",
            ..target
        };
        let message = self
            .call(properties, "Get", &(target.interface, property))
            .with_context(|| format!("the property {}.{property}", target.interface))?;
        Ok(message.body().deserialize()?)
    }

    /// Whether somebody has a name.
    ///
    /// # Errors
    /// The bus does not answer.
    pub fn has_owner(&self, name: &str) -> Result<bool> {
        let bus = Target {
            name: "org.freedesktop.DBus",
            path: "/org/freedesktop/DBus",
            interface: "org.freedesktop.DBus",
        };
        Ok(self.call(bus, "NameHasOwner", &name)?.body().deserialize()?)
    }

    /// Waits until somebody has a name.
    ///
    /// # Errors
    /// Nobody has it within 20 s.
    pub fn wait_for_owner(&self, name: &str) -> Result<()> {
        until(&format!("{name} on the session bus"), SOON, || {
            Ok(self.has_owner(name)?.then_some(()))
        })
    }

    /// Everything that arrives from now on.
    pub(crate) fn messages(&self) -> MessageStream {
        MessageStream::from(&self.connection)
    }

    /// Where futures of this connection run.
    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}
