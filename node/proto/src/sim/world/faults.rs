//! What goes wrong: nodes that stop, links that break, groups that do not hear each other.

use super::*;
use crate::sim::network::{Connection, silence};

impl World {
    /// A node is gone without a word: the others notice by and by.
    pub(super) fn stop(&mut self, number: usize) {
        let Some(alive) = self.nodes[number].alive.take() else { return };
        if let Some(bus) = alive.bus {
            self.judge.accounts(self.now, number, (&bus.balance(), &bus.dropped()));
            self.judge.dropped(&bus.dropped());
        }
        self.judge.stopped(self.now, number);
        let life = self.nodes[number].life;
        for connection in self.nodes[number].connections.clone() {
            let known = self.connections.get(connection);
            let its = known.is_some_and(|c| c.ends.iter().any(|end| (end.node, end.life) == (number, life)));
            if its {
                let most = silence(&mut self.chance);
                self.sever(connection, most, LinkEnd::TimedOut);
            }
        }
    }

    pub(super) fn break_one(&mut self, which: u64) {
        let open: Vec<u64> = self.connections.iter().filter(|(_, c)| c.is_open()).map(|(n, _)| n).collect();
        let chosen = usize::try_from(which % open.len().max(1) as u64).unwrap_or(0);
        if let Some(connection) = open.get(chosen) {
            let most = if which.is_multiple_of(2) { silence(&mut self.chance) } else { Duration::ZERO };
            self.sever(*connection, most, LinkEnd::Failed("broken".into()));
        }
    }

    /// These do not hear the others from now on, and all others hear each other. Who hears of somebody
    /// again is told of it by discovery.
    pub(super) fn part(&mut self, apart: &[usize]) {
        let mut after = vec![false; self.nodes.len()];
        apart.iter().for_each(|node| after[*node] = true);
        let before = std::mem::replace(&mut self.apart, after);
        self.judge.groups(self.now, &self.apart);
        let crosses = |c: &Connection| self.apart[c.ends[0].node] != self.apart[c.ends[1].node];
        let cut = self.connections.iter().filter(|(_, c)| !c.cut && crosses(c));
        for connection in cut.map(|(number, _)| number).collect::<Vec<_>>() {
            let most = silence(&mut self.chance);
            self.sever(connection, most, LinkEnd::TimedOut);
        }
        for node in 0..self.nodes.len() {
            for other in self.heard.around(node) {
                if before[node] != before[other] {
                    self.tell(node, other);
                }
            }
        }
    }
}
