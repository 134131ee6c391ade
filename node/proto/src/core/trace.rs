//! Traces on their way: over the same next neighbours as events, one node at a time, and what is said of them back
//! over the nodes they came by.
//!
//! A trace is taken from admitted neighbours only, and says itself where it was, so that nobody on the way has to
//! remember it. Who lies about that can only be cut where two neighbours see it.

use super::*;
use crate::{
    frame::{
        control::{Control, FEATURE_TRACE},
        trace::{End, Hop, Matches, Onward, Trace, Traced},
    },
    io::{Question, Sight, Subject},
    limits::HOPS_MAX,
    trace::{Journey, TraceCounts},
};

/// The next neighbour on the way.
struct Next {
    peer: NodeId,
    link: LinkId,
    addr: SocketAddr,
}

impl Core {
    /// What became of traces at this node.
    #[must_use]
    pub fn trace_counts(&self) -> TraceCounts {
        self.traces.counts()
    }

    /// This node wants to know a way.
    pub(super) fn ask_way(&mut self, now: Now, question: Question, out: &mut Outbox) {
        let (ask, patience) = (question.ask, question.patience);
        match self.traces.ask(now, question) {
            Ok(journey) => {
                let timer = Timer::Trace(journey.trace.number);
                out.push(Output::Arm { timer, at: now.after(patience) });
                self.step(now, journey, out);
            }
            Err(trail) => out.push(Output::Traced { ask, trail }),
        }
    }

    /// What was not answered by now is not waited for any longer.
    pub(super) fn way_overdue(&mut self, number: u64, out: &mut Outbox) {
        if let Some((ask, trail)) = self.traces.overdue(number) {
            out.push(Output::Traced { ask, trail });
        }
    }

    /// A neighbour sends a trace on.
    pub(super) fn hear_trace(&mut self, now: Now, link: LinkId, trace: Trace, out: &mut Outbox) {
        let Some(peer) = self.links.get(&link).map(|known| known.peer) else { return };
        let me = self.config.node;
        let honest = trace.hops.last().is_some_and(|last| {
            last.node == peer.1 && last.onward.as_ref().is_some_and(|onward| onward.to == me)
        });
        if !honest {
            return self.fail(now, link, "a trace that it did not send here by its own words".into(), out);
        }
        let Some(neighbour) = self.neighbour_mut(peer) else { return self.traces.stray() };
        if !neighbour.allowances.traces.take(now) {
            return self.traces.over_rate();
        }
        self.step(now, Journey { network: peer.0, from: Some(peer.1), since: now, trace }, out);
    }

    /// A neighbour reports what was said of a trace that it got from here.
    pub(super) fn hear_traced(&mut self, now: Now, link: LinkId, traced: Traced, out: &mut Outbox) {
        let Some((network, peer)) = self.links.get(&link).map(|known| known.peer) else { return };
        let me = self.config.node;
        let here = traced.hops.iter().position(|hop| hop.node == me);
        let sent_there = here.and_then(|at| traced.hops.get(at)?.onward.as_ref()).map(|onward| onward.to);
        let Some(at) = here.filter(|_| sent_there == Some(peer)) else {
            return self.fail(now, link, "a report on a trace that it did not get from here".into(), out);
        };
        let Some(neighbour) = self.neighbour_mut((network, peer)) else { return self.traces.stray() };
        if !neighbour.allowances.reports.take(now) {
            return self.traces.over_rate();
        }
        let before = at.checked_sub(1).and_then(|at| traced.hops.get(at)).map(|hop| hop.node);
        self.report(now, (network, before), traced, out);
    }

    /// Finds out what is next for a trace that is here.
    fn step(&mut self, now: Now, journey: Journey, out: &mut Outbox) {
        let (network, destination, me) = (journey.network, journey.trace.destination, self.config.node);
        if journey.trace.hops.iter().any(|hop| hop.node == me) {
            return self.end(now, journey, End::Circle, out);
        }
        let subject = if destination == me {
            Subject::Subscribers(journey.trace.channel.clone())
        } else {
            match self.next_to(&journey) {
                Ok(Next { peer, link, .. }) => Subject::Neighbour { peer, link },
                Err(end) => return self.end(now, journey, end, out),
            }
        };
        if let Some(look) = self.traces.look(journey) {
            out.push(Output::Look { look, network, subject });
        }
    }

