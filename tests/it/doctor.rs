//! `hive-node doctor` names the true cause of staged faults, between real hosts, and finds nothing where all is well.

mod peers;

use std::{path::Path, process::Output};

use anyhow::{Context as _, Result, ensure};
use hive_tests::{
    hosts::{Host, Segment},
    nodes::{Node, Setup, clean},
    wait::{MOMENT, within},
};
use serde_json::Value;

use crate::{PROGRAM, node, stderr, stdout, write};

const SECRET: &str = "hive-secret-00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const WRONG: &str = "hive-secret-ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

/// What `doctor` said, as text and as a document.
struct Said {
    text: String,
    document: Value,
    /// Whether both runs ended with 0.
    well: bool,
}

/// Runs `doctor` on a host, or on this machine, about the node there.
async fn doctor(host: Option<&Host>, node: Option<&Node>, args: &[&str]) -> Result<Said> {
    let (text, document) = tokio::try_join!(run(host, node, args, &[]), run(host, node, args, &["--json"]))?;
    let codes = (text.status.code(), document.status.code());
    ensure!(codes.0 == codes.1, "{codes:?}: {}{}", stdout(&text), stdout(&document));
    ensure!(matches!(codes.0, Some(0 | 1)), "{codes:?}: {}", stderr(&text));
    let parsed = serde_json::from_str(&stdout(&document)).with_context(|| stdout(&document))?;
    Ok(Said { text: stdout(&text), document: parsed, well: codes.0 == Some(0) })
}

async fn run(host: Option<&Host>, node: Option<&Node>, args: &[&str], more: &[&str]) -> Result<Output> {
    let home = tempfile::tempdir()?;
    let mut command = match host {
        Some(host) => host.command(Path::new(PROGRAM)),
        None => std::process::Command::new(PROGRAM),
    };
    command.arg("doctor").args(args).args(more).current_dir(home.path());
    clean(&mut command, home.path());
    if let Some(node) = node {
        command.env("HIVE_NODE", node.data_dir());
    }
    let output = tokio::process::Command::from(command).output();
    within(&format!("`hive-node doctor {}` to end", args.join(" ")), MOMENT, output)
        .await?
        .context("running it")
}

impl Said {
    /// The cause it names, in both forms, is this one; and what it says of it has these words.
    fn names(&self, cause: &str, words: &[&str]) -> Result<()> {
        let last = self.text.lines().last().unwrap_or_default();
        ensure!(!self.well, "an exit code of 0: {}", self.text);
        ensure!(last.starts_with(&format!("cause: {cause}: ")), "not {cause}: {}", self.text);
        ensure!(self.document["cause"]["code"] == cause, "{:#}", self.document);
        ensure!(self.document["ok"] == false && self.document["v"] == 1, "{:#}", self.document);
        ensure!(self.document["cause"]["hint"].as_str().is_some_and(|hint| !hint.is_empty()));
        for word in words {
            ensure!(last.contains(word), "`{word}` is not in: {last}");
            let mut said = [&self.document["cause"]["seen"], &self.document["cause"]["about"]].into_iter();
            ensure!(
                said.any(|said| said.as_str().is_some_and(|said| said.contains(word))),
                "{:#}",
                self.document
            );
        }
        ensure!(
            !self.text.contains("ffffffff") && !self.text.contains("00112233"),
            "a secret: {}",
            self.text
        );
        Ok(())
    }

    /// It finds nothing wrong, and nothing odd.
    fn is_well(&self) -> Result<()> {
        ensure!(self.well && self.text.lines().last() == Some("all is well"), "{}", self.text);
        ensure!(self.document["ok"] == true && self.document.get("cause").is_none(), "{:#}", self.document);
        let findings = self.document["findings"].as_array().context("findings")?;
        ensure!(findings.len() >= 7, "{:#}", self.document);
        ensure!(findings.iter().all(|finding| finding["verdict"] == "ok"), "{:#}", self.document);
        Ok(())
    }

