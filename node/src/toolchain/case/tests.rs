//! Components of a few instructions, tried.

use std::fs;

use super::*;
use crate::plugin::sketch::{ECHO, Sketch};

async fn subject(sketch: &Sketch) -> Subject {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sketch.wasm");
    fs::write(&file, sketch.build()).expect("written");
    Subject::load("sketch", &file, &PluginConfig::default(), Vec::new(), None).await.expect("a subject")
}

fn given(arrival: Arrival, channel: &str, text: &str) -> Given {
    let message = Message::new(text.to_owned());
    Given { arrival, channel: channel.into(), message, attempt: 1, retained: false }
}

#[tokio::test]
async fn a_component_answers_and_is_measured() {
    let mut subject = subject(&Sketch::new().answers("greet/*").handle(ECHO)).await;
    let done = subject.handle(&given(Arrival::Call, "greet/me", "hi")).await.expect("done");
    let Outcome::Done(Some(answer)) = done.outcome else { panic!("{done:?}") };
    assert_eq!(answer.payload, "hi");
    assert!(done.memory.is_some_and(|bytes| bytes >= 64 << 10) && done.took > Duration::ZERO);
    let event = subject.handle(&given(Arrival::Event, "greet/me", "hi")).await.expect("done");
    assert_eq!(event.outcome, Outcome::Done(None));
}

#[tokio::test]
async fn what_traps_is_broken_and_the_next_event_finds_a_new_instance() {
    let body = format!("(if (i32.eqz (i32.load8_u (local.get 2))) (then (unreachable))) {ECHO}");
    let mut subject = subject(&Sketch::new().answers("greet/*").handle(&body)).await;
    let done = subject.handle(&given(Arrival::Call, "greet/me", "\0")).await.expect("done");
    assert!(matches!(&done.outcome, Outcome::Broken(why) if why.contains("trapped")), "{done:?}");
    let done = subject.handle(&given(Arrival::Call, "greet/me", "x")).await.expect("done");
    assert!(matches!(done.outcome, Outcome::Done(Some(_))), "{done:?}");
}

#[tokio::test]
async fn what_is_asked_in_vain_is_said_with_where_the_answer_would_stand() {
    let ask = "
        (call $request (i32.const 900) (i32.const 10) (local.get 2) (local.get 3) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 512))
        (if (i32.load8_u (i32.const 512)) (then unreachable)) i32.const 8";
    let sketch = Sketch::new().on("greet/*").publishes("names/*").handle(ask);
    let mut subject = subject(&sketch.with(r#"(data (i32.const 900) "names/find")"#)).await;
    let done = subject.handle(&given(Arrival::Event, "greet/me", "hi")).await.expect("done");
    let want = "(nobody answers on `names/find` here: add `answers: {names/find: …}` to the file of cases)";
    assert!(matches!(&done.outcome, Outcome::Broken(why) if why.contains(want)), "{done:?}");
}

#[tokio::test]
async fn a_secret_that_is_lacking_is_said_with_where_it_would_stand() {
    // Rejects with the text of the error.
    let body = "
        (call $get (local.get 2) (local.get 3) (i32.const 512))
        (i32.store8 (i32.const 16) (i32.const 1)) (i32.store8 (i32.const 24) (i32.const 1))
        (i32.store (i32.const 32) (i32.load (i32.const 528))) (i32.store (i32.const 36) (i32.load (i32.const 532)))
        i32.const 16";
    let sketch = Sketch::new().imports("secrets", "get", "(param i32 i32 i32)").on("vault/*").handle(body);
    let mut subject = subject(&sketch).await;
    let done = subject.handle(&given(Arrival::Event, "vault/a", "door")).await.expect("done");
    let want = "(for a test: `secrets: {door: …}` in the file of cases)";
    assert!(matches!(&done.outcome, Outcome::Reject(why) if why.contains(want)), "{done:?}");
}

#[tokio::test]
async fn an_event_that_nobody_listens_to_is_said_with_what_is_heard() {
    let sketch = Sketch::new().on("sensor/*").on("$timer/once").timer("report", "@every 5s");
    let mut subject = subject(&sketch).await;
    let check = async |subject: &mut Subject, arrival, channel: &str, want: &str| {
        let error = subject.handle(&given(arrival, channel, "")).await.expect_err("nobody");
        assert!(error.to_string().contains(want), "{error}");
    };
    check(
        &mut subject,
        Arrival::Event,
        "other/x",
        "not subscribe to `other/x`; it listens to sensor/*, $timer/once",
    )
    .await;
    check(&mut subject, Arrival::Call, "sensor/x", "not answer on `sensor/x`; it answers on nothing").await;
    check(&mut subject, Arrival::Tick, "x", "has no timer `x`; it has report").await;
    let set = "has no timer `once`; what it sets itself comes as `event: $timer/once`";
    check(&mut subject, Arrival::Tick, "once", set).await;
    let ticks = "not subscribe to `$timer/report`; its timer ticks by `tick: report`";
    check(&mut subject, Arrival::Event, "$timer/report", ticks).await;
    check(&mut subject, Arrival::Event, "a//b", "is no channel").await;
}
