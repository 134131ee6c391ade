//! What the board of bridges says, as documents.

use hive_client::types;

use super::{Means, convert::unix_ms};
use crate::status::{BridgeCard, BridgeState};

pub(super) fn read(means: &Means) -> Vec<types::BridgeStatus> {
    means.boards.bridges.read().iter().map(|(name, card)| bridge(name, card)).collect()
}

fn bridge(name: &str, card: &BridgeCard) -> types::BridgeStatus {
    let traffic = &card.traffic;
    types::BridgeStatus {
        name: name.into(),
        kind: card.kind.into(),
        state: match card.state {
            BridgeState::Connecting => types::BridgeState::Connecting,
            BridgeState::Up => types::BridgeState::Up,
            BridgeState::Waiting => types::BridgeState::Waiting,
            BridgeState::Standby => types::BridgeState::Standby,
            BridgeState::Failed => types::BridgeState::Failed,
            BridgeState::Stopped => types::BridgeState::Stopped,
        },
        with: card.with.clone(),
        since_ms: card.since.map(unix_ms),
        problem: card.problem.clone(),
        imported: traffic.imported.value(),
        exported: traffic.exported.value(),
        clients: traffic.clients.value(),
        retries: traffic.retries.value(),
        dropped: traffic.drops().map(|(reason, count)| (reason.name().to_owned(), count)).collect(),
    }
}
