//! Failed events in the order of their next try.

use std::{cmp::Ordering, time::Instant};

use crate::bus::Delivery;

/// A failed event that waits for another try, ordered by when.
#[derive(Debug)]
pub(super) struct Delayed {
    pub(super) at: Instant,
    pub(super) delivery: Delivery,
}

impl PartialEq for Delayed {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Delayed {}

impl PartialOrd for Delayed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Delayed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}
