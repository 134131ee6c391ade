//! Scenario files of the simulator: which nodes, which weather, which phases, and what is expected of the run.
//!
//! What it owns: the keys of such a file. Exists beside the configuration because both are read alike: every problem
//! at once, each with its place. It must not know how a scenario is run.

use std::{path::Path, sync::Arc, time::Duration};

use hive_proto::sim::{Discovery, Lies, Network, Oddities, Phase, Scenario, Way};

use super::{
    find,
    problem::{Problem, Problems},
    section::{Report, Section, duration, size, text, truth, whole, wrong_shape},
    source::{Origin, Source},
    yaml::{self, Kind, Value},
};
use crate::units::ByteSize;

mod expect;

pub use expect::{Expectation, Figure, Unit};

/// A scenario file that holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioFile {
    /// The run.
    pub scenario: Scenario,
    /// What its figures must not miss, in the order of the file.
    pub expectations: Vec<Expectation>,
}

/// Nodes of one run: their ids and addresses fit, and views of all of all stay in memory.
const NODES_MAX: u64 = 5_000;
/// Phases of one run.
const PHASES_MAX: usize = 64;
/// Times of one kind in one phase.
const COUNT_MAX: u64 = 1_000_000;
/// A clock that is off by more than a hundredth is no clock.
const DRIFT_PPM_MAX: u32 = 10_000;
const NONE: Duration = Duration::ZERO;
const HOUR: Duration = Duration::from_secs(3_600);

/// Reads a scenario file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_scenario(path: &Path, directory: &Path) -> Result<ScenarioFile, Problems> {
    let source = find::read_text(path, "the scenario", (&Origin::Default, "churn.yaml"), directory);
    scenario_text(&source.map_err(|problem| Problems(vec![problem]))?)
}

/// Reads a scenario whose text is already here.
///
/// # Errors
/// Everything that is wrong with it.
pub fn scenario_text(source: &Arc<Source>) -> Result<ScenarioFile, Problems> {
    let mut report = Report::default();
    let root = yaml::parse(source, &mut report.problems).map_err(|problem| Problems(vec![problem]))?;
    if root.is_null() {
        let problem = Problem::new(&root.origin, "the scenario is empty");
        return Err(Problems(vec![problem.hint("begin it with the line `version: 1`")]));
    }
    let file = whole_file(&root, &mut report);
    if report.problems.is_empty() { Ok(file) } else { Err(Problems(report.problems).in_order()) }
}

fn whole_file(root: &Value, report: &mut Report) -> ScenarioFile {
    let mut keys = Section::new(Vec::new(), Some(root), report);
    if keys.value("version").is_none() {
        let problem = Problem::new(&root.origin, "the scenario has no `version`");
        report.problems.push(problem.hint("begin it with the line `version: 1`"));
    }
    keys.read("version", report, |value| whole(value, 1..=1));
    let number = |keys: &mut Section<'_>, report: &mut Report, key, default, least, most| {
        keys.read(key, report, |value| whole(value, least..=most)).map_or(default, as_usize)
    };
    let nodes = number(&mut keys, report, "nodes", 20, 1, NODES_MAX);
    let neighbours = number(&mut keys, report, "neighbours", 64, 1, NODES_MAX);
    let patterns = number(&mut keys, report, "patterns", 0, 0, 10_000);
    let discovery = keys.value("discovery").map_or(Discovery::Everyone, |value| discovery(value, report));
    let start_within = time(&mut keys, "start-within", report).unwrap_or(Duration::from_millis(1500));
    let network = keys.section("network", report);
    let network = network_of(network, report);
    let clocks = keys.section("clocks", report);
    let slow = keys.section("slow", report);
    let lies = lies_of(keys.section("liars", report), report);
    let oddities = Oddities { lies, ..oddities_of(clocks, slow, report) };
    let mut expectations = expect::read(keys.section("expect", report), None, report);
    let phases = phases_of(&mut keys, &mut expectations, report);
    if phases.is_empty() && report.problems.is_empty() {
        let problem = Problem::new(&root.origin, "the scenario has no `phases`: nothing would happen");
        report.problems.push(problem.hint("add `phases: [{name: joins, for: 10s}]`"));
    }
    keys.finish(report);
    let scenario =
        Scenario { nodes, neighbours, discovery, patterns, start_within, network, oddities, phases };
    ScenarioFile { scenario, expectations }
}

