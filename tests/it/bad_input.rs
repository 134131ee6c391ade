//! What people, files and strangers do wrong: one clear error each, and everything else goes on.

use std::{fs, net::UdpSocket, os::unix::fs::PermissionsExt as _};

use anyhow::{Context as _, Result, ensure};
use hive_client::{Message, Terms};
use hive_tests::{
    guests::place,
    wait::{MOMENT, until},
};

use crate::{node, plugins, run, stderr, write};

/// Starting a node with each of these ends at once with an error that holds the words, and with that exit code.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_cannot_start_says_why() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    let garbled = folder.path().join("garbled");
    fs::create_dir(&garbled)?;
    fs::write(garbled.join("node.key"), "no key")?;
    fs::set_permissions(garbled.join("node.key"), fs::Permissions::from_mode(0o600))?;
    let open = folder.path().join("open");
    fs::create_dir(&open)?;
    fs::write(open.join("node.key"), "no key")?;
    fs::set_permissions(open.join("node.key"), fs::Permissions::from_mode(0o644))?;
    let config = write(folder.path(), "hive.yaml", "version: 1\nnode: { lisen: loopback }\n")?;
    let busy = UdpSocket::bind("127.0.0.1:0")?;
    let busy = busy.local_addr()?.to_string();
    let (data, garbled, open) = (data.to_string_lossy(), garbled.to_string_lossy(), open.to_string_lossy());

    let check = async |args: &[&str], code: i32, words: &[&str]| -> Result<()> {
        let args: Vec<&str> = ["run", "--no-mdns", "--api", "off"].iter().chain(args).copied().collect();
        let output = run(None, &args).await?;
        let said = stderr(&output);
        ensure!(output.status.code() == Some(code), "{args:?}: {:?}: {said}", output.status);
        ensure!(said.contains("error: "), "{args:?}: {said}");
        for word in words {
            ensure!(said.contains(word), "{args:?} should say `{word}`: {said}");
        }
        ensure!(!said.contains("panicked"), "{args:?}: {said}");
        Ok(())
    };
    check(&["--data-dir", &data, "--plugins", "nowhere"], 2, &["--plugins", "nowhere", "hint: "]).await?;
    check(&["--data-dir", &data, "--config", "nowhere.yaml"], 2, &["nowhere.yaml", "no such file"]).await?;
    check(&["--data-dir", &data, "--config", &config], 2, &["hive.yaml:2:9", "did you mean `listen`?"])
        .await?;
    check(&["--data-dir", &data, "--listen", "soon"], 2, &["--listen", "`soon`"]).await?;
    check(&["--data-dir", &data, "--secret-file", "none"], 2, &["--secret-file", "`none`"]).await?;
    check(&["--data-dir", &data, "--listen", &busy], 2, &["is taken", "hint: "]).await?;
    check(&["--data-dir", &garbled, "--listen", "loopback"], 2, &["node.key", "hint: "]).await?;
    check(&["--data-dir", &open, "--listen", "loopback"], 2, &["node.key", "hint: "]).await?;
    check(&["--data-dir", "/proc/1/nowhere", "--listen", "loopback"], 2, &["/proc/1/nowhere"]).await
}

/// A second node on the same data directory would have the same identity.
#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_has_one_node() -> Result<()> {
    let first = node("first").start().await?;
    let mut second = node("second").data_dir(first.data_dir()).spawn()?;
    let status = second.ends().await?;
    ensure!(status.code() == Some(2), "{status}: {}", second.printed());
    ensure!(second.stderr().contains(&*first.data_dir().to_string_lossy()), "{}", second.printed());
    first.status().await?;
    Ok(())
}

/// Files that are no handlers are refused with the reason, beside a handler that works.
#[tokio::test(flavor = "multi_thread")]
async fn broken_plugins_are_named_and_the_others_run() -> Result<()> {
    let folder = plugins(&["greeter"])?;
    place(folder.path(), "garbage.wasm", b"this is no WebAssembly")?;
    place(folder.path(), "module.wasm", b"\0asm\x01\0\0\0")?;
    place(folder.path(), "empty.wasm", b"")?;
    place(folder.path(), "component.wasm", b"\0asm\x0d\0\x01\0")?;
    let node = node("host").plugins(folder.path()).start().await?;
    node.runs_plugin("greeter", 1).await?;
    for (name, words) in
        [("garbage", ""), ("module", "core WebAssembly module"), ("empty", ""), ("component", "handler")]
    {
        let problem = until(&format!("{name} to be refused"), MOMENT, async || {
            let plugins = node.client().plugins().await.ok()?.plugins;
            plugins.into_iter().find(|plugin| plugin.name == name)?.problem
        })
        .await
        .with_context(|| node.printed())?;
        ensure!(!problem.is_empty() && problem.contains(words), "{name}: {problem}");
    }
    let answer = node.client().call("greet/hello", &Message::default(), MOMENT).await?;
    ensure!(answer.text() == Some("\"Hello, world!\""), "{answer:?}");
    Ok(())
}

/// Requests over a limit are refused, and noise on the port is ignored.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_noise_harms_nobody() -> Result<()> {
    let node = node("patient").start().await?;
    let large = vec![0_u8; (16 << 20) + 1];
    let refused = node.client().publish("a/b", &Message::new(large)).await;
    let code = refused.as_ref().err().and_then(|error| error.code()).map(str::to_owned);
    ensure!(code.as_deref() == Some("too-large"), "{refused:?}");
    for channel in ["a//b", "a/*", "$node/joined"] {
        let refused = node.client().publish(channel, &Message::from("x")).await;
        ensure!(refused.is_err(), "{channel} was accepted");
    }
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    for length in 0..1_400_usize {
        let noise: Vec<u8> = (0..length).map(|at| (at * length % 251) as u8 | 0x40).collect();
        socket.send_to(&noise, node.addr())?;
    }
    node.status().await?;
    let mut events = node.client().subscribe(["a/*"], Terms::default()).await?;
    node.client().publish("a/b", &Message::from("still here")).await?;
    ensure!(crate::next(&mut events, "an event").await?.message.text() == Some("still here"));
    Ok(())
}
