//! Batches: the events of one link, many to a frame. An entry costs about seven bytes beside its
//! payload: sequence and time are differences to the entry before, the channel is a number.
//!
//! Who numbers channels and who may publish is not known here; the origin is the link's peer.

mod call;
mod run;
#[cfg(test)]
mod tests;

use bytes::{BufMut, Bytes, BytesMut};
pub use call::Call;
pub use run::{Plain, Run};

use super::{
    data::{DATA_BATCH, put_extra, read_extra},
    frame_head,
    handout::Handout,
    wire::{Reader, WireError, put_text, put_varint, unzigzag, zigzag},
};
use crate::{
    channel::Channel,
    event::Message,
    group::GroupName,
    limits::{NAME_BYTES_MAX, PAYLOAD_BYTES_MAX},
    time::Hlc,
};

/// The entry has a media type, key or headers.
const HAS_EXTRA: u8 = 1;
/// Somebody waits for an answer: call number and time left follow.
const HAS_CALL: u8 = 1 << 1;
/// The channel is named instead of numbered.
const HAS_NAME: u8 = 1 << 2;
/// Nested publishes led here: the depth follows.
const HAS_DEPTH: u8 = 1 << 3;
/// It is for one member of a group: group, ticket and attempt follow the channel.
const HAS_HANDOUT: u8 = 1 << 4;
/// Flags, channel number, sequence, time, depth, call and payload length at their longest.
const SMALL_FIELDS_MAX: usize = 1 + 5 + 10 + 10 + 1 + 20 + 10;
const KNOWN_FLAGS: u8 = HAS_EXTRA | HAS_CALL | HAS_NAME | HAS_DEPTH | HAS_HANDOUT;

/// One event as its origin puts it on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Of the event's id; origin and incarnation are the link's.
    pub sequence: u64,
    /// When it was published.
    pub time: Hlc,
    /// How many publishes led here.
    pub depth: u8,
    /// What was sent.
    pub message: &'a Message,
    /// Set when somebody waits for an answer.
    pub call: Option<Call>,
    /// Set when it is for one member of a group.
    pub handout: Option<&'a Handout>,
}

/// How an entry names its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelRef<'a> {
    /// By the number a definition frame gave it.
    Number(u32),
    /// By its name.
    Name(&'a Channel),
}

/// Gathers entries into one frame's body.
#[derive(Debug, Default)]
pub struct BatchWriter {
    body: BytesMut,
    events: u32,
    sequence: u64,
    time: u64,
    /// Bytes of the batch before: what this one will need, most likely.
    expected: usize,
}

impl BatchWriter {
    /// Adds one event.
    pub fn push(&mut self, channel: ChannelRef<'_>, entry: &Entry<'_>) {
        if self.body.is_empty() {
            // Growing by halves would copy most of a full batch.
            self.body.reserve(self.expected);
        }
        let extra = entry.message.extra();
        let mut flags = 0;
        flags |= if extra.is_some() { HAS_EXTRA } else { 0 };
        flags |= if entry.call.is_some() { HAS_CALL } else { 0 };
        flags |= if matches!(channel, ChannelRef::Name(_)) { HAS_NAME } else { 0 };
        flags |= if entry.depth > 0 { HAS_DEPTH } else { 0 };
        flags |= if entry.handout.is_some() { HAS_HANDOUT } else { 0 };
        let (sequence, time) =
            (entry.sequence.wrapping_sub(self.sequence), entry.time.0.wrapping_sub(self.time));
        let (sequence, time, length) = (zigzag(sequence), zigzag(time), entry.message.payload.len() as u64);
        match channel {
            ChannelRef::Number(number)
                if flags == 0 && (u64::from(number) | sequence | time | length) < 0x80 =>
            {
                self.body.extend_from_slice(&[0, number as u8, sequence as u8, time as u8, length as u8]);
            }
            _ => self.put_small_fields(flags, channel, (sequence, time), entry),
        }
        if let ChannelRef::Name(name) = channel {
            put_text(&mut self.body, name.as_str());
        }
        if let Some(handout) = entry.handout {
            handout.put(&mut self.body);
        }
        if let Some(extra) = extra {
            put_extra(&mut self.body, extra);
        }
        self.body.extend_from_slice(&entry.message.payload);
        self.events = self.events.saturating_add(1);
        (self.sequence, self.time) = (entry.sequence, entry.time.0);
    }

