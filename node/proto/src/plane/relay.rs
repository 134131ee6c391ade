//! The relay of one node in one network: what goes on to whom over which neighbour, what is kept until a neighbour
//! has it, and what has arrived once and in order.
//!
//! Bus and simulator drive it alike. It must not know threads, streams, clocks or keys: who writes takes frames
//! here, who reads brings them, and who verifies a signature says so.

mod arrivals;
mod balance;
mod departures;
mod error;
mod incoming;
mod line;
mod parked;
mod paths;
mod taking;
#[cfg(test)]
mod tests;
mod window;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;

use self::{
    arrivals::Arrivals,
    departures::Departures,
    line::{Frame, Line},
    parked::Parked,
    paths::Paths,
};
use super::{
    account::{Account, DropReason},
    budget::Budget,
};
use crate::{
    channel::Channel,
    frame::relay::{Destinations, Envelope, Inner, Sealed, Taken, Unsigned},
    id::{Incarnation, NodeId},
    limits::HOPS_MAX,
    time::Now,
};

pub use self::{
    balance::Balance,
    error::RelayError,
    incoming::Incoming,
    line::{ConfirmError, LineCounts},
    paths::Set,
};

/// A neighbour that has not confirmed for so long may be dead, though its link is not known to be: what other ways
/// have turned up for does not wait for it.
const SUSPECT_AFTER: std::time::Duration = std::time::Duration::from_millis(600);

/// When something happens, and where it is counted.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// Now.
    pub now: Now,
    /// The node's counters.
    pub account: &'a Account,
}

/// What came of a frame that arrived.
#[derive(Debug, Default)]
pub struct Relayed {
    /// It is for this node: to be verified, then given to [`Relay::admit`].
    pub here: Option<Sealed>,
    /// A neighbour it went on to is slow: its queue is half full. Who can wait a little before the next, should.
    pub crowded: Option<NodeId>,
}

/// One node's relay in one network.
#[derive(Debug)]
pub struct Relay {
    me: NodeId,
    /// Whose frames it takes; none: everybody's.
    listed: Option<Arc<BTreeSet<NodeId>>>,
    paths: Paths,
    lines: BTreeMap<NodeId, Line>,
    parked: Parked,
    arrivals: Arrivals,
    departures: Departures,
    /// Neighbours that have something to send since this was last asked.
    woken: BTreeSet<NodeId>,
    /// Copies that this node sent itself.
    own: u64,
    /// Copies taken over for others.
    others: u64,
    /// What became of what was sent to neighbours that are none any more.
    past: LineCounts,
    budget: Arc<Budget>,
}

impl Relay {
    /// The relay of this life of a node, whose queues share a budget.
    #[must_use]
    pub fn new(me: NodeId, incarnation: Incarnation, budget: &Arc<Budget>) -> Self {
        Self {
            me,
            listed: None,
            paths: Paths::new(me),
            lines: BTreeMap::new(),
            parked: Parked::default(),
            arrivals: Arrivals::new(me),
            departures: Departures::new(me, incarnation),
            woken: BTreeSet::new(),
            own: 0,
            others: 0,
            past: LineCounts::default(),
            budget: Arc::clone(budget),
        }
    }

    /// The ways to some nodes have changed: whose next neighbour is which now, or that no way leads there. What
    /// waited for a way sets out.
    pub fn route(&mut self, at: Moment<'_>, changes: &[(NodeId, Option<NodeId>)]) {
        let mut moved = BTreeSet::new();
        for &(node, next) in changes {
            self.paths.change(node, next);
            moved.insert(node);
        }
        let mut frames = self.parked.take();
        frames.extend(self.withdraw(at.now, &moved));
        self.redirect(at, frames);
    }

    /// A link to a neighbour can be used.
    pub fn neighbour_up(&mut self, at: Moment<'_>, peer: NodeId) {
        self.neighbour_down(at, peer);
        self.lines.insert(peer, Line::new(self.budget.share()));
        self.paths.neighbour(peer, true);
        let frames = self.parked.take();
        self.redirect(at, frames);
    }

