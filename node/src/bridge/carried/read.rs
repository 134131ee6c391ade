//! What comes in, from its fields.
//!
//! It must not know a medium, nor the rest of a bridge: whoever tries this reader alone need not link them.

use std::borrow::Cow;

use bytes::Bytes;
use hive_proto::{
    event::{Extra, MessageError},
    limits::MESH_PREFIX,
};

use crate::bus::{Message, TRAIL_HEADER, Trail, TrailError};

/// The field with the content type.
pub(crate) const CONTENT_TYPE: &str = "content-type";
/// The field with the ordering key.
pub(crate) const KEY: &str = "hive-key";
/// The field with the milliseconds for which it is of use yet.
pub(crate) const EXPIRES: &str = "hive-expires-ms";

/// Why what came is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CarriedError {
    /// Where it has been is nonsense.
    #[error("the field `{TRAIL_HEADER}` is none: {0}")]
    Trail(#[from] TrailError),
    /// It breaks a limit.
    #[error(transparent)]
    Message(#[from] MessageError),
}

/// What came in, from its fields. Those of the mesh that mean nothing here are left out.
///
/// # Errors
/// When it is no event.
pub(crate) fn read<'f>(
    fields: impl Iterator<Item = (&'f str, &'f str)>,
    payload: Bytes,
) -> Result<(Message, Trail), CarriedError> {
    let (mut extra, mut trail) = (Extra::default(), Trail::default());
    for (name, value) in fields {
        // Names are short: nothing is written anew unless it has to be.
        let name = match name.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
            true => Cow::Owned(name.to_lowercase()),
            false => Cow::Borrowed(name),
        };
        match name.as_ref() {
            CONTENT_TYPE => extra.content_type = Some(value.to_owned()).filter(|value| !value.is_empty()),
            KEY => extra.key = Some(value.to_owned()),
            // Nonsense means nothing: it is always of use then.
            EXPIRES => extra.expires_ms = value.parse().ok().filter(|left| *left > 0),
            TRAIL_HEADER => trail = value.parse()?,
            own if own.starts_with(MESH_PREFIX) => {}
            _ => extra.headers.push((name.into_owned(), value.to_owned())),
        }
    }
    let message = Message::from_parts(payload, extra);
    message.check()?;
    Ok((message, trail))
}
