//! Edges are what both ends state, whatever happened before: told by looking at everybody's facts.

use proptest::prelude::*;

use super::*;
use crate::{
    channel::NetworkIndex,
    id::Incarnation,
    keys::Unsigned,
    record::{Change, Facts, LINKS_MAX, Own, Statement},
    time::Now,
};

const NODES: usize = 6;

fn node(n: usize) -> NodeId {
    NodeId(*blake3::hash(&n.to_le_bytes()).as_bytes())
}

/// Members, and what each of them would state next.
struct Rig {
    members: Membership,
    owns: Vec<Own>,
    lives: u64,
}

impl Rig {
    fn new() -> Self {
        let owns = (0..NODES).map(|n| Own::new(node(n), NetworkIndex::HOME, Incarnation(1))).collect();
        Self { members: Membership::new(node(0)), owns, lives: 1 }
    }

    fn state(&mut self, n: usize, changes: impl IntoIterator<Item = Change>) -> Vec<Statement> {
        changes.into_iter().for_each(|change| self.owns[n].note(change));
        self.owns[n].say(&Unsigned)
    }

    fn step(&mut self, kind: u8, n: usize, other: usize) {
        let members = &mut self.members;
        match kind {
            0 | 1 => {
                let change = if kind == 0 { Change::Link(node(other)) } else { Change::Unlink(node(other)) };
                for statement in self.state(n, [change]) {
                    _ = self.members.take(&statement, Now::default());
                }
            }
            // A later life, of which the whole set comes at once.
            2 => {
                self.lives += 1;
                self.owns[n] = Own::new(node(n), NetworkIndex::HOME, Incarnation(self.lives));
                for statement in self.state(n, [Change::Link(node(other))]) {
                    let mut facts = Facts::default();
                    statement.changes.iter().for_each(|change| _ = facts.apply(change.clone()));
                    self.members.replace(&statement, facts, Now::default());
                }
            }
            3 => {
                self.lives += 1;
                self.owns[n] = Own::new(node(n), NetworkIndex::HOME, Incarnation(self.lives));
                if let Some(ix) = members.find(node(n)) {
                    members.begin_life(ix, Incarnation(self.lives));
                }
            }
            4 => members.forget_unreachable(Now(std::time::Duration::from_secs(1))),
            _ => {
                let many = (0..=LINKS_MAX).map(|far| Change::Link(node(NODES + far)));
                let (one, many) = (Change::Link(node(other)), many.collect::<Vec<_>>());
                for statement in self.state(n, std::iter::once(one).chain(many)) {
                    _ = self.members.take(&statement, Now::default());
                }
            }
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let places: Vec<_> = (0..NODES).filter_map(|n| self.members.find(node(n))).collect();
        let states = |a: MemberIx, b: MemberIx| {
            let node = self.members.member(b).map(|member| member.node);
            let member = self.members.member(a);
            node.zip(member).is_some_and(|(node, member)| member.facts().is_linked(node))
        };
        for a in &places {
            let mutual = places.iter().filter(|b| a != *b && states(*a, **b) && states(**b, *a));
            let mut mutual: Vec<MemberIx> = mutual.copied().collect();
            mutual.sort_unstable();
            prop_assert_eq!(self.members.edges(*a), mutual);
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn an_edge_is_what_both_ends_state(
        steps in prop::collection::vec((0_u8..24, 0..NODES, 0..NODES), 0..120),
    ) {
        let mut rig = Rig::new();
        for (kind, n, other) in steps {
            // Most are statements of links; the others are rare.
            rig.step(if kind < 19 { kind % 3 % 2 } else { kind - 17 }, n, other);
            rig.check()?;
        }
    }
}
