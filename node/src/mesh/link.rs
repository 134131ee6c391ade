//! One link: its control stream both ways, and its end. Data has a reader and a writer of its own, so
//! control never waits behind it.

pub(super) mod reader;
pub(super) mod writer;

use std::{fmt::Display, pin::pin, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use hive_proto::{
    frame::{
        admission::{PROVED, Proved},
        control::DRAINED,
        frame, split_frame,
    },
    io::{CloseReason, Input, LinkEnd, LinkId},
    limits::CONTROL_FRAME_BYTES_MAX,
};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use reader::Reading;

use crate::{
    bus::{Bus, Outbox},
    shutdown::Part,
    status::Traffic,
    transport::{CloseCode, Session},
    trust::standing::{Heard, Standing},
};

/// How long a link that retires may take to deliver what is queued on both sides.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// How long a link that is cut may take to send its last control frames.
const LAST_WORDS_LIMIT: Duration = Duration::from_millis(500);

/// What the actor tells a link.
#[derive(Debug)]
pub(super) enum Order {
    /// Write a whole control frame.
    Frame(Bytes),
    /// Bring the peer's events to the bus.
    Read(Reading),
    /// Write the events of this outbox to the peer.
    Write(Arc<Outbox>),
    /// End, in the way the reason says.
    Close(CloseReason),
}

/// What every link's tasks need.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    pub(super) bus: Bus,
    pub(super) part: Part,
    pub(super) inputs: mpsc::Sender<Input>,
}

/// One link's task.
pub(super) struct Link {
    id: LinkId,
    around: Surroundings,
    connection: quinn::Connection,
    control: quinn::SendStream,
    traffic: Arc<Traffic>,
    /// Cancelled when the peer has said its last on the control stream.
    peer_done: CancellationToken,
    /// Cancelled when this side's data writer shall end its stream.
    retire: CancellationToken,
    /// Cancelled when the peer has said that all its data has arrived.
    peer_drained: CancellationToken,
    /// Set while events are written: where they come from, and what is cancelled when the writer has ended.
    writing: Option<(Arc<Outbox>, CancellationToken)>,
    /// Set while events are read: cancelled when the reader has ended.
    reading: Option<CancellationToken>,
}

