//! `GET /metrics`: what the boards and the bus count, for Prometheus.

use std::collections::BTreeMap;

use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use hive_proto::{channel::NetworkIndex, id::NodeId, plane::account::DropReason};

use super::{App, Means};
use crate::{
    metrics::{self, Labels, Metric, Number},
    status::{LATENCY_BOUNDS_US, PeerCard, PluginCard, Work},
};

pub(super) async fn metrics(State(app): State<App>) -> Response {
    let means = &app.means;
    let mut all = node(means);
    all.extend(events(means));
    all.extend(links(means));
    all.extend(plugins(means));
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics::text(all)).into_response()
}

fn one(name: &'static str, help: &'static str, number: Number) -> Metric {
    Metric { name, help, points: vec![(Vec::new(), number)] }
}

fn gauge(value: u64) -> Number {
    // Counts of a node are far below what a float has whole.
    Number::Gauge(value as f64)
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

fn node(means: &Means) -> Vec<Metric> {
    let card = means.boards.node.read();
    let labels = vec![
        ("id", card.id.to_string()),
        ("name", card.name.clone()),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let ready = |network: &crate::status::NetworkCard| {
        (vec![("network", network.name.to_string())], gauge(network.ready.into()))
    };
    let (values, bytes) = means.bus.kept();
    vec![
        Metric { name: "node_info", help: "Who the node is", points: vec![(labels, gauge(1))] },
        one(
            "uptime_seconds",
            "How long it runs",
            Number::Gauge(card.started.elapsed().unwrap_or_default().as_secs_f64()),
        ),
        Metric {
            name: "network_ready",
            help: "Whether the view of a network is complete",
            points: means.boards.networks.read().iter().map(ready).collect(),
        },
        one("kept_values", "Channels with a kept value", gauge(values as u64)),
        one("kept_bytes", "Bytes of kept values", gauge(bytes as u64)),
    ]
}

fn events(means: &Means) -> Vec<Metric> {
    let (counts, (taken, limit)) = (means.bus.counts(), means.bus.queues());
    let reason = |(reason, copies): &(DropReason, u64)| {
        (vec![("reason", reason.name().to_owned())], Number::Count(*copies))
    };
    vec![
        one("events_published", "Events published by this node", Number::Count(counts.published)),
        one("events_sent", "Copies sent to peers", Number::Count(counts.sent)),
        one("events_received", "Copies received from peers", Number::Count(counts.received)),
        one("events_relayed", "Copies passed on between peers", Number::Count(counts.relayed)),
        one("events_matched", "Copies for consumers of this node", Number::Count(counts.consumers.matched)),
        one("events_handed_over", "Copies consumers have had", Number::Count(counts.consumers.handed_over)),
        one("events_missed", "Copies slow consumers did not get", Number::Count(counts.consumers.dropped)),
        one("events_queued", "Copies that wait for consumers", gauge(counts.consumers.queued)),
        Metric {
            name: "events_dropped",
            help: "Copies dropped by reason",
            points: counts.dropped.iter().map(reason).collect(),
        },
        one(
            "groups_handed_out",
            "Events that members of groups have in hand",
            gauge(means.bus.handed_out() as u64),
        ),
        one("queues_bytes", "Bytes in all queues", gauge(taken as u64)),
        one("queues_bytes_max", "Bytes all queues may hold", gauge(limit as u64)),
    ]
}

/// A number of each peer.
type OfPeer<'a> = (&'static str, &'static str, &'a dyn Fn((NetworkIndex, NodeId), &PeerCard) -> Number);

fn links(means: &Means) -> Vec<Metric> {
    let cards = means.boards.peers.read();
    let bus = &means.bus;
    let network = |index| bus.names().network(index).map(ToString::to_string).unwrap_or_default();
    let labels = |(index, id): (NetworkIndex, NodeId), card: &PeerCard| -> Labels {
        vec![("network", network(index)), ("peer", id.to_string()), ("name", card.name.clone())]
    };
    let count = |(index, id)| bus.link_counts(index, id).unwrap_or_default().0;
    let each: [OfPeer<'_>; 9] = [
        ("link_sent_events", "Events written to a link", &|_, card| {
            Number::Count(card.traffic.sent_events.value())
        }),
        ("link_sent_bytes", "Payload bytes written to a link", &|_, card| {
            Number::Count(card.traffic.sent_bytes.value())
        }),
        ("link_received_events", "Events read from a link", &|_, card| {
            Number::Count(card.traffic.received_events.value())
        }),
        ("link_received_bytes", "Payload bytes read from a link", &|_, card| {
            Number::Count(card.traffic.received_bytes.value())
        }),
        ("link_dropped", "Copies a link had no room for", &|key, _| Number::Count(count(key).dropped)),
        ("link_confirmed", "Copies the peer has confirmed", &|key, _| Number::Count(count(key).confirmed)),
        ("link_in_flight", "Copies the peer has not confirmed", &|key, _| gauge(count(key).in_flight)),
        ("link_queued_bytes", "Bytes that wait for a link", &|key, _| gauge(bus.queued(key.0, key.1).1)),
        ("link_rtt_seconds", "The round trip of a link", &|_, card| {
            Number::Gauge(seconds(card.traffic.rtt_us.value()))
        }),
    ];
    let metric = |(name, help, of): OfPeer<'_>| Metric {
        name,
        help,
        points: cards.iter().map(|(key, card)| (labels(*key, card), of(*key, card))).collect(),
    };
    let mut peers = BTreeMap::<String, u64>::new();
    for name in means.boards.networks.read().iter().map(|card| card.name.to_string()) {
        peers.insert(name, 0);
    }
    cards.keys().for_each(|(index, _)| *peers.entry(network(*index)).or_default() += 1);
    let connected = Metric {
        name: "peers",
        help: "Connected neighbours",
        points: peers.into_iter().map(|(name, count)| (vec![("network", name)], gauge(count))).collect(),
    };
    [connected].into_iter().chain(each.into_iter().map(metric)).collect()
}

