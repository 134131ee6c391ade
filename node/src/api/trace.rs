//! `POST /v1/trace/CHANNEL?timeout=2s`: who would get an event of a channel, and by which ways; as a document.

use std::time::Duration;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
};
use hive_client::types::{
    V1,
    trace::{At, Hop, Matches, Onward, Trace, Way, WayEnd},
};
use hive_proto::{
    channel::{Address, NetworkIndex},
    frame::trace::{self as frame, End, PATTERNS_NAMED_MAX},
    id::NodeId,
    io::{Ending, Step, Trail},
};
use serde::Deserialize;

use super::{
    App,
    refusal::{Refusal, bad_channel, invalid},
};
use crate::{
    bus::{Bus, WantingPeer},
    control::Route,
    units,
};

/// How long to wait when nobody says: ten times a slow round trip around the world.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longer is not waited for: who has not answered by then never will.
const PATIENCE_MAX: Duration = Duration::from_secs(60);
/// Ways that are followed at once; the others are counted. What a neighbour may send of traces leaves room for some.
const WAYS_MAX: usize = 64;

#[derive(Debug, Deserialize)]
pub(super) struct Options {
    /// How long to wait for what the nodes on the ways say, with a unit.
    timeout: Option<String>,
}

pub(super) async fn trace(
    State(app): State<App>,
    channel: Result<Path<String>, PathRejection>,
    options: Result<Query<Options>, QueryRejection>,
) -> Result<Json<Trace>, Refusal> {
    let Path(name) = channel?;
    let Query(options) = options?;
    let patience = options.timeout.as_deref().map_or(Ok(PATIENCE), units::duration);
    let patience = patience.map_err(|error| invalid(error.to_string()))?.min(PATIENCE_MAX);
    let bus = &app.means.bus;
    let Address { network, channel } =
        bus.names().address(&name).map_err(|error| bad_channel(&name, &error))?;
    let mut wanting = bus.wanting(&Address { network, channel: channel.clone() });
    wanting.peers.sort_unstable_by(|a, b| (&a.name, a.node).cmp(&(&b.name, b.node)));
    let untraced = wanting.peers.len().saturating_sub(WAYS_MAX);
    wanting.peers.truncate(WAYS_MAX);
    let destinations = wanting.peers.iter().map(|peer| peer.node).collect();
    let route = Route { network, channel: channel.clone(), destinations, patience };
    let trails = app.means.control.trace(route).await?;
    let ways = wanting.peers.into_iter().zip(trails);
    Ok(Json(Trace {
        v: V1,
        strictly_local: channel.is_local(),
        channel: channel.to_string(),
        network: bus.names().network(network).map(ToString::to_string).unwrap_or_default(),
        local: matches(wanting.local),
        plugins: wanting.plugins.into_iter().collect(),
        ways: ways.map(|(peer, trail)| way(bus, network, peer, trail)).collect(),
        untraced: untraced as u64,
    }))
}

fn matches(matches: frame::Matches) -> Matches {
    let frame::Matches { subscribers, patterns, more } = matches;
    let patterns = patterns.iter().map(ToString::to_string).collect();
    Matches { subscribers, patterns, more_patterns: more }
}

fn way(bus: &Bus, network: NetworkIndex, peer: WantingPeer, trail: Trail) -> Way {
    let named = |node: NodeId| At { node: node.to_string(), name: name_of(bus, network, &trail.steps, node) };
    let (end, at) = end(&trail);
    let there = match &trail.end {
        Ending::At(End::Delivered(there)) => Some(matches(there.clone())),
        _ => None,
    };
    Way {
        node: peer.node.to_string(),
        name: peer.name,
        patterns: peer.patterns.iter().take(PATTERNS_NAMED_MAX).map(ToString::to_string).collect(),
        groups: peer.groups.iter().map(ToString::to_string).collect(),
        all: peer.all,
        denied: peer.denied.iter().map(|action| action.key().to_owned()).collect(),
        end,
        at: at.filter(|at| *at != peer.node || end == WayEnd::Silent || end == WayEnd::OldNode).map(named),
        there,
        hops: trail.steps.into_iter().map(hop).collect(),
    }
}

/// What a node calls itself: as it says on the way, or as it is known.
fn name_of(bus: &Bus, network: NetworkIndex, steps: &[Step], node: NodeId) -> String {
    let on_the_way = steps.iter().find(|step| step.hop.node == node).map(|step| step.hop.name.clone());
    on_the_way.or_else(|| bus.peer_name(network, node)).unwrap_or_else(|| node.short())
}

/// How a way ended, and where.
fn end(trail: &Trail) -> (WayEnd, Option<NodeId>) {
    let last = trail.steps.last().map(|step| &step.hop);
    let here = last.map(|hop| hop.node);
    let next = last.and_then(|hop| hop.onward.as_ref()).map(|onward| onward.to);
    match &trail.end {
        Ending::Busy => (WayEnd::Busy, None),
        Ending::Silent => (WayEnd::Silent, next),
        Ending::At(end) => match end {
            End::Delivered(_) => (WayEnd::Delivered, here),
            End::NoMatch => (WayEnd::NoMatch, here),
            End::NoRoute => (WayEnd::NoRoute, here),
            End::Back => (WayEnd::Back, here),
            // Who was there before says so, and is not there twice.
            End::Circle => (WayEnd::Circle, next),
            End::HopLimit => (WayEnd::HopLimit, here),
            End::OldNode(old) => (WayEnd::OldNode, Some(*old)),
            End::Passed | End::Other(_) => (WayEnd::Unknown, here),
        },
    }
}

fn hop(step: Step) -> Hop {
    let Step { hop, heard } = step;
    let onward = hop.onward.map(|onward| Onward {
        node: onward.to.to_string(),
        addr: onward.addr.to_string(),
        rtt_us: onward.rtt_us,
        queued_bytes: onward.queued_bytes,
        queued_events: onward.queued_events,
    });
    let heard_us = u64::try_from(heard.as_micros()).unwrap_or(u64::MAX);
    Hop { node: hop.node.to_string(), name: hop.name, heard_us, took_us: hop.took_us, onward }
}
