//! ZMTP 3.0 without security (<https://rfc.zeromq.org/spec/23/>), the side that listens.
//!
//! What it owns: the greeting, frames, and who may talk to whom. Exists because the ZeroMQ library at hand queues 100,000
//! messages of any size for a slow subscriber and drops the rest without a word. It must not know what messages mean.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

/// Bytes that each side begins with.
pub const GREETING_BYTES: usize = 64;
/// Bytes of a command at most: those that are understood have a few words.
const COMMAND_BYTES_MAX: usize = 4_096;
/// Frames of one message at most. Those that are understood have two.
const PARTS_MAX: usize = 16;

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// What a socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Socket {
    /// Answers what REQ sockets ask.
    Rep,
    /// Sends to SUB sockets.
    Pub,
    /// Hears PUB sockets.
    Sub,
}

/// Something whole that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrived {
    /// A message of one frame or several.
    Message(Vec<Bytes>),
    /// Asks whether we are there, with what the answer has to hold.
    Ping(Bytes),
    /// A command that changes nothing.
    Other,
}

/// Why a connection is given up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZmtpError {
    /// Something else speaks there, or a version before 3.0.
    #[error("the other side does not speak ZMTP 3")]
    Greeting,
    /// CURVE or PLAIN.
    #[error("the other side wants the security mechanism {0}, and there is NULL only")]
    Mechanism(String),
    /// Its socket does not fit.
    #[error("a {theirs} socket connected where {wanted} sockets belong")]
    Socket {
        /// What it is.
        theirs: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// More than may be.
    #[error("a message is larger than {0} bytes")]
    TooLarge(usize),
    /// Frames that cannot be.
    #[error("a frame is malformed")]
    Frame,
}

impl Socket {
    fn name(self) -> &'static str {
        match self {
            Self::Rep => "REP",
            Self::Pub => "PUB",
            Self::Sub => "SUB",
        }
    }

    /// The sockets that may connect.
    fn takes(self) -> &'static [&'static str] {
        match self {
            Self::Rep => &["REQ", "DEALER"],
            Self::Pub => &["SUB", "XSUB"],
            Self::Sub => &["PUB", "XPUB"],
        }
    }

    /// What a socket says of itself once both have greeted.
    #[must_use]
    pub fn ready(self) -> Bytes {
        let mut body = BytesMut::from(&b"\x05READY\x0bSocket-Type"[..]);
        body.put_u32(3);
        body.put_slice(self.name().as_bytes());
        let mut out = BytesMut::new();
        put_frame(&mut out, COMMAND, &body);
        out.freeze()
    }

    /// Checks what the other side says of itself.
    ///
    /// # Errors
    /// When it says something else, or is a socket that does not fit.
    pub fn admit(self, command: &[u8]) -> Result<(), ZmtpError> {
        let mut rest = command.strip_prefix(b"\x05READY").ok_or(ZmtpError::Frame)?;
        while !rest.is_empty() {
            let (name, after) = take(rest, 1).ok_or(ZmtpError::Frame)?;
            let (value, after) = take(after, 4).ok_or(ZmtpError::Frame)?;
            if name.eq_ignore_ascii_case(b"Socket-Type") {
                let theirs = String::from_utf8_lossy(value).into_owned();
                let wanted = self.takes();
                let fits = wanted.contains(&theirs.as_str());
                return if fits { Ok(()) } else { Err(ZmtpError::Socket { theirs, wanted: wanted[0] }) };
            }
            rest = after;
        }
        Err(ZmtpError::Frame)
    }
}

/// Bytes behind their length, which has so many bytes itself; and what follows.
fn take(bytes: &[u8], length_bytes: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(length_bytes)?;
    let length = length.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    rest.split_at_checked(length)
}

/// The greeting of either side.
#[must_use]
pub fn greeting() -> [u8; GREETING_BYTES] {
    let mut greeting = [0; GREETING_BYTES];
    greeting[0] = 0xff;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    greeting[12..16].copy_from_slice(b"NULL");
    greeting
}

