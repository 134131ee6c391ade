//! `replay`: the dead letters of a plugin, and having them handled again.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
    ops::RangeInclusive,
    slice,
    time::Duration,
};

use clap::Args;
use hive_client::{
    Client,
    types::{DeadLetter, DeadLetters, Replay as Done, ReplayOutcome, Replayed, UnreadableLetter},
};

use super::{Ask, Voice, exit::Fault, output, plugins::unknown};
use crate::units;

/// Characters of a reason in a list: enough for what happened and where.
const REASON_CHARS_MAX: usize = 160;

/// Show a plugin's dead letters, and have them handled again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node replay billing                 what it could not handle, and why
  hive-node replay billing 3 7 --dry-run   all about two of them, with what was published
  hive-node replay billing 3 7             has them handled again
  hive-node replay billing 1-6 9           those of a range that are there, and one more
  hive-node replay billing --all
  hive-node replay billing 3 --drop        lets one go

Only the plugin gets a letter again, and has one try; of a group it is one member. What is handled
is gone, what dies again stays. A plugin has 1,000 letters and 32 MiB of them at most; the oldest go
first.")]
pub(super) struct Replay {
    /// The plugin whose letters they are; or a group, for those with which its members went.
    plugin: String,
    /// Which letters, by number: `7`, or all that are there from one to another: `1-6`.
    #[arg(conflicts_with = "all", value_parser = numbers)]
    letters: Vec<RangeInclusive<u64>>,
    /// All of them.
    #[arg(long)]
    all: bool,
    /// Show them and do nothing; so it is also when no letters are named.
    #[arg(long, conflicts_with_all = ["drop", "dry_run"])]
    list: bool,
    /// Show all about each that would be handled again, or dropped, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Let them go.
    #[arg(long)]
    drop: bool,
    /// How long to wait for what becomes of them.
    #[arg(long, value_name = "DURATION", value_parser = units::duration, default_value = "20s")]
    timeout: Duration,
    #[command(flatten)]
    ask: Ask,
}

