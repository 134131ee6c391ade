//! One event in a worker's hands, and what follows from what became of it: an answer, another try, a dead letter.

use std::{sync::Arc, time::Instant};

use hive_proto::{group::GroupName, limits::DEPTH_MAX};

use super::Lanes;
use crate::{
    bus::{Delivery, Event, Failure, Letter, Message, Request, Ticket},
    dispatch::{Call, Outcome},
};

/// Why an event is tried again whose call was dropped mid-way.
const ABANDONED: &str = "the call was abandoned";

/// Why an event is a dead letter at once that fails as the last one that others in a row have caused: what it would cause
/// is refused at each try.
const ENDLESS: &str = "the last event of a loop is not tried again";

/// One event in a worker's hands. Dropped unfinished, it counts as broken.
#[derive(Debug)]
pub struct Job {
    pub(super) lanes: Arc<Lanes>,
    /// Taken when the job is finished.
    pub(super) work: Option<Delivery>,
    pub(super) lane: Option<usize>,
    pub(super) deadline: Instant,
    /// It is the one event that a handler which was paused is tried with.
    pub(super) tried: bool,
}

impl Job {
    /// What is to be handled.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.work.as_ref().expect("a job has its event until it is finished").event
    }

    /// How it is to be handled.
    #[must_use]
    pub fn call(&self) -> Call {
        let ticket = self.work.as_ref().and_then(|work| work.ticket.as_ref());
        let group = group_of(ticket);
        let request = self.work.as_ref().and_then(|work| work.request.as_ref());
        let (wants_reply, chain) = (request.is_some(), request.and_then(Request::chain).map(Arc::clone));
        Call { deadline: self.deadline, wants_reply, group, chain }
    }

    /// The event, and the request behind it when somebody waits for an answer.
    pub(in crate::dispatch) fn parts(&mut self) -> (&Event, Option<&mut Request>) {
        let work = self.work.as_mut().expect("a job has its event until it is finished");
        (&work.event, work.request.as_mut())
    }

    /// Nobody waits for the answer any more, and nothing is to be counted.
    pub(in crate::dispatch) fn forget(mut self) {
        drop(self.work.take());
        if self.tried {
            self.lanes.tries_another();
        }
    }

    /// Says what became of it: answers the request, or tries the event again, or buries it. `last_words` are what the
    /// handler said last of a call that failed.
    pub async fn finish(mut self, outcome: Outcome, last_words: &str) {
        let Some(mut delivery) = self.work.take() else { return };
        self.lanes.tally.count(&outcome);
        self.lanes.ended(&outcome, delivery.request.is_some(), self.tried);
        if let Some(request) = delivery.request.take() {
            self.lanes.declined(&delivery.event, &outcome);
            request.answer(answer(outcome));
        } else {
            let lanes = Arc::clone(&self.lanes);
            if let Some((delivery, reason)) = settle(&lanes, delivery, outcome) {
                lanes.tally.dead();
                lanes.done_with(&delivery.event);
                let Delivery { event, ticket, .. } = delivery;
                lanes.news.dead((&event.channel, event.id), &reason);
                let letter = Letter::now(event, group_of(ticket.as_ref()), &reason, last_words);
                let is_buried = lanes.bus.bury(&lanes.name, letter, ticket.as_ref()).await;
                // Else whoever holds the event gives it to another: what is nowhere is not done with.
                ticket.filter(|_| is_buried).into_iter().for_each(Ticket::dead);
            }
        }
        // Dropping the job releases its lane, also when the caller of this goes away in the middle.
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(mut delivery) = self.work.take() {
            let outcome = Outcome::Broken(ABANDONED.into());
            self.lanes.tally.count(&outcome);
            self.lanes.ended(&outcome, delivery.request.is_some(), self.tried);
            match delivery.request.take() {
                Some(request) => request.answer(answer(outcome)),
                None => abandon(&self.lanes, delivery),
            }
        }
        self.lanes.release(self.lane);
    }
}

/// An event whose call was dropped mid-way is tried again. Without a try left it goes back to whoever holds it; what nobody
/// holds is a dead letter that is kept, and not published, as nobody is here to wait.
fn abandon(lanes: &Lanes, delivery: Delivery) {
    let Err((Delivery { event, ticket, .. }, why)) = lanes.retry(delivery, None, ABANDONED) else {
        lanes.tally.retried();
        return;
    };
    lanes.done_with(&event);
    if ticket.as_ref().is_some_and(|ticket| ticket.letter().is_none()) {
        return;
    }
    lanes.tally.dead();
    tracing::warn!(plugin = lanes.name, event = %event.id, "dead letter: an abandoned event had no try left");
    let reason = format!("{why}{ABANDONED}");
    lanes.news.dead((&event.channel, event.id), &reason);
    let letter = Letter::now(event, group_of(ticket.as_ref()), &reason, "");
    lanes.bus.bury_quietly(&lanes.name, &letter, ticket.as_ref());
    if let Some(ticket) = ticket {
        ticket.dead();
    }
}

fn group_of(ticket: Option<&Ticket>) -> Option<GroupName> {
    ticket.and_then(Ticket::group).cloned()
}

/// Keeps the event for another try if that is what follows; gives it back with the reason if it is dead.
fn settle(lanes: &Lanes, delivery: Delivery, outcome: Outcome) -> Option<(Delivery, String)> {
    let (reason, after, says) = match outcome {
        Outcome::Done(_) => {
            lanes.done_with(&delivery.event);
            if let Some(ticket) = delivery.ticket {
                ticket.done();
            }
            return None;
        }
        Outcome::Reject(reason) => return Some((delivery, format!("rejected: {reason}"))),
        Outcome::Retry { reason, .. } | Outcome::Broken(reason) if delivery.event.depth >= DEPTH_MAX => {
            return Some((delivery, format!("{ENDLESS}: {reason}")));
        }
        Outcome::Retry { reason, after } => (reason, after, true),
        // That was said where it broke.
        Outcome::Broken(reason) => (reason, None, false),
    };
    let first =
        (says && delivery.event.attempt == 1).then(|| (delivery.event.channel.clone(), delivery.event.id));
    match lanes.retry(delivery, after, &reason) {
        Ok(wait) => {
            lanes.tally.retried();
            match first {
                Some((channel, id)) => lanes.first_failure((&channel, id), &reason, wait),
                None => tracing::debug!(plugin = lanes.name, "will try again: {reason}"),
            }
            None
        }
        Err((delivery, why)) => Some((delivery, format!("{why}{reason}"))),
    }
}

fn answer(outcome: Outcome) -> Result<Message, Failure> {
    match outcome {
        Outcome::Done(answer) => Ok(answer.unwrap_or_default()),
        Outcome::Retry { reason, .. } | Outcome::Broken(reason) => Err(Failure::Failed(reason)),
        Outcome::Reject(reason) => Err(Failure::Rejected(reason)),
    }
}
