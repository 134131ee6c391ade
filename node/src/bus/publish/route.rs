//! Whom a publisher's events go to: resolved once a generation of the route table, for the last few channels.

use std::sync::Arc;

use hive_proto::{channel::Address, event::Message, plane::table::Side};

use super::Publisher;
use crate::{
    bus::{PublishError, Shared, group::GroupRoute, outbox::ChannelNumber, policy::WhenFull, routes::Target},
    journal::Journal,
    trust::may::{Action, Principal},
};

/// Routes one publisher remembers. A publisher with more channels than this pays a table walk a publish.
const REMEMBERED_ROUTES: usize = 16;

/// The consumers of one channel under one generation of the route table.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) address: Address,
    pub(super) generation: u64,
    pub(super) targets: Vec<(Target, ChannelNumber)>,
    /// One member of each gets the event. None on a durable channel, whose groups are given to from the journal.
    pub(super) groups: Vec<GroupRoute>,
    /// What is not as everywhere, behind one pointer that most channels do not have.
    pub(super) special: Option<Box<Special>>,
}

/// What the configuration says of a channel.
#[derive(Debug, Default)]
pub(super) struct Special {
    /// Why the publisher may not.
    pub(super) denied: Option<PublishError>,
    pub(super) durable: Option<Arc<dyn Journal>>,
    pub(super) when_full: WhenFull,
}

impl Route {
    /// What is done when a consumer has no room.
    pub(super) fn when_full(&self) -> WhenFull {
        self.special.as_ref().map_or(WhenFull::Pace, |special| special.when_full)
    }

    /// Whether everybody has room for a message, where the channel's policy is that all or nobody gets it.
    pub(super) fn admit(&self, message: &Message) -> Result<(), PublishError> {
        if self.when_full() != WhenFull::Reject {
            return Ok(());
        }
        let full = self.targets.iter().any(|(target, _)| match target {
            Target::Local(queue) => queue.is_full(message.weight()),
            Target::Peer(peer) => peer.outbox.is_full(),
            Target::Audience(audience) => audience.is_full(),
            Target::Remote(_) => false,
        });
        if full { Err(PublishError::Overloaded) } else { Ok(()) }
    }
}

impl Special {
    fn of(shared: &Shared, who: Principal<'_>, to: &Address) -> Option<Box<Self>> {
        // The node itself may publish on its own channels, which no rule is about.
        let denied = (!to.channel.is_reserved()).then(|| shared.permit(who, Action::Publish, to).err());
        let special = Self {
            denied: denied.flatten(),
            durable: shared.durable.journal(to).cloned(),
            when_full: shared.policies.when_full(to),
        };
        let is_ordinary =
            special.denied.is_none() && special.durable.is_none() && special.when_full == WhenFull::Pace;
        (!is_ordinary).then(|| Box::new(special))
    }
}

impl Publisher {
    /// The position of the route to an address, resolved under the current table.
    pub(super) fn route(&mut self, to: &Address) -> usize {
        let shared = &*self.bus.0;
        let generation = shared.routes.generation();
        let known = self.routes.iter().position(|route| route.address == *to);
        match known {
            Some(at) if self.routes[at].generation == generation => return at,
            _ => {}
        }
        let special = Special::of(shared, self.who.principal(), to);
        let durable = special.as_ref().is_some_and(|special| special.durable.is_some());
        let groups = if durable { Vec::new() } else { shared.group_routes(to) };
        let (address, targets) = (to.clone(), shared.resolve(to));
        let route = Route { address, generation, targets, groups, special };
        if let Some(at) = known {
            self.routes[at] = route;
            return at;
        }
        if self.routes.len() < REMEMBERED_ROUTES {
            self.routes.push(route);
            return self.routes.len() - 1;
        }
        self.oldest = (self.oldest + 1) % REMEMBERED_ROUTES;
        self.routes[self.oldest] = route;
        self.oldest
    }
}

impl Shared {
    /// Everyone who wants a channel, on this node and beyond.
    pub(super) fn resolve(&self, to: &Address) -> Vec<(Target, ChannelNumber)> {
        let (table, rules) = (self.routes.table(), self.rules.load());
        let local = table.wanting(Side::Local, to.network, &to.channel);
        let peers = table.wanting(Side::Peer, to.network, &to.channel);
        let (mut targets, mut beyond) = (Vec::new(), Vec::new());
        let allowed = |target: &&Target| {
            let node = match target {
                Target::Peer(peer) => peer.node,
                Target::Remote(remote) => remote.node,
                Target::Local(queue) => {
                    return self.may_have(queue, Action::Subscribe, to.network, &to.channel);
                }
                Target::Audience(_) => return true,
            };
            rules.may(Principal::Node(node), Action::Subscribe, to.network, &to.channel)
        };
        for target in local.chain(peers).filter(allowed) {
            match target {
                Target::Remote(remote) => beyond.push(remote.node),
                Target::Peer(peer) => targets.push((target.clone(), peer.outbox.number(&to.channel))),
                Target::Local(_) | Target::Audience(_) => {
                    targets.push((target.clone(), ChannelNumber::default()));
                }
            }
        }
        let audiences = if beyond.is_empty() { Vec::new() } else { self.audiences(to.network, beyond) };
        targets.extend(
            audiences.into_iter().map(|audience| (Target::Audience(audience), ChannelNumber::default())),
        );
        targets
    }
}
