//! JSON as Python writes and reads it, `NaN` and infinities with it: checked and cut, not made into values.
//!
//! It must not know what it is read for: this file stands alone, so that the harness can try it with any bytes.

use std::borrow::Cow;

use bytes::Bytes;

/// Lists and objects in one another; Python itself gives up near a thousand.
const NESTED_MAX: usize = 512;

/// The text that a JSON string stands for. None when it is no string. What Python calls a lone surrogate is replaced.
#[must_use]
pub fn text(json: &[u8]) -> Option<String> {
    let inside = json.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    Some(unescaped(std::str::from_utf8(inside).ok()?).into_owned())
}

/// Whether Python takes a JSON value for true.
#[must_use]
pub fn is_true(json: &[u8]) -> bool {
    match json.first() {
        Some(b'"') => json.len() > 2,
        Some(b'{' | b'[') => {
            json.iter().skip(1).any(|byte| !byte.is_ascii_whitespace() && !b"]}".contains(byte))
        }
        Some(b't' | b'N' | b'I') => true,
        Some(b'-' | b'0'..=b'9') => {
            let number = std::str::from_utf8(json).ok().and_then(|number| number.parse::<f64>().ok());
            number.is_none_or(|number| number != 0.0)
        }
        _ => false,
    }
}

/// The members of a JSON object, each with its value. None when it is no object.
#[must_use]
pub fn members(json: &Bytes) -> Option<Vec<(String, Bytes)>> {
    std::str::from_utf8(json).ok()?;
    let mut scan = Scan::new(json);
    if !scan.begins_object() {
        return None;
    }
    let mut members = Vec::new();
    scan.members(|key, from, to, _| members.push((key.into_owned(), json.slice(from..to)))).ok()?;
    scan.end().ok()?;
    Some(members)
}

/// Whether bytes are one JSON value, and whether it is an odd one.
#[must_use]
pub fn value(json: &[u8]) -> Option<bool> {
    std::str::from_utf8(json).ok()?;
    let mut scan = Scan::new(json);
    scan.value().ok()?;
    scan.end().ok()?;
    // A zero byte would end the frame; no JSON has one.
    Some(scan.is_odd)
}

/// Reads JSON from left to right without making anything of it. The bytes are UTF-8. An error is the byte where it is.
#[derive(Debug)]
pub struct Scan<'b> {
    bytes: &'b [u8],
    at: usize,
    /// Something was read that only Python takes.
    is_odd: bool,
}

