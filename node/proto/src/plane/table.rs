//! The route table: from a channel to the holders that want it. A value is immutable once shared;
//! cloning is cheap, so the next table is a changed clone of this one.

use imbl::OrdMap;

use crate::{
    channel::{Channel, NetworkIndex},
    pattern::{Filter, FilterBlock, Pattern, filter::Asked},
    trie::Trie,
};

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

/// The four questions asked of one network, each a trie of its own so that none filters afterwards.
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
