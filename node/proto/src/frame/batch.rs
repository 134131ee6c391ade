//! Batches: the events of one link, many to a frame. An entry costs about seven bytes beside its
//! payload: sequence and time are differences to the entry before, the channel is a number.
//!
//! Who numbers channels and who may publish is not known here; the origin is the link's peer.

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    data::{DATA_BATCH, put_extra, read_extra},
    frame_head,
    wire::{Reader, WireError, put_text, put_varint},
};
use crate::{
    channel::Channel,
    event::Message,
    limits::{CALL_TIMEOUT_MS_MAX, NAME_BYTES_MAX, PAYLOAD_BYTES_MAX},
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
/// Flags, channel number, sequence, time, depth, call and payload length at their longest.
const SMALL_FIELDS_MAX: usize = 1 + 5 + 10 + 10 + 1 + 20 + 10;
const KNOWN_FLAGS: u8 = HAS_EXTRA | HAS_CALL | HAS_NAME | HAS_DEPTH;

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
}

/// A request's part of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// The caller's number for it, echoed in the answer.
    pub number: u64,
    /// What the caller still waits.
    pub time_left_ms: u64,
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
}

impl BatchWriter {
    /// Adds one event.
    pub fn push(&mut self, channel: ChannelRef<'_>, entry: &Entry<'_>) {
        let extra = entry.message.extra();
        let mut flags = 0;
        flags |= if extra.is_some() { HAS_EXTRA } else { 0 };
        flags |= if entry.call.is_some() { HAS_CALL } else { 0 };
        flags |= if matches!(channel, ChannelRef::Name(_)) { HAS_NAME } else { 0 };
        flags |= if entry.depth > 0 { HAS_DEPTH } else { 0 };
        // The small numbers are put together on the stack, so that the body grows once for all of them.
        let mut small = [0; SMALL_FIELDS_MAX];
        let mut free = &mut small[..];
        free.put_u8(flags);
        if let ChannelRef::Number(number) = channel {
            put_varint(&mut free, u64::from(number));
        }
        put_varint(&mut free, zigzag(entry.sequence.wrapping_sub(self.sequence)));
        put_varint(&mut free, zigzag(entry.time.0.wrapping_sub(self.time)));
        if entry.depth > 0 {
            free.put_u8(entry.depth);
        }
        if let Some(call) = entry.call {
            put_varint(&mut free, call.number);
            put_varint(&mut free, call.time_left_ms);
        }
        put_varint(&mut free, entry.message.payload.len() as u64);
        let used = SMALL_FIELDS_MAX - free.len();
        self.body.extend_from_slice(&small[..used]);
        if let ChannelRef::Name(name) = channel {
            put_text(&mut self.body, name.as_str());
        }
        if let Some(extra) = extra {
            put_extra(&mut self.body, extra);
        }
        self.body.extend_from_slice(&entry.message.payload);
        self.events = self.events.saturating_add(1);
        (self.sequence, self.time) = (entry.sequence, entry.time.0);
    }

    /// Bytes gathered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.body.len()
    }

    /// Whether nothing was gathered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// The frame of all entries as its head and its body; the writer is empty afterwards.
    pub fn take(&mut self) -> Batch {
        let body = self.body.split().freeze();
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
}

/// How an arrived entry names its channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArrivedChannel {
    /// By the number a definition frame gave it.
    Number(u32),
    /// By its name.
    Name(Channel),
}

/// Reads a batch frame's body, entry by entry, without copying payloads.
#[derive(Debug)]
pub struct BatchReader<'a> {
    reader: Reader<'a>,
    sequence: u64,
    time: u64,
}

impl<'a> BatchReader<'a> {
    /// Reads a batch frame's body.
    #[must_use]
    pub fn new(body: &'a Bytes) -> Self {
        Self { reader: Reader::new(body), sequence: 0, time: 0 }
    }

    /// The next entry; none at the end.
    ///
    /// # Errors
    /// When the bytes are no entry. The rest of the batch cannot be read then.
    pub fn next_entry(&mut self) -> Result<Option<Arrived>, WireError> {
        if self.reader.is_empty() {
            return Ok(None);
        }
        let flags = self.reader.u8()?;
        if flags & !KNOWN_FLAGS != 0 {
            return Err(WireError::Value("entry flags"));
        }
        let has = |flag| flags & flag != 0;
        let number = if has(HAS_NAME) { None } else { Some(self.read_number()?) };
        self.sequence = self.sequence.wrapping_add(unzigzag(self.reader.varint()?));
        self.time = self.time.wrapping_add(unzigzag(self.reader.varint()?));
        let depth = if has(HAS_DEPTH) { self.reader.u8()? } else { 0 };
        let call = if has(HAS_CALL) { Some(self.read_call()?) } else { None };
        let length = self.reader.length(PAYLOAD_BYTES_MAX)?;
        let channel = match number {
            Some(number) => ArrivedChannel::Number(number),
            None => ArrivedChannel::Name(self.read_name()?),
        };
        let extra = if has(HAS_EXTRA) { Some(read_extra(&mut self.reader)?) } else { None };
        let payload = self.reader.bytes(length)?;
        let message = match extra {
            Some(extra) => Message::from_parts(payload, extra),
            None => Message::new(payload),
        };
        Ok(Some(Arrived { channel, sequence: self.sequence, time: Hlc(self.time), depth, message, call }))
    }

