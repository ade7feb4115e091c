//! `latchkey devices` and `latchkey release-device` (rule 10)

use latchkey_core::code::Code;
use latchkey_core::devices::{OwnDevice, OwnDevices};
use latchkey_core::time::Timestamp;
use latchkey_ipc::messages::{Reply, Request};
use latchkey_words::{Value, Words};

use super::{Outcome, confirm};
use crate::agent::Agent;
use crate::arguments::ReleaseDevice;
use crate::document::DevicesDocument;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

pub(super) fn list(service: Option<&str>, json: bool, words: &Words) -> Outcome {
    let agent = Agent::connect()?;
    let own = own_devices(&agent, service)?;
    if json {
        output::json(&DevicesDocument::new(&own))?;
        return Ok(Exit::Done);
    }
    let now = agent.view()?.at;
    for device in &own.devices {
        output::line(&line(device, now, words))?;
        output::line(&format!("    {}", device.id))?;
    }
    let left = Value::from(own.releases_left);
    output::line(&words.message("cli-devices-left", &[("left", left)]))?;
    Ok(Exit::Done)
}

pub(super) fn release(options: &ReleaseDevice, words: &Words) -> Outcome {
    let agent = Agent::connect()?;
    let own = own_devices(&agent, options.service.as_deref())?;
    let device = named(&own, &options.device)?;
    let name = [("name", Value::from(device.name.as_str()))];
    let question = words.message("cli-release-device", &name);
    let means = if options.same_machine {
        words.message("cli-release-device-same", &name)
    } else {
        words.message("cli-release-device-means", &name)
    };
    if !confirm::confirmed(options.yes, &[&question, &means], words)? {
        return Ok(Exit::Declined);
    }
    agent.order(Request::ReleaseDevice {
        service: options.service.clone(),
        device: device.id.clone(),
        same_machine: options.same_machine,
    })?;
    // The next check takes what is free now. It is waited for, so that whoever starts a product next is not refused once more;
    // where it fails, the place is given up all the same.
    let _checked_later = agent.ask(Request::Check);
    output::line(&words.message("cli-release-device-done", &name))?;
    Ok(Exit::Done)
}

fn own_devices(agent: &Agent, service: Option<&str>) -> Result<OwnDevices, Failure> {
    let request = Request::Devices {
        service: service.map(str::to_owned),
    };
    match agent.ask(request)? {
        Reply::Devices(own) => Ok(own),
        _ => Err(Failure::unsupported()),
    }
}

/// The device with this id, or the only one with this name.
fn named<'a>(own: &'a OwnDevices, text: &str) -> Result<&'a OwnDevice, Failure> {
    if let Some(device) = own.devices.iter().find(|device| device.id == text) {
        return Ok(device);
    }
    let mut same_name = own
        .devices
        .iter()
        .filter(|device| device.name.eq_ignore_ascii_case(text));
    let refused = |problem| Failure::new(Exit::Status(Code::InvalidArgument.number()), problem, text);
    match (same_name.next(), same_name.next()) {
        (Some(device), None) => Ok(device),
        (None, _) => Err(refused("unknown_device")),
        (Some(_), Some(_)) => Err(refused("several_devices")),
    }
}

fn line(device: &OwnDevice, now: Timestamp, words: &Words) -> String {
    let seen = words.date_time(Timestamp::from_secs(device.last_seen), now);
    let args = [
        ("name", Value::from(device.name.as_str())),
        ("system", Value::from(device.system.as_str())),
        ("time", Value::from(seen.as_str())),
    ];
    let mut line = words.message("cli-device", &args);
    for (is, id) in [
        (device.this, "cli-device-this"),
        (device.in_use, "cli-device-in-use"),
        (!device.holds_place, "cli-device-without-place"),
    ] {
        if is {
            line = format!("{line} — {}", words.message(id, &[]));
        }
    }
    line
}
