//! Verbs that go on for a while, beside a node: `subscribe` with its ends and its commands, and `dev`.

use std::{
    ffi::OsStr,
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::Path,
    process::{ExitStatus, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use hive_node::plugin::sketch::Sketch;
use hive_tests::{
    guests::place,
    nodes::{Node, Setup, clean},
    programs::Program,
    wait::{MOMENT, until, within},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
};

use crate::{PROGRAM, node, run, stderr, stdout, write};

/// A verb that runs beside the test; killed when dropped.
struct Beside {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Lines<BufReader<ChildStderr>>,
    _home: tempfile::TempDir,
}

/// Starts `subscribe` and waits until it is subscribed.
async fn subscribe(node: &Node, args: &[&str]) -> Result<Beside> {
    let home = tempfile::tempdir()?;
    let mut command = std::process::Command::new(PROGRAM);
    command.arg("subscribe").args(args).env("HIVE_NODE", node.data_dir());
    clean(&mut command, home.path());
    command.env("HIVE_NODE", node.data_dir());
    let mut command = Command::from(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let stdout = BufReader::new(child.stdout.take().context("stdout")?).lines();
    let mut stderr = BufReader::new(child.stderr.take().context("stderr")?).lines();
    let said = within("`subscribe` to be subscribed", MOMENT, stderr.next_line()).await??;
    ensure!(said.as_deref().is_some_and(|line| line.starts_with("subscribed to ")), "{said:?}");
    Ok(Beside { child, stdout, stderr, _home: home })
}

impl Beside {
    async fn line(&mut self) -> Result<String> {
        within("a line", MOMENT, self.stdout.next_line()).await??.context("it ended instead")
    }

    /// Waits for its end. Returns what else it printed, to stdout and to stderr.
    async fn end(mut self) -> Result<(ExitStatus, String, String)> {
        let status = within("`subscribe` to end", MOMENT, self.child.wait()).await??;
        let (mut out, mut err) = (String::new(), String::new());
        self.stdout.into_inner().read_to_string(&mut out).await?;
        self.stderr.into_inner().read_to_string(&mut err).await?;
        Ok((status, out, err))
    }
}

async fn publish(node: &Node, channel: &str, data: &str) -> Result<()> {
    let output = run(Some(node), &["publish", channel, data]).await?;
    ensure!(output.status.success() && stdout(&output).is_empty(), "{}", stderr(&output));
    Ok(())
}

/// A line an event, and an end when it was told to end.
#[tokio::test(flavor = "multi_thread")]
async fn events_are_lines() -> Result<()> {
    let node = node("lines").start().await?;
    let mut plain = subscribe(&node, &["a/**", "bee", "--count", "3"]).await?;
    let json = subscribe(&node, &["a/b", "--count", "1", "--json"]).await?;
    publish(&node, "a/b", "{\n  \"id\": 7\n}").await?;
    publish(&node, "bee", "two\nlines").await?;
    publish(&node, "a/b/c", "").await?;
    ensure!(plain.line().await? == r#"a/b {"id": 7}"#);
    ensure!(plain.line().await? == r"bee two\nlines");
    let (status, out, err) = plain.end().await?;
    ensure!(status.success() && out == "a/b/c \n" && err.is_empty(), "{status}: {out}{err}");

    let (status, out, _) = json.end().await?;
    let event: hive_client::Event = serde_json::from_str(&out)?;
    ensure!(status.success() && event.message.content_type.as_deref() == Some("application/json"), "{out}");

    // Nothing else comes: with a count that is a no, without one it was only a look.
    let short = subscribe(&node, &["a/b", "--count", "1", "--timeout", "50ms"]).await?;
    let (status, _, err) = short.end().await?;
    ensure!(status.code() == Some(1) && err.contains("1 event did not come in time"), "{status}: {err}");
    let look = subscribe(&node, &["a/b", "--timeout", "50ms"]).await?;
    ensure!(look.end().await?.0.success());
    Ok(())
}

/// Under a dead letter stands where it was, why it died, and what `replay` calls it.
#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_tell_their_story() -> Result<()> {
    let (folder, config) = (tempfile::tempdir()?, "version: 1\nplugins: { defaults: { attempts: 1 } }\n");
    place(folder.path(), "bad.wasm", &Sketch::new().on("bad/*").handle("unreachable").build())?;
    let config = write(folder.path(), "hive.yaml", config)?;
    let node = node("dead").plugins(folder.path()).arg("--config").arg(config).start().await?;
    node.runs_plugin("bad", 1).await?;
    let mut letters = subscribe(&node, &["$dead/**", "--count", "1"]).await?;
    publish(&node, "bad/luck", r#"{"id": 7}"#).await?;
    ensure!(letters.line().await? == r#"$dead/bad {"id": 7}"#);
    let story = letters.line().await?;
    ensure!(story.starts_with("  bad/luck: failed once: the handler trapped"), "{story}");
    ensure!(story.contains(" (1 attempt, letter 1, event ") && story.ends_with(')'), "{story}");
    let (status, out, _) = letters.end().await?;
    ensure!(status.success() && out.is_empty(), "{status}: {out}");
    Ok(())
}

/// `… | head -1` ends without a word.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_is_no_error() -> Result<()> {
    let node = node("pipe").start().await?;
    let mut piped = subscribe(&node, &["a/b"]).await?;
    publish(&node, "a/b", "1").await?;
    ensure!(piped.line().await? == "a/b 1");
    let Beside { mut child, stdout, mut stderr, _home } = piped;
    drop(stdout);
    let ended = until("`subscribe` to see that nobody reads", MOMENT, async || {
        publish(&node, "a/b", "2").await.ok()?;
        child.try_wait().ok().flatten()
    });
    let status = ended.await?;
    ensure!(status.success(), "{status}");
    ensure!(stderr.next_line().await?.is_none(), "it said something");
    Ok(())
}

/// A command of the shell answers calls, fails them, and handles events.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_a_handler() -> Result<()> {
    let node = node("exec").start().await?;
    let command = r#"case "$HIVE_CHANNEL" in
        shell/upper) tr a-z A-Z ;;
        shell/fail) exit 3 ;;
        shell/slow) sleep 60 ;;
        *) cat; echo " of $HIVE_CHANNEL" ;;
    esac"#;
    let mut handler = subscribe(&node, &["shell/*", "--exec", command]).await?;
    let answer = run(Some(&node), &["call", "shell/upper", "hello"]).await?;
    ensure!(answer.status.success() && stdout(&answer) == "HELLO\n", "{}", stderr(&answer));
    let failed = run(Some(&node), &["call", "shell/fail", "x"]).await?;
    ensure!(failed.status.code() == Some(1) && stdout(&failed).is_empty());
    ensure!(stderr(&failed).contains("ended with exit status: 3"), "{}", stderr(&failed));
    let slow = run(Some(&node), &["call", "shell/slow", "x", "--timeout", "300ms"]).await?;
    ensure!(slow.status.code() == Some(1), "{}", stderr(&slow));
    publish(&node, "shell/event", "something").await?;
    ensure!(handler.line().await? == "something of shell/event", "the slow one holds nothing up");
    Ok(())
}

