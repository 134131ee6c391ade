//! What the other side writes, and what it never would.

use proptest::prelude::*;

use super::*;

fn request(text: &str) -> Request {
    Message::decode(text).expect("a message").request.expect("a request").0
}

/// As the library writes them.
#[test]
fn captured_messages_are_understood() {
    let check = |text: &str, want: Request| assert_eq!(request(text), want, "{text}");
    check(r#"{"request": {"method": "_ping_", "arguments": {}, "call_id": "ab"}}"#, Request::Ping);
    check(r#"{"request": {"method": "ping"}, "response": null}"#, Request::Ping);
    check(
        r#"{"request": {"method": "subscribe", "arguments": {"topics": ["net/w/e"]}, "call_id": "ab"}}"#,
        Request::Subscribe(Topics::Some(vec!["net/w/e".into()])),
    );
    for all in [r#""__EventNotifier_ALL_TOPICS__""#, r#"["a","__EventNotifier_ALL_TOPICS__"]"#] {
        let text = format!(r#"{{"request":{{"method":"subscribe","arguments":{{"topics":{all}}}}}}}"#);
        check(&text, Request::Subscribe(Topics::All));
    }
    let publish =
        |data: &str| Request::Publish { topics: vec!["net/w/e".into()], data: data.into(), not_to: None };
    check(
        r#"{"request": {"method": "publish", "arguments": {"topics": ["net/w/e"], "data": "{\"hello\": 1}", "sync": true, "notifier_id": null}, "call_id": "x"}}"#,
        publish(r#"{"hello": 1}"#),
    );
    check(
        r#"{"request": {"method": "publish", "arguments": {"topics": "net/w/e", "data": {"a": 1}}}}"#,
        publish(r#"{"a": 1}"#),
    );
    check(
        r#"{"request": {"method": "publish", "arguments": {"topics": "net/w/e", "data": null}}}"#,
        publish("{}"),
    );
    check(
        r#"{"request": {"method": "notify", "arguments": {"subscription": {"id": "1", "subscriber_id": "2", "topic": "net/w/e", "notifier_id": null}, "data": "{}"}, "call_id": "c"}, "response": null}"#,
        Request::Notify { topic: "net/w/e".into(), data: "{}".into() },
    );
    check(r#"{"request": {"method": "nope"}}"#, Request::Unknown("nope".into()));
    let response = Message::decode(
        r#"{"request": null, "response": {"result": "pong", "result_type": "str", "call_id": "c"}}"#,
    );
    assert_eq!(response.expect("a message").response, Some((Some("c".into()), true)));
    assert!(Message::decode("5").is_err() && Message::decode(r#"{"request":{"method":1}}"#).is_err());
}

#[test]
fn what_is_written_is_read() {
    assert_eq!(request(&ask_channel_id("c")), Request::ChannelId);
    assert_eq!(answered_text(&channel_id("i", None)).expect("an answer"), "i");
    assert_eq!(request(&ping("c")), Request::Ping);
    assert_eq!(request(&subscribe_all("c")), Request::Subscribe(Topics::All));
    let topics = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(request(&subscribe(&topics, "c")), Request::Subscribe(Topics::Some(topics)));
    let answered = |text: &str| Message::decode(text).expect("a message").response;
    for text in [pong(Some("c")), done(Some("c")), noticed(Some("c")), channel_id("i", Some("c"))] {
        assert_eq!(answered(&text), Some((Some("c".into()), true)), "{text}");
    }
}

proptest! {
    #[test]
    fn texts_cross_unchanged(topic in any::<String>(), data in any::<String>()) {
        let sent = request(&notify((&topic, &data), "s", "c"));
        prop_assert_eq!(sent, Request::Notify { topic: topic.clone(), data: data.clone() });
        let sent = request(&publish((&topic, &data), Some("s"), "c"));
        prop_assert_eq!(sent, Request::Publish { topics: vec![topic], data, not_to: Some("s".into()) });
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), method in "[a-z_]{0,9}") {
        let _ = Message::decode(&text);
        let _ = Message::decode(&format!(r#"{{"request":{{"method":"{method}","arguments":{text}}}}}"#));
        let _ = Message::decode(&format!(r#"{{"request":{{"method":"subscribe","arguments":{{"topics":{text}}}}}}}"#));
    }
}
