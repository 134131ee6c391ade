//! Looking at plugins from outside: what they say, and what is counted of them.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use hive_client::{Message, types::LogLevel};
use hive_node::plugin::sketch::Sketch;
use hive_tests::{
    guests::{guest, place, test_guest},
    nodes::clean,
    wait::{MOMENT, until, within},
};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{PROGRAM, node, run, stderr, stdout, write};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_says_is_shown_and_followed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    place(folder.path(), "rogue.wasm", &std::fs::read(test_guest("rogue"))?)?;
    let mut node = node("watched").plugins(folder.path()).start().await?;
    node.runs_plugin("rogue", 1).await?;
    let ask =
        async |what: &str| node.client().call(&format!("rogue/{what}"), &Message::from("x"), MOMENT).await;
    ensure!(ask("panic").await.is_err());
    ensure!(ask("reject").await.is_err());
    node.says("a call was rejected: no no ").await?;
    let shown = run(Some(&node), &["plugins", "logs", "rogue", "--level", "warn"]).await?;
    let lines = stdout(&shown);
    ensure!(lines.contains(" WARN  these are its last words\n"), "{lines}{}", stderr(&shown));
    ensure!(lines.contains("the handler trapped in "), "{lines}");
    // What it said of its panic is in the line that says what came of it.
    ensure!(lines.matches("as it was asked to").count() == 1, "{lines}");
    ensure!(lines.matches("panicked at ").count() == 1, "{lines}");
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

