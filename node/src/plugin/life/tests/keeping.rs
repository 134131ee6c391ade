//! What plugins keep and are granted, and memory that is handed over.

use std::collections::BTreeMap;

use super::*;
use crate::{control::PluginVerb, trust::hidden::SecretText};

/// Adds one to `n` in its state and answers with the sum; a payload that begins with `!` traps behind that.
fn counter() -> Sketch {
    let body = "
        (call $increment (i32.const 900) (i32.const 1) (i64.const 1) (i32.const 512))
        (if (i32.load8_u (i32.const 512)) (then unreachable))
        (if (i32.eq (i32.load8_u (local.get 2)) (i32.const 33)) (then unreachable))
        (call $get (i32.const 900) (i32.const 1) (i32.const 512))
        (if (i32.load8_u (i32.const 512)) (then unreachable))
        (local.set 2 (i32.load (i32.const 524))) (local.set 3 (i32.load (i32.const 528)))";
    Sketch::new()
        .imports("state", "increment", "(param i32 i32 i64 i32)")
        .imports("state", "get", "(param i32 i32 i32)")
        .answers("count/*")
        .handle(&format!("{body} {ECHO}"))
        .with(r#"(data (i32.const 900) "n")"#)
}

async fn said(home: &Home, channel: &str, text: &str) -> String {
    let answer = home.call(channel, text).await.expect("an answer");
    String::from_utf8_lossy(&answer.payload).into_owned()
}

#[tokio::test]
async fn what_a_handler_keeps_outlives_its_versions_and_its_node() {
    let data = tempfile::tempdir().expect("a data directory");
    let start = async || {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("count.wasm"), counter().build()).expect("written");
        Home::open(folder, Some(data.path()), Config { approve_all: true, ..Config::default() }).await
    };
    let home = start().await;
    assert_eq!(
        (said(&home, "count/one", "").await, said(&home, "count/two", "").await),
        ("1".into(), "2".into())
    );
    home.place("count.wasm", &counter().with("(global i32 (i32.const 1))").build());
    home.until_generation("count", 2).await;
    assert_eq!(said(&home, "count/one", "").await, "3");
    // A call that breaks leaves nothing.
    assert!(home.call("count/one", "!").await.is_err());
    assert_eq!(said(&home, "count/one", "").await, "4");
    let card = home.card("count").expect("a card");
    assert_eq!((card.work.state_bytes.value(), card.state_quota_bytes), (2, 16 << 20));
    home.stop().await;
    let home = start().await;
    assert_eq!(said(&home, "count/one", "").await, "5");
    home.stop().await;
}

#[tokio::test]
async fn a_secret_is_given_to_whom_it_is_granted_and_others_are_told_the_line() {
    // Answers with the secret that the payload names, or with the text of the error.
    let body = "
        (call $get (local.get 2) (local.get 3) (i32.const 512))
        (if (i32.load8_u (i32.const 512))
            (then (local.set 2 (i32.load (i32.const 528))) (local.set 3 (i32.load (i32.const 532))))
            (else (local.set 2 (i32.load (i32.const 520))) (local.set 3 (i32.load (i32.const 524)))))";
    let guest = Sketch::new()
        .imports("secrets", "get", "(param i32 i32 i32)")
        .answers("vault/*")
        .handle(&format!("{body} {ECHO}"));
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("vault.wasm"), guest.build()).expect("written");
    let secrets: BTreeMap<_, _> = [("db".to_owned(), SecretText::new("hunter2".into()))].into();
    let each = [("vault".to_owned(), PluginConfig { secrets, ..PluginConfig::default() })].into();
    let home = Home::open(folder, None, Config { each, approve_all: true, ..Config::default() }).await;
    assert_eq!(said(&home, "vault/a", "db").await, "hunter2");
    let line = "plugins: {each: {vault: {secrets: {other: {file: PATH}}}}}";
    let want = format!("the plugin has no secret `other`: the configuration would have to grant it: {line}");
    assert_eq!(said(&home, "vault/a", "other").await, want);
    home.stop().await;
}

/// `save` gives the four bytes of its count.
const SAVE: &str = "
    (i32.store8 (i32.const 700) (i32.const 0))
    (i32.store (i32.const 704) (i32.const 904)) (i32.store (i32.const 708) (i32.const 4)) i32.const 700";
/// `restore` takes them.
const RESTORE: &str = "
    (i32.store (i32.const 904) (i32.load (local.get 2)))
    (i32.store8 (i32.const 700) (i32.const 0)) i32.const 700";
/// `restore` says no.
const REFUSE: &str = r#"
    (i32.store8 (i32.const 700) (i32.const 1))
    (i32.store (i32.const 704) (i32.const 910)) (i32.store (i32.const 708) (i32.const 7)) i32.const 700"#;
