//! Who is dialled, and when: everybody who was found and is not linked, with growing pauses.
//!
//! All addresses of a target are tried at once, and the first that leads somewhere ends the others. Which
//! of two links that came of it is used is not known here.

mod survey;
mod target;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use super::{Peer, jitter::Jitter};
use crate::{
    channel::NetworkIndex,
    id::NodeId,
    io::{Attempt, DialFailure, Level, Outbox, Output, Timer},
    time::Now,
};

use target::{Key, Target};

/// A link that ends sooner than this was no success: the pauses go on growing.
const LASTING: Duration = Duration::from_secs(5);
/// Targets of all networks; more are not taken. A flood of made-up nodes fills no more than this.
const TARGETS_MAX: usize = 16_384;
/// Addresses of one target; the others are not tried.
const ADDRS_MAX: usize = 16;
/// Attempts at a time; other targets wait until one of them ends.
const ATTEMPTS_MAX: usize = 256;

/// Everything about dialling.
#[derive(Debug)]
pub(super) struct Dialling {
    /// Never dialled.
    me: NodeId,
    /// Who is to be linked.
    targets: BTreeMap<Key, Target>,
    /// The attempts that are running, and whose they are.
    attempts: BTreeMap<Attempt, (Key, SocketAddr)>,
    /// Who has an open link, whoever dialled it, and since when.
    linked: BTreeMap<(NetworkIndex, NodeId), Now>,
    /// The number of the last attempt.
    last: u64,
    jitter: Jitter,
    /// Neighbours to be had in each network.
    max_neighbours: usize,
    /// Networks where who is wanted has to be chosen again.
    unchosen: BTreeSet<NetworkIndex>,
    /// And where that is to be done with everybody in view, and when.
    surveys: BTreeMap<NetworkIndex, Now>,
    /// When those are due who are to be dialled.
    queue: BTreeSet<(Now, Key)>,
}

/// Where somebody was found.
#[derive(Debug)]
pub(super) struct Whereabouts {
    pub(super) addrs: Vec<SocketAddr>,
    /// Somebody wrote it down: it stays when the node leaves.
    pub(super) persistent: bool,
}

impl Dialling {
    pub(super) fn new(me: NodeId, seed: u64, max_neighbours: usize) -> Self {
        Self {
            me,
            targets: BTreeMap::new(),
            attempts: BTreeMap::new(),
            linked: BTreeMap::new(),
            last: 0,
            jitter: Jitter::new(seed),
            max_neighbours,
            unchosen: BTreeSet::new(),
            surveys: BTreeMap::new(),
            queue: BTreeSet::new(),
        }
    }

    /// Others lead to a node and say where it can be dialled.
    pub(super) fn learned(&mut self, peer: Peer, addrs: Vec<SocketAddr>, now: Now) {
        let key = Key::Node(peer.0, peer.1);
        if peer.1 == self.me || self.targets.len() >= TARGETS_MAX || self.targets.contains_key(&key) {
            return;
        }
        let mut target = Target::new(Some(peer.1), now);
        (target.addrs, target.learned) = (addrs.into_iter().take(ADDRS_MAX).collect(), true);
        self.targets.insert(key, target);
        self.look_around(peer.0, now);
        // Many are learned at once, and to choose takes a look at all of them.
        if self.linked.len().saturating_add(self.attempts.len()) < self.max_neighbours / 2 {
            self.unchosen.insert(peer.0);
        }
    }

    /// A node says that it is somewhere else. Where discovery found it counts for more.
    pub(super) fn readdressed(&mut self, peer: Peer, addrs: &[SocketAddr], now: Now, out: &mut Outbox) {
        let key = Key::Node(peer.0, peer.1);
        let Some(target) = self.targets.get_mut(&key).filter(|target| target.learned) else { return };
        let addrs: BTreeSet<_> = addrs.iter().take(ADDRS_MAX).copied().collect();
        if !addrs.is_subset(&target.addrs) {
            (target.due, target.failures) = (now, 0);
        }
        target.addrs = addrs;
        self.enqueue(key);
        self.due(now, out);
    }

    /// Whether the node is to be a neighbour, as far as this one decides.
    pub(super) fn is_wanted(&self, peer: Peer) -> bool {
        self.keys_of(peer).any(|key| self.targets.get(&key).is_some_and(|target| target.wanted))
    }

