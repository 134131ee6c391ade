//! The samples on real nodes: each does what it says, on the nodes and over the kills that it is about. What they do on one
//! node is said by samples/README.md, and that is tried, too.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use axum::{Router, http::StatusCode, routing::get};
use futures_util::future::try_join_all;
use hive_client::{Message, Terms};
use hive_tests::{
    hosts::Segment,
    languages::{command, is_here, said, with_tools},
    nodes::{Node, clean},
    wait::{self, MOMENT},
    workspace,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{PROGRAM, next, node, plugins, stdout, write};

mod workflow;

/// Every sample in Rust.
const ALL: [&str; 12] = [
    "averages",
    "counter",
    "dictionary",
    "enrich",
    "filter",
    "greeter",
    "ledger",
    "reminder",
    "roll-call",
    "search",
    "thumbnail",
    "workflow",
];

/// What is built and compiled first takes long on a machine that is busy with other tests.
const LOADING: Duration = Duration::from_secs(600);

async fn ask(node: &Node, channel: &str, data: &impl Serialize) -> Result<Value> {
    let said = node.client().call(channel, &Message::json(data)?, MOMENT).await;
    let said = said.with_context(|| format!("{channel}\n{}", node.printed()))?;
    serde_json::from_slice(&said.payload).with_context(|| format!("{channel}: {said:?}"))
}

/// Waits until a node answers so.
async fn answers(node: &Node, channel: &str, data: &impl Serialize, want: &Value) -> Result<()> {
    let mut last = None;
    let what = format!("{channel} to answer {want}");
    let waited = wait::until(&what, MOMENT, async || {
        last = ask(node, channel, data).await.ok();
        (last.as_ref() == Some(want)).then_some(())
    });
    let waited = waited.await;
    waited.with_context(|| format!("it answers {last:?}\n{}", node.printed()))
}

async fn publish(node: &Node, channel: &str, data: &impl Serialize) -> Result<()> {
    node.client().publish(channel, &Message::json(data)?).await?;
    Ok(())
}

fn sample(path: &str) -> PathBuf {
    workspace().join("samples").join(path)
}

/// What is typed into a shell that has the program and the samples, told which node is meant.
async fn typed(node: &Node, home: &Path, line: &str) -> Result<Output> {
    let mut shell = Command::new("sh");
    clean(&mut shell, home);
    let programs = Path::new(PROGRAM).parent().context("a folder")?.display().to_string();
    let path = std::env::var("PATH").unwrap_or_default();
    shell.env("PATH", format!("{programs}:{path}")).env("HIVE_NODE", node.data_dir());
    shell.args(["-c", line]).current_dir(home);
    let output = tokio::process::Command::from(shell).output();
    wait::within(&format!("`{line}` to end"), MOMENT, output).await?.context("running it")
}

/// The commands of a row of the table, each with what it prints if that is said behind an arrow.
fn commands(row: &str) -> Vec<(&str, Option<&str>)> {
    let mut commands: Vec<(&str, Option<&str>)> = Vec::new();
    let pieces: Vec<&str> = row.split('`').collect();
    for pair in pieces.windows(2).step_by(2) {
        let [before, code] = pair else { continue };
        match commands.last_mut() {
            Some((_, printed)) if before.trim() == "→" => *printed = Some(code),
            _ => commands.push((code, None)),
        }
    }
    commands
}

/// What the table says is printed, with all samples in one node.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_readme_says_is_printed() -> Result<()> {
    let (folder, home) = (plugins(&ALL)?, tempfile::tempdir()?);
    std::os::unix::fs::symlink(sample(""), home.path().join("samples"))?;
    let attic = node("attic").plugins(folder.path()).start().await?;
    for name in ALL {
        attic.runs_plugin(name, 1).await?;
    }
    let readme = fs::read_to_string(sample("README.md"))?;
    let mut tried = Vec::new();
    for row in readme.lines().filter(|line| line.starts_with("| [`")) {
        let columns: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [name, _, typing] = columns[..] else { anyhow::bail!("a row of three columns: {row}") };
        tried.push(name.split('`').nth(1).context("a name")?.to_owned());
        // These want a server, and a second host: they have tests of their own.
        if typing.trim_start().starts_with("with ") {
            continue;
        }
        for (command, printed) in commands(typing) {
            if !command.starts_with("hive-node ") || command.contains("'alert/*'") {
                continue;
            }
            let mut last = None;
            let what = format!("`{command}` to print {printed:?}");
            let waited = wait::until(&what, MOMENT, async || {
                let output = typed(&attic, home.path(), command).await.ok()?;
                let is_right = output.status.success()
                    && printed.is_none_or(|printed| stdout(&output).trim_end() == printed);
                last = Some(said(&output));
                is_right.then_some(())
            });
            let waited = waited.await;
            waited.with_context(|| format!("it prints {last:?}"))?;
        }
    }
    ensure!(fs::read(home.path().join("small.png"))?.starts_with(b"\x89PNG"));
    tried.retain(|name| name != "chat");
    tried.sort();
    ensure!(tried == ALL, "the table has {tried:?}");
    Ok(())
}

