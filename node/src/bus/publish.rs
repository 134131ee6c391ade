//! Publishing: from a message to a copy in every queue that wants it, on the publisher's own task. The
//! ordinary path takes no wait, no allocation and one short lock a consumer; it is plain code, and only
//! who has to wait for a consumer pays for a future.

mod gathered;
mod peer;
mod route;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use hive_proto::{
    channel::Address,
    event::{Event, Message},
    frame::batch::Entry,
    id::EventId,
    limits::DEPTH_MAX,
    plane::{account::DropReason, pace::Pace},
    time::Hlc,
};

use crate::{
    journal::{AppendError, Appending},
    trust::may::Principal,
};

use self::{gathered::Gathered, route::Route};
use super::{
    Actor, Bus, Delivery, PublishError, Shared,
    bridged::Stamp,
    durable::{not_durable, write_down},
    group::Handed,
    outbox::Appended,
    queue::{Offer, Queue},
    queued::Queued,
    routes::Target,
};

/// What a publish has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The event's id.
    pub id: EventId,
    /// Local consumers it was queued for.
    pub local: u32,
    /// Peers it was queued for.
    pub peers: u32,
    /// It is on disk here, and every group that is known will get it.
    pub durable: bool,
    /// Groups whose members, all of them on other nodes, the rules keep it from.
    pub denied: u32,
}

/// Publishes on a bus, remembering the routes of its last few channels.
#[derive(Debug)]
pub struct Publisher {
    bus: Bus,
    /// Whom the rules are asked about.
    who: Actor,
    routes: Vec<Route>,
    /// Which remembered route gives way next.
    oldest: usize,
    pace: Pace,
    /// Of what comes over a bridge.
    pub(super) stamp: Stamp,
    /// What is to be handed over together.
    gathered: Gathered,
}

/// A publish that has begun, and of which nobody has anything yet.
#[derive(Debug)]
#[must_use = "nobody gets it before it is finished"]
pub struct Begun {
    to: Address,
    message: Message,
    depth: u8,
    stamp: (EventId, Hlc),
    disk: Disk,
}

/// How far a journal is with an event.
#[derive(Debug)]
enum Disk {
    Waiting(Appending),
    /// None where it need not be on disk.
    Done(Option<Result<u64, AppendError>>),
}

impl Begun {
    /// Whether it has to be on disk first, and is not known to be.
    #[must_use]
    pub fn is_for_disk(&self) -> bool {
        matches!(self.disk, Disk::Waiting(_))
    }

    /// Waits until it is on disk, or never will be. Cancel-safe.
    pub async fn on_disk(&mut self) {
        if let Disk::Waiting(appending) = &mut self.disk {
            self.disk = Disk::Done(Some(appending.await));
        }
    }
}

/// An event that everyone with room has.
#[derive(Debug, Clone)]
struct Offered {
    /// The position of its route.
    route: usize,
    time: Hlc,
    receipt: Receipt,
    /// The positions of the targets that had no room, groups counted behind the others.
    full: Vec<usize>,
}

impl Publisher {
    pub(super) fn new(bus: Bus, who: Actor) -> Self {
        let (pace, stamp, gathered) = (Pace::default(), Stamp::default(), Gathered::default());
        Self { bus, who, routes: Vec::new(), oldest: 0, pace, stamp, gathered }
    }

    /// The same, but willing to wait this long at each stall of a consumer that keeps reading, instead of
    /// 50 ms in any second: for a source that would rather be slow than lose an event.
    #[must_use]
    pub fn patient(mut self, patience: Duration) -> Self {
        self.pace = Pace::patient(patience);
        self
    }

    /// Puts one message into the queue of everyone who wants it. Returns once it is there; a slow
    /// consumer may hold it up for 50 ms in any second.
    ///
    /// # Errors
    /// When the message breaks a limit or the channel is the node's own.
    pub fn publish(
        &mut self,
        to: &Address,
        message: Message,
    ) -> impl Future<Output = Result<Receipt, PublishError>> + Send {
        self.publish_from(to, message, 0)
    }

    /// The same for a message that was caused by an event of this depth.
    ///
    /// # Errors
    /// As [`Publisher::publish`], and when events have caused each other too often.
    pub async fn publish_from(
        &mut self,
        to: &Address,
        message: Message,
        depth: u8,
    ) -> Result<Receipt, PublishError> {
        self.check(to, &message, depth)?;
        self.publish_checked(to, message, depth).await
    }

