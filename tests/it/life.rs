//! The life of plugins as who runs a node sees it: versions that fail, verbs, restarts, and what it costs in the long run.

use std::{collections::BTreeMap, env, fs, path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use hive_client::{
    Error, Incoming, Message, Subscription, Terms,
    types::{PluginState, PluginStatus},
};
use hive_node::plugin::sketch::Sketch;
use hive_tests::{
    guests::{guest, place, variant},
    nodes::{Node, clean},
    wait::{MOMENT, until, within},
};

use crate::{PROGRAM, next, node, plugins, run, stderr, stdout, write};

/// Events that go through a handler while a version of it fails.
const EVENTS: usize = 5_000;

async fn plugin(node: &Node, name: &str) -> Option<PluginStatus> {
    let plugins = node.client().plugins().await.ok()?.plugins;
    plugins.into_iter().find(|plugin| plugin.name == name)
}

async fn is(node: &Node, name: &str, what: &str, is: impl Fn(&PluginStatus) -> bool) -> Result<PluginStatus> {
    until(what, MOMENT, async || plugin(node, name).await.filter(|plugin| is(plugin)))
        .await
        .with_context(|| node.printed())
}

fn reading(number: usize) -> Result<Message> {
    Ok(Message::json(&serde_json::json!({ "celsius": 1_000 + number }))?)
}

/// A handler that takes what the filter takes and breaks on all of it.
fn breaks() -> Vec<u8> {
    Sketch::new().on("sensor/*/reading").handle("unreachable").build().to_vec()
}

async fn verb(node: &Node, args: &[&str]) -> Result<(bool, String)> {
    let output = run(Some(node), args).await?;
    Ok((output.status.success(), format!("{}{}", stdout(&output), stderr(&output))))
}

/// A version that fails is left for the one before by itself; every event is handled, by one of them, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_fails_under_load_is_rolled_back_and_no_event_is_lost() -> Result<()> {
    let folder = plugins(&["filter"])?;
    let node = node("careful").plugins(folder.path()).start().await?;
    node.runs_plugin("filter", 1).await?;
    let before = plugin(&node, "filter").await.context("the filter")?;
    let alerts = node.client().subscribe(["alert/*"], Terms::default()).await?;
    let counting = tokio::spawn(count(alerts));
    let mut publisher = node.client().publisher().await?;
    let mut clock = tokio::time::interval(Duration::from_millis(2));
    for number in 0..EVENTS {
        if number == EVENTS / 4 {
            place(folder.path(), "filter.wasm", &breaks())?;
        }
        if number % 5 == 0 {
            clock.tick().await;
        }
        publisher.publish("sensor/attic/reading", &reading(number)?).await?;
    }
    let published = publisher.finish().await?;
    ensure!(published.count == EVENTS as u64 && published.failed == 0, "{published:?}");
    let counts = within("every alert", MOMENT, counting).await???;
    let wrong: Vec<_> = (0..EVENTS).filter(|number| counts.get(number) != Some(&1)).collect();
    ensure!(wrong.is_empty(), "{} events not handled exactly once, such as {:?}", wrong.len(), wrong.first());
    let after = is(&node, "filter", "the version before", |plugin| plugin.problem.is_some()).await?;
    ensure!((after.generation, &after.hash) == (1, &before.hash), "{after:?}");
    ensure!(after.work.dead == 0 && after.work.trapped >= 1, "{:?}", after.work);
    let (done, said) = verb(&node, &["plugins"]).await?;
    ensure!(done && said.contains("filter: generation 2 was rolled back: "), "{said}");
    ensure!(said.contains(&after.hash[..8]) && said.contains("running"), "{said}");
    Ok(())
}

/// Counts alerts by the event they were made from, until all are there.
async fn count(mut alerts: Subscription) -> Result<BTreeMap<usize, usize>> {
    let mut counts = BTreeMap::new();
    while counts.len() < EVENTS {
        match alerts.next().await? {
            Some(Incoming::Event(event)) => {
                let alert: serde_json::Value = serde_json::from_slice(&event.message.payload)?;
                let celsius = alert["celsius"].as_f64().context("a number")?;
                *counts.entry(celsius as usize - 1_000).or_default() += 1;
            }
            other => anyhow::bail!("instead of an alert came {other:?}"),
        }
    }
    Ok(counts)
}

