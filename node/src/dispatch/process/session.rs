//! One process: what it was given, what it has in hand, and what it said of that.
//!
//! What it owns: the numbers of events, the places of the window, and the end. Whoever gives and whoever speaks with the
//! process meet here and nowhere else. It must not know either.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::Words;
use crate::{
    bus::{Chain, Event, Message},
    dispatch::{Call, Outcome},
};

/// How long after its last deadline a process may go on with everything it has before it counts as stuck.
const STUCK_AFTER: Duration = Duration::from_secs(1);
/// How long is waited for how a process ended, when its connection has ended: a little longer than whoever has started it
/// waits for that.
const ENDING: Duration = Duration::from_secs(2);
/// Bytes of a process's own reason that go on to others.
const REASON_BYTES_MAX: usize = 4 << 10;

/// How far a process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// It is there, and is given nothing yet.
    Joined,
    /// It takes events.
    Ready,
    /// It is over: why.
    Over(String),
}

/// One process that is a plugin.
#[derive(Debug)]
pub struct Session {
    plugin: Arc<str>,
    /// Events it may have in hand.
    window: usize,
    /// Who waits for what it asks for nobody in particular.
    chain: Arc<Chain>,
    stage: watch::Sender<Stage>,
    /// Cancelled when it is given nothing more: it finishes what it has.
    stop: CancellationToken,
    /// Free places: none before it is ready; closed when it is over.
    places: Arc<Semaphore>,
    /// Held for a few lines, never across a wait.
    state: Mutex<State>,
    /// Told when there is something to be said to the process. One task waits for it.
    news: Notify,
    /// Told when something was given or answered. One task waits for it.
    moves: Notify,
    /// What it wrote to its stderr last; none of one that the node did not start.
    words: Option<Arc<Words>>,
    /// Cancelled when all is known of its end that will be.
    explained: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    /// The number of the last event.
    last: u64,
    /// Events that the process was not told of yet, in order.
    next: VecDeque<(u64, Event)>,
    /// What it has in hand, and what takes up its places though nobody waits for it any more.
    held: BTreeMap<u64, Held>,
}

#[derive(Debug)]
struct Held {
    depth: u8,
    call: Call,
    /// Who waits for what the process asks for it.
    chain: Arc<Chain>,
    /// When the time is over that it may take. Whoever asked may have given it less.
    until: Instant,
    answer: oneshot::Sender<Outcome>,
    _place: OwnedSemaphorePermit,
}

/// An event on its way to the process.
#[derive(Debug)]
pub struct Given {
    /// Its number.
    pub task: u64,
    /// What it is.
    pub event: Event,
    /// When its time is over.
    pub deadline: Instant,
    /// Somebody waits for the answer.
    pub wants_reply: bool,
}

/// What stands behind something that a process publishes or asks.
#[derive(Debug)]
pub struct Cause {
    /// How deep it is nested.
    pub depth: u8,
    /// When the time of the event that it is for is over.
    pub deadline: Option<Instant>,
    /// Who waits for it.
    pub chain: Arc<Chain>,
}

/// A process spoke of an event that it does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has no event {0} in hand: each is to be answered once")]
pub struct NotInHand(pub u64);

impl Session {
    /// A process that has just come, and where its last words are: none of one that the node did not start.
    #[must_use]
    pub fn new(plugin: Arc<str>, window: usize, words: Option<Arc<Words>>) -> Arc<Self> {
        let window = window.max(1);
        Arc::new(Self {
            chain: Chain::of(&plugin, window == 1, None),
            plugin,
            window,
            stage: watch::Sender::new(Stage::Joined),
            stop: CancellationToken::new(),
            places: Arc::new(Semaphore::new(0)),
            state: Mutex::default(),
            news: Notify::new(),
            moves: Notify::new(),
            words,
            explained: CancellationToken::new(),
        })
    }

    /// Events it takes side by side.
    #[must_use]
    pub fn window(&self) -> usize {
        self.window
    }

    /// What it wrote to its stderr last.
    #[must_use]
    pub fn words(&self) -> String {
        self.words.as_ref().map_or_else(String::new, |words| words.text())
    }

    /// Cancelled when it is given nothing more, by whoever wants that or by its end.
    #[must_use]
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// How far it is.
    pub fn stage(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(&*self.stage.borrow(), Stage::Over(_))
    }

    /// Why it is over.
    #[must_use]
    pub fn why_over(&self) -> String {
        match &*self.stage.borrow() {
            Stage::Over(why) => format!("its process is gone: {why}"),
            Stage::Joined | Stage::Ready => "its process let it go".to_owned(),
        }
    }

    /// The process takes events from here on. False: it had said so before.
    pub fn ready(&self) -> bool {
        let first = self.stage.send_if_modified(|stage| {
            let first = *stage == Stage::Joined;
            if first {
                *stage = Stage::Ready;
            }
            first
        });
        if first {
            self.places.add_permits(self.window);
        }
        first
    }

    /// It is over; the first reason counts. What it had in hand is broken.
    pub fn over(&self, why: impl Into<String>) {
        self.end(why.into(), true);
    }

    /// It is over, as its connection has ended. How a process ended that the node started is a better reason.
    pub fn hung_up(&self, why: impl Into<String>) {
        self.end(why.into(), self.words.is_none());
    }

    fn end(&self, why: String, is_explained: bool) {
        self.stage.send_if_modified(|stage| {
            let first = !self.explained.is_cancelled();
            if first {
                *stage = Stage::Over(why);
            }
            if is_explained {
                self.explained.cancel();
            }
            first
        });
        self.stop.cancel();
        self.places.close();
        let State { next, held, .. } = std::mem::take(&mut *self.lock());
        // Outside the lock: whoever waits for them goes on.
        drop((next, held));
        self.news.notify_one();
        self.moves.notify_one();
    }

