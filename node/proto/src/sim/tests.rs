//! Runs of the simulator over many seeds.

use std::time::Duration;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn check(seeds: std::ops::Range<u64>, scenario: &Scenario) {
    let (mut inputs, mut confirmed) = (0, 0);
    for seed in seeds {
        let report = run(seed, scenario);
        if !report.problems.is_empty() {
            let lines = run_aloud(seed, scenario, 20).lines.join("\n");
            panic!("seed {seed}: {:#?}\n{lines}", report.problems);
        }
        inputs += report.inputs;
        confirmed += report.confirmed;
    }
    assert!(inputs > 0 && confirmed > 0, "nothing happened");
}

fn weather(change: impl FnOnce(&mut Phase)) -> Vec<Phase> {
    let mut phases = Scenario::default().phases;
    change(&mut phases[0]);
    phases
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
    let network = Network { dial_loss: 40, ..Network::even(Way::of_ms(1, 900)) };
    check(0..40, &Scenario { nodes: 8, network, ..Scenario::default() });
}

#[test]
fn lossy_links_that_differ_by_direction_come_to_rest() {
    let odd = Way { loss_ppm: 200_000, bytes_per_second: Some(2_000), ..Way::of_ms(5, 200) };
    let usual = Way { loss_ppm: 10_000, ..Way::of_ms(1, 5) };
    let network = Network { usual, odd, odd_percent: 30, odd_one_way: true, dial_loss: 10 };
    let oddities =
        Oddities { clock_skew: 3600 * SECOND, slow_percent: 20, slow_by: SECOND / 2, ..Oddities::default() };
    check(0..15, &Scenario { network, oddities, patterns: 5, ..Scenario::default() });
}

#[test]
fn a_sample_of_nodes_under_churn_comes_to_rest() {
    let phases = weather(|phase| (phase.churn_percent, phase.changes) = (30, 20));
    let scenario =
        Scenario { nodes: 40, neighbours: 8, discovery: Discovery::Sample(6), ..Scenario::default() };
    check(0..5, &Scenario { phases, ..scenario });
}

/// With two nodes every coincidence of dialling, breaking and closing comes up sooner or later.
#[test]
fn two_nodes_agree_on_one_link_whatever_happens() {
    let phases = weather(|phase| (phase.wishes, phase.breaks, phase.partitions) = (20, 30, 1));
    let scenario = Scenario { nodes: 2, phases, ..Scenario::default() };
    check(0..600, &scenario);
    check(600..1_200, &Scenario { network: Network::even(Way::of_ms(1, 300)), ..scenario });
}

/// What a node promises a person: started at once on one segment, everybody is connected within 2 s.
#[test]
fn in_good_weather_all_are_connected_and_ready_within_two_seconds() {
    let joins = Phase { wishes: 20, ..Phase::quiet("joins", 3 * SECOND / 2) };
    let calm = Scenario {
        network: Network::even(Way::of_ms(1, 10)),
        phases: vec![joins, Phase::quiet("rest", 2 * SECOND)],
        ..Scenario::default()
    };
    check(0..20, &calm);
}

/// Halves do not know of each other while they are apart, and do again soon after.
#[test]
fn halves_that_hear_each_other_again_know_each_other_again() {
    let apart = Phase { halved: true, ..Phase::quiet("apart", 20 * SECOND) };
    let scenario = Scenario {
        network: Network::even(Way::of_ms(1, 1)),
        patterns: 3,
        phases: vec![Phase::quiet("joins", 5 * SECOND), apart, Phase::quiet("healed", 30 * SECOND)],
        ..Scenario::default()
    };
    check(0..5, &scenario);
    let report = run(1, &scenario);
    let [_, apart, healed] = report.phases.as_slice() else { panic!("three phases") };
    assert_eq!((apart.figures.groups, healed.figures.groups), (2, 1));
    assert!(apart.figures.settled.is_some_and(|took| took > 2 * SECOND && took < 4 * SECOND), "{apart:?}");
    // Who was dialled in vain for long is dialled seldom.
    assert!(healed.figures.settled.is_some_and(|took| took < 25 * SECOND), "{healed:?}");
}

#[test]
fn it_is_measured_who_knows_of_a_change_when_and_what_it_costs() {
    let changes = Phase { changes: 10, ..Phase::quiet("changes", 20 * SECOND) };
    let scenario = Scenario {
        network: Network::even(Way::of_ms(7, 7)),
        patterns: 3,
        phases: vec![Phase::quiet("joins", 10 * SECOND), Phase::quiet("quiet", 10 * SECOND), changes],
        ..Scenario::default()
    };
    let report = run(3, &scenario);
    let [joins, quiet, changes] = report.phases.as_slice() else { panic!("three phases") };
    let figures = &changes.figures;
    assert!(joins.figures.bytes > 0 && quiet.figures.bytes > 0);
    assert!(figures.changes >= 10 && figures.changes == figures.changes_known);
    // In a full mesh it is a link or two; now and then the change waits for others to be stated with.
    let took = |time: Option<Duration>| time.map(|time| time.as_millis());
    assert!(took(figures.known_all_median).is_some_and(|took| (7..30).contains(&took)), "{figures:?}");
    assert!(took(figures.known_all).is_some_and(|took| took < 500), "{figures:?}");
    assert!(figures.bytes_per_change.is_some_and(|bytes| (100..600).contains(&bytes)), "{figures:?}");
    assert_eq!((figures.neighbours_least, figures.links, figures.diameter), (19, 190, 1));
    assert_eq!(figures.kinds.iter().map(|kind| kind.bytes).sum::<u64>(), figures.bytes);
}

