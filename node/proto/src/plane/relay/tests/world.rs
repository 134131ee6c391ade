//! Many relays with links between them that take time, die and come back, under a made-up clock. A cut link
//! swallows what is on it, and each end learns of that in its own time; ways are what each node knows of the graph,
//! which is also older than the truth.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use super::*;
use crate::{
    event::Message,
    frame::{
        batch::Entry,
        relay::{DATA_RELAY, DATA_SET, DATA_STREAM, NamedBatch, NamedReader, SIGNATURE_BYTES, read_stream},
    },
    mix,
    time::Hlc,
};

/// While something happens.
const BUSY_MS: u64 = 4_000;
/// Until everything has settled.
const END_MS: u64 = 15_000;
const STEP_MS: u64 = 5;

#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) nodes: usize,
    /// The links of a ring never die.
    pub(super) keep_connected: bool,
}

type Edge = (usize, usize);
/// When each part arrives.
type Direction = VecDeque<(u64, Vec<Bytes>)>;

pub(super) struct World {
    plan: Plan,
    random: u64,
    now_ms: u64,
    nodes: Vec<Station>,
    /// Links that carry something, with what is on them in each direction.
    links: BTreeMap<Edge, [Direction; 2]>,
    /// What happens later: a node learns that a link is up or down.
    news: BTreeMap<(u64, u64), (usize, Edge, bool)>,
    next_news: u64,
    /// When each node learns the last there is to learn of a link: news of one link do not overtake each other.
    last_news: BTreeMap<(usize, Edge), u64>,
    published: u64,
    delivered: u64,
    wrong: Vec<String>,
}

struct Station {
    relay: Relay,
    account: Account,
    /// The graph as this node knows it.
    graph: BTreeSet<Edge>,
    ways: BTreeMap<usize, usize>,
    incoming: BTreeMap<usize, Incoming>,
    /// Events counted by publisher, which is its channel.
    got: BTreeMap<usize, BTreeSet<u64>>,
    sequence: u64,
}

fn id(number: usize) -> NodeId {
    node(u8::try_from(number + 1).unwrap_or(255))
}

fn number(id: NodeId) -> usize {
    usize::from(id.0[0]) - 1
}

impl World {
    pub(super) fn new(plan: Plan) -> Self {
        let station = |number| Station {
            relay: Relay::new(id(number), Incarnation(1), &Budget::new(1 << 30)),
            account: Account::default(),
            graph: BTreeSet::new(),
            ways: BTreeMap::new(),
            incoming: BTreeMap::new(),
            got: BTreeMap::new(),
            sequence: 0,
        };
        let mut world = Self {
            plan,
            random: plan.seed,
            now_ms: 0,
            nodes: (0..plan.nodes).map(station).collect(),
            links: BTreeMap::new(),
            news: BTreeMap::new(),
            next_news: 0,
            last_news: BTreeMap::new(),
            published: 0,
            delivered: 0,
            wrong: Vec::new(),
        };
        // A star of chords beside the ring keeps every way within the hop limit.
        for number in 1..plan.nodes {
            world.link((number - 1, number));
            if world.draw(3) == 0 || number.is_multiple_of(4) {
                world.link((0, number));
            }
        }
        for _ in 0..plan.nodes {
            let edge = (world.draw(plan.nodes), world.draw(plan.nodes));
            world.link((edge.0.min(edge.1), edge.0.max(edge.1)));
        }
        world
    }

    pub(super) fn run(&mut self) {
        while self.now_ms < END_MS {
            self.now_ms += STEP_MS;
            self.learn();
            if self.now_ms < BUSY_MS {
                self.weather();
            }
            if self.now_ms > 500 && self.now_ms < BUSY_MS {
                self.publish();
            }
            if self.now_ms == BUSY_MS / 2 {
                self.nodes.iter_mut().for_each(|station| station.relay.regroup());
            }
            self.carry();
            self.let_time_pass();
        }
        for (number, station) in self.nodes.iter().enumerate() {
            if station.relay.next_due().is_some() {
                self.wrong.push(format!("node {number} still waits for something"));
            }
        }
    }

