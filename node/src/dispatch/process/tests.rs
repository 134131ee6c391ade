//! Sessions over lanes of a real bus: what a process is given, what it says of it, and how it ends.

use std::time::Duration;

use hive_proto::{
    channel::{Address, Names, NetworkName},
    id::{Incarnation, NodeId},
};
use tokio::time::timeout;

use super::*;
use crate::{
    bus::{Bus, CallError, Holder, Message, Wanted},
    dispatch::{Policy, Tallied, run},
};

const SOON: Duration = Duration::from_secs(5);

/// A process's session over lanes, with its workers.
struct Scene {
    bus: Bus,
    lanes: Arc<Lanes>,
    work: Arc<Work>,
    session: Arc<Session>,
    deadline: Duration,
}

impl Scene {
    async fn new(window: usize, deadline: Duration) -> Self {
        let names = Names::new(vec![NetworkName::parse("hive").expect("a network")]);
        let bus = Bus::new(NodeId([1; 32]), Incarnation(1), names);
        bus.confirmed(u64::MAX);
        let wanted =
            Wanted { scope: bus.names().scope("**").expect("a pattern"), answers: true, group: None };
        let subscription = bus.subscribe(Holder::Plugin("x".into()), [wanted]).await.expect("a subscription");
        let policy = Policy { deadline, backoff: Duration::from_millis(1), ..Policy::default() };
        let lanes = Lanes::new("x", subscription, policy, bus.clone());
        let session = Session::new("x".into(), window, None);
        let stage = Self { bus, lanes, work: Arc::default(), session, deadline };
        stage.employ();
        stage
    }

    /// Its workers; they end with the session.
    fn employ(&self) {
        for _ in 0..self.session.window() {
            let (lanes, session) = (Arc::clone(&self.lanes), Arc::clone(&self.session));
            let heard = (self.wanted(), self.deadline);
            let mut hand = Hand::new(Arc::clone(&session), Arc::clone(&lanes), Arc::clone(&self.work), heard);
            tokio::spawn(async move { run(&lanes, session.stop(), &mut hand).await });
        }
    }

    /// What it listens to.
    fn wanted(&self) -> [Wanted; 1] {
        let scope = self.bus.names().scope("**").expect("a pattern");
        [Wanted { scope, answers: true, group: None }]
    }

    async fn publish(&self, channel: &str, payload: &str) {
        self.bus.publish(&self.address(channel), payload.into()).await.expect("published");
    }

    fn address(&self, channel: &str) -> Address {
        self.bus.names().address(channel).expect("a channel")
    }

    /// The next event that the process is told of.
    async fn given(&self) -> Given {
        let next = async {
            loop {
                if let Some(given) = self.session.next_given() {
                    return given;
                }
                self.session.news().await;
            }
        };
        timeout(SOON, next).await.expect("an event in time")
    }

    async fn until(&self, done: impl Fn(Tallied) -> bool) {
        let wait = async {
            while !done(self.lanes.tally()) {
                tokio::task::yield_now().await;
            }
        };
        timeout(SOON, wait).await.unwrap_or_else(|_| panic!("not reached: {:?}", self.lanes.tally()));
    }
}

fn text(given: &Given) -> &str {
    std::str::from_utf8(&given.event.message.payload).expect("text")
}

#[tokio::test]
async fn nothing_is_given_before_it_is_ready_and_then_a_window_at_a_time() {
    let stage = Scene::new(2, SOON).await;
    for n in 0..3 {
        stage.publish(&format!("a/{n}"), &n.to_string()).await;
    }
    tokio::task::yield_now().await;
    assert!(stage.session.next_given().is_none(), "it is not ready");
    assert_eq!(stage.lanes.waiting(), 3, "they wait where their bound is");
    assert!(stage.session.ready() && !stage.session.ready());
    let (first, second) = (stage.given().await, stage.given().await);
    assert_eq!((first.task, second.task, first.wants_reply), (1, 2, false));
    tokio::task::yield_now().await;
    assert!(stage.session.next_given().is_none(), "the window is full");
    stage.session.done(first.task, Message::default()).expect("in hand");
    assert_eq!(stage.given().await.task, 3);
    assert_eq!(stage.session.done(first.task, Message::default()), Err(NotInHand(1)));
    stage.until(|tally| tally.handled == 1).await;
}

