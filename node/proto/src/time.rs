//! Time as the mesh sees it: virtual now for the state machine, hybrid logical clocks for events.
//! Nobody here reads a clock; the caller brings the time.

use std::time::Duration;

/// Time since the driver started, as the driver says. Only differences mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Now(pub Duration);

impl Now {
    /// The moment `delay` later.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(delay))
    }
}

/// A hybrid logical clock reading: 48 bits of milliseconds since the Unix epoch, 16 bits of counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hlc(pub u64);

impl Hlc {
    /// The reading of a wall clock, counter 0.
    #[must_use]
    pub fn from_unix_ms(ms: u64) -> Self {
        Self(ms << 16)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn unix_ms(self) -> u64 {
        self.0 >> 16
    }

    /// The next reading after `self` when the wall clock says `unix_ms`: never earlier, never equal.
    #[must_use]
    pub fn next(self, unix_ms: u64) -> Self {
        Self::from_unix_ms(unix_ms).max(Self(self.0.saturating_add(1)))
    }
}
