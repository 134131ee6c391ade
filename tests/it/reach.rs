//! How far events and calls go, and what is said when they reach nobody.

use anyhow::{Context as _, Result, ensure};
use hive_client::{Message, Terms, types::ErrorBody};
use hive_tests::wait::MOMENT;

use crate::{next, node, plugins, run, stderr, stdout};

/// A channel of one segment stays on its node, though another node wants everything.
#[tokio::test(flavor = "multi_thread")]
async fn a_local_channel_never_leaves_its_node() -> Result<()> {
    let here = node("here").start().await?;
    let there = node("there").peer(&here).start().await?;
    here.has_peers(1, MOMENT).await?;
    let mut everything_there = there.client().subscribe(["**", "lamp"], Terms::default()).await?;
    let mut lamp_here = here.client().subscribe(["lamp"], Terms::default()).await?;

    let local = here.client().publish("lamp", &Message::from("on")).await?;
    ensure!((local.local, local.peers) == (1, 0), "{local:?}");
    let far = here.client().publish("kitchen/lamp", &Message::from("after it")).await?;
    ensure!((far.local, far.peers) == (0, 1), "{far:?}");

    ensure!(next(&mut lamp_here, "the local event").await?.message.text() == Some("on"));
    // Both would have taken the same way in this order, so what comes first tells.
    let first = next(&mut everything_there, "the far event").await?;
    ensure!(first.channel == "kitchen/lamp", "{first:?}");
    Ok(())
}

/// A call across nodes gets its answer, or at once the reason why there is none.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_answered_or_says_why_not() -> Result<()> {
    let folder = plugins(&["greeter"])?;
    let responder = node("responder").plugins(folder.path()).start().await?;
    responder.runs_plugin("greeter", 1).await?;
    let caller = node("caller").peer(&responder).start().await?;
    caller.has_peers(1, MOMENT).await?;

    let answered = run(Some(&caller), &["call", "greet/hello", "\"Ada\""]).await?;
    ensure!(answered.status.success(), "{}", stderr(&answered));
    ensure!(stdout(&answered).trim() == "\"Hello, Ada!\"", "{}", stdout(&answered));

    let nobody = run(Some(&caller), &["call", "nobody/home", "--timeout", "60s"]).await?;
    ensure!(nobody.status.code() == Some(1), "{:?}: {}", nobody.status, stderr(&nobody));
    ensure!(stderr(&nobody).starts_with("error: ") && stdout(&nobody).is_empty(), "{}", stderr(&nobody));

    let refused = run(Some(&caller), &["call", "greet/hello", "5"]).await?;
    ensure!(refused.status.code() == Some(1), "{:?}: {}", refused.status, stderr(&refused));
    ensure!(stderr(&refused).contains("expected a name such as"), "{}", stderr(&refused));

    // Programs read the same on stdout, and people still on stderr.
    for (args, code, exit) in [
        (&["call", "nobody/home", "--json"][..], "no-responder", 1),
        (&["call", "greet/hello", "5", "--json"], "rejected", 1),
        (&["call", "greet/*", "--json"], "invalid", 2),
        (&["subscribe", "greet/a*", "--json"], "invalid", 2),
        (&["plugins", "relod", "greeter", "--json"], "usage", 2),
        (&["call", "greet/hello", "--json", "--node", "/nowhere"], "no-node", 3),
        (&["plugins", "nobody", "--json"], "no", 1),
    ] {
        let failed = run(Some(&caller), args).await?;
        ensure!(failed.status.code() == Some(exit), "{args:?}: {}", stderr(&failed));
        ensure!(stderr(&failed).starts_with("error: "), "{args:?}: {}", stderr(&failed));
        let said = stdout(&failed);
        let body: ErrorBody = serde_json::from_str(&said).with_context(|| format!("{args:?}: {said}"))?;
        ensure!(body.error.code == code && stderr(&failed).contains(&body.error.message), "{args:?}: {said}");
    }
    // One document is enough: who could not answer stands in it.
    let all = run(Some(&caller), &["call", "greet/hello", "5", "--all", "--json"]).await?;
    ensure!(all.status.code() == Some(1) && stdout(&all).lines().count() == 1, "{}", stdout(&all));
    Ok(())
}

/// Verbs that need a node say where they looked for one.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_node_verbs_say_so() -> Result<()> {
    for verb in
        [&["status"][..], &["publish", "a/b", "1"], &["call", "a/b"], &["subscribe", "a/*"], &["peers"]]
    {
        let output = run(None, verb).await?;
        ensure!(output.status.code() == Some(3), "{verb:?}: {:?}: {}", output.status, stderr(&output));
        ensure!(
            stderr(&output).starts_with("error: ") && stderr(&output).contains("hint: "),
            "{}",
            stderr(&output)
        );
    }
    Ok(())
}
