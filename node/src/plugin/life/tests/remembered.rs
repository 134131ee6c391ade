//! What outlives a node: compiled code, the version that was gone back to, what is switched off.

use super::*;
use crate::control::PluginVerb;

fn numbered(mark: u32) -> Sketch {
    echo().with(&format!("(global i32 (i32.const {mark}))"))
}

/// Answers with one digit.
fn says(digit: u8) -> Sketch {
    let handle = format!(
        "(i32.store8 (i32.const 700) (i32.const {digit})) (local.set 2 (i32.const 700)) (local.set 3 (i32.const 1)) {ECHO}"
    );
    Sketch::new().answers("greet/*").handle(&handle)
}

async fn said(home: &Home) -> u8 {
    let answer = home.call("greet/me", "hi").await.expect("an answer");
    answer.payload.first().copied().unwrap_or_default()
}

fn number(home: &Home) -> u64 {
    home.card("greet").expect("a card").generation
}

fn config() -> Config {
    Config::default()
}

fn counts(home: &Home) -> (u64, u64) {
    let components = &home.boards.components;
    (components.compiled.value(), components.cached.value())
}

#[tokio::test]
async fn a_node_that_starts_again_compiles_nothing_but_what_somebody_touched() {
    let (folder, data) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    for mark in 0..3 {
        fs::write(folder.path().join(format!("p{mark}.wasm")), numbered(mark).build()).expect("written");
    }
    let home = Home::open(folder, Some(data.path()), config()).await;
    assert_eq!(counts(&home), (3, 0));
    assert!(home.call("greet/me", "hi").await.is_ok());
    let home = Home::open(home.stop().await, Some(data.path()), config()).await;
    assert_eq!(counts(&home), (0, 3));
    assert!(home.call("greet/me", "hi").await.is_ok());
    let folder = home.stop().await;
    let is_code = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "code");
    let mut entries: Vec<PathBuf> = fs::read_dir(data.path().join("cache"))
        .expect("a cache")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    entries.retain(is_code);
    assert_eq!(entries.len(), 3);
    let mut bytes = fs::read(&entries[0]).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&entries[0], bytes).expect("written");
    let home = Home::open(folder, Some(data.path()), config()).await;
    assert_eq!(counts(&home), (1, 2));
    assert!(home.call("greet/me", "hi").await.is_ok());
    home.stop().await;
}

#[tokio::test]
async fn who_went_back_stays_there_over_a_restart_until_the_file_changes() {
    let (folder, data) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    fs::write(folder.path().join("greet.wasm"), says(1).build()).expect("written");
    let home = Home::open(folder, Some(data.path()), config()).await;
    let nothing = home.plugins.change(PluginVerb::Rollback, "greet".into()).await.expect("asked");
    assert_eq!(nothing[0].problem.as_deref(), Some("no version before this one is kept"));
    home.place("greet.wasm", &says(2).build());
    home.until_generation("greet", 2).await;
    assert_eq!(said(&home).await, 2);
    // Both while it is on probation, and later.
    let folder = home.stop().await;
    let home = Home::open(folder, Some(data.path()), config()).await;
    assert_eq!((said(&home).await, number(&home)), (2, 2));
    let done = home.plugins.change(PluginVerb::Rollback, "greet".into()).await.expect("rolled back");
    assert_eq!(done, [Reloaded { plugin: "greet".into(), generation: 1, problem: None }]);
    assert_eq!(said(&home).await, 1);
    let home = Home::open(home.stop().await, Some(data.path()), config()).await;
    assert_eq!((said(&home).await, number(&home)), (1, 1));
    let card = home.card("greet").expect("a card");
    assert_eq!(card.hash, *blake3::hash(&says(1).build()).to_hex());
    assert!(card.problem.is_some_and(|why| why.starts_with("somebody asked for the one before; its file")));
    let again = home.plugins.change(PluginVerb::Rollback, "greet".into()).await.expect("asked");
    assert_eq!(again[0].problem.as_deref(), Some("no version before this one is kept"));
    home.place("greet.wasm", &says(3).build());
    home.until("it is fine", "greet", |card| card.is_some_and(|card| card.problem.is_none())).await;
    assert_eq!((said(&home).await, number(&home)), (3, 3));
    let done = home.plugins.change(PluginVerb::Rollback, "greet".into()).await.expect("rolled back");
    assert_eq!((done[0].problem.as_ref(), said(&home).await), (None, 1));
    let kept = fs::read_dir(data.path().join("versions")).expect("versions").count();
    assert_eq!(kept, 1, "nobody goes back to the others");
    home.stop().await;
}

