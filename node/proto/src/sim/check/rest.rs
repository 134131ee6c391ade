//! What has to be true at rest, when nothing was done for a while.

use super::*;

impl Judge {
    /// Writes down everything that is wrong.
    pub(super) fn judge_rest(&mut self, now: Now) {
        let mut wrong = Vec::new();
        for node in 0..self.truth.len() {
            if self.truth.life(node).is_none() {
                continue;
            }
            let view = &self.views[node];
            if !view.ready {
                wrong.push(format!("node {node} is not ready"));
            }
            let tickets = view.tickets.keys();
            wrong.extend(tickets.map(|t| format!("ticket {t} of node {node} was never confirmed")));
            for of in 0..self.truth.len() {
                if !self.is_right(node, of) {
                    wrong.push(self.tell_wrong(node, of));
                }
            }
        }
        wrong.extend(self.link_problems());
        wrong.extend(self.broken_groups());
        wrong.extend(self.walk());
        wrong.into_iter().for_each(|text| self.wrong(now, text));
    }

    fn tell_wrong(&mut self, node: usize, of: usize) -> String {
        let expected = self.truth.expected(node, of);
        match (self.views[node].peer(of), expected) {
            (None, _) => format!("node {node} does not know of node {of}"),
            (Some(_), false) => format!("node {node} believes in node {of}"),
            (Some(peer), true) if self.truth.life(of) != Some(peer.life) => {
                format!(
                    "node {node} knows life {} of node {of}, which is in {:?}",
                    peer.life,
                    self.truth.life(of)
                )
            }
            (Some(peer), true) => {
                let known = peer.wants.map_or("nothing".into(), |wants| self.words.tell(wants));
                let told = self.words.told(self.truth.wants(of));
                let wanted = self.words.tell(told);
                format!("node {node} knows {known} of node {of}, which wants {wanted}")
            }
        }
    }

    /// Two nodes with links between them have one, both use it, and nobody uses another.
    fn link_problems(&self) -> Vec<String> {
        let mut open: BTreeMap<(usize, usize), Vec<u64>> = BTreeMap::new();
        for (connection, (a, b)) in self.truth.links() {
            open.entry((*a.min(b), *a.max(b))).or_default().push(*connection);
        }
        let several = open.iter().filter(|(_, open)| open.len() > 1);
        let mut wrong: Vec<String> =
            several.map(|((a, b), open)| format!("nodes {a} and {b} have the links {open:?}")).collect();
        for (node, view) in self.views.iter().enumerate().filter(|(node, _)| self.truth.life(*node).is_some())
        {
            for (of, neighbour) in &view.neighbours {
                let used = view.links.get(&neighbour.link);
                let there = open.get(&(node.min(*of), node.max(*of))).and_then(|open| open.first());
                if used.is_none() || used != there {
                    wrong.push(format!("node {node} uses {used:?} to node {of}, open is {there:?}"));
                }
            }
        }
        wrong
    }

    /// Nodes that could reach each other and have no way of links.
    fn broken_groups(&mut self) -> Vec<String> {
        let linked = graph::components(&self.truth);
        let could = self.truth.components().to_vec();
        let apart = |node: &usize| linked[*node] != linked[could[*node]];
        let apart: Vec<usize> = (0..could.len()).filter(|node| apart(node)).collect();
        apart.into_iter().map(|node| format!("node {node} has no way to node {}", could[node])).collect()
    }
}