    /// The small fields of an entry whose numbers take more than a byte each, or that has more of them. They are
    /// put together on the stack, so that the body grows once for all of them.
    fn put_small_fields(
        &mut self,
        flags: u8,
        channel: ChannelRef<'_>,
        (sequence, time): (u64, u64),
        entry: &Entry<'_>,
    ) {
        let mut small = [0; SMALL_FIELDS_MAX];
        let mut free = &mut small[..];
        free.put_u8(flags);
        if let ChannelRef::Number(number) = channel {
            put_varint(&mut free, u64::from(number));
        }
        put_varint(&mut free, sequence);
        put_varint(&mut free, time);
        if entry.depth > 0 {
            free.put_u8(entry.depth);
        }
        if let Some(call) = entry.call {
            call.put(&mut free);
        }
        put_varint(&mut free, entry.message.payload.len() as u64);
        let used = SMALL_FIELDS_MAX - free.len();
        self.body.extend_from_slice(&small[..used]);
    }

    /// Bytes gathered.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.body.len()
    }

    /// Events gathered.
    #[must_use]
    pub fn events(&self) -> u32 {
        self.events
    }

    /// Whether nothing was gathered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// The frame of all entries as its head and its body; the writer is empty afterwards.
    pub fn take(&mut self) -> Batch {
        let body = self.body.split().freeze();
        // The last event of two equal batches rarely ends at the same byte.
        self.expected = body.len() + body.len() / 32;
        let events = std::mem::take(&mut self.events);
        (self.sequence, self.time) = (0, 0);
        Batch { head: frame_head(DATA_BATCH, body.len()), body, events }
    }
}

/// A closed batch, ready to be written.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Type and length.
    pub head: Bytes,
    /// The entries.
    pub body: Bytes,
    /// How many entries.
    pub events: u32,
}

/// One event as it arrives: an [`Entry`] whose message shares the frame's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// How the channel is named.
    pub channel: ArrivedChannel,
    /// Of the event's id.
    pub sequence: u64,
    /// When it was published.
    pub time: Hlc,
    /// How many publishes led here.
    pub depth: u8,
    /// What was sent.
    pub message: Message,
    /// Set when somebody waits for an answer.
    pub call: Option<Call>,
    /// Set when it is for one member of a group.
    pub handout: Option<Handout>,
}

/// How an arrived entry names its channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArrivedChannel {
    /// By the number a definition frame gave it.
    Number(u32),
    /// By its name.
    Name(Channel),
}

/// What a batch is read as.
#[derive(Debug)]
pub enum Piece {
    /// Plain entries, the first of them under this channel number; they are read by whoever they are for.
    Run(u32, Run),
    /// An entry that is more than a numbered channel and a payload.
    Entry(Arrived),
}

/// Reads a batch frame's body, piece by piece, without copying payloads.
#[derive(Debug)]
pub struct BatchReader<'a> {
    reader: Reader<'a>,
    base: Base,
    latest: Hlc,
    /// The group of the last entry that had one.
    group: Option<GroupName>,
}

/// What the next entry's sequence and time are differences to.
#[derive(Debug, Clone, Copy, Default)]
struct Base {
    sequence: u64,
    time: u64,
}

/// The small fields of an entry, which every entry begins with.
#[derive(Debug, Clone, Copy)]
struct Head {
    flags: u8,
    /// 0 where the channel is named.
    number: u32,
    depth: u8,
    call: Option<Call>,
    payload_bytes: usize,
}

impl<'a> BatchReader<'a> {
    /// Reads a batch frame's body.
    #[must_use]
    pub fn new(body: &'a Bytes) -> Self {
        Self { reader: Reader::new(body), base: Base::default(), latest: Hlc::default(), group: None }
    }

    /// The latest time of what was read so far.
    #[must_use]
    pub fn latest(&self) -> Hlc {
        self.latest
    }

