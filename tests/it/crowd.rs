//! A node in a large mesh: what a thousand others cost it.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bytes::{Bytes, BytesMut};
use hive_node::{
    transport::{Endpoint, Listen, Membership},
    trust::{identity::Identity, network::NetworkKey, sign::Signer},
};
use hive_proto::{
    channel::{NetworkIndex, NetworkName},
    frame::{
        control::{Control, Greeting},
        gossip::Gossip,
    },
    id::{Incarnation, NodeId},
    interest::{InterestOp, Wanted},
    pattern::Pattern,
    record::{Change, Own},
};
use hive_tests::{nodes::Node, wait};

use crate::node;

/// Nodes beside the one that is measured.
const NODES: usize = 1_000;
/// Patterns each of them wants.
const PATTERNS: usize = 100;
/// Nodes that one leads to, so that all are reached by few hops and nobody has more links than may be.
const BRANCHES: usize = 40;
/// What all of them may take together.
const MEMORY_MAX: u64 = 50 << 20;

/// What a thousand nodes with a hundred patterns each state is known to a node that one of them is linked to, and
/// takes at most 50 MB.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_nodes_take_little_memory() -> Result<()> {
    let node = node("one").start().await?;
    let idle = memory(&node)?;
    let crowd = Crowd::new();
    let network = NetworkName::parse("hive")?;
    let membership = Membership::new(NetworkIndex::HOME, NetworkKey::open(&network));
    let endpoint = Endpoint::bind(Listen::Loopback, &crowd.identities[0])?;
    let mut session = endpoint.dial(node.addr(), &membership, None).await?;
    session.control_send.write_all(&greeting()).await?;
    let me: NodeId = session.peer;
    for statement in crowd.statements(&membership, me) {
        let mut frame = BytesMut::new();
        Gossip::Statements { answer: false, statements: vec![statement] }.put(&mut frame);
        session.control_send.write_all(&frame).await?;
    }
    wait::until("all of them to be known", Duration::from_secs(60), async || {
        let graph = node.client().graph().await.ok()?;
        let known = &graph.networks.first()?.nodes;
        let patterns: u64 = known.iter().map(|node| node.patterns).sum();
        (known.len() == NODES + 1 && patterns >= (NODES * PATTERNS) as u64).then_some(())
    })
    .await
    .with_context(|| node.printed())?;
    let taken = memory(&node)?.saturating_sub(idle);
    println!("{NODES} nodes and {} patterns take {} KiB", NODES * PATTERNS, taken >> 10);
    ensure!(taken <= MEMORY_MAX, "{taken} bytes beside the {idle} of an idle node");
    Ok(())
}

/// Nodes that exist as what they state: a tree, the first of them at its root.
struct Crowd {
    identities: Vec<Identity>,
}

impl Crowd {
    fn new() -> Self {
        Self { identities: (0..NODES).map(|_| Identity::ephemeral()).collect() }
    }

    /// Everybody's, the root's first.
    fn statements(&self, membership: &Membership, root_is_linked_to: NodeId) -> Vec<Bytes> {
        let node = |at: usize| self.identities.get(at).map(Identity::node_id);
        let mut statements = Vec::new();
        for (at, identity) in self.identities.iter().enumerate() {
            let signer = Signer::new(identity, std::slice::from_ref(membership));
            let mut own = Own::new(identity.node_id(), NetworkIndex::HOME, Incarnation(1));
            let above = at.checked_sub(1).map_or(Some(root_is_linked_to), |below| node(below / BRANCHES));
            let below = (at * BRANCHES + 1..=at * BRANCHES + BRANCHES).filter_map(node);
            above.into_iter().chain(below).for_each(|other| own.note(Change::Link(other)));
            (0..PATTERNS).for_each(|number| own.note(wants(&format!("site-{at}/sensor-{number}/*"))));
            statements.extend(own.say(&signer).into_iter().map(|statement| statement.bytes));
        }
        statements
    }
}

fn wants(pattern: &str) -> Change {
    Change::Interest(InterestOp::Add(Wanted::new(Pattern::parse(pattern).expect("a pattern"), false)))
}

fn greeting() -> Bytes {
    let name = "crowd".into();
    let life = Greeting { minor: 0, features: 0, incarnation: Incarnation(1), dial: 1, unix_ms: 0, name };
    Control::Greeting(life).encode()
}

/// What the node's process has in memory now.
fn memory(node: &Node) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", node.process()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? << 10)
}
