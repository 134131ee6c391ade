//! What arrives over one link: decoded on the link's own task and put straight into the local queues.
//! Channel numbers are resolved once a table generation, queues are locked once a batch.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use hive_proto::{
    channel::{Channel, NetworkIndex},
    event::Event,
    frame::{
        batch::{Arrived, ArrivedChannel, BatchReader},
        data::{DATA_ANSWER, DATA_BATCH, DATA_DEFINITIONS, read_answer, read_definitions},
        is_optional,
        wire::WireError,
    },
    id::{EventId, Incarnation, NodeId},
    plane::{account::DropReason, pace::Pace, table::Side},
    time::Hlc,
};

use super::{Bus, CallError, Delivery, Shared, call::Request, outbox::Outbox, queue::Queue, routes::Target};

/// The peer at the other end of a link, as TLS and the greeting proved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerRef {
    /// The network the link belongs to.
    pub network: NetworkIndex,
    /// The origin of everything that arrives.
    pub node: NodeId,
    /// Its life.
    pub incarnation: Incarnation,
}

/// Why a peer's data stream cannot be read any further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InboundError {
    /// A frame this version does not know and may not skip.
    #[error("a data frame of unknown kind {0}")]
    Kind(u8),
    /// A frame whose body is malformed.
    #[error("a malformed data frame: {0}")]
    Frame(#[from] WireError),
    /// An event under a channel number that was never defined.
    #[error("the channel number {0} was never defined")]
    Number(u32),
    /// Definitions that leave numbers out.
    #[error("channel numbers from {0} on were defined, but {1} was next")]
    Gap(u32, usize),
}

/// The receiving end of one data stream.
#[derive(Debug)]
pub struct Inbound {
    bus: Bus,
    peer: PeerRef,
    /// Where answers go.
    outbox: Arc<Outbox>,
    /// By the numbers the peer gave them.
    channels: Vec<LinkChannel>,
    /// Deliveries of the batch in hand, a queue each; empty between batches.
    staged: Vec<(Arc<Queue>, VecDeque<Delivery>)>,
    pace: Pace,
}

#[derive(Debug)]
struct LinkChannel {
    channel: Channel,
    /// The generation `queues` were resolved under; 0 for never.
    generation: u64,
    queues: Vec<Arc<Queue>>,
}

impl Inbound {
    /// The receiving end of a new data stream of this peer, whose answers go to `outbox`.
    #[must_use]
    pub fn new(bus: Bus, peer: PeerRef, outbox: Arc<Outbox>) -> Self {
        Self { bus, peer, outbox, channels: Vec::new(), staged: Vec::new(), pace: Pace::default() }
    }

    /// Takes one frame and says how many events it held. Waits for slow consumers at most 50 ms in any
    /// second.
    ///
    /// # Errors
    /// When the peer does not keep to the protocol; its stream is of no use then.
    pub async fn frame(&mut self, kind: u8, body: Bytes) -> Result<u64, InboundError> {
        match kind {
            DATA_BATCH => self.batch(&body).await,
            DATA_DEFINITIONS => self.define(&body).map(|()| 0),
            DATA_ANSWER => self.answer(&body).map(|()| 0),
            other if is_optional(other) => Ok(0),
            other => Err(InboundError::Kind(other)),
        }
    }

    fn define(&mut self, body: &Bytes) -> Result<(), InboundError> {
        let (first, names) = read_definitions(body)?;
        if usize::try_from(first) != Ok(self.channels.len()) {
            return Err(InboundError::Gap(first, self.channels.len()));
        }
        let undefined = |channel| LinkChannel { channel, generation: 0, queues: Vec::new() };
        self.channels.extend(names.into_iter().map(undefined));
        Ok(())
    }

    fn answer(&mut self, body: &Bytes) -> Result<(), InboundError> {
        let (call, outcome) = read_answer(body)?;
        let shared = &self.bus.0;
        let outcome = outcome.map_err(CallError::from_wire);
        if !shared.calls.answered((self.peer.network, self.peer.node), call, outcome) {
            shared.account.dropped(DropReason::LateAnswer, 1);
        }
        Ok(())
    }

