//! Files of trials: events for one component, and what is to come of each. `hive-node test` runs them.
//!
//! What it owns: the keys of such a file. Exists beside the configuration because both are read alike: every problem
//! at once, each with its place. It must not know how a trial is run.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hive_proto::limits::PAYLOAD_BYTES_MAX;
use serde_json::{Map, Number, Value as Json};

use super::{
    find,
    problem::{Problem, Problems, shown},
    section::{Report, Section, text, truth, whole, wrong_shape},
    source::{Origin, Source},
    yaml::{self, Kind, Value},
};
use crate::trust::hidden::SecretText;

/// A file of trials that holds.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialFile {
    /// A component, or a folder that is built; none: nothing is said.
    pub component: Option<PathBuf>,
    /// The plugin's configuration.
    pub config: Vec<(String, String)>,
    /// What it may read and nobody is shown.
    pub secrets: Vec<(String, SecretText)>,
    /// Who answers what the handler asks, by pattern.
    pub answers: Vec<(String, Json)>,
    /// In the order of the file.
    pub trials: Vec<Trial>,
}

/// One event, and what is to come of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// For people.
    pub name: String,
    /// How the event comes.
    pub how: How,
    /// Where it comes; of a tick the timer's name.
    pub channel: String,
    /// Its payload.
    pub payload: Vec<u8>,
    /// Its media type.
    pub content_type: Option<String>,
    /// Its key.
    pub key: Option<String>,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Which attempt it is.
    pub attempt: u32,
    /// Whether it is a kept value.
    pub retained: bool,
    /// How it is to end; none: well.
    pub ends: Option<Ends>,
    /// What is to be published, in order; none: anything.
    pub publishes: Option<Vec<Published>>,
}

/// How an event comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Published by somebody.
    Event,
    /// Somebody waits for the answer.
    Call,
    /// A timer of the plugin ticks.
    Tick,
}

/// How an event is to end.
#[derive(Debug, Clone, PartialEq)]
pub enum Ends {
    /// With this answer.
    Answer(Expected),
    /// With a rejection whose reason has this in it.
    Reject(String),
    /// With a retry whose reason has this in it.
    Retry(String),
}

/// Something that is to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// Where.
    pub channel: String,
    /// What; none: anything.
    pub data: Option<Expected>,
}

/// What a payload is to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// This value, however it is written.
    Value(Json),
    /// These bytes.
    Bytes(Vec<u8>),
}

/// Trials of one file.
const TRIALS_MAX: usize = 10_000;

/// Reads a file of trials, or of one.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_trials(path: &Path, directory: &Path) -> Result<TrialFile, Problems> {
    let source = find::read_text(path, "the cases", (&Origin::Default, "cases.yaml"), directory);
    read(&source.map_err(|problem| Problems(vec![problem]))?, whole_file)
}

/// Reads a file of one event.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_event(path: &Path, directory: &Path) -> Result<TrialFile, Problems> {
    let source = find::read_text(path, "the event", (&Origin::Default, "event.json"), directory);
    read(&source.map_err(|problem| Problems(vec![problem]))?, one_event)
}

/// Reads an event that was given as a text.
///
/// # Errors
/// Everything that is wrong with it.
pub fn event_of(text: &str) -> Result<TrialFile, Problems> {
    read(&Arc::new(Source::new("--event".into(), text.to_owned())), one_event)
}

/// Reads what is already here as text. JSON is read, too: all of it is YAML.
fn read(source: &Arc<Source>, of: fn(&Value, &mut Report) -> TrialFile) -> Result<TrialFile, Problems> {
    let mut report = Report::default();
    let root = yaml::parse(source, &mut report.problems).map_err(|problem| Problems(vec![problem]))?;
    let file = of(&root, &mut report);
    if report.problems.is_empty() { Ok(file) } else { Err(Problems(report.problems).in_order()) }
}

/// Trials with nothing beside them.
fn alone(trials: Vec<Trial>) -> TrialFile {
    TrialFile { component: None, config: Vec::new(), secrets: Vec::new(), answers: Vec::new(), trials }
}

fn has(root: &Value, key: &str) -> bool {
    matches!(&root.kind, Kind::Map(entries) if entries.iter().any(|entry| entry.key == key))
}

fn one_event(root: &Value, report: &mut Report) -> TrialFile {
    if matches!(root.kind, Kind::List(_)) || has(root, "cases") {
        let problem = Problem::new(&root.origin, "these are cases, and one event is wanted");
        report.problems.push(problem.hint("`hive-node test FILE` runs a file of cases"));
        return alone(Vec::new());
    }
    alone(vec![trial_of(root, "the event", report)])
}

