//! What handlers do beyond publishing, between real nodes and with real components.

use anyhow::{Result, ensure};
use hive_client::{Message, Terms};
use hive_tests::{
    nodes::Node,
    wait::{self, MOMENT},
};
use serde_json::{Value, json};

use crate::{next, node, plugins};

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
    let mut seen = right.client().subscribe(["roll-call/seen/*"], Terms::default()).await?;
    for _ in 0..2 {
        let event = next(&mut seen, "a kept value").await?;
        ensure!(event.retained && ["\"left\"", "\"right\""].contains(&event.message.text().unwrap_or("")));
    }
    roll_is(&right, &["left", "right"], &[]).await?;
    right.stop().await?;
    roll_is(&left, &["left"], &["right"]).await?;
    left.client().publish("roll-call/forget", &Message::json(&"right")?).await?;
    roll_is(&left, &["left"], &[]).await
}
