//! What a Redis says to a subscriber: arrays of texts, and short answers, in the second version of its protocol.
//!
//! What it owns: cutting what comes into messages, where they lie, and writing commands. It is not the client library's, as
//! that makes values of each part of a message and hands them over, whether or not anybody takes them; here what nobody takes
//! is not read. It must not know channels: this file stands alone, so that the harness can try it with any bytes.

use bytes::{Buf as _, BytesMut};

/// Bytes of one text; Redis itself takes no larger ones.
const TEXT_BYTES_MAX: usize = 512 << 20;
/// Parts of an array: as many as messages have.
const PARTS_MAX: usize = 4;
/// Bytes of a line, which is a number, a word or an error.
const LINE_BYTES_MAX: usize = 4_096;

/// Something that was said.
#[derive(Debug, PartialEq, Eq)]
pub enum Said<'b> {
    /// A message on a channel.
    Message {
        /// The glob it came by; none when it came by its name.
        glob: Option<&'b [u8]>,
        /// The channel's name, as it is there.
        channel: &'b [u8],
        /// What it says.
        payload: &'b [u8],
    },
    /// A message with more in it than is taken. What it says is let go as it comes.
    TooLarge,
    /// A subscription holds.
    Subscribed,
    /// It refuses what was asked.
    Refused(&'b [u8]),
    /// An answer that says no more than that it was heard.
    Heard,
}

/// What came is none of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RespError {
    /// A value begins with something else.
    #[error("a value that begins with the byte {0}")]
    Kind(u8),
    /// A length is none, or larger than anything may be.
    #[error("a length that is none")]
    Length,
    /// A line has no end.
    #[error("a line without an end")]
    Line,
    /// An array that is no message and no answer.
    #[error("an array that means nothing to a subscriber")]
    Array,
}

/// Cuts what comes.
#[derive(Debug)]
pub struct Replies {
    /// What came and was not said yet.
    buffer: BytesMut,
    /// So much of it was said.
    said: usize,
    /// Bytes of one text that are taken; with the texts before a payload, what is ever held.
    most: usize,
    /// Bytes still to come that nobody takes.
    skip: usize,
}

impl Replies {
    /// Nothing has come; no text of more bytes is taken.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { buffer: BytesMut::new(), said: 0, most, skip: 0 }
    }

    /// Where to put what comes.
    pub fn buffer(&mut self) -> &mut BytesMut {
        self.buffer.advance(std::mem::take(&mut self.said));
        &mut self.buffer
    }

    /// The next that was said. None: more has to come.
    ///
    /// # Errors
    /// When it is none of the protocol, and nothing behind it can be understood.
    pub fn next(&mut self) -> Result<Option<Said<'_>>, RespError> {
        let skipped = self.skip.min(self.buffer.len().saturating_sub(self.said));
        (self.said, self.skip) = (self.said.saturating_add(skipped), self.skip.saturating_sub(skipped));
        let rest = self.buffer.get(self.said..).unwrap_or_default();
        let Some((said, length)) = read(rest, self.most)? else { return Ok(None) };
        let here = length.min(rest.len());
        (self.said, self.skip) = (self.said.saturating_add(here), length.saturating_sub(here));
        Ok(Some(said))
    }
}

/// What stands first, and how long it is.
fn read(bytes: &[u8], most: usize) -> Result<Option<(Said<'_>, usize)>, RespError> {
    let Some(&kind) = bytes.first() else { return Ok(None) };
    if kind != b'*' {
        let Some((_, length)) = part(bytes, most)? else { return Ok(None) };
        let said = if kind == b'-' { Said::Refused(line(bytes)?.unwrap_or_default()) } else { Said::Heard };
        return Ok(Some((said, length)));
    }
    let Some(head) = line(bytes)? else { return Ok(None) };
    let count = number(head).filter(|count| (1..=PARTS_MAX).contains(count)).ok_or(RespError::Length)?;
    let mut parts: [&[u8]; PARTS_MAX] = [&[]; PARTS_MAX];
    let mut at = head.len() + 3;
    for number in 0..count {
        let rest = bytes.get(at..).unwrap_or_default();
        let is_payload = matches!((parts[0], number), (b"message", 2) | (b"pmessage", 3));
        if is_payload && let Some(length) = large(rest, most)? {
            return Ok(Some((Said::TooLarge, at.saturating_add(length))));
        }
        let Some((text, length)) = part(rest, most)? else { return Ok(None) };
        parts[number] = text;
        at = at.saturating_add(length);
    }
    let said = match (parts.first().copied().unwrap_or_default(), count) {
        (b"message", 3) => Said::Message { glob: None, channel: parts[1], payload: parts[2] },
        (b"pmessage", 4) => Said::Message { glob: Some(parts[1]), channel: parts[2], payload: parts[3] },
        (b"subscribe" | b"psubscribe", 3) => Said::Subscribed,
        (b"pong", _) => Said::Heard,
        _ => return Err(RespError::Array),
    };
    Ok(Some((said, at)))
}

/// How long a text is with all around it that nobody takes. None: it is taken, or its length has to come.
fn large(bytes: &[u8], most: usize) -> Result<Option<usize>, RespError> {
    if !bytes.starts_with(b"$") {
        return Ok(None);
    }
    let Some(head) = line(bytes)? else { return Ok(None) };
    let length = number(head).filter(|length| (most + 1..=TEXT_BYTES_MAX).contains(length));
    Ok(length.map(|length| head.len() + 3 + length + 2))
}

