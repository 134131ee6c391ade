//! Plugins in a folder on a real bus: they answer, are replaced, break and go, and nothing accepted is lost.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use hive_proto::{
    channel::{NetworkName, Scope},
    event::Message,
    id::{Incarnation, NodeId},
};

mod approval;
mod configured;
mod instances;
mod keeping;
mod pacing;
mod probation;
mod remembered;
mod sections;

use super::*;
use crate::{
    bus::{CallError, Delivery, Holder, Subscription, Wanted, WhenFull},
    plugin::{
        Config, Plugins,
        sketch::{EAT, ECHO, SPIN, Sketch},
    },
    shutdown::Part,
    status::{NodeCard, PluginCard, PluginState},
    store::StoreError,
};

/// A node's bus and plugins, without a mesh.
struct Home {
    folder: tempfile::TempDir,
    bus: Bus,
    boards: Arc<Boards>,
    part: Part,
    plugins: Plugins,
}

const PATIENCE: Duration = Duration::from_secs(30);

impl Home {
    async fn start(files: &[(&str, &Sketch)]) -> Self {
        Self::with(files, |_| {}).await
    }

    /// Whatever a new version wants is approved.
    async fn with(files: &[(&str, &Sketch)], change: impl Fn(&mut PluginConfig)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, guest) in files {
            fs::write(folder.path().join(name), guest.build()).expect("written");
        }
        let mut defaults = PluginConfig::default();
        change(&mut defaults);
        Self::open(folder, None, Config { defaults, approve_all: true, ..Config::default() }).await
    }

    /// With the files that are in a folder, and a data directory that may have been another's.
    async fn open(folder: tempfile::TempDir, data_dir: Option<&Path>, config: Config) -> Self {
        let names = Names::new(vec![NetworkName::parse("hive").expect("a network")]);
        let bus = Bus::new(NodeId([7; 32]), Incarnation(1), names);
        bus.confirmed(u64::MAX);
        let boards = Boards::new(NodeCard { data_dir: data_dir.map(Into::into), ..NodeCard::default() });
        let store = match data_dir {
            Some(data_dir) => Some(opened(data_dir).await),
            None => None,
        };
        let part = Part::new("plugins");
        let config = Config { folders: vec![folder.path().into()], ..config };
        let plugins = Plugins::start(config, bus.clone(), Arc::clone(&boards), store, &part).await;
        Self { folder, bus, boards, part, plugins: plugins.expect("plugins") }
    }

    /// Puts a file there at once.
    fn place(&self, name: &str, bytes: &[u8]) {
        let beside = self.folder.path().join(".new");
        fs::write(&beside, bytes).expect("written");
        fs::rename(beside, self.path(name)).expect("renamed");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn call(&self, channel: &str, text: &str) -> Result<Message, CallError> {
        let to = self.bus.names().address(channel).expect("a channel");
        self.bus.call(&to, Message::from(text), Duration::from_secs(10)).await
    }

    async fn subscribe(&self, pattern: &str) -> Subscription {
        let scope: Scope = self.bus.names().scope(pattern).expect("a pattern");
        let wanted = [Wanted { scope, answers: false, group: None }];
        self.bus.subscribe(Holder::Client("test".into()), wanted).await.expect("subscribed")
    }

    fn card(&self, plugin: &str) -> Option<PluginCard> {
        self.boards.plugins.read().get(plugin).map(|card| PluginCard::clone(card))
    }

    async fn until(&self, what: &str, plugin: &str, is: impl Fn(Option<&PluginCard>) -> bool) {
        let mut look = tokio::time::interval(Duration::from_millis(5));
        let found = tokio::time::timeout(PATIENCE, async {
            while !is(self.card(plugin).as_ref()) {
                look.tick().await;
            }
        });
        assert!(found.await.is_ok(), "not in time: {what}; {:?}", self.card(plugin));
    }

    async fn until_generation(&self, plugin: &str, generation: u64) {
        let is_live = |card: Option<&PluginCard>| card.is_some_and(|card| card.generation == generation);
        self.until("a generation", plugin, is_live).await;
    }

    async fn stop(self) -> tempfile::TempDir {
        self.part.finish(PATIENCE).await.expect("plugins stop in time");
        self.folder
    }
}