/// The node says goodbye to who listens; a script sees that there is none any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_leaves_ends_its_subscribers() -> Result<()> {
    let mut node = node("leaves").start().await?;
    let listening = subscribe(&node, &["a/b"]).await?;
    ensure!(node.stop().await?.success());
    let (status, _, err) = listening.end().await?;
    ensure!(status.code() == Some(3) && err.contains("the node has left"), "{status}: {err}");
    Ok(())
}

/// `dev` builds, says what to try, builds again what is saved, and shows an error as the compiler wrote it.
#[tokio::test(flavor = "multi_thread")]
async fn dev_runs_what_is_saved() -> Result<()> {
    let project = tempfile::tempdir()?;
    let source = project.path().join("src/lib.rs");
    write_project(project.path())?;
    fs::write(&source, handler("nothing"))?;

    let data = tempfile::tempdir()?;
    let setup = Setup::new(PROGRAM, "dev").verb("dev").arg(project.path()).data_dir(data.path().join("dev"));
    let setup = setup.env("XDG_RUNTIME_DIR", data.path());
    // Somebody else's, in a data directory that was there before.
    fs::create_dir_all(data.path().join("dev/plugins"))?;
    fs::write(data.path().join("dev/plugins/theirs.wasm"), "theirs")?;
    // Kept from run to run, so that only the first one builds the SDK.
    let setup = setup.env("CARGO_TARGET_DIR", repository()?.join("target/tried"));
    let mut node = setup.spawn()?;
    until("what does not build to be said", MOMENT * 6, async || {
        node.stderr().contains("waiting until something is saved").then_some(())
    })
    .await
    .with_context(|| node.printed())?;
    is_said_to_come(&node, data.path()).await?;
    fs::write(&source, handler("\"one\".to_owned()"))?;
    until("the first build to be live", MOMENT * 6, async || {
        node.client()
            .status()
            .await
            .ok()
            .filter(|status| status.plugins.iter().any(|plugin| plugin.generation == 1))
    })
    .await
    .with_context(|| node.printed())?;
    node.says(&format!("{PROGRAM} call tried/out")).await?;
    ensure!(answer(&node).await? == "\"one\"\n");

    fs::write(&source, handler("7"))?;
    node.says("error[E0308]: mismatched types").await?;
    node.says("what ran before goes on").await?;
    ensure!(answer(&node).await? == "\"one\"\n");

    fs::write(&source, handler("\"two\".to_owned()"))?;
    until("the second build to be live", MOMENT * 3, async || {
        answer(&node).await.ok().filter(|answer| answer == "\"two\"\n")
    })
    .await
    .with_context(|| node.printed())?;

    // Another one there is refused before it builds anything over what runs.
    let placed = node.data_dir().join("dev/tried.wasm");
    let other = tempfile::tempdir()?;
    fs::create_dir(other.path().join("src"))?;
    fs::write(other.path().join("src/lib.rs"), handler("\"other\".to_owned()"))?;
    let manifest = fs::read_to_string(project.path().join("Cargo.toml"))?;
    fs::write(other.path().join("Cargo.toml"), manifest.replace("\"tried\"", "\"other\""))?;
    fs::copy(project.path().join("Cargo.lock"), other.path().join("Cargo.lock"))?;
    let refused = Command::new(PROGRAM)
        .arg("dev")
        .args([other.path().as_os_str(), OsStr::new("--data-dir"), node.data_dir().as_os_str()])
        .env("CARGO_TARGET_DIR", repository()?.join("target/tried"))
        .output()
        .await?;
    let said = stderr(&refused);
    ensure!(refused.status.code() == Some(2) && said.contains("another node"), "{refused:?}");
    ensure!(said.contains("hint: ") && !said.contains("built"), "{said}");
    ensure!(placed.exists() && answer(&node).await? == "\"two\"\n");
    ensure!(node.data_dir().join("plugins/theirs.wasm").is_file(), "what is not dev's is gone");
    ensure!(node.stop().await?.success());
    Ok(())
}

