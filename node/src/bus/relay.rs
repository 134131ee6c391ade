//! Peers that are no neighbours, as consumers. What is published for them is gathered by the audience, the set of nodes that want
//! it, sealed by one task, and goes to the neighbours on the way; what neighbours bring for others goes on by itself.
//!
//! Which way is the pure relay's business; this gives it a lock, queues in front, and somebody to wake.

mod arrive;
mod audience;
mod port;
mod seal;
#[cfg(test)]
pub(super) mod tests;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use hive_proto::{
    channel::{Channel, NetworkIndex},
    frame::{
        batch::{BatchReader, Entry},
        data::{DATA_ANSWER, DATA_PART},
        handout::{DATA_CANCEL, DATA_OUTCOMES, Settled},
        relay::{Destinations, Inner},
        split_frame,
    },
    id::{Incarnation, NodeId},
    limits::{DESTINATIONS_MAX, FRAME_BYTES_MAX},
    plane::{
        account::DropReason,
        budget::Budget,
        pace::Pace,
        relay::{Moment, Relay},
    },
};
use tokio::sync::Notify;

use self::audience::Grown;
pub(super) use self::{audience::Audience, port::Port};
use super::{
    Bus, Shared,
    outbox::{Appended, Leftover, Outbox},
};
use crate::trust::{may::Rules, sign::Signer};

/// Sets of nodes that are looked for before a new audience is made; past it those that nobody uses are forgotten.
const AUDIENCES_KEPT: usize = 1024;

/// The relays of all networks.
#[derive(Debug)]
pub(super) struct Relays {
    /// By the networks' positions.
    networks: Vec<Network>,
    /// Set once, by who seals.
    signer: OnceLock<Signer>,
    /// Told when there is something to seal, or a time to watch.
    wake: Notify,
    /// Something may be due soon.
    watching: AtomicBool,
}

/// One network's relay and what stands around it.
#[derive(Debug)]
struct Network {
    /// Held for one lookup or queueing, never across a wait.
    state: Mutex<State>,
    /// Audiences with something to seal, in the order in which they got it. Bounded by the number of audiences.
    open: Mutex<VecDeque<Arc<Audience>>>,
    /// Told when a neighbour took something.
    space: Notify,
    /// Told when something was handed over.
    arrived: Notify,
    /// Held while what arrived is handed over, so that it stays in order, with the time spent on slow consumers.
    turn: tokio::sync::Mutex<Pace>,
}

#[derive(Debug)]
struct State {
    relay: Relay,
    /// Whom to wake for which neighbour.
    outboxes: BTreeMap<NodeId, Arc<Outbox>>,
    audiences: BTreeMap<Destinations, Weak<Audience>>,
}

impl Relays {
    pub(super) fn new(
        (node, incarnation): (NodeId, Incarnation),
        networks: usize,
        (budget, rules): (&Arc<Budget>, &Rules),
    ) -> Self {
        let listed = |at: usize| rules.listed(NetworkIndex(u8::try_from(at).ok()?)).cloned();
        let network = |at| Network {
            state: Mutex::new(State {
                relay: Relay::new(node, incarnation, budget).listing(listed(at)),
                outboxes: BTreeMap::new(),
                audiences: BTreeMap::new(),
            }),
            open: Mutex::default(),
            space: Notify::new(),
            arrived: Notify::new(),
            turn: tokio::sync::Mutex::default(),
        };
        Self {
            networks: (0..networks.max(1)).map(network).collect(),
            signer: OnceLock::new(),
            wake: Notify::new(),
            watching: AtomicBool::new(false),
        }
    }

    /// This node's key, once somebody seals.
    pub(super) fn signer(&self) -> Option<&Signer> {
        self.signer.get()
    }

    fn network(&self, index: NetworkIndex) -> Option<&Network> {
        self.networks.get(usize::from(index.0))
    }

    /// Something may be due soon.
    fn watch(&self) {
        if !self.watching.swap(true, Ordering::Relaxed) {
            self.wake.notify_one();
        }
    }
}

