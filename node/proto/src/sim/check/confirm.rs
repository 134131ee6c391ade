//! Confirmations: what has to be true when a node is told that its neighbours know.

use super::{Judge, view::Ticket};
use crate::time::Now;

impl Judge {
    pub(super) fn confirmed(&mut self, now: Now, node: usize, ticket: u64) {
        match self.views[node].tickets.remove(&ticket) {
            None => {
                self.wrong(now, format!("node {node} confirms ticket {ticket}, which nobody waits for"));
            }
            Some(ticket) => {
                self.verdict.confirmed += 1;
                for lie in self.lies(node, &ticket) {
                    self.wrong(now, lie);
                }
            }
        }
    }

    /// A neighbour of then, connected all the time, that does not know it.
    fn lies(&self, node: usize, ticket: &Ticket) -> Vec<String> {
        let mut lies = Vec::new();
        let (Some(life), view) = (self.truth.life(node), &self.views[node]) else { return lies };
        for (peer, since) in &ticket.neighbours {
            let Some(mine) = view.neighbours.get(peer).filter(|mine| mine.since == *since) else { continue };
            if self.truth.life(*peer).is_none() {
                continue;
            }
            let theirs = &self.views[*peer];
            // Who has lost the link on one side only cannot be judged: the other side has yet to notice.
            let back = theirs.neighbours.get(&node).filter(|back| {
                theirs.links.get(&back.link) == view.links.get(&mine.link) && back.since <= ticket.since
            });
            let Some(known) = back.and(theirs.peer(node)).filter(|known| known.life == life) else {
                continue;
            };
            // What was wished differently since may or may not be known yet.
            let last = |pattern: &&u32| view.wished.get(*pattern) == Some(&ticket.number);
            for pattern in ticket.patterns.iter().filter(last) {
                let wanted = self.words.state(self.truth.wants(node), *pattern);
                if !known.wants.is_some_and(|wants| self.words.tells(wants, *pattern, wanted)) {
                    lies.push(format!("node {peer} does not know of pattern {pattern} of node {node}"));
                }
            }
        }
        lies
    }
}
