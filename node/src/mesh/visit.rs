//! Visits: connecting to an address as to a peer's, to see who is there and what it says, and leaving again.
//!
//! What it owns: which networks are tried, and reading a greeting. Exists for people who ask why two nodes are no
//! neighbours. The control plane never hears of a visit, and the other side sees a link that ends before it was greeted.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::BytesMut;
use hive_proto::{
    channel::{NetworkIndex, NetworkName},
    frame::{
        control::{Control, Greeting},
        split_frame,
    },
    limits::CONTROL_FRAME_BYTES_MAX,
};
use tokio::time::timeout;

use crate::{
    control::{Met, Missed, Visit},
    status::Obstacle,
    transport::{CloseCode, DialError, Endpoint, Membership, Session},
    trust::network::NetworkKey,
};

/// How long the other side may take to greet once it has let us in.
const GREETING_TIME: Duration = Duration::from_secs(2);

/// Connects to addresses on behalf of a node.
#[derive(Debug, Clone)]
pub struct Visitor {
    endpoint: Endpoint,
    /// The networks to try: the node's own, and then open ones that others may be in.
    tries: Arc<[(NetworkName, bool, Membership)]>,
}

impl Visitor {
    /// Visits from this endpoint, as a member of these networks. Where none of them is known, it looks whether the
    /// other is in an open network of one of their names, or in `usual`: what a node is in that was told nothing.
    #[must_use]
    pub fn new(
        endpoint: Endpoint,
        networks: Vec<(NetworkName, Membership)>,
        usual: Option<NetworkName>,
    ) -> Self {
        let is_ours = |name: &NetworkName| networks.iter().any(|(own, of)| own == name && of.key.is_open());
        let mut guesses: Vec<NetworkName> = networks.iter().map(|(name, _)| name.clone()).collect();
        guesses.extend(usual);
        guesses.retain(|name| !is_ours(name));
        guesses.dedup();
        let guesses = guesses.into_iter().map(|name| {
            let key = NetworkKey::open(&name);
            (name, false, Membership::new(NetworkIndex(u8::MAX), key))
        });
        let guesses: Vec<_> = guesses.collect();
        let ours = networks.into_iter().map(|(name, membership)| (name, true, membership));
        Self { endpoint, tries: ours.chain(guesses).collect() }
    }

    /// Tries the networks in turn, until one is right or it is clear that no other can be.
    pub async fn visit(&self, addr: SocketAddr) -> Vec<Visit> {
        let mut visits = Vec::new();
        for (name, ours, membership) in self.tries.iter() {
            let outcome = visit(&self.endpoint, addr, membership).await;
            let goes_on = matches!(&outcome, Err(missed) if missed.obstacle == Obstacle::Network);
            visits.push(Visit { network: name.to_string(), ours: *ours, outcome });
            if !goes_on {
                break;
            }
        }
        visits
    }
}

/// What the wall clock says, in milliseconds since the Unix epoch.
pub(super) fn unix_ms() -> u64 {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(unix.as_millis()).unwrap_or(u64::MAX)
}

async fn visit(endpoint: &Endpoint, addr: SocketAddr, membership: &Membership) -> Result<Met, Missed> {
    let dialled = endpoint.dial(addr, membership, None).await;
    let mut session =
        dialled.map_err(|error: DialError| Missed { obstacle: error.obstacle(), why: error.to_string() })?;
    let greeting = timeout(GREETING_TIME, greeting(&mut session)).await.ok().flatten();
    let rtt = session.connection.rtt();
    let clock_ms = greeting.as_ref().map(|greeting| ahead_ms(greeting.unix_ms, rtt, unix_ms()));
    session.connection.close(CloseCode::Leaving.into(), b"a visit");
    Ok(Met {
        node: session.peer,
        minor: greeting.as_ref().map_or(0, |greeting| greeting.minor),
        name: greeting.map(|greeting| greeting.name).unwrap_or_default(),
        clock_ms,
        rtt,
    })
}

