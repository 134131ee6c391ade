//! What becomes of what a function returns, and which functions answer.

use std::{cell::Cell, io};

use hive::{Message, testing::Host};
use serde::{Serialize, Serializer};

thread_local!(static WRITTEN: Cell<u32> = const { Cell::new(0) });

/// Counts how often it is serialised.
struct Counted;

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WRITTEN.set(WRITTEN.get() + 1);
        serializer.serialize_bool(true)
    }
}

#[hive::plugin]
mod handlers {
    use std::collections::BTreeMap;

    use hive::Message;

    use super::{Counted, io};

    #[on("give/nothing")]
    fn nothing() {}

    #[on("give/ok")]
    fn ok() -> hive::Result<()> {
        Ok(())
    }

    #[on("give/acknowledgement", answers)]
    fn acknowledgement() {}

    #[on("give/unasked", answers = false)]
    fn unasked() -> u8 {
        1
    }

    #[on("give/text")]
    fn text() -> &'static str {
        "a \"b\""
    }

    #[on("give/bytes")]
    fn bytes() -> Vec<u8> {
        vec![0, 255]
    }

    #[on("give/message")]
    fn message() -> io::Result<Message> {
        Ok(Message::text("x").with_header("a", "b"))
    }

    #[on("give/none")]
    fn none() -> Option<u8> {
        None
    }

    #[on("give/unserialisable")]
    fn unserialisable() -> BTreeMap<Vec<u8>, u8> {
        [(vec![1], 1)].into()
    }

    #[on("give/counted")]
    fn counted() -> Counted {
        Counted
    }

    type Renamed = hive::Result<()>;

    #[on("give/renamed")]
    fn renamed() -> Renamed {
        Ok(())
    }
}

fn host() -> Host {
    Host::new(handlers::Plugin)
}

#[test]
fn values_answer() {
    for (channel, expected) in [
        ("give/acknowledgement", Message::default()),
        ("give/text", Message::bytes("\"a \\\"b\\\"\"").with_content_type("application/json")),
        ("give/bytes", Message::bytes([0, 255])),
        ("give/message", Message::text("x").with_header("a", "b")),
        ("give/none", Message::bytes("null").with_content_type("application/json")),
    ] {
        assert_eq!(host().call(channel, ()).message(), expected, "{channel}");
    }
    let failure = host().call("give/unserialisable", ()).failure();
    assert!(failure.is_reject() && failure.reason().contains("cannot be written as JSON"), "{failure:?}");
}

#[test]
fn what_returns_nothing_only_listens() {
    let host = host();
    let listeners = ["give/nothing", "give/ok", "give/unasked", "give/renamed"];
    for subscription in &host.description().subscriptions {
        let listens = listeners.contains(&subscription.pattern.as_str());
        assert_eq!(subscription.answers, !listens, "{}", subscription.pattern);
    }
}

#[test]
#[should_panic(expected = "the plugin does not answer `give/ok`")]
fn a_listener_cannot_be_called() {
    let _ = host().call("give/ok", ());
}

#[test]
fn an_answer_that_nobody_waits_for_is_not_written() {
    let delivered = host().deliver("give/counted", ());
    assert_eq!((delivered.outcome, WRITTEN.get()), (Ok(None), 0));
    assert_eq!(host().call("give/counted", ()).message().payload, b"true");
    assert_eq!(WRITTEN.get(), 1);
}
