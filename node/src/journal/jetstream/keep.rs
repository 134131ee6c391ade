//! What is kept and what goes: the servers let go what is too old for anybody, and this node what every cursor has
//! passed, when room is needed or it is too old for replays.

use std::{sync::Arc, time::Duration};

use hive_proto::{plane::log::Body, time::Hlc};

use super::{
    api::{self, Api, Fault},
    read, record,
    state::{Kept, Shared, State, now_ms},
};
use crate::journal::Settings;

/// Ages are looked at no more often than this; and what others see of the journal is no older than that.
const LOOK_LEAST: Duration = Duration::from_secs(1);
const LOOK_MOST: Duration = Duration::from_secs(30);
/// When room is needed this part of what is kept goes, one over it, and then it is looked again.
const PART: u64 = 4;

/// What was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) kept: Kept,
}

impl Look {
    pub(super) fn of(state: &api::State, oldest: Option<Hlc>) -> Self {
        let api::State { messages, bytes, first_seq, last_seq } = *state;
        // A stream that never had anything says that its first is 0.
        let first = if messages == 0 { last_seq.saturating_add(1) } else { first_seq };
        Self { kept: Kept { bytes, events: messages, first, last: last_seq, oldest } }
    }
}

/// Notes what was seen. What was stored meanwhile is not forgotten.
pub(super) fn note(state: &mut State, look: &Look) {
    let last = state.kept.last.max(look.kept.last);
    let since = last.saturating_sub(look.kept.last);
    let events = look.kept.events.saturating_add(since);
    state.kept = Kept { last, events, ..look.kept };
}

/// Lets go what need not be kept, and says what is.
pub(super) async fn look(api: Api, shared: Arc<Shared>) -> Result<Look, Fault> {
    let stream = &shared.names.events;
    let mut seen = api.info(stream).await?.state;
    let settings = &shared.settings;
    let (passed, short) = {
        let state = shared.lock();
        (state.cursors.passed(), state.is_short(settings))
    };
    let kept = Look::of(&seen, None).kept;
    let young = match settings.keep {
        Some(keep) => {
            let age = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
            let time = Hlc::from_unix_ms(now_ms().saturating_sub(age));
            Some(read::find_time(&api, &shared.names, kept.first..=kept.last, time).await?)
        }
        None => None,
    };
    let before = goes(&kept, passed, young, short);
    if before > kept.first {
        api.purge(stream, before).await?;
        seen = api.info(stream).await?.state;
    }
    let first = api.next(stream, seen.first_seq, &shared.names.subject).await?;
    let oldest = first.and_then(|first| {
        match record::read(shared.names.seals.as_deref(), &first.body, first.sequence) {
            Some(Body::Event(event)) => Some(event.time),
            _ => None,
        }
    });
    Ok(Look::of(&seen, oldest))
}

/// What is before this position goes. `young` is the first that is not too old for replays, if there is such an age.
fn goes(kept: &Kept, passed: u64, young: Option<u64>, short: bool) -> u64 {
    let part = kept.last.saturating_sub(kept.first) / PART + 1;
    let room = if short { kept.first.saturating_add(part) } else { kept.first };
    let end = kept.last.min(passed).saturating_add(1);
    young.unwrap_or(0).max(room).min(end)
}

/// When it is to be looked again.
pub(super) fn until_next(settings: &Settings) -> Duration {
    let ages = settings.keep.into_iter().chain(settings.max_age);
    ages.min().map_or(LOOK_MOST, |age| (age / 8).clamp(LOOK_LEAST, LOOK_MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_everybody_has_passed_goes() {
        let kept = Kept { first: 101, last: 200, ..Kept::default() };
        let check = |passed, young, short, before| {
            assert_eq!(goes(&kept, passed, young, short), before, "{passed} {young:?} {short}");
        };
        check(150, None, false, 101);
        check(150, None, true, 126);
        check(110, None, true, 111);
        check(u64::MAX, Some(180), false, 180);
        check(150, Some(180), true, 151);
        check(u64::MAX, Some(201), true, 201);
        check(50, Some(201), true, 51);
        let nothing = Kept { first: 201, last: 200, ..Kept::default() };
        assert_eq!(goes(&nothing, u64::MAX, None, true), 201);
    }
}
