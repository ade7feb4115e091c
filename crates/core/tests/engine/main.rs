//! The engine against the rules, told as stories: one machine, its services, its user, and months of time.

#[cfg(test)]
mod model;
#[cfg(test)]
mod rules_checks;
#[cfg(test)]
mod rules_clock;
#[cfg(test)]
mod rules_deny;
#[cfg(test)]
mod rules_end;
#[cfg(test)]
mod rules_first_outage;
#[cfg(test)]
mod rules_first_start;
#[cfg(test)]
mod rules_grace;
#[cfg(test)]
mod rules_inputs;
#[cfg(test)]
mod rules_network;
#[cfg(test)]
mod rules_outage;
#[cfg(test)]
mod rules_refusals;
#[cfg(test)]
mod rules_refused;
#[cfg(test)]
mod rules_released;
#[cfg(test)]
mod rules_reset;
#[cfg(test)]
mod rules_saving;
#[cfg(test)]
mod rules_sessions;
#[cfg(test)]
mod rules_signed;
#[cfg(test)]
mod rules_spreading;
#[cfg(test)]
mod rules_starts;
#[cfg(test)]
mod rules_status;
#[cfg(test)]
mod rules_takeover;
#[cfg(test)]
mod rules_temporary;
#[cfg(test)]
mod rules_times;
#[cfg(test)]
mod rules_two_services;
#[cfg(test)]
mod rules_usage;
#[cfg(test)]
mod rules_vault;
#[cfg(test)]
mod rules_waiting;
#[cfg(test)]
mod rules_wake;
#[cfg(test)]
mod support;
