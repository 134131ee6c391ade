//! Who may do what on which channel: the one function that every path asks, over the configuration's rules.
//!
//! It must not know how events travel, nor how a principal proved to be who it is.

mod other;

use std::{collections::BTreeSet, fmt, str::FromStr, sync::Arc};

use hive_proto::{
    channel::{Channel, Names, NetworkIndex, Scope},
    id::NodeId,
    pattern::Pattern,
};

use super::membership::AllowList;

/// Something that is done on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Publish an event.
    Publish,
    /// Get events.
    Subscribe,
    /// Get events as a member of a group, or have them kept for it.
    Group,
    /// Ask, and wait for an answer.
    Call,
    /// Publish a value that is kept.
    Retain,
}

impl Action {
    /// All of them, by the keys of the configuration.
    pub const ALL: [Self; 5] = [Self::Publish, Self::Subscribe, Self::Group, Self::Call, Self::Retain];

    /// The key in a rule of the configuration.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
            Self::Group => "group",
            Self::Call => "call",
            Self::Retain => "retain",
        }
    }
}

/// Who does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal<'a> {
    /// Another node.
    Node(NodeId),
    /// A plugin of this node.
    Plugin(&'a str),
    /// A bridge of this node, by its name in rules. What comes over one is somebody else's: it is not `local`.
    Bridge(&'a str),
    /// A client of this node, or the node itself.
    Local,
}

/// One of those whom a rule allows something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// `*`
    Everyone,
    /// `local`: this node, its clients and its plugins.
    Local,
    /// A node's id.
    Node(NodeId),
    /// A plugin's name.
    Plugin(String),
    /// A bridge of this node: `bridge:NAME`.
    Bridge(String),
}

/// One of `channels:`: what it says of an action holds for every channel that its pattern matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The channels.
    pub scope: Scope,
    /// Whom it allows what; about actions that are not here it says nothing.
    pub allows: Vec<(Action, Vec<Allowed>)>,
}

/// All rules of a node. Without any everything is allowed, but that in an open network other nodes may not have events
/// given to them alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// In the order of the file: the first that says something about the action and the channel decides.
    rules: Vec<Rule>,
    /// The networks that anybody may enter.
    open: Vec<NetworkIndex>,
    /// The networks' lists of nodes, by their positions; those that have none may be missing.
    lists: Vec<AllowList>,
}

impl Rules {
    /// The rules of the configuration, and which networks are open.
    #[must_use]
    pub fn new(rules: Vec<Rule>, open: Vec<NetworkIndex>) -> Self {
        Self { rules, open, lists: Vec::new() }
    }

    /// The same for networks that have lists of their nodes: by their positions.
    #[must_use]
    pub fn listing(mut self, lists: Vec<AllowList>) -> Self {
        self.lists = lists;
        self
    }

    /// The nodes that may be in a network; none where all may that prove it.
    #[must_use]
    pub fn listed(&self, network: NetworkIndex) -> Option<&Arc<BTreeSet<NodeId>>> {
        self.lists.get(usize::from(network.0))?.nodes()
    }

    /// Whether a node may be in a network. Who may not may do nothing there.
    #[must_use]
    pub fn is_listed(&self, network: NetworkIndex, node: NodeId) -> bool {
        self.lists.get(usize::from(network.0)).is_none_or(|list| list.has(node))
    }

    /// Whether somebody may do something on a channel.
    #[must_use]
    pub fn may(&self, who: Principal<'_>, action: Action, network: NetworkIndex, channel: &Channel) -> bool {
        if matches!(who, Principal::Node(node) if !self.is_listed(network, node)) {
            return false;
        }
        if let Some((_, allowed)) = self.deciding(action, network, channel) {
            return includes(allowed, who);
        }
        let is_other = matches!(who, Principal::Node(_));
        !(is_other && action == Action::Group && self.open.contains(&network))
    }

    /// The rule that keeps somebody from doing something on a channel.
    #[must_use]
    pub fn refusing(
        &self,
        who: Principal<'_>,
        action: Action,
        network: NetworkIndex,
        channel: &Channel,
    ) -> Option<&Rule> {
        let (rule, allowed) = self.deciding(action, network, channel)?;
        (!includes(allowed, who)).then_some(rule)
    }

    /// The rules that keep somebody of this node from something on channels of a pattern, and whether they do so on all.
    #[must_use]
    pub fn refusals(&self, who: Principal<'_>, action: Action, scope: &Scope) -> (Vec<&Rule>, bool) {
        let (mut refusing, mut some) = (Vec::new(), false);
        for rule in self.rules.iter().filter(|rule| rule.scope.network == scope.network) {
            let Some(allowed) = rule.whom(action).filter(|_| rule.scope.pattern.overlaps(&scope.pattern))
            else {
                continue;
            };
            match includes(allowed, who) {
                true => some = true,
                false => refusing.push(rule),
            }
            if rule.scope.pattern.covers(&scope.pattern) {
                return (refusing, !some);
            }
        }
        (refusing, false)
    }

