//! Calls: a request to one responder or to all, here or on peers, and what comes back. Who answers is chosen from the
//! route table; a local responder comes first.

mod all;
mod chain;
mod one;
mod pending;
#[cfg(test)]
mod tests;
mod withdrawn;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use hive_proto::{
    channel::{Address, NetworkIndex},
    event::Message,
    frame::{
        batch::Call,
        data::{PARTS_MAX, put_answer, put_part},
        relay::{Destinations, Inner},
        split_frame,
    },
    id::NodeId,
    limits::{CALL_TIMEOUT_MS_MAX, DEPTH_MAX, FRAME_BYTES_MAX},
    plane::account::DropReason,
};
use tokio::sync::{mpsc, oneshot};

pub use self::{
    all::{Gathered, Part},
    chain::Chain,
};
pub(super) use self::{pending::Pending, withdrawn::Withdrawn};
use super::{Actor, Bus, CallError, Failure, PublishError, Shared, outbox::Outbox, queue::Queue};
use crate::trust::may::{Action, Principal};

/// What stands behind a call: until when it may take, and how deep it is nested.
#[derive(Debug, Clone, Copy)]
pub struct CallCause<'a> {
    /// The caller waits until then, and so does every call made on its behalf.
    pub deadline: Instant,
    /// Depth of the event being handled; 0 outside a handler.
    pub depth: u8,
    /// Who asks.
    pub who: Principal<'a>,
    /// The plugin that asks, and who waits for it.
    pub chain: Option<&'a Arc<Chain>>,
    /// Who is not asked: the bridge over which the call came, as it would carry it back.
    pub except: Option<&'a Actor>,
}

type Answer = Result<Message, CallError>;

/// A request that wants an answer. Dropped without one, it answers `failed`. It is one pointer, so that
/// events without one stay small.
#[derive(Debug)]
pub struct Request(Box<Asked>);

#[derive(Debug)]
struct Asked {
    deadline: Instant,
    /// Who of this node waits for it, where that is a plugin.
    chain: Option<Arc<Chain>>,
    /// Taken when it is answered.
    reply: Option<Reply>,
}

#[derive(Debug)]
enum Reply {
    Local(oneshot::Sender<Answer>),
    /// One of several answers here.
    LocalPart(mpsc::Sender<Part>),
    Remote {
        caller: Caller,
        call: u64,
        /// How many answer here, when all are asked.
        of: Option<u32>,
        bus: Bus,
    },
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
    /// What a peer asks of one responder, or of each of `of`.
    pub(super) fn remote(bus: &Bus, caller: Caller, call: Call, of: usize) -> Self {
        let deadline = Instant::now() + Duration::from_millis(call.time_left_ms);
        let of = call.all.then(|| u32::try_from(of.max(1)).unwrap_or(PARTS_MAX).min(PARTS_MAX));
        let reply = Some(Reply::Remote { caller, call: call.number, of, bus: bus.clone() });
        Self(Box::new(Asked { deadline, chain: None, reply }))
    }

    /// What somebody of this node asks.
    fn here(cause: CallCause<'_>, reply: Reply) -> Self {
        let chain = cause.chain.map(Arc::clone);
        Self(Box::new(Asked { deadline: cause.deadline, chain, reply: Some(reply) }))
    }

    /// Who of this node waits for it, where that is a plugin.
    #[must_use]
    pub fn chain(&self) -> Option<&Arc<Chain>> {
        self.0.chain.as_ref()
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

    /// Whether nobody waits for the answer any more.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        match &self.0.reply {
            None => true,
            Some(Reply::Local(answer)) => answer.is_closed(),
            Some(Reply::LocalPart(parts)) => parts.is_closed(),
            Some(Reply::Remote { caller, call, bus, .. }) => bus.0.withdrawn.contains(caller, *call),
        }
    }

    /// Waits until nobody waits for the answer any more.
    pub async fn withdrawn(&mut self) {
        match &mut self.0.reply {
            None => {}
            Some(Reply::Local(answer)) => answer.closed().await,
            Some(Reply::LocalPart(parts)) => parts.closed().await,
            Some(Reply::Remote { caller, call, bus, .. }) => bus.0.withdrawn.wait_for(caller, *call).await,
        }
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
            // A caller that has gone does not miss its answer; so also below.
            Some(Reply::Local(answer)) => drop(answer.send(outcome)),
            Some(Reply::LocalPart(parts)) => drop(parts.try_send(Part::here(outcome))),
            Some(Reply::Remote { caller, call, of, bus }) => {
                bus.0.withdrawn.forget(&caller, call);
                bus.0.answer(&caller, call, of, &outcome);
            }
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.reply(Err(CallError::Failed("the responder let the request go without an answer".into())));
    }
}

