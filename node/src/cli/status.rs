//! `status`: everything about a node.

mod bridges;

use clap::Args;
use hive_client::types;

use super::{Ask, exit::Fault, output};

/// Show a node: who it is, its networks, peers, plugins, bridges and events.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node status
  hive-node status --json | jq .events")]
pub(super) struct Status {
    #[command(flatten)]
    ask: Ask,
}

impl Status {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let status = self.ask.client()?.status().await?;
        if self.ask.json { output::json(&status) } else { output::bytes(text(&status).as_bytes()) }
    }
}

fn text(status: &types::Status) -> String {
    let node = &status.node;
    let mut rows = vec![
        row("node", &node.name),
        row("id", &node.id),
        row("version", &node.version),
        row("up", &output::span(node.uptime_ms)),
        row("links", &or_none(status.listen.join(" "))),
    ];
    rows.extend(node.data_dir.as_deref().map(|dir| row("data", dir)));
    rows.extend(node.socket.as_deref().map(|socket| row("api", socket)));
    rows.extend(status.configuration.as_ref().map(|each| row("config", &configuration(each))));
    rows.extend(status.networks.iter().map(|each| row("network", &network(each))));
    rows.extend(status.peers.iter().map(|each| row("peer", &peer(each))));
    rows.extend(status.plugins.iter().map(|each| row("plugin", &plugin(each))));
    rows.extend(status.absent.iter().map(|each| row("plugin", &absent(each))));
    rows.extend(status.bridges.iter().map(|each| row("bridge", &bridges::line(each))));
    rows.push(row("events", &events(&status.events)));
    rows.extend(
        status.consumers.iter().filter(|each| each.dropped > 0).map(|each| row("missed", &missed(each))),
    );
    rows.extend(status.networks.iter().flat_map(journals).map(|text| row("journal", &text)));
    rows.extend((status.kept.values > 0).then(|| row("kept", &kept(&status.kept))));
    rows.extend((!status.events.dropped.is_empty()).then(|| row("dropped", &dropped(&status.events))));
    output::table(&rows)
}

fn configuration(config: &types::ConfigurationStatus) -> String {
    let ago = |ms| output::span(output::age_ms(ms));
    let file = config.file.as_deref().unwrap_or("no file, the defaults");
    let mut text = format!("{file}, read {} ago", ago(config.loaded_ms));
    if !config.restart.is_empty() {
        text.push_str(&format!("; what it says of {} needs a restart", config.restart.join(", ")));
    }
    if let Some((failed, problem)) = config.failed_ms.zip(config.problem.as_ref()) {
        let why = problem.lines().next().unwrap_or_default();
        text.push_str(&format!("; {} ago it could not be used: {why}", ago(failed)));
    }
    text
}

fn row(name: &str, text: &str) -> Vec<String> {
    vec![name.into(), output::one_line(text).into_owned()]
}

fn or_none(text: String) -> String {
    if text.is_empty() { "none".into() } else { text }
}

fn network(network: &types::NetworkStatus) -> String {
    let home = if network.home { ", home" } else { "" };
    let open = match (network.open, network.epoch) {
        (true, _) => "open".to_owned(),
        (false, 0) => "closed by a secret".to_owned(),
        (false, epoch) => format!("closed by a secret of epoch {epoch}"),
    };
    let ready = if network.ready { "" } else { ", not ready yet" };
    format!("{}: {open}{home}{ready}, {}", network.name, output::count(network.peers, "peer"))
}

fn peer(peer: &types::PeerStatus) -> String {
    format!("{} in {} at {}, for {}", peer.name, peer.network, peer.addr, output::span(peer.connected_ms))
}

fn absent(plugin: &types::AbsentPlugin) -> String {
    format!("{}: {}", plugin.name, super::plugins::absence(plugin))
}

fn plugin(plugin: &types::PluginStatus) -> String {
    let work = &plugin.work;
    let state = super::plugins::in_a_word(plugin);
    let mut text =
        format!("{}: {state}, generation {}, {} handled", plugin.name, plugin.generation, work.handled);
    let troubles = [
        (work.retried, "retried"),
        (work.dead, "dead since it started"),
        (work.cut_deadline, "cut at the deadline"),
        (work.cut_cpu, "cut for CPU time"),
        (work.cut_memory, "cut for memory"),
        (work.trapped, "trapped"),
        (work.paced, "paced"),
        (work.too_large, "too large"),
        (work.lines_left_out, if work.lines_left_out == 1 { "line left out" } else { "lines left out" }),
        (work.pauses, if work.pauses == 1 { "pause" } else { "pauses" }),
        (work.restarts, if work.restarts == 1 { "restart" } else { "restarts" }),
        (
            plugin.letters,
            if plugin.letters == 1 { "dead letter to replay" } else { "dead letters to replay" },
        ),
    ];
    for (count, name) in troubles.into_iter().filter(|(count, _)| *count > 0) {
        text.push_str(&format!(", {count} {name}"));
    }
    if let Some(problem) = &plugin.problem {
        text.push_str(&format!("; {problem}"));
    }
    if let Some(pause) = &plugin.pause {
        text.push_str(&format!("; {}", super::plugins::pause_text(pause)));
    }
    text
}

fn events(events: &types::EventStatus) -> String {
    let types::EventStatus { published, delivered, sent, received, relayed, handed_out, .. } = events;
    let mut text =
        format!("{published} published, {delivered} delivered, {sent} sent to peers, {received} received");
    if *relayed > 0 {
        text.push_str(&format!(", {relayed} passed on between peers"));
    }
    if *handed_out > 0 {
        text.push_str(&format!(", {handed_out} with members of groups"));
    }
    text
}

/// Who was too slow, and how much of what was for it it did not get.
fn missed(consumer: &types::ConsumerStatus) -> String {
    let types::ConsumerStatus { kind, name, matched, dropped, lagging, .. } = consumer;
    let now = if *lagging { ", and lags" } else { "" };
    format!("{kind} {name}: {dropped} of {matched}{now}")
}

/// What a network's journal holds, and how far each group is in it.
fn journals(network: &types::NetworkStatus) -> Vec<String> {
    let Some(journal) = &network.journal else { return Vec::new() };
    let types::JournalStatus { events, bytes, cursors, last_failure, .. } = journal;
    let mut text = format!("{}: {}, {}", network.name, output::count(*events, "event"), output::size(*bytes));
    if let Some(failure) = last_failure {
        text.push_str(&format!("; the disk failed last with: {failure}"));
    }
    let mut lines = vec![text];
    lines.extend(cursors.iter().map(|cursor| {
        let types::CursorStatus { name, lag, lost, .. } = cursor;
        let lost = if *lost > 0 { format!(", {lost} went by age") } else { String::new() };
        format!("{}: group {name} is {} behind{lost}", network.name, output::count(*lag, "event"))
    }));
    lines
}

fn kept(kept: &types::KeptStatus) -> String {
    format!("{}, {}", output::count(kept.values, "value"), output::size(kept.bytes))
}

fn dropped(events: &types::EventStatus) -> String {
    let reasons = events.dropped.iter().map(|(reason, copies)| format!("{copies} {reason}"));
    reasons.collect::<Vec<_>>().join(", ")
}