/// The store of a node that may have stopped just now: what was on its threads lets go of it a moment later.
async fn opened(data_dir: &Path) -> Store {
    let mut look = tokio::time::interval(Duration::from_millis(5));
    let opening = tokio::time::timeout(PATIENCE, async {
        loop {
            look.tick().await;
            match Store::open(data_dir) {
                Ok(store) => return store,
                Err(StoreError::Busy { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    });
    opening.await.expect("a store in time")
}

async fn next(subscription: &mut Subscription) -> Delivery {
    tokio::time::timeout(PATIENCE, subscription.next()).await.expect("an event in time").expect("an event")
}

/// Answers every request with what it got.
fn echo() -> Sketch {
    Sketch::new().answers("greet/*").handle(ECHO)
}

#[tokio::test]
async fn a_handler_in_a_folder_answers() {
    let home = Home::start(&[("greet.wasm", &echo())]).await;
    for n in 0..20 {
        let text = format!("hello {n}");
        let answer = home.call("greet/me", &text).await.expect("an answer");
        assert_eq!(answer.payload, text.as_bytes());
    }
    assert_eq!(home.call("nobody/here", "").await, Err(CallError::NoResponder));
    home.until("counts", "greet", |card| card.is_some_and(|card| card.work.handled.value() == 20)).await;
    home.stop().await;
}

#[tokio::test]
async fn a_handler_that_breaks_is_cut_and_goes_on() {
    let limits = |config: &mut PluginConfig| {
        config.deadline = Some(Duration::from_secs(5));
        config.cpu = Some(Duration::from_millis(100));
    };
    let by_payload =
        |body: &str| format!("(if (i32.eqz (i32.load8_u (local.get 2))) (then) (else {body})) {ECHO}");
    let guest = |body: &str| Sketch::new().answers("bad/*").handle(&by_payload(body));
    let check = async |body: &str, want: &str| {
        let home = Home::with(&[("bad.wasm", &guest(body)), ("good.wasm", &echo())], limits).await;
        let failure = home.call("bad/one", "x").await;
        assert_eq!(failure, Err(CallError::Failed(want.to_owned())), "{body}");
        assert_eq!(home.call("bad/one", "\0").await.expect("the next event is handled").payload, &b"\0"[..]);
        assert_eq!(home.call("greet/me", "hi").await.expect("others go on").payload, &b"hi"[..]);
        home.stop().await;
    };
    check("unreachable", "the handler trapped in `handle`: `unreachable` was executed, as by a panic").await;
    let set = |key: &str| format!(" in `handle` (the key `{key}` sets this limit)");
    let much = format!("the handler was stopped for memory: it asked for more than 64MiB{}", set("memory"));
    check(EAT, &much).await;
    check(SPIN, &format!("the handler was cut after 100ms of CPU time{}", set("cpu"))).await;
}

#[tokio::test]
async fn a_wall_deadline_cuts_where_cpu_is_plenty() {
    let limits = |config: &mut PluginConfig| config.deadline = Some(Duration::from_millis(50));
    let guest = Sketch::new().answers("bad/*").handle(SPIN);
    let home = Home::with(&[("bad.wasm", &guest)], limits).await;
    let Err(CallError::Failed(why)) = home.call("bad/one", "x").await else { panic!("not cut") };
    assert!(why.starts_with("the handler was cut at its deadline after "), "{why}");
    assert!(why.ends_with(" (the key `deadline` sets this limit)"), "{why}");
    home.stop().await;
}

#[tokio::test]
async fn a_broken_file_leaves_the_old_version_running_and_says_why() {
    let home = Home::start(&[("greet.wasm", &echo())]).await;
    for bad in [&b"garbage"[..], b"", &echo().module(), &echo().build()[..200]] {
        home.place("greet.wasm", bad);
        home.until("a problem", "greet", |card| card.is_some_and(|card| card.problem.is_some())).await;
        let card = home.card("greet").expect("a card");
        assert_eq!((card.state, card.generation > 0), (PluginState::Running, true), "{card:?}");
        assert!(home.call("greet/me", "hi").await.is_ok());
        let again = echo().with(&format!("(global i32 (i32.const {}))", bad.len())).build();
        home.place("greet.wasm", &again);
        home.until("it is fine", "greet", |card| card.is_some_and(|card| card.problem.is_none())).await;
    }
    home.until_generation("greet", 5).await;
    home.stop().await;
}

#[tokio::test]
async fn a_file_that_comes_and_goes_is_a_plugin_that_comes_and_goes() {
    let home = Home::start(&[]).await;
    assert_eq!(home.call("greet/me", "hi").await, Err(CallError::NoResponder));
    for _ in 0..2 {
        home.place("greet.wasm", &echo().build());
        home.until("it runs", "greet", |card| card.is_some_and(|c| c.state == PluginState::Running)).await;
        assert!(home.call("greet/me", "hi").await.is_ok());
        fs::remove_file(home.path("greet.wasm")).expect("removed");
        home.until("it is gone", "greet", |card| card.is_none()).await;
        assert_eq!(home.call("greet/me", "hi").await, Err(CallError::NoResponder));
    }
    home.stop().await;
}

#[tokio::test]
async fn a_file_written_in_place_piece_by_piece_is_loaded_when_it_is_whole() {
    use std::io::Write as _;
    let home = Home::start(&[("greet.wasm", &echo())]).await;
    let new = Sketch::new().answers("greet/*").answers("other/*").handle(ECHO).build();
    let mut file = fs::File::create(home.path("greet.wasm")).expect("truncated");
    let mut pace = tokio::time::interval(Duration::from_millis(30));
    for piece in new.chunks(new.len() / 8 + 1) {
        file.write_all(piece).expect("written");
        pace.tick().await;
        assert!(home.call("greet/me", "hi").await.is_ok(), "the old one goes on");
    }
    drop(file);
    home.until_generation("greet", 2).await;
    assert!(home.call("other/one", "hi").await.is_ok());
    assert_eq!(home.card("greet").and_then(|card| card.problem), None);
    home.stop().await;
}

#[tokio::test]
async fn every_accepted_event_is_handled_exactly_once_over_swaps() {
    /// Forwards each event to `out/seen`; the mark makes files of different content.
    fn forwarder(mark: u32, single: bool) -> Sketch {
        let publish = "
            (call $publish (i32.const 900) (i32.const 8) (local.get 2) (local.get 3) (i32.const 0) (i32.const 0)
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
            (if (i32.load8_u (i32.const 512)) (then unreachable))
            i32.const 8";
        let guest = Sketch::new()
            .on("in/*")
            .publishes("out/seen")
            .handle(publish)
            .with(&format!(r#"(data (i32.const 900) "out/seen") (global i32 (i32.const {mark}))"#));
        if single { guest.single() } else { guest }
    }
    for single in [false, true] {
        let home = Home::start(&[("f.wasm", &forwarder(0, single))]).await;
        let mut seen = home.subscribe("out/seen").await;
        let publishing = {
            let bus = home.bus.clone();
            let to = bus.names().address("in/one").expect("a channel");
            tokio::spawn(async move {
                let mut pace = tokio::time::interval(Duration::from_millis(4));
                for n in 0..3_000_u32 {
                    bus.publish(&to, Message::from(n.to_string())).await.expect("published");
                    if n % 10 == 0 {
                        pace.tick().await;
                    }
                }
            })
        };
        for mark in 1..=3 {
            home.place("f.wasm", &forwarder(mark, single).build());
            home.until_generation("f", u64::from(mark) + 1).await;
        }
        publishing.await.expect("all published");
        let mut got = Vec::new();
        while got.len() < 3_000 {
            let payload = next(&mut seen).await.event.message.payload;
            got.push(str::from_utf8(&payload).expect("a text").parse::<u32>().expect("a number"));
        }
        got.sort_unstable();
        assert_eq!(got, (0..3_000).collect::<Vec<_>>(), "single: {single}");
        home.stop().await;
    }
}

#[tokio::test]
async fn a_start_that_fails_refuses_the_version() {
    let ok = "(i32.store8 (i32.const 700) (i32.const 0)) i32.const 700";
    let home = Home::start(&[("greet.wasm", &echo().start(ok))]).await;
    assert!(home.call("greet/me", "hi").await.is_ok());
    let no = r#"(i32.store8 (i32.const 700) (i32.const 1))
        (i32.store (i32.const 704) (i32.const 900)) (i32.store (i32.const 708) (i32.const 5)) i32.const 700"#;
    home.place("greet.wasm", &echo().start(no).with(r#"(data (i32.const 900) "no db")"#).build());
    home.until("a problem", "greet", |card| card.is_some_and(|card| card.problem.is_some())).await;
    let card = home.card("greet").expect("a card");
    assert_eq!(card.problem.as_deref(), Some("`start` failed: it refuses to start: no db"));
    assert!(home.call("greet/me", "hi").await.is_ok());
    home.stop().await;
}

#[tokio::test]
async fn a_call_comes_by_the_first_subscription_that_answers() {
    // The index of the subscription is the 13th part of a flattened event.
    let body = "(if (i32.ne (local.get 12) (i32.const 1)) (then unreachable))";
    let guest = Sketch::new().on("greet/**").answers("greet/*").handle(&format!("{body} {ECHO}"));
    let home = Home::start(&[("greet.wasm", &guest)]).await;
    assert_eq!(home.call("greet/me", "hi").await.expect("an answer").payload, "hi");
    home.stop().await;
}

#[tokio::test]
async fn publishing_without_a_grant_is_denied_with_the_line_to_add() {
    // Answers with the text of the error that `publish` gave: at 512 the result, at 520 the error, at 528 its text.
    let body = "
        (call $publish (i32.const 900) (i32.const 9) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
        (if (i32.eqz (i32.load8_u (i32.const 512))) (then unreachable))
        (local.set 2 (i32.load (i32.const 528))) (local.set 3 (i32.load (i32.const 532)))";
    let guest = Sketch::new()
        .answers("greet/*")
        .publishes("out/seen")
        .handle(&format!("{body} {ECHO}"))
        .with(r#"(data (i32.const 900) "elsewhere")"#);
    let home = Home::start(&[("greet.wasm", &guest)]).await;
    let answer = home.call("greet/me", "hi").await.expect("an answer").payload;
    let code = r#"its code does not declare that: publishes ["elsewhere"]"#;
    let line = r#"plugins: {each: {greet: {publishes: ["elsewhere"]}}}"#;
    let want = format!(
        "the plugin may not publish to `elsewhere`, nor call it: {code}; or the configuration would have to grant it: {line}"
    );
    assert_eq!(str::from_utf8(&answer), Ok(&*want));
    home.stop().await;
}

#[tokio::test]
async fn a_reload_that_is_asked_for_makes_a_new_generation() {
    let home = Home::start(&[("greet.wasm", &echo())]).await;
    let done = home.plugins.reload(Some("greet".into())).await.expect("reloaded");
    assert_eq!(done, [Reloaded { plugin: "greet".into(), generation: 2, problem: None }]);
    let unknown = home.plugins.reload(Some("other".into())).await.expect_err("no such plugin");
    assert_eq!(unknown.to_string(), "no plugin is called `other`");
    home.stop().await;
}

#[tokio::test]
async fn a_missing_folder_is_one_clear_error() {
    let config = Config { folders: vec!["/nowhere/at/all".into()], ..Config::default() };
    let bus = Bus::new(NodeId([7; 32]), Incarnation(1), Names::default());
    let error =
        Plugins::start(config, bus, Boards::new(NodeCard::default()), None, &Part::new("plugins")).await;
    let said = error.expect_err("an error").to_string();
    assert!(said.starts_with("cannot use the plugin folder: cannot watch /nowhere/at/all: "), "{said}");
}

#[tokio::test]
async fn a_timer_ticks_for_its_plugin_alone_and_waits_for_it() {
    let often = Sketch::new().timer("often", "@every 10ms");
    let busy = Sketch::new().timer("often", "@every 10ms").handle(SPIN);
    let limits = |config: &mut PluginConfig| {
        config.cpu = Some(Duration::from_millis(50));
        config.attempts = Some(1);
    };
    let home = Home::with(&[("often.wasm", &often), ("busy.wasm", &busy)], limits).await;
    let watching = home.subscribe("$timer/*").await;
    let handled = |card: Option<&PluginCard>| card.is_some_and(|card| card.work.handled.value() >= 5);
    home.until("ticks", "often", handled).await;
    let skipped = |card: Option<&PluginCard>| card.is_some_and(|card| card.work.dropped.value() > 0);
    home.until("ticks that are left out", "busy", skipped).await;
    assert_eq!(watching.queued(), 0, "a tick is the plugin's own");
    home.stop().await;
}

#[tokio::test]
async fn a_timer_without_a_schedule_is_refused() {
    let wishing = Sketch::new().timer("bad", "every now and then");
    let home = Home::start(&[("wishing.wasm", &wishing)]).await;
    let refused = |card: Option<&PluginCard>| card.is_some_and(|card| card.problem.is_some());
    home.until("a problem", "wishing", refused).await;
    let problem = home.card("wishing").and_then(|card| card.problem).expect("a problem");
    assert!(problem.contains("the timer `bad` cannot tick at `every now and then`"), "{problem}");
    home.stop().await;
}

/// Answers `ask/…` with what `deep/…` answers, itself; with the number of the error if there is none.
fn asks_itself() -> Sketch {
    let ask = "
        (if (i32.eqz (local.get 12)) (then
            (call $request (i32.const 900) (i32.const 6) (local.get 2) (local.get 3) (i32.const 0) (i32.const 0)
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                (i32.const 512))
            (if (i32.load8_u (i32.const 512))
                (then (local.set 2 (i32.const 520)) (local.set 3 (i32.const 1)))
                (else (local.set 2 (i32.load (i32.const 520))) (local.set 3 (i32.load (i32.const 524)))))))";
    Sketch::new()
        .answers("ask/*")
        .answers("deep/*")
        .publishes("deep/*")
        .handle(&format!("{ask} {ECHO}"))
        .with(r#"(data (i32.const 900) "deep/x")"#)
}

#[tokio::test]
async fn a_guest_that_waits_leaves_its_place_to_another_and_one_alone_is_told_of_the_deadlock() {
    let narrow = |config: &mut PluginConfig| config.pool_size = Some(1);
    let home = Home::with(&[("asks.wasm", &asks_itself())], narrow).await;
    for _ in 0..20 {
        assert_eq!(home.call("ask/x", "hi").await.expect("an answer").payload, "hi");
    }
    let asking = (0..8).map(|_| home.call("ask/x", "hi"));
    for answer in futures_util::future::join_all(asking).await {
        assert_eq!(answer.expect("an answer, however many wait").payload, "hi");
    }
    home.stop().await;
    let home = Home::start(&[("asks.wasm", &asks_itself().single())]).await;
    // `deadlock` is the seventh of the errors.
    assert_eq!(home.call("ask/x", "hi").await.expect("an answer at once").payload, &[6][..]);
    home.stop().await;
}

/// Fails as it is told that nobody answers; who asked, and who reads its log, is told where, and who may be meant.
#[tokio::test]
async fn a_guest_that_asks_in_vain_is_told_whom_it_may_have_meant() {
    let ask = "
        (call $request (i32.const 900) (i32.const 6) (local.get 2) (local.get 3) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 512))
        (if (i32.load8_u (i32.const 512)) (then unreachable))";
    let asks = Sketch::new().answers("ask/*").publishes("deep/*").handle(&format!("{ask} {ECHO}"));
    let asks = asks.with(r#"(data (i32.const 900) "deep/x")"#);
    let other = Sketch::new().answers("deep/xy").handle(ECHO);
    let home = Home::start(&[("asks.wasm", &asks), ("other.wasm", &other)]).await;
    let told = home.call("ask/it", "hi").await.expect_err("nobody answers").to_string();
    assert!(told.contains("(`deep/x`: did you mean `deep/xy`?)"), "{told}");
    home.stop().await;
}

/// Where event-engine hangs: each plugin publishes what the next one takes, and the publishers wait for the slower ones.
#[tokio::test]
async fn two_hundred_thousand_events_go_through_three_plugins() {
    const EVENTS: u32 = 200_000;
    let forwarder = |from: &str, to: &str| {
        let publish = "
            (call $publish (i32.const 900) (i32.const 7) (local.get 2) (local.get 3) (i32.const 0) (i32.const 0)
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
            (if (i32.load8_u (i32.const 512)) (then unreachable))
            i32.const 8";
        let data = format!(r#"(data (i32.const 900) "{to}")"#);
        Sketch::new().on(from).publishes(to).handle(publish).with(&data)
    };
    let chain =
        [forwarder("chain/1", "chain/2"), forwarder("chain/2", "chain/3"), forwarder("chain/3", "chain/4")];
    let home = Home::start(&[("a.wasm", &chain[0]), ("b.wasm", &chain[1]), ("c.wasm", &chain[2])]).await;
    let scope: Scope = home.bus.names().scope("chain/*").expect("a pattern");
    home.bus.policies(vec![(scope, WhenFull::Block(PATIENCE))]);
    let mut seen = home.subscribe("chain/4").await;
    let (bus, to) = (home.bus.clone(), home.bus.names().address("chain/1").expect("a channel"));
    let publishing = tokio::spawn(async move {
        let mut publisher = bus.publisher();
        for number in 0..EVENTS {
            publisher.publish(&to, Message::from(number.to_string())).await.expect("published");
        }
    });
    let mut numbers = Vec::new();
    while numbers.len() < EVENTS as usize {
        let payload = next(&mut seen).await.event.message.payload;
        numbers.push(str::from_utf8(&payload).expect("text").parse::<u32>().expect("a number"));
    }
    publishing.await.expect("published");
    assert!(numbers.iter().copied().eq(0..EVENTS), "all, and in order");
    assert_eq!(seen.missed(), 0);
    home.stop().await;
}
