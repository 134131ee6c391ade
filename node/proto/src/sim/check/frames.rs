//! Frames as the judge reads them: by what the wire says, not by the code that is judged.

/// The frames in some bytes: the kind, the length of all of it, and the body. Ends where no frame begins.
pub(super) fn frames(bytes: &[u8]) -> impl Iterator<Item = (u8, usize, &[u8])> {
    let mut read = Read(bytes);
    std::iter::from_fn(move || {
        let before = read.0.len();
        let (kind, rest) = read.0.split_first()?;
        read.0 = rest;
        let length = read.varint()?;
        let body = read.take(length);
        Some((*kind, before - read.0.len(), body))
    })
}

/// The kind of a greeting.
const GREETING: u8 = 0x10;

/// The wall clock that a greeting among these frames tells, in milliseconds since the Unix epoch.
pub(super) fn told_clock(bytes: &[u8]) -> Option<u64> {
    let (_, _, body) = frames(bytes).find(|(kind, ..)| *kind == GREETING)?;
    let mut read = Read(body);
    // The minor version, features, incarnation and dial stand before it.
    (0..4).try_for_each(|_| read.varint().map(drop))?;
    read.varint()
}

/// What is left to be read.
pub(super) struct Read<'a>(pub(super) &'a [u8]);

impl<'a> Read<'a> {
    /// A number of seven bits a byte, the lowest first; none at the end.
    pub(super) fn varint(&mut self) -> Option<u64> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Some(value);
            }
            shift += 7;
        }
    }

    /// The next bytes, or all that are left.
    pub(super) fn take(&mut self, length: u64) -> &'a [u8] {
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    pub(super) fn skip(&mut self, length: u64) {
        self.take(length);
    }

    /// The first four bytes of a node's id.
    pub(super) fn prefix(&mut self) -> u32 {
        self.take(4).iter().fold(0, |prefix, byte| prefix << 8 | u32::from(*byte))
    }
}
