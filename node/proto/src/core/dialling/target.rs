//! One target of dialling: who or where it is, what was tried, and when it is tried again.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use crate::{channel::NetworkIndex, core::jitter::Jitter, id::NodeId, io::Attempt, time::Now};

/// The pause after the first failure; it doubles with each one.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// The same for somebody who refuses: that is seldom over in a moment, and each dial is a line in its log.
const REFUSED_PAUSE: Duration = Duration::from_secs(4);
const REFUSED_PAUSE_MAX: Duration = Duration::from_secs(30);
/// The same for somebody whom only others told of: mostly there is no way to it but theirs.
const LEARNED_PAUSE: Duration = Duration::from_secs(5);
const LEARNED_PAUSE_MAX: Duration = Duration::from_secs(120);

/// Which target: bare addresses go by the first of them, because anybody may be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Node(NetworkIndex, NodeId),
    Place(NetworkIndex, SocketAddr),
}

#[derive(Debug)]
pub(super) struct Target {
    pub(super) addrs: BTreeSet<SocketAddr>,
    /// Stays when the node leaves.
    pub(super) persistent: bool,
    /// Only others told of it.
    pub(super) learned: bool,
    /// It is to be a neighbour.
    pub(super) wanted: bool,
    /// Who it is: known from the beginning, or since somebody was reached there.
    pub(super) node: Option<NodeId>,
    /// When it is dialled, unless it is linked by then or an attempt is running.
    pub(super) due: Now,
    /// Its attempts that are running.
    pub(super) running: BTreeSet<Attempt>,
    /// Failures of this round, for people.
    pub(super) complaints: Vec<String>,
    /// Somebody refused in this round.
    pub(super) refused: bool,
    /// Nobody answered in the last round.
    pub(super) unreachable: bool,
    /// Rounds that failed since the last link that lasted.
    pub(super) failures: u32,
    /// A whole round has ended, one way or the other.
    pub(super) tried: bool,
    /// The complaint that was said last, so that it is said once.
    pub(super) said: Option<String>,
}

impl Target {
    pub(super) fn new(node: Option<NodeId>, now: Now) -> Self {
        Self {
            addrs: BTreeSet::new(),
            persistent: false,
            learned: false,
            wanted: node.is_none(),
            node,
            due: now,
            running: BTreeSet::new(),
            complaints: Vec::new(),
            refused: false,
            unreachable: false,
            failures: 0,
            tried: false,
            said: None,
        }
    }

    pub(super) fn end_round(&mut self) {
        self.tried = true;
        self.complaints.clear();
    }

    /// Not to be dialled for a while that grows with each failure.
    pub(super) fn pause(&mut self, jitter: &mut Jitter, now: Now) {
        let (first, longest) = match (self.refused, self.learned) {
            (true, _) => (REFUSED_PAUSE, REFUSED_PAUSE_MAX),
            (false, true) => (LEARNED_PAUSE, LEARNED_PAUSE_MAX),
            (false, false) => (PAUSE, PAUSE_MAX),
        };
        let doubled = first.saturating_mul(2_u32.saturating_pow(self.failures));
        self.failures = self.failures.saturating_add(1);
        self.due = now.after(jitter.around(doubled.min(longest)));
    }
}

impl Key {
    pub(super) fn network(&self) -> NetworkIndex {
        match self {
            Self::Node(network, _) | Self::Place(network, _) => *network,
        }
    }
}
