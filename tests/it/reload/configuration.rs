//! Another configuration while a node runs: nothing is lost, what is wrong changes nothing, what is the same is not touched.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use hive_client::{
    Message, Terms,
    types::{BridgeState, ConfigReload, KeyTurn, PluginStatus, Status},
};
use hive_tests::{
    nodes::{Node, Setup},
    wait::{MOMENT, until, within},
};
use tokio::sync::watch;

use super::{PART, count, filter, nothing_dropped, publish, reading};
use crate::{next, node, plugins, run, stderr, stdout};

/// A node's configuration file, and a folder for what is beside it.
struct File(tempfile::TempDir);

impl File {
    fn new(text: &str) -> Result<Self> {
        let file = Self(tempfile::tempdir()?);
        file.write(text)?;
        Ok(file)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("hive.yaml")
    }

    /// Replaces it at once, as an editor does.
    fn write(&self, text: &str) -> Result<()> {
        let beside = self.0.path().join(".new");
        std::fs::write(&beside, format!("version: 1\n{text}"))?;
        Ok(std::fs::rename(beside, self.path())?)
    }

    fn node(&self, name: &str) -> Setup {
        node(name).arg("--config").arg(self.path())
    }
}

/// The keys of what was changed, with what became of them.
fn keys(done: &ConfigReload) -> Vec<(&str, KeyTurn)> {
    done.applied.iter().map(|each| (each.key.as_str(), each.change)).collect()
}

