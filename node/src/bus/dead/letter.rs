//! One dead letter: the event as it was, and why nobody handled it; as a message, and as bytes.

use bytes::Bytes;
use hive_proto::{
    channel::{Channel, Names, NetworkIndex},
    event::{Event, Extra, Message},
    group::GroupName,
    id::{EventId, Incarnation},
    time::Hlc,
};
use serde::{Deserialize, Serialize};

use crate::bus::clock::unix_ms;

/// Bytes of a handler's last words that are kept with a letter.
pub const LAST_WORDS_BYTES_MAX: usize = 4 << 10;
/// Bytes of a reason that are kept with a letter: a handler may say a lot.
const REASON_BYTES_MAX: usize = 4 << 10;

/// What no handler could handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The event, with the attempt that was its last.
    pub event: Event,
    /// The group as whose member the handler had it; none: everybody who wants it has it.
    pub group: Option<GroupName>,
    /// Why it died.
    pub reason: String,
    /// What the handler wrote last to its stderr during the last attempt.
    pub last_words: String,
    /// When, in milliseconds since the Unix epoch.
    pub died_ms: u64,
}

/// What stands before the payload, as JSON.
#[derive(Serialize, Deserialize)]
struct Head {
    v: u8,
    origin: String,
    incarnation: u64,
    sequence: u64,
    channel: String,
    network: String,
    time: u64,
    attempt: u32,
    depth: u8,
    retained: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    reason: String,
    last_words: String,
    died_ms: u64,
}

/// The version of the bytes.
const VERSION: u8 = 1;

impl Letter {
    /// An event that dies now.
    #[must_use]
    pub fn now(event: Event, group: Option<GroupName>, reason: &str, last_words: &str) -> Self {
        let from = last_words.len().saturating_sub(LAST_WORDS_BYTES_MAX);
        let last_words = last_words.get(last_words.ceil_char_boundary(from)..).unwrap_or_default();
        let reason = reason.get(..reason.floor_char_boundary(REASON_BYTES_MAX)).unwrap_or_default();
        Self { event, group, reason: reason.into(), last_words: last_words.into(), died_ms: unix_ms() }
    }

    /// The event's own message, with what happened to it in `hive-…` headers.
    pub(super) fn message(&self, number: Option<u64>) -> Message {
        let event = &self.event;
        let mut extra = event.message.extra().cloned().unwrap_or_default();
        // Its story is of use for as long as somebody wants to know.
        extra.expires_ms = None;
        let mut header = |name: &str, value: String| extra.headers.push((name.into(), value));
        header("hive-reason", self.reason.clone());
        header("hive-channel", event.channel.to_string());
        header("hive-id", event.id.to_string());
        header("hive-attempts", event.attempt.to_string());
        number.into_iter().for_each(|number| header("hive-letter", number.to_string()));
        Message::from_parts(event.message.payload.clone(), extra)
    }

    /// It as bytes: the length of the head, the head, the payload.
    pub(super) fn bytes(&self, names: &Names) -> Vec<u8> {
        let Event { id, channel, network, time, attempt, depth, retained, message } = &self.event;
        let head = Head {
            v: VERSION,
            origin: id.origin.to_string(),
            incarnation: id.incarnation.0,
            sequence: id.sequence,
            channel: channel.to_string(),
            network: names.network(*network).map(ToString::to_string).unwrap_or_default(),
            time: time.0,
            attempt: *attempt,
            depth: *depth,
            retained: *retained,
            content_type: message.content_type().map(Into::into),
            key: message.key().map(Into::into),
            headers: message.headers().to_vec(),
            group: self.group.as_ref().map(ToString::to_string),
            reason: self.reason.clone(),
            last_words: self.last_words.clone(),
            died_ms: self.died_ms,
        };
        let head = serde_json::to_vec(&head).unwrap_or_default();
        let length = u32::try_from(head.len()).unwrap_or(u32::MAX).to_be_bytes();
        [&length, head.as_slice(), &message.payload].concat()
    }

    /// It out of its bytes. It does not expire any more.
    pub(super) fn read(bytes: &[u8], names: &Names) -> Result<Self, String> {
        let short = || "it ends too early".to_owned();
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(short)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (head, payload) = rest.split_at_checked(length).ok_or_else(short)?;
        let head: Head = serde_json::from_slice(head).map_err(|error| error.to_string())?;
        if head.v != VERSION {
            return Err(format!("it is of version {}; this program reads {VERSION}", head.v));
        }
        let network = names.networks().iter().position(|name| name.as_str() == head.network);
        let network = network.and_then(|at| u8::try_from(at).ok()).map(NetworkIndex);
        let network = network.ok_or_else(|| format!("this node is not in the network `{}`", head.network))?;
        let channel = Channel::parse(&head.channel).map_err(|error| error.to_string())?;
        let group = head.group.as_deref().map(GroupName::parse).transpose();
        let id = EventId {
            origin: head.origin.parse().map_err(|error: hive_proto::id::NodeIdError| error.to_string())?,
            incarnation: Incarnation(head.incarnation),
            sequence: head.sequence,
        };
        let (content_type, key, headers) = (head.content_type, head.key, head.headers);
        let extra = Extra { content_type, key, headers, expires_ms: None };
        Ok(Self {
            event: Event {
                id,
                channel,
                network,
                time: Hlc(head.time),
                attempt: head.attempt,
                depth: head.depth,
                retained: head.retained,
                message: Message::from_parts(Bytes::copy_from_slice(payload), extra),
            },
            group: group.map_err(|error| error.to_string())?,
            reason: head.reason,
            last_words: head.last_words,
            died_ms: head.died_ms,
        })
    }
}
