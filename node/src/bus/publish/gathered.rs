//! Events that came together: consumers of this node get all of them at once, so that each queue is locked once and its
//! reader woken once. What is for others goes to them at once.

use hive_proto::{channel::Address, event::Message};

use super::{Offered, Publisher, Receipt};
use crate::bus::{queue::Offer, staged::Staged};

/// Events that are gathered at most; before one more all are handed over.
const EVENTS_MAX: usize = 256;
/// Their bytes.
const BYTES_MAX: usize = 256 << 10;

/// What was published and not handed over yet.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// What is for consumers of this node.
    staged: Staged,
    events: usize,
    bytes: usize,
    /// The last one, where not everybody had room for it.
    stalled: Option<Box<Stalled>>,
}

#[derive(Debug, Clone)]
struct Stalled {
    offered: Offered,
    to: Address,
    message: Message,
    depth: u8,
}

impl Publisher {
    /// The position of the route to an address, where an event of this weight can be gathered now.
    pub(in crate::bus) fn gathering(&mut self, to: &Address, weight: usize) -> Option<usize> {
        let Gathered { events, bytes, stalled, .. } = &self.gathered;
        if stalled.is_some() || *events >= EVENTS_MAX || bytes.saturating_add(weight) > BYTES_MAX {
            return None;
        }
        let at = self.route(to);
        self.routes[at].special.is_none().then_some(at)
    }

    /// Publishes one event beside others, by the route that [`Publisher::gathering`] found just now.
    pub(in crate::bus) fn gather(&mut self, at: usize, to: &Address, message: Message, depth: u8) -> Receipt {
        self.gathered.events += 1;
        self.gathered.bytes += message.weight();
        let mut staged = std::mem::take(&mut self.gathered.staged);
        let stamp = self.bus.0.stamp();
        let offered = self.offer_by(at, stamp, (to, &message, depth), |queue, one| {
            staged.put(queue, one);
            Offer::Taken
        });
        self.gathered.staged = staged;
        let receipt = offered.receipt;
        if !offered.full.is_empty() {
            self.gathered.stalled = Some(Box::new(Stalled { offered, to: to.clone(), message, depth }));
        }
        receipt
    }

    /// Hands over what was gathered. Waits for slow consumers as [`Publisher::publish`] does. When it is dropped before
    /// it ends, the rest goes the next time.
    pub async fn hand_over(&mut self) {
        if self.gathered.events > 0 {
            Box::pin(self.hand_over_all()).await;
        }
    }

    async fn hand_over_all(&mut self) {
        self.gathered.staged.flush(&self.bus.0, &mut self.pace).await;
        // It stays here until everybody has it: at worst somebody has it twice.
        if let Some(stalled) = self.gathered.stalled.as_deref().cloned() {
            let Stalled { offered, to, message, depth } = stalled;
            self.insist(offered, &to, message, depth).await;
            self.gathered.stalled = None;
        }
        (self.gathered.events, self.gathered.bytes) = (0, 0);
    }
}
