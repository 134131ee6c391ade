//! A persistent map that is small when it has few entries: a sorted vector that becomes a tree.
//!
//! Most nodes of a trie have one child and one holder; a tree of its own for each would cost half a KiB.
//! What is kept in it is not known here.

use std::borrow::Borrow;

use imbl::OrdMap;

/// Entries up to which a vector is smaller and faster than a tree; copying one costs less than a tree's leaf.
const FEW: usize = 16;

/// A tree becomes a vector again below this, so that one entry more or less does not convert each time.
const FEW_AGAIN: usize = 8;

/// The entries, sorted by key.
#[derive(Clone)]
pub(super) enum Level<K, V> {
    /// At most [`FEW`].
    Few(Vec<(K, V)>),
    /// More, or at least [`FEW_AGAIN`] after having been more.
    Many(OrdMap<K, V>),
}

impl<K: Ord + Clone, V: Clone> Level<K, V> {
    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        match self {
            // Unequal keys mostly differ in length, so looking at each beats halving.
            Self::Few(entries) => entries.iter().find(|(k, _)| k.borrow() == key).map(|(_, value)| value),
            Self::Many(map) => map.get(key),
        }
    }

    pub(super) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Few(entries) => entries.iter_mut().find(|(k, _)| k.borrow() == key).map(|(_, value)| value),
            Self::Many(map) => map.get_mut(key),
        }
    }

    pub(super) fn get_or_insert_with<Q: Ord + ?Sized>(&mut self, key: &Q, new: impl FnOnce() -> V) -> &mut V
    where
        K: Borrow<Q>,
        for<'a> K: From<&'a Q>,
    {
        self.make_room(key);
        match self {
            Self::Few(entries) => {
                let at = match entries.binary_search_by(|(k, _)| k.borrow().cmp(key)) {
                    Ok(at) => at,
                    Err(at) => {
                        entries.insert(at, (K::from(key), new()));
                        at
                    }
                };
                &mut entries[at].1
            }
            Self::Many(map) => map.entry(K::from(key)).or_insert_with(new),
        }
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        self.make_room(&key);
        match self {
            Self::Few(entries) => match entries.binary_search_by(|(k, _)| k.cmp(&key)) {
                Ok(at) => entries[at].1 = value,
                Err(at) => entries.insert(at, (key, value)),
            },
            Self::Many(map) => {
                map.insert(key, value);
            }
        }
    }

    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        match self {
            Self::Few(entries) => entries.retain(|(k, _)| k.borrow() != key),
            Self::Many(map) => {
                map.remove(key);
                if map.len() < FEW_AGAIN {
                    *self = Self::Few(map.iter().map(|(k, v)| (k.clone(), v.clone())).collect());
                }
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Few(entries) => entries.is_empty(),
            Self::Many(map) => map.is_empty(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let (few, many) = match self {
            Self::Few(entries) => (Some(entries.iter().map(|(k, v)| (k, v))), None),
            Self::Many(map) => (None, Some(map.iter())),
        };
        few.into_iter().flatten().chain(many.into_iter().flatten())
    }

    /// Becomes a tree when a vector is full and the key is not in it.
    fn make_room<Q: Ord + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        if let Self::Few(entries) = self
            && entries.len() >= FEW
            && !entries.iter().any(|(k, _)| k.borrow() == key)
        {
            *self = Self::Many(std::mem::take(entries).into_iter().collect());
        }
    }
}

impl<K, V> Default for Level<K, V> {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}
