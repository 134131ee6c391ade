//! Handlers that are processes: how one comes in, and what a worker does with it.
//!
//! What it owns: the door at which the API knocks and behind which plugins answer, and the worker that hands events to a
//! [`Session`]. Exists so that neither of the two knows the other. It must not know documents, sockets, or how a process
//! is started.

mod session;
#[cfg(test)]
mod tests;
mod words;

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use hive_proto::group::GroupName;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

pub use self::{
    session::{Cause, Given, NotInHand, Session, Stage},
    words::Words,
};
use super::{Call, Invoke, Lanes, Matcher, Outcome};
use crate::{
    bus::{Actor, Address, Event, Scope, Wanted},
    status::Work,
    units::duration_rough,
};

/// Processes that wait to be let in.
const KNOCKS_MAX: usize = 16;

/// What a process says of itself when it comes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claim {
    /// The plugin it wants to be.
    pub name: String,
    /// What it was told when it was started, if it was.
    pub token: Option<String>,
    /// Its version, for people.
    pub version: String,
    /// Events it takes side by side.
    pub window: u32,
    /// What it listens to.
    pub listens: Vec<Listen>,
    /// Where it publishes and whom it asks.
    pub publishes: Vec<String>,
}

/// One thing a process listens to, as it says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listen {
    /// The pattern.
    pub pattern: String,
    /// Whether requests may be sent there.
    pub answers: bool,
    /// The group it listens in.
    pub group: Option<String>,
    /// What durable channels carry comes from where it left off.
    pub durable: bool,
}

/// A process that is let in.
pub struct Seat {
    /// What it has in hand.
    pub session: Arc<Session>,
    /// Who it is in the rules.
    pub actor: Actor,
    /// What else it may do.
    pub permit: Arc<dyn Permit>,
    /// The plugin's values in the configuration.
    pub config: BTreeMap<String, String>,
}

/// What a plugin may do beside handling events, as the part that knows its grants says.
pub trait Permit: Send + Sync {
    /// Whether it may publish and ask there. `name` is the channel as the process wrote it.
    ///
    /// # Errors
    /// The line of the configuration that would grant it.
    fn channel(&self, to: &Address, name: &str) -> Result<(), String>;

    /// Takes one event out, and says how long to wait before it goes.
    fn pace(&self) -> Duration;

    /// Whether a payload of so many bytes may go out.
    ///
    /// # Errors
    /// How many may.
    fn payload(&self, bytes: usize) -> Result<(), String>;

    /// The process said what it must not: whoever looks after the plugin is told, too.
    fn misspoke(&self, why: &str);
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("actor", &self.actor).finish_non_exhaustive()
    }
}

/// A process that wants to be let in.
#[derive(Debug)]
pub struct Knock {
    /// What it says of itself.
    pub claim: Claim,
    /// Its seat, or why it gets none.
    pub reply: oneshot::Sender<Result<Seat, String>>,
}

/// Where processes come in.
#[derive(Debug, Clone)]
pub struct Door(mpsc::Sender<Knock>);

/// A door, and what comes of knocking.
#[must_use]
pub fn door() -> (Door, mpsc::Receiver<Knock>) {
    let (door, knocks) = mpsc::channel(KNOCKS_MAX);
    (Door(door), knocks)
}

impl Door {
    /// Asks for a process to be let in.
    ///
    /// # Errors
    /// Why it is not, for people.
    pub async fn knock(&self, claim: Claim) -> Result<Seat, String> {
        let closed = |()| Err("the node takes no processes now".to_owned());
        let (reply, answer) = oneshot::channel();
        if self.0.send(Knock { claim, reply }).await.is_err() {
            return closed(());
        }
        answer.await.unwrap_or_else(|_| closed(()))
    }
}

/// A worker of a process: one place of its window.
#[derive(Debug)]
pub struct Hand {
    session: Arc<Session>,
    lanes: Arc<Lanes>,
    /// What the process listens to, by group; none: what everybody gets.
    heard: BTreeMap<Option<GroupName>, Matcher>,
    /// How long it may take for an event.
    limit: Duration,
    /// Where it is counted.
    work: Arc<Work>,
    /// Taken before the event is, so that none waits in a hand that is not free.
    place: Option<OwnedSemaphorePermit>,
}

impl Hand {
    /// A worker that hands the events of some lanes to a process that listens to this, and may take so long for each.
    #[must_use]
    pub fn new(
        session: Arc<Session>,
        lanes: Arc<Lanes>,
        work: Arc<Work>,
        (wanted, limit): (impl IntoIterator<Item = Wanted>, Duration),
    ) -> Self {
        let mut scopes = BTreeMap::<_, Vec<Scope>>::new();
        wanted.into_iter().for_each(|wanted| scopes.entry(wanted.group).or_default().push(wanted.scope));
        let heard = scopes.into_iter().map(|(group, scopes)| (group, Matcher::new(scopes))).collect();
        Self { session, lanes, heard, limit, work, place: None }
    }

    async fn answer(&mut self, event: &Event, call: Call) -> Outcome {
        let Some(place) = self.place.take() else {
            return Outcome::Broken("its process has no room".into());
        };
        let (given, deadline) = (Instant::now(), call.deadline);
        let Some(answer) = self.session.give(event.clone(), (call, self.limit), place) else {
            return Outcome::Broken(self.session.why_over());
        };
        match tokio::time::timeout_at(deadline.into(), answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Outcome::Broken(self.session.why_gone().await),
            Err(_) => {
                self.work.cut.one();
                self.work.cut_deadline.one();
                let allowed = duration_rough(deadline.saturating_duration_since(given));
                Outcome::Broken(format!("its process did not answer within {allowed}"))
            }
        }
    }

    /// Whether the process is about such events: it may be another than when the event was queued. What the plugin wants at
    /// this moment says nothing of that: one that ends wants nothing more, and works off what it has accepted.
    fn wants(&mut self, event: &Event, call: &Call) -> bool {
        let heard = self.heard.get_mut(&call.group);
        call.wants_reply || heard.is_some_and(|matcher| matcher.index(event).is_some())
    }
}

impl Invoke for Hand {
    async fn ready(&mut self, stop: &CancellationToken) -> bool {
        if self.place.is_some() {
            return true;
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => false,
            place = self.session.place() => {
                self.place = Some(place);
                true
            }
        }
    }

    async fn invoke(&mut self, event: &Event, call: Call) -> Outcome {
        if !self.wants(event, &call) {
            return match call.group {
                None => Outcome::Done(None),
                Some(group) => {
                    let reason = format!("its process is not in the group `{group}` any more");
                    Outcome::Retry { reason, after: None }
                }
            };
        }
        let begun = Instant::now();
        let wants_reply = call.wants_reply;
        let outcome = self.answer(event, call).await;
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.work.busy_us.add(took);
        self.work.latency.add(took);
        match &outcome {
            Outcome::Broken(why) => self.lanes.broke(event, why),
            Outcome::Done(_) if wants_reply => self.work.answered.one(),
            _ => {}
        }
        outcome
    }

    fn last_words(&mut self) -> String {
        self.session.words()
    }
}
