//! The transport's limits: what one connection may use, and what strangers may use before they are admitted.
//!
//! Who has proved nothing gets little memory, little time and few places; everything here is a named constant with its
//! reason. Which network somebody belongs to is not known here.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The UDP port nodes listen on unless told otherwise.
pub const DEFAULT_PORT: u16 = 7182;
/// How many ports after the default one are tried: enough for the nodes a developer runs on one machine.
pub const DEFAULT_PORT_TRIES: u16 = 20;
/// Time for TLS and both admission frames together.
pub const ADMISSION_TIME: Duration = Duration::from_secs(5);
/// Connections that have not been admitted yet, in all.
pub const PENDING_MAX: usize = 64;
/// Of those, from one source: an address, or an IPv6 /64.
pub const PENDING_PER_SOURCE_MAX: usize = 16;
/// From this many on, a stranger must first show that packets to its address arrive there.
pub const PENDING_TRUSTING: usize = 16;
/// Connections in all, admitted or not: well above the neighbours a node keeps, well below what memory allows.
pub const CONNECTIONS_MAX: usize = 512;
/// Silence after which a connection is dead. QUIC counts it from the last word heard, or the first one unanswered
/// after it: with [`KEEP_ALIVE`] that is at most 3 s after the other end has died.
pub const IDLE_TIMEOUT: Duration = Duration::from_millis(2250);
/// How often a quiet connection says that it lives. Twice lost is still in time, and what is lost is repeated; with a full
/// mesh of neighbours this is nearly all that an idle node does.
pub const KEEP_ALIVE: Duration = Duration::from_millis(750);
/// The round trip assumed before one was measured. A LAN's is far lower; QUIC's own 333 ms would make the loss of one
/// first packet cost a second of the two in which a newcomer should be in.
pub const INITIAL_RTT: Duration = Duration::from_millis(100);
/// The largest datagram that is tried: what GSO still sends in one piece by tens.
pub const MTU_MAX: u16 = 6_500;
/// Data streams a peer may have open: one a priority, and some for payloads that travel alone.
pub const DATA_STREAMS_MAX: u32 = 8;
/// Bytes a peer may send ahead on one stream.
pub const STREAM_WINDOW: u32 = 2 << 20;
/// Bytes a peer may send ahead in all: every stream's window, and the control stream's. So data nobody has read yet
/// can never hold up control.
pub const CONNECTION_WINDOW: u32 = STREAM_WINDOW * (DATA_STREAMS_MAX + 1);
/// Bytes kept until the peer has them. As above: full data streams leave the control stream its own part.
pub const SEND_WINDOW: u64 = CONNECTION_WINDOW as u64;
/// Bytes a peer may send ahead before it is admitted: its proof, and nothing else.
pub const STRANGER_WINDOW: u32 = 8 << 10;
/// What the kernel is asked to buffer for the socket, in bytes; it may give less.
pub const SOCKET_BUFFER: usize = 4 << 20;

/// Counts who is being admitted, and turns away who would be too many.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// How many are pending by source. A mutex because passes are dropped on any thread; held for a lookup only.
    pending: Mutex<BTreeMap<IpAddr, usize>>,
}

impl Gate {
    /// Counts one more from this source; none when there are too many.
    pub(super) fn enter(self: &Arc<Self>, source: IpAddr) -> Option<Pass> {
        let source = source_of(source);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.values().sum::<usize>() >= PENDING_MAX {
            return None;
        }
        let here = pending.entry(source).or_default();
        if *here >= PENDING_PER_SOURCE_MAX {
            return None;
        }
        *here += 1;
        drop(pending);
        Some(Pass { gate: Arc::clone(self), source })
    }

    /// How many are pending.
    pub(super) fn pending(&self) -> usize {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

/// One place among the pending, given back when dropped.
#[derive(Debug)]
pub(super) struct Pass {
    gate: Arc<Gate>,
    source: IpAddr,
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut pending = self.gate.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = pending.get_mut(&self.source) {
            *here = here.saturating_sub(1);
            if *here == 0 {
                pending.remove(&self.source);
            }
        }
    }
}

/// Who counts as one: an IPv4 address, or an IPv6 /64, since one host has all of it.
fn source_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) & (u128::MAX << 64)).into()),
        v4 => v4,
    }
}

