//! The client against the API over a real Unix socket, with a real bus behind it.

use std::{
    fs,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use hive_client::{
    CALL_TIMEOUT, Client, Error, Event, Failure, Incoming, Message, Subscription, Terms, locate,
    types::{self, Obstacle, code, trace::WayEnd},
};
use hive_proto::{
    channel::{Names, NetworkIndex, NetworkName},
    core::Place,
    frame::trace::{Hop, Onward},
    id::{Incarnation, NodeId},
    interest::{InterestOp, Wanted},
    io::{Ending, Step, Trail},
    limits::{PAYLOAD_BYTES_MAX, SUBSCRIPTION_QUEUE_EVENTS},
    pattern::Pattern,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};

use super::*;
use crate::{
    control::{
        self, Change, Configured, Control, ControlError, Missed, NearKey, Reloaded, Route, StateEntry,
        StateKeys, StateLook, StatePage, Turn, Visit,
    },
    dispatch::process,
    status::{self, NodeCard, PauseCard, PluginCard, PluginState, WantCard},
};

const SOON: Duration = Duration::from_secs(5);

/// An API over a bus that has no mesh, and a client of it.
struct Node {
    api: Api,
    client: Client,
    bus: Bus,
    boards: Arc<Boards>,
    requests: tokio::sync::mpsc::Receiver<Control>,
    _dir: tempfile::TempDir,
}

fn node() -> Node {
    let dir = tempfile::tempdir().expect("a directory");
    let network = |name| NetworkName::parse(name).expect("a network");
    let names = Names::new(vec![network("hive"), network("other")]);
    let bus = Bus::new(NodeId([7; 32]), Incarnation(1), names);
    // There is no control plane here to wait for.
    bus.confirmed(u64::MAX);
    let boards = Boards::new(NodeCard { id: NodeId([7; 32]), name: "kitchen".into(), ..NodeCard::default() });
    let (control, requests) = control::channel();
    let (door, _) = process::door();
    let processes = Part::new("processes");
    let means = Means { bus: bus.clone(), boards: Arc::clone(&boards), control, door, processes };
    let config = Config { socket: dir.path().join(locate::SOCKET_NAME), link: None };
    let api = Api::start(&config, means).expect("an API");
    api.open();
    let client = Client::new(api.socket());
    Node { api, client, bus, boards, requests, _dir: dir }
}

/// The node itself, as it sees itself.
fn kitchen() -> Place {
    let node = NodeId([7; 32]);
    Place { node, name: "kitchen".into(), via: None, links: vec![NodeId([8; 32])], patterns: 2 }
}

async fn next(subscription: &mut Subscription) -> Incoming {
    timeout(SOON, subscription.next()).await.expect("in time").expect("a socket").expect("not the end")
}

async fn next_event(subscription: &mut Subscription) -> Event {
    match next(subscription).await {
        Incoming::Event(event) => event,
        Incoming::Missed(count) => panic!("{count} events were missed"),
    }
}

fn refusal(error: Error) -> (String, String) {
    match error {
        Error::Refused(error) => {
            (error.code.clone(), format!("{} ({})", error.message, error.hint.unwrap_or_default()))
        }
        other => panic!("no refusal: {other}"),
    }
}

#[tokio::test]
async fn events_arrive_as_they_were_sent() {
    let node = node();
    let mut events =
        node.client.subscribe(["orders/*", "**"], Terms::default()).await.expect("a subscription");
    let sent = Message {
        payload: vec![0, 0xff, b'%'].into(),
        content_type: Some("image/x-odd; a=b".into()),
        key: Some("schlüssel 7".into()),
        headers: vec![("trace".into(), " 100% ".into()), ("trace".into(), "zwei\n".into())],
        ..Message::default()
    };
    let receipt = node.client.publish("orders/created", &sent).await.expect("a receipt");
    assert_eq!((receipt.local, receipt.peers), (1, 0), "one copy, however many patterns match");
    let event = next_event(&mut events).await;
    assert_eq!((event.id, event.message), (receipt.id, sent));
    assert_eq!(
        (event.channel.as_str(), event.network.as_str(), event.attempt),
        ("orders/created", "hive", 1)
    );
    assert_eq!(event.origin, "07".repeat(32));
    assert_eq!(event.request, None);
    node.client.publish("other/orders/created", &"x".into()).await.expect("a receipt");
    node.client.publish("bee_stuff", &"y".into()).await.expect("a receipt");
    assert_eq!(next_event(&mut events).await.channel, "bee_stuff", "a wildcard is of the home network");
}

#[tokio::test]
async fn many_publishes_go_over_one_connection_in_order() {
    let node = node();
    let mut events = node.client.subscribe(["a/b"], Terms::default()).await.expect("a subscription");
    let mut publisher = node.client.publisher().await.expect("a publisher");
    for number in 0..10_000_u32 {
        publisher.publish("a/b", &number.to_string().into()).await.expect("sent");
    }
    let done = publisher.finish().await.expect("accepted");
    assert_eq!((done.count, done.failed, done.local), (10_000, 0, 10_000));
    for number in 0..10_000_u32 {
        assert_eq!(next_event(&mut events).await.message.text(), Some(number.to_string().as_str()));
    }
    let mut publisher = node.client.publisher().await.expect("a publisher");
    publisher.publish("a/b", &"fine".into()).await.expect("sent");
    publisher.publish("a/*", &"not fine".into()).await.expect("sent");
    let (code, message) = refusal(publisher.finish().await.expect_err("refused"));
    assert_eq!(code, code::INVALID);
    assert!(message.starts_with("publish number 2: `a/*` is no channel"), "{message}");
}

#[tokio::test]
async fn a_slow_reader_is_told_how_many_it_missed() {
    let node = node();
    let mut slow = node.client.subscribe(["a/**"], Terms::default()).await.expect("a subscription");
    let mut quick = node.client.subscribe(["a/end"], Terms::default()).await.expect("a subscription");
    let mut publisher = node.client.publisher().await.expect("a publisher");
    // More than the queue and everything on the way to the reader can hold.
    let (count, payload) = (40_000_usize, "x".repeat(1000));
    for _ in 0..count {
        publisher.publish("a/b", &payload.as_str().into()).await.expect("sent");
    }
    publisher.publish("a/end", &"end".into()).await.expect("sent");
    publisher.finish().await.expect("accepted");
    assert_eq!(next_event(&mut quick).await.channel, "a/end", "nobody else is harmed");
    let (mut came, mut missed) = (0, 0);
    loop {
        match next(&mut slow).await {
            Incoming::Event(event) if event.channel == "a/end" => break,
            Incoming::Event(_) => came += 1,
            Incoming::Missed(more) => missed += more,
        }
    }
    assert!(missed > 0);
    assert_eq!(came + usize::try_from(missed).expect("few"), count, "every event came or was counted");
    const { assert!(SUBSCRIPTION_QUEUE_EVENTS > 40_000, "the queue was full by its bytes") };
}

#[tokio::test]
async fn calls_are_answered_refused_or_time_out() {
    let node = node();
    let call = async |channel: &str, text: &str| node.client.call(channel, &text.into(), CALL_TIMEOUT).await;
    let (code, message) = refusal(call("greeter/hello", "x").await.expect_err("nobody"));
    assert_eq!(code, code::NO_RESPONDER);
    assert!(message.contains("`greeter/hello`"), "{message}");
    let (_, message) = refusal(call("hello", "x").await.expect_err("nobody"));
    assert!(message.contains("never leaves this node"), "{message}");

    let mut responder =
        node.client.subscribe(["greeter/*"], Terms::answering()).await.expect("a subscription");
    let answering = tokio::spawn(async move {
        for _ in 0..3 {
            let event = next_event(&mut responder).await;
            let request = event.request.expect("a request");
            assert!(request.timeout_ms > 4000 && request.timeout_ms <= 5000, "{request:?}");
            let answer = match event.message.text() {
                Some("fail") => Err(Failure::Failed("passing trouble".into())),
                Some("reject") => Err(Failure::Rejected("not a name".into())),
                _ => Ok(Message { content_type: Some("text/plain".into()), ..Message::from("hello") }),
            };
            responder.answer(request, answer).await.expect("answered");
        }
        // The fourth is let go with its socket.
        next_event(&mut responder).await;
    });
    let answer = call("greeter/hello", "x").await.expect("an answer");
    assert_eq!((answer.text(), answer.content_type.as_deref()), (Some("hello"), Some("text/plain")));
    let (code, message) = refusal(call("greeter/hello", "fail").await.expect_err("failed"));
    assert_eq!(code, code::FAILED);
    assert!(message.contains("passing trouble"), "{message}");
    let (code, _) = refusal(call("greeter/hello", "reject").await.expect_err("rejected"));
    assert_eq!(code, code::REJECTED);
    let (code, _) = refusal(call("greeter/hello", "let go").await.expect_err("let go"));
    assert_eq!(code, code::FAILED);
    answering.await.expect("the responder");

    let _silent = node.client.subscribe(["silent/one"], Terms::answering()).await.expect("a subscription");
    let late = node.client.call("silent/one", &"x".into(), Duration::from_millis(50)).await;
    assert_eq!(refusal(late.expect_err("late")).0, code::TIMEOUT);
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_the_reason() {
    let node = node();
    let big = Message::new(vec![b'x'; PAYLOAD_BYTES_MAX + 1]);
    assert_eq!(refusal(node.client.publish("a/b", &big).await.expect_err("big")).0, code::TOO_LARGE);
    let most = Message::new(vec![b'x'; PAYLOAD_BYTES_MAX]);
    assert!(node.client.publish("a/b", &most).await.is_ok());
    let reserved = node.client.publish("$dead/x", &"x".into()).await.expect_err("reserved");
    assert_eq!(refusal(reserved).0, code::INVALID);
    let (code, message) = refusal(node.client.publish("a/*", &"x".into()).await.expect_err("a pattern"));
    assert_eq!(code, code::INVALID);
    assert!(message.contains("wildcards belong in the patterns"), "{message}");
    let local = node.client.publish("other/bee", &"x".into()).await.expect_err("local in a network");
    assert_eq!(refusal(local).0, code::INVALID);
    let (code, message) =
        refusal(node.client.subscribe(["a/b*"], Terms::default()).await.expect_err("no pattern"));
    assert_eq!(code, code::INVALID);
    assert!(message.contains("`a/b*` is no pattern"), "{message}");
}

/// What the API answers to bytes that no client of ours sends.
async fn raw(node: &Node, request: &str) -> String {
    let mut stream = UnixStream::connect(node.api.socket()).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = String::new();
    timeout(SOON, stream.read_to_string(&mut answer)).await.expect("in time").expect("read");
    answer
}

#[tokio::test]
async fn every_error_is_json() {
    let node = node();
    let check = async |line: &str, head: &str, status: &str, says: &str| {
        let request = format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{head}\r\n");
        let answer = raw(&node, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{line}: {answer}");
        let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
        assert!(body.starts_with(r#"{"v":1,"error":{"code":"#) && body.contains(says), "{line}: {answer}");
    };
    check("GET /v2/status", "", "404", "there is nothing at /v2/status").await;
    check("DELETE /v1/status", "", "400", "does not take DELETE").await;
    for verb in ["publish", "call", "trace"] {
        check(&format!("POST /v1/{verb}/"), "", "400", "the channel is empty").await;
    }
    check("POST /v1/publish/a%FF", "", "400", "UTF-8").await;
    check("POST /v1/publish/a/b", "hive-key: %FF\r\n", "400", "`hive-key` is no UTF-8").await;
    check("POST /v1/call/a/b?timeout=5", "", "400", "has no unit").await;
    check("GET /v1/socket", "", "400", "header").await;
}

#[tokio::test]
async fn nonsense_on_a_socket_is_answered_and_survived() {
    let node = node();
    let mut stream = web_socket(&node).await;
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::Message as Frame;
    for nonsense in ["", "{}", "[1]", r#"{"type":"dance"}"#, r#"{"type":"publish","channel":7}"#] {
        stream.send(Frame::text(nonsense)).await.expect("sent");
        let answer = timeout(SOON, stream.next()).await.expect("in time").expect("a frame").expect("a frame");
        let text = answer.to_text().expect("text");
        assert!(text.starts_with(r#"{"type":"error","v":1,"error":{"code":"invalid""#), "{nonsense}: {text}");
    }
    stream.send(Frame::text(r#"{"type":"publish","channel":"a/b","payload":"x"}"#)).await.expect("sent");
    let answer = timeout(SOON, stream.next()).await.expect("in time").expect("a frame").expect("a frame");
    assert_eq!(
        answer.to_text().expect("text"),
        r#"{"type":"published","v":1,"count":1,"failed":0,"local":0,"peers":0}"#
    );
}

async fn the_configuration_is_read_again(client: &Client) {
    let done = client.reload_config(true).await.expect("looked at");
    assert_eq!((done.file.as_deref(), done.check, done.restart.len()), (Some("/etc/hive.yaml"), true, 0));
    assert_eq!(done.applied, [types::KeyChange { key: "channels".into(), change: types::KeyTurn::Changed }]);
    assert_eq!(done.plugins[0].name, "greet");
    let (code, message) = refusal(client.reload_config(false).await.expect_err("refused"));
    assert_eq!((code.as_str(), message.as_str()), (code::CONFIGURATION, "error: no ()"));
}

fn configured() -> Configured {
    Configured {
        file: Some("/etc/hive.yaml".into()),
        applied: vec![Change { key: "channels".into(), turn: Turn::Changed }],
        plugins: vec![Reloaded { plugin: "greet".into(), generation: 4, problem: None }],
        ..Configured::default()
    }
}

/// A plugin's card.
fn greet() -> PluginCard {
    PluginCard {
        file: "/plugins/greet.wasm".into(),
        state: PluginState::Running,
        generation: 3,
        hash: "abc".into(),
        size_bytes: 10,
        version: "0.1.0".into(),
        instances: "pool".into(),
        wants: vec![WantCard { pattern: "greeter/*".into(), answers: true }],
        loaded: None,
        problem: None,
        waits: vec!["publish to `out/*`".into()],
        limits: None,
        state_quota_bytes: 0,
        work: Arc::default(),
        lines: Arc::default(),
    }
}

#[tokio::test]
async fn why_a_plugin_is_paused_is_shown_and_where_the_node_is() {
    let node = node();
    let (card, since) = (greet(), SystemTime::UNIX_EPOCH + Duration::from_secs(7));
    card.work.pause.set(Some(PauseCard { why: "it broke".into(), since, until: None }));
    node.boards.plugins.change(|plugins| drop(plugins.insert("greet".into(), Arc::new(card.clone()))));
    let status = node.client.status().await.expect("a status");
    let pause =
        status.plugins[0].pause.as_ref().map(|pause| (pause.why.as_str(), pause.since_ms, pause.until_ms));
    assert_eq!(pause, Some(("it broke", 7_000, None)));
    assert_eq!(status.node.socket.as_deref(), node.api.socket().to_str());
}

#[tokio::test]
async fn the_boards_are_shown_and_reloads_are_asked_for() {
    let mut node = node();
    let card = greet();
    card.work.handled.add(5);
    node.boards.plugins.change(|plugins| drop(plugins.insert("greet".into(), Arc::new(card.clone()))));
    node.client.publish("a/b", &"x".into()).await.expect("published");
    let status = node.client.status().await.expect("a status");
    assert_eq!((status.node.name.as_str(), status.events.published), ("kitchen", 1));
    assert_eq!((status.plugins[0].generation, status.plugins[0].work.handled), (3, 5));
    assert_eq!(status.plugins[0].waits, ["publish to `out/*`"]);
    assert_eq!(node.client.plugins().await.expect("plugins").plugins, status.plugins);
    assert_eq!(node.client.peers().await.expect("peers").peers, []);

    let root = tokio::spawn(async move {
        while let Some(request) = node.requests.recv().await {
            match request {
                Control::Reload { plugin: Some(plugin), reply } if plugin == "greet" => {
                    drop(reply.send(Ok(vec![Reloaded { plugin, generation: 4, problem: None }])));
                }
                Control::Reload { plugin, reply } => {
                    drop(reply.send(Err(ControlError::UnknownPlugin(plugin.unwrap_or_default()))));
                }
                Control::Replay { replay, reply } => {
                    drop(reply.send(Err(ControlError::UnknownPlugin(replay.plugin))));
                }
                Control::Plugin { verb, plugin, reply } => {
                    let problem = Some(format!("{verb:?}"));
                    drop(reply.send(Ok(vec![Reloaded { plugin, generation: 4, problem }])));
                }
                Control::State { look, reply } => drop(reply.send(kept(look))),
                Control::Graph { reply } => drop(reply.send(vec![vec![kitchen()]])),
                Control::Trace { route, reply } => drop(reply.send(asked(&route))),
                Control::Visit { reply, .. } => drop(reply.send(vec![stranger()])),
                Control::Configure { check: true, reply } => drop(reply.send(Ok(configured()))),
                Control::Configure { reply, .. } => {
                    drop(reply.send(Err(ControlError::Configuration("error: no".into()))));
                }
                Control::Stop { reply } => drop(reply.send(())),
            }
        }
    });
    assert_eq!(node.client.reload(Some("greet")).await.expect("reloaded").plugins[0].generation, 4);
    let client = &node.client;
    for (done, verb) in [
        (client.rollback("a/b ü").await, "Rollback"),
        (client.approve("a/b ü").await, "Approve"),
        (client.enable("a/b ü").await, "Enable"),
        (client.disable("a/b ü").await, "Disable"),
    ] {
        let done = done.expect("done").plugins.remove(0);
        assert_eq!((done.name.as_str(), done.problem.as_deref()), ("a/b ü", Some(verb)));
    }
    the_configuration_is_read_again(client).await;
    let (code, message) = refusal(node.client.reload(Some("a/b ü")).await.expect_err("unknown"));
    assert_eq!((code.as_str(), message.as_str()), (code::NOT_FOUND, UNKNOWN));
    what_a_plugin_keeps_is_read(client).await;
    let graph = node.client.graph().await.expect("a graph");
    assert_eq!((graph.networks.len(), graph.networks[0].network.as_str()), (1, "hive"));
    let seen = &graph.networks[0].nodes[0];
    assert_eq!(
        (seen.name.as_str(), seen.links.len(), seen.via.clone(), seen.patterns),
        ("kitchen", 1, None, 2)
    );
    let visit = node.client.visit("[::1]:7182".parse().expect("an address")).await.expect("a visit");
    let [only] = &visit.tries[..] else { panic!("one network: {visit:?}") };
    let seen = (visit.addr.as_str(), only.network.as_str(), only.ours, only.obstacle, only.clock_ms);
    assert_eq!(seen, ("[::1]:7182", "vault", true, Some(Obstacle::Network), None));
    node.client.stop().await.expect("stopping");
    root.abort();
}

/// What is said of a plugin that is not there, and not nearly.
const UNKNOWN: &str = "no plugin is called `a/b ü` (`plugins` lists those that are here)";

/// What was looked at, as a value of three bytes that ends.
fn kept(look: StateLook) -> Result<StatePage, ControlError> {
    let StateLook { plugin, at } = look;
    let key = match (&*plugin, at) {
        ("greet", StateKeys::Page { prefix, after, most }) => format!("{prefix} {after:?} {most}"),
        ("greet", StateKeys::One(key)) if key == "a b&c=+" => key,
        ("greet", StateKeys::One(key)) => {
            return Err(ControlError::UnknownKey { plugin, key, near: NearKey::Is("a b".into()) });
        }
        _ => return Err(ControlError::UnknownPlugin(plugin)),
    };
    let entry = StateEntry { key, value: vec![0xff].into(), size_bytes: 3, ends_ms: Some(9) };
    Ok(StatePage { entries: vec![entry], more: 7, is_more_uncounted: true, bytes: 4, quota_bytes: 5 })
}

async fn what_a_plugin_keeps_is_read(client: &Client) {
    let page = client.plugin_state("greet", "ü/", Some("ü/&"), 3).await.expect("a page");
    let types::StateEntry { key, size_bytes, value, cut, ends_ms } = &page.entries[0];
    assert_eq!((key.as_str(), *size_bytes, *cut, *ends_ms), ("ü/ Some(\"ü/&\") 3", 3, true, Some(9)));
    assert_eq!((value.as_ref(), page.more, page.more_uncounted), (&[0xff][..], 7, true));
    assert_eq!((page.name.as_str(), page.bytes, page.quota_bytes), ("greet", 4, 5));
    let one = client.plugin_state_value("greet", "a b&c=+").await.expect("a value");
    assert_eq!(one.entries[0].key, "a b&c=+");
    let (code, message) = refusal(client.plugin_state_value("greet", "ab").await.expect_err("unknown"));
    let want = "`greet` keeps nothing under `ab` (did you mean `a b`?)";
    assert_eq!((code.as_str(), message.as_str()), (code::NOT_FOUND, want));
    let (_, message) = refusal(client.plugin_state("gret", "", None, 1).await.expect_err("unknown"));
    assert_eq!(message, "no plugin is called `gret` (did you mean `greet`?)");
}

/// The way to the first who was asked for, over nobody, as far as was heard.
fn asked(route: &Route) -> Vec<Trail> {
    let onward = Onward {
        to: NodeId([9; 32]),
        addr: SocketAddr::from(([10, 0, 0, 9], 7182)),
        rtt_us: Some(300),
        queued_bytes: 70,
        queued_events: 2,
    };
    let here = Hop { node: NodeId([7; 32]), name: "kitchen".into(), took_us: 5, onward: Some(onward) };
    let steps = vec![Step { hop: here, heard: Duration::ZERO }];
    let trail = |to: &NodeId| Trail { destination: *to, steps: steps.clone(), end: Ending::Silent };
    route.destinations.iter().map(trail).collect()
}

#[tokio::test]
async fn ways_are_asked_for_and_told() {
    let mut node = node();
    let (far, home) = (NodeId([9; 32]), NetworkIndex::HOME);
    node.bus.peer_up(home, far, "cellar");
    let wish = Wanted::new(Pattern::parse("a/*").expect("a pattern"), false);
    let _ = node.bus.peer_interest(home, far, true, &[InterestOp::Add(wish)]);
    let _here = node.client.subscribe(["a/**", "bee"], Terms::default()).await.expect("a subscription");
    let root = tokio::spawn(async move {
        let mut patience = Vec::new();
        for _ in 0..3 {
            let Some(Control::Trace { route, reply }) = node.requests.recv().await else { break };
            patience.push((route.patience, route.destinations.len()));
            drop(reply.send(asked(&route)));
        }
        patience
    });
    let told = node.client.trace("a/b", 3 * SOON).await.expect("a trace");
    assert_eq!((told.channel.as_str(), told.network.as_str(), told.strictly_local), ("a/b", "hive", false));
    assert_eq!((told.local.subscribers, &told.local.patterns[..]), (1, &["a/**".to_owned()][..]));
    let [way] = &told.ways[..] else { panic!("one way: {told:?}") };
    assert_eq!((way.name.as_str(), &way.patterns[..]), ("cellar", &["a/*".to_owned()][..]));
    let at = way.at.as_ref().map(|at| at.name.as_str());
    assert_eq!((way.end, at, way.hops[0].heard_us), (WayEnd::Silent, Some("cellar"), 0));
    let onward = way.hops[0].onward.as_ref().expect("it goes on");
    assert_eq!((onward.addr.as_str(), onward.rtt_us, onward.queued_events), ("10.0.0.9:7182", Some(300), 2));

    let told = node.client.trace("bee", 3600 * SOON).await.expect("a trace");
    assert_eq!((told.strictly_local, told.local.subscribers, told.ways.len()), (true, 1, 0));
    let told = node.client.trace("$node/joined", SOON).await.expect("a trace");
    assert_eq!((told.strictly_local, told.local.subscribers, told.ways.len()), (true, 0, 0));
    let longest = Duration::from_secs(60);
    assert_eq!(root.await.expect("it was asked"), [(3 * SOON, 1), (longest, 0), (SOON, 0)]);
    let (code, message) = refusal(node.client.trace("a/*", SOON).await.expect_err("no channel"));
    assert_eq!(code, code::INVALID);
    assert!(message.contains("wildcards belong in the patterns"), "{message}");
}

/// What came of a visit where another secret holds.
fn stranger() -> Visit {
    let missed = Missed { obstacle: status::Obstacle::Network, why: "another secret".into() };
    Visit { network: "vault".into(), ours: true, outcome: Err(missed) }
}

#[tokio::test]
async fn stopping_hands_over_what_is_queued_and_closes() {
    let node = node();
    let mut events = node.client.subscribe(["a/b"], Terms::default()).await.expect("a subscription");
    for number in 0..1000_u32 {
        node.client.publish("a/b", &number.to_string().into()).await.expect("published");
    }
    let socket = node.api.socket().to_owned();
    let (finished, ()) = tokio::join!(node.api.part().finish(SOON), async {
        for _ in 0..1000 {
            next_event(&mut events).await;
        }
        assert_eq!(timeout(SOON, events.next()).await.expect("in time").expect("a close"), None);
    });
    finished.expect("nothing was cut off");
    drop(node.api);
    assert!(!socket.exists());
    let gone = node.client.status().await.expect_err("gone");
    assert!(gone.is_unreachable() || matches!(gone, Error::Lost(_)), "{gone}");
    assert!(fs::read_dir(socket.parent().expect("a directory")).expect("entries").next().is_none());
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_so() {
    let node = node();
    let mut kept = Vec::new();
    for _ in 0..1024 {
        kept.push(UnixStream::connect(node.api.socket()).await.expect("a connection"));
    }
    let (code, message) = refusal(node.client.status().await.expect_err("full"));
    assert_eq!(code, code::UNAVAILABLE);
    assert!(message.contains("as many connections as it may"), "{message}");
    let (code, _) = refusal(node.client.subscribe(["a/b"], Terms::default()).await.expect_err("full"));
    assert_eq!(code, code::UNAVAILABLE);
    drop(kept);
    let served = async {
        while Client::new(node.api.socket()).status().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, served).await.expect("there is room again");
}

async fn web_socket(node: &Node) -> tokio_tungstenite::WebSocketStream<UnixStream> {
    let stream = UnixStream::connect(node.api.socket()).await.expect("a connection");
    tokio_tungstenite::client_async("ws://hive/v1/socket", stream).await.expect("a socket").0
}
