//! What a process says once it has its seat: read, done, and answered by what is left for the writer.
//!
//! It must not know when the writer writes.

use std::time::{Duration, Instant};

use axum::extract::ws;
use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};
use hive_client::{
    CALL_TIMEOUT, Message,
    external::{NodeMessage, ProcessMessage},
    types::{ApiError, V1, code},
};
use hive_proto::limits::PAYLOAD_BYTES_MAX;

use super::{
    super::{
        convert,
        publishing::Publishing,
        refusal::{Refusal, bad_channel, invalid, unanswered},
    },
    Line, Stream,
};
use crate::{
    bus::{self, Address, CallCause, CallError},
    dispatch::{nobody, process::NotInHand},
};

/// Calls of one process that are under way: further ones fail at once, as what answers them may be behind them.
const CALLS_MAX: usize = 256;
/// Replies that wait for a process that does not read; then nothing more is read from it, either.
const REPLIES_MAX: usize = 64;
/// Bytes of them.
const REPLIES_BYTES_MAX: usize = PAYLOAD_BYTES_MAX;

/// What is said of a call for which there was less time than the process wanted.
const CUT: &str = "a call ends with the time for the event that it is made for: `deadline` in the plugin's section of the \
                   configuration makes it longer";

/// A call as the process said it.
struct Asked {
    call: u64,
    channel: String,
    timeout: Duration,
    task: Option<u64>,
    message: Message,
}

/// The process said what nobody understands, or what it must not: there is no going on.
struct Nonsense(Refusal);

impl Line {
    /// Reads until the process closes the connection, goes, or says what cannot be understood.
    pub(super) async fn read(&self, stream: &mut Stream) {
        let bus = &self.app.means.bus;
        let mut publishing = Publishing::of(bus, bus.publisher_of(self.seat.actor.clone()));
        let mut calls = FuturesUnordered::new();
        loop {
            if publishing.ready().now_or_never().is_some() {
                self.finish(&mut publishing).await;
                continue;
            }
            let has_room = !publishing.is_full() && self.has_room();
            let frame = tokio::select! {
                () = publishing.ready() => continue,
                Some(answered) = calls.next(), if !calls.is_empty() => {
                    self.reply(answered);
                    continue;
                }
                frame = stream.next(), if has_room => frame,
                () = self.written.notified(), if !has_room => continue,
            };
            match frame {
                Some(Ok(ws::Message::Text(text))) => match self.heard(&text, &mut publishing).await {
                    Ok(Some(asked)) if calls.len() < CALLS_MAX => calls.push(self.call(asked)),
                    Ok(Some(asked)) => self.reply(too_many(asked.call)),
                    Ok(None) => {}
                    Err(Nonsense(refusal)) => return self.end(refusal),
                },
                Some(Ok(ws::Message::Binary(_))) => {
                    return self.end(invalid("frames are JSON text, not bytes"));
                }
                // Pings are answered, and a close is confirmed, while reading on.
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break,
            }
        }
        while self.finish(&mut publishing).await {}
    }

    /// Finishes the oldest publish that waits. False when there is none.
    async fn finish(&self, publishing: &mut Publishing) -> bool {
        let Some(done) = publishing.finish().await else { return false };
        self.published(done);
        true
    }

    async fn heard(&self, text: &str, publishing: &mut Publishing) -> Result<Option<Asked>, Nonsense> {
        let session = &self.seat.session;
        let said = match serde_json::from_str(text) {
            Ok(said) => said,
            Err(error) => {
                let said = shown(text);
                return Err(Nonsense(invalid(format!("it said what cannot be read: {error}: `{said}`"))));
            }
        };
        let known = match said {
            ProcessMessage::Join(_) => return Err(Nonsense(invalid("it said `join` twice"))),
            ProcessMessage::Ready => {
                session.ready();
                Ok(())
            }
            ProcessMessage::Done { task, message } => match self.seat.permit.payload(message.payload.len()) {
                Ok(()) => session.done(task, convert::message(message)),
                Err(why) => session.reject(task, format!("its answer is too large: {why}")),
            },
            ProcessMessage::Retry { task, reason, after_ms } => {
                session.retry(task, reason, after_ms.map(Duration::from_millis))
            }
            ProcessMessage::Reject { task, reason } => session.reject(task, reason),
            ProcessMessage::Publish { channel, retain, task, message } => {
                if let Some(done) = self.publish(publishing, (&channel, retain, task), message).await {
                    self.published(done);
                }
                return Ok(None);
            }
            ProcessMessage::Call { call, channel, timeout_ms, task, message } => {
                let timeout = timeout_ms.map_or(CALL_TIMEOUT, Duration::from_millis);
                return Ok(Some(Asked { call, channel, timeout, task, message }));
            }
        };
        if let Err(error) = known {
            self.say_error(self.not_in_hand(error), None);
        }
        Ok(None)
    }

