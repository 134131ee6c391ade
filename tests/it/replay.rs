//! Dead letters: kept over restarts, shown, handled again by their plugin alone, and let go.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hive_client::{
    Terms,
    types::{DeadLetters, PluginStatus, Replay, ReplayOutcome},
};
use hive_node::plugin::sketch::Sketch;
use hive_tests::{
    guests::place,
    nodes::Node,
    wait::{MOMENT, until},
};

use crate::{next, node, run, stderr, stdout, write};

async fn plugin(node: &Node, name: &str) -> Option<PluginStatus> {
    node.client().plugins().await.ok()?.plugins.into_iter().find(|plugin| plugin.name == name)
}

/// Runs `replay` with these arguments; `json` is what it prints with `--json`.
async fn replay(node: &Node, args: &[&str]) -> Result<std::process::Output> {
    run(Some(node), &[&["replay", "billing"], args].concat()).await
}

async fn listed(node: &Node) -> Result<DeadLetters> {
    Ok(serde_json::from_slice(&replay(node, &["--json"]).await?.stdout)?)
}

/// What `plugins` shows as dead of the plugin.
async fn shown_dead(node: &Node) -> Result<String> {
    let list = stdout(&run(Some(node), &["plugins", "billing"]).await?);
    let [head, billing] = list.lines().take(2).collect::<Vec<_>>()[..] else { anyhow::bail!("{list}") };
    let at = head.find("DEAD").context("a column")?;
    Ok(billing.get(at..).and_then(|rest| rest.split(' ').next()).unwrap_or_default().to_owned())
}

/// Has the first two handled of the letters 1, 2, 3 and 5, as a range.
async fn ranges(node: &Node) -> Result<()> {
    let beyond = replay(node, &["1-3", "6-99"]).await?;
    ensure!(beyond.status.code() == Some(1) && stdout(&beyond).is_empty(), "{beyond:?}");
    ensure!(stderr(&beyond).contains("`billing` has no dead letter 6-99"), "{beyond:?}");
    let range = replay(node, &["2-4", "--dry-run"]).await?;
    ensure!(range.status.success() && stdout(&range).matches("payload").count() == 2, "{range:?}");
    let range = replay(node, &["1-2"]).await?;
    ensure!(stdout(&range) == "1 handled\n2 handled\n", "{range:?}");
    Ok(())
}

