//! A network's list of nodes: who is not on it is refused, by whomever it comes.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use hive_client::{Message, Terms};
use hive_tests::{
    nodes::{Node, Setup},
    wait::{self, MOMENT},
};

use crate::{next, node, run, stderr, stdout, write};

/// The id that a node will have in this folder.
async fn id_in(folder: &Path) -> Result<String> {
    let output = run(None, &["id", "--data-dir", &folder.display().to_string()]).await?;
    ensure!(output.status.success(), "{}", stderr(&output));
    Ok(stdout(&output).trim().to_owned())
}

/// A node of the network `vault` that lets these others in; all, when none are given.
fn member(name: &str, folder: &Path, allow: &[&str]) -> Result<Setup> {
    let list = if allow.is_empty() { String::new() } else { format!(", allow: [{}]", allow.join(", ")) };
    let config = format!("version: 1\nnetworks:\n  vault: {{ open: true{list} }}\n");
    let file = write(folder, &format!("{name}.yaml"), &config)?;
    Ok(node(name).arg("--config").arg(file).data_dir(folder.join(name)))
}

/// Copies that a node has dropped because their origin is not on its list.
async fn not_listed(node: &Node) -> Option<u64> {
    Some(node.status().await.ok()?.events.dropped.get("not-listed").copied().unwrap_or(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_on_the_list_is_refused_by_itself_and_by_others() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let friend_id = id_in(&folder.path().join("friend")).await?;
    let mut strict = member("strict", folder.path(), &[&friend_id])?.start().await?;
    let friend = member("friend", folder.path(), &[])?.peer(&strict).start().await?;
    strict.has_peers(1, MOMENT).await?;
    let mut other = member("other", folder.path(), &[])?.peer(&friend).peer(&strict).start().await?;
    friend.has_peers(2, MOMENT).await?;

    // Refused by itself, and both sides say why.
    strict.says("is not on this node's list of the network's nodes").await?;
    other.says("this node is not on its list of the network's nodes").await?;
    ensure!(strict.status().await?.peers.len() == 1, "{}", strict.printed());

    // What it publishes comes by the friend, who has no list, and is dropped and counted.
    let mut at_strict = strict.client().subscribe(["door/*"], Terms::default()).await?;
    let mut at_other = other.client().subscribe(["door/*"], Terms::default()).await?;
    wait::until("an event of the other to be dropped", MOMENT, async || {
        other.client().publish("door/open", &Message::from("other")).await.ok()?;
        not_listed(&strict).await.filter(|dropped| *dropped > 0)
    })
    .await
    .with_context(|| strict.printed())?;
    // What the friend publishes then comes, and nothing before it.
    wait::until("the friend to know who listens", MOMENT, async || {
        let receipt = friend.client().publish("door/knock", &Message::from("friend")).await.ok()?;
        (receipt.peers == 2).then_some(())
    })
    .await?;
    let event = next(&mut at_strict, "the friend's event").await?;
    ensure!(event.origin == friend_id, "came before the friend's: {event:?}");

    // What the strict one publishes is not sent to it either.
    let receipt = strict.client().publish("door/shut", &Message::from("strict")).await?;
    ensure!(receipt.peers == 0, "the friend does not listen, the other may not: {receipt:?}");
    let call = run(Some(&other), &["call", "--timeout", "2s", "door/who"]).await?;
    ensure!(!call.status.success(), "nobody answers: {}", stdout(&call));
    friend.client().publish("door/last", &Message::from("friend")).await?;
    while let event = next(&mut at_other, "the friend's last").await?
        && event.channel != "door/last"
    {
        ensure!(event.channel != "door/shut", "it was sent what it may not have: {event:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_works_from_the_dialling_side_too() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let nobody = "00".repeat(32);
    let mut listener = member("listener", folder.path(), &[])?.start().await?;
    let mut dialler = member("dialler", folder.path(), &[&nobody])?.peer(&listener).start().await?;
    dialler.says("is not on this node's list of the network's nodes").await?;
    listener.says("it does not want this node: this node is not on its list").await?;
    ensure!(dialler.status().await?.peers.is_empty() && listener.status().await?.peers.is_empty());
    Ok(())
}
