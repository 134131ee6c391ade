//! Batches come back as they were written, entry by entry and run by run, and nothing malformed gets through.

use proptest::prelude::*;

use super::*;
use crate::{event::Extra, id::Incarnation, limits::CALL_TIMEOUT_MS_MAX};

fn message() -> impl Strategy<Value = Message> {
    let text = || prop::option::of("[a-z/+]{0,12}");
    let headers = prop::collection::vec(("[a-z-]{1,8}", "\\PC{0,8}"), 0..3);
    (prop::collection::vec(any::<u8>(), 0..300), text(), text(), headers, any::<Option<u64>>()).prop_map(
        |(payload, content_type, key, headers, expires_ms)| {
            Message::from_parts(payload.into(), Extra { content_type, key, headers, expires_ms })
        },
    )
}

fn arrived() -> impl Strategy<Value = Arrived> {
    let name = "[a-z]{1,5}/[a-z]{1,5}".prop_map(|name| Channel::parse(&name).expect("a channel"));
    let channel =
        prop_oneof![any::<u32>().prop_map(ArrivedChannel::Number), name.prop_map(ArrivedChannel::Name)];
    let call = prop::option::of((any::<u64>(), 0..=CALL_TIMEOUT_MS_MAX, any::<bool>()))
        .prop_map(|call| call.map(|(number, time_left_ms, all)| Call { number, time_left_ms, all }));
    let handout =
        prop::option::of(("[a-z]{1,5}", any::<u64>(), any::<u32>(), any::<u64>())).prop_map(|handout| {
            let group = |name: &str| GroupName::parse(name).expect("a group");
            handout.map(|(name, ticket, attempt, life)| Handout {
                group: group(&name),
                ticket,
                attempt,
                incarnation: Incarnation(life),
            })
        });
    (channel, any::<u64>(), any::<u64>(), any::<u8>(), message(), call, handout).prop_map(
        |(channel, sequence, time, depth, message, call, handout)| Arrived {
            channel,
            sequence,
            time: Hlc(time),
            depth,
            message,
            call,
            handout,
        },
    )
}

fn write(entries: &[Arrived]) -> Batch {
    let mut writer = BatchWriter::default();
    for Arrived { channel, sequence, time, depth, message, call, handout } in entries {
        let channel = match channel {
            ArrivedChannel::Number(number) => ChannelRef::Number(*number),
            ArrivedChannel::Name(name) => ChannelRef::Name(name),
        };
        let entry = Entry {
            sequence: *sequence,
            time: *time,
            depth: *depth,
            message,
            call: *call,
            handout: handout.as_ref(),
        };
        writer.push(channel, &entry);
    }
    writer.take()
}

/// Every piece of a body until its end or an error; channel numbers of one parity go into one run.
fn pieces(body: &Bytes) -> (Vec<Piece>, Option<WireError>) {
    let (mut reader, mut pieces) = (BatchReader::new(body), Vec::new());
    loop {
        match reader.next_piece(|first, next| first % 2 == next % 2) {
            Ok(Some(piece)) => pieces.push(piece),
            Ok(None) => return (pieces, None),
            Err(error) => return (pieces, Some(error)),
        }
    }
}

fn take_all(mut run: Run) -> Vec<Arrived> {
    let mut taken = Vec::new();
    while let Some(Plain { channel, sequence, time, depth, payload }) = run.pop() {
        let (channel, message) = (ArrivedChannel::Number(channel), Message::new(payload));
        taken.push(Arrived { channel, sequence, time, depth, message, call: None, handout: None });
    }
    assert_eq!((run.events(), run.payload_bytes()), (0, 0));
    taken
}

fn unfold(piece: Piece) -> Vec<Arrived> {
    match piece {
        Piece::Run(_, run) => take_all(run),
        Piece::Entry(entry) => vec![entry],
    }
}

fn read(body: &Bytes) -> Result<Vec<Arrived>, WireError> {
    let (pieces, error) = pieces(body);
    error.map_or_else(|| Ok(pieces.into_iter().flat_map(unfold).collect()), Err)
}

/// Entries with a number and a payload and nothing else.
fn plain() -> impl Strategy<Value = Arrived> {
    let payload = prop::collection::vec(any::<u8>(), 0..30);
    let message = payload.prop_map(Message::new);
    (0_u32..300, any::<u64>(), any::<u64>(), 0_u8..2, message).prop_map(
        |(number, sequence, time, depth, message)| {
            let (channel, time) = (ArrivedChannel::Number(number), Hlc(time));
            Arrived { channel, sequence, time, depth, message, call: None, handout: None }
        },
    )
}

