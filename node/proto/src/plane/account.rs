//! What became of every copy of an event: counted, with the reason where it was dropped.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why a copy was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropReason {
    /// The consumer's queue was full and it did not drain in time.
    SlowConsumer,
    /// The link was lost with the copy queued on it.
    LostLink,
    /// It arrived on a local (one-segment or `$`) channel.
    LocalChannel,
    /// It arrived and nobody here wants it any more.
    NoMatch,
    /// It is nested too deep in publishes that cause each other.
    Loop,
    /// An answer whose caller has gone.
    LateAnswer,
    /// No way led to its destination for too long.
    NoRoute,
    /// It crossed as many links as anything may, and was not there yet.
    HopLimit,
    /// It arrived a second time.
    Duplicate,
    /// It arrived behind a later one of its origin and channel, or from an earlier life of its origin.
    Late,
    /// It is not from whom it says, or not for this node.
    Forged,
    /// Its publisher may not publish there, by the rules of this node.
    Denied,
    /// Its origin is not on this node's list of the network's nodes.
    NotListed,
    /// It is a kept value of a channel that has a later one.
    Superseded,
    /// It is a kept value of a future time, by this node's clock.
    Future,
    /// It is for a group, and so much is with members already that no more is taken.
    GroupFull,
    /// It is for a group that has had no member for too long.
    NoMember,
    /// Its consumer left before it took it.
    Unread,
    /// Nobody wants it any more, as its publisher said.
    Expired,
}

impl DropReason {
    /// Every reason, in the order of their counters.
    pub const ALL: [Self; 19] = [
        Self::SlowConsumer,
        Self::LostLink,
        Self::LocalChannel,
        Self::NoMatch,
        Self::Loop,
        Self::LateAnswer,
        Self::NoRoute,
        Self::HopLimit,
        Self::Duplicate,
        Self::Late,
        Self::Forged,
        Self::Denied,
        Self::NotListed,
        Self::Superseded,
        Self::Future,
        Self::GroupFull,
        Self::NoMember,
        Self::Unread,
        Self::Expired,
    ];

    /// The name in status, metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SlowConsumer => "slow-consumer",
            Self::LostLink => "lost-link",
            Self::LocalChannel => "local-channel",
            Self::NoMatch => "no-match",
            Self::Loop => "loop",
            Self::LateAnswer => "late-answer",
            Self::NoRoute => "no-route",
            Self::HopLimit => "hop-limit",
            Self::Duplicate => "duplicate",
            Self::Late => "late",
            Self::Forged => "forged",
            Self::Denied => "denied",
            Self::NotListed => "not-listed",
            Self::Superseded => "superseded",
            Self::Future => "future",
            Self::GroupFull => "group-full",
            Self::NoMember => "no-member",
            Self::Unread => "unread",
            Self::Expired => "expired",
        }
    }
}

/// What became of the copies that went into one consumer's queue: `matched` is the sum of the others, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConsumerCounts {
    /// Copies put into its queue, but for those that were given back because somebody else is to have them.
    pub matched: u64,
    /// Copies it took.
    pub handed_over: u64,
    /// Copies that wait for it.
    pub queued: u64,
    /// Copies dropped because it was too slow, or left.
    pub dropped: u64,
}

impl ConsumerCounts {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            matched: self.matched.saturating_add(other.matched),
            handed_over: self.handed_over.saturating_add(other.handed_over),
            queued: self.queued.saturating_add(other.queued),
            dropped: self.dropped.saturating_add(other.dropped),
        }
    }
}

/// What became of the events for one neighbour: `sent` is the sum of `confirmed`, `in_flight` and `lost`, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkCounts {
    /// Events that wait to be written.
    pub queued: u64,
    /// Events dropped before they were written, because the link was too slow.
    pub dropped: u64,
    /// Events written.
    pub sent: u64,
    /// Events that the neighbour said it has.
    pub confirmed: u64,
    /// Events of which it has not said so yet.
    pub in_flight: u64,
    /// Events it may not have got, because the stream they were on broke.
    pub lost: u64,
}

/// A node's counters. Relaxed: each is exact, two of them read together are not a snapshot. What is published here
/// is not among them: the sequences count it; nor is what consumers got: their queues do.
#[derive(Debug, Default)]
pub struct Account {
    received: AtomicU64,
    sent: AtomicU64,
    relayed: AtomicU64,
    dropped: [AtomicU64; DropReason::ALL.len()],
}

/// The counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Events published on this node.
    pub published: u64,
    /// Events that arrived over links.
    pub received: u64,
    /// What became of the copies for consumers on this node, over all there ever were.
    pub consumers: ConsumerCounts,
    /// Copies put into peers' outgoing queues.
    pub sent: u64,
    /// Copies taken over from one neighbour for another.
    pub relayed: u64,
    /// Copies dropped, by reason; reasons that never occurred are absent.
    pub dropped: Vec<(DropReason, u64)>,
}

impl Account {
    /// So many events arrived.
    pub fn received(&self, events: u64) {
        self.received.fetch_add(events, Ordering::Relaxed);
    }

    /// So many copies went into peers' queues.
    pub fn sent(&self, copies: u64) {
        self.sent.fetch_add(copies, Ordering::Relaxed);
    }

    /// So many copies were taken over from one neighbour for another.
    pub fn relayed(&self, copies: u64) {
        self.relayed.fetch_add(copies, Ordering::Relaxed);
    }

    /// So many copies were dropped.
    pub fn dropped(&self, reason: DropReason, copies: u64) {
        if let Some(at) = DropReason::ALL.iter().position(|each| *each == reason) {
            self.dropped[at].fetch_add(copies, Ordering::Relaxed);
        }
    }

    /// The counters now. What was published and what consumers got is for the caller to fill in, who gives out the
    /// sequences and has the queues.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let dropped = DropReason::ALL.into_iter().zip(self.dropped.iter().map(read));
        Counts {
            published: 0,
            received: read(&self.received),
            consumers: ConsumerCounts::default(),
            sent: read(&self.sent),
            relayed: read(&self.relayed),
            dropped: dropped.filter(|(_, copies)| *copies > 0).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_counted_under_their_reason() {
        let account = Account::default();
        account.dropped(DropReason::Loop, 2);
        account.dropped(DropReason::LateAnswer, 1);
        assert_eq!(account.counts().dropped, [(DropReason::Loop, 2), (DropReason::LateAnswer, 1)]);
    }
}