/// `dev` with all of them: every line that it prints to try does something.
#[tokio::test(flavor = "multi_thread")]
async fn dev_runs_all_samples_and_what_it_says_to_try_works() -> Result<()> {
    // Built already, under the lock of those who build them.
    drop(plugins(&["greeter"])?);
    let folder = tempfile::tempdir()?;
    let each = "version: 1\nplugins: { each: { roll-call: { deadline: 4321ms } } }\n";
    let config = write(folder.path(), "hive.yaml", each)?;
    let setup = node("dev").verb("dev").arg(sample("")).args(&["--config", &config]);
    let mut dev = with_tools(setup)?.start_within(LOADING).await?;
    for name in ALL {
        dev.runs_plugin(name, 1).await?;
    }
    let plugins = dev.client().plugins().await?.plugins;
    let limits = plugins.iter().find(|plugin| plugin.name == "roll-call").and_then(|it| it.limits.clone());
    ensure!(limits.is_some_and(|limits| limits.deadline_ms == 4_321), "{plugins:?}");
    dev.says("Ctrl-C ends.").await?;
    let (printed, home) = (dev.printed(), tempfile::tempdir()?);
    let program = format!("  {PROGRAM} ");
    let lines: Vec<&str> = printed.lines().filter(|line| line.starts_with(&program)).collect();
    ensure!(lines.len() == 6, "{printed}");
    for line in &lines {
        if line.contains(" subscribe ") {
            ensure!(line.ends_with(" '**'"), "{line}");
            continue;
        }
        let output = typed(&dev, home.path(), line).await?;
        ensure!(output.status.success(), "{line}: {}", said(&output));
    }
    let greeting = lines.iter().find(|line| line.contains("greet/hello")).context("a call of the greeter")?;
    ensure!(stdout(&typed(&dev, home.path(), greeting).await?) == "\"Hello, Ada!\"\n");
    dev.stop().await?;
    Ok(())
}

/// Every sample in Rust has cases, and they hold for its component.
#[tokio::test(flavor = "multi_thread")]
async fn the_cases_of_the_samples_hold() -> Result<()> {
    let folder = plugins(&ALL)?;
    for name in ALL {
        let cases = sample(name).join("rust/cases.yaml");
        let component = folder.path().join(name).with_extension("wasm");
        let text = format!("component: {}\n{}", component.display(), fs::read_to_string(&cases)?);
        let cases = write(folder.path(), &format!("{name}.yaml"), &text)?;
        let output = command(Path::new(PROGRAM))?.args(["test", &cases]).output()?;
        ensure!(output.status.success() && said(&output).contains(" 0 failed"), "{name}: {}", said(&output));
    }
    Ok(())
}

/// The cases in the README are cases, and hold.
#[tokio::test(flavor = "multi_thread")]
async fn the_cases_of_the_readme_hold() -> Result<()> {
    let (folder, readme) = (plugins(&ALL)?, fs::read_to_string(sample("README.md"))?);
    let mut blocks = 0;
    for (at, cases) in readme.split("```yaml\n").skip(1).enumerate() {
        let (cases, _) = cases.split_once("```").context("the end of a block")?;
        // The components of all samples are beside it.
        let file = write(folder.path(), &format!("cases-{at}.yaml"), cases)?;
        let output = command(Path::new(PROGRAM))?.args(["test", &file]).output()?;
        let passed = format!("{} passed, 0 failed", cases.matches("name: ").count());
        ensure!(output.status.success() && said(&output).contains(&passed), "{cases}\n{}", said(&output));
        blocks += 1;
    }
    ensure!(blocks == 2, "{blocks}");
    Ok(())
}

