//! Asking one responder.

use std::{sync::atomic::Ordering, time::Instant};

use hive_proto::{
    channel::Address,
    event::Message,
    frame::{batch::Entry, relay::Destinations},
    id::EventId,
    plane::table::Side,
    time::Hlc,
};
use tokio::sync::oneshot;

use super::{Answer, CallCause, Reply, Request, lost, pending::Forget};
use crate::bus::{
    Actor, Bus, CallError, Delivery,
    outbox::Appended,
    queue::{Offer, Queue},
    routes::{Peer, Remote, Target},
};
use crate::trust::may::Action;

/// Who is asked before whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// A client or a plugin of this node.
    Here,
    /// A neighbour.
    Near,
    /// A peer behind others.
    Beyond,
    /// A bridge of this node, for somebody in another network.
    Bridge,
    /// Somebody of this node who does not keep up.
    Lagging,
    /// A handler of this node that is away, and would only say so.
    Away,
    /// Somebody who waits for this very call.
    Waiting,
}

impl Bus {
    /// Asks one responder on behalf of what `cause` says, and waits for its answer.
    ///
    /// # Errors
    /// As [`Bus::call`].
    pub async fn call_from(&self, to: &Address, message: Message, cause: CallCause<'_>) -> Answer {
        let cause = self.check_call(to, &message, cause)?;
        // What nobody answers is not published, and every sequence is that of something published.
        let target = self.responder(to, cause, self.0.sequence.load(Ordering::Relaxed))?;
        let (id, time) = self.0.stamp();
        match target {
            Target::Local(queue) => self.ask_here(&queue, to, message, (id, time), cause).await,
            Target::Peer(peer) => self.ask_peer(&peer, to, &message, (id, time), cause).await,
            Target::Remote(remote) => self.ask_remote(&remote, to, &message, (id, time), cause).await,
            Target::Audience(_) => Err(CallError::NoResponder),
        }
    }

    /// A responder: the best that there are, one after the other. One that waits for this very call is not asked.
    fn responder(&self, to: &Address, cause: CallCause<'_>, draw: u64) -> Result<Target, CallError> {
        let table = self.0.routes.table();
        let sides = [Side::Local, Side::Peer].into_iter();
        let all = sides.flat_map(|side| table.answering(side, to.network, &to.channel));
        let mut waiting = false;
        let ranked: Vec<_> = all
            .filter_map(|target| match self.rank(target, to, cause) {
                Some(Rank::Waiting) => {
                    waiting = true;
                    None
                }
                rank => Some((rank?, target)),
            })
            .collect();
        let best = ranked.iter().map(|(rank, _)| *rank).min();
        let equal: Vec<_> = ranked.iter().filter(|(rank, _)| Some(*rank) == best).collect();
        let at = usize::try_from(draw).unwrap_or(0).checked_rem(equal.len());
        let chosen = at.and_then(|at| equal.get(at)).map(|(_, target)| (*target).clone());
        chosen.ok_or(if waiting { CallError::Deadlock } else { CallError::NoResponder })
    }

    /// None: it is nobody whom this call may ask.
    fn rank(&self, target: &Target, to: &Address, cause: CallCause<'_>) -> Option<Rank> {
        match target {
            Target::Local(queue) => {
                if !self.0.may_have(queue, Action::Subscribe, to.network, &to.channel) || cause.passes(queue)
                {
                    return None;
                }
                Some(match queue.actor() {
                    _ if cause.holds_up(queue) => Rank::Waiting,
                    _ if queue.is_away() => Rank::Away,
                    _ if queue.is_lagging() => Rank::Lagging,
                    Actor::Bridge(_) => Rank::Bridge,
                    Actor::Local | Actor::Plugin(_) => Rank::Here,
                })
            }
            Target::Peer(_) => Some(Rank::Near),
            Target::Remote(_) => Some(Rank::Beyond),
            Target::Audience(_) => None,
        }
    }

    async fn ask_here(
        &self,
        queue: &Queue,
        to: &Address,
        message: Message,
        (id, time): (EventId, Hlc),
        cause: CallCause<'_>,
    ) -> Answer {
        let (answer, answered) = oneshot::channel();
        let request = Request::here(cause, Reply::Local(answer));
        let event = self.0.event(to, message, id, time, cause.depth);
        match queue.offer(Delivery { event, request: Some(request), ticket: None }.into()) {
            Offer::Taken => {}
            Offer::Closed(_) => return Err(CallError::NoResponder),
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
        cause: CallCause<'_>,
    ) -> Answer {
        let answered = self.0.calls.begin(id.sequence, (peer.network, peer.node), true);
        let _forget = Forget { shared: &self.0, call: id.sequence };
        let call = Some(cause.call(id.sequence, false));
        let entry = Entry { sequence: id.sequence, time, depth: cause.depth, message, call, handout: None };
        let number = peer.outbox.number(&to.channel);
        // The caller waits anyway, and nobody but the caller.
        match peer.outbox.append_within(number, &to.channel, &entry, cause.time_left()).await {
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
        cause: CallCause<'_>,
    ) -> Answer {
        let answered = self.0.calls.begin(id.sequence, (remote.network, remote.node), false);
        let _forget = Forget { shared: &self.0, call: id.sequence };
        let set = Destinations::one(remote.node);
        let audience = self.0.audience(remote.network, set).ok_or(CallError::NoResponder)?;
        audience.wait_for_room(cause.time_left()).await;
        let call = Some(cause.call(id.sequence, false));
        let entry = Entry { sequence: id.sequence, time, depth: cause.depth, message, call, handout: None };
        if self.0.append(&audience, &to.channel, &entry) != Appended::Taken {
            return Err(CallError::Unavailable(format!("the way to {} stayed full", remote.name)));
        }
        self.0.account.sent(1);
        wait(answered, cause.deadline).await
    }
}

async fn wait(answered: oneshot::Receiver<Answer>, deadline: Instant) -> Answer {
    match tokio::time::timeout_at(deadline.into(), answered).await {
        Err(_) => Err(CallError::Timeout),
        Ok(Err(_)) => Err(CallError::Unavailable("the responder has gone".into())),
        Ok(Ok(outcome)) => outcome,
    }
}
