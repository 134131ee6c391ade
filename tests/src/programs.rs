//! Programs that are no nodes, beside a test: real peers and servers, with what they print.
//!
//! What it owns: their output, line by line, and their end, whichever way a test goes. It must not know what they are.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::process::CommandExt as _,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::wait::{self, MOMENT};

/// A process beside a test, ended with what it forked when dropped.
pub struct Program {
    name: String,
    child: Child,
    /// Set once the process was seen to have ended.
    ended: Option<ExitStatus>,
    folder: tempfile::TempDir,
}

impl Program {
    /// Starts it. The name is what messages call it.
    ///
    /// # Errors
    /// When there is no such program.
    pub fn start(name: &str, mut command: Command) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hive-").tempdir()?;
        let output = |name: &str| File::create(folder.path().join(name));
        // What is printed is read while it runs.
        command.env("PYTHONUNBUFFERED", "1");
        command.stdin(Stdio::piped()).stdout(output("stdout")?).stderr(output("stderr")?);
        // What it forks ends with it.
        command.process_group(0);
        let child = command.spawn().with_context(|| format!("cannot start {name}: {command:?}"))?;
        Ok(Self { name: name.to_owned(), child, ended: None, folder })
    }

    /// Writes a line to its stdin.
    ///
    /// # Errors
    /// When it has ended.
    pub fn tell(&mut self, line: &str) -> Result<()> {
        let stdin = self.child.stdin.as_mut().context("its stdin is closed")?;
        writeln!(stdin, "{line}").and_then(|()| stdin.flush()).with_context(|| self.printed())
    }

    /// Waits until it has printed a text.
    ///
    /// # Errors
    /// When it never does: with all it printed.
    pub async fn says(&mut self, text: &str) -> Result<()> {
        let what = format!("{} to say `{text}`", self.name);
        wait::until(&what, MOMENT, async || {
            // Asked first, so that what an ended program said last is still read.
            let ended = self.poll().is_some();
            match self.stdout().contains(text) || self.stderr().contains(text) {
                true => Some(Ok(())),
                false if ended => Some(Err(anyhow!("{} ended without saying `{text}`", self.name))),
                false => None,
            }
        })
        .await
        .and_then(|said| said)
        .with_context(|| self.printed())
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn ends(&mut self) -> Result<ExitStatus> {
        self.ends_within(MOMENT).await
    }

    /// The same, for what takes its time.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn ends_within(&mut self, within: Duration) -> Result<ExitStatus> {
        let what = format!("{} to end", self.name);
        wait::until(&what, within, async || self.poll()).await.with_context(|| self.printed())
    }

    /// Asks it to end (SIGTERM) and waits until it does.
    ///
    /// # Errors
    /// When it does not.
    pub async fn stop(&mut self) -> Result<ExitStatus> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("the id of a process")?, Signal::TERM)?;
        self.ends().await
    }

    /// Ends it at once (SIGKILL).
    ///
    /// # Errors
    /// When it does not end even so.
    pub async fn kill(&mut self) -> Result<()> {
        self.kill_group();
        self.ends().await?;
        Ok(())
    }

    /// Stops it in the middle of whatever it does (SIGSTOP), or lets it go on.
    ///
    /// # Errors
    /// When it has ended.
    pub fn freeze(&self, frozen: bool) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        Ok(kill_process(
            pid.context("the id of a process")?,
            if frozen { Signal::STOP } else { Signal::CONT },
        )?)
    }

    /// What it printed to stdout so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.output("stdout")
    }

    /// What it printed to stderr so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.output("stderr")
    }

    /// What it printed so far.
    #[must_use]
    pub fn printed(&self) -> String {
        format!("{} printed:\n{}{}", self.name, self.stdout(), self.stderr())
    }

    /// What it forked may be there when it is gone.
    fn kill_group(&self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // Gone already, or never reachable: nothing is left to do about either.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    fn poll(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    fn output(&self, name: &str) -> String {
        let bytes = fs::read(self.folder.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill_group();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("---- {}", self.printed());
        }
    }
}
