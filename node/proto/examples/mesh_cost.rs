//! What a mesh costs, by kind of frame: `cargo run --release -p hive-proto --features sim --example mesh_cost [NODES [SEED
//! [CHURN]]]`, where so many percent of the nodes crash and start again each minute while subscriptions change.
//!
//! The same run as `hive-node sim`, without the program around it: quick to build, and easy to profile.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a measurement needs a clock and arguments"
)]

use std::time::{Duration, Instant};

use hive_proto::sim::{self, Discovery, Network, Phase, Scenario, Way};

const SECOND: Duration = Duration::from_secs(1);

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let nodes = arguments.next().map_or(Ok(100), |text| text.parse())?;
    let seed = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let churn_percent = arguments.next().map_or(Ok(0), |text| text.parse())?;
    let way = Way { loss_ppm: 10_000, ..Way::of_ms(1, 1) };
    let scenario = Scenario {
        nodes,
        neighbours: 16,
        discovery: Discovery::Sample(16.min(nodes - 1)),
        patterns: 3,
        network: Network::even(way),
        phases: vec![
            Phase::quiet("joins", 20 * SECOND),
            Phase::quiet("steady", 20 * SECOND),
            Phase { changes: 20, churn_percent, ..Phase::quiet("changes", 20 * SECOND) },
        ],
        ..Scenario::default()
    };
    let began = Instant::now();
    let report = sim::run(seed, &scenario);
    let took = began.elapsed();
    println!(
        "{nodes} nodes, seed {seed}: {:.1} s, {} inputs, trace {:016x}",
        took.as_secs_f64(),
        report.inputs,
        report.trace
    );
    for phase in &report.phases {
        let figures = &phase.figures;
        println!(
            "{}: settled {:?}, links {} ({} to {}), across {}, {} B/s a node, worst {}, busiest second {}",
            phase.name,
            figures.settled,
            figures.links,
            figures.neighbours_least,
            figures.neighbours_most,
            figures.diameter,
            figures.bytes_per_second,
            figures.bytes_per_second_worst,
            figures.bytes_busiest_second,
        );
        println!(
            "  {} changes, {} known, 99% {:?}, all {:?}, median {:?}, {:?} B a change",
            figures.changes,
            figures.changes_known,
            figures.known_99,
            figures.known_all,
            figures.known_all_median,
            figures.bytes_per_change
        );
        for kind in &figures.kinds {
            let seconds = phase.length.as_secs().max(1) * nodes as u64;
            println!(
                "  {:#x}: {:>9} frames {:>11} B  {:>6} B/s a node",
                kind.kind,
                kind.frames,
                kind.bytes,
                kind.bytes / seconds
            );
        }
    }
    report.problems.iter().take(5).for_each(|problem| println!("wrong: {problem}"));
    Ok(())
}
