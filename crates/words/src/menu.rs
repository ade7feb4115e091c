//! The tray's menu.

use latchkey_core::time::Timestamp;
use latchkey_core::view::ProductView;

use crate::Words;

/// An entry of the tray's menu. The first one, the status line, is [`Words::line`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MenuItem<'a> {
    /// A product and its state; the submenu of what follows.
    Product(&'a ProductView),
    /// Opens the window at the product.
    Details,
    /// Resets the product of the submenu.
    ResetLicence,
    /// Begins a sign-in.
    SignIn,
    /// Opens the page of the sign-in that is open in the browser again.
    OpenSignIn,
    /// Copies its address.
    CopySignInLink,
    /// Ends the sign-in that is open.
    CancelSignIn,
    /// Signs out.
    SignOut,
    /// Rule 19.
    PrepareOffline,
    /// The submenu of resets.
    Manage,
    /// Resets the product with this name.
    ResetProduct(&'a str),
    /// Resets everything.
    ResetAll,
    /// Opens the window at the user's devices.
    Devices,
    /// Opens the window.
    Open,
    /// The switch for starting at login.
    StartAtLogin,
    /// Ends the tray.
    Quit,
}

impl Words {
    /// The label of a menu entry.
    pub fn menu(&self, item: MenuItem<'_>, now: Timestamp) -> String {
        let plain = |id| self.message(id, &[]);
        match item {
            MenuItem::Product(product) => {
                let state = self.state(&product.status, now);
                let named = [
                    ("product", (&product.name).into()),
                    ("version", (&product.version).into()),
                ];
                self.message("menu-product", &[named[0], named[1], ("state", (&state).into())])
            }
            MenuItem::Details => plain("menu-details"),
            MenuItem::ResetLicence => plain("menu-reset-licence"),
            MenuItem::SignIn => plain("menu-sign-in"),
            MenuItem::OpenSignIn => plain("menu-open-sign-in"),
            MenuItem::CopySignInLink => plain("menu-copy-sign-in-link"),
            MenuItem::CancelSignIn => plain("menu-cancel-sign-in"),
            MenuItem::SignOut => plain("menu-sign-out"),
            MenuItem::PrepareOffline => plain("menu-prepare-offline"),
            MenuItem::Manage => plain("menu-manage"),
            MenuItem::ResetProduct(product) => {
                self.message("menu-reset-product", &[("product", product.into())])
            }
            MenuItem::ResetAll => plain("menu-reset-all"),
            MenuItem::Devices => plain("menu-devices"),
            MenuItem::Open => plain("menu-open"),
            MenuItem::StartAtLogin => plain("menu-start-at-login"),
            MenuItem::Quit => plain("menu-quit"),
        }
    }
}