/// Readings that come at once are all in the average, over a restart, and the schedule reports it.
#[tokio::test(flavor = "multi_thread")]
async fn averages_are_kept_over_a_restart_and_reported_by_the_schedule() -> Result<()> {
    let (folder, data) = (plugins(&["averages"])?, tempfile::tempdir()?);
    let setup = || node("house").plugins(folder.path()).data_dir(data.path());
    let mut house = setup().start().await?;
    house.runs_plugin("averages", 1).await?;
    // 0 to 99, of as many sensors: several instances add at the same time.
    let reading = async |celsius: u32| {
        let message = Message { key: Some(format!("sensor-{celsius}")), ..Message::json(&celsius)? };
        house.client().publish("room/attic/celsius", &message).await.map_err(anyhow::Error::from)
    };
    try_join_all((0..100).map(reading)).await?;
    answers(&house, "averages/now", &(), &json!({"attic": 49.5})).await?;
    house.stop().await?;
    let house = setup().start().await?;
    house.runs_plugin("averages", 1).await?;
    let mut reports = house.client().subscribe(["averages/report"], Terms::default()).await?;
    publish(&house, "room/attic/celsius", &150.5).await?;
    answers(&house, "averages/now", &(), &json!({"attic": 50.5})).await?;
    // The minute is full when it is.
    let waited =
        wait::within("the report of a full minute", Duration::from_secs(61) + MOMENT, reports.next());
    let Some(hive_client::Incoming::Event(report)) = waited.await?? else { anyhow::bail!("no report") };
    ensure!(report.message.text() == Some(r#"{"attic":50.5}"#), "{report:?}");
    Ok(())
}

/// One answer of three shelves; a node that is stuck is counted, and holds the others up for no longer than the wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_makes_one_answer_of_what_all_nodes_have() -> Result<()> {
    let folder = plugins(&["search"])?;
    let attic = node("attic").plugins(folder.path()).start().await?;
    let mut cellar = node("cellar").plugins(folder.path()).peer(&attic).start().await?;
    let shed = node("shed").plugins(folder.path()).peer(&attic).start().await?;
    for (node, books) in
        [(&attic, ["Dune", "Emma"]), (&cellar, ["Dubliners", "Dune"]), (&shed, ["Ulysses", "Emma"])]
    {
        node.runs_plugin("search", 1).await?;
        node.has_peers(2, MOMENT).await?;
        for book in books {
            ask(node, "shelve", &book).await?;
        }
    }
    let all = json!({"books": {"Dubliners": ["cellar"], "Dune": ["attic", "cellar"]}, "silent": 0});
    for node in [&attic, &cellar, &shed] {
        answers(node, "search/books", &"du", &all).await?;
    }
    cellar.freeze(true)?;
    let without = json!({"books": {"Dune": ["attic"]}, "silent": 1});
    let said = ask(&shed, "search/books", &"du").await?;
    ensure!(said == without, "{said}");
    cellar.freeze(false)?;
    answers(&shed, "search/books", &"du", &all).await
}

/// What is set on one host is read on all, also on one that comes later; what two set at once they agree on.
#[tokio::test(flavor = "multi_thread")]
async fn a_dictionary_is_the_same_on_every_host() -> Result<()> {
    let segment = Segment::new(3)?;
    let [left, right, late] = segment.hosts() else { unreachable!("three hosts were asked for") };
    let folder = plugins(&["dictionary"])?;
    let here = node("left").on(left).plugins(folder.path()).start().await?;
    let there = node("right").on(right).plugins(folder.path()).start().await?;
    for node in [&here, &there] {
        node.runs_plugin("dictionary", 1).await?;
        node.has_peers(1, MOMENT).await?;
    }
    let entry = |key: &str, value: &str| json!({"key": key, "value": value});
    let before = ask(&here, "dictionary/set", &entry("tea", "hot")).await?;
    ensure!(before.is_null(), "{before}");
    answers(&there, "dictionary/get", &"tea", &json!("hot")).await?;
    for number in 0..20 {
        let key = format!("key-{number}");
        let (one, other) = (entry(&key, "left"), entry(&key, "right"));
        tokio::try_join!(ask(&here, "dictionary/set", &one), ask(&there, "dictionary/set", &other))?;
    }
    let removed = ask(&there, "dictionary/remove", &"tea").await?;
    ensure!(removed == "hot", "{removed}");
    let agreed = wait::until("both to have the same", MOMENT, async || {
        let (left, right) = (ask(&here, "dictionary/all", &()), ask(&there, "dictionary/all", &()));
        let (left, right) = tokio::try_join!(left, right).ok()?;
        (left == right && left.get("tea").is_none()).then_some(left)
    });
    let agreed = agreed.await?;
    ensure!(agreed.as_object().is_some_and(|all| all.len() == 20), "{agreed}");
    let late = node("late").on(late).plugins(folder.path()).start().await?;
    late.runs_plugin("dictionary", 1).await?;
    answers(&late, "dictionary/all", &(), &agreed).await
}

/// What is said on one host is heard on the other, with the name of who said it, and nobody else speaks for a host.
#[tokio::test(flavor = "multi_thread")]
async fn hosts_chat() -> Result<()> {
    if !is_here("node", "js") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let run = |args: &[&str]| -> Result<Output> {
        Ok(command(Path::new(PROGRAM))?.args(args).arg(sample("chat/js")).output()?)
    };
    let plugins = folder.path().display().to_string();
    let built = run(&["build", "--out", &plugins])?;
    ensure!(built.status.success(), "{}", said(&built));
    let tested = run(&["test"])?;
    ensure!(tested.status.success() && said(&tested).contains("4 passed, 0 failed"), "{}", said(&tested));
    let mut unit = Command::new("node");
    let unit = unit.args(["--test", "test/chat.test.js"]).current_dir(sample("chat/js")).output()?;
    ensure!(unit.status.success(), "{}", said(&unit));
    let segment = Segment::new(2)?;
    let [left, right] = segment.hosts() else { unreachable!("two hosts were asked for") };
    let attic = node("attic").on(left).plugins(folder.path()).start().await?;
    let cellar = node("cellar").on(right).plugins(folder.path()).start().await?;
    for node in [&attic, &cellar] {
        let loaded = wait::until("the chat to run", LOADING, async || {
            node.client().plugins().await.ok()?.plugins.iter().any(|one| one.generation == 1).then_some(())
        });
        loaded.await.with_context(|| node.printed())?;
        node.has_peers(1, MOMENT).await?;
    }
    let mut heard = cellar.client().subscribe(["chat/said"], Terms::default()).await?;
    let say = |text: &str| Message::json(&text);
    attic.client().call("say", &say("Good morning")?, MOMENT).await?;
    let event = next(&mut heard, "what was said").await?;
    ensure!(event.origin == attic.status().await?.node.id, "{event:?}");
    cellar.client().call("say", &say("Who is there?")?, MOMENT).await?;
    let lines = json!(["attic: Good morning", "cellar: Who is there?"]);
    for node in [&attic, &cellar] {
        answers(node, "said", &(), &lines).await?;
    }
    let silence = attic.client().call("say", &say(" ")?, MOMENT).await;
    ensure!(silence.is_err_and(|error| error.to_string().contains("say some text")));
    Ok(())
}

/// A shop on the loopback that knows tea, and milk once it was asked twice.
async fn shop() -> Result<(u16, Arc<AtomicUsize>)> {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let milk = move || async move {
        match counted.fetch_add(1, SeqCst) {
            0 | 1 => (StatusCode::SERVICE_UNAVAILABLE, ""),
            _ => (StatusCode::OK, include_str!("../../samples/enrich/products/milk.json")),
        }
    };
    let tea = async || include_str!("../../samples/enrich/products/tea.json");
    let shop = Router::new().route("/tea.json", get(tea)).route("/milk.json", get(milk));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move { axum::serve(listener, shop).await });
    Ok((port, asked))
}

