//! Bridges to hein: a transmitter for its receivers, or a receiver of one of its transmitters.

use super::{
    Around, Shape,
    address::{address, listen},
};
use crate::{
    bridge::{
        Kind,
        hein::{Config, DEFAULT_PORT, NAME_BYTES_MAX},
    },
    config::{
        problem::Problem,
        section::{Report, Section, text},
        yaml::Value,
    },
};

const EXAMPLE: &str = "tcp://10.0.0.2:50007";

/// Reads them.
pub(super) fn read(keys: &mut Section<'_>, around: &Around<'_>, report: &mut Report) -> Option<Shape> {
    let listening = keys.value("listen").map(|value| value.origin.clone());
    let connecting = keys.value("connect").map(|value| value.origin.clone());
    let addr = keys.read("listen", report, |value| listen(value, Some(DEFAULT_PORT)));
    let place = keys.read("connect", report, connect);
    let name = keys.read("as", report, name).unwrap_or_else(|| "hive-node".to_owned());
    let config = match (listening, connecting) {
        (Some(first), Some(second)) => {
            let problem = Problem::new(&second, "`connect` in a bridge that listens");
            report.problems.push(problem.see(&first, "here").hint("write two bridges, one for each"));
            return None;
        }
        (Some(_), None) => Config::Listen(addr?),
        (None, Some(_)) => {
            let (host, port) = place?;
            Config::Connect { host, port, name }
        }
        (None, None) => {
            let problem = Problem::new(around.origin, "a bridge to hein neither listens nor connects");
            let hint = format!("write `listen: 127.0.0.1:{DEFAULT_PORT}`, or `connect: {EXAMPLE}`");
            report.problems.push(problem.hint(hint));
            return None;
        }
    };
    // Events go one way at each end: nothing can come back.
    let is_listener = matches!(config, Config::Listen(_));
    Some(Shape { kind: Kind::Hein(config), network: None, prefix: "hein", is_wordless: false, is_listener })
}

fn connect(value: &Value) -> Result<(String, u16), Problem> {
    let address = address(value, EXAMPLE)?;
    if address.scheme != "tcp" || !address.path.is_empty() {
        let problem = Problem::new(&value.origin, "hein is reached over plain TCP");
        return Err(problem.hint(format!("write it as in `{EXAMPLE}`")));
    }
    Ok((address.host, address.port.unwrap_or(DEFAULT_PORT)))
}

/// As receivers of hein's are called.
fn name(value: &Value) -> Result<String, Problem> {
    let name = text(value)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    match !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.chars().all(fits) {
        true => Ok(name.to_owned()),
        false => Err(Problem::new(
            &value.origin,
            format!("a receiver's name has 1 to {NAME_BYTES_MAX} letters, digits, `.`, `-` and `_`"),
        )),
    }
}
