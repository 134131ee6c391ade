//! Events as sealed envelopes, for media in the hands of somebody else: whoever keeps the medium can neither read them,
//! change them, nor give them under another name or again.
//!
//! What is sealed is the payload with all that goes with it. Beside the envelope stands what it is bound to:
//!
//! ```text
//! bytes   what
//!    12   `hive-sealed` 01
//!    32   origin: the node whose bridge sealed it
//!     8   its incarnation, big-endian, as all numbers
//!     8   sequence: of what it sealed in that life
//!     8   time: milliseconds since the Unix epoch × 65536 + a counter
//!  1, 9   0; or 1 and the expiry, in milliseconds since the Unix epoch
//!  rest   the envelope of `docs/envelope.md`, bound to the above and to the name beyond
//! ```
//!
//! In the envelope: 4 bytes with the length of the fields, the fields as a JSON list of pairs, and the payload.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::{Buf, BufMut as _, Bytes, BytesMut};
use hive_proto::{
    channel::{Channel, NetworkIndex},
    id::{Incarnation, NodeId},
    time::Hlc,
};

use super::{Desk, carried, unix_ms};
use crate::{
    bus::{Event, Message, Trail},
    trust::seal::{Live, OpenError, Opener, Sealer},
};

const MAGIC: &[u8; 12] = b"hive-sealed\x01";
/// Numbers of what this process has sealed: one sequence for all bridges, so that no two are taken for one.
static SEALED: AtomicU64 = AtomicU64::new(0);

/// What seals and opens, for one network.
pub struct Seals {
    /// The network.
    network: NetworkIndex,
    /// This node, in this life.
    who: (NodeId, Incarnation),
    sealer: Sealer,
    opener: Opener,
}

impl Seals {
    /// Those of this node.
    #[must_use]
    pub fn new(
        network: NetworkIndex,
        who: (NodeId, Incarnation),
        (sealer, opener): (Sealer, Opener),
    ) -> Self {
        Self { network, who, sealer, opener }
    }

    /// Where an event has been, for who opens it. That it was in the network whose secret seals it is not said: two parts
    /// of one that are joined by a broker alone are what sealing is for.
    pub(super) fn trail(&self, event: &Event, desk: &Desk) -> Option<Trail> {
        let trail = Trail::of(event);
        if event.network == self.network {
            Some(trail)
        } else {
            trail.from(desk.bus().mark(event.network)).ok()
        }
    }
}

impl fmt::Debug for Seals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seals")
    }
}

/// Why what came is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SealedError {
    /// Where things are sealed nothing plain is taken.
    #[error("it is not sealed")]
    Plain,
    /// It breaks off, or its fields are none.
    #[error("what is in the envelope is no event")]
    Inside,
    /// The envelope is not opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl Seals {
    /// The payload that goes out for an event with this name beyond and this trail. None when the name is no channel.
    pub(super) fn seal(&self, name: &str, event: &Event, trail: &Trail) -> Option<Bytes> {
        let (channel, now_ms) = (Channel::parse(name).ok()?, unix_ms());
        let fields: Vec<_> = carried::fields(event, trail, now_ms).collect();
        let fields = serde_json::to_vec(&fields).ok()?;
        let mut plain = BytesMut::with_capacity(4 + fields.len() + event.message.payload.len());
        plain.put_u32(u32::try_from(fields.len()).ok()?);
        plain.put_slice(&fields);
        plain.put_slice(&event.message.payload);
        let (origin, incarnation) = self.who;
        let live = Live {
            origin,
            incarnation,
            sequence: SEALED.fetch_add(1, Ordering::Relaxed).saturating_add(1),
            time: Hlc::from_unix_ms(now_ms),
            expires_ms: event.expires_at_ms(),
            channel: &channel,
        };
        let envelope = self.sealer.seal_live(&live, &plain);
        let mut sealed = BytesMut::with_capacity(80 + envelope.len());
        sealed.put_slice(MAGIC);
        sealed.put_slice(&live.origin.0);
        [live.incarnation.0, live.sequence, live.time.0]
            .into_iter()
            .for_each(|number| sealed.put_u64(number));
        sealed.put_u8(live.expires_ms.is_some().into());
        live.expires_ms.into_iter().for_each(|at| sealed.put_u64(at));
        sealed.put_slice(&envelope);
        Some(sealed.freeze())
    }

    /// What came under this name beyond.
    ///
    /// # Errors
    /// When it is plain, was tampered with, or came before.
    pub(super) fn open(&self, name: &str, mut sealed: Bytes) -> Result<Opened<'_>, SealedError> {
        let channel = Channel::parse(name).map_err(|_| SealedError::Plain)?;
        if !sealed.starts_with(MAGIC) {
            return Err(SealedError::Plain);
        }
        sealed.advance(MAGIC.len());
        let head = read_head(&mut sealed).ok_or(SealedError::Plain)?;
        let (origin, [incarnation, sequence, time], expires_ms) = head;
        let (incarnation, time) = (Incarnation(incarnation), Hlc(time));
        let live = Live { origin, incarnation, sequence, time, expires_ms, channel: &channel };
        let mut plain = self.opener.open_live(&live, &sealed, unix_ms())?;
        let length = plain.try_get_u32().map_err(|_| SealedError::Inside)?;
        let length = usize::try_from(length).ok().filter(|length| *length <= plain.len());
        let fields = plain.split_to(length.ok_or(SealedError::Inside)?);
        let fields: Vec<(String, String)> =
            serde_json::from_slice(&fields).map_err(|_| SealedError::Inside)?;
        let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let (message, trail) = carried::read(fields, plain).map_err(|_| SealedError::Inside)?;
        let coming =
            Coming { opener: &self.opener, origin, event: (incarnation, sequence), time, came: false };
        Ok(Opened { message, trail, coming })
    }
}

/// What was in an envelope.
pub(super) struct Opened<'s> {
    pub(super) message: Message,
    pub(super) trail: Trail,
    pub(super) coming: Coming<'s>,
}

/// An event that was opened and is not let in yet. Where that breaks off or fails it did not come: its envelope is opened
/// again.
pub(super) struct Coming<'s> {
    opener: &'s Opener,
    origin: NodeId,
    event: (Incarnation, u64),
    time: Hlc,
    came: bool,
}

impl Coming<'_> {
    /// It is let in, or never will be.
    pub(super) fn came(mut self) {
        self.came = true;
    }
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        if !self.came {
            self.opener.give_back(self.origin, self.event, self.time);
        }
    }
}

/// What stands before an envelope; none when it breaks off.
fn read_head(sealed: &mut Bytes) -> Option<(NodeId, [u64; 3], Option<u64>)> {
    let mut origin = [0; 32];
    sealed.try_copy_to_slice(&mut origin).ok()?;
    let mut number = || sealed.try_get_u64().ok();
    let numbers = [number()?, number()?, number()?];
    let expires_ms = match sealed.try_get_u8().ok()? {
        0 => None,
        1 => Some(sealed.try_get_u64().ok()?),
        _ => return None,
    };
    Some((NodeId(origin), numbers, expires_ms))
}

#[cfg(test)]
pub(super) mod tests;
