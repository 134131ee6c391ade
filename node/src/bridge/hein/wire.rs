//! hein's wire: the handshake's few bytes, and messages that end with four bytes which nothing inside them is.
//!
//! What it owns: cutting a stream into messages and writing them. It must not know what a payload means.

use bytes::{Buf as _, Bytes, BytesMut};

/// "I am here", "you are accepted", "I have it".
pub const ACK: u8 = 0x06;
/// Bytes of a receiver's name and of a message's tag.
pub const NAME_BYTES_MAX: usize = 15;
/// Ends a message.
const END: [u8; 4] = [0xac, 0x96, 0xac, 0x96];
/// What the end begins with; inside a payload it is followed by [`STUFFED`].
const HALF: [u8; 2] = [0xac, 0x96];
const STUFFED: u8 = 0xee;
/// Bytes of the word that says what a payload is.
const KEY_BYTES: usize = 7;
/// Bytes before the payload at most: the word, the tag, `:0:`.
const HEAD_BYTES_MAX: usize = KEY_BYTES + NAME_BYTES_MAX + 3;

/// What a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bytes.
    Raw,
    /// JSON whose values carry their types.
    Json,
    /// Asks whether the receiver is there.
    Ping,
    /// The transmitter ends, and wants nobody to come back.
    Die,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// What its sender calls it; often nothing.
    pub tag: String,
    /// Whether a receiver is asked to read the payload at once.
    pub unpack: bool,
    /// The payload itself.
    pub payload: Bytes,
}

/// Why a stream cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// No end in sight.
    #[error("a message is larger than {0} bytes")]
    TooLarge(usize),
    /// Something else speaks there.
    #[error("what came is no message of hein's")]
    Head,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Raw, Self::Json, Self::Ping, Self::Die];

    fn key(self) -> &'static [u8; KEY_BYTES] {
        match self {
            Self::Raw => b"__raw__",
            Self::Json => b"__jsn__",
            Self::Ping => b"__png__",
            Self::Die => b"__die__",
        }
    }
}

impl Message {
    /// The bytes of it.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(HEAD_BYTES_MAX + self.payload.len() + END.len());
        out.extend_from_slice(self.kind.key());
        out.extend_from_slice(tag(&self.tag).as_bytes());
        out.extend_from_slice(if self.unpack { b":1:" } else { b":0:" });
        let mut rest = &self.payload[..];
        while let Some(at) = find(rest, &HALF) {
            out.extend_from_slice(&rest[..at + HALF.len()]);
            out.push(STUFFED);
            rest = &rest[at + HALF.len()..];
        }
        out.extend_from_slice(rest);
        out.extend_from_slice(&END);
        out.into()
    }

    fn decode(body: &[u8]) -> Result<Self, WireError> {
        let (key, rest) = body.split_first_chunk::<KEY_BYTES>().ok_or(WireError::Head)?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.key() == key).ok_or(WireError::Head)?;
        let colon = rest.iter().take(NAME_BYTES_MAX + 1).position(|byte| *byte == b':');
        let (name, rest) = rest.split_at(colon.ok_or(WireError::Head)?);
        let (unpack, mut payload) = match rest.split_first_chunk() {
            Some((b":1:", payload)) => (true, payload),
            Some((b":0:", payload)) => (false, payload),
            _ => return Err(WireError::Head),
        };
        let mut plain = Vec::with_capacity(payload.len());
        while let Some(at) = find(payload, &[HALF[0], HALF[1], STUFFED]) {
            plain.extend_from_slice(&payload[..at + HALF.len()]);
            payload = &payload[at + HALF.len() + 1..];
        }
        plain.extend_from_slice(payload);
        Ok(Self { kind, tag: tag(&String::from_utf8_lossy(name)), unpack, payload: plain.into() })
    }
}

/// A tag as hein lets them be: 15 characters of a few.
#[must_use]
pub fn tag(text: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
    text.chars().filter(fits).take(NAME_BYTES_MAX).collect()
}

/// Cuts what arrives into messages.
#[derive(Debug)]
pub struct Splitter {
    buffer: BytesMut,
    /// How far no end was found, so that nothing is looked at twice.
    seen: usize,
    bytes_max: usize,
}