/// What a server knows is added; what it does not know yet is asked for again, what it never knows is a dead letter, and
/// nobody is asked whom the configuration does not open.
#[tokio::test(flavor = "multi_thread")]
async fn events_are_enriched_with_what_a_server_knows() -> Result<()> {
    let (folder, (port, asked)) = (plugins(&["enrich"])?, shop().await?);
    let config = fs::read_to_string(sample("enrich/hive.yaml"))?;
    let config = write(folder.path(), "hive.yaml", &config.replace(":8000", &format!(":{port}")))?;
    let till = node("till").plugins(folder.path()).arg("--config").arg(config).start().await?;
    till.runs_plugin("enrich", 1).await?;
    let mut seen = till.client().subscribe(["basket/priced", "$dead/enrich"], Terms::default()).await?;
    let add =
        async |product: &str| publish(&till, "basket/added", &json!({"product": product, "amount": 2})).await;
    add("tea").await?;
    let tea = next(&mut seen, "tea with its price").await?;
    ensure!(tea.message.text() == Some(r#"{"name":"Green tea","amount":2,"euros":7.0}"#), "{tea:?}");
    add("milk").await?;
    let milk = next(&mut seen, "milk with its price").await?;
    ensure!(milk.message.text() == Some(r#"{"name":"Oat milk","amount":2,"euros":3.6}"#), "{milk:?}");
    ensure!(asked.load(SeqCst) == 3, "asked {asked:?} times");
    for (product, why) in
        [("gold", "the server knows no gold"), ("../users", "cannot be the name of a product")]
    {
        add(product).await?;
        let letter = next(&mut seen, "a dead letter").await?;
        let reason = letter.message.headers.iter().find(|(name, _)| name == "hive-reason");
        ensure!(reason.is_some_and(|(_, reason)| reason.contains(why)), "{letter:?}");
    }

    let bare = node("bare").plugins(folder.path()).start().await?;
    bare.runs_plugin("enrich", 1).await?;
    let mut letters = bare.client().subscribe(["$dead/enrich"], Terms::default()).await?;
    publish(&bare, "basket/added", &json!({"product": "tea", "amount": 1})).await?;
    let letter = next(&mut letters, "a dead letter").await?;
    let reason = letter.message.headers.iter().find(|(name, _)| name == "hive-reason");
    let line = "plugins: {each: {enrich: {http: [\"localhost:8000\"]}}}";
    ensure!(reason.is_some_and(|(_, reason)| reason.contains(line)), "{letter:?}");
    Ok(())
}

/// Width and height of a PNG, as its head says.
fn size_of(png: &[u8]) -> Result<(u32, u32)> {
    ensure!(png.starts_with(b"\x89PNG\r\n\x1a\n"), "no PNG: {:?}", png.get(..16));
    let number = |at: usize| Some(u32::from_be_bytes(*png.get(at..)?.first_chunk()?));
    number(16).zip(number(20)).context("a head")
}

/// Pictures go in and come out as they are, with their type; what is none is told why.
#[tokio::test(flavor = "multi_thread")]
async fn pictures_become_small_and_what_is_none_is_rejected() -> Result<()> {
    let folder = plugins(&["thumbnail"])?;
    let far = node("far").start().await?;
    let near = node("near").plugins(folder.path()).peer(&far).start().await?;
    near.runs_plugin("thumbnail", 1).await?;
    far.has_peers(1, MOMENT).await?;
    let ask =
        async |image: Vec<u8>| far.client().call("images/thumbnail", &Message::from(image), MOMENT).await;
    let photo = fs::read(sample("thumbnail/photo.jpg"))?;
    let small = ask(photo.clone()).await?;
    ensure!(small.content_type.as_deref() == Some("image/png"), "{:?}", small.content_type);
    ensure!(size_of(&small.payload)? == (128, 96));
    // What came out goes in, and is small enough already.
    let again = ask(small.payload.to_vec()).await?;
    ensure!(size_of(&again.payload)? == (128, 96));
    let mut liar = small.payload.to_vec();
    liar[16..24].fill(0x7f);
    for (image, why) in [
        (b"Dear diary".to_vec(), "neither a PNG nor a JPEG"),
        (photo[..300].to_vec(), "the JPEG is broken"),
        (small.payload[..60].to_vec(), "the PNG is broken"),
        (liar, "the PNG is broken"),
    ] {
        let error = ask(image).await.err().with_context(|| format!("an error: {why}"))?;
        ensure!(error.to_string().contains(why), "{error}");
    }
    let plugins = near.client().plugins().await?.plugins;
    ensure!(
        plugins.iter().all(|plugin| plugin.work.dead == 0),
        "who asked was told, and nobody else: {plugins:?}"
    );
    Ok(())
}
