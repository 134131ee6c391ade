//! What one neighbour wants, as it said; and how the parts of its changes become whole ones.

use super::{InterestOp, Wants};
use crate::{frame::control::Interest, limits::PATTERNS_MAX, pattern::filter::BLOCKS_MAX};

/// A neighbour's announced set, whichever of its links it came by.
#[derive(Debug, Default)]
pub struct RemoteInterest {
    wants: Wants,
    /// The last change that was taken over; none before the first whole set.
    version: Option<u64>,
}

/// The parts of a change that came on one link so far.
#[derive(Debug, Default)]
pub struct Assembly {
    /// The version of the last whole change of this link; none before the first, which is a whole set.
    version: Option<u64>,
    /// The change whose last part is still to come.
    pending: Option<Change>,
}

/// A whole change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which one.
    pub version: u64,
    /// It is all that is wanted.
    pub reset: bool,
    /// The operations, in order.
    pub ops: Vec<InterestOp>,
}

/// How a neighbour's interest breaks the rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InterestError {
    /// A change does not follow the one before.
    #[error("interest version {found} came where {expected} was due")]
    Version {
        /// What came.
        found: u64,
        /// What was due.
        expected: u64,
    },
    /// The first change of a link is not the whole set.
    #[error("the first interest on a link is not the whole set")]
    NoReset,
    /// A part belongs to another change than the parts before.
    #[error("a part of another change came before the last part of version {0}")]
    Mixed(u64),
    /// More patterns than anybody may announce.
    #[error("more than {PATTERNS_MAX} patterns")]
    TooMany,
}

/// Operations one change may have: every pattern taken back, as many new ones, and every block.
const OPS_MAX: usize = 2 * PATTERNS_MAX + BLOCKS_MAX as usize;

impl Assembly {
    /// Takes the next part; the whole change when it was the last part.
    ///
    /// # Errors
    /// When it does not follow what came before, or the change is too large.
    pub fn take(&mut self, part: Interest) -> Result<Option<Change>, InterestError> {
        let mut change = match self.pending.take() {
            Some(pending) if (pending.version, pending.reset) != (part.version, part.reset) => {
                return Err(InterestError::Mixed(pending.version));
            }
            Some(pending) => pending,
            None => self.begin(part.version, part.reset)?,
        };
        if change.ops.len().saturating_add(part.ops.len()) > OPS_MAX {
            return Err(InterestError::TooMany);
        }
        change.ops.extend(part.ops);
        if !part.last {
            self.pending = Some(change);
            return Ok(None);
        }
        self.version = Some(change.version);
        Ok(Some(change))
    }

    fn begin(&self, version: u64, reset: bool) -> Result<Change, InterestError> {
        let change = Change { version, reset, ops: Vec::new() };
        match self.version {
            None if !reset => Err(InterestError::NoReset),
            None => Ok(change),
            Some(last) if reset && version >= last => Ok(change),
            Some(last) if last.checked_add(1) == Some(version) => Ok(change),
            Some(last) => Err(InterestError::Version { found: version, expected: last.saturating_add(1) }),
        }
    }
}

