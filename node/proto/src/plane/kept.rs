//! The kept values of one network at one node, and how two nodes find out what either lacks.
//!
//! The last writer wins, by its clock, then by its id. Signatures are checked, and values handed to subscribers, by who
//! drives this; when two nodes compare is theirs to say, too.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use bytes::Bytes;

use crate::{
    channel::Channel,
    frame::kept::{KEPT_BUCKETS, KEPT_FRAME_BYTES, Kept, KeptHash, KeptHead, KeptSaid},
    limits::KEPT_NETWORK_BYTES_MAX,
    pattern::Pattern,
    time::Hlc,
};

/// How long it is remembered that a channel was cleared; who was away for longer takes the others' word.
pub const CLEARED_KEPT_MS: u64 = 24 * 3_600_000;
/// A value from further in the future is not taken: it would win over everything until then.
pub const FUTURE_MS_MAX: u64 = 2_000;

/// All kept values of one network.
#[derive(Debug, Default)]
pub struct KeptValues {
    values: BTreeMap<Channel, Kept>,
    /// By bucket; out of date where stale.
    hashes: Vec<KeptHash>,
    stale: BTreeSet<u8>,
    bytes: usize,
}

/// What came of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptOutcome {
    /// It is the channel's value now.
    New,
    /// It was already.
    Known,
    /// A later one is there.
    Older,
    /// Its time is in the future.
    Future,
    /// There is no room.
    Full,
}

impl KeptValues {
    /// No values.
    #[must_use]
    pub fn new() -> Self {
        let stale = (0..=u8::MAX).collect();
        Self { hashes: vec![[0; 16]; KEPT_BUCKETS], stale, ..Self::default() }
    }

    /// Whether a value of so many bytes fits for a channel.
    #[must_use]
    pub fn has_room(&self, channel: &Channel, bytes: usize) -> bool {
        let before = self.values.get(channel).map_or(0, |kept| kept.bytes.len());
        self.bytes.saturating_sub(before).saturating_add(bytes) <= KEPT_NETWORK_BYTES_MAX
    }

    /// The version of a channel's value.
    #[must_use]
    pub fn head(&self, channel: &Channel) -> Option<KeptHead> {
        self.values.get(channel).map(Kept::head)
    }

    /// Takes a value if it is later than what is there. `unix_ms` is this node's wall clock.
    pub fn take(&mut self, kept: Kept, unix_ms: u64) -> KeptOutcome {
        if kept.time.unix_ms() > unix_ms.saturating_add(FUTURE_MS_MAX) {
            return KeptOutcome::Future;
        }
        match self.head(&kept.channel) {
            Some(head) if head == kept.head() => return KeptOutcome::Known,
            Some(head) if head > kept.head() => return KeptOutcome::Older,
            _ => {}
        }
        // What others have is taken past the budget, or two nodes would never agree; but not without end.
        if self.bytes.saturating_add(kept.bytes.len()) > KEPT_NETWORK_BYTES_MAX.saturating_mul(2) {
            return KeptOutcome::Full;
        }
        self.put(kept);
        KeptOutcome::New
    }

    /// The values of channels that a pattern matches, in the order of their channels.
    pub fn matching(&self, pattern: &Pattern) -> impl Iterator<Item = &Kept> {
        self.matching_after(pattern, None)
    }

    /// The same, only of those behind a channel.
    pub fn matching_after(&self, pattern: &Pattern, after: Option<&Channel>) -> impl Iterator<Item = &Kept> {
        let prefix = pattern.literal_prefix();
        let begin = match after.map(Channel::as_str).filter(|after| *after >= prefix) {
            Some(after) => Bound::Excluded(after),
            None => Bound::Included(prefix),
        };
        let from = self.values.range::<str, _>((begin, Bound::Unbounded));
        from.take_while(move |(channel, _)| channel.as_str().starts_with(prefix))
            .map(|(_, kept)| kept)
            .filter(move |kept| kept.message.is_some() && pattern.matches(&kept.channel))
    }

    /// Every value, cleared channels among them.
    pub fn all(&self) -> impl Iterator<Item = &Kept> {
        self.values.values()
    }

    /// Forgets channels that were cleared long ago. Returns them.
    pub fn forget_cleared(&mut self, unix_ms: u64) -> Vec<Channel> {
        let before = Hlc::from_unix_ms(unix_ms.saturating_sub(CLEARED_KEPT_MS));
        let old = |kept: &&Kept| kept.message.is_none() && kept.time < before;
        let old: Vec<Channel> = self.values.values().filter(old).map(|kept| kept.channel.clone()).collect();
        for channel in &old {
            if let Some(kept) = self.values.remove(channel) {
                self.bytes = self.bytes.saturating_sub(kept.bytes.len());
                self.stale.insert(bucket(channel));
            }
        }
        old
    }

