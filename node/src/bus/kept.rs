//! Kept values: a channel's last value, brought to every node, and to every new subscriber first.
//!
//! One lock a network stands around a value's way in and to the subscribers, and around a new subscription's look at the
//! values: so each gets each value once, whichever comes first. How two nodes find out what either lacks is `plane`'s.

mod sync;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use hive_proto::{
    channel::{Address, Channel, NetworkIndex, Scope},
    event::{Event, Message},
    frame::kept::{Kept, KeptSaid},
    id::NodeId,
    limits::KEPT_BYTES_MAX,
    plane::{
        account::DropReason,
        kept::{KeptOutcome, KeptValues},
        table::Side,
    },
    record::Keys,
    time::Hlc,
};

use super::{
    Actor, Delivery, PublishError, Publisher, Receipt, Shared, clock::unix_ms, outbox::Outbox, queue::Offer,
    routes::Target, subscribe::Wanted,
};
use crate::trust::may::Action;

/// How far ahead of this node's clock what comes over a bridge may have been published.
const AHEAD_MS: u64 = 500;

/// Where values outlive the node. It says nothing of failures: they are its own to log.
pub trait Keep: Send + Sync + std::fmt::Debug {
    /// Takes a value, and whatever the channel had before gives way. `local` values belong to no network.
    fn put(&self, network: Option<NetworkIndex>, kept: &Kept);
    /// Forgets that a channel was cleared.
    fn forget(&self, network: Option<NetworkIndex>, channel: &Channel);
}

/// The kept values of all networks, and of local channels.
#[derive(Debug)]
pub(super) struct Keeping {
    /// By the networks' positions; the last one is that of local channels.
    networks: Vec<Mutex<Network>>,
    keep: OnceLock<Arc<dyn Keep>>,
}

#[derive(Debug)]
pub(super) struct Network {
    values: KeptValues,
    /// How far each neighbour's clock is ahead of this node's, in milliseconds.
    ahead: BTreeMap<NodeId, i64>,
    /// It was said aloud that this node's clock is off.
    complained: bool,
}

/// Values of one network, locked.
type Locked<'a> = MutexGuard<'a, Network>;

impl Keeping {
    pub(super) fn new(networks: usize) -> Self {
        let network = |_| {
            let (ahead, complained) = (BTreeMap::new(), false);
            Mutex::new(Network { values: KeptValues::new(), ahead, complained })
        };
        Self { networks: (0..=networks.max(1)).map(network).collect(), keep: OnceLock::new() }
    }

    /// The values a channel belongs to.
    fn of(&self, network: NetworkIndex, is_local: bool) -> Locked<'_> {
        let local = self.networks.len().saturating_sub(1);
        let at = if is_local { local } else { usize::from(network.0).min(local) };
        self.networks[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them, so that nothing changes while somebody subscribes.
    pub(super) fn lock(&self) -> Vec<Locked<'_>> {
        self.networks.iter().map(|network| network.lock().unwrap_or_else(PoisonError::into_inner)).collect()
    }

    fn store(&self, network: NetworkIndex, kept: &Kept) {
        if let Some(keep) = self.keep.get() {
            keep.put((!kept.channel.is_local()).then_some(network), kept);
        }
    }
}

impl super::Bus {
    /// Keeps values here from now on, and begins with those that were kept before.
    pub fn keep_in(&self, keep: Arc<dyn Keep>, before: Vec<(Option<NetworkIndex>, Kept)>) {
        let keeping = &self.0.keeping;
        for (network, kept) in before {
            let is_local = network.is_none();
            keeping.of(network.unwrap_or(NetworkIndex::HOME), is_local).values.take(kept, u64::MAX / 2);
        }
        // Set before only if somebody else keeps them already.
        let _ = keeping.keep.set(keep);
    }

    /// Channels with a kept value, and bytes of all.
    #[must_use]
    pub fn kept(&self) -> (usize, usize) {
        let sizes = self.0.keeping.lock().into_iter().map(|network| network.values.size());
        sizes.fold((0, 0), |(values, bytes), (more, weight)| (values + more, bytes + weight))
    }

