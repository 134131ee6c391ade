//! EventHive's own processes beside bridges to it: as connectors, as servers, over Redis, and its command line.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use anyhow::{Context as _, Result, ensure};
use hive_client::{Event, Message, Subscription, Terms};
use hive_tests::{
    brokers::certificate,
    nodes::Node,
    ports::free_port,
    programs::Program,
    python::venv,
    wait::{MOMENT, until, within},
};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use super::{EVENTHIVE, Stage, publish_until};
use crate::{next, write};

const SECRET: &str = "m1s3cr3t";

impl Stage {
    /// A process of EventHive's: which events it hooks, and which it publishes.
    fn eventhive(&self, name: &str, config: &str, hooks: &[&str], publishes: &[&str]) -> Result<Program> {
        let file = write(self.folder.path(), &format!("{name}.eventhive.yaml"), config)?;
        let args = [&[file.as_str()], hooks, &["--"], publishes].concat();
        self.peer(name, EVENTHIVE, "eventhive_peer.py", &args)
    }
}

fn connector(input: &str, secret: &str) -> String {
    format!(
        "connectors:\n  net:\n    pubsub_type: fastapi\n    input_channel: '{input}'\n    secret: '{secret}'\n    \
         init: {{ host: 127.0.0.1, port: 8085, endpoint: /pubsub }}\n"
    )
}

fn server() -> String {
    "servers:\n  net:\n    pubsub_type: fastapi\n    create: always\n    broadcast: true\n    \
     init: { host: 0.0.0.0, port: 8085, endpoint: /pubsub }\n"
        .to_owned()
}

fn redis(input: &str, secret: &str) -> String {
    format!(
        "connectors:\n  net:\n    pubsub_type: redis\n    input_channel: {input}\n    secret: '{secret}'\n    \
         init: {{ host: 127.0.0.1, port: 6379, db: 0 }}\n"
    )
}

async fn subscribed(node: &Node, pattern: &str) -> Result<Subscription> {
    Ok(node.client().subscribe([pattern], Terms::default()).await?)
}

/// Tells a process to publish until a subscription has something. Returns its channel and what it says.
async fn comes(
    program: &mut Program,
    line: &str,
    subscription: &mut Subscription,
) -> Result<(String, Value)> {
    let event = arrives(program, line, subscription).await?;
    let payload = serde_json::from_str(event.message.text().unwrap_or_default())?;
    Ok((event.channel, payload))
}

/// The same, as it arrives.
async fn arrives(program: &mut Program, line: &str, subscription: &mut Subscription) -> Result<Event> {
    let told = until("what EventHive publishes to come", MOMENT, async || {
        program.tell(line).ok()?;
        let coming = next(subscription, "an event");
        tokio::time::timeout(Duration::from_secs(2), coming).await.ok()?.ok()
    });
    told.await.with_context(|| program.printed())
}

