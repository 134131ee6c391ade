//! Presence: who can be reached and who no longer can, as events of this node on `$node/joined` and `$node/left`.

use std::fmt;

use hive_proto::{
    channel::{Address, Channel, NetworkIndex},
    event::Message,
    id::NodeId,
    plane::{account::DropReason, table::Side},
};
use serde::Serialize;

use super::{Delivery, Shared, queue::Offer, routes::Target};

/// What happened to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Joined,
    Left,
}

/// The payload, as JSON.
#[derive(Serialize)]
struct Body<'a> {
    v: u8,
    node: String,
    name: &'a str,
    network: &'a str,
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Joined => "$node/joined",
            Self::Left => "$node/left",
        })
    }
}

impl Shared {
    /// Tells whoever listens on this node.
    pub(super) fn tell_presence(&self, presence: Presence, network: NetworkIndex, node: NodeId, name: &str) {
        let in_network = self.names.network(network).map(ToString::to_string).unwrap_or_default();
        let body = Body { v: 1, node: node.to_string(), name, network: &in_network };
        let Ok(channel) = Channel::parse(&presence.to_string()) else { return };
        let message = Message::from(serde_json::to_string(&body).unwrap_or_default());
        self.tell(channel, &message.with_content_type("application/json"));
    }

    /// An event of the node itself for whoever listens here. Nobody waits for a consumer: control does this.
    fn tell(&self, channel: Channel, message: &Message) {
        let to = Address { network: NetworkIndex::HOME, channel };
        let table = self.routes.table();
        let mut listening = table.wanting(Side::Local, to.network, &to.channel).peekable();
        // What nobody hears is not published, and every sequence is that of something published.
        if listening.peek().is_none() {
            return;
        }
        let (id, time) = self.stamp();
        for target in listening {
            let Target::Local(queue) = target else { continue };
            let event = self.event(&to, message.clone(), id, time, 0);
            match queue.offer(Delivery::event(event).into()) {
                Offer::Taken | Offer::Closed(_) => {}
                Offer::Full(back) => self.account.dropped(DropReason::SlowConsumer, queue.force(*back)),
            }
        }
    }
}
