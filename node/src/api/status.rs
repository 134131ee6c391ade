//! `GET /v1/status`, `/v1/peers`, `/v1/graph`: what the node knows, as documents.

use std::{cmp::Reverse, collections::BTreeMap, net::SocketAddr, sync::Arc, time::SystemTime};

use axum::{Json, extract::State};
use hive_client::types::{self, V1};
use hive_proto::{
    channel::NetworkIndex, core::Place, id::NodeId, plane::account::ConsumerCounts, time::Hlc,
    trace::TraceCounts,
};

use super::{
    App, Means,
    convert::{ms, unix_ms},
    plugins,
    refusal::Refusal,
    visit::obstacle,
};
use crate::{
    bus::{Consumer, Holder},
    journal::{CursorStatus, Journal},
    status::{Components, PeerCard, TroubleCard},
};

/// Consumers in a status; a node may have a hundred thousand.
const CONSUMERS_SHOWN: usize = 256;

pub(super) async fn status(State(app): State<App>) -> Json<types::Status> {
    let means = &app.means;
    let node = means.boards.node.read();
    let (peers, consumers, (values, bytes)) = (read_peers(means), means.bus.consumers(), means.bus.kept());
    Json(types::Status {
        v: V1,
        node: types::NodeStatus {
            id: node.id.to_string(),
            name: node.name.clone(),
            version: env!("CARGO_PKG_VERSION").into(),
            incarnation: node.incarnation.0,
            started_ms: unix_ms(node.started),
            uptime_ms: age_ms(node.started),
            data_dir: node.data_dir.as_ref().map(|dir| dir.display().to_string()),
            socket: Some(app.socket.display().to_string()),
        },
        configuration: configuration(means),
        listen: means.boards.listen.read().iter().map(ToString::to_string).collect(),
        networks: networks(means, &peers),
        peers,
        troubles: troubles(means),
        plugins: plugins::all(means),
        absent: plugins::absent(means),
        components: components(means),
        bridges: super::bridges::read(means),
        events: events(means),
        consumers_total: consumers.len() as u64,
        consumers: list(consumers),
        kept: types::KeptStatus { values: values as u64, bytes: bytes as u64 },
        traces: traces(means),
    })
}

fn configuration(means: &Means) -> Option<types::ConfigurationStatus> {
    let card = means.boards.configuration.read();
    let card = card.as_ref().as_ref()?;
    Some(types::ConfigurationStatus {
        file: card.file.as_ref().map(|file| file.display().to_string()),
        loaded_ms: unix_ms(card.loaded),
        restart: card.restart.clone(),
        failed_ms: card.failed.as_ref().map(|(when, _)| unix_ms(*when)),
        problem: card.failed.as_ref().map(|(_, why)| why.clone()),
    })
}

pub(super) async fn peers(State(app): State<App>) -> Json<types::Peers> {
    Json(types::Peers { v: V1, peers: read_peers(&app.means) })
}

pub(super) async fn graph(State(app): State<App>) -> Result<Json<types::Graph>, Refusal> {
    let networks = app.means.control.graph().await?;
    let read = |(at, places): (usize, &Vec<Place>)| types::NetworkGraph {
        network: network_name(&app.means, NetworkIndex(u8::try_from(at).unwrap_or(u8::MAX))),
        nodes: places.iter().map(graph_node).collect(),
    };
    Ok(Json(types::Graph { v: V1, networks: networks.iter().enumerate().map(read).collect() }))
}

fn graph_node(place: &Place) -> types::GraphNode {
    types::GraphNode {
        id: place.node.to_string(),
        name: place.name.clone(),
        via: place.via.map(|via| via.to_string()),
        links: place.links.iter().map(ToString::to_string).collect(),
        patterns: u64::try_from(place.patterns).unwrap_or(u64::MAX),
    }
}

fn network_name(means: &Means, network: NetworkIndex) -> String {
    means.bus.names().network(network).map(ToString::to_string).unwrap_or_default()
}

fn networks(means: &Means, peers: &[types::PeerStatus]) -> Vec<types::NetworkStatus> {
    let cards = means.boards.networks.read();
    let journals = means.bus.journals();
    let status = |(at, card): (usize, &crate::status::NetworkCard)| {
        let connected = peers.iter().filter(|peer| peer.network == card.name.as_str()).count();
        types::NetworkStatus {
            name: card.name.to_string(),
            home: at == 0,
            open: card.open,
            epoch: card.epoch,
            ready: card.ready,
            peers: u64::try_from(connected).unwrap_or(u64::MAX),
            journal: journals
                .iter()
                .find(|(network, _)| usize::from(network.0) == at)
                .map(|(_, j)| journal(j)),
        }
    };
    cards.iter().enumerate().map(status).collect()
}

