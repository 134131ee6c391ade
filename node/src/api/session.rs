//! One client's WebSocket: what it says is read and done, what it wants to hear is written.
//!
//! What it owns: a reader and a writer that never wait for each other. The reader leaves what is to be said in
//! [`Outgoing`], which cannot grow: acknowledgements are sums, and only so many errors are kept. A client that does
//! not read therefore still publishes, and loses only its own events, which it is told.

mod share;

use std::{
    collections::{BTreeMap, VecDeque},
    pin::pin,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use axum::extract::ws::{self, WebSocket};
use futures_util::{
    FutureExt, SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use hive_client::{
    Failure, Published,
    socket::{ClientMessage, ServerMessage},
    types::{ApiError, V1},
};
use tokio::{sync::Notify, time::timeout};

use self::share::Share;
use super::{
    App, convert,
    listen::Seat,
    publishing::Publishing,
    refusal::{Refusal, bad_pattern, invalid},
};
use crate::bus::{self, Delivery, Holder, Request, Subscription, Ticket, Wanted};

/// Replies that wait for a client that does not read. Those beyond are dropped; refused publishes stay counted.
const REPLIES_MAX: usize = 64;
/// Requests that one client may have unanswered; further ones fail at once.
const REQUESTS_MAX: usize = 4096;
/// How long it is listened to a client that takes nothing more.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Events of a group that one client may have and not have handled; further ones wait.
const TICKETS_MAX: usize = 1024;
/// Events taken from the queue at a time.
const TAKE_MAX: usize = 256;
/// Publishes after which the client hears of them even while it goes on.
const ACKNOWLEDGE_EVERY: u64 = 256;

/// The client is gone, or reads no more.
struct Gone;

/// What reader and writer share. Each lock is held for a few lines, never across a wait.
struct Session {
    app: App,
    number: u64,
    /// Set by the reader at the first `subscribe`; changed in place afterwards.
    subscription: OnceLock<Subscription>,
    outgoing: Mutex<Outgoing>,
    requests: Mutex<Requests>,
    tickets: Mutex<Tickets>,
    /// The reader tells the writer that there is something to say.
    wake: Notify,
}

/// What the reader leaves for the writer.
#[derive(Default)]
struct Outgoing {
    replies: VecDeque<ServerMessage>,
    published: Published,
    /// How many of the publishes the client has heard of.
    said: u64,
}

/// Requests that the client has not answered yet.
#[derive(Default)]
struct Requests {
    last: u64,
    waiting: BTreeMap<u64, Request>,
}

/// What the client was given alone, as a member of a group, and has not handled yet.
#[derive(Default)]
struct Tickets {
    last: u64,
    held: BTreeMap<u64, Ticket>,
}

/// Serves a client until it closes the socket, goes, or the API stops.
pub(super) async fn run(socket: WebSocket, app: App, number: u64, _seat: Seat) {
    let (sink, stream) = socket.split();
    let session = Session {
        app,
        number,
        subscription: OnceLock::new(),
        outgoing: Mutex::default(),
        requests: Mutex::default(),
        tickets: Mutex::default(),
        wake: Notify::new(),
    };
    let mut reading = pin!(session.read(stream));
    tokio::select! {
        () = &mut reading => {}
        Err(Gone) | Ok(()) = session.write(sink) => {
            // What the client said before it went counts: answers, and what it has handled.
            let _ = timeout(LAST_WORDS, reading).await;
        }
    }
}

impl Session {
    async fn read(&self, mut stream: SplitStream<WebSocket>) {
        let mut publishing = Publishing::new(&self.app.means.bus);
        loop {
            // What is on disk goes on before more is read.
            if publishing.ready().now_or_never().is_some() {
                self.finish(&mut publishing).await;
                continue;
            }
            let at_once = if publishing.is_full() { None } else { stream.next().now_or_never() };
            let frame = match at_once {
                Some(frame) => frame,
                None => {
                    // Nothing more has come: a good moment to be told about what has.
                    self.wake.notify_one();
                    tokio::select! {
                        () = publishing.ready() => continue,
                        frame = stream.next(), if !publishing.is_full() => frame,
                    }
                }
            };
            match frame {
                Some(Ok(ws::Message::Text(text))) => self.heard(&text, &mut publishing).await,
                Some(Ok(ws::Message::Binary(_))) => {
                    self.say_error(invalid("frames are JSON text, not bytes"), None);
                }
                // Pings are answered, and a close is confirmed, while reading on.
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    tracing::debug!(client = self.number, "a socket ended: {error}");
                    break;
                }
                None => break,
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

    async fn heard(&self, text: &str, publishing: &mut Publishing) {
        match serde_json::from_str(text) {
            Ok(ClientMessage::Subscribe { patterns, answers, group, since_ms, durable }) => {
                match self.subscribe(patterns, answers, Share { group, since_ms, durable }).await {
                    Ok(()) => {}
                    Err(refusal) => self.say_error(refusal, None),
                }
            }
            Ok(ClientMessage::Publish { channel, retain, message }) => {
                if let Some(done) = publishing.publish(&channel, retain, message).await {
                    self.published(done);
                }
            }
            Ok(ClientMessage::Answer { request, failure, message }) => {
                self.answered(request, failure, message);
            }
            Ok(ClientMessage::Handled { through }) => self.handled(through),
            Err(error) => self.say_error(invalid(format!("the frame cannot be read: {error}")), None),
        }
    }

    async fn subscribe(&self, patterns: Vec<String>, answers: bool, share: Share) -> Result<(), Refusal> {
        let bus = &self.app.means.bus;
        let group = share.group(bus.node())?;
        let scope =
            |pattern: &String| bus.names().scope(pattern).map_err(|error| bad_pattern(pattern, &error));
        let wanted = patterns
            .iter()
            .map(|pattern| Ok(Wanted { scope: scope(pattern)?, answers, group: group.clone() }));
        let wanted = wanted.collect::<Result<Vec<_>, Refusal>>()?;
        if let Some(subscription) = self.subscription.get() {
            subscription.set(wanted).await?;
            self.reply(ServerMessage::Subscribed { v: V1 });
            return Ok(());
        }
        let subscription = bus.subscribe(Holder::Client(format!("client {}", self.number)), wanted).await?;
        // The reply goes first: the writer says replies before the events of a subscription that it sees.
        self.reply(ServerMessage::Subscribed { v: V1 });
        let _ = self.subscription.set(subscription);
        self.wake.notify_one();
        Ok(())
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
            if published.count.is_multiple_of(ACKNOWLEDGE_EVERY) {
                self.wake.notify_one();
            }
            published.count
        };
        if let Err(refusal) = done {
            self.say_error(refusal, Some(number));
        }
    }

    /// The client has handled what it was given alone, up to this number.
    fn handled(&self, through: u64) {
        let handled = {
            let mut tickets = self.tickets();
            let later = tickets.held.split_off(&through.saturating_add(1));
            std::mem::replace(&mut tickets.held, later)
        };
        handled.into_values().for_each(Ticket::done);
        // The writer may have waited for that.
        self.wake.notify_one();
    }

    fn answered(&self, request: u64, failure: Option<Failure>, message: hive_client::Message) {
        // An answer that comes too late, or twice, is nobody's any more.
        let Some(request) = self.requests().waiting.remove(&request) else { return };
        request.answer(match failure {
            None => Ok(convert::message(message)),
            Some(Failure::Failed(reason)) => Err(bus::Failure::Failed(reason)),
            Some(Failure::Rejected(reason)) => Err(bus::Failure::Rejected(reason)),
        });
    }

    fn say_error(&self, Refusal(error): Refusal, publish: Option<u64>) {
        self.reply(ServerMessage::Error { v: V1, error, publish });
    }

    fn reply(&self, reply: ServerMessage) {
        let mut outgoing = self.outgoing();
        if outgoing.replies.len() < REPLIES_MAX {
            outgoing.replies.push_back(reply);
        }
        drop(outgoing);
        self.wake.notify_one();
    }

    async fn write(&self, mut sink: SplitSink<WebSocket, ws::Message>) -> Result<(), Gone> {
        let stop = self.app.part.stop().clone();
        let mut taken = Vec::new();
        loop {
            let subscription = self.subscription.get();
            self.write_replies(&mut sink).await?;
            if let Some(subscription) = subscription {
                self.write_events(&mut sink, subscription, &mut taken).await?;
            }
            sink.flush().await.map_err(|_| Gone)?;
            tokio::select! {
                () = readable(subscription) => {}
                () = self.wake.notified() => {}
                () = stop.cancelled() => {
                    self.write_rest(&mut sink, &mut taken).await?;
                    return sink.close().await.map_err(|_| Gone);
                }
            }
        }
    }

    async fn write_rest(
        &self,
        sink: &mut SplitSink<WebSocket, ws::Message>,
        taken: &mut Vec<Delivery>,
    ) -> Result<(), Gone> {
        self.write_replies(sink).await?;
        let Some(subscription) = self.subscription.get() else { return Ok(()) };
        while self.write_events(sink, subscription, taken).await? {}
        Ok(())
    }

    async fn write_replies(&self, sink: &mut SplitSink<WebSocket, ws::Message>) -> Result<(), Gone> {
        let (replies, published) = {
            let mut outgoing = self.outgoing();
            let news = outgoing.published.count > outgoing.said;
            outgoing.said = outgoing.published.count;
            (std::mem::take(&mut outgoing.replies), news.then_some(outgoing.published))
        };
        for reply in replies {
            feed(sink, &reply).await?;
        }
        match published {
            Some(published) => feed(sink, &ServerMessage::Published(published)).await,
            None => Ok(()),
        }
    }

    /// Writes what is in the queue now, up to a limit. False when there was nothing.
    async fn write_events(
        &self,
        sink: &mut SplitSink<WebSocket, ws::Message>,
        subscription: &Subscription,
        taken: &mut Vec<Delivery>,
    ) -> Result<bool, Gone> {
        if self.tickets().held.len() >= TICKETS_MAX {
            return Ok(false);
        }
        let missed = subscription.take(TAKE_MAX, taken);
        if missed > 0 {
            feed(sink, &ServerMessage::Missed { v: V1, count: missed }).await?;
        }
        let any = !taken.is_empty();
        for Delivery { event, request, ticket } in taken.drain(..) {
            let request = request.and_then(|request| self.keep(request));
            let ticket = ticket.map(|ticket| self.hold(ticket));
            let event = convert::client_event(self.app.means.bus.names(), &event, request, ticket);
            feed(sink, &ServerMessage::Event(event)).await?;
        }
        Ok(any)
    }

    /// Keeps a request until the client answers it.
    fn keep(&self, request: Request) -> Option<hive_client::Request> {
        let mut requests = self.requests();
        if requests.waiting.len() >= REQUESTS_MAX {
            requests.waiting.retain(|_, request| !request.time_left().is_zero());
        }
        if requests.waiting.len() >= REQUESTS_MAX {
            let reason = format!("the responder has {REQUESTS_MAX} unanswered requests");
            request.answer(Err(bus::Failure::Failed(reason)));
            return None;
        }
        requests.last = requests.last.saturating_add(1);
        let id = requests.last;
        let timeout_ms = convert::ms(request.time_left());
        requests.waiting.insert(id, request);
        Some(hive_client::Request { id, timeout_ms })
    }

    /// Keeps a ticket until the client has handled its event. Returns its number.
    fn hold(&self, ticket: Ticket) -> u64 {
        let mut tickets = self.tickets();
        tickets.last = tickets.last.saturating_add(1);
        let number = tickets.last;
        tickets.held.insert(number, ticket);
        number
    }

    fn tickets(&self) -> MutexGuard<'_, Tickets> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outgoing(&self) -> MutexGuard<'_, Outgoing> {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn readable(subscription: Option<&Subscription>) {
    let ended = match subscription {
        Some(subscription) => !subscription.readable().await,
        None => true,
    };
    if ended {
        std::future::pending::<()>().await;
    }
}

async fn feed(sink: &mut SplitSink<WebSocket, ws::Message>, message: &ServerMessage) -> Result<(), Gone> {
    let text = serde_json::to_string(message).unwrap_or_else(|error| {
        let error = ApiError::new("unavailable", format!("a document cannot be written: {error}"));
        serde_json::to_string(&ServerMessage::Error { v: V1, error, publish: None }).unwrap_or_default()
    });
    sink.feed(ws::Message::text(text)).await.map_err(|_| Gone)
}
