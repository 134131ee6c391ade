//! Getting links: dialling where the state machine says, and admitting who dials us. Either way the
//! outcome goes to the actor; what is refused is said in words, without flooding the log.

use std::{
    fmt::Display,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::{Instant, SystemTime},
};

use hive_proto::{
    channel::NetworkIndex,
    id::NodeId,
    io::{Attempt, DialFailure, Input},
};
use tokio::sync::mpsc;

use crate::{
    shutdown::Part,
    status::{Boards, Obstacle, TroubleCard, add_trouble},
    transport::{
        AdmitError, AdmitFailure, Arrival, DialError, Endpoint, Membership, Session, limits::Notices,
    },
};

/// An admitted connection, and the attempt that led to it when this node dialled.
pub(super) type Admitted = (Session, Option<Attempt>);

/// Where to report, for both directions.
#[derive(Debug, Clone)]
pub(super) struct Reports {
    pub(super) admitted: mpsc::Sender<Admitted>,
    pub(super) inputs: mpsc::Sender<Input>,
    /// Refusals already said. Held for a lookup, never across a wait.
    refused: Arc<Mutex<Notices<IpAddr>>>,
    /// Where troubles are put up, for whoever asks.
    boards: Arc<Boards>,
}

impl Reports {
    pub(super) fn new(
        admitted: mpsc::Sender<Admitted>,
        inputs: mpsc::Sender<Input>,
        boards: Arc<Boards>,
    ) -> Self {
        Self { admitted, inputs, refused: Arc::default(), boards }
    }

    /// Remembers that a connection came to nothing.
    fn trouble(
        &self,
        (addr, dialled): (SocketAddr, bool),
        obstacle: Obstacle,
        why: &dyn Display,
        (peer, network): (Option<NodeId>, Option<NetworkIndex>),
    ) {
        let (why, last) = (why.to_string(), SystemTime::now());
        let card = TroubleCard { obstacle, why, peer, network, times: 1, last };
        self.boards.troubles.change(|troubles| add_trouble(troubles, addr, dialled, card.clone()));
    }

    /// Forgets it: a connection came to be.
    fn well(&self, addr: SocketAddr, dialled: bool) {
        if self.boards.troubles.read().contains_key(&(addr, dialled)) {
            self.boards.troubles.change(|troubles| drop(troubles.remove(&(addr, dialled))));
        }
    }

    /// Says something about an address once a minute.
    fn warn(&self, about: IpAddr, text: &str) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = refused.hear(about, Instant::now());
        drop(refused);
        match heard {
            None => {}
            Some(0) => tracing::warn!("{text}"),
            Some(times) => tracing::warn!("{text} ({times} times more in the last minute)"),
        }
    }
}

/// Dials once.
pub(super) async fn dial(
    endpoint: Endpoint,
    reports: Reports,
    attempt: Attempt,
    (membership, addr, expect): (Membership, SocketAddr, Option<NodeId>),
) {
    match endpoint.dial(addr, &membership, expect).await {
        // The actor ends only when the node does.
        Ok(session) => {
            reports.well(addr, true);
            drop(reports.admitted.send((session, Some(attempt))).await);
        }
        Err(error) => {
            if !matches!(error, DialError::Own { .. }) {
                reports.trouble((addr, true), error.obstacle(), &error, (None, Some(membership.index)));
            }
            if matches!(
                error,
                DialError::Refused { .. }
                    | DialError::NotListed { .. }
                    | DialError::Unproved { .. }
                    | DialError::OtherProtocol { .. }
                    | DialError::NotHive { .. }
            ) {
                reports.warn(addr.ip(), &error.to_string());
            } else {
                tracing::debug!("{error}");
            }
            let failure = failure(error);
            drop(reports.inputs.send(Input::DialFailed { attempt, failure }).await);
        }
    }
}

fn failure(error: DialError) -> DialFailure {
    match error {
        DialError::Own { .. } => DialFailure::Myself,
        DialError::WrongNode { found, .. } => DialFailure::OtherNode(found),
        // The state machine says the address itself.
        DialError::Refused { why, .. } => DialFailure::Refused(why),
        DialError::NotListed { .. } => {
            DialFailure::Refused("it is not on this node's list of the network's nodes".into())
        }
        DialError::Unproved { .. } => DialFailure::Refused("it proves no network itself".into()),
        error @ DialError::OtherProtocol { .. } => DialFailure::Unreachable(error.to_string()),
        DialError::Unreachable { why, .. } | DialError::NotHive { why, .. } => DialFailure::Unreachable(why),
    }
}

/// Admits who dials us, each on a task of its own, until the endpoint closes.
pub(super) async fn accept(endpoint: Endpoint, memberships: Arc<[Membership]>, reports: Reports, part: Part) {
    while let Some(arrival) = endpoint.accept().await {
        part.spawn("admission", admit(arrival, Arc::clone(&memberships), reports.clone()));
    }
}

async fn admit(arrival: Arrival, memberships: Arc<[Membership]>, reports: Reports) {
    match arrival.admit(&memberships).await {
        Ok(session) => {
            reports.well(session.addr, false);
            drop(reports.admitted.send((session, None)).await);
        }
        Err(AdmitError { why: AdmitFailure::Own | AdmitFailure::Gone(_), .. }) => {}
        Err(error) => {
            reports.trouble((error.addr, false), error.why.obstacle(), &error.why, (error.peer, None));
            reports.warn(error.addr.ip(), &error.to_string());
        }
    }
}
