//! One file of the journal: its name, its head, its end, and its index in memory.
//!
//! A segment begins with a head that says whose it is, then the cursors as they were, then events. One that is closed
//! ends with its index and a trailer that says where that begins. A file has its name only when head and cursors are on
//! disk, so a named file is never without them unless it was damaged.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use hive_proto::{
    channel::NetworkName,
    id::NodeId,
    plane::{
        crc::crc32c,
        log::{Body, Index},
    },
};

use super::walk::{Step, Walk};

/// The first bytes of every segment.
const MAGIC: &[u8; 8] = b"hivejrnl";
/// The form of head, records and trailer together. The records' bodies have versions of their own.
pub(super) const FORMAT: u16 = 1;
/// Magic, format, length of the head, first position, salt, origin, and the length of the network's name.
const FIXED_BYTES: usize = 8 + 2 + 2 + 8 + 4 + 32 + 1;
/// Where the index begins, a magic, and the sum of both.
pub(super) const TRAILER_BYTES: usize = 8 + 4 + 4;
const TRAILER_MAGIC: &[u8; 4] = b"idx1";

/// What every segment of one journal says of it.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    /// The network whose events these are.
    pub(super) network: NetworkName,
    /// The node that publishes them.
    pub(super) origin: NodeId,
}

/// A segment that is open for reading, and for writing by the one who has its journal.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) file: File,
    /// The position of its first event, if it ever has one.
    pub(super) first: u64,
    /// What its records' heads are summed from.
    pub(super) salt: u32,
    /// Where its records begin.
    pub(super) start: u64,
    /// Where its durable records end. Written by the journal's thread after a sync, read by readers.
    end: AtomicU64,
    /// Bytes of the index behind them, once it is closed. Written by the journal's thread.
    closing: AtomicU64,
    /// What is durable in it. Held for a look or for adding one batch.
    index: Mutex<Index>,
}

impl Segment {
    pub(super) fn new(path: PathBuf, file: File, head: &SegmentHead, end: u64, index: Index) -> Self {
        Self {
            path,
            file,
            first: head.first,
            salt: head.salt,
            start: head.bytes,
            end: AtomicU64::new(end),
            closing: AtomicU64::new(0),
            index: Mutex::new(index),
        }
    }

    pub(super) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    pub(super) fn set_end(&self, end: u64) {
        self.end.store(end, Ordering::Release);
    }

    /// Its index was written behind its records, in so many bytes.
    pub(super) fn set_closed(&self, bytes: u64) {
        self.closing.store(bytes, Ordering::Release);
    }

    /// Bytes of the file.
    pub(super) fn bytes(&self) -> u64 {
        self.end().saturating_add(self.closing.load(Ordering::Acquire))
    }

    pub(super) fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its durable records, from the first, or from a place that is known to begin one.
    pub(super) fn walk(&self, from: u64, ahead: usize) -> Walk<'_> {
        Walk::new(&self.file, self.salt, from.max(self.start), self.end(), ahead)
    }
}

/// The name of the segment that begins with this position.
pub(super) fn file_name(first: u64) -> String {
    format!("{first:020}.seg")
}

/// The first position of the segment of this name.
pub(super) fn first_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?.strip_suffix(".seg")?;
    (name.len() == 20 && name.bytes().all(|digit| digit.is_ascii_digit())).then(|| name.parse().ok())?
}

/// The first bytes of a segment.
#[derive(Debug, Clone)]
pub(super) struct SegmentHead {
    pub(super) first: u64,
    pub(super) salt: u32,
    /// Bytes of it.
    pub(super) bytes: u64,
}

/// Why a head cannot be read.
#[derive(Debug)]
pub(super) enum HeadError {
    /// The file is shorter than it.
    Short,
    /// The sum is wrong, or it is no head.
    Damaged,
    Version(u16),
    Foreign(Box<Owner>),
    Io(io::Error),
}

