//! When the writer waits for a whole batch, and what never waits with it.

use futures_util::FutureExt;
use hive_proto::{
    event::Message,
    frame::{
        batch::{Call, Entry},
        data::put_answer,
    },
    time::Hlc,
};

use super::*;

/// Events that a take must have for a stream, and more takes than one needs at first.
const MANY: u64 = 32;
const TAKES: u64 = 8;

fn append(outbox: &Outbox, sequence: u64, call: Option<Call>) {
    let (channel, message) = (Channel::parse("a/b").expect("a channel"), Message::from("x"));
    let number = outbox.number(&channel);
    let entry = Entry { sequence, time: Hlc(sequence), depth: 0, message: &message, call, handout: None };
    assert_eq!(outbox.append(number, &channel, &entry), Appended::Taken);
}

/// An outbox whose writer has seen a stream.
async fn streaming() -> Outbox {
    let outbox = Outbox::new();
    for take in 0..TAKES {
        (0..MANY).for_each(|event| append(&outbox, take * MANY + event, None));
        assert_eq!(outbox.next().await.expect("open").events, MANY);
    }
    outbox
}

#[tokio::test]
async fn a_stream_is_waited_for_a_moment_and_then_sent_as_it_is() {
    let outbox = streaming().await;
    append(&outbox, 1, None);
    {
        let mut next = pin!(outbox.next());
        assert!(next.as_mut().now_or_never().is_none(), "it waits for more");
        assert_eq!(next.await.expect("open").events, 1);
    }
    // The stream has ended, and what is not one does not wait.
    append(&outbox, 2, None);
    assert_eq!(outbox.next().now_or_never().flatten().expect("at once").events, 1);
}

#[tokio::test]
async fn a_whole_batch_ends_the_wait() {
    let outbox = streaming().await;
    let mut next = pin!(outbox.next());
    let mut sequence = 0;
    while outbox.lock().bytes < GATHERED_BYTES {
        assert!(next.as_mut().now_or_never().is_none(), "after {sequence} events");
        append(&outbox, sequence, None);
        sequence += 1;
    }
    assert_eq!(next.now_or_never().flatten().expect("at once").events, sequence);
}

#[tokio::test]
async fn nothing_that_somebody_waits_for_waits_for_a_batch() {
    let call = |outbox: &Outbox| append(outbox, 2, Some(Call { number: 2, time_left_ms: 1_000, all: false }));
    let answer = |outbox: &Outbox| assert!(outbox.answer(put_answer(1, Ok(&Message::from("yes")))));
    let (end, poke) = (|outbox: &Outbox| outbox.finish(), |outbox: &Outbox| outbox.poke());
    let urgent: [&dyn Fn(&Outbox); 4] = [&call, &answer, &end, &poke];
    for urgent in urgent {
        let outbox = streaming().await;
        append(&outbox, 1, None);
        let mut next = pin!(outbox.next());
        assert!(next.as_mut().now_or_never().is_none(), "it waits for more");
        urgent(&outbox);
        assert!(next.now_or_never().flatten().expect("at once").events > 0);
    }
}
