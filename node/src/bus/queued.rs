//! What a queue holds in one place: a delivery, or the neighbouring events of one batch, which stay encoded
//! until the consumer takes them on its own task.

use std::{collections::VecDeque, sync::Arc};

use hive_proto::{
    channel::Channel,
    event::{Event, Message},
    frame::batch::{Plain, Run},
    id::EventId,
    plane::queue::Load,
};
use imbl::Vector;

use super::{Delivery, PeerRef};

/// What one queued event weighs beside its payload and headers, so that empty ones are bounded too.
const EVENT_WEIGHT: usize = 64;

/// One place in a queue.
#[derive(Debug)]
pub(super) enum Queued {
    /// One event, ready to be handed over.
    One(Delivery),
    /// Several that arrived together.
    Several(Arrivals),
}

/// Events of one batch for one consumer.
#[derive(Debug, Clone)]
pub(super) struct Arrivals {
    /// All its channel numbers are known to `source`.
    run: Run,
    source: Arc<Source>,
    /// The channel of the event before, which the next one mostly shares.
    last: Option<(u32, Channel)>,
}

/// What the events of one data stream have in common.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// Their origin.
    pub(super) peer: PeerRef,
    /// By the numbers the peer gave them. Shares its memory with what it is made from, so that a stream that
    /// defines one channel a batch does not copy all of them each time.
    pub(super) names: Vector<Channel>,
}

/// What a consumer took from its queue and has not looked at yet.
#[derive(Debug, Default)]
pub(super) struct Taken(pub(super) VecDeque<Queued>);

impl Queued {
    /// Whether somebody waits for an answer.
    pub(super) fn is_request(&self) -> bool {
        matches!(self, Self::One(Delivery { request: Some(_), .. }))
    }
}

impl From<Delivery> for Queued {
    fn from(delivery: Delivery) -> Self {
        Self::One(delivery)
    }
}

impl Load for Queued {
    fn events(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Several(arrivals) => arrivals.run.events(),
        }
    }

    fn weight(&self) -> usize {
        let (bytes, events) = match self {
            Self::One(delivery) => (delivery.event.message.weight(), 1),
            Self::Several(Arrivals { run, .. }) => (run.payload_bytes(), run.events()),
        };
        bytes.saturating_add(EVENT_WEIGHT.saturating_mul(events))
    }

    fn split_front(&mut self, events: usize, bytes: usize) -> Option<Self> {
        let Self::Several(arrivals) = self else { return None };
        let (mut events_left, mut bytes_left) = (events, bytes);
        let run = arrivals.run.split_front(|payload| {
            let room = bytes_left.checked_sub(payload.saturating_add(EVENT_WEIGHT));
            match (events_left.checked_sub(1), room) {
                (Some(events), Some(bytes)) => {
                    (events_left, bytes_left) = (events, bytes);
                    true
                }
                _ => false,
            }
        })?;
        Some(Self::Several(Arrivals { run, source: Arc::clone(&arrivals.source), last: None }))
    }
}

impl Arrivals {
    /// Events whose channel numbers the source knows, all of them.
    pub(super) fn new(run: Run, source: Arc<Source>) -> Self {
        Self { run, source, last: None }
    }

    #[inline]
    fn pop(&mut self) -> Option<Event> {
        let Plain { channel: number, sequence, time, depth, payload } = self.run.pop()?;
        let channel = self.channel(number)?;
        let PeerRef { network, node: origin, incarnation } = self.source.peer;
        let id = EventId { origin, incarnation, sequence };
        let message = Message::new(payload);
        Some(Event { id, channel, network, time, attempt: 1, depth, retained: false, message })
    }

    #[inline]
    fn channel(&mut self, number: u32) -> Option<Channel> {
        match &self.last {
            Some((last, channel)) if *last == number => Some(channel.clone()),
            _ => {
                let channel = self.source.names.get(usize::try_from(number).ok()?)?;
                self.last = Some((number, channel.clone()));
                Some(channel.clone())
            }
        }
    }
}

impl Taken {
    /// The next delivery.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Delivery> {
        while let Some(Queued::Several(arrivals)) = self.0.front_mut() {
            let event = arrivals.pop();
            if event.is_none() || arrivals.run.events() == 0 {
                self.0.pop_front();
            }
            if let Some(event) = event {
                return Some(Delivery::event(event));
            }
        }
        match self.0.pop_front()? {
            Queued::One(delivery) => Some(delivery),
            Queued::Several(_) => None,
        }
    }

    /// Deliveries left.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(Load::events).sum()
    }
}
