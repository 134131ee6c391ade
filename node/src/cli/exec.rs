//! `subscribe --exec`: a command as a handler. The payload is its stdin; a call is answered with its stdout.

use std::{process::Stdio, time::Duration};

use anyhow::Context;
use clap::builder::styling::AnsiColor;
use hive_client::{Event, Failure, Message, Subscription};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    time::timeout,
};

use super::{
    exit::{Fault, label},
    message::content_type,
};

/// Bytes of an answer; a node takes no more.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// A command that handles events.
pub(super) struct Exec<'a> {
    command: &'a str,
}

impl<'a> Exec<'a> {
    /// A command in the words of the shell.
    pub(super) fn new(command: &'a str) -> Self {
        Self { command }
    }

    /// Runs the command for an event and answers it, when it is a call.
    pub(super) async fn run(&self, event: Event, events: &mut Subscription) -> Result<(), Fault> {
        let Some(request) = event.request else {
            if let Err(failure) = self.outcome(event, None).await {
                label("warning", AnsiColor::Yellow, &failure);
            }
            return Ok(());
        };
        let time = Duration::from_millis(request.timeout_ms);
        let answer = self.outcome(event, Some(time)).await;
        if let Err(failure) = &answer {
            label("warning", AnsiColor::Yellow, failure);
        }
        Ok(events.answer(request, answer).await?)
    }

    /// With `time` stdout is the answer, and it is there in time or not at all.
    async fn outcome(&self, event: Event, time: Option<Duration>) -> Result<Message, Failure> {
        let done = match time {
            None => self.spawn(&event, None).map(|child| feed(child, event.message)),
            Some(limit) => self.spawn(&event, Some(limit)).map(|child| feed(child, event.message)),
        };
        let done = async { done?.await };
        let done = match time {
            None => done.await,
            Some(limit) => match timeout(limit, done).await {
                Ok(done) => done,
                Err(_) => Err(anyhow::anyhow!("it took longer than the caller waits")),
            },
        };
        done.map_err(|error| Failure::Failed(format!("`{}`: {error:#}", self.command)))
    }

    fn spawn(&self, event: &Event, time: Option<Duration>) -> anyhow::Result<Child> {
        let mut command = Command::new("sh");
        command.arg("-c").arg(self.command).stdin(Stdio::piped()).kill_on_drop(true);
        let message = &event.message;
        command
            .env("HIVE_CHANNEL", &event.channel)
            .env("HIVE_NETWORK", &event.network)
            .env("HIVE_ID", &event.id)
            .env("HIVE_ORIGIN", &event.origin)
            .env("HIVE_KEY", message.key.as_deref().unwrap_or_default())
            .env("HIVE_CONTENT_TYPE", message.content_type.as_deref().unwrap_or_default())
            .env_remove("HIVE_TIMEOUT_MS");
        if let Some(time) = time {
            command.stdout(Stdio::piped()).env("HIVE_TIMEOUT_MS", time.as_millis().to_string());
        }
        command.spawn().context("the shell cannot be started")
    }
}

/// Writes the payload, reads the answer (when stdout is ours) and waits for the end.
async fn feed(mut child: Child, message: Message) -> anyhow::Result<Message> {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let write = async {
        if let Some(mut stdin) = stdin {
            // A command need not read its input.
            let _ = stdin.write_all(&message.payload).await;
        }
    };
    let read = async {
        let mut answer = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut answer).await?;
        }
        anyhow::Ok(answer)
    };
    let ((), answer) = tokio::join!(write, read);
    let answer = answer.context("its output cannot be read")?;
    anyhow::ensure!(
        u64::try_from(answer.len()).is_ok_and(|length| length <= ANSWER_BYTES_MAX),
        "its output has more than {ANSWER_BYTES_MAX} bytes"
    );
    let status = child.wait().await.context("its end cannot be seen")?;
    anyhow::ensure!(status.success(), "it ended with {status}");
    Ok(answer_of(answer))
}

fn answer_of(mut output: Vec<u8>) -> Message {
    if output.ends_with(b"\n") && std::str::from_utf8(&output).is_ok() {
        output.pop();
    }
    let content_type = content_type(&output).map(Into::into);
    Message { payload: output.into(), content_type, ..Message::default() }
}
