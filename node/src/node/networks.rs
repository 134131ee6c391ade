//! The networks a node is to be in: their keys, and what is said of them.

use hive_proto::channel::{NetworkIndex, NetworkName};

use super::{
    builder::{DEFAULT_NETWORK, Network},
    start::{StartError, blocking},
};
use crate::{
    status::NetworkCard,
    transport::Membership,
    trust::{membership::AllowList, network::NetworkKey, ring::Ring},
};

/// The networks to be in: the open default one when nothing else was said.
pub(super) fn networks(chosen: Vec<Network>) -> Vec<Network> {
    if !chosen.is_empty() {
        return chosen;
    }
    let name = NetworkName::parse(DEFAULT_NETWORK).expect("a constant that is a name");
    vec![Network::new(name, None)]
}

/// Their keys; a passphrase takes its time to become one.
pub(super) async fn memberships(networks: &[Network]) -> Result<Vec<Membership>, StartError> {
    let chosen: Vec<_> = networks
        .iter()
        .map(|network| (network.called.clone(), network.ring.clone(), network.allow.clone()))
        .collect();
    let derive = move || {
        let indices = (0..).map(NetworkIndex);
        let join =
            |((network, ring, allow), index): ((NetworkName, Option<Ring>, AllowList), NetworkIndex)| {
                let key = match &ring {
                    None => NetworkKey::open(&network),
                    Some(ring) => NetworkKey::from_ring(&network, ring)
                        .map_err(|source| StartError::Secrets { network, source })?,
                };
                Ok(Membership { index, key, allow })
            };
        chosen.into_iter().zip(indices).map(join).collect()
    };
    blocking(derive).await
}

pub(super) fn cards(networks: &[Network], memberships: &[Membership]) -> Vec<NetworkCard> {
    let card = |(network, membership): (&Network, &Membership)| NetworkCard {
        name: network.name.clone(),
        open: membership.key.is_open(),
        epoch: membership.key.newest(),
        ready: false,
    };
    networks.iter().zip(memberships).map(card).collect()
}
