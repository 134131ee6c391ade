//! The alphabet of every frame: varints, lengths and texts, read with every length checked first.
//!
//! Bodies are read through [`Reader`], which never looks past its end, never allocates on a promise and
//! shares the received buffer instead of copying it. Which fields a frame has is not known here.

use std::net::{IpAddr, SocketAddr};

use bytes::{BufMut, Bytes};

use crate::limits::{HEADERS_BYTES_MAX, HEADERS_MAX};

/// Bytes the longest varint takes.
pub const VARINT_BYTES_MAX: usize = 10;

/// Why a body cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The bytes end before the value does.
    #[error("the bytes end in the middle of a value")]
    Truncated,
    /// More than 64 bits, or longer than it needs to be.
    #[error("a number is not in its shortest form, or has more than 64 bits")]
    Varint,
    /// A length or number over its limit.
    #[error("{value} is over the limit of {max}")]
    OverLimit {
        /// What was announced.
        value: u64,
        /// What is allowed.
        max: u64,
    },
    /// A text that is not UTF-8.
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// A field that means nothing, by its name.
    #[error("the {0} means nothing")]
    Value(&'static str),
    /// Bytes after the last field.
    #[error("{0} bytes follow the last field")]
    Trailing(usize),
}

/// Reads one body from its beginning to its end.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    /// The body, whose memory the slices handed out share.
    whole: &'a Bytes,
    /// What was not read yet.
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Begins at the first byte.
    #[must_use]
    pub fn new(body: &'a Bytes) -> Self {
        Self { whole: body, rest: body }
    }

    /// Bytes not read yet.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether everything was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// One byte.
    ///
    /// # Errors
    /// When nothing remains.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, WireError> {
        let (first, rest) = self.rest.split_first().ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    /// A varint of at most 64 bits, in its shortest form.
    ///
    /// # Errors
    /// When it is cut off, too long, or padded.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, WireError> {
        let (value, width) = decode_varint(self.rest)?;
        self.rest = self.rest.get(width..).ok_or(WireError::Truncated)?;
        Ok(value)
    }

    /// A varint of at most `max`.
    ///
    /// # Errors
    /// As [`Reader::varint`], and when it is greater.
    pub fn varint_max(&mut self, max: u64) -> Result<u64, WireError> {
        match self.varint()? {
            value if value > max => Err(WireError::OverLimit { value, max }),
            value => Ok(value),
        }
    }

    /// A length or count of at most `max`. It promises nothing about what follows: never allocate by it
    /// without looking at [`Reader::remaining`].
    ///
    /// # Errors
    /// As [`Reader::varint_max`].
    #[inline]
    pub fn length(&mut self, max: usize) -> Result<usize, WireError> {
        let value = self.varint()?;
        match usize::try_from(value) {
            Ok(fits) if fits <= max => Ok(fits),
            _ => Err(WireError::OverLimit { value, max: max as u64 }),
        }
    }

    /// The next `N` bytes, which stay to be read; none when fewer remain.
    #[must_use]
    #[inline]
    pub fn peek<const N: usize>(&self) -> Option<&'a [u8; N]> {
        self.rest.first_chunk()
    }

    /// The next `length` bytes, borrowed.
    ///
    /// # Errors
    /// When fewer remain.
    #[inline]
    pub fn slice(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `length` bytes, sharing the memory of the body.
    ///
    /// # Errors
    /// When fewer remain.
    #[inline]
    pub fn bytes(&mut self, length: usize) -> Result<Bytes, WireError> {
        Ok(self.whole.slice_ref(self.slice(length)?))
    }

    /// The next `N` bytes, copied.
    ///
    /// # Errors
    /// When fewer remain.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// A length and as much UTF-8, of at most `max` bytes.
    ///
    /// # Errors
    /// When it is longer, cut off or not UTF-8.
    #[inline]
    pub fn text(&mut self, max: usize) -> Result<&'a str, WireError> {
        let length = self.length(max)?;
        str::from_utf8(self.slice(length)?).map_err(|_| WireError::NotUtf8)
    }

    /// The headers of a message: names and values.
    ///
    /// # Errors
    /// When they are too many, too long together, cut off or not UTF-8.
    pub fn headers(&mut self) -> Result<Vec<(String, String)>, WireError> {
        let count = self.length(HEADERS_MAX)?;
        let mut left = HEADERS_BYTES_MAX;
        let mut headers = Vec::new();
        for _ in 0..count {
            let name = self.text(left)?;
            left = left.saturating_sub(name.len());
            let value = self.text(left)?;
            left = left.saturating_sub(value.len());
            headers.push((name.to_owned(), value.to_owned()));
        }
        Ok(headers)
    }

    /// An IP address and a port.
    ///
    /// # Errors
    /// When it is cut off or of no known family.
    pub fn addr(&mut self) -> Result<SocketAddr, WireError> {
        let ip = match self.u8()? {
            4 => IpAddr::from(self.array::<4>()?),
            6 => IpAddr::from(self.array::<16>()?),
            _ => return Err(WireError::Value("address")),
        };
        Ok(SocketAddr::new(ip, u16::from_be_bytes(self.array()?)))
    }

    /// What this reader has before it and `later`, which went on from here, has behind it.
    #[must_use]
    pub fn until(&self, later: &Self) -> Bytes {
        let read = self.rest.len().saturating_sub(later.rest.len());
        self.rest.get(..read).map_or_else(Bytes::new, |read| self.whole.slice_ref(read))
    }

    /// Everything not read yet, sharing the memory of the body.
    #[must_use]
    pub fn rest(self) -> Bytes {
        self.whole.slice_ref(self.rest)
    }

    /// Says that the last field was read.
    ///
    /// # Errors
    /// When something follows it.
    pub fn end(self) -> Result<(), WireError> {
        match self.rest.len() {
            0 => Ok(()),
            more => Err(WireError::Trailing(more)),
        }
    }
}

