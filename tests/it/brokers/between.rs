//! Bridges with somebody on the way to their servers.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, ensure};
use hive_client::{Message, types::BridgeState};
use hive_tests::{
    between::Between,
    brokers::{Broker, Kind, certificate},
    wait::{MOMENT, until, within},
};
use redis::AsyncCommands as _;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{BACK, bridging, dropped, listen, next, state};

/// Who is on the way can say what he likes before TLS is spoken, and no client that speaks TLS goes where he says.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_on_the_way_to_nats_leads_elsewhere() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (certificate, key) = certificate(folder.path())?;
    let [shown, key] = [&certificate, &key].map(|path| path.display().to_string());
    let args = ["--tls", "--tlscert", &shown, "--tlskey", &key, "--user", "hive", "--pass", "open-sesame"];
    let broker = Broker::start(Kind::Nats(args.into_iter().map(str::to_owned).collect())).await?;
    let thief = TcpListener::bind(("127.0.0.1", 0)).await?;
    let named = format!("{{\"connect_urls\":[\"{}\"],", thief.local_addr()?);
    let way = Between::editing(broker.port(), move |said| said.replacen('{', &named, 1)).await?;
    let stolen = Arc::new(Mutex::new(Vec::new()));
    let stealing = tokio::spawn(steal(thief, Arc::clone(&stolen)));
    let bridges = format!(
        "  nats:\n    - servers: tls://127.0.0.1:{}\n      ca-file: {shown}\n      user: hive\n      password: open-sesame\n      import: 'a/*'\n",
        way.port()
    );
    let (node, _folder) = bridging("watched", &bridges).await?;
    state(&node, "nats", BridgeState::Up).await?;
    way.close(true);
    // The client library looks for all that it knows of, one after the other.
    until("the server to be looked for", BACK, async || (way.refused() >= 6).then_some(())).await?;
    way.close(false);
    within("the bridge to be up", BACK, state(&node, "nats", BridgeState::Up)).await??;
    stealing.abort();
    let stolen = stolen.lock().unwrap_or_else(PoisonError::into_inner);
    ensure!(stolen.is_empty(), "{stolen:?}");
    Ok(())
}

/// Is a server without TLS for whoever comes, and writes down what they say.
async fn steal(thief: TcpListener, stolen: Arc<Mutex<Vec<String>>>) {
    while let Ok((mut socket, _)) = thief.accept().await {
        let mut said = Vec::with_capacity(4_096);
        let asked = socket.write_all(b"INFO {\"max_payload\":1024}\r\n").await;
        // Whoever says nothing came as well.
        let _ = (asked, socket.read_buf(&mut said).await);
        let said = String::from_utf8_lossy(&said).into_owned();
        stolen.lock().unwrap_or_else(PoisonError::into_inner).push(said);
    }
}

fn eventhive(port: u16) -> String {
    format!(
        "  eventhive:\n    - connect: redis://127.0.0.1:{port}\n      import: ['net/hive/**']\n      export: ['eventhive/net/worker/**']\n"
    )
}

/// A subscription that nothing comes by any more is noticed, though the connection is open and the server answers on others.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_is_dead_is_noticed() -> Result<()> {
    let broker = Broker::redis().await?;
    let way = Between::before(broker.port()).await?;
    let (node, _folder) = bridging("dead", &eventhive(way.port())).await?;
    state(&node, "eventhive", BridgeState::Up).await?;
    way.swallow("PSUBSCRIBE");
    let waiting = within("it to be noticed", BACK, state(&node, "eventhive", BridgeState::Waiting)).await??;
    ensure!(waiting.problem.is_some_and(|why| why.contains("does not answer")), "it says why");
    within("the bridge to be up", BACK, state(&node, "eventhive", BridgeState::Up)).await??;
    let mut events = listen(&node, "eventhive/net/hive/*").await?;
    let mut client = redis::Client::open(broker.url())?.get_multiplexed_async_connection().await?;
    let _: usize = client.publish("net/hive/thing", "{\"a\":1}").await?;
    ensure!(next(&mut events).await?.message.text() == Some("{\"a\":1}"));
    Ok(())
}

/// What Redis does not let the bridge publish is a dead letter, and nothing else is lost for it.
#[tokio::test(flavor = "multi_thread")]
async fn what_redis_refuses_of_eventhive_is_a_dead_letter() -> Result<()> {
    let broker = Broker::redis().await?;
    let mut asking = redis::Client::open(broker.url())?.get_multiplexed_async_connection().await?;
    let rule = ["SETUSER", "default", "resetchannels", "&net/hive*", "&net/worker/may"];
    let _: () = redis::cmd("ACL").arg(&rule).query_async(&mut asking).await?;
    let (node, _folder) = bridging("refused", &eventhive(broker.port())).await?;
    state(&node, "eventhive", BridgeState::Up).await?;
    let mut dead = listen(&node, "$dead/eventhive").await?;
    for channel in ["eventhive/net/worker/may-not", "eventhive/net/worker/may"] {
        node.client().publish(channel, &Message::json(&json!({ "a": 1 }))?).await?;
    }
    let letter = next(&mut dead).await?;
    let why = letter.message.headers.iter().find(|(name, _)| name == "hive-reason");
    ensure!(why.is_some_and(|(_, why)| why.contains("no permissions")), "{letter:?}");
    dropped(&node, "eventhive", "rejected", 1).await?;
    until("the other one to go out", MOMENT, async || {
        let bridge = super::bridge(&node, "eventhive").await?;
        (bridge.exported == 1 && bridge.state == BridgeState::Up).then_some(())
    })
    .await?;
    let bridge = super::bridge(&node, "eventhive").await;
    ensure!(bridge.is_some_and(|bridge| !bridge.dropped.contains_key("lost-link")), "{}", node.printed());
    Ok(())
}
