//! One bridge's task: it waits for its turn, connects, carries, and connects again.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use super::{Bridge, Desk, Exporter, Importer, Lost, Port, elect::Election, export::Waiting};
use crate::{status::BridgeState, trust::random_bytes, units};

/// The first pause between two tries; each is twice the one before.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// After so long a connection the pauses begin anew.
const HELD: Duration = Duration::from_secs(5);
/// How long a connection that shall end may take to write out what it has.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where what waits for the other side is taken from when a bridge begins, and left when it ends.
#[derive(Debug, Default)]
pub(super) struct Handover {
    /// Somebody goes on with it.
    is_wanted: AtomicBool,
    /// Held to put it there, and to take it.
    waiting: Mutex<Option<Waiting>>,
}

impl Handover {
    /// With what waited before.
    pub(super) fn of(waiting: Option<Waiting>) -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::new(waiting), ..Self::default() })
    }

    /// Somebody goes on with what waits when the bridge ends.
    pub(super) fn want(&self) {
        self.is_wanted.store(true, Relaxed);
    }

    pub(super) fn take(&self) -> Option<Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn leave(&self, waiting: Option<Waiting>) {
        if self.is_wanted.load(Relaxed) {
            *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = waiting;
        }
    }
}

/// Runs a bridge until its part stops.
pub(super) async fn run(mut bridge: impl Bridge, desk: Desk, handover: Arc<Handover>) {
    let mark = bridge.mark(desk.bus());
    let end = desk.end().clone();
    let desk = desk.at(end.clone(), mark);
    let (exporter, importer) = (Exporter::new(desk.clone()), Importer::new(desk.clone()));
    let mut port = Port { desk: desk.clone(), exporter, importer };
    if let Some(before) = handover.take() {
        port.exporter.go_on_with(before);
    }
    let election = if bridge.is_exclusive() { elect(&mut port, &bridge.medium()).await } else { None };
    let mut pause = PAUSE_MIN;
    loop {
        if let Some(election) = &election
            && !election.is_won()
        {
            port.exporter.close();
            desk.state(BridgeState::Standby);
            tokio::select! {
                () = end.cancelled() => break,
                () = election.won() => tracing::info!(bridge = desk.name(), "takes over"),
            }
        }
        let began = Instant::now();
        let outcome = once(&mut bridge, &mut port, election.as_ref()).await;
        if end.is_cancelled() {
            break;
        }
        let Err(lost) = outcome else { continue };
        desk.traffic().retries.one();
        if lost.for_good {
            tracing::error!(bridge = desk.name(), "does not run: {lost}");
            desk.problem(BridgeState::Failed, &lost.to_string());
            port.exporter.close();
            end.cancelled().await;
            break;
        }
        if began.elapsed() >= HELD {
            pause = PAUSE_MIN;
        }
        let wait = jittered(pause);
        report(&desk, &lost, wait);
        pause = (pause * 2).min(PAUSE_MAX);
        tokio::select! {
            () = end.cancelled() => break,
            () = tokio::time::sleep(wait) => {}
        }
    }
    handover.leave(port.exporter.leave());
    desk.state(BridgeState::Stopped);
}

/// Claims a medium, and looks whether others do. What is published meanwhile waits: with nobody else at the medium nobody
/// has carried it, and otherwise most likely somebody has.
async fn elect(port: &mut Port, medium: &str) -> Option<Election> {
    // What is wrong with the rules is said when it carries.
    let _ = port.exporter.hold().await;
    let election = Election::enter(&port.desk, medium).await?;
    let seen = port.desk.end().run_until_cancelled(election.first_look()).await;
    if !seen.is_some_and(|seen| seen.won && seen.alone) {
        port.exporter.close();
    }
    Some(election)
}

/// One connection, until it ends, the bridge shall end, or another node is to be active.
async fn once(bridge: &mut impl Bridge, port: &mut Port, election: Option<&Election>) -> Result<(), Lost> {
    let stop = port.desk.end().child_token();
    let desk = port.desk.at(stop.clone(), port.desk.mark());
    port.desk = desk.clone();
    port.exporter.at(desk.clone());
    port.importer.at(desk.clone());
    if desk.read_card().is_none_or(|card| card.state != BridgeState::Waiting) {
        desk.state(BridgeState::Connecting);
    }
    if !bridge.has_clients()
        && let Err(error) = port.exporter.open().await
    {
        return Err(Lost::for_good(error.to_string()));
    }
    let carried = {
        let carrying = bridge.carry(port);
        tokio::pin!(carrying);
        tokio::select! {
            carried = &mut carrying => carried,
            () = ended(&stop, election) => {
                stop.cancel();
                tokio::time::timeout(LAST_WORDS, carrying).await.unwrap_or(Ok(()))
            }
        }
    };
    stop.cancel();
    port.exporter.broken();
    // What was taken in when the connection ended.
    port.importer.hand_over().await;
    match carried {
        Ok(()) if !desk.end().is_cancelled() && election.is_none_or(Election::is_won) => {
            Err(Lost::new("the other side closed the connection"))
        }
        carried => carried,
    }
}

async fn ended(stop: &CancellationToken, election: Option<&Election>) {
    let lost = async {
        match election {
            Some(election) => election.lost().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = lost => {}
    }
}

/// Half to all of it, so that those who lost the same server do not come back at once.
fn jittered(pause: Duration) -> Duration {
    let chance = u32::from(u16::from_be_bytes(random_bytes()));
    pause / 2 + pause / 2 * chance / u32::from(u16::MAX)
}

/// A problem is said once; that it goes on, only to who asks.
fn report(desk: &Desk, lost: &Lost, wait: Duration) {
    let why = lost.to_string();
    let known = desk.read_card().is_some_and(|card| card.problem.as_deref() == Some(why.as_str()));
    let wait =
        units::duration_text(Duration::from_millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)));
    match known {
        true => tracing::debug!(bridge = desk.name(), "{why}; trying again in {wait}"),
        false => tracing::warn!(bridge = desk.name(), "{why}; trying again until it works"),
    }
    desk.problem(BridgeState::Waiting, &why);
}
