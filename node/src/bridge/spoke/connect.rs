//! A client of a real spoke-server.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use hive_proto::time::Hlc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Notify, Semaphore, mpsc},
};

use super::{
    HEAD_BYTES_MAX,
    calls::{CALLS_MAX, Calls, Others, ask},
    frame::{Frame, Frames},
    listen::set_up,
    name::{Rpc, SUBSCRIBE, UNSUBSCRIBE, canonical, rpc},
    pulse::{self, Beat, LOOK_EVERY, Pulse},
    say::{self, Said},
};
use crate::{
    bridge::{Bridge, Desk, Export, Exporter, Importer, Incoming, Lost, Port},
    bus::{CallError, Failure, Message, Request},
    status::BridgeDrop,
    trust::random_bytes,
};

/// How long it may take to connect.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Bytes read and written at a time, about.
const CHUNK_BYTES: usize = 64 << 10;
/// Connections that are kept though the server does not read them; further ones are closed.
const DEAF_MAX: usize = 16;
/// What waits to be said beside events.
const DIRECT_MAX: usize = 4_096;

/// A bridge to a spoke-server.
#[derive(Debug)]
pub(in crate::bridge) struct Connector {
    host: String,
    port: u16,
    /// As whom this node asks.
    caller: String,
    /// Places for connections that are kept though the server does not read them.
    deaf: Arc<Semaphore>,
}

impl Connector {
    pub(in crate::bridge) fn new(host: String, port: u16) -> Self {
        let id = u128::from_be_bytes(random_bytes());
        Self { host, port, caller: format!("hive-{id:032x}"), deaf: Arc::new(Semaphore::new(DEAF_MAX)) }
    }
}

impl Connector {
    /// Keeps a connection that the server does not read any more, and lets go what comes on it. The server would not know
    /// that it is closed, and ends its task for whoever publishes what was wanted on it.
    fn keep_open(&self, mut read: OwnedReadHalf, write: OwnedWriteHalf, desk: &Desk) {
        let Ok(place) = Arc::clone(&self.deaf).try_acquire_owned() else { return };
        let end = desk.end().clone();
        desk.spawn("deaf connection", async move {
            let (_place, _write) = (place, write);
            let mut came = vec![0; CHUNK_BYTES];
            let reading = async { while matches!(read.read(&mut came).await, Ok(bytes) if bytes > 0) {} };
            // None when the bridge ends.
            let _ = end.run_until_cancelled(reading).await;
        });
    }
}

impl Bridge for Connector {
    fn medium(&self) -> String {
        format!("spoke-server {}:{}", self.host, self.port)
    }

    fn is_exclusive(&self) -> bool {
        // Its clients do not know what they have seen.
        true
    }

    async fn carry(&mut self, port: &mut Port) -> Result<(), Lost> {
        let place = format!("{}:{}", self.host, self.port);
        let connecting = TcpStream::connect((self.host.as_str(), self.port));
        let stream = match tokio::time::timeout(CONNECT_WITHIN, connecting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(Lost::at(&format!("cannot connect to {place}"), &error)),
            Err(_) => return Err(Lost::new(format!("{place} does not answer"))),
        };
        let Port { desk, exporter, importer } = port;
        set_up(desk, &stream);
        let (mut read, mut write) = stream.into_split();
        let broke = |error: io::Error| Lost::at(&format!("the connection to {place} broke"), &error);
        let pulse = Pulse::new(Instant::now());
        let mut hello = Vec::new();
        say::put_own(&mut hello, SUBSCRIBE, &say::string(&pulse.channel));
        pulse.put_question(&mut hello);
        for rule in &desk.rules().import {
            say::put_own(&mut hello, SUBSCRIBE, &say::string(rule.pattern.as_str()));
        }
        write.write_all(&hello).await.map_err(broke)?;
        desk.up(&place);
        let session = Session {
            desk: desk.clone(),
            calls: Calls::default(),
            requests: Mutex::default(),
            direct: Mutex::default(),
            wake: Notify::new(),
            caller: &self.caller,
            pulse,
            asks: AtomicBool::new(false),
            heard_all: AtomicBool::new(false),
        };
        let (ask, asked) = mpsc::channel(CALLS_MAX);
        tokio::select! {
            ended = session.read(&mut read, importer, ask) => return ended.map_err(broke),
            ended = session.write(&mut write, exporter) => return ended.map_err(broke),
            () = session.answer(asked) => return Ok(()),
            () = session.over() => {}
        }
        drop(session);
        self.keep_open(read, write, desk);
        Err(Lost::new(format!("{place} does not take what is said on this connection any more")))
    }
}

