//! One link: its control stream both ways, and its end. Data has a reader and a writer of its own, so
//! control never waits behind it.

pub(super) mod reader;
pub(super) mod writer;

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use hive_proto::{
    frame::{FrameError, split_frame},
    io::{CloseReason, Input, LinkEnd, LinkId},
    limits::CONTROL_FRAME_BYTES_MAX,
};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    bus::{Bus, Outbox, PeerRef},
    shutdown::Part,
    status::Traffic,
    transport::{CloseCode, Session},
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
    /// Carry events: from the peer to the bus, and from its outbox to the peer.
    Carry(PeerRef, Arc<Outbox>),
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
    /// Set while events are carried: where they come from, and what is cancelled when the data writer
    /// has ended.
    carrying: Option<(Arc<Outbox>, CancellationToken)>,
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
        let Session { connection, control_send, control_recv, .. } = session;
        let peer_done = CancellationToken::new();
        let part = around.part.clone();
        let reading =
            read_control(id, control_recv, connection.clone(), around.inputs.clone(), peer_done.clone());
        part.spawn("control reader", reading);
        let link = Self {
            id,
            around,
            connection,
            control: control_send,
            traffic,
            peer_done,
            retire: CancellationToken::new(),
            carrying: None,
        };
        part.spawn("link", link.run(orders));
    }

    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let connection = self.connection.clone();
        let close = tokio::select! {
            close = self.follow(&mut orders) => close,
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

    /// Does as it is told until it is told to close. None when the control stream broke.
    async fn follow(&mut self, orders: &mut mpsc::Receiver<Order>) -> Option<CloseReason> {
        loop {
            match orders.recv().await {
                None => return Some(CloseReason::Leaving),
                Some(Order::Close(reason)) => return Some(reason),
                Some(Order::Carry(peer, outbox)) => self.carry(peer, outbox),
                Some(Order::Frame(frame)) => {
                    if self.control.write_chunk(frame).await.is_err() {
                        return None;
                    }
                }
            }
        }
    }

    fn carry(&mut self, peer: PeerRef, outbox: Arc<Outbox>) {
        if self.carrying.is_some() {
            return;
        }
        let retired = CancellationToken::new();
        let write = writer::run(
            Arc::clone(&outbox),
            self.connection.clone(),
            Arc::clone(&self.traffic),
            self.retire.clone(),
        );
        let (bus, done) = (self.around.bus.clone(), retired.clone().drop_guard());
        self.around.part.spawn("link writer", async move {
            let _done = done;
            if let Err(writer::WriteError::Stream { events, .. }) = write.await {
                bus.lost(events);
            }
        });
        self.carrying = Some((Arc::clone(&outbox), retired));
        let (connection, traffic) = (self.connection.clone(), Arc::clone(&self.traffic));
        let read = reader::run(self.around.bus.clone(), peer, outbox, connection.clone(), traffic);
        self.around.part.spawn("link reader", async move {
            if let Err(error) = read.await {
                tracing::warn!("closing the link to {}: {error}", peer.node.short());
                connection.close(CloseCode::Protocol.into(), error.to_string().as_bytes());
            }
        });
    }

    async fn close(&mut self, reason: &CloseReason) {
        if reason.is_graceful() {
            // Who does not make it in time finds the connection closed.
            let _ = timeout(DRAIN_LIMIT, self.drain(reason)).await;
        } else if self.control.finish().is_ok() {
            let _ = timeout(LAST_WORDS_LIMIT, self.control.stopped()).await;
        }
        self.connection.close(close_code(reason).into(), reason.to_string().as_bytes());
    }

    /// Until everything queued here has arrived there, and the peer has said the same: the end of a
    /// control stream means that all data before it was received.
    async fn drain(&mut self, reason: &CloseReason) {
        if let Some((outbox, retired)) = &self.carrying {
            match reason {
                // No other link will carry it.
                CloseReason::Leaving => outbox.finish(),
                _ => self.retire.cancel(),
            }
            retired.cancelled().await;
        }
        if self.control.finish().is_ok() {
            tokio::select! {
                () = self.peer_done.cancelled() => {}
                _ = self.connection.closed() => {}
            }
            let _ = self.control.stopped().await;
        }
    }
}

async fn read_control(
    link: LinkId,
    mut stream: quinn::RecvStream,
    connection: quinn::Connection,
    inputs: mpsc::Sender<Input>,
    done: CancellationToken,
) {
    let _done = done.drop_guard();
    let mut buffer = BytesMut::new();
    // A stream that breaks does so with its connection, which the link's task reports.
    while let Ok(Some(chunk)) = stream.read_chunk(CONTROL_FRAME_BYTES_MAX, true).await {
        buffer.extend_from_slice(&chunk.bytes);
        loop {
            match split_frame(&mut buffer, CONTROL_FRAME_BYTES_MAX) {
                Ok(None) => break,
                Ok(Some((kind, body))) => {
                    if inputs.send(Input::Frame { link, kind, body }).await.is_err() {
                        return;
                    }
                }
                Err(error) => return cut(&connection, &error),
            }
        }
    }
}

fn cut(connection: &quinn::Connection, error: &FrameError) {
    tracing::warn!("closing the link to {}: {error}", connection.remote_address());
    connection.close(CloseCode::Protocol.into(), error.to_string().as_bytes());
}

fn close_code(reason: &CloseReason) -> CloseCode {
    match reason {
        CloseReason::Duplicate | CloseReason::Superseded => CloseCode::Duplicate,
        CloseReason::Leaving => CloseCode::Leaving,
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
