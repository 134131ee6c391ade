//! The data plane of a simulated node: the relay and the route table, driven as a bus would drive them.
//!
//! It is told what the state machine says and what comes over data streams; it says what goes out and what
//! is there. Whether that is right is judged elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Bytes, BytesMut};

use super::keys::stamp;
use crate::{
    channel::{Channel, NetworkIndex},
    event::Message,
    frame::{
        batch::Entry,
        relay::{
            DATA_CONFIRM, DATA_RELAY, DATA_SET, DATA_STREAM, Destinations, NamedBatch, NamedReader, Sealed,
            put_confirm, read_confirm, read_stream,
        },
        split_frame,
        trace::{Matches, PATTERNS_NAMED_MAX},
    },
    id::{Incarnation, NodeId},
    interest::InterestOp,
    io::{LinkId, Output, Sight, Subject},
    limits::{DESTINATIONS_MAX, FRAME_BYTES_MAX, QUEUES_BYTES},
    pattern::Pattern,
    plane::{
        account::{Account, DropReason},
        budget::Budget,
        relay::{Balance, Incoming, Moment, Relay},
        table::{HolderId, RouteTable, Side},
    },
    time::{Hlc, Now},
};

/// One life of a node's data plane in the one network.
#[derive(Debug)]
pub(super) struct Bus {
    me: NodeId,
    relay: Relay,
    account: Account,
    table: RouteTable<NodeId>,
    /// What each peer wants, and its number in the table.
    peers: BTreeMap<NodeId, (HolderId, BTreeSet<Pattern>)>,
    last_holder: u64,
    /// What this node wants itself.
    wants: BTreeSet<Pattern>,
    /// The links that are up, and whose they are.
    links: BTreeMap<LinkId, NodeId>,
    /// The link that data for a neighbour goes to.
    used: BTreeMap<NodeId, LinkId>,
    /// What has come over each link.
    incoming: BTreeMap<LinkId, Incoming>,
    /// Frames that open streams, before everything else.
    opening: Vec<(LinkId, Bytes)>,
}

/// An event that is there, by the number it was published with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) number: u64,
}

impl Bus {
    pub(super) fn new(me: NodeId, life: u64) -> Self {
        Self {
            me,
            relay: Relay::new(me, Incarnation(life), &Budget::new(QUEUES_BYTES)),
            account: Account::default(),
            table: RouteTable::new(1),
            peers: BTreeMap::new(),
            last_holder: 0,
            wants: BTreeSet::new(),
            links: BTreeMap::new(),
            used: BTreeMap::new(),
            incoming: BTreeMap::new(),
            opening: Vec::new(),
        }
    }

    pub(super) fn link_up(&mut self, link: LinkId, peer: NodeId) {
        self.links.insert(link, peer);
        self.incoming.insert(link, Incoming::new(peer));
    }

    pub(super) fn link_down(&mut self, link: LinkId) {
        self.links.remove(&link);
        self.incoming.remove(&link);
    }

    /// This node wants something else itself.
    pub(super) fn wants(&mut self, ops: &[InterestOp]) {
        change(&mut self.wants, ops);
    }

    /// What there is to see for a trace. Links have no round trip here.
    pub(super) fn look(&self, subject: &Subject) -> Sight {
        match subject {
            Subject::Subscribers(channel) => {
                let patterns = self.wants.iter().filter(|pattern| pattern.matches(channel));
                let patterns: Vec<Pattern> = patterns.take(PATTERNS_NAMED_MAX).cloned().collect();
                let subscribers = u64::from(!patterns.is_empty());
                Sight::Subscribers(Matches { subscribers, patterns, more: 0 })
            }
            Subject::Neighbour { peer, .. } => {
                let (bytes, queued_events) = self.relay.queued(peer);
                Sight::Neighbour { rtt_us: None, queued_bytes: bytes as u64, queued_events }
            }
        }
    }

    /// Copies that were dropped here, by reason.
    pub(super) fn dropped(&self) -> Vec<(DropReason, u64)> {
        self.account.counts().dropped
    }

    /// What it has to account for.
    pub(super) fn balance(&self) -> Balance {
        self.relay.balance()
    }

