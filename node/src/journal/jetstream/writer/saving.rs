//! Cursors on their way: each change says which message it replaces, so that one that comes late replaces nothing.

use std::{collections::BTreeMap, sync::Arc};

use hive_proto::plane::{
    cursor::{Cursor, CursorChange, CursorName},
    log::Encoded,
};
use tokio::time::Instant;

use super::{Stop, Writer};
use crate::journal::{
    Promise,
    cursors::Tracked,
    jetstream::{
        api::{ANSWER, Api, Behind, Fault, Sending},
        connect::{ReadCursor, tracked},
        record,
        state::{Save, Shared},
    },
};

/// What is on its way: at most one batch, while the next one gathers.
#[derive(Debug, Default)]
pub(super) struct Saves {
    /// The number of each cursor's message, also of one that is forgotten; none: it has none.
    ///
    /// What says that a cursor is gone stays in the stream for good. A server drops what a newer message of the same subject
    /// replaces without a note of it: killed after the newer one was removed, it finds the older one again.
    revisions: BTreeMap<CursorName, u64>,
    flying: Option<Flight>,
    /// Whose number is not known.
    doubtful: Vec<CursorName>,
}

#[derive(Debug)]
struct Flight {
    changes: Vec<CursorChange>,
    /// What the server said of each.
    outcomes: Vec<Option<Result<u64, Fault>>>,
    saves: Vec<Save>,
    sent: Instant,
}

impl Saves {
    /// Those that were read from a stream whose events end at `last`. What a cursor says of later ones is of events that
    /// the servers have lost: others will stand there.
    pub(super) fn read(&mut self, read: Vec<ReadCursor>, last: u64) -> BTreeMap<CursorName, Tracked> {
        let mut cursors = BTreeMap::new();
        for (change, revision) in read {
            let name = name_of(&change).clone();
            self.revisions.insert(name.clone(), revision);
            if let Some(tracked) = tracked(&change) {
                cursors.insert(name, within(tracked, change, last));
            }
        }
        cursors
    }

    /// Sends what has changed, unless something is on its way.
    pub(super) async fn send(&mut self, api: &Api, shared: &Shared, inbox: &str) -> Result<(), Fault> {
        if self.flying.is_some() {
            return Ok(());
        }
        let (changes, saves) = shared.take_saves();
        if changes.is_empty() {
            saves.into_iter().for_each(|save| save.promise.resolve(Ok(0)));
            return Ok(());
        }
        let messages: Vec<(CursorName, Encoded)> = changes
            .iter()
            .map(|change| (name_of(change).clone(), Encoded::cursors(std::slice::from_ref(change))))
            .collect();
        let outcomes = vec![None; changes.len()];
        self.flying = Some(Flight { changes, outcomes, saves, sent: Instant::now() });
        for (index, (name, mut body)) in messages.into_iter().enumerate() {
            let sending = Sending {
                stream: &shared.names.cursors,
                subject: &shared.names.cursor(&name),
                reply: format!("{inbox}.c.{index}"),
                behind: Behind::Subject(self.revisions.get(&name).copied().unwrap_or(0)),
                id: None,
                body: record::make(shared.names.seals.as_deref(), &mut body, 0),
            };
            api.send(sending).await?;
        }
        Ok(())
    }

    /// What the server says of one.
    pub(super) fn answered(&mut self, index: u64, outcome: Result<u64, Fault>) {
        let outcomes = self.flying.as_mut().map(|flight| &mut flight.outcomes);
        let place = outcomes.zip(usize::try_from(index).ok());
        if let Some(place) = place.and_then(|(outcomes, index)| outcomes.get_mut(index)) {
            *place = Some(outcome);
        }
    }

    /// Tells everybody once all of it is stored.
    pub(super) fn settle(&mut self, shared: &Shared) -> Result<(), Stop> {
        let Some(flight) = &self.flying else { return Ok(()) };
        let mut refused = flight.outcomes.iter().flatten().filter_map(|outcome| outcome.as_ref().err());
        if let Some(fault) = refused.next() {
            return Err(if fault.is_wrong_last() { Stop::Step } else { fault.clone().into() });
        }
        if flight.outcomes.iter().any(Option::is_none) {
            return Ok(());
        }
        if let Some(flight) = self.flying.take() {
            self.note_revisions(&flight);
            shared.lock().cursors.settle(&flight.changes);
            flight.saves.into_iter().for_each(|save| save.promise.resolve(Ok(0)));
        }
        Ok(())
    }

