//! Who may do what on which channel: the one function that every path asks, over the configuration's rules.
//!
//! It must not know how events travel, nor how a principal proved to be who it is.

use std::{fmt, str::FromStr};

use hive_proto::{
    channel::{Channel, NetworkIndex, Scope},
    id::NodeId,
    pattern::Pattern,
};

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
}

impl Rules {
    /// The rules of the configuration, and which networks are open.
    #[must_use]
    pub fn new(rules: Vec<Rule>, open: Vec<NetworkIndex>) -> Self {
        Self { rules, open }
    }

    /// Whether somebody may do something on a channel.
    #[must_use]
    pub fn may(&self, who: Principal<'_>, action: Action, network: NetworkIndex, channel: &Channel) -> bool {
        let decides = |rule: &Rule| {
            let (_, allowed) = rule.allows.iter().find(|(of, _)| *of == action)?;
            let matches = rule.scope.network == network && rule.scope.pattern.matches(channel);
            matches.then(|| allowed.iter().any(|allowed| allowed.includes(who)))
        };
        if let Some(decision) = self.rules.iter().find_map(decides) {
            return decision;
        }
        let is_other = matches!(who, Principal::Node(_));
        !(is_other && action == Action::Group && self.open.contains(&network))
    }

    /// The same for channels that a pattern matches: whether it is worth keeping anything for a group there. Each event
    /// is asked for alone when it is given.
    #[must_use]
    pub fn may_join_some(&self, network: NetworkIndex, node: NodeId, pattern: &Pattern) -> bool {
        let includes = |rule: &Rule| {
            let (_, allowed) = rule.allows.iter().find(|(of, _)| *of == Action::Group)?;
            Some(allowed.iter().any(|allowed| allowed.includes(Principal::Node(node))))
        };
        let of_network = || self.rules.iter().filter(|rule| rule.scope.network == network);
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

impl Allowed {
    fn includes(&self, who: Principal<'_>) -> bool {
        match (self, who) {
            (Self::Everyone, _) | (Self::Local, Principal::Local | Principal::Plugin(_)) => true,
            (Self::Node(allowed), Principal::Node(node)) => *allowed == node,
            (Self::Plugin(allowed), Principal::Plugin(plugin)) => allowed == plugin,
            _ => false,
        }
    }
}

/// A text that names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither `*`, `local`, a node's id (64 hexadecimal digits) nor a plugin's name")]
pub struct AllowedError(String);

impl FromStr for Allowed {
    type Err = AllowedError;

    fn from_str(text: &str) -> Result<Self, AllowedError> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        match text {
            "*" => Ok(Self::Everyone),
            "local" => Ok(Self::Local),
            text => match text.parse() {
                Ok(node) => Ok(Self::Node(node)),
                Err(_) if !text.is_empty() && text.chars().all(is_name) => Ok(Self::Plugin(text.into())),
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
            Self::Plugin(name) => f.write_str(name),
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
    fn who_is_allowed_is_read_as_it_is_shown() {
        for text in ["*", "local", "billing-2", &NODE.to_string()] {
            assert_eq!(text.parse::<Allowed>().expect(text).to_string(), *text);
        }
        for bad in ["", "a b", "a/b", "**"] {
            assert!(bad.parse::<Allowed>().is_err(), "{bad}");
        }
    }
}