impl Link {
    /// Starts a link's tasks. They report frames and, once, the link's end.
    pub(super) fn start(
        id: LinkId,
        session: Session,
        traffic: Arc<Traffic>,
        orders: mpsc::Receiver<Order>,
        around: Surroundings,
    ) {
        let Session { connection, control_send, control_recv, standing, .. } = session;
        let (peer_done, peer_drained) = (CancellationToken::new(), CancellationToken::new());
        let part = around.part.clone();
        let control = ControlReader {
            link: id,
            stream: control_recv,
            connection: connection.clone(),
            inputs: around.inputs.clone(),
            drained: peer_drained.clone(),
            warned: false,
            standing,
            traffic: Arc::clone(&traffic),
        };
        let done = peer_done.clone().drop_guard();
        traffic.epoch.set(control.standing.epoch().into());
        part.spawn("control reader", async move {
            let _done = done;
            control.run().await;
        });
        let link = Self {
            id,
            around,
            connection,
            control: control_send,
            traffic,
            peer_done,
            retire: CancellationToken::new(),
            peer_drained,
            writing: None,
            reading: None,
        };
        part.spawn("link", link.run(orders));
    }

    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let connection = self.connection.clone();
        let close = tokio::select! {
            close = self.follow(&mut orders) => Some(close),
            _ = connection.closed() => None,
        };
        if let Some(reason) = close {
            self.close(&reason).await;
        }
        let end = end_of(&self.connection.closed().await);
        self.retire.cancel();
        // The actor ends only when the node does.
        let _ = self.around.inputs.send(Input::LinkDown { link: self.id, end }).await;
    }

    /// Does as it is told until it is told to close, or control has ended without a reason.
    async fn follow(&mut self, orders: &mut mpsc::Receiver<Order>) -> CloseReason {
        let peer_done = self.peer_done.clone();
        let mut ended = pin!(async {
            peer_done.cancelled().await;
            // After a farewell the state machine says in a moment what to do.
            sleep(LAST_WORDS_LIMIT).await;
        });
        loop {
            let order = tokio::select! {
                order = orders.recv() => order,
                () = &mut ended => return CloseReason::Protocol("the control stream ended".into()),
            };
            match order {
                None => return CloseReason::Leaving,
                Some(Order::Close(reason)) => return reason,
                Some(Order::Read(reading)) => self.read(reading),
                Some(Order::Write(outbox)) => self.write(outbox),
                Some(Order::Frame(frame)) => {
                    if self.control.write_chunk(frame).await.is_err() {
                        return CloseReason::Protocol("the control stream broke".into());
                    }
                }
            }
        }
    }

    fn write(&mut self, outbox: Arc<Outbox>) {
        if self.writing.is_some() {
            return;
        }
        let written = CancellationToken::new();
        let (connection, traffic) = (self.connection.clone(), Arc::clone(&self.traffic));
        let write = writer::run(Arc::clone(&outbox), connection, traffic, self.retire.clone());
        let done = written.clone().drop_guard();
        self.around.part.spawn("link writer", async move {
            let _done = done;
            // What may not have arrived is the outbox's to know.
            let _ = write.await;
        });
        self.writing = Some((outbox, written));
    }

    fn read(&mut self, reading: Reading) {
        if self.reading.is_some() {
            return;
        }
        let read = CancellationToken::new();
        let (peer, connection, done) =
            (reading.peer.node, self.connection.clone(), read.clone().drop_guard());
        let (bus, traffic) = (self.around.bus.clone(), Arc::clone(&self.traffic));
        let drained = self.peer_drained.clone();
        self.around.part.spawn("link reader", async move {
            let _done = done;
            if let Err(error) = reader::run(bus, reading, connection.clone(), traffic, drained).await {
                tracing::warn!("closing the link to {}: {error}", peer.short());
                connection.close(CloseCode::Protocol.into(), error.to_string().as_bytes());
            }
        });
        self.reading = Some(read);
    }

    async fn close(&mut self, reason: &CloseReason) {
        if reason.is_graceful() {
            // Who does not make it in time finds the connection closed.
            let _ = timeout(DRAIN_LIMIT, self.drain(reason)).await;
        } else if self.control.finish().is_ok() {
            // What has arrived there may not be read yet, and closing would drop it: who has read it ends its own.
            let _ = timeout(LAST_WORDS_LIMIT, self.peer_ends()).await;
        }
        self.connection.close(close_code(reason).into(), reason.to_string().as_bytes());
    }

    /// Until both sides have delivered what they had. What has arrived may not be read yet, and closing would drop
    /// it, so each side says two things: by [`DRAINED`] that all its data has arrived, and by the end of its control
    /// stream that it has read all of the other's.
    async fn drain(&mut self, reason: &CloseReason) {
        if let Some((outbox, written)) = &self.writing {
            match reason {
                // No other link will carry it.
                CloseReason::Leaving => outbox.finish(),
                _ => self.retire.cancel(),
            }
            written.cancelled().await;
        }
        if self.control.write_chunk(frame(DRAINED, &[])).await.is_err() {
            return;
        }
        if let Some(read) = &self.reading {
            read.cancelled().await;
        }
        if self.control.finish().is_ok() {
            self.peer_ends().await;
        }
    }

    /// Until the peer has said its last on the control stream, or the connection is gone.
    async fn peer_ends(&self) {
        tokio::select! {
            () = self.peer_done.cancelled() => {}
            _ = self.connection.closed() => {}
        }
    }
}

