//! The made-up network: connections with two ends, frames in order, ends that learn of a break at
//! different times.
//!
//! It says when something arrives; the world makes it happen. What frames mean is not known here.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;

use super::chance::Chance;
use crate::{io::LinkId, time::Now};

/// The dialler's end of a connection.
pub(super) const DIALLER: usize = 0;
/// The listener's end of a connection.
pub(super) const LISTENER: usize = 1;

/// How long an end goes on believing in a connection that is cut, in milliseconds.
pub(super) const SILENCE_MS: (u64, u64) = (2_500, 3_500);
/// How long a graceful close waits for the other end.
pub(super) const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// A connection between two lives of nodes.
#[derive(Debug)]
pub(super) struct Connection {
    /// The dialler's and the listener's.
    pub(super) ends: [End; 2],
    /// Nothing sent from now on arrives.
    pub(super) cut: bool,
}

/// One end of a connection.
#[derive(Debug)]
pub(super) struct End {
    /// Whose it is.
    pub(super) node: usize,
    /// Which life of that node.
    pub(super) life: u64,
    /// Its number there, once it is up.
    pub(super) link: Option<LinkId>,
    /// What came before it was up.
    pub(super) early: VecDeque<Bytes>,
    /// When the last frame on its way to it arrives: later ones do not overtake.
    pub(super) last_arrival: Now,
    /// Its node closes it; whether gracefully.
    pub(super) closing: Option<bool>,
    /// It is over for this end.
    pub(super) down: bool,
}

impl Connection {
    pub(super) fn new(dialler: (usize, u64), listener: (usize, u64)) -> Self {
        Self { ends: [End::new(dialler), End::new(listener)], cut: false }
    }

    /// When a frame or a close sent now reaches this end.
    pub(super) fn arrival(&mut self, end: usize, sent: Now, latency: Duration) -> Now {
        let end = &mut self.ends[end];
        end.last_arrival = end.last_arrival.max(sent.after(latency));
        end.last_arrival
    }

    /// Whether both nodes still have it and neither closes it.
    pub(super) fn is_open(&self) -> bool {
        !self.cut && self.ends.iter().all(|end| end.link.is_some() && !end.down && end.closing.is_none())
    }
}

impl End {
    fn new((node, life): (usize, u64)) -> Self {
        let (early, last_arrival) = (VecDeque::new(), Now::default());
        Self { node, life, link: None, early, last_arrival, closing: None, down: false }
    }
}

/// How long one of the ends takes to notice silence.
pub(super) fn silence(chance: &mut Chance) -> Duration {
    chance.millis(SILENCE_MS.0, SILENCE_MS.1)
}
