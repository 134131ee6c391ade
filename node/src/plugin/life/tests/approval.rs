//! A version that wants more than the one before gets none of it until somebody approves.

use super::*;
use crate::control::PluginVerb;

/// Answers `greet/*`, and forwards what else it hears to `out/seen`.
fn asks_for(listens: &[&str], publishes: &[&str]) -> Sketch {
    let forward = "
        (if (local.get 12) (then
            (call $publish (i32.const 900) (i32.const 8) (local.get 2) (local.get 3) (i32.const 0) (i32.const 0)
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))))";
    let guest = Sketch::new().answers("greet/*").handle(&format!("{forward} {ECHO}"));
    let guest = listens.iter().fold(guest, |guest, pattern| guest.on(pattern));
    let guest = publishes.iter().fold(guest, |guest, pattern| guest.publishes(pattern));
    guest.with(r#"(data (i32.const 900) "out/seen")"#)
}

fn waits(card: Option<&PluginCard>) -> bool {
    card.is_some_and(|card| !card.waits.is_empty())
}

#[tokio::test]
async fn a_version_that_wants_more_waits_and_the_one_before_goes_on() {
    let (folder, data) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    fs::write(folder.path().join("greet.wasm"), asks_for(&[], &[]).build()).expect("written");
    let home = Home::open(folder, Some(data.path()), Config::default()).await;
    let nothing = home.plugins.change(PluginVerb::Approve, "greet".into()).await.expect("asked");
    assert_eq!(nothing[0].problem.as_deref(), Some("nothing of it waits to be approved"));
    // A version that wants nothing more is not held up.
    home.place("greet.wasm", &asks_for(&[], &[]).with("(global i32 (i32.const 2))").build());
    home.until_generation("greet", 2).await;

    home.place("greet.wasm", &asks_for(&["orders/*"], &["out/seen"]).build());
    home.until("it waits", "greet", waits).await;
    let gets_nothing = async |home: &Home| {
        let mut seen = home.subscribe("out/**").await;
        let to = home.bus.names().address("orders/new").expect("a channel");
        let receipt = home.bus.publish(&to, Message::from("secret")).await.expect("published");
        assert_eq!(receipt.local, 0, "nobody hears it");
        assert_eq!(home.call("greet/me", "hi").await.expect("the one before answers").payload, "hi");
        assert!(seen.queued() == 0 && seen.missed() == 0);
        let card = home.card("greet").expect("a card");
        assert_eq!(card.waits, ["listen to `orders/*`", "publish to `out/seen`"]);
        assert_eq!((card.state, card.problem), (PluginState::Running, None));
    };
    gets_nothing(&home).await;
    let asked = home.plugins.reload(Some("greet".into())).await.expect("asked");
    let why = asked[0].problem.as_deref().expect("a reason");
    assert_eq!(why, "it waits to be approved: it wants to listen to `orders/*`, to publish to `out/seen`");
    // A restart is no approval.
    let home = Home::open(home.stop().await, Some(data.path()), Config::default()).await;
    gets_nothing(&home).await;

    let done = home.plugins.change(PluginVerb::Approve, "greet".into()).await.expect("approved");
    assert_eq!((done[0].generation, done[0].problem.as_ref()), (3, None));
    let home = Home::open(home.stop().await, Some(data.path()), Config::default()).await;
    let mut seen = home.subscribe("out/**").await;
    let to = home.bus.names().address("orders/new").expect("a channel");
    home.bus.publish(&to, Message::from("7")).await.expect("published");
    assert_eq!(next(&mut seen).await.event.message.payload, "7");
    home.stop().await;
}

#[tokio::test]
async fn what_one_plugin_may_is_not_anothers_and_everything_is_nobodys() {
    let (folder, data) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    // All sketches call themselves by one name.
    fs::write(folder.path().join("one.wasm"), asks_for(&["orders/*"], &["out/seen"]).build())
        .expect("written");
    fs::write(folder.path().join("two.wasm"), asks_for(&[], &[]).build()).expect("written");
    let home = Home::open(folder, Some(data.path()), Config::default()).await;
    home.place("two.wasm", &asks_for(&["orders/*"], &["out/seen"]).build());
    home.until("it waits", "two", waits).await;
    // It waits for nothing, and gets nothing.
    home.place("two.wasm", &asks_for(&["**", "$dead/*"], &["**"]).build());
    home.until("it is live", "two", |card| card.is_some_and(|card| card.generation == 2)).await;
    let card = home.card("two").expect("a card");
    assert_eq!(card.wants.iter().map(|want| want.pattern.as_str()).collect::<Vec<_>>(), ["greet/*"]);
    let to = home.bus.names().address("orders/new").expect("a channel");
    let receipt = home.bus.publish(&to, Message::from("secret")).await.expect("published");
    assert_eq!(receipt.local, 1, "for the one that may");
    home.stop().await;
}
