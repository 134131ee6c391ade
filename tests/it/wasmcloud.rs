//! A component that was made for wasmCloud, from its interfaces alone, in a mesh of nodes.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use hive_client::{Message, Terms};
use hive_tests::{
    guests::{guest, test_guest},
    nodes::Node,
    wait::MOMENT,
};

use crate::{next, node, write};

const CONFIG: &str = "
version: 1
plugins:
  folders: plugins
  each:
    tasks:
      subscriptions: [tasks.*]
      publishes: [depot/orders, tasks/done, greet/hello]
      attempts: 1
      config: { reverse: { prefix: '<' } }
";

async fn call(node: &Node, channel: &str, body: &str) -> Result<String> {
    let answer = node.client().call(channel, &Message::from(body), MOMENT).await?;
    Ok(String::from_utf8(answer.payload.to_vec())?)
}

/// Why a call is not answered.
async fn refusal(node: &Node, channel: &str) -> Result<String> {
    let refused = call(node, channel, "").await;
    Ok(refused.err().with_context(|| format!("{channel} is answered"))?.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_of_wasmcloud_runs_as_it_is() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let plugins = folder.path().join("plugins");
    fs::create_dir(&plugins)?;
    fs::copy(test_guest("wasmcloud"), plugins.join("tasks.wasm"))?;
    fs::copy(guest("greeter"), plugins.join("greeter.wasm"))?;
    let config = write(folder.path(), "hive.yaml", CONFIG)?;
    let mut here = node("here").arg("--config").arg(config).start().await?;
    let there = node("there").peer(&here).start().await?;
    here.runs_plugin("tasks", 1).await?;
    here.runs_plugin("greeter", 1).await?;
    there.has_peers(1, MOMENT).await?;

    // It answers, from here and from another node, with a value of its configuration, and it logs.
    ensure!(call(&here, "tasks/reverse", "abc").await? == "<cba");
    ensure!(call(&there, "tasks/reverse", "abc").await? == "<cba");
    here.says("tasks: a message on tasks.reverse").await?;
    // It keeps values in buckets.
    ensure!(call(&here, "tasks/keep", "a").await? == "1: a last true None");
    ensure!(call(&here, "tasks/keep", "b").await? == "2: a b last true None");
    // It asks a handler of ours.
    ensure!(call(&here, "tasks/ask", "\"Ada\"").await? == "\"Hello, Ada!\"");

    // It is told, tells, and says where it wants the answer.
    let mut told = there.client().subscribe(["depot/orders", "tasks/done"], Terms::default()).await?;
    there.client().publish("tasks/order", &"7 lamps".into()).await?;
    let order = next(&mut told, "an order").await?;
    ensure!((order.channel.as_str(), order.message.text()) == ("depot/orders", Some("7 lamps")), "{order:?}");
    let reply_to = order.message.headers.iter().find(|(name, _)| name == "reply-to");
    let (_, reply_to) = reply_to.context("an order says where its answer is wanted")?;
    there.client().publish(reply_to, &"they come".into()).await?;
    let done = next(&mut told, "the confirmation").await?;
    ensure!((done.channel.as_str(), done.message.text()) == ("tasks/done", Some("they come")), "{done:?}");

    // One answer is all that a request takes.
    ensure!(call(&here, "tasks/twice", "").await? == "first");
    let again = next(&mut told, "what came of the second").await?;
    ensure!(again.message.text() == Some("the request was answered already"), "{again:?}");

    // What is not granted is said in its own language, a text; an error is passing trouble, silence an answer too.
    let why = refusal(&here, "tasks/forbidden").await?;
    ensure!(why.contains("plugins: {each: {tasks: {publishes: [\"elsewhere/secret\"]}}}"), "{why}");
    ensure!(!why.contains("its code"), "{why}");
    let why = refusal(&here, "tasks/fails").await?;
    ensure!(why.contains("not today"), "{why}");
    let why = refusal(&here, "tasks/silent").await?;
    ensure!(why.contains("published nothing to its reply-to"), "{why}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_nobody_tells_what_to_listen_to_says_the_line() -> Result<()> {
    let plugins = tempfile::tempdir()?;
    fs::copy(test_guest("wasmcloud"), plugins.path().join("tasks.wasm"))?;
    let mut node = node("untold").plugins(plugins.path()).start().await?;
    node.runs_plugin("tasks", 1).await?;
    let line = "plugins: {each: {tasks: {subscriptions: [\"SUBJECT\"]}}}";
    node.says(&format!("nothing says what it listens to: {line}")).await
}
