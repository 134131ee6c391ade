//! How long one event takes from publishing to handled: alone, and beside neighbours that behave badly.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::{
    Latency, over,
    stage::{Guest, PATIENCE, Stage, Workers},
};
use crate::{
    Event, Message,
    bench::measure::percentile,
    bus::{Address, Publisher},
    dispatch::{Call, Invoke, Outcome},
    plugin::{
        instances::Instance,
        sketch::{EAT, SPIN, Sketch},
        worker::Worker,
    },
};

/// Between two events: far longer than one takes, so that each finds everything asleep.
const PACE: Duration = Duration::from_millis(1);
/// Between two looks whether all were handled.
const LOOK: Duration = Duration::from_millis(5);

/// What no event can be faster than: a task on the handlers' threads that waits for nothing else, and calls the handler or
/// does nothing. After a sleep a processor has forgotten code and data, so the call takes longer than in a row.
const WOKEN: [&str; 2] = ["a bare call after a bare wake-up", "a bare wake-up of their threads"];

/// What else runs, and how it is called.
const SITUATIONS: [(&str, Neighbour); 4] = [
    ("alone", Neighbour::None),
    ("beside a busy thread, no guest", Neighbour::Thread),
    ("beside a handler that spins", Neighbour::Guest(SPIN)),
    ("beside one that eats memory", Neighbour::Guest(EAT)),
];

#[derive(Clone, Copy)]
enum Neighbour {
    None,
    /// What the system alone makes of one more thread of low priority that is always busy.
    Thread,
    /// A handler that does this with each event, and gets one with each that is measured.
    Guest(&'static str),
}

/// One round: microseconds of each event, in the order of the situations.
pub(super) struct Round(Vec<Vec<f64>>);

pub(super) async fn round(
    stage: &Stage,
    guest: &Guest,
    message: &Message,
    duration: Duration,
) -> Result<Round> {
    let mut good = Good::start(stage, guest, message).await?;
    let mut times = Vec::new();
    for (_, neighbour) in SITUATIONS {
        times.push(beside(stage, neighbour, &mut good, duration).await?);
    }
    good.workers.end().await;
    let event = stage.event(guest, message).await?;
    let call = (stage.instance(guest).await?, event, guest.subscription());
    times.push(woken(stage, Some(call), events_in(duration)?).await?);
    times.push(woken(stage, None, events_in(duration)?).await?);
    Ok(Round(times))
}

pub(super) fn summary(rounds: &[Round]) -> Vec<Latency> {
    let at = |round: &Round, at: usize, share| {
        round.0.get(at).map_or(f64::NAN, |times| percentile(&mut times.clone(), share))
    };
    let latency = |(n, situation): (usize, &'static str)| Latency {
        situation,
        p50_us: over(rounds, |round| at(round, n, 0.5)),
        p99_us: over(rounds, |round| at(round, n, 0.99)),
        p99_ratio: over(rounds, |round| at(round, n, 0.99) / at(round, 0, 0.99)),
    };
    SITUATIONS.map(|(situation, _)| situation).into_iter().chain(WOKEN).enumerate().map(latency).collect()
}

/// How many events that is at their pace.
fn events_in(duration: Duration) -> Result<usize> {
    Ok(usize::try_from(duration.as_millis() / PACE.as_millis())?.max(1))
}

/// How long it takes until a task that sleeps on the handlers' threads has run, and made this call if it is to.
async fn woken(stage: &Stage, call: Option<(Instance, Event, u32)>, events: usize) -> Result<Vec<f64>> {
    let (bell, mut rung) = mpsc::channel::<Instant>(events);
    let sleeping = stage.engine().threads().spawn(async move {
        let (mut call, mut times) = (call, Vec::with_capacity(events));
        let mut bare = call
            .as_mut()
            .map(|(instance, event, subscription)| (instance.bare(event), &*event, *subscription));
        while let Some(told) = rung.recv().await {
            if let Some((bare, event, subscription)) = &mut bare {
                bare.handle(event, *subscription).await?;
            }
            times.push(told.elapsed().as_secs_f64() * 1e6);
        }
        anyhow::Ok(times)
    });
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..events {
        pace.tick().await;
        bell.send(Instant::now()).await?;
    }
    drop(bell);
    timeout(PATIENCE, sleeping).await??
}

/// The handler that is measured, at work.
struct Good {
    to: Address,
    message: Message,
    publisher: Publisher,
    workers: Workers,
    /// When each event was handled, in their order: one channel is one lane.
    handled: Arc<Mutex<Vec<Instant>>>,
}

impl Good {
    async fn start(stage: &Stage, guest: &Guest, message: &Message) -> Result<Self> {
        let lanes = stage.lanes(guest).await?;
        let handled = Arc::new(Mutex::new(Vec::new()));
        let mut team = Vec::new();
        for _ in 0..guest.version().wishes.mode.width(None) {
            let worker = Worker::new(Arc::clone(guest.version()), Some(stage.instance(guest).await?));
            team.push(Stamped { worker, handled: Arc::clone(&handled) });
        }
        let (to, message) = (guest.to().clone(), message.clone());
        let publisher = stage.bus().publisher();
        Ok(Self { to, message, publisher, workers: stage.work(&lanes, team), handled })
    }