/// Keeps a repeated notice from flooding the log: each subject is heard once a minute, with a count of what was not.
#[derive(Debug)]
pub struct Notices<K> {
    heard: BTreeMap<K, Heard>,
}

#[derive(Debug)]
struct Heard {
    at: Instant,
    unheard: u64,
}

/// How long a subject stays quiet after it was heard.
const NOTICE_EVERY: Duration = Duration::from_secs(60);
/// Subjects remembered; when there are more, new ones go unheard until some have been quiet for a minute.
const NOTICES_MAX: usize = 256;

impl<K: Ord> Default for Notices<K> {
    fn default() -> Self {
        Self { heard: BTreeMap::new() }
    }
}

impl<K: Ord> Notices<K> {
    /// Whether to say it now; if so, how often it was not said since the last time.
    pub fn hear(&mut self, subject: K, now: Instant) -> Option<u64> {
        let recent = |heard: &Heard| now.saturating_duration_since(heard.at) < NOTICE_EVERY;
        if let Some(heard) = self.heard.get_mut(&subject) {
            if recent(heard) {
                heard.unheard = heard.unheard.saturating_add(1);
                return None;
            }
            let unheard = heard.unheard;
            *heard = Heard { at: now, unheard: 0 };
            return Some(unheard);
        }
        if self.heard.len() >= NOTICES_MAX {
            self.heard.retain(|_, heard| recent(heard));
        }
        if self.heard.len() >= NOTICES_MAX {
            return None;
        }
        self.heard.insert(subject, Heard { at: now, unheard: 0 });
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_source_cannot_take_every_place() {
        let gate = Arc::new(Gate::default());
        let mut passes: Vec<_> = (0..PENDING_PER_SOURCE_MAX).map(|_| gate.enter(ip("10.0.0.1"))).collect();
        assert!(passes.iter().all(Option::is_some));
        assert!(gate.enter(ip("10.0.0.1")).is_none());
        assert!(gate.enter(ip("::ffff:10.0.0.1")).is_none(), "the same host behind a dual-stack socket");
        assert!(gate.enter(ip("10.0.0.2")).is_some());
        passes.pop();
        assert!(gate.enter(ip("10.0.0.1")).is_some());
    }

    #[test]
    fn one_ipv6_network_counts_as_one_source() {
        let gate = Arc::new(Gate::default());
        let addresses: Vec<_> =
            (0..PENDING_PER_SOURCE_MAX).map(|host| ip(&format!("2001:db8::{host:x}"))).collect();
        let passes: Vec<_> = addresses.iter().map(|ip| gate.enter(*ip)).collect();
        assert!(passes.iter().all(Option::is_some));
        assert!(gate.enter(ip("2001:db8::ffff")).is_none());
        assert!(gate.enter(ip("2001:db8:0:1::1")).is_some());
    }

    #[test]
    fn the_places_are_counted_in_all() {
        let gate = Arc::new(Gate::default());
        let passes: Vec<_> = (0..PENDING_MAX).map(|host| gate.enter(ip(&format!("10.0.0.{host}")))).collect();
        assert!(passes.iter().all(Option::is_some));
        assert!(gate.enter(ip("10.0.1.1")).is_none());
        drop(passes);
        assert_eq!(gate.pending(), 0);
        assert!(gate.pending.lock().expect("the gate").is_empty(), "sources are forgotten");
    }

    #[test]
    fn a_notice_is_heard_once_a_minute_with_a_count() {
        let mut notices = Notices::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(notices.hear("a", start), Some(0));
        assert_eq!(notices.hear("a", after(1)), None);
        assert_eq!(notices.hear("b", after(1)), Some(0));
        assert_eq!(notices.hear("a", after(59)), None);
        assert_eq!(notices.hear("a", after(60)), Some(2));
        assert_eq!(notices.hear("a", after(61)), None);
    }

    #[test]
    fn strangers_cannot_grow_the_list_of_notices() {
        let mut notices = Notices::default();
        let start = Instant::now();
        let heard = (0..10_000).filter(|subject| notices.hear(*subject, start).is_some()).count();
        assert_eq!(heard, NOTICES_MAX);
        assert_eq!(notices.hear(10_001, start + NOTICE_EVERY), Some(0));
        assert_eq!(notices.heard.len(), 1);
    }
}