    /// The first rule that says something about an action on a channel, and whom it allows it.
    fn deciding(
        &self,
        action: Action,
        network: NetworkIndex,
        channel: &Channel,
    ) -> Option<(&Rule, &[Allowed])> {
        self.rules.iter().find_map(|rule| {
            let allowed = rule.whom(action)?;
            let matches = rule.scope.network == network && rule.scope.pattern.matches(channel);
            matches.then_some((rule, allowed))
        })
    }

    /// The same for channels that a pattern matches: whether it is worth keeping anything for a group there. Each event
    /// is asked for alone when it is given.
    #[must_use]
    pub fn may_join_some(&self, network: NetworkIndex, node: NodeId, pattern: &Pattern) -> bool {
        let includes = |rule: &Rule| Some(includes(rule.whom(Action::Group)?, Principal::Node(node)));
        let of_network = || self.rules.iter().filter(|rule| rule.scope.network == network);
        if !self.is_listed(network, node) {
            return false;
        }
        let of_all = of_network().filter(|rule| rule.scope.pattern.covers(pattern)).find_map(includes);
        let of_some = || {
            of_network()
                .filter(|rule| pattern.covers(&rule.scope.pattern))
                .filter_map(includes)
                .any(|yes| yes)
        };
        of_all.unwrap_or_else(|| !self.open.contains(&network) || of_some())
    }

    /// Whether events may be given to members of groups on another node.
    #[must_use]
    pub fn may_join(&self, network: NetworkIndex, node: NodeId, channel: &Channel) -> bool {
        self.may(Principal::Node(node), Action::Group, network, channel)
    }
}

fn includes(allowed: &[Allowed], who: Principal<'_>) -> bool {
    allowed.iter().any(|allowed| allowed.includes(who))
}

impl Rule {
    /// Whom it allows an action, if it says anything of that.
    fn whom(&self, action: Action) -> Option<&[Allowed]> {
        let (_, allowed) = self.allows.iter().find(|(of, _)| *of == action)?;
        Some(allowed)
    }

    /// The line of the configuration that would allow an action to one more.
    #[must_use]
    pub fn line_with(&self, action: Action, more: &str, names: &Names) -> String {
        let Scope { network, pattern } = &self.scope;
        let network = names.network(*network).filter(|_| *network != NetworkIndex::HOME);
        let prefix = network.map(|network| format!("{network}/")).unwrap_or_default();
        let allowed = self.whom(action).unwrap_or_default().iter().map(ToString::to_string);
        let quoted = |name: String| if name == "*" { "\"*\"".to_owned() } else { name };
        let allowed: Vec<String> = allowed.map(quoted).chain([more.to_owned()]).collect();
        format!("channels: [{{pattern: \"{prefix}{pattern}\", {}: [{}]}}]", action.key(), allowed.join(", "))
    }
}

impl<'a> Principal<'a> {
    /// Its name in a rule; none for another node.
    #[must_use]
    pub fn name(self) -> Option<&'a str> {
        match self {
            Self::Plugin(name) | Self::Bridge(name) => Some(name),
            Self::Local => Some("local"),
            Self::Node(_) => None,
        }
    }
}

impl Allowed {
    fn includes(&self, who: Principal<'_>) -> bool {
        match (self, who) {
            (Self::Everyone, _) | (Self::Local, Principal::Local | Principal::Plugin(_)) => true,
            (Self::Node(allowed), Principal::Node(node)) => *allowed == node,
            (Self::Plugin(allowed), Principal::Plugin(plugin)) => allowed == plugin,
            (Self::Bridge(allowed), Principal::Bridge(bridge)) => allowed == bridge,
            _ => false,
        }
    }
}

/// A text that names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither `*`, `local`, a node's id (64 hex digits), a plugin's name nor `bridge:NAME`")]
pub struct AllowedError(String);

impl FromStr for Allowed {
    type Err = AllowedError;