/// One value that is no array: its text, and how long it is with all around it.
fn part(bytes: &[u8], most: usize) -> Result<Option<(&[u8], usize)>, RespError> {
    let Some(&kind) = bytes.first() else { return Ok(None) };
    match kind {
        b'+' | b'-' | b':' => Ok(line(bytes)?.map(|text| (text, text.len() + 3))),
        b'$' => {
            let Some(head) = line(bytes)? else { return Ok(None) };
            let begin = head.len() + 3;
            if head == b"-1" {
                return Ok(Some((&[], begin)));
            }
            let length = number(head).filter(|length| *length <= most).ok_or(RespError::Length)?;
            let end = begin + length;
            match (bytes.get(begin..end), bytes.get(end..end + 2)) {
                (Some(text), Some(b"\r\n")) => Ok(Some((text, end + 2))),
                (Some(_), Some(_)) => Err(RespError::Length),
                _ => Ok(None),
            }
        }
        other => Err(RespError::Kind(other)),
    }
}

/// What stands behind the first byte up to the end of its line. None: its end has to come.
fn line(bytes: &[u8]) -> Result<Option<&[u8]>, RespError> {
    let within = bytes.get(1..bytes.len().min(LINE_BYTES_MAX)).unwrap_or_default();
    match within.iter().position(|byte| *byte == b'\r') {
        Some(end) => match bytes.get(end + 2) {
            Some(b'\n') => Ok(within.get(..end)),
            Some(_) => Err(RespError::Line),
            None => Ok(None),
        },
        None if bytes.len() >= LINE_BYTES_MAX => Err(RespError::Line),
        None => Ok(None),
    }
}

fn number(digits: &[u8]) -> Option<usize> {
    let fits = !digits.is_empty() && digits.len() <= 10 && digits.iter().all(u8::is_ascii_digit);
    fits.then(|| digits.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0')))
}

/// Puts a command behind others.
pub fn put_command<'p>(out: &mut Vec<u8>, name: &'p str, rest: impl ExactSizeIterator<Item = &'p str>) {
    out.extend_from_slice(format!("*{}\r\n", rest.len() + 1).as_bytes());
    for part in std::iter::once(name).chain(rest) {
        out.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        out.extend_from_slice(part.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(chunks: &[&[u8]]) -> Result<Vec<String>, RespError> {
        let (mut replies, mut all) = (Replies::new(100), Vec::new());
        for chunk in chunks {
            replies.buffer().extend_from_slice(chunk);
            while let Some(said) = replies.next()? {
                all.push(format!("{said:?}"));
            }
        }
        Ok(all)
    }

    #[test]
    fn messages_are_cut_wherever_they_arrive() {
        let text: &[u8] = b"+OK\r\n*3\r\n$10\r\npsubscribe\r\n$3\r\na/*\r\n:1\r\n*4\r\n$8\r\npmessage\r\n$3\r\na/*\r\n$3\r\na/b\r\n$4\r\n\r\n\r\n\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$0\r\n\r\n-NOPERM no\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n";
        let message = |glob: Option<&[u8]>, channel: &[u8], payload: &[u8]| {
            format!("{:?}", Said::Message { glob, channel, payload })
        };
        let want = vec![
            "Heard".to_owned(),
            "Subscribed".to_owned(),
            message(Some(b"a/*"), b"a/b", b"\r\n\r\n"),
            message(None, b"c", b""),
            format!("{:?}", Said::Refused(b"NOPERM no")),
            "Heard".to_owned(),
        ];
        assert_eq!(all(&[text]), Ok(want.clone()));
        for cut in 1..text.len() {
            assert_eq!(all(&[&text[..cut], &text[cut..]]), Ok(want.clone()), "{cut}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(all(&bytes), Ok(want));
    }

    #[test]
    fn what_is_too_large_is_let_go_and_not_held() {
        let text = [b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$101\r\n", &[b'x'; 101][..], b"\r\n+OK\r\n"].concat();
        let want = Ok(vec!["TooLarge".to_owned(), "Heard".to_owned()]);
        assert_eq!(all(&[&text]), want);
        assert_eq!(all(&text.chunks(7).collect::<Vec<_>>()), want);
        let mut replies = Replies::new(100);
        replies.buffer().extend_from_slice(&text[..60]);
        assert_eq!(replies.next(), Ok(Some(Said::TooLarge)));
        assert_eq!(replies.next(), Ok(None));
        assert_eq!(replies.buffer().len(), 0);
    }

    #[test]
    fn what_is_no_redis_is_refused() {
        let check = |text: &[u8], want| assert_eq!(all(&[text]), Err(want), "{}", text.escape_ascii());
        check(b"HTTP/1.1 400 no\r\n", RespError::Kind(b'H'));
        check(b"*-1\r\n", RespError::Length);
        check(b"*9\r\n", RespError::Length);
        check(b"*3\r\n*1\r\n", RespError::Kind(b'*'));
        check(b"$101\r\n", RespError::Length);
        check(b"*3\r\n$7\r\nmessage\r\n$101\r\n", RespError::Length);
        check(b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$536870913\r\n", RespError::Length);
        check(b"$2\r\nabc\r\n", RespError::Length);
        check(b"*1\r\n$1\r\nx\r\n", RespError::Array);
        check(b"+OK\rx", RespError::Line);
        check(&[b'+'; LINE_BYTES_MAX], RespError::Line);
    }

    #[test]
    fn commands_are_arrays_of_texts() {
        let mut out = Vec::new();
        put_command(&mut out, "PSUBSCRIBE", ["a/*", "é"].into_iter());
        assert_eq!(out, "*3\r\n$10\r\nPSUBSCRIBE\r\n$3\r\na/*\r\n$2\r\né\r\n".as_bytes());
    }
}
