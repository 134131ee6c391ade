//! A node that lies as a relay: it confirms what it takes over like any other, and then drops it, sends it twice, alters
//! it, or sends something old again.
//!
//! It lies about what it relays for others, never about what is its own or for itself: that would be an ordinary event
//! of a bad publisher. It has no other node's key, so that what it alters has no signature. The lies are told to the
//! judge; what honest nodes make of them is theirs.

use bytes::{Bytes, BytesMut};

use super::{chance::Chance, scenario::Lies};
use crate::{
    frame::{
        relay::{DATA_RELAY, read_relay},
        take_frame,
    },
    id::NodeId,
    limits::FRAME_BYTES_MAX,
};

/// Bytes at the end of a frame among which one is altered: of the event, not of what is around it.
const TAIL: usize = 8;

/// What was made of one relayed frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lie {
    Dropped,
    Doubled,
    Altered,
    Replayed,
}

impl Lie {
    /// Its name in reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Doubled => "doubled",
            Self::Altered => "altered",
            Self::Replayed => "replayed",
        }
    }
}

/// Frames as they leave a liar for one neighbour, and each lie with the event frame's copies at one destination.
pub(super) fn tell(me: NodeId, frames: Bytes, lies: &Lies, chance: &mut Chance) -> (Bytes, Vec<(Lie, u64)>) {
    let (mut rest, mut out, mut told) = (frames, BytesMut::new(), Vec::new());
    let mut earlier: Option<Bytes> = None;
    loop {
        let before = rest.clone();
        let Ok(Some((kind, body))) = take_frame(&mut rest, FRAME_BYTES_MAX) else { break };
        let whole = before.slice(..before.len() - rest.len());
        let relayed = (kind == DATA_RELAY).then(|| read_relay(&body).ok()).flatten();
        let Some((_, sealed)) = relayed.filter(|(_, sealed)| sealed.envelope().origin != me) else {
            out.extend_from_slice(&whole);
            continue;
        };
        let events = sealed.envelope().events;
        let lie = lies.draw(chance);
        told.extend(lie.map(|lie| (lie, events)));
        match lie {
            Some(Lie::Dropped) => {}
            Some(Lie::Doubled) => [&whole, &whole].into_iter().for_each(|whole| out.extend_from_slice(whole)),
            Some(Lie::Altered) => {
                let mut altered = whole.to_vec();
                let at = altered.len().saturating_sub(1 + chance.below(TAIL));
                altered[at] ^= 1 << chance.below(8);
                out.extend_from_slice(&altered);
            }
            Some(Lie::Replayed) => {
                out.extend_from_slice(&whole);
                out.extend_from_slice(earlier.as_ref().unwrap_or(&whole));
            }
            None => out.extend_from_slice(&whole),
        }
        earlier = Some(whole);
    }
    (out.freeze(), told)
}
