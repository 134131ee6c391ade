//! Who may be in a network. Links and the epochs of its secret: proving again on links that are there, and cutting those
//! whose other end has not kept up.

use hive_proto::{
    channel::NetworkIndex,
    id::NodeId,
    io::{Input, LinkId},
};

use super::Actor;
use crate::{
    mesh::link::{Order, note_proof},
    transport::Membership,
};

impl Actor {
    /// The secrets of a network were changed.
    pub(super) fn renewed(&mut self, network: NetworkIndex) {
        let of_network = self.links.iter().filter(|(_, known)| known.peer.0 == network);
        let links: Vec<LinkId> = of_network.map(|(link, _)| *link).collect();
        for link in links {
            self.stand(link);
        }
    }

    /// Proves to the other end what it has not been proved yet, and cuts the link if the other end has proved too little.
    pub(super) fn stand(&mut self, link: LinkId) {
        let Some(known) = self.links.get(&link) else { return };
        if let Some(heard) = known.standing.renewed() {
            note_proof(heard, &known.standing, &known.connection);
            known.traffic.epoch.set(known.standing.epoch().into());
        }
        if let Some(proof) = known.standing.proof() {
            self.order(link, Order::Frame(proof.encode()));
        }
        let expired = self.links.get(&link).and_then(|known| known.standing.check().err());
        if let Some(expired) = expired {
            self.handle(Input::Expel { link, why: expired.to_string() });
        }
    }

    pub(super) fn membership(&self, network: NetworkIndex) -> Option<&Membership> {
        self.memberships.iter().find(|membership| membership.index == network)
    }

    /// Whether a node may be in a network: others may know it who have another list, or none.
    pub(super) fn is_listed(&self, network: NetworkIndex, node: NodeId) -> bool {
        self.membership(network).is_none_or(|membership| membership.allow.has(node))
    }
}
