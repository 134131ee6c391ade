//! An envelope cut into its fields, whatever it says. It must not know keys.

use super::{OpenError, PREFIX_BYTES, SIGNATURE_BYTES, TAG_BYTES, VERSION};

/// An envelope's fields.
pub(super) struct Parts<'a> {
    pub(super) prefix: &'a [u8],
    pub(super) epoch: u32,
    pub(super) boot: &'a [u8; 16],
    pub(super) counter: u64,
    pub(super) text: &'a [u8],
    pub(super) tag: &'a [u8; TAG_BYTES],
    /// Text and tag.
    pub(super) sealed: &'a [u8],
    pub(super) signature: &'a [u8; SIGNATURE_BYTES],
}

impl<'a> Parts<'a> {
    /// Those of what may be one.
    ///
    /// # Errors
    /// When it is too short, or laid out in another way.
    pub(super) fn of(envelope: &'a [u8]) -> Result<Self, OpenError> {
        Self::split(envelope).ok_or(OpenError::Short(envelope.len())).and_then(|(version, parts)| {
            if version == VERSION { Ok(parts) } else { Err(OpenError::Version(version)) }
        })
    }

    /// None when it is too short.
    fn split(envelope: &'a [u8]) -> Option<(u8, Self)> {
        let (prefix, rest) = envelope.split_at_checked(PREFIX_BYTES)?;
        let (sealed, signature) = rest.split_last_chunk()?;
        let (text, tag) = sealed.split_last_chunk()?;
        let (version, fields) = prefix.split_first()?;
        let (epoch, fields) = fields.split_first_chunk()?;
        let (boot, fields) = fields.split_first_chunk()?;
        let (epoch, counter) = (u32::from_be_bytes(*epoch), u64::from_be_bytes(fields.try_into().ok()?));
        Some((*version, Self { prefix, epoch, boot, counter, text, tag, sealed, signature }))
    }
}
