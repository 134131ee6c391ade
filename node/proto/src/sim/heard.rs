//! Who hears of whom: drawn once for a run, from its dice.

use super::{chance::Chance, scenario::Discovery};

/// Whom discovery tells of whom.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    /// How many nodes there are.
    nodes: usize,
    how: How,
}

#[derive(Debug, Clone)]
enum How {
    Everyone,
    Line,
    /// For each node, whom it hears of and who hears of it; in order.
    Sample(Vec<[Vec<usize>; 2]>),
}

impl Heard {
    pub(super) fn draw(nodes: usize, discovery: Discovery, chance: &mut Chance) -> Self {
        let how = match discovery {
            Discovery::Everyone => How::Everyone,
            Discovery::Line => How::Line,
            Discovery::Sample(others) => How::Sample(sample(nodes, others, chance)),
        };
        Self { nodes, how }
    }

    /// Whether it is by addresses somebody wrote down, and not by a search for nodes.
    pub(super) fn is_written_down(&self) -> bool {
        matches!(self.how, How::Line)
    }

    /// Whether a node is told of another.
    pub(super) fn tells(&self, node: usize, of: usize) -> bool {
        match &self.how {
            How::Everyone => node != of,
            How::Line => node.abs_diff(of) == 1,
            How::Sample(all) => all[node][0].binary_search(&of).is_ok(),
        }
    }

    /// The nodes that are told of this one, or of which it is told; in order.
    pub(super) fn around(&self, node: usize) -> Vec<usize> {
        match &self.how {
            How::Everyone => (0..self.nodes).filter(|other| *other != node).collect(),
            How::Line => (0..self.nodes).filter(|other| other.abs_diff(node) == 1).collect(),
            How::Sample(all) => {
                let mut both: Vec<usize> = all[node].iter().flatten().copied().collect();
                both.sort_unstable();
                both.dedup();
                both
            }
        }
    }
}

/// A ring in an order of chance, so that nobody is left apart, and others by chance.
fn sample(nodes: usize, others: usize, chance: &mut Chance) -> Vec<[Vec<usize>; 2]> {
    let mut ring: Vec<usize> = (0..nodes).collect();
    chance.shuffle(&mut ring);
    let mut all = vec![[Vec::new(), Vec::new()]; nodes];
    for (at, node) in ring.iter().enumerate() {
        let hears = &mut all[*node][0];
        hears.extend(ring.get((at + 1) % nodes.max(1)).filter(|next| *next != node));
        while hears.len() < others.min(nodes.saturating_sub(1)) {
            let other = chance.below(nodes);
            if other != *node && !hears.contains(&other) {
                hears.push(other);
            }
        }
        hears.sort_unstable();
    }
    for node in 0..nodes {
        for of in all[node][0].clone() {
            all[of][1].push(node);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_reaches_everybody_and_is_the_same_for_the_same_dice() {
        for seed in 0..20 {
            let (nodes, others) =
                (2 + usize::try_from(seed).unwrap_or(0) * 3, 1 + usize::from(seed % 2 == 0));
            let heard = Heard::draw(nodes, Discovery::Sample(others), &mut Chance::new(seed));
            let again = Heard::draw(nodes, Discovery::Sample(others), &mut Chance::new(seed));
            let mut reached = vec![false; nodes];
            let mut next = vec![0];
            while let Some(node) = next.pop() {
                if !std::mem::replace(&mut reached[node], true) {
                    next.extend((0..nodes).filter(|of| heard.tells(node, *of)));
                }
                assert_eq!(heard.around(node), again.around(node));
                assert!((0..nodes).filter(|of| heard.tells(node, *of)).count() <= others);
            }
            assert!(reached.iter().all(|reached| *reached), "seed {seed}");
        }
    }
}
