//! Handlers that do what none should. The node says of each what was wrong, and a good one beside them is called all along.

mod good;

use std::{fs, time::Duration};

use anyhow::{Context as _, Result, ensure};
use good::Good;
use hive_client::{Error, Message, Terms, types::PluginStatus};
use hive_node::plugin::sketch::{EAT, ECHO, SPIN, Sketch};
use hive_tests::{
    guests::{place, test_guest, variant},
    nodes::Node,
    wait::{MOMENT, until},
};

use crate::{next, node, write};

/// A node with a good plugin and the rogue, which is on a short leash.
async fn rogues_home(folder: &std::path::Path, more: &str) -> Result<Node> {
    place(folder, "good.wasm", &Sketch::new().answers("greet/*").handle(ECHO).build())?;
    place(folder, "rogue.wasm", &fs::read(test_guest("rogue"))?)?;
    let config = format!(
        "version: 1\nplugins:\n  defaults: {{ cpu: 200ms, deadline: 3s, attempts: 1{more} }}\n  \
         each:\n    rogue: {{ memory: 16MiB, payload: 1MiB, publish-rate: 200, host-calls: 20000, log-lines: 50 }}\n"
    );
    let config = write(folder, "hive.yaml", &config)?;
    let node = node("home").plugins(folder).arg("--config").arg(config).start().await?;
    node.runs_plugin("rogue", 1).await?;
    node.runs_plugin("good", 1).await?;
    Ok(node)
}

async fn plugin(node: &Node, name: &str) -> Result<PluginStatus> {
    let plugins = node.client().plugins().await?.plugins;
    plugins.into_iter().find(|plugin| plugin.name == name).with_context(|| format!("no {name}"))
}

/// What is said to who asks the rogue.
async fn asked(node: &Node, what: &str) -> Result<String> {
    let patience = Duration::from_secs(30);
    match node.client().call(&format!("rogue/{what}"), &Message::from("x"), patience).await {
        Err(Error::Refused(error)) => Ok(error.message),
        other => anyhow::bail!("{what}: {other:?}"),
    }
}

/// Each misdeed, and what is said of it.
const MISDEEDS: [(&str, &str); 12] = [
    ("spin", "was cut"),
    ("panic", "as it was asked to"),
    ("memory", "was stopped for memory: it asked for more than 16MiB"),
    ("stack", "trapped in `deep (src/lib.rs:"),
    ("handles", "trapped"),
    ("answer", "its answer has 2097152 bytes, and it may answer 1MiB"),
    ("reject", "no no no"),
    ("recurse", "wait"),
    ("sleep", "was cut at its deadline"),
    // It calls the node for nothing, and waits more than it runs.
    ("clock", "was cut at its deadline"),
    ("log", "was cut"),
    // Last, as what it lets loose goes on for a while.
    ("flood", "was cut"),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_misdeed_is_named_and_harms_nobody_else() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let node = rogues_home(folder.path(), ", breaker: off").await?;
    // Somebody who takes requests and never answers.
    let slow = node.client().subscribe(["slow/*"], Terms { answers: true, ..Terms::default() }).await?;
    let good = Good::begin(&node);
    for (misdeed, said) in MISDEEDS {
        let answer = asked(&node, misdeed).await?;
        ensure!(answer.contains(said), "{misdeed}: {answer}\n{}", node.printed());
        ensure!(answer.len() < 8 << 10, "{misdeed}: {} bytes of reason", answer.len());
        let after = node.client().call("rogue/fine", &Message::from("still here"), MOMENT).await;
        ensure!(after.is_ok_and(|answer| answer.text() == Some("still here")), "after {misdeed}");
        good.report(misdeed).await?;
    }
    drop(slow);
    let too_large = asked(&node, "publish").await?;
    ensure!(too_large.contains("1048576"), "{too_large}");

    let rogue = plugin(&node, "rogue").await?;
    let (work, limits) = (&rogue.work, rogue.limits.as_ref().context("its limits")?);
    ensure!(work.cut_cpu + work.cut_deadline >= 3 && work.cut_memory == 1 && work.trapped >= 3, "{work:?}");
    ensure!(work.too_large == 2 && work.paced > 0 && work.lines_left_out > 100, "{work:?}");
    ensure!(work.memory_peak_bytes > 8 << 20 && work.memory_peak_bytes <= 16 << 20, "{work:?}");
    ensure!(limits.publishes_per_s == 200 && limits.stack_bytes == 512 << 10, "{limits:?}");
    let printed = node.stderr();
    ensure!(printed.contains("lines left out: it says more than it may in a second"), "{printed}");
    let its = printed.lines().filter(|line| line.contains("a line of a gigabyte")).count();
    ensure!((50..500).contains(&its), "{its} lines in all, of 50 that it may say in a second");
    good.end().await?;
    Ok(())
}

