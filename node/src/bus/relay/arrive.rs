//! Relayed frames that neighbours bring: those for others go on, still closed; those for this node are verified,
//! taken once and in order, and delivered as if their origin were the link's peer.

use std::{pin::pin, time::Duration};

use bytes::Bytes;
use hive_proto::{
    channel::NetworkIndex,
    frame::{
        data::{DATA_ANSWER, DATA_BATCH, DATA_PART, read_answer, read_part},
        handout::{DATA_CANCEL, DATA_OUTCOMES, read_cancel, read_outcomes},
        relay::{DATA_RELAY, DATA_SET, Sealed},
        wire::WireError,
    },
    id::NodeId,
    plane::{
        account::DropReason,
        pace::Pace,
        relay::{Incoming, Moment, Relay, RelayError},
    },
    record::Keys,
};
use tokio::time::timeout;

use super::super::{Bus, CallError, PeerRef, deliver::Inbound};

/// How long a new link waits for what its peer had relayed before it: as long as frames wait for one another.
const FENCE_LIMIT: Duration = Duration::from_secs(2);

impl Bus {
    /// Takes a frame that a neighbour relays, or that declares a set for one.
    pub(in crate::bus) async fn relayed(
        &self,
        network: NetworkIndex,
        incoming: &mut Incoming,
        (kind, body): (u8, &Bytes),
        pace: &mut Pace,
    ) -> Result<(), RelayError> {
        let shared = &self.0;
        if kind == DATA_SET {
            return shared.relaying(network, |relay, _| relay.declare(incoming, body)).unwrap_or(Ok(()));
        }
        debug_assert_eq!(kind, DATA_RELAY, "no other kind comes here");
        let Some(relayed) = shared.relaying(network, |relay, at| relay.arrived(at, incoming, body)) else {
            return Ok(());
        };
        let relayed = relayed?;
        shared.relays.watch();
        if let Some(sealed) = relayed.here {
            self.for_here(network, sealed).await;
        }
        if let Some(slow) = relayed.crowded {
            self.wait_for_neighbour(network, slow, pace).await;
        }
        Ok(())
    }

    /// Waits until a peer's relayed frame was handed over, because what comes now over its own link is later. Not for
    /// ever: it may be lost.
    pub(in crate::bus) async fn wait_behind(&self, peer: PeerRef, sequence: u64) {
        let Some(known) = self.0.relays.network(peer.network) else { return };
        let past = async {
            loop {
                let mut arrived = pin!(known.arrived.notified());
                arrived.as_mut().enable();
                if known.lock().relay.is_past(&peer.node, peer.incarnation, sequence) {
                    return;
                }
                arrived.await;
            }
        };
        if timeout(FENCE_LIMIT, past).await.is_err() {
            tracing::debug!("a relayed frame of {} did not come before its link", peer.node.short());
        }
    }

    /// A slow neighbour holds up who brings more for it, for as long as the pace allows.
    async fn wait_for_neighbour(&self, network: NetworkIndex, slow: NodeId, pace: &mut Pace) {
        let Some(known) = self.0.relays.network(network) else { return };
        let space = known.space.notified();
        let now = self.0.clock.now();
        let allowance = pace.allowance(now);
        if allowance.is_zero() || !known.lock().relay.is_crowded(&slow) {
            return;
        }
        // Whether there is room then or not, the pace is spent.
        let _ = timeout(allowance, space).await;
        pace.spend(self.0.clock.now().0.saturating_sub(now.0));
    }

    async fn for_here(&self, network: NetworkIndex, sealed: Sealed) {
        let (shared, envelope) = (&self.0, sealed.envelope());
        let worth = shared.relaying(network, |relay, _| relay.check(envelope));
        let genuine = || {
            let signer = shared.relays.signer.get();
            signer.is_some_and(|keys| {
                keys.verify(network, envelope.origin, &sealed.message(), &sealed.signature())
            })
        };
        match worth {
            Some(Ok(())) if genuine() => {
                self.take_turn(network, |relay, at| relay.admit(at, sealed)).await;
            }
            Some(Err(reason)) => shared.account.dropped(reason, envelope.events),
            _ => shared.account.dropped(DropReason::Forged, envelope.events),
        }
    }

    /// Hands over what the relay says is ready, one after the other.
    pub(super) async fn take_turn(
        &self,
        network: NetworkIndex,
        ready: impl FnOnce(&mut Relay, Moment<'_>) -> Vec<Sealed>,
    ) {
        let Some(known) = self.0.relays.network(network) else { return };
        let mut turn = known.turn.lock().await;
        let ready = self.0.relaying(network, ready).unwrap_or_default();
        for sealed in ready {
            if let Err(error) = self.hand_over(network, &sealed, &mut turn).await {
                let envelope = sealed.envelope();
                tracing::debug!("a malformed frame of {}: {error}", envelope.origin.short());
                self.0.account.dropped(DropReason::Forged, envelope.events);
            }
        }
        known.arrived.notify_waiters();
    }

    async fn hand_over(
        &self,
        network: NetworkIndex,
        sealed: &Sealed,
        pace: &mut Pace,
    ) -> Result<(), WireError> {
        let (shared, envelope, inner) = (&self.0, sealed.envelope(), sealed.open()?);
        match inner.kind {
            DATA_BATCH => Inbound::relayed_batch(self, (network, envelope), &inner.body, pace).await,
            DATA_ANSWER if envelope.to.is_some() => {
                let (call, outcome) = read_answer(&inner.body)?;
                let outcome = outcome.map_err(CallError::from_wire);
                if !shared.calls.answered((network, envelope.origin), call, outcome) {
                    shared.account.dropped(DropReason::LateAnswer, 1);
                }
                Ok(())
            }
            DATA_PART if envelope.to.is_some() => {
                let (call, of, outcome) = read_part(&inner.body)?;
                let outcome = outcome.map_err(CallError::from_wire);
                if !shared.calls.part((network, envelope.origin), call, of, outcome) {
                    shared.account.dropped(DropReason::LateAnswer, 1);
                }
                Ok(())
            }
            DATA_CANCEL if envelope.to.is_some() => {
                shared.withdrawn.add(network, envelope.origin, read_cancel(&inner.body)?);
                Ok(())
            }
            DATA_OUTCOMES if envelope.to.is_some() => {
                for (ticket, settled) in read_outcomes(&inner.body)? {
                    shared.groups.settled(shared, envelope.origin, ticket, settled);
                }
                Ok(())
            }
            _ => Err(WireError::Value("kind of a relayed frame")),
        }
    }
}
