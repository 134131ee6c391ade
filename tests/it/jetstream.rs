//! Durable channels whose journal is on JetStream: real nodes and a real server that is killed and comes back.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, Result, ensure};
use hive_client::{Incoming, Message, Terms};
use hive_node::bench::nats::Servers;
use hive_tests::{
    nats::nats_server,
    wait::{MOMENT, within},
};

use crate::{node, run, stderr, write};

/// Events before, during and after the server is away.
const PART: u32 = 200;

fn audit() -> Terms {
    Terms { group: Some("audit".into()), ..Terms::default() }
}

/// A configuration of a node whose journal is there.
fn config(servers: &Servers, patience: &str) -> String {
    let servers = servers.addresses().join(", ");
    format!(
        "version: 1\nchannels:\n  - {{ pattern: 'orders/**', durable: true, group: ['*'] }}\n\
         journal: {{ engine: jetstream, servers: [\"{servers}\"], max-size: 64MiB, patience: {patience} }}\n"
    )
}

/// A group gets all that was acknowledged, once, while the server is killed and comes back, and the node is restarted.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_misses_nothing_while_the_journals_server_is_restarted() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut servers = Servers::start(&nats_server(), folder.path(), 1).await?;
    let file = write(folder.path(), "hive.yaml", &config(&servers, "30s"))?;
    let start = || node("keeper").arg("--config").arg(&file).data_dir(folder.path().join("data")).start();
    let mut keeper = start().await?;
    keeper.says("JetStream at 127.0.0.1:").await?;
    let client = keeper.client().clone();
    let mut member = client.subscribe(["orders/**"], audit()).await?;
    let publishing = tokio::spawn({
        let client = client.clone();
        async move {
            for number in 0..PART * 3 {
                let receipt = client.publish("orders/new", &Message::from(number.to_string().as_str())).await;
                let receipt = receipt.with_context(|| format!("event {number}"))?;
                ensure!(receipt.durable, "event {number} is only {receipt:?}");
            }
            Ok(())
        }
    });
    let mut seen = Vec::new();
    while (seen.len() as u32) < PART * 3 {
        let event = within("the next event", MOMENT * 2, member.next()).await??;
        let Some(Incoming::Event(event)) = event else { anyhow::bail!("came {event:?}") };
        seen.extend(event.message.text().and_then(|text| text.parse::<u32>().ok()));
        if seen.len() as u32 == PART {
            servers.kill(0)?;
            // What is not durable goes on meanwhile, with or without a receiver.
            for _ in 0..50 {
                let tick = Message::from("x");
                let live = client.publish("live/tick", &tick);
                within("a live event", Duration::from_secs(2), live).await??;
            }
            servers.restart(0).await?;
        }
    }
    publishing.await??;
    let distinct: BTreeSet<u32> = seen.iter().copied().collect();
    ensure!(distinct.len() == seen.len(), "{} came twice", seen.len() - distinct.len());
    ensure!(distinct == (0..PART * 3).collect(), "some are missing");
    member.close().await;
    keeper.stop().await?;

    let keeper = start().await?;
    let mut member = keeper.client().subscribe(["orders/**"], audit()).await?;
    keeper.client().publish("orders/new", &Message::from("last")).await?;
    let event = within("the last event", MOMENT, member.next()).await??;
    let Some(Incoming::Event(event)) = event else { anyhow::bail!("came {event:?}") };
    ensure!(event.message.text() == Some("last"), "{:?} came again", event.message.text());
    Ok(())
}

/// Without its server a node runs, and says of durable publishes why they come to nothing.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_server_durable_publishes_alone_fail_and_name_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut servers = Servers::start(&nats_server(), folder.path(), 1).await?;
    servers.kill(0)?;
    let file = write(folder.path(), "hive.yaml", &config(&servers, "300ms"))?;
    let mut keeper = node("keeper").arg("--config").arg(&file).start().await?;
    keeper.says("cannot be used yet").await?;
    let address = servers.addresses().remove(0).replace("nats://", "");
    let refused = run(Some(&keeper), &["publish", "orders/new", "1"]).await?;
    ensure!(!refused.status.success() && stderr(&refused).contains(&address), "{}", stderr(&refused));
    let live = run(Some(&keeper), &["publish", "live/tick", "1"]).await?;
    ensure!(live.status.success(), "{}", stderr(&live));
    servers.restart(0).await?;
    let taken = hive_tests::wait::until("a durable publish", MOMENT, async || {
        let said = run(Some(&keeper), &["publish", "orders/new", "2"]).await.ok()?;
        said.status.success().then(|| stderr(&said))
    });
    let said = taken.await?;
    ensure!(said.contains("on disk"), "{said}");
    Ok(())
}

/// What waiting does not help ends the start, with what to do.
#[tokio::test(flavor = "multi_thread")]
async fn fewer_servers_than_copies_end_the_start_with_a_hint() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let servers = Servers::start(&nats_server(), folder.path(), 1).await?;
    let text = config(&servers, "1s").replace("engine: jetstream", "engine: jetstream, replicas: 3");
    let file = write(folder.path(), "hive.yaml", &text)?;
    let mut keeper = node("keeper").arg("--config").arg(&file).spawn()?;
    let status = keeper.ends().await?;
    let said = keeper.stderr();
    ensure!(status.code() == Some(2), "{status}: {said}");
    ensure!(
        said.contains("3 replicas were asked for") && said.contains("hint: start as many servers"),
        "{said}"
    );
    Ok(())
}
