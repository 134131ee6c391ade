//! What comes over bridges: where it has been before, in a header that only the node may set, and whether it was here
//! already.
//!
//! A network has a mark, and so has whatever else a bridge joins it with. An event that crosses a bridge carries the
//! marks of all it has been in, and the id it had where it began. It is not let in where it has been; and of several
//! copies that came over several bridges each node takes the first.

mod seen;
mod trail;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use hive_proto::{
    channel::{Address, Channel, NetworkIndex},
    event::{Event, Message},
    limits::MESH_PREFIX,
    plane::account::DropReason,
    time::Hlc,
};

pub(super) use self::seen::Seen;
use self::trail::header;
pub use self::trail::{Mark, TRAIL_HEADER, Trail, TrailError};
use super::{Bus, PublishError, Publisher, Receipt, Shared};

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

/// Why something was not published beside others.
#[derive(Debug)]
pub enum NotGathered {
    /// It has to be published alone, when the others were handed over.
    Alone(Message),
    /// It is not published.
    Refused(PublishError),
}

impl From<PublishError> for NotGathered {
    fn from(error: PublishError) -> Self {
        Self::Refused(error)
    }
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
        let entered = trail.id.is_some().then(|| Entered {
            shared: Arc::clone(&self.bus().0),
            to,
            trail,
            published: false,
        });
        let receipt = self.publish_checked(to, message, depth).await?;
        entered.into_iter().for_each(Entered::stays);
        Ok(LetIn::Published(receipt))
    }

    /// The same for one of several that came together, which consumers of this node get all at once, with
    /// [`Publisher::hand_over`].
    ///
    /// # Errors
    /// As [`Publisher::publish_bridged`], and when it has to be published alone, behind what was gathered.
    pub fn gather_bridged(
        &mut self,
        to: &Address,
        message: Message,
        (trail, depth): (&Trail, u8),
    ) -> Result<LetIn, NotGathered> {
        let Some(at) = self.gathering(to, message.weight()) else { return Err(NotGathered::Alone(message)) };
        self.check(to, &message, depth)?;
        if let Some(refused) = self.bus().0.admit(to, trail, self.bus().mark(to.network)) {
            return Ok(refused);
        }
        let message = self.stamp.put(trail, message);
        Ok(LetIn::Published(self.gather(at, to, message, depth)))
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

/// An id that is known, and whose event is on its way. Where that breaks off or fails the id is forgotten, so that the
/// event is let in when it comes again: at worst some have it twice.
struct Entered<'t> {
    shared: Arc<Shared>,
    to: &'t Address,
    trail: &'t Trail,
    published: bool,
}

impl Entered<'_> {
    /// It is published.
    fn stays(mut self) {
        self.published = true;
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if !self.published {
            self.shared.seen.forget(self.to, self.trail);
        }
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
