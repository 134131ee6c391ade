//! Ids that came over bridges lately, a bounded window an origin: who floods one forgets only its own.

use std::{
    collections::{HashMap, HashSet, hash_map::RandomState},
    hash::BuildHasher,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hive_proto::channel::{Address, Channel, NetworkIndex};

use super::Trail;

/// Ids of one origin between two forgettings; so many to twice as many are known. A bridge that lags has as many queued.
const IDS_MAX: usize = 65_536;
/// Origins that are known; the one that was not heard of longest gives way.
const ORIGINS_MAX: usize = 256;
/// Ids of all origins together: some 40 MiB. Past it the origin that was not heard of longest gives way.
const ALL_IDS_MAX: usize = 1 << 20;

/// What was seen. Only what came over a bridge asks.
#[derive(Debug, Default)]
pub(in crate::bus) struct Seen {
    /// Held for a lookup.
    origins: Mutex<Origins>,
    /// Another in each process, so that nobody can choose ids that look like others'.
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Origins {
    by_hash: HashMap<u64, Ids>,
    ids: usize,
    /// Counts the lookups, to know who was heard of last.
    turn: u64,
}

#[derive(Debug, Default)]
struct Ids {
    newer: HashSet<u64>,
    older: HashSet<u64>,
    heard: u64,
}

impl Seen {
    /// Whether an id comes to this channel for the first time, as far as is remembered; from now on it has. What has no
    /// id is always new.
    pub(in crate::bus) fn is_first(
        &self,
        network: NetworkIndex,
        channel: &Channel,
        id: Option<&str>,
    ) -> bool {
        let Some(id) = id else { return true };
        let (origin, hash) = self.hashes(network, channel, id);
        self.lock().enter(origin, hash)
    }

    /// It did not get in after all.
    pub(in crate::bus) fn forget(&self, to: &Address, trail: &Trail) {
        let Some(id) = trail.id.as_deref() else { return };
        let (origin, hash) = self.hashes(to.network, &to.channel, id);
        let mut origins = self.lock();
        if origins.by_hash.get_mut(&origin).is_some_and(|ids| ids.newer.remove(&hash)) {
            origins.ids = origins.ids.saturating_sub(1);
        }
    }

    /// An id begins with its origin and a `-`.
    fn hashes(&self, network: NetworkIndex, channel: &Channel, id: &str) -> (u64, u64) {
        let origin = id.split('-').next().unwrap_or_default();
        (self.hasher.hash_one(origin), self.hasher.hash_one((network.0, channel.as_str(), id)))
    }

    fn lock(&self) -> MutexGuard<'_, Origins> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Origins {
    fn enter(&mut self, origin: u64, id: u64) -> bool {
        self.turn = self.turn.saturating_add(1);
        let is_new = !self.by_hash.contains_key(&origin);
        while self.ids >= ALL_IDS_MAX || (is_new && self.by_hash.len() >= ORIGINS_MAX) {
            let quiet = self.by_hash.iter().filter(|(known, _)| **known != origin);
            match quiet.min_by_key(|(_, ids)| ids.heard).map(|(known, _)| *known) {
                Some(quiet) => self.forget(quiet),
                None => break,
            }
        }
        let ids = self.by_hash.entry(origin).or_default();
        ids.heard = self.turn;
        if ids.older.contains(&id) || !ids.newer.insert(id) {
            return false;
        }
        self.ids = self.ids.saturating_add(1);
        if ids.newer.len() >= IDS_MAX {
            let newer = std::mem::take(&mut ids.newer);
            let forgotten = std::mem::replace(&mut ids.older, newer);
            self.ids = self.ids.saturating_sub(forgotten.len());
        }
        true
    }

    fn forget(&mut self, origin: u64) {
        if let Some(ids) = self.by_hash.remove(&origin) {
            self.ids = self.ids.saturating_sub(ids.newer.len().saturating_add(ids.older.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(seen: &Seen, id: &str) -> bool {
        let channel = Channel::parse("a/b").expect("a channel");
        seen.is_first(NetworkIndex::HOME, &channel, Some(id))
    }

    #[test]
    fn an_id_is_first_once_a_channel_and_network() {
        let (seen, other) = (Seen::default(), Channel::parse("a/c").expect("a channel"));
        assert!(first(&seen, "x-1") && !first(&seen, "x-1") && first(&seen, "x-2"));
        assert!(seen.is_first(NetworkIndex(1), &Channel::parse("a/b").expect("a channel"), Some("x-1")));
        assert!(seen.is_first(NetworkIndex::HOME, &other, Some("x-1")));
        assert!(
            seen.is_first(NetworkIndex::HOME, &other, None)
                && seen.is_first(NetworkIndex::HOME, &other, None)
        );
    }

    #[test]
    fn what_did_not_get_in_may_come_again() {
        let seen = Seen::default();
        let to = Address { network: NetworkIndex::HOME, channel: Channel::parse("a/b").expect("a channel") };
        let trail = Trail::begun(Some("x-1")).expect("an id");
        assert!(first(&seen, "x-1"));
        seen.forget(&to, &trail);
        assert!(first(&seen, "x-1") && !first(&seen, "x-1"));
    }

    #[test]
    fn a_flood_of_one_origin_is_bounded_and_forgets_only_its_own() {
        let seen = Seen::default();
        assert!(first(&seen, "quiet-1"));
        (0..5 * IDS_MAX).for_each(|number| assert!(first(&seen, &format!("flood-{number}"))));
        assert!(!first(&seen, "quiet-1"));
        assert!(!first(&seen, &format!("flood-{}", 4 * IDS_MAX + 1)), "the last window's worth is known");
        assert!(first(&seen, "flood-1"), "the first are forgotten");
        assert!(seen.lock().ids <= 2 * IDS_MAX + 2, "{}", seen.lock().ids);
        (0..2 * ORIGINS_MAX).for_each(|number| assert!(first(&seen, &format!("o{number}-1"))));
        let origins = seen.lock();
        assert_eq!(origins.by_hash.len(), ORIGINS_MAX);
        let ids: usize = origins.by_hash.values().map(|ids| ids.newer.len() + ids.older.len()).sum();
        assert_eq!(ids, origins.ids);
    }
}
