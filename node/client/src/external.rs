//! What travels over the WebSocket `/v1/plugin`: one JSON document a text frame. Over it a process in any language is a
//! plugin as a component is: it says who it is and what it listens to, is given events one at a time, or up to a window,
//! and says what became of each.
//!
//! What it owns: the two closed lists of documents. It must not know how frames are sent, or who starts processes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    message::{Event, Message},
    socket::Published,
    types::{ApiError, V1},
};

/// The path of the socket.
pub const PATH: &str = "/v1/plugin";
/// Events that a process may have in hand.
pub const WINDOW_MAX: u32 = 256;

/// What a process says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ProcessMessage {
    /// The first document: who it is and what it wants. Answered by `joined`, or by `error` and the end. From here on what
    /// it listens to waits for it.
    Join(Join),
    /// It takes events from here on; none is given before. Once.
    Ready,
    /// An event is handled; with what is answered, where that is wanted.
    Done {
        /// The event's number.
        task: u64,
        /// The answer.
        #[serde(flatten)]
        message: Message,
    },
    /// Passing trouble: the event is given again. Who asked is told `failed`.
    Retry {
        /// The event's number.
        task: u64,
        /// Why, for people.
        reason: String,
        /// When; absent: as the node thinks fit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after_ms: Option<u64>,
    },
    /// Hopeless: the event is a dead letter. Who asked is told `rejected`.
    Reject {
        /// The event's number.
        task: u64,
        /// Why, for people.
        reason: String,
    },
    /// Publish this, as the plugin. Answered, in order and cumulatively, by `published`, or by `error` with this publish's
    /// number.
    Publish {
        /// Where to, as people write it.
        channel: String,
        /// Keep it as the channel's last value.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        retain: bool,
        /// The event that is the reason; absent: whatever is in hand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<u64>,
        /// What.
        #[serde(flatten)]
        message: Message,
    },
    /// Ask this, as the plugin. Answered by `answered`.
    Call {
        /// A number of the process's own, that comes back.
        call: u64,
        /// Whom, as people write it.
        channel: String,
        /// How long to wait at most; never longer than the event that is the reason may take.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_ms: Option<u64>,
        /// The event that is the reason; absent: what is in hand, if that is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<u64>,
        /// What.
        #[serde(flatten)]
        message: Message,
    },
}

/// Who a process is, and what it wants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Join {
    /// The plugin's name; `$HIVE_PLUGIN` of a process that the node has started.
    pub name: String,
    /// `$HIVE_TOKEN` of a process that the node has started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Its version, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Events that it takes side by side, 1 to 256; absent: one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// What it listens to.
    pub subscriptions: Vec<Listen>,
    /// Where it publishes and whom it asks: patterns.
    pub publishes: Vec<String>,
}

/// One thing a process listens to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// The pattern, as people write it.
    pub pattern: String,
    /// Whether requests may be sent there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub answers: bool,
    /// A group: of its members, wherever they are, one gets each event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What durable channels carry comes at least once, from where the plugin left off on this node.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub durable: bool,
}

/// What a node says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum NodeMessage {
    /// It is that plugin from here on.
    Joined {
        /// The document's version.
        v: V1,
        /// The id of the node: 64 hex digits.
        node: String,
        /// The plugin's values in the configuration; nested keys joined by dots.
        config: BTreeMap<String, String>,
    },
    /// An event to be handled, by `done`, `retry` or `reject`.
    Event {
        /// Its number.
        task: u64,
        /// How long that may take.
        time_left_ms: u64,
        /// What it is. It has a `request` when somebody waits for the answer.
        #[serde(flatten)]
        event: Event,
    },
    /// What became of its publishes so far.
    Published(Published),
    /// What came of a call: the message, or the error.
    Answered {
        /// The document's version.
        v: V1,
        /// The call's number.
        call: u64,
        /// The answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<Message>,
        /// Why there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<ApiError>,
    },
    /// Something that the process asked for failed, or it said what it should not.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn documents_look_as_documented() {
        let check = |text: &str, want: ProcessMessage| {
            assert_eq!(serde_json::from_str::<ProcessMessage>(text).expect(text), want);
        };
        let listen = Listen { pattern: "a/*".into(), answers: true, ..Listen::default() };
        let join = Join { name: "x".into(), subscriptions: vec![listen], ..Join::default() };
        check(
            r#"{"type":"join","name":"x","subscriptions":[{"pattern":"a/*","answers":true}]}"#,
            ProcessMessage::Join(join),
        );
        check(r#"{"type":"ready"}"#, ProcessMessage::Ready);
        let done = |message| ProcessMessage::Done { task: 3, message };
        check(r#"{"type":"done","task":3}"#, done(Message::default()));
        check(r#"{"type":"done","task":3,"payload":"x"}"#, done("x".into()));
        check(
            r#"{"type":"retry","task":3,"reason":"not yet","after_ms":5}"#,
            ProcessMessage::Retry { task: 3, reason: "not yet".into(), after_ms: Some(5) },
        );
        let call = ProcessMessage::Call {
            call: 1,
            channel: "a".into(),
            timeout_ms: None,
            task: None,
            message: "x".into(),
        };
        check(r#"{"type":"call","call":1,"channel":"a","payload":"x"}"#, call);
        let unknown = r#"{"type":"join","name":"x","subscribes":[]}"#;
        assert!(serde_json::from_str::<ProcessMessage>(unknown).is_err());
    }

    #[test]
    fn an_event_is_flat_and_read_back() {
        let text = r#"{"type":"event","task":7,"time_left_ms":5000,"v":1,"id":"00-1-1","channel":"a/b","network":"hive","origin":"00","time_ms":7,"attempt":2,"depth":0,"retained":false,"request":{"id":7,"timeout_ms":9},"payload":"x"}"#;
        let read = serde_json::from_str::<NodeMessage>(text).expect(text);
        assert_eq!(serde_json::to_string(&read).expect("json"), text);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in prop_oneof![
            ".{0,60}",
            r#"\{"type":"(join|ready|done|retry|reject|publish|call)"(,"(name|task|window|reason|channel|call|payload|subscriptions)":(\[\]|"x"|1|-1|\{"base64":".?"\}|null)){0,4}\}"#,
        ]) {
            if let Ok(read) = serde_json::from_str::<ProcessMessage>(&text) {
                let written = serde_json::to_string(&read).expect("json");
                prop_assert_eq!(serde_json::from_str::<ProcessMessage>(&written).expect(&written), read);
            }
            let _ = serde_json::from_str::<NodeMessage>(&text);
        }
    }
}
