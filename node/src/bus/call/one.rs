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
    Bus, CallError, Delivery,
    outbox::Appended,
    queue::{Offer, Queue},
    routes::{Peer, Remote, Target},
};
use crate::trust::may::Action;

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

    /// A responder: a local one that keeps up, else a neighbour, else a peer beyond, else a local one that lags.
    /// One that waits for this very call is not asked.
    fn responder(&self, to: &Address, cause: CallCause<'_>, draw: u64) -> Result<Target, CallError> {
        let table = self.0.routes.table();
        let pick = |mut targets: Vec<Target>| {
            let at = usize::try_from(draw).unwrap_or(0).checked_rem(targets.len())?;
            Some(targets.swap_remove(at))
        };
        let may_have = |target: &&Target| match target {
            Target::Local(queue) => self.0.may_have(queue, Action::Subscribe, to.network, &to.channel),
            _ => false,
        };
        let local = table.answering(Side::Local, to.network, &to.channel).filter(may_have);
        let waits = |target: &Target| matches!(target, Target::Local(queue) if cause.holds_up(queue));
        let (waiting, local): (Vec<_>, Vec<_>) = local.cloned().partition(waits);
        let keeps_up = |target: &&Target| matches!(target, Target::Local(queue) if !queue.is_lagging());
        pick(local.iter().filter(keeps_up).cloned().collect())
            .or_else(|| {
                let peers = table.answering(Side::Peer, to.network, &to.channel).cloned();
                let (near, beyond) = peers.partition(|target| matches!(target, Target::Peer(_)));
                pick(near).or_else(|| pick(beyond))
            })
            .or_else(|| pick(local))
            .ok_or(if waiting.is_empty() { CallError::NoResponder } else { CallError::Deadlock })
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