    /// What it says of a probe.
    fn of(&self, probe: &str) -> Vec<&Value> {
        let findings = self.document["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
        findings.iter().filter(|finding| finding["probe"] == probe).collect()
    }
}

fn two(segment: &Segment) -> (&Host, &Host) {
    let [first, second, ..] = segment.hosts() else { unreachable!("two hosts were asked for") };
    (first, second)
}

/// A doctor who always cries is worse than none.
#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_pair_is_well() -> Result<()> {
    let segment = Segment::new(2)?;
    let (first, second) = two(&segment);
    let one = node("one").on(first).start().await?;
    let other = node("other").on(second).start().await?;
    one.has_peers(1, MOMENT).await?;
    other.has_peers(1, MOMENT).await?;
    for (host, node, args) in [
        (first, &one, vec![]),
        (second, &other, vec![]),
        (first, &one, vec!["10.77.0.2"]),
        (first, &one, vec!["other"]),
    ] {
        let said = doctor(Some(host), Some(node), &args).await?;
        said.is_well().with_context(|| said.text.clone())?;
    }
    // Looking leaves nothing behind.
    for node in [&one, &other] {
        let status = node.status().await?;
        ensure!(status.peers.len() == 1 && status.troubles.is_empty(), "{status:?}");
    }
    // One's own address is no other host's.
    doctor(Some(first), Some(&one), &["10.77.0.1"]).await?.names("myself", &["10.77.0.1"])?;

    // A host without a node looks with its own eyes, and would be let in.
    let said = doctor(Some(first), None, &["10.77.0.2:7182"]).await?;
    ensure!(said.well && said.of("network")[0]["verdict"] == "ok", "{}", said.text);
    doctor(Some(second), None, &[]).await?.names("not-running", &[])
}

/// The first fault: a firewall on the other host drops the port.
#[tokio::test(flavor = "multi_thread")]
async fn a_firewall_is_named() -> Result<()> {
    let segment = Segment::new(2)?;
    let (first, second) = two(&segment);
    second.drops_udp(7182)?;
    let one = node("one").on(first).start().await?;
    let other = node("other").on(second).start().await?;
    let said = doctor(Some(first), Some(&one), &["10.77.0.2"]).await?;
    said.names("firewall", &["10.77.0.2", "7182", "dropped"])?;
    // Nobody had to be named: the other is heard.
    doctor(Some(first), Some(&one), &[]).await?.names("firewall", &["10.77.0.2", "dropped"])?;
    // On the other host it is its own.
    doctor(Some(second), Some(&other), &["10.77.0.1"]).await?.names("firewall", &["the node has here"])
}

/// The second fault: another secret, another network, or none; both sides name it.
#[tokio::test(flavor = "multi_thread")]
async fn another_secret_is_named() -> Result<()> {
    let segment = Segment::new(3)?;
    let [first, second, third] = segment.hosts() else { unreachable!("three hosts were asked for") };
    let folder = tempfile::tempdir()?;
    let files = (write(folder.path(), "right.secret", SECRET)?, write(folder.path(), "wrong.secret", WRONG)?);
    let in_vault = |name: &str, file: &str| -> Setup {
        node(name).arg("--network").arg("vault").arg("--secret-file").arg(file)
    };
    let one = in_vault("one", &files.0).on(first).start().await?;
    let mut other = in_vault("other", &files.1).on(second).arg("--peer").arg("10.77.0.1").start().await?;
    other.says("refused").await?;

    let said = doctor(Some(first), Some(&one), &["10.77.0.2"]).await?;
    said.names("secret", &["vault", "secret"])?;
    doctor(Some(first), Some(&one), &[]).await?.names("secret", &["10.77.0.2", "vault"])?;
    doctor(Some(second), Some(&other), &[]).await?.names("secret", &["10.77.0.1", "vault"])?;

    // Without a node, the flags of `run` say what would be tried.
    let flags = ["10.77.0.1", "--network", "vault", "--secret-file", &files.0];
    let said = doctor(Some(third), None, &flags).await?;
    ensure!(said.well, "the right secret: {}", said.text);
    doctor(Some(third), None, &["10.77.0.1"]).await?.names("secret", &["hive"])?;

    // One that was told no network at all is told apart from one with another secret.
    let _untold = node("untold").on(third).start().await?;
    let said = doctor(Some(first), Some(&one), &["10.77.0.3"]).await?;
    said.names("network", &["untold", "hive", "vault"])
}

