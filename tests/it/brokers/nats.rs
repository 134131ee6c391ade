//! Bridges to NATS servers.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use async_nats::{Client, HeaderMap, Subscriber, jetstream};
use futures_util::{FutureExt as _, StreamExt as _};
use hive_client::{Incoming, Message, Terms, types::BridgeState};
use hive_tests::{
    brokers::{Broker, Kind, certificate},
    wait::{MOMENT, until, within},
};

use super::{BACK, bridge, bridging, dropped, listen, pair, publish, said, state, until_end};

async fn bare(broker: &Broker) -> Result<Client> {
    Ok(async_nats::connect(broker.url()).await?)
}

/// Waits until the server has what was asked of it so far.
async fn settled(client: &Client) -> Result<()> {
    let inbox = client.new_inbox();
    let mut back = client.subscribe(inbox.clone()).await?;
    client.publish(inbox, "".into()).await?;
    within("the server", MOMENT, back.next()).await?.context("the end")?;
    Ok(())
}

async fn heard(subscriber: &mut Subscriber) -> Result<(String, String)> {
    let message =
        within("a message from NATS", MOMENT, subscriber.next()).await?.context("the connection ended")?;
    Ok((message.subject.to_string(), String::from_utf8(message.payload.to_vec())?))
}

fn config(broker: &Broker, more: &str) -> String {
    format!(
        "  nats:\n    - servers: {}\n      import: ['sensor/**', 'sensor/attic/*', 'ask/*']\n      export: ['alert/*', 'nats/out/**']\n      calls: ['there/*', 'nats/ask/*']\n      max-size: 64KiB\n{more}",
        broker.url()
    )
}

/// Events cross both ways with what goes with them; what cannot is a dead letter.
#[tokio::test(flavor = "multi_thread")]
async fn events_cross_both_ways() -> Result<()> {
    let broker = Broker::nats().await?;
    let (node, _folder) = bridging("both", &config(&broker, "")).await?;
    state(&node, "nats", BridgeState::Up).await?;
    let (mut events, mut dead) = (listen(&node, "nats/**").await?, listen(&node, "$dead/nats").await?);
    let client = bare(&broker).await?;
    let mut headers = HeaderMap::new();
    headers.insert("Content-Type", "text/plain");
    headers.insert("X-Y", "z");
    client.publish_with_headers("sensor.attic.reading", headers, "21".into()).await?;
    let event = super::next(&mut events).await?;
    ensure!(event.channel == "nats/sensor/attic/reading" && event.message.text() == Some("21"), "{event:?}");
    ensure!(event.message.content_type.as_deref() == Some("text/plain"), "{event:?}");
    ensure!(event.message.headers.contains(&("x-y".to_owned(), "z".to_owned())), "{event:?}");
    // Two rules match `sensor/attic/x`, and one copy comes.
    client.publish("sensor.attic.x", "once".into()).await?;
    client.publish("sensor", "itself".into()).await?;
    ensure!(said(&mut events).await? == pair("nats/sensor/attic/x", "once"));
    ensure!(said(&mut events).await? == pair("nats/sensor", "itself"));

    let mut outside = client.subscribe("alert.>").await?;
    settled(&client).await?;
    let message = Message {
        content_type: Some("text/plain".into()),
        headers: vec![("a".into(), "b".into())],
        ..Message::from("hot")
    };
    node.client().publish("alert/attic", &message).await?;
    let came = within("a message", MOMENT, outside.next()).await?.context("the end")?;
    ensure!(came.subject.as_str() == "alert.attic" && came.payload == "hot");
    let headers = came.headers.context("headers")?;
    let header = |name| headers.get(name).map(|value| value.as_str());
    ensure!(header("content-type") == Some("text/plain") && header("a") == Some("b"), "{headers:?}");
    ensure!(header("hive-bridge").is_some(), "where it has been");

    publish(&node, "alert/1.5", "no subject").await?;
    ensure!(said(&mut dead).await?.1 == "no subject");
    client.publish("sensor.a/b", "no channel".into()).await?;
    ensure!(said(&mut dead).await?.1 == "no channel");
    client.publish("sensor.large", vec![b'x'; 65 << 10].into()).await?;
    ensure!(said(&mut dead).await?.1.len() == 65 << 10);
    let mut headers = HeaderMap::new();
    headers.insert("hive-bridge", "nonsense");
    client.publish_with_headers("sensor.x", headers, "x".into()).await?;
    dropped(&node, "nats", "garbage", 1).await
}

