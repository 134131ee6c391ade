//! What a run came to: plain numbers for whoever prints or compares them.

use std::time::Duration;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What was wrong, during the run and at rest; empty when all is well. The first hundred.
    pub problems: Vec<String>,
    /// How much was wrong.
    pub problem_count: u64,
    /// A fingerprint of every input and output of every node: the same for the same seed and scenario.
    pub trace: u64,
    /// Inputs handled by all nodes together.
    pub inputs: u64,
    /// Tickets that were asked for and confirmed.
    pub confirmed: u64,
    /// Virtual time that passed.
    pub elapsed: Duration,
    /// The phases, in order.
    pub phases: Vec<PhaseReport>,
    /// All phases together.
    pub whole: Figures,
    /// Copies of events that nodes say they dropped, by reason.
    pub drops: Vec<(&'static str, u64)>,
    /// Copies of events that lying relays dropped, doubled, altered or replayed.
    pub lies: Vec<(&'static str, u64)>,
    /// The last inputs and outputs, if somebody wanted to read them.
    pub lines: Vec<String>,
}

/// What a phase came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseReport {
    /// What the scenario calls it.
    pub name: String,
    /// When it began, since the beginning of the run.
    pub begin: Duration,
    /// How long it was.
    pub length: Duration,
    /// What was measured.
    pub figures: Figures,
}

/// What was measured in a stretch of time. Nodes that are away are in no mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Nodes that were alive at the end.
    pub alive: u64,
    /// Nodes that started.
    pub starts: u64,
    /// Nodes that crashed, or ended after they had left.
    pub stops: u64,
    /// Control frames sent.
    pub frames: u64,
    /// Their bytes, without what QUIC adds.
    pub bytes: u64,
    /// Bytes each node sent in a second, in the mean.
    pub bytes_per_second: u64,
    /// Bytes the node that sent most sent in a second, in the mean.
    pub bytes_per_second_worst: u64,
    /// Bytes all nodes sent in the second in which they sent most.
    pub bytes_busiest_second: u64,
    /// Frames and bytes by the kind of frame.
    pub kinds: Vec<Kind>,
    /// Changes of interest that were followed.
    pub changes: u64,
    /// Of these, those every node that stayed reachable came to know.
    pub changes_known: u64,
    /// How long until half of the nodes knew, for the slowest change.
    pub known_50: Option<Duration>,
    /// How long until 99 of 100 nodes knew, for the slowest change.
    pub known_99: Option<Duration>,
    /// How long until all nodes knew, for the slowest change.
    pub known_all: Option<Duration>,
    /// The same for the change in the middle.
    pub known_all_median: Option<Duration>,
    /// Bytes one change cost each node, in the mean: of the statement that says it, of notices, questions and
    /// confirmations of that statement, and its share of what was compared beyond the last quiet phase's pace.
    pub bytes_per_change: Option<u64>,
    /// How long until every view was right, if it was right at the end.
    pub settled: Option<Duration>,
    /// Events that were published.
    pub published: u64,
    /// Copies of them that had to arrive: those who wanted them lived and could be reached all the time.
    pub expected: u64,
    /// Of these, those that arrived.
    pub delivered: u64,
    /// Traces that were answered.
    pub traces: u64,
    /// Of these, those that ended where the channel was wanted.
    pub traces_delivered: u64,
    /// Of these, those to which nothing came from behind some node.
    pub traces_silent: u64,
    /// How long half of the copies took at most.
    pub arrived_50: Option<Duration>,
    /// How long 99 of 100 copies took at most.
    pub arrived_99: Option<Duration>,
    /// The fewest links of a node at the end.
    pub neighbours_least: u64,
    /// The most links of a node at the end.
    pub neighbours_most: u64,
    /// Links, at the end.
    pub links: u64,
    /// Groups of nodes without a link between them, at the end.
    pub groups: u64,
    /// Links on the longest of the shortest ways, at the end.
    pub diameter: u64,
    /// Links on the longest way that nodes say, at rest.
    pub longest_way: u64,
}

/// Frames of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The kind's number on the wire.
    pub kind: u8,
    /// How many.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
}
