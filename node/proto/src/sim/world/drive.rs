//! The driver of a simulated node: feeds inputs, does what the outputs say, and keeps what a bus would
//! know. What a driver may rely on is checked on the way.

use super::*;
use crate::{
    interest::Wanted,
    io::{LinkId, Output},
    sim::node::{Seen, Wishes},
};

impl World {
    /// Gives one life of a node an input; nothing when that life is over.
    pub(super) fn feed(&mut self, number: usize, life: u64, input: Input) {
        let node = &mut self.nodes[number];
        let Some(alive) = node.living(life) else { return };
        self.trace.line(format_args!("{:?} {number} < {input:?}", self.now.0));
        self.inputs += 1;
        let mut out = Outbox::new();
        alive.core.handle(self.now, input, &mut out);
        self.obey(number, life, out);
    }

    /// Does what a life of a node says, in order.
    pub(super) fn obey(&mut self, number: usize, life: u64, mut out: Outbox) {
        while let Some(output) = out.pop() {
            self.trace.line(format_args!("{:?} {number} > {output:?}", self.now.0));
            self.obey_one(number, life, output);
        }
    }

    pub(super) fn ring(&mut self, number: usize, life: u64, timer: Timer) {
        let node = &mut self.nodes[number];
        let Some(alive) = node.living(life) else { return };
        if alive.timers.get(&timer) == Some(&self.now) {
            alive.timers.remove(&timer);
            self.feed(number, life, Input::Timer(timer));
        }
    }

    fn obey_one(&mut self, number: usize, life: u64, output: Output) {
        match output {
            Output::Dial { attempt, addr, expect, .. } => self.dial(number, life, (attempt, addr, expect)),
            Output::Abandon { attempt } => {
                if let Some(alive) = &mut self.nodes[number].alive {
                    alive.abandoned.insert(attempt);
                }
            }
            Output::Send { link, frame } => match self.connection_of(number, link) {
                Some((connection, end)) => self.send(connection, end, frame),
                None => self.problem(format!("node {number} sends on {link:?}, which is not up")),
            },
            Output::Close { link, reason } => match self.connection_of(number, link) {
                Some((connection, end)) => self.close(connection, end, reason.is_graceful()),
                None => self.problem(format!("node {number} closes {link:?}, which is not up")),
            },
            Output::Arm { timer, at } => {
                if let Some(alive) = &mut self.nodes[number].alive {
                    alive.timers.insert(timer, at);
                }
                self.schedule(at.max(self.now), Happening::Timer(number, life, timer));
            }
            Output::Confirmed { ticket } => self.confirmed(number, ticket),
            Output::Ready { .. } => {
                let ready = self.nodes[number].alive.as_mut().map(|alive| &mut alive.ready);
                if ready.is_some_and(|ready| std::mem::replace(ready, true)) {
                    self.problem(format!("node {number} is ready twice"));
                }
            }
            Output::Note { .. } => {}
            news => self.learn(number, news),
        }
    }

    fn confirmed(&mut self, number: usize, ticket: u64) {
        let known = self.nodes[number].alive.as_mut().and_then(|alive| alive.tickets.remove(&ticket));
        match known {
            None => self.problem(format!("node {number} confirms ticket {ticket}, which nobody waits for")),
            Some(ticket) => {
                self.confirmed += 1;
                let lies = check::confirmation(self, number, &ticket);
                lies.into_iter().for_each(|lie| self.problem(lie));
            }
        }
    }

    /// What a bus hears of its neighbours.
    fn learn(&mut self, number: usize, news: Output) {
        let now = self.now;
        let links = self.nodes[number].alive.as_ref().map(|alive| alive.links.clone()).unwrap_or_default();
        let is_up = |link: &LinkId| links.contains_key(link);
        let Some(alive) = &mut self.nodes[number].alive else { return };
        let right = match &news {
            Output::PeerUp { peer, link, incarnation, .. } => {
                let seen = Seen { link: *link, life: incarnation.0, since: now, wants: None };
                alive.view.insert(*peer, seen).is_none() && is_up(link)
            }
            Output::PeerMoved { peer, link, .. } => {
                let seen = alive.view.get_mut(peer);
                seen.is_some_and(|seen| std::mem::replace(&mut seen.link, *link) != *link) && is_up(link)
            }
            Output::PeerDown { peer, .. } => alive.view.remove(peer).is_some(),
            Output::PeerInterest { peer, reset, ops, .. } => match alive.view.get_mut(peer) {
                Some(seen) => learn_interest(&mut seen.wants, *reset, ops),
                None => false,
            },
            _ => true,
        };
        if !right {
            self.problem(format!("node {number} says out of order: {news:?}"));
        }
    }

    fn connection_of(&self, number: usize, link: LinkId) -> Option<(u64, usize)> {
        let connection = *self.nodes[number].alive.as_ref()?.links.get(&link)?;
        let ends = &self.connections.get(&connection)?.ends;
        let end = ends.iter().position(|end| end.node == number && end.link == Some(link))?;
        Some((connection, end))
    }
}

/// Whether the news fits what is known: a whole set first, then changes that change something.
fn learn_interest(wants: &mut Option<Wishes>, reset: bool, ops: &[InterestOp]) -> bool {
    if reset {
        *wants = Some(Wishes::new());
    }
    let Some(wants) = wants else { return false };
    let changes = |op: &InterestOp, wants: &Wishes| match op {
        InterestOp::Add(Wanted { pattern, answers, .. }) => wants.get(pattern) != Some(answers),
        InterestOp::Remove(pattern) => wants.contains_key(pattern),
        InterestOp::Block(_) => true,
    };
    ops.iter().all(|op| {
        let changes = changes(op, wants);
        wish(wants, op);
        changes
    })
}