/// The same as events: each becomes a dead letter that says what happened, with the last words.
#[tokio::test(flavor = "multi_thread")]
async fn misdeeds_at_events_are_dead_letters_with_their_reasons() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let node = rogues_home(folder.path(), ", breaker: off").await?;
    let mut dead = node.client().subscribe(["$dead/rogue"], Terms::default()).await?;
    for (misdeed, said) in
        MISDEEDS.iter().filter(|(misdeed, _)| ["spin", "panic", "stack", "reject"].contains(misdeed))
    {
        node.client().publish(&format!("rogue/{misdeed}"), &Message::from("x")).await?;
        let letter = next(&mut dead, misdeed).await?;
        let reason = letter.message.headers.iter().find(|(name, _)| name == "hive-reason");
        ensure!(reason.is_some_and(|(_, reason)| reason.contains(said)), "{misdeed}: {reason:?}");
    }
    let letters = node.client().dead_letters("rogue", None).await?;
    let panicked =
        letters.letters.iter().find(|letter| letter.channel == "rogue/panic").context("a letter")?;
    ensure!(panicked.last_words.starts_with("these are its last words\n"), "{panicked:?}");
    ensure!(
        panicked.reason.contains("rogue/src/lib.rs") || panicked.reason.contains("src/lib.rs"),
        "{panicked:?}"
    );
    Ok(())
}

/// A new version takes over in the middle of each, and the old one is cut.
#[tokio::test(flavor = "multi_thread")]
async fn a_rogue_is_replaced_while_it_is_at_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let node = rogues_home(folder.path(), ", breaker: off").await?;
    let good = Good::begin(&node);
    for (generation, misdeed) in (2..).zip(["spin", "log", "memory", "flood"]) {
        let client = node.client().clone();
        let at_it = tokio::spawn(async move {
            client.call(&format!("rogue/{misdeed}"), &Message::from("x"), Duration::from_secs(30)).await
        });
        place(folder.path(), "rogue.wasm", &variant(&test_guest("rogue"), misdeed)?)?;
        node.runs_plugin("rogue", generation).await?;
        let fine = node.client().call("rogue/fine", &Message::from("new"), MOMENT).await?;
        ensure!(fine.text() == Some("new"), "{fine:?}");
        ensure!(at_it.await?.is_err(), "{misdeed} was answered");
        good.report(misdeed).await?;
    }
    good.end().await?;
    Ok(())
}

/// What is wrong before the first event is on the card, and there is no such plugin.
#[tokio::test(flavor = "multi_thread")]
async fn who_misbehaves_while_it_is_loaded_is_not_loaded() -> Result<()> {
    let sketch = || Sketch::new().answers("bad/*").handle(ECHO);
    let cases = [
        ("describe-spins", sketch().describe(SPIN), "was cut"),
        ("describe-traps", sketch().describe("unreachable"), "trapped in `describe`"),
        ("describe-eats", sketch().describe(EAT), "was stopped for memory"),
        ("describe-points-nowhere", sketch().describe("i32.const 0x7fffff00"), "out of bounds"),
        ("start-spins", sketch().start(SPIN), "was cut"),
        ("start-traps", sketch().start("unreachable"), "trapped in `start`"),
        ("start-points-nowhere", sketch().start("i32.const 0x7fffff00"), "out of bounds"),
    ];
    let folder = tempfile::tempdir()?;
    let node = rogues_home(folder.path(), "").await?;
    let good = Good::begin(&node);
    for (name, guest, said) in cases {
        place(folder.path(), &format!("{name}.wasm"), &guest.build())?;
        let problem = until(name, MOMENT, async || plugin(&node, name).await.ok()?.problem).await?;
        ensure!(problem.contains(said), "{name}: {problem}");
        let call = node.client().call("bad/one", &Message::default(), MOMENT).await;
        ensure!(
            call.is_err_and(|error| error.to_string().contains("nobody answers there")),
            "{name} answers"
        );
        good.report(name).await?;
        fs::remove_file(folder.path().join(name).with_extension("wasm"))?;
    }
    for (start, said) in [("spin", "was cut"), ("panic", "no start today"), ("refuse", "not today")] {
        let config = format!(
            "version: 1\nplugins: {{ defaults: {{ cpu: 200ms }}, each: {{ rogue: {{ config: {{ start: {start} }} }} }} }}\n"
        );
        let folder = tempfile::tempdir()?;
        place(folder.path(), "rogue.wasm", &fs::read(test_guest("rogue"))?)?;
        let config = write(folder.path(), "hive.yaml", &config)?;
        let other = crate::node("other").plugins(folder.path()).arg("--config").arg(config).start().await?;
        let problem =
            plugin(&other, "rogue").await?.problem.with_context(|| format!("start {start} was fine"))?;
        ensure!(problem.contains("`start` failed") && problem.contains(said), "{start}: {problem}");
    }
    good.end().await?;
    Ok(())
}