/// The varint at the beginning of the bytes, and how many bytes it takes.
///
/// # Errors
/// [`WireError::Truncated`] when it goes on past the end, [`WireError::Varint`] when no more bytes can
/// mend it.
#[inline]
pub fn decode_varint(bytes: &[u8]) -> Result<(u64, usize), WireError> {
    match bytes.first() {
        None => Err(WireError::Truncated),
        Some(&byte) if byte < 0x80 => Ok((u64::from(byte), 1)),
        Some(_) => decode_long_varint(bytes),
    }
}

fn decode_long_varint(bytes: &[u8]) -> Result<(u64, usize), WireError> {
    let mut value = 0;
    for (at, &byte) in bytes.iter().take(VARINT_BYTES_MAX).enumerate() {
        // The tenth byte has room for one bit, and no byte may end the number with nothing in it.
        if (at + 1 == VARINT_BYTES_MAX && byte > 1) || (at > 0 && byte == 0) {
            return Err(WireError::Varint);
        }
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            return Ok((value, at + 1));
        }
    }
    Err(WireError::Truncated)
}

/// Bytes the varint of this value takes, 1 to 10.
#[must_use]
#[inline]
pub fn varint_width(value: u64) -> usize {
    // Seven bits a byte; zero has one bit too.
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Appends a varint (LEB128, shortest form).
#[inline]
pub fn put_varint(out: &mut impl BufMut, mut value: u64) {
    while value >= 0x80 {
        // Truncation keeps the low bits, which is what is meant.
        out.put_u8((value as u8) | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

/// Appends a length and the text.
#[inline]
pub fn put_text(out: &mut impl BufMut, text: &str) {
    put_bytes(out, text.as_bytes());
}

/// Appends how many headers there are, then each name and value.
pub fn put_headers(out: &mut impl BufMut, headers: &[(String, String)]) {
    put_varint(out, headers.len() as u64);
    for (name, value) in headers {
        put_text(out, name);
        put_text(out, value);
    }
}

/// Appends an IP address and a port.
pub fn put_addr(out: &mut impl BufMut, addr: SocketAddr) {
    match addr.ip() {
        IpAddr::V4(ip) => {
            out.put_u8(4);
            out.put_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.put_u8(6);
            out.put_slice(&ip.octets());
        }
    }
    out.put_u16(addr.port());
}

/// Appends a length and the bytes.
#[inline]
pub fn put_bytes(out: &mut impl BufMut, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.put_slice(bytes);
}

/// Small differences of either sign as small numbers.
#[inline]
pub(super) fn zigzag(difference: u64) -> u64 {
    let signed = difference.cast_signed();
    ((signed << 1) ^ (signed >> 63)).cast_unsigned()
}

/// What [`zigzag`] made a small number of.
#[inline]
pub(super) fn unzigzag(coded: u64) -> u64 {
    (coded >> 1) ^ (coded & 1).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_varint_has_one_form() {
        let check = |bytes: &[u8], want| assert_eq!(decode_varint(bytes), want, "{bytes:x?}");
        check(&[], Err(WireError::Truncated));
        check(&[0x00], Ok((0, 1)));
        check(&[0x7f, 0xff], Ok((127, 1)));
        check(&[0x80, 0x01], Ok((128, 2)));
        check(&[0x80], Err(WireError::Truncated));
        check(&[0x80, 0x00], Err(WireError::Varint));
        check(&[0xff; 9], Err(WireError::Truncated));
        check(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], Ok((u64::MAX, 10)));
        check(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], Err(WireError::Varint));
        check(&[0xff; 11], Err(WireError::Varint));
    }

    #[test]
    fn lengths_are_checked_before_anything_is_taken() {
        let body = Bytes::from_static(b"\x05abc");
        assert_eq!(Reader::new(&body).text(4), Err(WireError::OverLimit { value: 5, max: 4 }));
        assert_eq!(Reader::new(&body).text(5), Err(WireError::Truncated));
        assert_eq!(Reader::new(&Bytes::from_static(b"\x01\xff")).text(5), Err(WireError::NotUtf8));
        let mut reader = Reader::new(&body);
        assert_eq!(reader.array(), Ok([5, b'a']));
        assert_eq!(reader.end(), Err(WireError::Trailing(2)));
    }

    #[test]
    fn slices_share_the_body() {
        let body = Bytes::from(vec![1, 2, 3, 4]);
        let mut reader = Reader::new(&body);
        assert_eq!(reader.u8(), Ok(1));
        let slice = reader.bytes(2).expect("two bytes");
        assert_eq!(slice.as_ptr(), body[1..].as_ptr());
        assert_eq!(reader.remaining(), 1);
    }

    proptest! {
        #[test]
        fn varints_come_back(value in prop_oneof![any::<u64>(), (0_u32..64).prop_map(|bits| 1_u64 << bits)]) {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            prop_assert_eq!(out.len(), varint_width(value));
            prop_assert_eq!(decode_varint(&out), Ok((value, out.len())));
        }

        #[test]
        fn what_is_read_is_what_would_be_written(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            if let Ok((value, width)) = decode_varint(&bytes) {
                let mut out = Vec::new();
                put_varint(&mut out, value);
                prop_assert_eq!(&out[..], &bytes[..width]);
            }
        }
    }
}
