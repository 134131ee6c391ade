//! Lanes over a real bus, with handlers that do as they are told.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::poll;
use hive_proto::{
    channel::{Address, Names, NetworkName},
    id::{Incarnation, NodeId},
};
use tokio::{sync::Semaphore, task::JoinHandle};

use super::*;
use crate::{
    bus::{Bus, CallError, Holder, Message, Subscription, Wanted},
    status::Lines,
};

mod pauses;
mod rest;

const SOON: Duration = Duration::from_secs(5);
/// How it is said that an event failed for the first time.
const FAILED: &str = "an event failed, and is tried again in ";

fn bus() -> Bus {
    let names = Names::new(vec![NetworkName::parse("hive").expect("a network")]);
    let bus = Bus::new(NodeId([1; 32]), Incarnation(1), names);
    bus.confirmed(u64::MAX);
    bus
}

fn address(bus: &Bus, name: &str) -> Address {
    bus.names().address(name).expect("a channel")
}

async fn subscribe(bus: &Bus, pattern: &str, answers: bool) -> Subscription {
    let wanted = Wanted { scope: bus.names().scope(pattern).expect("a pattern"), answers, group: None };
    bus.subscribe(Holder::Plugin("test".into()), [wanted]).await.expect("a subscription")
}

async fn lanes(bus: &Bus, attempts: u32) -> Arc<Lanes> {
    lanes_with(bus, Policy { attempts, backoff: Duration::from_millis(1), ..Policy::default() }).await
}

async fn lanes_with(bus: &Bus, policy: Policy) -> Arc<Lanes> {
    Lanes::new("test", subscribe(bus, "**", true).await, policy, bus.clone())
}

/// Notes each event's payload, waits for the gate, and does what the payload says.
#[derive(Clone)]
struct Handler {
    seen: Arc<Mutex<Vec<String>>>,
    /// One permit a call.
    gate: Arc<Semaphore>,
    /// Calls going on now, and the most there ever were.
    running: Arc<(AtomicUsize, AtomicUsize)>,
}

impl Handler {
    fn new(permits: usize) -> Self {
        let gate = Arc::new(Semaphore::new(permits));
        Self { seen: Arc::default(), gate, running: Arc::default() }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("not poisoned").clone()
    }

    /// So many workers on the same lanes.
    fn work(&self, lanes: &Arc<Lanes>, workers: usize, stop: &CancellationToken) -> Vec<JoinHandle<()>> {
        let spawn = |_| {
            let (lanes, stop, mut handler) = (Arc::clone(lanes), stop.clone(), self.clone());
            tokio::spawn(async move { run(&lanes, &stop, &mut handler).await })
        };
        (0..workers).map(spawn).collect()
    }
}

impl Invoke for Handler {
    async fn invoke(&mut self, event: &Event, call: Call) -> Outcome {
        let text = String::from_utf8_lossy(&event.message.payload).into_owned();
        self.seen.lock().expect("not poisoned").push(text.clone());
        let running = self.running.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.running.1.fetch_max(running, Ordering::SeqCst);
        self.gate.acquire().await.expect("open").forget();
        self.running.0.fetch_sub(1, Ordering::SeqCst);
        match text.as_str() {
            "retry" => Outcome::Retry { reason: "not yet".into(), after: None },
            "retry-once" if event.attempt == 1 => Outcome::Retry { reason: "not yet".into(), after: None },
            "reject" => Outcome::Reject("never".into()),
            "trap" => Outcome::Broken("trapped".into()),
            _ => Outcome::Done(call.wants_reply.then(|| Message::from(format!("re: {text}")))),
        }
    }
}

