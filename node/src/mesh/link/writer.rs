//! The sending side of a link: takes whole frames from the peer's outbox and writes them to one
//! long-lived stream. While a write waits, publishers fill the next batches; that is all the batching
//! there is.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    bus::{Outbox, Outgoing},
    status::Traffic,
};

/// Why a link's sending side ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The connection is gone.
    #[error("the connection was lost")]
    Connection(#[from] quinn::ConnectionError),
    /// The stream broke.
    #[error("the data stream broke")]
    Stream(#[from] quinn::WriteError),
}

/// Writes until the outbox closes or `stop` says that the link retires; then ends the stream so that
/// everything written still arrives. Waits for its turn when another link to the same peer still writes.
///
/// # Errors
/// When the connection or the stream breaks.
pub async fn run(
    outbox: Arc<Outbox>,
    connection: quinn::Connection,
    traffic: Arc<Traffic>,
    stop: CancellationToken,
) -> Result<(), WriteError> {
    let _turn = outbox.begin_stream().await;
    let mut stream = connection.open_uni().await?;
    loop {
        let next = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            next = outbox.next() => next,
        };
        let Some(Outgoing { mut frames, events }) = next else { break };
        let bytes: usize = frames.iter().map(bytes::Bytes::len).sum();
        stream.write_all_chunks(&mut frames).await?;
        traffic.sent_events.add(events);
        traffic.sent_bytes.add(bytes as u64);
        traffic.rtt_us.set(u64::try_from(connection.rtt().as_micros()).unwrap_or(u64::MAX));
    }
    if stream.finish().is_ok() {
        // Either the peer has everything, or the connection is gone and its reader says so.
        if let Ok(None) = stream.stopped().await {
            outbox.stream_arrived();
        }
    }
    Ok(())
}
