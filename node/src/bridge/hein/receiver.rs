//! hein's receiver: it connects to a transmitter, says its name, and hears what is told.
//!
//! What it owns: the handshake, and one acknowledgement for what was heard together. It must not know what is told.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::wire::{ACK, Kind, Message, Splitter, WireError};

/// How long connecting may take, and each step of the handshake. A transmitter pings whoever has the name first.
const STEP_TIME: Duration = Duration::from_secs(5);

/// A connection to a transmitter that has accepted it.
#[derive(Debug)]
pub struct Receiver {
    stream: TcpStream,
    splitter: Splitter,
}

/// Why nothing is heard any more.
#[derive(Debug, thiserror::Error)]
pub enum ReceiverError {
    /// The connection failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Nothing came in time.
    #[error("no answer within {} s", STEP_TIME.as_secs())]
    Silent,
    /// Something else is there.
    #[error("what answers there is no transmitter of hein's")]
    NoTransmitter,
    /// It took the name and closed.
    #[error("the transmitter has no place free, or another receiver has the name {0}")]
    Refused(String),
    /// It closed later.
    #[error("the transmitter closed the connection")]
    Closed,
    /// What came is no message.
    #[error(transparent)]
    Wire(#[from] WireError),
}

impl Receiver {
    /// Connects under a name.
    ///
    /// # Errors
    /// When there is no transmitter, or it does not take us.
    pub async fn connect(
        (host, port): (&str, u16),
        name: &str,
        bytes_max: usize,
    ) -> Result<Self, ReceiverError> {
        let mut stream = step(TcpStream::connect((host, port))).await?;
        stream.set_nodelay(true)?;
        if step(stream.read_u8()).await? != ACK {
            return Err(ReceiverError::NoTransmitter);
        }
        stream.write_all(name.as_bytes()).await?;
        match step(stream.read_u8()).await {
            Ok(ACK) => Ok(Self { stream, splitter: Splitter::new(bytes_max) }),
            Ok(_) => Err(ReceiverError::NoTransmitter),
            Err(ReceiverError::Io(_)) => Err(ReceiverError::Refused(name.to_owned())),
            Err(error) => Err(error),
        }
    }

    /// What is told next; acknowledged, as a transmitter waits for that before it tells more. Cancel-safe.
    ///
    /// # Errors
    /// When the connection ends.
    pub async fn next(&mut self) -> Result<Message, ReceiverError> {
        loop {
            while let Some(message) = self.splitter.next()? {
                match message.kind {
                    Kind::Ping => {}
                    Kind::Die => return Err(ReceiverError::Closed),
                    Kind::Raw | Kind::Json => return Ok(message),
                }
            }
            if self.stream.read_buf(self.splitter.buffer()).await? == 0 {
                return Err(ReceiverError::Closed);
            }
            if self.splitter.has_whole() {
                self.stream.write_all(&[ACK]).await?;
            }
        }
    }
}

async fn step<T>(doing: impl Future<Output = io::Result<T>>) -> Result<T, ReceiverError> {
    Ok(timeout(STEP_TIME, doing).await.map_err(|_| ReceiverError::Silent)??)
}
