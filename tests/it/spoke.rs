//! Bridges to pyspoke, against the real thing: its clients and commands at this node's listener, and its server.

mod server;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use hive_client::{Incoming, Message, Subscription, Terms, types::BridgeState};
use hive_tests::{
    hosts::{Host, Segment},
    nodes::{Node, Setup},
    programs::Program,
    python::{Venv, venv},
    wait::{MOMENT, until, within},
};

use crate::{kept, next, node, run, stderr, stdout, write};

/// A host without a network, and pyspoke on it: its programs listen everywhere.
struct Stage {
    segment: Segment,
    venv: Venv,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Result<Self> {
        let venv = venv(&["pyspoke==1.1.2"]);
        Ok(Self { segment: Segment::alone()?, venv, folder: tempfile::tempdir()? })
    }

    fn host(&self) -> &Host {
        &self.segment.hosts()[0]
    }

    /// A node to be with these bridges.
    fn node(&self, name: &str, bridges: &str) -> Result<Setup> {
        let text = format!("version: 1\nbridges:\n  spoke:\n{bridges}");
        let file = write(self.folder.path(), &format!("{name}.yaml"), &text)?;
        Ok(node(name).on(self.host()).arg("--config").arg(file).args(&[
            "--listen",
            "127.0.0.1:0",
            "--no-mdns",
            "--api",
            "off",
        ]))
    }

    /// A node that listens for spoke's clients.
    async fn listener(&self) -> Result<Node> {
        let node = self.node("listener", "    - listen: 127.0.0.1\n")?.start().await?;
        is(&node, "spoke", BridgeState::Up).await?;
        Ok(node)
    }

    fn command(&self, program: &Path, port: u16) -> Command {
        let mut command = self.host().command(program);
        command.env("SPOKEPORT", port.to_string()).env("SPOKEHOST", "127.0.0.1");
        command
    }

    /// One of pyspoke's commands.
    fn start(&self, program: &str, port: u16, args: &[&str]) -> Result<Program> {
        let mut command = self.command(&self.venv.program(program), port);
        command.args(args);
        Program::start(program, command)
    }

    /// The same to its end: what it printed, and whether it was content.
    async fn run(&self, program: &str, port: u16, args: &[&str]) -> Result<(String, bool)> {
        let mut program = self.start(program, port, args)?;
        let ended = program.ends().await?;
        Ok((program.stdout(), ended.success()))
    }

    /// A program in Python.
    fn python(&self, name: &str, port: u16, text: &str) -> Result<Program> {
        let mut command = self.command(&self.venv.program("python"), port);
        command.arg("-c").arg(text);
        Program::start(name, command)
    }

    /// `spoke-echo`, once it is subscribed.
    async fn echo(&self, node: &Node, args: &[&str]) -> Result<Program> {
        let mut control = node.client().subscribe(["spoke/-control/subscribe"], Terms::default()).await?;
        let echo = self.start("spoke-echo", 7181, args)?;
        let patterns = args.iter().filter(|arg| !arg.starts_with('-')).count().max(1);
        for _ in 0..patterns {
            next(&mut control, "a subscription of spoke-echo").await?;
        }
        Ok(echo)
    }
}

/// Waits until a bridge is in a state.
async fn is(node: &Node, name: &str, state: BridgeState) -> Result<()> {
    let what = format!("the bridge {name} to be {state:?}");
    until(&what, MOMENT, async || {
        let bridges = node.status().await.ok()?.bridges;
        bridges.iter().any(|bridge| bridge.name == name && bridge.state == state).then_some(())
    })
    .await
    .with_context(|| node.printed())
}

/// A provider in Python: adds numbers, and fails on what are none.
const PROVIDER: &str = "
import asyncio, spoke
async def add(msg):
    return sum(msg.body)
async def main():
    client = spoke.pubsub.client.Client()
    await client.run()
    await client.provide('math/add', add)
    print('ready')
    await spoke.wait()
asyncio.run(main())
";