/// `handle` gives what is no value of the interface: the canonical ABI refuses it, and the next event is fine.
#[tokio::test(flavor = "multi_thread")]
async fn values_that_are_none_are_refused() -> Result<()> {
    // What is written at 16 is what `handle` returns: its case, then at 24 whether there is an answer, at 28 and 32 the
    // payload, at 60 and 64 the headers.
    let answer = |body: &str| {
        format!(
            "(if (i32.load8_u (local.get 2)) (then {ECHO} drop {body} (return (i32.const 16))))
             (if (i32.const 1) (then {ECHO} return)) unreachable"
        )
    };
    // 3,000 headers whose names are the same 64 KiB: a host that copies them all has 192 MiB.
    let headers = "
        (local.set 4 (i32.const 70000))
        (loop $next
            (i32.store (local.get 4) (i32.const 0)) (i32.store offset=4 (local.get 4) (i32.const 65000))
            (i32.store offset=8 (local.get 4) (i32.const 0)) (i32.store offset=12 (local.get 4) (i32.const 0))
            (local.set 4 (i32.add (local.get 4) (i32.const 16)))
            (br_if $next (i32.lt_u (local.get 4) (i32.const 118000))))
        (i32.store (i32.const 60) (i32.const 70000)) (i32.store (i32.const 64) (i32.const 3000))";
    let tables = "(loop $more (br_if $more (i32.ne (table.grow $t (ref.null func) (i32.const 9000)) (i32.const -1)))) unreachable";
    let cases = [
        ("payload-ends-outside", answer("(i32.store (i32.const 32) (i32.const -1))"), "out of bounds"),
        ("case-there-is-not", answer("(i32.store8 (i32.const 16) (i32.const 7))"), "trapped"),
        (
            "text-is-no-text",
            answer(
                "(i32.store8 (i32.const 900) (i32.const 255)) (i32.store8 (i32.const 36) (i32.const 1)) (i32.store (i32.const 40) (i32.const 900)) (i32.store (i32.const 44) (i32.const 1))",
            ),
            "utf-8",
        ),
        ("host-is-to-copy-all", answer(headers), "trapped"),
        ("tables-without-end", answer(tables), "trapped"),
        (
            "calls-itself-without-end",
            answer("(call $deep) unreachable"),
            "its stack is full: `deep` calls itself",
        ),
        ("result-is-nowhere", answer("(return (i32.const 0x7fffff00))"), "out of bounds"),
    ];
    let folder = tempfile::tempdir()?;
    let node = rogues_home(folder.path(), ", breaker: off").await?;
    let good = Good::begin(&node);
    for (name, handle, said) in cases {
        let guest = Sketch::new()
            .answers(&format!("{name}/*"))
            .handle(&handle)
            .with("(table $t 1 funcref) (func $deep (call $deep))");
        place(folder.path(), &format!("{name}.wasm"), &guest.build())?;
        node.runs_plugin(name, 1).await?;
        let call =
            async |text: &str| node.client().call(&format!("{name}/x"), &Message::from(text), MOMENT).await;
        let failed = call("x").await.err().with_context(|| format!("{name} was answered"))?.to_string();
        ensure!(failed.to_lowercase().contains(said), "{name}: {failed}");
        ensure!(call("\0").await.is_ok(), "the next event is handled: {name}");
        good.report(name).await?;
    }
    good.end().await?;
    Ok(())
}

/// A name that it gives itself is nobody's, and what needs a grant is not had by asking for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_or_a_wish_gives_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let node = rogues_home(folder.path(), "").await?;
    // It says that it is `test`, as every sketch does, wants everything, and would publish as another.
    let greedy = Sketch::new().on("**").on("greet/*").handle("unreachable");
    place(folder.path(), "greedy.wasm", &greedy.build())?;
    place(folder.path(), "test.wasm", &Sketch::new().on("mine/*").build())?;
    node.runs_plugin("test", 1).await?;
    let card = until("greedy to be seen to", MOMENT, async || plugin(&node, "greedy").await.ok()).await?;
    for channel in ["mine/one", "secret/one", "lamp"] {
        node.client().publish(channel, &Message::from("x")).await?;
    }
    let handled = until("what is its own", MOMENT, async || {
        plugin(&node, "test").await.ok().filter(|test| test.work.handled == 1)
    });
    handled.await?;
    let greedy = plugin(&node, "greedy").await?;
    let had = greedy.work.handled + greedy.work.dead + greedy.work.retried + greedy.work.trapped;
    ensure!(had == 0, "{card:?} {greedy:?}");
    ensure!(!greedy.wants.iter().any(|want| want.pattern == "**"), "{greedy:?}");
    Ok(())
}
