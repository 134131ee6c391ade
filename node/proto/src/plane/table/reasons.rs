//! Why the table says what it says, for people: by which patterns, and as a member of which groups, a holder wants a
//! channel. Slower than the questions that events ask.

use std::collections::BTreeMap;

use super::{HolderId, Membership, RouteTable, Side};
use crate::{
    channel::{Channel, NetworkIndex},
    group::GroupName,
    pattern::Pattern,
};

/// Why a holder wants a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason<'a, T> {
    /// Where its events go.
    pub target: &'a T,
    /// Its patterns that match, each once and in order; none, and no groups, where only its filter says so.
    pub patterns: Vec<Pattern>,
    /// The groups as a member of which it wants it, each once and in order; of those it gets only its share.
    pub groups: Vec<GroupName>,
    /// It gets every event, and not only shares.
    pub all: bool,
}

impl<T: Clone> RouteTable<T> {
    /// Everybody on one side who wants a channel, by id, with the reasons.
    #[must_use]
    pub fn reasons(&self, side: Side, network: NetworkIndex, channel: &Channel) -> Vec<Reason<'_, T>> {
        let Some(routes) = self.networks.get(usize::from(network.0)) else { return Vec::new() };
        if side == Side::Peer && channel.is_local() {
            return Vec::new();
        }
        let mut reasons = BTreeMap::<HolderId, Reason<'_, T>>::new();
        let mut reason = |holder: HolderId, because: &mut dyn FnMut(&mut Reason<'_, T>)| {
            if let Some(target) = self.targets.get(&holder) {
                let new = || Reason { target, patterns: Vec::new(), groups: Vec::new(), all: false };
                because(reasons.entry(holder).or_insert_with(new));
            }
        };
        for (pattern, holders) in routes.side(side).all.matching(channel) {
            for holder in holders {
                reason(holder, &mut |known| {
                    known.all = true;
                    known.patterns.push(pattern.clone());
                });
            }
        }
        for (pattern, members) in routes.side(side).members.matching(channel) {
            for Membership { group, holder, .. } in members {
                reason(holder, &mut |known| {
                    known.patterns.push(pattern.clone());
                    known.groups.push(group.clone());
                });
            }
        }
        if side == Side::Peer {
            let mut likely = Vec::new();
            routes.ask_filters(channel, &mut likely);
            likely.into_iter().for_each(|holder| reason(holder, &mut |known| known.all = true));
        }
        let mut reasons: Vec<_> = reasons.into_values().collect();
        for reason in &mut reasons {
            reason.patterns.sort_unstable();
            reason.patterns.dedup();
            reason.groups.sort_unstable();
            reason.groups.dedup();
        }
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::{FilterBlock, Joined, filter::Print};

    const HOME: NetworkIndex = NetworkIndex::HOME;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect("a pattern")
    }

    fn told(table: &RouteTable<&'static str>, side: Side, name: &str) -> Vec<String> {
        let channel = Channel::parse(name).expect("a channel");
        let tell = |reason: &Reason<'_, &'static str>| {
            let patterns = reason.patterns.iter().map(Pattern::to_string).collect::<Vec<_>>().join(" ");
            let groups = reason.groups.iter().map(GroupName::to_string).collect::<Vec<_>>().join(" ");
            format!("{}: {patterns}; {groups}; {}", reason.target, reason.all)
        };
        let reasons = table.reasons(side, HOME, &channel);
        // Who gets every event is whom a publish finds, and the others are in groups.
        let all: Vec<_> = reasons.iter().filter(|reason| reason.all).map(|reason| reason.target).collect();
        assert_eq!(all, table.wanting(side, HOME, &channel).collect::<Vec<_>>());
        assert!(reasons.iter().all(|reason| reason.all || !reason.groups.is_empty()));
        reasons.iter().map(tell).collect()
    }

    #[test]
    fn every_reason_is_told_once() {
        let mut table = RouteTable::new(1);
        for (holder, name) in [(1, "one"), (2, "two"), (3, "three"), (4, "vague")] {
            table.attach(HolderId(holder), name);
        }
        let join = |table: &mut RouteTable<_>, side, group: &str, text: &str, holder| {
            let group = GroupName::parse(group).expect("a group");
            let joined = Joined { group, pattern: pattern(text), answers: false };
            table.join(side, HOME, &joined, HolderId(holder));
        };
        for text in ["a/*", "a/b", "**"] {
            table.add(Side::Local, HOME, &pattern(text), HolderId(1), false);
            join(&mut table, Side::Local, "g", text, 2);
        }
        join(&mut table, Side::Local, "f", "a/b", 2);
        join(&mut table, Side::Local, "f", "a/b", 1);
        assert_eq!(
            told(&table, Side::Local, "a/b"),
            ["one: ** a/* a/b; f; true", "two: ** a/* a/b; f g; false"]
        );
        assert_eq!(told(&table, Side::Local, "bee"), ["one: **; ; true", "two: **; g; false"]);

        table.add(Side::Peer, HOME, &pattern("**"), HolderId(3), true);
        let print = Print::of(&pattern("a/b")).expect("a print");
        let block = FilterBlock::of(print.block, [print.rest]).expect("a block");
        table.set_block(HOME, HolderId(4), &block);
        assert_eq!(told(&table, Side::Peer, "a/b"), ["three: **; ; true", "vague: ; ; true"]);
        assert_eq!(told(&table, Side::Peer, "x/y"), ["three: **; ; true"]);
        assert_eq!(told(&table, Side::Peer, "bee"), [""; 0]);
    }
}