    /// Channels with a value, and bytes of all.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.values.values().filter(|kept| kept.message.is_some()).count(), self.bytes)
    }

    /// What to say to begin a comparison.
    pub fn root(&mut self, unix_ms: u64) -> KeptSaid {
        KeptSaid::Root(self.root_hash(), unix_ms)
    }

    /// What to answer to what another said; values it sent are for [`KeptValues::take`].
    pub fn answer(&mut self, said: &KeptSaid) -> Vec<KeptSaid> {
        match said {
            KeptSaid::Live(_) | KeptSaid::Values(_) => Vec::new(),
            KeptSaid::Root(root, _) if *root == self.root_hash() => Vec::new(),
            KeptSaid::Root(..) => vec![KeptSaid::Buckets(self.hashes.clone())],
            KeptSaid::Buckets(theirs) => {
                self.refresh();
                let pairs = (0..=u8::MAX).zip(self.hashes.iter().zip(theirs));
                let differing: Vec<u8> =
                    pairs.filter(|(_, (ours, theirs))| ours != theirs).map(|(bucket, _)| bucket).collect();
                self.heads(&differing)
            }
            KeptSaid::Heads(buckets, heads) => self.compare(buckets, heads),
            KeptSaid::Wants(channels) => {
                let values = channels.iter().filter_map(|channel| self.values.get(channel));
                in_frames(values.map(|kept| kept.bytes.clone()))
            }
        }
    }

    /// Several frames, each of buckets that are whole in it, unless one alone is too large.
    fn heads(&self, buckets: &[u8]) -> Vec<KeptSaid> {
        let mut by_bucket: BTreeMap<u8, Vec<(Channel, KeptHead)>> =
            buckets.iter().map(|bucket| (*bucket, Vec::new())).collect();
        for kept in self.values.values() {
            if let Some(heads) = by_bucket.get_mut(&bucket(&kept.channel)) {
                heads.push((kept.channel.clone(), kept.head()));
            }
        }
        let (mut said, mut numbers, mut gathered, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0_usize);
        for (number, heads) in by_bucket {
            let weight: usize = heads.iter().map(|(channel, _)| channel.as_str().len() + 54).sum();
            if bytes > 0 && bytes.saturating_add(weight) > KEPT_FRAME_BYTES {
                said.push(KeptSaid::Heads(std::mem::take(&mut numbers), std::mem::take(&mut gathered)));
                bytes = 0;
            }
            numbers.push(number);
            gathered.extend(heads);
            bytes = bytes.saturating_add(weight).max(1);
        }
        if !numbers.is_empty() {
            said.push(KeptSaid::Heads(numbers, gathered));
        }
        said
    }

    /// Asks for what is later there, and sends what is later here.
    fn compare(&self, buckets: &[u8], heads: &[(Channel, KeptHead)]) -> Vec<KeptSaid> {
        let theirs: BTreeMap<&Channel, KeptHead> =
            heads.iter().map(|(channel, head)| (channel, *head)).collect();
        let lacking = theirs.iter().filter(|(channel, head)| self.head(channel) < Some(**head));
        let lacking: Vec<Channel> = lacking.map(|(channel, _)| (*channel).clone()).collect();
        let is_later = |kept: &&Kept| {
            buckets.contains(&bucket(&kept.channel))
                && theirs.get(&kept.channel).is_none_or(|head| *head < kept.head())
        };
        let later = self.values.values().filter(is_later).map(|kept| kept.bytes.clone());
        let mut said = in_frames(later);
        for some in lacking.chunks(KEPT_FRAME_BYTES / 256) {
            said.push(KeptSaid::Wants(some.to_vec()));
        }
        said
    }

    fn put(&mut self, kept: Kept) {
        self.stale.insert(bucket(&kept.channel));
        self.bytes = self.bytes.saturating_add(kept.bytes.len());
        if let Some(before) = self.values.insert(kept.channel.clone(), kept) {
            self.bytes = self.bytes.saturating_sub(before.bytes.len());
        }
    }

    fn root_hash(&mut self) -> KeptHash {
        self.refresh();
        short_hash(&self.hashes.concat())
    }

    /// Sums, so that one pass over all values mends all stale buckets.
    fn refresh(&mut self) {
        if self.stale.is_empty() {
            return;
        }
        let stale = std::mem::take(&mut self.stale);
        for number in &stale {
            if let Some(hash) = self.hashes.get_mut(usize::from(*number)) {
                *hash = [0; 16];
            }
        }
        for kept in self.values.values() {
            let number = bucket(&kept.channel);
            if let (true, Some(hash)) = (stale.contains(&number), self.hashes.get_mut(usize::from(number))) {
                let one = short_hash(&kept.bytes);
                hash.iter_mut().zip(one).for_each(|(sum, byte)| *sum ^= byte);
            }
        }
    }
}

fn in_frames(values: impl Iterator<Item = Bytes>) -> Vec<KeptSaid> {
    let (mut said, mut gathered, mut bytes) = (Vec::new(), Vec::new(), 0_usize);
    for value in values {
        if bytes > 0 && bytes.saturating_add(value.len()) > KEPT_FRAME_BYTES {
            said.push(KeptSaid::Values(std::mem::take(&mut gathered)));
            bytes = 0;
        }
        bytes = bytes.saturating_add(value.len());
        gathered.push(value);
    }
    if !gathered.is_empty() {
        said.push(KeptSaid::Values(gathered));
    }
    said
}

fn bucket(channel: &Channel) -> u8 {
    blake3::hash(channel.as_str().as_bytes()).as_bytes().first().copied().unwrap_or(0)
}

fn short_hash(bytes: &[u8]) -> KeptHash {
    blake3::hash(bytes).as_bytes().first_chunk().copied().unwrap_or([0; 16])
}

#[cfg(test)]
mod tests;
