//! Repairing a journal that cannot be opened or read: what is damaged is left out, and named.
//!
//! It exists because damage must not be passed over silently, and must not cost what is around it either. A file that
//! was changed stays beside the new one until a person removes it.

use std::{
    fs,
    io::{self, Read as _, Write},
    ops::RangeInclusive,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use hive_proto::plane::log::{Body, HEAD_BYTES, Head, Index};

use super::{
    open::{head_error, list, open_segment},
    segment::{HeadError, Owner, SegmentHead, TRAILER_BYTES, closed_index, file_name},
    system::Real,
    walk::{Step, Walk},
    writer::{MARK_BYTES, closing_bytes},
};
use crate::{journal::OpenError, trust};

/// What was done to one file, or instead of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// The file that is there now.
    pub path: PathBuf,
    /// Where the damaged one was put; none when there was none.
    pub kept: Option<PathBuf>,
    /// Bytes that were no record.
    pub bytes: u64,
    /// Positions whose events are lost.
    pub lost: Vec<RangeInclusive<u64>>,
}

/// Mends every file of a journal that nobody has open, and says what was lost. A torn end is no damage: opening mends it.
///
/// # Errors
/// When a file is of another version or another node's, or the system refuses something.
pub(super) fn repair(dir: &Path, owner: &Owner) -> Result<Vec<Repaired>, OpenError> {
    let files = list(dir, &Real)?;
    let mut repaired = Vec::new();
    let mut expected = files.first().map_or(1, |(first, _)| *first);
    for (at, (first, path)) in files.iter().enumerate() {
        let following = files.get(at + 1).map(|(first, _)| *first);
        if *first > expected {
            repaired.push(fill_in(dir, owner, expected..=first.saturating_sub(1))?);
        }
        let failed = |source| OpenError::Io { path: path.clone(), source };
        let (file, head) = open_segment(path, *first, owner)?;
        let mended = match head {
            Ok(head) => Mended::read(&file, &head, following).map_err(failed)?,
            Err(HeadError::Short) if following.is_none() => break,
            Err(HeadError::Short | HeadError::Damaged) => {
                // Without its head nothing in it can be told from anything else.
                Mended::nothing(owner, *first, following, file.metadata().map_err(failed)?.len())
            }
            Err(error) => return Err(head_error(path, *first, owner, error)),
        };
        expected = mended.index.last.saturating_add(1);
        if mended.damaged == 0 {
            continue;
        }
        let kept = path.with_extension("damaged");
        fs::rename(path, &kept).map_err(failed)?;
        write(path, &mended.finish()).map_err(failed)?;
        let (bytes, lost) = (mended.damaged, mended.lost);
        repaired.push(Repaired { path: path.clone(), kept: Some(kept), bytes, lost });
    }
    Ok(repaired)
}

/// A segment without events, where there is no file.
fn fill_in(dir: &Path, owner: &Owner, lost: RangeInclusive<u64>) -> Result<Repaired, OpenError> {
    let path = dir.join(file_name(*lost.start()));
    let mended = Mended::nothing(owner, *lost.start(), lost.end().checked_add(1), 0);
    write(&path, &mended.finish()).map_err(|source| OpenError::Io { path: path.clone(), source })?;
    Ok(Repaired { path, kept: None, bytes: 0, lost: vec![lost] })
}

/// A segment with all that can be read of it.
struct Mended {
    bytes: Vec<u8>,
    salt: u32,
    index: Index,
    damaged: u64,
    lost: Vec<RangeInclusive<u64>>,
}

impl Mended {
    fn nothing(owner: &Owner, first: u64, following: Option<u64>, damaged: u64) -> Self {
        let salt = u32::from_le_bytes(trust::random_bytes());
        let (_, bytes) = SegmentHead::make(owner, first, salt);
        let last = following.unwrap_or(first).saturating_sub(1);
        let lost = if last >= first { vec![first..=last] } else { Vec::new() };
        Self { bytes, salt, index: Index { last, ..Index::new(first) }, damaged, lost }
    }

    fn read(file: &fs::File, head: &SegmentHead, following: Option<u64>) -> io::Result<Self> {
        let mut bytes = vec![0; usize::try_from(head.bytes).unwrap_or(0)];
        io::BufReader::new(file).read_exact(&mut bytes)?;
        let index = Index::new(head.first);
        let mut mended = Self { bytes, salt: head.salt, index, damaged: 0, lost: Vec::new() };
        let closed = closed_index(file, head)?;
        // Its index knows better than the name of the next file, which may be missing.
        let following = closed.as_ref().map_or(following, |(index, _)| Some(index.last.saturating_add(1)));
        let length = file.metadata()?.len();
        let end = closed.as_ref().map_or(length, |(_, end)| *end);
        let mut walk = Walk::new(file, head.salt, head.bytes, end, 1 << 20);
        // Set while what comes next follows something damaged.
        let mut behind = 0;
        loop {
            match walk.step()? {
                Step::Record(found) => {
                    let is_index = matches!(Body::decode(&found.body), Ok(Body::Index(_)));
                    if following.is_some_and(|following| found.head.position >= following) || is_index {
                        break;
                    }
                    mended.take(&found.head, &found.body, behind);
                    behind = 0;
                }
                Step::End => break,
                Step::Bad { offset } => {
                    if !walk.find_next()? {
                        mended.end(end.saturating_sub(offset), following, closed.is_some());
                        return Ok(mended);
                    }
                    behind = walk.offset().saturating_sub(offset);
                }
            }
        }
        mended.end(behind, following, closed.is_some());
        Ok(mended)
    }

    fn take(&mut self, head: &Head, body: &bytes::Bytes, behind: u64) {
        let position = head.position;
        let expected = self.index.last.saturating_add(1);
        self.damaged = self.damaged.saturating_add(behind);
        if behind > 0 && position > expected {
            self.lost.push(expected..=position.saturating_sub(1));
        }
        if let Ok(Body::Event(event)) = Body::decode(body) {
            let (offset, bytes) = (self.bytes.len() as u64, (HEAD_BYTES + body.len()) as u64);
            let mark = self.index.marks.last().is_none_or(|mark| offset - mark.offset >= MARK_BYTES);
            self.index.add(position, (offset, bytes), &event.channel, event.time, mark);
        }
        self.bytes.extend_from_slice(&Head { synced: 0, ..*head }.encode(self.salt));
        self.bytes.extend_from_slice(body);
    }

    /// What is behind the last record counts as damage only where another segment, or an index, says more was there.
    fn end(&mut self, behind: u64, following: Option<u64>, closed: bool) {
        let Some(last) = following.map(|following| following.saturating_sub(1)) else {
            self.damaged = self.damaged.saturating_add(if closed { behind } else { 0 });
            return;
        };
        if self.index.last < last && behind > 0 {
            self.damaged = self.damaged.saturating_add(behind);
            self.lost.push(self.index.last.saturating_add(1)..=last);
        }
        if behind > 0 || closed {
            self.index.last = self.index.last.max(last);
        }
    }

    fn finish(&self) -> Vec<u8> {
        let end = self.bytes.len() as u64;
        let closing = closing_bytes(&self.index, end, self.salt);
        debug_assert!(closing.len() > TRAILER_BYTES);
        [&self.bytes[..], &closing].concat()
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    match path.parent() {
        Some(dir) => fs::File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}
