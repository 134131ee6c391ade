//! Every decoder of what a stranger sends, as a plain function of bytes that panics when the decoder breaks a promise.
//!
//! What it owns: the promises that hold for any bytes. They are run with chosen bytes by the tests below, and by
//! libFuzzer in `tests/fuzz`. It must not know how bytes are chosen.

pub mod bridges;

use bytes::{Bytes, BytesMut};
use hive_proto::{
    channel::{Channel, NetworkIndex},
    frame::{
        admission::{Admission, Proved},
        batch::BatchReader,
        control::Control,
        data::{
            DATA_ANSWER, DATA_DEFINITIONS, put_answer, put_definitions, put_part, read_answer,
            read_definitions, read_part,
        },
        handout::{put_outcomes, read_outcomes},
        relay::{
            DATA_CONFIRM, DATA_FENCE, DATA_RELAY, DATA_SET, DATA_STREAM, put_confirm, put_fence, put_set,
            put_stream, read_confirm, read_fence, read_relay, read_set, read_stream, relay_head,
        },
        split_frame,
        trace::{Trace, Traced},
    },
    id::NodeId,
    pattern::Pattern,
    plane::log::{Body, Encoded, HEAD_BYTES, Head},
    record::{Keys, Signature, Statement},
};

/// One of them: panics when the bytes make it break a promise.
pub type Decoder = fn(&[u8]);

/// All of them, by name.
pub const DECODERS: [(&str, Decoder); 29] = [
    ("frames", frames),
    ("control", control),
    ("admission", admission),
    ("batch", batch),
    ("definitions", definitions),
    ("answer", answer),
    ("part", part),
    ("outcomes", outcomes),
    ("relay", relay),
    ("trace", trace),
    ("traced", traced),
    ("journal", journal),
    ("statement", statement),
    ("channel", channel),
    ("pattern", pattern),
    ("spoke", bridges::spoke),
    ("spoke names", bridges::spoke_names),
    ("eventhive", bridges::eventhive),
    ("hein", bridges::hein),
    ("hein values", bridges::hein_values),
    ("zmtp", bridges::zmtp),
    ("event types", bridges::event_types),
    ("redis", bridges::redis),
    ("redis names", bridges::redis_names),
    ("mqtt names", bridges::mqtt_names),
    ("nats names", bridges::nats_names),
    ("signatures", bridges::signatures),
    ("carried", bridges::carried),
    ("trails", bridges::trails),
];

/// No frame is larger than it may be, and none comes from nothing.
pub fn frames(bytes: &[u8]) {
    const MAX: usize = 64;
    let mut buffer = BytesMut::from(bytes);
    loop {
        let before = buffer.len();
        match split_frame(&mut buffer, MAX) {
            Ok(Some((_, body))) => assert!(body.len() <= MAX && buffer.len() + body.len() < before),
            Ok(None) => return assert_eq!(buffer.len(), before, "what is incomplete stays as it is"),
            Err(_) => return,
        }
    }
}

/// What is read is read again from what it is written as. The first byte is the frame's kind.
pub fn control(bytes: &[u8]) {
    let Some((&kind, body)) = bytes.split_first() else { return };
    let Ok(Some(read)) = Control::decode(kind, &Bytes::copy_from_slice(body)) else { return };
    let (kind, body) = only_frame(&read.encode());
    assert_eq!(Control::decode(kind, &body), Ok(Some(read)));
}

/// The same for admission.
pub fn admission(bytes: &[u8]) {
    let Some((&kind, body)) = bytes.split_first() else { return };
    if let Ok(read) = Proved::decode(&Bytes::copy_from_slice(body)) {
        assert!(read.encode().ends_with(body), "one form alone");
    }
    let Ok(read) = Admission::decode(kind, &Bytes::copy_from_slice(body)) else { return };
    let (kind, body) = only_frame(&read.encode());
    assert_eq!(Admission::decode(kind, &body), Ok(read));
}

/// Entries end, and hold no more than there was.
pub fn batch(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    let mut reader = BatchReader::new(&body);
    let mut payloads = 0;
    while let Ok(Some(entry)) = reader.next_entry() {
        // An entry has a head, so this ends.
        payloads += 1 + entry.message.payload.len();
    }
    assert!(payloads <= bytes.len());
}

/// Names are read again as they were.
pub fn definitions(bytes: &[u8]) {
    let Ok((first, names)) = read_definitions(&Bytes::copy_from_slice(bytes)) else { return };
    let mut out = BytesMut::new();
    let mut next = first;
    put_definitions(&mut out, usize::try_from(first).expect("a number of 32 bits"), &names);
    let mut again = Vec::new();
    while let Ok(Some((kind, body))) = split_frame(&mut out, usize::MAX) {
        let (first, names) = read_definitions(&body).expect("what was written");
        assert_eq!((kind, first), (DATA_DEFINITIONS, next));
        next += u32::try_from(names.len()).expect("fewer than there are numbers");
        again.extend(names);
    }
    assert_eq!(again, names);
}

