//! Comparing with a neighbour who knows what: one root, then 64 hashes, then the heads where they differ.

use std::collections::BTreeMap;

use super::{Around, Gossip, contact::head_ref, spread::head_of};
use crate::{
    frame::gossip::{Gossip as Frame, HeadRef},
    membership::{BUCKETS, Prefix},
    record::{Head, Root},
};

/// Heads in one frame: far fewer bytes than a control frame may have.
const HEADS_PER_FRAME: usize = 2_000;

impl Gossip {
    /// All neighbours are to be compared with.
    pub fn compare_all(&mut self) {
        self.circle.wake_all().for_each(|contact| contact.compare = true);
    }

    pub(super) fn compare_roots(&mut self, around: &mut Around<'_>, at: usize, root: [u8; 32]) {
        let Some(contact) = self.circle.wake(at) else { return };
        if around.members.root() == Root(root) {
            contact.agrees();
        } else if contact.differs(around.now) {
            Frame::Buckets(around.members.bucket_hashes()).put(&mut contact.frames);
        }
    }

    pub(super) fn compare_buckets(&mut self, around: &mut Around<'_>, at: usize, hashes: &[[u8; 8]]) {
        let Some(contact) = self.circle.wake(at) else { return };
        let mine = around.members.bucket_hashes();
        let differ: Vec<usize> =
            (0..BUCKETS).filter(|bucket| mine.get(*bucket) != hashes.get(*bucket)).collect();
        // Whole buckets only: what is not among the heads of a bucket is not known to the sender.
        let (mut buckets, mut heads) = (0_u64, Vec::new());
        for bucket in differ {
            buckets |= 1 << bucket;
            heads.extend(around.members.heads(bucket).map(|(node, head)| head_ref(node, head)));
            if heads.len() >= HEADS_PER_FRAME {
                let heads = std::mem::take(&mut heads);
                Frame::Heads { buckets: std::mem::take(&mut buckets), answer: false, heads }
                    .put(&mut contact.frames);
            }
        }
        // Sent also when nothing differs any more: the neighbour waits for it.
        Frame::Heads { buckets, answer: false, heads }.put(&mut contact.frames);
    }

    /// Wants what the neighbour knows better and, unless this is an answer, tells it what is known better here.
    pub(super) fn compare_heads(
        &mut self,
        around: &mut Around<'_>,
        at: usize,
        (buckets, answer): (u64, bool),
        heads: &[HeadRef],
    ) {
        let mut theirs: BTreeMap<Prefix, Head> = BTreeMap::new();
        let mut lacking = Vec::new();
        for told in heads {
            let head = head_of(told);
            let known = theirs.entry(told.prefix).or_default();
            *known = head.max(*known);
            let mine = around.members.with_prefix(told.prefix).filter_map(|ix| around.members.member(ix));
            if mine.map(|member| member.head).max().unwrap_or_default() < head {
                self.pulls.unheard(told.prefix, head, at, around.now);
                lacking.push(told.prefix);
            }
        }
        let Some(contact) = self.circle.wake(at) else { return };
        if !answer {
            let mut better = Vec::new();
            for bucket in (0..BUCKETS).filter(|bucket| buckets >> bucket & 1 != 0) {
                let mine = around.members.heads(bucket).map(|(node, head)| head_ref(node, head));
                better.extend(
                    mine.filter(|mine| theirs.get(&mine.prefix).is_none_or(|known| *known < head_of(mine))),
                );
            }
            Frame::Heads { buckets, answer: true, heads: better }.put(&mut contact.frames);
        }
        contact.lacks(lacking);
    }
}
