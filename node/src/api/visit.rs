//! `POST /v1/visit/ADDRESS`: who is at an address, and what is in the way; as a document.

use std::net::SocketAddr;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use hive_client::types::{self, V1};

use super::{
    App,
    refusal::{self, Refusal},
};
use crate::{
    control::{Met, Missed, Visit},
    status::Obstacle,
};

pub(super) async fn visit(
    State(app): State<App>,
    addr: Result<Path<String>, PathRejection>,
) -> Result<Json<types::Visit>, Refusal> {
    let Path(text) = addr?;
    let addr: SocketAddr = text.parse().map_err(|_| {
        refusal::invalid(format!("`{text}` is no address with a port, as in `10.0.0.2:7182`"))
    })?;
    Ok(Json(document(addr, app.means.control.visit(addr).await?)))
}

/// What came of a visit, as a document.
#[must_use]
pub fn document(addr: SocketAddr, visits: Vec<Visit>) -> types::Visit {
    types::Visit { v: V1, addr: addr.to_string(), tries: visits.into_iter().map(attempt).collect() }
}

fn attempt(visit: Visit) -> types::VisitTry {
    let Visit { network, ours, outcome } = visit;
    let empty = types::VisitTry { network, ours, ..types::VisitTry::default() };
    match outcome {
        Ok(Met { node, name, minor, clock_ms, rtt }) => types::VisitTry {
            node: Some(node.to_string()),
            name: Some(name).filter(|name| !name.is_empty()),
            minor: Some(minor),
            clock_ms,
            rtt_us: u64::try_from(rtt.as_micros()).ok(),
            ..empty
        },
        Err(Missed { obstacle: kind, why }) => {
            types::VisitTry { obstacle: Some(obstacle(kind)), why: Some(why), ..empty }
        }
    }
}

/// The kind of trouble, as a document says it.
pub(super) fn obstacle(obstacle: Obstacle) -> types::Obstacle {
    match obstacle {
        Obstacle::Unreachable => types::Obstacle::Unreachable,
        Obstacle::Network => types::Obstacle::Network,
        Obstacle::Epoch => types::Obstacle::Epoch,
        Obstacle::NotListed => types::Obstacle::NotListed,
        Obstacle::Version => types::Obstacle::Version,
        Obstacle::Busy => types::Obstacle::Busy,
        Obstacle::Refused => types::Obstacle::Refused,
        Obstacle::Unproved => types::Obstacle::Unproved,
        Obstacle::OtherNode => types::Obstacle::OtherNode,
        Obstacle::Myself => types::Obstacle::Myself,
        Obstacle::NoNode => types::Obstacle::NoNode,
    }
}
