//! Notices, questions and answers: what the pushing tree leaves out.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use super::{Around, Gossip, contact::head_ref, pulls::Question};
use crate::{
    frame::gossip::{Gossip as Frame, HeadRef},
    membership::{MemberIx, Membership, Missing, Prefix},
    record::{Fact, Head},
};

/// Bytes of one part of a node's facts.
const PART_BYTES: usize = 48 << 10;

impl Gossip {
    /// A neighbour has these statements.
    pub(super) fn told(&mut self, around: &Around<'_>, at: usize, heads: &[HeadRef]) {
        self.warm(around.members, heads.iter().map(|told| told.prefix));
        for told in heads {
            let head = head_of(told);
            let mut known = Head::default();
            for ix in around.members.with_prefix(told.prefix) {
                let mine = around.members.head(ix);
                known = known.max(mine);
                self.has(at, ix, head, mine);
            }
            if head <= known {
                continue;
            }
            // What nobody pushes here does not come by itself.
            match around.members.with_prefix(told.prefix).any(|ix| self.circle.has_source(ix)) {
                true => self.pulls.mentioned(told.prefix, head, at, around.now),
                false => self.pulls.unheard(told.prefix, head, at, around.now),
            }
        }
    }

    /// A neighbour does not want these pushed.
    pub(super) fn pruned(&mut self, around: &Around<'_>, at: usize, prefixes: &[Prefix]) {
        for prefix in prefixes {
            let others = around.members.with_prefix(*prefix).filter(|ix| *ix != around.members.me());
            others.for_each(|ix| self.circle.set_eager(at, ix, false));
        }
    }

    /// A neighbour asks for what it missed.
    pub(super) fn serve(&mut self, around: &Around<'_>, at: usize, graft: bool, known: &[HeadRef]) {
        let mut statements = Vec::new();
        for asked in known {
            for ix in around.members.with_prefix(asked.prefix) {
                if graft {
                    self.circle.set_eager(at, ix, true);
                }
                match around.members.missing(ix, head_of(asked)) {
                    Missing::Nothing => {}
                    Missing::Statements(missing) => statements.extend(missing),
                    Missing::Everything => {
                        let Some(member) = around.members.member(ix) else { continue };
                        let Some(contact) = self.circle.wake(at) else { continue };
                        put_snapshot(&member.latest(), member.facts().all(), &mut contact.frames);
                    }
                }
            }
        }
        if !statements.is_empty()
            && let Some(contact) = self.circle.wake(at)
        {
            Frame::Statements { answer: true, statements }.put(&mut contact.frames);
        }
    }

    /// Asks for what it is time to ask for.
    pub(super) fn ask(&mut self, around: &Around<'_>) {
        let (questions, given_up) = self.pulls.due(around.now);
        for prefix in given_up {
            self.circle.each().for_each(|contact| contact.got(prefix));
        }
        let mut asked: BTreeMap<(usize, bool), Vec<HeadRef>> = BTreeMap::new();
        for Question { prefix, of, graft } in questions {
            if graft {
                let all: Vec<MemberIx> = around.members.with_prefix(prefix).collect();
                all.into_iter().for_each(|ix| self.circle.set_source(ix, of));
            }
            let known = known_with(around.members, prefix);
            asked.entry((of, graft)).or_default().extend(known);
        }
        for ((of, graft), known) in asked {
            let Some(contact) = self.circle.wake(of) else { continue };
            Frame::Pull { graft, known }.put(&mut contact.frames);
        }
    }
}

pub(super) fn head_of(told: &HeadRef) -> Head {
    Head { incarnation: told.incarnation, version: told.version }
}

/// Up to where everybody with this prefix is known; from the beginning when nobody is.
fn known_with(members: &Membership, prefix: Prefix) -> Vec<HeadRef> {
    let known = members.with_prefix(prefix).filter_map(|ix| members.member(ix));
    let mut known: Vec<HeadRef> = known.map(|member| head_ref(member.node, member.head)).collect();
    if known.is_empty() {
        known.push(HeadRef { prefix, incarnation: Head::default().incarnation, version: 0 });
    }
    known
}

/// A node's last statement and all its facts, in parts.
fn put_snapshot(latest: &Bytes, facts: impl Iterator<Item = Fact>, out: &mut BytesMut) {
    let mut statement = Some(latest.clone());
    let mut part = BytesMut::new();
    for fact in facts {
        fact.put(&mut part);
        // The statement may be as large as a part.
        if statement.is_some() || part.len() >= PART_BYTES {
            let facts = part.split().freeze();
            Frame::Snapshot { statement: statement.take(), last: false, facts }.put(out);
        }
    }
    Frame::Snapshot { statement, last: true, facts: part.freeze() }.put(out);
}
