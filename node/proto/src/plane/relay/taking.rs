//! Frames that neighbours bring: taken over for others, handed out for this node, or refused for whom they are from.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;

use super::{Incoming, Moment, Relay, RelayError, Relayed, line::Frame};
use crate::{
    frame::relay::{Envelope, read_relay, read_set},
    id::NodeId,
    plane::account::DropReason,
};

impl Relay {
    /// The same that takes frames of these nodes only, for itself and for others.
    #[must_use]
    pub fn listing(self, listed: Option<Arc<BTreeSet<NodeId>>>) -> Self {
        Self { listed, ..self }
    }

    /// A neighbour declared a set on the stream this is the state of.
    ///
    /// # Errors
    /// When the frame is malformed or the number is not the next.
    pub fn declare(&mut self, incoming: &mut Incoming, body: &Bytes) -> Result<(), RelayError> {
        let (number, nodes) = read_set(body)?;
        let set = self.paths.number(nodes);
        incoming.declare(number, set).ok_or(RelayError::Set(number))
    }

    /// A relayed frame arrived: its part for others is taken over at once, that for this node is handed out.
    ///
    /// # Errors
    /// When the frame is malformed or for a set that was never declared.
    pub fn arrived(
        &mut self,
        at: Moment<'_>,
        incoming: &mut Incoming,
        body: &Bytes,
    ) -> Result<Relayed, RelayError> {
        let (leg, sealed) = read_relay(body)?;
        let set = incoming.set(leg.set).ok_or(RelayError::Unknown(leg.set))?;
        incoming.took_frame(body.len());
        let Envelope { origin, events, .. } = sealed.envelope();
        if self.listed.as_ref().is_some_and(|listed| !listed.contains(origin)) {
            at.account.dropped(DropReason::NotListed, events.saturating_mul(set.nodes().copies()));
            return Ok(Relayed::default());
        }
        let here = set.nodes().contains(&self.me).then(|| sealed.clone());
        let others = set.nodes().copies().saturating_sub(u64::from(here.is_some()));
        let copies = sealed.envelope().events.saturating_mul(others);
        let mut crowded = None;
        match leg.hops.checked_sub(1) {
            _ if others == 0 => {}
            None => at.account.dropped(DropReason::HopLimit, copies),
            Some(hops) => {
                at.account.relayed(copies);
                self.others = self.others.saturating_add(copies);
                let frame = Frame { sealed, set, hops, from: Some(incoming.from()), sent: false };
                crowded = self.forward(at, at.now, frame, false);
            }
        }
        Ok(Relayed { here, crowded })
    }
}
