//! What a function's parameters get.

use hive::{Event, FromEvent, Message, json, testing::Host};
use proptest::prelude::*;

#[derive(serde::Deserialize, serde::Serialize, Clone, Debug, PartialEq)]
struct Order {
    id: u64,
    note: Option<String>,
}

/// A payload of another format.
#[derive(serde::Serialize)]
struct Csv(Vec<String>);

impl FromEvent for Csv {
    fn from_event(event: &mut Event) -> hive::Result<Self> {
        let text = std::str::from_utf8(&event.message.payload)?;
        Ok(Self(text.split(',').map(str::to_owned).collect()))
    }
}

type Alias = Vec<u8>;

#[hive::plugin]
mod handlers {
    use hive::{Context, Event, Message, Value};

    use super::{Alias, Csv, Order};

    #[on("take/typed")]
    fn typed(order: Order) -> Order {
        order
    }

    #[on("take/optional")]
    fn optional(order: Option<Order>) -> bool {
        order.is_some()
    }

    #[on("take/value")]
    fn value(value: Value) -> Value {
        value
    }

    #[on("take/text")]
    fn text(text: String) -> String {
        text
    }

    #[on("take/bytes")]
    fn bytes(bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    #[on("take/alias")]
    fn alias(bytes: Alias) -> usize {
        bytes.len()
    }

    #[on("take/borrowed-bytes")]
    fn borrowed_bytes(bytes: &[u8]) -> usize {
        bytes.len()
    }

    #[on("take/message")]
    fn message(message: Message) -> Message {
        message
    }

    #[on("take/borrowed-message")]
    fn borrowed_message(message: &Message, ctx: Context<'_>) -> Option<String> {
        assert_eq!(message.key.as_deref(), ctx.key());
        message.key.clone()
    }

    #[on("take/event")]
    fn event(event: Event, ctx: &Context) -> String {
        assert_eq!(event.channel, ctx.channel());
        format!("{} {}", event.channel, event.message.payload.len())
    }

    #[on("take/borrowed-event")]
    fn borrowed_event(event: &Event) -> String {
        format!("{} {}", event.channel, event.message.payload.len())
    }

    #[on("take/own")]
    fn own(csv: Csv) -> Csv {
        csv
    }

    #[on("take/nothing")]
    fn nothing() -> u8 {
        1
    }

    #[on("take/context")]
    fn context(ctx: &Context) -> String {
        ctx.channel().to_owned()
    }

    #[on("take/both-turned")]
    fn both_turned(ctx: &Context, order: Order) -> String {
        format!("{} {}", ctx.channel(), order.id)
    }
}

fn host() -> Host {
    Host::new(handlers::Plugin)
}

#[test]
fn json_becomes_values() {
    let order = json!({"id": 7, "note": "soon"});
    assert_eq!(host().call("take/typed", &order).answer::<hive::Value>(), order);
    assert_eq!(host().call("take/value", &order).answer::<hive::Value>(), order);
    assert_eq!(host().call("take/both-turned", &order).answer::<String>(), "take/both-turned 7");
    assert!(host().call("take/optional", &order).answer::<bool>());
}

#[cfg(feature = "cbor")]
#[test]
fn cbor_becomes_values_where_the_content_type_says_so() {
    let order = Order { id: 7, note: Some("soon".into()) };
    let cbor = Message::cbor(&order).unwrap();
    assert!(cbor.is_cbor() && !cbor.is_json());
    assert_eq!(host().call_message("take/typed", cbor.clone()).answer::<Order>(), order);
    let longer = Message { payload: [&cbor.payload[..], b"x"].concat(), ..cbor.clone() };
    let failure = host().call_message("take/typed", longer).failure();
    assert_eq!(failure, hive::reject("the payload does not parse as CBOR: 1 bytes follow the value"));
    let json = cbor.with_content_type("application/json");
    assert!(host().call_message("take/typed", json).failure().is_reject());
}

#[test]
fn an_empty_payload_reads_as_null() {
    assert!(!host().call_message("take/optional", Message::default()).answer::<bool>());
    let failure = host().call_message("take/typed", Message::default()).failure();
    assert_eq!(failure, hive::reject("the payload is empty"));
}

#[test]
fn what_does_not_parse_is_rejected_with_its_position() {
    let broken = Message::bytes("{\"id\": 7,\n \"note\": 5}");
    let failure = host().call_message("take/typed", broken).failure();
    assert!(failure.is_reject());
    let expected =
        "the payload does not parse: invalid type: integer `5`, expected a string at line 2 column 10";
    assert_eq!(failure.reason(), expected);
}

#[test]
fn text_is_the_json_string_or_the_payload() {
    let texts = [
        (Message::text("\"Ada\""), "\"Ada\""),
        (Message::bytes("Ada"), "Ada"),
        (Message::json("Ada \"x\"").unwrap(), "Ada \"x\""),
        (Message::bytes("\"Ada\"").with_content_type("Application/JSON; charset=utf-8"), "Ada"),
        (Message::bytes("\"Ada\"").with_content_type("application/vnd.x+json"), "Ada"),
        (Message::bytes("\"Ada\"").with_content_type("application/jsonl"), "Ada"),
        (Message::bytes("\"Ada\"\n7").with_content_type("application/jsonl"), "\"Ada\"\n7"),
        (Message::bytes("\"Ada\""), "Ada"),
        (Message::bytes("21.5"), "21.5"),
        (Message::default(), ""),
    ];
    for (message, expected) in texts {
        assert_eq!(
            host().call_message("take/text", message.clone()).answer::<String>(),
            expected,
            "{message:?}"
        );
    }
    assert!(host().call("take/text", 5).failure().is_reject());
    let failure = host().call_message("take/text", Message::bytes([0x41, 0xff])).failure();
    assert!(failure.is_reject() && failure.reason().contains("not UTF-8"), "{failure:?}");
}

#[test]
fn what_is_no_json_is_a_text_and_a_text_is_what_its_type_makes_of_it() {
    let of = |text: &str, content_type: &str| Message::bytes(text).with_content_type(content_type);
    for (message, expected) in [
        (of("Ada", "text/plain"), json!("Ada")),
        (of("7", "text/plain; charset=utf-8"), json!("7")),
        (of("", "Text/Plain"), json!("")),
        (Message::bytes("Ada"), json!("Ada")),
        (Message::bytes("7"), json!(7)),
        (Message::default(), json!(null)),
        (of("{\"a\": 1}", "application/octet-stream"), json!({"a": 1})),
        (of("<a/>", "application/xml"), json!("<a/>")),
    ] {
        let answer = host().call_message("take/value", message.clone()).answer::<hive::Value>();
        assert_eq!(answer, expected, "{message:?}");
    }
    // A type that takes no text reads JSON, whatever it is called; what it takes neither way is rejected.
    let order = host().call_message("take/typed", of("{\"id\": 7, \"note\": null}", "text/plain"));
    assert_eq!(order.answer::<Order>(), Order { id: 7, note: None });
    let failure = host().call_message("take/typed", Message::text("Ada")).failure();
    let expected = "the payload does not parse: invalid type: string \"Ada\", expected struct Order";
    assert_eq!(failure, hive::reject(expected));
    let failure = host().call_message("take/value", of("Ada", "application/json")).failure();
    assert!(failure.is_reject(), "{failure:?}");
}

#[test]
fn bytes_and_messages_come_as_they_are() {
    let message = Message::bytes([0, 255, 7]).with_key("k").with_header("a", "b").with_content_type("x/y");
    assert_eq!(host().call_message("take/bytes", message.clone()).message(), Message::bytes([0, 255, 7]));
    assert_eq!(host().call_message("take/message", message.clone()).message(), message);
    for (channel, expected) in [
        ("take/alias", json!(3)),
        ("take/borrowed-bytes", json!(3)),
        ("take/borrowed-message", json!("k")),
        ("take/event", json!("take/event 3")),
        ("take/borrowed-event", json!("take/borrowed-event 3")),
        ("take/nothing", json!(1)),
        ("take/context", json!("take/context")),
    ] {
        let answer = host().call_message(channel, message.clone()).answer::<hive::Value>();
        assert_eq!(answer, expected, "{channel}");
    }
}

#[test]
fn own_formats_are_read_by_their_own_trait() {
    let answer = host().call_message("take/own", Message::text("a,b")).answer::<Vec<String>>();
    assert_eq!(answer, ["a", "b"]);
}

proptest! {
    #[test]
    fn no_payload_panics(payload: Vec<u8>, content_type in prop::option::of("application/json|text/plain|.*")) {
        let message = Message { content_type, ..Message::bytes(payload.clone()) };
        for channel in ["take/typed", "take/optional", "take/value", "take/text"] {
            let outcome = host().call_message(channel, message.clone()).outcome;
            if let Err(failure) = outcome {
                prop_assert!(failure.is_reject(), "{}: {:?}", channel, failure);
            }
        }
        prop_assert_eq!(host().call_message("take/bytes", message).message().payload, payload);
    }

    #[test]
    fn typed_values_survive(id: u64, note: Option<String>) {
        let order = Order { id, note };
        prop_assert_eq!(host().call("take/typed", &order).answer::<Order>(), order);
    }
}
