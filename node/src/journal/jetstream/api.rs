//! JetStream's interface, as far as a journal needs it: streams, what is in them, and publishing that is answered.
//!
//! What it owns: the form of requests and answers (JSON, ADR-1 and ADR-31 of the NATS architecture) and the reasons for
//! which servers refuse. It exists because the client library's own layer hides which answer belongs to which attempt,
//! and a journal stands on that. It must not know what a message says.

mod answer;

use std::{collections::BTreeMap, time::Duration};

use async_nats::{Client, HeaderMap, Request, RequestErrorKind, Subscriber, header};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::{Serialize, de::DeserializeOwned};

use answer::{Answer, Found};
pub(super) use answer::{Info, State, Taken};

/// How long servers may be silent while something was asked of them.
pub(super) const ANSWER: Duration = Duration::from_secs(3);
/// Messages of one batch; with the bytes asked for it bounds what may come at once.
pub(super) const BATCH_MESSAGES: u32 = 1_024;

/// Codes of JetStream's errors (`server/errors.json` of nats-server).
mod code {
    pub(super) const NO_PEERS: u16 = 10_005;
    pub(super) const NO_MESSAGE: u16 = 10_037;
    pub(super) const NOT_FOR_ACCOUNT: u16 = 10_039;
    pub(super) const NO_RESOURCES: u16 = 10_023;
    pub(super) const NO_STORAGE: u16 = 10_047;
    pub(super) const TOO_LARGE: u16 = 10_054;
    pub(super) const OTHER_CONFIG: u16 = 10_058;
    pub(super) const NO_STREAM: u16 = 10_059;
    pub(super) const WRONG_LAST: u16 = 10_071;
    pub(super) const NO_CLUSTER: u16 = 10_074;
    pub(super) const NOT_ENABLED: u16 = 10_076;
    pub(super) const STORE_FAILED: u16 = 10_077;
    pub(super) const WRONG_LAST_CONSTANT: u16 = 10_164;
}

/// Why a request came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// Nothing came back in time, or the connection was lost.
    #[error("no answer")]
    Silent,
    /// Nobody there answers such requests.
    #[error("no server answers for JetStream")]
    Nobody,
    /// It says no.
    #[error("{description} (error {code})")]
    Refused {
        /// JetStream's number for it.
        code: u16,
        /// Its words.
        description: String,
    },
    /// It answered something else.
    #[error("an answer that cannot be read")]
    Strange,
}

impl Fault {
    fn is(&self, codes: &[u16]) -> bool {
        matches!(self, Self::Refused { code, .. } if codes.contains(code))
    }

    /// There is no such stream.
    pub(super) fn is_no_stream(&self) -> bool {
        self.is(&[code::NO_STREAM])
    }

    /// Something else was stored before it.
    pub(super) fn is_wrong_last(&self) -> bool {
        self.is(&[code::WRONG_LAST, code::WRONG_LAST_CONSTANT])
    }

    /// The stream has as many bytes as it may have.
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Refused { code: code::STORE_FAILED, description } if description.contains("maximum"))
    }

    /// This message is not stored, and no other try would help it.
    pub(super) fn is_final(&self) -> bool {
        self.is(&[code::STORE_FAILED, code::TOO_LARGE, code::NO_STORAGE, code::NO_RESOURCES])
    }

    /// JetStream is switched off there.
    pub(super) fn is_no_jetstream(&self) -> bool {
        self.is(&[code::NOT_ENABLED, code::NOT_FOR_ACCOUNT])
    }

    /// The server is alone, and more than one copy was asked for.
    pub(super) fn is_no_cluster(&self) -> bool {
        self.is(&[code::NO_CLUSTER])
    }

    /// There are fewer servers, now, than copies.
    pub(super) fn is_too_few_servers(&self) -> bool {
        self.is(&[code::NO_PEERS])
    }

    /// There is less room than was asked for.
    pub(super) fn is_no_storage(&self) -> bool {
        self.is(&[code::NO_STORAGE])
    }
}

/// What a stream is to be.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Config {
    pub(super) name: String,
    pub(super) subjects: Vec<String>,
    pub(super) retention: &'static str,
    pub(super) storage: &'static str,
    pub(super) discard: &'static str,
    pub(super) num_replicas: u8,
    pub(super) max_bytes: i64,
    pub(super) max_msgs_per_subject: i64,
    /// In nanoseconds; 0 is for ever.
    pub(super) max_age: u64,
    /// In nanoseconds.
    pub(super) duplicate_window: u64,
    pub(super) allow_direct: bool,
    pub(super) metadata: BTreeMap<&'static str, String>,
}

/// A message of a stream.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) sequence: u64,
    pub(super) body: Bytes,
}

/// A connection, and what may be asked over it.
#[derive(Debug, Clone)]
pub(super) struct Api {
    pub(super) client: Client,
}

impl Api {
    async fn ask<T: DeserializeOwned>(&self, what: &str, body: &impl Serialize) -> Result<T, Fault> {
        let payload = serde_json::to_vec(body).map_err(|_| Fault::Strange)?;
        let request = Request::new().payload(payload.into()).timeout(Some(ANSWER));
        let message = self.client.send_request(format!("$JS.API.{what}"), request).await;
        let message = message.map_err(|error| match error.kind() {
            RequestErrorKind::NoResponders => Fault::Nobody,
            _ => Fault::Silent,
        })?;
        Answer::read(&message.payload)
    }

    /// What a stream has, as its leader knows it.
    pub(super) async fn info(&self, stream: &str) -> Result<Info, Fault> {
        self.ask(&format!("STREAM.INFO.{stream}"), &serde_json::json!({})).await
    }

