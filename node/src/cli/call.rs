//! `call`: a request, and its answer on stdout.

use std::time::Duration;

use clap::Args;
use hive_client::types::V1;
use serde::Serialize;

use super::{Ask, exit::Fault, message::With, output};
use crate::units;

/// Ask on a channel and print the answer.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node call greet/hello '\"Ada\"'
  hive-node call images/thumbnail - < photo.jpg > small.jpg
  hive-node call --timeout 30s reports/yearly

Without an answer the reason is on stderr and the exit code is 1.")]
pub(super) struct Call {
    /// Where to ask.
    channel: String,
    /// The payload; `-` reads it from stdin, nothing is an empty one.
    data: Option<String>,
    /// How long to wait for the answer.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = units::duration)]
    timeout: Duration,
    #[command(flatten)]
    with: With,
    #[command(flatten)]
    ask: Ask,
}

/// `call --json`.
#[derive(Serialize)]
struct Answer {
    v: V1,
    #[serde(flatten)]
    message: hive_client::Message,
}

impl Call {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let message = self.with.message(self.data.as_deref())?;
        let answer = self.ask.client()?.call(&self.channel, &message, self.timeout).await?;
        if self.ask.json {
            return output::json(&Answer { v: V1, message: answer });
        }
        output::bytes(&with_line_end(answer))
    }
}

/// Text ends its line, so that the prompt does not follow it; other bytes stay as they are.
fn with_line_end(answer: hive_client::Message) -> Vec<u8> {
    let is_text = answer.text().is_some();
    let mut bytes = Vec::from(answer.payload);
    if is_text && !bytes.is_empty() && !bytes.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_its_line_and_bytes_do_not() {
        let check = |bytes: &[u8], want: &[u8]| assert_eq!(with_line_end(bytes.to_vec().into()), want);
        check(b"hello", b"hello\n");
        check(b"hello\n", b"hello\n");
        check(b"", b"");
        check(&[0xff], &[0xff]);
    }
}
