//! One client of the listener: what it says is read and done, what it wants to hear is written. Reading, writing and
//! answering its calls never wait for each other.

mod reader;
mod wants;
mod writer;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc},
};

use self::{reader::Asked, wants::Wants};
use super::{calls::Calls, name::canonical, say};
use crate::{
    bridge::{Desk, Incoming},
    bus::{Message, Request, Subscription},
    status::BridgeDrop,
    trust::random_bytes,
};

/// Bytes of what is said to one client beside events; a client that does not read loses what is more.
const DIRECT_BYTES_MAX: usize = 8 << 20;
/// Own messages that a client is not to hear, and has not been passed over yet.
const UNHEARD_MAX: usize = 4_096;
/// Requests that one client has and has not answered; further ones fail at once.
const REQUESTS_MAX: usize = 4_096;

/// What all clients of a listener share.
#[derive(Debug)]
pub(super) struct Shared {
    /// As whom requests are put to providers.
    caller: String,
    /// Numbers the requests.
    next: AtomicU64,
}

impl Default for Shared {
    fn default() -> Self {
        let id: u128 = u128::from_be_bytes(random_bytes());
        Self { caller: format!("hive-{id:032x}"), next: AtomicU64::new(0) }
    }
}

impl Shared {
    /// A stem for a request on a channel, which nobody else uses.
    fn stem(&self, base: &str) -> String {
        format!("{base}/-rpc/{}/{:x}", self.caller, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// One client. Each lock is held for a few lines, never across a wait.
struct Client {
    desk: Desk,
    subscription: Subscription,
    wants: Mutex<Wants>,
    calls: Calls,
    /// Requests that it was given, by the channels of their results.
    requests: Mutex<BTreeMap<String, Request>>,
    direct: Mutex<Direct>,
    /// Told when there is something direct to say.
    wake: Notify,
    /// Its own messages that it is not to hear. Held while one of them is published, and while events are taken, so that
    /// none is heard before it is known.
    unheard: tokio::sync::Mutex<VecDeque<u64>>,
}

/// What is said beside events.
#[derive(Debug, Default)]
struct Direct {
    frames: VecDeque<Vec<u8>>,
    bytes: usize,
}

/// Serves a client until it goes, or the listener stops.
pub(super) async fn run(stream: TcpStream, desk: Desk, shared: Arc<Shared>) {
    desk.traffic().clients.one();
    let client = Client {
        subscription: desk.subscription(),
        wants: Mutex::default(),
        calls: Calls::default(),
        requests: Mutex::default(),
        direct: Mutex::default(),
        wake: Notify::new(),
        unheard: tokio::sync::Mutex::default(),
        desk: desk.clone(),
    };
    let (read, write) = stream.into_split();
    let (ask, asked) = mpsc::channel(super::calls::CALLS_MAX);
    let stop = desk.stop().clone();
    tokio::select! {
        () = stop.cancelled() => {}
        ended = client.read(read, ask) => {
            if let Err(error) = ended {
                tracing::debug!(bridge = desk.name(), "a spoke client went: {error}");
            }
        }
        ended = client.write(write, &shared) => {
            if let Err(error) = ended {
                tracing::debug!(bridge = desk.name(), "a spoke client takes nothing more: {error}");
            }
        }
        () = client.answer(asked) => {}
    }
    desk.traffic().clients.take(1);
}

impl Client {
    /// Carries answers to its calls back, as they come.
    async fn answer(&self, mut asked: mpsc::Receiver<Asked>) {
        let mut importer = self.desk.importer();
        let mut open = FuturesUnordered::new();
        loop {
            let (result, outcome) = tokio::select! {
                Some(one) = asked.recv() => {
                    open.push(one);
                    continue;
                }
                Some(done) = open.next() => done,
            };
            self.calls.end(&result);
            let body = match outcome {
                // The caller waits no more.
                None => continue,
                Some(Ok(answer)) => say::result(Ok(&answer)),
                Some(Err(error)) => say::result(Err(&error.to_string())),
            };
            if self.wants().take_result(&result) {
                let mut frame = Vec::with_capacity(body.len() + 160);
                say::put_own(&mut frame, &result, &body);
                self.say(frame);
            }
            // Whoever listens to everything hears results, too.
            let message = Message::new(body).with_content_type("application/json");
            importer.import(Incoming::new(&canonical(&result), message)).await;
        }
    }

    fn say(&self, frame: Vec<u8>) {
        let mut direct = self.direct.lock().unwrap_or_else(PoisonError::into_inner);
        if direct.bytes.saturating_add(frame.len()) > DIRECT_BYTES_MAX {
            return self.desk.dropped(BridgeDrop::Slow, 1);
        }
        direct.bytes = direct.bytes.saturating_add(frame.len());
        direct.frames.push_back(frame);
        drop(direct);
        self.wake.notify_one();
    }

    fn wants(&self) -> MutexGuard<'_, Wants> {
        self.wants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn requests(&self) -> MutexGuard<'_, BTreeMap<String, Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
