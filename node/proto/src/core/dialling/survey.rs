//! Who of those who were found is to be dialled, and when that is decided: roughly at once, and with everybody in view
//! when others had time to be found too. How one chooses is the choice's business.

use std::time::Duration;

use super::{
    Dialling,
    target::{Key, Target},
};
use crate::{
    channel::NetworkIndex,
    core::choice::{Candidate, Survey, choose},
    id::NodeId,
    time::Now,
};

/// Rounds that fail until others are preferred.
const FAILURES_BAD: u32 = 2;
/// Of those, as many are dialled all the same at a time.
const PROBES: usize = 2;
/// How long after somebody was found it is asked who there is in all: others are found meanwhile.
const SURVEY_DELAY: Duration = Duration::from_secs(2);

impl Dialling {
    /// Chooses where that is due.
    pub(super) fn choose_due(&mut self, now: Now) {
        let surveyed: Vec<NetworkIndex> =
            self.surveys.extract_if(.., |_, at| *at <= now).map(|(network, _)| network).collect();
        for network in std::mem::take(&mut self.unchosen) {
            if !surveyed.contains(&network) {
                self.choose(network, Survey::First);
            }
        }
        surveyed.into_iter().for_each(|network| self.choose(network, Survey::Whole));
    }

    /// Somebody more is there. Where not all can be neighbours, they are chosen with care when others had time to be
    /// found too.
    pub(super) fn look_around(&mut self, network: NetworkIndex, now: Now) {
        if self.targets.len() >= self.max_neighbours / 2 {
            let at = now.after(self.jitter.around(SURVEY_DELAY));
            self.surveys.entry(network).or_insert(at);
        }
    }

    /// Decides anew who of those who were found is to be a neighbour.
    fn choose(&mut self, network: NetworkIndex, survey: Survey) {
        let [first, last] = [Key::Node(network, NodeId([0; 32])), Key::Node(network, NodeId([0xff; 32]))];
        let candidate = |(key, target): (&Key, &Target)| {
            let node = target.node?;
            let failed = target.refused || target.failures >= FAILURES_BAD;
            let bad = failed && !self.is_linked(key.network(), target);
            Some(Candidate { node, bad, kept: target.wanted && !bad })
        };
        let candidates: Vec<_> = self.targets.range(first..=last).filter_map(candidate).collect();
        let mut chosen = choose(self.me, &candidates, self.max_neighbours, survey);
        chosen.extend(self.probes(network, &candidates));
        let mut fresh = Vec::new();
        for (key, target) in self.targets.range_mut(first..=last) {
            let wanted = target.persistent || target.node.is_some_and(|node| chosen.contains(&node));
            if wanted && !target.wanted {
                fresh.push(*key);
            }
            target.wanted = wanted;
        }
        fresh.into_iter().for_each(|key| self.enqueue(key));
    }

    /// Some of those who could not be reached, those who have waited longest: they are dialled beside the others, in
    /// turns. When a network fell apart, each part has neighbours enough, and would not look for the other.
    fn probes(&self, network: NetworkIndex, candidates: &[Candidate]) -> Vec<NodeId> {
        let due = |candidate: &Candidate| {
            let target = self.targets.get(&Key::Node(network, candidate.node))?;
            target.unreachable.then_some((target.due, candidate.node))
        };
        let mut waiting: Vec<_> = candidates.iter().filter(|each| each.bad).filter_map(due).collect();
        waiting.sort_unstable();
        waiting.into_iter().take(PROBES).map(|(_, node)| node).collect()
    }
}
