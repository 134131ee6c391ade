//! A persistent map from names that is small when it has few entries: one in place, then a sorted vector that
//! becomes a tree.
//!
//! Most nodes of a trie have one child; a tree of its own for each would cost half a KiB. What the children
//! are is not known here.

use imbl::OrdMap;

use super::name::Name;

/// Entries up to which a vector is smaller and faster than a tree; copying one costs less than a tree's leaf.
const FEW: usize = 16;

/// A tree becomes a vector again below this, so that one entry more or less does not convert each time.
const FEW_AGAIN: usize = 8;

/// The entries, sorted by name.
#[derive(Clone)]
pub(super) enum Level<C> {
    /// Exactly one.
    One(Name, C),
    /// None, or two to [`FEW`], or one that is left of more.
    Few(Vec<(Name, C)>),
    /// More, or at least [`FEW_AGAIN`] after having been more.
    Many(OrdMap<Name, C>),
}

impl<C: Clone> Level<C> {
    pub(super) fn get(&self, key: &str) -> Option<&C> {
        match self {
            Self::One(name, child) => (name.as_bytes() == key.as_bytes()).then_some(child),
            // Unequal names mostly differ in length, so looking at each beats halving.
            Self::Few(entries) => {
                entries.iter().find(|(name, _)| name.as_bytes() == key.as_bytes()).map(|(_, child)| child)
            }
            Self::Many(map) => map.get(key.as_bytes()),
        }
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut C> {
        match self {
            Self::One(name, child) => (name.as_bytes() == key.as_bytes()).then_some(child),
            Self::Few(entries) => {
                entries.iter_mut().find(|(name, _)| name.as_bytes() == key.as_bytes()).map(|(_, child)| child)
            }
            Self::Many(map) => map.get_mut(key.as_bytes()),
        }
    }

    /// The child of this name, which is made when there is none.
    pub(super) fn get_or_insert_with(&mut self, key: &str, new: impl FnOnce() -> C) -> &mut C {
        self.make_room(key);
        if let Self::Few(entries) = self
            && entries.is_empty()
        {
            *self = Self::One(Name::from(key), new());
            return match self {
                Self::One(_, child) => child,
                _ => unreachable!("it was just made"),
            };
        }
        match self {
            // What has another name was moved into a vector by `make_room`.
            Self::One(_, child) => child,
            Self::Few(entries) => {
                let at = match entries.binary_search_by(|(name, _)| name.as_bytes().cmp(key.as_bytes())) {
                    Ok(at) => at,
                    Err(at) => {
                        // A vector would double, and most never see another entry.
                        entries.reserve_exact(1);
                        entries.insert(at, (Name::from(key), new()));
                        at
                    }
                };
                &mut entries[at].1
            }
            Self::Many(map) => map.entry(Name::from(key)).or_insert_with(new),
        }
    }

    pub(super) fn remove(&mut self, key: &str) {
        match self {
            Self::One(name, _) if name.as_bytes() == key.as_bytes() => *self = Self::default(),
            Self::One(..) => {}
            Self::Few(entries) => {
                entries.retain(|(name, _)| name.as_bytes() != key.as_bytes());
                if let [(name, child)] = entries.as_slice() {
                    *self = Self::One(name.clone(), child.clone());
                }
            }
            Self::Many(map) => {
                map.remove(key.as_bytes());
                if map.len() < FEW_AGAIN {
                    *self =
                        Self::Few(map.iter().map(|(name, child)| (name.clone(), child.clone())).collect());
                }
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Few(entries) if entries.is_empty())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Name, &C)> {
        let (one, few, many) = match self {
            Self::One(name, child) => (Some((name, child)), &[][..], None),
            Self::Few(entries) => (None, entries.as_slice(), None),
            Self::Many(map) => (None, &[][..], Some(map.iter())),
        };
        let few = few.iter().map(|(name, child)| (name, child));
        one.into_iter().chain(few).chain(many.into_iter().flatten())
    }

    /// Takes the next larger form when the name is not in it and this one is full.
    fn make_room(&mut self, key: &str) {
        match self {
            Self::One(name, child) if name.as_bytes() != key.as_bytes() => {
                let mut entries = Vec::with_capacity(2);
                entries.push((name.clone(), child.clone()));
                *self = Self::Few(entries);
            }
            Self::Few(entries)
                if entries.len() >= FEW
                    && !entries.iter().any(|(name, _)| name.as_bytes() == key.as_bytes()) =>
            {
                *self = Self::Many(std::mem::take(entries).into_iter().collect());
            }
            _ => {}
        }
    }
}

impl<C> Default for Level<C> {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}
