//! The `channels:` section: who may do what where, which channels are durable, and what is done when a subscriber has no room.
//!
//! What it owns: its keys. It must not know who asks the rules.

use hive_proto::channel::{Names, Scope};

use super::{
    problem::Problem,
    section::{Report, Section, parsed, text, truth},
    settings::NetworkSettings,
    yaml::Value,
};
use crate::{
    bus::WhenFull,
    trust::may::{Action, Allowed, Rule},
};

/// What the section says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Channels {
    /// Who may do what.
    pub rules: Vec<Rule>,
    /// What is on disk before it is acknowledged.
    pub durable: Vec<Scope>,
    /// What is done when a subscriber has no room.
    pub when_full: Vec<(Scope, WhenFull)>,
}

/// Reads one rule after the other, in the order in which they are asked.
pub fn read(top: &mut Section<'_>, networks: &[NetworkSettings], report: &mut Report) -> Channels {
    let names = Names::new(networks.iter().map(|network| network.name.clone()).collect());
    let path = vec!["channels".to_owned()];
    let rule = |value: &Value, report: &mut Report| {
        // The list is shown as a whole.
        let lines = report.lines.len();
        let mut keys = Section::new(path.clone(), Some(value), report);
        let scope = keys.read("pattern", report, |value| scope(value, &names));
        let mut allows = Vec::new();
        for action in Action::ALL {
            let allowed = keys.list(action.key(), report, |value, _| parsed::<Allowed>(value));
            allows.extend(allowed.map(|allowed| (action, allowed)));
        }
        let durable = keys.read("durable", report, truth).unwrap_or(false);
        let when_full = keys.read("when-full", report, parsed::<WhenFull>);
        let missing = keys.value("pattern").is_none();
        keys.finish(report);
        report.lines.truncate(lines);
        if missing {
            let problem = Problem::new(&value.origin, "a rule does not say for which channels it is");
            return Err(problem.hint("add its `pattern`, such as `orders/**`"));
        }
        Ok(scope.map(|scope| (Rule { scope, allows }, durable, when_full)))
    };
    let mut channels = Channels::default();
    for (rule, durable, when_full) in
        top.list("channels", report, rule).unwrap_or_default().into_iter().flatten()
    {
        channels.durable.extend(durable.then(|| rule.scope.clone()));
        channels.when_full.extend(when_full.map(|policy| (rule.scope.clone(), policy)));
        channels.rules.push(rule);
    }
    channels
}

fn scope(value: &Value, names: &Names) -> Result<Scope, Problem> {
    let pattern = text(value)?;
    names.scope(pattern).map_err(|error| {
        let shown: String = pattern.chars().take(60).collect();
        Problem::new(&value.origin, format!("`{shown}` is no pattern: {error}"))
    })
}
