//! Rotating a network's secret while its nodes run: events flow, links stay, and who keeps an old secret is left behind.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use hive_client::{Incoming, Message, Subscription, Terms};
use hive_tests::{
    nodes::{Node, Setup},
    wait::{self, MOMENT},
};
use tokio_util::sync::CancellationToken;

use crate::{node, run, secrets::SECRET, stderr, stdout};

/// A node of the network `vault` with a secret file of its own.
fn member(name: &str, secret: &Path) -> Setup {
    node(name).arg("--network").arg("vault").arg("--secret-file").arg(secret)
}

/// Runs `network` with some arguments on a secret file.
async fn network(args: &[&str], secret: &Path) -> Result<String> {
    let file = secret.display().to_string();
    let all = [&["network"], args, &["--network", "vault", "--secret-file", &file]].concat();
    let output = run(None, &all).await?;
    ensure!(output.status.success(), "{}", stderr(&output));
    Ok(stdout(&output))
}

/// Waits until a node uses this epoch, and all its neighbours have proved that they know it.
async fn all_have_proved(node: &Node, epoch: u32, peers: usize) -> Result<()> {
    wait::until(&format!("all peers to have proved epoch {epoch}"), MOMENT, async || {
        let status = node.status().await.ok()?;
        let proved = status.peers.iter().filter(|peer| peer.epoch == u64::from(epoch)).count();
        (status.networks.first()?.epoch == epoch && proved == peers).then_some(())
    })
    .await
    .with_context(|| node.printed())
}

/// Waits until a node uses this epoch itself.
async fn has(node: &Node, epoch: u32) -> Result<()> {
    wait::until(&format!("epoch {epoch} to be used"), MOMENT, async || {
        (node.status().await.ok()?.networks.first()?.epoch == epoch).then_some(())
    })
    .await
    .with_context(|| node.printed())
}

/// Publishes numbers, one every 5 ms, until told otherwise. Returns how many.
async fn count(publisher: &Node, until: &CancellationToken) -> Result<u64> {
    let (mut number, mut beat) = (0, tokio::time::interval(Duration::from_millis(5)));
    while !until.is_cancelled() {
        let receipt =
            publisher.client().publish("count/up", &Message::from(number.to_string().as_str())).await?;
        ensure!(receipt.peers == 2, "{number} went to {} peers", receipt.peers);
        number += 1;
        beat.tick().await;
    }
    Ok(number)
}

/// Reads so many numbers, each behind the one before.
async fn read(events: &mut Subscription, many: u64) -> Result<()> {
    for number in 0..many {
        match wait::within("the next number", MOMENT, events.next()).await?? {
            Some(Incoming::Event(event)) => {
                ensure!(event.message.text() == Some(&number.to_string()), "{number} is missing: {event:?}");
            }
            other => anyhow::bail!("in the place of {number} came {other:?}"),
        }
    }
    Ok(())
}

/// Folders of so many hosts, each with a secret file that says this.
fn secret_files<const N: usize>(folder: &Path, text: &str) -> Result<[PathBuf; N]> {
    let files = std::array::from_fn(|at| folder.join(at.to_string()).join("vault.secret"));
    for file in &files {
        fs::create_dir_all(file.parent().context("a folder")?)?;
        fs::write(file, text)?;
    }
    Ok(files)
}

/// Three nodes, each linked to both others, and what the second and third read of the first.
async fn three(secrets: &[PathBuf; 3]) -> Result<([Node; 3], [Subscription; 2])> {
    let a = member("a", &secrets[0]).start().await?;
    let b = member("b", &secrets[1]).peer(&a).start().await?;
    let c = member("c", &secrets[2]).peer(&a).peer(&b).start().await?;
    for node in [&a, &b, &c] {
        node.has_peers(2, MOMENT).await?;
    }
    let at_b = b.client().subscribe(["count/up"], Terms::default()).await?;
    let at_c = c.client().subscribe(["count/up"], Terms::default()).await?;
    wait::until("both to be known to listen", MOMENT, async || {
        let peers = a.client().peers().await.ok()?.peers;
        (peers.iter().filter(|peer| peer.patterns > 0).count() == 2).then_some(())
    })
    .await?;
    Ok(([a, b, c], [at_b, at_c]))
}

