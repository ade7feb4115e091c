//! The window's screens, by the names that `--screen`, [`Claim::show`](latchkey_ipc::messages::Request::Claim) and the
//! window's `show` event carry. An empty name leaves it to the window: the screen that fits the status.

/// The screen that fits the status.
pub(crate) const HOME: &str = "";
/// No screen: whoever holds the role may stay as it is.
pub(crate) const NONE: &str = "none";
/// Confirms signing out.
pub(crate) const SIGN_OUT: &str = "sign-out";
/// Confirms the reset of everything.
pub(crate) const RESET_ALL: &str = "reset";

/// The user's devices.
pub(crate) const DEVICES: &str = "devices";

/// Where one product stands.
pub(crate) fn product(product: &str) -> String {
    format!("product:{product}")
}

/// Confirms the reset of one product.
pub(crate) fn reset(product: &str) -> String {
    format!("reset:{product}")
}