/// Who asks there is answered here, and the reverse; errors come back as errors.
#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_both_ways() -> Result<()> {
    let broker = Broker::nats().await?;
    let (node, _folder) = bridging("asks", &config(&broker, "")).await?;
    state(&node, "nats", BridgeState::Up).await?;
    let mut responder = node.client().subscribe(["nats/ask/upper"], Terms::answering()).await?;
    tokio::spawn(async move {
        while let Ok(Some(Incoming::Event(event))) = responder.next().await {
            let Some(request) = event.request else { continue };
            let text = event.message.text().unwrap_or_default().to_uppercase();
            if responder.answer(request, Ok(Message::from(text.as_str()))).await.is_err() {
                return;
            }
        }
    });
    let client = bare(&broker).await?;
    // Always, though the bridge answers on that channel as well: it must not carry the request back.
    for _ in 0..8 {
        let answer = client.request("ask.upper", "hello".into()).await?;
        ensure!(answer.payload == "HELLO", "{answer:?}");
    }
    let answer = client.request("ask.nobody", "hello".into()).await?;
    let code = answer.headers.as_ref().and_then(|headers| headers.get("Nats-Service-Error-Code"));
    ensure!(code.is_some_and(|code| code.as_str() == "503"), "{answer:?}");

    let mut asked = client.subscribe("there.double").await?;
    settled(&client).await?;
    let answering = client.clone();
    tokio::spawn(async move {
        while let Some(message) = asked.next().await {
            let twice = [&message.payload[..], &message.payload[..]].concat();
            if let Some(reply) = message.reply {
                let _ = answering.publish(reply, twice.into()).await;
            }
        }
    });
    let call = node.client().call("there/double", &Message::from("ab"), Duration::from_secs(5)).await?;
    ensure!(call.text() == Some("abab"), "{call:?}");
    let nobody = node.client().call("there/nobody", &Message::from("x"), Duration::from_secs(5)).await;
    ensure!(nobody.is_err_and(|error| error.to_string().contains("nobody answers")), "an error");
    Ok(())
}

/// A request that one node brings to NATS and another of its mesh gets there has been in that mesh: it does not go round.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_does_not_go_in_circles() -> Result<()> {
    let broker = Broker::nats().await?;
    let config = format!(
        "  nats:\n    - servers: {}\n      import: 'ask/*'\n      calls: 'nats/ask/*'\n      queue-group: workers\n      timeout: 1s\n",
        broker.url()
    );
    let (one, folder) = bridging("one", &config).await?;
    let file = folder.path().join("hive.yaml");
    let other = crate::node("other").arg("--config").arg(file).peer(&one).start().await?;
    other.has_peers(1, MOMENT).await?;
    for node in [&one, &other] {
        state(node, "nats", BridgeState::Up).await?;
    }
    let client = bare(&broker).await?;
    let mut passes = client.subscribe("ask.*").await?;
    let mut tries = 0;
    // Once by who asks, and once more when the node that gets it knows that the other's bridge answers.
    until("a request to cross the mesh", MOMENT, async || {
        tries += 1;
        let text = tries.to_string();
        let answer = client.request("ask.nobody", text.clone().into()).await.ok()?;
        let code = answer.headers.as_ref()?.get("Nats-Service-Error-Code")?;
        settled(&client).await.ok()?;
        let mut times = 0;
        while let Some(Some(came)) = passes.next().now_or_never() {
            times += u32::from(came.payload == text);
        }
        (times > 1).then(|| (code.as_str().to_owned(), times))
    })
    .await
    .and_then(|(code, times)| {
        ensure!(times == 2, "it went round {times} times, and {code} was said");
        Ok(())
    })
}

/// Of the nodes in a queue group one gets each message.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_group_shares_what_comes_in() -> Result<()> {
    let broker = Broker::nats().await?;
    let config = format!(
        "  nats:\n    - servers: {}\n      import: 'jobs/*'\n      queue-group: workers\n",
        broker.url()
    );
    let (one, folder) = bridging("one", &config).await?;
    let file = folder.path().join("hive.yaml");
    let other = crate::node("other").arg("--config").arg(file).peer(&one).start().await?;
    other.has_peers(1, MOMENT).await?;
    for node in [&one, &other] {
        state(node, "nats", BridgeState::Up).await?;
    }
    let mut events = listen(&one, "nats/jobs/*").await?;
    let client = bare(&broker).await?;
    for number in 0..100 {
        client.publish("jobs.x", number.to_string().into()).await?;
    }
    let mut numbers = Vec::new();
    while numbers.len() < 100 {
        numbers.push(said(&mut events).await?.1.parse::<u32>()?);
    }
    numbers.sort_unstable();
    ensure!(numbers == (0..100).collect::<Vec<_>>(), "each once");
    for node in [&one, &other] {
        let imported = bridge(node, "nats").await.context("a bridge")?.imported;
        ensure!((1..100).contains(&imported), "{imported}");
    }
    Ok(())
}

