//! Plugins that are processes, in Python: started by the node or come by themselves, killed, stuck, lost and found again.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use hive_client::{
    CALL_TIMEOUT, Event, Subscription, Terms,
    types::{PluginState, PluginStatus, ReplayOutcome},
};
use hive_node::plugin::sketch::Sketch;
use hive_tests::{
    guests::place,
    nodes::{Node, Setup},
    programs::Program,
    python::{Venv, venv},
    wait::{MOMENT, until},
    workspace,
};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;

use crate::{next, node, run, stderr, stdout, write};

/// Python with what the sample needs, too.
fn python() -> Venv {
    venv(&["websockets==15.0.1"])
}

/// A folder for the files of one test, and the worker that tests tell what to do.
struct Stage {
    venv: Venv,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Result<Self> {
        Ok(Self { venv: python(), folder: tempfile::tempdir()? })
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A node to be with this `each:` in its configuration; `WORKER` is the worker's command.
    fn node(&self, name: &str, each: &str) -> Result<Setup> {
        let worker = format!("{}, {}", self.venv.program("python").display(), script().display());
        let text = format!("version: 1\nplugins:\n  each:\n{}", each.replace("WORKER", &worker));
        let file = write(self.folder.path(), "hive.yaml", &text)?;
        Ok(node(name).arg("--config").arg(file))
    }

    /// The worker as a process that comes by itself.
    fn guest(&self, node: &Node, args: &[&str]) -> Result<Program> {
        let mut command = Command::new(self.venv.program("python"));
        command.arg(script()).args(args).env("HIVE_NODE", socket(node)).env_remove("HIVE_TOKEN");
        Program::start("guest", command)
    }
}

fn script() -> std::path::PathBuf {
    workspace().join("tests").join("interop").join("hive_worker.py")
}

fn socket(node: &Node) -> std::path::PathBuf {
    node.data_dir().join(hive_client::locate::SOCKET_NAME)
}

async fn plugin(node: &Node, name: &str) -> Option<PluginStatus> {
    node.client().plugins().await.ok()?.plugins.into_iter().find(|plugin| plugin.name == name)
}

/// Waits until a plugin is as it is to be.
async fn is(
    node: &Node,
    name: &str,
    what: &str,
    done: impl Fn(&PluginStatus) -> bool,
) -> Result<PluginStatus> {
    let what = format!("{name} to be {what}");
    let waited = until(&what, MOMENT, async || plugin(node, name).await.filter(&done));
    waited.await.with_context(|| node.printed())
}

/// Waits for a line of a plugin's log, and returns what follows a text in it.
async fn says(node: &Node, plugin: &str, text: &str) -> Result<String> {
    let what = format!("{plugin} to say `{text}`");
    let said = until(&what, MOMENT, async || {
        let logs =
            node.client().plugin_logs(plugin, None, 500, None, std::time::Duration::ZERO).await.ok()?;
        logs.lines.iter().find_map(|line| line.text.split_once(text).map(|(_, rest)| rest.to_owned()))
    });
    said.await.with_context(|| node.printed())
}

/// The number that a text begins with.
fn number(text: &str) -> Result<i32> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().with_context(|| format!("no number in `{text}`"))
}

/// Waits until a process is gone, or only waited for.
async fn is_gone(pid: i32) -> Result<()> {
    let raw = Pid::from_raw(pid).context("a pid")?;
    until(&format!("process {pid} to be gone"), MOMENT, async || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        (test_kill_process(raw).is_err() || stat.contains(") Z ")).then_some(())
    })
    .await
}

async fn did(events: &mut Subscription) -> Result<Value> {
    let Event { message, .. } = next(events, "what the worker did").await?;
    Ok(serde_json::from_slice(&message.payload)?)
}