    /// The last link to a neighbour is gone: what it has not confirmed goes another way, or waits for one. Returns
    /// what became of what was sent to it; none when it was no neighbour.
    pub fn neighbour_down(&mut self, at: Moment<'_>, peer: NodeId) -> Option<LineCounts> {
        let line = self.lines.remove(&peer)?;
        self.paths.neighbour(peer, false);
        self.woken.remove(&peer);
        let (frames, counts) = line.close();
        self.past = self.past.and(&counts);
        self.redirect(at, frames.into_iter().map(|frame| (at.now, frame)).collect());
        Some(counts)
    }

    /// The number of a set of nodes, for [`Relay::seal`] and [`Relay::send`].
    pub fn set(&mut self, nodes: Destinations) -> Set {
        self.paths.number(nodes)
    }

    /// The next frame of this node to a set, to be signed and then sent in the same order. `events` says how many it
    /// holds; an answer counts as one. A frame to one node means nothing to any other.
    pub fn seal(&mut self, set: &Set, inner: &Inner, events: u64) -> Unsigned {
        Unsigned::new(self.departures.envelope(set, events), inner)
    }

    /// A node became reachable, or begins a new life: nothing that was sent before is waited for there.
    pub fn begins_anew(&mut self, node: &NodeId) {
        self.departures.begins_anew(node);
    }

    /// Channels may go to other sets than before from now on: the next frame of each set says for every node what
    /// was sent to it last, so that what moves to another set stays in order.
    pub fn regroup(&mut self) {
        self.departures.regroup();
    }

    /// Sends a frame of this node on its way. Some names a neighbour that is slow, see [`Relayed::crowded`].
    pub fn send(&mut self, at: Moment<'_>, set: &Set, sealed: Sealed) -> Option<NodeId> {
        let frame = Frame { sealed, set: set.clone(), hops: HOPS_MAX - 1, from: None, sent: false };
        self.own = self.own.saturating_add(frame.copies());
        self.forward(at, at.now, frame, false)
    }

    /// A neighbour on the way to a set of this node whose queue is half full.
    pub fn crowded(&mut self, set: &Set) -> Option<NodeId> {
        let split = self.paths.split(set, None);
        let mut next = split.onward.iter().map(|(next, _)| *next);
        next.find(|next| self.is_crowded(next))
    }

    /// Whether a frame for this node is worth verifying.
    ///
    /// # Errors
    /// Says why not; the caller counts it.
    pub fn check(&self, envelope: &Envelope) -> Result<(), DropReason> {
        self.arrivals.check(envelope)
    }

    /// A frame for this node, whose signature was verified. Returns what is to be handed over now, in order.
    pub fn admit(&mut self, at: Moment<'_>, sealed: Sealed) -> Vec<Sealed> {
        let events = sealed.envelope().events;
        self.arrivals.admit(at.now, sealed).unwrap_or_else(|reason| {
            at.account.dropped(reason, events);
            Vec::new()
        })
    }

    /// Whether the events of a channel in a frame that is handed over may be: not when a later frame had some. To be
    /// asked once a frame and channel.
    pub fn in_order(&mut self, envelope: &Envelope, channel: &Channel) -> bool {
        self.arrivals.in_order(envelope, channel)
    }

    /// The last frame that was sealed for a node in its present life: what is sent to it otherwise from now on comes
    /// behind that.
    #[must_use]
    pub fn last_sealed_for(&self, node: &NodeId) -> Option<u64> {
        self.departures.last_sealed_for(node)
    }

    /// Whether a frame of this life of an origin was handed over, or never will be.
    #[must_use]
    pub fn is_past(&self, origin: &NodeId, incarnation: Incarnation, sequence: u64) -> bool {
        self.arrivals.is_past(origin, incarnation, sequence)
    }

    /// Lets time pass: returns what has waited long enough for an earlier frame, in order; drops what found no way.
    pub fn tick(&mut self, at: Moment<'_>) -> Vec<Sealed> {
        let (again, lost) = self.parked.due(at.now);
        for frame in lost {
            at.account.dropped(parked::reason(&frame), frame.copies());
        }
        for (since, frame) in again {
            self.forward(at, since, frame, true);
        }
        self.arrivals.due(at.now)
    }

    /// When [`Relay::tick`] has something to do.
    #[must_use]
    pub fn next_due(&self) -> Option<Now> {
        self.parked.next_due().into_iter().chain(self.arrivals.next_due()).min()
    }

    /// The neighbours that have something to send since this was last asked.
    pub fn take_woken(&mut self) -> BTreeSet<NodeId> {
        std::mem::take(&mut self.woken)
    }

