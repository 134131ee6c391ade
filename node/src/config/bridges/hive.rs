//! Bridges between two networks of the node: `from` and `to`.

use hive_proto::channel::NetworkIndex;

use super::{Around, Shape};
use crate::{
    bridge::{Kind, hive::Config},
    config::{
        problem::Problem,
        section::{Report, Section, text},
        yaml::Value,
    },
    units::nearest,
};

/// Reads them.
pub(super) fn read(keys: &mut Section<'_>, around: &Around<'_>, report: &mut Report) -> Option<Shape> {
    let mut networks = ["from", "to"].map(|key| {
        let found = keys.read(key, report, |value| network(value, around));
        if keys.value(key).is_none() {
            let problem = Problem::new(around.origin, format!("a bridge between networks has no `{key}`"));
            report.problems.push(problem.hint("name two networks of this node: `{ from: farm, to: city }`"));
        }
        found
    });
    let (from, to) = (networks[0].take()?, networks[1].take()?);
    if from == to {
        let origin = keys.value("to").map_or(around.origin, |value| &value.origin);
        let problem = Problem::new(origin, "this bridge joins a network with itself");
        report.problems.push(problem.hint("name another network, or rename with a handler"));
        return None;
    }
    Some(Shape {
        kind: Kind::Hive(Config { from, to }),
        network: Some(from),
        prefix: "",
        is_wordless: false,
        is_listener: false,
    })
}

fn network(value: &Value, around: &Around<'_>) -> Result<NetworkIndex, Problem> {
    let given = text(value)?;
    let all = around.names.networks();
    let found = all.iter().position(|network| network.as_str() == given);
    found.and_then(|at| u8::try_from(at).ok()).map(NetworkIndex).ok_or_else(|| {
        let shown: String = given.chars().take(60).collect();
        let problem = Problem::new(&value.origin, format!("this node is in no network `{shown}`"));
        match nearest(given, all.iter().map(|network| network.as_str())) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem.hint("`networks:` lists those it is in"),
        }
    })
}