/// Why events are gone is among what their plugin said last: which, where, and why; of many a few, and the number of the rest.
#[tokio::test(flavor = "multi_thread")]
async fn why_events_are_gone_is_shown_and_a_burst_is_counted() -> Result<()> {
    const EVENTS: u64 = 300;
    let folder = tempfile::tempdir()?;
    place(folder.path(), "bad.wasm", &Sketch::new().on("bad/*").handle("unreachable").build())?;
    place(folder.path(), "rogue.wasm", &std::fs::read(test_guest("rogue"))?)?;
    let config = "version: 1\nplugins: { defaults: { attempts: 2, backoff: 10ms, breaker: 'off' } }\n";
    let config = write(folder.path(), "hive.yaml", config)?;
    let node = node("gone").plugins(folder.path()).arg("--config").arg(config).start().await?;
    node.runs_plugin("bad", 1).await?;
    node.runs_plugin("rogue", 1).await?;
    let id = node.client().publish("bad/first", &Message::from("x")).await?.id;
    let said = async |plugin: &str| {
        let logs =
            node.client().plugin_logs(plugin, None, 500, None, std::time::Duration::ZERO).await.ok()?;
        Some(logs.lines.into_iter().map(|line| line.text).collect::<Vec<_>>())
    };
    let about = format!("(channel=bad/first event={id})");
    let one = until("the first one's story", MOMENT, async || {
        let lines = said("bad").await?;
        let of_it = lines.iter().filter(|line| line.ends_with(&about)).cloned().collect::<Vec<_>>();
        (of_it.len() >= 3).then_some(of_it)
    });
    let one = one.await?;
    ensure!(one[0].starts_with("the handler trapped"), "{one:?}");
    ensure!(one[1].starts_with("failed, and is tried for the last time: the handler trapped"), "{one:?}");
    ensure!(one[2].starts_with("dead letter: failed 2 times, last: the handler trapped"), "{one:?}");

    for number in 1..EVENTS {
        node.client().publish(&format!("bad/{}", number % 7), &Message::from("x")).await?;
    }
    // Every one of them is a line, or among those that a line counts.
    let counted = |lines: &[String], said: &str, more: &str| -> u64 {
        let before =
            |text: &str, what: &str| text.split(what).next()?.rsplit(' ').next()?.parse::<u64>().ok();
        let of = |line: &String| match line {
            line if line.contains(more) => before(line, more).unwrap_or(0),
            line if !line.starts_with(said) => 0,
            line => {
                let counted = [" more like it", " other"].into_iter().filter(|what| line.contains(what));
                1 + counted.filter_map(|what| before(line, what)).sum::<u64>()
            }
        };
        lines.iter().map(of).sum()
    };
    let all = until("all to be said or counted", MOMENT, async || {
        let lines = said("bad").await?;
        let dead = counted(&lines, "dead letter: ", " more dead letter");
        let broken = counted(&lines, "the handler trapped", " more call");
        (dead == EVENTS && broken == 2 * EVENTS).then_some(lines)
    });
    let lines = all.await.with_context(|| node.printed())?;
    ensure!(lines.len() < 100, "{} lines", lines.len());
    ensure!(lines.iter().any(|line| line.contains(" more dead letters than were said")), "{lines:?}");

    node.client().publish("rogue/reject", &Message::from("x")).await?;
    let why = async || {
        said("rogue").await?.into_iter().find(|line| line.starts_with("dead letter: rejected: no no "))
    };
    let why = until("why it was rejected", MOMENT, why).await?;
    ensure!(why.contains("(channel=rogue/reject event="), "{why}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_keeps_failing_is_paused_and_goes_on_when_it_is_mended() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let broken = Sketch::new().answers("bad/*").handle("unreachable");
    place(folder.path(), "bad.wasm", &broken.build())?;
    let config = "version: 1\nplugins: { defaults: { attempts: 1, breaker: { failures: 3, pause: 60s } } }\n";
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
    let list = run(Some(&node), &["plugins"]).await?;
    let why = "bad: it is paused after 3 failures in a row, the last: ";
    let why =
        stderr(&list).lines().find(|line| line.starts_with(why)).with_context(|| stderr(&list))?.to_owned();
    ensure!(why.contains("trapped") && why.contains(" now); one event is tried in "), "{why}");
    node.says("it is paused after 3 failures in a row").await?;
    ensure!(call(&node).await.is_err_and(|why| why.contains("it is paused after 3 failures")));
    place(folder.path(), "bad.wasm", &Sketch::new().answers("bad/*").build())?;
    node.runs_plugin("bad", 2).await?;
    // What the one before has done is no reason to wait for this one.
    until("an answer", MOMENT, async || call(&node).await.ok()).await?;
    node.says("it goes on before its pause is over, as another version is live").await?;
    let list = run(Some(&node), &["plugins", "bad"]).await?;
    ensure!(stdout(&list).contains("an event  5s in all, 1s of CPU time"), "{}", stdout(&list));
    ensure!(stdout(&list).contains("reached   1 pause\n"), "{}", stdout(&list));
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

/// A key that is misspelt in a plugin's configuration is one that nobody reads: the one that was meant is said, once.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_misspelt_is_said_with_the_one_that_the_plugin_asks_for() -> Result<()> {
    let folder = tempfile::tempdir()?;
    place(folder.path(), "filter.wasm", &std::fs::read(guest("filter"))?)?;
    let config = "version: 1\nplugins: { each: { filter: { config: { limt: 20, other: 9 } } } }\n";
    let config = write(folder.path(), "hive.yaml", config)?;
    let mut node = node("misspelt").plugins(folder.path()).arg("--config").arg(config).start().await?;
    node.runs_plugin("filter", 1).await?;
    for celsius in [21, 22, 41] {
        let reading = Message::from(format!("{{\"celsius\": {celsius}}}").as_str());
        node.client().publish("sensor/attic/reading", &reading).await?;
    }
    let asks = "it asks for `limit`, which its `config` does not have, and never for `plugins.each.filter.config.limt`";
    node.says(asks).await?;
    let logs = run(Some(&node), &["plugins", "logs", "filter"]).await?;
    ensure!(stdout(&logs).contains("did you mean `limit` there?"), "{}", stdout(&logs));
    node.stop().await?;
    ensure!(node.stderr().matches("did you mean").count() == 1, "{}", node.stderr());
    Ok(())
}
