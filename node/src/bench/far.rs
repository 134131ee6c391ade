//! The far end's process: a node and a thin endpoint, whose addresses it prints on one line of JSON.
//! It ends when its standard input does, so it never outlives the process that started it.

use anyhow::{Context, Result};
use hive_proto::channel::{NetworkIndex, NetworkName};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;

use super::{hive, thin};
use crate::{
    Node,
    transport::{Endpoint, Listen, Membership},
    trust::{identity::Identity, network::NetworkKey},
};

/// Where the far end listens.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Addresses {
    pub(super) thin: std::net::SocketAddr,
    pub(super) hive: std::net::SocketAddr,
}

/// Is the far end until standard input ends.
///
/// # Errors
/// When a socket cannot be bound or the near end breaks off.
pub async fn serve() -> Result<()> {
    let thin = thin_endpoint()?;
    let node = node().await?;
    let hive = node.local_addr().context("the far node has no link")?;
    let addresses = Addresses { thin: thin.local_addr(), hive };
    println!("{}", serde_json::to_string(&addresses)?);
    let mut nothing = Vec::new();
    let mut input = tokio::io::stdin();
    tokio::select! {
        ended = input.read_to_end(&mut nothing) => drop(ended?),
        ended = hive::serve(&node) => ended?,
        () = accept(&thin) => {}
    }
    node.shutdown().await;
    Ok(())
}

async fn accept(thin: &Endpoint) {
    let memberships = [membership()];
    while let Some(arrival) = thin.accept().await {
        match arrival.admit(&memberships).await {
            Ok(session) => thin::serve(session).await,
            Err(error) => tracing::warn!("{error}"),
        }
    }
}

/// A node that only the other process finds.
pub(super) async fn node() -> Result<Node> {
    Ok(Node::builder().listen(Listen::Loopback).mdns(false).start().await?)
}

pub(super) fn thin_endpoint() -> Result<Endpoint> {
    Ok(Endpoint::bind(Listen::Loopback, &Identity::ephemeral())?)
}

/// The thin link's network: open, since its traffic stays between two processes of one user.
pub(super) fn membership() -> Membership {
    let name = NetworkName::parse("bench").expect("a constant that is a name");
    Membership::new(NetworkIndex::HOME, NetworkKey::open(&name))
}
