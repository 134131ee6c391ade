//! Links and the epochs of their networks' secrets: proving again on links that are there, and cutting those whose other
//! end has not kept up.

use hive_proto::{
    channel::NetworkIndex,
    io::{Input, LinkId},
};

use super::Actor;
use crate::mesh::link::{Order, note_proof};

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
}