#[tokio::test]
async fn it_answers_retries_and_rejects() {
    let stage = Scene::new(1, SOON).await;
    stage.session.ready();
    let (bus, to) = (stage.bus.clone(), stage.address("ask/me"));
    let asked = tokio::spawn(async move { bus.call(&to, "x".into(), SOON).await });
    let given = stage.given().await;
    assert!(given.wants_reply);
    stage.session.done(given.task, "y".into()).expect("in hand");
    assert_eq!(asked.await.expect("a task").map(|answer| answer.payload), Ok("y".into()));
    assert_eq!(stage.work.answered.value(), 1);

    stage.publish("a/b", "again").await;
    let given = stage.given().await;
    stage.session.retry(given.task, "not yet".into(), Some(Duration::ZERO)).expect("in hand");
    let given = stage.given().await;
    assert_eq!((text(&given), given.event.attempt), ("again", 2));
    stage.session.reject(given.task, "never".into()).expect("in hand");
    stage.until(|tally| tally.dead == 1).await;
}

#[tokio::test]
async fn what_it_had_in_hand_when_it_went_is_broken_and_goes_to_the_next_one() {
    let mut stage = Scene::new(1, SOON).await;
    stage.session.ready();
    stage.publish("a/b", "precious").await;
    let given = stage.given().await;
    assert_eq!(given.event.attempt, 1);
    stage.session.over("it was killed");
    stage.session.over("later");
    assert_eq!(stage.session.ended().await, "it was killed");
    stage.until(|tally| tally.broken == 1 && tally.retried == 1).await;
    assert_eq!(stage.session.done(given.task, Message::default()), Err(NotInHand(given.task)));
    stage.publish("c/d", "next").await;
    tokio::task::yield_now().await;
    assert!(stage.session.next_given().is_none(), "nothing is given to who is gone");

    stage.session = Session::new("x".into(), 2, None);
    stage.employ();
    stage.session.ready();
    let mut both = [stage.given().await, stage.given().await]
        .map(|given| (text(&given).to_owned(), given.event.attempt));
    both.sort();
    assert_eq!(both, [("next".to_owned(), 1), ("precious".to_owned(), 2)]);
}

#[tokio::test]
async fn who_asks_is_told_when_it_goes() {
    let stage = Scene::new(1, SOON).await;
    stage.session.ready();
    let (bus, to) = (stage.bus.clone(), stage.address("ask/me"));
    let asked = tokio::spawn(async move { bus.call(&to, "x".into(), SOON).await });
    stage.given().await;
    stage.session.over("it was ended by signal 9");
    let error = asked.await.expect("a task").expect_err("no answer");
    assert_eq!(error, CallError::Failed("its process is gone: it was ended by signal 9".into()));
}

#[tokio::test]
async fn an_event_past_its_deadline_keeps_its_place_and_all_of_them_are_stuck() {
    let stage = Scene::new(2, Duration::from_millis(20)).await;
    stage.session.ready();
    stage.publish("a/b", "slow").await;
    let slow = stage.given().await;
    stage.until(|tally| tally.broken == 1).await;
    assert_eq!(stage.work.cut_deadline.value(), 1);
    // Tried again, in the other place.
    let again = stage.given().await;
    assert_eq!((text(&again), again.event.attempt), ("slow", 2));
    timeout(SOON, stage.session.stuck()).await.expect("no place is left");
    // It goes on after all: late answers are nobody's, and free their places.
    stage.session.done(slow.task, Message::default()).expect("its place is taken");
    assert!(timeout(Duration::from_millis(1), stage.session.stuck()).await.is_err());
    assert_eq!(stage.lanes.tally().handled, 0);
}

#[tokio::test]
async fn what_it_causes_is_deeper_than_what_it_has() {
    let stage = Scene::new(2, SOON).await;
    stage.session.ready();
    assert_eq!(stage.session.cause(None).map(|cause| (cause.depth, cause.deadline)), Ok((0, None)));
    stage.publish("a/b", "one").await;
    let one = stage.given().await;
    let cause = stage.session.cause(None).expect("a cause");
    assert_eq!((cause.depth, cause.deadline), (1, Some(one.deadline)));
    stage.publish("c/d", "two").await;
    stage.given().await;
    assert_eq!(stage.session.cause(None).map(|cause| (cause.depth, cause.deadline)), Ok((1, None)));
    assert_eq!(stage.session.cause(Some(one.task)).map(|cause| cause.deadline), Ok(Some(one.deadline)));
    assert!(stage.session.cause(Some(99)).is_err());
    // Who waits for it is said once an event, or once a process, however much it causes.
    for task in [None, Some(one.task)] {
        let [first, second] = [(); 2].map(|()| stage.session.cause(task).expect("a cause").chain);
        assert!(Arc::ptr_eq(&first, &second), "{task:?}");
    }
}

