//! What a run is: how many nodes, which weather, and the phases they go through. Plain values, so that a
//! file can say them; what is done when is the plan's.

use std::time::Duration;

use super::{chance::Chance, liar::Lie};

/// A run from its start to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// How many nodes.
    pub nodes: usize,
    /// Links each node wants at most.
    pub neighbours: usize,
    /// Who hears of whom.
    pub discovery: Discovery,
    /// Patterns each node wants from its start on.
    pub patterns: usize,
    /// Half of the nodes start at once, the others within this.
    pub start_within: Duration,
    /// How packets travel.
    pub network: Network,
    /// Nodes whose clocks are wrong, and those that are slow.
    pub oddities: Oddities,
    /// What happens, in order. When nothing is done in the last, everything is judged at its end.
    pub phases: Vec<Phase>,
}

/// Who hears of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discovery {
    /// As by mDNS on one segment: everyone of everyone, with node ids.
    Everyone,
    /// As by mDNS where much gets lost: each of so many others, with node ids; nobody is left apart.
    Sample(usize),
    /// As by `--peer`: each of the one before and the one after, with addresses only.
    Line,
}

/// How packets travel.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Ordinary ways.
    pub usual: Way,
    /// Some ways that are worse.
    pub odd: Way,
    /// How many ways are odd, in percent.
    pub odd_percent: u8,
    /// A way is odd in one direction only.
    pub odd_one_way: bool,
    /// Dials that lead nowhere, in percent.
    pub dial_loss: u8,
}

/// One direction between two nodes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Way {
    /// How long a packet takes, at least and at most.
    pub latency: (Duration, Duration),
    /// Packets that are lost and sent again, in a million.
    pub loss_ppm: u32,
    /// How fast it is; none: as fast as one likes.
    pub bytes_per_second: Option<u64>,
}

/// Nodes that are not as the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Oddities {
    /// Wall clocks are wrong by up to this, either way.
    pub clock_skew: Duration,
    /// Clocks run too fast or too slow by up to this, in millionths.
    pub clock_drift_ppm: u32,
    /// How far a wall clock jumps at most, either way, when somebody sets it.
    pub clock_jump: Duration,
    /// Nodes that lie as relays.
    pub lies: Lies,
    /// Nodes that take their time, in percent.
    pub slow_percent: u8,
    /// How late those notice what happened, at most.
    pub slow_by: Duration,
}

/// What nodes that lie make of the frames they relay: of how many in a hundred, each kind by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lies {
    /// How many nodes lie, in percent.
    pub share: u8,
    /// Frames that are confirmed and dropped.
    pub drop: u8,
    /// Frames that are sent twice.
    pub double: u8,
    /// Frames of which a bit is turned over.
    pub alter: u8,
    /// Frames behind which an earlier one is sent again.
    pub replay: u8,
}

/// A stretch of a run. Counts are for the whole phase, spread over it by chance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phase {
    /// What people call it.
    pub name: String,
    /// How long it takes.
    pub length: Duration,
    /// Nodes whose subscriptions change, to or from a pattern of their own: it is measured who knows when.
    pub changes: usize,
    /// Careless changes over few patterns: added twice, removed when absent, now answered and now not.
    pub wishes: usize,
    /// Nodes that die without a word; most start again with a new life.
    pub crashes: usize,
    /// Nodes that leave properly; most start again.
    pub leaves: usize,
    /// Links that break while both ends live.
    pub breaks: usize,
    /// Times somebody sets a node's wall clock.
    pub jumps: usize,
    /// Times the nodes fall into two groups that do not hear each other for a while.
    pub partitions: usize,
    /// The nodes are in two halves that do not hear each other all the time.
    pub halved: bool,
    /// Events that are published, each by any node on one of the channels that nodes want.
    pub publishes: usize,
    /// Ways that are traced, each from any node to any other.
    pub traces: usize,
    /// Nodes that crash and start again a second later, in percent of all per minute.
    pub churn_percent: u32,
}

impl Phase {
    /// A stretch in which nothing is done.
    #[must_use]
    pub fn quiet(name: &str, length: Duration) -> Self {
        Self { name: name.into(), length, ..Self::default() }
    }

    /// Whether nothing is done in it.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        *self == Self::quiet(&self.name, self.length)
    }
}

impl Scenario {
    /// Whether anything is published or traced: otherwise nodes need no data plane.
    #[must_use]
    pub fn has_events(&self) -> bool {
        self.phases.iter().any(|phase| phase.publishes > 0 || phase.traces > 0)
    }
}

impl Lies {
    /// What becomes of one frame.
    pub(super) fn draw(&self, chance: &mut Chance) -> Option<Lie> {
        let number = chance.below(100);
        let kinds = [
            (self.drop, Lie::Dropped),
            (self.double, Lie::Doubled),
            (self.alter, Lie::Altered),
            (self.replay, Lie::Replayed),
        ];
        let mut below = 0;
        kinds.into_iter().find_map(|(percent, lie)| {
            below += usize::from(percent);
            (number < below).then_some(lie)
        })
    }
}

impl Way {
    /// A way without loss or limit.
    #[must_use]
    pub fn of_ms(from: u64, to: u64) -> Self {
        let latency = (Duration::from_millis(from), Duration::from_millis(to));
        Self { latency, loss_ppm: 0, bytes_per_second: None }
    }
}

impl Network {
    /// All ways alike, no dial lost.
    #[must_use]
    pub fn even(usual: Way) -> Self {
        Self { usual, odd: usual, odd_percent: 0, odd_one_way: false, dial_loss: 0 }
    }
}

impl Default for Scenario {
    /// Twenty nodes that all hear of each other, and some of everything.
    fn default() -> Self {
        let weather = Phase {
            name: "weather".into(),
            length: Duration::from_secs(60),
            wishes: 150,
            crashes: 6,
            leaves: 3,
            breaks: 20,
            partitions: 2,
            ..Phase::default()
        };
        Self {
            nodes: 20,
            neighbours: 64,
            discovery: Discovery::Everyone,
            patterns: 0,
            start_within: Duration::from_millis(1500),
            network: Network { dial_loss: 10, ..Network::even(Way::of_ms(1, 40)) },
            oddities: Oddities::default(),
            phases: vec![weather, Phase::quiet("rest", Duration::from_secs(60))],
        }
    }
}
