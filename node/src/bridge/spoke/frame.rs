//! pyspoke's wire: JSON objects `{"head": {"channel": …}, "body": …}`, each ended by a zero byte.
//!
//! What it owns: cutting a stream into frames, and reading a frame without copying its body. What is accepted is what
//! Python's `json` accepts, `NaN` and `Infinity` with it. It must not know channels, nor what a head means: this file
//! stands alone, so that the harness can try it with any bytes.

use bytes::{Buf, Bytes, BytesMut};

use super::json::{Scan, text};

/// Ends each frame.
const END: u8 = 0;

/// Why a frame cannot be read. The stream goes on behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It is longer than this side takes.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// It is not UTF-8.
    #[error("it is not UTF-8")]
    Utf8,
    /// It is not JSON, at this byte.
    #[error("it is no JSON, at byte {0}")]
    Json(usize),
    /// It is no object with a head that is one.
    #[error("it has no head")]
    Head,
    /// Its head has no channel that is a text.
    #[error("its head has no channel")]
    Channel,
}

/// Cuts a stream into frames.
#[derive(Debug)]
pub struct Frames {
    /// What came and is not cut yet.
    buffer: BytesMut,
    /// So much of it has no end in it.
    looked: usize,
    /// Bytes of one frame.
    most: usize,
    /// What comes until the next end belongs to a frame that was too long.
    skipping: bool,
}

impl Frames {
    /// Frames of at most so many bytes.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { buffer: BytesMut::new(), looked: 0, most, skipping: false }
    }

    /// Where to put what comes.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next frame without its end. None: more has to come.
    pub fn next(&mut self) -> Option<Result<Bytes, FrameError>> {
        let behind = self.buffer.get(self.looked..).unwrap_or_default();
        let Some(at) = behind.iter().position(|byte| *byte == END).map(|at| at + self.looked) else {
            self.looked = self.buffer.len();
            if self.skipping || self.looked > self.most {
                self.buffer.clear();
                (self.looked, self.skipping) = (0, true);
            }
            return None;
        };
        let frame = self.buffer.split_to(at).freeze();
        self.buffer.advance(1);
        self.looked = 0;
        let too_long = std::mem::take(&mut self.skipping) || frame.len() > self.most;
        Some(if too_long { Err(FrameError::TooLong(self.most)) } else { Ok(frame) })
    }
}

/// A frame as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// The channel, as it was written.
    pub channel: String,
    /// The other members of the head, each with its value as JSON.
    pub head: Vec<(String, Bytes)>,
    /// The body as JSON; `null` when there is none.
    pub body: Bytes,
    /// It has a `NaN` or an infinity in it, which is no JSON to anybody but Python.
    pub is_odd: bool,
}

impl Frame {
    /// Reads one, without its end.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(bytes: &Bytes) -> Result<Self, FrameError> {
        std::str::from_utf8(bytes).map_err(|_| FrameError::Utf8)?;
        let bad = |at| FrameError::Json(at);
        let mut scan = Scan::new(bytes);
        if !scan.begins_object() {
            // Whatever else it is, it has no head; what is no JSON is told apart.
            scan.value().and_then(|()| scan.end()).map_err(bad)?;
            return Err(FrameError::Head);
        }
        let (mut head, mut body) = (None, None);
        scan.members(|key, from, to, odd| match &*key {
            "head" => head = Some((from, to)),
            "body" => body = Some((from, to, odd)),
            _ => {}
        })
        .and_then(|()| scan.end())
        .map_err(bad)?;
        let (from, to) = head.ok_or(FrameError::Head)?;
        let head = bytes.slice(from..to);
        let mut scan = Scan::new(&head);
        if !scan.begins_object() {
            return Err(FrameError::Head);
        }
        let mut members: Vec<(String, Bytes)> = Vec::new();
        scan.members(|key, from, to, _| {
            // Of two members of one name the later holds, as in Python.
            members.retain(|(known, _)| *known != key);
            members.push((key.into_owned(), head.slice(from..to)));
        })
        .map_err(bad)?;
        let channel = members.iter().position(|(key, _)| key == "channel").ok_or(FrameError::Channel)?;
        let (_, channel) = members.remove(channel);
        let channel = text(&channel).ok_or(FrameError::Channel)?;
        let (body, is_odd) = match body {
            Some((from, to, odd)) => (bytes.slice(from..to), odd),
            None => (Bytes::from_static(b"null"), false),
        };
        Ok(Self { channel, head: members, body, is_odd })
    }

    /// A member of the head.
    #[must_use]
    pub fn member(&self, key: &str) -> Option<&Bytes> {
        self.head.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }
}