/// The receiving side of a control stream.
struct ControlReader {
    link: LinkId,
    stream: quinn::RecvStream,
    connection: quinn::Connection,
    inputs: mpsc::Sender<Input>,
    /// To be cancelled when the peer says that all its data has arrived.
    drained: CancellationToken,
    /// That the peer has another secret was said.
    warned: bool,
    /// What the peer has proved, and may prove again.
    standing: Arc<Standing>,
    /// Where the newest epoch that it has proved is shown.
    traffic: Arc<Traffic>,
}

impl ControlReader {
    /// Until the stream ends. One that breaks does so with its connection, which the link's task reports.
    async fn run(mut self) {
        let mut buffer = BytesMut::new();
        while let Ok(Some(chunk)) = self.stream.read_chunk(CONTROL_FRAME_BYTES_MAX, true).await {
            buffer.extend_from_slice(&chunk.bytes);
            loop {
                match split_frame(&mut buffer, CONTROL_FRAME_BYTES_MAX) {
                    Ok(None) => break,
                    Ok(Some((DRAINED, _))) => self.drained.cancel(),
                    Ok(Some((PROVED, body))) => match Proved::decode(&body) {
                        Ok(proof) => self.proved(proof),
                        Err(error) => return cut(&self.connection, &error),
                    },
                    Ok(Some((kind, body))) => {
                        if self.inputs.send(Input::Frame { link: self.link, kind, body }).await.is_err() {
                            return;
                        }
                    }
                    Err(error) => return cut(&self.connection, &error),
                }
            }
        }
    }

    /// The peer knows a later epoch of the network's secret than it was admitted with.
    fn proved(&mut self, proof: Proved) {
        let heard = self.standing.heard(proof);
        // A peer that goes on proving what is wrong is heard once.
        if !(matches!(heard, Heard::Differs(_)) && std::mem::replace(&mut self.warned, true)) {
            note_proof(heard, &self.standing, &self.connection);
        }
        self.traffic.epoch.set(self.standing.epoch().into());
    }
}

/// Says what a proof tells people.
pub(super) fn note_proof(heard: Heard, standing: &Standing, connection: &quinn::Connection) {
    let addr = connection.remote_address();
    match heard {
        Heard::Proved(epoch) => tracing::debug!("{addr} has proved epoch {epoch}"),
        Heard::Unknown(epoch) => {
            tracing::debug!("{addr} knows epoch {epoch}, which is not known here; {}", standing.epoch());
        }
        Heard::Differs(epoch) => tracing::warn!(
            "{addr} has another secret of epoch {epoch} than this node: it was rotated on two hosts"
        ),
    }
}

fn cut(connection: &quinn::Connection, error: &dyn Display) {
    tracing::warn!("closing the link to {}: {error}", connection.remote_address());
    connection.close(CloseCode::Protocol.into(), error.to_string().as_bytes());
}

fn close_code(reason: &CloseReason) -> CloseCode {
    match reason {
        CloseReason::Duplicate | CloseReason::Superseded | CloseReason::Surplus => CloseCode::Duplicate,
        CloseReason::Leaving => CloseCode::Leaving,
        CloseReason::Expelled(_) => CloseCode::Refused,
        CloseReason::Protocol(_) => CloseCode::Protocol,
    }
}

fn end_of(error: &quinn::ConnectionError) -> LinkEnd {
    let proper = [CloseCode::Leaving, CloseCode::Duplicate].map(quinn::VarInt::from);
    match error {
        quinn::ConnectionError::LocallyClosed => LinkEnd::Closed,
        quinn::ConnectionError::ApplicationClosed(close) if proper.contains(&close.error_code) => {
            LinkEnd::Closed
        }
        quinn::ConnectionError::ApplicationClosed(close) => {
            LinkEnd::Failed(String::from_utf8_lossy(&close.reason).into_owned())
        }
        quinn::ConnectionError::TimedOut => LinkEnd::TimedOut,
        other => LinkEnd::Failed(other.to_string()),
    }
}