/// A number of each plugin.
type OfPlugin<'a> = (&'static str, &'static str, &'a dyn Fn(&str, &PluginCard) -> Number);

fn plugins(means: &Means) -> Vec<Metric> {
    let cards = means.boards.plugins.read();
    let each: [OfPlugin<'_>; 16] = [
        ("plugin_handled", "Events handled", &|_, card| Number::Count(card.work.handled.value())),
        ("plugin_answered", "Requests answered", &|_, card| Number::Count(card.work.answered.value())),
        ("plugin_retried", "Attempts to be repeated", &|_, card| Number::Count(card.work.retried.value())),
        ("plugin_dead", "Dead letters", &|_, card| Number::Count(card.work.dead.value())),
        ("plugin_dropped", "Events dropped because it lagged", &|_, card| {
            Number::Count(card.work.dropped.value())
        }),
        ("plugin_trapped", "Calls that trapped", &|_, card| Number::Count(card.work.trapped.value())),
        ("plugin_pauses", "Pauses for failing too often", &|_, card| Number::Count(card.work.pauses.value())),
        ("plugin_restarts", "Starts of its process after its end", &|_, card| {
            Number::Count(card.work.restarts.value())
        }),
        ("plugin_queued", "Events that wait", &|_, card| gauge(card.work.queued.value())),
        ("plugin_letters", "Dead letters that are kept", &|name, _| {
            gauge(means.bus.letter_counts(name).letters as u64)
        }),
        ("plugin_paused", "1: paused, 2: one event is tried", &|_, card| gauge(card.work.breaker.value())),
        ("plugin_generation", "Loaded versions so far", &|_, card| gauge(card.generation)),
        ("plugin_busy_seconds", "Time in the guest", &|_, card| {
            Number::Sum(seconds(card.work.busy_us.value()))
        }),
        ("plugin_cpu_seconds", "Time on a processor", &|_, card| {
            Number::Sum(seconds(card.work.cpu_us.value()))
        }),
        ("plugin_memory_peak_bytes", "The most an instance had", &|_, card| {
            gauge(card.work.memory_peak.value())
        }),
        ("plugin_latency_seconds", "How long calls took", &|_, card| latency(&card.work)),
    ];
    let labels = |name: &str| vec![("plugin", name.to_owned())];
    let metric = |(name, help, of): OfPlugin<'_>| Metric {
        name,
        help,
        points: cards.iter().map(|(plugin, card)| (labels(plugin), of(plugin, card))).collect(),
    };
    let limited = cards.iter().flat_map(|(plugin, card)| {
        limits(&card.work).map(|(limit, count)| {
            let labels = vec![("plugin", plugin.to_string()), ("limit", limit.to_owned())];
            (labels, Number::Count(count))
        })
    });
    let limited =
        Metric { name: "plugin_limited", help: "Times a limit was reached", points: limited.collect() };
    each.into_iter().map(metric).chain([limited]).collect()
}

fn limits(work: &Work) -> [(&'static str, u64); 6] {
    [
        ("deadline", work.cut_deadline.value()),
        ("cpu", work.cut_cpu.value()),
        ("memory", work.cut_memory.value()),
        ("rate", work.paced.value()),
        ("payload", work.too_large.value()),
        ("log", work.lines_left_out.value()),
    ]
}

fn latency(work: &Work) -> Number {
    let (counts, sum_us) = work.latency.read();
    let bounds = LATENCY_BOUNDS_US.iter().map(|us| seconds(*us)).chain([f64::INFINITY]);
    Number::Histogram { buckets: bounds.zip(counts).collect(), sum: seconds(sum_us) }
}