/// The sample of the README, as it is there.
#[tokio::test(flavor = "multi_thread")]
async fn the_sample_in_python_greets_and_says_whom() -> Result<()> {
    let (venv, sample) = (python(), workspace().join("samples").join("clients").join("python"));
    let readme = std::fs::read_to_string(workspace().join("README.md"))?;
    ensure!(
        readme.contains(&std::fs::read_to_string(sample.join("worker.py"))?),
        "the README shows another one"
    );
    let bin = venv.program("python3");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = bin.parent().map(Path::to_path_buf).into_iter().chain(std::env::split_paths(&path));
    let node = node("greeter")
        .arg("--config")
        .arg(sample.join("hive.yaml"))
        .env("PATH", std::env::join_paths(folders)?)
        .start()
        .await?;
    let mut log = node.client().subscribe(["greeted/*"], Terms::default()).await?;
    let answer = run(Some(&node), &["call", "greet/python", "\"Ada\""]).await?;
    ensure!(stdout(&answer).starts_with("\"Hello, Ada, from Python "), "{answer:?}");
    let event = next(&mut log, "whom it greeted").await?;
    ensure!(event.message.text() == Some("Ada") && event.depth == 1, "{event:?}");
    let refused = run(Some(&node), &["call", "greet/python", "\" \""]).await?;
    ensure!(
        refused.status.code() == Some(1) && stderr(&refused).contains("nobody is called nothing"),
        "{refused:?}"
    );
    let failed = run(Some(&node), &["call", "greet/python", "no JSON"]).await?;
    ensure!(failed.status.code() == Some(1), "{failed:?}");
    let list = run(Some(&node), &["plugins"]).await?;
    let line = stdout(&list).lines().find(|line| line.starts_with("worker")).unwrap_or_default().to_owned();
    ensure!(line.contains("running") && line.contains("greet/python (answers)"), "{line}");
    Ok(())
}