    /// A page of the kept values that match and that somebody of this node may have, in the order of their channels,
    /// behind a channel. Empty is the end.
    #[must_use]
    pub fn kept_values(
        &self,
        who: &Actor,
        scope: &Scope,
        after: Option<&Channel>,
        mut page: Page,
    ) -> Vec<Event> {
        let rules = self.0.rules.load();
        let may = |kept: &&Kept| rules.may(who.principal(), Action::Subscribe, scope.network, &kept.channel);
        let mut found = BTreeMap::new();
        for is_local in [true, false] {
            if is_local && scope.network != NetworkIndex::HOME {
                continue;
            }
            let network = self.0.keeping.of(scope.network, is_local);
            let mut room = page;
            let matching = network.values.matching_after(&scope.pattern, after).filter(may);
            let matching = matching.filter_map(|kept| replay(kept, scope.network));
            found.extend(
                matching.take_while(|event| room.take(event)).map(|event| (event.channel.clone(), event)),
            );
        }
        found.into_values().take_while(|event| page.take(event)).collect()
    }
}

/// How much is taken of something at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// So many values.
    pub values: usize,
    /// Values until so many bytes are reached; the one that reaches them is the last.
    pub bytes: usize,
}

impl Page {
    /// Everything.
    pub const ALL: Self = Self { values: usize::MAX, bytes: usize::MAX };

    fn take(&mut self, event: &Event) -> bool {
        if self.values == 0 || self.bytes == 0 {
            return false;
        }
        self.values = self.values.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(event.message.weight().max(1));
        true
    }
}

impl Publisher {
    /// Publishes a message and keeps it as the channel's last value; without one the channel is cleared, and its
    /// subscribers get an empty event.
    ///
    /// # Errors
    /// As [`Publisher::publish`], when the value is too large, when no more values fit, or when this node's clock is off.
    pub fn keep(
        &mut self,
        to: &Address,
        message: Option<Message>,
        depth: u8,
    ) -> Result<Receipt, PublishError> {
        self.check(to, message.as_ref().unwrap_or(&Message::default()), depth)?;
        // Nothing is later than what is published now.
        Ok(self.keep_unless_later(to, message, depth, None)?.expect("a receipt"))
    }

    /// The same for what was checked, and published first at some time, which it keeps. None when what is kept is not
    /// older.
    pub(super) fn keep_unless_later(
        &mut self,
        to: &Address,
        message: Option<Message>,
        depth: u8,
        since: Option<Hlc>,
    ) -> Result<Option<Receipt>, PublishError> {
        let bytes = message.as_ref().map_or(0, |message| message.payload.len());
        let shared = &*self.bus().0;
        shared.permit(self.who(), Action::Publish, to)?;
        shared.permit(self.who(), Action::Retain, to)?;
        if bytes > KEPT_BYTES_MAX {
            return Err(PublishError::KeptTooLarge(bytes));
        }
        let mut network = shared.keeping.of(to.network, to.channel.is_local());
        if let Some(ahead_ms) = network.clock_is_off() {
            return Err(PublishError::Clock(ahead_ms));
        }
        let (id, now) = shared.stamp();
        let head = network.values.head(&to.channel).map(|head| head.time);
        // A time to come counts as the latest that clocks may be ahead; two values of one tick are apart by less.
        let latest = Hlc::from_unix_ms(now.unix_ms().saturating_add(AHEAD_MS));
        let time = match (since.map(|since| since.min(latest)), head) {
            (Some(since), Some(head)) if head >= since => return Ok(None),
            (Some(since), _) => since,
            // What is known here came before, also by a clock that is a little ahead.
            (None, head) => head.map_or(now, |head| now.max(Hlc(head.0.saturating_add(1)))),
        };
        let signer = shared.relays.signer();
        let keys = signer.map(|signer| signer as &dyn Keys);
        let kept = Kept::sign(keys, to.network, (id, time, depth), to.channel.clone(), message);
        if !network.values.has_room(&to.channel, kept.bytes.len()) {
            return Err(PublishError::KeptFull);
        }
        match network.values.take(kept.clone(), u64::MAX / 2) {
            KeptOutcome::New | KeptOutcome::Known => {}
            KeptOutcome::Older | KeptOutcome::Future | KeptOutcome::Full => {
                return Err(PublishError::KeptFull);
            }
        }
        shared.keeping.store(to.network, &kept);
        let local = shared.hand_to_subscribers(&kept, to.network, false);
        let peers = if to.channel.is_local() { 0 } else { shared.spread(to.network, &kept, None, true) };
        drop(network);
        let mut receipt = Receipt { id, local, peers, durable: false, denied: 0 };
        for group in shared.group_routes(to) {
            receipt.add(self.bus().hand_out(&group, event(&kept, to.network, false)));
        }
        Ok(Some(receipt))
    }
}

