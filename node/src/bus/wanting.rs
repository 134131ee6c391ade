//! Who wants a channel, and why: what a publish would find, told to people. Nothing is published.

use std::collections::BTreeSet;

use hive_proto::{
    channel::{Address, Channel, NetworkIndex},
    frame::trace::{Matches, PATTERNS_NAMED_MAX},
    group::GroupName,
    id::NodeId,
    pattern::Pattern,
    plane::table::{Reason, Side},
};

use super::{Actor, Bus, routes::Target};
use crate::trust::may::{Action, Principal};

/// Who would get an event of a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanting {
    /// Here.
    pub local: Matches,
    /// The plugins among those, by name.
    pub plugins: BTreeSet<String>,
    /// Elsewhere, in no order.
    pub peers: Vec<WantingPeer>,
}

/// A node that would get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantingPeer {
    /// Which.
    pub node: NodeId,
    /// What it calls itself.
    pub name: String,
    /// The patterns it announces that match; none when it announces so many that it only says roughly which.
    pub patterns: Vec<Pattern>,
    /// The groups as a member of which it wants the channel.
    pub groups: Vec<GroupName>,
    /// It gets every event, and not only its share of those for its groups.
    pub all: bool,
    /// What the rules of this node keep it from: as a subscriber, as a member of its groups.
    pub denied: Vec<Action>,
}

