//! What arrives over one link: checked on the link's own task and put straight into the local queues.
//! Channel numbers are resolved once a table generation, queues are locked once a batch, and neighbouring
//! events for the same consumers stay together until those take them.

mod channels;
mod one;
mod relayed;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hive_proto::{
    channel::NetworkIndex,
    event::Event,
    frame::{
        batch::{Arrived, ArrivedChannel, BatchReader, Piece, Run},
        data::{
            DATA_ANSWER, DATA_BATCH, DATA_DEFINITIONS, DATA_PART, read_answer, read_definitions, read_part,
        },
        handout::{DATA_CANCEL, DATA_OUTCOMES, read_cancel, read_outcomes},
        is_optional,
        kept::KeptSaid,
        relay::{
            DATA_CONFIRM, DATA_FENCE, DATA_RELAY, DATA_SET, DATA_STREAM, put_confirm, read_confirm,
            read_fence, read_stream,
        },
        wire::WireError,
    },
    id::{EventId, Incarnation, NodeId},
    plane::{
        account::DropReason,
        pace::Pace,
        relay::{Incoming, RelayError},
    },
};

use self::channels::{Fate, LinkChannel, LinkChannels};
use super::{
    Bus, CallError, Delivery,
    call::Caller,
    outbox::Outbox,
    queued::{Arrivals, Queued},
    staged::Staged,
};

/// How often a peer is told what was taken of its stream, while something is.
pub(crate) const CONFIRM_EVERY: Duration = Duration::from_millis(100);

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
    /// A relayed frame that breaks the rules.
    #[error(transparent)]
    Relay(#[from] RelayError),
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
    /// Where answers and confirmations go; none for what came through others.
    outbox: Option<Arc<Outbox>>,
    /// What was taken of the stream, and what its set numbers mean.
    incoming: Incoming,
    /// When the peer was last told what was taken.
    told: Instant,
    /// By the numbers the peer gave them.
    channels: LinkChannels,
    /// What the batch in hand brings to each queue; empty between batches.
    staged: Staged,
    pace: Pace,
}

impl Inbound {
    /// The receiving end of a new data stream of this peer, whose answers go to `outbox`.
    #[must_use]
    pub fn new(bus: Bus, peer: PeerRef, outbox: Arc<Outbox>) -> Self {
        let channels = LinkChannels::new(peer);
        let (outbox, incoming) = (Some(outbox), Incoming::new(peer.node));
        let (staged, pace, told) = (Staged::default(), Pace::default(), Instant::now());
        Self { bus, peer, outbox, incoming, told, channels, staged, pace }
    }

    /// Takes one frame and says how many events it held. Waits for slow consumers at most 50 ms in any
    /// second.
    ///
    /// # Errors
    /// When the peer does not keep to the protocol; its stream is of no use then.
    pub async fn frame(&mut self, kind: u8, body: Bytes) -> Result<u64, InboundError> {
        match kind {
            DATA_BATCH => {
                let events = self.batch(&body).await?;
                self.incoming.took_events(events, body.len());
                Ok(events)
            }
            DATA_SET | DATA_RELAY => {
                let Self { bus, peer, incoming, pace, .. } = self;
                bus.relayed(peer.network, incoming, (kind, &body), pace).await?;
                Ok(0)
            }
            DATA_STREAM => Ok(self.incoming.stream(read_stream(&body)?).map(|()| 0)?),
            DATA_FENCE => {
                self.bus.wait_behind(self.peer, read_fence(&body)?).await;
                Ok(0)
            }
            DATA_CONFIRM => self.confirmed(&body).map(|()| 0),
            DATA_DEFINITIONS => self.define(&body).map(|()| 0),
            DATA_ANSWER => self.answer(&body).map(|()| 0),
            DATA_PART => self.part(&body).map(|()| 0),
            DATA_CANCEL => self.cancel(&body).map(|()| 0),
            DATA_OUTCOMES => self.outcomes(&body).map(|()| 0),
            other => self.other(other, &body).map(|()| 0),
        }
    }

    /// What is said of kept values, and kinds of later versions.
    fn other(&self, kind: u8, body: &Bytes) -> Result<(), InboundError> {
        match KeptSaid::decode(kind, body)? {
            Some(said) => self.bus.0.heard_of_kept(self.peer.network, self.peer.node, &said),
            None if is_optional(kind) => {}
            None => return Err(InboundError::Kind(kind)),
        }
        Ok(())
    }

    /// Tells the peer what was taken, if that is new and either much or a while after the last time. Returns whether
    /// something is left to be told.
    pub fn confirm(&mut self) -> bool {
        let due = self.told.elapsed() >= CONFIRM_EVERY;
        let Some(outbox) = &self.outbox else { return false };
        if let Some(taken) = self.incoming.confirmation(due) {
            outbox.confirm(put_confirm(&taken));
            self.told = Instant::now();
        }
        self.incoming.is_untold()
    }

    fn confirmed(&self, body: &Bytes) -> Result<(), InboundError> {
        let taken = read_confirm(body)?;
        match &self.outbox {
            Some(outbox) => Ok(outbox.confirmed(&taken)?),
            None => Ok(()),
        }
    }

