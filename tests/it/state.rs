//! What handlers keep on their node, over kills, and what bounds it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use hive_client::{
    Client, Message, Terms,
    types::{StateEntries, WorkStatus},
};
use hive_tests::{
    nodes::Node,
    wait::{self, MOMENT},
};
use serde::de::DeserializeOwned;

use crate::{next, node, plugins, run, stderr, stdout, write};

/// How often the node is killed.
const ROUNDS: u32 = 40;
/// Who publishes at the same time.
const PUBLISHERS: u32 = 8;

const CONFIG: &str = "version: 1\nchannels:\n  - { pattern: 'ledger/deposit/*', durable: true }\n";

async fn start(folder: &Path, plugins: &Path) -> Result<Node> {
    let config = folder.join("hive.yaml");
    let keeper = node("keeper").arg("--config").arg(&config).plugins(plugins).data_dir(folder.join("data"));
    let keeper = keeper.start().await?;
    keeper.runs_plugin("ledger", 1).await?;
    Ok(keeper)
}

/// Pays one cent into an account of its own with each event, until the node is gone. Notes what was acknowledged.
async fn deposit(client: Client, from: u32, acknowledged: Arc<Mutex<BTreeSet<String>>>) {
    for number in from.. {
        let account = format!("a{number}");
        match client.publish(&format!("ledger/deposit/{account}"), &Message::from("1")).await {
            Ok(receipt) if receipt.durable => {
                _ = acknowledged.lock().expect("not poisoned").insert(account);
            }
            _ => return,
        }
    }
}

async fn ask<T: DeserializeOwned>(node: &Node, channel: &str) -> Result<T> {
    let said = node.client().call(channel, &Message::default(), MOMENT).await?;
    serde_json::from_slice(&said.payload).with_context(|| format!("{channel}: {said:?}"))
}

/// Waits until everything that the journal has was handled.
async fn settles(node: &Node) -> Result<()> {
    wait::until("everything to be handled", MOMENT, async || {
        let journal = node.status().await.ok()?.networks.into_iter().find_map(|network| network.journal)?;
        let cursor = journal.cursors.into_iter().find(|cursor| cursor.name.starts_with("ledger@"))?;
        (cursor.lag == 0).then_some(())
    })
    .await
    .with_context(|| node.printed())
}

/// Killed at any moment while deposits come in: each one that was acknowledged is in its balance, none is twice, and the
/// total of all, which each event counts as well, is what the accounts have together.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_durable_channel_acknowledged_is_counted_exactly_once_over_kills() -> Result<()> {
    let (folder, plugins) = (tempfile::tempdir()?, plugins(&["ledger"])?);
    write(folder.path(), "hive.yaml", CONFIG)?;
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let mut next = 0_u32;
    for round in 0..ROUNDS {
        let mut keeper = start(folder.path(), plugins.path()).await?;
        let publishing: Vec<_> = (0..PUBLISHERS)
            .map(|publisher| {
                let from = next + publisher * 10_000;
                tokio::spawn(deposit(keeper.client().clone(), from, Arc::clone(&acknowledged)))
            })
            .collect();
        next += PUBLISHERS * 10_000;
        // Another moment in each round.
        let moment = Duration::from_millis(u64::from(round * 37 % 250));
        tokio::time::timeout(moment, std::future::pending::<()>()).await.ok();
        keeper.crash().await?;
        for publisher in publishing {
            publisher.await?;
        }
    }
    let keeper = start(folder.path(), plugins.path()).await?;
    settles(&keeper).await?;
    let balances: BTreeMap<String, i64> = ask(&keeper, "ledger/accounts").await?;
    let total: i64 = ask(&keeper, "ledger/total").await?;
    let acknowledged = acknowledged.lock().expect("not poisoned").clone();
    let lost: Vec<_> = acknowledged.iter().filter(|account| !balances.contains_key(*account)).collect();
    let wrong: Vec<_> = balances.iter().filter(|(_, cents)| **cents != 1).collect();
    println!(
        "{ROUNDS} kills: {} acknowledged, {} counted, total {total}",
        acknowledged.len(),
        balances.len()
    );
    ensure!(lost.is_empty(), "acknowledged and not counted: {lost:?}");
    ensure!(wrong.is_empty(), "not counted once: {wrong:?}");
    ensure!(total == balances.len() as i64, "a total of {total}, and {} accounts", balances.len());
    ensure!(acknowledged.len() > 300, "only {} were acknowledged", acknowledged.len());
    Ok(())
}