impl Bus {
    /// Who would get an event now.
    #[must_use]
    pub fn wanting(&self, to: &Address) -> Wanting {
        let table = self.0.routes.table();
        let reasons = table.reasons(Side::Peer, to.network, &to.channel);
        let rules = self.0.rules.load();
        let peer = |reason: Reason<'_, Target>| {
            let Reason { target, patterns, groups, all } = reason;
            let (node, name) = match target {
                Target::Peer(peer) => (peer.node, peer.name.clone()),
                Target::Remote(remote) => (remote.node, remote.name.clone()),
                Target::Local(_) | Target::Audience(_) => return None,
            };
            let wanted = [(Action::Subscribe, all), (Action::Group, !groups.is_empty())];
            let may = |action| rules.may(Principal::Node(node), action, to.network, &to.channel);
            let denied = wanted.iter().filter(|(action, is)| *is && !may(*action)).map(|(action, _)| *action);
            Some(WantingPeer { denied: denied.collect(), node, name, patterns, groups, all })
        };
        let here = table.reasons(Side::Local, to.network, &to.channel);
        let plugin = |reason: Reason<'_, Target>| match reason.target {
            Target::Local(queue) => match queue.actor() {
                Actor::Plugin(name) => Some(name.to_string()),
                _ => None,
            },
            _ => None,
        };
        Wanting {
            local: self.wanted_here(to.network, &to.channel),
            plugins: here.into_iter().filter_map(plugin).collect(),
            peers: reasons.into_iter().filter_map(peer).collect(),
        }
    }

    /// Who of this node wants a channel.
    #[must_use]
    pub fn wanted_here(&self, network: NetworkIndex, channel: &Channel) -> Matches {
        let table = self.0.routes.table();
        let reasons = table.reasons(Side::Local, network, channel);
        let subscribers = reasons.len() as u64;
        let mut patterns: Vec<Pattern> = reasons
            .into_iter()
            .flat_map(|reason| reason.patterns)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let more = patterns.len().saturating_sub(PATTERNS_NAMED_MAX) as u64;
        patterns.truncate(PATTERNS_NAMED_MAX);
        Matches { subscribers, patterns, more }
    }

    /// What a peer calls itself, while it can be reached.
    #[must_use]
    pub fn peer_name(&self, network: NetworkIndex, node: NodeId) -> Option<String> {
        self.0.routes.peer_name(network, node)
    }

    /// What waits to be written to a neighbour: bytes, and the copies of events among them.
    #[must_use]
    pub fn queued(&self, network: NetworkIndex, node: NodeId) -> (u64, u64) {
        let (bytes, events) = self.0.routes.outbox(network, node).map_or((0, 0), |outbox| outbox.queued());
        let relayed = self.0.relaying(network, |relay, _| relay.queued(&node)).unwrap_or_default();
        (bytes.saturating_add(relayed.0 as u64), events.saturating_add(relayed.1))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hive_proto::{
        channel::{Names, NetworkName},
        id::Incarnation,
        interest::{InterestOp, Joined, Wanted as Wish},
    };

    use super::*;
    use crate::{
        bus::{Holder, Message, Wanted},
        trust::may::{Allowed, Rule},
    };

    const HOME: NetworkIndex = NetworkIndex::HOME;

    fn bus() -> Bus {
        let names = Names::new(vec![NetworkName::parse("hive").expect("a network")]);
        let bus = Bus::new(NodeId([7; 32]), Incarnation(1), names);
        // There is no control plane here to wait for.
        bus.confirmed(u64::MAX);
        bus
    }

    fn wants(bus: &Bus, node: u8, patterns: &[&str]) {
        let node = NodeId([node; 32]);
        bus.peer_up(HOME, node, &format!("node {}", node.0[0]));
        let add = |text: &&str| InterestOp::Add(Wish::new(Pattern::parse(text).expect("a pattern"), false));
        let ops: Vec<InterestOp> = patterns.iter().map(add).collect();
        let _ = bus.peer_interest(HOME, node, true, &ops);
    }

    #[tokio::test]
    async fn what_a_publish_would_find_is_told() {
        let bus = bus();
        let wanted =
            |text: &str| Wanted { scope: bus.scope(text).expect("a pattern"), answers: false, group: None };
        let holder = || Holder::Client("test".into());
        let many = ["a/*", "a/**", "**"].map(wanted);
        let _one = bus.subscribe(holder(), many).await.expect("subscribed");
        let _two = bus.subscribe(holder(), [wanted("a/b"), wanted("a/*")]).await.expect("subscribed");
        wants(&bus, 1, &["a/*", "a/b", "c/d"]);
        wants(&bus, 2, &["c/d"]);
        wants(&bus, 3, &["**"]);
        let group = GroupName::parse("mail").expect("a group");
        let member = Joined { group, pattern: Pattern::parse("a/b").expect("a pattern"), answers: false };
        let _ = bus.peer_interest(HOME, NodeId([2; 32]), false, &[InterestOp::Join(member)]);
        let tell = |name: &str| {
            let wanting = bus.wanting(&bus.address(name).expect("a channel"));
            let text =
                |patterns: &[Pattern]| patterns.iter().map(Pattern::to_string).collect::<Vec<_>>().join(" ");
            let told = |peer: &WantingPeer| {
                let share = peer.groups.iter().map(|group| format!(" in {group}")).collect::<String>();
                let denied =
                    peer.denied.iter().map(|action| format!(" no {}", action.key())).collect::<String>();
                (peer.name.clone(), text(&peer.patterns) + &share + &denied)
            };
            let peers = wanting.peers.iter().map(told);
            let peers: BTreeMap<String, String> = peers.collect();
            (wanting.local.subscribers, text(&wanting.local.patterns), peers)
        };
        let peers = |told: &[(&str, &str)]| {
            told.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect()
        };
        let far = peers(&[("node 1", "a/* a/b"), ("node 2", "a/b in mail"), ("node 3", "**")]);
        let _three =
            bus.subscribe(Holder::Plugin("scale".into()), [wanted("x/y")]).await.expect("subscribed");
        let plugins = |name: &str| bus.wanting(&bus.address(name).expect("a channel")).plugins;
        assert_eq!((plugins("x/y"), plugins("a/b")), (["scale".to_owned()].into(), BTreeSet::new()));
        assert_eq!(tell("a/b"), (2, "** a/* a/** a/b".into(), far));
        let rule = |pattern: &str, action| Rule {
            scope: bus.scope(pattern).expect("a pattern"),
            allows: vec![(action, vec![Allowed::Node(NodeId([3; 32]))])],
        };
        bus.rule(vec![rule("a/**", Action::Subscribe), rule("a/b", Action::Group)]);
        let kept_from =
            [("node 1", "a/* a/b no subscribe"), ("node 2", "a/b in mail no group"), ("node 3", "**")];
        assert_eq!(tell("a/b").2, peers(&kept_from));
        assert_eq!(tell("bee"), (1, "**".into(), peers(&[])));
        assert_eq!(tell("$node/x"), (0, String::new(), peers(&[])));
        assert_eq!(bus.peer_name(HOME, NodeId([3; 32])).as_deref(), Some("node 3"));
        assert_eq!(bus.peer_name(HOME, NodeId([9; 32])), None);
    }

    #[tokio::test]
    async fn patterns_past_a_few_are_counted() {
        let bus = bus();
        let wanted = |text: String| Wanted {
            scope: bus.scope(&text).expect("a pattern"),
            answers: false,
            group: None,
        };
        let segments = ["a", "*"];
        let texts = (0..12).map(|n: usize| {
            let segment = |at: usize| segments[(n >> at) & 1];
            format!("{}/{}/{}/{}", segment(0), segment(1), segment(2), segment(3))
        });
        let _many =
            bus.subscribe(Holder::Client("test".into()), texts.map(wanted)).await.expect("subscribed");
        let matches = bus.wanted_here(HOME, &Channel::parse("a/a/a/a").expect("a channel"));
        assert_eq!((matches.subscribers, matches.patterns.len(), matches.more), (1, 8, 4));
    }

    #[tokio::test]
    async fn what_waits_for_a_neighbour_is_counted() {
        let bus = bus();
        wants(&bus, 1, &["a/*"]);
        let (_outbox, _) = bus.neighbour_up(HOME, NodeId([1; 32]), "node 1");
        // Neighbours begin with a word on what they keep.
        let (before, none) = bus.queued(HOME, NodeId([1; 32]));
        assert_eq!(none, 0);
        let to = bus.address("a/b").expect("a channel");
        for _ in 0..3 {
            bus.publish(&to, Message::from("0123456789")).await.expect("published");
        }
        let (bytes, events) = bus.queued(HOME, NodeId([1; 32]));
        assert!(events == 3 && bytes >= before + 30, "{events} in {bytes} bytes");
        assert_eq!(bus.queued(HOME, NodeId([2; 32])), (0, 0));
    }
}
