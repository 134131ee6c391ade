//! Durable channels: what is published on one is on disk before it is acknowledged, and each group gets all of it, from
//! where its cursor in this node's journal stands.
//!
//! What it owns: which channels are durable, and one pump a group. A member's word about an event moves the cursor; an
//! event that nobody has spoken for is given again, also by the node's next life. How a journal keeps its promises is
//! not known here.

mod pump;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use futures_util::future::join_all;
use hive_proto::{
    channel::{Address, NetworkIndex, Scope},
    event::Message,
    frame::handout::Settled,
    group::GroupName,
    id::EventId,
    pattern::Pattern,
    plane::log::Logged,
    time::Hlc,
};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

pub(super) use self::pump::Pump;
use super::{Bus, PublishError};
use crate::journal::{AppendError, Appending, Journal};

/// Groups one node pumps for. Each has a cursor, and who joins them may be anybody whom the rules let.
const PUMPS_MAX: usize = 1024;
/// How often it is looked whether a group came or changed, beside when somebody joins.
const LOOK: Duration = Duration::from_millis(500);
/// How long journals may take for what they have in hand when the node leaves.
const CLOSE: Duration = Duration::from_millis(1_500);

/// The journals of a node, and what of them is with members of groups.
#[derive(Debug, Default)]
pub(super) struct Durable {
    /// By network. Set once, before anything is published.
    journals: OnceLock<BTreeMap<NetworkIndex, Journalled>>,
    /// By ticket: where an event that a member has stands in a journal.
    given: Mutex<BTreeMap<u64, (Arc<Pump>, u64)>>,
    /// Told when a group may have come.
    joined: Notify,
}

/// A journal and what it is for.
#[derive(Debug)]
pub struct Journalled {
    /// Where it is kept.
    journal: Arc<dyn Journal>,
    /// The durable channels; replaced by the root when the configuration changes.
    patterns: ArcSwap<Vec<Pattern>>,
}

impl Journalled {
    /// A journal for these channels.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>, patterns: Vec<Pattern>) -> Self {
        Self { journal, patterns: ArcSwap::from_pointee(patterns) }
    }
}

impl Durable {
    /// The journal that a channel's events go to first, if it is a durable one.
    pub(super) fn journal(&self, to: &Address) -> Option<&Arc<dyn Journal>> {
        let Journalled { journal, patterns } = self.journals.get()?.get(&to.network)?;
        let durable =
            !to.channel.is_local() && patterns.load().iter().any(|pattern| pattern.matches(&to.channel));
        durable.then_some(journal)
    }

    /// Somebody joined a group.
    pub(super) fn hurry(&self) {
        self.joined.notify_waiters();
    }

    /// Notes where an event stands that is about to be given to a member.
    pub(super) fn note(&self, ticket: u64, at: (Arc<Pump>, u64)) {
        self.given().insert(ticket, at);
    }

    /// Whether an event that a member was given stands in a journal.
    pub(super) fn has(&self, ticket: u64) -> bool {
        self.given().contains_key(&ticket)
    }

    /// A member says what became of an event.
    pub(super) fn settled(&self, ticket: u64, settled: Settled) {
        if matches!(settled, Settled::Done | Settled::Dead) {
            let at = self.given().remove(&ticket);
            at.into_iter().for_each(|(pump, position)| pump.settled(position, true));
        }
    }

    /// There was no member for an event for too long. False when it stands in no journal, and is lost.
    pub(super) fn gave_up(&self, ticket: u64) -> bool {
        let at = self.given().remove(&ticket);
        at.into_iter().map(|(pump, position)| pump.settled(position, false)).count() > 0
    }

    fn given(&self) -> MutexGuard<'_, BTreeMap<u64, (Arc<Pump>, u64)>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bus {
    /// Publishes on these journals' channels go to them first. Only the first call counts.
    pub fn journal_in(&self, journals: BTreeMap<NetworkIndex, Journalled>) {
        // A second call would be a mistake of the root's.
        let _ = self.0.durable.journals.set(journals);
    }

