//! The keyring in each state that it can be in: each has a name and a remedy, nobody waits for it who has not asked, the
//! agent ends when it is told to, and nobody is signed out over any of them.

#[path = "keyrings/licensed.rs"]
mod licensed;
#[path = "keyrings/states.rs"]
mod states;
#[path = "keyrings/troubles.rs"]
mod troubles;

use stories::prelude::*;

use states::{
    a_keyring_that_is_away_or_hangs_is_found_again,
    a_keyring_that_takes_nothing_new_is_found_out_before_the_browser,
    a_prompt_that_is_open_or_was_closed_holds_nobody,
    an_entry_that_is_damaged_too_new_or_gone_ends_no_licence,
};

tell!(
    a_prompt_that_is_open_or_was_closed_holds_nobody,
    a_keyring_that_is_away_or_hangs_is_found_again,
    a_keyring_that_takes_nothing_new_is_found_out_before_the_browser,
    an_entry_that_is_damaged_too_new_or_gone_ends_no_licence,
);
