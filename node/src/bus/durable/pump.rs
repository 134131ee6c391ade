//! One group's way through this node's journal: what lies behind its cursor is given to its members, and the cursor
//! follows what they say.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hive_proto::{
    channel::{Address, NetworkIndex},
    event::Event,
    group::GroupName,
    id::EventId,
    pattern::Pattern,
    plane::{cursor::CursorName, log::Logged},
    time::Hlc,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    bus::{
        Bus,
        group::{GroupRoute, Handed},
    },
    journal::{Batch, Journal, Record, Start},
};

/// Events of one group that members may have at a time: as many holes a cursor may have, at most.
const WINDOW: usize = 512;
/// Bytes read at a time.
const READ_BYTES: usize = 256 << 10;
/// How long a pump waits for members, or after trouble with the disk, before it looks again.
const PAUSE: Duration = Duration::from_millis(250);

/// One group at one journal.
#[derive(Debug)]
pub(in crate::bus) struct Pump {
    network: NetworkIndex,
    group: GroupName,
    journal: Arc<dyn Journal>,
    state: Mutex<State>,
    /// Told when something was settled, or other patterns are wanted.
    changed: Notify,
    ended: AtomicBool,
}

#[derive(Debug)]
struct State {
    /// What the members want together; nothing while there are none.
    patterns: BTreeSet<Pattern>,
    /// Positions that members have.
    given: BTreeSet<u64>,
    /// Something was given up, and what is behind the cursor is to be read again; so it is when the patterns change.
    again: bool,
}

/// Why reading stopped.
enum Turn {
    /// Begin again behind the cursor.
    Again,
    /// The node stops, or the journal is closed.
    End,
}

impl Pump {
    pub(super) fn new(
        network: NetworkIndex,
        group: GroupName,
        journal: Arc<dyn Journal>,
        patterns: BTreeSet<Pattern>,
    ) -> Self {
        let state = Mutex::new(State { patterns, given: BTreeSet::new(), again: false });
        Self { network, group, journal, state, changed: Notify::new(), ended: AtomicBool::new(false) }
    }

