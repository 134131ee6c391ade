//! What node/docs/reload.md shows, typed: each command that is typed here stands there with what it prints.

use std::{fs, path::Path, process::Output, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use hive_client::{Incoming, Message, Subscription, Terms, types::PluginStatus};
use hive_node::plugin::sketch::{ECHO, Sketch};
use hive_tests::{
    guests::{guest, place, variant},
    nodes::Node,
    wait::{MOMENT, until, within},
    workspace,
};

use crate::{node, run, stderr, stdout, write};

/// Sales that are published while a version takes over from another.
const SALES: u64 = 100_000;
/// So many of them come when it has.
const LAST: u64 = 20_000;
/// How long they may take, on a machine that does much else.
const LONG: Duration = Duration::from_secs(120);

/// Publishes each sale to `till/sold`.
const SELL: &str = "
    (call $publish (i32.const 900) (i32.const 9) (local.get 2) (local.get 3) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 512))
    (if (i32.load8_u (i32.const 512)) (then unreachable))
    i32.const 8";

/// A version of the till; the mark makes files of different content.
fn till(handle: &str, mark: u32) -> Sketch {
    Sketch::new()
        .on("till/sale")
        .publishes("till/sold")
        .handle(handle)
        .with(&format!(r#"(data (i32.const 900) "till/sold") (global i32 (i32.const {mark}))"#))
}

/// A version of the desk: it asks a person, and answers with what it is.
fn desk(version: &str) -> Sketch {
    let ask = "(call $request (i32.const 900) (i32.const 11) (local.get 2) (local.get 3) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 512))
        (if (i32.load8_u (i32.const 512)) (then unreachable))";
    let answer = "(local.set 2 (i32.const 920)) (local.set 3 (i32.const 9))";
    Sketch::new()
        .answers("desk/ask")
        .publishes("desk/person")
        .handle(&format!("{ask} {answer} {ECHO}"))
        .with(&format!(r#"(data (i32.const 900) "desk/person") (data (i32.const 920) "{version}")"#))
}

/// The document.
struct Typed(String);

impl Typed {
    fn open() -> Result<Self> {
        Ok(Self(fs::read_to_string(workspace().join("node/docs/reload.md"))?))
    }

    /// Types a command.
    async fn command(&self, node: &Node, line: &str) -> Result<()> {
        let args: Vec<&str> = line.split(' ').collect();
        self.has(line, &run(Some(node), &args).await?)
    }

    /// What was typed stands there, with what was printed.
    fn has(&self, line: &str, printed: &Output) -> Result<()> {
        self.says(&format!("$ hive-node {line}\n{}{}", stdout(printed), stderr(printed)))
    }

    fn says(&self, text: &str) -> Result<()> {
        ensure!(plain(&self.0).contains(&plain(text)), "node/docs/reload.md does not have:\n{text}");
        Ok(())
    }
}

/// A text without what differs from build to build: how wide columns are, and the hashes of contents.
fn plain(text: &str) -> String {
    let is_hash = |word: &str| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut plain = String::new();
    for line in text.lines() {
        let words = line.split_whitespace().map(|word| if is_hash(word) { "HASH" } else { word });
        plain += &words.collect::<Vec<_>>().join(" ");
        plain.push('\n');
    }
    plain
}

/// A node with these plugins, and a configuration that stands in the document.
async fn shop(typed: &Typed, folder: &Path) -> Result<Node> {
    const CONFIG: &str = "version: 1\nchannels: [{ pattern: till/*, when-full: 5s }]\nplugins: { defaults: { deadline: 1m } }\n";
    typed.says(CONFIG)?;
    let config = write(folder, "hive.yaml", CONFIG)?;
    node("shop").plugins(folder).arg("--config").arg(config).start().await
}

async fn plugin(node: &Node, name: &str) -> Result<PluginStatus> {
    let plugins = node.client().plugins().await?.plugins;
    plugins.into_iter().find(|plugin| plugin.name == name).with_context(|| format!("no {name}"))
}

/// Sales until there have been so many.
async fn sold(sales: &mut Subscription, count: u64) -> Result<()> {
    for number in 0..count {
        match within("a sale", LONG, sales.next()).await?? {
            Some(Incoming::Event(event)) => ensure!(event.message.text() == Some("tea"), "{event:?}"),
            other => bail!("instead of sale {number} came {other:?}"),
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_takes_over_under_load_and_one_that_fails_is_left_as_it_is_written() -> Result<()> {
    let (folder, typed) = (tempfile::tempdir()?, Typed::open()?);
    place(folder.path(), "till.wasm", &till(SELL, 1).build())?;
    let node = shop(&typed, folder.path()).await?;
    node.runs_plugin("till", 1).await?;
    typed.command(&node, "plugins").await?;

    let mut sales = node.client().subscribe(["till/sold"], Terms::default()).await?;
    let mut publisher = node.client().publisher().await?;
    let (go_on, replaced) = tokio::sync::oneshot::channel::<()>();
    let selling = tokio::spawn(async move {
        for _ in 0..SALES - LAST {
            publisher.publish("till/sale", &Message::from("tea")).await?;
        }
        // A test that has failed says why itself.
        let _ = replaced.await;
        for _ in 0..LAST {
            publisher.publish("till/sale", &Message::from("tea")).await?;
        }
        publisher.finish().await
    });
    let counting = tokio::spawn(async move { sold(&mut sales, SALES).await.map(|()| sales) });
    until("some sales", LONG, async || {
        (plugin(&node, "till").await.ok()?.work.handled > 2_000).then_some(())
    })
    .await?;
    place(folder.path(), "till.wasm", &till(SELL, 2).build())?;
    node.runs_plugin("till", 2).await?;
    // It is gone only when the other task has failed, which is told below.
    let _ = go_on.send(());
    let published = selling.await??;
    ensure!((published.count, published.failed) == (SALES, 0), "{published:?}");
    let mut sales = counting.await??;
    typed.says(&format!("$ hive-node subscribe till/sold --count {SALES} | wc -l\n{SALES}\n"))?;
    typed.says(&format!("$ hive-node publish till/sale tea --count {SALES} --quiet\n"))?;
    let handled = async |count: u64| {
        let is = async || (plugin(&node, "till").await.ok()?.work.handled == count).then_some(());
        until(&format!("{count} to be handled"), MOMENT, is).await
    };
    handled(SALES).await?;
    typed.command(&node, "plugins").await?;

    place(folder.path(), "till.wasm", &till("unreachable", 3).build())?;
    node.runs_plugin("till", 3).await?;
    typed.command(&node, "publish till/sale tea --count 20 --quiet").await?;
    let is_back = async || plugin(&node, "till").await.ok().filter(|till| till.generation == 2);
    until("the version before", MOMENT, is_back).await?;
    sold(&mut sales, 20).await?;
    handled(SALES + 20).await?;
    typed.command(&node, "plugins").await?;
    let till = plugin(&node, "till").await?;
    ensure!(till.work.dead == 0 && till.work.dropped == 0, "{till:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_version_has_in_hand_it_finishes_as_it_is_written() -> Result<()> {
    let (folder, typed) = (tempfile::tempdir()?, Typed::open()?);
    place(folder.path(), "desk.wasm", &desk("version 1").build())?;
    let node = shop(&typed, folder.path()).await?;
    node.runs_plugin("desk", 1).await?;
    let mut person = node.client().subscribe(["desk/person"], Terms::answering()).await?;
    let asking = |node: &Node| {
        let client = node.client().clone();
        tokio::spawn(async move { client.call("desk/ask", &Message::from("price"), MOMENT).await })
    };
    let before = asking(&node);
    let first = crate::next(&mut person, "the first question").await?;
    place(folder.path(), "desk.wasm", &desk("version 2").build())?;
    node.runs_plugin("desk", 2).await?;
    typed.command(&node, "plugins").await?;
    let after = asking(&node);
    let second = crate::next(&mut person, "the second question").await?;
    for question in [second, first] {
        let request = question.request.context("a question")?;
        person.answer(request, Ok(Message::from("4 euros"))).await?;
    }
    for (answer, version) in [(before, "version 1"), (after, "version 2")] {
        let answer = answer.await??;
        ensure!(answer.text() == Some(version), "{answer:?}");
        typed.says(&format!("$ hive-node call desk/ask price\n{version}\n"))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_version_has_in_memory_the_next_one_has_as_it_is_written() -> Result<()> {
    let (folder, typed) = (tempfile::tempdir()?, Typed::open()?);
    place(folder.path(), "counter.wasm", &fs::read(guest("counter"))?)?;
    let node = shop(&typed, folder.path()).await?;
    node.runs_plugin("counter", 1).await?;
    // A call does not wait for the events before it.
    let total = async |sum: &str| {
        let is = async || {
            let said = run(Some(&node), &["call", "counter/total"]).await.ok()?;
            (stdout(&said) == format!("{sum}\n")).then_some(())
        };
        until(&format!("{sum} in all"), MOMENT, is).await?;
        typed.says(&format!("$ hive-node call counter/total\n{sum}\n"))
    };
    typed.command(&node, "publish counter/add 5").await?;
    total("5").await?;
    place(folder.path(), "counter.wasm", &variant(&guest("counter"), "another")?)?;
    node.runs_plugin("counter", 2).await?;
    typed.command(&node, "publish counter/add 2").await?;
    total("7").await
}