/// `dev` of a folder that has nothing to build: its process runs, and is another one when its sources are saved.
#[tokio::test(flavor = "multi_thread")]
async fn dev_starts_a_process_anew_when_its_files_are_saved() -> Result<()> {
    let stage = Stage::new()?;
    let sample = std::fs::read_to_string(workspace().join("samples/clients/python/worker.py"))?;
    let source = stage.folder.path().join("worker.py");
    std::fs::write(&source, &sample)?;
    let python = stage.venv.program("python").display().to_string();
    let each = |deadline: &str| {
        format!(
            "version: 1\nplugins: {{ each: {{ worker: {{ exec: [{python}, worker.py], deadline: {deadline} }} }} }}\n"
        )
    };
    write(stage.folder.path(), "hive.yaml", &each("5s"))?;
    let mut node = node("dev").verb("dev").arg(stage.folder.path()).start().await?;
    let runs = |generation: u64| move |plugin: &PluginStatus| plugin.generation == generation;
    is(&node, "worker", "running", runs(1)).await?;
    let greets = async |node: &Node, word: &str| {
        let answer = run(Some(node), &["call", "greet/python", "\"Ada\""]).await?;
        ensure!(stdout(&answer).starts_with(&format!("\"{word}, Ada, from Python ")), "{answer:?}");
        anyhow::Ok(())
    };
    greets(&node, "Hello").await?;
    std::fs::write(&source, sample.replace("Hello", "Good evening"))?;
    node.says("`worker` is started anew: worker.py was saved").await?;
    is(&node, "worker", "another one", runs(2)).await?;
    greets(&node, "Good evening").await?;
    // What does not start leaves the one before running; what is no source of its changes nothing.
    std::fs::write(&source, "print('to be seen')\nraise SystemExit('no more')\n")?;
    node.says("process 2 goes on").await?;
    node.says("to be seen").await?;
    greets(&node, "Good evening").await?;
    std::fs::write(source.with_file_name("worker.db"), "x")?;
    std::fs::write(&source, &sample)?;
    is(&node, "worker", "mended", runs(3)).await?;
    greets(&node, "Hello").await?;
    ensure!(!node.stderr().contains("worker.db"), "{}", node.stderr());
    // What its section is told, the node sees to, once.
    write(stage.folder.path(), "hive.yaml", &each("6s"))?;
    is(&node, "worker", "under another section", runs(4)).await?;
    ensure!(node.stderr().matches("is started anew").count() == 3, "{}", node.stderr());
    // Whatever is being built beside is not waited for.
    let slow = stage.folder.path().join("slow");
    std::fs::create_dir_all(slow.join("src"))?;
    let build = r#"["sh", "-c", "until [ -e ../built ]; do sleep 0.1; done; exit 3"]"#;
    let manifest = format!("[plugin]\nname = \"slow\"\nbuild = {build}\nsources = [\"src\"]\n");
    std::fs::write(slow.join("hive.toml"), manifest)?;
    node.says("building `slow`").await?;
    std::fs::write(&source, sample.replace("Hello", "Good night"))?;
    is(&node, "worker", "another one meanwhile", runs(5)).await?;
    greets(&node, "Good night").await?;
    ensure!(!node.stderr().contains("failed for"), "{}", node.stderr());
    std::fs::write(stage.folder.path().join("built"), "")?;
    node.says("failed for").await?;
    node.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_in_the_middle_gets_the_event_again() -> Result<()> {
    let stage = Stage::new()?;
    let node = stage.node("home", "    worker: { exec: [WORKER], config: { limit: 20 } }\n")?.start().await?;
    let first = is(&node, "worker", "running", |plugin| plugin.state == PluginState::Running).await?;
    ensure!((first.generation, first.version.as_str()) == (1, "1.2"), "{first:?}");
    says(&node, "worker", "joined with {'limit': '20'}").await?;
    let mut events = node.client().subscribe(["did/*"], Terms::default()).await?;
    node.client().publish("work/a", &"stall".into()).await?;
    let pid = number(&says(&node, "worker", "at it: stall, pid ").await?)?;
    kill_process(Pid::from_raw(pid).context("a pid")?, Signal::KILL)?;
    let done = did(&mut events).await?;
    ensure!(done["attempt"] == 2 && done["pid"] != pid, "{done}");
    let second = is(&node, "worker", "counted", |plugin| plugin.work.handled == 1).await?;
    ensure!((second.generation, second.work.restarts, second.work.dead) == (2, 1, 0), "{second:?}");
    // One that ends by itself says why, and is started again, too.
    node.client().publish("work/a", &"leave".into()).await?;
    ensure!(did(&mut events).await?["attempt"] == 2);
    says(&node, "worker", "it leaves in the middle").await?;
    let metrics = node.client().metrics().await?;
    ensure!(metrics.contains("hive_plugin_restarts_total{plugin=\"worker\"} 2"), "{metrics}");
    Ok(())
}

/// Its connection ends before it has said what went wrong: that is in the dead letter all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_crashes_leaves_its_last_words_in_the_dead_letter() -> Result<()> {
    let stage = Stage::new()?;
    let node = stage.node("home", "    worker: { exec: [WORKER], attempts: 1 }\n")?.start().await?;
    is(&node, "worker", "running", |plugin| plugin.state == PluginState::Running).await?;
    let mut dead = node.client().subscribe(["$dead/worker"], Terms::default()).await?;
    node.client().publish("work/a", &"crash".into()).await?;
    next(&mut dead, "a dead letter").await?;
    let letters = node.client().dead_letters("worker", None).await?.letters;
    let letter = letters.first().context("a letter")?;
    let why = "failed once: its process is gone: it ended with exit code 1; it said last: over a stone";
    ensure!(letter.reason == why, "{letter:?}");
    ensure!(letter.last_words == "it stumbles\nover a stone", "{letter:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_answers_with_no_payload_is_told_what_one_is() -> Result<()> {
    let stage = Stage::new()?;
    let node = stage.node("home", "    worker: { exec: [WORKER] }\n")?.start().await?;
    node.client().publish("work/a", &"object".into()).await?;
    let why = "it said what cannot be read: invalid type: map, expected as `payload` a string (of JSON its text), or \
               {\"base64\": \"…\"}";
    says(&node, "worker", &format!("a message of its process is refused: {why}")).await?;
    is(&node, "worker", "handled", |plugin| plugin.work.handled == 1 && plugin.work.restarts == 1).await?;
    Ok(())
}

/// Who asks hears why there is no process and when the next one is started, long before the caller's time is over.
#[tokio::test(flavor = "multi_thread")]
async fn who_asks_a_process_that_does_not_run_is_told_so() -> Result<()> {
    let stage = Stage::new()?;
    let begin = format!("exec {} {}\n", stage.venv.program("python").display(), script().display());
    let program = write(stage.folder.path(), "run.sh", &begin)?;
    let node = stage.node("home", &format!("    worker: {{ exec: [sh, {program}] }}\n"))?.start().await?;
    node.client().publish("work/a", &"it".into()).await?;
    let pid = number(&says(&node, "worker", "at it: it, pid ").await?)?;
    std::fs::write(&program, "exit 3\n")?;
    kill_process(Pid::from_raw(pid).context("a pid")?, Signal::KILL)?;
    let ask = async || node.client().call("ask/it", &"Ada".into(), MOMENT).await;
    let told = until("who asks to be told", MOMENT, async || {
        let told = ask().await.err()?.to_string();
        let is_away = told.contains("the process of the plugin `worker` is not running (restarts in ");
        (is_away && told.contains("it ended with exit code 3")).then_some(())
    });
    told.await.with_context(|| node.printed())?;
    std::fs::write(&program, begin)?;
    until("an answer", MOMENT, async || ask().await.ok()).await?;
    Ok(())
}

/// A process that is started again at once is waited for.
#[tokio::test(flavor = "multi_thread")]
async fn who_asks_while_a_process_is_started_again_is_not_told_that_there_is_none() -> Result<()> {
    let stage = Stage::new()?;
    let node = stage.node("home", "    worker: { exec: [WORKER] }\n")?.start().await?;
    let mut events = node.client().subscribe(["did/*"], Terms::default()).await?;
    for round in 0..5 {
        let what = format!("round {round}");
        node.client().publish("work/a", &what.as_str().into()).await?;
        // Who was killed before it had said that it is done has the event come again.
        let done = loop {
            let done = did(&mut events).await?;
            if done["what"] == what {
                break done;
            }
        };
        let pid = done["pid"].as_i64().context("a pid")?;
        kill_process(Pid::from_raw(i32::try_from(pid)?).context("a pid")?, Signal::KILL)?;
        let answered = until("an answer", MOMENT, async || {
            match node.client().call("ask/it", &"Ada".into(), MOMENT).await {
                Ok(_) => Some(Ok(())),
                Err(error) if error.to_string().contains("is not running") => Some(Err(error)),
                // It was asked as it was killed.
                Err(_) => None,
            }
        });
        answered.await?.with_context(|| node.printed())?;
        // Its pauses begin anew.
        let anew = run(Some(&node), &["plugins", "reload", "worker"]).await?;
        ensure!(anew.status.success(), "{}", stderr(&anew));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_stuck_is_ended_and_its_event_goes_on() -> Result<()> {
    let stage = Stage::new()?;
    let node = stage.node("home", "    worker: { exec: [WORKER], deadline: 300ms }\n")?.start().await?;
    let mut events = node.client().subscribe(["did/*"], Terms::default()).await?;
    node.client().publish("work/a", &"stall".into()).await?;
    let done = did(&mut events).await?;
    ensure!(done["attempt"].as_u64().is_some_and(|attempt| attempt >= 2), "{done}");
    let worker = is(&node, "worker", "running", |plugin| plugin.generation == 2).await?;
    ensure!(worker.work.cut_deadline >= 1, "{worker:?}");
    Ok(())
}

/// What a process asks ends with the event that it asks for: more time for the call would not help.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_its_event_ends_is_told_so() -> Result<()> {
    let stage = Stage::new()?;
    let each = "    worker: { exec: [WORKER, --window, 2], deadline: 1s }\n";
    let node = stage.node("home", each)?.start().await?;
    let _silent = node.client().subscribe(["other/silent"], Terms::answering()).await?;
    let asked = node.client().call("ask/through", &"other/silent x".into(), CALL_TIMEOUT).await;
    ensure!(asked.is_err(), "{asked:?}");
    says(&node, "worker", "a call ends with the time for the event that it is made for").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_of_a_process_are_those_of_any_plugin() -> Result<()> {
    let stage = Stage::new()?;
    let mended = stage.path("mended");
    let each = format!(
        "    worker: {{ exec: [WORKER, --mended, {mended}], breaker: off }}\n    \
         other: {{ exec: [WORKER, --other, --window, 4] }}\n"
    );
    let node = stage.node("home", &each)?.start().await?;
    let client = node.client();
    let mut events = client.subscribe(["did/*", "$dead/*"], Terms::default()).await?;
    client.publish("work/a", &"retry".into()).await?;
    ensure!(did(&mut events).await?["attempt"] == 2);
    // A dead letter is kept, and handled again.
    client.publish("work/a", &"broken".into()).await?;
    let letter = next(&mut events, "a dead letter").await?;
    ensure!(letter.channel == "$dead/worker", "{letter:?}");
    let letters = client.dead_letters("worker", None).await?.letters;
    let first = letters.first().context("a letter")?;
    ensure!(first.reason.contains("it is broken") && first.last_words.is_empty(), "{first:?}");
    std::fs::write(&mended, "")?;
    let replay = client.replay("worker", None, MOMENT).await?;
    ensure!(replay.letters.iter().all(|letter| letter.outcome == ReplayOutcome::Handled), "{replay:?}");
    ensure!(did(&mut events).await?["what"] == "broken");
    // It publishes only where it said it would.
    client.publish("work/a", &"elsewhere".into()).await?;
    ensure!(did(&mut events).await?["what"] == "elsewhere");
    says(&node, "worker", "plugins: {each: {worker: {publishes: [\"elsewhere/x\"]}}}").await?;
    says(&node, "worker", "its code does not declare that").await?;
    says(&node, "worker", "a message of its process is refused: the plugin may not publish to `elsewhere/x`")
        .await?;
    // It answers, refuses, and asks others; not itself, as it takes one at a time.
    let ask = async |channel: &str, payload: &str| client.call(channel, &payload.into(), CALL_TIMEOUT).await;
    ensure!(ask("ask/plain", "hello").await?.text() == Some("hello from worker"));
    let refused = ask("ask/refuse", "x").await.err().context("a refusal")?;
    ensure!(refused.to_string().contains("it does not like that"), "{refused}");
    let through = ask("ask/through", "other/x hello").await?;
    ensure!(through.text() == Some("hello from other"), "{through:?}");
    let itself = ask("ask/through", "ask/plain hello").await?;
    ensure!(itself.text() == Some("deadlock"), "{itself:?}");
    let counted =
        |plugin: &PluginStatus| (plugin.work.answered, plugin.work.retried, plugin.work.dead) == (3, 1, 1);
    is(&node, "worker", "counted", counted).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_served_before_the_workers_are_ready() -> Result<()> {
    let stage = Stage::new()?;
    let go = stage.path("go");
    let each = format!("    worker: {{ exec: [WORKER, --wait-for, {go}] }}\n");
    let mut node = stage.node("home", &each)?.spawn()?;
    node.says("joined with {}").await?;
    let early = tokio::time::timeout(std::time::Duration::from_millis(300), node.client().status()).await;
    ensure!(early.is_err(), "it answers before its plugins are there: {early:?}");
    std::fs::write(&go, "")?;
    node.answers().await?;
    let worker = plugin(&node, "worker").await.context("a plugin")?;
    ensure!(worker.state == PluginState::Running && worker.generation == 1, "{worker:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_before_a_process_is_ready_waits_for_it() -> Result<()> {
    let (stage, folder) = (Stage::new()?, tempfile::tempdir()?);
    place(folder.path(), "component.wasm", &Sketch::new().on("x/y").build())?;
    let node = node("home").plugins(folder.path()).start().await?;
    let mut guest = stage.guest(&node, &["--name", "guest", "--ask"])?;
    guest.says("joined").await?;
    let mut events = node.client().subscribe(["did/*"], Terms::default()).await?;
    for n in 0..5 {
        node.client().publish("work/a", &n.to_string().as_str().into()).await?;
    }
    let waiting = is(&node, "guest", "waiting", |plugin| plugin.work.queued == 5).await?;
    ensure!(waiting.state == PluginState::Loading && waiting.work.handled == 0, "{waiting:?}");
    guest.tell("go")?;
    for n in 0..5 {
        let done = did(&mut events).await?;
        ensure!(done["what"].as_str() == Some(n.to_string().as_str()) && done["attempt"] == 1, "{done}");
    }
    // One name is one plugin.
    for (name, why) in [("guest", "one name is one process"), ("component", "is the component")] {
        let mut other = stage.guest(&node, &["--name", name])?;
        ensure!(!other.ends().await?.success() && other.stderr().contains(why), "{}", other.printed());
    }
    // What comes while it is away waits for it, too.
    guest.kill().await?;
    is(&node, "guest", "away", |plugin| plugin.state == PluginState::Failed).await?;
    node.client().publish("work/a", &"late".into()).await?;
    let mut guest = stage.guest(&node, &["--name", "guest"])?;
    ensure!(did(&mut events).await?["what"] == "late");
    // A file of that name is no second plugin.
    place(folder.path(), "guest.wasm", &Sketch::new().on("x/y").build())?;
    let reload = run(Some(&node), &["plugins", "reload"]).await?;
    ensure!(reload.status.success() && !stdout(&reload).contains("guest"), "{reload:?}");
    let alone = run(Some(&node), &["plugins", "reload", "guest"]).await?;
    ensure!(stderr(&alone).contains("it came by itself"), "{alone:?}");
    ensure!(node.stderr().contains("the plugin `guest` is a process"), "{}", node.printed());
    let disabled = run(Some(&node), &["plugins", "disable", "guest"]).await?;
    ensure!(disabled.status.success(), "{disabled:?}");
    guest.says("let go").await?;
    ensure!(guest.ends().await?.success(), "{}", guest.printed());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_replaced_switched_off_and_on_and_nothing_is_lost() -> Result<()> {
    let stage = Stage::new()?;
    let node = stage.node("home", "    worker: { exec: [WORKER] }\n")?.start().await?;
    let client = node.client();
    let mut events = client.subscribe(["did/*"], Terms::default()).await?;
    let publish = async {
        for n in 0..200 {
            client.publish("work/a", &n.to_string().as_str().into()).await?;
        }
        anyhow::Ok(())
    };
    let (published, reloaded) = tokio::join!(publish, run(Some(&node), &["plugins", "reload", "worker"]));
    published?;
    ensure!(stdout(&reloaded?) == "worker generation 2\n");
    let mut pids = std::collections::BTreeSet::new();
    for n in 0..200 {
        let done = did(&mut events).await?;
        ensure!(done["what"].as_str() == Some(n.to_string().as_str()) && done["attempt"] == 1, "{n}: {done}");
        pids.insert(done["pid"].as_i64());
    }
    is_gone(number(&says(&node, "worker", "at it: 0, pid ").await?)?).await?;
    for (verb, said) in [("disable", "worker disabled\n"), ("enable", "worker generation 3\n")] {
        let output = run(Some(&node), &["plugins", verb, "worker"]).await?;
        ensure!(stdout(&output) == said, "{output:?}");
    }
    client.publish("work/a", &"on".into()).await?;
    let done = did(&mut events).await?;
    ensure!(done["what"] == "on" && !pids.contains(&done["pid"].as_i64()), "{done}");
    for (verb, why) in [("rollback", "no version before"), ("approve", "nothing of it waits")] {
        let output = run(Some(&node), &["plugins", verb, "worker"]).await?;
        ensure!(output.status.code() == Some(1) && stderr(&output).contains(why), "{output:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_ends_leaves_no_process_behind() -> Result<()> {
    let stage = Stage::new()?;
    let each = "    worker: { exec: [WORKER, --child] }\n";
    let mut home = stage.node("home", each)?.start().await?;
    let child = says(&home, "worker", "child ").await?;
    let (child, pid) = (number(&child)?, number(child.split("pid ").nth(1).unwrap_or_default())?);
    home.client().publish("work/a", &"last".into()).await?;
    ensure!(home.stop().await?.success(), "{}", home.printed());
    is_gone(pid).await?;
    is_gone(child).await?;
    // Killed, it has no time for that: the system does it.
    let mut home = stage.node("home", each)?.start().await?;
    let pid = number(says(&home, "worker", "child ").await?.split("pid ").nth(1).unwrap_or_default())?;
    home.crash().await?;
    is_gone(pid).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_asked_to_leave_while_it_starts_ends_well() -> Result<()> {
    let stage = Stage::new()?;
    let each =
        "    slow: { exec: { command: [sh, -c, \"echo begun; exec sleep 1000\"], ready-within: 10m } }\n";
    let mut home = stage.node("home", each)?.spawn()?;
    home.says("begun").await?;
    ensure!(home.stop().await?.success(), "{}", home.printed());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_plugin_is_said_and_in_nobodys_way() -> Result<()> {
    let stage = Stage::new()?;
    let each = "    missing: { exec: [no-such-program] }\n    \
                ends: { exec: [sh, -c, \"echo oh no >&2; exit 7\"] }\n    \
                garbage: { exec: [WORKER, --garbage] }\n    \
                silent: { exec: { command: [sleep, 1000], ready-within: 300ms } }\n    \
                worker: { exec: [WORKER] }\n";
    let node = stage.node("home", each)?.start().await?;
    for (name, why) in [
        ("missing", "the program `no-such-program` cannot be started"),
        ("ends", "before it was ready it ended with exit code 7; it said last: oh no"),
        ("garbage", "at line 1 column 1: `ready?`"),
        ("silent", "did not connect to $HIVE_NODE and say `join` within 300ms"),
    ] {
        let about = |plugin: &PluginStatus| plugin.problem.as_ref().is_some_and(|said| said.contains(why));
        is(&node, name, why, about).await?;
        is(&node, name, "started again", |plugin| plugin.work.restarts >= 1).await?;
    }
    let mut events = node.client().subscribe(["did/*"], Terms::default()).await?;
    node.client().publish("work/a", &"well".into()).await?;
    ensure!(did(&mut events).await?["what"] == "well");
    let list = run(Some(&node), &["plugins"]).await?;
    ensure!(stderr(&list).contains("missing: the program"), "{list:?}");
    // Its name is not free for others, whatever becomes of it.
    let mut other = stage.guest(&node, &["--name", "worker"])?;
    ensure!(!other.ends().await?.success() && other.stderr().contains("$HIVE_TOKEN"), "{}", other.printed());
    Ok(())
}