    /// Makes a stream, or makes it what it is to be.
    pub(super) async fn make(&self, config: &Config) -> Result<Info, Fault> {
        match self.ask(&format!("STREAM.CREATE.{}", config.name), config).await {
            Err(fault) if fault.is(&[code::OTHER_CONFIG]) => {
                self.ask(&format!("STREAM.UPDATE.{}", config.name), config).await
            }
            made => made,
        }
    }

    /// Removes what is before a sequence number.
    pub(super) async fn purge(&self, stream: &str, before: u64) -> Result<(), Fault> {
        let body = serde_json::json!({ "seq": before });
        self.ask::<serde_json::Value>(&format!("STREAM.PURGE.{stream}"), &body).await.map(|_| ())
    }

    /// Removes a stream with all it has.
    pub(super) async fn remove(&self, stream: &str) -> Result<(), Fault> {
        let body = serde_json::json!({});
        self.ask::<serde_json::Value>(&format!("STREAM.DELETE.{stream}"), &body).await.map(|_| ())
    }

    /// The first message from a sequence number on, as the leader knows it.
    pub(super) async fn next(&self, stream: &str, from: u64, subject: &str) -> Result<Option<Stored>, Fault> {
        self.find(stream, serde_json::json!({ "seq": from, "next_by_subj": subject })).await
    }

    /// The last message of a subject, as the leader knows it.
    pub(super) async fn last(&self, stream: &str, subject: &str) -> Result<Option<Stored>, Fault> {
        self.find(stream, serde_json::json!({ "last_by_subj": subject })).await
    }

    async fn find(&self, stream: &str, body: serde_json::Value) -> Result<Option<Stored>, Fault> {
        match self.ask::<Found>(&format!("STREAM.MSG.GET.{stream}"), &body).await {
            Ok(found) => found.read().map(Some),
            Err(fault) if fault.is(&[code::NO_MESSAGE]) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Messages from a sequence number on, about so many bytes of them and at least one: what the nearest copy of the
    /// stream has, which may be behind its leader. None is missing between two of them that the stream has.
    pub(super) async fn batch(&self, stream: &str, from: u64, bytes: usize) -> Result<Vec<Stored>, Fault> {
        let inbox = self.client.new_inbox();
        let mut answers = self.client.subscribe(inbox.clone()).await.map_err(|_| Fault::Silent)?;
        let body = serde_json::json!({ "seq": from, "batch": BATCH_MESSAGES, "max_bytes": bytes });
        let subject = format!("$JS.API.DIRECT.GET.{stream}");
        let asked = self.client.publish_with_reply(subject, inbox, body.to_string().into()).await;
        asked.map_err(|_| Fault::Silent)?;
        let mut stored: Vec<Stored> = Vec::new();
        loop {
            let answer = tokio::time::timeout(ANSWER, answers.next()).await;
            // What came before the silence came in order.
            let Ok(Some(message)) = answer else {
                return if stored.is_empty() { Err(Fault::Silent) } else { Ok(stored) };
            };
            match message.status.map(|status| status.as_u16()) {
                None => {}
                Some(204 | 404) => return Ok(stored),
                Some(503) => return Err(Fault::Nobody),
                Some(_) => return Err(Fault::Strange),
            }
            let number = |name| message.headers.as_ref()?.get(name)?.as_str().parse::<u64>().ok();
            let (Some(sequence), Some(before)) =
                (number(header::NATS_SEQUENCE), number(header::NATS_LAST_SEQUENCE))
            else {
                return Err(Fault::Strange);
            };
            // Each says which one was sent before it, so that one that was lost on the way is missed.
            if before != stored.last().map_or(0, |last| last.sequence) || sequence < from {
                return if stored.is_empty() { Err(Fault::Silent) } else { Ok(stored) };
            }
            stored.push(Stored { sequence, body: message.payload });
        }
    }

    /// Sends a message that is stored only behind the one with that sequence number: of the stream, or of the subject.
    /// The answer comes to `reply`.
    pub(super) async fn send(&self, message: Sending<'_>) -> Result<(), Fault> {
        let Sending { stream, subject, reply, behind, id, body } = message;
        let mut headers = HeaderMap::new();
        headers.insert(header::NATS_EXPECTED_STREAM, stream);
        match behind {
            Behind::Stream(last) => headers.insert(header::NATS_EXPECTED_LAST_SEQUENCE, last.to_string()),
            Behind::Subject(last) => {
                headers.insert(header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, last.to_string());
            }
        }
        if let Some(id) = id {
            headers.insert(header::NATS_MESSAGE_ID, id);
        }
        let (subject, client) = (subject.to_owned(), &self.client);
        let sent = client.publish_with_reply_and_headers(subject, reply, headers, body).await;
        sent.map_err(|_| Fault::Silent)
    }

    /// Where answers to what is sent come, below a subject of its own.
    pub(super) async fn inbox(&self) -> Result<(String, Subscriber), Fault> {
        let inbox = self.client.new_inbox();
        let answers = self.client.subscribe(format!("{inbox}.>")).await.map_err(|_| Fault::Silent)?;
        Ok((inbox, answers))
    }
}

/// A message to be stored.
#[derive(Debug)]
pub(super) struct Sending<'a> {
    pub(super) stream: &'a str,
    pub(super) subject: &'a str,
    pub(super) reply: String,
    pub(super) behind: Behind,
    /// What it is known by for a while, so that it is stored once.
    pub(super) id: Option<&'a str>,
    pub(super) body: Bytes,
}

/// What must be the last before it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Behind {
    Stream(u64),
    Subject(u64),
}

/// Whether a message was stored, from the answer to it.
pub(super) fn taken(answer: &async_nats::Message) -> Result<Taken, Fault> {
    match answer.status {
        Some(_) => Err(Fault::Nobody),
        None => Answer::read(&answer.payload),
    }
}