/// A name that nobody has is likely a typo, and one that a plugin has is none.
async fn names(node: &Node) -> Result<()> {
    let typo = run(Some(node), &["replay", "biling"]).await?;
    ensure!(
        typo.status.code() == Some(1) && stderr(&typo).contains("hint: did you mean `billing`?"),
        "{typo:?}"
    );
    let typo = run(Some(node), &["plugins", "biling"]).await?;
    ensure!(
        typo.status.code() == Some(1) && stderr(&typo).contains("hint: did you mean `billing`?"),
        "{typo:?}"
    );
    let none = run(Some(node), &["replay", "watcher"]).await?;
    ensure!(none.status.success() && stderr(&none) == "`watcher` has no dead letters\n", "{none:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_outlive_the_node_and_are_handled_again_by_their_plugin_alone() -> Result<()> {
    let (folder, data) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let broken = Sketch::new().on("orders/*").handle("unreachable");
    place(folder.path(), "billing.wasm", &broken.build())?;
    place(folder.path(), "watcher.wasm", &Sketch::new().on("orders/*").build())?;
    let config = "version: 1\nplugins: { each: { billing: { attempts: 1 } } }\n";
    let config = write(folder.path(), "hive.yaml", config)?;
    let setup = || node("shop").plugins(folder.path()).data_dir(data.path()).arg("--config").arg(&config);
    let mut shop = setup().start().await?;
    shop.runs_plugin("billing", 1).await?;
    let dead = async |node: &Node, dead: u64, handled: u64| {
        until(&format!("{dead} dead and {handled} handled"), MOMENT, async || {
            let (billing, watcher) = (plugin(node, "billing").await?, plugin(node, "watcher").await?);
            (billing.work.dead == dead && watcher.work.handled == handled).then_some(())
        })
        .await
    };
    for (count, order) in (1..).zip(["one", "two", "three", "four"]) {
        shop.client().publish(&format!("orders/{order}"), &order.into()).await?;
        dead(&shop, count, count).await?;
    }

    let letters = listed(&shop).await?;
    let channels: Vec<_> = letters.letters.iter().map(|letter| letter.channel.as_str()).collect();
    ensure!(channels == ["orders/one", "orders/two", "orders/three", "orders/four"], "{letters:?}");
    let first = letters.letters.first().context("a letter")?;
    ensure!(first.reason.contains("trapped in `handle`") && first.attempts == 1, "{first:?}");
    let shown = replay(&shop, &["1", "--dry-run"]).await?;
    ensure!(stdout(&shown).contains("payload   one"), "{}", stdout(&shown));
    let again = replay(&shop, &["1"]).await?;
    ensure!(again.status.code() == Some(1) && stdout(&again).starts_with("1 died again: "), "{again:?}");
    ensure!(!stdout(&again).contains("\\n"), "of a reason the first line: {again:?}");
    names(&shop).await?;

    let dropped = replay(&shop, &["4", "--drop"]).await?;
    ensure!(dropped.status.success() && stdout(&dropped) == "4 dropped\n", "{dropped:?}");
    shop.client().publish("orders/five", &"five".into()).await?;
    dead(&shop, 6, 5).await?;
    // Six died, and four are there to be handled again.
    ensure!(shown_dead(&shop).await? == "4");
    shop.stop().await?;
    let said = shop.stderr();
    ensure!(said.matches("dead letter: ").count() == 6, "{said}");
    ensure!(said.matches("`hive-node replay billing` lists what is kept").count() == 1, "{said}");
    let mut shop = setup().start().await?;
    ensure!(listed(&shop).await?.letters.len() == 4, "{:?}", listed(&shop).await?);
    ensure!(shown_dead(&shop).await? == "4", "what died before the node started is there, too");

    place(folder.path(), "billing.wasm", &Sketch::new().on("orders/*").build())?;
    shop.runs_plugin("billing", 2).await?;
    let unknown = replay(&shop, &["99"]).await?;
    ensure!(stdout(&unknown) == "99 is not there\n", "{unknown:?}");
    ensure!(stderr(&unknown) == "error: `billing` has no dead letter 99\n", "{unknown:?}");
    ranges(&shop).await?;
    let done = replay(&shop, &["--all", "--json"]).await?;
    let done: Replay = serde_json::from_slice(&done.stdout).with_context(|| stderr(&done))?;
    let numbers: Vec<_> = done.letters.iter().map(|letter| letter.letter).collect();
    ensure!(numbers == [3, 5], "{done:?}");
    ensure!(done.letters.iter().all(|letter| letter.outcome == ReplayOutcome::Handled), "{done:?}");
    ensure!(listed(&shop).await?.letters.is_empty());
    let (billing, watcher) = (plugin(&shop, "billing").await, plugin(&shop, "watcher").await);
    let watched = watcher.map(|watcher| watcher.work.handled);
    ensure!(watched == Some(0), "nobody else gets a letter again: {billing:?}");
    shop.stop().await?;
    let shop = setup().start().await?;
    ensure!(listed(&shop).await?.letters.is_empty(), "what was handled is gone for good");
    Ok(())
}

/// A handler that goes has not come to everything: what nobody else holds is kept, and not waited for.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_when_a_node_stops_is_kept_as_dead_letters() -> Result<()> {
    let (folder, data) = (tempfile::tempdir()?, tempfile::tempdir()?);
    place(folder.path(), "billing.wasm", &Sketch::new().on("orders/*").handle("unreachable").build())?;
    let config = "version: 1\nplugins: { each: { billing: \
                  { backoff: 1h, backoff-max: 1h, breaker: { failures: 1, pause: 1h } } } }\n";
    let config = write(folder.path(), "hive.yaml", config)?;
    let setup = || node("shop").plugins(folder.path()).data_dir(data.path()).arg("--config").arg(&config);
    let mut shop = setup().start().await?;
    shop.runs_plugin("billing", 1).await?;
    shop.client().publish("orders/one", &"one".into()).await?;
    shop.says("it is paused after a failure: ").await?;
    shop.client().publish("orders/two", &"two".into()).await?;
    shop.stop().await?;
    let said = shop.stderr();
    ensure!(
        said.contains("unloaded before it has handled 2 events, now dead letters: see `replay billing`"),
        "{said}"
    );

    let shop = setup().start().await?;
    let letters = listed(&shop).await?.letters;
    let [one, two] = &letters[..] else { anyhow::bail!("{letters:?}") };
    let why =
        "failed once, and its handler was unloaded before the next try: the handler trapped in `handle`";
    ensure!((&*one.channel, one.attempts) == ("orders/one", 1) && one.reason.starts_with(why), "{one:?}");
    let why = "its handler was unloaded before it came to it";
    ensure!((&*two.channel, &*two.reason, two.attempts) == ("orders/two", why, 1), "{two:?}");
    place(folder.path(), "billing.wasm", &Sketch::new().on("orders/*").build())?;
    shop.runs_plugin("billing", 2).await?;
    let done = replay(&shop, &["--all"]).await?;
    ensure!(stdout(&done) == "1 handled\n2 handled\n", "{done:?}");
    Ok(())
}

