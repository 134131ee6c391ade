//! What the network does: dials that arrive or not, links that come up, break and close, halves that do
//! not hear each other.

use std::{net::SocketAddr, time::Duration};

use super::*;
use crate::{
    frame::split_frame,
    io::LinkId,
    limits::CONTROL_FRAME_BYTES_MAX,
    sim::network::{CLOSE_LIMIT, DIALLER, LISTENER, silence},
};

/// A dial on its way.
#[derive(Debug)]
pub(super) struct Knock {
    node: usize,
    life: u64,
    attempt: Attempt,
    addr: SocketAddr,
    expect: Option<NodeId>,
}

/// A node that was never started. Ids are in another order than the numbers; some have two addresses.
pub(super) fn node(number: usize, chance: &mut Chance) -> Node {
    let id = NodeId(std::array::from_fn(|_| u8::try_from(chance.below(256)).unwrap_or(0)));
    let host = u8::try_from(number % 250).unwrap_or(0);
    let net = u8::try_from(number / 250).unwrap_or(0);
    let interfaces = if number.is_multiple_of(3) { 2 } else { 1 };
    let addrs = (0..interfaces).map(|i| SocketAddr::from(([10, i, net, host], 7182))).collect();
    Node { id, addrs, life: 0, alive: None }
}

impl World {
    pub(super) fn dial(
        &mut self,
        node: usize,
        life: u64,
        (attempt, addr, expect): (Attempt, SocketAddr, Option<NodeId>),
    ) {
        let at = self.now.after(self.latency());
        self.schedule(at, Happening::Knock(Knock { node, life, attempt, addr, expect }));
    }

    pub(super) fn knock(&mut self, knock: Knock) {
        let Knock { node, life, attempt, addr, expect } = knock;
        if self.living(node) != Some(life) {
            return;
        }
        let place = self.nodes.iter().position(|other| other.addrs.contains(&addr));
        let there = place.filter(|place| self.living(*place).is_some() && self.hear(node, *place));
        let lost = self.chance.percent(self.scenario.dial_loss);
        let (failure, after) = match there.filter(|_| !lost) {
            None => (DialFailure::Unreachable("no answer".into()), self.chance.millis(100, 3000)),
            Some(there) if there == node => (DialFailure::Myself, self.latency()),
            Some(there) if expect.is_some_and(|expect| expect != self.nodes[there].id) => {
                (DialFailure::OtherNode(self.nodes[there].id), self.latency())
            }
            Some(there) => {
                let number = self.connections.len() as u64;
                let connection = Connection::new((node, life), (there, self.nodes[there].life));
                self.connections.insert(number, connection);
                // Either end may be the first to know.
                let (dialler, listener) = (self.latency(), self.latency());
                self.schedule(self.now.after(dialler), Happening::Up(number, DIALLER, Some(attempt)));
                return self.schedule(self.now.after(listener), Happening::Up(number, LISTENER, None));
            }
        };
        self.schedule(self.now.after(after), Happening::DialFailed(node, life, attempt, failure));
    }