/// Checks the other side's greeting.
///
/// # Errors
/// When it is another protocol, or wants what there is not.
pub fn check_greeting(theirs: &[u8; GREETING_BYTES]) -> Result<(), ZmtpError> {
    if theirs[0] != 0xff || theirs[9] & 1 == 0 || theirs[10] < 3 {
        return Err(ZmtpError::Greeting);
    }
    let mechanism = theirs[12..32].split(|byte| *byte == 0).next().unwrap_or_default();
    if mechanism != b"NULL" {
        return Err(ZmtpError::Mechanism(String::from_utf8_lossy(mechanism).into_owned()));
    }
    Ok(())
}

/// The bytes of a message.
#[must_use]
pub fn message(parts: &[&[u8]]) -> Bytes {
    let mut out = BytesMut::with_capacity(parts.iter().map(|part| part.len() + 9).sum());
    for (at, part) in parts.iter().enumerate() {
        let more = if at + 1 < parts.len() { MORE } else { 0 };
        put_frame(&mut out, more, part);
    }
    out.freeze()
}

/// The answer to a ping.
#[must_use]
pub fn pong(context: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    put_frame(&mut out, COMMAND, &[b"\x04PONG", context].concat());
    out.freeze()
}

fn put_frame(out: &mut BytesMut, flags: u8, body: &[u8]) {
    match u8::try_from(body.len()) {
        Ok(length) => {
            out.put_u8(flags);
            out.put_u8(length);
        }
        Err(_) => {
            out.put_u8(flags | LONG);
            out.put_u64(body.len() as u64);
        }
    }
    out.put_slice(body);
}

/// Puts frames together to what they are the frames of.
#[derive(Debug)]
pub struct Reader {
    buffer: BytesMut,
    /// The frames of a message that goes on.
    parts: Vec<Bytes>,
    parts_bytes: usize,
    bytes_max: usize,
}

