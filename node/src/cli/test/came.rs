//! What came of an event, for people and for programs.

use std::time::Duration;

use hive_client::message::payload;
use hive_proto::event::{Event, Message};
use serde::Serialize;
use serde_json::Value as Json;

use crate::{
    cli::{output, value},
    toolchain::case::{Done, Outcome},
};

/// What came of an event: a part of a line of `test --json`.
#[derive(Serialize)]
pub(super) struct Came {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Json>,
    /// Of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    published: Vec<Sent>,
    took_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
}

#[derive(Serialize)]
struct Sent {
    channel: String,
    data: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
}

impl Came {
    pub(super) fn of(done: &Done) -> Self {
        let (outcome, answer, reason) = match &done.outcome {
            Outcome::Done(None) => ("handled", None, None),
            Outcome::Done(Some(answer)) => ("answered", Some(answer), None),
            Outcome::Retry { reason, .. } => ("retry", None, Some(reason.clone())),
            Outcome::Reject(reason) => ("rejected", None, Some(reason.clone())),
            Outcome::Broken(reason) => ("broken", None, Some(reason.clone())),
        };
        let sent = |Event { channel, message, .. }: &Event| Sent {
            channel: channel.to_string(),
            data: data(message),
            content_type: content_type(message),
        };
        Self {
            outcome,
            answer: answer.map(data),
            content_type: answer.and_then(content_type),
            reason,
            published: done.published.iter().map(sent).collect(),
            took_us: u64::try_from(done.took.as_micros()).unwrap_or(u64::MAX),
            memory_bytes: done.memory,
        }
    }
}

/// What came of an event, for people.
pub(super) fn told(done: &Done) -> String {
    let came = Came::of(done);
    let mut text = came.outcome.to_owned();
    if let Outcome::Done(Some(answer)) = &done.outcome {
        text += &format!(" {}", with_type(answer));
    }
    if let Some(reason) = &came.reason {
        text += &format!(": {reason}");
    }
    for Event { channel, message, .. } in &done.published {
        text += &format!("\npublished {channel} {}", with_type(message));
    }
    text += &format!("\ntook {}", output::rough(Duration::from_micros(came.took_us)));
    if let Some(bytes) = came.memory_bytes {
        text += &format!(", {} of memory", output::size(bytes));
    }
    text
}

/// A payload as a value: none where it is bytes.
pub(super) fn read(message: &Message) -> Option<Json> {
    value::read(&hive_client::Message {
        payload: message.payload.clone(),
        content_type: content_type(message),
        ..hive_client::Message::default()
    })
}

/// A payload for people.
pub(super) fn shown(message: &Message) -> String {
    read(message)
        .map_or_else(|| payload::for_people(&message.payload).into_owned(), |value| value.to_string())
}

fn content_type(message: &Message) -> Option<String> {
    message.content_type().map(Into::into)
}

fn data(message: &Message) -> Json {
    read(message).unwrap_or_else(|| value::base64(message.payload.clone()))
}

/// A payload, with what it is said to be where that is not the usual.
fn with_type(message: &Message) -> String {
    let shown = shown(message);
    match message.content_type() {
        None | Some("application/json") => shown,
        Some(other) => format!("{shown} ({})", output::one_line(other)),
    }
}
