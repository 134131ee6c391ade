//! What is kept and what goes: whole segments from the oldest, and the rest of segments of which little is needed.
//!
//! A segment goes when every cursor has passed it and it is too old to be replayed or room is needed; or when it is older
//! than anything may be, and then each cursor is told what it lost. A closed segment of which less than half is needed is
//! written anew without the rest. Each step leaves a journal that can be opened.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use hive_proto::{
    channel::Channel,
    plane::log::{Body, HEAD_BYTES, Head, Index},
    time::Hlc,
};

use super::{
    segment::{Segment, SegmentHead},
    state::total,
    walk::Step,
    writer::{MARK_BYTES, Writer, closing_bytes},
};
use crate::journal::Settings;

/// Ages are looked at no more often than this, and no less.
const LOOK_LEAST: Duration = Duration::from_secs(1);
const LOOK_MOST: Duration = Duration::from_secs(3_600);
/// Bytes read at once when a segment is written anew.
const READ_BYTES: usize = 1 << 20;

impl Writer {
    /// Lets go what need not be kept, if it is time to look or room is short.
    pub(super) fn retain(&mut self) {
        let settings = &self.shared.settings;
        let short = self.shared.lock().total > settings.max_bytes.saturating_sub(settings.headroom());
        let due = self.kept.elapsed() >= self.patience;
        if !short && !due {
            return;
        }
        if due {
            self.kept = Instant::now();
            self.close_old();
        }
        while let Some(oldest) = self.may_go() {
            if let Err(error) = self.let_go(&oldest) {
                tracing::warn!("cannot remove {}: {error}", oldest.path.display());
                break;
            }
        }
        if due {
            self.rewrite_one();
            self.patience = self.until_next();
        }
    }

    /// What is published rarely would keep its segment growing for ever.
    fn close_old(&mut self) {
        let Some(age) = shortest_age(&self.shared.settings) else { return };
        let now_ms = self.shared.system.now_ms();
        let last = self.shared.lock().held.last().cloned();
        let Some(last) = last.filter(|last| self.is_active(last)) else { return };
        let times = last.index().times;
        if times.is_some_and(|(_, latest)| is_older(latest, age, now_ms)) {
            self.close_active();
            // It may go only when another one says which position is next.
            if let Err(error) = self.begin_now() {
                tracing::warn!("{error}");
            }
        }
    }

    /// The oldest segment, if it may go.
    fn may_go(&self) -> Option<Arc<Segment>> {
        let Settings { max_bytes, keep, max_age, .. } = &self.shared.settings;
        let now_ms = self.shared.system.now_ms();
        let mut state = self.shared.lock();
        // The last one stays: it says which position is next, and has the cursors.
        let [oldest, _, ..] = &state.held[..] else { return None };
        let oldest = Arc::clone(oldest);
        let (last, times) = {
            let index = oldest.index();
            (index.last, index.times)
        };
        let latest = times.map_or(Hlc(0), |(_, latest)| latest);
        if state.cursors.passed() >= last {
            let short = state.total > max_bytes.saturating_sub(self.shared.settings.headroom());
            let old = keep.is_some_and(|keep| is_older(latest, keep, now_ms));
            if short || old || times.is_none() {
                return Some(oldest);
            }
        }
        if max_age.is_some_and(|age| is_older(latest, age, now_ms)) {
            for (name, lost) in state.pass_over(last).into_iter().filter(|(_, lost)| *lost > 0) {
                tracing::warn!("`{name}` lost {lost} events that grew too old in the journal");
            }
            return Some(oldest);
        }
        None
    }

