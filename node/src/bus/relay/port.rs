//! What a link's writer takes beside its own peer's events: the frames that go on over this peer.

use std::{sync::Weak, time::Duration};

use bytes::Bytes;
use hive_proto::{
    channel::NetworkIndex,
    frame::relay::{Taken, put_fence},
    id::NodeId,
    plane::relay::RelayError,
};

use tokio::time::{sleep, timeout};

use super::super::Shared;

/// How long a new link waits until what was published before it is sealed.
const SEALED_WITHIN: Duration = Duration::from_millis(200);
/// How often it looks.
const SEALED_CHECK: Duration = Duration::from_millis(1);

/// One neighbour's side of its network's relay.
#[derive(Debug)]
pub(in crate::bus) struct Port {
    /// Weak, because the bus holds the outbox that holds this.
    shared: Weak<Shared>,
    network: NetworkIndex,
    peer: NodeId,
}

impl Port {
    pub(in crate::bus) fn new(shared: Weak<Shared>, network: NetworkIndex, peer: NodeId) -> Self {
        Self { shared, network, peer }
    }

    /// Adds whole frames of about so many bytes.
    pub(in crate::bus) fn take(&self, at_most: usize, frames: &mut Vec<Bytes>) {
        let Some(shared) = self.shared.upgrade() else { return };
        let take = |relay: &mut hive_proto::plane::relay::Relay, at: hive_proto::plane::relay::Moment<'_>| {
            relay.is_ready(&self.peer) && relay.take(at.now, &self.peer, at_most, frames) > 0
        };
        if shared.relaying(self.network, take) == Some(true)
            && let Some(network) = shared.relays.network(self.network)
        {
            network.space.notify_waiters();
        }
    }

    /// Waits a moment for what was published for the peer before there was a link to it. Returns the frame to begin
    /// the first stream with, so that what is published from now on comes behind that.
    pub(in crate::bus) async fn fence(&self) -> Option<Bytes> {
        let shared = self.shared.upgrade()?;
        let network = shared.relays.network(self.network)?;
        let sealed = async {
            while !network.open().is_empty() {
                sleep(SEALED_CHECK).await;
            }
        };
        // What takes longer is held up by a slow neighbour, and may come late.
        let _ = timeout(SEALED_WITHIN, sealed).await;
        let last = shared.relaying(self.network, |relay, _| relay.last_sealed_for(&self.peer)).flatten();
        last.map(put_fence)
    }

    /// A new data stream begins, behind one that broke unless `intact`. Returns the frame that opens it.
    pub(in crate::bus) fn begin_stream(&self, intact: bool) -> Option<Bytes> {
        let begin = |relay: &mut hive_proto::plane::relay::Relay| {
            if !intact {
                relay.stream_broke(&self.peer);
            }
            relay.begin_stream(&self.peer)
        };
        self.shared.upgrade()?.relaying(self.network, |relay, _| begin(relay)).flatten()
    }

    /// The neighbour confirms what it has taken over.
    pub(in crate::bus) fn confirmed(&self, taken: &Taken) -> Result<(), RelayError> {
        let Some(shared) = self.shared.upgrade() else { return Ok(()) };
        shared.relaying(self.network, |relay, _| relay.confirmed(&self.peer, taken)).unwrap_or(Ok(()))
    }
}
