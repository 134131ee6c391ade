//! Between the client's documents and the mesh's words.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hive_client::types::V1;
use hive_proto::{
    channel::Names,
    event::{Event, Extra, Message},
};

/// A message from a client; names of headers become lower-case.
pub(super) fn message(from: hive_client::Message) -> Message {
    let hive_client::Message { payload, content_type, key, mut headers } = from;
    headers.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
    Message::from_parts(payload, Extra { content_type, key, headers })
}

/// A message for a client.
pub(super) fn client_message(from: &Message) -> hive_client::Message {
    hive_client::Message {
        payload: from.payload.clone(),
        content_type: from.content_type().map(Into::into),
        key: from.key().map(Into::into),
        headers: from.headers().to_vec(),
    }
}

/// An event for a client.
pub(super) fn client_event(
    names: &Names,
    event: &Event,
    request: Option<hive_client::Request>,
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
        message: client_message(&event.message),
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