    /// The state machine says something.
    pub(super) fn heard(&mut self, now: Now, output: &Output) {
        let at = Moment { now, account: &self.account };
        match output {
            Output::NeighbourUp { peer, link, .. } => {
                self.relay.neighbour_up(at, *peer);
                self.open(*peer, *link);
            }
            Output::NeighbourMoved { peer, link, .. } => {
                self.relay.stream_broke(peer);
                self.open(*peer, *link);
            }
            Output::NeighbourDown { peer, .. } => {
                self.relay.neighbour_down(at, *peer);
                self.used.remove(peer);
            }
            Output::PeerUp { peer, .. } => {
                self.relay.begins_anew(peer);
                self.last_holder += 1;
                let holder = HolderId(self.last_holder);
                self.table.attach(holder, *peer);
                self.peers.insert(*peer, (holder, BTreeSet::new()));
            }
            Output::PeerDown { peer, .. } => self.forget(peer),
            Output::PeerInterest { peer, reset, ops, .. } => self.interest(peer, *reset, ops),
            Output::Routes { changes, .. } => self.relay.route(at, changes),
            _ => {}
        }
    }

    fn open(&mut self, peer: NodeId, link: LinkId) {
        self.used.insert(peer, link);
        let opening = self.relay.begin_stream(&peer);
        self.opening.extend(opening.map(|frame| (link, frame)));
    }

    fn forget(&mut self, peer: &NodeId) {
        if let Some((holder, patterns)) = self.peers.remove(peer) {
            for pattern in &patterns {
                self.table.remove(Side::Peer, NetworkIndex::HOME, pattern, holder);
            }
            self.table.detach(holder);
        }
    }

    fn interest(&mut self, peer: &NodeId, reset: bool, ops: &[InterestOp]) {
        let Some((holder, patterns)) = self.peers.get_mut(peer) else { return };
        let before = patterns.clone();
        if reset {
            patterns.clear();
        }
        change(patterns, ops);
        for pattern in before.difference(patterns) {
            self.table.remove(Side::Peer, NetworkIndex::HOME, pattern, *holder);
        }
        for pattern in patterns.difference(&before) {
            self.table.add(Side::Peer, NetworkIndex::HOME, pattern, *holder, false);
        }
        self.relay.regroup();
    }

    /// Publishes an event of this number.
    pub(super) fn publish(&mut self, now: Now, channel: &Channel, number: u64) {
        let at = Moment { now, account: &self.account };
        let to: Vec<NodeId> = self.table.wanting(Side::Peer, NetworkIndex::HOME, channel).copied().collect();
        let message = Message::new(number.to_be_bytes().to_vec());
        for to in to.chunks(DESTINATIONS_MAX) {
            let Some(set) = Destinations::new(to.iter().copied()) else { continue };
            let mut batch = NamedBatch::default();
            let entry = Entry {
                sequence: number,
                time: Hlc::default(),
                depth: 0,
                message: &message,
                call: None,
                handout: None,
            };
            batch.push(channel, &entry);
            let (inner, events) = batch.take();
            let set = self.relay.set(set);
            let unsigned = self.relay.seal(&set, &inner, events);
            let signature = stamp(NetworkIndex::HOME, self.me, unsigned.message());
            let sealed = unsigned.sign(&signature);
            self.relay.send(at, &set, sealed);
        }
    }

    /// Frames came over a link's data stream. Returns what is there.
    ///
    /// Errors say what is wrong with them.
    pub(super) fn arrived(&mut self, now: Now, link: LinkId, frames: Bytes) -> Result<Vec<Delivery>, String> {
        let mut rest = BytesMut::from(frames);
        let mut deliveries = Vec::new();
        while let Some((kind, body)) = split_frame(&mut rest, FRAME_BYTES_MAX).map_err(|e| e.to_string())? {
            deliveries.extend(self.frame(now, link, (kind, &body)).map_err(|error| error.to_string())?);
        }
        Ok(deliveries)
    }

