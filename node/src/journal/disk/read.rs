//! Reading a journal: in order, from a position, what matches; from the disk, on a thread that may block.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use hive_proto::{
    pattern::Pattern,
    plane::log::{Body, Index},
};
use tokio::sync::watch;

use super::{
    segment::Segment,
    state::Shared,
    walk::{Step, Walk},
};
use crate::journal::{Batch, ReadError, Reader, Record, Start};

/// The least that is read at once, and the most.
const READ_BYTES_MIN: usize = 4 << 10;
const READ_BYTES_MAX: usize = 8 << 20;

/// Somebody's place in the journal.
#[derive(Debug)]
pub(super) struct DiskReader {
    shared: Arc<Shared>,
    durable: watch::Receiver<u64>,
    place: Place,
    /// Empty: everything.
    patterns: Arc<[Pattern]>,
}

/// The next position, and where it begins if that is known.
#[derive(Debug, Clone)]
struct Place {
    position: u64,
    at: Option<(Arc<Segment>, u64)>,
}

impl DiskReader {
    pub(super) fn new(shared: Arc<Shared>, from: u64, patterns: Vec<Pattern>) -> Self {
        let durable = shared.durable.subscribe();
        Self { shared, durable, place: Place { position: from.max(1), at: None }, patterns: patterns.into() }
    }
}

impl Reader for DiskReader {
    fn next(&mut self, bytes: usize) -> BoxFuture<'_, Result<Option<Batch>, ReadError>> {
        Box::pin(async move {
            loop {
                let durable = *self.durable.borrow_and_update();
                if self.place.position > durable {
                    tokio::select! {
                        biased;
                        // Its sender lives as long as what this reader shares with it.
                        _ = self.durable.changed() => continue,
                        () = self.shared.ended.cancelled() => {}
                    }
                    if self.place.position > *self.durable.borrow() {
                        return Ok(None);
                    }
                    continue;
                }
                let (shared, place) = (Arc::clone(&self.shared), self.place.clone());
                let patterns = Arc::clone(&self.patterns);
                let read = move || read(&shared, place, durable, &patterns, bytes);
                let read = tokio::task::spawn_blocking(read).await;
                let (batch, place) = read.map_err(|_| ReadError::Interrupted)??;
                self.place = place;
                return Ok(Some(batch));
            }
        })
    }
}

/// Reads about so many bytes from a place on, up to the position `durable`.
fn read(
    shared: &Shared,
    mut place: Place,
    durable: u64,
    patterns: &[Pattern],
    bytes: usize,
) -> Result<(Batch, Place), ReadError> {
    let first = place.position;
    let mut batch = Batch { first, through: first.saturating_sub(1), records: Vec::new() };
    loop {
        let Some((segment, offset)) = find_place(shared, &place) else {
            // Nothing is kept from here to the end.
            batch.through = durable;
            return Ok((batch, Place { position: durable.saturating_add(1), at: None }));
        };
        let ahead = bytes.clamp(READ_BYTES_MIN, READ_BYTES_MAX);
        let (closed, last, wanted) = {
            let index = segment.index();
            (index.last < durable, index.last, may_match(&index, patterns))
        };
        if closed && !wanted {
            (place, batch.through) = (Place { position: last.saturating_add(1), at: None }, last);
            if last >= durable {
                return Ok((batch, place));
            }
            continue;
        }
        let mut walk = segment.walk(offset, ahead);
        let stop = offset.saturating_add(ahead as u64);
        let (full, at) = take(&segment, &mut walk, (stop, durable), patterns, &mut batch)?;
        if !full {
            // What was here up to the end of the segment is not kept any more.
            batch.through = batch.through.max(last.min(durable));
        }
        place = Place { position: batch.through.saturating_add(1), at: Some((segment, at)) };
        // What is read on the way from a mark to the position is not what was asked for.
        let some = full && batch.through >= first;
        if some || !batch.records.is_empty() || batch.through >= durable {
            return Ok((batch, place));
        }
    }
}

/// Takes records until `stop` is passed. Returns whether more may follow, and where to go on.
fn take(
    segment: &Segment,
    walk: &mut Walk<'_>,
    (stop, durable): (u64, u64),
    patterns: &[Pattern],
    batch: &mut Batch,
) -> Result<(bool, u64), ReadError> {
    let damaged = |offset, position| ReadError::Damaged { path: segment.path.clone(), offset, position };
    let failed = |error| ReadError::Io { path: segment.path.clone(), source: Arc::new(error) };
    loop {
        let offset = walk.offset();
        if offset >= stop {
            return Ok((true, offset));
        }
        let found = match walk.step().map_err(failed)? {
            Step::Record(found) => found,
            Step::End => return Ok((false, offset)),
            Step::Bad { offset } => return Err(damaged(offset, batch.through.saturating_add(1))),
        };
        if !Body::is_event(&found.body) {
            continue;
        }
        let position = found.head.position;
        if position > durable {
            return Ok((true, offset));
        }
        if position < batch.first {
            continue;
        }
        let Ok(Body::Event(event)) = Body::decode(&found.body) else {
            return Err(damaged(offset, position));
        };
        batch.through = position;
        if patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(&event.channel)) {
            batch.records.push(Record { position, event });
        }
    }
}

/// Where reading goes on: where it stopped, while that is still so, or the nearest mark.
fn find_place(shared: &Shared, place: &Place) -> Option<(Arc<Segment>, u64)> {
    let segment = shared.lock().segment_of(place.position)?;
    // A segment that was written anew is another one.
    if let Some((known, offset)) = &place.at
        && Arc::ptr_eq(known, &segment)
    {
        return Some((segment, *offset));
    }
    let offset = segment.index().place_of(place.position).map_or(segment.start, |mark| mark.offset);
    Some((segment, offset))
}

fn may_match(index: &Index, patterns: &[Pattern]) -> bool {
    let Some(channels) = &index.channels else { return true };
    patterns.is_empty()
        || channels.iter().any(|known| patterns.iter().any(|pattern| pattern.matches(&known.channel)))
}

/// The first position that `start` means.
pub(super) fn find(shared: &Shared, start: Start) -> Result<u64, ReadError> {
    let (first, next, held) = {
        let state = shared.lock();
        (state.first(), state.next, state.held.clone())
    };
    let time = match start {
        Start::End => return Ok(next),
        Start::Beginning => return Ok(first),
        Start::Position(position) => return Ok(position.clamp(first, next)),
        Start::Time(time) => time,
    };
    for segment in held {
        let place = {
            let index = segment.index();
            if index.times.is_none_or(|(_, latest)| latest < time) {
                continue;
            }
            index.place_of_time(time).map_or(segment.start, |mark| mark.offset)
        };
        let mut walk = segment.walk(place, READ_BYTES_MIN << 4);
        let failed = |error| ReadError::Io { path: segment.path.clone(), source: Arc::new(error) };
        loop {
            match walk.step().map_err(failed)? {
                Step::Record(found) => {
                    if let Ok(Body::Event(event)) = Body::decode(&found.body)
                        && event.time >= time
                    {
                        return Ok(found.head.position);
                    }
                }
                Step::End => break,
                Step::Bad { offset } => {
                    let position = segment.first;
                    return Err(ReadError::Damaged { path: segment.path.clone(), offset, position });
                }
            }
        }
    }
    Ok(next)
}