impl Splitter {
    /// For messages of so many bytes at most.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self { buffer: BytesMut::new(), seen: 0, bytes_max }
    }

    /// Where to put what arrives.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Whether a whole message waits.
    #[must_use]
    pub fn has_whole(&self) -> bool {
        find(&self.buffer, &END).is_some()
    }

    /// The next whole message.
    ///
    /// # Errors
    /// When there is none, and never will be.
    pub fn next(&mut self) -> Result<Option<Message>, WireError> {
        let Some(at) = find(&self.buffer[self.seen..], &END).map(|at| at + self.seen) else {
            if self.buffer.len() > self.bytes_max.saturating_add(HEAD_BYTES_MAX) {
                return Err(WireError::TooLarge(self.bytes_max));
            }
            self.seen = self.buffer.len().saturating_sub(END.len() - 1);
            return Ok(None);
        };
        if at > self.bytes_max.saturating_add(HEAD_BYTES_MAX) {
            return Err(WireError::TooLarge(self.bytes_max));
        }
        let body = self.buffer.split_to(at);
        self.buffer.advance(END.len());
        self.seen = 0;
        Message::decode(&body).map(Some)
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: Kind, tag: &str, unpack: bool, payload: &[u8]) -> Message {
        Message { kind, tag: tag.into(), unpack, payload: Bytes::copy_from_slice(payload) }
    }

    fn read(bytes: &[u8]) -> Result<Option<Message>, WireError> {
        let mut splitter = Splitter::new(1 << 16);
        splitter.buffer().extend_from_slice(bytes);
        splitter.next()
    }

    /// As a real transmitter wrote them.
    #[test]
    fn captured_messages_are_read_and_written() {
        let check = |bytes: &[u8], want: Message| {
            assert_eq!(read(bytes).expect("no error").expect("a message"), want);
            assert_eq!(want.encode(), bytes);
        };
        check(b"__raw__:0:hello!\xac\x96\xac\x96", message(Kind::Raw, "", false, b"hello!"));
        check(
            b"__raw__my tag_-.:0:tagged\xac\x96\xac\x96",
            message(Kind::Raw, "my tag_-.", false, b"tagged"),
        );
        check(
            b"__raw__:0:\x00\xac\x96\xee\xff\xac\x96\xac\x96",
            message(Kind::Raw, "", false, b"\x00\xac\x96\xff"),
        );
        check(b"__png__:1:\xac\x96\xac\x96", message(Kind::Ping, "", true, b""));
        check(b"__jsn__np:0:[\"i:1\"]\xac\x96\xac\x96", message(Kind::Json, "np", false, b"[\"i:1\"]"));
    }

    #[test]
    fn what_is_no_message_ends_the_stream() {
        for bytes in [
            &b"GET / HTTP/1.1\xac\x96\xac\x96"[..],
            b"__raw__\xac\x96\xac\x96",
            b"__raw__a:2:\xac\x96\xac\x96",
        ] {
            assert_eq!(read(bytes), Err(WireError::Head));
        }
        let mut splitter = Splitter::new(10);
        splitter.buffer().extend_from_slice(&[b'x'; 36]);
        assert_eq!(splitter.next(), Err(WireError::TooLarge(10)));
    }

    #[test]
    fn a_tag_is_what_hein_lets_it_be() {
        assert_eq!(tag("my tag!é_-."), "my tag_-.");
        assert_eq!(tag("0123456789abcdefgh"), "0123456789abcde");
    }

    /// Bytes with many of those that messages end with.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![Just(0xac_u8), Just(0x96), Just(0xee), Just(b':'), any::<u8>()];
        prop::collection::vec(byte, 0..40)
    }

    proptest! {
        #[test]
        fn messages_cross_in_any_pieces(payloads in prop::collection::vec(bytes(), 1..4), piece in 1_usize..9) {
            let sent: Vec<Message> = payloads.iter().map(|payload| message(Kind::Raw, "t", false, payload)).collect();
            let stream: Vec<u8> = sent.iter().flat_map(|message| message.encode().to_vec()).collect();
            let mut splitter = Splitter::new(1 << 10);
            let mut came = Vec::new();
            for piece in stream.chunks(piece) {
                splitter.buffer().extend_from_slice(piece);
                while let Some(message) = splitter.next().expect("no error") {
                    came.push(message);
                }
            }
            prop_assert_eq!(came, sent);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in bytes(), kind in 0_usize..4) {
            let _ = read(&bytes);
            let whole = [&Kind::ALL[kind].key()[..], b"a:1:", &bytes, &END].concat();
            let _ = read(&whole);
        }
    }
}
