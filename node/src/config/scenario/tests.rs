//! Scenario files and what is said of wrong ones.

use hive_proto::sim;

use super::*;

fn read(text: &str) -> Result<ScenarioFile, String> {
    scenario_text(&Arc::new(Source::new("x.yaml".into(), text.to_owned())))
        .map_err(|problems| problems.render(false))
}

#[test]
fn a_scenario_says_everything() {
    let file = read(
        "
version: 1
nodes: 30
neighbours: 8
discovery: {sample: 6}
patterns: 3
start-within: 2s
network:
  latency: {from: 1ms, to: 5ms}
  loss: 0.5%
  dial-loss: 10%
  odd: {share: 20%, one-way: true, loss: 30%, rate: 16KiB}
clocks: {skew: 1h, drift: 0.02%, jump: 5s}
liars: {share: 10%, drop: 20%, double: 5%, alter: 10%, replay: 1%}
slow: {share: 10%, by: 200ms}
phases:
  - {name: joins, for: 10s}
  - name: weather
    for: 30s
    changes: 4
    jumps: 7
    churn: 10%
    expect: {known-99: 1s, gossip-bytes-per-second: 2KiB}
expect:
  diameter: 5
",
    )
    .expect("a scenario");
    let scenario = &file.scenario;
    assert_eq!((scenario.nodes, scenario.neighbours, scenario.patterns), (30, 8, 3));
    assert_eq!(scenario.discovery, Discovery::Sample(6));
    assert_eq!(scenario.network.usual.loss_ppm, 5_000);
    assert_eq!(scenario.network.odd.latency, (Duration::from_millis(1), Duration::from_millis(5)));
    assert_eq!(
        (scenario.network.odd.loss_ppm, scenario.network.odd.bytes_per_second),
        (300_000, Some(16_384))
    );
    assert_eq!(
        (scenario.network.odd_percent, scenario.network.odd_one_way, scenario.network.dial_loss),
        (20, true, 10)
    );
    let Oddities { clock_skew, clock_drift_ppm, clock_jump, lies, .. } = scenario.oddities;
    assert_eq!((clock_skew, clock_drift_ppm, clock_jump), (HOUR, 200, Duration::from_secs(5)));
    assert_eq!(lies, Lies { share: 10, drop: 20, double: 5, alter: 10, replay: 1 });
    assert_eq!(scenario.phases[1].jumps, 7);
    assert_eq!((scenario.phases[1].changes, scenario.phases[1].churn_percent), (4, 10));
    let limits: Vec<_> = file.expectations.iter().map(|e| (e.phase, e.figure, e.shown())).collect();
    assert_eq!(
        limits,
        [
            (None, Figure::Diameter, "at most 5".to_owned()),
            (Some(1), Figure::Known99, "at most 1s".to_owned()),
            (Some(1), Figure::GossipPerSecond, "at most 2048 B".to_owned()),
        ]
    );
}

#[test]
fn every_problem_is_said_with_its_place() {
    let check = |text: &str, wants: &[&str]| {
        let said = read(text).expect_err(text);
        wants.iter().for_each(|want| assert!(said.contains(want), "{want}: {said}"));
    };
    check("", &["the scenario is empty", "version: 1"]);
    check("version: 1\n", &["nothing would happen"]);
    check("nodes: 3\nphases: [{for: 1s}]\n", &["the scenario has no `version`"]);
    let two = "version: 1\nnodse: 3\nphases:\n  - {name: a, for: 1s, chrun: 5%}\n";
    check(two, &["x.yaml:2:1", "did you mean `nodes`?", "x.yaml:4:24", "did you mean `churn`?"]);
    check("version: 1\nphases: [{name: a}]\n", &["how long it is", "add `for: 10s`"]);
    check("version: 1\nphases: [{for: 1}]\n", &["x.yaml:2:16"]);
    check("version: 1\nphases: [{for: 1s}]\nnetwork: {loss: 3}\n", &["`3` is no share in percent", "`10%`"]);
    check("version: 1\nphases: [{for: 1s}]\nnetwork: {loss: 95%}\n", &["out of range", "90%"]);
    check("version: 1\nphases: [{for: 1s}]\ndiscovery: all\n", &["`everyone`, `line`"]);
    check(
        "version: 1\nphases: [{for: 1s, expect: {known: 1s}}]\n",
        &["unknown key `known`", "known here: `known-50`"],
    );
    let liars = "version: 1\nphases: [{for: 1s}]\nliars: {share: 5%, drop: 60%, alter: 50%, forge: 1%}\n";
    check(liars, &["x.yaml:3:", "110% of the frames", "100% together at most", "unknown key `forge`"]);
    check("version: 1\nphases: [{for: 1s}]\nclocks: {drift: 2%}\n", &["out of range", "1%"]);
    check("version: 1\nphases: [nothing]\n", &["a phase must be keys with values"]);
    check("version: 1\nnodes: 0\nphases: [{for: 1s}]\n", &["0 is out of range"]);
}

#[test]
fn an_expectation_holds_or_does_not() {
    let file =
        read("version: 1\nphases: [{for: 2s}]\nexpect: {settled: 2s, neighbours: 2}\n").expect("a scenario");
    let report = sim::run(1, &Scenario { nodes: 3, ..file.scenario });
    let holds: Vec<bool> =
        file.expectations.iter().map(|expected| expected.holds(expected.figure.of(&report.whole))).collect();
    assert_eq!(holds, [true, true]);
    let short = Expectation { limit: 1, ..file.expectations[0].clone() };
    assert!(!short.holds(short.figure.of(&report.whole)) && !short.holds(None));
}
