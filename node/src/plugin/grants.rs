//! Where a plugin may publish, what it may listen to, and which kept values it may read.
//!
//! What it owns: the rule of what is granted to everyone who declares it and what needs a line in the configuration.
//! It must not know how an event is published, or who asks.

use hive_proto::{
    channel::{Address, Names, NetworkIndex, Scope},
    pattern::{PatternError, Segment},
};

use crate::units::nearest;

/// Where one plugin may publish and request, and what it may read.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    plugin: String,
    may: Vec<Scope>,
    /// What it declares and does not get, as it needs a line in the configuration.
    refused: Vec<Scope>,
    /// Its code has no way to declare anything.
    is_mute: bool,
    /// What it listens to, and what it might by the configuration: kept values there are its to read.
    reads: Vec<Scope>,
}

/// What the configuration says of one kind of access that needs a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Publishing and requesting.
    Publishes,
    /// Listening.
    Subscribes,
}

impl Access {
    /// The line to add to the configuration, so that a plugin may do it.
    #[must_use]
    pub fn line(self, plugin: &str, pattern: &str) -> String {
        let key = match self {
            Self::Publishes => "publishes",
            Self::Subscribes => "subscribes",
        };
        line(plugin, &format!("{key}: [\"{pattern}\"]"))
    }
}

/// The line of the configuration that says so of a plugin.
#[must_use]
pub fn line(plugin: &str, says: &str) -> String {
    format!("plugins: {{each: {{{}: {{{says}}}}}}}", quoted(plugin))
}

impl Grants {
    /// What a plugin gets of what it declared, and everything the configuration grants. The second value holds the
    /// declared patterns that need a line in the configuration and have none.
    #[must_use]
    pub fn new(plugin: &str, declared: &[Scope], granted: &[Scope]) -> (Self, Vec<Scope>) {
        let (mut may, refused) = sift(declared, granted);
        may.extend(granted.iter().cloned());
        let own = refused.clone();
        (Self { plugin: plugin.to_owned(), may, refused: own, is_mute: false, reads: Vec::new() }, refused)
    }

    /// The same with what it listens to, or might.
    #[must_use]
    pub fn reading(mut self, reads: impl IntoIterator<Item = Scope>) -> Self {
        self.reads.extend(reads);
        self
    }

    /// The same for a component whose code has no way to declare anything.
    #[must_use]
    pub fn mute(self) -> Self {
        Self { is_mute: true, ..self }
    }

    /// Whether the plugin may publish there. `name` is the channel as the guest wrote it.
    ///
    /// # Errors
    /// What it may not, whether its code would have to declare it, or did, and the configuration line that would grant it.
    pub fn check(&self, to: &Address, name: &str) -> Result<(), String> {
        let holds = |scope: &Scope| scope.network == to.network && scope.pattern.matches(&to.channel);
        if self.may.iter().any(holds) {
            return Ok(());
        }
        let line = needs(&Access::Publishes.line(&self.plugin, name));
        let reaches_far = to.network != NetworkIndex::HOME || to.channel.is_reserved();
        let why = match (self.refused.iter().any(holds), reaches_far) {
            _ if self.is_mute => line,
            (true, _) => {
                format!("its code declares that, which is not enough for what reaches so far: {line}")
            }
            (false, true) => {
                format!("its code does not declare that, which would not be enough either: {line}")
            }
            (false, false) => {
                let near = nearest(name, self.may.iter().map(|scope| scope.pattern.as_str()));
                let meant = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
                let several =
                    name.rsplit_once('/').map(|(above, _)| format!(", or a pattern such as \"{above}/*\""));
                let several = several.unwrap_or_default();
                format!("its code does not declare that: publishes [\"{name}\"]{several}{meant}; or {line}")
            }
        };
        Err(format!("the plugin may not publish to `{name}`, nor call it: {why}"))
    }

    /// Whether the plugin may read all kept values that a pattern matches. `pattern` is as the guest wrote it.
    ///
    /// # Errors
    /// What it may not, and what would let it.
    pub fn check_read(&self, of: &Scope, pattern: &str) -> Result<(), String> {
        let covers = |scope: &Scope| scope.network == of.network && scope.pattern.covers(&of.pattern);
        if self.reads.iter().any(covers) {
            return Ok(());
        }
        let why = if self.is_mute { "" } else { "its code does not listen there; or " };
        let line = needs(&Access::Subscribes.line(&self.plugin, pattern));
        Err(format!("the plugin may not read what is kept on `{pattern}`: {why}{line}"))
    }
}

/// What lacks a line of the configuration.
#[must_use]
pub fn needs(line: &str) -> String {
    format!("the configuration would have to grant it: {line}")
}

/// Splits declared patterns into those the plugin gets and those that need a line in the configuration. A line grants
/// a declared pattern when it says exactly that pattern.
#[must_use]
pub fn sift(declared: &[Scope], granted: &[Scope]) -> (Vec<Scope>, Vec<Scope>) {
    declared.iter().cloned().partition(|scope| is_for_everyone(scope) || granted.contains(scope))
}

/// Reads the patterns of the configuration.
///
/// # Errors
/// The first text that is no pattern, and why.
pub fn scopes(patterns: &[String], names: &Names) -> Result<Vec<Scope>, (String, PatternError)> {
    patterns.iter().map(|text| names.scope(text).map_err(|error| (text.clone(), error))).collect()
}

