//! Bridges to an MQTT broker.

use super::{
    Around, Shape,
    servers::{Scheme, login, server, trusted},
};
use crate::{
    bridge::{
        Kind,
        mqtt::{Config, Place, Version, Will, names::topic, qos},
    },
    config::{
        problem::Problem,
        section::{Report, Section, text, truth, whole},
        yaml::Value,
    },
};

const SCHEMES: [Scheme; 2] = [("mqtt", 1_883, false), ("mqtts", 8_883, true)];

/// Reads them.
pub(super) fn read(keys: &mut Section<'_>, around: &Around<'_>, report: &mut Report) -> Option<Shape> {
    let problems = report.problems.len();
    let server = server(keys, &SCHEMES, around, report);
    let (user, password) = login(keys, around, report);
    let trusted = trusted(keys, around, report);
    let version = keys.read("version", report, version).unwrap_or(Version::V5);
    let client_id = keys.read("client-id", report, client_id);
    let resume = keys.read("session", report, resumes).unwrap_or(false);
    let surely = keys.read("qos", report, |value| whole(value, 0..=2)).unwrap_or(1);
    let will = will(keys, report);
    let login = match (user, password) {
        (Some(user), password) => Some((user, password.unwrap_or_default())),
        (None, Some(password)) => Some((String::new(), password)),
        (None, None) => None,
    };
    let server = server?;
    let tls = server.tls.then_some(trusted);
    let place = Place { host: server.host, port: server.port, version, client_id, resume, login, tls, will };
    (report.problems.len() == problems).then_some(Shape {
        kind: Kind::Mqtt(Config { place, qos: qos(surely) }),
        network: None,
        prefix: "mqtt",
        is_wordless: version == Version::V311,
        is_listener: false,
    })
}

fn version(value: &Value) -> Result<Version, Problem> {
    match text(value)? {
        "5" | "5.0" => Ok(Version::V5),
        "3.1.1" | "3" => Ok(Version::V311),
        _ => Err(Problem::new(&value.origin, "it is no version of MQTT; expected `5` or `3.1.1`")),
    }
}

fn resumes(value: &Value) -> Result<bool, Problem> {
    match text(value)? {
        "clean" => Ok(false),
        "resume" => Ok(true),
        _ => {
            let problem = Problem::new(&value.origin, "a session is `clean`, or one to `resume`");
            Err(problem.hint("the broker keeps what comes for one that is resumed, for a day"))
        }
    }
}

fn client_id(value: &Value) -> Result<String, Problem> {
    let given = text(value)?;
    match !given.is_empty() && given.len() <= 128 && !given.chars().any(char::is_control) {
        true => Ok(given.to_owned()),
        false => Err(Problem::new(&value.origin, "a client's id has 1 to 128 bytes")),
    }
}

fn will(keys: &mut Section<'_>, report: &mut Report) -> Option<Will> {
    let given = keys.value("will")?.origin.clone();
    let mut below = keys.section("will", report);
    let at = below.read("topic", report, |value| {
        let given = text(value)?;
        topic(given).map(str::to_owned).map_err(|error| Problem::new(&value.origin, error.to_string()))
    });
    if below.value("topic").is_none() {
        report.problems.push(Problem::new(&given, "a will has no `topic`"));
    }
    let payload = below.read("payload", report, |value| text(value).map(|text| text.to_owned().into()));
    let surely = below.read("qos", report, |value| whole(value, 0..=2)).unwrap_or(1);
    let retain = below.read("retain", report, truth).unwrap_or(false);
    below.finish(report);
    Some(Will { topic: at?, payload: payload.unwrap_or_default(), qos: qos(surely), retain })
}