    /// Why it is over, as far as that is known soon.
    pub(super) async fn why_gone(&self) -> String {
        let _ = tokio::time::timeout(ENDING, self.explained.cancelled()).await;
        self.why_over()
    }

    /// Waits for its end.
    pub async fn ended(&self) -> String {
        let mut stage = self.stage();
        match stage.wait_for(|stage| matches!(stage, Stage::Over(_))).await.as_deref() {
            Ok(Stage::Over(why)) => why.clone(),
            _ => String::new(),
        }
    }

    /// Waits for a free place; for ever when the process is over.
    pub(super) async fn place(&self) -> OwnedSemaphorePermit {
        match Arc::clone(&self.places).acquire_owned().await {
            Ok(place) => place,
            Err(_) => std::future::pending().await,
        }
    }

    /// Gives the process an event, for which it may take so long. None: it is over.
    pub(super) fn give(
        &self,
        event: Event,
        (call, limit): (Call, Duration),
        place: OwnedSemaphorePermit,
    ) -> Option<oneshot::Receiver<Outcome>> {
        let (answer, answered) = oneshot::channel();
        let mut state = self.lock();
        // Looked at under the lock: what is put in after the end nobody would take out again.
        if self.is_over() {
            return None;
        }
        state.last = state.last.saturating_add(1);
        let task = state.last;
        let until = call.deadline.max(Instant::now() + limit);
        let chain = match &call.chain {
            None => Arc::clone(&self.chain),
            before => Chain::of(&self.plugin, self.window == 1, before.as_ref()),
        };
        state.held.insert(task, Held { depth: event.depth, call, chain, until, answer, _place: place });
        state.next.push_back((task, event));
        drop(state);
        self.news.notify_one();
        self.moves.notify_one();
        Some(answered)
    }

    /// The next event that the process is to be told of. What nobody waits for any more it never hears of.
    pub fn next_given(&self) -> Option<Given> {
        let mut state = self.lock();
        while let Some((task, event)) = state.next.pop_front() {
            let Some(held) = state.held.get(&task) else { continue };
            if held.answer.is_closed() {
                state.held.remove(&task);
                continue;
            }
            let Call { deadline, wants_reply, .. } = held.call;
            return Some(Given { task, event, deadline, wants_reply });
        }
        None
    }

    /// Waits until there may be something to be said to the process. Cancel-safe.
    pub async fn news(&self) {
        self.news.notified().await;
    }

    /// Somebody else has something to be said to the process.
    pub fn tell(&self) {
        self.news.notify_one();
    }

    /// An event is handled.
    ///
    /// # Errors
    /// When it has no such event in hand.
    pub fn done(&self, task: u64, answer: Message) -> Result<(), NotInHand> {
        self.settle(task, |call| Outcome::Done(call.wants_reply.then_some(answer)))
    }

    /// An event is to be given again.
    ///
    /// # Errors
    /// When it has no such event in hand.
    pub fn retry(&self, task: u64, reason: String, after: Option<Duration>) -> Result<(), NotInHand> {
        self.settle(task, |_| Outcome::Retry { reason: shortened(reason), after })
    }

    /// An event is hopeless.
    ///
    /// # Errors
    /// When it has no such event in hand.
    pub fn reject(&self, task: u64, reason: String) -> Result<(), NotInHand> {
        self.settle(task, |_| Outcome::Reject(shortened(reason)))
    }

    fn settle(&self, task: u64, outcome: impl FnOnce(&Call) -> Outcome) -> Result<(), NotInHand> {
        let held = self.lock().held.remove(&task).ok_or(NotInHand(task))?;
        let outcome = outcome(&held.call);
        // Whoever waited may have gone, or its time be over: then the answer is nobody's.
        let _ = held.answer.send(outcome);
        self.moves.notify_one();
        Ok(())
    }

    /// What stands behind what the process publishes or asks: the event it names, else what it has in hand.
    ///
    /// # Errors
    /// When it names an event that it does not have.
    pub fn cause(&self, task: Option<u64>) -> Result<Cause, NotInHand> {
        let state = self.lock();
        let only = (state.held.len() == 1).then(|| state.held.values().next()).flatten();
        let held = match task {
            Some(task) => Some(state.held.get(&task).ok_or(NotInHand(task))?),
            None => only,
        };
        let depth = match held {
            Some(held) => Some(held.depth),
            // Whichever it was, a circle is found out.
            None => state.held.values().map(|held| held.depth).max(),
        };
        Ok(Cause {
            depth: depth.map_or(0, |depth| depth.saturating_add(1)),
            deadline: held.map(|held| held.call.deadline),
            chain: Arc::clone(held.map_or(&self.chain, |held| &held.chain)),
        })
    }

    /// Waits until all its places are taken by events whose time has been over for a while: then it will not go on by
    /// itself. For ever when it is over.
    pub async fn stuck(&self) {
        loop {
            let moved = self.moves.notified();
            match self.stuck_at() {
                None => moved.await,
                Some(at) if at <= Instant::now() => return,
                Some(at) => tokio::select! {
                    () = moved => {}
                    () = tokio::time::sleep_until(at.into()) => {}
                },
            }
        }
    }

    fn stuck_at(&self) -> Option<Instant> {
        let state = self.lock();
        let latest = state.held.values().map(|held| held.until).max()?;
        (state.held.len() >= self.window).then(|| latest + STUCK_AFTER)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shortened(mut reason: String) -> String {
    reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
    reason
}
