//! Bridges to event-engine: its ports, and the types of its events.

use hive_proto::channel::Channel;

use super::{Around, Shape, address::listen};
use crate::{
    bridge::{
        Kind,
        event_engine::{Config, PUBLISH_PORT, Plugin, SUBSCRIBE_PORT, Types, UNTYPED},
    },
    config::{
        problem::Problem,
        section::{Report, Section, text},
        yaml::Value,
    },
    units::nearest,
};

/// Types of one bridge, and plugins.
const TYPES_MAX: usize = 1_000;
const PLUGINS_MAX: usize = 256;
/// Bytes of what a message begins with.
const FILTER_BYTES_MAX: usize = 255;

/// Reads them.
pub(super) fn read(keys: &mut Section<'_>, around: &Around<'_>, report: &mut Report) -> Option<Shape> {
    let problems = report.problems.len();
    let origin = keys.value("types").map(|value| value.origin.clone());
    let types = keys.list("types", report, |value, _| type_name(value)).unwrap_or_default();
    if types.len() > TYPES_MAX {
        let message = format!("{} types; {TYPES_MAX} is the most", types.len());
        report.problems.push(Problem::new(origin.as_ref().unwrap_or(around.origin), message));
    }
    let publish = keys.read("publish", report, |value| listen(value, Some(PUBLISH_PORT)));
    let subscribe = keys.read("subscribe", report, |value| listen(value, Some(SUBSCRIBE_PORT)));
    let path = keys.below("plugins");
    let plugins = keys.list("plugins", report, |value, report| {
        let lines = report.lines.len();
        let read = plugin(Section::new(path.clone(), Some(value), report), value, &types, report);
        report.lines.truncate(lines);
        read
    });
    let plugins = plugins.unwrap_or_default();
    if plugins.len() > PLUGINS_MAX {
        report.problems.push(Problem::new(around.origin, format!("more than {PLUGINS_MAX} plugins")));
    }
    if publish.is_none() && subscribe.is_none() && plugins.is_empty() && report.problems.len() == problems {
        let problem = Problem::new(around.origin, "a bridge to event-engine has no port");
        let hint = format!(
            "write `publish: 127.0.0.1:{PUBLISH_PORT}`, `subscribe: 127.0.0.1:{SUBSCRIBE_PORT}`, or `plugins: [{{ listen: 127.0.0.1:6000, types: [TypeA] }}]`"
        );
        report.problems.push(problem.hint(hint));
    }
    (report.problems.len() == problems).then(|| Shape {
        kind: Kind::EventEngine(Config { types: Types::new(types), publish, subscribe, plugins }),
        network: None,
        prefix: "event-engine",
        is_wordless: false,
        is_listener: true,
    })
}

fn plugin(
    mut keys: Section<'_>,
    value: &Value,
    types: &[String],
    report: &mut Report,
) -> Result<Plugin, Problem> {
    let addr = keys.read("listen", report, |value| listen(value, None));
    let missing = keys.value("listen").is_none();
    let filters = keys.list("filters", report, |value, _| filter(value)).unwrap_or_default();
    let wanted = keys.list("types", report, |value, _| match text(value)? {
        name if types.iter().any(|known| known == name) => Ok(name.to_owned()),
        name => {
            let shown: String = name.chars().take(60).collect();
            let problem = Problem::new(&value.origin, format!("`{shown}` is none of the bridge's `types`"));
            Err(match nearest(name, types.iter().map(String::as_str)) {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem.hint("add it to `types` of the bridge"),
            })
        }
    });
    keys.finish(report);
    match addr {
        Some(addr) => Ok(Plugin { addr, filters, types: wanted.unwrap_or_default() }),
        None if missing => {
            let problem = Problem::new(&value.origin, "a plugin of event-engine's has no `listen`");
            Err(problem.hint("say at which port it connects: `listen: 127.0.0.1:6000`"))
        }
        // What is wrong with it is said already; this place is not used.
        None => Ok(Plugin { addr: ([127, 0, 0, 1], 0).into(), filters, types: wanted.unwrap_or_default() }),
    }
}

/// A type is a part of a channel here.
fn type_name(value: &Value) -> Result<String, Problem> {
    let name = text(value)?;
    let problem = match Channel::parse(name) {
        Ok(_) if name.contains('/') => Some("it has a `/`".to_owned()),
        Ok(_) if name == UNTYPED => Some("that is the name of events without a type".to_owned()),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    };
    match problem {
        None => Ok(name.to_owned()),
        Some(why) => {
            let shown: String = name.chars().take(60).collect();
            Err(Problem::new(
                &value.origin,
                format!("the type `{shown}` cannot be a part of a channel: {why}"),
            ))
        }
    }
}

fn filter(value: &Value) -> Result<String, Problem> {
    let filter = text(value)?;
    if filter.len() > FILTER_BYTES_MAX {
        return Err(Problem::new(&value.origin, format!("a filter has at most {FILTER_BYTES_MAX} bytes")));
    }
    Ok(filter.to_owned())
}
