//! Requests of a guest: to one responder, to several at once, or to everybody. No wait outlives the call that the guest
//! is in, and what a guest is given at a time is bounded.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use hive_proto::limits::PAYLOAD_BYTES_MAX;

use super::{
    super::{
        Guest, Place, Serving,
        bindings::hive::node::{
            bus::{Answer, Answers, Call},
            types::{Error, MessageResult},
        },
    },
    answered, call_error, nowhere, received,
};
use crate::{
    bus::{CallCause, CallError, Chain, Message, Part},
    plugin::crew::{Away, Crew},
};

/// Requests that are made together, at most.
const CALLS_MAX: usize = 64;
/// Bytes of all answers together that a guest is given at a time.
const ANSWERS_BYTES_MAX: usize = PAYLOAD_BYTES_MAX;

impl Guest {
    pub(in crate::plugin) async fn ask(
        &mut self,
        channel: String,
        message: MessageResult,
        timeout_ms: u32,
    ) -> Result<MessageResult, Error> {
        self.check_payload(message.payload.len())?;
        self.pace_events(1).await?;
        let Some(place) = &self.place else { return Err(nowhere()) };
        let asking = Asking::of(self.serving.as_ref(), place);
        let cause = asking.cause(self.limits.until, timeout_ms);
        let to = self.doors.address(place, channel)?;
        let answer = place.bus.call_from(to, received(message), cause).await;
        if answer == Err(CallError::NoResponder) {
            self.unanswered = Some(to.clone());
        }
        answer.map(|message| answered(&message)).map_err(call_error)
    }

    pub(super) async fn ask_each(
        &mut self,
        calls: Vec<Call>,
        timeout_ms: u32,
    ) -> Result<Vec<Result<MessageResult, Error>>, Error> {
        for Call { message, .. } in &calls {
            self.check_payload(message.payload.len())?;
        }
        self.pace_events(calls.len()).await?;
        let Some(place) = &self.place else { return Err(nowhere()) };
        let asking = Asking::of(self.serving.as_ref(), place);
        let cause = asking.cause(self.limits.until, timeout_ms);
        if calls.len() > CALLS_MAX {
            return Err(Error::TooLarge(CALLS_MAX as u64));
        }
        let room = Room::default();
        let mut asking = Vec::with_capacity(calls.len());
        for Call { channel, message } in calls {
            let to = self.doors.address(place, channel).cloned();
            let room = &room;
            asking.push(async move { room.admit(place.bus.call_from(&to?, received(message), cause).await) });
        }
        Ok(join_all(asking).await)
    }

    pub(super) async fn ask_all(
        &mut self,
        channel: String,
        message: MessageResult,
        timeout_ms: u32,
        limit: u32,
    ) -> Result<Answers, Error> {
        self.check_payload(message.payload.len())?;
        self.pace_events(1).await?;
        let Some(place) = &self.place else { return Err(nowhere()) };
        let asking = Asking::of(self.serving.as_ref(), place);
        let cause = asking.cause(self.limits.until, timeout_ms);
        let to = self.doors.address(place, channel)?;
        let enough = usize::try_from(limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let gathered = place.bus.call_some(to, received(message), cause, enough).await.map_err(call_error)?;
        let room = Room::default();
        let answers = gathered.answers.into_iter().map(|part| answer(place, &room, part)).collect();
        Ok(Answers { answers, missing: u32::try_from(gathered.missing.len()).unwrap_or(u32::MAX) })
    }
}

/// A guest that waits for others. While it does, another takes its place at the plugin's events.
struct Asking<'p> {
    place: &'p Place,
    depth: u8,
    chain: Arc<Chain>,
    _away: Away<&'p Crew>,
}

impl<'p> Asking<'p> {
    fn of(serving: Option<&Serving>, place: &'p Place) -> Self {
        let before = serving.and_then(|serving| serving.chain.as_ref());
        let chain = Chain::of(&place.plugin, place.takes_one, before);
        let depth = serving.map_or(0, |serving| serving.event.depth.saturating_add(1));
        Self { place, depth, chain, _away: place.crew.away() }
    }

    /// What stands behind a request that is made until `left` at the latest.
    fn cause(&self, left: Instant, timeout_ms: u32) -> CallCause<'_> {
        let deadline = match timeout_ms {
            0 => left,
            some => left.min(Instant::now() + Duration::from_millis(some.into())),
        };
        let who = self.place.actor.principal();
        CallCause { deadline, depth: self.depth, who, chain: Some(&self.chain), except: None }
    }
}

fn answer(place: &Place, room: &Room, part: Part) -> Answer {
    let origin = part.node.map_or_else(|| place.node_id.clone(), |node| node.to_string());
    Answer { origin, outcome: room.admit(part.outcome) }
}

/// Room for the answers that are given to a guest at a time.
#[derive(Default)]
struct Room {
    /// Bytes that were taken.
    used: AtomicUsize,
}

impl Room {
    /// The answer as the guest gets it. What has no room is let go.
    fn admit(&self, answer: Result<Message, CallError>) -> Result<MessageResult, Error> {
        let message = answer.map_err(call_error)?;
        let weight = message.weight();
        let more = |used: usize| used.checked_add(weight).filter(|used| *used <= ANSWERS_BYTES_MAX);
        match self.used.fetch_update(Relaxed, Relaxed, more) {
            Ok(_) => Ok(answered(&message)),
            Err(_) => Err(Error::TooLarge(ANSWERS_BYTES_MAX as u64)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_given_so_much_at_a_time() {
        let room = Room::default();
        let large = || Ok(Message::new(vec![0; ANSWERS_BYTES_MAX / 2]));
        assert!(room.admit(large()).is_ok() && room.admit(Ok(Message::default())).is_ok());
        assert!(matches!(room.admit(Err(CallError::Timeout)), Err(Error::Timeout)));
        assert!(matches!(room.admit(Ok(Message::new(vec![0; ANSWERS_BYTES_MAX]))), Err(Error::TooLarge(_))));
        assert!(room.admit(large()).is_ok(), "it fits exactly, as what was refused takes nothing");
        assert!(matches!(room.admit(large()), Err(Error::TooLarge(_))));
    }
}
