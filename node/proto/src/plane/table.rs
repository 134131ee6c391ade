//! The route table: from a channel to the holders that want it. A value is immutable once shared;
//! cloning is cheap, so the next table is a changed clone of this one.

mod reasons;

use imbl::OrdMap;

use crate::{
    channel::{Channel, NetworkIndex},
    group::GroupName,
    pattern::{Filter, FilterBlock, Joined, Pattern, filter::Asked},
    trie::Trie,
};

pub use reasons::Reason;

/// One holder of subscriptions: a client, a plugin, or a peer. Never reused within a node's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HolderId(pub u64);

/// Which side of the links a holder is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// A client or plugin of this node: gets what is published here and what arrives.
    Local,
    /// A peer: gets what is published here, if its channel may leave the node.
    Peer,
}

/// Patterns to holders to targets, for every network of the node.
#[derive(Debug, Clone)]
pub struct RouteTable<T: Clone> {
    networks: Vec<Routes>,
    targets: OrdMap<HolderId, T>,
}

/// The questions asked of one network, each a trie of its own so that none filters afterwards.
#[derive(Debug, Clone, Default)]
struct Routes {
    local: Interests,
    peers: Interests,
    /// What peers want beside their patterns: asked one by one, as few want that much.
    filters: OrdMap<HolderId, Filter>,
}

#[derive(Debug, Clone, Default)]
struct Interests {
    all: Trie<HolderId>,
    /// The part that may be asked as responder.
    answering: Trie<HolderId>,
    /// Members of groups, which are not among the others.
    members: Trie<Membership>,
}

/// A holder as a member of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Membership {
    group: GroupName,
    holder: HolderId,
    /// It may be asked as responder, too.
    answers: bool,
}

/// One group that wants a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members<T> {
    /// The group.
    pub group: GroupName,
    /// Its members that want the channel, in the order of their ids; at least one.
    pub members: Vec<(HolderId, T)>,
}

impl<T: Clone> RouteTable<T> {
    /// An empty table for so many networks; the home network always exists.
    #[must_use]
    pub fn new(networks: usize) -> Self {
        Self { networks: vec![Routes::default(); networks.max(1)], targets: OrdMap::new() }
    }

    /// Says where a holder's events go.
    pub fn attach(&mut self, holder: HolderId, target: T) {
        self.targets.insert(holder, target);
    }

    /// Forgets where a holder's events go, and its filters. Its patterns are removed one by one, by who knows
    /// them.
    pub fn detach(&mut self, holder: HolderId) {
        self.targets.remove(&holder);
        for routes in &mut self.networks {
            routes.filters.remove(&holder);
        }
    }

    /// Replaces a block of a peer's filter. What the filter lets through by mistake is counted where it goes.
    pub fn set_block(&mut self, network: NetworkIndex, holder: HolderId, block: &FilterBlock) {
        let Some(routes) = self.networks.get_mut(usize::from(network.0)) else { return };
        let mut filter = routes.filters.remove(&holder).unwrap_or_default();
        filter.set(block);
        if !filter.is_empty() {
            routes.filters.insert(holder, filter);
        }
    }

    /// Takes a peer's whole filter away.
    pub fn clear_filter(&mut self, network: NetworkIndex, holder: HolderId) {
        if let Some(routes) = self.networks.get_mut(usize::from(network.0)) {
            routes.filters.remove(&holder);
        }
    }

    /// A holder wants a pattern; `answers` says whether it may be asked as responder there.
    pub fn add(
        &mut self,
        side: Side,
        network: NetworkIndex,
        pattern: &Pattern,
        holder: HolderId,
        answers: bool,
    ) {
        let Some(interests) = self.interests_mut(side, network) else { return };
        interests.all.insert(pattern, holder);
        if answers {
            interests.answering.insert(pattern, holder);
        } else {
            interests.answering.remove(pattern, &holder);
        }
    }

    /// A holder no longer wants a pattern.
    pub fn remove(&mut self, side: Side, network: NetworkIndex, pattern: &Pattern, holder: HolderId) {
        let Some(interests) = self.interests_mut(side, network) else { return };
        interests.all.remove(pattern, &holder);
        interests.answering.remove(pattern, &holder);
    }

    /// A holder wants a pattern as a member of a group.
    pub fn join(&mut self, side: Side, network: NetworkIndex, joined: &Joined, holder: HolderId) {
        let Joined { group, pattern, answers } = joined;
        self.leave(side, network, (group, pattern), holder);
        if let Some(interests) = self.interests_mut(side, network) {
            let member = Membership { group: group.clone(), holder, answers: *answers };
            interests.members.insert(pattern, member);
        }
    }

    /// A holder no longer wants a pattern as a member of a group.
    pub fn leave(
        &mut self,
        side: Side,
        network: NetworkIndex,
        (group, pattern): (&GroupName, &Pattern),
        holder: HolderId,
    ) {
        let Some(interests) = self.interests_mut(side, network) else { return };
        for answers in [false, true] {
            interests.members.remove(pattern, &Membership { group: group.clone(), holder, answers });
        }
    }