    /// The next piece; none at the end. A run ends where an entry is not plain, and before a channel that
    /// is not `together` with the run's first; that is asked where the number changes.
    ///
    /// # Errors
    /// When the bytes are no entry. What came before it was returned; what comes after cannot be read.
    pub fn next_piece(
        &mut self,
        mut together: impl FnMut(u32, u32) -> bool,
    ) -> Result<Option<Piece>, WireError> {
        if self.reader.is_empty() {
            return Ok(None);
        }
        let (begin, base) = (self.reader.clone(), self.base);
        let first = Head::read(&mut self.reader, &mut self.base)?;
        if !first.is_plain() {
            return self.rest_of_entry(first).map(|entry| Some(Piece::Entry(entry)));
        }
        self.reader.slice(first.payload_bytes)?;
        self.saw();
        let (mut events, mut payload_bytes, mut number) = (1_usize, first.payload_bytes, first.number);
        while !self.reader.is_empty() {
            let (mut ahead, mut next) = (self.reader.clone(), self.base);
            // What ends the run, an error too, is met again as the first of the next piece.
            let Ok(head) = Head::read(&mut ahead, &mut next) else { break };
            let belongs = head.is_plain()
                && ahead.slice(head.payload_bytes).is_ok()
                && (head.number == number || together(first.number, head.number));
            if !belongs {
                break;
            }
            (self.reader, self.base, number) = (ahead, next, head.number);
            self.saw();
            events = events.saturating_add(1);
            payload_bytes = payload_bytes.saturating_add(head.payload_bytes);
        }
        let body = begin.until(&self.reader);
        Ok(Some(Piece::Run(first.number, Run::checked(body, base, events, payload_bytes))))
    }

    /// The next entry, plain or not; none at the end.
    ///
    /// # Errors
    /// When the bytes are no entry. The rest of the batch cannot be read then.
    pub fn next_entry(&mut self) -> Result<Option<Arrived>, WireError> {
        if self.reader.is_empty() {
            return Ok(None);
        }
        let head = Head::read(&mut self.reader, &mut self.base)?;
        self.rest_of_entry(head).map(Some)
    }

    #[inline]
    fn saw(&mut self) {
        self.latest = self.latest.max(Hlc(self.base.time));
    }

    fn rest_of_entry(&mut self, head: Head) -> Result<Arrived, WireError> {
        let channel = match head.has(HAS_NAME) {
            false => ArrivedChannel::Number(head.number),
            true => ArrivedChannel::Name(self.read_name()?),
        };
        let handout = head.has(HAS_HANDOUT).then(|| Handout::read(&mut self.reader, &mut self.group));
        let handout = handout.transpose()?;
        let extra = if head.has(HAS_EXTRA) { Some(read_extra(&mut self.reader)?) } else { None };
        let payload = self.reader.bytes(head.payload_bytes)?;
        let message = match extra {
            Some(extra) => Message::from_parts(payload, extra),
            None => Message::new(payload),
        };
        self.saw();
        let (sequence, time) = (self.base.sequence, Hlc(self.base.time));
        let Head { depth, call, .. } = head;
        Ok(Arrived { channel, sequence, time, depth, message, call, handout })
    }

    fn read_name(&mut self) -> Result<Channel, WireError> {
        Channel::parse(self.reader.text(NAME_BYTES_MAX)?).map_err(|_| WireError::Value("channel"))
    }
}

impl Head {
    /// Reads the small fields, and moves the base to this entry.
    #[inline]
    fn read(reader: &mut Reader<'_>, base: &mut Base) -> Result<Self, WireError> {
        match reader.peek() {
            // Most entries: plain, and small numbers only.
            Some(&[0, number, sequence, time, length]) if (number | sequence | time | length) < 0x80 => {
                reader.slice(5)?;
                base.sequence = base.sequence.wrapping_add(unzigzag(u64::from(sequence)));
                base.time = base.time.wrapping_add(unzigzag(u64::from(time)));
                let (number, payload_bytes) = (u32::from(number), usize::from(length));
                Ok(Self { flags: 0, number, depth: 0, call: None, payload_bytes })
            }
            _ => Self::read_any(reader, base),
        }
    }

    fn read_any(reader: &mut Reader<'_>, base: &mut Base) -> Result<Self, WireError> {
        let flags = reader.u8()?;
        if flags & !KNOWN_FLAGS != 0 {
            return Err(WireError::Value("entry flags"));
        }
        let number = if flags & HAS_NAME != 0 { 0 } else { read_number(reader)? };
        base.sequence = base.sequence.wrapping_add(unzigzag(reader.varint()?));
        base.time = base.time.wrapping_add(unzigzag(reader.varint()?));
        let depth = if flags & HAS_DEPTH != 0 { reader.u8()? } else { 0 };
        let call = if flags & HAS_CALL != 0 { Some(Call::read(reader)?) } else { None };
        let payload_bytes = reader.length(PAYLOAD_BYTES_MAX)?;
        Ok(Self { flags, number, depth, call, payload_bytes })
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether the payload follows at once and nobody waits for an answer.
    fn is_plain(&self) -> bool {
        self.flags & !HAS_DEPTH == 0
    }
}

#[inline]
fn read_number(reader: &mut Reader<'_>) -> Result<u32, WireError> {
    u32::try_from(reader.varint()?).map_err(|_| WireError::Value("channel number"))
}