/// What is told of a way is the way; whoever is dead is where it ends.
#[test]
fn traces_tell_the_way_also_while_relays_die() {
    let traced = |name: &str, crashes| Phase { traces: 300, crashes, ..Phase::quiet(name, 20 * SECOND) };
    let scenario = Scenario {
        nodes: 40,
        neighbours: 4,
        discovery: Discovery::Sample(4),
        patterns: 3,
        network: Network::even(Way::of_ms(1, 5)),
        phases: vec![
            Phase::quiet("joins", 15 * SECOND),
            traced("calm", 0),
            traced("deaths", 15),
            Phase::quiet("rest", 30 * SECOND),
        ],
        ..Scenario::default()
    };
    check(0..6, &scenario);
    let figures = run(1, &scenario).whole;
    assert!(figures.traces > 550 && figures.traces_delivered > 150, "{figures:?}");
    assert!(figures.traces_silent > 0 && figures.longest_way > 2, "{figures:?}");
}

/// What is wrong about clocks changes nothing: a run in which they are wrong by an hour is the run in which they are
/// wrong by two milliseconds, but for what greetings say.
#[test]
fn how_wrong_a_wall_clock_is_makes_no_difference() {
    let phases = weather(|phase| (phase.changes, phase.churn_percent) = (10, 20));
    let runs = [3600 * SECOND, SECOND / 500].map(|clock_skew| {
        let oddities = Oddities { clock_skew, ..Oddities::default() };
        run(3, &Scenario { oddities, patterns: 3, phases: phases.clone(), ..Scenario::default() })
    });
    assert_eq!((&runs[0].whole, &runs[0].problems), (&runs[1].whole, &Vec::new()));
}

#[test]
fn clocks_that_drift_and_jump_come_to_rest() {
    let phases = weather(|phase| (phase.jumps, phase.changes, phase.publishes) = (20, 10, 300));
    let (clock_skew, clock_jump) = (60 * SECOND, 5 * SECOND);
    let oddities = Oddities { clock_skew, clock_jump, clock_drift_ppm: 200, ..Oddities::default() };
    check(0..10, &Scenario { oddities, patterns: 3, phases, ..Scenario::default() });
}

/// Nothing is handed over twice, altered or behind later events, and what honest nodes saw of it they counted.
#[test]
fn relays_that_lie_are_found_out_where_they_can_be() {
    let lies = Lies { share: 20, drop: 10, double: 10, alter: 10, replay: 10 };
    let phases = vec![
        Phase::quiet("joins", 10 * SECOND),
        Phase { publishes: 2_000, ..Phase::quiet("lies", 30 * SECOND) },
        Phase::quiet("rest", 15 * SECOND),
    ];
    let network = Network::even(Way { loss_ppm: 10_000, ..Way::of_ms(1, 5) });
    let scenario = Scenario { nodes: 40, neighbours: 6, patterns: 3, network, phases, ..Scenario::default() };
    let scenario = Scenario { discovery: Discovery::Sample(6), ..scenario };
    let lying = Scenario { oddities: Oddities { lies, ..Oddities::default() }, ..scenario.clone() };
    check(0..5, &lying);
    let (honest, lying) = (run(1, &scenario), run(1, &lying));
    assert_eq!((honest.lies.len(), lying.lies.len()), (0, 4), "{:?}", lying.lies);
    let dropped = |report: &Report, reason| report.drops.iter().any(|(name, n)| *name == reason && *n > 0);
    assert!(!dropped(&honest, "forged") && dropped(&lying, "forged") && dropped(&lying, "duplicate"));
    assert_eq!(honest.whole.delivered, honest.whole.expected);
    assert!(lying.whole.delivered < lying.whole.expected, "what is dropped cannot be found out");
}

#[test]
fn a_seed_tells_one_story_also_aloud() {
    let scenario = Scenario { nodes: 10, ..Scenario::default() };
    let (first, again, other) = (run(7, &scenario), run(7, &scenario), run(8, &scenario));
    assert_eq!(first, again);
    assert_ne!(first.trace, other.trace);
    let aloud = run_aloud(7, &scenario, 50);
    assert_eq!((aloud.trace, aloud.lines.len()), (first.trace, 50));
}
