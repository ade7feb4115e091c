//! How long an answer may take.

use std::time::Duration;

use crate::messages::Request;

/// For what the agent has in memory.
pub const ANSWER: Duration = Duration::from_secs(10);
/// For what it asks the services or the keyring: longer than its own deadlines. It gives up a check after a minute, and a wish that
/// comes while one is under way is carried by the next.
const ROUND_TRIP: Duration = Duration::from_secs(150);

/// How long the agent may take to answer this. Who gives up sooner tells somebody that it failed, and then it is done all the same.
pub const fn patience(request: &Request) -> Duration {
    match request {
        Request::SignIn { .. }
        | Request::SignOut { .. }
        | Request::Check
        | Request::PrepareOffline
        | Request::Reset { .. }
        | Request::Unlock { .. }
        | Request::Session { .. }
        | Request::Devices { .. }
        | Request::ReleaseDevice { .. } => ROUND_TRIP,
        Request::Authorize { .. }
        | Request::Prove { .. }
        | Request::Release { .. }
        | Request::Status { .. }
        | Request::View
        | Request::Watch
        | Request::CancelSignIn
        | Request::Register { .. }
        | Request::Deregister { .. }
        | Request::Privacy
        | Request::Claim { .. }
        | Request::Shown { .. }
        | Request::Retire
        | Request::Unknown => ANSWER,
    }
}

#[cfg(test)]
mod tests {
    use latchkey_core::session::SessionWish;

    use super::*;

    /// The agent gives up an exchange with a service after 30 s, and a check after a minute.
    #[test]
    fn what_the_agent_asks_of_a_service_outlasts_its_own_deadlines() {
        let requests = [
            Request::Session {
                product: "ATLAS".into(),
                wish: SessionWish::TakeOver,
            },
            Request::Devices { service: None },
            Request::ReleaseDevice {
                service: None,
                device: "device-1".into(),
                same_machine: false,
            },
        ];
        for request in requests {
            assert!(patience(&request) > Duration::from_secs(2 * 60), "{request:?}");
        }
        assert_eq!(patience(&Request::View), ANSWER);
    }
}