impl Network {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, VecDeque<Arc<Audience>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bus {
    /// The neighbours on the way to some peers have changed; none where no way leads any more.
    pub fn route(&self, network: NetworkIndex, changes: &[(NodeId, Option<NodeId>)]) {
        self.0.relaying(network, |relay, at| relay.route(at, changes));
        self.0.relays.watch();
    }
}

impl Shared {
    /// Does something with a network's relay, and wakes the writers that have something to send after it.
    pub(super) fn relaying<R>(
        &self,
        network: NetworkIndex,
        act: impl FnOnce(&mut Relay, Moment<'_>) -> R,
    ) -> Option<R> {
        let mut state = self.relays.network(network)?.lock();
        let at = Moment { now: self.clock.now(), account: &self.account };
        let result = act(&mut state.relay, at);
        let woken = state.relay.take_woken();
        let woken: Vec<_> = woken.iter().filter_map(|peer| state.outboxes.get(peer).cloned()).collect();
        drop(state);
        woken.iter().for_each(|outbox| outbox.poke());
        Some(result)
    }

    /// A neighbour takes frames for others from now on.
    pub(super) fn relay_over(&self, network: NetworkIndex, peer: NodeId, outbox: &Arc<Outbox>) {
        if let Some(known) = self.relays.network(network) {
            known.lock().outboxes.insert(peer, Arc::clone(outbox));
        }
        self.relaying(network, |relay, at| relay.neighbour_up(at, peer));
    }

    /// A neighbour takes nothing any more: what it has not confirmed goes another way.
    pub(super) fn relay_around(&self, network: NetworkIndex, peer: NodeId) {
        if let Some(known) = self.relays.network(network) {
            known.lock().outboxes.remove(&peer);
        }
        self.relaying(network, |relay, at| relay.neighbour_down(at, peer));
        self.relays.watch();
    }

    /// The audiences that reach these nodes together: one, unless there are very many.
    pub(super) fn audiences(&self, network: NetworkIndex, mut nodes: Vec<NodeId>) -> Vec<Arc<Audience>> {
        nodes.sort_unstable();
        let sets =
            nodes.chunks(DESTINATIONS_MAX).filter_map(|nodes| Destinations::new(nodes.iter().copied()));
        sets.filter_map(|set| self.audience(network, set)).collect()
    }

    /// The one audience of a set.
    pub(super) fn audience(&self, network: NetworkIndex, set: Destinations) -> Option<Arc<Audience>> {
        let mut state = self.relays.network(network)?.lock();
        if let Some(audience) = state.audiences.get(&set).and_then(Weak::upgrade) {
            return Some(audience);
        }
        if state.audiences.len() >= AUDIENCES_KEPT {
            state.audiences.retain(|_, audience| audience.strong_count() > 0);
        }
        let audience = Arc::new(Audience::new(network, state.relay.set(set.clone())));
        state.audiences.insert(set, Arc::downgrade(&audience));
        Some(audience)
    }

    /// Encodes one event for all nodes of an audience, if there is room.
    pub(super) fn append(&self, audience: &Arc<Audience>, channel: &Channel, entry: &Entry<'_>) -> Appended {
        match audience.append(channel, entry) {
            Grown::Full => Appended::Full,
            Grown::Begun => {
                self.to_seal(audience);
                Appended::Taken
            }
            Grown::More => Appended::Taken,
        }
    }

    /// An audience has something to seal, and had nothing.
    pub(super) fn to_seal(&self, audience: &Arc<Audience>) {
        if let Some(known) = self.relays.network(audience.network()) {
            known.open().push_back(Arc::clone(audience));
        }
        self.relays.wake.notify_one();
    }

    /// Encodes one event for an audience, waiting if the pace allows, at the cost of the oldest if not. Returns the
    /// copies that were queued.
    pub(super) async fn send_to_audience(
        &self,
        audience: &Arc<Audience>,
        channel: &Channel,
        entry: &Entry<'_>,
        pace: &mut Pace,
    ) -> u32 {
        if !audience.is_lagging() {
            let now = self.clock.now();
            audience.wait_for_room(pace.allowance(now)).await;
            pace.spend(self.clock.now().0.saturating_sub(now.0));
        }
        if self.append(audience, channel, entry) == Appended::Full {
            let (dropped, begun) = audience.force(channel, entry);
            self.account.dropped(DropReason::SlowConsumer, dropped);
            if begun {
                self.to_seal(audience);
            }
        }
        self.account.sent(u64::from(audience.copies()));
        audience.copies()
    }

    /// A neighbour's link is gone and the peer still reachable: what was queued on the link goes the other way.
    /// Returns the numbers of the calls among it.
    pub(super) fn redirect(&self, network: NetworkIndex, node: NodeId, leftover: &Leftover) -> Vec<u64> {
        let Some(audience) = self.audience(network, Destinations::one(node)) else { return Vec::new() };
        let mut calls = Vec::new();
        for batch in &leftover.batches {
            let mut reader = BatchReader::new(&batch.body);
            // It was encoded here, so it can be read.
            while let Ok(Some(arrived)) = reader.next_entry() {
                let Some(channel) = leftover.channel(&arrived.channel) else { continue };
                // What is with a member of a group is given again as a whole.
                if arrived.handout.is_some() {
                    continue;
                }
                let (message, call) = (&arrived.message, arrived.call);
                let (sequence, time, depth) = (arrived.sequence, arrived.time, arrived.depth);
                calls.extend(call.map(|call| call.number));
                let entry = Entry { sequence, time, depth, message, call, handout: None };
                if self.append(&audience, channel, &entry) == Appended::Full {
                    self.account.dropped(DropReason::SlowConsumer, 1);
                }
            }
        }
        for frame in &leftover.frames {
            let mut frame = bytes::BytesMut::from(&frame[..]);
            if let Ok(Some((kind @ (DATA_ANSWER | DATA_PART | DATA_OUTCOMES | DATA_CANCEL), body))) =
                split_frame(&mut frame, FRAME_BYTES_MAX)
            {
                self.answer_audience(&audience, Inner { kind, body });
            }
        }
        calls
    }

    /// Queues what became of an event that was given to a member here.
    pub(super) fn tell_audience(&self, audience: &Arc<Audience>, outcome: (u64, Settled)) {
        if audience.outcome(outcome) == Grown::Begun {
            self.to_seal(audience);
        }
    }

    /// Queues an answer. False when there is no room.
    pub(super) fn answer_audience(&self, audience: &Arc<Audience>, inner: Inner) -> bool {
        match audience.answer(inner) {
            Grown::Full => return false,
            Grown::Begun => self.to_seal(audience),
            Grown::More => {}
        }
        true
    }
}