/// Rotates on one host, and gives the new file to each in turn; meanwhile the others have the epoch before.
async fn rotate(nodes: &[Node; 3], secrets: &[PathBuf; 3], epoch: u32, order: [usize; 3]) -> Result<()> {
    let fresh = &secrets[order[0]];
    network(&["rotate"], fresh).await?;
    for at in order {
        if secrets[at] != *fresh {
            fs::copy(fresh, &secrets[at])?;
        }
        has(&nodes[at], epoch).await?;
    }
    for node in nodes {
        all_have_proved(node, epoch, 2).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_rotated_while_events_flow_and_old_ones_are_left_behind() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let first = stdout(&run(None, &["keygen"]).await?);
    let secrets = secret_files(folder.path(), &first)?;
    let (mut nodes, mut readers) = three(&secrets).await?;
    let end = CancellationToken::new();
    let rotating = async {
        rotate(&nodes, &secrets, 1, [0, 1, 2]).await?;
        rotate(&nodes, &secrets, 2, [2, 0, 1]).await?;
        end.cancel();
        anyhow::Ok(())
    };
    let (rotated, counted) = tokio::join!(rotating, count(&nodes[0], &end));
    rotated?;
    let published = counted?;
    for events in &mut readers {
        read(events, published).await?;
    }
    for node in &nodes {
        ensure!(!node.printed().contains("disconnected"), "a link was cut: {}", node.printed());
        ensure!(!node.printed().contains("hive-epoch"), "a secret was printed: {}", node.printed());
    }

    // The files still have epoch 0; a host that has nothing else is left behind.
    let [a, _, _] = &mut nodes;
    let old = folder.path().join("old.secret");
    fs::write(&old, &first)?;
    let mut late = member("late", &old).peer(a).start().await?;
    late.says("it admits epochs 2 and 1, and epoch 0 was proved").await?;
    a.says("it has epoch 0 of this network's secret and none later; this node admits epochs 2 and 1").await?;
    ensure!(late.status().await?.peers.is_empty(), "{}", late.printed());

    // One that is given the newest secret alone is in, and is heard by those who have had all.
    let newest = fs::read_to_string(&secrets[0])?;
    let line = newest.lines().find(|line| line.starts_with("hive-epoch-2-")).context("the newest line")?;
    fs::write(&old, line)?;
    late.has_peers(3, MOMENT).await?;
    let receipt = late.client().publish("count/up", &Message::from("late")).await?;
    ensure!(receipt.peers == 2, "{receipt:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_cut_when_its_other_end_misses_two_rotations() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let secrets: [PathBuf; 2] = secret_files(folder.path(), SECRET)?;
    let mut here = member("here", &secrets[0]).start().await?;
    let mut there = member("there", &secrets[1]).peer(&here).start().await?;
    here.has_peers(1, MOMENT).await?;
    network(&["rotate"], &secrets[0]).await?;
    has(&here, 1).await?;
    ensure!(here.status().await?.peers.len() == 1, "one rotation cuts nobody off: {}", here.printed());
    network(&["rotate"], &secrets[0]).await?;
    here.has_peers(0, MOMENT).await?;
    here.says(
        "epoch 0 of the network's secret is the newest it has proved, and this node admits epochs 2 and 1",
    )
    .await?;
    there.says("closes the link: epoch 0 of the network").await?;
    there.says("another epoch of this network's secret").await?;

    // What is forgotten is gone from the file, and from what admits.
    network(&["forget-epoch", "0"], &secrets[0]).await?;
    network(&["forget-epoch", "1"], &secrets[0]).await?;
    let shown: serde_json::Value = serde_json::from_str(&network(&["show", "--json"], &secrets[0]).await?)?;
    ensure!(shown["epochs"].as_array().is_some_and(|epochs| epochs.len() == 1), "{shown}");
    here.says("admitted now: epoch 2").await?;

    // A file that was damaged changes nothing.
    let whole = fs::read(&secrets[0])?;
    fs::write(&secrets[0], "hive-epoch-3-oops")?;
    here.says("keeps the secrets it has").await?;
    ensure!(!here.printed().contains("oops"), "{}", here.printed());
    fs::write(&secrets[0], &whole)?;
    fs::copy(&secrets[0], &secrets[1])?;
    here.has_peers(1, MOMENT).await
}