    fn from_str(text: &str) -> Result<Self, AllowedError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let is_name = |name: &str| !name.is_empty() && name.chars().all(fits);
        match text {
            "*" => Ok(Self::Everyone),
            "local" => Ok(Self::Local),
            text => match text.parse() {
                Ok(node) => Ok(Self::Node(node)),
                Err(_) if text.strip_prefix("bridge:").is_some_and(is_name) => Ok(Self::Bridge(text.into())),
                Err(_) if is_name(text) => Ok(Self::Plugin(text.into())),
                Err(_) => Err(AllowedError(text.into())),
            },
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("*"),
            Self::Local => f.write_str("local"),
            Self::Node(node) => node.fmt(f),
            Self::Plugin(name) | Self::Bridge(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: NetworkIndex = NetworkIndex::HOME;
    const NODE: NodeId = NodeId([7; 32]);

    fn rule(pattern: &str, action: Action, allowed: &[&str]) -> Rule {
        let pattern = Pattern::parse(pattern).expect("a pattern");
        let allowed = allowed.iter().map(|text| text.parse().expect(text)).collect();
        Rule { scope: Scope { network: HOME, pattern }, allows: vec![(action, allowed)] }
    }

    fn channel(name: &str) -> Channel {
        Channel::parse(name).expect("a channel")
    }

    #[test]
    fn without_rules_all_is_allowed_but_joining_an_open_network_from_outside() {
        let rules = Rules::new(Vec::new(), vec![HOME]);
        let name = channel("a/b");
        for action in Action::ALL {
            assert_eq!(rules.may(Principal::Node(NODE), action, HOME, &name), action != Action::Group);
            assert!(rules.may(Principal::Local, action, HOME, &name));
            assert!(rules.may(Principal::Node(NODE), action, NetworkIndex(1), &name));
        }
    }

    #[test]
    fn the_first_rule_about_the_action_decides() {
        let node = NODE.to_string();
        let rules = Rules::new(
            vec![
                rule("a/open", Action::Group, &["*"]),
                rule("a/*", Action::Publish, &["local", &node]),
                rule("a/*", Action::Group, &["billing"]),
                rule("**", Action::Group, &["*"]),
            ],
            vec![HOME],
        );
        let may = |who, action, name| rules.may(who, action, HOME, &channel(name));
        let other = Principal::Node(NodeId([8; 32]));
        assert!(may(other, Action::Group, "a/open") && may(other, Action::Group, "b/c"));
        assert!(!may(other, Action::Group, "a/b") && may(Principal::Plugin("billing"), Action::Group, "a/b"));
        assert!(may(Principal::Node(NODE), Action::Publish, "a/b") && !may(other, Action::Publish, "a/b"));
        assert!(may(Principal::Plugin("x"), Action::Publish, "a/b") && may(other, Action::Publish, "b/c"));
        assert!(may(other, Action::Call, "a/b"));
    }

    #[test]
    fn a_plugin_is_told_the_rules_that_are_against_it_and_whether_they_leave_it_anything() {
        let rules = Rules::new(
            vec![
                rule("a/open", Action::Subscribe, &["*"]),
                rule("a/*", Action::Subscribe, &["billing", "*"]),
                rule("b/*", Action::Subscribe, &["billing"]),
                rule("*/secret", Action::Subscribe, &[]),
                rule("c/**", Action::Publish, &[]),
            ],
            Vec::new(),
        );
        let check = |pattern: &str, want: &[&str], all: bool| {
            let scope = Scope { network: HOME, pattern: Pattern::parse(pattern).expect("a pattern") };
            let (refusing, whole) = rules.refusals(Principal::Plugin("x"), Action::Subscribe, &scope);
            let patterns: Vec<&str> = refusing.iter().map(|rule| rule.scope.pattern.as_str()).collect();
            assert_eq!((&patterns[..], whole), (want, all), "{pattern}");
        };
        check("a/*", &[], false);
        check("b/1", &["b/*"], true);
        check("b/**", &["b/*", "*/secret"], false);
        check("c/d", &[], false);
        check("**", &["b/*", "*/secret"], false);
        check("c/secret", &["*/secret"], true);
        check("a/**", &["*/secret"], false);
        let names = Names::default();
        let refusing = rules.refusing(Principal::Plugin("x"), Action::Subscribe, HOME, &channel("b/1"));
        let line = refusing.expect("a rule").line_with(Action::Subscribe, "x", &names);
        assert_eq!(line, r#"channels: [{pattern: "b/*", subscribe: [billing, x]}]"#);
        assert_eq!(rules.refusing(Principal::Local, Action::Subscribe, HOME, &channel("a/1")), None);
    }

    #[test]
    fn who_is_not_on_a_networks_list_may_nothing_there() {
        let (listed, other) = (NODE, NodeId([8; 32]));
        let rules = Rules::new(vec![rule("a/*", Action::Publish, &["*"])], Vec::new());
        let rules = rules.listing(vec![AllowList::of([listed])]);
        let (name, pattern) = (channel("a/b"), Pattern::parse("a/**").expect("a pattern"));
        for action in Action::ALL {
            assert!(rules.may(Principal::Node(listed), action, HOME, &name));
            assert!(rules.may(Principal::Local, action, HOME, &name));
            assert!(
                !rules.may(Principal::Node(other), action, HOME, &name),
                "whatever a rule says: {action:?}"
            );
            assert!(rules.may(Principal::Node(other), action, NetworkIndex(1), &name), "without a list");
        }
        assert!(rules.may_join_some(HOME, listed, &pattern) && !rules.may_join_some(HOME, other, &pattern));
    }

    #[test]
    fn who_is_allowed_is_read_as_it_is_shown() {
        let good = ["*", "local", "billing-2", "bridge:spoke", &NODE.to_string()];
        good.iter().for_each(|text| assert_eq!(text.parse::<Allowed>().expect(text).to_string(), **text));
        for bad in ["", "a b", "a/b", "**", "bridge:", "bridge:a b", "other:a"] {
            assert!(bad.parse::<Allowed>().is_err(), "{bad}");
        }
    }
}
