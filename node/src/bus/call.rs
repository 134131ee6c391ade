//! Calls: a request to one responder, here or on a peer, and its answer. Who answers is chosen from the
//! route table; a local responder comes first.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use hive_proto::{
    channel::{Address, NetworkIndex},
    event::Message,
    frame::{
        batch::{Call, Entry},
        data::put_answer,
        relay::{Destinations, Inner},
        split_frame,
    },
    id::{EventId, NodeId},
    limits::{CALL_TIMEOUT_MS_MAX, DEPTH_MAX, FRAME_BYTES_MAX},
    plane::{account::DropReason, table::Side},
    time::Hlc,
};
use tokio::sync::oneshot;

use super::{
    Bus, CallError, Delivery, Failure, PublishError, Shared,
    outbox::{Appended, Outbox},
    queue::{Offer, Queue},
    routes::{Peer, Remote, Target},
};

/// What stands behind a call: until when it may take, and how deep it is nested.
#[derive(Debug, Clone, Copy)]
pub struct CallCause {
    /// The caller waits until then, and so does every call made on its behalf.
    pub deadline: Instant,
    /// Depth of the event being handled; 0 outside a handler.
    pub depth: u8,
}

type Answer = Result<Message, CallError>;

/// The calls that wait for a peer's answer.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// By the call's number, which is its event's sequence. Held for a lookup, never across a wait.
    waiting: Mutex<HashMap<u64, Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    /// Only this peer may answer.
    peer: (NetworkIndex, NodeId),
    /// It was asked over a link of its own, and the call ends with that.
    direct: bool,
    answer: oneshot::Sender<Answer>,
}

/// A request that wants an answer. Dropped without one, it answers `failed`. It is one pointer, so that
/// events without one stay small.
#[derive(Debug)]
pub struct Request(Box<Asked>);

#[derive(Debug)]
struct Asked {
    deadline: Instant,
    /// Taken when it is answered.
    reply: Option<Reply>,
}

#[derive(Debug)]
enum Reply {
    Local(oneshot::Sender<Answer>),
    Remote { caller: Caller, call: u64, bus: Bus },
}

/// The peer that asked.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) network: NetworkIndex,
    pub(super) node: NodeId,
    /// The way the request came, when that was a link of its own.
    pub(super) outbox: Option<Arc<Outbox>>,
}

impl Request {
    pub(super) fn remote(bus: &Bus, caller: Caller, call: Call) -> Self {
        let deadline = Instant::now() + Duration::from_millis(call.time_left_ms);
        Self::new(deadline, Reply::Remote { caller, call: call.number, bus: bus.clone() })
    }

    fn new(deadline: Instant, reply: Reply) -> Self {
        Self(Box::new(Asked { deadline, reply: Some(reply) }))
    }

    /// When the caller stops waiting.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.0.deadline
    }

    /// How long the caller still waits.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.0.deadline.saturating_duration_since(Instant::now())
    }

    /// Answers the caller.
    pub fn answer(mut self, outcome: Result<Message, Failure>) {
        let checked = outcome.map_err(CallError::from).and_then(|message| match message.check() {
            Ok(()) => Ok(message),
            Err(error) => Err(CallError::Failed(format!("the answer cannot be sent: {error}"))),
        });
        self.reply(checked);
    }

    /// Says that nobody here answers.
    pub(super) fn decline(mut self, error: CallError) {
        self.reply(Err(error));
    }

    fn reply(&mut self, outcome: Answer) {
        match self.0.reply.take() {
            None => {}
            // A caller that has gone does not miss its answer.
            Some(Reply::Local(answer)) => drop(answer.send(outcome)),
            Some(Reply::Remote { caller, call, bus }) => bus.0.answer(&caller, call, &outcome),
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.reply(Err(CallError::Failed("the responder let the request go without an answer".into())));
    }
}

