//! Dead letters: kept over restarts, shown, handled again by their plugin alone, and let go.

use anyhow::{Context as _, Result, ensure};
use hive_client::types::{DeadLetters, PluginStatus, Replay, ReplayOutcome};
use hive_node::plugin::sketch::Sketch;
use hive_tests::{
    guests::place,
    nodes::Node,
    wait::{MOMENT, until},
};

use crate::{node, run, stderr, stdout, write};

async fn plugin(node: &Node, name: &str) -> Option<PluginStatus> {
    node.client().plugins().await.ok()?.plugins.into_iter().find(|plugin| plugin.name == name)
}

/// Runs `replay` with these arguments; `json` is what it prints with `--json`.
async fn replay(node: &Node, args: &[&str]) -> Result<std::process::Output> {
    run(Some(node), &[&["replay", "billing"], args].concat()).await
}

async fn listed(node: &Node) -> Result<DeadLetters> {
    Ok(serde_json::from_slice(&replay(node, &["--json"]).await?.stdout)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_outlive_the_node_and_are_handled_again_by_their_plugin_alone() -> Result<()> {
    let (folder, data) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let broken = Sketch::new().on("orders/*").handle("unreachable");
    place(folder.path(), "billing.wasm", &broken.build())?;
    place(folder.path(), "watcher.wasm", &Sketch::new().on("orders/*").build())?;
    let config = "version: 1\nplugins: { each: { billing: { attempts: 1 } } }\n";
    let config = write(folder.path(), "hive.yaml", config)?;
    let setup = || node("shop").plugins(folder.path()).data_dir(data.path()).arg("--config").arg(&config);
    let mut shop = setup().start().await?;
    shop.runs_plugin("billing", 1).await?;
    let dead = async |node: &Node, dead: u64, handled: u64| {
        until(&format!("{dead} dead and {handled} handled"), MOMENT, async || {
            let (billing, watcher) = (plugin(node, "billing").await?, plugin(node, "watcher").await?);
            (billing.work.dead == dead && watcher.work.handled == handled).then_some(())
        })
        .await
    };
    for (count, order) in (1..).zip(["one", "two", "three", "four"]) {
        shop.client().publish(&format!("orders/{order}"), &order.into()).await?;
        dead(&shop, count, count).await?;
    }

    let letters = listed(&shop).await?;
    let channels: Vec<_> = letters.letters.iter().map(|letter| letter.channel.as_str()).collect();
    ensure!(channels == ["orders/one", "orders/two", "orders/three", "orders/four"], "{letters:?}");
    let first = letters.letters.first().context("a letter")?;
    ensure!(first.reason.contains("trapped in `handle`") && first.attempts == 1, "{first:?}");
    let shown = replay(&shop, &["1", "--dry-run"]).await?;
    ensure!(stdout(&shown).contains("payload   one"), "{}", stdout(&shown));
    let again = replay(&shop, &["1"]).await?;
    ensure!(again.status.code() == Some(1) && stdout(&again).starts_with("1 died again: "), "{again:?}");

    let dropped = replay(&shop, &["4", "--drop"]).await?;
    ensure!(dropped.status.success() && stdout(&dropped) == "4 dropped\n", "{dropped:?}");
    shop.client().publish("orders/five", &"five".into()).await?;
    dead(&shop, 6, 5).await?;
    shop.stop().await?;
    let mut shop = setup().start().await?;
    ensure!(listed(&shop).await?.letters.len() == 4, "{:?}", listed(&shop).await?);

    place(folder.path(), "billing.wasm", &Sketch::new().on("orders/*").build())?;
    shop.runs_plugin("billing", 2).await?;
    let unknown = replay(&shop, &["99"]).await?;
    ensure!(stdout(&unknown) == "99 stays: `billing` has no dead letter 99\n", "{unknown:?}");
    let done = replay(&shop, &["--all", "--json"]).await?;
    let done: Replay = serde_json::from_slice(&done.stdout).with_context(|| stderr(&done))?;
    let numbers: Vec<_> = done.letters.iter().map(|letter| letter.letter).collect();
    ensure!(numbers == [1, 2, 3, 5], "{done:?}");
    ensure!(done.letters.iter().all(|letter| letter.outcome == ReplayOutcome::Handled), "{done:?}");
    ensure!(listed(&shop).await?.letters.is_empty());
    let (billing, watcher) = (plugin(&shop, "billing").await, plugin(&shop, "watcher").await);
    let watched = watcher.map(|watcher| watcher.work.handled);
    ensure!(watched == Some(0), "nobody else gets a letter again: {billing:?}");
    shop.stop().await?;
    let shop = setup().start().await?;
    ensure!(listed(&shop).await?.letters.is_empty(), "what was handled is gone for good");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_letters_cannot_be_handled_again_is_told_why() -> Result<()> {
    let node = node("alone").start().await?;
    let nobody = run(Some(&node), &["replay", "nobody", "--all"]).await?;
    ensure!(stderr(&nobody).contains("no plugin is called `nobody`"), "{}", stderr(&nobody));
    let drop = run(Some(&node), &["replay", "nobody", "--drop"]).await?;
    ensure!(drop.status.code() == Some(2) && stderr(&drop).contains("which letters"), "{}", stderr(&drop));
    Ok(())
}