#[tokio::test]
async fn who_goes_back_twice_does_not_meet_the_version_again_that_was_left_first() {
    let (folder, data) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    fs::write(folder.path().join("greet.wasm"), says(1).build()).expect("written");
    let home = Home::open(folder, Some(data.path()), config()).await;
    for version in [2, 3] {
        home.place("greet.wasm", &says(version).build());
        home.until_generation("greet", version.into()).await;
    }
    for before in [2, 1] {
        let done = home.plugins.change(PluginVerb::Rollback, "greet".into()).await.expect("rolled back");
        assert_eq!((done[0].problem.as_ref(), said(&home).await), (None, before));
    }
    let lines = home.card("greet").expect("a card").lines.after(0, usize::MAX).0;
    assert!(lines.iter().any(|line| line.text.contains("was rolled back: somebody asked")), "{lines:?}");
    // The file is still the one that was left first.
    let home = Home::open(home.stop().await, Some(data.path()), config()).await;
    assert_eq!((said(&home).await, number(&home)), (1, 1));
    let again = home.plugins.reload(Some("greet".into())).await.expect("asked");
    assert_eq!((again[0].generation, said(&home).await), (4, 3), "no number is given twice");
    home.stop().await;
}

#[tokio::test]
async fn who_writes_a_handler_starts_with_what_he_has_written_whatever_it_was_left_for() {
    let (folder, data) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    fs::write(folder.path().join("greet.wasm"), says(1).build()).expect("written");
    let newest = || Config { starts_newest: true, ..config() };
    let home = Home::open(folder, Some(data.path()), newest()).await;
    home.place("greet.wasm", &says(2).build());
    home.until_generation("greet", 2).await;
    home.plugins.change(PluginVerb::Rollback, "greet".into()).await.expect("rolled back");
    assert_eq!(said(&home).await, 1);
    let home = Home::open(home.stop().await, Some(data.path()), newest()).await;
    assert_eq!(said(&home).await, 2);
    assert_eq!(home.card("greet").expect("a card").problem, None);
    // Nothing of it is remembered.
    let home = Home::open(home.stop().await, Some(data.path()), config()).await;
    assert_eq!(said(&home).await, 2);
    home.stop().await;
}

#[tokio::test]
async fn a_file_that_was_broken_while_the_node_was_away_leaves_the_version_of_before() {
    let (folder, data) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    fs::write(folder.path().join("greet.wasm"), says(1).build()).expect("written");
    let home = Home::open(folder, Some(data.path()), config()).await;
    let folder = home.stop().await;
    fs::write(folder.path().join("greet.wasm"), b"garbage").expect("written");
    let home = Home::open(folder, Some(data.path()), config()).await;
    assert_eq!(said(&home).await, 1);
    let card = home.card("greet").expect("a card");
    assert_eq!(card.state, PluginState::Running);
    assert!(card.problem.is_some_and(|why| why.contains("not WebAssembly")));
    home.stop().await;
}

#[tokio::test]
async fn who_is_disabled_works_off_what_he_has_and_stays_so_over_a_restart() {
    let (folder, data) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    fs::write(folder.path().join("greet.wasm"), says(1).build()).expect("written");
    let home = Home::open(folder, Some(data.path()), config()).await;
    let done = home.plugins.change(PluginVerb::Disable, "greet".into()).await.expect("disabled");
    assert_eq!((done[0].generation, done[0].problem.as_ref()), (0, None));
    assert_eq!(home.call("greet/me", "hi").await, Err(CallError::NoResponder));
    let home = Home::open(home.stop().await, Some(data.path()), config()).await;
    let is_off = |card: Option<&PluginCard>| card.is_some_and(|card| card.state == PluginState::Disabled);
    assert!(is_off(home.card("greet").as_ref()));
    home.place("greet.wasm", &says(2).build());
    let done = home.plugins.reload(Some("greet".into())).await.expect("asked");
    assert_eq!(done[0].problem.as_deref(), Some("it is disabled; `plugins enable greet` lets it run"));
    assert!(home.plugins.reload(None).await.expect("asked").is_empty());
    assert_eq!(home.call("greet/me", "hi").await, Err(CallError::NoResponder));
    let done = home.plugins.change(PluginVerb::Enable, "greet".into()).await.expect("enabled");
    assert_eq!((done[0].generation, done[0].problem.as_ref()), (2, None));
    assert_eq!(said(&home).await, 2);
    let home = Home::open(home.stop().await, Some(data.path()), config()).await;
    assert_eq!(said(&home).await, 2);
    let unknown = home.plugins.change(PluginVerb::Enable, "other".into()).await.expect_err("no such plugin");
    assert_eq!(unknown.to_string(), "no plugin is called `other`");
    home.stop().await;
}
