//! Groups: an event for one member, from the choice of the member until that says what became of the event.
//!
//! What it owns: the node's book over what its own publishes are with, the tickets that members of this node hold, and
//! the task that offers again what came back. Which member and when again is `plane`'s business.

mod again;
mod letters;
mod member;
#[cfg(test)]
mod tests;
mod ticket;

use std::{
    collections::BTreeSet,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hive_proto::{
    channel::{Address, Channel, NetworkIndex},
    event::Event,
    frame::{
        batch::Entry,
        handout::{Handout, Settled},
        relay::Destinations,
    },
    group::GroupName,
    id::NodeId,
    plane::{
        account::DropReason,
        group::{Candidate, choose},
        handouts::{Full, Handouts},
        pace::Pace,
        table::{HolderId, Members, Side},
    },
};
use tokio::{sync::Notify, time::timeout_at};

pub(super) use self::member::holder;
pub use self::ticket::Ticket;
use self::{letters::Letters, ticket::Origin};
use super::{
    Bus, Shared,
    outbox::Appended,
    queue::Queue,
    routes::{Peer, Remote, Target},
};

/// Groups of which it is said that their members on other nodes are given nothing; the counter has those of more.
const DENIED_SAID_MAX: usize = 64;

/// What this node has given to members of groups.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Held for one entry, and never while a queue or an outbox is.
    book: Mutex<Handouts>,
    /// Told when something may be due earlier than it was.
    due: Notify,
    /// Told when an entry was struck.
    space: Notify,
    /// The groups of which it was said that their members are given nothing.
    denied: Mutex<BTreeSet<GroupName>>,
    /// Which entries are dead letters that were asked for again.
    letters: Letters,
}

/// A group that wants a channel, under one generation of the route table.
#[derive(Debug)]
pub(super) struct GroupRoute {
    group: GroupName,
    nodes: Vec<Place>,
}

/// A node with members of the group.
#[derive(Debug, Clone)]
struct Place {
    node: NodeId,
    way: Way,
}

/// How an event gets to the members on a node.
#[derive(Debug, Clone)]
enum Way {
    /// They are here.
    Here(Vec<(HolderId, Arc<Queue>)>),
    Peer(Arc<Peer>),
    Remote(Arc<Remote>),
}

/// A node as it is chosen from.
struct Loaded {
    number: u64,
    load: usize,
    near: bool,
}

/// What came of handing out an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handed {
    /// A member here has it, or will.
    Here,
    /// A member on a peer has it, or will.
    There,
    /// The book has no room.
    Full,
    /// All members are on other nodes, and the rules let none of them have it.
    Denied,
}

impl Groups {
    /// What members have and have not settled.
    pub(super) fn len(&self) -> usize {
        self.book().len()
    }

    /// A node says what became of an event.
    pub(super) fn settled(&self, shared: &Shared, from: NodeId, ticket: u64, settled: Settled) {
        let known = self.book().settled(shared.clock.now(), from, ticket, settled);
        if known {
            shared.durable.settled(ticket, settled);
            self.letters.settled(ticket, settled);
        }
        match settled {
            Settled::Done | Settled::Dead if known => self.space.notify_waiters(),
            Settled::Broken | Settled::Refused if known => self.due.notify_one(),
            // It was given to another meanwhile.
            _ => {}
        }
    }

    /// What a node has may be lost.
    pub(super) fn lost(&self, shared: &Shared, node: NodeId) {
        self.book().lost(shared.clock.now(), node);
        self.due.notify_one();
    }

    /// Somebody joined a group: what waits may be for them.
    pub(super) fn hurry(&self, shared: &Shared) {
        shared.durable.hurry();
        let mut book = self.book();
        if !book.is_empty() {
            book.hurry(shared.clock.now());
            self.due.notify_one();
        }
    }

    /// Says once of a group that its members on other nodes are given nothing.
    pub(super) fn say_denied(&self, group: &GroupName, channel: impl std::fmt::Display) {
        let mut denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        if denied.len() < DENIED_SAID_MAX && denied.insert(group.clone()) {
            drop(denied);
            tracing::warn!(
                "{channel} is for the group {group}, whose members on other nodes are given nothing: in an open \
                 network that needs a rule, such as `channels: [{{pattern: '{channel}', group: ['*']}}]`"
            );
        }
    }

    /// Waits until the book may have room, at most so long.
    async fn wait_for_room(&self, at_most: Duration) {
        let deadline = tokio::time::Instant::now() + at_most;
        let mut space = pin!(self.space.notified());
        space.as_mut().enable();
        let _ = timeout_at(deadline, space).await;
    }

    fn book(&self) -> MutexGuard<'_, Handouts> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Candidate for Loaded {
    fn number(&self) -> u64 {
        self.number
    }

    fn load(&self) -> usize {
        self.load
    }

    fn is_near(&self) -> bool {
        self.near
    }
}

impl Bus {
    /// Gives an event to one member of a group.
    pub(super) fn hand_out(&self, route: &GroupRoute, event: Event) -> Handed {
        self.hand_out_from(route, event, |_| ())
    }

