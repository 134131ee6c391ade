//! What one event costs: the bare call, the call under the node's limits, and the way through a queue.

use std::{sync::Arc, time::Instant};

use anyhow::{Result, ensure};
use tokio::sync::oneshot;

use super::{
    Cost, over,
    stage::{Guest, Stage},
};
use crate::{
    Event, Message,
    bench::measure::cpu_time,
    dispatch::{Call, Invoke, Outcome},
    plugin::{limits::CallLimits, worker::Worker},
};

/// Events of one measurement; fewer when the handler's queue holds no more.
const EVENTS: u64 = 20_000;
/// What the events of one measurement weigh together at most: well within a queue.
const QUEUED_BYTES: u64 = 4 << 20;

/// CPU and wall time of one event, in microseconds.
#[derive(Debug, Clone, Copy)]
struct Spent {
    cpu: f64,
    wall: f64,
}

/// One round's measurements, taken one after the other.
pub(super) struct Round {
    bare: Spent,
    limited: Spent,
    queued: Spent,
}

pub(super) async fn round(stage: &Stage, guest: &Guest, message: &Message) -> Result<Round> {
    let weight = u64::try_from(message.weight())?.saturating_add(256);
    let events = EVENTS.min(QUEUED_BYTES / weight).max(1);
    let event = stage.event(guest, message).await?;
    Ok(Round {
        bare: bare(stage, guest, event.clone(), events).await?,
        limited: limited(stage, guest, event, events).await?,
        queued: queued(stage, guest, message, events).await?,
    })
}

pub(super) fn summary(rounds: &[Round]) -> Vec<Cost> {
    let cost = |way, of: fn(&Round) -> Spent| Cost {
        way,
        cpu_us: over(rounds, |round| of(round).cpu),
        wall_us: over(rounds, |round| of(round).wall),
        cpu_ratio: over(rounds, |round| of(round).cpu / round.bare.cpu),
        cpu_more_us: over(rounds, |round| of(round).cpu - round.bare.cpu),
    };
    vec![
        cost("bare typed call", |round| round.bare),
        cost("call with the node's limits", |round| round.limited),
        cost("from a queue that is never empty", |round| round.queued),
    ]
}

/// A clock for both times.
struct Begun {
    cpu: std::time::Duration,
    wall: Instant,
}

impl Begun {
    fn now() -> Self {
        Self { cpu: cpu_time(), wall: Instant::now() }
    }

    fn each_of(&self, events: u64) -> Spent {
        let each = |time: std::time::Duration| time.as_secs_f64() * 1e6 / events as f64;
        Spent { cpu: each(cpu_time().saturating_sub(self.cpu)), wall: each(self.wall.elapsed()) }
    }
}

async fn bare(stage: &Stage, guest: &Guest, event: Event, events: u64) -> Result<Spent> {
    let (mut instance, subscription) = (stage.instance(guest).await?, guest.subscription());
    let calls = async move {
        let mut bare = instance.bare(&event);
        bare.handle(&event, subscription).await?;
        let begun = Begun::now();
        for _ in 0..events {
            bare.handle(&event, subscription).await?;
        }
        anyhow::Ok(begun.each_of(events))
    };
    stage.engine().threads().spawn(calls).await?
}

async fn limited(stage: &Stage, guest: &Guest, event: Event, events: u64) -> Result<Spent> {
    let (mut instance, subscription) = (stage.instance(guest).await?, guest.subscription());
    let limits = guest.version().limits;
    let calls = async move {
        let within = || CallLimits::starting_now(limits.deadline, limits.cpu);
        let deadline = Instant::now() + limits.deadline;
        let call = Call { deadline, wants_reply: false, group: None, chain: None };
        drop(instance.handle(&event, subscription, &call, within()).await?);
        let begun = Begun::now();
        for _ in 0..events {
            drop(instance.handle(&event, subscription, &call, within()).await?);
        }
        anyhow::Ok(begun.each_of(events))
    };
    stage.engine().threads().spawn(calls).await?
}

/// Fills the queue, then lets one worker empty it, so that no publisher's time is among it.
async fn queued(stage: &Stage, guest: &Guest, message: &Message, events: u64) -> Result<Spent> {
    let lanes = stage.lanes(guest).await?;
    let mut publisher = stage.bus().publisher();
    for _ in 0..events {
        publisher.publish(guest.to(), message.clone()).await?;
    }
    let instance = stage.instance(guest).await?;
    let worker = Worker::new(Arc::clone(guest.version()), Some(instance));
    let (done, all) = oneshot::channel();
    let begun = Begun::now();
    let workers = stage.work(&lanes, [Counted { worker, left: events, begun: Some((begun, done)), events }]);
    let spent = all.await?;
    workers.end().await;
    let tally = lanes.tally();
    ensure!(tally.handled >= events, "{events} events were queued and {} handled", tally.handled);
    Ok(spent)
}

/// A worker that says when it had so many events.
struct Counted {
    worker: Worker,
    left: u64,
    events: u64,
    begun: Option<(Begun, oneshot::Sender<Spent>)>,
}

impl Invoke for Counted {
    async fn invoke(&mut self, event: &Event, call: Call) -> Outcome {
        let outcome = self.worker.invoke(event, call).await;
        self.left = self.left.saturating_sub(1);
        if self.left == 0
            && let Some((begun, done)) = self.begun.take()
        {
            // Nobody waits when the measurement was given up.
            let _ = done.send(begun.each_of(self.events));
        }
        outcome
    }
}
