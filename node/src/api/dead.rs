//! `GET /v1/dead/NAME` and `POST /v1/dead/NAME`: the dead letters of a handler, as documents; having them handled again, and
//! letting them go.

use std::time::Duration;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
};
use hive_client::types::{
    ApiError, DeadLetter, DeadLetters, Replay, ReplayOutcome, Replayed, UnreadableLetter, V1, code,
};
use serde::Deserialize;

use super::{
    App,
    convert::client_event,
    refusal::{Refusal, invalid, refused},
};
use crate::{
    bus::{Bus, Letter, LetterError},
    control::{self, ReplayedAs},
    units,
};

/// How long to wait for what becomes of letters when nobody says: a few ordinary deadlines.
const PATIENCE: Duration = Duration::from_secs(20);
/// Longer is not waited for; what a handler is still at is said to be so.
const PATIENCE_MAX: Duration = Duration::from_secs(3_600);
/// Letters that are named in one request; all of them go without being named.
const NAMED_MAX: usize = 1_000;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Which {
    /// Only this one, and its event.
    letter: Option<u64>,
}

pub(super) async fn list(
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<DeadLetters>, Refusal> {
    let (Path(name), Query(Which { letter })) = (name?, which?);
    let (bus, of) = (app.means.bus.clone(), name.clone());
    let letters = reading(move || match letter {
        None => bus.letters(&of),
        Some(number) => Ok(vec![(number, Ok(bus.letter(&of, number)?))]),
    })
    .await?;
    let counts = app.means.bus.letter_counts(&name);
    let (mut readable, mut unreadable) = (Vec::new(), Vec::new());
    for (number, read) in letters {
        match read {
            Ok(read) => readable.push(document(&app.means.bus, number, &read, letter.is_some())),
            // It has been handled, or let go, meanwhile.
            Err(LetterError::Unknown { .. }) => {}
            Err(error) => unreadable.push(UnreadableLetter { letter: number, reason: error.to_string() }),
        }
    }
    Ok(Json(DeadLetters {
        v: V1,
        letters: readable,
        unreadable,
        kept: counts.letters as u64,
        bytes: counts.bytes as u64,
        let_go: counts.let_go,
        last: counts.last,
        name,
    }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Options {
    /// Their numbers, with commas between them; none: all.
    letters: Option<String>,
    /// They are not handled again, but let go.
    drop: bool,
    /// How long to wait for what becomes of them, with a unit.
    timeout: Option<String>,
}

pub(super) async fn replay(
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
    options: Result<Query<Options>, QueryRejection>,
) -> Result<Json<Replay>, Refusal> {
    let (Path(name), Query(Options { letters, drop, timeout })) = (name?, options?);
    let patience = timeout.as_deref().map_or(Ok(PATIENCE), units::duration);
    let patience = patience.map_err(|error| invalid(error.to_string()))?.min(PATIENCE_MAX);
    let bus = &app.means.bus;
    let letters = match letters {
        Some(text) => numbers(&text)?,
        None => bus.letter_numbers(&name)?,
    };
    let done = if drop {
        letters.into_iter().map(|letter| dropped(bus, &name, letter)).collect()
    } else {
        let replay = control::Replay { plugin: name.clone(), letters, patience };
        app.means.control.replay(replay).await.map_err(|error| refused(&app.means, error))?
    };
    Ok(Json(Replay { v: V1, letters: done.into_iter().map(replayed).collect(), name }))
}

fn dropped(bus: &Bus, name: &str, letter: u64) -> control::Replayed {
    let outcome = match bus.forget_letter(name, letter) {
        Ok(()) => ReplayedAs::Dropped,
        Err(LetterError::Unknown { .. }) => ReplayedAs::Missing,
        Err(error) => ReplayedAs::Refused(error.to_string()),
    };
    control::Replayed { letter, outcome }
}

fn numbers(text: &str) -> Result<Vec<u64>, Refusal> {
    let number = |text: &str| {
        text.trim().parse().map_err(|_| invalid(format!("`{text}` is no number of a dead letter")))
    };
    let numbers = text.split(',').map(number).collect::<Result<Vec<u64>, _>>()?;
    match numbers.len() {
        0..=NAMED_MAX => Ok(numbers),
        more => Err(invalid(format!("{more} letters are named; {NAMED_MAX} is the most"))),
    }
}

fn replayed(done: control::Replayed) -> Replayed {
    let (outcome, reason) = match done.outcome {
        ReplayedAs::Handled => (ReplayOutcome::Handled, None),
        ReplayedAs::DiedAgain(reason) => (ReplayOutcome::DiedAgain, Some(reason)),
        ReplayedAs::AtWork => (ReplayOutcome::AtWork, None),
        ReplayedAs::Dropped => (ReplayOutcome::Dropped, None),
        ReplayedAs::Refused(reason) => (ReplayOutcome::Refused, Some(reason)),
        ReplayedAs::Missing => (ReplayOutcome::Missing, None),
    };
    Replayed { letter: done.letter, outcome, reason }
}

fn document(bus: &Bus, number: u64, letter: &Letter, whole: bool) -> DeadLetter {
    let event = &letter.event;
    DeadLetter {
        letter: number,
        died_ms: letter.died_ms,
        reason: letter.reason.clone(),
        attempts: event.attempt,
        group: letter.group.as_ref().map(ToString::to_string),
        last_words: letter.last_words.clone(),
        id: event.id.to_string(),
        channel: event.channel.to_string(),
        network: bus.names().network(event.network).map(ToString::to_string).unwrap_or_default(),
        origin: event.id.origin.to_string(),
        time_ms: event.time.unix_ms(),
        payload_bytes: event.message.payload.len() as u64,
        event: whole.then(|| client_event(bus.names(), event, None, None)),
    }
}

/// Reads on a thread that may block.
async fn reading<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, LetterError> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(read).await {
        Ok(read) => Ok(read?),
        Err(_) => Err(Refusal(ApiError::new(code::UNAVAILABLE, "the node is stopping"))),
    }
}