/// What `test` has compiled the node that runs here need not compile.
#[tokio::test(flavor = "multi_thread")]
async fn what_test_compiles_is_there_for_a_node() -> Result<()> {
    let (folder, home) = (plugins(&["greeter"])?, tempfile::tempdir()?);
    let file = write(home.path(), "event.yaml", "{ call: greet/hello, data: Ada }")?;
    let data = home.path().join("data");
    for event in [file.as_str(), r#"{ "call": "greet/hello", "data": "Ada" }"#] {
        let mut test = std::process::Command::new(PROGRAM);
        test.arg("test").arg(folder.path().join("greeter.wasm")).args(["--event", event]);
        clean(&mut test, home.path());
        let tested = test.env("HIVE_DATA_DIR", &data).output()?;
        ensure!(tested.status.success() && stdout(&tested).contains("Hello, Ada!"), "{tested:?}");
    }
    let node = node("attic").plugins(folder.path()).data_dir(&data).start().await?;
    node.runs_plugin("greeter", 1).await?;
    let components = node.status().await?.components;
    ensure!((components.compiled, components.cached) == (0, 1), "{components:?}");
    Ok(())
}

/// What people said holds over a restart, and over a kill.
#[tokio::test(flavor = "multi_thread")]
async fn going_back_and_switching_off_outlive_the_node() -> Result<()> {
    let (folder, data) = (plugins(&["filter"])?, tempfile::tempdir()?);
    let begin = async || node("keeper").plugins(folder.path()).data_dir(data.path()).start().await;
    let mut node = begin().await?;
    node.runs_plugin("filter", 1).await?;
    let first = plugin(&node, "filter").await.context("the filter")?.hash;
    place(folder.path(), "filter.wasm", &variant(&guest("filter"), "two")?)?;
    node.runs_plugin("filter", 2).await?;
    let (done, said) = verb(&node, &["plugins", "rollback", "filter"]).await?;
    ensure!(done && said == "filter generation 1\n", "{said}");
    node.says("generation 2 was rolled back: somebody asked for it").await?;
    ensure!(!node.printed().contains("ERROR"), "{}", node.printed());
    node.stop().await?;

    let mut node = begin().await?;
    let status = node.status().await?;
    ensure!(status.components.compiled == 0 && status.components.cached >= 1, "{:?}", status.components);
    let kept = plugin(&node, "filter").await.context("the filter")?;
    ensure!(kept.hash == first && kept.problem.is_some(), "{kept:?}");
    node.says("an older version runs: generation 2 was rolled back: somebody asked for it; its file is not loaded again until")
        .await?;
    works(&node).await?;
    let (done, said) = verb(&node, &["plugins", "disable", "filter"]).await?;
    ensure!(done && said == "filter disabled\n", "{said}");
    node.crash().await?;

    let mut node = begin().await?;
    is(&node, "filter", "the filter to be off", |plugin| plugin.state == PluginState::Disabled).await?;
    node.says("it is off, and stays so until somebody says `plugins enable filter`").await?;
    let (done, said) = verb(&node, &["plugins", "reload", "filter"]).await?;
    ensure!(!done && said.contains("it is disabled"), "{said}");
    let (done, said) = verb(&node, &["plugins", "enable", "filter"]).await?;
    ensure!(done && said == "filter generation 1\n", "{said}");
    works(&node).await?;
    // Another content is another matter.
    place(folder.path(), "filter.wasm", &variant(&guest("filter"), "three")?)?;
    is(&node, "filter", "the new one", |plugin| plugin.problem.is_none() && plugin.hash != first).await?;
    let (done, said) = verb(&node, &["plugins", "rollback"]).await?;
    ensure!(!done && said.contains("`plugins rollback` needs the name of a plugin"), "{said}");
    Ok(())
}

async fn works(node: &Node) -> Result<()> {
    let mut alerts = node.client().subscribe(["alert/*"], Terms::default()).await?;
    node.client().publish("sensor/cellar/reading", &reading(7)?).await?;
    ensure!(next(&mut alerts, "an alert").await?.channel == "alert/cellar");
    Ok(())
}

