//! Reading a journal: in order, from a position, what matches. While the servers are away it waits.

use std::{collections::BTreeMap, ops::RangeInclusive, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use hive_proto::{
    pattern::Pattern,
    plane::log::{Body, Logged},
    time::Hlc,
};
use tokio::sync::watch;

use super::{
    api::{Api, Fault, Stored},
    names::Names,
    record,
    state::Shared,
};
use crate::journal::{Batch, ReadError, Reader, Record, Start};

/// The least that is asked for at once, and the most.
const READ_BYTES_MIN: usize = 4 << 10;
const READ_BYTES_MAX: usize = 8 << 20;
/// After trouble.
const PAUSE: Duration = Duration::from_millis(200);
/// Events that are published at the same time are not stored in the order of their clocks; by no more than this.
const DISORDER_MS: u64 = 1_000;

/// Somebody's place in the journal.
#[derive(Debug)]
pub(super) struct StreamReader {
    shared: Arc<Shared>,
    durable: watch::Receiver<u64>,
    /// The next position.
    next: u64,
    /// Empty: everything.
    patterns: Vec<Pattern>,
}

impl StreamReader {
    pub(super) fn new(shared: Arc<Shared>, from: u64, patterns: Vec<Pattern>) -> Self {
        let durable = shared.durable.subscribe();
        Self { shared, durable, next: from.max(1), patterns }
    }

    fn wants(&self, event: &Logged) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.matches(&event.channel))
    }

    fn batch(&self, stored: Vec<Stored>, through: u64) -> Batch {
        let events =
            stored.into_iter().filter_map(|one| Some((one.sequence, event_of(&one, &self.shared.names)?)));
        let records = events.filter(|(_, event)| self.wants(event));
        let records = records.map(|(position, event)| Record { position, event }).collect();
        Batch { first: self.next, through, records }
    }
}

impl Reader for StreamReader {
    fn next(&mut self, bytes: usize) -> BoxFuture<'_, Result<Option<Batch>, ReadError>> {
        Box::pin(async move {
            loop {
                let durable = *self.durable.borrow_and_update();
                if self.next > durable {
                    tokio::select! {
                        biased;
                        // Its sender lives as long as what this reader shares with it.
                        _ = self.durable.changed() => continue,
                        () = self.shared.ended.cancelled() => return Ok(None),
                    }
                }
                // There is nothing to read before there was a connection.
                let Some(api) = self.shared.api.get() else { continue };
                let bytes = bytes.clamp(READ_BYTES_MIN, READ_BYTES_MAX);
                let read = tokio::select! {
                    read = stretch(api, &self.shared.names, self.next..=durable, bytes) => read,
                    () = self.shared.ended.cancelled() => return Err(ReadError::Interrupted),
                };
                match read {
                    Ok((stored, through)) => {
                        let batch = self.batch(stored, through);
                        self.next = through.saturating_add(1);
                        return Ok(Some(batch));
                    }
                    Err(fault) => {
                        tracing::debug!("cannot read the stream {} now: {fault}", self.shared.names.events);
                        tokio::select! {
                            () = tokio::time::sleep(PAUSE) => {}
                            () = self.shared.ended.cancelled() => return Err(ReadError::Interrupted),
                        }
                    }
                }
            }
        })
    }
}

/// The event of a message. What is none of this journal is left out and named.
fn event_of(stored: &Stored, names: &Names) -> Option<Logged> {
    match record::read(names.seals.as_deref(), &stored.body, stored.sequence) {
        Some(Body::Event(event)) => Some(event),
        _ => {
            let (position, stream) = (stored.sequence, &names.events);
            tracing::error!(
                "message {position} of the stream {stream} is no event of this node, and left out"
            );
            None
        }
    }
}

/// About so many bytes of what stands at some positions, at least one message of it, and the position up to which that
/// is all there is.
async fn stretch(
    api: &Api,
    names: &Names,
    positions: RangeInclusive<u64>,
    bytes: usize,
) -> Result<(Vec<Stored>, u64), Fault> {
    let (from, last) = (*positions.start(), *positions.end());
    let mut stored = api.batch(&names.events, from, bytes).await?;
    if stored.is_empty() {
        // A copy may be behind, and only the leader can say that there is nothing.
        stored.extend(api.next(&names.events, from, &names.subject).await?);
    }
    stored.retain(|one| positions.contains(&one.sequence));
    let through = stored.last().map_or(last, |one| one.sequence);
    Ok((stored, through))
}

/// Under which id an event stands at each of these positions.
pub(super) async fn ids(
    api: &Api,
    names: &Names,
    positions: RangeInclusive<u64>,
) -> Result<BTreeMap<String, u64>, Fault> {
    let (mut next, last) = (*positions.start(), *positions.end());
    let mut ids = BTreeMap::new();
    while next <= last {
        let (stored, through) = stretch(api, names, next..=last, READ_BYTES_MAX).await?;
        let events = stored.iter().filter_map(|one| Some((id_of(&event_of(one, names)?), one.sequence)));
        ids.extend(events);
        next = through.saturating_add(1);
    }
    Ok(ids)
}

/// What an event is known by.
pub(super) fn id_of(event: &Logged) -> String {
    format!("{}-{}", event.incarnation.0, event.sequence)
}

/// The first position that `start` means.
pub(super) async fn find(shared: &Shared, start: Start) -> Result<u64, ReadError> {
    let unreadable = |why: String| ReadError::Servers { servers: shared.config.named(), why };
    shared.until_opened().await.map_err(|error| unreadable(error.to_string()))?;
    let kept = shared.lock().kept;
    let next = kept.last.saturating_add(1);
    match start {
        Start::End => Ok(next),
        Start::Beginning => Ok(kept.first),
        Start::Position(position) => Ok(position.clamp(kept.first.min(next), next)),
        Start::Time(time) => {
            let Some(api) = shared.api.get() else { return Err(ReadError::Interrupted) };
            let found = find_time(api, &shared.names, kept.first..=kept.last, time).await;
            found.map_err(|fault| unreadable(fault.to_string()))
        }
    }
}

/// The first of these positions with an event that was published at this time or later, or the one behind the last.
pub(super) async fn find_time(
    api: &Api,
    names: &Names,
    positions: RangeInclusive<u64>,
    time: Hlc,
) -> Result<u64, Fault> {
    let last = *positions.end();
    let early = Hlc::from_unix_ms(time.unix_ms().saturating_sub(DISORDER_MS));
    // Everything below `low` is earlier than that, and what is at `high` is not, or is beyond the end.
    let (mut low, mut high) = (*positions.start(), last.saturating_add(1));
    while low < high {
        let middle = low.saturating_add(high.saturating_sub(low) / 2);
        match api.next(&names.events, middle, &names.subject).await? {
            Some(one) if one.sequence < high => {
                if event_of(&one, names).is_some_and(|event| event.time >= early) {
                    high = middle;
                } else {
                    low = one.sequence.saturating_add(1);
                }
            }
            _ => high = middle,
        }
    }
    while low <= last {
        let (stored, through) = stretch(api, names, low..=last, READ_BYTES_MAX >> 3).await?;
        let found = stored.iter().find(|one| event_of(one, names).is_some_and(|event| event.time >= time));
        if let Some(found) = found {
            return Ok(found.sequence);
        }
        low = through.saturating_add(1);
    }
    Ok(last.saturating_add(1))
}