    /// Somebody or some place was found. New addresses replace those known before and are dialled at once.
    pub(super) fn found(
        &mut self,
        (network, node): (NetworkIndex, Option<NodeId>),
        whereabouts: Whereabouts,
        now: Now,
        out: &mut Outbox,
    ) {
        let Whereabouts { addrs, persistent } = whereabouts;
        let key = match (node, addrs.first()) {
            (Some(node), Some(_)) if node != self.me => Key::Node(network, node),
            (None, Some(first)) => Key::Place(network, *first),
            _ => return,
        };
        if self.targets.len() >= TARGETS_MAX && !self.targets.contains_key(&key) {
            let text = format!("more than {TARGETS_MAX} nodes were found: the rest is not dialled");
            return out.note(Level::Warn, text);
        }
        let addrs: BTreeSet<_> = addrs.into_iter().take(ADDRS_MAX).collect();
        if !self.targets.contains_key(&key) {
            self.look_around(network, now);
        }
        let target = self.targets.entry(key).or_insert_with(|| Target::new(node, now));
        target.persistent |= persistent;
        target.learned = false;
        if !addrs.is_subset(&target.addrs) {
            (target.due, target.failures) = (now, 0);
        }
        target.addrs = addrs;
        self.unchosen.insert(network);
        self.enqueue(key);
        self.due(now, out);
    }

    /// Discovery lost the node.
    pub(super) fn gone(&mut self, peer: Peer, out: &mut Outbox) {
        let key = Key::Node(peer.0, peer.1);
        if self.targets.get(&key).is_some_and(|target| !target.persistent) {
            self.forget(key, out);
        }
        self.arm(out);
    }

    /// The node said that it leaves.
    pub(super) fn left(&mut self, peer: Peer, out: &mut Outbox) {
        let keys: Vec<Key> = self.keys_of(peer).collect();
        for key in keys {
            if self.targets.get(&key).is_some_and(|target| !target.persistent) {
                self.forget(key, out);
            }
        }
    }

    /// This node leaves: nobody is dialled any more.
    pub(super) fn stop(&mut self, out: &mut Outbox) {
        self.surveys.clear();
        let keys: Vec<Key> = self.targets.keys().copied().collect();
        keys.into_iter().for_each(|key| self.forget(key, out));
    }

    /// There is a link to the node: by the attempt, or dialled by the other side.
    pub(super) fn linked(&mut self, peer: Peer, attempt: Option<Attempt>, now: Now, out: &mut Outbox) {
        self.linked.entry(peer).or_insert(now);
        let Some((key, _)) = attempt.and_then(|attempt| self.attempts.remove(&attempt)) else { return };
        let Some(target) = self.targets.get_mut(&key) else { return };
        target.node = Some(peer.1);
        target.said = None;
        target.end_round();
        // Only one's own attempts end here. Two nodes that each gave up their dial because the other's
        // had arrived would end with none.
        for sibling in std::mem::take(&mut target.running) {
            if self.attempts.remove(&sibling).is_some() {
                out.push(Output::Abandon { attempt: sibling });
            }
        }
        self.due(now, out);
    }

    /// The last open link to the node is gone.
    pub(super) fn unlinked(&mut self, peer: Peer, now: Now, out: &mut Outbox) {
        let Some(since) = self.linked.remove(&peer) else { return };
        let lasted = now.0.saturating_sub(since.0) >= LASTING;
        let keys: Vec<Key> = self.keys_of(peer).collect();
        for key in keys {
            let Some(target) = self.targets.get_mut(&key) else { continue };
            target.unreachable = false;
            if lasted {
                target.failures = 0;
            }
            target.pause(&mut self.jitter, now);
            self.enqueue(key);
        }
        self.arm(out);
    }

    /// The node does not want this one: it is dialled seldom from now on.
    pub(super) fn unwanted(&mut self, peer: Peer) {
        let keys: Vec<Key> = self.keys_of(peer).collect();
        for key in keys {
            if let Some(target) = self.targets.get_mut(&key) {
                target.refused = true;
            }
        }
        self.unchosen.insert(peer.0);
    }

    /// An attempt led nowhere.
    pub(super) fn failed(&mut self, attempt: Attempt, failure: &DialFailure, now: Now, out: &mut Outbox) {
        let Some((key, addr)) = self.attempts.remove(&attempt) else { return };
        let Some(target) = self.targets.get_mut(&key) else { return };
        target.running.remove(&attempt);
        match failure {
            DialFailure::Myself => {
                target.addrs.remove(&addr);
                out.note(Level::Info, format!("{addr} is this node itself and is not dialled again"));
            }
            DialFailure::Refused(_) => target.refused = true,
            DialFailure::Unreachable(_) | DialFailure::OtherNode(_) => {}
        }
        target.complaints.push(format!("{addr}: {failure}"));
        if target.addrs.is_empty() {
            self.forget(key, out);
        } else if target.running.is_empty() {
            self.round_failed(key, now, out);
        }
        self.due(now, out);
    }

