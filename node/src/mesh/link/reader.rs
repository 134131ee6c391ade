//! The receiving side of a link: splits the peer's data streams into frames and hands them to the bus,
//! on this task all the way into the consumers' queues.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use hive_proto::{
    frame::{FrameError, split_frame},
    limits::FRAME_BYTES_MAX,
};

use tokio::{sync::Mutex, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    bus::{Bus, CONFIRM_EVERY, Inbound, InboundError, Outbox, PeerRef},
    status::Traffic,
};

/// Packets' worth of bytes taken from the stream at a time.
const CHUNKS: usize = 64;

/// Why a link's data can no longer be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The peer sends what is no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The peer sends frames that break the protocol.
    #[error(transparent)]
    Inbound(#[from] InboundError),
    /// A data stream ended in the middle of a frame.
    #[error("a data stream ended in the middle of a frame")]
    Cut,
    /// A data stream broke.
    #[error("a data stream broke")]
    Stream(#[from] quinn::ReadError),
}

/// Whose data a link brings, and what is done with it.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The origin of everything that arrives.
    pub peer: PeerRef,
    /// Where answers to its calls go.
    pub answers_to: Arc<Outbox>,
    /// Held while a stream is read. A peer begins the stream of its next link when that of its former one has
    /// arrived, so what came over the former is delivered first.
    pub turn: Arc<Mutex<()>>,
}

/// Reads the peer's data streams, one after the other, until the connection closes, or `drained` says that no more
/// will come and all were read.
///
/// # Errors
/// When the peer breaks the protocol. A connection that closes or is lost is no error here.
pub async fn run(
    bus: Bus,
    reading: Reading,
    connection: quinn::Connection,
    traffic: Arc<Traffic>,
    drained: CancellationToken,
) -> Result<(), ReadError> {
    loop {
        let stream = tokio::select! {
            // What is there is read, also after the peer has said that it was the last.
            biased;
            stream = connection.accept_uni() => stream,
            () = drained.cancelled() => return Ok(()),
        };
        let Ok(stream) = stream else { return Ok(()) };
        let _turn = reading.turn.lock().await;
        let inbound = Inbound::new(bus.clone(), reading.peer, Arc::clone(&reading.answers_to));
        match read_stream(stream, inbound, &traffic).await {
            Err(ReadError::Stream(quinn::ReadError::ConnectionLost(_))) => return Ok(()),
            outcome => outcome?,
        }
    }
}

async fn read_stream(
    mut stream: quinn::RecvStream,
    mut inbound: Inbound,
    traffic: &Traffic,
) -> Result<(), ReadError> {
    let mut chunks: [Bytes; CHUNKS] = std::array::from_fn(|_| Bytes::new());
    let mut buffer = BytesMut::new();
    let mut untold = false;
    loop {
        let read = stream.read_chunks(&mut chunks);
        let read = if untold { timeout(CONFIRM_EVERY, read).await } else { Ok(read.await) };
        let count = match read {
            // Nothing comes, but something came.
            Err(_) => {
                untold = inbound.confirm();
                continue;
            }
            Ok(read) => match read? {
                Some(count) => count,
                None => break,
            },
        };
        let fresh = chunks.iter_mut().take(count);
        let bytes = fresh.fold(0, |bytes, chunk| {
            buffer.extend_from_slice(chunk);
            bytes + std::mem::take(chunk).len() as u64
        });
        while let Some((kind, body)) = split_frame(&mut buffer, FRAME_BYTES_MAX)? {
            traffic.received_events.add(inbound.frame(kind, body).await?);
        }
        traffic.received_bytes.add(bytes);
        untold = inbound.confirm();
    }
    if buffer.is_empty() { Ok(()) } else { Err(ReadError::Cut) }
}