    /// The same for an event that is kept elsewhere, where its number in the book is noted before any member has it.
    pub(super) fn hand_out_from(&self, route: &GroupRoute, event: Event, note: impl FnOnce(u64)) -> Handed {
        let shared = &*self.0;
        let mut book = shared.groups.book();
        let Some(place) = route.choose(&book, &event, None) else {
            drop(book);
            shared.account.dropped(DropReason::Denied, 1);
            shared.groups.say_denied(&route.group, &event.channel);
            return Handed::Denied;
        };
        let entered = book.enter(shared.clock.now(), event.clone(), &route.group, place.node);
        if let Ok(handout) = &entered {
            note(handout.ticket);
        }
        drop(book);
        match entered {
            Err(Full) => Handed::Full,
            Ok(handout) => {
                self.give(place, event, &handout);
                if matches!(place.way, Way::Here(_)) { Handed::Here } else { Handed::There }
            }
        }
    }

    /// The same, waiting as the pace allows while the book is full. False when the event was dropped.
    pub(super) async fn insist_on_member(&self, route: &GroupRoute, event: Event, pace: &mut Pace) -> Handed {
        let now = self.0.clock.now();
        self.0.groups.wait_for_room(pace.allowance(now)).await;
        pace.spend(self.0.clock.now().0.saturating_sub(now.0));
        let handed = self.hand_out(route, event);
        if handed == Handed::Full {
            self.0.account.dropped(DropReason::GroupFull, 1);
        }
        handed
    }

    /// Puts an event that was entered in the book on its way. Who cannot take it now refuses it, which brings it back.
    fn give(&self, place: &Place, event: Event, handout: &Handout) {
        let shared = &*self.0;
        let (node, ticket) = (place.node, handout.ticket);
        let appended = match &place.way {
            Way::Here(holders) => {
                let ticket = Ticket::new(self.clone(), ticket, handout.group.clone(), Origin::Here);
                self.give_to_holder(holders, event, ticket);
                return;
            }
            Way::Peer(peer) => {
                let number = peer.outbox.number(&event.channel);
                peer.outbox.append(number, &event.channel, &entry(&event, handout))
            }
            Way::Remote(remote) => {
                let audience = shared.audience(remote.network, Destinations::one(remote.node));
                audience.map_or(Appended::Closed, |audience| {
                    shared.append(&audience, &event.channel, &entry(&event, handout))
                })
            }
        };
        match appended {
            Appended::Taken => shared.account.sent(1),
            Appended::Full | Appended::Closed => {
                shared.groups.settled(shared, node, ticket, Settled::Refused);
            }
        }
    }
}

impl Shared {
    /// The groups that want a channel.
    pub(super) fn group_routes(&self, to: &Address) -> Vec<GroupRoute> {
        let table = self.routes.table();
        let mut routes: Vec<GroupRoute> = Vec::new();
        for side in [Side::Local, Side::Peer] {
            for Members { group, members } in table.groups(side, to.network, &to.channel) {
                let places = self.places((to.network, &to.channel), &group, members);
                match routes.iter_mut().find(|route| route.group == group) {
                    Some(route) => route.nodes.extend(places),
                    None => routes.push(GroupRoute { group, nodes: places }),
                }
            }
        }
        routes
    }

    fn places(
        &self,
        (network, channel): (NetworkIndex, &Channel),
        group: &GroupName,
        members: Vec<(HolderId, Target)>,
    ) -> Vec<Place> {
        let (mut here, mut places) = (Vec::new(), Vec::new());
        for (holder, target) in members {
            let (node, way) = match target {
                Target::Local(queue) if self.may_join_here(&queue, group, network, channel) => {
                    here.push((holder, queue));
                    continue;
                }
                Target::Peer(peer) => (peer.node, Way::Peer(peer)),
                Target::Remote(remote) => (remote.node, Way::Remote(remote)),
                Target::Local(_) | Target::Audience(_) => continue,
            };
            if self.rules.load().may_join(network, node, channel) {
                places.push(Place { node, way });
            }
        }
        if !here.is_empty() {
            places.push(Place { node: self.node, way: Way::Here(here) });
        }
        places
    }
}

impl GroupRoute {
    pub(super) fn group(&self) -> &GroupName {
        &self.group
    }

    /// Whether somebody may be given something.
    pub(super) fn has_members(&self) -> bool {
        !self.nodes.is_empty()
    }

    fn choose(&self, book: &Handouts, event: &Event, avoid: Option<NodeId>) -> Option<&Place> {
        if let [only] = self.nodes.as_slice() {
            return Some(only);
        }
        let places: Vec<&Place> = self.nodes.iter().filter(|place| Some(place.node) != avoid).collect();
        let loaded = |place: &&Place| Loaded {
            number: place.node.0.first_chunk().map_or(0, |first| u64::from_be_bytes(*first)),
            load: book.load(&place.node),
            near: matches!(place.way, Way::Here(_)),
        };
        let loaded: Vec<Loaded> = places.iter().map(loaded).collect();
        // Another draw each time, so that who refused is not asked for ever.
        let draw = event.id.sequence.wrapping_add(u64::from(event.attempt)).wrapping_add(book.len() as u64);
        places.get(choose(&loaded, event.message.key(), draw)?).copied()
    }
}

fn entry<'a>(event: &'a Event, handout: &'a Handout) -> Entry<'a> {
    Entry {
        sequence: event.id.sequence,
        time: event.time,
        depth: event.depth,
        message: &event.message,
        call: None,
        handout: Some(handout),
    }
}
