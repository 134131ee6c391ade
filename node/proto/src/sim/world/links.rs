//! What the network does with connections: dials that arrive or not, links that come up, carry frames and
//! close.

use bytes::Bytes;

use super::*;
use crate::{
    frame::take_frame,
    limits::CONTROL_FRAME_BYTES_MAX,
    sim::network::{CLOSE_LIMIT, Connection, DIALLER, LISTENER},
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

impl World {
    pub(super) fn dial(
        &mut self,
        node: usize,
        life: u64,
        (attempt, addr, expect): (Attempt, SocketAddr, Option<NodeId>),
    ) {
        let at = self.now.after(self.latency());
        self.queue.push(at, Happening::Knock(Knock { node, life, attempt, addr, expect }));
    }

    pub(super) fn knock(&mut self, knock: Knock) {
        let Knock { node, life, attempt, addr, expect } = knock;
        if self.living(node) != Some(life) {
            return;
        }
        let place = self.places.get(&addr).copied();
        let there = place.filter(|place| self.living(*place).is_some() && self.hear(node, *place));
        let lost = self.chance.percent(self.scenario.network.dial_loss);
        let (failure, after) = match there.filter(|_| !lost) {
            None => (DialFailure::Unreachable("no answer".into()), self.chance.millis(100, 3000)),
            Some(there) if there == node => (DialFailure::Myself, self.latency()),
            Some(there) if expect.is_some_and(|expect| expect != self.nodes[there].id) => {
                (DialFailure::OtherNode(self.nodes[there].id), self.latency())
            }
            Some(there) => return self.connect((node, life), there, attempt),
        };
        self.queue.push(self.now.after(after), Happening::DialFailed(node, life, attempt, failure));
    }

    fn connect(&mut self, (node, life): (usize, u64), there: usize, attempt: Attempt) {
        let ways = [self.way(there, node), self.way(node, there)];
        let connection = Connection::new((node, life), (there, self.nodes[there].life), ways);
        let number = self.connections.add(connection);
        self.nodes[node].connections.insert(number);
        self.nodes[there].connections.insert(number);
        // Either end may be the first to know.
        let (dialler, listener) = (self.latency(), self.latency());
        self.queue.push(self.now.after(dialler), Happening::Up(number, DIALLER, Some(attempt)));
        self.queue.push(self.now.after(listener), Happening::Up(number, LISTENER, None));
    }

    pub(super) fn dial_failed(&mut self, node: usize, life: u64, attempt: Attempt, failure: DialFailure) {
        if let Some(alive) = self.nodes[node].living(life) {
            alive.abandoned.remove(&attempt);
        }
        self.feed(node, life, Input::DialFailed { attempt, failure });
    }

    pub(super) fn up(&mut self, number: u64, end: usize, attempt: Option<Attempt>) {
        let Some(connection) = self.connections.get_mut(number) else { return };
        let (node, life) = (connection.ends[end].node, connection.ends[end].life);
        if connection.ends[end].down || connection.cut {
            // It broke while it was made: the dialler only learns that it did not succeed.
            connection.ends[end].down = true;
            self.forget(number);
            if let Some(attempt) = attempt {
                let failure = DialFailure::Unreachable("the connection broke".into());
                self.dial_failed(node, life, attempt, failure);
            }
            return;
        }
        let other = connection.ends[1 - end].node;
        let (peer, addr) = (self.nodes[other].id, self.nodes[other].addrs[0]);
        let Some(alive) = self.nodes[node].living(life) else { return };
        // A dial that was given up too late succeeds all the same, half of the time.
        if attempt.is_some_and(|attempt| alive.abandoned.remove(&attempt)) && self.chance.percent(50) {
            return self.sever(number, Duration::ZERO, LinkEnd::Closed);
        }
        let link = alive.link_up(number, end);
        connection.ends[end].link = Some(link);
        if let Some(bus) = &mut alive.bus {
            bus.link_up(link, peer);
        }
        self.judge.link_up((node, link), number, connection.is_open().then_some((node, other)));
        self.feed(node, life, Input::LinkUp { link, network: NETWORK, peer, dialled: attempt, addr });
        self.arrive(number, end);
        self.data_arrives(number, end);
    }

    pub(super) fn send(&mut self, number: u64, end: usize, frame: Bytes) {
        let Some(connection) = self.connections.get_mut(number) else { return };
        let [from, to] = [end, 1 - end].map(|end| connection.ends[end].node);
        let wall_ms = self.nodes[from].clock.wall_ms(self.now);
        self.judge.sent_at(self.now, (from, to), wall_ms, &frame);
        if connection.cut {
            return;
        }
        let there = &mut connection.ends[1 - end];
        let late = self.chance.between(Duration::ZERO, self.nodes[there.node].slow_by);
        let arrives = there.stream.send(self.now.after(late), frame, &mut self.chance);
        if let Some(at) = arrives {
            self.queue.push(at, Happening::Frames(number, 1 - end));
        }
    }

    /// Hands over what has reached an end by now.
    pub(super) fn arrive(&mut self, number: u64, end: usize) {
        while let Some(connection) = self.connections.get_mut(number) {
            let there = &mut connection.ends[end];
            let Some(link) = there.link.filter(|_| !there.down) else { return };
            let (node, life) = (there.node, there.life);
            let Some(mut frames) = there.stream.take(self.now) else { return };
            loop {
                match take_frame(&mut frames, CONTROL_FRAME_BYTES_MAX) {
                    Ok(Some((kind, body))) => self.feed(node, life, Input::Frame { link, kind, body }),
                    Ok(None) if frames.is_empty() => break,
                    other => {
                        let what = format!("what was sent to node {node} is no frame: {other:?}");
                        self.judge.wrong(self.now, what);
                        break;
                    }
                }
            }
        }
    }

    pub(super) fn close(&mut self, number: u64, end: usize, graceful: bool) {
        let (soon, latency) = (self.now.after(self.chance.millis(0, 50)), self.latency());
        let Some(connection) = self.connections.get_mut(number) else { return };
        connection.ends[end].closing = Some(graceful);
        let both = connection.ends[1 - end].closing.is_some();
        let (mine, others) = if graceful && !both {
            (self.now.after(CLOSE_LIMIT), self.now.after(CLOSE_LIMIT).after(latency))
        } else {
            (soon, connection.ends[1 - end].stream.arrival(soon, 0, &mut self.chance))
        };
        self.judge.parted(number);
        self.queue.push(mine, Happening::Down(number, end, LinkEnd::Closed));
        self.queue.push(others, Happening::Down(number, 1 - end, LinkEnd::Closed));
    }

    pub(super) fn down(&mut self, number: u64, end: usize, how: LinkEnd) {
        let Some(connection) = self.connections.get_mut(number) else { return };
        let here = &mut connection.ends[end];
        if std::mem::replace(&mut here.down, true) {
            return;
        }
        let (node, life, link) = (here.node, here.life, here.link);
        self.judge.parted(number);
        self.forget(number);
        let Some(link) = link else { return };
        if let Some(alive) = self.nodes[node].living(life) {
            alive.link_down(link);
            if let Some(bus) = &mut alive.bus {
                bus.link_down(link);
            }
            self.judge.link_down(node, link);
        }
        self.feed(node, life, Input::LinkDown { link, end: how });
    }

    /// Nothing gets through any more; each end notices at its own time, within the delay.
    pub(super) fn sever(&mut self, number: u64, most: Duration, how: LinkEnd) {
        let times = [0, 1].map(|_| self.chance.between(Duration::ZERO, most));
        let Some(connection) = self.connections.get_mut(number) else { return };
        connection.cut = true;
        self.judge.parted(number);
        for (end, after) in times.into_iter().enumerate() {
            self.queue.push(self.now.after(after), Happening::Down(number, end, how.clone()));
        }
    }

    /// Drops a connection that no end has any more.
    fn forget(&mut self, number: u64) {
        if self.connections.get(number).is_some_and(Connection::is_over)
            && let Some(connection) = self.connections.remove(number)
        {
            for end in connection.ends {
                self.nodes[end.node].connections.remove(&number);
            }
        }
    }

    /// How long something takes outside of a connection.
    fn latency(&mut self) -> Duration {
        let (from, to) = self.scenario.network.usual.latency;
        self.chance.between(from, to)
    }

    /// Which life of the node there is.
    fn living(&self, number: usize) -> Option<u64> {
        self.nodes[number].alive.as_ref().map(|_| self.nodes[number].life)
    }
}
