//! A real spoke-server on the other side, and real bridges beside this node's own.

use std::time::Instant;

use super::*;

/// A bridge to a real server on another port.
const CONNECT: &str = "    - { name: out, connect: '127.0.0.1:7200', import: ['**'], export: ['spoke/**', 'alerts/**'], calls: ['spoke/**'] }\n";

impl Stage {
    /// A real spoke-server, once it answers.
    async fn server(&self, port: u16) -> Result<Program> {
        let server = self.start("spoke-server", port, &["-r"])?;
        ensure!(self.run("spoke-publish", port, &["-t", "15", "hello"]).await?.1, "{}", server.printed());
        Ok(server)
    }

    /// `spoke-echo` at a real server, once it hears what is published there.
    async fn echo_at(&self, port: u16, args: &[&str]) -> Result<Program> {
        let mut echo = self.start("spoke-echo", port, args)?;
        until("spoke-echo to be subscribed", MOMENT, async || {
            self.run("spoke-publish", port, &["-t", "5", "are-you-there"]).await.ok()?;
            echo.stdout().contains("are-you-there").then_some(())
        })
        .await?;
        echo.says("are-you-there").await?;
        Ok(echo)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_a_client_of_a_real_server() -> Result<()> {
    let stage = Stage::new()?;
    // Away at the start: the node runs, and says so.
    let node = stage.node("node", CONNECT)?.start().await?;
    is(&node, "out", BridgeState::Waiting).await?;
    let mut server = stage.server(7200).await?;
    is(&node, "out", BridgeState::Up).await?;
    let mut events = node.client().subscribe(["spoke/**"], Terms::default()).await?;
    let mut echo = stage.echo_at(7200, &["foo/*", "alerts/**", "are-you-there"]).await?;
    ensure!(stage.run("spoke-publish", 7200, &["foo/x", "[1]"]).await?.1);
    loop {
        let event = next(&mut events, "what was published there").await?;
        if event.channel == "spoke/foo/x" {
            ensure!(event.message.text() == Some("[1]"), "{event:?}");
            break;
        }
    }
    echo.says("foo/x: [1]").await?;
    ensure!(run(Some(&node), &["publish", "alerts/fire", "\"kitchen\""]).await?.status.success());
    ensure!(run(Some(&node), &["publish", "spoke/foo/y", "2"]).await?.status.success());
    echo.says("alerts/fire: kitchen").await?;
    echo.says("foo/y: 2").await?;
    // Calls both ways.
    let mut provider = stage.python("provider", 7200, PROVIDER)?;
    provider.says("ready").await?;
    let called = run(Some(&node), &["call", "spoke/math/add", "[20, 22]"]).await?;
    ensure!(stdout(&called).trim() == "42", "{}", stderr(&called));
    let answering = node.client().subscribe(["spoke/shout"], Terms::answering()).await?;
    let shouting = tokio::spawn(shout(answering));
    // Always, though the bridge answers on that channel as well: it must not carry the call back.
    for _ in 0..8 {
        let called = stage.run("spoke-call", 7200, &["-t", "15", "shout", "\"hello\""]).await?;
        ensure!(called == ("HELLO\n".to_owned(), true), "{called:?}\n{}", node.printed());
    }
    // What is kept here is kept there, also by a server that lost it.
    ensure!(run(Some(&node), &["publish", "--retain", "spoke/room/1", "21"]).await?.status.success());
    for program in [&mut provider, &mut echo, &mut server] {
        program.kill().await?;
    }
    is(&node, "out", BridgeState::Waiting).await?;
    let _server = stage.server(7200).await?;
    is(&node, "out", BridgeState::Up).await?;
    ensure!(stage.run("spoke-echo", 7200, &["-f", "room/*"]).await?.0 == "room/1: 21\n");
    shouting.abort();
    Ok(())
}

/// Two real bridges between this node's listener and a real server: with two spoke-servers one message becomes a storm.
#[tokio::test(flavor = "multi_thread")]
async fn two_real_bridges_make_no_storm() -> Result<()> {
    let stage = Stage::new()?;
    let node = stage.listener().await?;
    let _server = stage.server(7200).await?;
    let mut control = node.client().subscribe(["spoke/-control/subscribe"], Terms::default()).await?;
    let mut bridges = Vec::new();
    for _ in 0..2 {
        bridges.push(stage.start("spoke-bridge", 7181, &["--port1", "7181", "--port2", "7200"])?);
        next(&mut control, "a bridge to be subscribed here").await?;
    }
    let mut events = node.client().subscribe(["spoke/x/*"], Terms::default()).await?;
    // They subscribe there after here.
    until("both bridges to carry what is published there", MOMENT, async || {
        stage.run("spoke-publish", 7200, &["x/try", "0"]).await.ok()?;
        let bridge = node.status().await.ok()?.bridges.into_iter().next()?;
        // The second copy of the same message.
        bridge.dropped.contains_key("duplicate").then_some(())
    })
    .await?;
    ensure!(stage.run("spoke-publish", 7200, &["x/there", "1"]).await?.1);
    ensure!(run(Some(&node), &["publish", "spoke/x/here", "2"]).await?.status.success());
    let mut seen = Vec::new();
    while !(seen.contains(&"spoke/x/there".to_owned()) && seen.contains(&"spoke/x/here".to_owned())) {
        seen.push(next(&mut events, "an event").await?.channel);
    }
    // It rests: what crosses now is nothing.
    let (mut before, mut since) = (None, Instant::now());
    until("a second without traffic", MOMENT, async || {
        let bridge = node.status().await.ok()?.bridges.into_iter().next()?;
        let now = Some((bridge.imported, bridge.exported, bridge.dropped));
        if now != before {
            (before, since) = (now, Instant::now());
        }
        (since.elapsed() >= QUIET).then_some(())
    })
    .await?;
    ensure!(run(Some(&node), &["publish", "spoke/x/end", "3"]).await?.status.success());
    loop {
        let event = next(&mut events, "the last event").await?;
        match event.channel.as_str() {
            "spoke/x/end" => break,
            channel => seen.push(channel.to_owned()),
        }
    }
    let count = |name: &str| seen.iter().filter(|channel| *channel == name).count();
    ensure!((count("spoke/x/there"), count("spoke/x/here")) == (1, 1), "{seen:?}");
    Ok(())
}

/// A real proxy in front of this node, and calls through a real bridge.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_proxy_and_a_real_bridge_take_a_node_for_a_server() -> Result<()> {
    let stage = Stage::new()?;
    let node = stage.listener().await?;
    let mut control = node.client().subscribe(["spoke/-control/subscribe"], Terms::default()).await?;
    let _proxy = stage.start(
        "spoke-proxy",
        7181,
        &["public/**", "--public-port", "7300", "--private-port", "7181"],
    )?;
    next(&mut control, "the proxy to be subscribed").await?;
    let mut echo = stage.start("spoke-echo", 7300, &["**"])?;
    until("an event through the proxy", MOMENT, async || {
        run(Some(&node), &["publish", "spoke/private/x", "1"]).await.ok()?;
        run(Some(&node), &["publish", "spoke/public/x", "2"]).await.ok()?;
        echo.stdout().contains("public/x: 2").then_some(())
    })
    .await?;
    ensure!(!echo.stdout().contains("private"), "{}", echo.printed());
    echo.kill().await?;

    let _server = stage.server(7200).await?;
    let mut bridge = stage.start("spoke-bridge", 7181, &["--port1", "7181", "--port2", "7200"])?;
    next(&mut control, "the bridge to be subscribed").await?;
    let mut provider = stage.python("provider", 7200, PROVIDER)?;
    provider.says("ready").await?;
    // A caller at the node, a provider at the server; the first tries may come before the bridge is subscribed there.
    until("a call from the node's side", MOMENT, async || {
        let called = stage.run("spoke-call", 7181, &["-t", "2", "math/add", "[1, 1]"]).await.ok()?;
        (called == ("2\n".to_owned(), true)).then_some(())
    })
    .await
    .with_context(|| bridge.printed())?;
    // A caller at the server, and who answers at the node.
    let answering = node.client().subscribe(["spoke/shout"], Terms::answering()).await?;
    let shouting = tokio::spawn(shout(answering));
    ensure!(
        stage.run("spoke-call", 7200, &["-t", "15", "shout", "\"hi\""]).await? == ("HI\n".to_owned(), true)
    );
    shouting.abort();
    bridge.kill().await?;
    Ok(())
}

/// Of two nodes at one server one is active, and the other takes over within 3 s.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_nodes_is_active_and_the_other_takes_over() -> Result<()> {
    let stage = Stage::new()?;
    let _server = stage.server(7200).await?;
    let one = stage.node("one", CONNECT)?.start().await?;
    let two = stage.node("two", CONNECT)?.peer(&one).start().await?;
    for node in [&one, &two] {
        node.has_peers(1, MOMENT).await?;
    }
    let (mut active, standby) = match one.status().await?.node.id < two.status().await?.node.id {
        true => (one, two),
        false => (two, one),
    };
    is(&active, "out", BridgeState::Up).await?;
    is(&standby, "out", BridgeState::Standby).await?;
    let mut events = standby.client().subscribe(["spoke/x"], Terms::default()).await?;
    ensure!(stage.run("spoke-publish", 7200, &["x", "1"]).await?.1);
    ensure!(next(&mut events, "an event by the other node").await?.message.text() == Some("1"));
    let gone = Instant::now();
    active.crash().await?;
    is(&standby, "out", BridgeState::Up).await?;
    println!("taken over after {:?}", gone.elapsed());
    ensure!(gone.elapsed() < Duration::from_secs(5), "taken over only after {:?}", gone.elapsed());
    ensure!(stage.run("spoke-publish", 7200, &["x", "2"]).await?.1);
    ensure!(next(&mut events, "an event by itself").await?.message.text() == Some("2"));
    Ok(())
}

