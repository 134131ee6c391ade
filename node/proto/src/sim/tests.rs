//! Runs of the simulator over many seeds.

use super::*;

fn check(seeds: std::ops::Range<u64>, scenario: &Scenario) {
    let (mut inputs, mut confirmed) = (0, 0);
    for seed in seeds {
        let report = run(seed, scenario);
        let tail = report.tail.iter().rev().take(60).rev().cloned().collect::<Vec<_>>().join("\n");
        assert!(report.problems.is_empty(), "seed {seed}: {:#?}\n{tail}", report.problems);
        inputs += report.inputs;
        confirmed += report.confirmed;
    }
    assert!(inputs > 0 && confirmed > 0, "nothing happened");
}

#[test]
fn twenty_nodes_come_to_rest_after_bad_weather() {
    check(0..25, &Scenario::default());
}

#[test]
fn a_line_of_nodes_that_know_addresses_only_comes_to_rest() {
    check(0..40, &Scenario { discovery: Discovery::Line, ..Scenario::default() });
}

#[test]
fn slow_links_and_lost_dials_come_to_rest() {
    check(0..25, &Scenario { nodes: 8, latency_ms: (1, 900), dial_loss: 40, ..Scenario::default() });
}

/// With two nodes every coincidence of dialling, breaking and closing comes up sooner or later.
#[test]
fn two_nodes_agree_on_one_link_whatever_happens() {
    let scenario = Scenario { nodes: 2, wishes: 20, breaks: 30, partitions: 1, ..Scenario::default() };
    check(0..600, &scenario);
    check(600..1200, &Scenario { latency_ms: (1, 300), dial_loss: 0, ..scenario });
}

/// What a node promises a person: started at once on one segment, everybody is connected within 2 s.
#[test]
fn in_good_weather_all_are_connected_and_ready_within_two_seconds() {
    let calm = Scenario {
        active: Duration::from_millis(1500),
        rest: Duration::from_millis(2000),
        latency_ms: (1, 10),
        dial_loss: 0,
        wishes: 20,
        crashes: 0,
        leaves: 0,
        breaks: 0,
        partitions: 0,
        ..Scenario::default()
    };
    check(0..20, &calm);
}

#[test]
fn a_seed_tells_one_story() {
    let scenario = Scenario { nodes: 10, ..Scenario::default() };
    let (first, again, other) = (run(7, &scenario), run(7, &scenario), run(8, &scenario));
    assert_eq!(first, again);
    assert_ne!(first.trace, other.trace);
}