/// An answer is read again as it was.
pub fn answer(bytes: &[u8]) {
    let Ok((call, outcome)) = read_answer(&Bytes::copy_from_slice(bytes)) else { return };
    let (kind, body) = only_frame(&put_answer(call, outcome.as_ref().map_err(Clone::clone)));
    assert_eq!((kind, read_answer(&body)), (DATA_ANSWER, Ok((call, outcome))));
}

/// One of several answers, too.
pub fn part(bytes: &[u8]) {
    let Ok((call, of, outcome)) = read_part(&Bytes::copy_from_slice(bytes)) else { return };
    let (_, body) = only_frame(&put_part(call, of, outcome.as_ref().map_err(Clone::clone)));
    assert_eq!(read_part(&body), Ok((call, of, outcome)));
}

/// What became of a group's events is read again as it was.
pub fn outcomes(bytes: &[u8]) {
    let Ok(outcomes) = read_outcomes(&Bytes::copy_from_slice(bytes)) else { return };
    assert_eq!(read_outcomes(&put_outcomes(&outcomes)), Ok(outcomes));
}

/// The kinds of [`relay`].
#[cfg(test)]
const RELAY_KINDS: [u8; 5] = [DATA_STREAM, DATA_FENCE, DATA_CONFIRM, DATA_SET, DATA_RELAY];

/// What is read of the frames that cross a node is read again as it was. The first byte is the frame's kind.
pub fn relay(bytes: &[u8]) {
    let Some((&kind, body)) = bytes.split_first() else { return };
    let body = Bytes::copy_from_slice(body);
    let written = match kind {
        DATA_STREAM => read_stream(&body).map(put_stream),
        DATA_FENCE => read_fence(&body).map(put_fence),
        DATA_CONFIRM => read_confirm(&body).map(|taken| put_confirm(&taken)),
        DATA_SET => read_set(&body).map(|(number, set)| {
            let mut out = BytesMut::new();
            put_set(&mut out, number, &set);
            out.freeze()
        }),
        DATA_RELAY => read_relay(&body)
            .map(|(leg, sealed)| [relay_head(leg, &sealed), sealed.bytes().clone()].concat().into()),
        _ => return,
    };
    if let Ok(written) = written {
        assert_eq!(only_frame(&written), (kind, body));
    }
}

/// A trace is read again as it was.
pub fn trace(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    let Ok(read) = Trace::decode(&body) else { return };
    let mut out = BytesMut::new();
    read.put(&mut out);
    let (kind, written) = only_frame(&out.freeze());
    assert!(Trace::is_kind(kind) && !Traced::is_kind(kind));
    assert_eq!(Trace::decode(&written), Ok(read));
}

/// So is a report on one.
pub fn traced(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    let Ok(read) = Traced::decode(&body) else { return };
    let mut out = BytesMut::new();
    read.put(&mut out);
    let (kind, written) = only_frame(&out.freeze());
    assert!(Traced::is_kind(kind) && !Trace::is_kind(kind));
    assert_eq!(Traced::decode(&written), Ok(read));
}

/// What is read of a journal's record is read again from what it is written as, under the head it is given.
pub fn journal(bytes: &[u8]) {
    let Ok(read) = Body::decode(&Bytes::copy_from_slice(bytes)) else { return };
    let encoded = match &read {
        // Headers that belong to the mesh are refused where they come in, which is before they are written.
        Body::Event(event) => event.encode().ok(),
        Body::Cursors(changes) => Some(Encoded::cursors(changes)),
        Body::Index(index) => Some(Encoded::index(index)),
    };
    let Some(mut encoded) = encoded else { return };
    let record = Bytes::copy_from_slice(encoded.finish(7, 5, 3));
    let head = record.first_chunk().and_then(|head| Head::decode(head, 3)).expect("a head");
    assert_eq!((head.position, head.synced, head.length as usize), (7, 5, record.len() - HEAD_BYTES));
    assert_eq!(Body::decode(&record.slice(HEAD_BYTES..)), Ok(read));
}

/// A statement is read again from what its changes are written as, and from nothing else.
pub fn statement(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    let Ok(Statement { node, head, changes, root, .. }) = Statement::read(&Anybody, HOME, &body) else {
        return;
    };
    assert_eq!(Statement::peek(&body), Ok((node, head)));
    let signed = Statement::sign(&Anybody, HOME, (node, head), changes.clone(), root);
    let again = Statement::read(&Anybody, HOME, &signed.bytes).expect("what was written");
    assert_eq!((again.node, again.head, again.changes, again.root), (node, head, changes, root));
}