    fn read_number(&mut self) -> Result<u32, WireError> {
        u32::try_from(self.reader.varint()?).map_err(|_| WireError::Value("channel number"))
    }

    fn read_name(&mut self) -> Result<Channel, WireError> {
        Channel::parse(self.reader.text(NAME_BYTES_MAX)?).map_err(|_| WireError::Value("channel"))
    }

    fn read_call(&mut self) -> Result<Call, WireError> {
        let (number, time_left_ms) = (self.reader.varint()?, self.reader.varint()?);
        if time_left_ms > CALL_TIMEOUT_MS_MAX {
            return Err(WireError::Value("call timeout"));
        }
        Ok(Call { number, time_left_ms })
    }
}

/// Small differences of either sign as small numbers.
fn zigzag(difference: u64) -> u64 {
    let signed = difference.cast_signed();
    ((signed << 1) ^ (signed >> 63)).cast_unsigned()
}

fn unzigzag(coded: u64) -> u64 {
    (coded >> 1) ^ (coded & 1).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::Extra;

    fn message() -> impl Strategy<Value = Message> {
        let text = || prop::option::of("[a-z/+]{0,12}");
        let headers = prop::collection::vec(("[a-z-]{1,8}", "\\PC{0,8}"), 0..3);
        (prop::collection::vec(any::<u8>(), 0..300), text(), text(), headers).prop_map(
            |(payload, content_type, key, headers)| {
                Message::from_parts(payload.into(), Extra { content_type, key, headers })
            },
        )
    }

    fn arrived() -> impl Strategy<Value = Arrived> {
        let name = "[a-z]{1,5}/[a-z]{1,5}".prop_map(|name| Channel::parse(&name).expect("a channel"));
        let channel =
            prop_oneof![any::<u32>().prop_map(ArrivedChannel::Number), name.prop_map(ArrivedChannel::Name)];
        let call = prop::option::of((any::<u64>(), 0..=CALL_TIMEOUT_MS_MAX))
            .prop_map(|call| call.map(|(number, time_left_ms)| Call { number, time_left_ms }));
        (channel, any::<u64>(), any::<u64>(), any::<u8>(), message(), call).prop_map(
            |(channel, sequence, time, depth, message, call)| Arrived {
                channel,
                sequence,
                time: Hlc(time),
                depth,
                message,
                call,
            },
        )
    }

    fn write(entries: &[Arrived]) -> Batch {
        let mut writer = BatchWriter::default();
        for Arrived { channel, sequence, time, depth, message, call } in entries {
            let channel = match channel {
                ArrivedChannel::Number(number) => ChannelRef::Number(*number),
                ArrivedChannel::Name(name) => ChannelRef::Name(name),
            };
            let entry = Entry { sequence: *sequence, time: *time, depth: *depth, message, call: *call };
            writer.push(channel, &entry);
        }
        writer.take()
    }

    fn read(body: &Bytes) -> Result<Vec<Arrived>, WireError> {
        let mut reader = BatchReader::new(body);
        std::iter::from_fn(|| reader.next_entry().transpose()).collect()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(entries in prop::collection::vec(arrived(), 0..20)) {
            let batch = write(&entries);
            prop_assert_eq!(batch.events as usize, entries.len());
            prop_assert_eq!(read(&batch.body), Ok(entries));
        }

        #[test]
        fn a_cut_batch_is_an_error_or_fewer_entries(
            entries in prop::collection::vec(arrived(), 1..5),
            cut in any::<prop::sample::Index>(),
        ) {
            let body = write(&entries).body;
            let cut = cut.index(body.len());
            if let Ok(fewer) = read(&body.slice(..cut)) {
                prop_assert!(fewer.len() < entries.len());
                prop_assert_eq!(&fewer[..], &entries[..fewer.len()]);
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let bytes = Bytes::from(bytes);
            let mut reader = BatchReader::new(&bytes);
            while let Ok(Some(_)) = reader.next_entry() {}
        }
    }

    #[test]
    fn an_ordinary_entry_costs_at_most_eight_bytes() {
        let message = Message::new(vec![0; 64]);
        let mut writer = BatchWriter::default();
        let entry = |n: u64| Entry {
            sequence: 1000 + n,
            time: Hlc(n << 16),
            depth: 0,
            message: &message,
            call: None,
        };
        writer.push(ChannelRef::Number(7), &entry(1));
        let first = writer.len();
        writer.push(ChannelRef::Number(7), &entry(2));
        assert!(writer.len() - first <= 64 + 8, "{}", writer.len() - first);
    }
}
