//! What bridges need of the node's networks: the secrets they seal with.

use std::sync::Arc;

use hive_proto::id::Incarnation;

use crate::{
    bridge::{Config, Seals},
    transport::Membership,
    trust::{
        identity::Identity,
        seal::{Opener, Sealer},
    },
};

/// The same with what seals in each network that has a secret.
pub(super) fn sealed(
    config: Config,
    memberships: &[Membership],
    (identity, incarnation): (&Identity, Incarnation),
) -> Config {
    let seals = memberships.iter().filter_map(|membership| {
        let sealer = Sealer::new(&membership.key, identity)?;
        let (who, opener) = ((identity.node_id(), incarnation), Opener::new(&membership.key));
        let seals = Seals::new(membership.index, who, (sealer, opener));
        Some((membership.index, Arc::new(seals)))
    });
    Config { seals: seals.collect(), ..config }
}
