//! The doctor: why two hosts do not see each other.
//!
//! What it owns: the order in which things are looked at, and the judgement of what was seen; a file a probe. It looks
//! from outside, through the running node's API where one runs, and with the node's own means (knocking, visiting,
//! mDNS) everywhere else. It changes nothing, and must not know how a report is printed.

mod clock;
mod interface;
mod link;
mod multicast;
mod neighbours;
mod network;
mod node;
mod port;
mod report;
mod way;

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures_util::future::join_all;
use hive_client::{Client, types::Status};
use hive_proto::channel::{NetworkIndex, NetworkName};

pub use report::{Cause, Finding, Probe, Report, Verdict};

use crate::{
    config::{DEFAULT_NETWORK, PeerAddress, Settings},
    mesh::visit::Visitor,
    transport::{Endpoint, Membership},
    trust::{
        network::NetworkKey,
        ring::{Ring, RingError},
    },
};
use clock::Clock;
use interface::Interface;
use multicast::Air;
use network::{Eyes, Met};

/// How long an address may be silent: the kernel takes three seconds to say that no host has it.
const PATIENCE: Duration = Duration::from_millis(3500);
/// Hosts that are looked at when none is named.
const OTHERS_MAX: usize = 4;
/// Neighbours whose clocks are asked for.
const CLOCKS_MAX: usize = 5;

/// Whom the examination is about.
#[derive(Debug)]
pub enum Subject {
    /// The node that runs here.
    Running {
        /// To ask it.
        client: Client,
        /// What it says of itself.
        status: Box<Status>,
    },
    /// A node as it would be started: none runs.
    Planned(Box<Settings>),
}

/// Looks at this host, and at another one if it is named; otherwise at those that are near and are no neighbours.
/// `say` hears each finding as soon as it is there. Takes some seconds.
///
/// # Errors
/// When a secret of the configuration is none.
pub async fn examine(
    subject: &Subject,
    target: Option<&PeerAddress>,
    say: impl FnMut(&Finding),
) -> Result<Report, RingError> {
    let mut ward = Ward { report: Report::default(), say };
    let interfaces = interface::interfaces();
    ward.note(node::probe(subject, target.is_some()));
    ward.note(node::data(subject));
    let at_home = target.is_some_and(|target| is_loopback(&target.host));
    ward.note(interface::probe(&interfaces, at_home));
    let eyes = ward.port(subject, &interfaces, at_home).await?;
    let air = match at_home {
        true => Air::default(),
        false => ward.air(subject, &interfaces).await,
    };
    let scene = Scene { subject, interfaces: &interfaces, eyes: &eyes, air: &air };
    let (met, looked_at) = match target {
        Some(target) => ward.named(&scene, target, at_home).await,
        None => ward.others(&scene).await,
    };
    if let Subject::Running { status, .. } = subject {
        ward.notes(neighbours::refused(status, &looked_at));
    }
    ward.note(clock::probe(&clocks(&scene, met).await));
    Ok(ward.report)
}

/// What every look at another host needs.
struct Scene<'a> {
    subject: &'a Subject,
    interfaces: &'a [Interface],
    eyes: &'a Eyes<'a>,
    air: &'a Air,
}

/// Where findings are gathered.
struct Ward<S> {
    report: Report,
    say: S,
}

impl<S: FnMut(&Finding)> Ward<S> {
    fn note(&mut self, finding: Finding) {
        (self.say)(&finding);
        self.report.findings.push(finding);
    }

    fn notes(&mut self, findings: Vec<Finding>) {
        findings.into_iter().for_each(|finding| self.note(finding));
    }