    /// From here on these channels are durable, of the networks that have a journal. What a journal has of others is still
    /// given to their groups.
    pub fn durable(&self, channels: &[Scope]) {
        for (network, Journalled { patterns, .. }) in self.0.durable.journals.get().into_iter().flatten() {
            let its = channels.iter().filter(|scope| scope.network == *network);
            patterns.store(Arc::new(its.map(|scope| scope.pattern.clone()).collect()));
        }
        self.resolve_anew();
    }

    /// Whether all that a pattern matches is durable.
    #[must_use]
    pub fn is_durable(&self, scope: &Scope) -> bool {
        let journal = self.0.durable.journals.get().and_then(|journals| journals.get(&scope.network));
        let covers = |durable: &Pattern| durable.covers(&scope.pattern);
        journal.is_some_and(|Journalled { patterns, .. }| patterns.load().iter().any(covers))
    }

    /// The journals, by network, for who shows them.
    #[must_use]
    pub fn journals(&self) -> Vec<(NetworkIndex, Arc<dyn Journal>)> {
        let journals = self.0.durable.journals.get().into_iter().flatten();
        journals.map(|(network, journalled)| (*network, Arc::clone(&journalled.journal))).collect()
    }

    /// Gives what the journals have to the groups, until told to stop.
    pub async fn pump(&self, stop: CancellationToken) {
        let Some(journals) = self.0.durable.journals.get().filter(|journals| !journals.is_empty()) else {
            return;
        };
        let (mut pumps, mut running) = (BTreeMap::new(), JoinSet::new());
        loop {
            let joined = self.0.durable.joined.notified();
            for (network, journalled) in journals {
                self.follow((*network, journalled), &mut pumps, &mut running, &stop);
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = joined => {}
                // A pump that has ended may be begun anew.
                Some(_) = running.join_next() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        while running.join_next().await.is_some() {}
        // What was settled last is on its way to where it is kept.
        let closing = journals.values().map(|journalled| journalled.journal.close());
        if tokio::time::timeout(CLOSE, join_all(closing)).await.is_err() {
            tracing::warn!(
                "a journal is not closed: the last words of groups' members may be lost, and come again"
            );
        }
    }

    /// Begins a pump for each new group, and tells the others what their groups want now.
    fn follow(
        &self,
        (network, journalled): (NetworkIndex, &Journalled),
        pumps: &mut BTreeMap<(NetworkIndex, GroupName), Arc<Pump>>,
        running: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) {
        let rules = self.0.rules.load();
        let wanted = self.0.routes.groups(network, |node, (group, pattern)| {
            let may = rules.may_join_some(network, node, pattern);
            let patterns = journalled.patterns.load();
            if !may && patterns.iter().any(|durable| durable.overlaps(pattern)) {
                self.0.groups.say_denied(group, pattern);
            }
            may
        });
        drop(rules);
        for ((of, group), pump) in pumps.iter() {
            if *of == network && !wanted.contains_key(group) {
                pump.wants(BTreeSet::new());
            }
        }
        pumps.retain(|_, pump| !pump.has_ended());
        for (group, patterns) in wanted {
            if let Some(pump) = pumps.get(&(network, group.clone())) {
                pump.wants(patterns);
                continue;
            }
            if pumps.len() >= PUMPS_MAX {
                tracing::warn!(%group, "{PUMPS_MAX} groups are given to already; this one waits until one has gone");
                return;
            }
            let pump = Arc::new(Pump::new(network, group.clone(), Arc::clone(&journalled.journal), patterns));
            running.spawn(Arc::clone(&pump).run(self.clone(), stop.clone()));
            pumps.insert((network, group), pump);
        }
    }
}

/// Has an event written down. It is on disk when what is returned resolves.
pub(super) fn write_down(
    journal: &Arc<dyn Journal>,
    to: &Address,
    message: &Message,
    (id, time, depth): (EventId, Hlc, u8),
) -> Result<Appending, PublishError> {
    let logged = Logged {
        incarnation: id.incarnation,
        sequence: id.sequence,
        time,
        depth,
        expires_ms: message.expires_ms().map(|after_ms| time.unix_ms().saturating_add(after_ms)),
        channel: to.channel.clone(),
        message: message.clone(),
    };
    journal.append(&logged).map_err(not_durable)
}

/// The journal could not take it.
pub(super) fn not_durable(error: AppendError) -> PublishError {
    PublishError::NotDurable(error.to_string())
}