/// Of several projects each runs as soon as it is built, whatever becomes of the others.
#[tokio::test(flavor = "multi_thread")]
async fn dev_runs_what_is_built_beside_what_is_not() -> Result<()> {
    let projects = tempfile::tempdir()?;
    let (good, bad) = (projects.path().join("good"), projects.path().join("bad"));
    let said = r#"{ hive::warn!("a stack\n  of two\u{1b}[31m"); "one".to_owned() }"#;
    for (folder, name, answer) in [(&good, "served", said), (&bad, "mended", "nothing")] {
        fs::create_dir(folder)?;
        write_project(folder)?;
        let manifest = fs::read_to_string(folder.join("Cargo.toml"))?;
        fs::write(folder.join("Cargo.toml"), manifest.replace("\"tried\"", &format!("\"{name}\"")))?;
        fs::write(folder.join("src/lib.rs"), handler(answer).replace("tried/out", &format!("{name}/out")))?;
    }
    let setup = node("dev").verb("dev").arg(projects.path());
    let setup = setup.env("CARGO_TARGET_DIR", repository()?.join("target/tried"));
    let mut node = setup.start_within(MOMENT * 6).await?;
    node.runs_plugin("served", 1).await?;
    node.says("what is built runs; the rest is built again when something is saved").await?;
    node.says(&format!("{PROGRAM} call served/out")).await?;
    let answer = run(Some(&node), &["call", "served/out"]).await?;
    ensure!(stdout(&answer) == "\"one\"\n", "{answer:?}");
    // What has several lines is shown as these, and steers no terminal.
    node.says("a stack\n      of two\u{fffd}[31m").await?;
    fs::write(bad.join("src/lib.rs"), handler("\"two\".to_owned()").replace("tried/out", "mended/out"))?;
    until("what was mended to be live", MOMENT * 3, async || {
        let answer = run(Some(&node), &["call", "mended/out"]).await.ok()?;
        (stdout(&answer) == "\"two\"\n").then_some(())
    })
    .await
    .with_context(|| node.printed())?;
    node.stop().await?;
    Ok(())
}

