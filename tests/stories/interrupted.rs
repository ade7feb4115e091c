//! A sign-in that is interrupted at every step on the wire, by whoever has a part in it: everybody who waits is told, and the
//! next one starts clean (rule 17). `askers.rs` tells of the steps at which the user is awaited.

#[path = "interrupted/asked.rs"]
mod asked;
#[path = "interrupted/asleep.rs"]
mod asleep;
#[path = "interrupted/looked_up.rs"]
mod looked_up;
#[path = "interrupted/put_away.rs"]
mod put_away;
#[path = "interrupted/windowed.rs"]
mod windowed;
#[path = "interrupted/wire.rs"]
mod wire;

use stories::prelude::*;

use asleep::{
    a_clock_that_jumps_past_the_code_ends_it,
    a_code_that_ends_while_the_machine_sleeps_is_over_when_it_wakes,
    a_page_that_is_open_while_the_machine_sleeps_still_signs_in,
};
use looked_up::while_the_work_address_is_looked_up_anybody_may_die;
use put_away::while_the_tokens_are_put_away_the_keyring_may_die;
use windowed::a_window_that_asked_may_die;
use wire::{
    while_the_address_is_found_anybody_may_die, while_the_code_is_asked_about_anybody_may_die,
    while_the_tokens_are_fetched_anybody_may_die,
};

tell!(
    while_the_work_address_is_looked_up_anybody_may_die,
    while_the_address_is_found_anybody_may_die,
    while_the_tokens_are_fetched_anybody_may_die,
    while_the_tokens_are_put_away_the_keyring_may_die,
    while_the_code_is_asked_about_anybody_may_die,
    a_code_that_ends_while_the_machine_sleeps_is_over_when_it_wakes,
    a_page_that_is_open_while_the_machine_sleeps_still_signs_in,
    a_clock_that_jumps_past_the_code_ends_it,
    a_window_that_asked_may_die,
);