impl SegmentHead {
    /// A new head and its bytes.
    pub(super) fn make(owner: &Owner, first: u64, salt: u32) -> (Self, Vec<u8>) {
        let name = owner.network.as_str();
        let length = FIXED_BYTES + name.len() + 4;
        let mut bytes = Vec::with_capacity(length);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
        bytes.extend_from_slice(&first.to_le_bytes());
        bytes.extend_from_slice(&salt.to_le_bytes());
        bytes.extend_from_slice(&owner.origin.0);
        // A network's name is one segment, which is shorter than this.
        bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(name.as_bytes());
        let sum = crc32c(0, &bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        (Self { first, salt, bytes: length as u64 }, bytes)
    }

    /// Reads the head of a segment that should be this owner's.
    pub(super) fn read(file: &File, owner: &Owner) -> Result<Self, HeadError> {
        let expected = FIXED_BYTES + owner.network.as_str().len() + 4;
        if file.metadata().map_err(HeadError::Io)?.len() < expected as u64 {
            return Err(HeadError::Short);
        }
        let mut begin = [0; 12];
        read_exact(file, &mut begin)?;
        let Some((magic, [format_low, format_high, length_low, length_high])) =
            begin.split_first_chunk::<8>()
        else {
            return Err(HeadError::Damaged);
        };
        if magic != MAGIC {
            return Err(HeadError::Damaged);
        }
        let format = u16::from_le_bytes([*format_low, *format_high]);
        if format != FORMAT {
            return Err(HeadError::Version(format));
        }
        let mut bytes = vec![0; usize::from(u16::from_le_bytes([*length_low, *length_high]))];
        read_exact(file, &mut bytes)?;
        let (head, found) = Self::decode(&bytes).ok_or(HeadError::Damaged)?;
        if found.network != owner.network || found.origin != owner.origin {
            return Err(HeadError::Foreign(Box::new(found)));
        }
        Ok(head)
    }

    fn decode(bytes: &[u8]) -> Option<(Self, Owner)> {
        let (fields, sum) = bytes.split_last_chunk::<4>()?;
        if crc32c(0, fields) != u32::from_le_bytes(*sum) {
            return None;
        }
        let (_, rest) = fields.split_first_chunk::<12>()?;
        let (first, rest) = rest.split_first_chunk()?;
        let (salt, rest) = rest.split_first_chunk()?;
        let (origin, rest) = rest.split_first_chunk()?;
        let (length, name) = rest.split_first()?;
        if name.len() != usize::from(*length) {
            return None;
        }
        let network = NetworkName::parse(str::from_utf8(name).ok()?).ok()?;
        let (first, salt) = (u64::from_le_bytes(*first), u32::from_le_bytes(*salt));
        let head = Self { first, salt, bytes: bytes.len() as u64 };
        Some((head, Owner { network, origin: NodeId(*origin) }))
    }
}

fn read_exact(file: &File, bytes: &mut [u8]) -> Result<(), HeadError> {
    file.read_exact_at(bytes, 0).map_err(|error| match error.kind() {
        // It is as long as this owner's head, so what it says of its length is wrong.
        io::ErrorKind::UnexpectedEof => HeadError::Damaged,
        _ => HeadError::Io(error),
    })
}

/// The last bytes of a closed segment, whose index begins at `offset`.
pub(super) fn trailer(offset: u64, salt: u32) -> [u8; TRAILER_BYTES] {
    let mut bytes = [0; TRAILER_BYTES];
    bytes[..8].copy_from_slice(&offset.to_le_bytes());
    bytes[8..12].copy_from_slice(TRAILER_MAGIC);
    let sum = crc32c(salt, &bytes[..12]);
    bytes[12..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// The index of a closed segment and where it begins; none when it has none that can be trusted.
pub(super) fn closed_index(file: &File, head: &SegmentHead) -> io::Result<Option<(Index, u64)>> {
    let length = file.metadata()?.len();
    let Some(at) = length.checked_sub(TRAILER_BYTES as u64).filter(|at| *at >= head.bytes) else {
        return Ok(None);
    };
    let mut bytes = [0; TRAILER_BYTES];
    file.read_exact_at(&mut bytes, at)?;
    let Some(offset) = bytes.first_chunk::<8>().map(|offset| u64::from_le_bytes(*offset)) else {
        return Ok(None);
    };
    if bytes != trailer(offset, head.salt) || offset < head.bytes || offset >= at {
        return Ok(None);
    }
    let ahead = usize::try_from(at - offset).unwrap_or(usize::MAX);
    match Walk::new(file, head.salt, offset, at, ahead).step()? {
        Step::Record(record) => Ok(index_of(&record.body).map(|index| (index, offset))),
        Step::End | Step::Bad { .. } => Ok(None),
    }
}

fn index_of(body: &Bytes) -> Option<Index> {
    match Body::decode(body) {
        Ok(Body::Index(index)) => Some(index),
        _ => None,
    }
}
