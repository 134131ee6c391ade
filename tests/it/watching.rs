//! Looking at plugins from outside: what they say, and what is counted of them.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use hive_client::{Message, types::LogLevel};
use hive_node::plugin::sketch::Sketch;
use hive_tests::{
    guests::{place, test_guest},
    nodes::clean,
    wait::{MOMENT, until, within},
};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{PROGRAM, node, run, stderr, stdout, write};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_says_is_shown_and_followed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    place(folder.path(), "rogue.wasm", &std::fs::read(test_guest("rogue"))?)?;
    let node = node("watched").plugins(folder.path()).start().await?;
    node.runs_plugin("rogue", 1).await?;
    let ask =
        async |what: &str| node.client().call(&format!("rogue/{what}"), &Message::from("x"), MOMENT).await;
    ensure!(ask("panic").await.is_err());
    let shown = run(Some(&node), &["plugins", "logs", "rogue", "--level", "warn"]).await?;
    let lines = stdout(&shown);
    ensure!(lines.contains(" WARN  these are its last words\n"), "{lines}{}", stderr(&shown));
    ensure!(lines.contains("the handler trapped in ") && lines.contains("as it was asked to"), "{lines}");
    let one = run(Some(&node), &["plugins", "logs", "rogue", "--lines", "1", "--json"]).await?;
    let one: hive_client::types::PluginLogs = serde_json::from_slice(&one.stdout)?;
    ensure!(one.lines.len() == 1 && one.lines.iter().all(|line| line.number == one.last), "{one:?}");
    let errors =
        node.client().plugin_logs("rogue", None, 9, Some(LogLevel::Error), std::time::Duration::ZERO);
    ensure!(errors.await?.lines.is_empty());
    let nobody = run(Some(&node), &["plugins", "logs", "nobody"]).await?;
    ensure!(stderr(&nobody).contains("no plugin is called `nobody`"), "{}", stderr(&nobody));

    let home = tempfile::tempdir()?;
    let mut command = std::process::Command::new(PROGRAM);
    command.args(["plugins", "logs", "rogue", "--follow", "--lines", "0"]);
    clean(&mut command, home.path());
    command.env("HIVE_NODE", node.data_dir());
    let mut command = tokio::process::Command::from(command);
    let mut following = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut lines = BufReader::new(following.stdout.take().context("stdout")?).lines();
    // Until it follows, what is said is not for it; so it is said until it is.
    let said = tokio::spawn({
        let client = node.client().clone();
        async move {
            loop {
                let _ = client.call("rogue/panic", &Message::from("x"), MOMENT).await;
            }
        }
    });
    for _ in 0..3 {
        within("a line that is followed", MOMENT, lines.next_line()).await??.context("it ended")?;
    }
    said.abort();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_keeps_failing_is_paused_and_goes_on_when_it_is_mended() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let broken = Sketch::new().answers("bad/*").handle("unreachable");
    place(folder.path(), "bad.wasm", &broken.build())?;
    let config = "version: 1\nplugins: { defaults: { attempts: 1, breaker: { failures: 3, pause: 2s } } }\n";
    let config = write(folder.path(), "hive.yaml", config)?;
    let mut node = node("pausing").plugins(folder.path()).arg("--config").arg(config).start().await?;
    node.runs_plugin("bad", 1).await?;
    let call = async |node: &hive_tests::nodes::Node| {
        node.client().call("bad/one", &Message::from("x"), MOMENT).await.map_err(|error| error.to_string())
    };
    for _ in 0..3 {
        ensure!(call(&node).await.is_err_and(|why| why.contains("trapped")));
    }
    let paused = until("the pause", MOMENT, async || {
        let list = run(Some(&node), &["plugins"]).await.ok()?;
        stdout(&list).contains("paused").then_some(())
    });
    paused.await?;
    node.says("it is paused after 3 failures in a row").await?;
    ensure!(call(&node).await.is_err_and(|why| why.contains("it is paused after 3 failures")));
    place(folder.path(), "bad.wasm", &Sketch::new().answers("bad/*").build())?;
    node.runs_plugin("bad", 2).await?;
    // One is tried when the pause is over, and all others after it.
    until("an answer", MOMENT, async || call(&node).await.ok()).await?;
    node.says("it goes on after its pause").await?;
    let list = run(Some(&node), &["plugins", "list", "bad"]).await?;
    ensure!(stdout(&list).contains("an event  5s in all, 1s of CPU time"), "{}", stdout(&list));
    ensure!(stdout(&list).contains("pauses"), "{}", stdout(&list));
    let card = node.client().plugins().await?.plugins.into_iter().find(|plugin| plugin.name == "bad");
    ensure!(card.is_some_and(|card| card.work.pauses >= 1), "{}", stdout(&list));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_is_there_for_prometheus() -> Result<()> {
    let folder = tempfile::tempdir()?;
    place(folder.path(), "bad.wasm", &Sketch::new().answers("bad/*").handle("unreachable").build())?;
    place(folder.path(), "fine.wasm", &Sketch::new().on("fine/*").build())?;
    let left = node("left").plugins(folder.path()).start().await?;
    let right = node("right").peer(&left).start().await?;
    right.has_peers(1, MOMENT).await?;
    left.runs_plugin("fine", 1).await?;
    left.client().publish("fine/one", &Message::from("x")).await?;
    let failed = left.client().call("bad/one", &Message::from("x"), MOMENT).await;
    ensure!(failed.is_err());
    let want = [
        "hive_plugin_handled_total{plugin=\"fine\"} 1",
        "hive_plugin_trapped_total{plugin=\"bad\"} 1",
        "hive_plugin_latency_seconds_count{plugin=\"fine\"} 1",
        "hive_plugin_limited_total{plugin=\"bad\",limit=\"cpu\"} 0",
        "hive_plugin_paused{plugin=\"bad\"} 0.0",
        "hive_events_published_total 2",
        "hive_peers{network=\"hive\"} 1.0",
        "hive_network_ready{network=\"hive\"} 1.0",
    ];
    let missing = async || {
        let text = left.client().metrics().await.unwrap_or_default();
        want.iter()
            .find(|line| !text.lines().any(|has| has == **line))
            .map(|line| format!("{line} in\n{text}"))
    };
    let all = until("what is counted", MOMENT, async || missing().await.is_none().then_some(()));
    if all.await.is_err() {
        anyhow::bail!("{:?}", missing().await);
    }
    let text = left.client().metrics().await?;
    ensure!(
        text.ends_with("# EOF\n") && text.contains("hive_link_rtt_seconds{network=\"hive\",peer="),
        "{text}"
    );
    ensure!(text.contains("hive_plugin_latency_seconds_bucket{le=\"+Inf\",plugin=\"fine\"} 1"), "{text}");
    Ok(())
}
