//! What crosses a bridge, and under which name it does. A name beyond is written as a channel is: its parts joined by
//! `/`. How a medium writes it is the kind's business.

use hive_proto::{
    channel::{Address, Channel, ChannelError, NetworkIndex},
    pattern::{Pattern, Segment},
};

use crate::bus::{Bus, Scope, Wanted};

/// The rules of one bridge. Of several that match an event the first decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// What goes out, by names here.
    pub export: Vec<Rule>,
    /// What comes in, by names beyond.
    pub import: Vec<Rule>,
    /// What is asked here and answered beyond, by names here.
    pub calls: Vec<Rule>,
    /// What comes in is not published.
    pub proxy: bool,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The network of the names here.
    pub network: NetworkIndex,
    /// On the side where an event comes from.
    pub pattern: Pattern,
    /// So many segments are taken from its name.
    pub strip: usize,
    /// This is put before the rest, with a `/`; empty: nothing.
    pub prefix: String,
}

/// A place that names begin with: a network, and segments that may be none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// None: the home network, as nothing else is said.
    pub network: Option<NetworkIndex>,
    /// Segments joined by `/`, or nothing.
    pub path: String,
}

impl Place {
    /// Reads a place as a person writes it: `spoke`, `my-hive`, `my-hive/from/spoke`, or nothing.
    ///
    /// # Errors
    /// When it cannot begin a channel.
    pub fn read(text: &str, networks: &hive_proto::channel::Names) -> Result<Self, ChannelError> {
        let (first, rest) = text.split_once('/').unwrap_or((text, ""));
        let found = networks.networks().iter().position(|network| network.as_str() == first);
        let network = found.and_then(|at| u8::try_from(at).ok()).map(NetworkIndex);
        let path = if network.is_some() { rest } else { text };
        if !path.is_empty() {
            Channel::parse(path)?;
        }
        Ok(Self { network, path: path.to_owned() })
    }

    /// How many segments it has.
    #[must_use]
    pub fn segments(&self) -> usize {
        if self.path.is_empty() { 0 } else { self.path.split('/').count() }
    }

    /// Whether all names that a pattern matches begin with it.
    #[must_use]
    pub fn begins(&self, pattern: &Pattern) -> bool {
        let begins = |text: &str| text.strip_prefix(&self.path).is_some_and(|rest| rest.starts_with('/'));
        self.path.is_empty() || begins(pattern.as_str())
    }
}

impl Rule {
    /// A rule that leaves names as they are.
    #[must_use]
    pub fn plain(network: NetworkIndex, pattern: Pattern) -> Self {
        Self { network, pattern, strip: 0, prefix: String::new() }
    }

    /// The name of an event on the side where it goes; none when nothing is left of it.
    fn rename(&self, name: &str) -> Option<String> {
        let rest = after(name, self.strip)?;
        Some(if self.prefix.is_empty() { rest.to_owned() } else { format!("{}/{rest}", self.prefix) })
    }

    /// The name on the side where it comes from of an event that has this one where it goes.
    fn name_back(&self, name: &str) -> Option<String> {
        let rest = match self.prefix.is_empty() {
            true => name,
            false => name.strip_prefix(&self.prefix)?.strip_prefix('/')?,
        };
        let taken = before(self.pattern.as_str(), self.strip)?;
        Some(if taken.is_empty() { rest.to_owned() } else { format!("{taken}/{rest}") })
    }

    /// What it matches, as names on the side where it goes; none where those cannot be a pattern.
    #[must_use]
    pub fn beyond(&self) -> Option<Pattern> {
        Pattern::parse(&self.rename(self.pattern.as_str())?).ok()
    }

    fn scope(&self) -> Scope {
        Scope { network: self.network, pattern: self.pattern.clone() }
    }
}

impl Rules {
    /// What the bridge wants of the mesh.
    pub fn wanted(&self) -> impl Iterator<Item = Wanted> {
        let wanted = |rule: &Rule, answers| Wanted { scope: rule.scope(), answers, group: None };
        let export = self.export.iter().map(move |rule| wanted(rule, false));
        export.chain(self.calls.iter().map(move |rule| wanted(rule, true)))
    }

    /// The name beyond of an event that goes out.
    #[must_use]
    pub fn outward(&self, network: NetworkIndex, channel: &Channel) -> Option<String> {
        first(&self.export, network, channel)?.rename(channel.as_str())
    }

