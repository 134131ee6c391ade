//! `publish`: one event, or many of the same.

use std::time::{Duration, Instant};

use clap::Args;
use hive_client::Message;

use super::{Ask, Voice, coming, exit::Fault, message::With, output};
use crate::units;

/// Publish an event.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node publish orders/new '{\"id\":7}'
  date | hive-node publish clock/now -
  hive-node publish --count 100000 load/test x
  hive-node publish --retain room/1/temperature 21.5    new subscribers get it first
  hive-node publish --clear room/1/temperature
  hive-node publish --cbor sensor/3 '{\"celsius\":21.5}'    sent as CBOR
  hive-node publish --expires 5s door/open              whoever is slower than that need not know

A channel of one segment (`orders`) never leaves the node; one of two or more (`orders/new`) reaches
every node of the home network that subscribes; `my-hive/orders/new` goes to the network `my-hive`.

Subscribers here are plugins, bridges and each `subscribe` of yours; a group is one, and so is a
peer, whoever wants it there.")]
pub(super) struct Publish {
    /// Where to: 1 to 32 segments joined by `/`.
    channel: String,
    /// The payload; `-` reads it from stdin, nothing is an empty one.
    data: Option<String>,
    /// Keep it as the channel's last value, on every node: whoever subscribes later gets it first.
    #[arg(long, conflicts_with = "count")]
    retain: bool,
    /// Forget the channel's last value.
    #[arg(long, conflicts_with_all = ["count", "retain", "data"])]
    clear: bool,
    /// Drop it, wherever it is, so long after it is published: nobody wants it any more then.
    #[arg(long, value_name = "TIME", value_parser = units::duration, conflicts_with = "clear")]
    expires: Option<Duration>,
    /// Publish it so many times, as fast as the node takes it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    #[command(flatten)]
    with: With,
    #[command(flatten)]
    ask: Ask,
}

impl Publish {
    pub(super) async fn run(self, voice: &Voice) -> Result<(), Fault> {
        match self.count {
            None => self.one(voice).await,
            Some(count) => self.many(count, voice).await,
        }
    }

    fn message(&self) -> Result<Message, Fault> {
        let message = self.with.message(self.data.as_deref())?;
        Ok(self.expires.into_iter().fold(message, Message::expiring))
    }

    async fn one(self, voice: &Voice) -> Result<(), Fault> {
        let client = self.ask.client()?;
        let message = self.message()?;
        let receipt = match (self.retain, self.clear) {
            (true, _) => client.retain(&self.channel, &message).await?,
            (_, true) => client.clear(&self.channel).await?,
            _ => client.publish(&self.channel, &message).await?,
        };
        if self.ask.json {
            return output::json(&receipt);
        }
        let done = match (self.retain, self.clear, receipt.durable) {
            (true, ..) => "kept; ",
            (_, true, _) => "cleared; ",
            (_, _, true) => "on disk; ",
            _ => "",
        };
        let told = match (receipt.durable, receipt.local, receipt.peers) {
            (true, 0, 0) => "groups and durable readers get it from there".into(),
            (false, 0, 0) if receipt.denied > 0 => "accepted".into(),
            (_, local, peers) => reached(local, peers),
        };
        // Whoever wants it may be at another node.
        let is_in_vain = told == NOBODY && !self.retain && !self.clear;
        let asked = is_in_vain.then(|| coming::others_than(self.ask.node.as_deref())).flatten();
        let asked = receipt.hint.or(asked).map(|asked| format!("; {asked}")).unwrap_or_default();
        output::note(voice, &format!("{done}{told}{}{asked}", self.kept_from(receipt.denied)));
        Ok(())
    }

    /// Whom the node's rules keep it from.
    fn kept_from(&self, groups: u64) -> String {
        if groups == 0 {
            return String::new();
        }
        let (what, channel) = (output::count(groups, "group"), &self.channel);
        format!(
            "; {what} with members on other nodes alone got nothing: in an open network that needs a rule, such as \
             `channels: [{{pattern: '{channel}', group: ['*']}}]`"
        )
    }

    async fn many(self, count: u64, voice: &Voice) -> Result<(), Fault> {
        let message = self.message()?;
        let mut publisher = self.ask.client()?.publisher().await?;
        let start = Instant::now();
        for _ in 0..count {
            publisher.publish(&self.channel, &message).await?;
        }
        let done = publisher.finish().await?;
        if self.ask.json {
            return output::json(&done);
        }
        let (time, rate) = (start.elapsed(), output::rate(count, start.elapsed()));
        let events = output::count(count, "event");
        output::note(
            voice,
            &format!("{events} in {:.2} s, {rate}; {}", time.as_secs_f64(), reached(done.local, done.peers)),
        );
        Ok(())
    }
}

const NOBODY: &str = "accepted; nobody is subscribed to it now";

/// Who got it, in copies.
fn reached(local: u64, peers: u64) -> String {
    match (local, peers) {
        (0, 0) => NOBODY.into(),
        (local, 0) => format!("accepted for {} here", output::count(local, "subscriber")),
        (0, peers) => format!("accepted for {}", output::count(peers, "peer")),
        (local, peers) => {
            format!(
                "accepted for {} here and {}",
                output::count(local, "subscriber"),
                output::count(peers, "peer")
            )
        }
    }
}
