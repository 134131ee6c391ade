//! Handlers that keep failing are paused; strict order holds a key back.

use super::*;
use crate::status::{Breaker, LineLevel};

/// Tries often and fails fast.
fn policy() -> Policy {
    let breaker = Some(Patience { failures: 3, pause: Duration::from_millis(50) });
    Policy { attempts: 1, backoff: Duration::from_millis(1), breaker, ..Policy::default() }
}

async fn publish(bus: &Bus, payload: &str) {
    bus.publish(&address(bus, "a/b"), payload.into()).await.expect("published");
}

async fn until_breaker(lanes: &Lanes, is: Breaker) {
    let wait = async {
        while lanes.breaker().0 != is {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, wait).await.unwrap_or_else(|_| panic!("never {is:?}: {:?}", lanes.breaker()));
}

#[tokio::test]
async fn a_handler_that_keeps_failing_is_paused_and_tried_with_one_event() {
    let (bus, handler, stop) = (bus(), Handler::new(100), CancellationToken::new());
    let long = Policy { breaker: Some(Patience { failures: 3, pause: Duration::from_secs(60) }), ..policy() };
    let (lanes, lines) = (lanes_with(&bus, long).await, Arc::<Lines>::default());
    lanes.speak_to(Arc::clone(&lines));
    handler.work(&lanes, 2, &stop);
    for _ in 0..3 {
        publish(&bus, "trap").await;
    }
    until_breaker(&lanes, Breaker::Open).await;
    let pause = lanes.pause().expect("it is paused");
    assert_eq!(pause.why, "it is paused after 3 failures in a row, the last: trapped");
    let lasts = pause.until.and_then(|until| until.duration_since(pause.since).ok());
    assert!(lasts.is_some_and(|lasts| lasts.as_millis().abs_diff(60_000) <= 1), "{pause:?}");
    // Events wait; requests hear at once.
    publish(&bus, "waits").await;
    let failed = bus.call(&address(&bus, "a/b"), "x".into(), SOON).await;
    let Err(CallError::Failed(why)) = failed else { panic!("{failed:?}") };
    let why = why
        .strip_prefix("it is paused after 3 failures in a row, the last: trapped; goes on in ")
        .expect(&why);
    assert!(["60s", "1m", "59s"].contains(&why), "{why}");
    assert_eq!((handler.seen().len(), lanes.waiting()), (3, 1));
    // Another version did nothing wrong: it is given what waits, and whoever asks is answered.
    lanes.begin_anew();
    assert_eq!(lanes.pause(), None);
    assert!(bus.call(&address(&bus, "a/b"), "x".into(), SOON).await.is_ok());
    until(&lanes, |tally| tally.handled == 2).await;
    let said: Vec<_> = lines.after(0, 99).0.into_iter().filter(|line| line.text.starts_with("it ")).collect();
    let said: Vec<_> = said.iter().map(|line| (line.level, line.text.as_str())).collect();
    assert_eq!(
        said,
        [
            (
                LineLevel::Warn,
                "it is paused after 3 failures in a row, the last: trapped; one event is tried in 1m"
            ),
            (LineLevel::Info, "it goes on before its pause is over, as another version is live"),
        ]
    );
    stop.cancel();
}

/// What it needs is away, and it says so: that is no reason not to ask it for something else.
#[tokio::test]
async fn a_handler_that_asked_for_another_try_is_paused_for_events_alone() {
    let (bus, handler, stop) = (bus(), Handler::new(100), CancellationToken::new());
    let long = Policy { breaker: Some(Patience { failures: 2, pause: Duration::from_secs(60) }), ..policy() };
    let lanes = lanes_with(&bus, long).await;
    handler.work(&lanes, 2, &stop);
    publish(&bus, "retry").await;
    publish(&bus, "retry").await;
    until_breaker(&lanes, Breaker::Open).await;
    publish(&bus, "waits").await;
    for _ in 0..3 {
        let answer = bus.call(&address(&bus, "a/b"), "x".into(), SOON).await;
        assert_eq!(answer.expect("an answer").payload, "re: x");
    }
    // Answers say nothing of what the events need.
    assert_eq!((lanes.breaker().0, lanes.waiting()), (Breaker::Open, 1));
    stop.cancel();
}

#[tokio::test]
async fn who_asks_badly_has_nobody_paused() {
    let (bus, handler, stop) = (bus(), Handler::new(100), CancellationToken::new());
    let lanes = lanes_with(&bus, policy()).await;
    handler.work(&lanes, 1, &stop);
    for _ in 0..10 {
        let failed = bus.call(&address(&bus, "a/b"), "retry".into(), SOON).await;
        assert_eq!(failed, Err(CallError::Failed("not yet".into())));
    }
    assert_eq!(lanes.breaker(), (Breaker::Closed, 0));
    stop.cancel();
}

#[tokio::test]
async fn what_waited_is_handled_once_one_event_went_well() {
    let (bus, handler, stop) = (bus(), Handler::new(10_000), CancellationToken::new());
    let lanes = lanes_with(&bus, policy()).await;
    handler.work(&lanes, 4, &stop);
    for _ in 0..5 {
        publish(&bus, "trap").await;
    }
    for _ in 0..20 {
        publish(&bus, "fine").await;
    }
    // The fourth and the fifth trap are each what is tried, one after a pause.
    until(&lanes, |tally| tally.dead == 5 && tally.handled == 20).await;
    assert_eq!(lanes.breaker(), (Breaker::Closed, 3));
    stop.cancel();
}

#[tokio::test]
async fn an_event_that_comes_after_a_pause_is_what_is_tried() {
    let (bus, handler, stop) = (bus(), Handler::new(100), CancellationToken::new());
    let lanes = lanes_with(&bus, Policy { attempts: 1, ..policy() }).await;
    handler.work(&lanes, 2, &stop);
    for _ in 0..3 {
        publish(&bus, "trap").await;
    }
    // Nothing waits then, whenever the pause is over.
    until(&lanes, |tally| tally.dead == 3).await;
    until_breaker(&lanes, Breaker::Open).await;
    publish(&bus, "fine").await;
    until(&lanes, |tally| tally.handled == 1).await;
    until_breaker(&lanes, Breaker::Closed).await;
    stop.cancel();
}

#[tokio::test]
async fn what_has_not_failed_is_tried_before_what_has() {
    let (bus, handler, stop) = (bus(), Handler::new(1_000), CancellationToken::new());
    let lanes = lanes_with(&bus, Policy { attempts: 1_000, ..policy() }).await;
    handler.work(&lanes, 1, &stop);
    for _ in 0..3 {
        publish(&bus, "trap").await;
    }
    until_breaker(&lanes, Breaker::Open).await;
    publish(&bus, "fine").await;
    until(&lanes, |tally| tally.handled == 1).await;
    let seen = handler.seen();
    let tried = seen.iter().position(|payload| payload == "fine").expect("seen");
    // One may have been on its way when it came.
    assert!(tried <= 5, "{seen:?}");
    stop.cancel();
}

#[tokio::test]
async fn strict_order_holds_back_the_key_and_no_other() {
    let check = async |strict: bool, want: &[&str]| {
        let (bus, handler, stop) = (bus(), Handler::new(100), CancellationToken::new());
        let backoff = Duration::from_millis(40);
        let lanes =
            lanes_with(&bus, Policy { attempts: 3, backoff, strict, breaker: None, ..policy() }).await;
        handler.work(&lanes, 1, &stop);
        let keyed = |payload: &str, key: &str| Message::from(payload).with_key(key);
        for (payload, key) in [("retry-once", "k"), ("second", "k"), ("third", "k"), ("other", "o")] {
            bus.publish(&address(&bus, "a/b"), keyed(payload, key)).await.expect("published");
        }
        until(&lanes, |tally| tally.handled == 4).await;
        let of_the_key: Vec<_> = handler.seen().into_iter().filter(|payload| payload != "other").collect();
        assert_eq!(of_the_key, want, "strict: {strict}");
        assert_ne!(handler.seen().last().map(String::as_str), Some("other"), "nobody else waits");
        assert_eq!(lanes.waiting(), 0);
        stop.cancel();
    };
    check(true, &["retry-once", "retry-once", "second", "third"]).await;
    check(false, &["retry-once", "second", "third", "retry-once"]).await;
}

#[tokio::test]
async fn strict_order_lets_go_what_waits_behind_a_dead_letter() {
    let (bus, handler, stop) = (bus(), Handler::new(100), CancellationToken::new());
    let lanes = lanes_with(&bus, Policy { attempts: 2, strict: true, breaker: None, ..policy() }).await;
    handler.work(&lanes, 2, &stop);
    for payload in ["retry", "retry", "last"] {
        publish(&bus, payload).await;
    }
    until(&lanes, |tally| tally.dead == 2 && tally.handled == 1).await;
    assert_eq!(handler.seen(), ["retry", "retry", "retry", "retry", "last"]);
    stop.cancel();
}

#[tokio::test]
async fn another_policy_holds_for_what_is_tried_next_and_lets_go_what_was_held_back() {
    let (bus, handler, stop) = (bus(), Handler::new(100), CancellationToken::new());
    let patient = Policy { attempts: 100, backoff: Duration::from_millis(1), breaker: None, ..policy() };
    let lanes = lanes_with(&bus, Policy { strict: true, ..patient }).await;
    handler.work(&lanes, 1, &stop);
    for payload in ["retry", "behind"] {
        publish(&bus, payload).await;
    }
    until(&lanes, |tally| tally.retried >= 3).await;
    assert!(!handler.seen().contains(&"behind".to_owned()));
    // What waits behind the event is not forgotten though order is not strict any more.
    lanes.obey(Policy { attempts: 2, strict: false, ..patient });
    until(&lanes, |tally| tally.dead == 1 && tally.handled == 1).await;
    // A pause ends with the patience it was made by.
    lanes.obey(Policy {
        breaker: Some(Patience { failures: 1, pause: Duration::from_secs(3_600) }),
        ..patient
    });
    publish(&bus, "trap").await;
    until(&lanes, |_| lanes.breaker().0 == Breaker::Open).await;
    lanes.obey(Policy { attempts: 1, ..patient });
    until(&lanes, |tally| tally.dead == 2).await;
    assert_eq!(lanes.breaker().0, Breaker::Closed);
    stop.cancel();
}
