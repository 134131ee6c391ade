//! What handlers do beyond publishing, between real nodes and with real components.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use hive_client::{Event, Message, Terms};
use hive_tests::{
    guests::{guest, place, variant},
    nodes::Node,
    wait::{self, MOMENT},
};
use serde_json::{Value, json};

use crate::{kept, next, node, plugins, write};

/// What the roll call on a node says: names of who is here and who is absent.
async fn take_roll(node: &Node) -> Result<Value> {
    let said = node.client().call("roll-call/take", &Message::default(), MOMENT).await?;
    let mut said: Value = serde_json::from_slice(&said.payload)?;
    for names in ["here", "absent"] {
        if let Some(names) = said[names].as_array_mut() {
            names.sort_by_key(Value::to_string);
        }
    }
    Ok(said)
}

async fn roll_is(node: &Node, here: &[&str], absent: &[&str]) -> Result<()> {
    let want = json!({"here": here, "absent": absent});
    let what = format!("the roll to be {want}");
    wait::until(&what, MOMENT, async || (take_roll(node).await.ok()? == want).then_some(())).await
}

/// Handlers ask everybody, keep values on every node, read them by pages and clear them.
#[tokio::test(flavor = "multi_thread")]
async fn handlers_ask_everybody_and_keep_values_across_nodes() -> Result<()> {
    let folder = plugins(&["roll-call"])?;
    let left = node("left").plugins(folder.path()).start().await?;
    let mut right = node("right").plugins(folder.path()).peer(&left).start().await?;
    left.has_peers(1, MOMENT).await?;
    roll_is(&left, &["left", "right"], &[]).await?;
    // The other has what the first one kept.
    let seen = kept(&right, "roll-call/seen/*", 2).await?;
    let names: BTreeSet<_> = seen.iter().filter_map(|event| event.message.text()).collect();
    ensure!(names == BTreeSet::from(["\"left\"", "\"right\""]), "{seen:?}");
    roll_is(&right, &["left", "right"], &[]).await?;
    right.stop().await?;
    roll_is(&left, &["left"], &["right"]).await?;
    left.client().publish("roll-call/forget", &Message::json(&"right")?).await?;
    roll_is(&left, &["left"], &[]).await
}

/// Rules name plugins: one of two with the same component may publish and hears all, the other is told which rules are
/// against it, when it is loaded and when it tries.
#[tokio::test(flavor = "multi_thread")]
async fn rules_name_plugins_and_who_may_not_is_told_the_rule() -> Result<()> {
    let folder = plugins(&["filter"])?;
    std::fs::copy(folder.path().join("filter.wasm"), folder.path().join("copycat.wasm"))?;
    let rules = "version: 1\nchannels:\n  \
                 - { pattern: 'alert/*', publish: [filter] }\n  \
                 - { pattern: 'sensor/vault/reading', subscribe: [filter] }\n";
    let config = write(folder.path(), "hive.yaml", rules)?;
    let mut node = node("ruled").arg("--config").arg(config).plugins(folder.path()).start().await?;
    node.runs_plugin("filter", 1).await?;
    node.runs_plugin("copycat", 1).await?;
    node.says(
        "the rules do not let it subscribe to all of `sensor/*/reading`: \
         channels: [{pattern: \"sensor/vault/reading\", subscribe: [filter, copycat]}]",
    )
    .await?;
    let terms = Terms::default();
    let mut seen = node.client().subscribe(["alert/*", "$dead/*"], terms).await?;
    let hot = Message::json(&json!({"celsius": 41}))?;
    // The first is for both, the second for one alone, the third again for both.
    for sensor in ["attic", "vault", "attic"] {
        node.client().publish(&format!("sensor/{sensor}/reading"), &hot).await?;
    }
    let (mut alerts, mut letters) = (Vec::new(), Vec::new());
    while alerts.len() + letters.len() < 5 {
        let event = next(&mut seen, "an alert or a dead letter").await?;
        match event.channel.starts_with("$dead/") {
            true => letters.push((event.channel, event.message.headers)),
            false => alerts.push(event.channel),
        }
    }
    alerts.sort();
    ensure!(alerts == ["alert/attic", "alert/attic", "alert/vault"], "{alerts:?}");
    for (channel, headers) in letters {
        let value =
            |name: &str| headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
        let reason = value("hive-reason").unwrap_or_default();
        ensure!(
            channel == "$dead/copycat" && value("hive-channel") == Some("sensor/attic/reading"),
            "{headers:?}"
        );
        ensure!(
            reason.contains(
                "channels: [{pattern: \"alert/*\", publish: [filter, copycat]}] (filter/rust/src/lib.rs:"
            ),
            "{reason}"
        );
    }
    let client = node.client().publish("alert/mine", &hot).await;
    ensure!(client.is_err_and(|error| error.to_string().contains("do not allow this node to publish")));
    Ok(())
}

