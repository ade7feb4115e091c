//! How many connections and streams there may be: each is a descriptor, and those that the database and the issuers need must
//! never be among them.

#[cfg(unix)]
mod descriptors;

/// What the service opens besides the connections that come in: the database, and the ways to issuers, with room to spare.
#[cfg(any(unix, test))]
const OWN: u64 = 512;
/// The most connections at once.
const MOST_CONNECTIONS: u64 = 70_000;
/// The most streams of pushes at once.
const MOST_STREAMS: u64 = 50_000;

/// How many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Connections at once, streams among them. One more is closed as soon as it is accepted.
    pub connections: usize,
    /// Streams of pushes, one for each device. One more is told to come back.
    pub streams: usize,
}

impl Capacity {
    /// What the service serves where the system sets no limit.
    pub const FULL: Self = Self {
        connections: MOST_CONNECTIONS as usize,
        streams: MOST_STREAMS as usize,
    };

    /// As much as the system allows this process, after asking it for all that is needed.
    pub fn of_this_process() -> Self {
        #[cfg(unix)]
        let capacity = descriptors::allowed(MOST_CONNECTIONS + OWN).map_or(Self::FULL, Self::with);
        // Windows counts no sockets.
        #[cfg(not(unix))]
        let capacity = Self::FULL;
        if capacity != Self::FULL {
            let Self { connections, streams } = capacity;
            tracing::warn!(
                connections,
                streams,
                "open files are limited: raise the hard limit (LimitNOFILE)"
            );
        }
        capacity
    }

    /// With so many descriptors. A quarter of the connections is for checks; and a process that has hardly any serves a few all
    /// the same.
    #[cfg(any(unix, test))]
    fn with(descriptors: u64) -> Self {
        let own = OWN.min(descriptors / 2);
        let connections = (descriptors - own).min(MOST_CONNECTIONS);
        let streams = (connections / 4 * 3).min(MOST_STREAMS);
        Self {
            connections: connections as usize,
            streams: streams as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_leave_room_for_checks_and_both_for_the_database() {
        for (descriptors, connections, streams) in [
            (64, 32, 24),
            (1_024, 512, 384),
            (4_096, 3_584, 2_688),
            (524_288, 70_000, 50_000),
        ] {
            assert_eq!(
                Capacity::with(descriptors),
                Capacity { connections, streams },
                "{descriptors}"
            );
        }
        assert_eq!(Capacity::with(MOST_CONNECTIONS + OWN), Capacity::FULL);
    }
}
