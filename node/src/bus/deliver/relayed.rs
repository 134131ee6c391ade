//! A batch that came through others: read like one of a link whose peer is the batch's origin, but for its channels,
//! which it names itself, and for what comes behind later events.

use std::time::Instant;

use bytes::Bytes;
use hive_proto::{
    channel::NetworkIndex,
    frame::{
        batch::{Arrived, ArrivedChannel, BatchReader, Piece},
        relay::Envelope,
        wire::WireError,
    },
    plane::{account::DropReason, pace::Pace, relay::Incoming},
};

use super::{Inbound, LinkChannels, PeerRef, Staged};
use crate::bus::Bus;

impl Inbound {
    /// Delivers the events of a relayed batch, waiting for slow consumers as the pace allows.
    ///
    /// # Errors
    /// When it is malformed; what came before that is delivered.
    pub(in crate::bus) async fn relayed_batch(
        bus: &Bus,
        (network, envelope): (NetworkIndex, &Envelope),
        body: &Bytes,
        pace: &mut Pace,
    ) -> Result<(), WireError> {
        let peer = PeerRef { network, node: envelope.origin, incarnation: envelope.incarnation };
        let mut inbound = Self {
            bus: bus.clone(),
            peer,
            outbox: None,
            incoming: Incoming::new(envelope.origin),
            told: Instant::now(),
            channels: LinkChannels::new(peer),
            staged: Staged::default(),
            pace: std::mem::take(pace),
        };
        let (mut reader, mut received) = (BatchReader::new(body), 0);
        let outcome = inbound.stage_relayed(&mut reader, envelope, &mut received);
        bus.0.account.received(received);
        bus.0.clock.saw(reader.latest());
        inbound.staged.flush(&inbound.bus.0, &mut inbound.pace).await;
        *pace = inbound.pace;
        outcome
    }

    fn stage_relayed(
        &mut self,
        reader: &mut BatchReader<'_>,
        envelope: &Envelope,
        received: &mut u64,
    ) -> Result<(), WireError> {
        let generation = self.bus.0.routes.generation();
        let unknown = |_| WireError::Value("channel number");
        loop {
            let Self { bus, channels, .. } = self;
            let together = |first, next| channels.together(&bus.0, (first, next), generation);
            match reader.next_piece(together)? {
                None => return Ok(()),
                Some(Piece::Run(number, run)) => {
                    *received += run.events() as u64;
                    self.stage_run(number, run, generation).map_err(unknown)?;
                }
                Some(Piece::Entry(arrived)) => {
                    *received += 1;
                    let Some(arrived) = self.numbered(arrived, envelope) else { continue };
                    self.stage(arrived, generation).map_err(unknown)?;
                }
            }
        }
    }

    /// The entry with its channel as a number of this batch. None for a request, or for what is given to one
    /// member, that anybody may have been sent: it would be answered more than once.
    fn numbered(&mut self, mut arrived: Arrived, envelope: &Envelope) -> Option<Arrived> {
        if let ArrivedChannel::Name(name) = arrived.channel {
            let order = self.bus.0.relaying(self.peer.network, |relay, _| relay.in_order(envelope, &name));
            let number = self.channels.named_next(name, order == Some(false));
            arrived.channel = ArrivedChannel::Number(number);
        }
        let for_one = arrived.call.is_some() || arrived.handout.is_some();
        if for_one && envelope.to.is_none() {
            self.bus.0.account.dropped(DropReason::Forged, 1);
            return None;
        }
        Some(arrived)
    }
}