impl Replay {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let named = self.all || !self.letters.is_empty();
        if self.drop && !named {
            return Err(
                Fault::usage("which letters are to be dropped?").hint("name their numbers, or say --all")
            );
        }
        match (self.list || !named, self.dry_run) {
            (true, false) => self.list().await,
            (_, true) => self.show().await,
            (false, false) => self.act().await,
        }
    }

    async fn list(&self) -> Result<(), Fault> {
        let client = self.ask.client()?;
        let mut letters = self.letters(&client).await?;
        letters.letters.retain(|letter| self.is_named(letter.letter));
        letters.unreadable.retain(|letter| self.is_named(letter.letter));
        if self.ask.json {
            return output::json(&letters);
        }
        if letters.letters.is_empty() && letters.unreadable.is_empty() {
            return self.say_none(&letters);
        }
        let head = ["NUMBER", "DIED", "ATTEMPTS", "CHANNEL", "BYTES", "REASON"];
        let mut rows = vec![head.map(String::from).to_vec()];
        rows.extend(in_order(&letters));
        output::bytes(output::table(&rows).as_bytes())?;
        say_gone(&letters);
        Ok(())
    }

    /// Those that there are. That there are none is an answer of a plugin that is here, or of a group that had some; a name
    /// that nobody has is likely a typo.
    async fn letters(&self, client: &Client) -> Result<DeadLetters, Fault> {
        let letters = client.dead_letters(&self.plugin, None).await?;
        if letters.last == 0 && letters.let_go == 0 {
            let known = client.plugins().await?;
            if known.plugins.iter().all(|known| known.name != self.plugin) {
                return Err(unknown(&self.plugin, &known, ", and no dead letters are kept under that name"));
            }
        }
        Ok(letters)
    }

    fn say_none(&self, letters: &DeadLetters) -> Result<(), Fault> {
        if letters.kept > 0 {
            return Err(Fault::no(missing(&self.plugin, &self.letters)));
        }
        output::note(&Voice::default(), &format!("`{}` has no dead letters", self.plugin));
        say_gone(letters);
        Ok(())
    }

    /// All about each letter, a document each.
    async fn show(&self) -> Result<(), Fault> {
        let client = self.ask.client()?;
        let all = self.letters(&client).await?;
        let readable = all.letters.iter().map(|letter| letter.letter);
        let meant: Vec<u64> = readable.filter(|letter| self.is_named(*letter)).collect();
        for letter in &meant {
            let one = client.dead_letters(&self.plugin, Some(*letter)).await?;
            match self.ask.json {
                true => output::json(&one)?,
                false => one.letters.iter().try_for_each(|letter| output::bytes(text(letter).as_bytes()))?,
            }
        }
        let unreadable: Vec<_> = all.unreadable.iter().filter(|one| self.is_named(one.letter)).collect();
        unreadable.iter().for_each(|one| output::note(&Voice::default(), &one.reason));
        let there: Vec<u64> = meant.into_iter().chain(unreadable.iter().map(|one| one.letter)).collect();
        let problems = self.letters.iter().filter(|range| !there.iter().any(|letter| range.contains(letter)));
        let problems: Vec<_> = problems.map(|range| missing(&self.plugin, slice::from_ref(range))).collect();
        if problems.is_empty() { Ok(()) } else { Err(Fault::no(problems.join("\n"))) }
    }

    fn is_named(&self, letter: u64) -> bool {
        self.letters.is_empty() || self.letters.iter().any(|range| range.contains(&letter))
    }

    /// The numbers that are meant; of a range those that are there.
    async fn named(&self, client: &Client) -> Result<Vec<u64>, Fault> {
        let is_one = |range: &RangeInclusive<u64>| range.start() == range.end();
        if self.letters.iter().all(is_one) {
            return Ok(self.letters.iter().map(|range| *range.start()).collect());
        }
        let all = client.dead_letters(&self.plugin, None).await?;
        let readable = all.letters.iter().map(|letter| letter.letter);
        let there: BTreeSet<u64> = readable.chain(all.unreadable.iter().map(|one| one.letter)).collect();
        let mut named = BTreeSet::new();
        for range in &self.letters {
            let in_range = there.range(range.clone());
            match in_range.clone().next() {
                Some(_) => named.extend(in_range),
                None if is_one(range) => drop(named.insert(*range.start())),
                None => {
                    let fault = Fault::no(missing(&self.plugin, slice::from_ref(range)));
                    return Err(fault.hint(format!("`replay {}` lists those that it has", self.plugin)));
                }
            }
        }
        Ok(named.into_iter().collect())
    }

    async fn act(&self) -> Result<(), Fault> {
        let client = self.ask.client()?;
        let named = self.named(&client).await?;
        let letters = (!self.all).then_some(named.as_slice());
        let done = match self.drop {
            true => client.drop_letters(&self.plugin, letters).await?,
            false => client.replay(&self.plugin, letters, self.timeout).await?,
        };
        match self.ask.json {
            true => output::json(&done)?,
            false if done.letters.is_empty() => {
                output::note(&Voice::default(), &format!("`{}` has no dead letters", self.plugin));
            }
            false => done.letters.iter().try_for_each(|letter| output::line(&said(letter)))?,
        }
        bad(&done, self.drop)
    }
}

/// One number, or a range of them.
fn numbers(text: &str) -> Result<RangeInclusive<u64>, String> {
    let number = |text: &str| {
        let wrong = |_| "expected the number of a letter, such as `7`, or a range of them, such as `1-6`";
        text.parse::<u64>().map_err(wrong)
    };
    let Some((first, last)) = text.split_once('-') else { return Ok(number(text).map(|one| one..=one)?) };
    let (first, last) = (number(first)?, number(last)?);
    match first <= last {
        true => Ok(first..=last),
        false => Err(format!("a range begins with the lower number: `{last}-{first}`")),
    }
}

/// What is said of numbers that no letter has.
fn missing(plugin: &str, numbers: &[RangeInclusive<u64>]) -> String {
    let text = |range: &RangeInclusive<u64>| match (range.start(), range.end()) {
        (one, other) if one == other => one.to_string(),
        (first, last) => format!("{first}-{last}"),
    };
    format!("`{plugin}` has no dead letter {}", numbers.iter().map(text).collect::<Vec<_>>().join(", "))
}

fn row(letter: &DeadLetter) -> Vec<String> {
    vec![
        letter.letter.to_string(),
        ago(letter.died_ms),
        letter.attempts.to_string(),
        letter.channel.clone(),
        output::size(letter.payload_bytes),
        cut(output::first_line(&letter.reason)),
    ]
}

/// A reason as far as a row has it; `--dry-run` shows the whole.
fn cut(reason: String) -> String {
    match reason.char_indices().nth(REASON_CHARS_MAX) {
        Some((at, _)) => format!("{}…", reason.get(..at).unwrap_or_default().trim_end()),
        None => reason,
    }
}

