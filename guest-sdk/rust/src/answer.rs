//! What a handler may return, and how it answers a request.

use std::any::{Any, TypeId};

use serde::Serialize;

use crate::{Message, Result, failure::reject};

/// What a handler returns, alone or as the `T` of a `Result<T, E>`.
///
/// | type | what the caller gets |
/// |---|---|
/// | anything that implements `serde::Serialize` | JSON |
/// | `()` | an empty message; the function is not offered as a responder, unless `answers` says so |
/// | `Vec<u8>` | these bytes, without a content type |
/// | [`Message`] | this message |
///
/// Where nobody waits for an answer, it is not even written.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an answer",
    label = "not an answer",
    note = "derive `serde::Serialize` for it (the answer is JSON), implement `hive::IntoAnswer`, or return `()`, \
            `Vec<u8>`, `hive::Message`, or a `Result` of these"
)]
pub trait IntoAnswer: Sized {
    /// The message for the caller; none is an empty one.
    ///
    /// # Errors
    /// A rejection, when the value cannot be written.
    fn into_answer(self) -> Result<Option<Message>>;

    /// Whether a function that returns this offers itself as a responder.
    fn answers() -> bool {
        true
    }
}

impl<T: Serialize + 'static> IntoAnswer for T {
    fn into_answer(self) -> Result<Option<Message>> {
        // `()` and bytes implement `Serialize` too; which type it is, is decided when the handler is compiled.
        let mut value = Some(self);
        let slot: &mut dyn Any = &mut value;
        if let Some(bytes) = slot.downcast_mut::<Option<Vec<u8>>>() {
            return Ok(bytes.take().map(Message::bytes));
        }
        match value {
            Some(value) if Self::answers() => Message::json(&value).map(Some).map_err(reject),
            _ => Ok(None),
        }
    }

    fn answers() -> bool {
        TypeId::of::<T>() != TypeId::of::<()>()
    }
}

impl IntoAnswer for Message {
    fn into_answer(self) -> Result<Option<Message>> {
        Ok(Some(self))
    }
}