    /// The groups that want a channel, by name, with their members on one side.
    #[must_use]
    pub fn groups(&self, side: Side, network: NetworkIndex, channel: &Channel) -> Vec<Members<T>> {
        let mut groups: Vec<Members<T>> = Vec::new();
        for Membership { group, holder, .. } in self.memberships(side, network, channel) {
            let Some(target) = self.targets.get(&holder) else { continue };
            match groups.last_mut() {
                Some(last) if last.group == group => {
                    // It comes twice when it answers on one of its patterns only.
                    if last.members.last().is_none_or(|(other, _)| *other != holder) {
                        last.members.push((holder, target.clone()));
                    }
                }
                _ => groups.push(Members { group, members: vec![(holder, target.clone())] }),
            }
        }
        groups
    }

    /// Sorted by group, then holder.
    fn memberships(&self, side: Side, network: NetworkIndex, channel: &Channel) -> Vec<Membership> {
        let mut found = Vec::new();
        let may_match = side == Side::Local || !channel.is_local();
        if let Some(routes) = self.networks.get(usize::from(network.0))
            && may_match
            && !routes.side(side).members.is_empty()
        {
            routes.side(side).members.matches(channel, &mut found);
            // One source alone is in the order it is kept in, which is this one.
            found.sort_unstable();
        }
        found
    }

    /// The targets that want a channel on one side, one per holder however many of its patterns match.
    /// A local channel has none among the peers.
    pub fn wanting<'a>(
        &'a self,
        side: Side,
        network: NetworkIndex,
        channel: &Channel,
    ) -> impl Iterator<Item = &'a T> + use<'a, T> {
        self.resolve(side, network, channel, false)
    }

    /// The targets that may be asked as responder on a channel.
    pub fn answering<'a>(
        &'a self,
        side: Side,
        network: NetworkIndex,
        channel: &Channel,
    ) -> impl Iterator<Item = &'a T> + use<'a, T> {
        self.resolve(side, network, channel, true)
    }

    fn resolve<'a>(
        &'a self,
        side: Side,
        network: NetworkIndex,
        channel: &Channel,
        answering: bool,
    ) -> impl Iterator<Item = &'a T> + use<'a, T> {
        let mut holders = Vec::new();
        let may_match = side == Side::Local || !channel.is_local();
        if let Some(routes) = self.networks.get(usize::from(network.0))
            && may_match
        {
            let interests = routes.side(side);
            if answering { &interests.answering } else { &interests.all }.matches(channel, &mut holders);
            if side == Side::Peer && !answering {
                routes.ask_filters(channel, &mut holders);
            }
        }
        if answering {
            let members = self.memberships(side, network, channel).into_iter();
            let before = holders.len();
            holders.extend(members.filter(|member| member.answers).map(|member| member.holder));
            if holders.len() > before {
                holders.sort_unstable();
                holders.dedup();
            }
        }
        holders.into_iter().filter_map(|holder| self.targets.get(&holder))
    }

    fn interests_mut(&mut self, side: Side, network: NetworkIndex) -> Option<&mut Interests> {
        let routes = self.networks.get_mut(usize::from(network.0))?;
        Some(match side {
            Side::Local => &mut routes.local,
            Side::Peer => &mut routes.peers,
        })
    }
}

impl Routes {
    fn side(&self, side: Side) -> &Interests {
        match side {
            Side::Local => &self.local,
            Side::Peer => &self.peers,
        }
    }