async fn is_refused(node: &Node, channel: &str) -> Result<bool> {
    match node.client().publish(channel, &Message::from("x")).await {
        Ok(_) => Ok(false),
        Err(error) if error.to_string().contains("do not allow") => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// The section of a handler is another three times while 2,000 events a second go through it, and rules come and go.
#[tokio::test(flavor = "multi_thread")]
async fn no_event_is_lost_or_doubled_while_the_configuration_changes() -> Result<()> {
    let folder = plugins(&["filter"])?;
    let text = |deadline: u64| {
        let folders = folder.path().display();
        let rule =
            if deadline.is_multiple_of(2) { "channels: [{pattern: 'x/**', publish: []}]\n" } else { "" };
        format!("{rule}plugins: {{folders: [{folders}], each: {{filter: {{deadline: {deadline}s}}}}}}")
    };
    let file = File::new(&text(9))?;
    let node = file.node("changer").start().await?;
    node.runs_plugin("filter", 1).await?;
    let alerts = node.client().subscribe(["alert/*"], Terms::default()).await?;
    let (all, known) = watch::channel(None);
    let counting = tokio::spawn(count(alerts, known));

    let (progress, mut published) = watch::channel(0);
    let (changed, over) = watch::channel(false);
    let changing = async {
        for change in 1..=3_usize {
            published.wait_for(|number| *number >= change * PART).await?;
            file.write(&text(9 - change as u64))?;
            let done = node.client().reload_config(false).await?;
            let of_filter: Vec<_> = done.plugins.iter().map(|plugin| plugin.generation).collect();
            ensure!(of_filter == [1 + change as u64] && done.applied.len() == 2, "{done:?}");
        }
        changed.send_replace(true);
        Ok(())
    };
    let (events, ()) = tokio::try_join!(publish(&node, (progress, over)), changing)?;
    all.send_replace(Some(events));
    let counts = within("every alert", MOMENT, counting).await???;
    let wrong: Vec<_> = (0..events).filter(|number| counts.get(number) != Some(&1)).collect();
    ensure!(wrong.is_empty(), "{} events not handled exactly once, such as {:?}", wrong.len(), wrong.first());
    ensure!(filter(&node).await?.limits.context("limits")?.deadline_ms == 6_000);
    nothing_dropped(&node).await
}

/// What is wrong is said whole to who asked, and changes nothing; the next right file does.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_wrong_changes_nothing_and_is_said() -> Result<()> {
    let folder = plugins(&["filter"])?;
    let right = format!("plugins: {{folders: [{}]}}\n", folder.path().display());
    let file = File::new(&right)?;
    let mut node = file.node("careful").start().await?;
    node.runs_plugin("filter", 1).await?;
    let wrong =
        format!("{right}channels: [{{pattern: 'x/**', publish: []}}]\nbridges:\n  mqtt: [{{sever: h}}]\n");
    file.write(&wrong)?;
    let done = run(Some(&node), &["config", "reload"]).await?;
    let said = stderr(&done);
    ensure!(done.status.code() == Some(2) && stdout(&done).is_empty(), "{done:?}");
    ensure!(said.contains("hive.yaml:5:") && said.contains("did you mean `server`?"), "{said}");
    ensure!(!is_refused(&node, "x/y").await? && filter(&node).await?.generation == 1);
    node.hang_up()?;
    node.says("the configuration cannot be used, and nothing was changed").await?;
    let status = stdout(&run(Some(&node), &["status"]).await?);
    ensure!(status.contains("ago it could not be used: error"), "{status}");

    std::fs::remove_file(file.path())?;
    let done = run(Some(&node), &["config", "reload"]).await?;
    ensure!(
        done.status.code() == Some(2) && stderr(&done).contains("cannot read the configuration"),
        "{done:?}"
    );
    ensure!(!is_refused(&node, "x/y").await? && filter(&node).await?.generation == 1);
    // A folder that is missing is found before the rules beside it hold.
    file.write("channels: [{pattern: 'x/**', publish: []}]\nplugins: {folders: [/nowhere/at/all]}")?;
    let done = run(Some(&node), &["config", "reload"]).await?;
    ensure!(done.status.code() == Some(2) && !is_refused(&node, "x/y").await?, "{done:?}");

    file.write(&format!("{right}channels: [{{pattern: 'x/**', publish: []}}]"))?;
    let done = run(Some(&node), &["config", "reload"]).await?;
    ensure!(done.status.success() && stdout(&done) == "channels: changed\n", "{done:?}");
    ensure!(is_refused(&node, "x/y").await?);
    let configuration = node.status().await?.configuration.context("a configuration")?;
    ensure!(configuration.problem.is_none() && configuration.restart.is_empty(), "{configuration:?}");
    Ok(())
}

/// What is said of plugins and bridges, as far as it is other after they were begun anew.
#[derive(Debug, PartialEq)]
struct Lives {
    /// Names and generations.
    plugins: Vec<(String, u64)>,
    /// Names, and since when they are up.
    bridges: Vec<(String, Option<u64>)>,
}

fn lives(status: &Status) -> Lives {
    let generation = |plugin: &PluginStatus| (plugin.name.clone(), plugin.generation);
    let bridges = status.bridges.iter().map(|bridge| (bridge.name.clone(), bridge.since_ms));
    Lives { plugins: status.plugins.iter().map(generation).collect(), bridges: bridges.collect() }
}

/// Waits until so many bridges are up.
async fn up(node: &Node, count: usize) -> Result<Status> {
    let ups = |status: &Status| status.bridges.iter().filter(|one| one.state == BridgeState::Up).count();
    until("bridges that are up", MOMENT, async || node.status().await.ok().filter(|now| ups(now) == count))
        .await
        .with_context(|| node.printed())
}

/// The same file, or one that flags come before, touches nothing; rules, plugins and bridges hold at once, by the verb and by
/// a signal; the rest is named and waits.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_other_is_taken_over_and_nothing_else_is_touched() -> Result<()> {
    let folder = plugins(&["filter", "greeter"])?;
    let bridge = |export: &str, name: &str| {
        format!("    - {{name: {name}, from: a, to: b, export: ['{export}/**'], import: []}}\n")
    };
    let text = |more: &str, bridges: &[String]| {
        let networks = "networks: {a: {open: true}, b: {open: true}}";
        format!(
            "{networks}\n{more}\nplugins: {{folders: [/nowhere]}}\nbridges:\n  hive:\n{}",
            bridges.concat()
        )
    };
    let first = bridge("one", "first");
    let file = File::new(&text("", std::slice::from_ref(&first)))?;
    // The flag comes before the file, then as now.
    let mut node = file.node("taker").plugins(folder.path()).start().await?;
    let before = lives(&up(&node, 1).await?);
    let done = run(Some(&node), &["config", "reload"]).await?;
    ensure!(done.status.success() && stdout(&done).is_empty(), "{done:?}");
    ensure!(stderr(&done).contains("hive.yaml says what holds already"), "{done:?}");
    ensure!(lives(&node.status().await?) == before, "{before:?}");

    let mut there = node.client().subscribe(["b/**"], Terms::default()).await?;
    let rules = "channels: [{pattern: 'x/**', publish: []}]";
    file.write(&text(rules, &[first.clone(), bridge("two", "second")]))?;
    let look = node.client().reload_config(true).await?;
    let want = [("channels", KeyTurn::Changed), ("bridges.hive.second", KeyTurn::Added)];
    ensure!(look.check && keys(&look) == want && !is_refused(&node, "x/y").await?, "{look:?}");
    let done = node.client().reload_config(false).await?;
    ensure!(keys(&done) == want && done.restart.is_empty() && done.plugins.is_empty(), "{done:?}");
    ensure!(is_refused(&node, "x/y").await?, "rules hold at once");
    up(&node, 2).await?;
    for channel in ["two/x", "one/x"] {
        node.client().publish(channel, &Message::from("over")).await?;
        ensure!(next(&mut there, "an event that crossed").await?.channel == channel);
    }
    let now = lives(&node.status().await?);
    ensure!(now.plugins == before.plugins && now.bridges[0] == before.bridges[0], "{before:?}; {now:?}");

    // By a signal; one bridge goes, the other stays.
    file.write(&text("log: {level: debug}", &[first]))?;
    node.hang_up()?;
    node.says("the configuration holds: bridges.hive.second: removed").await?;
    ensure!(!is_refused(&node, "x/y").await? && lives(&up(&node, 1).await?) == before, "{before:?}");
    let after = |path: &Path| {
        text("log: {level: debug}\nnode: {name: other, peers: [h]}", &[])
            .replace("/nowhere", &path.display().to_string())
    };
    file.write(&after(folder.path()))?;
    let done = run(Some(&node), &["config", "reload"]).await?;
    // Its name was said by a flag; the peers are the file's.
    ensure!(done.status.code() == Some(1) && stdout(&done) == "bridges.hive.first: removed\n", "{done:?}");
    ensure!(stderr(&done).contains("error: this needs a restart: node.peers: changed"), "{done:?}");
    let status = stdout(&run(Some(&node), &["status"]).await?);
    ensure!(status.contains("; what it says of node.peers needs a restart"), "{status}");
    let again = run(Some(&node), &["config", "reload", "--json"]).await?;
    let again: ConfigReload = serde_json::from_slice(&again.stdout)?;
    ensure!(again.applied.is_empty() && again.restart.len() == 1 && again.plugins.is_empty(), "{again:?}");
    node.client().publish("sensor/attic/reading", &reading(1)?).await?;
    Ok(())
}

