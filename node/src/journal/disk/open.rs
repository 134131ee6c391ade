//! Opening a journal: what is there, what a crash left behind, and what was damaged since.
//!
//! Named files have a whole head. Closed ones are known by their index; only the last one is read. What a crash tore is
//! at its end and was never acknowledged: it is cut. Damage before bytes that are known to have been durable is an error,
//! because what it took was acknowledged.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use hive_proto::plane::{
    cursor::{CursorChange, CursorName},
    log::{Body, Index},
};

use super::{
    segment::{FORMAT, HeadError, Owner, Segment, SegmentHead, closed_index, first_of},
    system::System,
    walk::{Step, Walk},
    writer::MARK_BYTES,
};
use crate::journal::{
    OpenError,
    cursors::{Cursors, Tracked},
};

/// Bytes read at once.
const READ_BYTES: usize = 1 << 20;

/// Something a person should know about how a journal was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A crash tore the last write, which was not acknowledged.
    Cut {
        /// The file.
        path: PathBuf,
        /// How many bytes were cut.
        bytes: u64,
    },
    /// A crash tore a file that was just begun.
    Removed {
        /// The file.
        path: PathBuf,
        /// How many bytes it had.
        bytes: u64,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, path, bytes) = match self {
            Self::Cut { path, bytes } => ("cut off", path, bytes),
            Self::Removed { path, bytes } => ("removed with it", path, bytes),
        };
        write!(f, "the journal {} ended in a torn write: {bytes} bytes {what}", path.display())
    }
}

/// What was found.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) held: Vec<Arc<Segment>>,
    pub(super) next: u64,
    pub(super) cursors: Cursors,
    pub(super) notes: Vec<Note>,
    /// The last segment may grow.
    pub(super) grows: bool,
}

/// Reads the ends of all segments and the whole of the last one, and mends what a crash tore.
pub(super) fn recover(dir: &Path, owner: &Owner, system: &dyn System) -> Result<Recovered, OpenError> {
    let mut files = list(dir, system)?;
    let mut notes = Vec::new();
    let mut next = 1;
    while let Some((first, path)) = files.pop() {
        next = next.max(first);
        let Some(last) = Last::read(&path, first, owner, system, &mut notes)? else { continue };
        let mut held = closed_ones(dir, &files, last.segment.first, owner)?;
        let segment = Arc::new(last.segment);
        let after = segment.index().last.saturating_add(1);
        if after < next {
            // A file that was removed as unfinished was begun when all before it was there.
            return Err(OpenError::Missing { dir: dir.into(), first: after, last: next.saturating_sub(1) });
        }
        next = after;
        held.push(segment);
        let first_kept = held.iter().find(|held| held.index().events > 0).map_or(next, |held| held.first);
        let mut cursors = Cursors::read(last.cursors);
        cursors.pass_over(first_kept.saturating_sub(1));
        return Ok(Recovered { held, next, cursors, notes, grows: last.grows });
    }
    Ok(Recovered { held: Vec::new(), next, cursors: Cursors::default(), notes, grows: false })
}