impl<'b> Scan<'b> {
    /// From the first byte on.
    #[must_use]
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0, is_odd: false }
    }

    /// Whether an object comes next, behind space.
    pub fn begins_object(&mut self) -> bool {
        self.space();
        self.peek() == Some(b'{')
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, byte: u8) -> Result<(), usize> {
        if self.take(byte) { Ok(()) } else { Err(self.at) }
    }

    /// Nothing more may come but space.
    ///
    /// # Errors
    /// Where something does.
    pub fn end(&mut self) -> Result<(), usize> {
        self.space();
        if self.peek().is_none() { Ok(()) } else { Err(self.at) }
    }

    /// The members of an object that begins here: each key, where its value begins and ends, and whether that is odd.
    ///
    /// # Errors
    /// Where it is none.
    pub fn members(&mut self, mut visit: impl FnMut(Cow<'b, str>, usize, usize, bool)) -> Result<(), usize> {
        self.expect(b'{')?;
        self.space();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.space();
            let key = self.string()?;
            self.space();
            self.expect(b':')?;
            self.space();
            let (from, before) = (self.at, std::mem::take(&mut self.is_odd));
            self.value()?;
            visit(unescaped(key), from, self.at, self.is_odd);
            self.is_odd |= before;
            self.space();
            if !self.take(b',') {
                return self.expect(b'}');
            }
        }
    }

    /// One value, whatever it is. Without recursion: how deep it is, others decide.
    ///
    /// # Errors
    /// Where it is none.
    pub fn value(&mut self) -> Result<(), usize> {
        // What is open: true for objects.
        let mut open: Vec<bool> = Vec::new();
        loop {
            self.space();
            let begins = match self.peek() {
                Some(b'{') => Some(true),
                Some(b'[') => Some(false),
                _ => None,
            };
            match begins {
                None => self.scalar()?,
                Some(is_object) => {
                    self.at += 1;
                    self.space();
                    if !self.take(if is_object { b'}' } else { b']' }) {
                        if open.len() == NESTED_MAX {
                            return Err(self.at);
                        }
                        open.push(is_object);
                        if is_object {
                            self.key()?;
                        }
                        continue;
                    }
                }
            }
            // A value has ended: what it was in may end too, or go on.
            loop {
                let Some(&is_object) = open.last() else { return Ok(()) };
                self.space();
                if self.take(b',') {
                    if is_object {
                        self.key()?;
                    }
                    break;
                }
                self.expect(if is_object { b'}' } else { b']' })?;
                open.pop();
            }
        }
    }

    fn key(&mut self) -> Result<(), usize> {
        self.space();
        self.string()?;
        self.space();
        self.expect(b':')
    }

    fn scalar(&mut self) -> Result<(), usize> {
        const WORDS: [(&[u8], bool); 6] = [
            (b"null", false),
            (b"true", false),
            (b"false", false),
            (b"NaN", true),
            (b"Infinity", true),
            (b"-Infinity", true),
        ];
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.first() == Some(&b'"') {
            return self.string().map(|_| ());
        }
        match WORDS.iter().find(|(word, _)| rest.starts_with(word)) {
            Some((word, odd)) => {
                self.at += word.len();
                self.is_odd |= odd;
                Ok(())
            }
            None => self.number(),
        }
    }

    fn number(&mut self) -> Result<(), usize> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), usize> {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > from { Ok(()) } else { Err(self.at) }
    }

    /// A string that begins here: what stands between its quotes, escapes and all.
    fn string(&mut self) -> Result<&'b str, usize> {
        self.expect(b'"')?;
        let from = self.at;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(byte) if byte >= 0x20 => self.at += 1,
                _ => return Err(self.at),
            }
        }
        let inside = self.bytes.get(from..self.at).unwrap_or_default();
        self.at += 1;
        std::str::from_utf8(inside).map_err(|_| from)
    }

    fn escape(&mut self) -> Result<(), usize> {
        let escape = self.bytes.get(self.at + 1).copied();
        match escape {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6).unwrap_or_default();
                if digits.len() != 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(self.at);
                }
                self.at += 6;
            }
            _ => return Err(self.at),
        }
        Ok(())
    }
}

/// What stands between the quotes of a string that was read.
fn unescaped(inside: &str) -> Cow<'_, str> {
    if !inside.contains('\\') {
        return Cow::Borrowed(inside);
    }
    let (mut out, mut rest) = (String::with_capacity(inside.len()), inside);
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut chars = escape.chars();
        let (c, length) = match chars.next() {
            Some('u') => code_unit(escape),
            Some('b') => ('\u{8}', 1),
            Some('f') => ('\u{c}', 1),
            Some('n') => ('\n', 1),
            Some('r') => ('\r', 1),
            Some('t') => ('\t', 1),
            Some(other) => (other, other.len_utf8()),
            None => break,
        };
        out.push(c);
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character of `uXXXX`, or of two of those that belong together, and how long it is written.
fn code_unit(escape: &str) -> (char, usize) {
    let unit = |text: Option<&str>| text.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let first = unit(escape.get(1..5)).unwrap_or(0xfffd);
    let second = escape.get(5..7).filter(|next| *next == "\\u").and_then(|_| unit(escape.get(7..11)));
    if let (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) = (first, second) {
        let code = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(code).unwrap_or('\u{fffd}'), 11);
    }
    (char::from_u32(first).unwrap_or('\u{fffd}'), 5)
}