fn number(entry: &Arrived) -> u32 {
    match entry.channel {
        ArrivedChannel::Number(number) => number,
        ArrivedChannel::Name(_) => panic!("numbered here"),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(entries in prop::collection::vec(arrived(), 0..20)) {
        let batch = write(&entries);
        prop_assert_eq!(batch.events as usize, entries.len());
        let mut reader = BatchReader::new(&batch.body);
        let one_by_one: Result<Vec<_>, _> = std::iter::from_fn(|| reader.next_entry().transpose()).collect();
        prop_assert_eq!(one_by_one.as_ref(), Ok(&entries));
        prop_assert_eq!(reader.latest(), entries.iter().map(|entry| entry.time).max().unwrap_or_default());
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

    /// Whatever was checked on arrival is there when it is taken, also of bytes nobody wrote as a batch.
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for piece in pieces(&Bytes::from(bytes)).0 {
            if let Piece::Run(_, run) = piece {
                let (events, weight) = (run.events(), run.payload_bytes());
                let taken = take_all(run);
                let payloads: usize = taken.iter().map(|entry| entry.message.payload.len()).sum();
                prop_assert_eq!((taken.len(), payloads), (events, weight));
            }
        }
    }

    #[test]
    fn plain_entries_come_in_runs_of_channels_that_go_together(entries in prop::collection::vec(plain(), 0..40)) {
        let batch = write(&entries);
        let (pieces, error) = pieces(&batch.body);
        prop_assert_eq!(error, None);
        let mut rest = &entries[..];
        for piece in pieces {
            let Piece::Run(first, run) = piece else { panic!("all are plain") };
            prop_assert_eq!(first, number(&rest[0]));
            let (ours, others) = rest.split_at(run.events());
            prop_assert!(ours.iter().all(|entry| number(entry) % 2 == first % 2));
            prop_assert!(others.first().is_none_or(|next| number(next) % 2 != first % 2));
            prop_assert_eq!(&take_all(run)[..], ours);
            rest = others;
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn a_split_run_reads_as_before(
        entries in prop::collection::vec(plain(), 1..40),
        popped in 0_usize..5,
        most in 0_usize..50,
    ) {
        let entries: Vec<_> = entries.into_iter().map(|entry| {
            Arrived { channel: ArrivedChannel::Number(2), ..entry }
        }).collect();
        let Some(Piece::Run(2, mut run)) = pieces(&write(&entries).body).0.pop() else { panic!("one run") };
        let mut read: Vec<_> = (0..popped.min(entries.len() - 1)).filter_map(|_| run.pop()).collect();
        let (mut count, whole) = (0, run.events());
        let front = run.split_front(|_| {
            count += 1;
            count <= most
        });
        let split = front.as_ref().map_or(0, Run::events);
        prop_assert_eq!(split, most.min(whole - 1));
        prop_assert_eq!(run.events(), whole - split);
        for mut part in front.into_iter().chain([run]) {
            let payloads: usize = part.payload_bytes();
            let before = read.len();
            while let Some(plain) = part.pop() {
                read.push(plain);
            }
            prop_assert_eq!(read[before..].iter().map(|plain| plain.payload.len()).sum::<usize>(), payloads);
        }
        let read: Vec<_> = read.into_iter().map(|plain| (plain.sequence, plain.time, plain.payload)).collect();
        let written: Vec<_> = entries.into_iter().map(|e| (e.sequence, e.time, e.message.payload)).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn what_came_before_a_bad_entry_is_read(entries in prop::collection::vec(plain(), 0..10)) {
        let good = write(&entries).body;
        // An unknown flag; a payload longer than what follows.
        for bad in [&[0x80_u8][..], &[0, 7, 0, 0, 9, 1]] {
            let (pieces, error) = pieces(&[&good[..], bad].concat().into());
            prop_assert!(error.is_some());
            prop_assert_eq!(&pieces.into_iter().flat_map(unfold).collect::<Vec<_>>()[..], &entries[..]);
        }
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
        handout: None,
    };
    writer.push(ChannelRef::Number(7), &entry(1));
    let first = writer.len();
    writer.push(ChannelRef::Number(7), &entry(2));
    assert!(writer.len() - first <= 64 + 8, "{}", writer.len() - first);
}
