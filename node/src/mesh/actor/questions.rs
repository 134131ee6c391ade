//! What people ask of the control plane: who can be reached, and by which ways.

use std::collections::BTreeMap;

use hive_proto::{
    channel::NetworkIndex,
    io::{self, Input, Sight, Subject, Trail},
};
use tokio::sync::oneshot;

use super::{Actor, Question};
use crate::control::Route;

/// Ways that were asked for and are not all known. The state machine answers each, and refuses them past a number.
#[derive(Debug, Default)]
pub(super) struct Ways {
    /// The number of the last way.
    last: u64,
    /// By the number of its first way.
    open: BTreeMap<u64, Open>,
}

/// Ways that were asked for together.
#[derive(Debug)]
struct Open {
    trails: Vec<Option<Trail>>,
    reply: oneshot::Sender<Vec<Trail>>,
}

impl Ways {
    /// So many ways are asked for. Returns the number of the first; none when none are.
    fn begin(&mut self, count: usize, reply: oneshot::Sender<Vec<Trail>>) -> Option<u64> {
        if count == 0 {
            // Who asked may have gone.
            let _ = reply.send(Vec::new());
            return None;
        }
        let first = self.last.saturating_add(1);
        self.last = self.last.saturating_add(count as u64);
        self.open.insert(first, Open { trails: vec![None; count], reply });
        Some(first)
    }

    /// One of them is known.
    pub(super) fn answered(&mut self, ask: u64, trail: Trail) {
        let Some((&first, open)) = self.open.range_mut(..=ask).next_back() else { return };
        let at = usize::try_from(ask.saturating_sub(first)).unwrap_or(usize::MAX);
        let Some(place) = open.trails.get_mut(at) else { return };
        *place = Some(trail);
        if open.trails.iter().all(Option::is_some)
            && let Some(open) = self.open.remove(&first)
        {
            let _ = open.reply.send(open.trails.into_iter().flatten().collect());
        }
    }
}

impl Actor {
    pub(super) fn ask(&mut self, question: Question) {
        match question {
            Question::Places(reply) => {
                let places = self.memberships.iter().map(|membership| self.core.places(membership.index));
                // Who asked may have gone.
                let _ = reply.send(places.collect());
            }
            Question::Renewed(network) => self.renewed(network),
            Question::Ways(route, reply) => {
                let Route { network, channel, destinations, patience } = route;
                let Some(first) = self.ways.begin(destinations.len(), reply) else { return };
                for (ask, destination) in (first..).zip(destinations) {
                    let channel = channel.clone();
                    self.handle(Input::Trace(io::Question { ask, network, channel, destination, patience }));
                }
            }
        }
    }

    /// Keeps the board of traces up to date: they are few, and most inputs change none.
    pub(super) fn show_traces(&self) {
        let counts = self.core.trace_counts();
        if counts != *self.boards.traces.read() {
            self.boards.traces.set(counts);
        }
    }

    /// Tells the state machine what there is to see, for a trace.
    pub(super) fn look(&mut self, look: u64, network: NetworkIndex, subject: Subject) {
        let bus = &self.around.bus;
        let sight = match subject {
            Subject::Subscribers(channel) => Sight::Subscribers(bus.wanted_here(network, &channel)),
            Subject::Neighbour { peer, link } => {
                let rtt = self.links.get(&link).map(|known| known.connection.rtt());
                let rtt_us = rtt.and_then(|rtt| u64::try_from(rtt.as_micros()).ok());
                let (queued_bytes, queued_events) = bus.queued(network, peer);
                Sight::Neighbour { rtt_us, queued_bytes, queued_events }
            }
        };
        // What follows is carried out behind what is being carried out now.
        self.core.handle(self.timers.now(), Input::Saw { look, sight }, &mut self.outbox);
    }
}

#[cfg(test)]
mod tests {
    use hive_proto::{id::NodeId, io::Ending};

    use super::*;

    fn trail(to: u8) -> Trail {
        Trail { destination: NodeId([to; 32]), steps: Vec::new(), end: Ending::Silent }
    }

    #[test]
    fn ways_that_were_asked_for_together_are_answered_together_and_in_order() {
        let mut ways = Ways::default();
        let ask = |ways: &mut Ways, count| {
            let (reply, answer) = oneshot::channel();
            (ways.begin(count, reply), answer)
        };
        let (none, mut nothing) = ask(&mut ways, 0);
        assert_eq!((none, nothing.try_recv()), (None, Ok(Vec::new())));
        let ((first, mut three), (other, mut one)) = (ask(&mut ways, 3), ask(&mut ways, 1));
        assert_eq!((first, other), (Some(1), Some(4)));
        for number in [3, 1, 4, 7, 1] {
            ways.answered(number, trail(u8::try_from(number).unwrap_or(0)));
        }
        assert_eq!(one.try_recv(), Ok(vec![trail(4)]));
        assert!(three.try_recv().is_err(), "one is still missing");
        ways.answered(2, trail(2));
        assert_eq!(three.try_recv(), Ok(vec![trail(1), trail(2), trail(3)]));
        ways.answered(2, trail(2));
        assert!(ways.open.is_empty());
    }
}