    /// Publishes so many events, each by itself, and one to the neighbour with each. Returns what each took.
    async fn times(&mut self, events: usize, neighbour: Option<&Address>) -> Result<Vec<f64>> {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut published = Vec::with_capacity(events);
        for _ in 0..events {
            pace.tick().await;
            published.push(Instant::now());
            self.publisher.publish(&self.to, self.message.clone()).await?;
            if let Some(neighbour) = neighbour {
                self.publisher.publish(neighbour, Message::default()).await?;
            }
        }
        let all = async {
            while lock(&self.handled).len() < events {
                sleep(LOOK).await;
            }
        };
        let came = timeout(PATIENCE, all).await.is_ok();
        let handled = std::mem::take(&mut *lock(&self.handled));
        ensure!(came, "only {} of {events} events were handled", handled.len());
        let took = |(begun, done): (&Instant, &Instant)| done.saturating_duration_since(*begun);
        Ok(published.iter().zip(&handled).map(|pair| took(pair).as_secs_f64() * 1e6).collect())
    }
}

async fn beside(
    stage: &Stage,
    neighbour: Neighbour,
    good: &mut Good,
    duration: Duration,
) -> Result<Vec<f64>> {
    let events = events_in(duration)?;
    match neighbour {
        Neighbour::None => good.times(events, None).await,
        Neighbour::Thread => {
            let busy = Arc::new(AtomicBool::new(true));
            let spins = Arc::clone(&busy);
            let spinning = stage.engine().threads().aside(move || {
                while spins.load(Relaxed) {
                    std::hint::spin_loop();
                }
            });
            let measured = async {
                let times = good.times(events, None).await;
                busy.store(false, Relaxed);
                times
            };
            let (ended, times) = tokio::join!(spinning, measured);
            ended?;
            times
        }
        Neighbour::Guest(handle) => {
            let bad = stage.load("neighbour", Sketch::new().on("bench/neighbour").handle(handle).build());
            let bad = bad.await?;
            let lanes = stage.lanes(&bad).await?;
            let workers = stage.work(&lanes, [Worker::new(Arc::clone(bad.version()), None)]);
            let times = good.times(events, Some(bad.to())).await;
            workers.end().await;
            ensure!(lanes.tally().broken > 0, "the neighbour was not cut");
            times
        }
    }
}

/// A worker that notes when it was done with each event.
struct Stamped {
    worker: Worker,
    handled: Arc<Mutex<Vec<Instant>>>,
}

impl Invoke for Stamped {
    async fn invoke(&mut self, event: &Event, call: Call) -> Outcome {
        let outcome = self.worker.invoke(event, call).await;
        lock(&self.handled).push(Instant::now());
        outcome
    }
}

/// Held for one push or one look.
fn lock(handled: &Mutex<Vec<Instant>>) -> MutexGuard<'_, Vec<Instant>> {
    handled.lock().unwrap_or_else(PoisonError::into_inner)
}