    fn frame(
        &mut self,
        now: Now,
        link: LinkId,
        (kind, body): (u8, &Bytes),
    ) -> Result<Vec<Delivery>, Box<dyn std::error::Error>> {
        let at = Moment { now, account: &self.account };
        let (Some(incoming), Some(peer)) = (self.incoming.get_mut(&link), self.links.get(&link)) else {
            return Ok(Vec::new());
        };
        let here = match kind {
            DATA_STREAM => {
                incoming.stream(read_stream(body)?)?;
                None
            }
            DATA_SET => {
                self.relay.declare(incoming, body)?;
                None
            }
            DATA_RELAY => self.relay.arrived(at, incoming, body)?.here,
            DATA_CONFIRM => {
                self.relay.confirmed(peer, &read_confirm(body)?)?;
                None
            }
            kind => return Err(format!("a data frame of kind {kind}").into()),
        };
        let ready = match here.map(|sealed| (self.check(&sealed), sealed)) {
            None => Vec::new(),
            Some((Ok(()), sealed)) => self.relay.admit(at, sealed),
            Some((Err(reason), sealed)) => {
                self.account.dropped(reason, sealed.envelope().events);
                Vec::new()
            }
        };
        self.hand_over(ready)
    }

    /// Whether a frame for this node is new here, and from whom it says.
    fn check(&self, sealed: &Sealed) -> Result<(), DropReason> {
        self.relay.check(sealed.envelope())?;
        let origin = sealed.envelope().origin;
        match stamp(NetworkIndex::HOME, origin, &sealed.message()) == sealed.signature() {
            true => Ok(()),
            false => Err(DropReason::Forged),
        }
    }

    fn hand_over(&mut self, ready: Vec<Sealed>) -> Result<Vec<Delivery>, Box<dyn std::error::Error>> {
        let mut deliveries = Vec::new();
        for sealed in ready {
            let inner = sealed.open()?;
            let mut reader = NamedReader::new(&inner.body);
            while let Some((channel, _, arrived)) = reader.next_entry()? {
                if !self.relay.in_order(sealed.envelope(), &channel) {
                    self.account.dropped(DropReason::Late, 1);
                } else if self.wants.iter().any(|pattern| pattern.matches(&channel)) {
                    deliveries.push(Delivery { number: arrived.sequence });
                } else {
                    self.account.dropped(DropReason::NoMatch, 1);
                }
            }
        }
        Ok(deliveries)
    }

    /// What goes out now, each with its link.
    pub(super) fn outgoing(&mut self, now: Now) -> Vec<(LinkId, Bytes)> {
        let mut out = std::mem::take(&mut self.opening);
        for peer in self.relay.take_woken() {
            let Some(link) = self.used.get(&peer) else { continue };
            let mut frames = Vec::new();
            self.relay.take(now, &peer, usize::MAX, &mut frames);
            if !frames.is_empty() {
                out.push((*link, frames.concat().into()));
            }
        }
        out
    }

    /// What was taken over since the last time is confirmed.
    pub(super) fn confirmations(&mut self) -> Vec<(LinkId, Bytes)> {
        let each = self.incoming.iter_mut();
        each.filter_map(|(link, incoming)| Some((*link, put_confirm(&incoming.confirmation(true)?))))
            .collect()
    }

    /// When time has to pass here.
    pub(super) fn next_due(&self) -> Option<Now> {
        self.relay.next_due()
    }

    /// Time has passed. Returns what waited for it.
    pub(super) fn tick(&mut self, now: Now) -> Result<Vec<Delivery>, String> {
        let ready = self.relay.tick(Moment { now, account: &self.account });
        self.hand_over(ready).map_err(|error| error.to_string())
    }
}

fn change(patterns: &mut BTreeSet<Pattern>, ops: &[InterestOp]) {
    for op in ops {
        match op {
            InterestOp::Add(wanted) => _ = patterns.insert(wanted.pattern.clone()),
            InterestOp::Remove(pattern) => _ = patterns.remove(pattern),
            // No scenario has groups, or a node want so much that it needs a filter.
            InterestOp::Join(_) | InterestOp::Leave(..) | InterestOp::Block(_) => {}
        }
    }
}
