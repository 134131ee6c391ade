//! A closed segment's index: where its records are, when they were published, and on which channels.
//!
//! It is the segment's last record, so that opening a journal reads the ends of its segments and not all of them. It is
//! small: a mark for every stretch of bytes, and channels only while they are few.

use crate::{
    channel::Channel,
    frame::wire::{Reader, WireError, put_text, put_varint},
    limits::NAME_BYTES_MAX,
    time::Hlc,
};

/// The form that is written.
const FORM: u8 = 1;
/// Marks of one segment: one for every 64 KiB of 1 GiB.
const MARKS_MAX: usize = 16_384;
/// Channels that are told apart in one segment. With more of them it is not known what a segment has.
pub(super) const CHANNELS_MAX: usize = 256;

/// A place to begin reading at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The position of the record that begins here.
    pub position: u64,
    /// Where it begins, in bytes of the segment.
    pub offset: u64,
    /// The latest time of all records before it in the segment.
    pub before: Hlc,
}

/// What one channel has in a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelUse {
    /// Which.
    pub channel: Channel,
    /// Bytes of its records.
    pub bytes: u64,
    /// The latest time among them.
    pub latest: Hlc,
}

/// What a segment holds; grown record by record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    /// Events.
    pub events: u64,
    /// Bytes of their records.
    pub bytes: u64,
    /// The last position; the one before the segment's first when there is none.
    pub last: u64,
    /// The earliest and the latest time of its events.
    pub times: Option<(Hlc, Hlc)>,
    /// Places to begin at, by position.
    pub marks: Vec<Mark>,
    /// By name; none when there are more than are told apart.
    pub channels: Option<Vec<ChannelUse>>,
}

impl Index {
    /// The index of a segment that has nothing before this position, and nothing from it on so far.
    #[must_use]
    pub fn new(first: u64) -> Self {
        Self { last: first.saturating_sub(1), channels: Some(Vec::new()), ..Self::default() }
    }

    /// One event more: its position, where it begins and how many bytes it takes, and what of it counts.
    /// A mark is set when `mark` says so.
    pub fn add(&mut self, position: u64, place: (u64, u64), channel: &Channel, time: Hlc, mark: bool) {
        let (offset, bytes) = place;
        if mark && self.marks.len() < MARKS_MAX {
            self.marks.push(Mark {
                position,
                offset,
                before: self.times.map_or(Hlc(0), |(_, latest)| latest),
            });
        }
        self.events = self.events.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        self.last = position;
        let (earliest, latest) = self.times.unwrap_or((time, time));
        self.times = Some((earliest.min(time), latest.max(time)));
        self.count(channel, bytes, time);
    }

    /// The furthest place at or before this position to begin at.
    #[must_use]
    pub fn place_of(&self, position: u64) -> Option<Mark> {
        let after = self.marks.partition_point(|mark| mark.position <= position);
        self.marks.get(after.checked_sub(1)?).copied()
    }

    /// The furthest place before which everything is earlier than this time.
    #[must_use]
    pub fn place_of_time(&self, time: Hlc) -> Option<Mark> {
        let after = self.marks.partition_point(|mark| mark.before < time);
        self.marks.get(after.checked_sub(1)?).copied()
    }

    fn count(&mut self, channel: &Channel, bytes: u64, time: Hlc) {
        let Some(channels) = &mut self.channels else { return };
        match channels.binary_search_by(|known| known.channel.cmp(channel)) {
            Ok(at) => {
                if let Some(known) = channels.get_mut(at) {
                    known.bytes = known.bytes.saturating_add(bytes);
                    known.latest = known.latest.max(time);
                }
            }
            Err(_) if channels.len() >= CHANNELS_MAX => self.channels = None,
            Err(at) => channels.insert(at, ChannelUse { channel: channel.clone(), bytes, latest: time }),
        }
    }
}

