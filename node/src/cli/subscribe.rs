//! `subscribe` (alias `echo`): events as lines, or as runs of a command.
//!
//! A line is `CHANNEL PAYLOAD`: the channel (with its network in front when that is not the home network), one space,
//! and the payload on one line: JSON without its line ends, CBOR as JSON, other text with them escaped, bytes as `<17 bytes>`.
//! Under the line of a dead letter (`$dead/NAME`) is a second one, which begins with two spaces as no channel does:
//! `  CHANNEL: REASON (2 attempts, letter 7, event ID)`, where the event was, why it died, and its number for `replay NAME`.
//! Of a reason it has the first line.

use std::time::{Duration, SystemTime};

use clap::{Args, builder::styling::AnsiColor};
use hive_client::{Event, Incoming, Subscription, Terms};
use tokio::time::{Instant, timeout_at};

use super::{
    Ask, Voice,
    exec::Exec,
    exit::{Fault, label},
    output, value,
};
use crate::units;

/// Print events as they come, or run a command for each.
#[derive(Debug, Args)]
#[command(
    visible_alias = "echo",
    after_help = "\
Examples:
  hive-node subscribe 'orders/**'
  hive-node subscribe orders/new --count 1 --timeout 10s --json
  hive-node subscribe 'orders/**' --group billing        shares the events with others of the group
  hive-node subscribe 'orders/**' --since 1h             what durable channels carried, and on
  hive-node subscribe 'orders/**' --durable audit        the same from where `audit` left off
  hive-node subscribe shell/upper --exec 'tr a-z A-Z'    answers `hive-node call shell/upper hello`
  hive-node subscribe '$dead/**'                         what no handler could handle, and why

In a pattern `*` is one segment and `**` any number. A line is the channel, a space, the payload.
Under that of a dead letter stands, two spaces in, the channel it was on, why nobody handled it,
after how many attempts, and the number by which `replay` knows it.
With --exec the payload is the command's stdin; a call is answered with its stdout (without the
last line end), and fails when it ends with another status than 0. $HIVE_CHANNEL, $HIVE_NETWORK,
$HIVE_ID, $HIVE_ORIGIN, $HIVE_KEY, $HIVE_CONTENT_TYPE and, for a call, $HIVE_TIMEOUT_MS say more.

With --group and --durable an event counts as handled when the next one is asked for; what a
member that goes had in hand is given to another. In an open network members on other nodes are
given nothing unless the publisher's configuration says so:
channels: [{pattern: 'orders/**', group: ['*']}]
It ends with its node, with exit code 3."
)]
pub(super) struct Subscribe {
    /// What to listen to.
    #[arg(required = true, value_name = "PATTERN")]
    patterns: Vec<String>,
    /// End after so many events.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End after so much time; with --count, exit with 1 when fewer events came.
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    timeout: Option<Duration>,
    /// Run this for each event, one after the other, and answer calls with it.
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,
    /// Be a member of this group: of its members, on any node, one gets each event.
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
    /// Begin with what durable channels carried since so long ago (`1h`), or with `all` that is kept.
    #[arg(long, value_name = "TIME", conflicts_with = "group")]
    since: Option<Since>,
    /// Read durable channels under this name: begin where it left off on this node, at least once each.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["group", "since"])]
    durable: Option<String>,
    #[command(flatten)]
    ask: Ask,
}

/// Where to begin in the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    All,
    Ago(Duration),
}

impl std::str::FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            text => units::duration(text).map(Self::Ago).map_err(|error| format!("{error}, or `all`")),
        }
    }
}

impl Since {
    /// Milliseconds since the Unix epoch; 0 is everything.
    fn unix_ms(self) -> u64 {
        match self {
            Self::All => 0,
            Self::Ago(ago) => {
                let then = SystemTime::now().checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH);
                let since = then.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX).max(1)
            }
        }
    }
}

impl Subscribe {
    /// What there is to say where somebody asks for the past of what has none.
    fn nothing_of_the_past(&self) -> Option<String> {
        let pattern = self.patterns.iter().find(|pattern| pattern.starts_with('$'))?;
        (self.since.is_some() || self.durable.is_some()).then(|| {
            let letters = format!("`{} replay PLUGIN` lists dead letters", output::program());
            format!("of `{pattern}` only what comes from now on: `$` channels are never durable; {letters}")
        })
    }

    pub(super) async fn run(self, voice: &Voice) -> Result<(), Fault> {
        let client = self.ask.client()?;
        let home = client.status().await?.networks.into_iter().find(|network| network.home);
        let home = home.map(|network| network.name).unwrap_or_default();
        let since_ms = self.since.map(Since::unix_ms);
        let terms = Terms {
            answers: self.exec.is_some(),
            group: self.group.clone(),
            since_ms,
            durable: self.durable.clone(),
        };
        let mut events = client.subscribe(&self.patterns, terms).await?;
        output::note(voice, &format!("subscribed to {}", self.patterns.join(" ")));
        if let Some(note) = self.nothing_of_the_past() {
            output::note(voice, &note);
        }
        let exec = self.exec.as_deref().map(Exec::new);
        let deadline = self.timeout.map(|timeout| Instant::now() + timeout);
        let mut left = self.count;
        while left != Some(0) {
            let Some(event) = next(&mut events, deadline, voice).await? else {
                return end_of_time(left);
            };
            match &exec {
                Some(exec) => exec.run(event, &mut events).await?,
                None if self.ask.json => output::json(&event)?,
                None => {
                    output::line(&line(&event, &home))?;
                    story(&event).map_or(Ok(()), |story| output::line(&story))?;
                }
            }
            left = left.map(|left| left.saturating_sub(1));
        }
        events.close().await;
        Ok(())
    }
}

