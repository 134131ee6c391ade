//! Between the client's documents and the mesh's words.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hive_client::types::{self, ApiError, V1};
use hive_proto::{
    channel::Names,
    event::{Event, Extra, Message},
    id::NodeId,
};

use super::Means;
use crate::bus::{Gathered, Part};

/// A message from a client; names of headers become lower-case.
pub(super) fn message(from: hive_client::Message) -> Message {
    let hive_client::Message { payload, content_type, key, mut headers, expires_ms } = from;
    headers.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
    Message::from_parts(payload, Extra { content_type, key, headers, expires_ms })
}

/// A message for a client.
pub(super) fn client_message(from: &Message) -> hive_client::Message {
    hive_client::Message {
        payload: from.payload.clone(),
        content_type: from.content_type().map(Into::into),
        key: from.key().map(Into::into),
        headers: from.headers().to_vec(),
        expires_ms: from.expires_ms(),
    }
}

/// An event for a client.
pub(super) fn client_event(
    names: &Names,
    event: &Event,
    request: Option<hive_client::Request>,
    ticket: Option<u64>,
) -> hive_client::Event {
    hive_client::Event {
        v: V1,
        id: event.id.to_string(),
        channel: event.channel.to_string(),
        network: names.network(event.network).map(ToString::to_string).unwrap_or_default(),
        origin: event.id.origin.to_string(),
        time_ms: event.time.unix_ms(),
        attempt: event.attempt,
        depth: event.depth,
        retained: event.retained,
        request,
        ticket,
        message: client_message(&event.message),
    }
}

/// All answers to a call.
pub(super) fn gathered(from: Gathered, means: &Means) -> types::Gathered {
    let here = means.boards.node.read();
    let node = |node: Option<NodeId>, name: String| types::Responder {
        node: node.unwrap_or(here.id).to_string(),
        name: if node.is_some() { name } else { here.name.clone() },
    };
    let answer = |Part { node: id, name, outcome, .. }: Part| {
        let responder = node(id, name);
        match outcome {
            Ok(message) => types::Answer { responder, message: Some(client_message(&message)), error: None },
            Err(error) => {
                let error = ApiError::new(error.code(), error.to_string());
                types::Answer { responder, message: None, error: Some(error) }
            }
        }
    };
    types::Gathered {
        v: V1,
        answers: from.answers.into_iter().map(answer).collect(),
        missing: from.missing.into_iter().map(|(id, name)| node(id, name)).collect(),
    }
}

/// Milliseconds since the Unix epoch.
pub(super) fn unix_ms(time: SystemTime) -> u64 {
    ms(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// Whole milliseconds.
pub(super) fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
