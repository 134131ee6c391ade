//! Asking everybody who answers on a channel: for all answers, or for the first good one.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use hive_proto::{
    channel::Address,
    event::Message,
    frame::{batch::Entry, data::PARTS_MAX, relay::Destinations},
    id::{EventId, NodeId},
    plane::table::Side,
    time::Hlc,
};
use tokio::{sync::mpsc, time::timeout_at};

use super::{Answer, CallCause, Reply, Request, pending::Forget};
use crate::bus::{
    Bus, CallError, Delivery,
    outbox::Appended,
    queue::{Offer, Queue},
    routes::{Peer, Remote, Target},
};
use crate::trust::may::Action;

/// One answer of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Who answered; none: a responder of this node.
    pub node: Option<NodeId>,
    /// What that node calls itself; empty for this node.
    pub name: String,
    /// The answer.
    pub outcome: Result<Message, CallError>,
    /// None follows from there.
    pub(super) is_last: bool,
}

/// What came of asking everybody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gathered {
    /// The answers, in the order in which they came.
    pub answers: Vec<Part>,
    /// Nodes that were asked and had not answered to the end when time ran out, with what they call themselves; none
    /// stands for this node.
    pub missing: Vec<(Option<NodeId>, String)>,
}

/// A call that is under way at everybody.
struct Round<'a> {
    parts: mpsc::Receiver<Part>,
    /// Who still owes answers, by name: how many, where that is known. None is this node.
    open: BTreeMap<Option<NodeId>, (String, usize)>,
    deadline: Instant,
    _forget: Forget<'a>,
}

/// Everybody who answers.
struct Roll {
    here: Vec<Arc<Queue>>,
    peers: Vec<Arc<Peer>>,
    beyond: Vec<Arc<Remote>>,
}

impl Part {
    pub(super) fn here(outcome: Answer) -> Self {
        Self { node: None, name: String::new(), outcome, is_last: false }
    }
}

impl Bus {
    /// Asks everybody who answers on a channel, and waits until all have answered, or time runs out.
    ///
    /// # Errors
    /// When nobody answers there, or the request cannot be sent. What goes wrong at one responder is its answer.
    pub async fn call_all(
        &self,
        to: &Address,
        message: Message,
        cause: CallCause<'_>,
    ) -> Result<Gathered, CallError> {
        self.call_some(to, message, cause, usize::MAX).await
    }

    /// The same until `enough` answers are good; those who have not answered then need not go on, and nobody is missing.
    ///
    /// # Errors
    /// As [`Bus::call_all`].
    pub async fn call_some(
        &self,
        to: &Address,
        message: Message,
        cause: CallCause<'_>,
        enough: usize,
    ) -> Result<Gathered, CallError> {
        let mut round = self.ask_all(to, message, cause)?;
        let (mut gathered, mut good) = (Gathered::default(), 0_usize);
        while let Some(part) = round.next().await {
            good = good.saturating_add(usize::from(part.outcome.is_ok()));
            gathered.answers.push(part);
            if good >= enough {
                return Ok(gathered);
            }
        }
        gathered.missing = round.open.into_iter().map(|(node, (name, _))| (node, name)).collect();
        Ok(gathered)
    }

    /// Asks everybody who answers on a channel, and takes the first good answer; the others need not go on.
    ///
    /// # Errors
    /// When nobody answers there, the request cannot be sent, or nobody has a good answer: then the last bad one.
    pub async fn call_first(&self, to: &Address, message: Message, cause: CallCause<'_>) -> Answer {
        let mut round = self.ask_all(to, message, cause)?;
        let mut last = Err(CallError::Timeout);
        while let Some(part) = round.next().await {
            last = part.outcome;
            if last.is_ok() {
                return last;
            }
        }
        if round.open.is_empty() { last } else { Err(CallError::Timeout) }
    }