/// The first frame of the other side, if it is a greeting.
async fn greeting(session: &mut Session) -> Option<Greeting> {
    let mut buffer = BytesMut::new();
    loop {
        let chunk = session.control_recv.read_chunk(CONTROL_FRAME_BYTES_MAX, true).await.ok().flatten()?;
        buffer.extend_from_slice(&chunk.bytes);
        if let Some((kind, body)) = split_frame(&mut buffer, CONTROL_FRAME_BYTES_MAX).ok()? {
            return match Control::decode(kind, &body) {
                Ok(Some(Control::Greeting(greeting))) => Some(greeting),
                _ => None,
            };
        }
    }
}

/// How far a clock is ahead that said `theirs` half a round trip before ours says `ours`. Both are taken for what they
/// are: numbers that anybody may have made up.
fn ahead_ms(theirs: u64, rtt: Duration, ours: u64) -> i64 {
    let way = rtt.as_millis() / 2;
    let ahead = i128::from(theirs).saturating_add(i128::try_from(way).unwrap_or(0)) - i128::from(ours);
    i64::try_from(ahead).unwrap_or(if ahead < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        transport::Listen,
        trust::{identity::Identity, secret::Secret},
    };

    fn name(text: &str) -> NetworkName {
        NetworkName::parse(text).expect("a network")
    }

    fn closed(text: &str, secret: &str) -> (NetworkName, Membership) {
        let secret = Secret::parse(secret).expect("a secret");
        let key = NetworkKey::from_secret(&name(text), &secret);
        (name(text), Membership::new(NetworkIndex(0), key))
    }

    /// A node, and what a visitor of these networks sees there.
    async fn look(there: crate::Builder, networks: Vec<(NetworkName, Membership)>) -> Vec<Visit> {
        let there = there.name("there").listen(Listen::Loopback).mdns(false).start().await.expect("a node");
        let addr = there.local_addr().expect("it listens");
        let endpoint = Endpoint::bind(Listen::Loopback, &Identity::ephemeral()).expect("an endpoint");
        let visits = Visitor::new(endpoint, networks, Some(name("hive"))).visit(addr).await;
        there.shutdown().await;
        visits
    }

    fn story(visits: &[Visit]) -> Vec<String> {
        let tell = |visit: &Visit| match &visit.outcome {
            Ok(met) => format!("{} {}: {}", visit.network, visit.ours, met.name),
            Err(missed) => format!("{} {}: {:?}", visit.network, visit.ours, missed.obstacle),
        };
        visits.iter().map(tell).collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_visit_says_who_is_there_and_in_which_network() {
        let (one, other) = ("correct horse battery staple", "another horse battery staple");
        let secret = || Secret::parse(one).expect("a secret");
        let vault = || crate::Node::builder().closed_network(name("vault"), secret());
        let met = look(vault(), vec![closed("vault", one)]).await;
        assert_eq!(story(&met), ["vault true: there"]);
        let clock = met[0].outcome.as_ref().expect("let in").clock_ms.expect("a greeting");
        assert!(clock.abs() < 400, "one host has one clock: {clock} ms");

        let stranger = look(vault(), vec![closed("vault", other)]).await;
        assert_eq!(story(&stranger), ["vault true: Network", "vault false: Network", "hive false: Network"]);
        let untold = look(crate::Node::builder(), vec![closed("vault", one)]).await;
        assert_eq!(story(&untold), ["vault true: Network", "vault false: Network", "hive false: there"]);
        let unlocked = look(crate::Node::builder().network(name("vault")), vec![closed("vault", one)]).await;
        assert_eq!(story(&unlocked), ["vault true: Network", "vault false: there"]);
    }

    #[test]
    fn clocks_of_liars_are_numbers() {
        assert_eq!(ahead_ms(1_500, Duration::from_millis(20), 1_000), 510);
        assert_eq!(ahead_ms(0, Duration::ZERO, u64::MAX), i64::MIN);
        assert_eq!(ahead_ms(u64::MAX, Duration::MAX, 0), i64::MAX);
    }
}