/// Real connectors publish and hear at the listener, with a secret and without.
#[tokio::test(flavor = "multi_thread")]
async fn connectors_talk_with_the_mesh_at_the_listener() -> Result<()> {
    for secret in ["", SECRET] {
        let stage = Stage::new(1)?;
        let said = if secret.is_empty() { String::new() } else { format!(", secret: {secret}") };
        let config = format!("version: 1\nbridges: {{ eventhive: [{{ listen: 127.0.0.1:8085{said} }}] }}\n");
        let hive = stage.node("hive", &config).await?;
        let mut worker =
            stage.eventhive("worker", &connector("worker", secret), &["worker/do"], &["net/other/thing"])?;
        worker.says("initialised [\"net\"]").await?;
        let message = json!({ "n": 7, "é": [1.5, null] });
        publish_until(&hive, ("eventhive/net/worker/do", &message), &mut worker, "\"n\": 7").await?;
        ensure!(worker.stdout().contains("\"event\": \"worker/do\""), "{}", worker.printed());

        let mut events = subscribed(&hive, "eventhive/**").await?;
        let (channel, payload) =
            comes(&mut worker, r#"net/other/thing {"a": 1.5, "t": "é"}"#, &mut events).await?;
        ensure!(channel == "eventhive/net/other/thing", "{channel}");
        ensure!(payload == json!({ "a": 1.5, "t": "é" }), "{payload}");
    }
    Ok(())
}

/// Whoever has another secret, or none, is not heard; garbage and a flood harm nobody.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_at_the_listener_are_dropped_and_counted() -> Result<()> {
    let stage = Stage::new(1)?;
    let config =
        format!("version: 1\nbridges: {{ eventhive: [{{ listen: '10.77.0.1:8085', secret: {SECRET} }}] }}\n");
    let hive = stage.node("hive", &config).await?;
    let local = connector("", "another").replace("127.0.0.1", "10.77.0.1");
    let mut stranger = stage.eventhive("stranger", &local, &[], &["net/x/y"])?;
    stranger.says("initialised").await?;
    stranger.tell(r#"net/x/y {"a": 1}"#)?;
    super::bridge_says(&hive, "garbage").await?;
    let friend = connector("", SECRET).replace("127.0.0.1", "10.77.0.1");
    let mut friend = stage.eventhive("friend", &friend, &[], &["net/x/z"])?;
    friend.says("initialised").await?;
    let mut events = subscribed(&hive, "eventhive/**").await?;
    let (channel, _) = comes(&mut friend, r#"net/x/z {"a": 2}"#, &mut events).await?;
    ensure!(channel == "eventhive/net/x/z", "{channel}");
    Ok(())
}

/// What is no WebSocket, asks for another path, or says nonsense is turned away, and the next one is served.
#[tokio::test(flavor = "multi_thread")]
async fn garbage_at_the_listener_ends_one_connection() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let addr = SocketAddr::from(([127, 0, 0, 1], free_port()?));
    let config = format!("version: 1\nbridges: {{ eventhive: [{{ listen: '{addr}' }}] }}\n");
    let file = write(folder.path(), "hive.yaml", &config)?;
    let mut hive = crate::node("hive").arg("--config").arg(file).start().await?;
    hive.says("up: ws://").await?;
    for garbage in [
        &b"\x00\xff\x00"[..],
        b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /pubsub HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(addr).await?;
        stream.write_all(garbage).await?;
        stream.shutdown().await?;
        let mut rest = Vec::new();
        let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest);
        // A reset will do as well.
        let _ = within("the connection to end", MOMENT, read).await?;
    }
    let (mut socket, _) = within(
        "a WebSocket",
        MOMENT,
        tokio_tungstenite::client_async(format!("ws://{addr}/pubsub"), TcpStream::connect(addr).await?),
    )
    .await??;
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::Message as Frame;
    socket.send(Frame::text(r#"{"request":{"method":"_ping_","arguments":{},"call_id":"c"}}"#)).await?;
    let answer = within("pong", MOMENT, socket.next()).await?.context("an answer")??;
    ensure!(answer.to_text()?.contains("\"pong\""), "{answer:?}");
    socket.send(Frame::text("{]")).await?;
    let closed = within("a close", MOMENT, socket.next()).await?.context("a frame")??;
    ensure!(matches!(closed, Frame::Close(Some(_))), "{closed:?}");
    Ok(())
}

/// A real server that is away at first, is there, is killed, and comes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_may_come_and_go() -> Result<()> {
    let stage = Stage::new(1)?;
    let hive = stage
        .node(
            "hive",
            "version: 1\nbridges:\n  eventhive:\n    - connect: ws://127.0.0.1:8085/pubsub\n      \
             import: ['net/hive/**']\n      export: ['eventhive/net/worker/**']\n",
        )
        .await?;
    super::bridge_says(&hive, "refused").await?;
    for round in 1..=2 {
        let config = server() + &connector("worker", "");
        let name = format!("server-{round}");
        let mut both = stage.eventhive(&name, &config, &["worker/do"], &["net/hive/thing"])?;
        both.says("initialised").await?;
        let text = format!("\"round\": {round}");
        publish_until(&hive, ("eventhive/net/worker/do", &json!({ "round": round })), &mut both, &text)
            .await?;
        let mut events = subscribed(&hive, "eventhive/net/hive/*").await?;
        let (channel, payload) = comes(&mut both, r#"net/hive/thing {"a": 1}"#, &mut events).await?;
        ensure!(channel == "eventhive/net/hive/thing" && payload == json!({ "a": 1 }), "{channel} {payload}");
        // Its forked server goes with it.
        both.kill().await?;
        super::bridge_says(&hive, "waiting").await?;
    }
    Ok(())
}

/// EventHive's own YAML is a configuration of a node; Redis may send anything, and be started again.
#[tokio::test(flavor = "multi_thread")]
async fn an_eventhive_file_runs_as_it_is_over_redis() -> Result<()> {
    let stage = Stage::new(1)?;
    let start = || stage.server("redis-server", &["--port", "6379", "--save", "", "--appendonly", "no"]);
    let mut server = start()?;
    server.says("Ready to accept connections").await?;
    let hive = stage.node("hive", &redis("cave", SECRET)).await?;
    let mut worker =
        stage.eventhive("worker", &redis("worker", SECRET), &["worker/do"], &["net/cave/thing"])?;
    worker.says("initialised").await?;
    publish_until(&hive, ("net/worker/do", &json!({ "n": 1 })), &mut worker, "\"n\": 1").await?;
    let mut events = subscribed(&hive, "cave/*").await?;
    let (channel, payload) = comes(&mut worker, r#"net/cave/thing {"a": [1, 2.50]}"#, &mut events).await?;
    ensure!(channel == "cave/thing" && payload == json!({ "a": [1, 2.5] }), "{channel} {payload}");

    for garbage in ["[1,2]", "nonsense", "{\"a\":1}"] {
        let mut cli = stage.server("redis-cli", &["publish", "net/cave/thing", garbage])?;
        ensure!(cli.ends().await?.success(), "{}", cli.printed());
    }
    super::bridge_says(&hive, "garbage").await?;
    server.kill().await?;
    super::bridge_says(&hive, "waiting").await?;
    let mut server = start()?;
    server.says("Ready to accept connections").await?;
    let (channel, _) = comes(&mut worker, r#"net/cave/thing {"again": true}"#, &mut events).await?;
    ensure!(channel == "cave/thing", "{channel}");
    publish_until(&hive, ("net/worker/do", &json!({ "n": 2 })), &mut worker, "\"n\": 2").await
}

/// A server behind one that ends TLS, and a Redis that speaks it: both are believed by a certificate, and only by it.
#[tokio::test(flavor = "multi_thread")]
async fn tls_is_spoken_to_a_server_and_to_redis() -> Result<()> {
    let stage = Stage::new(1)?;
    let (certificate, key) = certificate(stage.folder.path())?;
    let [certificate, key] = [&certificate, &key].map(|file| file.display().to_string());
    let mut front = stage.peer("front", EVENTHIVE, "tls_front.py", &[&certificate, &key, "8443", "8085"])?;
    front.says("ready").await?;
    let tls = ["--tls-port", "6380", "--tls-auth-clients", "no", "--tls-cert-file", &certificate];
    let args = ["--port", "6379", "--save", "", "--tls-key-file", &key];
    let mut redis_server = stage.server("redis-server", &[&args[..], &tls].concat())?;
    redis_server.says("Ready to accept connections").await?;
    let mut peers = Vec::new();
    for (name, config) in [("web", server() + &connector("worker", "")), ("redis", redis("worker", ""))] {
        let mut peer = stage.eventhive(name, &config, &["worker/do"], &["net/hive/thing"])?;
        peer.says("initialised").await?;
        peers.push(peer);
    }
    for ((name, addr), peer) in [("web", "wss://localhost:8443/pubsub"), ("redis", "rediss://localhost:6380")]
        .into_iter()
        .zip(&mut peers)
    {
        let config = |ca: &str| {
            format!(
                "version: 1\nbridges:\n  eventhive:\n    - connect: '{addr}'\n{ca}      import: ['net/hive/**']\n      \
                 export: ['eventhive/net/worker/**']\n"
            )
        };
        let stranger = stage.node(&format!("{name}-stranger"), &config("")).await?;
        super::bridge_says(&stranger, "certificate").await?;
        drop(stranger);
        let hive = stage.node(name, &config(&format!("      ca-file: {certificate}\n"))).await?;
        publish_until(&hive, ("eventhive/net/worker/do", &json!({ "n": 1 })), peer, "\"n\": 1").await?;
        let mut events = subscribed(&hive, "eventhive/net/hive/*").await?;
        let (_, payload) = comes(peer, r#"net/hive/thing {"a": 1}"#, &mut events).await?;
        ensure!(payload == json!({ "a": 1 }), "{payload}");
    }
    Ok(())
}

/// mDNS says where a server is, in both directions, and that none is needed.
#[tokio::test(flavor = "multi_thread")]
async fn servers_are_found_by_mdns_both_ways() -> Result<()> {
    let stage = Stage::new(1)?;
    let broadcast = connector("worker", "").replace("    init", "    from_broadcast: 10\n    init");
    {
        let config = "version: 1\nbridges: { eventhive: [{ listen: '0.0.0.0:8085', announce: net }] }\n";
        let hive = stage.node("announces", config).await?;
        let mut worker = stage.eventhive("seeker", &broadcast, &["worker/do"], &[])?;
        worker.says("initialised [\"net\"]").await?;
        publish_until(&hive, ("eventhive/net/worker/do", &json!({ "n": 1 })), &mut worker, "\"n\": 1")
            .await?;
    }
    let mut real = stage.eventhive("server", &(server() + &connector("worker", "")), &["worker/do"], &[])?;
    real.says("initialised").await?;
    let config = "version: 1\nbridges:\n  eventhive:\n    - { connect: 'mdns:net', wait: 10s, export: ['eventhive/net/**'] }\n    \
                  - { listen: '127.0.0.1:8086', unless: net }\n";
    let hive = stage.node("seeks", config).await?;
    publish_until(&hive, ("eventhive/net/worker/do", &json!({ "n": 2 })), &mut real, "\"n\": 2").await?;
    super::bridge_says(&hive, "has a server at").await
}

/// EventHive's own `create: needed`: no server is made where a node announces one, and one where nobody does.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_made_only_where_the_node_announces_none() -> Result<()> {
    let stage = Stage::new(1)?;
    let needed = server().replace("create: always", "create: needed") + &connector("worker", "");
    {
        let config = "version: 1\nbridges: { eventhive: [{ listen: '0.0.0.0:8085', announce: net }] }\n";
        let hive = stage.node("announces", config).await?;
        let mut worker = stage.eventhive("content", &needed, &["worker/do"], &[])?;
        worker.says("servers []").await?;
        publish_until(&hive, ("eventhive/net/worker/do", &json!({ "n": 1 })), &mut worker, "\"n\": 1")
            .await?;
    }
    let mut worker = stage.eventhive("needs", &needed, &["worker/do"], &[])?;
    worker.says("servers [\"net\"]").await?;
    let config = "version: 1\nbridges: { eventhive: [{ connect: 'ws://127.0.0.1:8085/pubsub', export: ['eventhive/net/**'] }] }\n";
    let hive = stage.node("connects", config).await?;
    publish_until(&hive, ("eventhive/net/worker/do", &json!({ "n": 2 })), &mut worker, "\"n\": 2").await
}

/// Metadata under a name of one's own, and none at all, on both sides.
#[tokio::test(flavor = "multi_thread")]
async fn metadata_has_the_name_that_is_chosen_or_is_left_out() -> Result<()> {
    for removes in [false, true] {
        let stage = Stage::new(1)?;
        let config = format!(
            "version: 1\nbridges: {{ eventhive: [{{ listen: 127.0.0.1:8085, metadata-key: about, remove-metadata: {removes} }}] }}\n"
        );
        let hive = stage.node("hive", &config).await?;
        let own = format!("eventhive: {{ metadata_key: about, remove_metadata: {removes} }}\n");
        let config = own + &connector("worker", "");
        let mut worker = stage.eventhive("worker", &config, &["worker/do"], &["net/other/thing"])?;
        worker.says("initialised").await?;
        publish_until(&hive, ("eventhive/net/worker/do", &json!({ "n": 7 })), &mut worker, "\"n\": 7")
            .await?;
        let heard = worker.stdout();
        ensure!(heard.contains("\"about\"") != removes && !heard.contains("__eventhive__"), "{heard}");
        let mut events = subscribed(&hive, "eventhive/**").await?;
        let event = arrives(&mut worker, r#"net/other/thing {"a": 1}"#, &mut events).await?;
        let has = event.message.headers.iter().any(|(name, _)| name == "eventhive-metadata");
        ensure!(has != removes && event.message.text() == Some(r#"{"a":1}"#), "{event:?}");
    }
    Ok(())
}

/// The two command lines publish to each other, and end as EventHive's does.
#[tokio::test(flavor = "multi_thread")]
async fn exchange_is_eventhives_own_command_line() -> Result<()> {
    let stage = Stage::new(1)?;
    let mut server = stage.server("redis-server", &["--port", "6379", "--save", "", "--appendonly", "no"])?;
    server.says("Ready to accept connections").await?;
    let template = "connectors:\n  '{network}':\n    pubsub_type: redis\n    input_channel: '{receiver}'\n    \
                    secret: '{secret}'\n    init: {{host: 127.0.0.1, port: 6379}}\n";
    let file = write(stage.folder.path(), "template.yaml", template)?;
    let ours = |receiver: &str, data: &[&str]| {
        let args =
            ["exchange", "--config", &file, "--network", "net", "--receiver", receiver, "--secret", "s"];
        let mut command = stage.verb(&[&args, data].concat());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        tokio::process::Command::from(command)
    };
    let theirs = |receiver: &str, data: &[&str]| {
        let mut command = stage.host().command(&venv(EVENTHIVE).program("python"));
        command.args(["-m", "eventhive.cli", "--config", &file, "--network", "net", "--receiver", receiver]);
        command.args(["--secret", "s"]).args(data).current_dir(stage.folder.path());
        tokio::process::Command::from(command)
    };
    let mut a =
        ours("a", &["--timeout", "24", "--json-data", r#"{"from": "a"}"#, "--target-event", "net/b/do"]);
    let mut b =
        theirs("b", &["--timeout", "14", "--json-data", r#"{"from": "b"}"#, "--target-event", "net/a/do"]);
    let (a, b) = tokio::join!(a.output(), b.output());
    for (name, output, from) in [("ours", a?, "b"), ("theirs", b?, "a")] {
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.code() == Some(0), "{name}: {} {out} {err}", output.status);
        let printed: Value =
            serde_json::from_str(out.trim()).with_context(|| format!("{name}: {out} {err}"))?;
        ensure!(printed["from"] == from && printed["__eventhive__"]["id"].is_string(), "{name}: {out}");
    }
    let nothing = ours("c", &["--timeout", "1", "--json-fallback", r#"{"none": 1}"#]).output().await?;
    ensure!(nothing.status.code() == Some(1), "{nothing:?}");
    ensure!(String::from_utf8_lossy(&nothing.stdout).trim() == r#"{"none": 1}"#, "{nothing:?}");
    for wrong in [&["--json-data", "[1]"][..], &["--json-data", "{"], &["--timeout", "x"]] {
        let output = ours("c", wrong).output().await?;
        ensure!(output.status.code() == Some(2), "{wrong:?}: {output:?}");
    }
    Ok(())
}

/// A slow client loses its own, and the others have all.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_harms_only_who_does_not_read() -> Result<()> {
    const EVENTS: usize = 1_000;
    let stage = Stage::new(1)?;
    let config = "version: 1\nbridges: { eventhive: [{ listen: '127.0.0.1:8085', queue: { events: 100000, size: 64MiB } }] }\n";
    let hive = stage.node("hive", config).await?;
    let mut worker = stage.eventhive("worker", &connector("worker", ""), &["worker/do"], &[])?;
    let mut frozen = stage.eventhive("frozen", &connector("worker", ""), &["worker/do"], &[])?;
    for (peer, number) in [(&mut worker, -1), (&mut frozen, -2)] {
        peer.says("initialised").await?;
        let text = format!("\"n\": {number}");
        publish_until(&hive, ("eventhive/net/worker/do", &json!({ "n": number })), peer, &text).await?;
    }
    frozen.freeze(true)?;
    for number in 0..EVENTS {
        let message = Message::json(&json!({ "n": number, "pad": "x".repeat(200) }))?;
        hive.client().publish("eventhive/net/worker/do", &message).await?;
    }
    let all = until("all to arrive", MOMENT * 3, async || {
        worker.stdout().contains(&format!("\"n\": {}", EVENTS - 1)).then_some(())
    });
    all.await?;
    let came = worker.stdout().matches("\"pad\"").count();
    frozen.freeze(false)?;
    ensure!(came == EVENTS, "{came} of {EVENTS}");
    Ok(())
}

/// One event through everything: a real spoke-publish, two nodes that speak QUIC, a real EventHive worker.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_crosses_from_pyspoke_over_two_nodes_to_eventhive() -> Result<()> {
    let stage = Stage::new(2)?;
    let [here, there] = stage.segment.hosts() else { unreachable!("two hosts were asked for") };
    let spoke = "version: 1\nbridges: { spoke: [{ listen: '127.0.0.1:7181' }] }\n";
    let eventhive = "version: 1\nbridges:\n  eventhive:\n    - listen: 127.0.0.1:8085\n      \
                     export: [{ pattern: 'spoke/**', strip: spoke }]\n";
    let first = stage.node_on(there, "spoke", spoke).await?;
    let second = stage.node_on(here, "eventhive", eventhive).await?;
    for node in [&first, &second] {
        node.has_peers(1, MOMENT).await?;
    }
    let mut worker = stage.eventhive("worker", &connector("worker", ""), &["worker/do"], &[])?;
    worker.says("initialised").await?;
    let publish = venv(&["pyspoke==1.1.2"]).program("spoke-publish");
    let arrived = until("the event to arrive", MOMENT, async || {
        let mut command = there.command(&publish);
        command.args(["-t", "5", "net/worker/do", "{\"from\": \"pyspoke\"}"]);
        let output = tokio::process::Command::from(command).output().await.ok()?;
        (output.status.success() && worker.stdout().contains("\"from\": \"pyspoke\"")).then_some(())
    });
    arrived.await.with_context(|| format!("{}\n{}\n{}", worker.printed(), first.printed(), second.printed()))
}