    fn define(&mut self, body: &Bytes) -> Result<(), InboundError> {
        let (first, names) = read_definitions(body)?;
        self.channels.define(first, names)
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

    fn part(&mut self, body: &Bytes) -> Result<(), InboundError> {
        let (call, of, outcome) = read_part(body)?;
        let shared = &self.bus.0;
        let outcome = outcome.map_err(CallError::from_wire);
        if !shared.calls.part((self.peer.network, self.peer.node), call, of, outcome) {
            shared.account.dropped(DropReason::LateAnswer, 1);
        }
        Ok(())
    }

    fn cancel(&mut self, body: &Bytes) -> Result<(), InboundError> {
        self.bus.0.withdrawn.add(self.peer.network, self.peer.node, read_cancel(body)?);
        Ok(())
    }

    fn outcomes(&mut self, body: &Bytes) -> Result<(), InboundError> {
        let shared = &self.bus.0;
        for (ticket, settled) in read_outcomes(body)? {
            shared.groups.settled(shared, self.peer.node, ticket, settled);
        }
        Ok(())
    }

    async fn batch(&mut self, body: &Bytes) -> Result<u64, InboundError> {
        let (mut reader, mut received) = (BatchReader::new(body), 0);
        let outcome = self.stage_all(&mut reader, &mut received);
        self.bus.0.account.received(received);
        self.bus.0.clock.saw(reader.latest());
        self.staged.flush(&self.bus.0, &mut self.pace).await;
        outcome.map(|()| received)
    }

    fn stage_all(&mut self, reader: &mut BatchReader<'_>, received: &mut u64) -> Result<(), InboundError> {
        let generation = self.bus.0.routes.generation();
        loop {
            let Self { bus, channels, .. } = self;
            let together = |first, next| channels.together(&bus.0, (first, next), generation);
            match reader.next_piece(together)? {
                None => return Ok(()),
                Some(Piece::Run(number, run)) => {
                    *received += run.events() as u64;
                    self.stage_run(number, run, generation)?;
                }
                Some(Piece::Entry(arrived)) => {
                    *received += 1;
                    self.stage(arrived, generation)?;
                }
            }
        }
    }

    /// Puts events whose channels share the fate of this one beside the others for the same queues.
    fn stage_run(&mut self, number: u32, run: Run, generation: u64) -> Result<(), InboundError> {
        let Self { bus, channels, staged, .. } = self;
        let source = Arc::clone(channels.source());
        let entry = channels.resolved(&bus.0, number, generation)?;
        let events = run.events() as u64;
        let arrivals = Arrivals::new(run, source);
        match &entry.fate {
            Fate::Local => bus.0.account.dropped(DropReason::LocalChannel, events),
            Fate::Late => bus.0.account.dropped(DropReason::Late, events),
            Fate::Denied => bus.0.account.dropped(DropReason::Denied, events),
            Fate::Wanted(queues) => match queues.split_last() {
                None => bus.0.account.dropped(DropReason::NoMatch, events),
                Some((last, others)) => {
                    for queue in others {
                        staged.put(queue, Queued::Several(arrivals.clone()));
                    }
                    staged.put(last, Queued::Several(arrivals));
                }
            },
        }
        Ok(())
    }

    /// The same for one event that is more than a number and a payload.
    fn stage(&mut self, arrived: Arrived, generation: u64) -> Result<(), InboundError> {
        let Arrived { channel, sequence, time, depth, message, call, handout } = arrived;
        let Self { bus, channels, staged, peer, .. } = self;
        let named;
        let entry = match channel {
            ArrivedChannel::Name(channel) => {
                named = LinkChannel::named(&bus.0, peer, channel, generation);
                &named
            }
            ArrivedChannel::Number(number) => channels.resolved(&bus.0, number, generation)?,
        };
        let queues = match &entry.fate {
            Fate::Wanted(queues) => queues,
            Fate::Late if call.is_some() || handout.is_some() => &Vec::new(),
            Fate::Late => {
                bus.0.account.dropped(DropReason::Late, 1);
                return Ok(());
            }
            Fate::Local => {
                bus.0.account.dropped(DropReason::LocalChannel, 1);
                return Ok(());
            }
            // A caller is told; the rest is not.
            Fate::Denied if call.is_some() => &Vec::new(),
            Fate::Denied => {
                bus.0.account.dropped(DropReason::Denied, 1);
                // Its origin is told that nothing more comes of it.
                handout.into_iter().for_each(|handout| self.ticket(&handout).dead());
                return Ok(());
            }
        };
        let PeerRef { network, node: origin, incarnation } = *peer;
        let id = EventId { origin, incarnation, sequence };
        let channel = entry.channel.clone();
        let event = Event { id, channel, network, time, attempt: 1, depth, retained: false, message };
        if let Some(call) = call {
            let caller = Caller { network, node: origin, outbox: self.outbox.clone() };
            self.request(event, caller, call);
            return Ok(());
        }
        if bus.0.drop_expired(&event) {
            handout.into_iter().for_each(|handout| self.ticket(&handout).done());
            return Ok(());
        }
        if let Some(handout) = handout {
            let members = entry.members(&handout.group);
            self.stage_for_member(&members, event, handout);
            return Ok(());
        }
        let Some((last, others)) = queues.split_last() else {
            bus.0.account.dropped(DropReason::NoMatch, 1);
            return Ok(());
        };
        if bus.0.came_before(&event) {
            return Ok(());
        }
        for queue in others {
            staged.put(queue, Delivery::event(event.clone()).into());
        }
        staged.put(last, Delivery::event(event).into());
        Ok(())
    }
}
