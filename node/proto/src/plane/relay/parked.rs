//! Frames that no way leads on for, for now: bounded in time and bytes.
//!
//! While a mesh learns of a broken link two nodes may each hold the other for the next on the way. Nothing goes back
//! at once, or it would wear out its links before they agree; after a while it may.

use std::{collections::VecDeque, time::Duration};

use super::line::{Frame, copies};
use crate::{plane::account::DropReason, time::Now};

/// Bytes that may wait for a way; past it the oldest are dropped.
const PARKED_BYTES: usize = 8 << 20;
/// How long something waits for a way. A dead link is found out within 3 s, and everybody knows soon after.
const PARKED_FOR: Duration = Duration::from_secs(4);
/// After how long a frame may go back where it came from, and between attempts: news of a broken link is
/// everywhere by then, mostly.
const AGAIN_AFTER: Duration = Duration::from_millis(150);

/// What waits for a way, oldest first.
#[derive(Debug, Default)]
pub(super) struct Parked {
    frames: VecDeque<Waiting>,
    bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    frame: Frame,
    since: Now,
    again_at: Now,
}

/// Why a frame that found no way is lost: it may be there all the same when it was sent before.
pub(super) fn reason(frame: &Frame) -> DropReason {
    if frame.sent { DropReason::LostLink } else { DropReason::NoRoute }
}

impl Parked {
    /// Adds a frame that has been on the lookout for a way since then. Returns what is dropped to make room.
    pub(super) fn push(&mut self, now: Now, since: Now, frame: Frame) -> Vec<Frame> {
        let mut lost = Vec::new();
        while self.bytes.saturating_add(frame.weight()) > PARKED_BYTES {
            let Some(oldest) = self.frames.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.frame.weight());
            lost.push(oldest.frame);
        }
        self.bytes = self.bytes.saturating_add(frame.weight());
        self.frames.push_back(Waiting { frame, since, again_at: now.after(AGAIN_AFTER) });
        lost
    }

    /// Everything, with since when it has been waiting: the ways have changed.
    pub(super) fn take(&mut self) -> Vec<(Now, Frame)> {
        self.bytes = 0;
        std::mem::take(&mut self.frames).into_iter().map(|waiting| (waiting.since, waiting.frame)).collect()
    }

    /// What may try again over any link, and what has waited for too long.
    pub(super) fn due(&mut self, now: Now) -> (Vec<(Now, Frame)>, Vec<Frame>) {
        let (mut again, mut lost) = (Vec::new(), Vec::new());
        for waiting in std::mem::take(&mut self.frames) {
            if waiting.since.after(PARKED_FOR) <= now {
                lost.push(waiting.frame);
            } else if waiting.again_at <= now {
                again.push((waiting.since, waiting.frame));
            } else {
                self.frames.push_back(waiting);
            }
        }
        self.bytes = self.frames.iter().map(|waiting| waiting.frame.weight()).sum();
        (again, lost)
    }

    /// Copies that wait.
    pub(super) fn copies(&self) -> u64 {
        copies(self.frames.iter().map(|waiting| &waiting.frame))
    }

    /// When something is due.
    pub(super) fn next_due(&self) -> Option<Now> {
        let due = |waiting: &Waiting| waiting.again_at.min(waiting.since.after(PARKED_FOR));
        self.frames.iter().map(due).min()
    }
}
