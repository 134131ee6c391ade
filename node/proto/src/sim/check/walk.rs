//! Ways: following what each node says of its next neighbour leads to everybody, and not for long.

use super::Judge;

/// Links anything may cross.
const HOPS: u64 = 8;

impl Judge {
    /// What is wrong with the ways of now; and the longest is written down.
    pub(super) fn walk(&mut self) -> Vec<String> {
        let mut wrong = Vec::new();
        for to in 0..self.truth.len() {
            let mut known = vec![None; self.truth.len()];
            known[to] = Some(0);
            for from in 0..self.truth.len() {
                if !self.truth.expected(from, to) {
                    continue;
                }
                match self.steps(from, to, &mut known) {
                    Some(steps) if steps <= HOPS => self.longest = self.longest.max(steps),
                    Some(steps) => wrong.push(format!("from node {from} to node {to} it is {steps} links")),
                    None => wrong.push(format!("the way from node {from} leads nowhere near node {to}")),
                }
            }
        }
        wrong
    }

    /// How many links it is to a node; none when the way ends, or leads in a circle.
    fn steps(&self, from: usize, to: usize, known: &mut [Option<u64>]) -> Option<u64> {
        let (mut path, mut at) = (Vec::new(), from);
        while known[at].is_none() {
            path.push(at);
            if path.len() > self.truth.len() {
                return None;
            }
            at = self.views[at].next.get(to).copied().flatten()?;
        }
        let mut steps = known[at]?;
        for node in path.into_iter().rev() {
            steps += 1;
            known[node] = Some(steps);
        }
        Some(steps)
    }
}
