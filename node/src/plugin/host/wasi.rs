//! WASI as guests get it: clocks and random numbers, output that goes to the log, the folders and variables that are
//! opened to them, and nothing else.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    FsPerms, WasiCtx, WasiCtxBuilder, async_trait,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

use super::log;
use crate::{
    bus::LAST_WORDS_BYTES_MAX,
    plugin::{allowance::Allowance, openings::Openings},
    status::LineLevel,
};

/// WASI for one instance, and what it said last.
pub(super) struct Wasi {
    pub(super) context: WasiCtx,
    pub(super) last_words: LastWords,
}

/// A folder that is opened to a plugin is not there any more.
#[derive(Debug, thiserror::Error)]
#[error("the folder {} cannot be opened: {why}", .folder.display())]
pub struct FolderError {
    folder: PathBuf,
    why: wasmtime::Error,
}

/// For a component that describes itself: what it prints is not heard, and nothing is opened to it.
pub(super) fn describing() -> Wasi {
    with_outputs(with_nothing(), Output::new(None), Output::new(None))
}

/// For an instance that handles events.
///
/// # Errors
/// When a folder that is opened to it is not there.
pub(super) fn living(plugin: &Arc<Allowance>, openings: &Openings) -> Result<Wasi, FolderError> {
    let heard = |level| Output::new(Some((Arc::clone(plugin), level)));
    Ok(with_outputs(opened(openings)?, heard(LineLevel::Info), heard(LineLevel::Warn)))
}

