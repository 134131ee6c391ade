//! What travels over the WebSocket `/v1/socket`: one JSON document a text frame.
//!
//! What it owns: the two closed lists of documents. A socket holds at most one subscription; it may publish and
//! answer besides, so that a program in any language can be a full handler over one connection. It must not know
//! how frames are sent.

use serde::{Deserialize, Serialize};

use crate::{
    message::{Event, Message},
    types::{ApiError, V1},
};

/// Bytes of one frame: a payload of 16 MiB, twice as long as JSON or base64, and what stands around it.
pub const FRAME_BYTES_MAX: usize = 40 << 20;

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ClientMessage {
    /// From now on, send what matches any of these. Replaces what was asked before. Answered by `subscribed` or `error`.
    Subscribe {
        /// Patterns, as people write them.
        patterns: Vec<String>,
        /// Whether requests may be sent here.
        #[serde(default)]
        answers: bool,
        /// A group: of its members, wherever they are, one gets each event. What comes then has a ticket, to be said
        /// back with `handled`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        /// Also what durable channels carried since then, in milliseconds since the Unix epoch, 0 for everything that is
        /// kept. Not together with a group; what comes has a ticket, too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since_ms: Option<u64>,
        /// A reader of this name on this node: what durable channels carry comes at least once, from where it left off;
        /// at first from now on. Not together with a group or a time; what comes has a ticket, too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        durable: Option<String>,
    },
    /// The events of a group up to this ticket are handled. Those that are not when the socket closes go to other
    /// members.
    Handled {
        /// The ticket.
        through: u64,
    },
    /// Publish this. Answered, in order and cumulatively, by `published`, or by `error` with this publish's number.
    Publish {
        /// Where to, as people write it.
        channel: String,
        /// Keep it as the channel's last value.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        retain: bool,
        /// What.
        #[serde(flatten)]
        message: Message,
    },
    /// The answer to a request.
    Answer {
        /// The request's number, from the event.
        request: u64,
        /// Why there is none; then the message is not looked at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
        /// What.
        #[serde(flatten)]
        message: Message,
    },
}

/// Why a request gets no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// Passing trouble.
    #[error("{0}")]
    Failed(String),
    /// The same request will fail again.
    #[error("{0}")]
    Rejected(String),
}

/// What a node says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ServerMessage {
    /// The subscription is live.
    Subscribed {
        /// The document's version.
        v: V1,
    },
    /// An event that matches.
    Event(Event),
    /// This client was too slow: so many events were dropped for it alone since it was last told.
    Missed {
        /// The document's version.
        v: V1,
        /// How many.
        count: u64,
    },
    /// What became of this socket's publishes so far.
    Published(Published),
    /// Something that the client asked for failed.
    Error {
        /// The document's version.
        v: V1,
        /// Why.
        error: ApiError,
        /// Which publish, counted from 1; absent: none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        publish: Option<u64>,
    },
}

/// What became of the publishes of one socket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The document's version.
    pub v: V1,
    /// How many were looked at, failed ones among them.
    pub count: u64,
    /// How many failed.
    pub failed: u64,
    /// Copies queued for subscriptions of this node.
    pub local: u64,
    /// Copies queued for peers.
    pub peers: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn documents_look_as_documented() {
        let check = |text: &str, want: ClientMessage| {
            assert_eq!(serde_json::from_str::<ClientMessage>(text).expect(text), want);
        };
        let patterns = vec!["a/*".to_owned()];
        check(
            r#"{"type":"subscribe","patterns":["a/*"]}"#,
            ClientMessage::Subscribe {
                patterns: patterns.clone(),
                answers: false,
                group: None,
                since_ms: None,
                durable: None,
            },
        );
        let group = Some("g".to_owned());
        check(
            r#"{"type":"subscribe","patterns":["a/*"],"group":"g"}"#,
            ClientMessage::Subscribe { patterns, answers: false, group, since_ms: None, durable: None },
        );
        check(r#"{"type":"handled","through":7}"#, ClientMessage::Handled { through: 7 });
        check(
            r#"{"type":"publish","channel":"a/b","payload":"x"}"#,
            ClientMessage::Publish { channel: "a/b".into(), retain: false, message: "x".into() },
        );
        check(
            r#"{"type":"answer","request":3,"payload":{"base64":"AA=="}}"#,
            ClientMessage::Answer { request: 3, failure: None, message: vec![0].into() },
        );
        check(
            r#"{"type":"answer","request":3,"failure":{"rejected":"no"}}"#,
            ClientMessage::Answer {
                request: 3,
                failure: Some(Failure::Rejected("no".into())),
                message: Message::default(),
            },
        );
        let missed = serde_json::to_string(&ServerMessage::Missed { v: V1, count: 2 }).expect("json");
        assert_eq!(missed, r#"{"type":"missed","v":1,"count":2}"#);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in prop_oneof![
            ".{0,60}",
            r#"\{"type":"(subscribe|publish|answer)"(,"(patterns|channel|request|payload|failure)":(\[\]|"x"|1|\{"base64":".?"\}|null)){0,3}\}"#,
        ]) {
            if let Ok(read) = serde_json::from_str::<ClientMessage>(&text) {
                let written = serde_json::to_string(&read).expect("json");
                prop_assert_eq!(serde_json::from_str::<ClientMessage>(&written).expect(&written), read);
            }
            let _ = serde_json::from_str::<ServerMessage>(&text);
        }
    }
}
