//! What a scenario expects of its figures: which figure, in which phase, and its limit.

use std::time::Duration;

use hive_proto::sim::Figures;

use super::{HOUR, NONE, duration, ppm, size, whole};
use crate::{
    config::section::{Report, Section},
    units::{self, ByteSize},
};

/// One figure that must keep to a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// In which phase, by its number; none: in the whole run.
    pub phase: Option<usize>,
    /// Which figure.
    pub figure: Figure,
    /// Its limit, in the smallest unit of [`Figure::unit`]: at most, or at least where [`Figure::is_least`].
    pub limit: u64,
}

/// The figures that can be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Until half of the nodes knew of the slowest change.
    Known50,
    /// Until 99 of 100 did.
    Known99,
    /// Until all did.
    KnownAll,
    /// Until every view was right.
    Settled,
    /// Gossip each node sent in a second, in the mean.
    GossipPerSecond,
    /// What the node that sent most did.
    GossipPerSecondWorst,
    /// What a change cost each node.
    GossipPerChange,
    /// Links on the longest of the shortest ways.
    Diameter,
    /// Links of a node.
    Neighbours,
    /// Copies of events that arrived, of those that had to.
    Delivered,
}

/// What a figure is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Time,
    /// Bytes.
    Bytes,
    /// A number of things.
    Count,
    /// Millionths.
    Share,
}

/// All figures by their keys.
const FIGURES: [(&str, Figure); 10] = [
    ("known-50", Figure::Known50),
    ("known-99", Figure::Known99),
    ("known-all", Figure::KnownAll),
    ("settled", Figure::Settled),
    ("gossip-bytes-per-second", Figure::GossipPerSecond),
    ("gossip-bytes-per-second-worst", Figure::GossipPerSecondWorst),
    ("gossip-bytes-per-change", Figure::GossipPerChange),
    ("diameter", Figure::Diameter),
    ("neighbours", Figure::Neighbours),
    ("delivered", Figure::Delivered),
];

impl Figure {
    /// Its key in a scenario file.
    #[must_use]
    pub fn key(self) -> &'static str {
        FIGURES.iter().find(|(_, figure)| *figure == self).map_or("", |(key, _)| key)
    }

    /// What it is in.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::Known50 | Self::Known99 | Self::KnownAll | Self::Settled => Unit::Time,
            Self::GossipPerSecond | Self::GossipPerSecondWorst | Self::GossipPerChange => Unit::Bytes,
            Self::Diameter | Self::Neighbours => Unit::Count,
            Self::Delivered => Unit::Share,
        }
    }

    /// Whether its limit is the least it may be, and not the most.
    #[must_use]
    pub fn is_least(self) -> bool {
        matches!(self, Self::Delivered)
    }

    /// What was measured, in the smallest unit; none when there is no such figure: somebody never knew.
    #[must_use]
    pub fn of(self, figures: &Figures) -> Option<u64> {
        let nanos = |time: Option<Duration>| time.and_then(|time| u64::try_from(time.as_nanos()).ok());
        match self {
            Self::Known50 => nanos(figures.known_50),
            Self::Known99 => nanos(figures.known_99),
            Self::KnownAll => nanos(figures.known_all),
            Self::Settled => nanos(figures.settled),
            Self::GossipPerSecond => Some(figures.bytes_per_second),
            Self::GossipPerSecondWorst => Some(figures.bytes_per_second_worst),
            Self::GossipPerChange => figures.bytes_per_change,
            Self::Diameter => Some(figures.diameter),
            Self::Neighbours => Some(figures.neighbours_most),
            Self::Delivered => figures.delivered.saturating_mul(1_000_000).checked_div(figures.expected),
        }
    }
}

impl Unit {
    /// A number of it for people.
    #[must_use]
    pub fn show(self, number: u64) -> String {
        match self {
            Self::Time => units::duration_rough(Duration::from_nanos(number)),
            Self::Bytes => format!("{number} B"),
            Self::Count => number.to_string(),
            Self::Share => format!("{}%", number as f64 / 10_000.0),
        }
    }
}

impl Expectation {
    /// Whether what was measured keeps to the limit.
    #[must_use]
    pub fn holds(&self, measured: Option<u64>) -> bool {
        measured.is_some_and(|measured| match self.figure.is_least() {
            true => measured >= self.limit,
            false => measured <= self.limit,
        })
    }

    /// The limit for people.
    #[must_use]
    pub fn shown(&self) -> String {
        let word = if self.figure.is_least() { "at least" } else { "at most" };
        format!("{word} {}", self.figure.unit().show(self.limit))
    }
}

/// Reads a mapping of figures and their limits.
pub(super) fn read(mut keys: Section<'_>, phase: Option<usize>, report: &mut Report) -> Vec<Expectation> {
    let mut all = Vec::new();
    for (key, figure) in FIGURES {
        let limit = keys.read(key, report, |value| match figure.unit() {
            Unit::Time => {
                duration(value, NONE, HOUR).map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
            }
            Unit::Bytes => size(value, ByteSize(0), ByteSize::mib(1024)).map(|size| size.0),
            Unit::Count => whole(value, 0..=1_000_000),
            Unit::Share => ppm(value, 1_000_000).map(u64::from),
        });
        all.extend(limit.map(|limit| Expectation { phase, figure, limit }));
    }
    keys.finish(report);
    all
}
