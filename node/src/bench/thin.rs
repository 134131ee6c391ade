//! The baseline: events over one bare QUIC stream, each behind its length, gathered into 64 KiB writes.
//! The same TLS, the same packets, nothing of the mesh above them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::{Buf, Bytes, BytesMut};

use crate::transport::Session;

/// Bytes gathered before they are written.
const GATHERED: usize = 64 << 10;
/// The first byte of a stream whose events are only counted.
const COUNT: u8 = 0;
/// The first byte of a stream whose events come back.
const ECHO: u8 = 1;

/// Serves one thin link until it closes.
pub(super) async fn serve(session: Session) {
    while let Ok(recv) = session.connection.accept_uni().await {
        if let Err(error) = serve_stream(&session.connection, recv).await {
            tracing::debug!("a thin stream ended: {error:#}");
        }
    }
}

async fn serve_stream(connection: &quinn::Connection, mut recv: quinn::RecvStream) -> Result<()> {
    let mut send = connection.open_uni().await?;
    let mut head = [0; 9];
    recv.read_exact(&mut head).await?;
    let events = u64::from_le_bytes(head[1..].try_into()?);
    let mut events_in = Events::new(recv);
    match head[0] {
        COUNT => {
            // A stream is only there for the other side once something was written on it.
            send.write_all(&[0]).await?;
            for _ in 0..events {
                events_in.next().await?;
            }
            send.write_all(&[1]).await?;
        }
        ECHO => {
            send.write_all(&[0]).await?;
            for _ in 0..events {
                let payload = events_in.next().await?;
                send.write_all(&length_prefixed(&payload)).await?;
            }
        }
        other => bail!("unknown mode {other}"),
    }
    send.finish()?;
    Ok(())
}

/// Sends so many events and waits until all were counted. Returns the time that took.
pub(super) async fn throughput(session: &Session, payload: &Bytes, events: u64) -> Result<Duration> {
    let (mut send, mut recv) = open(session, COUNT, events).await?;
    let started = Instant::now();
    let length = u32::try_from(payload.len())?.to_le_bytes();
    let mut gathered = BytesMut::with_capacity(GATHERED + payload.len() + 4);
    for _ in 0..events {
        gathered.extend_from_slice(&length);
        gathered.extend_from_slice(payload);
        if gathered.len() >= GATHERED {
            send.write_chunk(gathered.split().freeze()).await?;
            gathered.reserve(GATHERED + payload.len() + 4);
        }
    }
    // Who has counted all events reads no further, and an empty write would meet that.
    if !gathered.is_empty() {
        send.write_chunk(gathered.freeze()).await?;
    }
    let mut done = [0];
    recv.read_exact(&mut done).await.context("the far end did not count all events")?;
    Ok(started.elapsed())
}

/// So many round trips of one event, in microseconds.
pub(super) async fn round_trips(session: &Session, payload: &Bytes, trips: u64) -> Result<Vec<f64>> {
    let (mut send, recv) = open(session, ECHO, trips).await?;
    let mut back = Events::new(recv);
    let mut times = Vec::new();
    for _ in 0..trips {
        let started = Instant::now();
        send.write_all(&length_prefixed(payload)).await?;
        ensure!(back.next().await?.len() == payload.len(), "another event came back");
        times.push(started.elapsed().as_secs_f64() * 1e6);
    }
    Ok(times)
}

/// A stream each way for so many events.
async fn open(session: &Session, mode: u8, events: u64) -> Result<(quinn::SendStream, quinn::RecvStream)> {
    let mut send = session.connection.open_uni().await?;
    let mut head = [mode; 9];
    head[1..].copy_from_slice(&events.to_le_bytes());
    send.write_all(&head).await?;
    let mut recv = session.connection.accept_uni().await?;
    recv.read_exact(&mut [0]).await?;
    Ok((send, recv))
}

fn length_prefixed(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    [&length[..], payload].concat()
}

/// Reads length-prefixed events.
struct Events {
    recv: quinn::RecvStream,
    buffer: BytesMut,
}

impl Events {
    fn new(recv: quinn::RecvStream) -> Self {
        Self { recv, buffer: BytesMut::new() }
    }

    async fn next(&mut self) -> Result<Bytes> {
        loop {
            if let Some(length) = self.buffer.first_chunk::<4>() {
                let length = u32::from_le_bytes(*length) as usize;
                if self.buffer.len() - 4 >= length {
                    self.buffer.advance(4);
                    return Ok(self.buffer.split_to(length).freeze());
                }
            }
            let chunk = self.recv.read_chunk(usize::MAX, true).await?;
            self.buffer.extend_from_slice(&chunk.context("the stream ended early")?.bytes);
        }
    }
}
