//! Dead letters: what no handler could handle, and what ended too many members of a group, is published on
//! `$dead/<name>`, with its story in headers.

use hive_proto::channel::{Address, Channel, NetworkIndex};

use super::{Bus, Event, Message};

/// Publishes an event as a dead letter of the named handler.
pub(super) async fn bury(bus: &Bus, name: &str, event: &Event, reason: &str) {
    tracing::warn!(
        name,
        channel = %event.channel,
        event = %event.id,
        attempts = event.attempt,
        "dead letter: {reason}"
    );
    let Ok(channel) = Channel::parse(&format!("$dead/{name}")) else { return };
    let to = Address { network: NetworkIndex::HOME, channel };
    bus.publisher().announce(&to, letter(event, reason)).await;
}

/// The event's own message, with what happened to it in `hive-…` headers.
fn letter(event: &Event, reason: &str) -> Message {
    let mut extra = event.message.extra().cloned().unwrap_or_default();
    // Its story is of use for as long as somebody wants to know.
    extra.expires_ms = None;
    let mut header = |name: &str, value: String| extra.headers.push((name.into(), value));
    header("hive-reason", reason.into());
    header("hive-channel", event.channel.to_string());
    header("hive-id", event.id.to_string());
    header("hive-attempts", event.attempt.to_string());
    Message::from_parts(event.message.payload.clone(), extra)
}