/// The next event; none: the time is over.
async fn next(
    events: &mut Subscription,
    deadline: Option<Instant>,
    voice: &Voice,
) -> Result<Option<Event>, Fault> {
    loop {
        let incoming = match deadline {
            None => events.next().await,
            Some(deadline) => match timeout_at(deadline, events.next()).await {
                Ok(incoming) => incoming,
                Err(_) => return Ok(None),
            },
        };
        match incoming? {
            Some(Incoming::Event(event)) => return Ok(Some(event)),
            Some(Incoming::Missed(count)) if !voice.quiet => {
                let events = output::count(count, "event");
                label("warning", AnsiColor::Yellow, &format!("{events} missed: this reader was too slow"));
            }
            Some(Incoming::Missed(_)) => {}
            None => {
                let fault = Fault::no_node(anyhow::anyhow!("the node has left"));
                return Err(
                    fault.hint("a subscription ends with its node; with --durable NAME the next one goes on")
                );
            }
        }
    }
}

fn end_of_time(left: Option<u64>) -> Result<(), Fault> {
    match left {
        None => Ok(()),
        Some(left) => Err(Fault::no(format!("{} did not come in time", output::count(left, "event")))),
    }
}

fn line(event: &Event, home: &str) -> String {
    let style = AnsiColor::Cyan.on_default();
    let network = if event.network == home { String::new() } else { format!("{}/", event.network) };
    format!("{style}{network}{}{style:#} {}", event.channel, value::on_one_line(&event.message))
}

/// The second line of a dead letter: where the event was, and why it died.
fn story(event: &Event) -> Option<String> {
    if !event.channel.starts_with("$dead/") {
        return None;
    }
    // What died twice has two stories; the node's own word is the last.
    let headers = || event.message.headers.iter().rev();
    let header = |name: &str| headers().find(|(of, _)| of == name).map(|(_, value)| output::one_line(value));
    let (channel, reason) = (header("hive-channel")?, headers().find(|(of, _)| of == "hive-reason")?);
    let attempts = header("hive-attempts").map(|count| match count.parse() {
        Ok(count) => output::count(count, "attempt"),
        Err(_) => format!("{count} attempts"),
    });
    let letter = header("hive-letter").map(|number| format!("letter {number}"));
    let id = header("hive-id").map(|id| format!("event {id}"));
    let all: Vec<String> = [attempts, letter, id].into_iter().flatten().collect();
    let all = if all.is_empty() { String::new() } else { format!(" ({})", all.join(", ")) };
    Some(format!("  {channel}: {}{all}", output::first_line(&reason.1)))
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches as _;
    use hive_client::types::V1;

    use super::*;

    fn event(network: &str, payload: &[u8]) -> Event {
        Event {
            v: V1,
            id: "1".into(),
            channel: "a/b".into(),
            network: network.into(),
            origin: "1".into(),
            time_ms: 0,
            attempt: 1,
            depth: 0,
            retained: false,
            request: None,
            ticket: None,
            message: payload.to_vec().into(),
        }
    }

    #[test]
    fn an_event_is_one_line() {
        let check = |network: &str, payload: &[u8], want: &str| {
            let shown = anstream::adapter::strip_str(&line(&event(network, payload), "hive")).to_string();
            assert_eq!(shown, want);
        };
        check("hive", b"hello", "a/b hello");
        check("other", b"hello", "other/a/b hello");
        check(
            "hive",
            b"{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": \"x y\"\n}\n",
            r#"a/b {"a": [1, 2], "b": "x y"}"#,
        );
        check("hive", b"two\nlines \x1b[31m", "a/b <15 bytes>");
        check("hive", b"two\nlines", r"a/b two\nlines");
        check("hive", &[0xff, 0], "a/b <2 bytes>");
        check("hive", b"", "a/b ");
    }

    #[test]
    fn who_asks_for_the_past_of_what_has_none_is_told() {
        let told = |args: &[&str]| {
            let command = Subscribe::augment_args(clap::Command::new("subscribe"));
            let matches = command.try_get_matches_from([&["subscribe"], args].concat()).expect("its flags");
            Subscribe::from_arg_matches(&matches).expect("its flags").nothing_of_the_past()
        };
        assert!(
            told(&["a/*", "$dead/**", "--since", "1h"])
                .is_some_and(|said| said.contains("of `$dead/**` only"))
        );
        assert!(told(&["$dead/**", "--durable", "audit"]).is_some());
        assert_eq!(told(&["$dead/**"]), None);
        assert_eq!(told(&["a/**", "--since", "1h"]), None);
    }

    #[test]
    fn a_dead_letter_has_its_story_under_it() {
        let check = |channel: &str, headers: &[(&str, &str)], want: Option<&str>| {
            let mut event = Event { channel: channel.into(), ..event("hive", b"7") };
            event.message.headers =
                headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            assert_eq!(story(&event).as_deref(), want);
        };
        let died = [("hive-reason", "rejected: no"), ("hive-channel", "a/b"), ("hive-attempts", "1")];
        check("$dead/x", &died, Some("  a/b: rejected: no (1 attempt)"));
        check("a/b", &died, None);
        check("$dead/x", &[("hive-attempts", "1")], None);
        let again =
            [&died[..], &[("hive-reason", "failed\nstack\x1b"), ("hive-channel", "$dead/x")]].concat();
        let again =
            [&again[..], &[("hive-attempts", "5"), ("hive-letter", "3"), ("hive-id", "07-1-9")]].concat();
        check("$dead/y", &again, Some("  $dead/x: failed … (5 attempts, letter 3, event 07-1-9)"));
        check("$dead/b", &[("hive-reason", "no"), ("hive-channel", "odd\n")], Some(r"  odd\n: no"));
    }
}
