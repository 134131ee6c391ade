//! What a handler's first parameter may be, and how it is made from an event.
//!
//! One trait for parameters taken by value and one for those taken by reference, so that the macro needs to know
//! nothing of types.

use std::{any::Any, mem};

use serde::de::DeserializeOwned;

use crate::{Event, Message, Result, failure::reject, message::ParseError};

/// A parameter taken by value.
///
/// | type | what it gets |
/// |---|---|
/// | anything that implements `serde::Deserialize` | the payload as [`Message::parse`] reads it: JSON, unless its content type says something else |
/// | `String` | a text: what is no JSON string as it is, unless the content type says JSON |
/// | `Vec<u8>` | the payload as it is |
/// | [`Message`], [`Event`] | all of it |
///
/// What cannot be made from an event is a rejection that says why. Implement it for a type of your own to read
/// another format.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made from an event",
    label = "not a payload",
    note = "derive `serde::Deserialize` for it (the payload is JSON), implement `hive::FromEvent`, or take `Vec<u8>`, \
            `String`, `hive::Message` or `hive::Event`"
)]
pub trait FromEvent: Sized {
    /// Makes the value; may take the payload, or the whole message, out of the event instead of copying it.
    ///
    /// # Errors
    /// Usually [`reject`](crate::reject): the same event would not parse a second time.
    fn from_event(event: &mut Event) -> Result<Self>;
}

/// A parameter taken by reference, without copying anything: `&[u8]`, `&Message` or `&Event`.
#[diagnostic::on_unimplemented(
    message = "a handler cannot borrow `{Self}` from an event",
    label = "cannot be borrowed",
    note = "by reference a handler takes `&[u8]`, `&hive::Message` or `&hive::Event`; take every other type by value"
)]
pub trait BorrowPayload {
    /// The part of the event.
    fn borrow_payload(event: &Event) -> &Self;
}

impl<T: DeserializeOwned + 'static> FromEvent for T {
    fn from_event(event: &mut Event) -> Result<Self> {
        // Bytes and text implement `Deserialize` too, so no implementation of their own can stand beside this one. The
        // comparison of types is decided when the handler is compiled.
        let mut value: Option<T> = None;
        let slot: &mut dyn Any = &mut value;
        if let Some(bytes) = slot.downcast_mut::<Option<Vec<u8>>>() {
            *bytes = Some(mem::take(&mut event.message.payload));
        } else if let Some(text) = slot.downcast_mut::<Option<String>>() {
            *text = Some(take_text(&mut event.message)?);
        }
        value.map_or_else(|| event.message.parse().map_err(reject_payload), Ok)
    }
}

impl FromEvent for Message {
    fn from_event(event: &mut Event) -> Result<Self> {
        Ok(mem::take(&mut event.message))
    }
}

impl FromEvent for Event {
    fn from_event(event: &mut Event) -> Result<Self> {
        // The channel's name is copied, because the context still shows it.
        Ok(Event { channel: event.channel.clone(), message: mem::take(&mut event.message), ..*event })
    }
}

impl BorrowPayload for [u8] {
    fn borrow_payload(event: &Event) -> &Self {
        &event.message.payload
    }
}

impl BorrowPayload for Message {
    fn borrow_payload(event: &Event) -> &Self {
        &event.message
    }
}

impl BorrowPayload for Event {
    fn borrow_payload(event: &Event) -> &Self {
        event
    }
}

/// What `parse` gives for a text, with the payload's own bytes where it is one as it stands.
fn take_text(message: &mut Message) -> Result<String> {
    if message.is_json() || message.is_cbor() {
        return message.parse().map_err(reject_payload);
    }
    if !message.is_text()
        && let Ok(text) = serde_json::from_slice(&message.payload)
    {
        return Ok(text);
    }
    String::from_utf8(mem::take(&mut message.payload))
        .map_err(|error| reject(format_args!("the payload is not UTF-8: {}", error.utf8_error())))
}

#[cold]
fn reject_payload(error: ParseError) -> crate::Failure {
    reject(error)
}