    /// The driver has looked.
    pub(super) fn saw(&mut self, now: Now, look: u64, sight: Sight, out: &mut Outbox) {
        let Some(journey) = self.traces.seen(look) else { return };
        match sight {
            Sight::Subscribers(Matches { subscribers: 0, .. }) => self.end(now, journey, End::NoMatch, out),
            Sight::Subscribers(matches) => self.end(now, journey, End::Delivered(matches), out),
            Sight::Neighbour { rtt_us, queued_bytes, queued_events } => match self.next_to(&journey) {
                Ok(next) => {
                    let addr = SocketAddr::new(next.addr.ip(), next.addr.port());
                    let onward = Onward { to: next.peer, addr, rtt_us, queued_bytes, queued_events };
                    self.pass(now, journey, (next.link, onward), out);
                }
                Err(end) => self.end(now, journey, end, out),
            },
        }
    }

    /// Where a trace goes from here; otherwise why it goes nowhere.
    fn next_to(&self, journey: &Journey) -> Result<Next, End> {
        let network = self.networks.get(&journey.network).ok_or(End::NoRoute)?;
        let members = &network.members;
        let next = members.find(journey.trace.destination).and_then(|ix| network.routes.next(ix));
        let peer = next.and_then(|ix| members.member(ix)).ok_or(End::NoRoute)?.node;
        if journey.from == Some(peer) {
            return Err(End::Back);
        }
        if journey.trace.hops.len() >= usize::from(HOPS_MAX) {
            return Err(End::HopLimit);
        }
        let (link, addr, greeted) = self.way_to((journey.network, peer)).ok_or(End::NoRoute)?;
        if greeted.features & FEATURE_TRACE == 0 {
            return Err(End::OldNode(peer));
        }
        Ok(Next { peer, link, addr })
    }

    /// The link to a neighbour, if it can be used.
    fn way_to(&self, peer: Peer) -> Option<(LinkId, SocketAddr, &Greeted)> {
        let link = self.neighbour(peer)?.link;
        let known = self.links.get(&link)?;
        Some((link, known.addr, known.greeted()?))
    }

    /// The trace goes on, and this node says so.
    fn pass(&mut self, now: Now, mut journey: Journey, (link, onward): (LinkId, Onward), out: &mut Outbox) {
        let hop = self.hop(now, &journey, Some(onward));
        journey.trace.hops.push(hop);
        self.traces.left(&End::Passed);
        let traced =
            Traced { number: journey.trace.number, hops: journey.trace.hops.clone(), end: End::Passed };
        out.push(Output::Send { link, frame: Control::Trace(journey.trace).encode() });
        self.report(now, (journey.network, journey.from), traced, out);
    }

    /// The trace ends here, and this node says how.
    fn end(&mut self, now: Now, journey: Journey, end: End, out: &mut Outbox) {
        self.traces.left(&end);
        let hop = self.hop(now, &journey, None);
        let Trace { number, mut hops, .. } = journey.trace;
        // Who had it before is among them.
        if end != End::Circle {
            hops.push(hop);
        }
        self.report(now, (journey.network, journey.from), Traced { number, hops, end }, out);
    }

    fn hop(&self, now: Now, journey: &Journey, onward: Option<Onward>) -> Hop {
        let took = now.0.saturating_sub(journey.since.0);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        Hop { node: self.config.node, name: own_name(&self.config.name), took_us, onward }
    }

    /// Sends a report back to who was on the way before; none when this node was the first.
    fn report(
        &mut self,
        now: Now,
        (network, before): (NetworkIndex, Option<NodeId>),
        traced: Traced,
        out: &mut Outbox,
    ) {
        let Some(before) = before else {
            let answer = self.traces.heard(now, (network, traced.number), traced.hops, traced.end);
            if let Some((ask, trail)) = answer {
                out.push(Output::Traced { ask, trail });
            }
            return;
        };
        match self.way_to((network, before)).map(|(link, ..)| link) {
            Some(link) => {
                self.traces.reported();
                out.push(Output::Send { link, frame: Control::Traced(traced).encode() });
            }
            None => self.traces.stray(),
        }
    }
}
