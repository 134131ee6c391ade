//! What comes over bridges: where it has been before, in a header that only the node may set, and whether it was here
//! already.
//!
//! A network has a mark, and so has whatever else a bridge joins it with. An event that crosses a bridge carries the
//! marks of all it has been in, and the id it had where it began. It is not let in where it has been; and of several
//! copies that came over several bridges each node takes the first.

mod seen;

use std::{fmt, str::FromStr, sync::Arc, sync::OnceLock};

use bytes::Bytes;
use hive_proto::{
    channel::{Address, Channel, NetworkIndex},
    event::{Event, Message},
    limits::MESH_PREFIX,
    plane::account::DropReason,
    time::Hlc,
};

pub(super) use self::seen::Seen;
use super::{Bus, PublishError, Publisher, Receipt, Shared};

/// The header that says where an event has been.
pub const TRAIL_HEADER: &str = "hive-bridge";
/// Marks of one event. Who crosses more bridges goes in circles.
pub const MARKS_MAX: usize = 16;
/// Bytes of an event's id where it began.
pub const FOREIGN_ID_BYTES_MAX: usize = 160;

/// One place that an event has been in: a network, or what a bridge joins it with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(pub [u8; 8]);

impl Mark {
    /// The mark of what has this name. Who says the same name elsewhere means the same place.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let hash = blake3::derive_key("hive 1 bridged medium", name.as_bytes());
        Self(std::array::from_fn(|at| hash[at]))
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

/// Where an event that crosses a bridge was before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail {
    /// Its id where it began; none where it had none.
    pub id: Option<Arc<str>>,
    marks: Vec<Mark>,
}

/// A text that is no trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrailError {
    /// A mark is not 16 hexadecimal digits.
    #[error("a mark is 16 hexadecimal digits")]
    Mark,
    /// It went over too many bridges.
    #[error("more than {MARKS_MAX} marks: it goes in circles")]
    TooLong,
    /// The id has spaces, is empty or is too long.
    #[error("an id is one word of at most {FOREIGN_ID_BYTES_MAX} bytes")]
    Id,
}

impl Trail {
    /// That of an event that begins elsewhere, with the id it has there.
    ///
    /// # Errors
    /// When the id is none.
    pub fn begun(id: Option<&str>) -> Result<Self, TrailError> {
        let fits = |id: &&str| {
            !id.is_empty()
                && id.len() <= FOREIGN_ID_BYTES_MAX
                && id.chars().all(|c| !c.is_whitespace() && !c.is_control())
        };
        match id {
            Some(id) if !fits(&id) => Err(TrailError::Id),
            id => Ok(Self { id: id.map(Into::into), marks: Vec::new() }),
        }
    }

    /// That of an event of this mesh, which may have come over a bridge.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        let before = header(&event.message).and_then(|text| text.parse::<Self>().ok()).unwrap_or_default();
        let id = before.id.or_else(|| Some(event.id.to_string().into()));
        Self { id, marks: before.marks }
    }

    /// Whether an event of this mesh has been there. Nearly none has been anywhere.
    #[must_use]
    pub fn of_has(event: &Event, place: Mark) -> bool {
        let trail = header(&event.message).and_then(|text| text.parse::<Self>().ok());
        trail.is_some_and(|trail| trail.has(place))
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.id.is_none() && self.marks.is_empty()
    }

    /// Whether it has been there.
    #[must_use]
    pub fn has(&self, place: Mark) -> bool {
        self.marks.contains(&place)
    }

    /// The same when it comes from there.
    ///
    /// # Errors
    /// When it went over as many bridges as anything may.
    pub fn from(mut self, place: Mark) -> Result<Self, TrailError> {
        if !self.has(place) {
            self.marks.push(place);
        }
        if self.marks.len() > MARKS_MAX { Err(TrailError::TooLong) } else { Ok(self) }
    }

    /// The message with this trail in the place of any it had.
    fn put_on(&self, message: Message) -> Message {
        let mut extra = message.extra().cloned().unwrap_or_default();
        extra.headers.push((TRAIL_HEADER.to_owned(), self.to_string()));
        Message::from_parts(message.payload, extra)
    }
}

