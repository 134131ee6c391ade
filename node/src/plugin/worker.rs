//! One worker: takes one event at a time to an instance, and says what became of it.
//!
//! What it owns: its seat, where at most one instance sits, and what is done when that instance breaks. It must not know
//! where events come from, nor what a retry or a dead letter is.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use hive_proto::{channel::Address, event::Event, group::GroupName};

use super::{
    description::{Listen, Wishes},
    engine::{
        Engine, TICK,
        threads::{pass, turn},
    },
    host::{
        Guest, Place,
        bindings::exports::hive::node::handler::{Delay, Failure},
    },
    instances::{Blueprint, Fault, Handled, Instance, Mode, seat::Seat},
    limits::{CallLimits, Cut, Limits},
};
use crate::{
    dispatch::{Call, Invoke, Matcher, Outcome, nobody},
    status::Work,
};

/// One loaded version of a plugin: what its workers share.
pub struct Version {
    /// Where it runs.
    pub engine: Arc<Engine>,
    /// What instances are made from.
    pub blueprint: Blueprint,
    /// What it wants.
    pub wishes: Wishes,
    /// What its instances see of the node.
    pub place: Arc<Place>,
    /// What its calls may cost.
    pub limits: Limits,
    /// What the plugin did, over all its versions.
    pub work: Arc<Work>,
    /// The one instance of a version that keeps its memory, while no worker has it. Held for a look.
    kept: Mutex<Option<Instance>>,
}

/// What a call may lose of its time before it begins.
const SLACK: Duration = Duration::from_millis(20);

impl Version {
    /// A version that has not handled anything yet.
    #[must_use]
    pub fn new(
        engine: Arc<Engine>,
        blueprint: Blueprint,
        wishes: Wishes,
        place: Arc<Place>,
        limits: Limits,
        work: Arc<Work>,
    ) -> Self {
        Self { engine, blueprint, wishes, place, limits, work, kept: Mutex::default() }
    }

    /// A new instance that has been started.
    ///
    /// # Errors
    /// When it traps, breaks a limit, refuses to start, finds no room or misses what is opened to it.
    pub async fn instance(&self) -> Result<Instance, Fault> {
        let within = CallLimits::starting_now(self.limits.deadline, self.limits.cpu);
        let guest = Guest::living(Arc::clone(&self.place), &self.limits, within)?;
        let mut instance = Instance::make(&self.engine, &self.blueprint, guest).await?;
        instance.start(&self.limits).await?;
        Ok(instance)
    }

    /// Takes the instance that keeps its memory, if no worker has it.
    pub fn take_kept(&self) -> Option<Instance> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The instance that keeps its memory has no worker now.
    pub fn keep(&self, instance: Instance) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(instance);
    }

    /// Waits where the plugin has called the node too often. No instance is taken before: it is not to be cut for this.
    async fn paid(&self, until: Instant) -> Result<(), Fault> {
        let Some(due) = self.place.allowance.due() else { return Ok(()) };
        tokio::time::sleep_until(due.min(until).into()).await;
        let late = || "its calls of the node are used up for longer than this event has time".into();
        (due < until).then_some(()).ok_or_else(|| Fault::NoRoom(late()))
    }
}

/// A worker of one version.
pub struct Worker {
    version: Arc<Version>,
    /// What events come by.
    listens: Heard,
    /// What comes as the member of a group, by group: what everybody gets does not come by these, nor the reverse.
    joined: BTreeMap<GroupName, Heard>,
    /// What requests come by: a subscription that does not answer takes none, wherever it stands.
    answers: Heard,
    /// Where its instance waits for the next event. Empty before the first one, after a fault, and in mode `fresh`.
    seat: Seat,
    /// What the guest said during the last call that failed.
    last_words: String,
    /// Where nobody answered what that call asked.
    unanswered: Option<Address>,
    /// Processor time of the last call, when it outlived a tick.
    spent: Option<Duration>,
}

/// How a call came to its end, beside what that means for the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// The handler returned, whatever it said.
    Back,
    /// It trapped, was cut, or no instance of it starts: why.
    Broken(String),
    /// The node, or whoever asked, is the reason that there was none.
    Unable,
    /// The version does not want the event.
    Unheard,
}