/// A section comes, grants and all, a plugin is switched off and on, and a channel becomes durable.
#[tokio::test(flavor = "multi_thread")]
async fn plugins_are_switched_and_channels_become_durable_as_the_file_says() -> Result<()> {
    let folder = plugins(&["greeter"])?;
    let text = |each: &str, more: &str| {
        let folders = folder.path().display();
        format!(
            "plugins: {{folders: [{folders}], each: {{greeter: {{{each}}}}}}}\nchannels: [{{pattern: 'a/*', durable: true}}{more}]"
        )
    };
    let file = File::new(&text("", ""))?;
    let node = file.node("switcher").start().await?;
    node.runs_plugin("greeter", 1).await?;
    file.write(&text("enabled: false", ""))?;
    node.client().reload_config(false).await?;
    ensure!(node.client().plugins().await?.plugins.is_empty());
    file.write(&text("", ", {pattern: 'b/*', durable: true}"))?;
    ensure!(!node.client().publish("b/1", &Message::from("x")).await?.durable);
    let done = node.client().reload_config(false).await?;
    let want = ["channels", "channels.durable", "plugins.each.greeter"];
    ensure!(keys(&done).iter().map(|(key, _)| *key).eq(want) && done.restart.is_empty(), "{done:?}");
    node.runs_plugin("greeter", 1).await?;
    ensure!(node.client().publish("b/1", &Message::from("x")).await?.durable);
    Ok(())
}