/// Two projects in two terminals: each has its data in its folder, and is asked by whoever is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_dev_runs_beside_the_first_and_is_asked_in_its_project() -> Result<()> {
    let home = tempfile::tempdir()?;
    let command = |folder: &Path, args: &[&str]| {
        let mut command = std::process::Command::new(PROGRAM);
        clean(&mut command, home.path());
        command.args(args).current_dir(folder);
        command
    };
    let each = "version: 1\nplugins: { each: { idle: { exec: [sleep, 1000] } } }\n";
    let mut devs = Vec::new();
    let mut args = vec!["dev".to_owned()];
    for name in ["one", "two"] {
        let folder = home.path().join(name);
        fs::create_dir_all(folder.join("deep"))?;
        write(&folder, "hive.yaml", each)?;
        let args_now = args.iter().map(String::as_str).collect::<Vec<_>>();
        let mut dev = Program::start(name, command(&folder, &args_now))?;
        dev.says(&format!(": node {name}")).await?;
        // The second is told of the first.
        let said = dev.stderr();
        let links =
            said.lines().find_map(|line| line.trim().strip_prefix("links")?.trim().strip_prefix("UDP "));
        args.extend([
            "--peer".to_owned(),
            links.with_context(|| said.clone())?.split(", ").next().unwrap_or_default().to_owned(),
        ]);
        devs.push((folder, dev));
    }
    let [(one, first), (two, second)] = &mut devs[..] else { anyhow::bail!("two") };
    ensure!(fs::read_to_string(two.join(".hive/data/.gitignore"))? == "*\n");
    // A second one for the same folder is a mistake.
    let again = command(one, &["dev"]).output()?;
    ensure!(!again.status.success() && stderr(&again).contains("another node (process "), "{again:?}");
    let asked = |folder: &Path| -> Result<String> {
        let output = command(folder, &["call", "nobody/there"]).output()?;
        let said = stderr(&output);
        let name =
            said.split_once("asked was the node ").map(|(_, rest)| rest.split(' ').next().map(String::from));
        name.flatten().with_context(|| said.clone())
    };
    for (folder, want) in
        [(&*one, "one"), (&*two, "two"), (&two.join("deep"), "two"), (&home.path().to_path_buf(), "one")]
    {
        ensure!(asked(folder)? == want, "{}", folder.display());
    }
    until("the two to mesh", MOMENT, async || {
        let peers = command(two, &["peers"]).output().ok()?;
        stdout(&peers).lines().any(|line| line.starts_with("one ")).then_some(())
    })
    .await
    .with_context(|| second.printed())?;
    let named = command(home.path(), &["status", "--node", "two"]).output()?;
    let (named, socket) = (stdout(&named), two.join(".hive/data/node.sock").canonicalize()?);
    let api = named.lines().find_map(|line| line.strip_prefix("api ")).map(str::trim);
    ensure!(named.contains("two") && api == socket.to_str(), "{named}");
    // Where its node has gone, the other one is asked.
    ensure!(second.stop().await?.success(), "{}", second.printed());
    let output = command(two, &["plugins"]).output()?;
    ensure!(output.status.success(), "{output:?}");
    ensure!(first.stop().await?.success(), "{}", first.printed());
    Ok(())
}

