//! What a Redis pushes, held back where the bridge has no time for it.
//!
//! The client library hands over what comes whether or not anybody takes it. So nothing is read from the socket while
//! enough waits: the server's own buffer fills then, and its own limits hold. What was read before fits in any case.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;
use redis::{PushInfo, PushKind, Value, aio::SendError};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Notify,
};

/// Nothing is read while so much waits, in bytes with [`MESSAGE_WEIGHT`] for each message.
const WAITING_MAX: usize = 8 << 20;
/// What a waiting message weighs beside its bytes.
const MESSAGE_WEIGHT: usize = 128;

/// What a subscription brought.
#[derive(Debug)]
pub(super) struct Pushed {
    /// The glob it came by; none when it came by its name.
    pub(super) glob: Option<Vec<u8>>,
    /// The channel's name, as it is there.
    pub(super) channel: Vec<u8>,
    pub(super) payload: Vec<u8>,
}

/// What came in and was not looked at yet.
#[derive(Debug)]
pub(super) struct Inbox(Arc<Gate>);

/// Puts what comes into an [`Inbox`]. Dropped with its connection.
#[derive(Debug)]
pub(super) struct Pusher(Arc<Gate>);

/// What waits and how much it is, and who is told when that changes.
#[derive(Debug, Default)]
struct Gate {
    /// Held to add one or to take all. Bounded by the gate, and what was read before it closed.
    pushed: Mutex<Vec<Pushed>>,
    /// Their weight.
    waiting: AtomicUsize,
    /// The connection is lost: nothing comes any more.
    over: AtomicBool,
    /// Told when something came, or nothing will.
    came: Notify,
    /// Who reads the socket, while the gate is closed.
    reader: AtomicWaker,
}

/// A socket that is not read while too much waits.
#[derive(Debug)]
pub(super) struct Gated {
    socket: TcpStream,
    gate: Arc<Gate>,
}

/// A socket behind a gate, what is to be called with what comes, and where that waits.
pub(super) fn gated(socket: TcpStream) -> (Gated, Pusher, Inbox) {
    let gate = Arc::new(Gate::default());
    (Gated { socket, gate: Arc::clone(&gate) }, Pusher(Arc::clone(&gate)), Inbox(gate))
}

impl Inbox {
    /// Waits for messages and takes all there are. Returns how many: none when the connection is lost. Cancel-safe.
    pub(super) async fn take(&mut self, into: &mut Vec<Pushed>) -> usize {
        let gate = &*self.0;
        loop {
            let came = gate.came.notified();
            // What came before the end is taken before it is looked at.
            let over = gate.over.load(Ordering::Acquire);
            into.append(&mut gate.lock());
            if !into.is_empty() {
                let weight = into.iter().map(Pushed::weight).sum();
                if gate.waiting.fetch_sub(weight, Ordering::AcqRel) > WAITING_MAX {
                    gate.reader.wake();
                }
                return into.len();
            }
            if over {
                return 0;
            }
            came.await;
        }
    }
}

impl Pusher {
    /// Called on the connection's task, which must not wait.
    ///
    /// # Errors
    /// Never: what nobody takes ends with the connection.
    pub(super) fn push(&self, info: PushInfo) -> Result<(), SendError> {
        let Some(pushed) = Pushed::of(info) else { return Ok(()) };
        // Counted before it can be taken.
        self.0.waiting.fetch_add(pushed.weight(), Ordering::AcqRel);
        self.0.lock().push(pushed);
        self.0.came.notify_one();
        Ok(())
    }
}

impl Drop for Pusher {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Release);
        self.0.came.notify_one();
    }
}

impl Pushed {
    /// None for what is no message.
    fn of(info: PushInfo) -> Option<Self> {
        let mut data = info.data.into_iter();
        let mut bytes = || match data.next() {
            Some(Value::BulkString(bytes)) => Some(bytes),
            Some(Value::SimpleString(text)) => Some(text.into_bytes()),
            _ => None,
        };
        let glob = match info.kind {
            PushKind::Message => None,
            PushKind::PMessage => Some(bytes()?),
            _ => return None,
        };
        Some(Self { glob, channel: bytes()?, payload: bytes()? })
    }

    fn weight(&self) -> usize {
        let glob = self.glob.as_ref().map_or(0, Vec::len);
        [MESSAGE_WEIGHT, glob, self.channel.len(), self.payload.len()]
            .into_iter()
            .fold(0, usize::saturating_add)
    }
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Vec<Pushed>> {
        self.pushed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closed(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > WAITING_MAX
    }
}

impl AsyncRead for Gated {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.gate.is_closed() {
            self.gate.reader.register(context.waker());
            // Somebody may have taken everything before the waker was there.
            if self.gate.is_closed() {
                return Poll::Pending;
            }
        }
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for Gated {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