    /// The name beyond of a request that is answered there.
    #[must_use]
    pub fn asked(&self, network: NetworkIndex, channel: &Channel) -> Option<String> {
        first(&self.calls, network, channel)?.rename(channel.as_str())
    }

    /// Where an event of this name beyond comes in; none where no rule lets it in.
    ///
    /// # Errors
    /// When it is no channel, here or there.
    pub fn inward(&self, bus: &Bus, name: &str) -> Result<Option<Address>, ChannelError> {
        let channel = Channel::parse(name)?;
        let Some(rule) = self.import.iter().find(|rule| rule.pattern.matches(&channel)) else {
            return Ok(None);
        };
        let Some(renamed) = rule.rename(name) else { return Ok(None) };
        let channel = Channel::parse(&renamed)?;
        if rule.network != NetworkIndex::HOME && channel.is_local() {
            let network = bus.names().network(rule.network).cloned();
            return Err(network.map_or(ChannelError::EmptySegment, ChannelError::LocalInNetwork));
        }
        Ok(Some(Address { network: rule.network, channel }))
    }

    /// The name beyond of what comes in here under this one: where an answer to something from there would go.
    #[must_use]
    pub fn inward_back(&self, to: &Address) -> Option<String> {
        let rules = self.import.iter().filter(|rule| rule.network == to.network);
        let mut names = rules.filter_map(|rule| rule.name_back(to.channel.as_str()));
        names.find(|name| Channel::parse(name).is_ok())
    }

    /// What names beyond that a pattern matches are here, by each rule of what goes out. What the rules do not let out may
    /// be among it.
    pub fn here<'r>(&'r self, beyond: &'r Pattern) -> impl Iterator<Item = Scope> + 'r {
        self.export.iter().filter_map(|rule| {
            let pattern = rule.name_back(beyond.as_str()).and_then(|name| Pattern::parse(&name).ok());
            // Where the names do not fit in this way, everything that the rule lets out is looked at.
            let fits = pattern.filter(|pattern| pattern.overlaps(&rule.pattern));
            let wild = beyond.as_str().starts_with('*') && !rule.prefix.is_empty();
            let pattern = if wild { Some(rule.pattern.clone()) } else { fits };
            pattern.map(|pattern| Scope { network: rule.network, pattern })
        })
    }

    /// An export rule and an import rule that would carry the same events to and fro, for a medium that cannot say where
    /// an event has been.
    #[must_use]
    pub fn circle(&self) -> Option<(&Rule, &Rule)> {
        self.export.iter().find_map(|export| {
            let beyond = export.beyond()?;
            let import = self.import.iter().find(|import| import.pattern.overlaps(&beyond))?;
            Some((export, import))
        })
    }
}

/// What is local stays here, but where a rule is about nothing else.
fn first<'r>(rules: &'r [Rule], network: NetworkIndex, channel: &Channel) -> Option<&'r Rule> {
    let may = |rule: &&Rule| !channel.is_local() || rule.pattern.is_local();
    rules.iter().find(|rule| may(rule) && rule.network == network && rule.pattern.matches(channel))
}

/// What stands behind so many segments; none when nothing does.
fn after(name: &str, segments: usize) -> Option<&str> {
    let mut rest = name;
    for _ in 0..segments {
        rest = rest.split_once('/')?.1;
    }
    Some(rest)
}

/// So many segments of a name; none where they are not all literal.
fn before(pattern: &str, segments: usize) -> Option<String> {
    let taken: Vec<&str> = pattern.split('/').take(segments).collect();
    (taken.len() == segments && !taken.contains(&"*") && !taken.contains(&"**")).then(|| taken.join("/"))
}

/// Whether a pattern begins with so many literal segments and something more.
#[must_use]
pub fn begins_literally(pattern: &Pattern, segments: usize) -> bool {
    let literal = pattern.segments().take(segments).all(|segment| matches!(segment, Segment::Literal(_)));
    literal && pattern.segments().count() > segments
}

#[cfg(test)]
mod tests {
    use hive_proto::{
        channel::{Names, NetworkName},
        id::{Incarnation, NodeId},
    };
    use proptest::prelude::*;

    use super::*;

    const HOME: NetworkIndex = NetworkIndex::HOME;

    fn rule(pattern: &str, strip: usize, prefix: &str) -> Rule {
        let pattern = Pattern::parse(pattern).expect(pattern);
        Rule { network: HOME, pattern, strip, prefix: prefix.into() }
    }