/// A new version that asks for more gets none of it until a person says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_wants_more_waits_for_a_person() -> Result<()> {
    let folder = plugins(&["filter"])?;
    let node = node("wary").plugins(folder.path()).start().await?;
    node.runs_plugin("filter", 1).await?;
    let more = Sketch::new().on("sensor/*/reading").on("secrets/*").publishes("leak/all").build();
    place(folder.path(), "filter.wasm", &more)?;
    let waits = is(&node, "filter", "it to wait", |plugin| !plugin.waits.is_empty()).await?;
    ensure!(waits.waits == ["listen to `secrets/*`", "publish to `leak/all`"], "{waits:?}");
    ensure!(node.client().publish("secrets/one", &"x".into()).await?.local == 0);
    works(&node).await?;
    let (done, said) = verb(&node, &["plugins"]).await?;
    ensure!(
        done && said.contains("waits, as it wants to listen to `secrets/*`, to publish to `leak/all`"),
        "{said}"
    );
    let (done, said) = verb(&node, &["plugins", "approve", "filter"]).await?;
    ensure!(done && said == "filter generation 2\n", "{said}");
    ensure!(node.client().publish("secrets/one", &"x".into()).await?.local == 1);
    Ok(())
}

/// Instances that trap are replaced, and nothing of them stays. `HIVE_TRAPS` says how many.
#[tokio::test(flavor = "multi_thread")]
async fn instances_that_trap_leave_nothing_behind() -> Result<()> {
    const GROWTH_MAX: u64 = 12 << 20;
    let traps: usize = env::var("HIVE_TRAPS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let folder = tempfile::tempdir()?;
    // Each touches all of its 4 MiB first.
    let touches = "(drop (memory.grow (i32.const 62)))
        (memory.fill (i32.const 131072) (i32.const 1) (i32.const 4063232)) unreachable";
    fs::write(folder.path().join("boom.wasm"), Sketch::new().answers("boom/*").handle(touches).build())?;
    let text = "version: 1\nplugins: { defaults: { breaker: off } }\n";
    let config = write(folder.path(), "hive.yaml", text)?;
    let node = node("trapper").arg("--config").arg(config).plugins(folder.path()).start().await?;
    let mut settled = 0;
    for number in 0..traps {
        let answer = node.client().call("boom/now", &Message::default(), MOMENT).await;
        ensure!(matches!(&answer, Err(Error::Refused(error)) if error.code == "failed"), "{answer:?}");
        if number == traps / 4 {
            settled = resident(&node)?;
        }
    }
    let work = plugin(&node, "boom").await.context("the plugin")?.work;
    ensure!(work.trapped == traps as u64, "{work:?}");
    let grown = resident(&node)?.saturating_sub(settled);
    ensure!(grown < GROWTH_MAX, "{grown} bytes more than after a quarter of {traps} traps");
    Ok(())
}

fn resident(node: &Node) -> Result<u64> {
    let status = fs::read_to_string(Path::new("/proc").join(node.process().to_string()).join("status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? << 10)
}

/// Without a probation a version that fails stays.
#[tokio::test(flavor = "multi_thread")]
async fn probation_can_be_switched_off() -> Result<()> {
    let folder = plugins(&["filter"])?;
    let text = "version: 1\nplugins: { defaults: { probation: 0s, attempts: 1, breaker: off } }\n";
    let config = write(folder.path(), "hive.yaml", text)?;
    let node = node("bold").arg("--config").arg(config).plugins(folder.path()).start().await?;
    node.runs_plugin("filter", 1).await?;
    place(folder.path(), "filter.wasm", &breaks())?;
    node.runs_plugin("filter", 2).await?;
    for number in 0..10 {
        node.client().publish("sensor/attic/reading", &reading(number)?).await?;
    }
    let still = is(&node, "filter", "dead letters", |plugin| plugin.work.dead == 10).await?;
    ensure!((still.generation, still.problem.as_ref()) == (2, None), "{still:?}");
    Ok(())
}
