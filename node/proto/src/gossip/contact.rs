//! What is kept of one neighbour: what it is not pushed, what waits to be sent to it, what was compared.

use std::collections::BTreeSet;

use bytes::{Bytes, BytesMut};

use super::{Around, NOTICE_DELAY, PUSH_PAUSE, snapshot::Assembly};
use crate::{
    frame::gossip::{Gossip as Frame, HeadRef},
    id::{Incarnation, NodeId},
    io::{LinkId, Outbox, Output},
    membership::{Member, MemberIx, Prefix, prefix_of},
    record::{Head, Statement},
    time::Now,
};

/// Statements of this node's life that a new neighbour gets without being asked, in bytes.
const INTRODUCTION_BYTES_MAX: usize = 2 << 10;

/// One neighbour.
#[derive(Debug)]
pub(super) struct Contact {
    /// Its life that was greeted.
    life: Incarnation,
    link: LinkId,
    /// A bit a member: its statements are mentioned, not pushed.
    lazy: Vec<u64>,
    /// Statements to push.
    pushes: Vec<(MemberIx, Head, Bytes)>,
    /// When statements were last pushed.
    pushed: Option<Now>,
    /// Members to mention, and by when.
    mentions: BTreeSet<MemberIx>,
    mention_by: Option<Now>,
    /// Whose statements it shall not push.
    prunes: BTreeSet<Prefix>,
    /// Its own statements are known up to here, and it was not told.
    ack: Option<u64>,
    /// Frames to send at once.
    pub(super) frames: BytesMut,
    /// The roots are to be compared.
    pub(super) compare: bool,
    /// What was found to be missing when all was compared for the first time; none before that.
    lacking: Option<BTreeSet<Prefix>>,
    /// Nothing of that is missing any more.
    pub(super) synced: bool,
    /// A node's facts on their way.
    pub(super) assembly: Option<Assembly>,
}

impl Contact {
    /// What is known so far is compared, not pushed.
    pub(super) fn new(life: Incarnation, link: LinkId, places: usize) -> Self {
        Self {
            life,
            link,
            lazy: vec![u64::MAX; places / 64],
            pushes: Vec::new(),
            pushed: None,
            mentions: BTreeSet::new(),
            mention_by: None,
            prunes: BTreeSet::new(),
            ack: None,
            frames: BytesMut::new(),
            compare: false,
            lacking: None,
            synced: false,
            assembly: None,
        }
    }

    /// Another link is used; parts of facts that came over the other are void.
    pub(super) fn moved(&mut self, life: Incarnation, link: LinkId) {
        if self.link != link {
            self.assembly = None;
        }
        (self.life, self.link) = (life, link);
    }

    /// Tells it what this node stated.
    pub(super) fn introduce(&mut self, me: &Member) {
        if me.head.version == 0 {
            return;
        }
        match me
            .whole_life()
            .filter(|life| life.iter().map(Bytes::len).sum::<usize>() <= INTRODUCTION_BYTES_MAX)
        {
            Some(statements) => Frame::Statements { answer: true, statements }.put(&mut self.frames),
            None => Frame::Have(vec![head_ref(me.node, me.head)]).put(&mut self.frames),
        }
    }

    pub(super) fn is_lazy(&self, ix: MemberIx) -> bool {
        let word = self.lazy.get(ix.0 as usize / 64).copied().unwrap_or(0);
        word >> (ix.0 % 64) & 1 != 0
    }

    pub(super) fn set_lazy(&mut self, ix: MemberIx, lazy: bool) {
        let at = ix.0 as usize / 64;
        if self.lazy.len() <= at {
            self.lazy.resize(at + 1, 0);
        }
        if let Some(word) = self.lazy.get_mut(at) {
            let bit = 1 << (ix.0 % 64);
            *word = if lazy { *word | bit } else { *word & !bit };
        }
    }

