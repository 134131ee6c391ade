//! Events on their way: each sent for a position, none of them stored for sure.

use std::{collections::VecDeque, sync::Arc};

use tokio::time::Instant;

use super::{Stop, Writer};
use crate::{
    journal::{
        AppendError, Promise,
        jetstream::{
            api::{ANSWER, Api, Behind, Fault, Sending},
            read, record,
            state::{Shared, Waiting},
        },
    },
    trust::seal::OVERHEAD_BYTES,
};

/// Events and bytes that may be on their way at a time: some round trips' worth, and less than servers queue for one
/// stream.
const EVENTS_MAX: usize = 4_096;
const BYTES_MAX: usize = 8 << 20;
/// Bytes that headers take of what a server allows for a message.
const HEADERS_BYTES: usize = 512;

/// What is on its way, in the order of its positions, which have no holes.
#[derive(Debug, Default)]
pub(super) struct Flights {
    flying: VecDeque<Flight>,
    bytes: usize,
    /// The position that the next event is sent for.
    next: u64,
    /// When the server said something of one last.
    heard: Option<Instant>,
}

#[derive(Debug)]
struct Flight {
    position: u64,
    one: Waiting,
    sent: Instant,
    /// Its publisher was told that it came to nothing, and may be wrong in that.
    given_up: bool,
    /// What the server said: the position where it stands, or why it does not.
    outcome: Option<Result<u64, Fault>>,
}

impl Flights {
    /// Nothing is on its way, and the stream ends there.
    pub(super) fn begin(&mut self, last: u64) {
        self.next = last.saturating_add(1);
    }

    /// Sends what waits, as much as may be on its way. What is sent in part when this is dropped is on its way, too.
    pub(super) async fn send(&mut self, api: &Api, shared: &Shared, inbox: &str) -> Result<(), Fault> {
        // Behind one that was refused nothing is stored.
        let is_refused = |flight: &Flight| matches!(flight.outcome, Some(Err(_)));
        if self.flying.iter().any(is_refused) {
            return Ok(());
        }
        let max_payload = api.client.max_payload();
        while self.flying.len() < EVENTS_MAX && self.bytes < BYTES_MAX {
            let Some(mut one) = shared.take() else { break };
            if max_payload > 0
                && one.record.len().saturating_add(HEADERS_BYTES + OVERHEAD_BYTES) > max_payload
            {
                shared.landed(one.record.len());
                let why = format!(
                    "the event has {} bytes, and they take messages of {max_payload} (`max_payload`)",
                    one.record.len()
                );
                one.promise.resolve(Err(AppendError::Refused { servers: shared.config.named(), why }));
                continue;
            }
            let position = self.next;
            self.next = position.saturating_add(1);
            let body = record::make(shared.names.seals.as_deref(), &mut one.record, position);
            self.bytes = self.bytes.saturating_add(one.record.len());
            let id = one.id.clone();
            let sent = Instant::now();
            self.flying.push_back(Flight { position, one, sent, given_up: false, outcome: None });
            let names = &shared.names;
            let sending = Sending {
                stream: &names.events,
                subject: &names.subject,
                reply: format!("{inbox}.e.{position}"),
                behind: Behind::Stream(position.saturating_sub(1)),
                id: Some(&id),
                body,
            };
            api.send(sending).await?;
        }
        Ok(())
    }

    /// What the server says of one.
    pub(super) fn answered(&mut self, position: u64, outcome: Result<u64, Fault>) {
        self.heard = Some(Instant::now());
        let first = self.flying.front().map_or(0, |flight| flight.position);
        let at = position.checked_sub(first).and_then(|at| usize::try_from(at).ok());
        if let Some(flight) = at.and_then(|at| self.flying.get_mut(at)) {
            flight.outcome = Some(outcome);
        }
    }