/// Puts trails on messages, and remembers the last one: what comes from a medium that says nothing of an event has the
/// same trail each time, and mostly the same parts.
#[derive(Debug, Default)]
pub(super) struct Stamp(Option<Box<Stamped>>);

#[derive(Debug)]
struct Stamped {
    trail: Trail,
    /// What it was put on, without the payload.
    before: Message,
    /// The same with the trail.
    after: Message,
}

impl Stamp {
    fn put(&mut self, trail: &Trail, message: Message) -> Message {
        // Ids differ each time.
        if trail.id.is_some() {
            return trail.put_on(message);
        }
        if let Some(last) = &self.0
            && last.before.shares_parts(&message)
            && last.trail == *trail
        {
            return last.after.with_payload(message.payload);
        }
        let before = message.with_payload(Bytes::new());
        let after = trail.put_on(before.clone());
        let stamped = after.with_payload(message.payload);
        self.0 = Some(Box::new(Stamped { trail: trail.clone(), before, after }));
        stamped
    }
}

/// The marks joined by commas, and behind a space the id if there is one.
impl fmt::Display for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mark) in self.marks.iter().enumerate() {
            write!(f, "{}{mark}", if at > 0 { "," } else { "" })?;
        }
        match &self.id {
            Some(id) => write!(f, " {id}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Trail {
    type Err = TrailError;

    fn from_str(text: &str) -> Result<Self, TrailError> {
        let (marks, id) = match text.split_once(' ') {
            Some((marks, id)) => (marks, Some(id)),
            None => (text, None),
        };
        let mut trail = Self::begun(id)?;
        for mark in marks.split(',').filter(|_| !marks.is_empty()) {
            if trail.marks.len() == MARKS_MAX {
                return Err(TrailError::TooLong);
            }
            if mark.len() != 16 || !mark.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(TrailError::Mark);
            }
            let number = u64::from_str_radix(mark, 16).map_err(|_| TrailError::Mark)?;
            trail.marks.push(Mark(number.to_be_bytes()));
        }
        Ok(trail)
    }
}

/// The same message without what only the node may say.
#[must_use]
pub fn without_mesh_headers(message: Message) -> Message {
    let is_its = |(name, _): &(String, String)| name.starts_with(MESH_PREFIX);
    if !message.headers().iter().any(is_its) {
        return message;
    }
    let mut extra = message.extra().cloned().unwrap_or_default();
    extra.headers.retain(|header| !is_its(header));
    Message::from_parts(message.payload, extra)
}

fn header(message: &Message) -> Option<&str> {
    message.headers().iter().find(|(name, _)| name == TRAIL_HEADER).map(|(_, value)| value.as_str())
}

/// What came of letting in something that came over a bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetIn {
    /// It is published.
    Published(Receipt),
    /// It has been in this network: it would go in circles.
    Looped,
    /// It is here already, by another bridge.
    Duplicate,
    /// It is a value to be kept, and a later one is.
    Superseded,
}

/// The marks of the networks, by their positions. Set once, by the root.
#[derive(Debug, Default)]
pub(super) struct Marks(OnceLock<Vec<Mark>>);

impl Bus {
    /// The marks of the networks, by their positions. Only the first call counts; without one, names stand for marks.
    pub fn mark_networks(&self, marks: Vec<Mark>) {
        // A second call would be a mistake of the root's.
        let _ = self.0.marks.0.set(marks);
    }

    /// The mark of a network.
    #[must_use]
    pub fn mark(&self, network: NetworkIndex) -> Mark {
        let known = self.0.marks.0.get().and_then(|marks| marks.get(usize::from(network.0)).copied());
        known.unwrap_or_else(|| {
            let name = self.names().network(network).map(ToString::to_string).unwrap_or_default();
            Mark::of(&format!("network {name}"))
        })
    }
}

