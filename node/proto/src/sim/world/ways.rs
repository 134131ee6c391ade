//! Traces: asked for, and what nodes on the way see.

use super::*;
use crate::{
    channel::Channel,
    io::{Question, Subject},
};

/// How long a trace waits for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

impl World {
    pub(super) fn trace_way(&mut self, number: usize, to: usize, channel: Channel) {
        let node = &self.nodes[number];
        if node.alive.as_ref().is_none_or(|alive| alive.leaving) || number == to {
            return;
        }
        let (life, destination) = (node.life, self.nodes[to].id);
        self.last_ask += 1;
        let ask = self.last_ask;
        self.judge.asks_way(ask, (number, to), &channel);
        let question = Question { ask, network: NETWORK, channel, destination, patience: PATIENCE };
        self.feed(number, life, Input::Trace(question));
    }

    /// A node looks for a trace, and goes on at the same moment, but behind what else happens in it.
    pub(super) fn look(&mut self, number: usize, life: u64, look: u64, subject: &Subject) {
        if let Some(sight) = self.bus(number, life).map(|bus| bus.look(subject)) {
            self.queue.push(self.now, Happening::Saw(number, life, look, sight));
        }
    }
}
