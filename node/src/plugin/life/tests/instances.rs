//! How long instances serve, and that one plugin's crowd keeps nobody else waiting.

use super::*;
use crate::dispatch::Patience;

/// Answers with how many its instance has answered; after an empty payload with 20 pages more.
fn counter() -> Sketch {
    let grow = "(if (i32.eqz (local.get 3)) (then (drop (memory.grow (i32.const 20)))))";
    let count = "(global.set $n (i32.add (global.get $n) (i32.const 1)))
        (i32.store8 (i32.const 700) (global.get $n)) (local.set 2 (i32.const 700)) (local.set 3 (i32.const 1))";
    Sketch::new()
        .answers("count/*")
        .handle(&format!("{grow} {count} {ECHO}"))
        .with("(global $n (mut i32) (i32.const 0))")
}

async fn count(home: &Home, payload: &str) -> u8 {
    let answer = home.call("count/up", payload).await.expect("an answer");
    answer.payload.first().copied().unwrap_or_default()
}

#[tokio::test]
async fn an_instance_serves_so_many_calls() {
    let change = |config: &mut PluginConfig| {
        (config.pool_size, config.retire_after) = (Some(1), Some(3));
    };
    let home = Home::with(&[("c.wasm", &counter()), ("s.wasm", &counter_single())], change).await;
    for want in [1, 2, 3, 1, 2, 3, 1] {
        assert_eq!(count(&home, "x").await, want);
    }
    // What an actor has in its memory is what it is for.
    for want in 1..=5 {
        let answer = home.call("actor/up", "x").await.expect("an answer").payload;
        assert_eq!(answer, &[want][..]);
    }
    home.stop().await;
}

fn counter_single() -> Sketch {
    let count = "(global.set $n (i32.add (global.get $n) (i32.const 1)))
        (i32.store8 (i32.const 700) (global.get $n)) (local.set 2 (i32.const 700)) (local.set 3 (i32.const 1))";
    Sketch::new()
        .answers("actor/*")
        .handle(&format!("{count} {ECHO}"))
        .with("(global $n (mut i32) (i32.const 0))")
        .single()
}

#[tokio::test]
async fn an_instance_that_nobody_needs_gives_its_memory_back() {
    let change = |config: &mut PluginConfig| {
        (config.pool_size, config.retire_idle) = (Some(1), Some(Duration::from_millis(20)));
    };
    let home = Home::with(&[("c.wasm", &counter())], change).await;
    assert_eq!(count(&home, "x").await, 1);
    let mut pace = tokio::time::interval(Duration::from_millis(60));
    let begun_anew = tokio::time::timeout(PATIENCE, async {
        loop {
            pace.tick().await;
            if count(&home, "x").await == 1 {
                return;
            }
        }
    });
    assert!(begun_anew.await.is_ok(), "the instance stays");
    home.stop().await;
}

#[tokio::test]
async fn an_instance_that_grew_over_half_its_memory_is_replaced_unless_it_needs_that() {
    let change = |config: &mut PluginConfig| {
        (config.pool_size, config.memory) = (Some(1), Some(crate::units::ByteSize::mib(4)));
    };
    // A page is 64 KiB; it begins with two, and 20 more twice are over 2 MiB.
    let home = Home::with(&[("c.wasm", &counter())], change).await;
    for (payload, want) in [("x", 1), ("", 2), ("", 3), ("x", 1), ("x", 2)] {
        assert_eq!(count(&home, payload).await, want, "{payload}");
    }
    home.stop().await;
    let needs = |config: &mut PluginConfig| {
        (config.pool_size, config.memory) = (Some(1), Some(crate::units::ByteSize::mib(2)));
    };
    let home = Home::with(&[("c.wasm", &counter())], needs).await;
    for (payload, want) in [("", 1), ("x", 2), ("x", 3)] {
        assert_eq!(count(&home, payload).await, want, "{payload}");
    }
    home.stop().await;
}

/// By order, not by time: the calls are over while the crowd still waits.
#[tokio::test]
async fn a_crowd_at_one_plugin_keeps_nobody_elses_waiting() {
    const CROWD: usize = 4_000;
    // Some hundred microseconds each, in more instances than there are threads.
    let slow = "(local $i i32) (loop $more
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $i) (i32.const 400000)))) i32.const 8";
    let crowded = Sketch::new().on("crowd/*").handle(slow);
    let wide = |config: &mut PluginConfig| config.pool_size = Some(8);
    let home = Home::with(&[("crowded.wasm", &crowded), ("greet.wasm", &echo())], wide).await;
    let to = home.bus.names().address("crowd/all").expect("a channel");
    for _ in 0..CROWD {
        home.bus.publish(&to, Message::default()).await.expect("published");
    }
    for _ in 0..50 {
        assert!(home.call("greet/me", "hi").await.is_ok());
    }
    let crowded = |card: Option<&PluginCard>| card.is_some_and(|card| card.work.queued.value() > 0);
    let handled = home.card("crowded").map_or(0, |card| card.work.handled.value());
    assert!(handled < CROWD as u64 / 2, "{handled} were handled before 50 calls of another");
    home.until("those that still wait", "crowded", crowded).await;
    home.stop().await;
}

/// A handler that was paused is not paused any more when it is another one.
#[tokio::test]
async fn another_version_does_not_sit_out_the_pause_of_the_one_before() {
    let bad = Sketch::new().answers("greet/*").handle("unreachable");
    let patience = Patience { failures: 3, pause: Duration::from_secs(3_600) };
    let home = Home::with(&[("greet.wasm", &bad)], |config| config.breaker = Some(Some(patience))).await;
    let refused = async || match home.call("greet/me", "x").await {
        Err(CallError::Failed(why)) if why.contains("is paused after 3 failures") => true,
        Err(CallError::Failed(why)) if why.contains("trapped") => false,
        other => panic!("{other:?}"),
    };
    for generation in [2, 3] {
        for _ in 0..3 {
            assert!(!refused().await);
        }
        assert!(refused().await);
        if generation == 2 {
            home.plugins.reload(Some("greet".into())).await.expect("reloaded");
        } else {
            home.place("greet.wasm", &echo().build());
        }
        home.until_generation("greet", generation).await;
    }
    assert_eq!(home.call("greet/me", "hi").await.expect("an answer").payload, "hi");
    home.stop().await;
}
