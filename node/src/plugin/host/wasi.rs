//! WASI as guests get it: clocks and random numbers, output that goes to the log, and nothing else.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    WasiCtx, WasiCtxBuilder, async_trait,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

use super::{bindings::hive::node::log::Level, log};

/// For a component that describes itself: what it prints is not heard.
pub(super) fn describing() -> WasiCtx {
    with_nothing().build()
}

/// For an instance that handles events.
pub(super) fn living(plugin: &Arc<str>) -> WasiCtx {
    with_nothing().stdout(Output::new(plugin, Level::Info)).stderr(Output::new(plugin, Level::Warn)).build()
}

fn with_nothing() -> WasiCtxBuilder {
    let mut builder = WasiCtx::builder();
    builder.allow_tcp(false).allow_udp(false).max_random_size(RANDOM_BYTES_MAX);
    builder
}

/// Random bytes a guest may ask for at once: they are made on the host's account.
const RANDOM_BYTES_MAX: u64 = 1 << 20;

/// Bytes of a line without its end that are kept; then it is said as it is.
const LINE_BYTES_MAX: usize = 8 << 10;

/// Bytes a guest may write at once.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// One of a guest's outputs: whole lines go to the log under the plugin's name.
#[derive(Clone)]
struct Output(Arc<Line>);

struct Line {
    plugin: Arc<str>,
    level: Level,
    /// What came since the last line's end. A mutex, as a guest may open the stream twice; never held across a wait.
    pending: Mutex<Vec<u8>>,
}

impl Output {
    fn new(plugin: &Arc<str>, level: Level) -> Self {
        Self(Arc::new(Line { plugin: Arc::clone(plugin), level, pending: Mutex::default() }))
    }
}

impl Line {
    fn take(&self, bytes: &[u8]) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE_BYTES_MAX.saturating_sub(pending.len());
            pending.extend_from_slice(piece.get(..room.min(piece.len())).unwrap_or_default());
            if piece.ends_with(b"\n") || pending.len() >= LINE_BYTES_MAX {
                self.say(&pending);
                pending.clear();
            }
        }
    }

    fn say(&self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        if !text.is_empty() {
            log::say(&self.plugin, self.level, text);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let rest = std::mem::take(self.pending.get_mut().unwrap_or_else(PoisonError::into_inner));
        self.say(&rest);
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_stays_bounded() {
        let line = Line { plugin: "x".into(), level: Level::Info, pending: Mutex::default() };
        line.take(&[b'a'; 3 * LINE_BYTES_MAX]);
        line.take(b"b\nc");
        assert!(line.pending.lock().expect("not poisoned").len() <= LINE_BYTES_MAX);
        assert_eq!(*line.pending.lock().expect("not poisoned"), b"c");
    }
}
