//! Frames: the one envelope of everything on a stream, and the frames inside it.
//!
//! A frame is its kind (one byte), the length of its body (a varint) and the body. What a body says is
//! the business of the modules below; who sent it and what follows from it is the state machine's.

pub mod admission;
pub mod batch;
pub mod control;
pub mod data;
pub mod gossip;
pub mod handout;
pub mod kept;
pub mod relay;
pub mod trace;
pub mod wire;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use wire::{VARINT_BYTES_MAX, WireError, decode_varint, put_varint};

/// The bit of a frame's kind that says: who does not know this kind skips the frame.
pub const OPTIONAL: u8 = 0x80;

/// Why what came on a stream is no frame. The stream cannot be read any further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The announced body is over the reader's limit, in bytes.
    #[error("a frame of kind {kind} announces {length} bytes; {max} is the most")]
    TooLarge {
        /// The frame's kind.
        kind: u8,
        /// The announced length, in bytes.
        length: u64,
        /// What the reader would have taken, in bytes.
        max: usize,
    },
    /// The length is no varint.
    #[error("a frame of kind {kind} has a bad length: {source}")]
    Length {
        /// The frame's kind.
        kind: u8,
        /// What is wrong with it.
        source: WireError,
    },
}

/// Whether a reader that does not know this kind skips the frame; it is an error otherwise.
#[must_use]
pub fn is_optional(kind: u8) -> bool {
    kind & OPTIONAL != 0
}

/// Appends a whole frame.
pub fn put_frame(out: &mut BytesMut, kind: u8, body: &[u8]) {
    out.reserve(1 + VARINT_BYTES_MAX + body.len());
    out.put_u8(kind);
    put_varint(out, body.len() as u64);
    out.put_slice(body);
}

/// A whole frame of its own.
#[must_use]
pub fn frame(kind: u8, body: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    put_frame(&mut out, kind, body);
    out.freeze()
}

/// The kind and length of a frame whose body is written after it.
#[must_use]
pub fn frame_head(kind: u8, length: usize) -> Bytes {
    let mut head = BytesMut::with_capacity(1 + VARINT_BYTES_MAX);
    head.put_u8(kind);
    put_varint(&mut head, length as u64);
    head.freeze()
}

/// Takes the first frame off the buffer: its kind and its body, which shares the buffer's memory.
///
/// None means that more bytes are needed; the buffer is then as it was. `max` bounds the body, in bytes,
/// and is checked as soon as the length is there.
///
/// # Errors
/// When the length is malformed or over `max`.
pub fn split_frame(buffer: &mut BytesMut, max: usize) -> Result<Option<(u8, Bytes)>, FrameError> {
    let Some(head) = read_head(buffer, max)? else { return Ok(None) };
    buffer.advance(head.width);
    Ok(Some((head.kind, buffer.split_to(head.length).freeze())))
}

/// The same for bytes that are not read into a buffer first.
///
/// # Errors
/// As [`split_frame`].
pub fn take_frame(bytes: &mut Bytes, max: usize) -> Result<Option<(u8, Bytes)>, FrameError> {
    let Some(head) = read_head(bytes, max)? else { return Ok(None) };
    bytes.advance(head.width);
    Ok(Some((head.kind, bytes.split_to(head.length))))
}

/// What stands before a body, which is all there.
struct Head {
    kind: u8,
    /// Bytes before the body.
    width: usize,
    /// Bytes of the body.
    length: usize,
}

fn read_head(bytes: &[u8], max: usize) -> Result<Option<Head>, FrameError> {
    let Some((&kind, rest)) = bytes.split_first() else { return Ok(None) };
    let (length, width) = match decode_varint(rest) {
        Ok(read) => read,
        Err(WireError::Truncated) => return Ok(None),
        Err(source) => return Err(FrameError::Length { kind, source }),
    };
    let length = match usize::try_from(length) {
        Ok(fits) if fits <= max => fits,
        _ => return Err(FrameError::TooLarge { kind, length, max }),
    };
    let whole = rest.len() - width >= length;
    Ok(whole.then_some(Head { kind, width: 1 + width, length }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_length_over_the_limit_is_refused_before_the_body_is_there() {
        let mut buffer = BytesMut::from(&[7, 0x81, 0x01][..]);
        assert_eq!(
            split_frame(&mut buffer, 128),
            Err(FrameError::TooLarge { kind: 7, length: 129, max: 128 })
        );
        assert_eq!(split_frame(&mut buffer, 129), Ok(None));
    }

    #[test]
    fn a_length_that_is_no_varint_is_refused() {
        let mut buffer = BytesMut::from(&[7, 0x80, 0x00][..]);
        let error = FrameError::Length { kind: 7, source: WireError::Varint };
        assert_eq!(split_frame(&mut buffer, 128), Err(error));
    }

    proptest! {
        #[test]
        fn frames_come_back_whole_however_they_are_cut(
            frames in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..300)), 0..8),
            step in 1_usize..200,
        ) {
            let mut stream = BytesMut::new();
            for (kind, body) in &frames {
                put_frame(&mut stream, *kind, body);
            }
            let (mut buffer, mut read) = (BytesMut::new(), Vec::new());
            for part in stream.chunks(step) {
                buffer.extend_from_slice(part);
                while let Some((kind, body)) = split_frame(&mut buffer, 300)? {
                    read.push((kind, body.to_vec()));
                }
            }
            prop_assert!(buffer.is_empty());
            prop_assert_eq!(read, frames);
        }

        #[test]
        fn any_bytes_split_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut buffer = BytesMut::from(&bytes[..]);
            let mut whole = buffer.clone().freeze();
            while let Ok(Some((kind, body))) = split_frame(&mut buffer, 32) {
                prop_assert!(body.len() <= 32);
                prop_assert_eq!(take_frame(&mut whole, 32), Ok(Some((kind, body))));
            }
            prop_assert_eq!(split_frame(&mut buffer, 32), take_frame(&mut whole, 32));
        }
    }
}
