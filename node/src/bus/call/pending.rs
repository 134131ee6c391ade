//! The calls of this node that wait for answers of peers.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use hive_proto::{channel::NetworkIndex, frame::handout::put_cancel, id::NodeId};
use tokio::sync::{mpsc, oneshot};

use super::{Answer, Caller, Part, lost};
use crate::bus::{CallError, Shared};

/// Bytes of all answers to one call that went to everybody.
const GATHERED_BYTES_MAX: usize = 64 << 20;

type Peer = (NetworkIndex, NodeId);

/// The calls that wait for peers, by their numbers, which are their events' sequences.
#[derive(Debug, Default)]
pub(in crate::bus) struct Pending {
    /// Held for a lookup, never across a wait.
    waiting: Mutex<HashMap<u64, Waiting>>,
}

#[derive(Debug)]
enum Waiting {
    One(One),
    All(Round),
}

/// A call that one peer answers.
#[derive(Debug)]
struct One {
    /// Only this peer may answer.
    peer: Peer,
    /// It was asked over a link of its own, and the call ends with that.
    direct: bool,
    answer: oneshot::Sender<Answer>,
}

/// A call that several peers answer, each as often as it says.
#[derive(Debug)]
struct Round {
    /// Who has not answered to the end: how many answers are still to come, once that is known.
    open: BTreeMap<Peer, (Option<u32>, String)>,
    bytes: usize,
    parts: mpsc::Sender<Part>,
}

/// Forgets a call when its caller stops waiting, however that happens, and tells who is still at it.
pub(super) struct Forget<'a> {
    pub(super) shared: &'a Shared,
    pub(super) call: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        let waiting = self.shared.calls.lock().remove(&self.call);
        let peers: Vec<Peer> = match waiting {
            None => return,
            Some(Waiting::One(one)) => vec![one.peer],
            Some(Waiting::All(round)) => round.open.into_keys().collect(),
        };
        for (network, node) in peers {
            // Should it not arrive, the answer comes and is nobody's.
            let to = Caller { network, node, outbox: None };
            self.shared.try_send(&to, &put_cancel(self.call));
        }
    }
}

impl Pending {
    pub(super) fn begin(&self, call: u64, peer: Peer, direct: bool) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        self.lock().insert(call, Waiting::One(One { peer, direct, answer }));
        answered
    }

    /// Waits for answers of these peers, under their names.
    pub(super) fn begin_all(
        &self,
        call: u64,
        peers: impl Iterator<Item = (Peer, String)>,
        parts: mpsc::Sender<Part>,
    ) {
        let open = peers.map(|(peer, name)| (peer, (None, name))).collect();
        self.lock().insert(call, Waiting::All(Round { open, bytes: 0, parts }));
    }

    /// A peer answered. False when nobody waits for that answer from it.
    pub(in crate::bus) fn answered(&self, peer: Peer, call: u64, outcome: Answer) -> bool {
        let mut waiting = self.lock();
        if !matches!(waiting.get(&call), Some(Waiting::One(one)) if one.peer == peer) {
            return false;
        }
        match waiting.remove(&call) {
            Some(Waiting::One(one)) => one.answer.send(outcome).is_ok(),
            _ => false,
        }
    }

    /// A peer gave one of `of` answers. False when nobody waits for it.
    pub(in crate::bus) fn part(&self, peer: Peer, call: u64, of: u32, outcome: Answer) -> bool {
        match self.lock().get_mut(&call) {
            Some(Waiting::All(round)) => round.part(peer, of, outcome),
            _ => false,
        }
    }

    /// A peer is out of reach: nobody waits for it any longer.
    pub(in crate::bus) fn peer_lost(&self, network: NetworkIndex, node: NodeId, name: &str) {
        let peer = (network, node);
        self.end(name, |one| one.peer == peer);
        for waiting in self.lock().values_mut() {
            if let Waiting::All(round) = waiting {
                round.lost(peer);
            }
        }
    }

    /// The link to a peer is gone: who asked over it waits no longer, but for the requests that go another way.
    pub(in crate::bus) fn link_lost(
        &self,
        network: NetworkIndex,
        node: NodeId,
        name: &str,
        kept: &BTreeSet<u64>,
    ) {
        for call in kept {
            if let Some(Waiting::One(one)) = self.lock().get_mut(call) {
                one.direct = false;
            }
        }
        self.end(name, |one| one.peer == (network, node) && one.direct);
    }

    fn end(&self, name: &str, which: impl Fn(&One) -> bool) {
        let mut waiting = self.lock();
        let is_it = |waiting: &Waiting| matches!(waiting, Waiting::One(one) if which(one));
        let calls: Vec<u64> =
            waiting.iter().filter(|(_, waiting)| is_it(waiting)).map(|(call, _)| *call).collect();
        for call in calls {
            if let Some(Waiting::One(one)) = waiting.remove(&call) {
                // The caller may have given up in the same moment.
                let _ = one.answer.send(Err(lost(name)));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Round {
    fn part(&mut self, peer: Peer, of: u32, outcome: Answer) -> bool {
        let Some((left, name)) = self.open.get_mut(&peer) else { return false };
        let after = left.unwrap_or(of).saturating_sub(1);
        *left = Some(after);
        let name = name.clone();
        if after == 0 {
            self.open.remove(&peer);
        }
        self.bytes = self.bytes.saturating_add(outcome.as_ref().map_or(0, |message| message.weight()));
        let outcome = match self.bytes > GATHERED_BYTES_MAX {
            true => Err(CallError::Failed("the answers together are over 64 MiB".into())),
            false => outcome,
        };
        self.parts.try_send(Part { node: Some(peer.1), name, outcome, is_last: after == 0 }).is_ok()
    }

    fn lost(&mut self, peer: Peer) {
        if let Some((_, name)) = self.open.remove(&peer) {
            let outcome = Err(lost(&name));
            // The caller may have given up in the same moment.
            let _ = self.parts.try_send(Part { node: Some(peer.1), name, outcome, is_last: true });
        }
    }
}