/// Local and home-network channels that say at least their first segment.
#[must_use]
pub fn is_for_everyone(scope: &Scope) -> bool {
    let first = scope.pattern.segments().next();
    let named = matches!(first, Some(Segment::Literal(name)) if !name.starts_with('$'));
    named && scope.network == NetworkIndex::HOME
}

/// The line to add to the configuration, so that a plugin gets a secret.
#[must_use]
pub fn secret_line(plugin: &str, name: &str) -> String {
    let name: String = name.chars().take(100).collect();
    format!("plugins: {{each: {{{}: {{secrets: {{{}: {{file: PATH}}}}}}}}}}", quoted(plugin), quoted(&name))
}

/// What whoever reads a secret that was not granted is told.
#[must_use]
pub fn no_secret(plugin: &str, name: &str) -> String {
    format!("{NO_SECRET}{name}`: {}", needs(&secret_line(plugin, name)))
}

/// The secret that somebody was told is not granted, when that is what a text says.
#[must_use]
pub fn lacking_secret(said: &str) -> Option<&str> {
    said.split_once(NO_SECRET)?.1.split_once('`').map(|(name, _)| name)
}

const NO_SECRET: &str = "the plugin has no secret `";

/// A name as a YAML key in a flow mapping.
fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if plain && name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return name.to_owned();
    }
    format!("\"{}\"", name.escape_default())
}

#[cfg(test)]
mod tests {
    use hive_proto::channel::NetworkName;

    use super::*;

    fn names() -> Names {
        let network = |name| NetworkName::parse(name).expect("a network");
        Names::new(vec![network("home"), network("far")])
    }

    fn scopes_of(patterns: &[&str]) -> Vec<Scope> {
        patterns.iter().map(|text| names().scope(text).expect("a pattern")).collect()
    }

    #[test]
    fn what_goes_beyond_home_needs_a_line() {
        let check = |declared: &[&str], granted: &[&str], channel: &str, want: bool| {
            let (grants, _) = Grants::new("greet", &scopes_of(declared), &scopes_of(granted));
            let address = names().address(channel).expect("a channel");
            assert_eq!(grants.check(&address, channel).is_ok(), want, "{declared:?} {granted:?} {channel}");
        };
        check(&["worker/*"], &[], "worker/done", true);
        check(&["bee"], &[], "bee", true);
        check(&["worker/*"], &[], "other/done", false);
        check(&[], &["other/done"], "other/done", true);
        check(&["**"], &[], "worker/done", false);
        check(&["**"], &["**"], "worker/done", true);
        check(&["far/worker/*"], &[], "far/worker/done", false);
        check(&["far/worker/*"], &["far/worker/*"], "far/worker/done", true);
        check(&["worker/*"], &["worker/*"], "far/worker/done", false);
    }

    #[test]
    fn kept_values_are_read_where_the_plugin_listens_or_might() {
        let (grants, _) = Grants::new("greet", &[], &[]);
        let grants = grants.reading(scopes_of(&["room/*", "far/log/**"]));
        let check = |pattern: &str, want: bool| {
            let scope = names().scope(pattern).expect("a pattern");
            let checked = grants.check_read(&scope, pattern);
            let why = format!(
                "the plugin may not read what is kept on `{pattern}`: its code does not listen there; or the configuration \
                 would have to grant it: plugins: {{each: {{greet: {{subscribes: [\"{pattern}\"]}}}}}}"
            );
            assert_eq!(checked, if want { Ok(()) } else { Err(why) }, "{pattern}");
        };
        for (pattern, want) in [
            ("room/*", true),
            ("room/1", true),
            ("room/**", false),
            ("far/log/a/*", true),
            ("log/a", false),
            ("**", false),
        ] {
            check(pattern, want);
        }
    }

    #[test]
    fn a_refusal_says_what_is_refused_whether_the_code_is_the_cause_and_the_line_to_add() {
        let (grants, refused) = Grants::new("my plugin", &scopes_of(&["*/x", "a/b"]), &[]);
        assert_eq!(refused, scopes_of(&["*/x"]));
        let check = |channel: &str, cause: &str| {
            let address = names().address(channel).expect("a channel");
            assert_eq!(grants.check(&address, channel), Err(refusal(channel, cause)));
        };
        check("c/d", r#"its code does not declare that: publishes ["c/d"], or a pattern such as "c/*"; or "#);
        check("cd", r#"its code does not declare that: publishes ["cd"]; or "#);
        let cause = r#"publishes ["a/c"], or a pattern such as "a/*" (did you mean `a/b`?); or "#;
        check("a/c", &format!("its code does not declare that: {cause}"));
        check("c/x", "its code declares that, which is not enough for what reaches so far: ");
        check("far/c/d", "its code does not declare that, which would not be enough either: ");
        let address = names().address("c/d").expect("a channel");
        assert_eq!(grants.clone().mute().check(&address, "c/d"), Err(refusal("c/d", "")));
    }

    fn refusal(channel: &str, cause: &str) -> String {
        format!(
            "the plugin may not publish to `{channel}`, nor call it: {cause}the configuration would have to grant it: \
             plugins: {{each: {{\"my plugin\": {{publishes: [\"{channel}\"]}}}}}}"
        )
    }
}
