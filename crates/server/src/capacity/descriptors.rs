//! How many descriptors the system allows.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many this process may have open, raised as near to what is wanted as the system lets it: a service begins with 1,024
/// under systemd, for the sake of programs that cannot count further, and with 256 on macOS. Nothing where there is no limit.
pub(super) fn allowed(wanted: u64) -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current?;
    let wanted = limit.maximum.map_or(wanted, |most| most.min(wanted));
    let raise = |to: &u64| {
        let raised = Rlimit {
            current: Some(*to),
            ..limit
        };
        setrlimit(Resource::Nofile, raised).is_ok()
    };
    // macOS names no maximum, and has one all the same.
    let less_and_less = std::iter::successors(Some(wanted), |to| Some(to / 2));
    let raised = less_and_less.take_while(|to| *to > current).find(raise);
    Some(raised.unwrap_or(current))
}