fn whole_file(root: &Value, report: &mut Report) -> TrialFile {
    if matches!(root.kind, Kind::List(_)) {
        return alone(trials_of(root, report));
    }
    if !has(root, "cases") && ["event", "call", "tick"].into_iter().any(|key| has(root, key)) {
        return alone(vec![trial_of(root, "case 1", report)]);
    }
    let mut keys = Section::new(Vec::new(), Some(root), report);
    let component = keys.read("component", report, |value| Ok(PathBuf::from(text(value)?)));
    let config = keys.section("config", report);
    let config = texts(&config, report);
    let secrets = keys.section("secrets", report);
    let secrets =
        texts(&secrets, report).into_iter().map(|(name, text)| (name, SecretText::new(text))).collect();
    let answers = keys.section("answers", report);
    let answers = answers.named().iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect();
    let trials = match keys.value("cases") {
        Some(value) => trials_of(value, report),
        None => {
            let problem = Problem::new(&root.origin, "there are no `cases`");
            report.problems.push(
                problem.hint("add `cases: [{call: greeter/hello, data: Ada, answer: \"Hello, Ada!\"}]`"),
            );
            Vec::new()
        }
    };
    keys.finish(report);
    TrialFile { component, config, secrets, answers, trials }
}

fn trials_of(value: &Value, report: &mut Report) -> Vec<Trial> {
    let Kind::List(items) = &value.kind else {
        report.problems.push(wrong_shape("`cases`", "a list", value));
        return Vec::new();
    };
    if items.len() > TRIALS_MAX {
        report.problems.push(Problem::new(&value.origin, format!("more than {TRIALS_MAX} cases")));
        return Vec::new();
    }
    (1..).zip(items).map(|(number, item)| trial_of(item, &format!("case {number}"), report)).collect()
}

/// `called`: as messages call it that has no name.
fn trial_of(value: &Value, called: &str, report: &mut Report) -> Trial {
    let mut keys = Section::new(vec![called.to_owned()], Some(value), report);
    let (how, channel) = arrival(&mut keys, value, report);
    let name = keys.read("name", report, |value| Ok(text(value)?.to_owned()));
    let (payload, usual_type) = payload(&mut keys, report);
    let content_type = keys.read("content-type", report, |value| Ok(text(value)?.to_owned()));
    let key = keys.read("key", report, |value| Ok(text(value)?.to_owned()));
    let headers = keys.section("headers", report);
    let headers = texts(&headers, report);
    let attempt = keys.read("attempt", report, |value| whole(value, 1..=u64::from(u32::MAX)));
    let retained = keys.read("retained", report, truth).unwrap_or(false);
    let ends = ends(&mut keys, report);
    let publishes = keys.list("publishes", report, |value, report| Ok(published(value, report)));
    keys.finish(report);
    Trial {
        name: name.unwrap_or_else(|| format!("{called}, {channel}")),
        how,
        channel,
        payload,
        content_type: content_type.or(usual_type),
        key,
        headers,
        attempt: attempt.and_then(|attempt| attempt.try_into().ok()).unwrap_or(1),
        retained,
        ends,
        publishes,
    }
}

fn arrival(keys: &mut Section<'_>, value: &Value, report: &mut Report) -> (How, String) {
    let ways = [("event", How::Event), ("call", How::Call), ("tick", How::Tick)];
    let said = ways.into_iter().filter(|(key, _)| keys.value(key).is_some()).collect::<Vec<_>>();
    let [(key, how)] = said[..] else {
        let keys: Vec<String> = said.iter().map(|(key, _)| format!("`{key}`")).collect();
        let message = match &keys[..] {
            [] => "it is not said how the event comes".to_owned(),
            several => format!("an event comes in one way, and {} are said", several.join(" and ")),
        };
        let problem = Problem::new(&value.origin, message);
        report.problems.push(problem.hint("write one of `event: CHANNEL`, `call: CHANNEL` and `tick: NAME`"));
        return (How::Event, String::new());
    };
    let channel = keys.read(key, report, |value| Ok(text(value)?.to_owned()));
    (how, channel.unwrap_or_default())
}

/// The payload, and the media type that it has where none is said.
fn payload(keys: &mut Section<'_>, report: &mut Report) -> (Vec<u8>, Option<String>) {
    let said = ["text", "data", "base64", "file"].map(|key| keys.value(key).map(|value| (key, value)));
    let said: Vec<_> = said.into_iter().flatten().collect();
    if let [(one, value), (other, _), ..] = said[..] {
        let message = format!("the payload is said twice, as `{one}` and as `{other}`");
        report.problems.push(Problem::new(&value.origin, message).hint(
            "`data` is written as JSON, `text` as it is, `base64` as what it encodes, and `file` names a file with it",
        ));
    }
    match said.first() {
        None => (Vec::new(), None),
        Some(("data", value)) => (json(value).to_string().into_bytes(), Some("application/json".into())),
        Some(("text", _)) => {
            let said = keys.read("text", report, |value| Ok(text(value)?.to_owned()));
            (said.unwrap_or_default().into_bytes(), None)
        }
        Some(_) => (bytes(keys, ["base64", "file"], report).unwrap_or_default(), None),
    }
}

