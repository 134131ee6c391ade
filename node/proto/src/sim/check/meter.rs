//! Bytes and frames on control streams: by node, by kind and by second.

use std::time::Duration;

use super::frames::frames;
use crate::{
    sim::report::{Figures, Kind},
    time::Now,
};

/// What was sent.
#[derive(Debug)]
pub(super) struct Meter {
    /// Since the beginning of the phase.
    phase: Tally,
    /// Since the beginning of the run.
    whole: Tally,
    /// Bytes of each second of the run.
    seconds: Vec<u64>,
}

/// What was sent in a stretch of time.
#[derive(Debug, Clone)]
struct Tally {
    /// Bytes by node.
    nodes: Vec<u64>,
    /// Frames and bytes by kind.
    kinds: Vec<(u64, u64)>,
    starts: u64,
    stops: u64,
}

impl Meter {
    pub(super) fn new(nodes: usize) -> Self {
        let none = Tally::new(nodes);
        Self { phase: none.clone(), whole: none, seconds: Vec::new() }
    }

    pub(super) fn sent(&mut self, now: Now, node: usize, bytes: &[u8]) {
        self.phase.nodes[node] += bytes.len() as u64;
        self.whole.nodes[node] += bytes.len() as u64;
        for (kind, length, _) in frames(bytes) {
            for tally in [&mut self.phase, &mut self.whole] {
                let (frames, sum) = &mut tally.kinds[usize::from(kind)];
                (*frames, *sum) = (*frames + 1, *sum + length as u64);
            }
        }
        let bytes = bytes.len() as u64;
        let second = usize::try_from(now.0.as_secs()).unwrap_or(0);
        if self.seconds.len() <= second {
            self.seconds.resize(second + 1, 0);
        }
        self.seconds[second] += bytes;
    }

    pub(super) fn started(&mut self) {
        self.phase.starts += 1;
        self.whole.starts += 1;
    }

    pub(super) fn stopped(&mut self) {
        self.phase.stops += 1;
        self.whole.stops += 1;
    }

    /// Writes down a phase and begins the next one.
    pub(super) fn phase(&mut self, begin: Now, end: Now, figures: &mut Figures) {
        let none = Tally::new(self.phase.nodes.len());
        let tally = std::mem::replace(&mut self.phase, none);
        tally.write(end.0.saturating_sub(begin.0), figures);
        figures.bytes_busiest_second = self.busiest(begin, end);
    }

    /// Writes down the whole run.
    pub(super) fn whole(&self, end: Now, figures: &mut Figures) {
        self.whole.write(end.0, figures);
        figures.bytes_busiest_second = self.busiest(Now::default(), end);
    }

    fn busiest(&self, begin: Now, end: Now) -> u64 {
        let place = |at: Now| usize::try_from(at.0.as_secs()).unwrap_or(usize::MAX).min(self.seconds.len());
        let (from, to) = (place(begin), place(Now(end.0.saturating_add(Duration::from_millis(999)))));
        self.seconds[from..to].iter().copied().max().unwrap_or(0)
    }
}

impl Tally {
    fn new(nodes: usize) -> Self {
        Self { nodes: vec![0; nodes], kinds: vec![(0, 0); 256], starts: 0, stops: 0 }
    }

    fn write(&self, length: Duration, figures: &mut Figures) {
        let micros = micros(Now::default(), Now(length));
        let in_second = |bytes: u64| bytes.saturating_mul(1_000_000) / micros;
        figures.bytes = self.nodes.iter().sum();
        figures.bytes_per_second = in_second(figures.bytes) / figures.alive.max(1);
        figures.bytes_per_second_worst = in_second(self.nodes.iter().copied().max().unwrap_or(0));
        figures.frames = self.kinds.iter().map(|(frames, _)| frames).sum();
        let kinds = (0..=u8::MAX).zip(&self.kinds).filter(|(_, (frames, _))| *frames > 0);
        figures.kinds =
            kinds.map(|(kind, (frames, bytes))| Kind { kind, frames: *frames, bytes: *bytes }).collect();
        (figures.starts, figures.stops) = (self.starts, self.stops);
    }
}

/// At least one, so that it divides.
fn micros(begin: Now, end: Now) -> u64 {
    u64::try_from(end.0.saturating_sub(begin.0).as_micros()).unwrap_or(u64::MAX).max(1)
}