fn opened(openings: &Openings) -> Result<WasiCtxBuilder, FolderError> {
    let mut builder = with_nothing();
    for folder in &openings.folders {
        let may = if folder.write { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
        if let Err(why) = builder.preopened_dir(&folder.path, &folder.seen_as, may) {
            return Err(FolderError { folder: folder.path.clone(), why });
        }
    }
    for (name, value) in &openings.env {
        builder.env(name, value);
    }
    Ok(builder)
}

fn with_outputs(mut builder: WasiCtxBuilder, stdout: Output, stderr: Output) -> Wasi {
    let last_words = LastWords(Arc::clone(&stderr.0));
    Wasi { context: builder.stdout(stdout).stderr(stderr).build(), last_words }
}

/// The last lines of an instance's stderr: a panic says there what went wrong, and dead letters have them.
pub(super) struct LastWords(Arc<Line>);

impl LastWords {
    /// The lines since it was last asked to forget them, also one that has no end yet.
    pub(super) fn lines(&self) -> Vec<String> {
        let said = self.0.lock();
        let pending = String::from_utf8_lossy(&said.pending).trim_end().to_owned();
        said.recent.iter().cloned().chain([pending].into_iter().filter(|line| !line.is_empty())).collect()
    }

    /// A new call begins: what an older one said explains nothing.
    pub(super) fn forget(&self) {
        let mut said = self.0.lock();
        self.0.end_dump(&mut said);
        said.recent.clear();
        said.recent_bytes = 0;
    }

    /// A call came back: what looked like the guest's end is said, as it was none.
    pub(super) fn go_on(&self) {
        self.0.end_dump(&mut self.0.lock());
    }

    /// What the guest said as it gave up, which whoever takes it says. None: nothing that begins so.
    pub(super) fn take_dump(&self) -> Option<String> {
        let mut said = self.0.lock();
        // What has no end yet is a part of it.
        self.0.say(&mut said);
        said.dump.take().map(Dump::text)
    }
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

/// What begins the lines that a language's runtime writes where it gives up: of Go of everything that it was doing, of Rust and
/// C of a panic or an assertion. They are one entry of the log, with what came of the call.
const DUMPS: [&str; 5] =
    ["panic: ", "fatal error: ", "runtime: out of memory", "thread '", "Assertion failed: "];

/// Lines of such a dump that are heard and kept: the function that was at it is among them.
const DUMP_LINES_MAX: usize = 16;

/// Bytes a guest may write at once.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// One of a guest's outputs: whole lines go to the log under the plugin's name.
#[derive(Clone)]
struct Output(Arc<Line>);

struct Line {
    /// Who says it, and how much it matters. None: nobody hears it.
    heard: Option<(Arc<Allowance>, LineLevel)>,
    /// A mutex, as a guest may open the stream twice; never held across a wait.
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    /// What came since the last line's end.
    pending: Vec<u8>,
    /// The last whole lines, at most [`LAST_WORDS_BYTES_MAX`] of them.
    recent: VecDeque<String>,
    recent_bytes: usize,
    /// What was said in this call since a dump began; none: nothing began one.
    dump: Option<Dump>,
}

/// What a guest says where it gives up.
#[derive(Default)]
struct Dump {
    /// At most [`DUMP_LINES_MAX`].
    lines: Vec<String>,
    /// How many there were beside them.
    left: usize,
}

impl Dump {
    /// Whether another line is heard: the beginning of a dump is.
    fn admits(&mut self, line: &str) -> bool {
        let fits = self.lines.len() < DUMP_LINES_MAX;
        match fits {
            true => self.lines.push(line.to_owned()),
            false => self.left = self.left.saturating_add(1),
        }
        fits
    }

    fn text(self) -> String {
        let left = (self.left > 0).then(|| format!("… {} more lines", self.left));
        self.lines.into_iter().chain(left).collect::<Vec<_>>().join("\n")
    }
}

impl Output {
    fn new(heard: Option<(Arc<Allowance>, LineLevel)>) -> Self {
        Self(Arc::new(Line { heard, said: Mutex::default() }))
    }
}

impl Line {
    fn take(&self, bytes: &[u8]) {
        let mut said = self.lock();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE_BYTES_MAX.saturating_sub(said.pending.len());
            said.pending.extend_from_slice(piece.get(..room.min(piece.len())).unwrap_or_default());
            if piece.ends_with(b"\n") || said.pending.len() >= LINE_BYTES_MAX {
                self.say(&mut said);
            }
        }
    }

    fn say(&self, said: &mut Said) {
        let text = String::from_utf8_lossy(&said.pending);
        let text = text.trim_end();
        // Rust's advice about a variable that nobody can set here would only mislead.
        let is_said = !text.is_empty() && !text.starts_with("note: run with `RUST_BACKTRACE");
        if !is_said {
            said.pending.clear();
            return;
        }
        if said.dump.is_none() && DUMPS.iter().any(|begins| text.starts_with(begins)) {
            said.dump = Some(Dump::default());
        }
        let is_heard = match (&mut said.dump, &self.heard) {
            (Some(dump), _) => dump.admits(text),
            (None, Some((plugin, level))) => {
                log::say(plugin, *level, text);
                true
            }
            (None, None) => true,
        };
        if is_heard {
            let kept = text.get(..text.floor_char_boundary(LAST_WORDS_BYTES_MAX)).unwrap_or_default();
            said.remember(kept.to_owned());
        }
        said.pending.clear();
    }

    /// Says what nobody took of a dump, in one piece.
    fn end_dump(&self, said: &mut Said) {
        if let (Some(dump), Some((plugin, level))) = (said.dump.take(), &self.heard) {
            log::say(plugin, *level, &dump.text());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Said {
    fn remember(&mut self, line: String) {
        self.recent_bytes = self.recent_bytes.saturating_add(line.len());
        self.recent.push_back(line);
        while self.recent_bytes > LAST_WORDS_BYTES_MAX
            && let Some(oldest) = self.recent.pop_front()
        {
            self.recent_bytes = self.recent_bytes.saturating_sub(oldest.len());
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut rest = std::mem::take(self.said.get_mut().unwrap_or_else(PoisonError::into_inner));
        self.say(&mut rest);
        self.end_dump(&mut rest);
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
    use crate::plugin::openings::Folder;

    #[test]
    fn a_folder_that_is_gone_is_named() {
        let folder = Folder { path: "/nowhere/at/all".into(), seen_as: "/data".into(), write: false };
        let openings = Openings { folders: vec![folder], ..Openings::default() };
        let error = opened(&openings).err().expect("an error").to_string();
        assert!(error.starts_with("the folder /nowhere/at/all cannot be opened: "), "{error}");
    }

    #[test]
    fn a_line_without_end_stays_bounded() {
        let output = Output::new(None);
        output.0.take(&[b'a'; 3 * LINE_BYTES_MAX]);
        output.0.take(b"b\nc");
        let said = output.0.lock();
        assert_eq!(said.pending, b"c");
        assert!(said.recent.iter().map(String::len).sum::<usize>() <= LAST_WORDS_BYTES_MAX);
    }

    #[test]
    fn the_last_lines_are_kept_until_the_next_call() {
        let output = Output::new(None);
        (0..2_000).for_each(|n| output.0.take(format!("line {n}\n").as_bytes()));
        output.0.take(b"note: run with `RUST_BACKTRACE=1` environment variable\n");
        let words = LastWords(Arc::clone(&output.0));
        let bytes: usize = words.lines().iter().map(String::len).sum();
        assert!(bytes <= LAST_WORDS_BYTES_MAX && bytes > LAST_WORDS_BYTES_MAX - 20, "{bytes}");
        assert_eq!(words.lines().last().map(String::as_str), Some("line 1999"));
        words.forget();
        assert!(words.lines().is_empty());
    }

    #[test]
    fn of_a_dump_the_beginning_is_kept() {
        let output = Output::new(None);
        output.0.take(b"working\nfatal error: out of memory\n\n");
        (0..200).for_each(|n| output.0.take(format!("goroutine {n}\n").as_bytes()));
        let words = LastWords(Arc::clone(&output.0));
        let lines = words.lines();
        assert_eq!((lines[1].as_str(), lines[16].as_str()), ("fatal error: out of memory", "goroutine 14"));
        assert_eq!(lines.len(), 17);
        let dump = words.take_dump().expect("a dump");
        assert!(dump.starts_with("fatal error: out of memory\ngoroutine 0\n"), "{dump}");
        assert!(dump.ends_with("\ngoroutine 14\n… 185 more lines"), "{dump}");
        words.forget();
        output.0.take(b"goroutine\n");
        assert_eq!(words.lines(), ["goroutine"]);
    }
}
