//! Everybody a node has heard of in one network: what each stated last, and who of them can be reached.
//!
//! It takes statements that follow and whole sets that fit, and keeps what latecomers are told from. It does not
//! know how statements travel; the graph of links lives here because an edge needs what both ends state.

mod digest;
mod graph;
mod places;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

pub use digest::{BUCKETS, Prefix, Short, bucket_of, prefix_of};

use crate::{
    id::{Incarnation, NodeId},
    pattern::InterestOp,
    record::{Change, FactError, Facts, Head, Stated, Statement},
    time::Now,
};

/// A member's place in a network's tables. Used again when the member was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberIx(pub u32);

/// All members of one network, this node among them.
#[derive(Debug)]
pub struct Membership {
    /// This node: always reachable.
    me: MemberIx,
    index: BTreeMap<NodeId, MemberIx>,
    /// The same by the first bytes of the ids, in order: what is looked up most.
    prefixes: Vec<(Prefix, MemberIx)>,
    members: Vec<Member>,
    /// The ends of each member's edges that both ends state, sorted; by place, apart from the rest because ways are
    /// searched through them.
    edges: Vec<Vec<MemberIx>>,
    /// Who can be reached, by place, for the same reason.
    present: Vec<bool>,
    /// Each member's last statement, by place, because notices are mostly of what is known.
    heads: Vec<Head>,
    /// Places of members that were forgotten.
    free: Vec<MemberIx>,
    digest: digest::Digest,
}

/// What is known of one member.
#[derive(Debug)]
pub struct Member {
    /// Who it is.
    pub node: NodeId,
    /// Its last statement; version 0 before the first.
    pub head: Head,
    /// What it has stated up to that.
    stated: Arc<Stated>,
    /// Can be reached: over a link, or through others.
    pub reachable: bool,
    /// It said that it leaves: what it wanted does not count any more in this life of it.
    pub left: bool,
    /// Since when it cannot be reached.
    since: Now,
    /// It stated more than anybody may: this life of it is not listened to any more.
    banned: bool,
    /// What it adds to the digest, as far as the digest knows.
    counted: digest::Counted,
}

/// What a statement or a whole set changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Another life began: everything known before is void.
    pub reborn: bool,
    /// `ops` are all that is wanted.
    pub reset: bool,
    /// What changed of what it wants.
    pub ops: Vec<InterestOp>,
    /// The edges between it and others changed.
    pub links: bool,
    /// It says anew who and where it is.
    pub described: bool,
}

/// What becomes of a statement.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is what was missing next.
    New(News),
    /// It is known already.
    Known,
    /// One before it is missing.
    Gap,
    /// There is no room for one member more.
    NoRoom,
}

/// How somebody who is behind is brought up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// By these statements, in order.
    Statements(Vec<Bytes>),
    /// By the last statement and all facts.
    Everything,
    /// By nothing: it is not behind.
    Nothing,
}

impl Membership {
    /// Only this node is known.
    #[must_use]
    pub fn new(me: NodeId) -> Self {
        let mut membership = Self {
            me: MemberIx(0),
            index: BTreeMap::new(),
            prefixes: Vec::new(),
            members: Vec::new(),
            edges: Vec::new(),
            present: Vec::new(),
            heads: Vec::new(),
            free: Vec::new(),
            digest: digest::Digest::default(),
        };
        membership.me = membership.add(me, Now::default());
        membership.set_reachable(membership.me, true, Now::default());
        membership
    }

    /// This node's place.
    #[must_use]
    pub fn me(&self) -> MemberIx {
        self.me
    }

    /// Who is at a place.
    #[must_use]
    pub fn member(&self, ix: MemberIx) -> Option<&Member> {
        self.members.get(ix.0 as usize)
    }

    /// What is known of a node.
    #[must_use]
    pub fn of(&self, node: NodeId) -> Option<&Member> {
        self.member(self.find(node)?)
    }

    /// All members in the order of their ids, this node among them.
    pub fn iter(&self) -> impl Iterator<Item = (MemberIx, &Member)> {
        self.index.values().filter_map(|ix| Some((*ix, self.member(*ix)?)))
    }

    /// The places there ever were: the length a table by place needs.
    #[must_use]
    pub fn places(&self) -> usize {
        self.members.len()
    }

