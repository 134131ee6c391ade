//! Files of trials, read.

use serde_json::json;

use super::*;

fn read(text: &str) -> Result<TrialFile, String> {
    let source = Arc::new(Source::new("cases.yaml".into(), text.to_owned()));
    super::read(&source, whole_file).map_err(|problems| problems.render(false))
}

fn read_one(text: &str) -> Result<TrialFile, String> {
    let source = Arc::new(Source::new("event.json".into(), text.to_owned()));
    super::read(&source, one_event).map_err(|problems| problems.render(false))
}

#[test]
fn trials_are_read_with_their_types() {
    let text = "component: greeter.wasm\nconfig: {limit: 20}\nsecrets: {door: ajar}\nanswers: {names/*: Countess}\ncases:\n\
                - {name: one, call: greet/hello, data: \"7\", answer: {a: [1, true, null, x]}}\n\
                - {event: sensor/x, text: '{', key: k, headers: {a: b}, attempt: 2, rejects: parse}\n\
                - {tick: report, publishes: [a/b, {channel: c/d, data: 1.5}]}\n";
    let file = read(text).expect("trials");
    assert_eq!(file.component, Some("greeter.wasm".into()));
    assert_eq!(file.config, [("limit".to_owned(), "20".to_owned())]);
    assert_eq!(file.secrets, [("door".to_owned(), SecretText::new("ajar".into()))]);
    assert_eq!(file.answers, [("names/*".to_owned(), json!("Countess"))]);
    let [one, two, three] = &file.trials[..] else { panic!("{file:?}") };
    assert_eq!((one.how, one.payload.as_slice()), (How::Call, b"\"7\"".as_slice()));
    assert_eq!(one.ends, Some(Ends::Answer(Expected::Value(json!({"a": [1, true, null, "x"]})))));
    assert_eq!(
        (two.payload.as_slice(), two.content_type.as_deref(), two.attempt),
        (b"{".as_slice(), None, 2)
    );
    assert_eq!(two.ends, Some(Ends::Reject("parse".into())));
    let want = [("a/b", None), ("c/d", Some(Expected::Value(json!(1.5))))];
    let want = want.map(|(channel, data)| Published { channel: channel.into(), data });
    assert_eq!(three.publishes.as_deref(), Some(&want[..]));
    assert_eq!(three.name, "case 3, report");
}

#[test]
fn one_event_in_json_is_a_trial_too() {
    let file = read(r#"{"event": "sensor/attic/reading", "data": {"celsius": 41}}"#).expect("a trial");
    assert_eq!(file.trials[0].payload, br#"{"celsius":41}"#);
    assert_eq!(file.trials[0].content_type.as_deref(), Some("application/json"));
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let text = "cases:\n- {call: a/b, event: c/d}\n- {call: a/b, anser: 1}\n- {event: a/b, attempt: 0}\n";
    let said = read(text).expect_err("problems");
    for want in [
        "an event comes in one way, and `event` and `call` are said",
        "unknown key `anser` in `case 2`",
        "did you mean `answer`?",
        "out of range",
    ] {
        assert!(said.contains(want), "{want}: {said}");
    }
    assert!(said.ends_with("problems in cases.yaml"), "{said}");
    assert!(read("version: 1\n").expect_err("no cases").contains("there are no `cases`"));
}

#[test]
fn of_one_event_it_is_not_said_that_it_has_no_cases() {
    let file = read_one(r#"{"call": "a/b"}"#).expect("an event");
    assert_eq!(file.trials[0].name, "the event, a/b");
    let said = read_one(r#"{"evnt": "a/b"}"#).expect_err("a typo");
    for want in ["it is not said how the event comes", "unknown key `evnt` in `the event`", "mean `event`?"] {
        assert!(said.contains(want) && !said.contains("case"), "{want}: {said}");
    }
    for text in ["cases: []\n", "[{call: a/b}]\n"] {
        let said = read_one(text).expect_err("cases");
        assert!(said.contains("these are cases, and one event is wanted"), "{said}");
    }
}