    /// What the members want now.
    pub(super) fn wants(&self, patterns: BTreeSet<Pattern>) {
        let mut state = self.lock();
        if state.patterns != patterns {
            state.patterns = patterns;
            state.again = true;
            drop(state);
            self.changed.notify_one();
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// A member has spoken for a position, or none could be found for it.
    pub(super) fn settled(&self, position: u64, spoken_for: bool) {
        let mut state = self.lock();
        state.given.remove(&position);
        state.again |= !spoken_for;
        drop(state);
        if spoken_for {
            self.acknowledge(position, position);
        }
        self.changed.notify_one();
    }

    /// Gives the group what the journal has, until told to stop; a group of one that reads the past ends with it.
    pub(super) async fn run(self: Arc<Self>, bus: Bus, stop: CancellationToken) {
        if self.register().await {
            loop {
                let turn = tokio::select! {
                    () = stop.cancelled() => Turn::End,
                    turn = self.turn(&bus) => turn,
                };
                match turn {
                    Turn::End => break,
                    Turn::Again if self.is_done_with_the_past() => {
                        // What was kept for it is not needed any more; a failure shows in the journal's status.
                        drop(self.name().map(|name| self.journal.forget(&name)));
                        break;
                    }
                    Turn::Again => {}
                }
            }
        }
        self.ended.store(true, Ordering::Relaxed);
    }

    async fn register(&self) -> bool {
        let Some(name) = self.name() else { return false };
        let start = match self.group.replays_from_ms() {
            Some(0) => Start::Beginning,
            Some(ms) => Start::Time(Hlc::from_unix_ms(ms)),
            None => Start::End,
        };
        match self.journal.register(name, start).await {
            Ok(registered) => {
                tracing::debug!(group = %self.group, floor = registered.floor, "the journal has a cursor for it");
                true
            }
            Err(error) => {
                tracing::warn!(group = %self.group, "its events cannot be kept: {error}");
                tokio::time::sleep(PAUSE).await;
                false
            }
        }
    }

    /// Reads from the cursor on, until something makes it begin again.
    async fn turn(self: &Arc<Self>, bus: &Bus) -> Turn {
        let patterns: Vec<Pattern> = {
            let mut state = self.lock();
            state.again = false;
            state.patterns.iter().cloned().collect()
        };
        if patterns.is_empty() {
            self.pause().await;
            return Turn::Again;
        }
        let Some(cursor) = self.name().and_then(|name| self.journal.cursor(&name)) else { return Turn::End };
        let mut reader = self.journal.reader(cursor.floor().saturating_add(1), patterns);
        loop {
            let batch = tokio::select! {
                batch = reader.next(READ_BYTES) => batch,
                () = self.changed.notified() => {
                    if self.lock().again {
                        return Turn::Again;
                    }
                    continue;
                }
            };
            match batch {
                Ok(Some(batch)) => {
                    if !self.give_batch(bus, batch).await {
                        return Turn::Again;
                    }
                }
                Ok(None) => return Turn::End,
                Err(error) => {
                    tracing::error!(group = %self.group, "cannot read the journal: {error}");
                    self.pause().await;
                    return Turn::Again;
                }
            }
        }
    }

    /// False when it is to begin again.
    async fn give_batch(self: &Arc<Self>, bus: &Bus, batch: Batch) -> bool {
        for skipped in batch.skipped() {
            self.acknowledge(*skipped.start(), *skipped.end());
        }
        let cursor = self.name().and_then(|name| self.journal.cursor(&name));
        for Record { position, event } in batch.records {
            if cursor.as_ref().is_some_and(|cursor| cursor.has(position)) {
                continue;
            }
            loop {
                let (again, known, full) = {
                    let state = self.lock();
                    (state.again, state.given.contains(&position), state.given.len() >= WINDOW)
                };
                if again {
                    return false;
                }
                if known || (!full && self.give(bus, position, &event)) {
                    break;
                }
                self.pause().await;
            }
        }
        true
    }

    /// False when there is nobody to give it to now, or no room.
    fn give(self: &Arc<Self>, bus: &Bus, position: u64, logged: &Logged) -> bool {
        let to = Address { network: self.network, channel: logged.channel.clone() };
        let route = bus.0.group_routes(&to).into_iter().find(|route| *route.group() == self.group);
        let Some(route) = route.filter(GroupRoute::has_members) else { return false };
        let id = EventId { origin: bus.node(), incarnation: logged.incarnation, sequence: logged.sequence };
        let event = Event {
            id,
            channel: to.channel,
            network: to.network,
            time: logged.time,
            attempt: 1,
            depth: logged.depth,
            retained: false,
            message: logged.message(),
        };
        if bus.0.drop_expired(&event) {
            self.acknowledge(position, position);
            return true;
        }
        self.lock().given.insert(position);
        let at = (Arc::clone(self), position);
        let handed = bus.hand_out_from(&route, event, |ticket| bus.0.durable.note(ticket, at));
        if handed == Handed::Full {
            self.lock().given.remove(&position);
        }
        handed != Handed::Full
    }

    /// Until something was settled, or a while has passed.
    async fn pause(&self) {
        let _ = tokio::time::timeout(PAUSE, self.changed.notified()).await;
    }

    fn acknowledge(&self, from: u64, to: u64) {
        let Some(name) = self.name() else { return };
        // On disk with the next group commit; until then a crash gives it again.
        match self.journal.acknowledge(&name, from..=to) {
            Ok(saving) => drop(saving),
            Err(error) => {
                tracing::debug!(group = %self.group, "{from} to {to} are not acknowledged: {error}");
            }
        }
    }

    /// Whether it is a group of one for the past, and that one has gone.
    fn is_done_with_the_past(&self) -> bool {
        let state = self.lock();
        self.group.replays_from_ms().is_some() && state.patterns.is_empty() && state.given.is_empty()
    }

    fn name(&self) -> Option<CursorName> {
        CursorName::parse(self.group.as_str()).ok()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