    async fn publish(
        &self,
        publishing: &mut Publishing,
        (channel, retain, task): (&str, bool, Option<u64>),
        message: Message,
    ) -> Option<Result<bus::Receipt, Refusal>> {
        let cause = self.seat.session.cause(task).map_err(|error| self.not_in_hand(error));
        let address =
            publishing.address(channel).map_err(|refusal| self.misspoken(refusal)).and_then(|address| {
                self.may(&address, channel, message.payload.len())?;
                Ok(address)
            });
        let (address, depth) = match cause {
            Ok(cause) => (address, cause.depth),
            Err(refusal) => (Err(refusal), 0),
        };
        if address.is_ok() {
            self.paced().await;
        }
        publishing.publish_from(address, retain, message, depth).await
    }

    /// Waits for its turn, where it publishes and asks more than it may in a second.
    async fn paced(&self) {
        let wait = self.seat.permit.pace();
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Whether the plugin may send so much there.
    fn may(&self, to: &Address, channel: &str, bytes: usize) -> Result<(), Refusal> {
        let permit = &self.seat.permit;
        permit.channel(to, channel).map_err(|why| {
            permit.misspoke(&why);
            Refusal(ApiError::new(code::DENIED, why))
        })?;
        permit.payload(bytes).map_err(|why| Refusal(ApiError::new(code::TOO_LARGE, why)))
    }

    /// It spoke of an event that it does not have.
    fn not_in_hand(&self, error: NotInHand) -> Refusal {
        self.misspoken(invalid(error.to_string()))
    }

    /// What it said is refused: whoever looks at the plugin reads why.
    fn misspoken(&self, refusal: Refusal) -> Refusal {
        self.seat.permit.misspoke(&refusal.0.message);
        refusal
    }

    async fn call(&self, asked: Asked) -> NodeMessage {
        let call = asked.call;
        let (message, error) = match self.ask(asked).await {
            Ok(message) => (Some(convert::client_message(&message)), None),
            Err(Refusal(error)) => (None, Some(error)),
        };
        NodeMessage::Answered { v: V1, call, message, error }
    }

    async fn ask(
        &self,
        Asked { channel, timeout, task, message, .. }: Asked,
    ) -> Result<bus::Message, Refusal> {
        let bus = &self.app.means.bus;
        let to = bus.names().address(&channel);
        let to = to.map_err(|error| self.misspoken(bad_channel(&channel, &error)))?;
        self.may(&to, &channel, message.payload.len())?;
        let cause = self.seat.session.cause(task).map_err(|error| self.not_in_hand(error))?;
        self.paced().await;
        let until = Instant::now() + timeout;
        let is_cut = cause.deadline.is_some_and(|deadline| deadline < until);
        let cause = CallCause {
            deadline: cause.deadline.map_or(until, |deadline| deadline.min(until)),
            depth: cause.depth,
            who: self.seat.actor.principal(),
            chain: Some(&cause.chain),
            except: None,
        };
        let answer = bus.call_from(&to, convert::message(message), cause).await;
        let means = &self.app.means;
        let help = |error: &CallError| match error {
            CallError::Timeout if is_cut => Some(CUT.to_owned()),
            error => nobody::help(&means.boards, &means.bus, (&channel, &to), error, timeout),
        };
        answer.map_err(|error| unanswered(&channel, help, &error))
    }

    fn published(&self, done: Result<bus::Receipt, Refusal>) {
        let number = {
            let mut outgoing = self.outgoing();
            let published = &mut outgoing.published;
            published.count = published.count.saturating_add(1);
            match &done {
                Ok(receipt) => {
                    published.local = published.local.saturating_add(receipt.local.into());
                    published.peers = published.peers.saturating_add(receipt.peers.into());
                }
                Err(_) => published.failed = published.failed.saturating_add(1),
            }
            published.count
        };
        match done {
            Ok(_) => self.seat.session.tell(),
            Err(refusal) => self.say_error(refusal, Some(number)),
        }
    }

    /// What it said ends it: whoever looks at the plugin reads why, and so does the process.
    fn end(&self, Refusal(error): Refusal) {
        self.seat.permit.misspoke(&error.message);
        self.seat.session.over(error.message.clone());
        self.say_error(Refusal(error), None);
    }

    fn say_error(&self, Refusal(error): Refusal, publish: Option<u64>) {
        self.reply(NodeMessage::Error { v: V1, error, publish });
    }

    fn has_room(&self) -> bool {
        let outgoing = self.outgoing();
        outgoing.replies.len() < REPLIES_MAX && outgoing.bytes < REPLIES_BYTES_MAX
    }

    fn reply(&self, reply: NodeMessage) {
        let bytes = match &reply {
            NodeMessage::Answered { message: Some(message), .. } => message.payload.len(),
            _ => 0,
        };
        let mut outgoing = self.outgoing();
        outgoing.bytes = outgoing.bytes.saturating_add(bytes);
        outgoing.replies.push_back(reply);
        drop(outgoing);
        self.seat.session.tell();
    }
}

/// The beginning of what a process said.
fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 100;
    text.chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect()
}

fn too_many(call: u64) -> NodeMessage {
    let error = ApiError::new(
        code::UNAVAILABLE,
        format!("it has {CALLS_MAX} calls under way, the most there may be"),
    );
    NodeMessage::Answered { v: V1, call, message: None, error: Some(error) }
}
