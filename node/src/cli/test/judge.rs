//! Whether what came of an event is what was expected.

use std::iter;

use hive_proto::event::Message;
use serde_json::Value as Json;

use super::came;
use crate::{
    cli::output,
    config::{Ends, Expected, Trial},
    toolchain::case::{Done, Outcome},
};

/// Characters of a value that are shown.
const SHOWN_MAX: usize = 400;

/// Everything that is not as expected.
pub(super) fn problems(trial: &Trial, done: &Done) -> Vec<String> {
    let mut problems: Vec<String> = ending(trial, done).into_iter().collect();
    let Some(wanted) = &trial.publishes else { return problems };
    if wanted.len() != done.published.len() {
        let channels: Vec<&str> = done.published.iter().map(|event| event.channel.as_str()).collect();
        let came = if channels.is_empty() { "nothing".to_owned() } else { channels.join(", ") };
        let events = output::count(wanted.len() as u64, "event");
        problems.push(format!("it was to publish {events}, and published {came}"));
        return problems;
    }
    for (wanted, event) in wanted.iter().zip(&done.published) {
        if wanted.channel != event.channel.as_str() {
            problems
                .push(format!("it was to publish on {}, and published on {}", wanted.channel, event.channel));
            continue;
        }
        if let Some(data) = wanted.data.as_ref().filter(|data| !meets(data, &event.message)) {
            let came = but(data, &event.message, "`base64` and `file` expect");
            let data = text(data);
            problems.push(format!("it was to publish {data} on {}, and published {came}", wanted.channel));
        }
    }
    problems
}

fn ending(trial: &Trial, done: &Done) -> Option<String> {
    let says = |wanted: &str, reason: &str| {
        (!reason.contains(wanted))
            .then(|| format!("its reason was to have `{wanted}` in it, and is: {reason}"))
    };
    match (&trial.ends, &done.outcome) {
        (None, Outcome::Done(_)) => None,
        (Some(Ends::Answer(wanted)), Outcome::Done(answer)) => {
            let came = answer.clone().unwrap_or_default();
            (!meets(wanted, &came)).then(|| {
                let but = but(wanted, &came, "`answer-base64` and `answer-file` expect");
                format!("it was to answer {}, and answered {but}", text(wanted))
            })
        }
        (Some(Ends::Reject(wanted)), Outcome::Reject(reason)) => says(wanted, reason),
        (Some(Ends::Retry(wanted)), Outcome::Retry { reason, .. } | Outcome::Broken(reason)) => {
            says(wanted, reason)
        }
        (Some(Ends::Reject(_)), _) => Some("it was to be rejected, and was not".into()),
        (Some(Ends::Retry(_)), _) => Some("it was to be tried again, and was not".into()),
        (None | Some(Ends::Answer(_)), Outcome::Retry { .. }) => {
            Some("it was to be handled, and is to be tried again".into())
        }
        (None | Some(Ends::Answer(_)), Outcome::Reject(_)) => {
            Some("it was to be handled, and was rejected".into())
        }
        (None | Some(Ends::Answer(_)), Outcome::Broken(_)) => {
            Some("it was to be handled, and the handler broke".into())
        }
    }
}

/// Whether a payload is what was expected. A text is one however odd its characters are.
fn meets(wanted: &Expected, message: &Message) -> bool {
    match wanted {
        Expected::Bytes(wanted) => *wanted == message.payload,
        Expected::Value(Json::String(wanted)) if *wanted == message.payload => true,
        Expected::Value(wanted) => came::read(message).is_some_and(|came| same(wanted, &came)),
    }
}

fn text(wanted: &Expected) -> String {
    match wanted {
        Expected::Value(value) => cut(value.to_string()),
        Expected::Bytes(bytes) => cut(came::shown(&Message::new(bytes.clone()))),
    }
}

/// What came instead of what was expected. Of bytes nobody sees in which they differ, nor how they would be expected.
fn but(wanted: &Expected, message: &Message, by: &str) -> String {
    let shown = cut(came::shown(message));
    match wanted {
        Expected::Value(_) if came::read(message).is_none() => format!("{shown}: {by} bytes"),
        Expected::Bytes(wanted) => {
            let alike = iter::zip(wanted, &message.payload).take_while(|(one, other)| one == other).count();
            let alike = match alike {
                0 => "the first byte differs".to_owned(),
                1 => "the first byte is the same".to_owned(),
                several => format!("the first {several} bytes are the same"),
            };
            format!("{shown}: {alike}")
        }
        Expected::Value(_) => shown,
    }
}

/// Whether two values are the same to a person: 1 and 1.0 are, as languages write either.
fn same(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Json::Object(one), Json::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
        }
        (one, other) => one == other,
    }
}

fn cut(text: String) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_compared_by_value_and_the_rest_as_it_is() {
        assert!(same(&json!({"a": [1, 2.5]}), &json!({"a": [1.0, 2.5]})));
        assert!(!same(&json!({"a": 1}), &json!({"a": 1, "b": 2})));
        assert!(!same(&json!("1"), &json!(1)));
        let no_json = Expected::Value(json!("no json"));
        assert!(meets(&no_json, &Message::new("no json")) && !meets(&no_json, &Message::new("no JSON")));
        assert!(meets(&Expected::Value(json!("\0")), &Message::new("\0")));
    }
}
