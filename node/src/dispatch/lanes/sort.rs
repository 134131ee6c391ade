//! Which lane an event belongs into: the same for the same channel and key.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use hive_proto::channel::Channel;

use crate::bus::Event;

/// Lanes a handler has. More than any pool has instances, so that lanes rarely wait for each other.
pub(super) const LANES: usize = 64;

/// Finds lanes, and remembers the last channel's, since events come in runs and a name is long to hash.
#[derive(Debug, Default)]
pub(super) struct Sort {
    /// Of events without a key.
    last: Option<(Channel, usize)>,
}

impl Sort {
    /// The lane of an event.
    pub(super) fn lane(&mut self, event: &Event) -> usize {
        if event.message.key().is_some() {
            return lane_of(event);
        }
        if let Some((channel, lane)) = &self.last
            && *channel == event.channel
        {
            return *lane;
        }
        let lane = lane_of(event);
        self.last = Some((event.channel.clone(), lane));
        lane
    }
}

fn lane_of(event: &Event) -> usize {
    let hash = BuildHasherDefault::<DefaultHasher>::default()
        .hash_one((event.channel.as_str(), event.message.key()));
    usize::try_from(hash % LANES as u64).unwrap_or(0)
}