    pub(super) fn up(&mut self, number: u64, end: usize, attempt: Option<Attempt>) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let (node, life) = (connection.ends[end].node, connection.ends[end].life);
        if connection.ends[end].down || connection.cut {
            // It broke while it was made: the dialler only learns that it did not succeed.
            connection.ends[end].down = true;
            if let Some(attempt) = attempt {
                let failure = DialFailure::Unreachable("the connection broke".into());
                self.feed(node, life, Input::DialFailed { attempt, failure });
            }
            return;
        }
        let peer = self.nodes[connection.ends[1 - end].node].id;
        let addr = self.nodes[connection.ends[1 - end].node].addrs[0];
        let Some(alive) = self.nodes[node].living(life) else { return };
        // A dial that was given up too late succeeds all the same, half of the time.
        if attempt.is_some_and(|attempt| alive.abandoned.contains(&attempt)) && self.chance.percent(50) {
            return self.sever(number, Duration::ZERO, LinkEnd::Closed);
        }
        alive.last_link += 1;
        let link = LinkId(alive.last_link);
        alive.links.insert(link, number);
        connection.ends[end].link = Some(link);
        let early = std::mem::take(&mut connection.ends[end].early);
        self.feed(node, life, Input::LinkUp { link, network: NETWORK, peer, dialled: attempt, addr });
        early.into_iter().for_each(|frame| self.arrive(number, end, frame));
    }

    pub(super) fn send(&mut self, number: u64, end: usize, frame: Bytes) {
        let latency = self.latency();
        let Some(connection) = self.connections.get_mut(&number).filter(|c| !c.cut) else { return };
        let at = connection.arrival(1 - end, self.now, latency);
        self.schedule(at, Happening::Frame(number, 1 - end, frame));
    }

    pub(super) fn arrive(&mut self, number: u64, end: usize, frame: Bytes) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let end = &mut connection.ends[end];
        if end.down {
            return;
        }
        let Some(link) = end.link else { return end.early.push_back(frame) };
        let (node, life) = (end.node, end.life);
        match split_frame(&mut frame.into(), CONTROL_FRAME_BYTES_MAX) {
            Ok(Some((kind, body))) => self.feed(node, life, Input::Frame { link, kind, body }),
            other => self.problem(format!("what was sent to node {node} is no frame: {other:?}")),
        }
    }

    pub(super) fn close(&mut self, number: u64, end: usize, graceful: bool) {
        let (soon, latency) = (self.now.after(self.chance.millis(0, 50)), self.latency());
        let Some(connection) = self.connections.get_mut(&number) else { return };
        connection.ends[end].closing = Some(graceful);
        let both = connection.ends[1 - end].closing.is_some();
        let (mine, others) = if graceful && !both {
            (self.now.after(CLOSE_LIMIT), self.now.after(CLOSE_LIMIT).after(latency))
        } else {
            (soon, connection.arrival(1 - end, soon, latency))
        };
        self.schedule(mine, Happening::Down(number, end, LinkEnd::Closed));
        self.schedule(others, Happening::Down(number, 1 - end, LinkEnd::Closed));
    }

    pub(super) fn down(&mut self, number: u64, end: usize, how: LinkEnd) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let end = &mut connection.ends[end];
        if std::mem::replace(&mut end.down, true) {
            return;
        }
        let (node, life) = (end.node, end.life);
        if let Some(link) = end.link {
            if let Some(alive) = self.nodes[node].living(life) {
                alive.links.remove(&link);
            }
            self.feed(node, life, Input::LinkDown { link, end: how });
        }
    }

    /// A node is gone without a word: the others notice by and by.
    pub(super) fn stop(&mut self, number: usize) {
        if self.nodes[number].alive.take().is_none() {
            return;
        }
        let life = self.nodes[number].life;
        for connection in self.matching(|c| c.ends.iter().any(|end| (end.node, end.life) == (number, life))) {
            let most = silence(&mut self.chance);
            self.sever(connection, most, LinkEnd::TimedOut);
        }
    }

    pub(super) fn break_one(&mut self, which: u64) {
        let open = self.matching(Connection::is_open);
        let chosen = usize::try_from(which % open.len().max(1) as u64).unwrap_or(0);
        if let Some(connection) = open.get(chosen) {
            let most = if which.is_multiple_of(2) { silence(&mut self.chance) } else { Duration::ZERO };
            self.sever(*connection, most, LinkEnd::Failed("broken".into()));
        }
    }

    /// These do not hear the others from now on, and all others hear each other. Who hears of somebody
    /// again is told of it by discovery.
    pub(super) fn part(&mut self, apart: BTreeSet<usize>) {
        let before = std::mem::replace(&mut self.apart, apart.clone());
        let crosses = |c: &Connection| apart.contains(&c.ends[0].node) != apart.contains(&c.ends[1].node);
        for connection in self.matching(|c| !c.cut && crosses(c)) {
            let most = silence(&mut self.chance);
            self.sever(connection, most, LinkEnd::TimedOut);
        }
        for node in 0..self.nodes.len() {
            for other in 0..self.nodes.len() {
                if before.contains(&node) != before.contains(&other) {
                    self.tell(node, other);
                }
            }
        }
    }

    /// Nothing gets through any more; each end notices at its own time, within the delay.
    fn sever(&mut self, number: u64, most: Duration, how: LinkEnd) {
        let most = u64::try_from(most.as_millis()).unwrap_or(0);
        let times = [self.chance.millis(0, most), self.chance.millis(0, most)];
        let Some(connection) = self.connections.get_mut(&number) else { return };
        connection.cut = true;
        for (end, after) in times.into_iter().enumerate() {
            self.schedule(self.now.after(after), Happening::Down(number, end, how.clone()));
        }
    }

    fn matching(&self, which: impl Fn(&Connection) -> bool) -> Vec<u64> {
        self.connections.iter().filter(|(_, c)| which(c)).map(|(number, _)| *number).collect()
    }

    fn latency(&mut self) -> Duration {
        self.chance.millis(self.scenario.latency_ms.0, self.scenario.latency_ms.1)
    }

    /// Which life of the node there is.
    fn living(&self, number: usize) -> Option<u64> {
        self.nodes[number].alive.as_ref().map(|_| self.nodes[number].life)
    }
}