/// The third fault: multicast does not get through, so the two never hear of each other.
#[tokio::test(flavor = "multi_thread")]
async fn lost_multicast_is_named() -> Result<()> {
    let segment = Segment::new(2)?;
    let (first, second) = two(&segment);
    segment.multicast(first, false)?;
    segment.multicast(second, false)?;
    let one = node("one").on(first).start().await?;
    let other = node("other").on(second).start().await?;
    let said = doctor(Some(first), Some(&one), &["10.77.0.2"]).await?;
    said.names("multicast", &["other", "10.77.0.2", "eth0"])?;
    ensure!(
        said.of("way")[0]["verdict"] == "ok" && said.of("network")[0]["verdict"] == "ok",
        "{}",
        said.text
    );
    ensure!(other.status().await?.peers.is_empty(), "they would be connected: {}", other.printed());
    // Without a name there is nobody to miss: it says that it sees nobody, and accuses nothing.
    let said = doctor(Some(first), Some(&one), &[]).await?;
    ensure!(said.well && said.of("neighbours")[0]["verdict"] == "warn", "{}", said.text);
    Ok(())
}

/// The fourth fault: an interface that is down or has no address; nobody at the address; nothing on the port.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_named() -> Result<()> {
    let segment = Segment::new(2)?;
    let (first, second) = two(&segment);
    let one = node("one").on(first).start().await?;
    doctor(Some(first), Some(&one), &["10.77.0.9"]).await?.names("host", &["10.77.0.9", "eth0"])?;
    doctor(Some(first), Some(&one), &["10.77.0.2"]).await?.names("port", &["10.77.0.2", "7182"])?;
    doctor(Some(first), Some(&one), &["no-such-host.invalid"]).await?.names("name", &["no-such-host"])?;

    let other = node("other").on(second).start().await?;
    segment.connect(second, false)?;
    doctor(Some(second), Some(&other), &[]).await?.names("interface", &["eth0 has no carrier"])?;
    segment.connect(second, true)?;
    second.ip("addr flush dev eth0")?;
    doctor(Some(second), Some(&other), &[]).await?.names("interface", &["eth0", "no address"])?;
    second.ip("link set eth0 down")?;
    let said = doctor(Some(second), Some(&other), &["10.77.0.1"]).await?;
    said.names("interface", &["eth0 is down"])?;
    ensure!(said.of("way")[0]["cause"] == "route", "what follows from it is said, too: {}", said.text);
    // To reach a host from itself no interface is needed.
    let said = doctor(Some(second), Some(&other), &["127.0.0.1:9"]).await?;
    said.names("port", &["127.0.0.1:9"])?;
    let said = doctor(Some(second), Some(&other), &["127.0.0.1:7182"]).await?;
    ensure!(said.of("interface")[0]["verdict"] == "skipped", "{:#}", said.document);
    Ok(())
}

/// The fifth fault: a peer that speaks another version of the protocol.
#[tokio::test(flavor = "multi_thread")]
async fn another_version_is_named() -> Result<()> {
    let one = node("one").start().await?;
    let later = peers::speaking("hive/9")?;
    let said = doctor(None, Some(&one), &[&later.addr().to_string()]).await?;
    said.names("version", &["hive/1", "another version"])?;
    ensure!(said.of("way")[0]["verdict"] == "ok", "{}", said.text);
    Ok(())
}

/// One more: a peer whose clock is an hour ahead, and a little.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_is_named() -> Result<()> {
    let one = node("one").start().await?;
    let hasty = peers::with_clock("hasty", 3_630_000)?;
    let said = doctor(None, Some(&one), &[&hasty.addr().to_string()]).await?;
    said.names("clock", &["hasty", "60 min ahead"])?;
    let exact = peers::with_clock("exact", 0)?;
    let said = doctor(None, Some(&one), &[&exact.addr().to_string()]).await?;
    ensure!(said.of("clock")[0]["verdict"] == "ok", "{}", said.text);
    Ok(())
}