/// Servers that come late, go and come back.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_may_come_late_and_go() -> Result<()> {
    let mut broker = Broker::reserve(Kind::Nats(Vec::new()))?;
    let (node, _folder) = bridging("late", &config(&broker, "")).await?;
    let status = state(&node, "nats", BridgeState::Waiting).await?;
    ensure!(status.problem.is_some_and(|why| why.contains("127.0.0.1")), "it says where");
    broker.restart().await?;
    for round in 0..2 {
        within("the bridge to be up", BACK, state(&node, "nats", BridgeState::Up)).await??;
        let client = bare(&broker).await?;
        let mut events = listen(&node, "nats/sensor/*").await?;
        client.publish("sensor.x", "back".into()).await?;
        ensure!(said(&mut events).await?.1 == "back", "round {round}");
        let mut outside = client.subscribe("alert.*").await?;
        settled(&client).await?;
        publish(&node, "alert/x", "out").await?;
        ensure!(heard(&mut outside).await? == pair("alert.x", "out"), "round {round}");
        broker.kill()?;
        state(&node, "nats", BridgeState::Waiting).await?;
        broker.restart().await?;
    }
    within("the bridge to be up", BACK, state(&node, "nats", BridgeState::Up)).await??;
    broker.freeze(true)?;
    within("the bridge to miss it", BACK, state(&node, "nats", BridgeState::Waiting)).await??;
    broker.freeze(false)?;
    within("the bridge to be up", BACK, state(&node, "nats", BridgeState::Up)).await??;
    Ok(())
}

/// Two meshes at one server: each event is in each once, and nothing goes round.
#[tokio::test(flavor = "multi_thread")]
async fn two_meshes_at_one_server_do_not_echo() -> Result<()> {
    let broker = Broker::nats().await?;
    let config = |network: &str| {
        let servers = broker.url();
        format!(
            "  nats:\n    - servers: {servers}\n      prefix: ''\n      import: 'shared/**'\n      export: 'shared/**'\nnetworks: {{ {network}: {{ open: true }} }}\n"
        )
    };
    let (one, _one) = bridging("one", &config("farm")).await?;
    let (other, _other) = bridging("other", &config("city")).await?;
    let (mut here, mut there) = (listen(&one, "shared/**").await?, listen(&other, "shared/**").await?);
    for node in [&one, &other] {
        state(node, "nats", BridgeState::Up).await?;
    }
    publish(&one, "shared/x", "from one").await?;
    ensure!(said(&mut there).await?.1 == "from one");
    publish(&other, "shared/x", "from the other").await?;
    ensure!(said(&mut there).await?.1 == "from the other");
    ensure!(said(&mut here).await?.1 == "from one");
    ensure!(said(&mut here).await?.1 == "from the other");
    for (node, exported) in [(&one, 1), (&other, 1)] {
        let status = bridge(node, "nats").await.context("a bridge")?;
        ensure!((status.imported, status.exported) == (1, exported), "{status:?}");
    }
    Ok(())
}

/// What a stream keeps comes in once, also what came while the node was away; what goes out is in the stream.
#[tokio::test(flavor = "multi_thread")]
async fn streams_are_read_and_written() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = folder.path().display().to_string();
    let broker = Broker::start(Kind::Nats(vec!["-js".into(), "-sd".into(), store])).await?;
    let context = jetstream::new(bare(&broker).await?);
    let stream = jetstream::stream::Config {
        name: "JOBS".into(),
        subjects: vec!["jobs.>".into(), "done.>".into()],
        ..jetstream::stream::Config::default()
    };
    let mut stream = context.create_stream(stream).await?;
    let bridges = format!(
        "  nats:\n    - servers: {}\n      jetstream: {{ stream: JOBS, from: all }}\n      import: 'jobs/*'\n      export: ['nats/done/*', 'lost/*']\n",
        broker.url()
    );
    context.publish("jobs.x", "before".into()).await?.await?;
    let (mut node, config) = bridging("streams", &bridges).await?;
    until("the message from before", MOMENT, async || {
        (bridge(&node, "nats").await?.imported == 1).then_some(())
    })
    .await?;
    let mut events = listen(&node, "nats/jobs/*").await?;
    for number in 0..500 {
        context.publish("jobs.x", number.to_string().into()).await?;
    }
    context.publish("jobs.x", "end".into()).await?.await?;
    let texts = until_end(&mut events).await?;
    ensure!(texts == (0..500).map(|number| number.to_string()).collect::<Vec<_>>(), "{texts:?}");
    publish(&node, "nats/done/x", "ready").await?;
    until("it to be in the stream", MOMENT, async || {
        (stream.info().await.ok()?.state.messages == 503).then_some(())
    })
    .await?;
    let mut dead = listen(&node, "$dead/nats").await?;
    publish(&node, "lost/x", "no stream").await?;
    ensure!(said(&mut dead).await?.1 == "no stream");

    node.crash().await?;
    context.publish("jobs.x", "meanwhile".into()).await?.await?;
    let node = crate::node("streams").arg("--config").arg(config.path().join("hive.yaml")).start().await?;
    until("what came meanwhile, and nothing else", MOMENT, async || {
        let mut consumers = stream.consumers();
        let info = consumers.next().await?.ok()?;
        (info.num_ack_pending == 0 && info.num_pending == 0 && bridge(&node, "nats").await?.imported == 1)
            .then_some(())
    })
    .await
}