impl Worker {
    /// A worker, with an instance that was already made, or none: it is then made for the first event.
    #[must_use]
    pub fn new(version: Arc<Version>, seat: Option<Instance>) -> Self {
        let listens = &version.wishes.listens;
        let answers = Heard::new(listens.iter().filter(|listen| listen.answers));
        let groups: BTreeSet<_> = listens.iter().filter_map(|listen| listen.group.clone()).collect();
        let of = |group: Option<&GroupName>| {
            Heard::new(listens.iter().filter(|listen| listen.group.as_ref() == group))
        };
        let joined = groups.iter().map(|group| (group.clone(), of(Some(group)))).collect();
        let seat = Seat::new(seat.or_else(|| version.take_kept()), &version);
        Self {
            listens: of(None),
            joined,
            answers,
            version,
            seat,
            last_words: String::new(),
            unanswered: None,
            spent: None,
        }
    }

    /// What it is a worker of.
    #[must_use]
    pub fn version(&self) -> &Arc<Version> {
        &self.version
    }

    /// Whether the version wants an event.
    pub fn hears(&mut self, event: &Event, call: &Call) -> bool {
        self.subscription(event, call).is_some()
    }

    /// What the guest calls the subscription that an event comes by.
    pub fn subscription(&mut self, event: &Event, call: &Call) -> Option<u32> {
        // What an older version asked for and this one does not want any more is let go.
        let tick = event.channel.is_reserved().then(|| self.version.wishes.timer(event)).flatten();
        let heard = match &call.group {
            _ if call.wants_reply => Some(&mut self.answers),
            Some(group) => self.joined.get_mut(group),
            None => Some(&mut self.listens),
        };
        tick.or_else(|| heard.and_then(|heard| heard.subscription(event)))
    }

    /// Handles one event, and says how the call came to its end.
    pub async fn call(&mut self, event: &Event, call: &Call) -> (Outcome, Came) {
        let Some(subscription) = self.subscription(event, call) else {
            let outcome = match &call.group {
                // A version that wanted it failed at it, and has gone.
                None if event.attempt > 1 => {
                    Outcome::Reject("it failed before, and this version does not want it".into())
                }
                None => Outcome::Done(None),
                Some(group) => {
                    let reason = format!("this version is not in the group `{group}` any more");
                    Outcome::Retry { reason, after: None }
                }
            };
            return (outcome, Came::Unheard);
        };
        let mut begun = Instant::now();
        if turn(begun) > TICK {
            // A queue that is never empty must not keep others waiting, however short each event is.
            pass().await;
            begun = Instant::now();
        }
        let mut handled = self.handle(event, subscription, (call, begun)).await;
        if let Err(Fault::Cut { cut, key, .. }) = &mut handled {
            *key = self.key(call, *cut);
        }
        let took = begun.elapsed();
        let (work, busy) = (&self.version.work, micros(took));
        work.busy_us.add(busy);
        work.latency.add(busy);
        // What is shorter than a tick is not measured apart: it counts as it took.
        work.cpu_us.add(micros(self.spent.take().unwrap_or(took.min(TICK))));
        let came = self.came(call, &handled);
        let outcome = self.outcome(event, call, handled);
        match self.unanswered.take() {
            Some(to) => (self.asked_in_vain(outcome, &to), came),
            None => (outcome, came),
        }
    }

    /// What came of a call says, too, whom it asked in vain: the guest was told of nobody alone.
    fn asked_in_vain(&self, outcome: Outcome, to: &Address) -> Outcome {
        let (place, channel) = (&self.version.place, to.channel.as_str());
        let hint = nobody::hint(&place.boards, &place.bus, channel, to);
        outcome.noting(&format!("`{channel}`: {hint}"))
    }

    fn came(&self, call: &Call, handled: &Result<Handled, Fault>) -> Came {
        match handled {
            Ok(_) => Came::Back,
            Err(Fault::NoRoom(_)) => Came::Unable,
            // Its caller had less time than the handler may take.
            Err(Fault::Cut { cut: Cut::Deadline(_), key: None, .. }) if call.wants_reply => Came::Unable,
            Err(fault) => Came::Broken(format!("the handler {fault}")),
        }
    }