    /// A new data stream to a neighbour begins. Returns the frame to open it with.
    pub fn begin_stream(&mut self, peer: &NodeId) -> Option<Bytes> {
        Some(self.lines.get_mut(peer)?.begin_stream())
    }

    /// The data stream to a neighbour broke, and another link to it stands: what it has not confirmed is sent again.
    pub fn stream_broke(&mut self, peer: &NodeId) {
        if let Some(line) = self.lines.get_mut(peer) {
            line.stream_broke();
            self.woken.insert(*peer);
        }
    }

    /// Takes whole frames for a neighbour, about so many bytes, to be written in this order. Returns the copies
    /// among them; 0 means that there is nothing, or too much is unconfirmed.
    pub fn take(&mut self, now: Now, peer: &NodeId, at_most: usize, out: &mut Vec<Bytes>) -> u64 {
        self.lines.get_mut(peer).map_or(0, |line| line.take(now, at_most, out))
    }

    /// Whether there is something for a neighbour that may be sent now.
    #[must_use]
    pub fn is_ready(&self, peer: &NodeId) -> bool {
        self.lines.get(peer).is_some_and(Line::is_ready)
    }

    /// Whether a neighbour's queue is still half full.
    #[must_use]
    pub fn is_crowded(&self, peer: &NodeId) -> bool {
        self.lines.get(peer).is_some_and(Line::is_crowded)
    }

    /// A neighbour confirms what it has taken over.
    ///
    /// # Errors
    /// When that is more than was sent.
    pub fn confirmed(&mut self, peer: &NodeId, taken: &Taken) -> Result<(), RelayError> {
        let Some(line) = self.lines.get_mut(peer) else { return Ok(()) };
        line.confirmed(taken)?;
        if line.is_ready() {
            self.woken.insert(*peer);
        }
        Ok(())
    }

    /// What waits to be sent to a neighbour: bytes, and the copies in them.
    #[must_use]
    pub fn queued(&self, peer: &NodeId) -> (usize, u64) {
        self.lines.get(peer).map_or((0, 0), Line::queued)
    }

    /// What became of what was sent to a neighbour.
    #[must_use]
    pub fn counts(&self, peer: &NodeId) -> Option<LineCounts> {
        self.lines.get(peer).map(Line::counts)
    }

    /// Parts a frame among the neighbours. What has no way waits for one; with `back` the way it came will do.
    fn forward(&mut self, at: Moment<'_>, since: Now, frame: Frame, back: bool) -> Option<NodeId> {
        let from = frame.from.filter(|_| !back);
        let split = self.paths.split(&frame.set, from);
        let mut crowded = None;
        for (next, set) in &split.onward {
            let Some(line) = self.lines.get_mut(next) else { continue };
            at.account
                .dropped(DropReason::SlowConsumer, line.push(Frame { set: set.clone(), ..frame.clone() }));
            if line.is_crowded() {
                crowded = Some(*next);
            }
            self.woken.insert(*next);
        }
        if let Some(set) = &split.stuck {
            let parked = Frame { set: set.clone(), ..frame };
            for lost in self.parked.push(at.now, since, parked) {
                at.account.dropped(parked::reason(&lost), lost.copies());
            }
        }
        crowded
    }

    fn redirect(&mut self, at: Moment<'_>, frames: Vec<(Now, Frame)>) {
        for (since, frame) in frames {
            self.forward(at, since, frame, false);
        }
    }

    /// What was given to neighbours that may be dead, as far as another way leads there now.
    fn withdraw(&mut self, now: Now, moved: &BTreeSet<NodeId>) -> Vec<(Now, Frame)> {
        let Self { paths, lines, .. } = self;
        let mut withdrawn = Vec::new();
        for (peer, line) in lines {
            let suspect = line.unconfirmed_since().is_some_and(|since| since.after(SUSPECT_AFTER) <= now);
            if !suspect {
                continue;
            }
            let ways: BTreeSet<NodeId> = moved
                .iter()
                .filter(|node| paths.next(node).is_some_and(|next| next != *peer))
                .copied()
                .collect();
            let frames = line.withdraw(|node| ways.contains(node), |nodes| paths.number(nodes));
            withdrawn.extend(frames.into_iter().map(|frame| (now, frame)));
        }
        withdrawn
    }
}
