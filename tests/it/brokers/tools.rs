//! The commands that people type at brokers and web servers: what they say comes in, and what goes out is heard by them.

use std::{ffi::OsStr, process::Command};

use anyhow::{Context as _, Result, ensure};
use hive_client::{CALL_TIMEOUT, Incoming, Message, Subscription, Terms, types::BridgeState};
use hive_tests::{
    brokers::Broker,
    nats::nats_command,
    ports::free_port,
    programs::Program,
    wait::{MOMENT, until, within},
};

use super::{bridging, listen, next, pair, publish, said, state};

fn command(program: impl AsRef<OsStr>, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args);
    command
}

/// Runs one to its end. Returns what it printed.
async fn run(program: &str, args: &[&str]) -> Result<String> {
    ended(program, command(program, args)).await
}

async fn ended(program: &str, command: Command) -> Result<String> {
    let what = format!("{command:?}");
    let running = tokio::process::Command::from(command).output();
    let output = within(&format!("{program} to end"), MOMENT, running).await?;
    let output = output.with_context(|| format!("there is no `{program}`: install it"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{what}: {printed}{}", String::from_utf8_lossy(&output.stderr));
    Ok(printed)
}

/// redis-cli: PUBLISH, PSUBSCRIBE, XADD and XRANGE.
#[tokio::test(flavor = "multi_thread")]
async fn redis_cli_talks_with_the_mesh() -> Result<()> {
    let broker = Broker::redis().await?;
    let (server, port) = (broker.url(), broker.port().to_string());
    let bridges = format!(
        "  redis:\n    - {{ server: '{server}', import: ['in/*'], export: ['alert/*'] }}\n    - {{ name: streams, server: '{server}', streams: {{ group: mesh }}, import: [jobs], export: [done/x] }}\n"
    );
    let (node, _folder) = bridging("node", &bridges).await?;
    for name in ["redis", "streams"] {
        state(&node, name, BridgeState::Up).await?;
    }
    let mut events = listen(&node, "redis/**").await?;
    let told = run("redis-cli", &["-p", &port, "publish", "in/x", "hello"]).await?;
    ensure!(told.trim() == "1" && said(&mut events).await? == pair("redis/in/x", "hello"), "{told}");
    run("redis-cli", &["-p", &port, "xadd", "jobs", "*", "payload", "one"]).await?;
    ensure!(said(&mut events).await? == pair("redis/jobs", "one"));
    let mut hears =
        Program::start("redis-cli", command("redis-cli", &["-p", &port, "psubscribe", "alert/*"]))?;
    hears.says("psubscribe").await?;
    publish(&node, "alert/fire", "kitchen").await?;
    hears.says("alert/fire").await?;
    hears.says("kitchen").await?;
    publish(&node, "done/x", "two").await?;
    state(&node, "streams", BridgeState::Up).await?;
    let entry = until("an entry of the stream", MOMENT, async || {
        let entries = run("redis-cli", &["-p", &port, "xrange", "done/x", "-", "+"]).await.ok()?;
        entries.contains("payload").then_some(entries)
    });
    let entry = entry.await?;
    ensure!(entry.contains("two"), "{entry}");
    Ok(())
}

/// mosquitto_pub and mosquitto_sub, with QoS and what is retained.
#[tokio::test(flavor = "multi_thread")]
async fn mosquittos_commands_talk_with_the_mesh() -> Result<()> {
    let broker = Broker::mosquitto().await?;
    let (server, port) = (broker.url(), broker.port().to_string());
    let bridges =
        format!("  mqtt: [{{ server: '{server}', qos: 1, import: ['sensor/**'], export: ['alert/*'] }}]\n");
    let (node, _folder) = bridging("node", &bridges).await?;
    state(&node, "mqtt", BridgeState::Up).await?;
    let mut events = listen(&node, "mqtt/**").await?;
    let at = ["-h", "127.0.0.1", "-p", &port];
    for (version, qos, text) in [("311", "0", "21"), ("5", "2", "22")] {
        let args = ["-t", "sensor/attic", "-m", text, "-q", qos, "-V", version];
        run("mosquitto_pub", &[&at[..], &args].concat()).await?;
        ensure!(said(&mut events).await? == pair("mqtt/sensor/attic", text));
    }
    run("mosquitto_pub", &[&at[..], &["-t", "sensor/kept", "-m", "23", "-r"]].concat()).await?;
    ensure!(said(&mut events).await? == pair("mqtt/sensor/kept", "23"));
    let kept = crate::next(&mut listen(&node, "mqtt/sensor/kept").await?, "the kept value").await?;
    ensure!(kept.retained && kept.message.text() == Some("23"), "{kept:?}");
    let args = ["-t", "alert/#", "-v", "-q", "1"];
    let hears = Program::start("mosquitto_sub", command("mosquitto_sub", &[&at[..], &args].concat()))?;
    // It does not say when it is subscribed.
    let heard = until("mosquitto_sub to hear", MOMENT, async || {
        publish(&node, "alert/fire", "kitchen").await.ok()?;
        hears.stdout().contains("alert/fire kitchen").then_some(())
    });
    heard.await.with_context(|| hears.printed())
}

/// `nats`: pub with headers, sub, request and reply.
#[tokio::test(flavor = "multi_thread")]
async fn the_nats_command_talks_with_the_mesh() -> Result<()> {
    let broker = Broker::nats().await?;
    let server = broker.url();
    let bridges = format!(
        "  nats: [{{ servers: ['{server}'], import: ['sensor/**', 'ask/*'], export: ['alert/*'], calls: ['there/*'] }}]\n"
    );
    let (node, folder) = bridging("node", &bridges).await?;
    state(&node, "nats", BridgeState::Up).await?;
    let nats = |args: &[&str]| {
        let mut command = command(nats_command(), &[&["--server", &server][..], args].concat());
        // What somebody has saved for themselves is not for here.
        command.env("XDG_CONFIG_HOME", folder.path()).env("HOME", folder.path());
        command
    };
    let mut events = listen(&node, "nats/sensor/**").await?;
    ended("nats", nats(&["pub", "sensor.attic.1", "21", "-H", "X-Unit: C"])).await?;
    let event = next(&mut events).await?;
    let header = event.message.headers.iter().find(|(name, _)| name == "x-unit");
    ensure!(event.channel == "nats/sensor/attic/1" && event.message.text() == Some("21"), "{event:?}");
    ensure!(header.is_some_and(|(_, value)| value == "C"), "{event:?}");
    let hears = Program::start("nats sub", nats(&["sub", "alert.*"]))?;
    // What is published before it is subscribed it does not have.
    let heard = until("nats sub to hear", MOMENT, async || {
        publish(&node, "alert/fire", "kitchen").await.ok()?;
        let said = hears.stdout();
        (said.contains("alert.fire") && said.contains("kitchen")).then_some(())
    });
    heard.await.with_context(|| hears.printed())?;
    tokio::spawn(answers(node.client().subscribe(["nats/ask/*"], Terms::answering()).await?));
    let answer = until("an answer from the mesh", MOMENT, async || {
        ended("nats", nats(&["request", "--raw", "ask.me", "who"])).await.ok()
    });
    let answer = answer.await?;
    ensure!(answer.contains("heard who"), "{answer}");
    let replies = Program::start("nats reply", nats(&["reply", "there.*", "it is {{Request}}"]))?;
    let call = async || node.client().call("there/x", &Message::from("raining"), CALL_TIMEOUT).await.ok();
    let answer = until("an answer of nats reply", MOMENT, call).await.with_context(|| replies.printed())?;
    ensure!(answer.text() == Some("it is raining"), "{answer:?}");
    Ok(())
}

/// Answers whatever is asked.
async fn answers(mut requests: Subscription) -> Result<()> {
    while let Some(incoming) = requests.next().await? {
        let Incoming::Event(event) = incoming else { continue };
        let Some(request) = event.request else { continue };
        let answer = format!("heard {}", event.message.text().unwrap_or_default());
        requests.answer(request, Ok(Message::from(answer.as_str()))).await?;
    }
    Ok(())
}

/// curl, with the secret and without.
#[tokio::test(flavor = "multi_thread")]
async fn curl_posts_events() -> Result<()> {
    let free = format!("127.0.0.1:{}", free_port()?);
    let bridges = format!("  webhook: [{{ listen: '{free}', secret: hush, import: ['a/**'] }}]\n");
    let (node, _folder) = bridging("node", &bridges).await?;
    state(&node, "webhook", BridgeState::Up).await?;
    let mut events = listen(&node, "webhook/**").await?;
    let url = format!("http://{free}/a/b");
    let post = ["-sS", "-d", "hello", "-H", "content-type: text/plain", "-w", " %{http_code}"];
    let taken = run("curl", &[&post[..], &["-H", "authorization: Bearer hush", &url]].concat()).await?;
    ensure!(taken.ends_with(" 202") && taken.contains("\"local\":1"), "{taken}");
    ensure!(said(&mut events).await? == pair("webhook/a/b", "hello"));
    let refused = run("curl", &[&post[..], &[&url]].concat()).await?;
    ensure!(refused.ends_with(" 401") && refused.contains("\"error\":"), "{refused}");
    Ok(())
}
