//! What goes with a payload, on media that have headers of some kind: the content type, the key, the event's own headers,
//! how long it is of use, and where it has been.
//!
//! Each kind writes these fields as its medium does; which there are and what they mean is said here alone. It must not
//! know a medium.

mod read;

use std::borrow::Cow;

use hive_proto::limits::MESH_PREFIX;

pub(super) use self::read::{CONTENT_TYPE, CarriedError, read};
use self::read::{EXPIRES, KEY};
use super::{Desk, Export, unix_ms};
use crate::bus::{Event, TRAIL_HEADER, Trail};

/// The fields of something that goes out; none where they are sealed with it.
pub(super) fn of<'e>(
    export: &'e Export,
    desk: &Desk,
) -> impl Iterator<Item = (&'e str, Cow<'e, str>)> + use<'e> {
    let trail = export.trail(desk).unwrap_or_default();
    fields(&export.event, &trail, unix_ms()).filter(|_| !export.is_sealed())
}

/// The fields of an event that goes out with this trail.
pub(super) fn fields<'e>(
    event: &'e Event,
    trail: &Trail,
    now_ms: u64,
) -> impl Iterator<Item = (&'e str, Cow<'e, str>)> + use<'e> {
    let message = &event.message;
    let own = [(CONTENT_TYPE, message.content_type()), (KEY, message.key())];
    let own = own.into_iter().filter_map(|(name, value)| Some((name, Cow::Borrowed(value?))));
    let left =
        event.expires_at_ms().map(|at| (EXPIRES, Cow::Owned(at.saturating_sub(now_ms).max(1).to_string())));
    let trail = (TRAIL_HEADER, Cow::Owned(trail.to_string()));
    let headers = message.headers().iter().filter(|(name, _)| !name.starts_with(MESH_PREFIX));
    let headers = headers.map(|(name, value)| (name.as_str(), Cow::Borrowed(value.as_str())));
    own.chain(left).chain([trail]).chain(headers)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hive_proto::{
        channel::{Channel, NetworkIndex},
        event::Extra,
        id::{EventId, Incarnation, NodeId},
        time::Hlc,
    };
    use proptest::prelude::*;

    use super::*;
    use crate::bus::{Mark, Message};

    fn event(message: Message) -> Event {
        Event {
            id: EventId { origin: NodeId([7; 32]), incarnation: Incarnation(1), sequence: 9 },
            channel: Channel::parse("a/b").expect("a channel"),
            network: NetworkIndex::HOME,
            time: Hlc::from_unix_ms(1_000),
            attempt: 1,
            depth: 0,
            retained: false,
            message,
        }
    }

    fn back(event: &Event, trail: &Trail, now_ms: u64) -> Result<(Message, Trail), CarriedError> {
        let fields: Vec<_> = fields(event, trail, now_ms).collect();
        let fields = fields.iter().map(|(name, value)| (*name, value.as_ref()));
        read(fields, event.message.payload.clone())
    }

    proptest! {
        #[test]
        fn what_goes_out_comes_back(
            payload in prop::collection::vec(any::<u8>(), 0..50),
            content_type in prop::option::of("[a-z/]{1,20}"),
            key in prop::option::of(".{0,20}"),
            headers in prop::collection::vec(("[a-z-]{1,10}", ".{0,20}"), 0..5),
        ) {
            let headers: Vec<_> = headers.into_iter()
                .filter(|(name, _)| !name.starts_with(MESH_PREFIX) && name != CONTENT_TYPE).collect();
            let extra = Extra { content_type, key, headers, expires_ms: None };
            let event = event(Message::from_parts(payload.into(), extra));
            let trail = Trail::of(&event).from(Mark::of("here")).expect("a short trail");
            prop_assert_eq!(back(&event, &trail, 0), Ok((event.message, trail)));
        }

        #[test]
        fn no_fields_are_too_strange(fields in prop::collection::vec((".{0,20}", ".{0,40}"), 0..6)) {
            let strange = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            if let Ok((message, _)) = read(strange, Bytes::new()) {
                prop_assert!(message.check().is_ok());
            }
        }
    }

    #[test]
    fn time_that_has_passed_is_not_given_again() {
        let event = event(Message::from("x").with_expiry(500));
        let expires = |now_ms| back(&event, &Trail::of(&event), now_ms).expect("an event").0.expires_ms();
        assert_eq!(expires(1_200), Some(300));
        assert_eq!(expires(9_000), Some(1));
    }

    #[test]
    fn what_only_the_node_may_say_is_left_out() {
        let fields = [("Hive-Reason", "x"), ("Hive-Key", "k"), ("X-Y", "z"), (TRAIL_HEADER, " id-1")];
        let (message, trail) = read(fields.into_iter(), Bytes::new()).expect("an event");
        assert_eq!(message, Message::new("").with_key("k").with_header("x-y", "z"));
        assert_eq!(trail.id.as_deref(), Some("id-1"));
        assert!(read([(TRAIL_HEADER, "nonsense")].into_iter(), Bytes::new()).is_err());
    }
}