/// Those that can be read and those that cannot, oldest first.
fn in_order(letters: &DeadLetters) -> impl Iterator<Item = Vec<String>> {
    let unreadable = letters.unreadable.iter().map(|UnreadableLetter { letter, reason }| {
        let unknown = || "-".to_owned();
        let rest = [unknown(), unknown(), unknown(), unknown(), output::first_line(reason)];
        (*letter, iter::once(letter.to_string()).chain(rest).collect())
    });
    let all: BTreeMap<u64, _> =
        letters.letters.iter().map(|letter| (letter.letter, row(letter))).chain(unreadable).collect();
    all.into_values()
}

fn ago(unix_ms: u64) -> String {
    format!("{} ago", output::span(output::age_ms(unix_ms)))
}

fn text(letter: &DeadLetter) -> String {
    let row = |name: &str, text: &str| vec![name.to_owned(), output::one_line(text).into_owned()];
    let mut rows = vec![row("letter", &letter.letter.to_string()), row("died", &ago(letter.died_ms))];
    // A stack is read line by line.
    let reason = letter.reason.lines().enumerate();
    rows.extend(reason.map(|(at, line)| row(if at == 0 { "reason" } else { "" }, line)));
    rows.extend([
        row("attempts", &letter.attempts.to_string()),
        row("channel", &format!("{} of {}", letter.channel, letter.network)),
        row("event", &letter.id),
    ]);
    rows.extend(letter.group.iter().map(|group| row("group", group)));
    rows.extend(letter.last_words.lines().map(|line| row("stderr", line)));
    if let Some(event) = &letter.event {
        let payload = event.message.text().map_or_else(
            || format!("{} that are no text", output::count(letter.payload_bytes, "byte")),
            Into::into,
        );
        rows.push(row("payload", &payload));
    }
    format!("{}\n", output::table(&rows))
}

fn said(letter: &Replayed) -> String {
    let what = match letter.outcome {
        ReplayOutcome::Handled => "handled",
        ReplayOutcome::DiedAgain => "died again",
        ReplayOutcome::AtWork => "is still being handled",
        ReplayOutcome::Dropped => "dropped",
        ReplayOutcome::Refused => "stays",
        ReplayOutcome::Missing => "is not there",
        ReplayOutcome::Unknown => "unknown",
    };
    let reason = letter.reason.as_ref().map(|reason| format!(": {}", output::first_line(reason)));
    format!("{} {what}{}", letter.letter, reason.unwrap_or_default())
}

/// The answer is no when one is not handled, or not dropped.
fn bad(done: &Done, is_drop: bool) -> Result<(), Fault> {
    let is_missing = |letter: &&Replayed| letter.outcome == ReplayOutcome::Missing;
    let (absent, there): (Vec<_>, Vec<_>) = done.letters.iter().partition(is_missing);
    let is_bad =
        |letter: &&&Replayed| !matches!(letter.outcome, ReplayOutcome::Handled | ReplayOutcome::Dropped);
    let done_with = if is_drop { "dropped" } else { "handled" };
    let mut problems = Vec::new();
    if !absent.is_empty() {
        let absent: Vec<_> = absent.iter().map(|letter| letter.letter..=letter.letter).collect();
        problems.push(missing(&done.name, &absent));
    }
    match there.iter().filter(is_bad).count() {
        0 => {}
        bad => {
            let all = output::count(there.len() as u64, "letter");
            problems.push(format!("of {all} {bad} not {done_with}, and still there"));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Fault::no(problems.join("; "))) }
}

fn say_gone(letters: &DeadLetters) {
    if letters.let_go > 0 {
        let text =
            format!("{} gave way to newer ones, or found no room", output::count(letters.let_go, "letter"));
        output::note(&Voice::default(), &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_as_much_of_a_reason_as_there_is_room() {
        let long = "ä".repeat(REASON_CHARS_MAX);
        assert_eq!((cut("no".into()), cut(long.clone())), ("no".into(), long.clone()));
        assert_eq!(cut(format!("{long} and more")), format!("{long}…"));
    }

    #[test]
    fn letters_are_numbers_or_ranges_of_them() {
        for (text, want) in [("7", 7..=7), ("1-6", 1..=6), ("3-3", 3..=3)] {
            assert_eq!(numbers(text), Ok(want));
        }
        assert_eq!(numbers("6-1"), Err("a range begins with the lower number: `1-6`".into()));
        for wrong in ["1-", "-6", "", "1-2-3", "1..6", "one"] {
            let said = numbers(wrong).expect_err("no numbers");
            assert!(said.ends_with("such as `1-6`"), "{wrong}: {said}");
        }
        assert_eq!(missing("billing", &[7..=7, 8..=9]), "`billing` has no dead letter 7, 8-9");
    }
}
