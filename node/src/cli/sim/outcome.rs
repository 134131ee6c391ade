//! What a simulated run came to, as a table for people and as JSON.

use std::time::Duration;

use hive_proto::sim::{Figures, PhaseReport, Report};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    cli::output,
    config::{Expectation, ScenarioFile},
    units::{duration_rough, duration_text},
};

/// One run, beside what was expected of it.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    v: u8,
    scenario: String,
    seed: u64,
    nodes: usize,
    /// Whether all expectations hold and nothing was wrong.
    fine: bool,
    problems: Vec<String>,
    problem_count: u64,
    /// The run's fingerprint.
    trace: String,
    inputs: u64,
    /// Virtual time, and what it took.
    virtual_ms: u64,
    took_ms: u64,
    expectations: Vec<Judged>,
    phases: Vec<Value>,
    whole: Value,
    /// Copies of events that nodes dropped, by reason.
    drops: Value,
    /// Copies that lying relays dropped, doubled, altered or replayed.
    lies: Value,
    #[serde(skip)]
    rows: Vec<Vec<String>>,
}

/// One expectation and what was measured.
#[derive(Debug, Serialize)]
struct Judged {
    /// In which phase; `all` for the whole run.
    phase: String,
    figure: &'static str,
    expected: String,
    measured: String,
    holds: bool,
}

impl Outcome {
    pub(super) fn new(
        (name, seed): (&str, u64),
        file: &ScenarioFile,
        report: &Report,
        took: Duration,
    ) -> Self {
        let expectations: Vec<Judged> = file.expectations.iter().map(|e| judge(e, report)).collect();
        Self {
            v: 1,
            scenario: name.to_owned(),
            seed,
            nodes: file.scenario.nodes,
            fine: report.problem_count == 0 && expectations.iter().all(|judged| judged.holds),
            problems: report.problems.clone(),
            problem_count: report.problem_count,
            trace: format!("{:016x}", report.trace),
            inputs: report.inputs,
            virtual_ms: millis(report.elapsed),
            took_ms: millis(took),
            expectations,
            phases: report.phases.iter().map(phase_json).collect(),
            whole: figures_json(&report.whole),
            drops: counts(&report.drops),
            lies: counts(&report.lies),
            rows: report.phases.iter().map(phase_row).collect(),
        }
    }

    pub(super) fn is_fine(&self) -> bool {
        self.fine
    }

    /// What a person wants to see.
    pub(super) fn table(&self) -> String {
        let (name, seed, nodes) = (&self.scenario, self.seed, self.nodes);
        let virtual_time = duration_text(Duration::from_millis(self.virtual_ms));
        let took = duration_rough(Duration::from_millis(self.took_ms));
        let mut text =
            format!("{name}: {nodes} nodes, seed {seed}, {virtual_time} in {took}, trace {}\n\n", self.trace);
        let mut rows = vec![HEAD.map(String::from).to_vec()];
        rows.extend(self.rows.iter().cloned());
        text.push_str(&output::table(&rows));
        if !self.expectations.is_empty() {
            let mut rows = vec![["PHASE", "FIGURE", "EXPECTED", "MEASURED", ""].map(String::from).to_vec()];
            rows.extend(self.expectations.iter().map(|judged| {
                let verdict = if judged.holds { "ok" } else { "MISSED" };
                let cells = [&judged.phase, judged.figure, &judged.expected, &judged.measured, verdict];
                cells.map(|cell| output::one_line(cell).into_owned()).to_vec()
            }));
            text.push('\n');
            text.push_str(&output::table(&rows));
        }
        for problem in &self.problems {
            text.push_str(&format!("\nwrong: {}", output::one_line(problem)));
        }
        let untold = self.problem_count.saturating_sub(self.problems.len() as u64);
        if untold > 0 {
            text.push_str(&format!("\nwrong: … and {untold} more"));
        }
        text.push_str(if self.problems.is_empty() { "\n" } else { "\n\n" });
        text
    }
}