    pub(super) async fn publish_checked(
        &mut self,
        to: &Address,
        message: Message,
        depth: u8,
    ) -> Result<Receipt, PublishError> {
        let at = self.route(to);
        if self.routes[at].special.is_some() {
            return Box::pin(self.publish_specially(at, to, message, depth)).await;
        }
        let offered = self.offer_at(at, self.bus.0.stamp(), to, &message, depth);
        if offered.full.is_empty() {
            return Ok(offered.receipt);
        }
        // Behind a pointer, so that the many who need not wait do not carry the state of those who do.
        Ok(Box::pin(self.insist(offered, to, message, depth)).await)
    }

    /// The same for the node's own events, which go to `$…` channels.
    pub(crate) async fn announce(&mut self, to: &Address, message: Message) -> Receipt {
        let offered = self.offer(to, &message, 0);
        self.insist(offered, to, message, 0).await
    }

    pub(super) fn bus(&self) -> &Bus {
        &self.bus
    }

    pub(super) fn who(&self) -> Principal<'_> {
        self.who.principal()
    }

    /// On a channel of which the configuration says something.
    async fn publish_specially(
        &mut self,
        at: usize,
        to: &Address,
        message: Message,
        depth: u8,
    ) -> Result<Receipt, PublishError> {
        let mut begun = self.begin_at(at, to, message, depth)?;
        begun.on_disk().await;
        self.finish(begun).await
    }

    /// Begins a publish, for who has more to publish while the disk takes its time: what is durable is on its way to the
    /// journal, in the order in which it was begun. Nobody has it before [`Publisher::finish`].
    ///
    /// # Errors
    /// As [`Publisher::publish`].
    pub fn begin(&mut self, to: &Address, message: Message) -> Result<Begun, PublishError> {
        self.begin_from(to, message, 0)
    }

    /// The same for a message that was caused by an event of this depth.
    ///
    /// # Errors
    /// As [`Publisher::publish_from`].
    pub fn begin_from(&mut self, to: &Address, message: Message, depth: u8) -> Result<Begun, PublishError> {
        self.check(to, &message, depth)?;
        let at = self.route(to);
        self.begin_at(at, to, message, depth)
    }

    fn begin_at(&self, at: usize, to: &Address, message: Message, depth: u8) -> Result<Begun, PublishError> {
        let route = &self.routes[at];
        if let Some(denied) = route.special.as_ref().and_then(|special| special.denied.clone()) {
            return Err(denied);
        }
        route.admit(&message)?;
        let journal = route.special.as_ref().and_then(|special| special.durable.as_ref());
        let (id, time) = self.bus.0.stamp();
        let disk = match journal {
            Some(journal) => Disk::Waiting(write_down(journal, to, &message, (id, time, depth))?),
            None => Disk::Done(None),
        };
        Ok(Begun { to: to.clone(), message, depth, stamp: (id, time), disk })
    }

    /// Ends a publish that is on disk if it has to be: it goes to everybody who is not in a group; groups have what is
    /// durable from the journal.
    ///
    /// # Errors
    /// When the journal could not take it.
    pub async fn finish(&mut self, mut begun: Begun) -> Result<Receipt, PublishError> {
        begun.on_disk().await;
        let Begun { to, message, depth, stamp, disk } = begun;
        let durable = match disk {
            Disk::Done(Some(Err(error))) => return Err(not_durable(error)),
            Disk::Done(written) => written.is_some(),
            Disk::Waiting(_) => false,
        };
        let at = self.route(&to);
        let offered = self.offer_at(at, stamp, &to, &message, depth);
        let receipt = self.insist(offered, &to, message, depth).await;
        Ok(Receipt { durable, ..receipt })
    }

    pub(super) fn check(&self, to: &Address, message: &Message, depth: u8) -> Result<(), PublishError> {
        if to.channel.is_reserved() {
            return Err(PublishError::Reserved(to.channel.clone()));
        }
        message.check()?;
        if depth > DEPTH_MAX {
            self.bus.0.account.dropped(DropReason::Loop, 1);
            return Err(PublishError::Loop(to.channel.clone()));
        }
        Ok(())
    }

    /// Gives the event to everyone who has room for it.
    fn offer(&mut self, to: &Address, message: &Message, depth: u8) -> Offered {
        let at = self.route(to);
        self.offer_at(at, self.bus.0.stamp(), to, message, depth)
    }

    fn offer_at(
        &self,
        at: usize,
        stamp: (EventId, Hlc),
        to: &Address,
        message: &Message,
        depth: u8,
    ) -> Offered {
        self.offer_by(at, stamp, (to, message, depth), |queue, one| queue.offer(one))
    }

    /// The same, with another way to give it to consumers of this node.
    fn offer_by(
        &self,
        at: usize,
        (id, time): (EventId, Hlc),
        (to, message, depth): (&Address, &Message, u8),
        mut local: impl FnMut(&Arc<Queue>, Queued) -> Offer,
    ) -> Offered {
        let (shared, route) = (&*self.bus.0, &self.routes[at]);
        let mut receipt = Receipt { id, local: 0, peers: 0, durable: false, denied: 0 };
        let mut full = Vec::new();
        let entry = Entry { sequence: id.sequence, time, depth, message, call: None, handout: None };
        for (position, (target, number)) in route.targets.iter().enumerate() {
            match target {
                Target::Local(queue) => {
                    let event = shared.event(to, message.clone(), id, time, depth);
                    match local(queue, Delivery::event(event).into()) {
                        Offer::Taken => receipt.local += 1,
                        Offer::Closed(_) => {}
                        Offer::Full(_) => full.push(position),
                    }
                }
                Target::Peer(peer) => {
                    match peer.outbox.append(*number, &to.channel, &entry) {
                        Appended::Taken => receipt.peers += 1,
                        // Its link was lost a moment ago; there may be another way.
                        Appended::Closed | Appended::Full => full.push(position),
                    }
                }
                Target::Audience(audience) => match shared.append(audience, &to.channel, &entry) {
                    Appended::Taken => receipt.peers += audience.copies(),
                    Appended::Closed | Appended::Full => full.push(position),
                },
                Target::Remote(_) => {}
            }
        }
        if receipt.peers > 0 {
            shared.account.sent(u64::from(receipt.peers));
        }
        for (position, group) in (route.targets.len()..).zip(&route.groups) {
            let event = shared.event(to, message.clone(), id, time, depth);
            if !receipt.add(self.bus.hand_out(group, event)) {
                full.push(position);
            }
        }
        Offered { route: at, time, receipt, full }
    }

    /// Gives it to those who had no room, as the pace allows.
    async fn insist(&mut self, offered: Offered, to: &Address, message: Message, depth: u8) -> Receipt {
        let Offered { route, time, mut receipt, full } = offered;
        let Self { bus, routes, pace, .. } = self;
        let (shared, route, id) = (&*bus.0, &routes[route], receipt.id);
        let mut own = route.when_full().pace();
        let pace = own.as_mut().unwrap_or(pace);
        let entry =
            Entry { sequence: id.sequence, time, depth, message: &message, call: None, handout: None };
        for position in full {
            let Some((target, number)) = route.targets.get(position) else {
                let Some(group) = route.groups.get(position.saturating_sub(route.targets.len())) else {
                    continue;
                };
                let event = shared.event(to, message.clone(), id, time, depth);
                receipt.add(bus.insist_on_member(group, event, pace).await);
                continue;
            };
            match target {
                Target::Local(queue) => {
                    let event = shared.event(to, message.clone(), id, time, depth);
                    let one = Delivery::event(event).into();
                    receipt.local += shared.deliver(queue, one, pace).await;
                }
                Target::Peer(peer) => {
                    receipt.peers += shared.send(peer, *number, to, &entry, pace).await;
                }
                Target::Audience(audience) => {
                    receipt.peers += shared.send_to_audience(audience, &to.channel, &entry, pace).await;
                }
                Target::Remote(_) => {}
            }
        }
        receipt
    }
}

impl Receipt {
    /// Counts what was given to a member of a group. False when nobody could be found for it.
    pub(super) fn add(&mut self, handed: Handed) -> bool {
        match handed {
            Handed::Here => self.local += 1,
            Handed::There => self.peers += 1,
            Handed::Denied => self.denied += 1,
            Handed::Full => return false,
        }
        true
    }
}

impl Shared {
    /// The id and time of the next event.
    pub(super) fn stamp(&self) -> (EventId, Hlc) {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        let id = EventId { origin: self.node, incarnation: self.incarnation, sequence };
        (id, self.clock.stamp())
    }

    pub(super) fn event(&self, to: &Address, message: Message, id: EventId, time: Hlc, depth: u8) -> Event {
        let Address { network, channel } = to.clone();
        Event { id, channel, network, time, attempt: 1, depth, retained: false, message }
    }
}
