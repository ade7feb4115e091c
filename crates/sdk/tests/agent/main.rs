//! The SDK against an agent that listens on a real socket and signs real tokens, and does what a test says: also what no
//! honest agent would.

#[cfg(test)]
mod agent;
#[cfg(test)]
mod atlas;
#[cfg(test)]
#[cfg(unix)]
mod future;
#[cfg(test)]
mod life;
#[cfg(test)]
mod stops;
#[cfg(test)]
mod trust;
#[cfg(test)]
mod vendor;