    pub(super) fn push(&mut self, ix: MemberIx, statement: &Statement) {
        self.pushes.push((ix, statement.head, statement.bytes.clone()));
    }

    pub(super) fn mention(&mut self, ix: MemberIx, now: Now) {
        self.mentions.insert(ix);
        self.mention_by.get_or_insert_with(|| now.after(NOTICE_DELAY));
    }

    /// It has a statement of a member: what it already has need not be sent.
    pub(super) fn has(&mut self, ix: MemberIx, head: Head, known: Head) {
        self.pushes.retain(|(pushed, version, _)| *pushed != ix || *version > head);
        if head >= known {
            self.mentions.remove(&ix);
        }
    }

    /// It shall not push a member's statements any more.
    pub(super) fn prune(&mut self, ix: MemberIx, prefix: Prefix) {
        self.set_lazy(ix, true);
        self.prunes.insert(prefix);
    }

    /// It shall learn that its own statements are known up to here.
    pub(super) fn owe_ack(&mut self, head: Head) {
        if head.incarnation == self.life && head.version > 0 {
            self.ack = Some(head.version);
        }
    }

    /// All was compared; this is missing here.
    pub(super) fn lacks(&mut self, lacking: impl IntoIterator<Item = Prefix>) {
        if !self.synced {
            self.lacking.get_or_insert_default().extend(lacking);
            self.check_synced();
        }
    }

    /// Something that was missing has come, or will not come.
    pub(super) fn got(&mut self, prefix: Prefix) {
        if let Some(lacking) = &mut self.lacking {
            lacking.remove(&prefix);
            self.check_synced();
        }
    }

    fn check_synced(&mut self) {
        if self.lacking.as_ref().is_some_and(BTreeSet::is_empty) {
            (self.synced, self.lacking) = (true, None);
        }
    }

    /// Sends what it is time for. Returns when it is time for the rest.
    pub(super) fn flush(&mut self, around: &mut Around<'_>, out: &mut Outbox) -> Option<Now> {
        let now = around.now;
        if std::mem::take(&mut self.compare) {
            Frame::Digest(around.members.root().0).put(&mut self.frames);
        }
        if let Some(version) = self.ack.take() {
            Frame::Ack { version }.put(&mut self.frames);
        }
        let push_at = self.pushed.map_or(now, |pushed| pushed.after(PUSH_PAUSE));
        let mut next = None;
        if !self.pushes.is_empty() && push_at <= now {
            let statements =
                std::mem::take(&mut self.pushes).into_iter().map(|(_, _, bytes)| bytes).collect();
            Frame::Statements { answer: false, statements }.put(&mut self.frames);
            self.pushed = Some(now);
        } else if !self.pushes.is_empty() {
            next = Some(push_at);
        }
        // Prunes and mentions that others wait for anyway go along.
        match self.mention_by {
            Some(by) if by > now => next = Some(next.map_or(by, |next| next.min(by))),
            Some(_) => self.put_mentions(around),
            None => {}
        }
        if !self.prunes.is_empty() {
            Frame::Prune(std::mem::take(&mut self.prunes).into_iter().collect()).put(&mut self.frames);
        }
        if !self.frames.is_empty() {
            out.push(Output::Send { link: self.link, frame: self.frames.split().freeze() });
        }
        next
    }

    fn put_mentions(&mut self, around: &Around<'_>) {
        self.mention_by = None;
        let mentions = std::mem::take(&mut self.mentions).into_iter();
        let members = mentions.filter_map(|ix| around.members.member(ix));
        let heads: Vec<HeadRef> = members.map(|member| head_ref(member.node, member.head)).collect();
        if !heads.is_empty() {
            Frame::Have(heads).put(&mut self.frames);
        }
    }
}

pub(super) fn head_ref(node: NodeId, Head { incarnation, version }: Head) -> HeadRef {
    HeadRef { prefix: prefix_of(node), incarnation, version }
}
