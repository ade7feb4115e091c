//! The tray's menu as plain values: what a [`View`] looks like there, and nothing of the desktop.

use latchkey_core::code::Code;
use latchkey_core::view::{AccountView, Problem, SignInPhase, SignInView, StatusView, View};
use latchkey_words::{MenuItem, Words};
use serde::{Deserialize, Serialize};

use crate::screen;

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Opens the window at a screen.
    Open { screen: String },
    /// Signs in at a licensing service.
    SignIn { service: String },
    /// Opens the page of the open sign-in again.
    OpenSignIn { url: String },
    /// Copies its address.
    CopySignInLink { url: String },
    /// Ends it.
    CancelSignIn,
    /// Checks now and says until when this device is good (rule 19).
    PrepareOffline,
    /// Switches starting at login on, or off.
    ToggleAutostart,
    /// Ends the tray.
    Quit,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Words alone.
    Line(String),
    /// A rule between groups.
    Separator,
    /// Does something.
    Item { label: String, action: Action },
    /// A switch.
    Check {
        label: String,
        action: Action,
        checked: bool,
    },
    /// More entries.
    Submenu { label: String, entries: Vec<Entry> },
}

/// The menu for what the agent last said; `None` when it cannot be reached.
pub(crate) fn menu(view: Option<&View>, autostart: bool, words: &Words) -> Vec<Entry> {
    let mut groups = vec![vec![Entry::Line(status_line(view, words))]];
    if let Some(view) = view {
        groups.push(products(view, words));
        groups.push([sign_in(view, words), licences(view, words)].concat());
    }
    let words_for = |item| words.menu(item, Default::default());
    groups.push(vec![
        item(
            words_for(MenuItem::Open),
            Action::Open {
                screen: screen::HOME.into(),
            },
        ),
        Entry::Check {
            label: words_for(MenuItem::StartAtLogin),
            action: Action::ToggleAutostart,
            checked: autostart,
        },
        item(words_for(MenuItem::Quit), Action::Quit),
    ]);
    groups.retain(|group| !group.is_empty());
    groups.join(&Entry::Separator)
}

/// The status line, which the tooltip says too.
pub(crate) fn status_line(view: Option<&View>, words: &Words) -> String {
    match view {
        Some(view) => words.line(&view.headline.line, view.at),
        None => {
            let status = StatusView {
                code: Code::AgentNotFound.number(),
                ..StatusView::default()
            };
            words.state(&status, Default::default())
        }
    }
}

fn products(view: &View, words: &Words) -> Vec<Entry> {
    let entries = |product: &str| {
        let label = |item| words.menu(item, view.at);
        vec![
            item(
                label(MenuItem::Details),
                Action::Open {
                    screen: screen::product(product),
                },
            ),
            item(
                label(MenuItem::ResetLicence),
                Action::Open {
                    screen: screen::reset(product),
                },
            ),
        ]
    };
    view.products
        .iter()
        .map(|product| Entry::Submenu {
            label: words.menu(MenuItem::Product(product), view.at),
            entries: entries(&product.product),
        })
        .collect()
}

fn sign_in(view: &View, words: &Words) -> Vec<Entry> {
    let label = |item| words.menu(item, view.at);
    if let Some(sign_in) = &view.sign_in {
        return open_sign_in(sign_in, label);
    }
    let wants = [Problem::SignInAgain, Problem::VaultEntryGone];
    let again = wants.iter().any(|problem| view.problems.contains(problem));
    let (signed_in, signed_out): (Vec<_>, Vec<_>) =
        view.accounts.iter().partition(|account| account.user.is_some());
    let wanted = if again {
        view.accounts.iter().collect()
    } else {
        signed_out
    };
    let mut entries = choice(label(MenuItem::SignIn), &wanted, |service| Action::SignIn {
        service,
    });
    if !signed_in.is_empty() {
        entries.push(item(
            label(MenuItem::SignOut),
            Action::Open {
                screen: screen::SIGN_OUT.into(),
            },
        ));
    }
    entries
}

fn open_sign_in(sign_in: &SignInView, label: impl Fn(MenuItem<'static>) -> String) -> Vec<Entry> {
    let page = sign_in
        .url
        .as_ref()
        .filter(|_| sign_in.phase == SignInPhase::WaitingForUser);
    let page = page.map(|url| {
        [
            item(
                label(MenuItem::OpenSignIn),
                Action::OpenSignIn { url: url.clone() },
            ),
            item(
                label(MenuItem::CopySignInLink),
                Action::CopySignInLink { url: url.clone() },
            ),
        ]
    });
    let cancel = item(label(MenuItem::CancelSignIn), Action::CancelSignIn);
    page.into_iter().flatten().chain([cancel]).collect()
}

/// One entry where there is one service; where there are more, one for each, by its host.
fn choice(label: String, accounts: &[&AccountView], action: fn(String) -> Action) -> Vec<Entry> {
    match accounts {
        [] => Vec::new(),
        [account] => vec![item(label, action(account.service.clone()))],
        accounts => {
            let entries = accounts.iter().map(|account| {
                let host = url::Url::parse(&account.service)
                    .ok()
                    .and_then(|url| url.host_str().map(str::to_owned));
                item(
                    host.unwrap_or_else(|| account.service.clone()),
                    action(account.service.clone()),
                )
            });
            vec![Entry::Submenu {
                label,
                entries: entries.collect(),
            }]
        }
    }
}

fn licences(view: &View, words: &Words) -> Vec<Entry> {
    if view.products.is_empty() {
        return Vec::new();
    }
    let label = |item| words.menu(item, view.at);
    // One licence covers every version of a product.
    let mut products: Vec<_> = view
        .products
        .iter()
        .map(|product| (&product.product, &product.name))
        .collect();
    products.dedup_by_key(|(key, _)| *key);
    let resets = products.into_iter().map(|(key, name)| {
        item(
            label(MenuItem::ResetProduct(name)),
            Action::Open {
                screen: screen::reset(key),
            },
        )
    });
    let all = item(
        label(MenuItem::ResetAll),
        Action::Open {
            screen: screen::RESET_ALL.into(),
        },
    );
    let signed_in = view.accounts.iter().any(|account| account.user.is_some());
    let devices = signed_in.then(|| {
        item(
            label(MenuItem::Devices),
            Action::Open {
                screen: screen::DEVICES.into(),
            },
        )
    });
    let manage = Entry::Submenu {
        label: label(MenuItem::Manage),
        entries: resets.chain([all]).chain(devices).collect(),
    };
    let prepare = signed_in.then(|| item(label(MenuItem::PrepareOffline), Action::PrepareOffline));
    prepare.into_iter().chain([manage]).collect()
}

fn item(label: String, action: Action) -> Entry {
    Entry::Item { label, action }
}

#[cfg(test)]
mod tests;