fn discovery(value: &Value, report: &mut Report) -> Discovery {
    match &value.kind {
        Kind::Text { text, .. } if text == "everyone" => Discovery::Everyone,
        Kind::Text { text, .. } if text == "line" => Discovery::Line,
        Kind::Map(_) => {
            let mut keys = Section::new(vec!["discovery".into()], Some(value), report);
            let others = keys.read("sample", report, |value| whole(value, 1..=NODES_MAX));
            keys.finish(report);
            others.map_or(Discovery::Everyone, |others| Discovery::Sample(as_usize(others)))
        }
        _ => {
            let problem = Problem::new(&value.origin, "`discovery` says who hears of whom");
            report.problems.push(problem.hint("write `everyone`, `line`, or `{sample: 24}`"));
            Discovery::Everyone
        }
    }
}

fn network_of(mut keys: Section<'_>, report: &mut Report) -> Network {
    let usual = way(&mut keys, Way::of_ms(1, 1), report);
    let dial_loss = percent_of(&mut keys, "dial-loss", report);
    let mut odd_keys = keys.section("odd", report);
    let odd = way(&mut odd_keys, usual, report);
    let odd_percent = percent_of(&mut odd_keys, "share", report);
    let odd_one_way = odd_keys.read("one-way", report, truth).unwrap_or(false);
    odd_keys.finish(report);
    keys.finish(report);
    Network { usual, odd, odd_percent, odd_one_way, dial_loss }
}

fn way(keys: &mut Section<'_>, default: Way, report: &mut Report) -> Way {
    let latency = match keys.value("latency") {
        None => default.latency,
        Some(Value { kind: Kind::Map(_), .. }) => {
            let mut both = keys.section("latency", report);
            let from = time(&mut both, "from", report).unwrap_or(default.latency.0);
            let to = time(&mut both, "to", report).unwrap_or(from);
            both.finish(report);
            (from, to)
        }
        Some(_) => time(keys, "latency", report).map_or(default.latency, |each| (each, each)),
    };
    let loss_ppm = keys.read("loss", report, |value| ppm(value, 900_000)).unwrap_or(default.loss_ppm);
    let rate = keys.read("rate", report, |value| size(value, ByteSize(100), ByteSize::mib(10_240)));
    Way { latency, loss_ppm, bytes_per_second: rate.map(|rate| rate.0).or(default.bytes_per_second) }
}

fn oddities_of(mut clocks: Section<'_>, mut slow: Section<'_>, report: &mut Report) -> Oddities {
    let clock_skew = time(&mut clocks, "skew", report).unwrap_or(NONE);
    let clock_drift_ppm = clocks.read("drift", report, |value| ppm(value, DRIFT_PPM_MAX)).unwrap_or(0);
    let clock_jump = time(&mut clocks, "jump", report).unwrap_or(NONE);
    let slow_percent = percent_of(&mut slow, "share", report);
    let slow_by = time(&mut slow, "by", report).unwrap_or(NONE);
    clocks.finish(report);
    slow.finish(report);
    let lies = Lies::default();
    Oddities { clock_skew, clock_drift_ppm, clock_jump, slow_percent, slow_by, lies }
}

fn lies_of(mut keys: Section<'_>, report: &mut Report) -> Lies {
    let share = percent_of(&mut keys, "share", report);
    let kinds = ["drop", "double", "alter", "replay"];
    let [drop, double, alter, replay] = kinds.map(|key| percent_of(&mut keys, key, report));
    let all = [drop, double, alter, replay].into_iter().map(u32::from).sum::<u32>();
    let given = kinds.into_iter().find_map(|key| keys.value(key));
    if let Some(value) = given.filter(|_| all > 100) {
        let problem = Problem::new(&value.origin, format!("lies about {all}% of the frames"));
        let hint = "`drop`, `double`, `alter` and `replay` are 100% together at most";
        report.problems.push(problem.hint(hint));
    }
    keys.finish(report);
    Lies { share, drop, double, alter, replay }
}