impl RemoteInterest {
    /// Nothing was said yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The last change that is known; none before the first whole set.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        self.version
    }

    /// Takes over a change; none when it is known already, from another link. What is left of it are the
    /// operations that really change something, or the whole set when it is one.
    ///
    /// # Errors
    /// When the neighbour would want too many patterns, or skipped a change.
    pub fn apply(&mut self, change: Change) -> Result<Option<Change>, InterestError> {
        if self.version.is_some_and(|known| change.version <= known) {
            return Ok(None);
        }
        if change.reset {
            self.wants = Wants::default();
        } else if self.version.map(|known| known.saturating_add(1)) != Some(change.version) {
            let expected = self.version.map_or(0, |known| known.saturating_add(1));
            return Err(InterestError::Version { found: change.version, expected });
        }
        let mut ops = Vec::with_capacity(change.ops.len());
        for op in change.ops {
            if self.wants.apply(&op) {
                ops.push(op);
            }
        }
        if self.wants.len() > PATTERNS_MAX {
            return Err(InterestError::TooMany);
        }
        self.version = Some(change.version);
        Ok(Some(Change { version: change.version, reset: change.reset, ops }))
    }

    /// All it wants.
    #[must_use]
    pub fn wants(&self) -> &Wants {
        &self.wants
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        interest::{Announced, Wanted},
        pattern::Pattern,
    };

    fn add(text: &str) -> InterestOp {
        InterestOp::Add(Wanted::new(Pattern::parse(text).expect("a pattern"), false))
    }

    fn part(version: u64, reset: bool, last: bool, ops: &[InterestOp]) -> Interest {
        Interest { version, reset, last, ops: ops.to_vec() }
    }

    #[test]
    fn parts_become_a_change() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.take(part(4, true, false, &[add("a/b")])), Ok(None));
        let whole = Change { version: 4, reset: true, ops: vec![add("a/b"), add("a/c")] };
        assert_eq!(assembly.take(part(4, true, true, &[add("a/c")])), Ok(Some(whole)));
        let next = Change { version: 5, reset: false, ops: vec![] };
        assert_eq!(assembly.take(part(5, false, true, &[])), Ok(Some(next)));
    }

    #[test]
    fn changes_out_of_order_are_refused() {
        let begun = || {
            let mut assembly = Assembly::default();
            assert_eq!(assembly.take(part(4, true, false, &[])), Ok(None));
            assembly
        };
        assert_eq!(Assembly::default().take(part(1, false, true, &[])), Err(InterestError::NoReset));
        assert_eq!(begun().take(part(5, true, true, &[])), Err(InterestError::Mixed(4)));
        let mut assembly = begun();
        assert!(assembly.take(part(4, true, true, &[])).is_ok());
        let error = InterestError::Version { found: 6, expected: 5 };
        assert_eq!(assembly.take(part(6, false, true, &[])), Err(error));
    }

    #[test]
    fn too_many_patterns_are_refused() {
        let ops: Vec<_> = (0..=PATTERNS_MAX).map(|n| add(&format!("n/{n}"))).collect();
        let change = Change { version: 1, reset: true, ops };
        assert_eq!(RemoteInterest::new().apply(change), Err(InterestError::TooMany));
        let mut assembly = Assembly::default();
        let ops = vec![add("a/b"); OPS_MAX / 2];
        assert_eq!(assembly.take(part(1, true, false, &ops)), Ok(None));
        assert_eq!(assembly.take(part(1, true, false, &ops)), Ok(None));
        assert_eq!(assembly.take(part(1, true, false, &ops)), Err(InterestError::TooMany));
    }

    #[test]
    fn what_is_known_from_another_link_changes_nothing() {
        let mut remote = RemoteInterest::new();
        let whole = Change { version: 3, reset: true, ops: vec![add("a/b")] };
        assert_eq!(remote.apply(whole.clone()), Ok(Some(whole.clone())));
        assert_eq!(remote.apply(whole), Ok(None));
        let late = Change { version: 2, reset: false, ops: vec![add("x/y")] };
        assert_eq!(remote.apply(late), Ok(None));
        assert_eq!(remote.wants().len(), 1);
    }

    proptest! {
        /// Changes that come twice, and whole sets in between, lead to what was announced.
        #[test]
        fn the_neighbours_view_follows(
            steps in prop::collection::vec((prop::collection::vec((any::<bool>(), 0..5_u8), 1..5), any::<bool>()), 1..20),
        ) {
            let (mut announced, mut remote) = (Announced::new(), RemoteInterest::new());
            remote.apply(Change { version: 0, reset: true, ops: vec![] })?;
            for (ops, whole) in steps {
                let ops = ops.into_iter().map(|(keep, n)| match add(&format!("a/{n}")) {
                    InterestOp::Add(wanted) if !keep => InterestOp::Remove(wanted.pattern),
                    op => op,
                });
                let revision = announced.apply(ops.collect());
                let version = announced.version();
                let delta = Change { version, reset: false, ops: revision.ops };
                let set = Change { version, reset: true, ops: announced.wants().ops().collect() };
                remote.apply(if whole { set.clone() } else { delta.clone() })?;
                remote.apply(delta)?;
                remote.apply(set)?;
                prop_assert_eq!(remote.wants(), announced.wants());
            }
        }
    }
}
