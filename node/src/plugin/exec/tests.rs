//! Lives of processes on a real bus: real programs that fail to be plugins, and guests that come and go.

use std::path::Path;

use hive_proto::{
    channel::{Names, NetworkName},
    event::Message,
    id::{Incarnation, NodeId},
};
use tokio::time::timeout;

use super::*;
use crate::{
    bus::{Bus, CallError, Holder, Wanted},
    control::PluginVerb,
    dispatch::process::{Claim, Door, Given, Listen, Seat, door},
    plugin::{Config, Plugins, settings::Exec},
    shutdown::Part,
    status::{Boards, NodeCard, PluginCard, PluginState},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// A node's bus and plugins, with a door and no API behind it.
struct Home {
    bus: Bus,
    boards: Arc<Boards>,
    part: Part,
    plugins: Plugins,
    door: Door,
}

impl Home {
    async fn start(each: &[(&str, PluginConfig)]) -> Self {
        let names = Names::new(vec![NetworkName::parse("hive").expect("a network")]);
        let bus = Bus::new(NodeId([7; 32]), Incarnation(1), names);
        bus.confirmed(u64::MAX);
        let (boards, part) = (Boards::new(NodeCard::default()), Part::new("plugins"));
        let each = each.iter().map(|(name, config)| ((*name).to_owned(), config.clone())).collect();
        let config = Config { each, processes: true, ..Config::default() };
        let plugins = Plugins::start(config, bus.clone(), Arc::clone(&boards), None, &part).await;
        let (door, knocks) = door();
        let plugins = plugins.expect("plugins");
        timeout(PATIENCE, plugins.open(Path::new("/nowhere/node.sock"), knocks)).await.expect("open in time");
        Self { bus, boards, part, plugins, door }
    }

    fn card(&self, name: &str) -> Option<PluginCard> {
        self.boards.plugins.read().get(name).map(|card| PluginCard::clone(card))
    }

    fn problem(&self, name: &str) -> String {
        self.card(name).and_then(|card| card.problem).unwrap_or_default()
    }

    async fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let wait = async {
            while !done(self) {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what}: {:?}", self.boards.plugins.read()));
    }

    async fn publish(&self, channel: &str, payload: &str) {
        let to = self.bus.names().address(channel).expect("a channel");
        self.bus.publish(&to, payload.into()).await.expect("published");
    }

    async fn stop(self) {
        self.part.finish(PATIENCE).await.expect("it stops");
    }
}

fn claim(name: &str) -> Claim {
    let listen = Listen { pattern: "work/*".into(), answers: true, ..Listen::default() };
    Claim {
        name: name.into(),
        window: 1,
        listens: vec![listen],
        publishes: vec!["done/*".into()],
        ..Claim::default()
    }
}

fn exec(command: &[&str]) -> PluginConfig {
    let command = command.iter().map(|word| (*word).to_owned()).collect();
    let within = Duration::from_millis(200);
    let exec = Exec { command, folder: "/".into(), ready_within: within, stop_within: within };
    PluginConfig { exec: Some(exec), ..PluginConfig::default() }
}

async fn given(seat: &Seat) -> Given {
    let next = async {
        loop {
            if let Some(given) = seat.session.next_given() {
                return given;
            }
            seat.session.news().await;
        }
    };
    timeout(PATIENCE, next).await.expect("an event in time")
}

#[tokio::test]
async fn a_guest_is_a_plugin_and_its_events_wait_while_it_is_away() {
    let home = Home::start(&[]).await;
    let seat = home.door.knock(claim("guest")).await.expect("a seat");
    // It has joined, and is not ready.
    home.publish("work/1", "one").await;
    assert!(seat.session.next_given().is_none());
    let taken = home.door.knock(claim("guest")).await.expect_err("taken");
    assert!(taken.contains("one name is one process"), "{taken}");
    seat.session.ready();
    let one = given(&seat).await;
    assert_eq!((&one.event.message.payload[..], one.event.attempt), (&b"one"[..], 1));
    home.until("it runs", |home| home.card("guest").is_some_and(|card| card.state == PluginState::Running))
        .await;
    let card = home.card("guest").expect("a card");
    assert_eq!((card.generation, card.instances.as_str()), (1, "process, 1 at a time"));
    assert!(home.plugins.lanes("guest").is_some());
    // It goes in the middle of it, and something comes meanwhile.
    seat.session.over("it was unplugged");
    home.until("it is away", |home| home.problem("guest").contains("unplugged")).await;
    home.publish("work/2", "two").await;
    let seat = home.door.knock(claim("guest")).await.expect("a seat again");
    seat.session.ready();
    let mut both = Vec::new();
    for _ in 0..2 {
        let given = given(&seat).await;
        both.push((given.event.message.payload.to_vec(), given.event.attempt));
        seat.session.done(given.task, Message::default()).expect("in hand");
    }
    both.sort();
    assert_eq!(both, [(b"one".to_vec(), 2), (b"two".to_vec(), 1)]);
    home.until("it is the second", |home| home.card("guest").is_some_and(|card| card.generation == 2)).await;
    home.stop().await;
    assert_eq!(seat.session.ended().await, "the node lets it go");
}

/// Who asks a process that is away is told what is known of it, instead of waiting for as long as it would.
#[tokio::test]
async fn who_asks_a_process_that_is_away_is_told() {
    let home = Home::start(&[]).await;
    let seat = home.door.knock(claim("guest")).await.expect("a seat");
    seat.session.ready();
    home.until("it runs", |home| home.card("guest").is_some_and(|card| card.generation == 1)).await;
    seat.session.over("it was unplugged");
    home.until("it is away", |home| home.problem("guest").contains("unplugged")).await;
    let to = home.bus.names().address("work/1").expect("a channel");
    home.publish("work/1", "event").await;
    for _ in 0..2 {
        let told = home.bus.call(&to, "x".into(), PATIENCE).await.expect_err("nobody is there");
        let (kept, why) = ("is away (its place is kept for ", "it was unplugged");
        assert!(
            matches!(&told, CallError::Failed(told) if told.contains(kept) && told.contains(why)),
            "{told:?}"
        );
    }
    // Who else answers there is asked first.
    let wanted = Wanted { scope: home.bus.scope("work/*").expect("a pattern"), answers: true, group: None };
    let mut other = home.bus.subscribe(Holder::Client("other".into()), [wanted]).await.expect("subscribed");
    let answering = tokio::spawn(async move {
        while let Some(delivery) = other.next().await {
            delivery.request.into_iter().for_each(|request| request.answer(Ok("other".into())));
        }
    });
    for _ in 0..4 {
        assert_eq!(home.bus.call(&to, "x".into(), PATIENCE).await.expect("an answer").payload, "other");
    }
    answering.abort();
    assert!(answering.await.is_err_and(|error| error.is_cancelled()));
    // What is no question waits, and so does a question that comes with the next process.
    let seat = home.door.knock(claim("guest")).await.expect("a seat again");
    let asked = tokio::spawn({
        let bus = home.bus.clone();
        async move { bus.call(&to, "y".into(), PATIENCE).await }
    });
    seat.session.ready();
    for _ in 0..2 {
        let given = given(&seat).await;
        seat.session.done(given.task, "z".into()).expect("in hand");
    }
    assert_eq!(asked.await.expect("asked").expect("an answer").payload, "z");
    home.stop().await;
}

/// Who asks a process that is long in getting ready is told that, and what was asked before, as soon as it is ready.
#[tokio::test]
async fn who_asks_a_process_that_is_not_ready_is_told() {
    let home = Home::start(&[]).await;
    let seat = home.door.knock(claim("guest")).await.expect("a seat");
    let to = home.bus.names().address("work/1").expect("a channel");
    let told = home.bus.call(&to, "x".into(), PATIENCE).await.expect_err("it is not ready");
    let (want, before) =
        ("the process of the plugin `guest` is not ready yet (it has 9s for that)", Instant::now());
    assert_eq!(told, CallError::Failed(want.into()));
    assert!(home.bus.call(&to, "x".into(), PATIENCE).await.is_err() && before.elapsed() < away::SOON);
    seat.session.ready();
    let asked = tokio::spawn({
        let bus = home.bus.clone();
        async move { bus.call(&to, "y".into(), PATIENCE).await }
    });
    let given = given(&seat).await;
    seat.session.done(given.task, "z".into()).expect("in hand");
    assert_eq!(asked.await.expect("asked").expect("an answer").payload, "z");
    home.stop().await;
}

#[tokio::test]
async fn who_may_not_come_hears_why() {
    let home = Home::start(&[
        ("off", PluginConfig { enabled: Some(false), ..PluginConfig::default() }),
        ("mine", exec(&["sleep", "1000"])),
    ])
    .await;
    let check = async |claim: Claim, want: &str| {
        let why = home.door.knock(claim).await.expect_err(want);
        assert!(why.contains(want), "{why}");
    };
    check(claim("off"), "enabled: false").await;
    check(claim("two words"), "its name cannot be a plugin's").await;
    check(claim("$dead"), "begins with `$`").await;
    check(claim("mine"), "the node starts the plugin `mine` itself").await;
    check(Claim { token: Some("guessed".into()), ..claim("mine") }, "with its $HIVE_TOKEN").await;
    let listens = vec![Listen { pattern: "a//b".into(), ..Listen::default() }];
    check(Claim { listens, ..claim("odd") }, "`a//b` is no pattern").await;
    // Nothing is left of those that were not let in.
    home.until("nothing is left", |home| home.card("odd").is_none()).await;
    home.stop().await;
}

#[tokio::test]
async fn a_program_that_fails_to_be_a_plugin_says_why_and_is_started_again() {
    let home = Home::start(&[
        ("missing", exec(&["no-such-program", "x"])),
        ("ends", exec(&["sh", "-c", "echo no module named x >&2; exit 3"])),
        ("silent", exec(&["sleep", "1000"])),
    ])
    .await;
    for (name, want) in [
        ("missing", "the program `no-such-program` cannot be started: No such file"),
        ("ends", "before it was ready it ended with exit code 3; it said last: no module named x"),
        ("silent", "it did not connect to $HIVE_NODE and say `join` within 200ms"),
    ] {
        let problem = home.problem(name);
        assert!(problem.contains(want), "{name}: {problem}");
        let has_again = |home: &Home| home.card(name).is_some_and(|card| card.work.restarts.value() >= 2);
        home.until("it is started again", has_again).await;
    }
    let done = home.plugins.change(PluginVerb::Disable, "ends".into()).await.expect("done");
    assert_eq!((done[0].generation, &done[0].problem), (0, &None));
    let restarts = home.card("ends").expect("a card").work.restarts.value();
    let reload = home.plugins.reload(Some("silent".into())).await.expect("done");
    assert!(reload[0].problem.as_ref().is_some_and(|why| why.contains("`join`")), "{reload:?}");
    let card = home.card("ends").expect("a card");
    assert_eq!((card.state, card.work.restarts.value()), (PluginState::Disabled, restarts));
    home.stop().await;
}

#[tokio::test]
async fn a_guest_that_is_switched_off_is_not_let_in_until_it_is_on() {
    let home = Home::start(&[]).await;
    let seat = home.door.knock(claim("guest")).await.expect("a seat");
    seat.session.ready();
    home.until("it runs", |home| home.card("guest").is_some_and(|card| card.generation == 1)).await;
    home.plugins.change(PluginVerb::Disable, "guest".into()).await.expect("done");
    assert!(seat.session.is_over());
    let to = home.bus.names().address("work/1").expect("a channel");
    assert_eq!(home.bus.call(&to, "x".into(), PATIENCE).await, Err(CallError::NoResponder));
    let why = home.door.knock(claim("guest")).await.expect_err("off");
    assert!(why.contains("plugins enable guest"), "{why}");
    home.plugins.change(PluginVerb::Enable, "guest".into()).await.expect("done");
    let seat = home.door.knock(claim("guest")).await.expect("a seat");
    seat.session.ready();
    home.until("it runs", |home| home.card("guest").is_some_and(|card| card.generation == 2)).await;
    home.stop().await;
}

/// What is a process, a component or nothing follows the configuration, and a name is never two plugins.
#[tokio::test]
async fn processes_come_become_others_and_go_with_the_configuration() {
    let home = Home::start(&[]).await;
    let configure = async |each: &[(&str, PluginConfig)]| {
        let each = each.iter().map(|(name, config)| ((*name).to_owned(), config.clone())).collect();
        let config = Config { each, processes: true, ..Config::default() };
        home.plugins.configure(config, None, false).await.expect("configured")
    };
    let done = configure(&[("worker", exec(&["sh", "-c", "exit 3"]))]).await;
    assert_eq!((done.len(), done[0].plugin.as_str()), (1, "worker"));
    assert!(home.problem("worker").contains("exit code 3"), "{}", home.problem("worker"));
    let done = configure(&[("worker", exec(&["sh", "-c", "exit 4"]))]).await;
    assert!(done[0].problem.as_ref().is_some_and(|why| why.contains("exit code 4")), "{done:?}");
    assert_eq!(configure(&[("worker", exec(&["sh", "-c", "exit 4"]))]).await, []);
    configure(&[]).await;
    assert!(home.card("worker").is_none());
    // Its name is free for one that comes by itself, until the node is to start it again.
    let seat = home.door.knock(claim("worker")).await.expect("a seat");
    seat.session.ready();
    home.until("it runs", |home| home.card("worker").is_some_and(|card| card.generation == 1)).await;
    configure(&[("worker", exec(&["sh", "-c", "exit 5"]))]).await;
    assert!(seat.session.is_over());
    assert!(home.problem("worker").contains("exit code 5"), "{}", home.problem("worker"));
    home.stop().await;
}

/// Who failed for long waits for long; who is started by hand is another one.
#[tokio::test]
async fn a_program_that_is_started_by_hand_is_started_again_as_fast_as_the_first_time() {
    let home = Home::start(&[("ends", exec(&["sh", "-c", "exit 3"]))]).await;
    let restarts = |home: &Home| home.card("ends").map_or(0, |card| card.work.restarts.value());
    home.until("it waits for seconds", |home| restarts(home) >= 6).await;
    home.plugins.reload(Some("ends".into())).await.expect("done");
    let (began, before) = (Instant::now(), restarts(&home));
    home.until("it is started again", |home| restarts(home) >= before + 3).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    home.stop().await;
}

/// What was saved while a process got ready is what runs, and not after the time that the process had.
#[tokio::test]
async fn a_process_that_is_not_ready_yet_is_started_anew_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let started = folder.path().join("started");
    let says = format!("echo one more >> {}; exec sleep 1000", started.display());
    let mut config = exec(&["sh", "-c", &says]);
    config.exec.as_mut().expect("a program").ready_within = PATIENCE * 10;
    let home = Home::start(&[]).await;
    let count = || std::fs::read_to_string(&started).unwrap_or_default().lines().count();
    let config = Config { each: [("slow".into(), config)].into(), processes: true, ..Config::default() };
    tokio::select! {
        done = home.plugins.configure(config, None, false) => panic!("it is not ready: {done:?}"),
        () = home.until("it is started", |_| count() == 1) => {}
    }
    let reload = home.plugins.reload(Some("slow".into()));
    tokio::select! {
        done = reload => panic!("it is not ready: {done:?}"),
        () = home.until("another one is started", |_| count() == 2) => {}
    }
    home.stop().await;
}