impl Bus {
    /// A dead letter of what came over a bridge and cannot be an event: the name it has there stands in a header.
    pub(crate) async fn bury_foreign(&self, name: &str, foreign: &str, message: Message, reason: &str) {
        let foreign: String = foreign.chars().take(FOREIGN_NAME_CHARS_MAX).collect();
        tracing::warn!(name, channel = foreign, "dead letter of what came over a bridge: {reason}");
        let Ok(channel) = Channel::parse(&format!("$dead/{name}")) else { return };
        let mut extra = message.extra().cloned().unwrap_or_default();
        extra.expires_ms = None;
        extra.headers.push(("hive-reason".into(), reason.into()));
        extra.headers.push(("hive-channel".into(), foreign));
        let letter = Message::from_parts(message.payload, extra);
        self.publisher().announce(&Address { network: NetworkIndex::HOME, channel }, letter).await;
    }
}

/// Of a name that is somebody else's.
const FOREIGN_NAME_CHARS_MAX: usize = 256;

impl Publisher {
    /// Publishes what came over a bridge, unless it has been here.
    ///
    /// # Errors
    /// As [`Publisher::publish`]. It may be tried again then.
    pub async fn publish_bridged(
        &mut self,
        to: &Address,
        message: Message,
        (trail, depth): (&Trail, u8),
    ) -> Result<LetIn, PublishError> {
        self.check(to, &message, depth)?;
        if let Some(refused) = self.bus().0.admit(to, trail, self.bus().mark(to.network)) {
            return Ok(refused);
        }
        let message = self.stamp.put(trail, message);
        let published = self.publish_checked(to, message, depth).await;
        if published.is_err() {
            self.bus().0.seen.forget(to, trail);
        }
        published.map(LetIn::Published)
    }

    /// The same for a value to be kept, published first at this time, or now for the end of time: what is later stays.
    /// Without a message the channel is cleared.
    ///
    /// # Errors
    /// As [`Publisher::keep`].
    pub fn keep_bridged(
        &mut self,
        to: &Address,
        message: Option<Message>,
        (trail, depth, since): (&Trail, u8, Hlc),
    ) -> Result<LetIn, PublishError> {
        self.check(to, message.as_ref().unwrap_or(&Message::default()), depth)?;
        if let Some(refused) = self.bus().0.admit(to, trail, self.bus().mark(to.network)) {
            return Ok(refused);
        }
        let message = message.map(|message| self.stamp.put(trail, message));
        let kept = self.keep_unless_later(to, message, depth, (since != Hlc(u64::MAX)).then_some(since));
        if kept.is_err() {
            self.bus().0.seen.forget(to, trail);
        }
        Ok(kept?.map_or(LetIn::Superseded, LetIn::Published))
    }
}

impl Shared {
    /// Why something that comes over a bridge is not let in.
    fn admit(&self, to: &Address, trail: &Trail, here: Mark) -> Option<LetIn> {
        if trail.has(here) {
            return Some(LetIn::Looped);
        }
        if !self.seen.is_first(to.network, &to.channel, trail.id.as_deref()) {
            self.account.dropped(DropReason::Duplicate, 1);
            return Some(LetIn::Duplicate);
        }
        None
    }

    /// Whether what arrives is a second copy of what came over a bridge. Nearly nothing did.
    pub(super) fn came_before(&self, event: &Event) -> bool {
        let Some(text) = header(&event.message) else { return false };
        let id = text.split_once(' ').map(|(_, id)| id);
        let again = !self.seen.is_first(event.network, &event.channel, id);
        if again {
            self.account.dropped(DropReason::Duplicate, 1);
        }
        again
    }
}

#[cfg(test)]
mod tests;
