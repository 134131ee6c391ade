//! When changes of this node's links are stated. Everybody is told of every statement, so few are made while many links
//! change; but a link that leads to somebody new, and one that is gone, do not wait for those that only make ways
//! shorter.

use std::{collections::BTreeMap, time::Duration};

use super::jitter::Jitter;
use crate::{id::NodeId, time::Now};

/// Changes wait for others this long,
const DELAY: Duration = Duration::from_millis(50);
/// and until this long after those before them.
const PAUSE: Duration = Duration::from_millis(300);
/// New links wait four times as long after that: who has just started has many, one after the other. Those that are
/// gone do not: others would send that way.
const LONG_PAUSE: Duration = Duration::from_millis(1200);
/// After a time without any the pause is short again.
const FORGIVEN_AFTER: Duration = Duration::from_secs(5);

/// Where others lead to everybody who is newly linked to, the last of the new links is waited for: none has come for
/// this long,
const CALM: Duration = Duration::from_secs(2);
/// or the first has waited for this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// That others led to a node before counts for this long: then what is known by now does.
const BELIEVED: Duration = Duration::from_secs(1);

/// What is not stated yet, and when something was.
#[derive(Debug, Default)]
pub(super) struct LinkPace {
    /// New links, and until when it is believed that others lead to that node because they did when the link came up.
    fresh: BTreeMap<NodeId, Now>,
    /// A link that was stated is gone.
    gone: bool,
    /// When the first of the changes that wait came, and the last.
    began: Option<Now>,
    changed: Now,
    /// When some were stated last.
    said: Option<Now>,
    /// How long new ones wait after that.
    pause: Duration,
}

impl LinkPace {
    /// A neighbour came, to whom others lead already or not. When it is time to look at what waits.
    pub(super) fn linked(&mut self, now: Now, peer: NodeId, led: bool) -> Now {
        self.fresh.insert(peer, if led { now.after(BELIEVED) } else { now });
        self.change(now, self.pause)
    }

    /// A neighbour went. When it is time to look at what waits.
    pub(super) fn unlinked(&mut self, now: Now, peer: NodeId) -> Now {
        self.gone |= self.fresh.remove(&peer).is_none();
        // It may have been the one that led to others.
        self.fresh.values_mut().for_each(|believed| *believed = now);
        self.change(now, PAUSE)
    }

    fn change(&mut self, now: Now, pause: Duration) -> Now {
        self.began.get_or_insert(now);
        self.changed = now;
        let next = self.said.map_or(now, |said| said.after(pause));
        now.after(DELAY).max(next)
    }

    /// When to look again at what waits; none when it is stated now. `led` says whether others lead to a node without
    /// the new links.
    pub(super) fn wait(&self, now: Now, led: impl Fn(NodeId) -> bool) -> Option<Now> {
        let until = self.began?.after(PATIENCE).min(self.changed.after(CALM));
        let mut fresh = self.fresh.iter();
        let waits = until > now && !self.gone && fresh.all(|(node, believed)| *believed > now || led(*node));
        waits.then(|| until.min(now.after(PAUSE)))
    }

    /// Whether a link to a node is new and was not stated.
    pub(super) fn is_fresh(&self, node: NodeId) -> bool {
        self.fresh.contains_key(&node)
    }

    /// What waits is stated.
    pub(super) fn say(&mut self, now: Now, jitter: &mut Jitter) {
        if self.began.take().is_none() {
            return;
        }
        let calm = self.said.is_none_or(|said| said.after(FORGIVEN_AFTER) < now);
        // Neighbours of somebody new do not all say so at once: the first saves the others theirs.
        self.pause = jitter.around(if calm { PAUSE } else { LONG_PAUSE });
        self.said = Some(now);
        self.gone = false;
        self.fresh.clear();
    }
}