/// What reading, writing and answering share.
struct Session<'c> {
    desk: Desk,
    /// Of clients there, which are answered here.
    calls: Calls,
    /// Requests of this mesh that wait for an answer from there, by the channels of their results.
    requests: Mutex<BTreeMap<String, Request>>,
    /// Frames to be said beside events.
    direct: Mutex<Vec<Vec<u8>>>,
    wake: Notify,
    caller: &'c str,
    /// Whether the server still reads.
    pulse: Pulse,
    /// It is to be asked that.
    asks: AtomicBool,
    /// All that came was heard, and more is waited for. Set by who reads.
    heard_all: AtomicBool,
}

type Asked = std::pin::Pin<Box<dyn Future<Output = (String, Option<Result<Message, CallError>>)> + Send>>;

impl Session<'_> {
    async fn read(
        &self,
        read: &mut OwnedReadHalf,
        importer: &mut Importer,
        ask: mpsc::Sender<Asked>,
    ) -> io::Result<()> {
        let mut frames = Frames::new(self.desk.limits().payload_bytes.saturating_add(HEAD_BYTES_MAX));
        loop {
            while let Some(frame) = frames.next() {
                match frame.and_then(|bytes| Frame::read(&bytes)) {
                    Ok(frame) => self.heard(frame, importer, &ask).await,
                    Err(error) => {
                        tracing::debug!(bridge = self.desk.name(), "a frame is passed over: {error}");
                        self.desk.dropped(BridgeDrop::Garbage, 1);
                    }
                }
            }
            frames.buffer().reserve(CHUNK_BYTES);
            self.heard_all.store(true, Relaxed);
            let came = read.read_buf(frames.buffer()).await?;
            self.heard_all.store(false, Relaxed);
            if came == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    async fn heard(&self, mut frame: Frame, importer: &mut Importer, later: &mpsc::Sender<Asked>) {
        frame.channel = canonical(&frame.channel);
        if frame.channel == self.pulse.channel {
            return self.pulse.answered();
        }
        // Who subscribes to what is the server's business, and whether it reads that of each connection.
        if frame.channel.starts_with("-control/") || frame.channel.starts_with(pulse::OWN) {
            return;
        }
        let said = Said::of(&frame);
        match rpc(&frame.channel) {
            Some(Rpc::Result) if self.answered(&frame) => return,
            Some(Rpc::Call { base, stem }) => {
                self.called(base, format!("{stem}/result"), &said, importer, later);
            }
            _ => {}
        }
        let kept = said.persist.then(|| said.time.unwrap_or(Hlc(u64::MAX)));
        let Said { message, trail, .. } = said;
        importer.import(Incoming { name: &frame.channel, message, trail, depth: 0, kept }).await;
    }

    /// A client there asks: whoever answers here does. Where nobody does, somebody there may.
    fn called(
        &self,
        base: &str,
        result: String,
        said: &Said,
        importer: &mut Importer,
        later: &mpsc::Sender<Asked>,
    ) {
        let rules = self.desk.rules();
        let came_from_here = said.trail.has(self.desk.bus().mark(hive_proto::channel::NetworkIndex::HOME));
        if rules.proxy || came_from_here {
            return;
        }
        let Ok(Some(to)) = importer.channel(base) else { return };
        let Some(waiting) = self.calls.begin(&result) else { return };
        let asking = ask(self.desk.clone(), to, said.message.clone(), (waiting, Others::Asked));
        // There are no more than fit.
        let _ = later.try_send(Box::pin(async move { (result, asking.await) }));
    }

    async fn answer(&self, mut asked: mpsc::Receiver<Asked>) {
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
                None | Some(Err(CallError::NoResponder)) => continue,
                Some(Ok(answer)) => say::result(Ok(&answer)),
                Some(Err(error)) => say::result(Err(&error.to_string())),
            };
            let mut frame = Vec::with_capacity(body.len() + 160);
            say::put_own(&mut frame, &result, &body);
            self.say(frame);
        }
    }

    /// Whether it is the result of a request of this mesh.
    fn answered(&self, frame: &Frame) -> bool {
        let Some(request) = self.requests().remove(&frame.channel) else { return false };
        request.answer(say::answer(&frame.body).map_err(Failure::Failed));
        let mut done = Vec::new();
        say::put_own(&mut done, UNSUBSCRIBE, &say::string(&frame.channel));
        self.say(done);
        true
    }

    async fn write(&self, write: &mut OwnedWriteHalf, exporter: &mut Exporter) -> io::Result<()> {
        let (mut out, mut next) = (Vec::with_capacity(CHUNK_BYTES), 0_u64);
        loop {
            let mut events = 0;
            let mut export = tokio::select! {
                export = exporter.next() => match export {
                    Some(export) => Some(export),
                    None => return Ok(()),
                },
                () = self.wake.notified() => None,
            };
            while let Some(one) = export.take() {
                events += u64::from(one.request.is_none());
                self.put(&mut out, one, exporter, &mut next).await;
                if out.len() < CHUNK_BYTES {
                    export = exporter.more().await;
                }
            }
            self.put_direct(&mut out);
            if !out.is_empty() {
                self.pulse.says();
            }
            if self.asks.swap(false, Relaxed) {
                self.pulse.put_question(&mut out);
            }
            write.write_all(&out).await?;
            self.pulse.said(events);
            out.clear();
            exporter.sent();
        }
    }

    async fn put(&self, out: &mut Vec<u8>, mut export: Export, exporter: &mut Exporter, next: &mut u64) {
        if let Some(request) = export.request.take() {
            return self.ask(out, &export, request, next);
        }
        let (trail, before) = (export.trail(&self.desk), out.len());
        if let Err(why) = say::put_event(out, &export.name, &export.event, (false, trail.as_ref())) {
            out.truncate(before);
            exporter.cannot(&export, BridgeDrop::Content, why).await;
        }
    }

    fn ask(&self, out: &mut Vec<u8>, export: &Export, request: Request, next: &mut u64) {
        let body = match say::body(&export.event.message) {
            Ok(body) => body,
            Err(why) => return request.answer(Err(Failure::Rejected(why.into()))),
        };
        *next = next.saturating_add(1);
        let stem = format!("{}/-rpc/{}/{next:x}", export.name, self.caller);
        let result = format!("{stem}/result");
        if self.requests().len() >= CALLS_MAX {
            self.let_go();
        }
        let mut requests = self.requests();
        if requests.len() >= CALLS_MAX {
            let why = format!("{CALLS_MAX} requests wait for answers from this spoke-server already");
            return request.answer(Err(Failure::Failed(why)));
        }
        requests.insert(result.clone(), request);
        drop(requests);
        say::put_own(out, SUBSCRIBE, &say::string(&result));
        say::put_own(out, &format!("{stem}/call"), &body);
    }

    /// Lets go the requests that nobody waits for any more, and their channels at the server.
    fn let_go(&self) {
        let mut done = Vec::new();
        self.requests().retain(|result, request| {
            let waits = !request.is_withdrawn();
            if !waits {
                say::put_own(&mut done, UNSUBSCRIBE, &say::string(result));
            }
            waits
        });
        if !done.is_empty() {
            self.say(done);
        }
    }

    /// Until the server does not read any more.
    async fn over(&self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.let_go();
            match self.pulse.beat(Instant::now(), self.heard_all.load(Relaxed)) {
                Beat::Wait => {}
                Beat::Ask => {
                    self.asks.store(true, Relaxed);
                    self.wake.notify_one();
                }
                Beat::Over(lost) => return self.desk.dropped(BridgeDrop::LostLink, lost),
            }
        }
    }

    fn say(&self, frame: Vec<u8>) {
        let mut direct = self.direct.lock().unwrap_or_else(PoisonError::into_inner);
        if direct.len() >= DIRECT_MAX {
            return self.desk.dropped(BridgeDrop::Slow, 1);
        }
        direct.push(frame);
        drop(direct);
        self.wake.notify_one();
    }

    fn put_direct(&self, out: &mut Vec<u8>) {
        let mut direct = self.direct.lock().unwrap_or_else(PoisonError::into_inner);
        direct.drain(..).for_each(|frame| out.extend_from_slice(&frame));
    }

    fn requests(&self) -> MutexGuard<'_, BTreeMap<String, Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