    async fn batch(&mut self, body: &Bytes) -> Result<u64, InboundError> {
        let generation = self.bus.0.routes.generation();
        let mut reader = BatchReader::new(body);
        let (mut received, mut latest) = (0_u64, Hlc::default());
        let outcome = loop {
            match reader.next_entry() {
                Ok(None) => break Ok(received),
                Err(error) => break Err(error.into()),
                Ok(Some(arrived)) => {
                    received += 1;
                    latest = latest.max(arrived.time);
                    if let Err(error) = self.stage(arrived, generation) {
                        break Err(error);
                    }
                }
            }
        };
        self.bus.0.account.received(received);
        self.bus.0.clock.saw(latest);
        self.flush().await;
        outcome
    }

    /// Puts one event beside the others for the same queues.
    fn stage(&mut self, arrived: Arrived, generation: u64) -> Result<(), InboundError> {
        let Arrived { channel, sequence, time, depth, message, call } = arrived;
        let shared = &*self.bus.0;
        let named;
        let entry = match channel {
            ArrivedChannel::Name(channel) => {
                named = LinkChannel::resolved(shared, self.peer.network, channel, generation);
                &named
            }
            ArrivedChannel::Number(number) => {
                let at = usize::try_from(number).unwrap_or(usize::MAX);
                let entry = self.channels.get_mut(at).ok_or(InboundError::Number(number))?;
                entry.refresh(shared, self.peer.network, generation);
                &*entry
            }
        };
        if entry.channel.is_local() {
            shared.account.dropped(DropReason::LocalChannel, 1);
            return Ok(());
        }
        let PeerRef { network, node: origin, incarnation } = self.peer;
        let id = EventId { origin, incarnation, sequence };
        let channel = entry.channel.clone();
        let event = Event { id, channel, network, time, attempt: 1, depth, retained: false, message };
        if let Some(call) = call {
            let request = Request::remote(&self.bus, &self.outbox, call);
            self.request(event, request);
            return Ok(());
        }
        let Some((last, others)) = entry.queues.split_last() else {
            shared.account.dropped(DropReason::NoMatch, 1);
            return Ok(());
        };
        for queue in others {
            stage_for(&mut self.staged, queue, Delivery { event: event.clone(), request: None });
        }
        // Nearly every channel has one consumer here, and a clone costs four counters another core reads.
        stage_for(&mut self.staged, last, Delivery { event, request: None });
        Ok(())
    }

    /// A request goes to one local responder; to none if there is none any more.
    fn request(&mut self, event: Event, request: Request) {
        let table = self.bus.0.routes.table();
        let mut responders = table.answering(Side::Local, event.network, &event.channel);
        match responders.next() {
            Some(Target::Local(queue)) => {
                stage_for(&mut self.staged, queue, Delivery { event, request: Some(request) });
            }
            _ => request.decline(CallError::NoResponder),
        }
    }

    async fn flush(&mut self) {
        let shared = &*self.bus.0;
        for (queue, deliveries) in &mut self.staged {
            shared.account.delivered(queue.offer_batch(deliveries));
            while let Some(delivery) = deliveries.pop_front() {
                shared.deliver(queue, delivery, &mut self.pace).await;
                shared.account.delivered(queue.offer_batch(deliveries));
            }
        }
        // Queues of consumers that have gone are not kept alive, nor is the memory of a burst.
        self.staged.clear();
    }
}

impl LinkChannel {
    fn resolved(shared: &Shared, network: NetworkIndex, channel: Channel, generation: u64) -> Self {
        let mut entry = Self { channel, generation: 0, queues: Vec::new() };
        entry.refresh(shared, network, generation);
        entry
    }

    fn refresh(&mut self, shared: &Shared, network: NetworkIndex, generation: u64) {
        if self.generation == generation {
            return;
        }
        let table = shared.routes.table();
        let queues = table.wanting(Side::Local, network, &self.channel).filter_map(|target| match target {
            Target::Local(queue) => Some(Arc::clone(queue)),
            Target::Peer(_) => None,
        });
        self.queues = queues.collect();
        self.generation = generation;
    }
}

fn stage_for(staged: &mut Vec<(Arc<Queue>, VecDeque<Delivery>)>, queue: &Arc<Queue>, delivery: Delivery) {
    match staged.iter_mut().find(|(other, _)| Arc::ptr_eq(other, queue)) {
        Some((_, deliveries)) => deliveries.push_back(delivery),
        None => staged.push((Arc::clone(queue), VecDeque::from([delivery]))),
    }
}