    /// Whether everybody who was found in this network and is wanted is linked or was tried in vain.
    pub(super) fn is_settled(&self, network: NetworkIndex) -> bool {
        let here = self.targets.iter().filter(|(key, _)| key.network() == network);
        let mut found = here.filter(|(_, target)| target.wanted && !target.learned);
        found.all(|(_, target)| target.tried || self.is_linked(network, target))
    }

    /// Dials everybody whose time has come, and asks to be called for the next one.
    pub(super) fn due(&mut self, now: Now, out: &mut Outbox) {
        self.choose_due(now);
        while let Some((due, key)) = self.queue.first().copied() {
            if due > now || self.attempts.len() >= ATTEMPTS_MAX {
                break;
            }
            self.queue.pop_first();
            if self.is_waiting(due, key) {
                self.dial(key, out);
            }
        }
        self.arm(out);
    }

    /// Remembers when a target is due.
    fn enqueue(&mut self, key: Key) {
        if let Some(target) = self.targets.get(&key).filter(|target| target.wanted) {
            self.queue.insert((target.due, key));
        }
    }

    /// Whether a target still waits for this time.
    fn is_waiting(&self, due: Now, key: Key) -> bool {
        self.targets.get(&key).is_some_and(|target| {
            let idle = target.running.is_empty() && !self.is_linked(key.network(), target);
            idle && target.wanted && target.due == due
        })
    }

    fn dial(&mut self, key: Key, out: &mut Outbox) {
        let Some(target) = self.targets.get_mut(&key) else { return };
        target.complaints.clear();
        target.refused = false;
        for addr in &target.addrs {
            self.last += 1;
            let attempt = Attempt(self.last);
            self.attempts.insert(attempt, (key, *addr));
            target.running.insert(attempt);
            let (network, expect) = match key {
                Key::Node(network, node) => (network, Some(node)),
                Key::Place(network, _) => (network, None),
            };
            out.push(Output::Dial { attempt, network, addr: *addr, expect });
        }
    }

    fn round_failed(&mut self, key: Key, now: Now, out: &mut Outbox) {
        let Some(target) = self.targets.get_mut(&key) else { return };
        target.unreachable = !target.refused;
        target.pause(&mut self.jitter, now);
        target.complaints.sort_unstable();
        let complaint = std::mem::take(&mut target.complaints).join("; ");
        target.end_round();
        let linked = target.node.is_some_and(|node| self.linked.contains_key(&(key.network(), node)));
        self.unchosen.insert(key.network());
        self.enqueue(key);
        let Some(target) = self.targets.get_mut(&key) else { return };
        if linked || target.learned || target.said.as_ref() == Some(&complaint) {
            return;
        }
        let whom = match key {
            Key::Node(_, node) => format!("node {}", node.short()),
            Key::Place(_, addr) => format!("the node at {addr}"),
        };
        out.note(Level::Warn, format!("no link to {whom}, it is tried again: {complaint}"));
        target.said = Some(complaint);
    }

    /// Asks to be called when the next target is due. With all attempts in use, the end of one calls.
    fn arm(&mut self, out: &mut Outbox) {
        if self.attempts.len() >= ATTEMPTS_MAX {
            return;
        }
        while let Some((at, key)) = self.queue.first().copied() {
            if self.is_waiting(at, key) {
                break;
            }
            self.queue.pop_first();
        }
        let dial = self.queue.first().map(|(at, _)| *at);
        if let Some(at) = self.surveys.values().copied().chain(dial).min() {
            out.push(Output::Arm { timer: Timer::Dial, at });
        }
    }

    fn is_linked(&self, network: NetworkIndex, target: &Target) -> bool {
        target.node.is_some_and(|node| self.linked.contains_key(&(network, node)))
    }

    /// The node itself, and the places where it was met.
    fn keys_of(&self, (network, node): Peer) -> impl Iterator<Item = Key> {
        let key = Key::Node(network, node);
        let first_place = Key::Place(NetworkIndex(0), SocketAddr::from(([0, 0, 0, 0], 0)));
        let met =
            move |(key, target): &(&Key, &Target)| key.network() == network && target.node == Some(node);
        let places = self.targets.range(first_place..).filter(met).map(|(key, _)| *key);
        self.targets.contains_key(&key).then_some(key).into_iter().chain(places)
    }

    fn forget(&mut self, key: Key, out: &mut Outbox) {
        let Some(target) = self.targets.remove(&key) else { return };
        self.unchosen.insert(key.network());
        for attempt in target.running {
            self.attempts.remove(&attempt);
            out.push(Output::Abandon { attempt });
        }
    }
}