impl Shared {
    /// Gives a value that is new here to everybody who is subscribed. Returns to how many.
    fn hand_to_subscribers(&self, kept: &Kept, network: NetworkIndex, retained: bool) -> u32 {
        let table = self.routes.table();
        let mut local = 0_u32;
        for target in table.wanting(Side::Local, network, &kept.channel) {
            let Target::Local(queue) = target else { continue };
            if !self.may_have(queue, Action::Subscribe, network, &kept.channel) {
                continue;
            }
            // What is kept here a bridge keeps on its other side, and so is told.
            let retained = retained || matches!(queue.actor(), Actor::Bridge(_));
            match queue.offer(Delivery::event(event(kept, network, retained)).into()) {
                Offer::Taken => {}
                Offer::Closed(_) => continue,
                // Nobody waits while the values are locked.
                Offer::Full(back) => self.account.dropped(DropReason::SlowConsumer, queue.force(*back)),
            }
            local = local.saturating_add(1);
        }
        local
    }

    /// Passes a value on to the neighbours but the one it came from. Returns to how many.
    fn spread(&self, network: NetworkIndex, kept: &Kept, from: Option<NodeId>, live: bool) -> u32 {
        let said = match live {
            true => KeptSaid::Live(kept.bytes.clone()),
            false => KeptSaid::Values(vec![kept.bytes.clone()]),
        };
        let frame = said.encode();
        let neighbours = self.routes.neighbours(network);
        let others = neighbours.iter().filter(|(node, _)| Some(*node) != from);
        // Who has no room now lacks it until the next comparison.
        let sent = others.filter(|(_, outbox)| outbox.in_order(frame.clone())).count();
        u32::try_from(sent).unwrap_or(u32::MAX)
    }
}

/// What a new subscription finds: every value its new patterns match and its old ones did not, and that its holder `may`
/// have, once.
pub(super) fn first_values(
    locked: &[Locked<'_>],
    new: &[&Wanted],
    before: &BTreeSet<Wanted>,
    may: impl Fn(NetworkIndex, &Channel) -> bool,
) -> VecDeque<Event> {
    let mut found = BTreeMap::new();
    // Of what is for one member of a group nothing is kept for the others.
    for Wanted { scope, .. } in new.iter().filter(|wanted| wanted.group.is_none()) {
        let local = locked.len().saturating_sub(1);
        let of_network =
            locked.get(usize::from(scope.network.0)).filter(|_| usize::from(scope.network.0) < local);
        let of_locals = locked.last().filter(|_| scope.network == NetworkIndex::HOME);
        for network in of_network.into_iter().chain(of_locals) {
            for kept in network.values.matching(&scope.pattern) {
                let had = |wanted: &Wanted| {
                    wanted.group.is_none()
                        && wanted.scope.network == scope.network
                        && wanted.scope.pattern.matches(&kept.channel)
                };
                if !before.iter().any(had)
                    && may(scope.network, &kept.channel)
                    && let Some(event) = replay(kept, scope.network)
                {
                    found.insert((scope.network, kept.channel.clone()), event);
                }
            }
        }
    }
    found.into_values().collect()
}

/// A value as a new subscriber gets it; none for a cleared channel, and for what has expired.
fn replay(kept: &Kept, network: NetworkIndex) -> Option<Event> {
    let event = kept.message.is_some().then(|| event(kept, network, true))?;
    // It was not lost to anybody: nothing is counted.
    let has_expired = event.message.expires_ms().is_some() && event.has_expired(wall_ms());
    (!has_expired).then_some(event)
}

fn event(kept: &Kept, network: NetworkIndex, retained: bool) -> Event {
    Event {
        id: kept.id,
        channel: kept.channel.clone(),
        network,
        time: kept.time,
        attempt: 1,
        depth: kept.depth,
        retained,
        message: kept.message.clone().unwrap_or_default(),
    }
}

/// Where frames for a neighbour go.
type Neighbour = (NodeId, Arc<Outbox>);

impl super::routes::Routes {
    /// The neighbours in a network.
    pub(super) fn neighbours(&self, network: NetworkIndex) -> Vec<Neighbour> {
        let of = |((of, node), outbox): ((NetworkIndex, NodeId), Arc<Outbox>)| {
            (of == network).then_some((node, outbox))
        };
        self.outboxes().into_iter().filter_map(of).collect()
    }
}

/// This node's wall clock, for comparisons with others'.
fn wall_ms() -> u64 {
    unix_ms()
}