fn read_peers(means: &Means) -> Vec<types::PeerStatus> {
    let cards = means.boards.peers.read();
    cards.iter().map(|(key, card)| peer(means, *key, card)).collect()
}

fn peer(means: &Means, (network, id): (NetworkIndex, NodeId), card: &PeerCard) -> types::PeerStatus {
    let traffic = &card.traffic;
    let (link, line) = means.bus.link_counts(network, id).unwrap_or_default();
    let (_, queued) = means.bus.queued(network, id);
    types::PeerStatus {
        id: id.to_string(),
        name: card.name.clone(),
        network: network_name(means, network),
        addr: card.addr.to_string(),
        dialled: card.dialled,
        since_ms: unix_ms(card.since),
        connected_ms: age_ms(card.since),
        ready: card.informed,
        patterns: card.patterns,
        epoch: traffic.epoch.value(),
        rtt_us: Some(traffic.rtt_us.value()).filter(|rtt| *rtt > 0),
        sent_events: traffic.sent_events.value(),
        sent_bytes: traffic.sent_bytes.value(),
        received_events: traffic.received_events.value(),
        received_bytes: traffic.received_bytes.value(),
        queued,
        dropped: link.dropped,
        confirmed: link.confirmed,
        in_flight: link.in_flight,
        lost: link.lost,
        passed_on: types::PassedOn {
            sent: line.sent,
            confirmed: line.confirmed,
            in_flight: line.in_flight,
            taken_back: line.taken_back,
        },
    }
}

fn troubles(means: &Means) -> Vec<types::Trouble> {
    let troubles = means.boards.troubles.read();
    let trouble = |((addr, dialled), card): (&(SocketAddr, bool), &TroubleCard)| types::Trouble {
        addr: addr.to_string(),
        dialled: *dialled,
        node: card.peer.map(|peer| peer.to_string()),
        obstacle: obstacle(card.obstacle),
        why: card.why.clone(),
        times: card.times,
        ago_ms: age_ms(card.last),
    };
    troubles.iter().map(trouble).collect()
}

fn components(means: &Means) -> types::ComponentStatus {
    let Components { compiled, cached } = &*means.boards.components;
    types::ComponentStatus { compiled: compiled.value(), cached: cached.value() }
}

fn events(means: &Means) -> types::EventStatus {
    let (counts, (taken, limit)) = (means.bus.counts(), means.bus.queues());
    let dropped = counts.dropped.iter().map(|(reason, copies)| (reason.name().to_owned(), *copies));
    types::EventStatus {
        published: counts.published,
        delivered: counts.consumers.matched,
        handed_over: counts.consumers.handed_over,
        queued: counts.consumers.queued,
        missed: counts.consumers.dropped,
        queues_bytes: taken as u64,
        queues_bytes_max: limit as u64,
        sent: counts.sent,
        received: counts.received,
        relayed: counts.relayed,
        handed_out: means.bus.handed_out() as u64,
        dropped: dropped.collect::<BTreeMap<_, _>>(),
    }
}

/// Those that missed something first, then those that have most to do.
fn list(mut consumers: Vec<Consumer>) -> Vec<types::ConsumerStatus> {
    consumers.sort_by_key(|consumer| Reverse((consumer.counts.dropped, consumer.counts.queued)));
    let status = |Consumer { holder, counts, lagging }| {
        let (kind, name) = match holder {
            Holder::Client(name) => ("client", name),
            Holder::Plugin(name) => ("plugin", name),
            Holder::Bridge(name) => ("bridge", name),
        };
        let ConsumerCounts { matched, handed_over, queued, dropped } = counts;
        types::ConsumerStatus { kind: kind.into(), name, matched, handed_over, queued, dropped, lagging }
    };
    consumers.into_iter().take(CONSUMERS_SHOWN).map(status).collect()
}

fn journal(journal: &Arc<dyn Journal>) -> types::JournalStatus {
    let status = journal.status();
    let cursor = |cursor: CursorStatus| types::CursorStatus {
        name: cursor.name.to_string(),
        floor: cursor.floor,
        lag: cursor.lag,
        lost: cursor.lost,
        since_ms: cursor.since_ms,
    };
    types::JournalStatus {
        bytes: status.bytes,
        events: status.events,
        segments: status.segments as u64,
        first: status.first,
        last: status.last,
        oldest_ms: status.oldest.map(Hlc::unix_ms),
        waiting: status.waiting as u64,
        last_failure: status.last_failure,
        cursors: status.cursors.into_iter().map(cursor).collect(),
    }
}

fn traces(means: &Means) -> types::TraceStatus {
    let TraceCounts { asked, refused, silent, passed, ended, reports, over_rate, stray } =
        *means.boards.traces.read();
    types::TraceStatus { asked, refused, silent, passed, ended, reports, over_rate, stray }
}

fn age_ms(since: SystemTime) -> u64 {
    ms(since.elapsed().unwrap_or_default())
}