impl Bus {
    /// Whether a call can be made at all; its deadline is cut to what calls may take.
    fn check_call<'a>(
        &self,
        to: &Address,
        message: &Message,
        cause: CallCause<'a>,
    ) -> Result<CallCause<'a>, CallError> {
        if to.channel.is_reserved() {
            return Err(PublishError::Reserved(to.channel.clone()).into());
        }
        self.0.permit(cause.who, Action::Call, to)?;
        message.check().map_err(PublishError::from)?;
        if cause.depth > DEPTH_MAX {
            return Err(PublishError::Loop(to.channel.clone()).into());
        }
        if cause.chain.is_some_and(|chain| chain.is_too_long()) {
            return Err(CallError::Deadlock);
        }
        let longest = Instant::now() + Duration::from_millis(CALL_TIMEOUT_MS_MAX);
        Ok(CallCause { deadline: cause.deadline.min(longest), ..cause })
    }
}

impl<'a> CallCause<'a> {
    /// A call of a client that waits so long.
    #[must_use]
    pub fn within(timeout: Duration) -> Self {
        Self {
            deadline: Instant::now() + timeout,
            depth: 0,
            who: Principal::Local,
            chain: None,
            except: None,
        }
    }

    /// What came over a bridge and is asked here, with what that bridge may.
    #[must_use]
    pub fn over(bridge: &'a Actor, deadline: Instant, depth: u8) -> Self {
        Self { deadline, depth, who: bridge.principal(), chain: None, except: Some(bridge) }
    }

    /// Whether the holder of a queue is not to be asked.
    fn passes(&self, queue: &Queue) -> bool {
        self.except.is_some_and(|actor| actor == queue.actor())
    }

    /// Whether asking the holder of a queue could never end.
    fn holds_up(&self, queue: &Queue) -> bool {
        self.chain.is_some_and(|chain| chain.holds_up(queue.actor()))
    }

    fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The request's part of an entry.
    fn call(&self, number: u64, all: bool) -> Call {
        let left = u64::try_from(self.time_left().as_millis()).unwrap_or(u64::MAX);
        Call { number, time_left_ms: left.min(CALL_TIMEOUT_MS_MAX), all }
    }
}

impl Shared {
    /// Answers a peer over its link, or else through others.
    fn answer(&self, caller: &Caller, call: u64, of: Option<u32>, outcome: &Answer) {
        let outcome = outcome.as_ref().map_err(CallError::to_wire);
        let frame = match of {
            None => put_answer(call, outcome),
            Some(of) => put_part(call, of, outcome),
        };
        if !self.try_send(caller, &frame) {
            self.account.dropped(DropReason::LateAnswer, 1);
        }
    }

    /// Sends a frame to a peer. False when there is no room.
    fn try_send(&self, to: &Caller, frame: &Bytes) -> bool {
        let Caller { network, node, outbox } = to;
        let outbox = outbox.clone().or_else(|| self.routes.outbox(*network, *node));
        if outbox.is_some_and(|outbox| outbox.answer(frame.clone())) {
            return true;
        }
        // Who asked over others may not be known yet; an answer waits a while for a way, as events do.
        let Some(audience) = self.audience(*network, Destinations::one(*node)) else { return false };
        match split_frame(&mut BytesMut::from(&frame[..]), FRAME_BYTES_MAX) {
            Ok(Some((kind, body))) => self.answer_audience(&audience, Inner { kind, body }),
            _ => false,
        }
    }
}

fn lost(peer: &str) -> CallError {
    CallError::Unavailable(format!("the link to {peer} was lost"))
}