/// Within this a connection that is not read any more is given up, and there is another one.
const GIVEN_UP: Duration = Duration::from_secs(60);

/// Publishes until somebody at the server hears it.
async fn heard_there(node: &Node, program: &mut Program, text: &str) -> Result<()> {
    let published = until("an event to arrive at the server again", GIVEN_UP, async || {
        run(Some(node), &["publish", "alerts/after", "1"]).await.ok()?;
        program.stdout().contains(text).then_some(())
    });
    published.await.with_context(|| format!("{}\n{}", program.printed(), node.printed()))
}

async fn lost(node: &Node) -> Result<u64> {
    let bridge = node.status().await?.bridges.into_iter().find(|bridge| bridge.name == "out");
    Ok(bridge.and_then(|bridge| bridge.dropped.get("lost-link").copied()).unwrap_or_default())
}

/// A server in Python that stops to read its first connection, and goes on sending there.
const DEAF: &str = "
import asyncio, json
connections = 0
def frame(channel, body):
    return json.dumps({'head': {'channel': channel, 'time': 1.0}, 'body': body}).encode() + b'\\0'
async def serve(reader, writer):
    global connections
    connections += 1
    mine, wanted = connections, set()
    print('connection', mine)
    while True:
        said = json.loads((await reader.readuntil(b'\\0'))[:-1])
        channel, body = said['head']['channel'], said['body']
        if channel == '-control/subscribe':
            wanted.add(body)
        elif channel == '-control/unsubscribe':
            wanted.discard(body)
            print('unsubscribed', body)
        elif channel in wanted and said['head'].get('bounce', True):
            writer.write(frame(channel, body))
        elif channel.startswith('alerts/'):
            print('heard', mine, channel)
        if mine == 1 and channel == 'alerts/last':
            for _ in range(9):
                writer.write(frame('tick', 1))
            await asyncio.Event().wait()
