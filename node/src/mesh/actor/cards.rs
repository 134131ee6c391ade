//! What the boards say of networks and neighbours, kept up to date.

use hive_proto::{channel::NetworkIndex, id::NodeId};

use super::Actor;
use crate::status::PeerCard;

impl Actor {
    pub(super) fn ready(&self, network: NetworkIndex) {
        self.boards.networks.change(|networks| {
            if let Some(card) = networks.get_mut(usize::from(network.0)) {
                card.ready = true;
            }
        });
    }

    pub(super) fn card(&self, peer: (NetworkIndex, NodeId), mut change: impl FnMut(&mut PeerCard)) {
        self.boards.peers.change(|peers| {
            if let Some(card) = peers.get_mut(&peer) {
                change(card);
            }
        });
    }
}