/// Who asks for a node by the time its handlers are built is told that it is on its way, whether he names it or not.
async fn is_said_to_come(node: &Node, data: &Path) -> Result<()> {
    let named = run(Some(node), &["call", "tried/out"]).await?;
    let mut usual = std::process::Command::new(PROGRAM);
    clean(&mut usual, data);
    let usual = usual.args(["call", "tried/out"]).env("HIVE_DATA_DIR", data).output()?;
    for asked in [named, usual] {
        let said = stderr(&asked);
        ensure!(asked.status.code() == Some(3) && said.contains("builds its handlers first"), "{said}");
        ensure!(!said.contains(" run`"), "{said}");
    }
    Ok(())
}

/// Who asks for a node that is still starting is told so, by its name and where none is named.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_is_said_to_come() -> Result<()> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("data");
    fs::DirBuilder::new().mode(0o700).create(&data)?;
    // It waits for what is in there before it starts anything.
    let gate = data.join("incarnation");
    ensure!(std::process::Command::new("mkfifo").arg(&gate).status()?.success());
    // A folder that is called as the node is, too, is none.
    fs::create_dir(home.path().join("two"))?;
    let setup = node("two").env("XDG_RUNTIME_DIR", home.path()).data_dir(&data);
    let mut starting = setup.spawn()?;
    let status = |at: &Path, args: &[&str]| -> Result<std::process::Output> {
        let mut command = std::process::Command::new(PROGRAM);
        clean(&mut command, home.path());
        Ok(command.current_dir(at).arg("status").args(args).output()?)
    };
    let elsewhere = tempfile::tempdir()?;
    let coming = format!("process {} is starting one", starting.process());
    for (at, args) in [
        (elsewhere.path(), &[][..]),
        (elsewhere.path(), &["--node", "two"]),
        (home.path(), &["--node", "two"]),
    ] {
        until("the node to be said to come", MOMENT, async || {
            let asked = status(at, args).ok()?;
            (asked.status.code() == Some(3) && stderr(&asked).contains(&coming)).then_some(())
        })
        .await
        .with_context(|| format!("{args:?} in {}: {:?}", at.display(), status(at, args)))?;
    }
    fs::write(&gate, "1\n")?;
    starting.answers().await?;
    ensure!(status(elsewhere.path(), &["--node", "two"])?.status.success());
    ensure!(starting.stop().await?.success());
    Ok(())
}

/// Who asks in vain and has not said whom is told which node that was, where several run.
#[tokio::test(flavor = "multi_thread")]
async fn of_several_nodes_the_one_that_was_asked_is_named() -> Result<()> {
    let home = tempfile::tempdir()?;
    let here = |name| node(name).env("XDG_RUNTIME_DIR", home.path());
    let mut one = here("one").start().await?;
    let mut other = here("other").start().await?;
    let done = |verb: &[&str], args: &[&str]| -> Result<std::process::Output> {
        let mut command = std::process::Command::new(PROGRAM);
        clean(&mut command, home.path());
        Ok(command.args(verb).args(args).output()?)
    };
    let say = |verb: &str, args: &[&str]| anyhow::Ok(stderr(&done(&[verb, "nobody/here"], args)?));
    let (ask, published) = (|args: &[&str]| say("call", args), |args: &[&str]| say("publish", args));
    let said = ask(&[])?;
    let asked =
        format!("asked was the node one ({})", one.data_dir().join("node.sock").canonicalize()?.display());
    ensure!(
        said.contains(&asked) && said.contains("another one runs here (other): --node chooses"),
        "{said}"
    );
    // What is published for nobody may have been for the other.
    let said = published(&[])?;
    ensure!(said.contains("nobody is subscribed") && said.contains(&asked), "{said}");
    let said = published(&["--node", "other"])?;
    ensure!(said.contains("nobody is subscribed") && !said.contains("asked was"), "{said}");
    let said = ask(&["--node", "other"])?;
    ensure!(said.contains("nobody answers there") && !said.contains("asked was"), "{said}");
    // Another one of the same name has a number.
    let mut same = here("one").start().await?;
    let said = ask(&[])?;
    ensure!(said.contains("2 others run here (one-2, other): --node chooses"), "{said}");
    same.says("ask this one with --node one-2").await?;
    let status = stdout(&done(&["status"], &["--node", "one-2"])?);
    ensure!(status.contains(&same.data_dir().display().to_string()), "{status}");
    // A folder that is called as a node is hides it no more than one in which a node's data are.
    let from = |dir: &Path, args: &[&str]| -> Result<String> {
        let mut command = std::process::Command::new(PROGRAM);
        clean(&mut command, home.path());
        let output = command.current_dir(dir).arg("status").args(args).output()?;
        Ok(stdout(&output) + &stderr(&output))
    };
    fs::create_dir_all(home.path().join("one-2"))?;
    let status = from(home.path(), &["--node", "one-2"])?;
    ensure!(status.contains(&same.data_dir().display().to_string()), "{status}");
    let status = from(same.data_dir(), &[])?;
    ensure!(status.contains(&same.data_dir().display().to_string()), "{status}");
    ensure!(same.stop().await?.success() && other.stop().await?.success());
    let said = ask(&[])?;
    ensure!(said.contains("nobody answers there") && !said.contains("asked was"), "{said}");
    // One that was killed left its socket, and who runs is named.
    let mut left = here("left").start().await?;
    one.crash().await?;
    let said = ask(&[])?;
    ensure!(said.contains("no node answers at"), "{said}");
    ensure!(said.contains("hint: `left` runs here: `--node left` asks it; or start one with"), "{said}");
    ensure!(left.stop().await?.success() && ask(&[])?.contains("hint: start one with"));
    Ok(())
}