const HOME: NetworkIndex = NetworkIndex::HOME;

/// Believes every signature, so that what is behind it is read.
#[derive(Debug)]
struct Anybody;

impl Keys for Anybody {
    fn sign(&self, _: NetworkIndex, _: &[u8]) -> Signature {
        [0; 64]
    }

    fn verify(&self, _: NetworkIndex, _: NodeId, _: &[u8], _: &Signature) -> bool {
        true
    }
}

/// A channel is the text it was read from, and is matched by itself and by `**`.
pub fn channel(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(channel) = Channel::parse(text) else { return };
    assert_eq!(channel.as_str(), text);
    assert_eq!(channel.segments().collect::<Vec<_>>().join("/"), text);
    if let Ok(literal) = Pattern::parse(text) {
        assert!(literal.matches(&channel), "{text}");
    }
}

/// A pattern is the text it was read from; one without wildcards matches exactly that channel.
pub fn pattern(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(pattern) = Pattern::parse(text) else { return };
    assert_eq!(Pattern::parse(pattern.as_str()).as_ref(), Ok(&pattern));
    let filled = pattern.as_str().replace("**", "x").replace('*', "x");
    if let Ok(channel) = Channel::parse(&filled) {
        assert!(pattern.matches(&channel), "{text} and {filled}");
    }
}