fn counts(all: &[(&str, u64)]) -> Value {
    all.iter().map(|(name, copies)| ((*name).to_owned(), json!(copies))).collect()
}

const HEAD: [&str; 12] = [
    "PHASE",
    "FOR",
    "ALIVE",
    "LINKS",
    "ACROSS",
    "B/S A NODE",
    "WORST",
    "CHANGES",
    "99% KNEW",
    "ALL KNEW",
    "B A CHANGE",
    "SETTLED",
];

fn phase_row(phase: &PhaseReport) -> Vec<String> {
    let figures = &phase.figures;
    let time = |time: Option<Duration>| time.map_or("-".to_owned(), duration_rough);
    let changes = match figures.changes {
        0 => "-".to_owned(),
        all if all == figures.changes_known => all.to_string(),
        all => format!("{} of {all}", figures.changes_known),
    };
    vec![
        output::one_line(&phase.name).into_owned(),
        duration_text(phase.length),
        figures.alive.to_string(),
        figures.links.to_string(),
        figures.diameter.to_string(),
        figures.bytes_per_second.to_string(),
        figures.bytes_per_second_worst.to_string(),
        changes,
        time(figures.known_99),
        time(figures.known_all),
        figures.bytes_per_change.map_or("-".to_owned(), |bytes| bytes.to_string()),
        time(figures.settled),
    ]
}

fn judge(expected: &Expectation, report: &Report) -> Judged {
    let phase = expected.phase.and_then(|number| report.phases.get(number));
    let measured = expected.figure.of(phase.map_or(&report.whole, |phase| &phase.figures));
    Judged {
        phase: phase.map_or("all", |phase| &phase.name).to_owned(),
        figure: expected.figure.key(),
        expected: expected.shown(),
        measured: measured.map_or("nothing".to_owned(), |measured| expected.figure.unit().show(measured)),
        holds: expected.holds(measured),
    }
}

fn phase_json(phase: &PhaseReport) -> Value {
    json!({
        "name": phase.name,
        "begin_ms": millis(phase.begin),
        "length_ms": millis(phase.length),
        "figures": figures_json(&phase.figures),
    })
}

fn figures_json(figures: &Figures) -> Value {
    let micros = |time: Option<Duration>| time.map(|time| time.as_micros());
    let kinds = figures
        .kinds
        .iter()
        .map(|kind| json!({"kind": kind.kind, "frames": kind.frames, "bytes": kind.bytes}));
    json!({
        "alive": figures.alive,
        "starts": figures.starts,
        "stops": figures.stops,
        "frames": figures.frames,
        "bytes": figures.bytes,
        "bytes_per_second": figures.bytes_per_second,
        "bytes_per_second_worst": figures.bytes_per_second_worst,
        "bytes_busiest_second": figures.bytes_busiest_second,
        "kinds": kinds.collect::<Vec<_>>(),
        "changes": figures.changes,
        "changes_known": figures.changes_known,
        "known_50_us": micros(figures.known_50),
        "known_99_us": micros(figures.known_99),
        "known_all_us": micros(figures.known_all),
        "known_all_median_us": micros(figures.known_all_median),
        "bytes_per_change": figures.bytes_per_change,
        "settled_us": micros(figures.settled),
        "published": figures.published,
        "expected_copies": figures.expected,
        "delivered_copies": figures.delivered,
        "ways_traced": figures.traces,
        "ways_delivered": figures.traces_delivered,
        "ways_silent": figures.traces_silent,
        "arrived_50_us": micros(figures.arrived_50),
        "arrived_99_us": micros(figures.arrived_99),
        "neighbours_least": figures.neighbours_least,
        "neighbours_most": figures.neighbours_most,
        "links": figures.links,
        "groups": figures.groups,
        "diameter": figures.diameter,
    })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