#[test]
fn last_words_are_bounded() {
    let words = Words::default();
    (0..2_000).for_each(|n| words.push(&format!("é {n}")));
    words.push("  ");
    assert!(words.text().len() <= crate::bus::LAST_WORDS_BYTES_MAX);
    assert_eq!(words.last().as_deref(), Some("é 1999"));
}

/// Else everything that waits when a plugin is switched off, or its node leaves, would count as handled.
#[tokio::test]
async fn what_was_accepted_is_given_although_nothing_more_is_wanted() {
    let stage = Scene::new(1, SOON).await;
    stage.session.ready();
    for text in ["one", "two", "three"] {
        stage.publish("a/b", text).await;
    }
    let first = stage.given().await;
    stage.lanes.subscription().set(std::iter::empty()).await.expect("set");
    stage.session.done(first.task, Message::default()).expect("in hand");
    for want in ["two", "three"] {
        let given = stage.given().await;
        assert_eq!(text(&given), want);
        stage.session.done(given.task, Message::default()).expect("in hand");
    }
    stage.until(|tally| tally.handled == 3).await;
}

/// Else anybody who asks with little patience could have a process ended that is only busy.
#[tokio::test(start_paused = true)]
async fn whoever_asks_with_little_patience_makes_nobody_count_as_stuck() {
    let stage = Scene::new(1, SOON).await;
    stage.session.ready();
    let to = stage.address("a/b");
    let asked = stage.bus.call(&to, "x".into(), Duration::from_millis(10));
    let (asked, given) = tokio::join!(asked, stage.given());
    assert!(asked.is_err(), "{asked:?}");
    assert!(timeout(Duration::from_secs(2), stage.session.stuck()).await.is_err(), "it has 5 s for each");
    stage.session.done(given.task, Message::default()).expect("in hand");
}

#[test]
fn what_went_wrong_is_said_and_not_what_is_written_beneath_it() {
    let check = |lines: &str, want: &str| {
        let words = Words::default();
        lines.lines().for_each(|line| words.push(line));
        assert_eq!(words.last().as_deref(), Some(want), "{lines}");
    };
    check("Traceback (most recent call last):\n  File \"a.py\", line 1\nmine.Oops: no", "mine.Oops: no");
    let node = "/a.js:1\nthrow new Error(\"x\")\n^\n\nError: x\n    at Object.<anonymous> (/a.js:1:7)\n\nNode.js v20.1.0";
    check(node, "Error: x");
    let with_more = "Error [ERR_NO]: gone\n    at a (b:1:1) {\n  code: 'ERR_NO'\n}\n\nNode.js v20.1.0";
    check(with_more, "Error [ERR_NO]: gone");
    check("^\n\nNode.js v20.1.0", "Node.js v20.1.0");
    check("panic: no\n\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:3 +0x1d", "panic: no");
    let rust =
        "thread 'main' panicked at a.rs:1:5:\nno\nnote: run with `RUST_BACKTRACE=1` environment variable";
    check(rust, "no");
}

/// How a process ended says more than that its connection did, and comes a little later: so do its last words.
#[tokio::test]
async fn how_a_process_ended_is_waited_for_when_its_connection_has_ended() {
    let mut stage = Scene::new(1, SOON).await;
    stage.session.over("another is to be there");
    let words = Arc::<Words>::default();
    stage.session = Session::new("x".into(), 1, Some(Arc::clone(&words)));
    stage.employ();
    stage.session.ready();
    let call = tokio::spawn({
        let (bus, to) = (stage.bus.clone(), stage.bus.names().address("a/b").expect("a channel"));
        async move { bus.call(&to, "x".into(), SOON).await }
    });
    stage.given().await;
    stage.session.hung_up("it closed its connection");
    assert!(stage.session.is_over());
    tokio::task::yield_now().await;
    words.push("division by zero");
    stage.session.over("it ended with exit code 1");
    stage.session.over("somebody else had to say something, too");
    let told = call.await.expect("asked").expect_err("it is gone");
    assert_eq!(told, CallError::Failed("its process is gone: it ended with exit code 1".into()));
    assert_eq!(stage.session.words(), "division by zero");
}