    async fn port<'a>(
        &mut self,
        subject: &'a Subject,
        interfaces: &[Interface],
        at_home: bool,
    ) -> Result<Eyes<'a>, RingError> {
        match subject {
            Subject::Running { client, .. } => {
                self.note(port::of_running(subject, interfaces, at_home).await);
                Ok(Eyes::Node(client))
            }
            Subject::Planned(settings) => {
                let (finding, endpoint) = port::of_planned(settings);
                self.note(finding);
                let visitor = |endpoint: Endpoint| {
                    let memberships = memberships(settings)?;
                    let usual = NetworkName::parse(DEFAULT_NETWORK).ok();
                    Ok::<_, RingError>(Visitor::new(endpoint, memberships, usual))
                };
                Ok(endpoint.map(visitor).transpose()?.map_or(Eyes::Shut, Eyes::Own))
            }
        }
    }

    async fn air(&mut self, subject: &Subject, interfaces: &[Interface]) -> Air {
        let air = multicast::listen(interfaces).await;
        let status = match subject {
            Subject::Running { status, .. } => Some(status),
            Subject::Planned(_) => None,
        };
        let own = status.map(|status| status.node.id.as_str());
        let connected = status.is_some_and(|status| !status.peers.is_empty());
        self.note(multicast::probe(interfaces, &air, own, connected));
        if let Some(status) = status {
            self.note(neighbours::probe(status));
        }
        air
    }

    /// The whole way to the host that was named.
    async fn named(
        &mut self,
        scene: &Scene<'_>,
        target: &PeerAddress,
        at_home: bool,
    ) -> (Vec<Met>, BTreeSet<IpAddr>) {
        let (finding, addrs) = way::resolve(target, scene.subject).await;
        let about = target.to_string();
        self.note(finding);
        let looked_at = addrs.iter().map(SocketAddr::ip).collect();
        if addrs.is_empty() {
            return (Vec::new(), looked_at);
        }
        let (findings, met) = look(scene, &about, &addrs).await;
        self.notes(findings);
        if let Some(met) = &met
            && !at_home
        {
            self.link(scene, &about, met).await;
        }
        (met.into_iter().collect(), looked_at)
    }

    /// Hosts that were heard or dialled in vain, and that this host's node is not connected to.
    async fn others(&mut self, scene: &Scene<'_>) -> (Vec<Met>, BTreeSet<IpAddr>) {
        let others = strangers(scene).await;
        let looks = others.iter().map(async |addrs| {
            let about = addrs.first().map(ToString::to_string).unwrap_or_default();
            let (findings, met) = look(scene, &about, addrs).await;
            (about, findings, met)
        });
        let mut all = Vec::new();
        for (about, findings, met) in join_all(looks).await {
            self.notes(findings);
            if let Some(met) = met {
                self.link(scene, &about, &met).await;
                all.push(met);
            }
        }
        (all, others.iter().flatten().map(SocketAddr::ip).collect())
    }

    async fn link(&mut self, scene: &Scene<'_>, about: &str, met: &Met) {
        let graph = match scene.subject {
            Subject::Running { client, .. } => client.graph().await.ok(),
            Subject::Planned(_) => None,
        };
        let finding = link::probe(met, scene.subject, graph.as_ref(), scene.air, scene.interfaces);
        self.note(finding.about(about));
    }
}

/// How far one gets to another host, and who is there.
async fn look(scene: &Scene<'_>, about: &str, addrs: &[SocketAddr]) -> (Vec<Finding>, Option<Met>) {
    let listen = port::listen(scene.subject);
    let (mut way, worth) = way::probe(about, addrs, listen, scene.interfaces).await;
    let Some(addr) = worth else { return (vec![way], None) };
    let visit = scene.eyes.visit(addr).await;
    let met = visit.as_ref().ok().and_then(|visit| network::met(addr, visit));
    let mut found = network::probe(about, &visit);
    if way.verdict == Verdict::Fail {
        if met.is_none() {
            return (vec![way], None);
        }
        // Knocking heard nothing, and the node was let in all the same.
        way = Finding::ok(Probe::Way, "UDP gets through").about(about);
    }
    found.insert(0, way);
    (found, met)
}

/// Who is near and no neighbour.
async fn strangers(scene: &Scene<'_>) -> Vec<Vec<SocketAddr>> {
    let mut known = BTreeSet::new();
    let mut addrs: Vec<Vec<SocketAddr>> = Vec::new();
    if let Subject::Running { client, status } = scene.subject {
        known.insert(status.node.id.clone());
        known.extend(status.peers.iter().map(|peer| peer.id.clone()));
        let graph = client.graph().await.ok();
        let networks = graph.into_iter().flat_map(|graph| graph.networks);
        known.extend(networks.flat_map(|network| network.nodes).map(|node| node.id));
        addrs.extend(neighbours::dialled_in_vain(status).into_iter().map(|addr| vec![addr]));
    }
    let heard = scene.air.heard.iter().filter(|heard| !known.contains(&heard.node.to_string()));
    for heard in heard.filter(|heard| !heard.addrs.is_empty()) {
        // What was dialled in vain is most often what was heard.
        addrs.retain(|dialled| !dialled.iter().all(|addr| heard.addrs.contains(addr)));
        addrs.push(heard.addrs.clone());
    }
    addrs.truncate(OTHERS_MAX);
    addrs
}

/// The clocks of those who were met, and of neighbours.
async fn clocks(scene: &Scene<'_>, mut met: Vec<Met>) -> Vec<Clock> {
    if let Subject::Running { status, .. } = scene.subject {
        let neighbours = status.peers.iter().filter(|peer| met.iter().all(|met| met.node != peer.id));
        let addrs = neighbours.filter_map(|peer| peer.addr.parse().ok()).take(CLOCKS_MAX);
        let visits =
            addrs.map(async |addr: SocketAddr| network::met(addr, &scene.eyes.visit(addr).await.ok()?));
        met.extend(join_all(visits.collect::<Vec<_>>()).await.into_iter().flatten());
    }
    let clock = |met: Met| Some(Clock { ahead_ms: met.clock_ms?, name: met.name });
    met.into_iter().filter_map(clock).collect()
}

/// The networks a node would be in.
fn memberships(settings: &Settings) -> Result<Vec<(NetworkName, Membership)>, RingError> {
    let networks = settings.networks.iter().zip((0..).map(NetworkIndex));
    let join = |(network, index): (&crate::config::NetworkSettings, NetworkIndex)| {
        let name = network.name.clone();
        let key = match &network.secret {
            Some(secret) => NetworkKey::from_ring(&network.called, &Ring::parse(secret.reveal())?)?,
            None => NetworkKey::open(&network.called),
        };
        Ok((name, Membership::new(index, key)))
    };
    networks.map(join).collect()
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