async fn answer(node: &Node) -> Result<String> {
    let output = run(Some(node), &["call", "tried/out"]).await?;
    ensure!(output.status.success(), "{}", stderr(&output));
    Ok(stdout(&output))
}

fn handler(answer: &str) -> String {
    format!("#[hive::plugin(\"tried/out\")]\nfn tried() -> String {{\n    {answer}\n}}\n")
}

fn repository() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the repository")
}

/// A crate as the samples are, outside of the repository.
fn write_project(folder: &Path) -> Result<()> {
    let repository = repository()?;
    let sdk = repository.join("guest-sdk/rust");
    let samples = fs::read_to_string(repository.join("samples/Cargo.toml"))?;
    let profile = samples.split_once("[profile.release]").map_or("", |(_, profile)| profile);
    let manifest = format!(
        "[package]\nname = \"tried\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n\
         [dependencies]\nhive-guest = {{ path = \"{}\" }}\n\n[profile.release]{profile}",
        sdk.display()
    );
    fs::create_dir(folder.join("src"))?;
    fs::write(folder.join("Cargo.toml"), manifest)?;
    // The same versions as the samples', so that nothing is fetched.
    fs::copy(repository.join("samples/Cargo.lock"), folder.join("Cargo.lock"))?;
    Ok(())
}

/// What to log: the flag says it before `-v`, that before the environment, and that before the file.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_logged_is_said_by_the_flag_before_the_environment_before_the_file() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let config = write(folder.path(), "hive.yaml", "version: 1\nlog: { level: info }\n")?;
    // A plugin that is loaded is said at the level `info`, and how at the level `debug`.
    place(folder.path(), "fine.wasm", &Sketch::new().on("fine/*").build())?;
    let check = async |args: &[&str], environment: &str, says: &str, not: &str| -> Result<()> {
        let node = node("logging").plugins(folder.path()).arg("--config").arg(&config).args(args);
        let mut node =
            if environment.is_empty() { node } else { node.env("RUST_LOG", environment) }.start().await?;
        node.runs_plugin("fine", 1).await?;
        node.stop().await?;
        let said = node.stderr();
        ensure!(says.is_empty() || said.contains(says), "{args:?} {environment}: {said}");
        ensure!(not.is_empty() || !said.contains(not), "{args:?} {environment}: {said}");
        Ok(())
    };
    check(&[], "", " INFO ", "DEBUG ").await?;
    check(&[], "error", "", " INFO ").await?;
    check(&["-v"], "error", "DEBUG ", "").await?;
    check(&["--log", "error", "-v"], "debug", "", " INFO ").await?;
    check(&["--log", "debug"], "error", "DEBUG ", "").await?;
    check(&["--log", "info", "-q"], "error", " INFO ", "DEBUG ").await
}