/// The segments in a directory, by their first position. What was never finished is removed.
pub(super) fn list(dir: &Path, system: &dyn System) -> Result<Vec<(u64, PathBuf)>, OpenError> {
    let failed = |source| OpenError::Io { path: dir.into(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if let Some(first) = first_of(&path) {
            files.push((first, path));
        } else if path.extension().is_some_and(|extension| extension == "new") {
            system.remove(&path).map_err(|source| OpenError::Io { path, source })?;
        }
    }
    files.sort();
    Ok(files)
}

/// A segment's file and its head.
pub(super) fn open_segment(
    path: &Path,
    first: u64,
    owner: &Owner,
) -> Result<(File, Result<SegmentHead, HeadError>), OpenError> {
    let failed = |source| OpenError::Io { path: path.into(), source };
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
    let head = SegmentHead::read(&file, owner).and_then(|head| match head.first == first {
        true => Ok(head),
        false => Err(HeadError::Damaged),
    });
    Ok((file, head))
}

pub(super) fn head_error(path: &Path, first: u64, owner: &Owner, error: HeadError) -> OpenError {
    let path = path.to_path_buf();
    let owned = |owner: &Owner| format!("node {}'s of network `{}`", owner.origin.short(), owner.network);
    match error {
        HeadError::Short | HeadError::Damaged => OpenError::Damaged { path, offset: 0, position: first },
        HeadError::Version(found) => OpenError::Version { path, found, ours: FORMAT },
        HeadError::Foreign(found) => {
            OpenError::Foreign { path, found: owned(&found), expected: owned(owner) }
        }
        HeadError::Io(source) => OpenError::Io { path, source },
    }
}

/// All segments but the last, each going on where the one before it ends.
fn closed_ones(
    dir: &Path,
    files: &[(u64, PathBuf)],
    last_first: u64,
    owner: &Owner,
) -> Result<Vec<Arc<Segment>>, OpenError> {
    let follow = files.iter().skip(1).map(|(first, _)| *first).chain([last_first]);
    let mut held: Vec<Arc<Segment>> = Vec::new();
    for ((first, path), following) in files.iter().zip(follow) {
        let (file, head) = open_segment(path, *first, owner)?;
        let head = head.map_err(|error| head_error(path, *first, owner, error))?;
        let failed = |source| OpenError::Io { path: path.clone(), source };
        let segment = match closed_index(&file, &head).map_err(failed)? {
            Some((index, end)) => {
                let bytes = file.metadata().map_err(failed)?.len().saturating_sub(end);
                let segment = Segment::new(path.clone(), file, &head, end, index);
                segment.set_closed(bytes);
                segment
            }
            None => {
                let read = Read::whole(&file, &head, path, following)?;
                let bad = read.bad.filter(|_| read.index.last.saturating_add(1) < following);
                if let Some(offset) = bad {
                    let position = read.index.last.saturating_add(1);
                    return Err(OpenError::Damaged { path: path.clone(), offset, position });
                }
                Segment::new(path.clone(), file, &head, read.end, read.index)
            }
        };
        let last = segment.index().last;
        if last.saturating_add(1) != following {
            let (first, last) = (last.saturating_add(1), following.saturating_sub(1));
            return Err(OpenError::Missing { dir: dir.into(), first, last });
        }
        held.push(Arc::new(segment));
    }
    Ok(held)
}

/// The last segment, which alone may have been torn.
struct Last {
    segment: Segment,
    cursors: BTreeMap<CursorName, Tracked>,
    grows: bool,
}

impl Last {
    /// None when nothing of it was ever finished; then it is removed.
    fn read(
        path: &Path,
        first: u64,
        owner: &Owner,
        system: &dyn System,
        notes: &mut Vec<Note>,
    ) -> Result<Option<Self>, OpenError> {
        let (file, head) = open_segment(path, first, owner)?;
        let failed = |source| OpenError::Io { path: path.into(), source };
        let length = file.metadata().map_err(failed)?.len();
        let head = match head {
            Ok(head) => head,
            Err(HeadError::Short) => return Self::remove(path, length, system, notes).map_err(failed),
            Err(error) => return Err(head_error(path, first, owner, error)),
        };
        let read = Read::whole(&file, &head, path, u64::MAX)?;
        if read.closed {
            let segment = Segment::new(path.into(), file, &head, read.end, read.index);
            segment.set_closed(length.saturating_sub(read.end));
            return Ok(Some(Self { segment, cursors: read.cursors, grows: false }));
        }
        if let Some(offset) = read.bad
            && was_durable(&file, &head, offset, length).map_err(failed)?
        {
            let position = read.index.last.saturating_add(1);
            return Err(OpenError::Damaged { path: path.into(), offset, position });
        }
        if read.end <= head.bytes {
            return Self::remove(path, length, system, notes).map_err(failed);
        }
        if read.end < length {
            let bytes = length.saturating_sub(read.end);
            notes.push(Note::Cut { path: path.into(), bytes });
            system.truncate(&file, read.end).map_err(failed)?;
        }
        make_durable(&file, (read.synced, read.end), system).map_err(failed)?;
        let segment = Segment::new(path.into(), file, &head, read.end, read.index);
        Ok(Some(Self { segment, cursors: read.cursors, grows: true }))
    }

    fn remove(
        path: &Path,
        bytes: u64,
        system: &dyn System,
        notes: &mut Vec<Note>,
    ) -> io::Result<Option<Self>> {
        notes.push(Note::Removed { path: path.into(), bytes });
        system.remove(path)?;
        Ok(None)
    }
}

/// Whether anything behind `offset` was written when what is there was durable already: then it is no torn write.
fn was_durable(file: &File, head: &SegmentHead, offset: u64, length: u64) -> io::Result<bool> {
    let mut walk = Walk::new(file, head.salt, offset, length, READ_BYTES);
    while walk.find_next()? {
        // What was found is a record, so this moves on.
        while let Step::Record(found) = walk.step()? {
            if u64::from(found.head.synced) > offset {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The last write may never have reached the disk: when the process was killed before its sync, or when the sync
/// failed and the system forgot. It is written again, so that a sync means something.
fn make_durable(file: &File, (from, end): (u64, u64), system: &dyn System) -> io::Result<()> {
    let mut bytes = vec![0; usize::try_from(end.saturating_sub(from)).unwrap_or(0)];
    file.read_exact_at(&mut bytes, from)?;
    system.write(file, &bytes, from)?;
    system.sync(file)
}

/// A segment read from its first record to its last.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) index: Index,
    pub(super) cursors: BTreeMap<CursorName, Tracked>,
    /// Where its records end.
    pub(super) end: u64,
    /// Up to where it was durable when its last record was written.
    synced: u64,
    /// Where something is that is no record, or one out of turn.
    pub(super) bad: Option<u64>,
    /// Its index ends it.
    closed: bool,
}

impl Read {
    /// Reads up to the position `following`, which another segment has.
    pub(super) fn whole(
        file: &File,
        head: &SegmentHead,
        path: &Path,
        following: u64,
    ) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Io { path: path.into(), source };
        let length = file.metadata().map_err(failed)?.len();
        let mut walk = Walk::new(file, head.salt, head.bytes, length, READ_BYTES);
        let mut read = Self {
            index: Index::new(head.first),
            cursors: BTreeMap::new(),
            end: head.bytes,
            synced: head.bytes,
            bad: None,
            closed: false,
        };
        let mut marked = None;
        loop {
            let found = match walk.step().map_err(failed)? {
                Step::Record(found) => found,
                Step::End => return Ok(read),
                Step::Bad { offset } => {
                    read.bad = Some(offset);
                    return Ok(read);
                }
            };
            let expected = read.index.last.saturating_add(1);
            match Body::decode(&found.body) {
                // Left behind by a batch that failed; its positions were given to others.
                Ok(_) if found.head.position >= following => return Ok(read),
                Ok(Body::Event(event)) if found.head.position == expected => {
                    let place = (found.offset, found.bytes());
                    let mark = marked.is_none_or(|at: u64| found.offset.saturating_sub(at) >= MARK_BYTES);
                    marked = if mark { Some(found.offset) } else { marked };
                    read.index.add(expected, place, &event.channel, event.time, mark);
                }
                Ok(Body::Cursors(changes)) if found.head.position == expected => read.apply(changes),
                Ok(Body::Index(index)) => {
                    read.closed = true;
                    read.index = index;
                    return Ok(read);
                }
                _ => {
                    read.bad = Some(found.offset);
                    return Ok(read);
                }
            }
            read.end = walk.offset();
            read.synced = read.synced.max(u64::from(found.head.synced)).min(found.offset);
        }
    }

    fn apply(&mut self, changes: Vec<CursorChange>) {
        for change in changes {
            match change {
                CursorChange::Set { name, cursor, since_ms, lost } => {
                    self.cursors.insert(name, Tracked::read(cursor, since_ms, lost));
                }
                CursorChange::Forgotten { name } => {
                    self.cursors.remove(&name);
                }
            }
        }
    }
}