async def main():
    async with await asyncio.start_server(serve, '127.0.0.1', 7200) as server:
        print('ready')
        await server.serve_forever()
asyncio.run(main())
";

/// A server that does not read a connection any more is noticed, though it goes on sending there.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_not_read_any_more_is_given_up() -> Result<()> {
    let stage = Stage::new()?;
    let mut server = stage.python("deaf", 7200, DEAF)?;
    server.says("ready").await?;
    let node = stage.node("node", CONNECT)?.start().await?;
    is(&node, "out", BridgeState::Up).await?;
    let mut ticks = node.client().subscribe(["spoke/tick"], Terms::default()).await?;
    for text in ["alerts/first", "alerts/last", "alerts/lost"] {
        ensure!(run(Some(&node), &["publish", text, "1"]).await?.status.success());
    }
    server.says("heard 1 alerts/last").await?;
    next(&mut ticks, "what comes on a connection that is not read").await?;
    heard_there(&node, &mut server, "heard 2 alerts/after").await?;
    ensure!(!server.stdout().contains("alerts/lost"), "{}", server.printed());
    ensure!(lost(&node).await? >= 1, "{}", node.printed());
    ensure!(node.printed().contains("does not take what is said"), "{}", node.printed());
    Ok(())
}

/// A call that nobody at the server answers leaves nothing behind there.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_answers_is_not_waited_for_for_ever() -> Result<()> {
    let stage = Stage::new()?;
    let mut server = stage.python("silent", 7200, DEAF)?;
    server.says("ready").await?;
    let node = stage.node("node", CONNECT)?.start().await?;
    is(&node, "out", BridgeState::Up).await?;
    let called = run(Some(&node), &["call", "--timeout", "300ms", "spoke/nobody", "1"]).await?;
    ensure!(!called.status.success(), "{}", stdout(&called));
    server.says("unsubscribed nobody/-rpc/").await?;
    Ok(())
}

