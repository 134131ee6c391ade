//! Events: what travels. Payloads are opaque bytes; nothing here reads them.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    channel::{Channel, NetworkIndex},
    id::EventId,
    limits::{
        CONTENT_TYPE_BYTES_MAX, HEADERS_BYTES_MAX, HEADERS_MAX, KEY_BYTES_MAX, MESH_PREFIX, PAYLOAD_BYTES_MAX,
    },
    time::Hlc,
};

/// What a publisher sends and a responder answers. Cloning shares the bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// The opaque bytes.
    pub payload: Bytes,
    /// What most events do not have, behind one pointer so that they do not pay for it.
    extra: Option<Arc<Extra>>,
}

/// The optional parts of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extra {
    /// Media type; none means unknown bytes.
    pub content_type: Option<String>,
    /// Events of one channel with the same key are handled in order.
    pub key: Option<String>,
    /// Lower-case names; a name may repeat.
    pub headers: Vec<(String, String)>,
    /// So many milliseconds after it was published nobody wants it any more; none: it is always of use.
    pub expires_ms: Option<u64>,
}

/// Why a message cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The payload is over the limit.
    #[error("the payload has {0} bytes; {PAYLOAD_BYTES_MAX} is the most")]
    PayloadTooLarge(usize),
    /// All headers together are over the limit.
    #[error("the headers have {0} bytes; {HEADERS_BYTES_MAX} is the most")]
    HeadersTooLarge(usize),
    /// More headers than an event may have, however short.
    #[error("there are {0} headers; {HEADERS_MAX} is the most")]
    TooManyHeaders(usize),
    /// The key is over the limit.
    #[error("the key has {0} bytes; {KEY_BYTES_MAX} is the most")]
    KeyTooLong(usize),
    /// The media type is over the limit.
    #[error("the content type has {0} bytes; {CONTENT_TYPE_BYTES_MAX} is the most")]
    ContentTypeTooLong(usize),
    /// It would expire as it is published.
    #[error("an event that expires does so after 1 ms at the earliest")]
    ExpiresAtOnce,
    /// `hive-…` headers belong to the mesh.
    #[error("the header `{0}` is reserved: names that begin with `hive-` belong to the mesh")]
    ReservedHeader(String),
}

impl Message {
    /// A message of bytes, with no media type, key or headers.
    #[must_use]
    #[inline]
    pub fn new(payload: impl Into<Bytes>) -> Self {
        Self { payload: payload.into(), extra: None }
    }

    /// A message from its parts.
    #[must_use]
    pub fn from_parts(payload: Bytes, extra: Extra) -> Self {
        let extra = (extra != Extra::default()).then(|| Arc::new(extra));
        Self { payload, extra }
    }

    /// Another payload with the same optional parts, which both share.
    #[must_use]
    #[inline]
    pub fn with_payload(&self, payload: Bytes) -> Self {
        Self { payload, extra: self.extra.clone() }
    }

    /// Whether two share their optional parts, or neither has any. False may mean that they only look the same.
    #[must_use]
    #[inline]
    pub fn shares_parts(&self, other: &Self) -> bool {
        match (&self.extra, &other.extra) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// The same with a media type.
    #[must_use]
    pub fn with_content_type(mut self, content_type: impl Into<String>) -> Self {
        self.extra_mut().content_type = Some(content_type.into());
        self
    }

    /// The same with an ordering key.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.extra_mut().key = Some(key.into());
        self
    }

    /// The same with one header more; the name becomes lower-case.
    #[must_use]
    pub fn with_header(mut self, name: impl AsRef<str>, value: impl Into<String>) -> Self {
        self.extra_mut().headers.push((name.as_ref().to_lowercase(), value.into()));
        self
    }

    /// The same, of which nobody wants anything so many milliseconds after it is published.
    #[must_use]
    pub fn with_expiry(mut self, expires_ms: u64) -> Self {
        self.extra_mut().expires_ms = Some(expires_ms);
        self
    }