/// Waits until the counts say so.
async fn until(lanes: &Lanes, done: impl Fn(Tallied) -> bool) {
    let wait = async {
        while !done(lanes.tally()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, wait).await.unwrap_or_else(|_| panic!("not reached: {:?}", lanes.tally()));
}

#[tokio::test]
async fn events_of_one_channel_keep_their_order_and_others_run_beside_them() {
    let (bus, handler, stop) = (bus(), Handler::new(0), CancellationToken::new());
    let lanes = lanes(&bus, 1).await;
    let workers = handler.work(&lanes, 4, &stop);
    let mut publisher = bus.publisher();
    for number in 0..600 {
        for channel in ["a/1", "a/2"] {
            let message = Message::from(format!("{channel} {number:04}"));
            publisher.publish(&address(&bus, channel), message).await.expect("published");
        }
    }
    // Both channels have one in hand before anybody may go on.
    until(&lanes, |_| handler.running.0.load(Ordering::SeqCst) == 2).await;
    handler.gate.add_permits(1200);
    until(&lanes, |tally| tally.handled == 1200).await;
    for channel in ["a/1", "a/2"] {
        let seen: Vec<_> = handler.seen().into_iter().filter(|text| text.starts_with(channel)).collect();
        assert!(seen.is_sorted(), "{channel}");
    }
    assert_eq!(handler.running.1.load(Ordering::SeqCst), 2, "two channels, two at a time");
    stop.cancel();
    for worker in workers {
        worker.await.expect("ended");
    }
}

#[tokio::test]
async fn a_failing_event_is_tried_again_and_then_buried_with_its_story() {
    let (bus, handler, stop) = (bus(), Handler::new(100), CancellationToken::new());
    let lanes = lanes(&bus, 3).await;
    let lines = Arc::<Lines>::default();
    lanes.speak_to(Arc::clone(&lines));
    let mut dead = subscribe(&bus, "$dead/*", false).await;
    handler.work(&lanes, 2, &stop);
    for payload in ["retry", "retry-once", "trap", "reject"] {
        bus.publish(&address(&bus, &format!("a/{payload}")), payload.into()).await.expect("published");
    }
    until(&lanes, |tally| tally.dead == 3 && tally.handled == 1).await;
    let tally = lanes.tally();
    assert_eq!((tally.failed, tally.broken, tally.rejected, tally.retried), (4, 3, 1, 5));
    let mut letters = Vec::new();
    for _ in 0..3 {
        let event = dead.next().await.expect("a letter").event;
        let header =
            |name| event.message.headers().iter().find(|(each, _)| each == name).map(|(_, v)| v.clone());
        assert_eq!(event.channel.as_str(), "$dead/test");
        letters.push((header("hive-channel"), header("hive-reason"), header("hive-attempts")));
    }
    letters.sort();
    let letter = |channel: &str, reason: &str, attempts: &str| {
        (Some(channel.to_owned()), Some(reason.to_owned()), Some(attempts.to_owned()))
    };
    assert_eq!(
        letters,
        [
            letter("a/reject", "rejected: never", "1"),
            letter("a/retry", "failed 3 times, last: not yet", "3"),
            letter("a/trap", "failed 3 times, last: trapped", "3"),
        ]
    );
    let mut said: Vec<String> = lines.after(0, 9).0.into_iter().map(|line| line.text).collect();
    said.iter_mut().for_each(|line| line.truncate(line.find(" event=").unwrap_or(0)));
    // How long it waits is up to chance.
    for line in &mut said {
        if let Some((wait, _)) = line.strip_prefix(FAILED).and_then(|rest| rest.split_once(": ")) {
            *line = line.replacen(wait.to_owned().as_str(), "a moment", 1);
        }
    }
    said.sort();
    let want = [
        "an event failed, and is tried again in a moment: not yet (channel=a/retry",
        "an event failed, and is tried again in a moment: not yet (channel=a/retry-once",
        "dead letter: failed 3 times, last: not yet (channel=a/retry",
        "dead letter: failed 3 times, last: trapped (channel=a/trap",
        "dead letter: rejected: never (channel=a/reject",
        "failed, and is tried for the last time: not yet (channel=a/retry",
        "failed, and is tried for the last time: trapped (channel=a/trap",
    ];
    assert_eq!(said, want);
    stop.cancel();
}

#[tokio::test]
async fn requests_are_answered_and_never_retried() {
    let (bus, handler, stop) = (bus(), Handler::new(100), CancellationToken::new());
    let lanes = lanes(&bus, 3).await;
    let lines = Arc::<Lines>::default();
    lanes.speak_to(Arc::clone(&lines));
    handler.work(&lanes, 1, &stop);
    let to = address(&bus, "greet/hello");
    let call = async |payload: &str| bus.call(&to, payload.into(), SOON).await;
    assert_eq!(call("Ada").await, Ok("re: Ada".into()));
    assert_eq!(call("retry").await, Err(CallError::Failed("not yet".into())));
    assert_eq!(call("trap").await, Err(CallError::Failed("trapped".into())));
    assert_eq!(call("reject").await, Err(CallError::Rejected("never".into())));
    assert_eq!(call("retry").await, Err(CallError::Failed("not yet".into())));
    let tally = lanes.tally();
    assert_eq!((tally.retried, tally.dead), (0, 0));
    // Whoever looks after the handler reads it, too: once a second of each cause. What broke is said where it broke.
    let said: Vec<_> = lines.after(0, 9).0.into_iter().map(|line| line.text).collect();
    let want =
        ["a call failed: not yet (channel=greet/hello", "a call was rejected: never (channel=greet/hello"];
    assert!(said.len() == 2 && said.iter().zip(want).all(|(said, want)| said.starts_with(want)), "{said:?}");
    stop.cancel();
}

/// What it would cause is refused at each try.
#[tokio::test]
async fn the_last_event_of_a_loop_is_not_tried_again() {
    let (bus, handler, stop) = (bus(), Handler::new(100), CancellationToken::new());
    let lanes = lanes(&bus, 3).await;
    let lines = Arc::<Lines>::default();
    lanes.speak_to(Arc::clone(&lines));
    handler.work(&lanes, 1, &stop);
    for (payload, depth) in [("retry", 64), ("trap", 64), ("well", 64), ("retry-once", 63)] {
        let to = address(&bus, "round/about");
        bus.publisher().publish_from(&to, payload.into(), depth).await.expect("published");
    }
    until(&lanes, |tally| tally.dead == 2 && tally.handled == 2).await;
    let mut said: Vec<_> = lines.after(0, 9).0.into_iter().map(|line| line.text).collect();
    assert!(said.pop().is_some_and(|last| last.starts_with(FAILED)), "{said:?}");
    let want = ["not yet", "trapped"].map(|why| {
        format!("dead letter: the last event of a loop is not tried again: {why} (channel=round/about")
    });
    assert!(said.len() == 2 && said.iter().zip(want).all(|(said, want)| said.starts_with(&want)), "{said:?}");
    stop.cancel();
}

#[tokio::test]
async fn a_request_overtakes_a_lane_that_is_stuck() {
    let (bus, handler, stop) = (bus(), Handler::new(0), CancellationToken::new());
    let lanes = lanes(&bus, 1).await;
    handler.work(&lanes, 2, &stop);
    let to = address(&bus, "a/b");
    for _ in 0..1000 {
        bus.publish(&to, "event".into()).await.expect("published");
    }
    let wait = async {
        while handler.seen().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, wait).await.expect("the first event is in hand");
    let call = bus.call(&to, "x".into(), SOON);
    let open = async {
        let wait = async {
            while handler.running.0.load(Ordering::SeqCst) < 2 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(SOON, wait).await.expect("the request is in hand beside it");
        handler.gate.add_permits(2000);
    };
    assert_eq!(tokio::join!(call, open).0, Ok("re: x".into()));
    until(&lanes, |tally| tally.handled == 1001).await;
    stop.cancel();
}

#[tokio::test]
async fn workers_that_stop_finish_what_they_hold_and_leave_the_rest_to_others() {
    let (bus, handler) = (bus(), Handler::new(0));
    let lanes = lanes(&bus, 1).await;
    let first = CancellationToken::new();
    let workers = handler.work(&lanes, 1, &first);
    let to = address(&bus, "a/b");
    for number in 0..500 {
        bus.publish(&to, format!("{number:04}").into()).await.expect("published");
    }
    let wait = async {
        while handler.seen().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, wait).await.expect("the first event is in hand");
    first.cancel();
    handler.gate.add_permits(500);
    for worker in workers {
        worker.await.expect("ended");
    }
    assert_eq!(handler.seen().len(), 1);
    let second = CancellationToken::new();
    handler.work(&lanes, 1, &second);
    until(&lanes, |tally| tally.handled == 500).await;
    assert!(handler.seen().is_sorted());
    assert_eq!(lanes.tally(), Tallied { handled: 500, ..Tallied::default() });
    second.cancel();
}

/// A worker is woken by an event and stopped at once: whoever goes on is given the event.
#[tokio::test]
async fn a_worker_that_stops_takes_no_other_workers_wake_along() {
    // Which of the two it sees first is chance.
    for _ in 0..64 {
        let bus = bus();
        let lanes = lanes(&bus, 1).await;
        let (stops, goes_on) = (CancellationToken::new(), CancellationToken::new());
        let (mut one, mut other) = (pin!(lanes.next(&stops)), pin!(lanes.next(&goes_on)));
        assert!(poll!(one.as_mut()).is_pending() && poll!(other.as_mut()).is_pending());
        bus.publish(&address(&bus, "a/b"), "x".into()).await.expect("published");
        stops.cancel();
        assert!(one.await.is_none());
        let job = tokio::time::timeout(SOON, other).await.expect("it is woken").expect("a job");
        job.finish(Outcome::Done(None), "").await;
    }
}

#[tokio::test]
async fn an_abandoned_call_counts_as_broken_and_the_event_comes_again() {
    let (bus, handler) = (bus(), Handler::new(0));
    let lanes = lanes(&bus, 2).await;
    let stop = CancellationToken::new();
    bus.publish(&address(&bus, "a/b"), "x".into()).await.expect("published");
    drop(lanes.next(&stop).await.expect("a job"));
    assert_eq!((lanes.tally().broken, lanes.tally().retried), (1, 1));
    handler.gate.add_permits(1);
    handler.work(&lanes, 1, &stop);
    until(&lanes, |tally| tally.handled == 1).await;
    stop.cancel();
}

/// A caller that goes cuts the call that is made for it, and the next event finds the worker free.
#[tokio::test]
async fn a_request_nobody_waits_for_is_cut_and_one_in_the_queue_is_not_begun() {
    let bus = bus();
    let lanes = lanes(&bus, 1).await;
    let handler = Handler::new(0);
    let calls: Vec<_> = (0..3)
        .map(|number| {
            let (bus, to) = (bus.clone(), address(&bus, "ask/me"));
            let message = Message::from(format!("call {number}"));
            tokio::spawn(async move { bus.call(&to, message, Duration::from_secs(60)).await })
        })
        .collect();
    let stop = CancellationToken::new();
    let workers = handler.work(&lanes, 1, &stop);
    let begun = async {
        while handler.seen().is_empty() || lanes.waiting() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, begun).await.expect("one at work and two waiting");
    calls.iter().for_each(JoinHandle::abort);
    for call in calls {
        assert!(call.await.expect_err("it was aborted").is_cancelled());
    }
    handler.gate.add_permits(1);
    let to = address(&bus, "ask/me");
    let answered = bus.call(&to, "last".into(), SOON).await;
    assert!(answered.is_ok(), "{answered:?}");
    assert_eq!(handler.seen().len(), 2, "{:?}", handler.seen());
    stop.cancel();
    for worker in workers {
        worker.await.expect("ended");
    }
}