fn phases_of(keys: &mut Section<'_>, expected: &mut Vec<Expectation>, report: &mut Report) -> Vec<Phase> {
    let mut number = 0;
    let phases = keys.list("phases", report, |value, report| {
        let phase = phase(value, number, expected, report)?;
        number += 1;
        Ok(phase)
    });
    phases.unwrap_or_default()
}

fn phase(
    value: &Value,
    number: usize,
    expected: &mut Vec<Expectation>,
    report: &mut Report,
) -> Result<Phase, Problem> {
    if number >= PHASES_MAX {
        return Err(Problem::new(&value.origin, format!("more than {PHASES_MAX} phases")));
    }
    if !matches!(value.kind, Kind::Map(_)) {
        return Err(wrong_shape("a phase", "keys with values", value));
    }
    let mut keys = Section::new(vec!["phases".into()], Some(value), report);
    let name = keys.read("name", report, |value| text(value).map(str::to_owned));
    let length = time(&mut keys, "for", report);
    if length.is_none() && keys.value("for").is_none() {
        let problem = Problem::new(&value.origin, "this phase does not say how long it is");
        report.problems.push(problem.hint("add `for: 10s`"));
    }
    let mut count = |key| keys.read(key, report, |value| whole(value, 0..=COUNT_MAX)).map_or(0, as_usize);
    let [changes, wishes, crashes] = ["changes", "wishes", "crashes"].map(&mut count);
    let [leaves, breaks, partitions] = ["leaves", "breaks", "partitions"].map(&mut count);
    let [publishes, traces, jumps] = ["publishes", "traces", "jumps"].map(count);
    let halved = keys.read("halved", report, truth).unwrap_or(false);
    let churn_percent = u32::from(percent_of(&mut keys, "churn", report));
    expected.extend(expect::read(keys.section("expect", report), Some(number), report));
    keys.finish(report);
    Ok(Phase {
        name: name.unwrap_or_else(|| format!("phase {}", number + 1)),
        length: length.unwrap_or(NONE),
        changes,
        wishes,
        crashes,
        leaves,
        breaks,
        jumps,
        partitions,
        halved,
        publishes,
        traces,
        churn_percent,
    })
}

fn time(keys: &mut Section<'_>, key: &'static str, report: &mut Report) -> Option<Duration> {
    keys.read(key, report, |value| duration(value, NONE, HOUR))
}

/// A whole number of percent.
fn percent_of(keys: &mut Section<'_>, key: &'static str, report: &mut Report) -> u8 {
    let percent = keys.read(key, report, |value| match ppm(value, 1_000_000)? {
        ppm if ppm.is_multiple_of(10_000) => Ok(ppm / 10_000),
        _ => Err(Problem::new(&value.origin, "this share is in whole percent")),
    });
    percent.and_then(|percent| u8::try_from(percent).ok()).unwrap_or(0)
}

/// `1%` or `0.25%`, in millionths.
fn ppm(value: &Value, most: u32) -> Result<u32, Problem> {
    let given = text(value)?;
    let wrong = |what: String| {
        Problem::new(&value.origin, what).hint("a share is written with its sign, such as `10%` or `0.5%`")
    };
    let number = given.strip_suffix('%').map(str::trim_end);
    let Some(number) = number.and_then(|number| number.parse::<f64>().ok()) else {
        return Err(wrong(format!("`{given}` is no share in percent")));
    };
    let millionths = (number * 10_000.0).round();
    if !(0.0..=f64::from(most)).contains(&millionths) {
        return Err(wrong(format!(
            "{given} is out of range; expected 0% to {}%",
            f64::from(most) / 10_000.0
        )));
    }
    // In range and whole: nothing is lost.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it was rounded and is in range"
    )]
    let millionths = millionths as u32;
    Ok(millionths)
}

fn as_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
