//! The journal's thread: takes all that waits, writes it in one go, syncs once, and tells everybody.
//!
//! What it owns: every change of the files. It exists because a sync blocks, and because one sync for all that waits is
//! what makes durable publishing fast. It must not know who waits.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hive_proto::plane::{
    cursor::CursorChange,
    log::{Encoded, Index},
};

use super::{
    segment::{Segment, SegmentHead, TRAILER_BYTES, file_name, trailer},
    state::{Shared, Work},
};
use crate::{journal::AppendError, trust};

/// Records are copied together up to this before they are written.
const GATHERED_BYTES: usize = 1 << 20;
/// A record this large is written from where it is.
const LARGE_BYTES: usize = 128 << 10;
/// The index has a mark each so many bytes: what is read in vain to find a position.
pub(super) const MARK_BYTES: u64 = 64 << 10;
/// Cursors in one record, so that it stays far below the largest.
const CURSORS_A_RECORD: usize = 128;

/// The thread's own.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    /// The segment that grows; none before the first write, and after a sync that failed.
    active: Option<Arc<Segment>>,
    /// Where the last mark of the active segment is.
    marked: Option<u64>,
    buffer: Vec<u8>,
    /// When retention was looked at last, and when it is to be looked at again.
    pub(super) kept: Instant,
    pub(super) patience: Duration,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, active: Option<Arc<Segment>>) -> Self {
        let marked = active.as_ref().and_then(|segment| segment.index().marks.last().map(|mark| mark.offset));
        let (kept, patience) = (Instant::now(), Duration::ZERO);
        Self { shared, active, marked, buffer: Vec::new(), kept, patience }
    }

    /// Works until the journal is closed and all is written.
    pub(super) fn run(mut self) {
        loop {
            self.retain();
            match self.shared.work(self.patience.saturating_sub(self.kept.elapsed())) {
                Some(work) => self.commit(work),
                None if self.shared.lock().closing => break,
                None => {}
            }
        }
    }

    fn commit(&mut self, mut work: Work) {
        let first = self.shared.lock().next;
        if work.events.is_empty() && work.changes.is_empty() {
            return work.promise.resolve(Ok(first));
        }
        match self.write(&mut work, first) {
            Ok((segment, end)) => {
                self.add_to_index(&segment, &work, first);
                segment.set_end(end);
                let events = work.events.len() as u64;
                let mut state = self.shared.lock();
                state.settle(events, &work.changes);
                let last = state.next.saturating_sub(1);
                drop(state);
                if events > 0 {
                    self.shared.durable.send_replace(last);
                }
                work.promise.resolve(Ok(first));
            }
            Err(error) => {
                tracing::error!("{error}");
                self.shared.lock().fail(&work.changes, &error);
                work.promise.resolve(Err(error));
            }
        }
    }

    /// Writes and syncs. Returns the segment and where it ends now.
    fn write(&mut self, work: &mut Work, first: u64) -> Result<(Arc<Segment>, u64), AppendError> {
        let segment = self.growing(first)?;
        let base = segment.end();
        let written = match self.write_records(&segment, work, first) {
            Ok(end) => end,
            Err(source) => {
                // What is behind the end may be anything now; what cannot be cut is not built upon.
                if self.shared.system.truncate(&segment.file, base).is_err() {
                    self.abandon(&segment);
                }
                return Err(AppendError::Write { path: segment.path.clone(), source: Arc::new(source) });
            }
        };
        if let Err(source) = self.shared.system.sync(&segment.file) {
            // The system may have dropped the pages and forgotten it, so no later sync of this file says anything.
            let _ = self.shared.system.truncate(&segment.file, base);
            self.abandon(&segment);
            return Err(AppendError::Sync { path: segment.path.clone(), source: Arc::new(source) });
        }
        Ok((segment, written))
    }

    fn write_records(&mut self, segment: &Segment, work: &mut Work, first: u64) -> std::io::Result<u64> {
        let mut at = segment.end();
        let synced = u32::try_from(at).unwrap_or(u32::MAX);
        let system = &self.shared.system;
        self.buffer.clear();
        let mut next = first;
        for event in &mut work.events {
            let record = event.record.finish(next, synced, segment.salt);
            next = next.saturating_add(1);
            if self.buffer.len() + record.len() > GATHERED_BYTES && !self.buffer.is_empty() {
                system.write(&segment.file, &self.buffer, at)?;
                at = at.saturating_add(self.buffer.len() as u64);
                self.buffer.clear();
            }
            if record.len() >= LARGE_BYTES && self.buffer.is_empty() {
                system.write(&segment.file, record, at)?;
                at = at.saturating_add(record.len() as u64);
            } else {
                self.buffer.extend_from_slice(record);
            }
        }
        if !work.changes.is_empty() {
            put_cursors(&mut self.buffer, &work.changes, next, (synced, segment.salt));
        }
        if !self.buffer.is_empty() {
            system.write(&segment.file, &self.buffer, at)?;
        }
        Ok(at.saturating_add(self.buffer.len() as u64))
    }

    fn add_to_index(&mut self, segment: &Segment, work: &Work, first: u64) {
        let mut offset = segment.end();
        let mut index = segment.index();
        for (position, event) in (first..).zip(&work.events) {
            let mark = self.marked.is_none_or(|marked| offset.saturating_sub(marked) >= MARK_BYTES);
            if mark {
                self.marked = Some(offset);
            }
            let bytes = event.record.len() as u64;
            index.add(position, (offset, bytes), &event.channel, event.time, mark);
            offset = offset.saturating_add(bytes);
        }
    }

    /// The segment that takes the next bytes.
    fn growing(&mut self, next: u64) -> Result<Arc<Segment>, AppendError> {
        if let Some(active) = &self.active {
            if active.end() < self.shared.settings.segment_bytes {
                return Ok(Arc::clone(active));
            }
            self.close_active();
        }
        self.begin(next)
    }

    /// Writes the index behind the active segment's records and closes it. What fails is done without: then the segment
    /// is read to its end when the journal is opened.
    pub(super) fn close_active(&mut self) {
        let Some(segment) = self.active.take() else { return };
        if segment.index().events == 0 {
            return;
        }
        let end = segment.end();
        let bytes = closing_bytes(&segment.index(), end, segment.salt);
        let system = &self.shared.system;
        let written = system.write(&segment.file, &bytes, end).and_then(|()| system.sync(&segment.file));
        match written {
            Ok(()) => segment.set_closed(bytes.len() as u64),
            Err(error) => {
                tracing::warn!("cannot write the index of {}: {error}", segment.path.display());
                let _ = system.truncate(&segment.file, end);
            }
        }
    }

    /// Begins a segment before anything has to be written to it.
    pub(super) fn begin_now(&mut self) -> Result<(), AppendError> {
        let next = self.shared.lock().next;
        self.begin(next).map(|_| ())
    }

    /// Begins a segment with the cursors as they are. It has its name only when both are on disk.
    fn begin(&mut self, next: u64) -> Result<Arc<Segment>, AppendError> {
        let salt = u32::from_le_bytes(trust::random_bytes());
        let (head, mut bytes) = SegmentHead::make(&self.shared.owner, next, salt);
        let changes = self.shared.lock().cursors.all();
        put_cursors(&mut bytes, &changes, next, (0, salt));
        let path = self.shared.dir.join(file_name(next));
        let file = self
            .write_whole(&path, &bytes)
            .map_err(|source| AppendError::Write { path: path.clone(), source: Arc::new(source) })?;
        let segment = Segment::new(path, file, &head, bytes.len() as u64, Index::new(next));
        let segment = Arc::new(segment);
        let mut state = self.shared.lock();
        // One that never got an event had the same name.
        state.held.retain(|held| held.first != next);
        state.held.push(Arc::clone(&segment));
        state.total = super::state::total(&state.held);
        drop(state);
        (self.active, self.marked) = (Some(Arc::clone(&segment)), None);
        Ok(segment)
    }

    /// Writes a file whole or not at all, in place of any of that name.
    pub(super) fn write_whole(&self, path: &std::path::Path, bytes: &[u8]) -> std::io::Result<std::fs::File> {
        let system = &self.shared.system;
        let fresh = path.with_extension("new");
        // A leftover of an attempt that failed.
        let _ = system.remove(&fresh);
        let written = system.create(&fresh).and_then(|file| {
            system.write(&file, bytes, 0)?;
            system.sync(&file)?;
            system.rename(&fresh, path)?;
            system.sync_dir(&self.shared.dir)?;
            Ok(file)
        });
        if written.is_err() {
            let _ = system.remove(&fresh);
        }
        written
    }

    /// Nothing is written to the active segment any more.
    fn abandon(&mut self, segment: &Segment) {
        self.active = None;
        tracing::warn!("{} is closed: what was written last may not be on the disk", segment.path.display());
    }

    /// Whether this is the segment that grows.
    pub(super) fn is_active(&self, segment: &Arc<Segment>) -> bool {
        self.active.as_ref().is_some_and(|active| Arc::ptr_eq(active, segment))
    }
}

/// Appends records of changes, at least one.
fn put_cursors(out: &mut Vec<u8>, changes: &[CursorChange], next: u64, (synced, salt): (u32, u32)) {
    if changes.is_empty() {
        out.extend_from_slice(Encoded::cursors(&[]).finish(next, synced, salt));
    }
    for some in changes.chunks(CURSORS_A_RECORD) {
        out.extend_from_slice(Encoded::cursors(some).finish(next, synced, salt));
    }
}

/// What stands behind the records of a closed segment.
pub(super) fn closing_bytes(index: &Index, end: u64, salt: u32) -> Vec<u8> {
    let synced = u32::try_from(end).unwrap_or(u32::MAX);
    let mut record = Encoded::index(index);
    let mut bytes = Vec::with_capacity(record.len() + TRAILER_BYTES);
    bytes.extend_from_slice(record.finish(index.last.saturating_add(1), synced, salt));
    bytes.extend_from_slice(&trailer(end, salt));
    bytes
}