/// What a node cannot read, as it has left the network, is there and listed with that.
#[tokio::test(flavor = "multi_thread")]
async fn letters_of_a_network_that_was_left_are_listed() -> Result<()> {
    let (folder, data) = (tempfile::tempdir()?, tempfile::tempdir()?);
    place(folder.path(), "billing.wasm", &Sketch::new().on("orders/*").handle("unreachable").build())?;
    let config = "version: 1\nplugins: { each: { billing: { attempts: 1 } } }\n";
    let config = write(folder.path(), "hive.yaml", config)?;
    let setup = || node("shop").plugins(folder.path()).data_dir(data.path()).arg("--config").arg(&config);
    let dies = async |shop: &Node, order: &str, letters: usize| {
        shop.runs_plugin("billing", 1).await?;
        shop.client().publish(order, &order.into()).await?;
        until("the letter", MOMENT, async || {
            (listed(shop).await.ok()?.letters.len() == letters).then_some(())
        })
        .await
    };
    let mut shop = setup().start().await?;
    dies(&shop, "orders/one", 1).await?;
    shop.stop().await?;
    let shop = setup().args(&["--network", "elsewhere"]).start().await?;
    dies(&shop, "orders/two", 1).await?;
    ensure!(shown_dead(&shop).await? == "2");
    let why = "cannot be read: this node is not in the network `hive`";
    let list = stdout(&replay(&shop, &[]).await?);
    let lines: Vec<_> = list.lines().collect();
    ensure!(
        matches!(lines[..], [_, one, two] if one.starts_with("1 ") && one.ends_with(why) && two.contains("orders/two")),
        "{list}"
    );
    let shown = replay(&shop, &["1", "--dry-run"]).await?;
    ensure!(shown.status.success() && stderr(&shown).contains(why), "{shown:?}");
    let again = replay(&shop, &["1"]).await?;
    ensure!(stdout(&again).starts_with("1 stays: ") && stdout(&again).contains(why), "{again:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_letters_cannot_be_handled_again_is_told_why() -> Result<()> {
    let node = node("alone").start().await?;
    let nobody = run(Some(&node), &["replay", "nobody", "--all"]).await?;
    ensure!(stderr(&nobody).contains("no plugin is called `nobody`"), "{}", stderr(&nobody));
    for args in [&["replay", "nobody"][..], &["replay", "nobody", "--dry-run"]] {
        let listed = run(Some(&node), args).await?;
        let why = "error: no plugin is called `nobody`, and no dead letters are kept under that name\nhint: this node";
        ensure!(listed.status.code() == Some(1) && stderr(&listed).contains(why), "{listed:?}");
    }
    let listed = run(Some(&node), &["replay", "nobody", "--json"]).await?;
    ensure!(stdout(&listed).contains("\"error\":{") && stdout(&listed).contains("\"hint\":"), "{listed:?}");
    let drop = run(Some(&node), &["replay", "nobody", "--drop"]).await?;
    ensure!(drop.status.code() == Some(2) && stderr(&drop).contains("which letters"), "{}", stderr(&drop));
    Ok(())
}

/// What a member of a group fails at on another node is a letter there, where its plugin is.
#[tokio::test(flavor = "multi_thread")]
async fn a_members_letter_is_kept_on_the_node_whose_plugin_failed() -> Result<()> {
    let (folder, data) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let broken = Sketch::new().on("orders/*").grouped().handle("unreachable");
    place(folder.path(), "billing.wasm", &broken.build())?;
    let config = "version: 1\nchannels: [{ pattern: 'orders/*', group: ['*'] }]\n\
                  plugins: { each: { billing: { attempts: 2, backoff: 1ms } } }\n";
    let config = write(folder.path(), "hive.yaml", config)?;
    let shop = node("shop").arg("--config").arg(&config).start().await?;
    let office = || {
        let office = node("office").peer(&shop).plugins(folder.path()).data_dir(data.path());
        office.arg("--config").arg(&config)
    };
    let mut at_work = office().start().await?;
    at_work.runs_plugin("billing", 1).await?;
    shop.has_peers(1, MOMENT).await?;
    until("the member to be known", MOMENT, async || {
        let receipt = shop.client().publish("orders/new", &"an order".into()).await.ok()?;
        (receipt.peers == 1).then_some(())
    })
    .await?;
    until("a letter", MOMENT, async || (!listed(&at_work).await.ok()?.letters.is_empty()).then_some(()))
        .await?;
    let letters = listed(&at_work).await?;
    let letter = letters.letters.first().context("a letter")?;
    ensure!(letter.group.as_deref() == Some("billing") && letter.attempts == 2, "{letter:?}");
    let none = shop.client().dead_letters("billing", None).await?;
    ensure!(none.letters.is_empty(), "it is none of the publisher's: {none:?}");

    // What was said to be dead is on disk.
    at_work.crash().await?;
    place(folder.path(), "billing.wasm", &Sketch::new().on("orders/*").grouped().build())?;
    let at_work = office().start().await?;
    at_work.runs_plugin("billing", 1).await?;
    let done = replay(&at_work, &["--all"]).await?;
    ensure!(done.status.success() && stdout(&done).starts_with("1 handled\n"), "{done:?}");
    ensure!(listed(&at_work).await?.letters.is_empty());
    Ok(())
}

/// What took one member after the other with it is a letter of the group where it was published, and goes to a member again.
#[tokio::test(flavor = "multi_thread")]
async fn a_groups_letter_goes_to_a_member_again() -> Result<()> {
    let data = tempfile::tempdir()?;
    let setup = || node("shop").data_dir(data.path());
    let mut shop = setup().start().await?;
    let member = || Terms { group: Some("billing".into()), ..Terms::default() };
    let first = shop.client().subscribe(["orders/*"], member()).await?;
    shop.client().publish("orders/new", &"an order".into()).await?;
    drop(first);
    until("a letter", MOMENT * 3, async || {
        let mut member = shop.client().subscribe(["orders/*"], member()).await.ok()?;
        // It goes with what it had.
        let _ = tokio::time::timeout(Duration::from_millis(200), member.next()).await;
        drop(member);
        (!listed(&shop).await.ok()?.letters.is_empty()).then_some(())
    })
    .await?;
    shop.stop().await?;
    let shop = setup().start().await?;
    let letters = listed(&shop).await?;
    let reason = letters.letters.first().map(|letter| letter.reason.as_str());
    ensure!(reason == Some("16 members had it and went"), "{letters:?}");
    let nobody = replay(&shop, &["1"]).await?;
    ensure!(stdout(&nobody).contains("no member of a group of that name"), "{nobody:?}");

    let mut member = shop.client().subscribe(["orders/*"], member()).await?;
    let working = tokio::spawn(async move {
        let event = next(&mut member, "the order").await?;
        // To close it is to have handled what it had.
        member.close().await;
        anyhow::Ok(event)
    });
    let done = replay(&shop, &["1"]).await?;
    ensure!(done.status.success() && stdout(&done) == "1 handled\n", "{done:?}");
    let event = working.await??;
    ensure!(event.message.text() == Some("an order") && event.attempt == 1, "{event:?}");
    ensure!(listed(&shop).await?.letters.is_empty());
    Ok(())
}
