//! A version that fails is left for the one before, by itself, and nothing accepted is lost.

use super::*;
use crate::control::PluginVerb;

/// Publishes each event to `out/seen`.
const FORWARD: &str = "
    (call $publish (i32.const 900) (i32.const 8) (local.get 2) (local.get 3) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
    (if (i32.load8_u (i32.const 512)) (then unreachable))
    i32.const 8";

/// Says `reject`.
const REJECT: &str = "
    (i32.store8 (i32.const 600) (i32.const 1)) (i32.store8 (i32.const 608) (i32.const 1))
    (i32.store (i32.const 616) (i32.const 900)) (i32.store (i32.const 620) (i32.const 8)) i32.const 600";

/// Takes what comes to `in/*`; the mark makes files of different content.
fn takes(handle: &str, mark: u32) -> Sketch {
    Sketch::new()
        .on("in/*")
        .publishes("out/seen")
        .handle(handle)
        .with(&format!(r#"(data (i32.const 900) "out/seen") (global i32 (i32.const {mark}))"#))
}

fn is_back(card: Option<&PluginCard>) -> bool {
    card.is_some_and(|card| {
        card.generation == 1 && card.problem.as_ref().is_some_and(|why| why.contains("was rolled back"))
    })
}

#[tokio::test]
async fn a_version_that_breaks_is_left_by_itself_under_load_and_no_event_is_lost_or_doubled() {
    const EVENTS: u32 = 3_000;
    for single in [false, true] {
        let of = |sketch: Sketch| if single { sketch.single() } else { sketch };
        let home = Home::start(&[("f.wasm", &of(takes(FORWARD, 1)))]).await;
        let mut seen = home.subscribe("out/seen").await;
        let (progress, mut published) = watch::channel(0);
        let publishing = {
            let bus = home.bus.clone();
            let to = bus.names().address("in/one").expect("a channel");
            tokio::spawn(async move {
                let mut pace = tokio::time::interval(Duration::from_millis(2));
                for n in 0..EVENTS {
                    bus.publish(&to, Message::from(n.to_string())).await.expect("published");
                    progress.send_replace(n);
                    if n % 10 == 0 {
                        pace.tick().await;
                    }
                }
            })
        };
        published.wait_for(|n| *n > EVENTS / 4).await.expect("published");
        home.place("f.wasm", &of(takes("unreachable", 2)).build());
        home.until("the version before", "f", is_back).await;
        publishing.await.expect("all published");
        let mut got = Vec::new();
        while got.len() < EVENTS as usize {
            let payload = next(&mut seen).await.event.message.payload;
            got.push(str::from_utf8(&payload).expect("a text").parse::<u32>().expect("a number"));
        }
        got.sort_unstable();
        assert!(got.iter().copied().eq(0..EVENTS), "single: {single}");
        assert_eq!(seen.queued(), 0);
        let card = home.card("f").expect("a card");
        let why = card.problem.expect("a reason");
        let much = if single { "" } else { "3 calls in a row broke, the last one: " };
        let broke = "the handler trapped in `handle`: `unreachable` was executed, as by a panic";
        assert!(why.starts_with(&format!("generation 2 was rolled back: {much}{broke}; its file")), "{why}");
        assert!(card.work.trapped.value() >= 1 && card.work.dead.value() == 0, "{:?}", card.work);
        home.stop().await;
    }
}

#[tokio::test]
async fn a_file_that_failed_is_loaded_again_when_it_changes_or_somebody_says_so() {
    let home = Home::start(&[("f.wasm", &takes(FORWARD, 1))]).await;
    let mut seen = home.subscribe("out/seen").await;
    let to = home.bus.names().address("in/one").expect("a channel");
    let some_events = async || {
        for n in 0..5 {
            home.bus.publish(&to, Message::from(n.to_string())).await.expect("published");
        }
    };
    let bad = takes("unreachable", 2).build();
    home.place("f.wasm", &bad);
    home.until_generation("f", 2).await;
    some_events().await;
    home.until("the version before", "f", is_back).await;
    // The same content in another file is looked at, and not tried.
    home.place("f.wasm", &bad);
    let done = home.plugins.change(PluginVerb::Approve, "f".into()).await.expect("it was looked at before");
    assert_eq!((done[0].generation, done[0].problem.is_some()), (1, true));
    assert!(is_back(home.card("f").as_ref()));
    let done = home.plugins.reload(Some("f".into())).await.expect("reloaded");
    assert_eq!(done, [Reloaded { plugin: "f".into(), generation: 3, problem: None }]);
    some_events().await;
    home.until("the version before", "f", is_back).await;
    // The content of what runs is fine, and the failed one is then a change.
    home.place("f.wasm", &takes(FORWARD, 1).build());
    home.until("it is fine", "f", |card| card.is_some_and(|card| card.problem.is_none())).await;
    home.place("f.wasm", &bad);
    home.until_generation("f", 4).await;
    some_events().await;
    home.until("the version before", "f", is_back).await;
    home.place("f.wasm", &takes(FORWARD, 3).build());
    home.until_generation("f", 5).await;
    home.until("it is fine", "f", |card| card.is_some_and(|card| card.problem.is_none())).await;
    for _ in 0..15 {
        next(&mut seen).await;
    }
    home.stop().await;
}

#[tokio::test]
async fn what_a_handler_says_itself_is_no_failure_of_its_version() {
    let home = Home::start(&[("f.wasm", &takes(FORWARD, 1))]).await;
    home.place("f.wasm", &takes(REJECT, 2).build());
    home.until_generation("f", 2).await;
    let to = home.bus.names().address("in/one").expect("a channel");
    for _ in 0..20 {
        home.bus.publish(&to, Message::default()).await.expect("published");
    }
    home.until("dead letters", "f", |card| card.is_some_and(|card| card.work.dead.value() == 20)).await;
    let card = home.card("f").expect("a card");
    assert_eq!((card.generation, card.problem), (2, None));
    home.stop().await;
}

#[tokio::test]
async fn an_event_that_breaks_both_versions_is_no_failure_of_the_new_one() {
    let picky = format!("(if (local.get 3) (then unreachable)) {FORWARD}");
    let once = |config: &mut PluginConfig| (config.attempts, config.breaker) = (Some(1), Some(None));
    let home = Home::with(&[("f.wasm", &takes(&picky, 1))], once).await;
    home.place("f.wasm", &takes(&picky, 2).build());
    home.until_generation("f", 2).await;
    let to = home.bus.names().address("in/one").expect("a channel");
    for _ in 0..20 {
        home.bus.publish(&to, Message::from("poison")).await.expect("published");
    }
    home.until("dead letters", "f", |card| card.is_some_and(|card| card.work.dead.value() == 20)).await;
    let card = home.card("f").expect("a card");
    assert_eq!((card.generation, card.problem), (2, None));
    home.stop().await;
}

#[tokio::test]
async fn a_request_that_breaks_a_new_version_is_not_repeated_and_counts() {
    let home = Home::start(&[("greet.wasm", &echo())]).await;
    home.place("greet.wasm", &Sketch::new().answers("greet/*").handle("unreachable").build());
    home.until_generation("greet", 2).await;
    for _ in 0..3 {
        assert!(matches!(home.call("greet/me", "hi").await, Err(CallError::Failed(_))));
    }
    home.until("the version before", "greet", is_back).await;
    assert_eq!(home.call("greet/me", "hi").await.expect("an answer").payload, "hi");
    home.stop().await;
}

#[tokio::test]
async fn what_only_the_version_that_was_left_wanted_is_a_dead_letter() {
    let home = Home::start(&[("f.wasm", &takes(FORWARD, 1))]).await;
    home.place("f.wasm", &takes("unreachable", 2).on("other/*").build());
    home.until_generation("f", 2).await;
    let to = home.bus.names().address("other/one").expect("a channel");
    home.bus.publish(&to, Message::default()).await.expect("published");
    home.until("the version before", "f", is_back).await;
    home.until("a dead letter", "f", |card| card.is_some_and(|card| card.work.dead.value() == 1)).await;
    home.stop().await;
}

#[tokio::test]
async fn after_its_probation_a_version_that_breaks_stays() {
    let short = |config: &mut PluginConfig| {
        (config.probation, config.attempts) = (Some(Duration::from_millis(1)), Some(1));
        config.breaker = Some(None);
    };
    let home = Home::with(&[("f.wasm", &takes(FORWARD, 1))], short).await;
    home.place("f.wasm", &takes("unreachable", 2).build());
    home.until_generation("f", 2).await;
    // Looking again is behind the end of the probation, which is due.
    let settle = tokio::time::interval(Duration::from_millis(20));
    tokio::pin!(settle);
    for _ in 0..3 {
        settle.tick().await;
    }
    let to = home.bus.names().address("in/one").expect("a channel");
    for _ in 0..20 {
        home.bus.publish(&to, Message::default()).await.expect("published");
    }
    home.until("dead letters", "f", |card| card.is_some_and(|card| card.work.dead.value() == 20)).await;
    assert_eq!(home.card("f").map(|card| card.generation), Some(2));
    home.stop().await;
}

#[tokio::test]
async fn an_actor_that_is_gone_back_to_goes_on_with_its_memory() {
    // Answers with how many it has answered.
    let counts = "(global.set $n (i32.add (global.get $n) (i32.const 1)))
        (i32.store8 (i32.const 700) (global.get $n))
        (local.set 2 (i32.const 700)) (local.set 3 (i32.const 1))";
    let counter = Sketch::new()
        .answers("count/*")
        .handle(&format!("{counts} {ECHO}"))
        .with("(global $n (mut i32) (i32.const 0))")
        .single();
    let home = Home::start(&[("c.wasm", &counter)]).await;
    for n in 1..=2_u8 {
        assert_eq!(home.call("count/up", "").await.expect("an answer").payload, &[n][..]);
    }
    home.place("c.wasm", &Sketch::new().answers("count/*").handle("unreachable").single().build());
    home.until_generation("c", 2).await;
    assert!(matches!(home.call("count/up", "").await, Err(CallError::Failed(_))));
    home.until("the version before", "c", is_back).await;
    assert_eq!(home.call("count/up", "").await.expect("an answer").payload, &[3][..]);
    home.stop().await;
}