/// A subscriber that does not read until it is told to.
const LAZY: &str = "
import socket, sys
sock = socket.create_connection(('127.0.0.1', 7200))
sock.sendall(b'{\"head\": {\"channel\": \"-control/subscribe\"}, \"body\": \"alerts/big\"}\\0')
print('ready')
sys.stdin.readline()
while sock.recv(1 << 20):
    pass
";

/// The real server loses the task that reads a connection when somebody comes while it waits for a slow one.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_that_loses_a_connection_is_connected_to_again() -> Result<()> {
    let stage = Stage::new()?;
    let mut server = stage.server(7200).await?;
    let node = stage.node("node", CONNECT)?.start().await?;
    is(&node, "out", BridgeState::Up).await?;
    let mut lazy = stage.python("lazy", 7200, LAZY)?;
    lazy.says("ready").await?;
    let mut echo = stage.echo_at(7200, &["alerts/after", "alerts/before", "are-you-there"]).await?;
    ensure!(run(Some(&node), &["publish", "alerts/before", "1"]).await?.status.success());
    echo.says("alerts/before: 1").await?;
    // More than the kernel takes for one that does not read.
    let big = Message::from("x".repeat(900 << 10).as_str());
    for _ in 0..16 {
        node.client().publish("alerts/big", &big).await?;
    }
    // What comes behind waits for it, and somebody comes meanwhile.
    ensure!(run(Some(&node), &["publish", "alerts/after", "0"]).await?.status.success());
    let _somebody = stage.echo_at(7200, &["are-you-there"]).await?;
    ensure!(!echo.stdout().contains("alerts/after"), "nothing waits: {}", echo.printed());
    lazy.tell("")?;
    server.says("changed size during iteration").await?;
    ensure!(!echo.stdout().contains("alerts/after"), "it is read: {}", echo.printed());
    heard_there(&node, &mut echo, "alerts/after: 1").await?;
    ensure!(node.printed().contains("does not take what is said"), "{}", node.printed());
    Ok(())
}