    fn ask_all(&self, to: &Address, message: Message, cause: CallCause<'_>) -> Result<Round<'_>, CallError> {
        let cause = self.check_call(to, &message, cause)?;
        let roll = self.roll(to, cause);
        if roll.here.is_empty() && roll.peers.is_empty() && roll.beyond.is_empty() {
            return Err(CallError::NoResponder);
        }
        let (id, time) = self.0.stamp();
        let near = roll.peers.iter().map(|peer| ((peer.network, peer.node), peer.name.clone()));
        let far = roll.beyond.iter().map(|remote| ((remote.network, remote.node), remote.name.clone()));
        let peers: Vec<_> = near.chain(far).collect();
        let most = peers.len().saturating_mul(PARTS_MAX as usize).saturating_add(roll.here.len());
        let (sender, parts) = mpsc::channel(most.max(1));
        let mut open: BTreeMap<_, _> =
            peers.iter().map(|((_, node), name)| (Some(*node), (name.clone(), 1))).collect();
        if !roll.here.is_empty() {
            open.insert(None, (String::new(), roll.here.len()));
        }
        self.0.calls.begin_all(id.sequence, peers.into_iter(), sender.clone());
        let deadline = cause.deadline;
        let round = Round { parts, open, deadline, _forget: Forget { shared: &self.0, call: id.sequence } };
        self.ask_each_here(&roll.here, to, &message, (id, time), cause, &sender);
        self.ask_each_there(&roll, to, &message, (id, time), cause);
        Ok(round)
    }

    fn roll(&self, to: &Address, cause: CallCause<'_>) -> Roll {
        let table = self.0.routes.table();
        let mut roll = Roll { here: Vec::new(), peers: Vec::new(), beyond: Vec::new() };
        for side in [Side::Local, Side::Peer] {
            for target in table.answering(side, to.network, &to.channel) {
                match target {
                    Target::Local(queue) => {
                        let may = self.0.may_have(queue, Action::Subscribe, to.network, &to.channel);
                        if may && !cause.passes(queue) {
                            roll.here.push(Arc::clone(queue));
                        }
                    }
                    Target::Peer(peer) => roll.peers.push(Arc::clone(peer)),
                    Target::Remote(remote) => roll.beyond.push(Arc::clone(remote)),
                    Target::Audience(_) => {}
                }
            }
        }
        roll
    }

    fn ask_each_here(
        &self,
        queues: &[Arc<Queue>],
        to: &Address,
        message: &Message,
        (id, time): (EventId, Hlc),
        cause: CallCause<'_>,
        parts: &mpsc::Sender<Part>,
    ) {
        for queue in queues {
            if cause.holds_up(queue) {
                // There is room for an answer of each, and the round is at hand.
                let _ = parts.try_send(Part::here(Err(CallError::Deadlock)));
                continue;
            }
            let request = Request::here(cause, Reply::LocalPart(parts.clone()));
            let event = self.0.event(to, message.clone(), id, time, cause.depth);
            match queue.offer(Delivery { event, request: Some(request), ticket: None }.into()) {
                Offer::Taken => {}
                Offer::Full(back) | Offer::Closed(back) => {
                    let error = CallError::Unavailable("the responder takes nothing more".into());
                    back.into_request().into_iter().for_each(|request| request.decline(error.clone()));
                }
            }
        }
    }

    fn ask_each_there(
        &self,
        roll: &Roll,
        to: &Address,
        message: &Message,
        (id, time): (EventId, Hlc),
        cause: CallCause<'_>,
    ) {
        let shared = &*self.0;
        let call = Some(cause.call(id.sequence, true));
        let entry = Entry { sequence: id.sequence, time, depth: cause.depth, message, call, handout: None };
        let full = |peer, name: &str| {
            let error = CallError::Unavailable(format!("the way to {name} is full"));
            shared.calls.part(peer, id.sequence, 1, Err(error));
        };
        for peer in &roll.peers {
            match peer.outbox.append(peer.outbox.number(&to.channel), &to.channel, &entry) {
                Appended::Taken => shared.account.sent(1),
                Appended::Full | Appended::Closed => full((peer.network, peer.node), &peer.name),
            }
        }
        for remote in &roll.beyond {
            // Each alone: a request that many may have been sent is answered by nobody.
            let audience = shared.audience(remote.network, Destinations::one(remote.node));
            match audience.map(|audience| shared.append(&audience, &to.channel, &entry)) {
                Some(Appended::Taken) => shared.account.sent(1),
                _ => full((remote.network, remote.node), &remote.name),
            }
        }
    }
}

impl Round<'_> {
    /// The next answer; none when all have come or time has run out.
    async fn next(&mut self) -> Option<Part> {
        if self.open.is_empty() {
            return None;
        }
        let part = timeout_at(self.deadline.into(), self.parts.recv()).await.ok()??;
        let left = self.open.get_mut(&part.node).map(|(_, left)| {
            *left = left.saturating_sub(1);
            *left
        });
        if part.is_last || (part.node.is_none() && left == Some(0)) {
            self.open.remove(&part.node);
        }
        Some(part)
    }
}