    pub(super) fn wrong(&self) -> Vec<String> {
        self.wrong.clone()
    }

    pub(super) fn published(&self) -> u64 {
        self.published
    }

    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }

    pub(super) fn dropped(&self) -> BTreeMap<DropReason, u64> {
        let mut sum = BTreeMap::new();
        for (reason, copies) in self.nodes.iter().flat_map(|station| station.account.counts().dropped) {
            *sum.entry(reason).or_default() += copies;
        }
        sum
    }

    fn draw(&mut self, below: usize) -> usize {
        usize::try_from(mix::next(&mut self.random) % below as u64).unwrap_or(0)
    }

    fn link(&mut self, edge: Edge) {
        if edge.0 == edge.1 || self.links.contains_key(&edge) {
            return;
        }
        // Both ends must have forgotten the former link first.
        if [edge.0, edge.1]
            .iter()
            .any(|node| self.nodes[*node].relay.counts(&id(other(edge, *node))).is_some())
        {
            return;
        }
        self.links.insert(edge, Default::default());
        self.tell(edge, true, 1);
    }

    fn cut(&mut self, edge: Edge) {
        if self.links.remove(&edge).is_some() {
            self.tell(edge, false, 800);
        }
    }

    /// Everybody learns of it, the ends after at most so long, the others a little later.
    fn tell(&mut self, edge: Edge, up: bool, ends_within_ms: usize) {
        let mut first = u64::MAX;
        for end in [edge.0, edge.1] {
            let at = self.now_ms + self.draw(ends_within_ms) as u64;
            first = first.min(at);
            self.at(at, (end, edge, up));
        }
        for node in (0..self.plan.nodes).filter(|node| *node != edge.0 && *node != edge.1) {
            let at = first + 1 + self.draw(100) as u64;
            self.at(at, (node, edge, up));
        }
    }

    fn at(&mut self, at: u64, news: (usize, Edge, bool)) {
        let last = self.last_news.entry((news.0, news.1)).or_default();
        *last = at.max(*last);
        self.next_news += 1;
        self.news.insert((*last, self.next_news), news);
    }

    fn learn(&mut self) {
        let later = self.news.split_off(&(self.now_ms + 1, 0));
        for (_, (number, edge, up)) in std::mem::replace(&mut self.news, later) {
            let now = after_ms(self.now_ms);
            let station = &mut self.nodes[number];
            let at = Moment { now, account: &station.account };
            match up {
                true => station.graph.insert(edge),
                false => station.graph.remove(&edge),
            };
            if number == edge.0 || number == edge.1 {
                let peer = other(edge, number);
                match up {
                    true => {
                        station.incoming.insert(peer, Incoming::new(id(peer)));
                        station.relay.neighbour_up(at, id(peer));
                        let opening = station.relay.begin_stream(&id(peer)).expect("a neighbour");
                        self.put(number, peer, vec![opening]);
                    }
                    false => drop(station.relay.neighbour_down(at, id(peer))),
                }
            }
            self.route(number);
        }
    }

    /// Shortest ways in the graph that a node knows, over links of its own that are up.
    fn route(&mut self, me: usize) {
        let station = &mut self.nodes[me];
        let (mut ways, mut queue) = (BTreeMap::new(), VecDeque::from([(me, me)]));
        let mut seen = BTreeSet::from([me]);
        while let Some((node, first)) = queue.pop_front() {
            let edges = station.graph.iter().filter(|(a, b)| *a == node || *b == node);
            for next in edges.map(|edge| other(*edge, node)).collect::<Vec<_>>() {
                if seen.insert(next) {
                    let first = if node == me { next } else { first };
                    ways.insert(next, first);
                    queue.push_back((next, first));
                }
            }
        }
        let nodes: BTreeSet<usize> = ways.keys().chain(station.ways.keys()).copied().collect();
        let changed = nodes.into_iter().filter(|node| ways.get(node) != station.ways.get(node));
        let changes: Vec<_> = changed.map(|node| (id(node), ways.get(&node).map(|next| id(*next)))).collect();
        station.ways = ways;
        let at = Moment { now: after_ms(self.now_ms), account: &station.account };
        station.relay.route(at, &changes);
    }

    fn weather(&mut self) {
        let edges: Vec<Edge> = self.links.keys().copied().collect();
        if !edges.is_empty() && self.draw(60) == 0 {
            let edge = edges[self.draw(edges.len())];
            let ring = edge.0 + 1 == edge.1 || (edge.0 == 0 && edge.1.is_multiple_of(4));
            if !(ring && self.plan.keep_connected) {
                self.cut(edge);
            }
        }
        if self.draw(100) == 0 {
            let (a, b) = (self.draw(self.plan.nodes), self.draw(self.plan.nodes));
            self.link((a.min(b), a.max(b)));
        }
    }

    fn publish(&mut self) {
        let number = self.draw(self.plan.nodes);
        // Two sets a node, so that a channel changes from one to the other now and then.
        let step = 1 + usize::from(self.now_ms < BUSY_MS / 2);
        let to =
            (0..self.plan.nodes).filter(|other| *other != number && (other + number).is_multiple_of(step));
        let Some(set) = Destinations::new(to.map(id)) else { return };
        let events = 1 + self.draw(3) as u64;
        let channel = Channel::parse("a/b").expect("a channel");
        let message = Message::new("x");
        self.published += events * set.copies();
        let station = &mut self.nodes[number];
        let mut batch = NamedBatch::default();
        for _ in 0..events {
            station.sequence += 1;
            let (sequence, time) = (station.sequence, Hlc::default());
            batch.push(
                &channel,
                &Entry { sequence, time, depth: 0, message: &message, call: None, handout: None },
            );
        }
        let (inner, events) = batch.take();
        let set = station.relay.set(set);
        let sealed = station.relay.seal(&set, &inner, events).sign(&[0; SIGNATURE_BYTES]);
        let at = Moment { now: after_ms(self.now_ms), account: &station.account };
        station.relay.send(at, &set, sealed);
    }

    /// Puts frames on a link, unless it is cut: then they are gone.
    fn put(&mut self, from: usize, to: usize, frames: Vec<Bytes>) {
        let delay = 1 + self.draw(20) as u64;
        let edge = (from.min(to), from.max(to));
        let Some(directions) = self.links.get_mut(&edge) else { return };
        let direction = &mut directions[usize::from(from > to)];
        let arrives = (self.now_ms + delay).max(direction.back().map_or(0, |(at, _)| *at));
        direction.push_back((arrives, frames));
    }

    fn carry(&mut self) {
        for me in 0..self.plan.nodes {
            for peer in self.nodes[me].relay.take_woken() {
                let mut frames = Vec::new();
                self.nodes[me].relay.take(after_ms(self.now_ms), &peer, usize::MAX, &mut frames);
                self.put(me, number(peer), frames);
            }
        }
        let edges: Vec<Edge> = self.links.keys().copied().collect();
        for edge in edges {
            for (direction, from, to) in [(0, edge.0, edge.1), (1, edge.1, edge.0)] {
                while let Some(frames) = self.arrived(edge, direction) {
                    frames.into_iter().for_each(|frames| self.read(from, to, &frames));
                }
            }
        }
    }

    fn arrived(&mut self, edge: Edge, direction: usize) -> Option<Vec<Bytes>> {
        let now_ms = self.now_ms;
        let direction = &mut self.links.get_mut(&edge)?[direction];
        if direction.front()?.0 > now_ms {
            return None;
        }
        let (_, frames) = direction.pop_front()?;
        let whole = frames.concat();
        let mut buffer = bytes::BytesMut::from(&whole[..]);
        let mut split = Vec::new();
        while let Ok(Some((kind, body))) = split_frame(&mut buffer, usize::MAX) {
            split.push(Bytes::from([&[kind][..], &body].concat()));
        }
        assert!(buffer.is_empty(), "whole frames only");
        Some(split)
    }

    fn read(&mut self, from: usize, to: usize, frame: &Bytes) {
        let station = &mut self.nodes[to];
        let at = Moment { now: after_ms(self.now_ms), account: &station.account };
        let Some(incoming) = station.incoming.get_mut(&from) else { return };
        let body = frame.slice(1..);
        let handled = match frame[0] {
            DATA_STREAM => incoming.stream(read_stream(&body).expect("a number")).map(|()| None),
            DATA_SET => station.relay.declare(incoming, &body).map(|()| None),
            DATA_RELAY => station.relay.arrived(at, incoming, &body).map(|relayed| relayed.here),
            kind => unreachable!("a frame of kind {kind}"),
        };
        match handled {
            Err(error) => self.wrong.push(format!("{from} to {to}: {error}")),
            Ok(None) => {}
            Ok(Some(sealed)) => {
                let ready = match station.relay.check(sealed.envelope()) {
                    Ok(()) => station.relay.admit(at, sealed),
                    Err(reason) => {
                        station.account.dropped(reason, sealed.envelope().events);
                        Vec::new()
                    }
                };
                self.hand_over(to, ready);
            }
        }
    }

    fn hand_over(&mut self, to: usize, ready: Vec<Sealed>) {
        let station = &mut self.nodes[to];
        for sealed in ready {
            let envelope = sealed.envelope();
            let inner = sealed.open().expect("a frame");
            let mut reader = NamedReader::new(&inner.body);
            while let Some((channel, _, arrived)) = reader.next_entry().expect("an entry") {
                if !station.relay.in_order(envelope, &channel) {
                    station.account.dropped(DropReason::Late, 1);
                    continue;
                }
                let got = station.got.entry(number(envelope.origin)).or_default();
                if got.last().is_some_and(|last| *last >= arrived.sequence) {
                    self.wrong.push(format!("{to} got {} behind {:?}", arrived.sequence, got.last()));
                }
                got.insert(arrived.sequence);
                self.delivered += 1;
            }
        }
    }

    /// Confirmations arrive at once, now and then, over links that are up; timers fire.
    fn let_time_pass(&mut self) {
        let confirm = self.now_ms.is_multiple_of(100);
        let edges: Vec<Edge> = if confirm { self.links.keys().copied().collect() } else { Vec::new() };
        for (from, to) in edges.into_iter().flat_map(|(a, b)| [(a, b), (b, a)]) {
            let taken =
                self.nodes[to].incoming.get_mut(&from).and_then(|incoming| incoming.confirmation(true));
            if let Some(taken) = taken
                && let Err(error) = self.nodes[from].relay.confirmed(&id(to), &taken)
            {
                self.wrong.push(format!("{to} to {from}: {error}"));
            }
            if let Some(LineCounts { sent, confirmed, in_flight, taken_back, .. }) =
                self.nodes[from].relay.counts(&id(to))
                && sent != confirmed + in_flight + taken_back
            {
                self.wrong.push(format!("{from} to {to}: {sent} copies do not add up"));
            }
        }
        for number in 0..self.plan.nodes {
            let station = &mut self.nodes[number];
            let now = Now(Duration::from_millis(self.now_ms));
            if station.relay.next_due().is_some_and(|due| due <= now) {
                let ready = station.relay.tick(Moment { now, account: &station.account });
                self.hand_over(number, ready);
            }
        }
    }
}

fn other(edge: Edge, node: usize) -> usize {
    if edge.0 == node { edge.1 } else { edge.0 }
}