    /// Tells who is stored, in order. An error when the first of the rest is not.
    pub(super) fn settle(&mut self, shared: &Shared) -> Result<(), Stop> {
        let mut stored = Vec::new();
        let mut state = shared.lock();
        while let Some(Flight { outcome: Some(Ok(_)), .. }) = self.flying.front()
            && let Some(flight) = self.pop()
        {
            // It is another one than it was sent for when it had been stored before, under the same id.
            if let Some(Ok(position)) = flight.outcome {
                state.stored(position, flight.one.record.len());
                stored.push((flight.one.promise, position));
            }
        }
        state.flying = (self.flying.len(), self.bytes);
        let last = state.kept.last;
        drop(state);
        tell(shared, last, stored);
        let Some(Flight { outcome: Some(Err(fault)), .. }) = self.flying.front() else { return Ok(()) };
        let fault = fault.clone();
        if fault.is_wrong_last() {
            return Err(Stop::Step);
        }
        if !fault.is_final() {
            return Err(fault.into());
        }
        if let Some(flight) = self.pop() {
            let mut state = shared.lock();
            state.flying = (self.flying.len(), self.bytes);
            let why = match fault.is_full() {
                true => shared.full(&state, state.kept.bytes),
                false => AppendError::Refused { servers: shared.config.named(), why: fault.to_string() },
            };
            state.last_failure = Some(why.to_string());
            drop(state);
            flight.one.promise.resolve(Err(why));
        }
        Err(Stop::Step)
    }

    /// Nobody knows what became of them: they wait again, but for those that were given up.
    pub(super) fn doubt(&mut self, shared: &Shared) {
        let mut state = shared.lock();
        while let Some(mut flight) = self.flying.pop_back() {
            let least = flight.one.least.map_or(flight.position, |least| least.min(flight.position));
            flight.one.least = Some(least);
            if !flight.given_up {
                state.push_front(flight.one);
            }
        }
        self.bytes = 0;
        state.flying = (0, 0);
    }

    /// Gives up what has waited too long. Returns who is to be told.
    pub(super) fn give_up(&mut self, is_late: impl Fn(Instant) -> bool) -> Vec<Arc<Promise>> {
        let late = |flight: &&mut Flight| !flight.given_up && is_late(flight.one.since);
        let late = self.flying.iter_mut().filter(late);
        let given_up = late.map(|flight| {
            flight.given_up = true;
            Arc::clone(&flight.one.promise)
        });
        given_up.collect()
    }

    /// Since when the oldest has waited that was not given up.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.flying.iter().find(|flight| !flight.given_up).map(|flight| flight.one.since)
    }

    /// When the server has been silent for too long.
    pub(super) fn silent_at(&self) -> Option<Instant> {
        let sent = self.flying.front()?.sent;
        Some(self.heard.map_or(sent, |heard| heard.max(sent)) + ANSWER)
    }

    pub(super) fn is_silent(&self) -> bool {
        self.silent_at().is_some_and(|at| at <= Instant::now())
    }

    fn pop(&mut self) -> Option<Flight> {
        let flight = self.flying.pop_front()?;
        self.bytes = self.bytes.saturating_sub(flight.one.record.len());
        Some(flight)
    }
}

/// Readers first, so that whoever is told finds it.
fn tell(shared: &Shared, last: u64, stored: Vec<(Arc<Promise>, u64)>) {
    if !stored.is_empty() {
        shared.durable.send_replace(last);
    }
    stored.into_iter().for_each(|(promise, position)| promise.resolve(Ok(position)));
}

impl Writer {
    /// Finds out which of the doubtful events are stored, in a stream that ends at `last`. Returns `last`.
    pub(super) async fn settle_doubts(&mut self, api: &Api, last: u64) -> Result<u64, Stop> {
        let shared = Arc::clone(&self.shared);
        let least = shared.lock().waiting.iter().filter_map(|one| one.least).min();
        let found = match least.filter(|least| *least <= last) {
            Some(least) => {
                let reading = read::ids(api, &shared.names, least..=last);
                self.meanwhile(reading).await.ok_or(Stop::Done)??
            }
            None => Default::default(),
        };
        let mut stored = Vec::new();
        let mut state = shared.lock();
        for mut one in state.take_all() {
            match one.least.and_then(|_| found.get(&one.id)) {
                Some(position) => {
                    state.stored(*position, one.record.len());
                    stored.push((one.promise, *position));
                }
                None => {
                    // A copy that still comes stands behind what is there now.
                    one.least = one.least.map(|_| last.saturating_add(1));
                    state.push_back(one);
                }
            }
        }
        state.kept.last = state.kept.last.max(last);
        let last = state.kept.last;
        drop(state);
        if *shared.durable.borrow() < last {
            shared.durable.send_replace(last);
        }
        tell(&shared, last, stored);
        Ok(last)
    }
}