    /// Which key of the configuration sets the limit that a call ran into. None: its caller did.
    fn key(&self, call: &Call, cut: Cut) -> Option<&'static str> {
        match cut {
            Cut::Deadline(given) => {
                let is_own = given.saturating_add(SLACK) >= self.version.limits.deadline;
                (is_own || !call.wants_reply).then_some("deadline")
            }
            Cut::Cpu(_) => Some("cpu"),
            Cut::Memory(_) => Some("memory"),
        }
    }

    /// `begun`: when, as looking at the clock costs as much as some of the rest.
    async fn handle(
        &mut self,
        event: &Event,
        subscription: u32,
        (call, begun): (&Call, Instant),
    ) -> Result<Handled, Fault> {
        self.version.paid(call.deadline).await?;
        let mut instance = match self.seat.take() {
            Some(instance) => instance,
            None => self.version.instance().await?,
        };
        let limits = CallLimits {
            until: call.deadline,
            deadline: call.deadline.saturating_duration_since(begun),
            cpu: self.version.limits.cpu,
        };
        let handled = instance.handle(event, subscription, call, limits).await;
        self.spent = instance.spent();
        let work = &self.version.work;
        work.memory_peak.raise(instance.memory_bytes());
        if !matches!(handled, Ok(Ok(_))) {
            self.last_words = instance.last_words();
            self.unanswered = instance.unanswered();
        }
        let handled = handled?;
        let wrote = instance.wrote();
        self.seat.put(instance);
        if wrote && call.group.is_some() {
            return Ok(kept(&self.version.place, handled).await);
        }
        Ok(handled)
    }

    fn outcome(&self, event: &Event, call: &Call, handled: Result<Handled, Fault>) -> Outcome {
        let work = &self.version.work;
        match handled {
            Ok(Ok(answer)) => {
                if !call.wants_reply {
                    return Outcome::Done(None);
                }
                let (bytes, most) =
                    (answer.as_ref().map_or(0, |a| a.payload.len()), self.version.limits.payload);
                if bytes > most.as_usize() {
                    self.version.place.allowance.too_large();
                    return Outcome::Reject(format!(
                        "its answer has {bytes} bytes, and it may answer {most}"
                    ));
                }
                work.answered.one();
                Outcome::Done(answer)
            }
            Ok(Err(failure)) => failed(failure),
            Err(fault) => {
                self.version.place.allowance.broke(event, &fault);
                match &fault {
                    Fault::Cut { cut, .. } => {
                        work.cut.one();
                        match cut {
                            Cut::Deadline(_) => work.cut_deadline.one(),
                            Cut::Cpu(_) => work.cut_cpu.one(),
                            Cut::Memory(_) => work.cut_memory.one(),
                        }
                    }
                    Fault::Trap { .. } => work.trapped.one(),
                    // Nothing is broken: there was no instance to break.
                    Fault::Start(_) | Fault::NoRoom(_) | Fault::Closed(_) => {
                        return Outcome::Retry { reason: format!("the handler {fault}"), after: None };
                    }
                }
                Outcome::Broken(format!("the handler {fault}"))
            }
        }
    }
}

/// Whoever keeps an event for the plugin forgets it with the outcome: what was written has to be on disk before.
async fn kept(place: &Place, handled: Handled) -> Handled {
    let _away = place.crew.away();
    let flushed = place.state.flush().await;
    flushed.map_err(|error| {
        let reason = format!("what the handler wrote to its state is not on disk: {error}");
        Failure::Retry(Delay { reason, after_ms: None })
    })?;
    handled
}

fn shortened(mut reason: String) -> String {
    /// Bytes of a guest's own reason that go on to others: into logs, answers and dead letters.
    const REASON_BYTES_MAX: usize = 4 << 10;
    reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
    reason
}

/// Without the 128 bits of `as_micros`: it is asked for with each event.
fn micros(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000).saturating_add(u64::from(duration.subsec_micros()))
}

/// What it comes to when the guest itself says that it did not handle an event.
#[must_use]
pub fn failed(failure: Failure) -> Outcome {
    match failure {
        Failure::Retry(delay) => Outcome::Retry {
            reason: shortened(delay.reason),
            after: delay.after_ms.map(Duration::from_millis),
        },
        Failure::Reject(reason) => Outcome::Reject(shortened(reason)),
    }
}

/// Subscriptions of a version, and what the guest calls them.
struct Heard {
    matcher: Matcher,
    /// The indices in the component's description.
    indices: Vec<u32>,
}

impl Heard {
    fn new<'l>(listens: impl Iterator<Item = &'l Listen>) -> Self {
        let (scopes, indices) = listens.map(|listen| (listen.scope.clone(), listen.index)).unzip();
        Self { matcher: Matcher::new(scopes), indices }
    }

    /// The index that the guest is told: the smallest that matches.
    fn subscription(&mut self, event: &Event) -> Option<u32> {
        let at = usize::try_from(self.matcher.index(event)?).ok()?;
        self.indices.get(at).copied()
    }
}

impl Invoke for Worker {
    async fn invoke(&mut self, event: &Event, call: Call) -> Outcome {
        self.call(event, &call).await.0
    }

    async fn idle(&mut self) {
        self.seat.idle().await;
    }

    fn last_words(&mut self) -> String {
        std::mem::take(&mut self.last_words)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // An actor's memory is more than a cache: the next worker of this version goes on with it.
        if self.version.wishes.mode == Mode::Single
            && let Some(instance) = self.seat.take()
        {
            self.version.keep(instance);
        }
    }
}