impl Reader {
    /// For messages of so many bytes at most.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self { buffer: BytesMut::new(), parts: Vec::new(), parts_bytes: 0, bytes_max }
    }

    /// Where to put what arrives.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The other side's command READY, once it is whole.
    ///
    /// # Errors
    /// When something else comes first.
    pub fn ready(&mut self) -> Result<Option<Bytes>, ZmtpError> {
        match self.frame()? {
            Some((flags, body)) if flags & COMMAND != 0 => Ok(Some(body)),
            Some(_) => Err(ZmtpError::Frame),
            None => Ok(None),
        }
    }

    /// What has arrived whole.
    ///
    /// # Errors
    /// When frames are too large, or cannot be.
    pub fn next(&mut self) -> Result<Option<Arrived>, ZmtpError> {
        while let Some((flags, body)) = self.frame()? {
            if flags & COMMAND != 0 {
                return Ok(Some(match body.strip_prefix(b"\x04PING") {
                    // Two bytes say for how long the connection is good without another.
                    Some(rest) => Arrived::Ping(Bytes::copy_from_slice(rest.get(2..).unwrap_or_default())),
                    None => Arrived::Other,
                }));
            }
            self.parts_bytes = self.parts_bytes.saturating_add(body.len());
            self.parts.push(body);
            if self.parts_bytes > self.bytes_max || self.parts.len() > PARTS_MAX {
                return Err(ZmtpError::TooLarge(self.bytes_max));
            }
            if flags & MORE == 0 {
                self.parts_bytes = 0;
                return Ok(Some(Arrived::Message(std::mem::take(&mut self.parts))));
            }
        }
        Ok(None)
    }

    fn frame(&mut self) -> Result<Option<(u8, Bytes)>, ZmtpError> {
        let Some(&flags) = self.buffer.first() else { return Ok(None) };
        if flags & !(MORE | LONG | COMMAND) != 0 || flags & (COMMAND | MORE) == COMMAND | MORE {
            return Err(ZmtpError::Frame);
        }
        let head = if flags & LONG != 0 { 9 } else { 2 };
        let Some(length) = self.buffer.get(1..head) else { return Ok(None) };
        let length = length.iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
        let most = if flags & COMMAND != 0 { COMMAND_BYTES_MAX } else { self.bytes_max };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > most {
            return Err(ZmtpError::TooLarge(most));
        }
        if self.buffer.len() < head + length {
            return Ok(None);
        }
        self.buffer.advance(head);
        Ok(Some((flags, self.buffer.split_to(length).freeze())))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<Arrived>, ZmtpError> {
        let mut reader = Reader::new(1 << 12);
        reader.buffer().extend_from_slice(bytes);
        let mut all = Vec::new();
        while let Some(arrived) = reader.next()? {
            all.push(arrived);
        }
        Ok(all)
    }

    /// As libzmq 4.3.4 writes them.
    #[test]
    fn captured_bytes_are_understood() {
        let mut theirs = greeting();
        theirs[8] = 1;
        theirs[11] = 1;
        assert_eq!(check_greeting(&theirs), Ok(()));
        let ready = b"\x04\x26\x05READY\x0bSocket-Type\x00\x00\x00\x03REQ\x08Identity\x00\x00\x00\x00";
        let mut reader = Reader::new(100);
        reader.buffer().extend_from_slice(ready);
        let command = reader.ready().expect("no error").expect("a command");
        assert_eq!(Socket::Rep.admit(&command), Ok(()));
        let refused = Socket::Pub.admit(&command).expect_err("another socket").to_string();
        assert_eq!(refused, "a REQ socket connected where SUB sockets belong");
        let asked = read(b"\x01\x00\x00\x18plugin_command: next_msg").expect("a message");
        assert_eq!(asked, [Arrived::Message(vec![Bytes::new(), "plugin_command: next_msg".into()])]);
        assert_eq!(
            message(&[b"", b"plugin_command: next_msg"]),
            &b"\x01\x00\x00\x18plugin_command: next_msg"[..]
        );
        assert_eq!(read(b"\x04\x09\x04PING\x00\x64ab").expect("a command"), [Arrived::Ping("ab".into())]);
        assert_eq!(pong(b"ab"), &b"\x04\x07\x04PONGab"[..]);
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let mut http = [b' '; GREETING_BYTES];
        http[..14].copy_from_slice(b"GET / HTTP/1.1");
        assert_eq!(check_greeting(&http), Err(ZmtpError::Greeting));
        let mut curve = greeting();
        curve[12..17].copy_from_slice(b"CURVE");
        assert_eq!(check_greeting(&curve), Err(ZmtpError::Mechanism("CURVE".into())));
        assert_eq!(read(b"\x08\x00"), Err(ZmtpError::Frame));
        assert_eq!(read(b"\x02\xff\xff\xff\xff\xff\xff\xff\xff"), Err(ZmtpError::TooLarge(4096)));
        assert_eq!(read(&b"\x01\x00".repeat(17)), Err(ZmtpError::TooLarge(4096)));
        assert_eq!(Socket::Rep.admit(b"\x05READY"), Err(ZmtpError::Frame));
        assert_eq!(Socket::Rep.admit(b"\x05READY\x09x"), Err(ZmtpError::Frame));
    }

    proptest! {
        #[test]
        fn messages_cross_in_any_pieces(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..4),
            piece in 1_usize..40,
        ) {
            let parts_of: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            let mut reader = Reader::new(1 << 12);
            let mut came = Vec::new();
            for piece in message(&parts_of).chunks(piece) {
                reader.buffer().extend_from_slice(piece);
                came.extend(reader.next().expect("no error"));
            }
            prop_assert_eq!(came, [Arrived::Message(parts.into_iter().map(Bytes::from).collect())]);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>(), flags in 0_u8..8) {
            let _ = read(&bytes);
            let _ = read(&[&[flags][..], &bytes].concat());
            let _ = Socket::Sub.admit(&[b"\x05READY", &bytes[..]].concat());
        }
    }
}