fn only_frame(bytes: &Bytes) -> (u8, Bytes) {
    let mut buffer = BytesMut::from(&bytes[..]);
    let frame = split_frame(&mut buffer, usize::MAX).expect("a frame").expect("a whole one");
    assert!(buffer.is_empty(), "one frame and no more");
    frame
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bytes that reach further into decoders than noise does: small numbers, names and their separators.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![any::<u8>(), 0_u8..8, b'a'..=b'c', prop::sample::select(&b"/*$"[..]),];
        // Short ones are whole more often: what must be read to its end seldom is.
        prop_oneof![prop::collection::vec(byte.clone(), 0..12), prop::collection::vec(byte, 0..200)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn any_bytes_keep_every_promise(bytes in bytes()) {
            for (_, decoder) in DECODERS {
                decoder(&bytes);
            }
        }

        #[test]
        fn relayed_frames_keep_theirs(kind in prop::sample::select(&RELAY_KINDS[..]), mut body in bytes()) {
            body.insert(0, kind);
            relay(&body);
        }

        /// A node, a life, a version and a number of changes are needed before anything is read.
        #[test]
        fn statements_keep_theirs(
            head in [1_u8..4, 1..4, 1..3],
            change in 0_u8..13,
            mut body in bytes(),
        ) {
            let mut statement = vec![7; 32];
            statement.extend(head);
            statement.push(change);
            statement.append(&mut body);
            // A root and a signature end it.
            statement.extend([1; 96]);
            super::statement(&statement);
        }

        /// Whole nodes are needed before anything else of a way is read.
        #[test]
        fn traces_keep_theirs(
            (number, count, took) in (0_u8..200, 1_u8..3, 0_u8..200),
            (goes_on, end) in (0_u8..3, 0_u8..10),
            mut rest in bytes(),
        ) {
            let mut hops = vec![count];
            for node in 0..count {
                hops.extend([node; 32]);
                hops.extend([1, b'n', took]);
                let last = node + 1 == count;
                hops.push(if last { goes_on } else { 1 });
                if !last || goes_on == 1 {
                    hops.extend([node + 1; 32]);
                    hops.extend([4, 192, 0, 2, 1, 28, 14, took, 0, 7]);
                }
            }
            let mut there = vec![number];
            there.extend([9; 32]);
            there.extend(b"\x03a/b");
            there.extend(&hops);
            trace(&there);
            let mut back = vec![number];
            back.extend(&hops);
            back.push(end);
            traced(&back);
            there.append(&mut rest.clone());
            trace(&there);
            back.append(&mut rest);
            traced(&back);
        }

        /// A kind and its form are needed before anything is read.
        #[test]
        fn records_of_a_journal_keep_theirs(kind in 1_u8..4, mut body in bytes()) {
            body.splice(0..0, [kind, 1]);
            journal(&body);
        }

        /// A head and a channel are needed before anything else is read.
        #[test]
        fn frames_of_spoke_keep_theirs(inside in "[a\"\\\\{}\\[\\]:,0-9 NaInfty.eu-]{0,24}") {
            bridges::spoke(format!("{{\"head\":{{\"channel\":\"a\"}},\"body\":{inside}}}\0").as_bytes());
            bridges::spoke(format!("{{\"head\":{{\"channel\":\"a\",\"x\":{inside}}}}}\0").as_bytes());
        }

        /// Braces, an end and a head are needed before anything is read.
        #[test]
        fn messages_of_the_seeds_keep_theirs(
            inside in "[a\"\\\\{}\\[\\]:,0-9 .eu-]{0,24}",
            flags in 0_u8..8,
            mut body in bytes(),
        ) {
            bridges::eventhive(format!("{{\"a\":{inside}}}").as_bytes());
            bridges::eventhive(format!("{{\"request\":{{\"method\":\"publish\",\"arguments\":{inside}}}}}").as_bytes());
            bridges::hein(&[b"__raw__t:0:", &body[..], b"\xac\x96\xac\x96"].concat());
            let length = u8::try_from(body.len()).unwrap_or(0);
            body.splice(0..0, [flags, length]);
            bridges::zmtp(&body);
        }

        #[test]
        fn names_keep_theirs(text in "[a-c$/*]{0,12}") {
            channel(text.as_bytes());
            pattern(text.as_bytes());
        }

        /// Arrays of texts are needed before anything is a message.
        #[test]
        fn messages_of_redis_keep_theirs(
            texts in prop::collection::vec(prop_oneof![
                prop::sample::select(&["message", "pmessage", "psubscribe", "pong"][..]).prop_map(str::to_owned),
                "[a/*\\r\\n$]{0,8}",
            ], 1..5),
            rest in bytes(),
        ) {
            let texts: String = texts.iter().map(|text| format!("${}\r\n{text}\r\n", text.len())).collect();
            let count = texts.matches("\r\n").count() / 2;
            for count in [count.min(9), 3, 4] {
                bridges::redis(&[format!("*{count}\r\n{texts}").as_bytes(), &rest].concat());
            }
        }

        /// Names as brokers and spoke write them, with what is special there.
        #[test]
        fn names_beyond_keep_theirs(text in "[ab$/*.+#>?-]{0,12}", rpc in "(a|b|-rpc|call|result|/|\\*){0,9}") {
            for decoder in [bridges::redis_names, bridges::mqtt_names, bridges::nats_names, bridges::spoke_names] {
                decoder(text.as_bytes());
            }
            bridges::spoke_names(rpc.as_bytes());
        }

        /// Names that mean something, in any case, and what may stand behind them.
        #[test]
        fn fields_keep_theirs(
            fields in prop::collection::vec((
                prop_oneof![
                    prop::sample::select(&[
                        "content-type", "Content-Type", "hive-key", "Hive-Key", "hive-expires-ms", "hive-bridge",
                        "HIVE-BRIDGE", "hive-reason", "Hive-Réason", "x-y",
                    ][..]).prop_map(str::to_owned),
                    "[a-zA-ZİK-]{0,12}",
                ],
                prop_oneof![
                    "[0-9]{0,21}", ".{0,12}", "([0-9a-f]{16},?){0,3}( [a-z-]{0,4})?", "[0-9a-fA-F+]{15,17}",
                ],
            ), 0..6),
            body in bytes(),
        ) {
            let lines: String = fields.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
            bridges::carried(&[format!("{lines}\n").as_bytes(), &body].concat());
            fields.iter().for_each(|(_, value)| bridges::trails(value.as_bytes()));
        }

        /// A type and what stands behind it, in lists and mappings.
        #[test]
        fn values_of_hein_keep_theirs(
            code in prop::sample::select(&["u", "y", "n", "b", "i", "f", "t", "D", "T"][..]),
            rest in prop_oneof![".{0,12}", "[0-9,.-]{0,24}", "[0-9]{1,4}(,[0-9]{1,2}){0,6}(,(UTC|Europe/Berlin|x))?"],
            object in prop::collection::vec(prop_oneof![Just(0_u8), 0_u8..24, Just(0x63)], 0..9),
        ) {
            let value = serde_json::to_string(&format!("{code}:{rest}")).expect("a text");
            bridges::hein_values(value.as_bytes());
            bridges::hein_values(format!("{{\"a\":[{value},{value}]}}").as_bytes());
            // An object of CBOR with a name and parts.
            for name in ["datetime.time", "datetime.datetime"] {
                let parts = u8::try_from(object.len()).expect("few");
                let head = [0xd8, 27, 0x81 + parts, 0x60 + u8::try_from(name.len()).expect("short")];
                bridges::hein_values(&[&head[..], name.as_bytes(), &object].concat());
            }
        }
    }

    /// Each decoder is called by libFuzzer, which chooses by number.
    #[test]
    fn every_decoder_has_a_name_of_its_own() {
        let mut names: Vec<&str> = DECODERS.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), DECODERS.len());
    }
}
