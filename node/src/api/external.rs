//! `GET /v1/plugin`: a WebSocket over which a process is a plugin. Which plugin, and what it may, whoever runs plugins says.
//!
//! What it owns: the connection from the process's first word to its last, and a reader and a writer that never wait for
//! each other. It must not know how events are chosen, tried again or buried: it carries them to the process, and back
//! what the process made of them.

mod reader;

use std::{
    collections::VecDeque,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use axum::{
    Extension,
    extract::{
        State,
        ws::{self, CloseFrame, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use hive_client::{
    Published, Request,
    external::{Join, Listen, NodeMessage, ProcessMessage, WINDOW_MAX},
    socket::FRAME_BYTES_MAX,
    types::{ApiError, V1, code},
};
use tokio::{sync::Notify, time::timeout};

use super::{
    App, convert,
    listen::Seat as Connection,
    refusal::{Refusal, invalid},
    subscribe::GATHER_BYTES,
};
use crate::dispatch::process::{self, Claim, Given, Seat};

/// How long a process may take for its first word.
const JOIN_TIME: Duration = Duration::from_secs(10);
/// How long is waited for the other side when a connection ends.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Bytes of the reason in a close frame; the protocol takes 123.
const CLOSE_REASON_BYTES_MAX: usize = 120;

type Sink = SplitSink<WebSocket, ws::Message>;
type Stream = SplitStream<WebSocket>;

/// The process is gone, or reads no more.
struct Gone;

pub(super) async fn upgrade(
    State(app): State<App>,
    Extension(connection): Extension<Connection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let upgrade = upgrade.map_err(|rejection| invalid(rejection.body_text()))?;
    let number = app.sessions.fetch_add(1, Ordering::Relaxed).saturating_add(1);
    let upgrade = upgrade
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .write_buffer_size(GATHER_BYTES)
        .max_write_buffer_size(FRAME_BYTES_MAX * 2);
    Ok(upgrade.on_upgrade(async move |socket| {
        // Plugins finish what they have after clients are gone, so this is no task of the API's own part.
        let part = app.means.processes.clone();
        part.spawn("process", async move {
            let _connection = connection;
            run(socket, &app, number).await;
        });
    }))
}

async fn run(socket: WebSocket, app: &App, number: u64) {
    let (mut sink, mut stream) = socket.split();
    let leaving = || Err(Refusal(ApiError::new(code::UNAVAILABLE, "the node leaves")));
    let joining = tokio::select! {
        seat = join(&mut stream, app) => seat,
        () = app.means.processes.stop().cancelled() => leaving(),
    };
    let seat = match joining {
        Ok(seat) => seat,
        Err(Refusal(error)) => {
            tracing::debug!(client = number, "a process is not let in: {}", error.message);
            let said = async { refuse(&mut sink, error).await.is_ok() && heard(&mut stream).await };
            let _ = timeout(LAST_WORDS, said).await;
            return;
        }
    };
    let line = Line { app: Arc::clone(app), seat, outgoing: Mutex::default(), written: Notify::new() };
    let session = Arc::clone(&line.seat.session);
    {
        let mut reading = pin!(line.read(&mut stream));
        tokio::select! {
            () = &mut reading => session.hung_up("it closed its connection"),
            Err(Gone) = line.write(&mut sink) => {
                // What it said before it went counts.
                let _ = timeout(LAST_WORDS, &mut reading).await;
                session.hung_up("its connection broke");
            }
            _ = session.ended() => {}
            // Whoever runs plugins has let it go before; this is for what is left over.
            () = app.means.processes.stop().cancelled() => session.over("the node leaves"),
        }
    }
    let said = async { line.close(&mut sink).await.is_ok() && heard(&mut stream).await };
    let _ = timeout(LAST_WORDS, said).await;
}

/// Waits until the other side has closed, too: until then what was said last may not have been read.
async fn heard(stream: &mut Stream) -> bool {
    while let Some(Ok(_)) = stream.next().await {}
    true
}

/// Reads the first word, and asks for a seat.
async fn join(stream: &mut Stream, app: &App) -> Result<Seat, Refusal> {
    let first = timeout(JOIN_TIME, first(stream)).await;
    let join = first.map_err(|_| invalid("a process begins with `join`, and said nothing for 10 s"))??;
    let claim = claim(join)?;
    let seat = app.means.door.knock(claim).await;
    seat.map_err(|why| Refusal(ApiError::new(code::DENIED, why)))
}

async fn first(stream: &mut Stream) -> Result<Join, Refusal> {
    loop {
        match stream.next().await {
            Some(Ok(ws::Message::Text(text))) => {
                return match serde_json::from_str(&text) {
                    Ok(ProcessMessage::Join(join)) => Ok(join),
                    Ok(_) => Err(invalid("a process begins with `join`")),
                    Err(error) => Err(invalid(format!("the frame cannot be read: {error}"))),
                };
            }
            Some(Ok(ws::Message::Ping(_) | ws::Message::Pong(_))) => {}
            Some(Ok(ws::Message::Binary(_))) => return Err(invalid("frames are JSON text, not bytes")),
            Some(Ok(ws::Message::Close(_)) | Err(_)) | None => {
                return Err(invalid("the connection ended before the process said who it is"));
            }
        }
    }
}

fn claim(join: Join) -> Result<Claim, Refusal> {
    let Join { name, token, version, window, subscriptions, publishes } = join;
    let window = window.unwrap_or(1);
    if !(1..=WINDOW_MAX).contains(&window) {
        return Err(invalid(format!("its window is {window}; it may be 1 to {WINDOW_MAX}")));
    }
    let listen =
        |Listen { pattern, answers, group, durable }| process::Listen { pattern, answers, group, durable };
    let listens = subscriptions.into_iter().map(listen).collect();
    Ok(Claim { name, token, version: version.unwrap_or_default(), window, listens, publishes })
}

async fn refuse(sink: &mut Sink, error: ApiError) -> Result<(), Gone> {
    let reason = error.message.clone();
    feed(sink, &NodeMessage::Error { v: V1, error, publish: None }).await?;
    close(sink, ws::close_code::POLICY, &reason).await
}

/// The connection of a process that has its seat.
struct Line {
    app: App,
    seat: Seat,
    /// Held for a few lines, never across a wait.
    outgoing: Mutex<Outgoing>,
    /// The writer tells the reader that there is room again.
    written: Notify,
}

/// What the reader leaves for the writer. It reads on only while there is room.
#[derive(Default)]
struct Outgoing {
    replies: VecDeque<NodeMessage>,
    /// Bytes of payloads in them.
    bytes: usize,
    published: Published,
    /// How many of the publishes the process has heard of.
    said: u64,
}

impl Line {
    async fn write(&self, sink: &mut Sink) -> Result<(), Gone> {
        let (node, config) = (self.app.means.bus.node().to_string(), self.seat.config.clone());
        feed(sink, &NodeMessage::Joined { v: V1, node, config }).await?;
        let session = &self.seat.session;
        loop {
            self.write_replies(sink).await?;
            while let Some(given) = session.next_given() {
                feed(sink, &self.event(given)).await?;
            }
            sink.flush().await.map_err(|_| Gone)?;
            session.news().await;
        }
    }

    async fn write_replies(&self, sink: &mut Sink) -> Result<(), Gone> {
        let (replies, published) = {
            let mut outgoing = self.outgoing();
            let news = outgoing.published.count > outgoing.said;
            outgoing.said = outgoing.published.count;
            outgoing.bytes = 0;
            (std::mem::take(&mut outgoing.replies), news.then_some(outgoing.published))
        };
        for reply in replies {
            feed(sink, &reply).await?;
        }
        self.written.notify_one();
        match published {
            Some(published) => feed(sink, &NodeMessage::Published(published)).await,
            None => Ok(()),
        }
    }

    fn event(&self, Given { task, event, deadline, wants_reply }: Given) -> NodeMessage {
        let time_left_ms = convert::ms(deadline.saturating_duration_since(Instant::now()));
        let request = wants_reply.then_some(Request { id: task, timeout_ms: time_left_ms });
        let event = convert::client_event(self.app.means.bus.names(), &event, request, None);
        NodeMessage::Event { task, time_left_ms, event }
    }

    /// Says what is left to be said, and why it ends.
    async fn close(&self, sink: &mut Sink) -> Result<(), Gone> {
        self.write_replies(sink).await?;
        close(sink, ws::close_code::NORMAL, &self.seat.session.why_over()).await
    }

    fn outgoing(&self) -> MutexGuard<'_, Outgoing> {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn close(sink: &mut Sink, code: u16, reason: &str) -> Result<(), Gone> {
    let reason = reason.get(..reason.floor_char_boundary(CLOSE_REASON_BYTES_MAX)).unwrap_or_default();
    let frame = CloseFrame { code, reason: reason.into() };
    sink.send(ws::Message::Close(Some(frame))).await.map_err(|_| Gone)
}

async fn feed(sink: &mut Sink, message: &NodeMessage) -> Result<(), Gone> {
    let text = serde_json::to_string(message).unwrap_or_else(|error| {
        let error = ApiError::new(code::UNAVAILABLE, format!("a document cannot be written: {error}"));
        serde_json::to_string(&NodeMessage::Error { v: V1, error, publish: None }).unwrap_or_default()
    });
    sink.feed(ws::Message::text(text)).await.map_err(|_| Gone)
}