    /// Adds those whose filter knows the channel to the holders, which are sorted and stay so.
    fn ask_filters(&self, channel: &Channel, holders: &mut Vec<HolderId>) {
        if self.filters.is_empty() {
            return;
        }
        let asked = Asked::new(channel);
        let found =
            self.filters.iter().filter(|(_, filter)| filter.matches(&asked)).map(|(holder, _)| *holder);
        let before = holders.len();
        holders.extend(found);
        if holders.len() > before {
            holders.sort_unstable();
            holders.dedup();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::filter::Print;

    const HOME: NetworkIndex = NetworkIndex::HOME;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect("a pattern")
    }

    fn wanting(table: &RouteTable<&'static str>, side: Side, name: &str) -> Vec<&'static str> {
        let channel = Channel::parse(name).expect("a channel");
        table.wanting(side, HOME, &channel).copied().collect()
    }

    #[test]
    fn a_holder_gets_one_copy_however_many_patterns_match() {
        let mut table = RouteTable::new(1);
        table.attach(HolderId(1), "one");
        for text in ["a/*", "a/b", "**"] {
            table.add(Side::Local, HOME, &pattern(text), HolderId(1), false);
        }
        assert_eq!(wanting(&table, Side::Local, "a/b"), ["one"]);
        table.remove(Side::Local, HOME, &pattern("**"), HolderId(1));
        assert_eq!(wanting(&table, Side::Local, "x/y"), [""; 0]);
    }

    #[test]
    fn local_channels_never_reach_a_peer() {
        let mut table = RouteTable::new(1);
        table.attach(HolderId(1), "peer");
        table.add(Side::Peer, HOME, &pattern("**"), HolderId(1), true);
        table.add(Side::Peer, HOME, &pattern("bee"), HolderId(1), true);
        assert_eq!(wanting(&table, Side::Peer, "bee"), [""; 0]);
        assert_eq!(wanting(&table, Side::Peer, "bee/stuff"), ["peer"]);
    }

    #[test]
    fn a_group_has_its_members_and_is_nobody_elses() {
        let mut table = RouteTable::new(1);
        let group = |name: &str| GroupName::parse(name).expect("a group");
        let joined =
            |name: &str, text: &str, answers| Joined { group: group(name), pattern: pattern(text), answers };
        for (holder, name) in [(1, "one"), (2, "two"), (3, "far")] {
            table.attach(HolderId(holder), name);
        }
        table.join(Side::Local, HOME, &joined("g", "a/*", false), HolderId(2));
        table.join(Side::Local, HOME, &joined("g", "a/*", false), HolderId(1));
        table.join(Side::Local, HOME, &joined("g", "a/b", true), HolderId(1));
        table.join(Side::Local, HOME, &joined("f", "**", false), HolderId(1));
        table.join(Side::Peer, HOME, &joined("g", "**", true), HolderId(3));
        let channel = Channel::parse("a/b").expect("a channel");
        let names = |side, table: &RouteTable<&'static str>| -> Vec<_> {
            let groups = table.groups(side, HOME, &channel).into_iter();
            groups.map(|g| (g.group, g.members.into_iter().map(|(_, t)| t).collect::<Vec<_>>())).collect()
        };
        assert_eq!(names(Side::Local, &table), [(group("f"), vec!["one"]), (group("g"), vec!["one", "two"])]);
        assert_eq!(names(Side::Peer, &table), [(group("g"), vec!["far"])]);
        assert_eq!(wanting(&table, Side::Local, "a/b"), [""; 0]);
        let asked = |side| table.answering(side, HOME, &channel).copied().collect::<Vec<_>>();
        assert_eq!((asked(Side::Local), asked(Side::Peer)), (vec!["one"], vec!["far"]));
        let bee = Channel::parse("bee").expect("a channel");
        assert!(table.groups(Side::Peer, HOME, &bee).is_empty());
        // Wanted anew without answering, it is asked no longer.
        table.join(Side::Local, HOME, &joined("g", "a/b", false), HolderId(1));
        assert_eq!(table.answering(Side::Local, HOME, &channel).count(), 0);
        table.leave(Side::Local, HOME, (&group("g"), &pattern("a/*")), HolderId(2));
        assert_eq!(names(Side::Local, &table)[1], (group("g"), vec!["one"]));
    }

    #[test]
    fn a_filter_is_asked_beside_the_patterns_and_never_for_who_answers() {
        let mut table = RouteTable::new(1);
        table.attach(HolderId(1), "vague");
        table.attach(HolderId(2), "exact");
        table.add(Side::Peer, HOME, &pattern("a/b"), HolderId(1), false);
        table.add(Side::Peer, HOME, &pattern("x/y"), HolderId(2), false);
        for text in ["a/b", "x/y"] {
            let print = Print::of(&pattern(text)).expect("a print");
            let block = FilterBlock::of(print.block, [print.rest]).expect("a block");
            table.set_block(HOME, HolderId(1), &block);
        }
        let older = table.clone();
        assert_eq!(wanting(&table, Side::Peer, "a/b"), ["vague"]);
        assert_eq!(wanting(&table, Side::Peer, "x/y"), ["vague", "exact"]);
        assert_eq!(wanting(&table, Side::Peer, "x/z"), [""; 0]);
        assert_eq!(wanting(&table, Side::Local, "x/y"), [""; 0]);
        let channel = Channel::parse("x/y").expect("a channel");
        assert_eq!(table.answering(Side::Peer, HOME, &channel).count(), 0);
        table.clear_filter(HOME, HolderId(1));
        assert_eq!(wanting(&table, Side::Peer, "x/y"), ["exact"]);
        assert_eq!(wanting(&older, Side::Peer, "x/y"), ["vague", "exact"]);
    }

    #[test]
    fn only_who_answers_is_asked_and_an_older_table_stays_as_it_was() {
        let mut table = RouteTable::new(1);
        table.attach(HolderId(1), "logger");
        table.attach(HolderId(2), "responder");
        table.add(Side::Local, HOME, &pattern("**"), HolderId(1), false);
        table.add(Side::Local, HOME, &pattern("a/b"), HolderId(2), true);
        let older = table.clone();
        table.add(Side::Local, HOME, &pattern("a/b"), HolderId(2), false);
        let channel = Channel::parse("a/b").expect("a channel");
        let asked = |table: &RouteTable<&'static str>| {
            table.answering(Side::Local, HOME, &channel).copied().collect::<Vec<_>>()
        };
        assert_eq!(asked(&older), ["responder"]);
        assert_eq!(asked(&table), [""; 0]);
    }
}