impl Bus {
    /// Asks one responder on behalf of what `cause` says, and waits for its answer.
    ///
    /// # Errors
    /// As [`Bus::call`].
    pub async fn call_from(&self, to: &Address, message: Message, cause: CallCause) -> Answer {
        if to.channel.is_reserved() {
            return Err(PublishError::Reserved(to.channel.clone()).into());
        }
        message.check().map_err(PublishError::from)?;
        if cause.depth > DEPTH_MAX {
            return Err(PublishError::Loop.into());
        }
        let longest = Instant::now() + Duration::from_millis(CALL_TIMEOUT_MS_MAX);
        let cause = CallCause { deadline: cause.deadline.min(longest), ..cause };
        // What nobody answers is not published, and every sequence is that of something published.
        let target = self.responder(to, self.0.sequence.load(Ordering::Relaxed));
        let target = target.ok_or(CallError::NoResponder)?;
        let (id, time) = self.0.stamp();
        match target {
            Target::Local(queue) => self.ask_here(&queue, to, message, (id, time), cause).await,
            Target::Peer(peer) => self.ask_peer(&peer, to, &message, (id, time), cause).await,
            Target::Remote(remote) => self.ask_remote(&remote, to, &message, (id, time), cause).await,
            Target::Audience(_) => Err(CallError::NoResponder),
        }
    }

    /// A responder: a local one that keeps up, else a neighbour, else a peer beyond, else a local one that lags.
    fn responder(&self, to: &Address, draw: u64) -> Option<Target> {
        let table = self.0.routes.table();
        let pick = |mut targets: Vec<Target>| {
            let at = usize::try_from(draw).unwrap_or(0).checked_rem(targets.len())?;
            Some(targets.swap_remove(at))
        };
        let local: Vec<Target> = table.answering(Side::Local, to.network, &to.channel).cloned().collect();
        let keeps_up = |target: &&Target| matches!(target, Target::Local(queue) if !queue.is_lagging());
        pick(local.iter().filter(keeps_up).cloned().collect())
            .or_else(|| {
                let peers = table.answering(Side::Peer, to.network, &to.channel).cloned();
                let (near, beyond) = peers.partition(|target| matches!(target, Target::Peer(_)));
                pick(near).or_else(|| pick(beyond))
            })
            .or_else(|| pick(local))
    }

    async fn ask_here(
        &self,
        queue: &Queue,
        to: &Address,
        message: Message,
        (id, time): (EventId, Hlc),
        cause: CallCause,
    ) -> Answer {
        let (answer, answered) = oneshot::channel();
        let request = Request::new(cause.deadline, Reply::Local(answer));
        let event = self.0.event(to, message, id, time, cause.depth);
        match queue.offer(Delivery { event, request: Some(request) }.into()) {
            Offer::Taken => self.0.account.delivered(1),
            Offer::Closed => return Err(CallError::NoResponder),
            Offer::Full(_) => return Err(CallError::Unavailable("the responder's queue is full".into())),
        }
        wait(answered, cause.deadline).await
    }

    async fn ask_peer(
        &self,
        peer: &Peer,
        to: &Address,
        message: &Message,
        (id, time): (EventId, Hlc),
        cause: CallCause,
    ) -> Answer {
        let answered = self.0.calls.begin(id.sequence, (peer.network, peer.node), true);
        let _forget = Forget { pending: &self.0.calls, call: id.sequence };
        let left = cause.deadline.saturating_duration_since(Instant::now());
        let time_left_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX).min(CALL_TIMEOUT_MS_MAX);
        let call = Some(Call { number: id.sequence, time_left_ms });
        let entry = Entry { sequence: id.sequence, time, depth: cause.depth, message, call };
        let number = peer.outbox.number(&to.channel);
        // The caller waits anyway, and nobody but the caller.
        match peer.outbox.append_within(number, &to.channel, &entry, left).await {
            Appended::Taken => self.0.account.sent(1),
            Appended::Full => {
                return Err(CallError::Unavailable(format!("the link to {} stayed full", peer.name)));
            }
            Appended::Closed => return Err(lost(&peer.name)),
        }
        wait(answered, cause.deadline).await
    }

    async fn ask_remote(
        &self,
        remote: &Remote,
        to: &Address,
        message: &Message,
        (id, time): (EventId, Hlc),
        cause: CallCause,
    ) -> Answer {
        let answered = self.0.calls.begin(id.sequence, (remote.network, remote.node), false);
        let _forget = Forget { pending: &self.0.calls, call: id.sequence };
        let set = Destinations::one(remote.node);
        let audience = self.0.audience(remote.network, set).ok_or(CallError::NoResponder)?;
        let left = cause.deadline.saturating_duration_since(Instant::now());
        audience.wait_for_room(left).await;
        let left = cause.deadline.saturating_duration_since(Instant::now());
        let time_left_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX).min(CALL_TIMEOUT_MS_MAX);
        let call = Some(Call { number: id.sequence, time_left_ms });
        let entry = Entry { sequence: id.sequence, time, depth: cause.depth, message, call };
        if self.0.append(&audience, &to.channel, &entry) != Appended::Taken {
            return Err(CallError::Unavailable(format!("the way to {} stayed full", remote.name)));
        }
        self.0.account.sent(1);
        wait(answered, cause.deadline).await
    }
}

