//! What a handler can ask and do besides answering.

use std::time::Duration;

use hive::{Message, Value, json, log::Level, testing::Host};

#[hive::plugin(name = "surroundings", publishes = ["alert/*", "ask/me", "copy/{place}"])]
mod surroundings {
    use hive::{Context, Event, Message, Result, Value, json};

    #[on("sensor/*/reading")]
    fn reading(value: f64, ctx: &Context) -> Result<()> {
        let sensor = ctx.segment(1).unwrap_or_default();
        if value > ctx.config_or("limit", 30.0)? {
            ctx.publish(&format!("alert/{sensor}"), &value)?;
        }
        Ok(())
    }

    #[on("facts/all")]
    fn facts(ctx: &Context) -> Value {
        json!({
            "channel": ctx.channel(), "attempt": ctx.attempt(), "retained": ctx.retained(), "reply": ctx.wants_reply(),
            "type": ctx.content_type(), "key": ctx.key(), "header": ctx.header("a"), "headers": ctx.headers().len(),
            "id": ctx.id(), "origin": ctx.origin(), "origin-name": ctx.origin_name(), "network": ctx.network(),
            "left": ctx.time_left().as_millis() as u64, "mesh": ctx.mesh_headers(), "plugin": hive::node::plugin(),
            "known-time": ctx.published_at() > std::time::UNIX_EPOCH, "config": hive::config::all(),
        })
    }

    #[on("copy/it")]
    fn copy(ctx: &Context) -> Result<()> {
        ctx.forward("copy/attic")?;
        ctx.forward_with("copy/attic", &[("a".to_owned(), "b".to_owned())])?;
        Ok(())
    }

    #[on("raw/it")]
    fn raw(event: &Event, ctx: &Context) -> Result<Message> {
        ctx.publish_message("alert/raw", &event.message)?;
        let timeout = std::time::Duration::from_millis(5);
        let number: u8 = ctx.call_within(timeout, "ask/me", &json!({"n": 1}))?;
        Ok(ctx.call_message_within(timeout, "ask/me", &Message::text(number.to_string()))?)
    }

    #[on("log/it")]
    fn log(name: String) {
        hive::info!(name = name, length = name.len(), "greeted {name}, {}", 1);
        hive::trace!("{}", unreachable());
        hive::error!("plain");
    }

    fn unreachable() -> &'static str {
        panic!("below the level nothing is evaluated")
    }
}

fn host() -> Host {
    Host::new(surroundings::Plugin)
}

#[test]
fn publishes_and_configuration() {
    let hot = host().deliver("sensor/attic/reading", 31).ok();
    assert_eq!(hot.published_on("alert/attic"), [31.0]);
    let celsius: Vec<f64> = hot.published_as("alert/attic");
    assert_eq!(celsius, [31.0]);
    assert_eq!(hot.published[0].message.content_type.as_deref(), Some("application/json"));
    assert!(host().config("limit", 40).deliver("sensor/attic/reading", 31).ok().published.is_empty());
    let failure = host().config("limit", "warm").deliver("sensor/attic/reading", 31).failure();
    let want = "the configuration's `limit` is `warm`, and a `f64` is wanted: invalid float literal";
    assert!(failure.is_reject() && failure.reason().contains(want), "{failure:?}");
}

#[test]
fn facts_of_the_event() {
    let message = Message::text("x").with_key("k").with_header("a", "b");
    let mut host = host().config("x.y", 1).time_left(Duration::from_millis(70));
    let facts: Value = host.call_message("facts/all", message).answer();
    let expected = json!({
        "channel": "facts/all", "attempt": 1, "retained": false, "reply": true, "type": "text/plain", "key": "k",
        "header": "b", "headers": 1, "id": "test-1", "origin": "test-origin-id", "origin-name": "test-origin",
        "network": "hive", "left": 70, "mesh": [], "plugin": "surroundings", "known-time": true,
        "config": [["x.y", "1"]],
    });
    assert_eq!(facts, expected);
}

#[test]
fn forwarding_keeps_payload_type_and_key() {
    let message = Message::text("x").with_key("k").with_header("own", "1");
    let delivered = host().config("place", "attic").deliver_message("copy/it", message).ok();
    let bare = Message::text("x").with_key("k");
    let sent: Vec<_> = delivered.published.iter().map(|sent| sent.message.clone()).collect();
    assert_eq!(sent, [bare.clone(), bare.with_header("a", "b")]);
    assert!(host().deliver_message("copy/it", Message::text("x")).failure().reason().starts_with("denied"));
}

#[test]
fn raw_messages_and_calls() {
    let mut host = host().answer_with("ask/*", |question| {
        Ok(if question.is_json() { Message::json(&5)? } else { question.clone().with_header("seen", "1") })
    });
    let message = Message::bytes([1, 2]).with_header("a", "b");
    let delivered = host.call_message("raw/it", message.clone());
    assert_eq!(delivered.published[0].message, message);
    assert_eq!(delivered.called.len(), 2);
    assert_eq!(delivered.message(), Message::text("5").with_header("seen", "1"));
}

#[test]
fn another_plugin_may_answer() {
    #[hive::plugin("ask/me")]
    fn other(_: Value) -> u8 {
        9
    }
    let mut other = Host::new(Plugin);
    let mut host = host()
        .answer_with("ask/me", move |question| Ok(other.call_message("ask/me", question.clone()).message()));
    assert_eq!(host.call_message("raw/it", Message::text("x")).answer::<u8>(), 9);
}

#[test]
fn logging() {
    let delivered = host().log_level(Level::Debug).deliver("log/it", "Ada").ok();
    let lines: Vec<_> = delivered.logs.iter().map(|line| (line.level, line.text.as_str())).collect();
    assert_eq!(lines, [(Level::Info, "greeted Ada, 1"), (Level::Error, "plain")]);
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(delivered.logs[0].fields, [field("name", "Ada"), field("length", "3")]);
}

#[test]
#[should_panic(expected = "outside a node a handler runs on `hive::testing::Host`")]
fn without_a_node_there_is_a_clear_panic() {
    hive::node::plugin();
}
