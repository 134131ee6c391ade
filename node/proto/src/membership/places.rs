//! Members' places: how one is found, made and given up, and what is kept of each member apart from the rest because it
//! is looked at for everybody at once.

use std::sync::Arc;

use super::{Member, MemberIx, Membership, digest, prefix_of};
use crate::{id::NodeId, limits::MEMBERS_MAX, record::Head, time::Now};

impl Membership {
    /// Whose place it is.
    #[must_use]
    pub fn find(&self, node: NodeId) -> Option<MemberIx> {
        self.with_prefix(prefix_of(node))
            .find(|ix| self.member(*ix).is_some_and(|member| member.node == node))
    }

    /// The place of a node, made if there is none. None when there is no room.
    pub fn place(&mut self, node: NodeId, now: Now) -> Option<MemberIx> {
        match self.find(node) {
            Some(ix) => Some(ix),
            None if self.index.len() >= MEMBERS_MAX && !self.forget_one() => None,
            None => Some(self.add(node, now)),
        }
    }

    /// Says whether a member can be reached. True when that is new.
    pub fn set_reachable(&mut self, ix: MemberIx, reachable: bool, now: Now) -> bool {
        let Some(member) = self.members.get_mut(ix.0 as usize) else { return false };
        if member.reachable == reachable {
            return false;
        }
        (member.reachable, member.since) = (reachable, now);
        if let Some(present) = self.present.get_mut(ix.0 as usize) {
            *present = reachable;
        }
        self.touch(ix);
        true
    }

    /// A member's last statement; version 0 before the first.
    #[must_use]
    pub fn head(&self, ix: MemberIx) -> Head {
        self.heads.get(ix.0 as usize).copied().unwrap_or_default()
    }

    /// Whether a member can be reached.
    #[must_use]
    pub fn is_reachable(&self, ix: MemberIx) -> bool {
        self.present.get(ix.0 as usize).copied().unwrap_or(false)
    }

    /// Forgets who could not be reached since before then.
    pub fn forget_unreachable(&mut self, before: Now) {
        let gone = |member: &Member| !member.reachable && member.since < before;
        let gone: Vec<MemberIx> = self.iter().filter(|(_, member)| gone(member)).map(|(ix, _)| ix).collect();
        gone.into_iter().for_each(|ix| self.forget(ix));
    }

    pub(super) fn add(&mut self, node: NodeId, now: Now) -> MemberIx {
        let member = Member {
            node,
            head: Head::default(),
            stated: Arc::default(),
            reachable: false,
            left: false,
            since: now,
            banned: false,
            counted: digest::Counted::default(),
        };
        let ix = match self.free.pop() {
            Some(ix) => ix,
            None => MemberIx(u32::try_from(self.members.len()).unwrap_or(u32::MAX)),
        };
        match self.members.get_mut(ix.0 as usize) {
            Some(place) => *place = member,
            None => {
                self.members.push(member);
                self.edges.push(Vec::new());
                self.present.push(false);
                self.heads.push(Head::default());
            }
        }
        self.index.insert(node, ix);
        let entry = (prefix_of(node), ix);
        if let Err(at) = self.prefixes.binary_search(&entry) {
            self.prefixes.insert(at, entry);
        }
        ix
    }

    pub(super) fn set_head(&mut self, ix: MemberIx, head: Head) {
        if let (Some(member), Some(slot)) =
            (self.members.get_mut(ix.0 as usize), self.heads.get_mut(ix.0 as usize))
        {
            (member.head, *slot) = (head, head);
        }
    }

    /// Makes room by forgetting who could not be reached for the longest time.
    fn forget_one(&mut self) -> bool {
        let unreachable = self.iter().filter(|(_, member)| !member.reachable);
        let oldest = unreachable.min_by_key(|(ix, member)| (member.since, *ix)).map(|(ix, _)| ix);
        let found = oldest.is_some();
        oldest.into_iter().for_each(|ix| self.forget(ix));
        found
    }

    fn forget(&mut self, ix: MemberIx) {
        let Some(node) = self.member(ix).map(|member| member.node) else { return };
        self.forsake(ix);
        // Not counted under another's name later.
        self.count(ix);
        self.index.remove(&node);
        if let Ok(at) = self.prefixes.binary_search(&(prefix_of(node), ix)) {
            self.prefixes.remove(at);
        }
        self.set_head(ix, Head::default());
        if let Some(member) = self.members.get_mut(ix.0 as usize) {
            member.stated = Arc::default();
        }
        self.free.push(ix);
    }
}