/// `save` gives one byte more than is handed over.
const TOO_MUCH: &str = "
    (drop (memory.grow (i32.const 280)))
    (i32.store8 (i32.const 700) (i32.const 0))
    (i32.store (i32.const 704) (i32.const 904)) (i32.store (i32.const 708) (i32.const 16777217)) i32.const 700";

/// Counts events in its memory, and answers with the count; the mark makes files of different content.
fn remembering(mark: u32, save: &str, restore: &str) -> Sketch {
    let body = "
        (if (i32.eqz (local.get 12))
            (then (i32.store (i32.const 904) (i32.add (i32.load (i32.const 904)) (i32.const 1)))))
        (local.set 2 (i32.const 904)) (local.set 3 (i32.const 4))";
    Sketch::new()
        .on("in/*")
        .answers("counted/*")
        .single()
        .handle(&format!("{body} {ECHO}"))
        .snapshot(save, restore)
        .with(&format!(r#"(data (i32.const 910) "not you") (global i32 (i32.const {mark}))"#))
}

async fn counted(home: &Home) -> u32 {
    let answer = home.call("counted/all", "").await.expect("an answer");
    u32::from_le_bytes(answer.payload[..].try_into().expect("four bytes"))
}

async fn publish(home: &Home, events: u32) {
    let to = home.bus.names().address("in/one").expect("a channel");
    let mut pace = tokio::time::interval(Duration::from_millis(2));
    for n in 0..events {
        home.bus.publish(&to, Message::from(n.to_string())).await.expect("published");
        if n % 10 == 0 {
            pace.tick().await;
        }
    }
}

async fn counts(home: &Home, want: u32) {
    let found = tokio::time::timeout(PATIENCE, async {
        while counted(home).await < want {
            tokio::task::yield_now().await;
        }
    });
    assert!(found.await.is_ok(), "{} of {want}", counted(home).await);
    assert_eq!(counted(home).await, want);
}

#[tokio::test]
async fn memory_is_handed_over_under_load_and_the_count_is_exact() {
    let home = Home::start(&[("r.wasm", &remembering(0, SAVE, RESTORE))]).await;
    let swapping = async {
        for mark in 1..=3 {
            home.place("r.wasm", &remembering(mark, SAVE, RESTORE).build());
            home.until_generation("r", u64::from(mark) + 1).await;
        }
    };
    tokio::join!(publish(&home, 3_000), swapping);
    counts(&home, 3_000).await;
    home.stop().await;
}

#[tokio::test]
async fn who_does_not_take_over_or_hand_over_leaves_the_old_one_running_with_its_memory() {
    let check = async |old: &Sketch, new: &Sketch, want: &str| {
        let home = Home::start(&[("r.wasm", old)]).await;
        publish(&home, 20).await;
        counts(&home, 20).await;
        home.place("r.wasm", &new.build());
        home.until("a problem", "r", |card| card.is_some_and(|card| card.problem.is_some())).await;
        let card = home.card("r").expect("a card");
        assert_eq!((card.problem.as_deref(), card.generation), (Some(want), 1));
        publish(&home, 5).await;
        counts(&home, 25).await;
        home.stop().await;
    };
    let (good, better) = (remembering(0, SAVE, RESTORE), remembering(1, SAVE, RESTORE));
    let refuses = "it does not take over the memory of the version before: not you";
    check(&good, &remembering(1, SAVE, REFUSE), refuses).await;
    let much = "the version before does not hand its memory over: it is 16777217 bytes; 16777216 is the most";
    check(&remembering(0, TOO_MUCH, RESTORE), &better, much).await;
}

#[tokio::test]
async fn the_memory_goes_back_with_a_rollback() {
    let home = Home::start(&[("r.wasm", &remembering(0, SAVE, RESTORE))]).await;
    publish(&home, 20).await;
    counts(&home, 20).await;
    home.place("r.wasm", &remembering(1, SAVE, RESTORE).build());
    home.until_generation("r", 2).await;
    publish(&home, 5).await;
    counts(&home, 25).await;
    home.plugins.change(PluginVerb::Rollback, "r".into()).await.expect("rolled back");
    publish(&home, 5).await;
    counts(&home, 30).await;
    home.stop().await;
}

#[tokio::test]
async fn who_exports_a_snapshot_and_says_it_is_none_begins_anew_and_keeps_its_own_memory() {
    let version = |mark| remembering(mark, SAVE, RESTORE).setting("snapshot", "false");
    let home = Home::start(&[("r.wasm", &version(0))]).await;
    publish(&home, 20).await;
    counts(&home, 20).await;
    home.place("r.wasm", &version(1).build());
    home.until_generation("r", 2).await;
    publish(&home, 5).await;
    counts(&home, 5).await;
    home.plugins.change(PluginVerb::Rollback, "r".into()).await.expect("rolled back");
    publish(&home, 5).await;
    counts(&home, 25).await;
    home.stop().await;
}
