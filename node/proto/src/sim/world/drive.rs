//! The driver of a simulated node: feeds inputs and does what the outputs say, in their order. What the
//! outputs mean is judged elsewhere.

use super::*;
use crate::io::{LinkId, Output};

impl World {
    /// Gives one life of a node an input; nothing when that life is over.
    pub(super) fn feed(&mut self, number: usize, life: u64, input: Input) {
        if self.nodes[number].living(life).is_none() {
            return;
        }
        self.trace.note(self.now, number, '<', &input);
        self.inputs += 1;
        let mut out = std::mem::take(&mut self.outbox);
        let here = self.nodes[number].clock.here(self.now);
        let Some(alive) = self.nodes[number].living(life) else { return };
        alive.core.handle(here, input, &mut out);
        self.obey(number, life, &mut out);
        self.outbox = out;
    }

    /// Does what a life of a node says, in order.
    pub(super) fn obey(&mut self, number: usize, life: u64, out: &mut Outbox) {
        while let Some(output) = out.pop() {
            self.trace.note(self.now, number, '>', &output);
            self.judge.said(self.now, number, &output);
            let here = self.here(number);
            if let Some(bus) = self.bus(number, life) {
                bus.heard(here, &output);
            }
            self.obey_one(number, life, output);
        }
        self.flush_bus(number, life);
    }

    pub(super) fn ring(&mut self, number: usize, life: u64, timer: Timer) {
        let Some(alive) = self.nodes[number].living(life) else { return };
        let (due, again) = alive.ring(self.now, timer);
        if let Some(at) = again {
            self.queue.push(at, Happening::Timer(number, life, timer));
        }
        if due {
            self.feed(number, life, Input::Timer(timer));
        }
    }

    fn obey_one(&mut self, number: usize, life: u64, output: Output) {
        let now = self.now;
        match output {
            Output::Dial { attempt, addr, expect, .. } => self.dial(number, life, (attempt, addr, expect)),
            Output::Abandon { attempt } => {
                if let Some(alive) = &mut self.nodes[number].alive {
                    alive.abandoned.insert(attempt);
                }
            }
            Output::Send { link, frame } => match self.end_of(number, link) {
                Some((connection, end)) => self.send(connection, end, frame),
                None => self.judge.wrong(now, format!("node {number} sends on {link:?}, which is not up")),
            },
            Output::Close { link, reason } => match self.end_of(number, link) {
                Some((connection, end)) => self.close(connection, end, reason.is_graceful()),
                None => self.judge.wrong(now, format!("node {number} closes {link:?}, which is not up")),
            },
            Output::Look { look, subject, .. } => self.look(number, life, look, &subject),
            Output::Arm { timer, at } => self.arm(number, life, timer, at),
            // The others are news: the judge has heard them.
            _ => {}
        }
    }

    fn arm(&mut self, number: usize, life: u64, timer: Timer, at: Now) {
        let node = &mut self.nodes[number];
        let late = self.chance.between(Duration::ZERO, node.slow_by);
        let at = node.clock.when(at).max(self.now);
        let called = node.alive.as_mut().and_then(|alive| alive.arm(timer, at.after(late)));
        if let Some(called) = called {
            self.queue.push(called, Happening::Timer(number, life, timer));
        }
    }

    pub(super) fn end_of(&self, number: usize, link: LinkId) -> Option<(u64, usize)> {
        self.nodes[number].alive.as_ref()?.end_of(link)
    }
}
