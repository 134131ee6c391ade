//! What is kept of one neighbour: what it is not pushed, what waits to be sent to it, what was compared.

use std::{collections::BTreeSet, time::Duration};

use bytes::{Bytes, BytesMut};

use super::{Around, PUSH_PAUSE, snapshot::Assembly};
use crate::{
    frame::gossip::{Gossip as Frame, HeadRef, put_notices, put_statements},
    id::{Incarnation, NodeId},
    io::{LinkId, Outbox, Output},
    membership::{Member, MemberIx, Prefix, prefix_of},
    record::{Head, Statement},
    time::Now,
};

/// Statements of this node's life that a new neighbour gets without being asked, in bytes.
const INTRODUCTION_BYTES_MAX: usize = 2 << 10;

/// Roots that differ are compared again after this, which is longer than news mostly takes,
const DOUBT_DELAY: Duration = Duration::from_millis(250);
/// and both sides have done so by then.
const DOUBT_LIMIT: Duration = Duration::from_secs(1);

/// One neighbour.
#[derive(Debug)]
pub(super) struct Contact {
    /// Its life that was greeted.
    life: Incarnation,
    link: LinkId,
    /// Statements to push.
    pushes: Vec<(MemberIx, Head, Bytes)>,
    /// When statements were last pushed.
    pushed: Option<Now>,
    /// What is to be mentioned.
    pub(super) mentions: Vec<HeadRef>,
    /// Whose statements it shall not push.
    prunes: BTreeSet<Prefix>,
    /// Its own statements are known up to here, and it was not told.
    ack: Option<u64>,
    /// Frames to send at once.
    pub(super) frames: BytesMut,
    /// The roots are to be compared.
    pub(super) compare: bool,
    /// When its root differed from this node's though all was compared before. Mostly something is on its way, and the
    /// roots are compared once more before anything else is.
    doubt: Option<Now>,
    /// When they are.
    recheck: Option<Now>,
    /// What was found to be missing when all was compared for the first time; none before that.
    lacking: Option<BTreeSet<Prefix>>,
    /// Nothing of that is missing any more.
    pub(super) synced: bool,
    /// A node's facts on their way.
    pub(super) assembly: Option<Assembly>,
}

impl Contact {
    /// It asks for what it wants to be pushed.
    pub(super) fn new(life: Incarnation, link: LinkId) -> Self {
        Self {
            life,
            link,
            pushes: Vec::new(),
            pushed: None,
            mentions: Vec::new(),
            prunes: BTreeSet::new(),
            ack: None,
            frames: BytesMut::new(),
            compare: false,
            doubt: None,
            recheck: None,
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

    pub(super) fn push(&mut self, ix: MemberIx, statement: &Statement) {
        self.pushes.push((ix, statement.head, statement.bytes.clone()));
    }

    /// It has a statement of a member: what it already has need not be sent.
    pub(super) fn has(&mut self, ix: MemberIx, head: Head) {
        self.pushes.retain(|(pushed, version, _)| *pushed != ix || *version > head);
    }

    /// Its root differs from this node's. Whether that has to be looked into now.
    pub(super) fn differs(&mut self, now: Now) -> bool {
        let since = self.doubt.filter(|since| now < since.after(DOUBT_LIMIT));
        match since {
            _ if !self.synced => true,
            Some(since) => now >= since.after(DOUBT_DELAY),
            None => {
                (self.doubt, self.recheck) = (Some(now), Some(now.after(DOUBT_DELAY)));
                false
            }
        }
    }

    /// Its root is this node's.
    pub(super) fn agrees(&mut self) {
        (self.doubt, self.recheck) = (None, None);
        self.lacks([]);
    }

    /// It shall not push a member's statements any more.
    pub(super) fn prune(&mut self, prefix: Prefix) {
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
        if self.recheck.is_some_and(|at| at <= now) {
            (self.recheck, self.compare) = (None, true);
        }
        let mut next = self.recheck;
        if std::mem::take(&mut self.compare) {
            Frame::Digest(around.members.root().0).put(&mut self.frames);
        }
        if let Some(version) = self.ack.take() {
            Frame::Ack { version }.put(&mut self.frames);
        }
        let push_at = self.pushed.map_or(now, |pushed| pushed.after(PUSH_PAUSE));
        if !self.pushes.is_empty() && push_at <= now {
            put_statements(false, &self.pushes, |(_, _, bytes)| bytes, &mut self.frames);
            self.pushes.clear();
            self.pushed = Some(now);
        } else if !self.pushes.is_empty() {
            next = Some(next.map_or(push_at, |next| next.min(push_at)));
        }
        if !self.mentions.is_empty() {
            put_notices(&self.mentions, &mut self.frames);
            self.mentions.clear();
        }
        if !self.prunes.is_empty() {
            Frame::Prune(std::mem::take(&mut self.prunes).into_iter().collect()).put(&mut self.frames);
        }
        if !self.frames.is_empty() {
            out.push(Output::Send { link: self.link, frame: self.frames.split().freeze() });
        }
        next
    }
}

pub(super) fn head_ref(node: NodeId, Head { incarnation, version }: Head) -> HeadRef {
    HeadRef { prefix: prefix_of(node), incarnation, version }
}
