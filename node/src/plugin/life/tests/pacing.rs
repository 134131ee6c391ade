//! How often plugins may call the node: whatever they call, and however much of it each event does.

use std::time::Instant;

use super::*;

/// Asks so many times how much time is left, and then does what any other does.
fn asking(times: u32) -> Sketch {
    let ask = format!(
        "(local $i i32) (loop $more (drop (call $time-left)) (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $i) (i32.const {times}))))"
    );
    Sketch::new()
        .imports("current", "time-left", "(result i64)")
        .answers("ask/*")
        .handle(&format!("{ask} {ECHO}"))
}

fn at_most(host_calls: u64) -> impl Fn(&mut PluginConfig) {
    move |config| config.host_calls = Some(host_calls)
}

async fn takes(times: u32, calls: u32, host_calls: u64) -> (Duration, u64) {
    let home = Home::with(&[("a.wasm", &asking(times))], at_most(host_calls)).await;
    let begun = Instant::now();
    for _ in 0..calls {
        home.call("ask/it", "x").await.expect("an answer");
    }
    let took = begun.elapsed();
    let paced = home.card("a").map_or(0, |card| card.work.paced.value());
    home.stop().await;
    (took, paced)
}

/// A second's worth is free, the rest comes at the rate: after long calls, in many short ones, and in none that keeps to it.
#[tokio::test]
async fn calls_that_are_done_at_once_are_counted_and_waited_for_all_the_same() {
    for (times, calls) in [(30_000, 2), (1_000, 30)] {
        let (took, paced) = takes(times, calls, 20_000).await;
        assert!(took >= Duration::from_millis(450) && paced > 0, "{times} × {calls}: {took:?} {paced}");
        assert!(took < PATIENCE / 2, "{times} × {calls}: {took:?}");
    }
    let (took, paced) = takes(30, 500, 20_000).await;
    assert_eq!(paced, 0, "{took:?}");
}

/// Past its deadline nobody is waited for, and the plugin is not silent for ever.
#[tokio::test]
async fn who_calls_far_too_often_is_cut_and_goes_on_later() {
    let change = |config: &mut PluginConfig| {
        (config.host_calls, config.deadline) = (Some(10_000), Some(Duration::from_millis(500)));
        config.pool_size = Some(1);
    };
    let more = "(if (local.get 3) (then (loop $ever (drop (call $time-left)) br $ever)))";
    let guest = Sketch::new()
        .imports("current", "time-left", "(result i64)")
        .answers("ask/*")
        .handle(&format!("{more} {ECHO}"));
    let home = Home::with(&[("a.wasm", &guest)], change).await;
    let answer = home.call("ask/it", "too often").await;
    assert!(
        matches!(&answer, Err(CallError::Failed(why)) if why.contains("cut at its deadline")),
        "{answer:?}"
    );
    assert_eq!(home.call("ask/it", "").await.map(|answer| answer.payload.len()), Ok(0));
    home.stop().await;
}

/// Who has less time than the plugin has to wait is told so, and an actor keeps its memory: nothing of it was at fault.
#[tokio::test]
async fn a_request_with_little_time_costs_no_instance() {
    let change = |config: &mut PluginConfig| {
        (config.host_calls, config.deadline) = (Some(20), Some(Duration::from_secs(4)));
    };
    // Each leaves a debt that is as long as one may be: two seconds.
    let ask = "(local $i i32) (loop $more (drop (call $time-left)) (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $i) (i32.const 200))))";
    let count = "(global.set $n (i32.add (global.get $n) (i32.const 1)))
        (i32.store8 (i32.const 700) (global.get $n)) (local.set 2 (i32.const 700)) (local.set 3 (i32.const 1))";
    let guest = Sketch::new()
        .imports("current", "time-left", "(result i64)")
        .answers("actor/*")
        .handle(&format!("{ask} {count} {ECHO}"))
        .with("(global $n (mut i32) (i32.const 0))")
        .single();
    let home = Home::with(&[("a.wasm", &guest)], change).await;
    let to = home.bus.names().address("actor/up").expect("a channel");
    let mut calls = 0;
    // A tick in the middle of a call has it wait there, and nothing is left to wait for: seldom.
    let refused = loop {
        calls += 1;
        assert_eq!(home.call("actor/up", "x").await.expect("an answer").payload, &[calls][..]);
        match home.bus.call(&to, Message::from("x"), Duration::from_millis(100)).await {
            Ok(_) if calls < 10 => calls += 1,
            hurried => break hurried,
        }
    };
    assert!(matches!(refused, Err(CallError::Failed(_) | CallError::Timeout)), "{refused:?}");
    assert_eq!(home.call("actor/up", "x").await.expect("an answer").payload, &[calls + 1][..]);
    home.stop().await;
}