impl Shared {
    /// Answers a peer over its link, or else through others.
    fn answer(&self, caller: &Caller, call: u64, outcome: &Answer) {
        if !self.try_answer(caller, call, outcome) {
            self.account.dropped(DropReason::LateAnswer, 1);
        }
    }

    /// False when there is no room.
    fn try_answer(&self, caller: &Caller, call: u64, outcome: &Answer) -> bool {
        let Caller { network, node, outbox } = caller;
        let outbox = outbox.clone().or_else(|| self.routes.outbox(*network, *node));
        if outbox.is_some_and(|outbox| outbox.answer(call, outcome)) {
            return true;
        }
        // Who asked over others may not be known yet; an answer waits a while for a way, as events do.
        let frame = put_answer(call, outcome.as_ref().map_err(CallError::to_wire));
        let Some(audience) = self.audience(*network, Destinations::one(*node)) else { return false };
        match split_frame(&mut BytesMut::from(&frame[..]), FRAME_BYTES_MAX) {
            Ok(Some((kind, body))) => self.answer_audience(&audience, Inner { kind, body }),
            _ => false,
        }
    }
}

async fn wait(answered: oneshot::Receiver<Answer>, deadline: Instant) -> Answer {
    match tokio::time::timeout_at(deadline.into(), answered).await {
        Err(_) => Err(CallError::Timeout),
        Ok(Err(_)) => Err(CallError::Unavailable("the responder has gone".into())),
        Ok(Ok(outcome)) => outcome,
    }
}

fn lost(peer: &str) -> CallError {
    CallError::Unavailable(format!("the link to {peer} was lost"))
}

/// Forgets a call when its caller stops waiting, however that happens.
struct Forget<'a> {
    pending: &'a Pending,
    call: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.pending.lock().remove(&self.call);
    }
}

impl Pending {
    fn begin(&self, call: u64, peer: (NetworkIndex, NodeId), direct: bool) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        self.lock().insert(call, Waiting { peer, direct, answer });
        answered
    }

    /// A peer answered. False when nobody waits for that answer from it.
    pub(super) fn answered(&self, peer: (NetworkIndex, NodeId), call: u64, outcome: Answer) -> bool {
        let mut waiting = self.lock();
        if waiting.get(&call).is_none_or(|waiting| waiting.peer != peer) {
            return false;
        }
        waiting.remove(&call).is_some_and(|waiting| waiting.answer.send(outcome).is_ok())
    }

    /// A peer is out of reach: nobody waits for it any longer.
    pub(super) fn peer_lost(&self, network: NetworkIndex, node: NodeId, name: &str) {
        self.end(name, |waiting| waiting.peer == (network, node));
    }

    /// The link to a peer is gone: who asked over it waits no longer, but for the requests that go another way.
    pub(super) fn link_lost(&self, network: NetworkIndex, node: NodeId, name: &str, kept: &BTreeSet<u64>) {
        for call in kept {
            if let Some(waiting) = self.lock().get_mut(call) {
                waiting.direct = false;
            }
        }
        self.end(name, |waiting| waiting.peer == (network, node) && waiting.direct);
    }

    fn end(&self, name: &str, which: impl Fn(&Waiting) -> bool) {
        let mut waiting = self.lock();
        let calls: Vec<u64> =
            waiting.iter().filter(|(_, waiting)| which(waiting)).map(|(call, _)| *call).collect();
        for call in calls {
            if let Some(waiting) = waiting.remove(&call) {
                // The caller may have given up in the same moment.
                let _ = waiting.answer.send(Err(lost(name)));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