    fn channel(name: &str) -> Channel {
        Channel::parse(name).expect(name)
    }

    fn bus() -> Bus {
        let name = |name| NetworkName::parse(name).expect("a network");
        Bus::new(NodeId([7; 32]), Incarnation(1), Names::new(vec![name("hive"), name("far")]))
    }

    #[test]
    fn names_are_changed_as_rules_say_and_the_first_decides() {
        let export = vec![rule("spoke/**", 1, ""), rule("shop/orders/*", 1, "acme/x"), rule("**", 0, "")];
        let rules = Rules { export, ..Rules::default() };
        let check = |name: &str, want: Option<&str>| {
            assert_eq!(rules.outward(HOME, &channel(name)).as_deref(), want, "{name}");
        };
        check("spoke/foo/bar", Some("foo/bar"));
        check("spoke", None);
        check("shop/orders/7", Some("acme/x/orders/7"));
        check("other/x", Some("other/x"));
        check("$dead/x", None);
        check("lamp", None);
        assert_eq!(rules.outward(NetworkIndex(1), &channel("spoke/foo")), None);
    }

    #[test]
    fn what_comes_in_has_a_channel_or_a_reason() {
        let far = Rule { network: NetworkIndex(1), ..rule("far/**", 1, "") };
        let import = vec![rule("private/**", 1, "p"), far, rule("**", 0, "spoke")];
        let (rules, bus) = (Rules { import, ..Rules::default() }, bus());
        let check = |name: &str, want: Result<Option<(u8, &str)>, ()>| {
            let got = rules.inward(&bus, name);
            let got = got.map(|to| to.map(|to| (to.network.0, to.channel.to_string())));
            let want = want.map(|to| to.map(|(network, name)| (network, name.to_owned())));
            assert_eq!(got.map_err(|_| ()), want, "{name}");
        };
        check("foo", Ok(Some((0, "spoke/foo"))));
        check("private/x", Ok(Some((0, "p/x"))));
        check("far/a/b", Ok(Some((1, "a/b"))));
        check("far/a", Err(()));
        check("a b", Err(()));
        check("a//b", Err(()));
        check(
            "s/".repeat(31).trim_end_matches('/'),
            Ok(Some((0, &format!("spoke/{}", ["s"; 31].join("/"))))),
        );
        check(&["s"; 32].join("/"), Err(()));
        assert_eq!(Rules::default().inward(&bus, "foo"), Ok(None));
    }

    #[test]
    fn places_are_read_with_their_networks() {
        let bus = bus();
        let check = |text: &str, want: Option<(Option<u8>, &str)>| {
            let place = Place::read(text, bus.names()).ok();
            let place =
                place.as_ref().map(|place| (place.network.map(|network| network.0), place.path.as_str()));
            assert_eq!(place, want, "{text}");
        };
        check("", Some((None, "")));
        check("spoke", Some((None, "spoke")));
        check("far", Some((Some(1), "")));
        check("far/from/spoke", Some((Some(1), "from/spoke")));
        check("a//b", None);
        check("a/*", None);
    }

    #[test]
    fn circles_are_found() {
        let check = |export: Rule, import: Rule, want: bool| {
            let rules = Rules { export: vec![export], import: vec![import], ..Rules::default() };
            assert_eq!(rules.circle().is_some(), want, "{rules:?}");
        };
        check(rule("redis/**", 1, ""), rule("**", 0, "redis"), true);
        check(rule("redis/out/**", 1, ""), rule("in/**", 0, "redis"), false);
        check(rule("a/*", 0, "x"), rule("x/a/b", 0, "redis"), true);
        check(rule("a/*", 0, "x"), rule("a/b", 0, "redis"), false);
    }

    proptest! {
        #[test]
        fn what_came_in_is_known_beyond_by_its_own_name(
            name in "[a-c]{1,3}(/[a-c]{1,3}){0,4}",
            strip in 0_usize..2,
            prefix in "([x-z]{1,3}(/[x-z]){0,2})?",
        ) {
            let pattern = if strip == 0 { "**".to_owned() } else { format!("{}/**", name.split('/').next().unwrap_or("a")) };
            let rules = Rules { import: vec![rule(&pattern, strip, &prefix)], ..Rules::default() };
            if let Some(to) = rules.inward(&bus(), &name).expect("a channel") {
                prop_assert_eq!(rules.inward_back(&to), Some(name));
            }
        }
    }
}
