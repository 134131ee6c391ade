//! Who holds one pattern: in place while it is one, as it mostly is.

use std::sync::Arc;

use imbl::OrdSet;

/// The holders, at least one.
#[derive(Clone)]
pub(super) enum Holders<H> {
    One(H),
    /// At least two.
    More(Arc<More<H>>),
}

/// Several holders, sorted.
#[derive(Clone)]
pub(super) enum More<H> {
    /// At most [`FEW`].
    Few(Vec<H>),
    Many(OrdSet<H>),
}

/// Holders up to which a vector is smaller and faster than a tree.
const FEW: usize = 16;

impl<H: Clone + Ord> Holders<H> {
    pub(super) fn contains(&self, holder: &H) -> bool {
        match self {
            Self::One(one) => one == holder,
            Self::More(more) => match &**more {
                More::Few(few) => few.binary_search(holder).is_ok(),
                More::Many(many) => many.contains(holder),
            },
        }
    }

    pub(super) fn insert(&mut self, holder: H) {
        match self {
            Self::One(one) if *one == holder => {}
            Self::One(one) => {
                let mut both = vec![one.clone(), holder];
                both.sort_unstable();
                *self = Self::More(Arc::new(More::Few(both)));
            }
            Self::More(more) => Arc::make_mut(more).insert(holder),
        }
    }

    /// Takes a holder away, unless it is the only one; false then, and nothing is different.
    pub(super) fn remove(&mut self, holder: &H) -> bool {
        let Self::More(more) = self else { return false };
        let left = match Arc::make_mut(more) {
            More::Few(few) => {
                few.retain(|known| known != holder);
                few.as_slice()
            }
            More::Many(many) => {
                many.remove(holder);
                match many.len() {
                    // Half, so that one holder more or less does not convert each time.
                    ..=8 => &many.iter().cloned().collect::<Vec<_>>(),
                    _ => return true,
                }
            }
        };
        *self = match left {
            [one] => Self::One(one.clone()),
            few => Self::More(Arc::new(More::Few(few.to_vec()))),
        };
        true
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &H> {
        let (few, many) = match self {
            Self::One(one) => (std::slice::from_ref(one), None),
            Self::More(more) => match &**more {
                More::Few(few) => (few.as_slice(), None),
                More::Many(many) => (&[][..], Some(many.iter())),
            },
        };
        few.iter().chain(many.into_iter().flatten())
    }
}

impl<H: Clone + Ord> More<H> {
    fn insert(&mut self, holder: H) {
        match self {
            Self::Few(few) => {
                let Err(at) = few.binary_search(&holder) else { return };
                few.insert(at, holder);
                if few.len() > FEW {
                    *self = Self::Many(few.drain(..).collect());
                }
            }
            Self::Many(many) => _ = many.insert(holder),
        }
    }
}