pub(super) fn encode(out: &mut Vec<u8>, index: &Index) {
    out.push(FORM);
    put_varint(out, index.events);
    put_varint(out, index.bytes);
    put_varint(out, index.last);
    out.push(u8::from(index.times.is_some()));
    if let Some((earliest, latest)) = index.times {
        put_varint(out, earliest.0);
        put_varint(out, latest.0);
    }
    put_varint(out, index.marks.len() as u64);
    for mark in &index.marks {
        put_varint(out, mark.position);
        put_varint(out, mark.offset);
        put_varint(out, mark.before.0);
    }
    out.push(u8::from(index.channels.is_some()));
    let Some(channels) = &index.channels else { return };
    put_varint(out, channels.len() as u64);
    for ChannelUse { channel, bytes, latest } in channels {
        put_text(out, channel.as_str());
        put_varint(out, *bytes);
        put_varint(out, latest.0);
    }
}

pub(super) fn decode(mut reader: Reader<'_>) -> Result<Index, WireError> {
    if reader.u8()? != FORM {
        return Err(WireError::Value("form of the index"));
    }
    let (events, bytes, last) = (reader.varint()?, reader.varint()?, reader.varint()?);
    let times = if said(&mut reader)? { Some((Hlc(reader.varint()?), Hlc(reader.varint()?))) } else { None };
    let mut marks: Vec<Mark> = Vec::new();
    for _ in 0..reader.length(MARKS_MAX)? {
        let (position, offset) = (reader.varint()?, reader.varint()?);
        let mark = Mark { position, offset, before: Hlc(reader.varint()?) };
        if marks.last().is_some_and(|before| before.position >= position || before.offset >= offset) {
            return Err(WireError::Value("order of the marks"));
        }
        marks.push(mark);
    }
    let channels = if said(&mut reader)? { Some(channels(&mut reader)?) } else { None };
    reader.end()?;
    Ok(Index { events, bytes, last, times, marks, channels })
}

fn channels(reader: &mut Reader<'_>) -> Result<Vec<ChannelUse>, WireError> {
    let mut channels: Vec<ChannelUse> = Vec::new();
    for _ in 0..reader.length(CHANNELS_MAX)? {
        let channel =
            Channel::parse(reader.text(NAME_BYTES_MAX)?).map_err(|_| WireError::Value("channel"))?;
        if channels.last().is_some_and(|before| before.channel >= channel) {
            return Err(WireError::Value("order of the channels"));
        }
        channels.push(ChannelUse { channel, bytes: reader.varint()?, latest: Hlc(reader.varint()?) });
    }
    Ok(channels)
}

fn said(reader: &mut Reader<'_>) -> Result<bool, WireError> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(WireError::Value("flag of the index")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plane::log::{Body, Encoded, HEAD_BYTES};

    proptest! {
        #[test]
        fn an_index_finds_what_was_added(
            adds in prop::collection::vec((1_u64..4, 1_u64..90, 0_u16..400, 0_u64..50, any::<bool>()), 0..600),
            asked in 0_u64..700,
        ) {
            let mut index = Index::new(5);
            let (mut position, mut offset, mut seen) = (4, 30, Vec::new());
            for (step, bytes, name, time, mark) in adds {
                position += step;
                let channel = Channel::parse(&format!("c/{name}")).expect("a channel");
                index.add(position, (offset, bytes), &channel, Hlc(time), mark || seen.is_empty());
                seen.push((position, offset, time, channel));
                offset += bytes;
            }
            let record = Encoded::index(&index).finish(0, 0, 0).to_vec();
            let body = record[HEAD_BYTES..].to_vec().into();
            prop_assert_eq!(Body::decode(&body), Ok(Body::Index(index.clone())));

            let names: std::collections::BTreeSet<_> = seen.iter().map(|(.., name)| name).collect();
            prop_assert_eq!(index.channels.map(|known| known.len()), (names.len() <= CHANNELS_MAX).then_some(names.len()));
            prop_assert_eq!(index.events, seen.len() as u64);
            prop_assert_eq!(index.last, position);
            let index = Index { channels: None, ..index };
            if let Some(mark) = index.place_of(asked) {
                prop_assert!(mark.position <= asked);
                prop_assert!(seen.iter().any(|(position, offset, ..)| (mark.position, mark.offset) == (*position, *offset)));
            } else {
                prop_assert!(seen.first().is_none_or(|(first, ..)| *first > asked));
            }
            let from = index.place_of_time(Hlc(asked)).map_or(0, |mark| mark.position);
            prop_assert!(seen.iter().all(|(position, _, time, _)| *position >= from || *time < asked));
        }
    }
}