    fn let_go(&self, oldest: &Arc<Segment>) -> io::Result<()> {
        let system = &self.shared.system;
        match system.remove(&oldest.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut state = self.shared.lock();
        state.held.retain(|held| !Arc::ptr_eq(held, oldest));
        state.total = total(&state.held);
        drop(state);
        // So that a later one is never gone before an earlier one is.
        system.sync_dir(&self.shared.dir)
    }

    /// Writes the closed segment anew of which the least is needed, if that is less than half.
    fn rewrite_one(&self) {
        let now_ms = self.shared.system.now_ms();
        let state = self.shared.lock();
        let passed = state.cursors.passed();
        let Some((_, closed)) = state.held.split_last() else { return };
        let waste = |segment: &Arc<Segment>| {
            let used = segment.end().saturating_sub(segment.start);
            let needed = self.needed(&segment.index(), passed, now_ms);
            (needed.saturating_mul(2) < used).then(|| used - needed)
        };
        let most = closed.iter().filter_map(|segment| waste(segment).map(|waste| (waste, segment)));
        let most = most.max_by_key(|(waste, _)| *waste).map(|(_, segment)| Arc::clone(segment));
        drop(state);
        let Some(segment) = most else { return };
        match self.rewrite(&segment, passed, now_ms) {
            Ok(Some(fresh)) => {
                let mut state = self.shared.lock();
                if let Some(held) = state.held.iter_mut().find(|held| Arc::ptr_eq(held, &segment)) {
                    *held = Arc::new(fresh);
                }
                state.total = total(&state.held);
            }
            Ok(None) => {}
            Err(error) => tracing::warn!("cannot write {} anew: {error}", segment.path.display()),
        }
    }

    /// Bytes of a segment that must stay.
    fn needed(&self, index: &Index, passed: u64, now_ms: u64) -> u64 {
        match &index.channels {
            Some(channels) if passed >= index.last => {
                let kept = channels.iter().filter(|known| self.is_kept(&known.channel, known.latest, now_ms));
                kept.map(|known| known.bytes).sum()
            }
            _ => index.bytes,
        }
    }

    /// Whether what every cursor has passed is kept for replays.
    fn is_kept(&self, channel: &Channel, time: Hlc, now_ms: u64) -> bool {
        let Settings { keep, keep_channels, .. } = &self.shared.settings;
        let own = keep_channels.iter().find(|(pattern, _)| pattern.matches(channel)).map(|(_, keep)| *keep);
        own.into_iter().chain(*keep).min().is_none_or(|keep| !is_older(time, keep, now_ms))
    }

    /// The same segment with only what is needed, under the same name. None when it is damaged: it stays as it is.
    fn rewrite(&self, segment: &Segment, passed: u64, now_ms: u64) -> io::Result<Option<Segment>> {
        let (head, mut bytes) = SegmentHead::make(&self.shared.owner, segment.first, segment.salt);
        let mut index = Index::new(segment.first);
        let mut marked = None;
        let mut walk = segment.walk(segment.start, READ_BYTES);
        loop {
            let found = match walk.step()? {
                Step::Record(found) => found,
                Step::End => break,
                Step::Bad { offset } => {
                    tracing::warn!("{} is damaged at byte {offset}", segment.path.display());
                    return Ok(None);
                }
            };
            let Ok(Body::Event(event)) = Body::decode(&found.body) else { continue };
            let position = found.head.position;
            if position <= passed && !self.is_kept(&event.channel, event.time, now_ms) {
                continue;
            }
            let offset = bytes.len() as u64;
            let mark = marked.is_none_or(|marked: u64| offset.saturating_sub(marked) >= MARK_BYTES);
            marked = if mark { Some(offset) } else { marked };
            index.add(position, (offset, found.bytes()), &event.channel, event.time, mark);
            bytes.reserve(HEAD_BYTES + found.body.len());
            bytes.extend_from_slice(&Head { synced: 0, ..found.head }.encode(segment.salt));
            bytes.extend_from_slice(&found.body);
        }
        let end = bytes.len() as u64;
        index.last = segment.index().last;
        let closing = closing_bytes(&index, end, segment.salt);
        bytes.extend_from_slice(&closing);
        let file = self.write_whole(&segment.path, &bytes)?;
        let fresh = Segment::new(segment.path.clone(), file, &head, end, index);
        fresh.set_closed(closing.len() as u64);
        Ok(Some(fresh))
    }

    /// When ages are to be looked at again.
    fn until_next(&self) -> Duration {
        let Some(age) = shortest_age(&self.shared.settings) else { return LOOK_MOST };
        (age / 8).clamp(LOOK_LEAST, LOOK_MOST)
    }
}

fn shortest_age(settings: &Settings) -> Option<Duration> {
    let channels = settings.keep_channels.iter().map(|(_, keep)| *keep);
    channels.chain(settings.keep).chain(settings.max_age).min()
}

fn is_older(time: Hlc, age: Duration, now_ms: u64) -> bool {
    u128::from(now_ms.saturating_sub(time.unix_ms())) > age.as_millis()
}