/// Past its quota a plugin is refused, not the others; what it has stays, over a restart too, and the status says it.
#[tokio::test(flavor = "multi_thread")]
async fn a_quota_bounds_one_plugin_and_is_shown() -> Result<()> {
    let (folder, plugins) = (tempfile::tempdir()?, plugins(&["ledger"])?);
    std::fs::copy(plugins.path().join("ledger.wasm"), plugins.path().join("other.wasm"))?;
    let config = "version: 1\nplugins:\n  each:\n    ledger: { state: 1KiB }\n";
    write(folder.path(), "hive.yaml", config)?;
    let mut keeper = start(folder.path(), plugins.path()).await?;
    keeper.runs_plugin("other", 1).await?;
    let mut letters = keeper.client().subscribe(["$dead/*"], Terms::default()).await?;
    for number in 0..20 {
        keeper.client().publish(&format!("ledger/deposit/a{number}"), &Message::from("1")).await?;
    }
    let letter = next(&mut letters, "a dead letter").await?;
    let reason = letter.message.headers.iter().find(|(name, _)| name == "hive-reason");
    ensure!(letter.channel == "$dead/ledger", "{letter:?}");
    ensure!(reason.is_some_and(|(_, why)| why.contains("too large: the limit is 1024")), "{reason:?}");
    let kept = async |keeper: &Node, name: &str| {
        let plugin = keeper.client().plugins().await.ok()?.plugins.into_iter().find(|p| p.name == name)?;
        let WorkStatus { handled, dead, .. } = plugin.work;
        Some((plugin.state_bytes, plugin.state_quota_bytes, handled + dead))
    };
    for name in ["other", "ledger"] {
        wait::until("all to be done with", MOMENT, async || {
            kept(&keeper, name).await.filter(|(_, _, done)| *done == 20)
        })
        .await?;
    }
    let other = kept(&keeper, "other").await.context("the plugin")?;
    ensure!(other.1 == 16 << 20, "{other:?}");
    let before = kept(&keeper, "ledger").await.context("the plugin")?;
    ensure!(before.1 == 1_024 && (800..=1_024).contains(&before.0), "{before:?}");
    keeper.stop().await?;
    let keeper = start(folder.path(), plugins.path()).await?;
    let after = kept(&keeper, "ledger").await.context("the plugin")?;
    ensure!(after.0 == before.0, "{before:?}, then {after:?}");
    Ok(())
}

/// Keys, sizes, values and ends, a page at a time; what is nearly right is said. What is left of a plugin outlives its file.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_keeps_is_shown() -> Result<()> {
    let (folder, plugins) = (tempfile::tempdir()?, plugins(&["ledger"])?);
    write(folder.path(), "hive.yaml", CONFIG)?;
    let mut keeper = start(folder.path(), plugins.path()).await?;
    for account in ["ada", "bob", "cy"] {
        keeper.client().publish(&format!("ledger/deposit/{account}"), &Message::from("500")).await?;
    }
    settles(&keeper).await?;
    keeper.client().call("ledger/hold", &Message::from("\"ada\""), MOMENT).await?;
    let state =
        async |node: &Node, args: &[&str]| run(Some(node), &[&["plugins", "state"], args].concat()).await;
    let page = ["ledger", "--prefix", "balance/", "--limit", "2"];
    let shown = state(&keeper, &page).await?;
    let want = "KEY          SIZE  VALUE\nbalance/ada  3B    500\nbalance/bob  3B    500\n";
    ensure!(stdout(&shown) == want, "{}{}", stdout(&shown), stderr(&shown));
    ensure!(stderr(&shown) == "and 1 more: `--after balance/bob` goes on\n", "{}", stderr(&shown));
    let rest = state(&keeper, &[&page[..], &["--after", "balance/bob"]].concat()).await?;
    ensure!(stdout(&rest).ends_with("\nbalance/cy  3B    500\n") && stderr(&rest).is_empty(), "{rest:?}");
    let held = state(&keeper, &["ledger", "held/ada"]).await?;
    ensure!(stdout(&held) == "held\n", "{}", stderr(&held));
    ensure!(stderr(&held).starts_with("`held/ada` ends in "), "{}", stderr(&held));
    let json = state(&keeper, &["ledger", "balance/ada", "--json"]).await?;
    let json: StateEntries = serde_json::from_slice(&json.stdout)?;
    ensure!(json.entries[0].value == "500" && json.quota_bytes == 16 << 20, "{json:?}");
    for (args, want) in [
        (
            &["ledger", "balance/bod"][..],
            "`ledger` keeps nothing under `balance/bod`\nhint: did you mean `balance/bob`?",
        ),
        (&["ledger", "balance"], "hint: keys begin with it; --prefix lists those"),
        (&["ledgr"], "no plugin is called `ledgr`\nhint: did you mean `ledger`?"),
    ] {
        let refused = state(&keeper, args).await?;
        ensure!(refused.status.code() == Some(1), "{refused:?}");
        ensure!(stderr(&refused).contains(want), "{}", stderr(&refused));
    }
    let odd = run(Some(&keeper), &["plugins", "reload", "ledger", "total"]).await?;
    ensure!(odd.status.code() == Some(2) && stderr(&odd).contains("takes no key"), "{}", stderr(&odd));
    keeper.stop().await?;
    std::fs::remove_file(plugins.path().join("ledger.wasm"))?;
    let keeper = node("keeper").plugins(plugins.path()).data_dir(folder.path().join("data")).start().await?;
    let left = state(&keeper, &["ledger", "total"]).await?;
    ensure!(stdout(&left) == "1500\n", "{}", stderr(&left));
    Ok(())
}