    /// How long after it is published it is of use, in milliseconds; none: always.
    #[must_use]
    #[inline]
    pub fn expires_ms(&self) -> Option<u64> {
        self.extra.as_ref()?.expires_ms
    }

    /// The media type, if it was said.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.extra.as_ref()?.content_type.as_deref()
    }

    /// The ordering key, if there is one.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.extra.as_ref()?.key.as_deref()
    }

    /// The headers, in order.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        self.extra.as_ref().map_or(&[], |extra| &extra.headers)
    }

    /// The optional parts, when there are any.
    #[must_use]
    #[inline]
    pub fn extra(&self) -> Option<&Extra> {
        self.extra.as_deref()
    }

    /// Bytes it holds in a queue.
    #[must_use]
    #[inline]
    pub fn weight(&self) -> usize {
        self.payload.len().saturating_add(self.headers_bytes())
    }

    /// Checks every limit, and that nothing in it is the mesh's own.
    ///
    /// # Errors
    /// Names the limit that is broken.
    #[inline]
    pub fn check(&self) -> Result<(), MessageError> {
        self.check_limits()?;
        match self.headers().iter().find(|(name, _)| name.starts_with(MESH_PREFIX)) {
            Some((name, _)) => Err(MessageError::ReservedHeader(name.clone())),
            None => Ok(()),
        }
    }

    /// Checks every limit of what the node itself passes on, with headers of the mesh.
    ///
    /// # Errors
    /// Names the limit that is broken.
    #[inline]
    pub fn check_limits(&self) -> Result<(), MessageError> {
        if self.payload.len() > PAYLOAD_BYTES_MAX {
            return Err(MessageError::PayloadTooLarge(self.payload.len()));
        }
        let Some(extra) = &self.extra else { return Ok(()) };
        extra.check(self.headers_bytes())
    }

    fn headers_bytes(&self) -> usize {
        self.headers().iter().fold(0, |sum, (name, value)| sum.saturating_add(name.len() + value.len()))
    }

    fn extra_mut(&mut self) -> &mut Extra {
        Arc::make_mut(self.extra.get_or_insert_default())
    }
}

impl Extra {
    fn check(&self, headers_bytes: usize) -> Result<(), MessageError> {
        if self.headers.len() > HEADERS_MAX {
            return Err(MessageError::TooManyHeaders(self.headers.len()));
        }
        if headers_bytes > HEADERS_BYTES_MAX {
            return Err(MessageError::HeadersTooLarge(headers_bytes));
        }
        if let Some(key) = &self.key
            && key.len() > KEY_BYTES_MAX
        {
            return Err(MessageError::KeyTooLong(key.len()));
        }
        if let Some(content_type) = &self.content_type
            && content_type.len() > CONTENT_TYPE_BYTES_MAX
        {
            return Err(MessageError::ContentTypeTooLong(content_type.len()));
        }
        if self.expires_ms == Some(0) {
            return Err(MessageError::ExpiresAtOnce);
        }
        Ok(())
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::new(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::new(bytes)
    }
}

/// A message on its way: what subscribers get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Which publish this is; the same on every redelivery.
    pub id: EventId,
    /// The channel, without its network.
    pub channel: Channel,
    /// The network it was published to; the home network for local channels too.
    pub network: NetworkIndex,
    /// When, by the origin's clock.
    pub time: Hlc,
    /// 1 the first time, then 2, 3, …
    pub attempt: u32,
    /// How many publishes made while handling another event led here.
    pub depth: u8,
    /// A kept value, not a live event.
    pub retained: bool,
    /// What was sent.
    pub message: Message,
}

impl Event {
    /// From when on nobody wants it, in milliseconds since the Unix epoch by its origin's clock; none: it is always of use.
    #[must_use]
    pub fn expires_at_ms(&self) -> Option<u64> {
        Some(self.time.unix_ms().saturating_add(self.message.expires_ms()?))
    }

    /// Whether nobody wants it any more, by a wall clock.
    #[must_use]
    pub fn has_expired(&self, unix_ms: u64) -> bool {
        self.expires_at_ms().is_some_and(|at| at <= unix_ms)
    }
}