/// Who is not let in says so.
#[tokio::test(flavor = "multi_thread")]
async fn logins_are_used() -> Result<()> {
    let broker =
        Broker::start(Kind::Nats(vec!["--user".into(), "hive".into(), "--pass".into(), "right".into()]))
            .await?;
    let login = |password: &str| config(&broker, &format!("      user: hive\n      password: {password}\n"));
    let (node, _folder) = bridging("wrong", &login("wrong")).await?;
    let status = state(&node, "nats", BridgeState::Waiting).await?;
    ensure!(status.problem.is_some_and(|why| why.contains("uthoriz")), "it says why");
    let (node, _folder) = bridging("right", &login("right")).await?;
    state(&node, "nats", BridgeState::Up).await?;
    Ok(())
}

/// Behind TLS the server is believed by the authority that was chosen.
#[tokio::test(flavor = "multi_thread")]
async fn tls_is_spoken() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (certificate, key) = certificate(folder.path())?;
    let args =
        ["--tls", "--tlscert", &certificate.display().to_string(), "--tlskey", &key.display().to_string()];
    let broker = Broker::start(Kind::Nats(args.into_iter().map(str::to_owned).collect())).await?;
    let bridges =
        config(&broker, &format!("      ca-file: {}\n", certificate.display())).replace("nats://", "tls://");
    let (node, _folder) = bridging("tls", &bridges).await?;
    state(&node, "nats", BridgeState::Up).await?;
    Ok(())
}

/// Sealed, nobody at the server can read or say anything; two nodes with the secret understand each other.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_sealed_is_for_those_with_the_secret() -> Result<()> {
    let broker = Broker::nats().await?;
    let config = |export: &str, import: &str| {
        format!(
            "networks: {{ farm: {{ secret: a passphrase that is long enough }} }}\nbridges:\n  nats:\n    - {{ servers: {}, prefix: '', seal: farm, export: '{export}', import: '{import}' }}\n",
            broker.url()
        )
    };
    let folder = tempfile::tempdir()?;
    let mut nodes = Vec::new();
    for (name, export, import) in [("one", "a/*", "b/*"), ("other", "b/*", "a/*")] {
        let text = format!("version: 1\n{}", config(export, import));
        let file = crate::write(folder.path(), &format!("{name}.yaml"), &text)?;
        let node = crate::node(name).arg("--config").arg(file).start().await?;
        state(&node, "nats", BridgeState::Up).await?;
        nodes.push(node);
    }
    let client = bare(&broker).await?;
    let mut outside = client.subscribe("a.*").await?;
    settled(&client).await?;
    let mut events = listen(&nodes[1], "a/*").await?;
    let message = Message { content_type: Some("text/plain".into()), ..Message::from("a secret message") };
    nodes[0].client().publish("a/x", &message).await?;
    let event = super::next(&mut events).await?;
    ensure!(event.message.text() == Some("a secret message"), "{event:?}");
    ensure!(event.message.content_type.as_deref() == Some("text/plain"), "{event:?}");
    let came = within("what is sent", MOMENT, outside.next()).await?.context("the end")?;
    let shown = String::from_utf8_lossy(&came.payload).into_owned();
    ensure!(
        !shown.contains("secret message") && came.headers.is_none_or(|headers| headers.is_empty()),
        "{shown}"
    );
    // Again, under another name, or plain: it is not taken.
    client.publish("a.x", came.payload.clone()).await?;
    dropped(&nodes[1], "nats", "duplicate", 1).await?;
    client.publish("a.y", came.payload).await?;
    client.publish("a.x", "plain".into()).await?;
    dropped(&nodes[1], "nats", "garbage", 2).await?;
    Ok(())
}