#[tokio::test(flavor = "multi_thread")]
async fn real_commands_publish_and_echo_through_a_node() -> Result<()> {
    let stage = Stage::new()?;
    let node = stage.listener().await?;
    let mut all = node.client().subscribe(["spoke/**"], Terms::default()).await?;
    let mut echo = stage.echo(&node, &["foo/*", "//deep/**/end/", "-v"]).await?;
    for pattern in ["foo/*", "deep/**/end"] {
        let event = next(&mut all, "what echo subscribed to").await?;
        ensure!(event.channel == "spoke/-control/subscribe", "{event:?}");
        ensure!(event.message.text() == Some(&format!("\"{pattern}\"")), "{event:?}");
    }
    // From there to here and back.
    ensure!(stage.run("spoke-publish", 7181, &["foo/x", r#"{"n": 5}"#]).await?.1);
    echo.says("'channel': 'foo/x'").await?;
    echo.says("body={'n': 5})").await?;
    let event = next(&mut all, "what was published there").await?;
    ensure!(event.channel == "spoke/foo/x" && event.message.text() == Some(r#"{"n": 5}"#), "{event:?}");
    ensure!(event.message.content_type.as_deref() == Some("application/json"), "{event:?}");
    // From here to there, whatever it is.
    for (channel, data) in [("spoke/deep/a/b/end", "\"hello\""), ("spoke/deep/end", "plain text")] {
        ensure!(run(Some(&node), &["publish", channel, data]).await?.status.success());
    }
    echo.says("body='hello'").await?;
    echo.says("body='plain text'").await?;
    // What it did not ask for did not come, nor what comes from nowhere near.
    ensure!(run(Some(&node), &["publish", "spoke/other/x", "1"]).await?.status.success());
    ensure!(run(Some(&node), &["publish", "spoke/foo/last", "2"]).await?.status.success());
    echo.says("'channel': 'foo/last'").await?;
    ensure!(!echo.stdout().contains("other"), "{}", echo.printed());
    // What a head says beside what is known is passed on.
    let head = "import spoke; spoke.publish('foo/head', 1, mine=[1, 'two'], time=1.5)";
    stage.python("publisher", 7181, head)?.ends().await?;
    echo.says("'channel': 'foo/head'").await?;
    echo.says("'mine': [1, 'two']").await?;
    echo.says("'time': 1.5").await?;
    Ok(())
}

/// What spoke-echo prints it prints with a label and into a file, and a client that has enough of a channel says so.
#[tokio::test(flavor = "multi_thread")]
async fn echo_labels_and_writes_down_and_a_client_unsubscribes() -> Result<()> {
    let stage = Stage::new()?;
    let node = stage.listener().await?;
    ensure!(run(Some(&node), &["publish", "--retain", "spoke/room/1", "21.5"]).await?.status.success());
    let file = stage.folder.path().join("echo");
    let args = ["-f", "-l", "attic", "-o", &file.to_string_lossy(), "room/*"];
    let (printed, ended) = stage.run("spoke-echo", 7181, &args).await?;
    ensure!(ended && printed == "[attic] room/1: 21.5\n", "{printed}");
    ensure!(std::fs::read_to_string(&file)? == printed, "what is in the file");

    let mut control = node.client().subscribe(["spoke/-control/*"], Terms::default()).await?;
    let mut client = stage.python("unsubscribes", 7181, UNSUBSCRIBES)?;
    client.says("ready").await?;
    ensure!(run(Some(&node), &["publish", "spoke/a/1", "1"]).await?.status.success());
    client.says("a/1: 1").await?;
    client.says("enough").await?;
    let control = within("the word that it is enough", MOMENT, async {
        loop {
            let event = next(&mut control, "what the client says to its server").await?;
            if event.channel == "spoke/-control/unsubscribe" {
                return anyhow::Ok(event);
            }
        }
    });
    let said = control.await??;
    ensure!(said.message.text() == Some("\"a/*\""), "{said:?}");
    ensure!(run(Some(&node), &["publish", "spoke/a/2", "2"]).await?.status.success());
    ensure!(run(Some(&node), &["publish", "spoke/b/1", "3"]).await?.status.success());
    client.says("b/1: 3").await?;
    ensure!(!client.stdout().contains("a/2"), "{}", client.printed());
    Ok(())
}

/// A client in Python that has enough of a channel after one message.
const UNSUBSCRIBES: &str = "
import asyncio, spoke
async def main():
    client = spoke.pubsub.client.Client()
    await client.run()
    enough = asyncio.Event()
    async def once(msg):
        print(f'{msg.channel}: {msg.body}')
        enough.set()
    async def more(msg):
        print(f'{msg.channel}: {msg.body}')
    await client.subscribe('a/*', once)
    await client.subscribe('b/*', more)
    print('ready')
    await enough.wait()
    await client.unsubscribe('a/*')
    print('enough')
    await spoke.wait()
asyncio.run(main())
";

#[tokio::test(flavor = "multi_thread")]
async fn persistent_messages_are_kept_values() -> Result<()> {
    let stage = Stage::new()?;
    let node = stage.listener().await?;
    ensure!(stage.run("spoke-publish", 7181, &["-p", "room/1", "21.5"]).await?.1);
    let values = kept(&node, "spoke/room/*", 1).await?;
    ensure!(values[0].message.text() == Some("21.5"), "{values:?}");
    ensure!(stage.run("spoke-echo", 7181, &["-f", "room/*"]).await?.0 == "room/1: 21.5\n");
    ensure!(run(Some(&node), &["publish", "--retain", "spoke/room/2", "3"]).await?.status.success());
    let (printed, _) = stage.run("spoke-echo", 7181, &["-f", "-v", "room/2"]).await?;
    ensure!(printed.contains("'persist': True") && printed.contains("body=3"), "{printed}");
    // One that is older than what is kept is dropped, for everybody.
    let mut echo = stage.echo(&node, &["room/*"]).await?;
    echo.says("room/1: 21.5").await?;
    let old = "import spoke; spoke.publish('room/1', 'old', persist=True, time=5.0); spoke.publish('room/1', 'new', persist=True)";
    stage.python("publisher", 7181, old)?.ends().await?;
    echo.says("room/1: new").await?;
    ensure!(!echo.stdout().contains("old"), "{}", echo.printed());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_both_ways() -> Result<()> {
    let stage = Stage::new()?;
    let node = stage.listener().await?;
    let mut provider = stage.python("provider", 7181, PROVIDER)?;
    provider.says("ready").await?;
    let answered = until("the provider to answer", MOMENT, async || {
        let called = run(Some(&node), &["call", "spoke/math/add", "[1, 2, 3]"]).await.ok()?;
        called.status.success().then(|| stdout(&called))
    });
    ensure!(answered.await?.trim() == "6");
    let failed = run(Some(&node), &["call", "spoke/math/add", "[1, \"x\"]"]).await?;
    ensure!(
        failed.status.code() == Some(1) && stderr(&failed).contains("unsupported operand"),
        "{}",
        stderr(&failed)
    );
    // Among themselves, too: once, and no second answer.
    ensure!(stage.run("spoke-call", 7181, &["math/add", "[4, 5]"]).await? == ("9\n".to_owned(), true));
    // And what answers here answers there.
    let answering = node.client().subscribe(["spoke/shout"], Terms::answering()).await?;
    let shouting = tokio::spawn(shout(answering));
    ensure!(stage.run("spoke-call", 7181, &["shout", "\"hello\""]).await? == ("HELLO\n".to_owned(), true));
    let (printed, content) = stage.run("spoke-call", 7181, &["shout", "5"]).await?;
    ensure!(!content && printed.starts_with("Error: "), "{printed}");
    // Nobody answers: as with a spoke-server, that is the caller's time.
    let (printed, content) = stage.run("spoke-call", 7181, &["-t", "0.5", "nobody"]).await?;
    ensure!(!content && printed == "Timeout\n", "{printed}");
    shouting.abort();
    Ok(())
}

/// Answers with capitals, and refuses what is no text.
async fn shout(mut requests: Subscription) -> Result<()> {
    while let Some(Incoming::Event(event)) = requests.next().await? {
        let Some(request) = event.request else { continue };
        let text: Result<String, _> = serde_json::from_slice(&event.message.payload);
        let answer = match text {
            Ok(text) => Ok(Message::json(&text.to_uppercase())?),
            Err(_) => Err(hive_client::Failure::Rejected("only texts can be shouted".into())),
        };
        requests.answer(request, answer).await?;
    }
    Ok(())
}

/// A listener on the loopback, without real peers.
async fn bare() -> Result<(Node, String, tempfile::TempDir)> {
    let folder = tempfile::tempdir()?;
    let text = "version: 1\nbridges: { spoke: [{ listen: '127.0.0.1:0', max-size: 64KiB, queue: { events: 1000 } }] }\n";
    let file = write(folder.path(), "hive.yaml", text)?;
    let node = node("listener").arg("--config").arg(file).start().await?;
    is(&node, "spoke", BridgeState::Up).await?;
    let addr = node.status().await?.bridges.remove(0).with;
    Ok((node, addr, folder))
}

fn frame(channel: &str, body: &str) -> Vec<u8> {
    format!("{{\"head\": {{\"channel\": \"{channel}\", \"bounce\": false}}, \"body\": {body}}}\0")
        .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_does_not_read_harms_only_itself() -> Result<()> {
    let (node, addr, _folder) = bare().await?;
    let mut stalled = TcpStream::connect(&addr)?;
    stalled.write_all(&frame("-control/subscribe", "\"**\""))?;
    let mut healthy = TcpStream::connect(&addr)?;
    healthy.set_read_timeout(Some(MOMENT))?;
    healthy.write_all(&frame("-control/subscribe", "\"data\""))?;
    let mut publisher = TcpStream::connect(&addr)?;
    until("three clients", MOMENT, async || {
        let bridge = node.status().await.ok()?.bridges.into_iter().next()?;
        (bridge.clients == 3).then_some(())
    })
    .await?;
    // Twenty times what all buffers on the way to it hold.
    let (body, count) = (format!("\"{}\"", "x".repeat(10_000)), 4_000);
    let reading = tokio::task::spawn_blocking(move || -> Result<usize> {
        let (mut seen, mut buffer) = (0, vec![0; 1 << 16]);
        while seen < count {
            let read = healthy.read(&mut buffer)?;
            ensure!(read > 0, "it was closed after {seen}");
            seen += buffer[..read].iter().filter(|byte| **byte == 0).count();
        }
        Ok(seen)
    });
    let publishing = tokio::task::spawn_blocking(move || -> Result<TcpStream> {
        for _ in 0..count {
            publisher.write_all(&frame("data", &body))?;
        }
        Ok(publisher)
    });
    ensure!(within("all that was published", MOMENT * 2, reading).await??? == count);
    let _publisher = publishing.await??;
    // It is told what it missed when it reads again; until then the node's account of it says so.
    let status = node.status().await?;
    ensure!(status.consumers.iter().any(|consumer| consumer.dropped > 0), "{:?}", status.consumers);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_passed_over_and_what_is_too_large_is_a_dead_letter() -> Result<()> {
    let (node, addr, _folder) = bare().await?;
    let mut events = node.client().subscribe(["spoke/**", "$dead/spoke"], Terms::default()).await?;
    let mut client = TcpStream::connect(&addr)?;
    let huge = format!("\"{}\"", "x".repeat(70_000));
    let flood = vec![b'x'; 1 << 20];
    for bytes in [
        b"\0\xff\xfe\0{}\0[]\0{\"head\":5}\0{\"head\":{\"channel\":5}}\0".to_vec(),
        frame("-control/subscribe", "{\"no\": \"pattern\"}"),
        frame("-control/subscribe", "\"a*/b\""),
        frame("a b", "1"),
        frame("too/large", &huge),
        flood,
        b"\0".to_vec(),
        frame("good", "1"),
    ] {
        client.write_all(&bytes)?;
    }
    let mut letters = Vec::new();
    loop {
        let event = next(&mut events, "what came of it").await?;
        match event.channel.as_str() {
            "spoke/good" => break,
            "$dead/spoke" => letters.push(event.message.headers.clone()),
            _ => {}
        }
    }
    let names: Vec<_> = letters.iter().map(|headers| format!("{headers:?}")).collect();
    ensure!(names.len() == 2 && names[0].contains("a b") && names[1].contains("70002 bytes"), "{names:?}");
    let dropped = node.status().await?.bridges.remove(0).dropped;
    // Six frames that are none, one without a pattern, and one without an end for too long.
    let of = |reason: &str| dropped.get(reason).copied().unwrap_or_default();
    ensure!((of("garbage"), of("name"), of("too-large")) == (8, 2, 1), "{dropped:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_only_outward_takes_nothing_in() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let text = "version: 1\nbridges: { spoke: [{ listen: '127.0.0.1:0', proxy: true, export: ['spoke/public/**'] }] }\n";
    let file = write(folder.path(), "hive.yaml", text)?;
    let node = node("listener").arg("--config").arg(file).start().await?;
    is(&node, "spoke", BridgeState::Up).await?;
    let addr = node.status().await?.bridges.remove(0).with;
    let mut client = TcpStream::connect(&addr)?;
    client.set_read_timeout(Some(MOMENT))?;
    client.write_all(&frame("public/x", "\"from outside\""))?;
    client.write_all(&frame("-control/subscribe", "\"**\""))?;
    until("the subscription", MOMENT, async || {
        let consumers = node.status().await.ok()?.consumers;
        node.client().publish("spoke/private/x", &Message::from("1")).await.ok()?;
        let receipt = node.client().publish("spoke/public/x", &Message::from("2")).await.ok()?;
        (receipt.local > 0 && !consumers.is_empty()).then_some(())
    })
    .await?;
    let mut heard = vec![0; 4096];
    let read =
        tokio::task::spawn_blocking(move || client.read(&mut heard).map(|read| heard[..read].to_vec()))
            .await??;
    let heard = String::from_utf8_lossy(&read).into_owned();
    ensure!(heard.contains("public/x") && heard.contains("\"body\": 2"), "{heard}");
    ensure!(!heard.contains("private") && !heard.contains("outside"), "{heard}");
    // Nothing waits for somebody else than the client.
    until("everything to be taken", MOMENT, async || {
        let consumers = node.status().await.ok()?.consumers;
        consumers.iter().all(|consumer| consumer.queued == 0).then_some(())
    })
    .await?;
    // The message, and the subscription that others might have heard of.
    ensure!(node.status().await?.bridges.remove(0).dropped.get("proxy") == Some(&2));
    Ok(())
}

/// So long nothing may come any more.
const QUIET: Duration = Duration::from_secs(1);
