//! `call`: a request, and its answer on stdout; with `--all` a line for each.

use std::time::Duration;

use clap::{Args, builder::styling::AnsiColor};
use hive_client::types::{Gathered, V1};
use serde::Serialize;

use super::{
    Ask,
    exit::{Fault, label},
    message::With,
    output, value,
};
use crate::units;

/// Ask on a channel and print the answer.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node call greet/hello '\"Ada\"'
  hive-node call images/thumbnail - < photo.jpg > small.png
  hive-node call --timeout 30s reports/yearly
  hive-node call --all inventory/count      a line for each responder: its node, a space, its answer

Without an answer the reason is on stderr and the exit code is 1; with --all also when somebody
failed or had not answered in time.")]
pub(super) struct Call {
    /// Where to ask.
    channel: String,
    /// The payload; `-` reads it from stdin, nothing is an empty one.
    data: Option<String>,
    /// How long to wait for the answer.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = units::duration)]
    timeout: Duration,
    /// Ask everybody who answers there, and print all answers.
    #[arg(long)]
    all: bool,
    /// Ask everybody who answers there, and print the first good answer.
    #[arg(long, conflicts_with = "all")]
    first: bool,
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
        let client = self.ask.client()?;
        if self.all {
            let gathered = client.call_all(&self.channel, &message, self.timeout).await?;
            return self.all_answers(gathered);
        }
        let answer = match self.first {
            true => client.call_first(&self.channel, &message, self.timeout).await?,
            false => client.call(&self.channel, &message, self.timeout).await?,
        };
        if self.ask.json {
            return output::json(&Answer { v: V1, message: answer });
        }
        output::bytes(&with_line_end(answer))
    }

    fn all_answers(&self, gathered: Gathered) -> Result<(), Fault> {
        let failed = gathered.answers.iter().filter(|answer| answer.error.is_some()).count();
        let (asked, missing) = (gathered.answers.len() + gathered.missing.len(), gathered.missing.len());
        if self.ask.json {
            output::json(&gathered)?;
        } else {
            for answer in &gathered.answers {
                let name = &answer.responder.name;
                match (&answer.message, &answer.error) {
                    (Some(message), _) => {
                        let text = value::for_people(message);
                        output::line(&format!("{name} {}", output::one_line(&text)))?;
                    }
                    (None, Some(error)) => {
                        label(
                            "warning",
                            AnsiColor::Yellow,
                            &format!("{name}: {} ({})", error.message, error.code),
                        );
                    }
                    (None, None) => {}
                }
            }
            for responder in &gathered.missing {
                label("warning", AnsiColor::Yellow, &format!("{} did not answer in time", responder.name));
            }
        }
        match failed + missing {
            0 => Ok(()),
            bad => Err(Fault::no(format!(
                "{bad} of {} gave no answer",
                output::count(asked as u64, "responder")
            ))),
        }
    }
}

/// Text ends its line, so that the prompt does not follow it; other bytes stay as they are.
fn with_line_end(answer: hive_client::Message) -> Vec<u8> {
    // Programs that want the CBOR itself ask for --json.
    let cbor = value::of_cbor(&answer);
    let is_text = cbor.is_some() || answer.text().is_some();
    let mut bytes = cbor.map_or_else(|| Vec::from(answer.payload), String::into_bytes);
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