/// Bytes that stand there in base64, or in a file beside the one that names it.
fn bytes(keys: &mut Section<'_>, [base64, file]: [&'static str; 2], report: &mut Report) -> Option<Vec<u8>> {
    keys.value(file); // Known, too, where it is not read.
    keys.read(base64, report, decoded).or_else(|| keys.read(file, report, content))
}

/// What a text in base64 stands for, which may go over several lines.
fn decoded(value: &Value) -> Result<Vec<u8>, Problem> {
    let text: String = text(value)?.split_ascii_whitespace().collect();
    let wrong = |error| Problem::new(&value.origin, format!("this is no base64: {error}"));
    BASE64_STANDARD.decode(text).map_err(wrong)
}

/// What is in a file.
fn content(value: &Value) -> Result<Vec<u8>, Problem> {
    let path = PathBuf::from(text(value)?);
    let wrong = |error| Problem::new(&value.origin, format!("cannot read {}: {error}", shown(&path)));
    find::read_bounded(&folder(value).join(&path), PAYLOAD_BYTES_MAX as u64).map_err(wrong)
}

/// The folder of the file in which a value stands; what is piped has none.
fn folder(value: &Value) -> &Path {
    let file = match &value.origin {
        Origin::File(place) => place.source.path(),
        _ => Path::new(""),
    };
    file.parent().filter(|folder| !folder.starts_with("/dev")).unwrap_or(Path::new(""))
}

/// The keys by which a case says what is to be answered.
const ANSWERS: [&str; 3] = ["answer", "answer-base64", "answer-file"];

fn ends(keys: &mut Section<'_>, report: &mut Report) -> Option<Ends> {
    let reason = |keys: &mut Section<'_>, report: &mut Report, key| {
        keys.read(key, report, |value| Ok(text(value)?.to_owned()))
    };
    let said = ANSWERS.into_iter().chain(["rejects", "retries"]);
    if said.filter(|key| keys.value(key).is_some()).count() > 1 {
        report.problems.push(Problem::nowhere(
            "a case ends with one of `answer`, `answer-base64`, `answer-file`, `rejects` and `retries`",
        ));
    }
    let (reject, retry) = (reason(keys, report, "rejects"), reason(keys, report, "retries"));
    let answer = expected(keys, ANSWERS, report);
    answer.map(Ends::Answer).or(reject.map(Ends::Reject)).or(retry.map(Ends::Retry))
}

/// What a payload is to be, by the keys of a value, of base64 and of a file.
fn expected(
    keys: &mut Section<'_>,
    [value, base64, file]: [&'static str; 3],
    report: &mut Report,
) -> Option<Expected> {
    let value = keys.value(value).map(json);
    let bytes = bytes(keys, [base64, file], report);
    value.map(Expected::Value).or(bytes.map(Expected::Bytes))
}

fn published(value: &Value, report: &mut Report) -> Published {
    if let Kind::Text { text, .. } = &value.kind {
        return Published { channel: text.clone(), data: None };
    }
    let mut keys = Section::new(vec!["publishes".into()], Some(value), report);
    let channel = keys.read("channel", report, |value| Ok(text(value)?.to_owned()));
    if channel.is_none() {
        report.problems.push(Problem::new(&value.origin, "what is published has no `channel`"));
    }
    let kinds = ["data", "base64", "file"];
    if kinds.into_iter().filter(|key| keys.value(key).is_some()).count() > 1 {
        let message = "what is published is one of `data`, `base64` and `file`";
        report.problems.push(Problem::new(&value.origin, message));
    }
    let data = expected(&mut keys, kinds, report);
    keys.finish(report);
    Published { channel: channel.unwrap_or_default(), data }
}

/// Names and texts.
fn texts(keys: &Section<'_>, report: &mut Report) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in keys.named() {
        match text(&entry.value) {
            Ok(text) => found.push((entry.key.clone(), text.to_owned())),
            Err(problem) => report.problems.push(problem),
        }
    }
    found
}

/// A value as JSON: what is not quoted is a number, a truth or nothing where it looks like one.
fn json(value: &Value) -> Json {
    match &value.kind {
        Kind::Text { .. } if value.is_null() => Json::Null,
        Kind::Text { text, quoted: true } => Json::String(text.clone()),
        Kind::Text { text, quoted: false } => plain(text),
        Kind::List(items) => Json::Array(items.iter().map(json).collect()),
        Kind::Map(entries) => {
            let pairs = entries.iter().map(|entry| (entry.key.clone(), json(&entry.value)));
            Json::Object(pairs.collect::<Map<_, _>>())
        }
    }
}

fn plain(text: &str) -> Json {
    match text {
        "true" => return Json::Bool(true),
        "false" => return Json::Bool(false),
        _ => {}
    }
    let number: Result<Number, _> = serde_json::from_str(text);
    number.map_or_else(|_| Json::String(text.to_owned()), Json::Number)
}

#[cfg(test)]
mod tests;
