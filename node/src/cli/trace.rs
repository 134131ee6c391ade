//! `trace`: who would get an event of a channel, and the way to each of them, node by node.

use std::time::Duration;

use clap::Args;
use hive_client::types::trace::{self, Hop, Matches, Way, WayEnd};

use super::{Ask, exit::Fault, output};
use crate::units;

/// Show the ways that an event would take, node by node, without publishing one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node trace orders/new
  hive-node trace orders/new --node attic --timeout 500ms
  hive-node trace my-hive/orders/new --json

For each node that wants the channel a block: the nodes on the way, after what time each was heard
of (there and back), how long it had the trace, the link to the next, that link's round trip, and
what waits in its queue, as an event would have to. Each node speaks for itself. A trace goes with
the control traffic, so its times are the network's and not the queues'.
The exit code is 0 when every node was reached, and 1 when one was not or nobody wants the channel.")]
pub(super) struct Trace {
    /// The channel, as for `publish`.
    channel: String,
    /// How long to wait for what the nodes on the way say; at most 60s.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = units::duration)]
    timeout: Duration,
    #[command(flatten)]
    ask: Ask,
}

impl Trace {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let trace = self.ask.client()?.trace(&self.channel, self.timeout).await?;
        match self.ask.json {
            true => output::json(&trace)?,
            false => output::bytes(text(&trace, self.timeout).as_bytes())?,
        }
        if is_good(&trace) { Ok(()) } else { Err(Fault::silent(1)) }
    }
}

/// Whether somebody wants the channel, and every node that does was reached.
fn is_good(trace: &trace::Trace) -> bool {
    let somebody = trace.local.subscribers > 0 || !trace.ways.is_empty();
    somebody && trace.ways.iter().all(is_given)
}

/// Whether an event would come to a node, and this one would let it.
fn is_given(way: &Way) -> bool {
    let may = |action: &str| way.denied.iter().all(|denied| denied != action);
    let gets = (way.all && may("subscribe")) || (!way.groups.is_empty() && may("group"));
    way.end == WayEnd::Delivered && gets
}

fn text(trace: &trace::Trace, timeout: Duration) -> String {
    let mut text = String::new();
    for way in &trace.ways {
        text.push_str(&block(way, timeout));
        text.push('\n');
    }
    text.push_str(&summary(trace));
    text
}

fn summary(trace: &trace::Trace) -> String {
    let plugins = match trace.plugins.as_slice() {
        [] => String::new(),
        [one] => format!("; plugin {one}"),
        several => format!("; plugins {}", several.join(", ")),
    };
    let mut text = format!("local: {}{}\n", wanted(&trace.local), output::one_line(&plugins));
    if trace.strictly_local {
        text.push_str(&format!("elsewhere: nobody, because `{}` never leaves this node\n", trace.channel));
        return text;
    }
    let reached = trace.ways.iter().filter(|way| is_given(way)).count();
    let nodes = output::count(trace.ways.len() as u64, "node");
    text.push_str(&match trace.ways.len() {
        0 => format!("elsewhere: no node of network {} wants it\n", trace.network),
        all if all == reached => format!("elsewhere: {nodes} reached\n"),
        _ => format!("elsewhere: {reached} of {nodes} reached\n"),
    });
    if trace.untraced > 0 {
        let more = output::count(trace.untraced, "more node");
        let ways = output::count(trace.ways.len() as u64, "way");
        text.push_str(&format!("not traced: {more}; at most {ways} at a time\n"));
    }
    text
}

/// One way: whose it is, its nodes, and its end.
fn block(way: &Way, timeout: Duration) -> String {
    let by = match way.patterns.as_slice() {
        [] => "which announces roughly what it wants".into(),
        patterns => format!("which wants {}", patterns.join(", ")),
    };
    let share = match way.groups.as_slice() {
        [group] if !way.all => format!(", its share in group {group}"),
        groups if !way.all => format!(", its share in groups {}", groups.join(", ")),
        _ => String::new(),
    };
    let mut text = format!("to {} ({}), {by}{share}\n", output::one_line(&way.name), short(&way.node));
    let head = ["NODE", "HEARD", "TOOK", "LINK TO", "RTT", "QUEUED"];
    let mut rows = vec![head.map(String::from).to_vec()];
    rows.extend(way.hops.iter().map(row));
    if !way.hops.is_empty() {
        output::table(&rows).lines().for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    text.push_str(&format!("  {}\n", end(way, timeout)));
    way.denied.iter().for_each(|action| text.push_str(&format!("  {}\n", denied(action))));
    text
}

/// What the rules of the asked node keep a node from.
fn denied(action: &str) -> &'static str {
    match action {
        "group" => {
            "its groups are given nothing: the rules here keep it from that; in an open network it needs one of \
             `channels` with `group: ['*']`, or its id there"
        }
        _ => "it is given nothing as a subscriber: the rules in `channels` here keep it from that",
    }
}

fn row(hop: &Hop) -> Vec<String> {
    let mut cells = vec![output::one_line(&hop.name).into_owned(), time(hop.heard_us), time(hop.took_us)];
    if let Some(onward) = &hop.onward {
        cells.push(onward.addr.clone());
        cells.push(onward.rtt_us.map_or_else(|| "-".into(), time));
        cells.push(match (onward.queued_events, onward.queued_bytes) {
            (0, 0) => "nothing".into(),
            (0, bytes) => format!("{bytes} B"),
            (events, bytes) => format!("{}, {bytes} B", output::count(events, "event")),
        });
    }
    cells
}

/// How a way ended, in words.
fn end(way: &Way, timeout: Duration) -> String {
    let name = way.at.as_ref().map_or(&way.name, |at| &at.name);
    let at = output::one_line(name);
    match way.end {
        WayEnd::Delivered => {
            let there = way.there.clone().unwrap_or_default();
            format!("reached; there: {}", wanted(&there))
        }
        WayEnd::NoMatch => "reached, and nobody there wants it: its interest is announced roughly, or was \
                            withdrawn a moment ago"
            .into(),
        WayEnd::NoRoute => format!("lost at {at}: no way leads on from there"),
        WayEnd::Back => format!("lost at {at}: only the way it came leads on from there"),
        WayEnd::Circle => format!("lost in a circle: it came to {at} again"),
        WayEnd::HopLimit => format!("lost at {at}: nothing crosses more links than it did"),
        WayEnd::OldNode => format!("unknown: {at} does not answer a trace, because it runs an older version"),
        WayEnd::Silent => format!(
            "unknown: nothing came from {at} within {}; it is silent, or the way back from it is broken",
            units::duration_text(timeout)
        ),
        WayEnd::Busy => "unknown: this node waits for the answers of too many other traces".into(),
        WayEnd::Unknown => format!("lost at {at}, for a reason that this version does not know"),
    }
}

/// `2 subscribers, by a/*, **`.
fn wanted(matches: &Matches) -> String {
    let mut text = output::count(matches.subscribers, "subscriber");
    if !matches.patterns.is_empty() {
        text.push_str(&format!(", by {}", matches.patterns.join(", ")));
    }
    if matches.more_patterns > 0 {
        text.push_str(&format!(" and {} more", matches.more_patterns));
    }
    output::one_line(&text).into_owned()
}

/// A span of time as links have it: to the microsecond while it is short.
fn time(us: u64) -> String {
    match us {
        0..10_000 => format!("{us}us"),
        _ => format!("{}.{}ms", us / 1000, us % 1000 / 100),
    }
}

fn short(id: &str) -> String {
    id.chars().take(8).collect()
}

#[cfg(test)]
mod tests;
