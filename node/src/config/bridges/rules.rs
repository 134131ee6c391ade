//! One rule of a bridge: a pattern, or a pattern with what is taken from and put before the names it matches.

use hive_proto::{
    channel::{NetworkIndex, Scope},
    pattern::Pattern,
};

use super::{Around, Shape};
use crate::{
    bridge::{Place, Rule, begins_literally},
    config::{
        problem::Problem,
        section::{Report, Section, text},
        yaml::{Kind, Value},
    },
};

/// Which way events go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// The pattern is of names beyond.
    In,
    /// The pattern is of names here.
    Out,
}

/// Reads one. `network` is that of names here, where they do not say it themselves; `prefix` is the bridge's.
pub(super) fn read(
    value: &Value,
    direction: Direction,
    (network, prefix): (Option<NetworkIndex>, &Place),
    around: &Around<'_>,
    report: &mut Report,
) -> Result<Rule, Problem> {
    if !matches!(value.kind, Kind::Map(_)) {
        let scope = scope(value, direction, network, around)?;
        return Ok(usual(scope, direction, network, prefix));
    }
    let (lines, problems) = (report.lines.len(), report.problems.len());
    let mut keys = Section::new(Vec::new(), Some(value), report);
    let scope = keys.read("pattern", report, |value| scope(value, direction, network, around));
    let missing = keys.value("pattern").is_none();
    let place = |value: &Value| {
        let given = text(value)?;
        Place::read(given, around.names).map_err(|error| {
            let shown: String = given.chars().take(60).collect();
            Problem::new(&value.origin, format!("`{shown}` cannot begin a channel: {error}"))
        })
    };
    let (strip, put) = (keys.read("strip", report, place), keys.read("prefix", report, place));
    let strip_origin = keys.value("strip").map(|value| value.origin.clone());
    keys.finish(report);
    report.lines.truncate(lines);
    if missing {
        let problem = Problem::new(&value.origin, "a rule does not say for which names it is");
        return Err(problem.hint("add its `pattern`, such as `orders/**`"));
    }
    // What is wrong with it is said already.
    let scope = scope.unwrap_or_else(|| Scope { network: NetworkIndex::HOME, pattern: everything() });
    let mut rule = usual(scope, direction, network, prefix);
    if let (Some(strip), Some(origin)) = (strip, strip_origin) {
        let fits = strip.begins(&rule.pattern) && begins_literally(&rule.pattern, strip.segments());
        if !fits && report.problems.len() == problems {
            let message = format!(
                "`{}` does not begin with `{}/`, which is to be taken away",
                rule.pattern, strip.path
            );
            return Err(Problem::new(&origin, message));
        }
        rule.strip = strip.segments();
    }
    if let Some(put) = put {
        if direction == Direction::In {
            rule.network = put.network.or(network).unwrap_or(NetworkIndex::HOME);
        }
        rule.prefix = put.path;
    }
    Ok(rule)
}

/// What holds when only the pattern is said: names that come in begin with the bridge's prefix, which is taken away from
/// those that go out.
fn usual(scope: Scope, direction: Direction, network: Option<NetworkIndex>, prefix: &Place) -> Rule {
    let Scope { network: of, pattern } = scope;
    let place = prefix.network.or(network).unwrap_or(NetworkIndex::HOME);
    match direction {
        Direction::In => Rule { network: place, pattern, strip: 0, prefix: prefix.path.clone() },
        Direction::Out => {
            let is_its =
                place == of && prefix.begins(&pattern) && begins_literally(&pattern, prefix.segments());
            let strip = if is_its { prefix.segments() } else { 0 };
            Rule { network: of, pattern, strip, prefix: String::new() }
        }
    }
}

/// Everything comes in: what holds for who listens and was not told more.
pub(super) fn all_in(shape: &Shape, prefix: &Place) -> Vec<Rule> {
    let scope = Scope { network: NetworkIndex::HOME, pattern: everything() };
    if shape.is_listener { vec![usual(scope, Direction::In, shape.network, prefix)] } else { Vec::new() }
}

/// The same of what goes out: all that is under the prefix.
pub(super) fn all_out(shape: &Shape, prefix: &Place) -> Vec<Rule> {
    let network = prefix.network.or(shape.network).unwrap_or(NetworkIndex::HOME);
    // Without a prefix also what is local, which is meant nowhere else.
    let texts = match prefix.path.as_str() {
        "" => vec!["**".to_owned(), "*".to_owned()],
        path => vec![format!("{path}/**")],
    };
    let patterns = texts.iter().filter_map(|text| Pattern::parse(text).ok());
    let rule = |pattern| usual(Scope { network, pattern }, Direction::Out, shape.network, prefix);
    patterns.map(rule).filter(|_| shape.is_listener).collect()
}

fn everything() -> Pattern {
    Pattern::parse("**").expect("a constant that is a pattern")
}

fn scope(
    value: &Value,
    direction: Direction,
    network: Option<NetworkIndex>,
    around: &Around<'_>,
) -> Result<Scope, Problem> {
    let given = text(value)?;
    let read = match (direction, network) {
        (Direction::Out, None) => around.names.scope(given),
        (Direction::Out, Some(network)) => Pattern::parse(given).map(|pattern| Scope { network, pattern }),
        // Names beyond know nothing of networks here.
        (Direction::In, _) => {
            Pattern::parse(given).map(|pattern| Scope { network: NetworkIndex::HOME, pattern })
        }
    };
    read.map_err(|error| {
        let shown: String = given.chars().take(60).collect();
        Problem::new(&value.origin, format!("`{shown}` is no pattern: {error}"))
    })
}