/// Sets a reminder that is due after so many seconds.
async fn remind(node: &Node, of: &str, seconds: f64) -> Result<()> {
    let reminder = Message::json(&json!({"of": of, "text": format!("{of} is due"), "seconds": seconds}))?;
    node.client().call("remind/me", &reminder, MOMENT).await?;
    Ok(())
}

/// What a reminder that has come left behind.
async fn due(node: &Node, of: &str) -> Result<Event> {
    let mut due = node.client().subscribe([format!("remind/due/{of}")], Terms::default()).await?;
    next(&mut due, of).await
}

/// What a handler sets for later comes once, also when its file was replaced, its node was stopped or killed meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_one_shot_timer_survives_reloads_restarts_and_kills_and_fires_once() -> Result<()> {
    let (folder, data) = (plugins(&["reminder"])?, tempfile::tempdir()?);
    let setup = || node("kitchen").plugins(folder.path()).data_dir(data.path());
    let mut kitchen = setup().start().await?;
    kitchen.runs_plugin("reminder", 1).await?;
    remind(&kitchen, "now", 0.0).await?;
    ensure!(due(&kitchen, "now").await?.message.text() == Some("\"now is due\""));
    // What is set anew comes later, what is cancelled never.
    remind(&kitchen, "never", 0.5).await?;
    let cancelled = kitchen.client().call("remind/cancel", &Message::json(&"never")?, MOMENT).await?;
    ensure!(cancelled.text() == Some("true"), "{cancelled:?}");
    let gone = kitchen.client().call("remind/cancel", &Message::json(&"now")?, MOMENT).await?;
    ensure!(gone.text() == Some("false"), "it has fired: {gone:?}");

    remind(&kitchen, "reload", 1.0).await?;
    place(folder.path(), "reminder.wasm", &variant(&guest("reminder"), "second")?)?;
    kitchen.runs_plugin("reminder", 2).await?;
    due(&kitchen, "reload").await?;

    remind(&kitchen, "restart", 0.3).await?;
    remind(&kitchen, "much-later", 3600.0).await?;
    kitchen.stop().await?;
    let mut kitchen = setup().start().await?;
    let restarted = due(&kitchen, "restart").await?;
    // What is killed while it handles one has it again. When a later one fires, those that were handled are forgotten.
    wait::until("the reminder to be handled", MOMENT, async || {
        let plugins = kitchen.client().plugins().await.ok()?.plugins;
        plugins.into_iter().find(|plugin| plugin.name == "reminder" && plugin.work.handled > 0)
    })
    .await?;
    remind(&kitchen, "settled", 0.0).await?;
    due(&kitchen, "settled").await?;

    remind(&kitchen, "kill", 0.3).await?;
    kitchen.crash().await?;
    let kitchen = setup().start().await?;
    due(&kitchen, "kill").await?;
    // What was handled is not there again, nor what was cancelled; what is not due is still set.
    let again = due(&kitchen, "restart").await?;
    ensure!(again.retained && again.id == restarted.id, "fired twice: {restarted:?} {again:?}");
    let still = kitchen.client().call("remind/cancel", &Message::json(&"much-later")?, MOMENT).await?;
    ensure!(still.text() == Some("true"), "{still:?}");
    let mut all = kitchen.client().subscribe(["remind/due/*"], Terms::default()).await?;
    let mut channels = Vec::new();
    for _ in 0..4 {
        channels.push(next(&mut all, "what is due").await?.channel);
    }
    let want = ["kill", "now", "reload", "restart"].map(|of| format!("remind/due/{of}"));
    ensure!(channels == want, "{channels:?}");
    Ok(())
}