    /// Takes a statement whose signature was checked.
    ///
    /// # Errors
    /// When the node states more than anybody may. Nothing it states counts any more in this life of it.
    pub fn take(&mut self, statement: &Statement, now: Now) -> Result<Taken, FactError> {
        let Some(ix) = self.place(statement.node, now) else { return Ok(Taken::NoRoom) };
        let Some(member) = self.members.get_mut(ix.0 as usize) else { return Ok(Taken::NoRoom) };
        if statement.head <= member.head || member.is_banned(statement.head) {
            return Ok(Taken::Known);
        }
        if !statement.head.follows(member.head) {
            return Ok(Taken::Gap);
        }
        let reborn = member.is_of_another_life(statement.head);
        let reset = statement.head.version == 1;
        let before = reset.then(|| self.forsake(ix));
        let Some(member) = self.members.get_mut(ix.0 as usize) else { return Ok(Taken::NoRoom) };
        let ops = match statement.follow(&mut member.stated) {
            Ok(ops) => ops,
            Err(error) => {
                self.ban(ix, statement.head);
                return Err(error);
            }
        };
        let mut news = News { reborn, reset, ops, links: reborn, described: false };
        member.banned = false;
        member.left &= !reborn;
        self.advance(ix, statement.head);
        self.warm_ends(statement.changes.iter().filter_map(|change| match change {
            Change::Link(other) | Change::Unlink(other) => Some(*other),
            Change::Describe(_) | Change::Interest(_) => None,
        }));
        for change in &statement.changes {
            match change {
                Change::Link(other) => news.links |= self.claim(ix, *other),
                Change::Unlink(other) => news.links |= self.disclaim(ix, *other),
                Change::Describe(_) => news.described = true,
                Change::Interest(_) => {}
            }
        }
        news.links |= before.is_some_and(|before| before != self.edges(ix));
        Ok(Taken::New(news))
    }

    /// Takes a node's whole set, which was checked against the root that the statement signs. None when it is no
    /// news.
    pub fn replace(&mut self, statement: &Statement, facts: Facts, now: Now) -> Option<News> {
        let ix = self.place(statement.node, now)?;
        let member = self.member(ix)?;
        if statement.head <= member.head || member.is_banned(statement.head) {
            return None;
        }
        let reborn = member.is_of_another_life(statement.head);
        let before = self.forsake(ix);
        for other in facts.links() {
            self.claim(ix, *other);
        }
        let ops = facts.wants().ops().collect();
        let member = self.members.get_mut(ix.0 as usize)?;
        member.stated = Arc::new(Stated::whole(facts, statement));
        member.banned = false;
        member.left &= !reborn;
        self.advance(ix, statement.head);
        let links = reborn || before != self.edges(ix);
        Some(News { reborn, reset: true, ops, links, described: true })
    }

    /// What somebody who knows a node up to `known` lacks of it.
    #[must_use]
    pub fn missing(&self, ix: MemberIx, known: Head) -> Missing {
        let newer = |member: &&Member| member.head.version > 0 && member.head > known;
        let Some(member) = self.member(ix).filter(newer) else { return Missing::Nothing };
        let mut later = member.stated.recent().filter(|(head, _)| *head > known).peekable();
        match later.peek() {
            Some((first, _)) if first.follows(known) => {
                Missing::Statements(later.map(|(_, bytes)| bytes.clone()).collect())
            }
            _ => Missing::Everything,
        }
    }

    /// Says whether a member leaves.
    pub fn set_left(&mut self, ix: MemberIx, left: bool) {
        if let Some(member) = self.members.get_mut(ix.0 as usize) {
            member.left = left;
        }
    }

    /// A later life of a member has begun: what an earlier one stated is void.
    pub fn begin_life(&mut self, ix: MemberIx, incarnation: Incarnation) {
        self.forsake(ix);
        let Some(member) = self.members.get_mut(ix.0 as usize) else { return };
        member.stated = Arc::default();
        (member.banned, member.left) = (false, false);
        self.advance(ix, Head { incarnation, version: 0 });
    }

    /// Nothing a member states in this life counts any more.
    fn ban(&mut self, ix: MemberIx, head: Head) {
        self.forsake(ix);
        if let Some(member) = self.members.get_mut(ix.0 as usize) {
            Arc::make_mut(&mut member.stated).void();
            member.banned = true;
        }
        self.advance(ix, head);
    }

    fn advance(&mut self, ix: MemberIx, head: Head) {
        self.set_head(ix, head);
        self.touch(ix);
    }
}

impl Member {
    /// What it states.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        self.stated.facts()
    }

    /// The last statement as it came; empty before the first.
    #[must_use]
    pub fn latest(&self) -> Bytes {
        self.stated.latest()
    }

    /// All statements of its life, when they are all kept.
    #[must_use]
    pub fn whole_life(&self) -> Option<Vec<Bytes>> {
        let (first, _) = self.stated.recent().next()?;
        (first.version == 1).then(|| self.stated.recent().map(|(_, bytes)| bytes.clone()).collect())
    }

    /// Whether another life of it is known, if only by its greeting.
    fn is_of_another_life(&self, head: Head) -> bool {
        self.head.incarnation != head.incarnation && self.head != Head::default()
    }

    fn is_banned(&self, head: Head) -> bool {
        self.banned && head.incarnation == self.head.incarnation
    }
}