    /// Nobody knows what became of them: they are to be sent again, with what has changed since.
    pub(super) fn doubt(&mut self, shared: &Shared) {
        let Some(mut flight) = self.flying.take() else { return };
        self.note_revisions(&flight);
        let mut state = shared.lock();
        state.cursors.fail(&flight.changes);
        flight.saves.append(&mut state.saves);
        state.saves = flight.saves;
    }

    fn note_revisions(&mut self, flight: &Flight) {
        for (change, outcome) in flight.changes.iter().zip(&flight.outcomes) {
            let name = name_of(change).clone();
            match outcome {
                Some(Ok(revision)) => _ = self.revisions.insert(name, *revision),
                _ => self.doubtful.push(name),
            }
        }
    }

    /// Gives up what has waited too long. Returns who is to be told; the cursors are sent nevertheless.
    pub(super) fn give_up(&mut self, is_late: impl Fn(Instant) -> bool) -> Vec<Arc<Promise>> {
        let Some(flight) = &mut self.flying else { return Vec::new() };
        let (late, rest) =
            std::mem::take(&mut flight.saves).into_iter().partition(|save| is_late(save.since));
        flight.saves = rest;
        let late: Vec<Save> = late;
        late.into_iter().map(|save| save.promise).collect()
    }

    /// Since when somebody has waited.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.flying.as_ref()?.saves.iter().map(|save| save.since).min()
    }

    /// When the server has taken too long for an answer.
    pub(super) fn silent_at(&self) -> Option<Instant> {
        self.flying.as_ref().map(|flight| flight.sent + ANSWER)
    }

    pub(super) fn is_silent(&self) -> bool {
        self.silent_at().is_some_and(|at| at <= Instant::now())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.flying.is_none()
    }

    fn take_doubtful(&mut self) -> Vec<CursorName> {
        std::mem::take(&mut self.doubtful)
    }
}

impl Writer {
    /// Finds out which message each doubtful cursor has.
    pub(super) async fn recover_saves(&mut self, api: &Api) -> Result<(), Stop> {
        let shared = Arc::clone(&self.shared);
        let doubtful = self.saves.take_doubtful();
        for (at, name) in doubtful.iter().enumerate() {
            let names = &shared.names;
            let subject = names.cursor(name);
            let asked = self.meanwhile(api.last(&names.cursors, &subject)).await.ok_or(Stop::Done)?;
            match asked {
                Ok(Some(stored)) => _ = self.saves.revisions.insert(name.clone(), stored.sequence),
                Ok(None) => _ = self.saves.revisions.remove(name),
                Err(fault) => {
                    self.saves.doubtful.extend(doubtful.iter().skip(at).cloned());
                    return Err(fault.into());
                }
            }
        }
        Ok(())
    }
}

fn name_of(change: &CursorChange) -> &CursorName {
    match change {
        CursorChange::Set { name, .. } | CursorChange::Forgotten { name } => name,
    }
}

/// A cursor as far as there are events.
fn within(tracked: Tracked, change: CursorChange, last: u64) -> Tracked {
    let CursorChange::Set { name, cursor, since_ms, lost } = change else { return tracked };
    let furthest = cursor.above().last().map_or(cursor.floor(), |range| *range.end());
    if furthest <= last {
        return tracked;
    }
    tracing::error!("`{name}` had acknowledged {furthest}, and the stream ends at {last}: it lost events");
    let mut shorter = Cursor::at(cursor.floor().min(last));
    for range in cursor.above().filter(|range| *range.start() <= last) {
        // There are no more of them than there were.
        let _ = shorter.acknowledge(*range.start()..=last.min(*range.end()));
    }
    Tracked::changed(shorter, since_ms, lost)
}
