//! What a route table costs, in memory and time: `cargo run --release -p hive-proto --example table_cost [COUNT]`.
//!
//! Memory is what the process grew by (Linux), so that the allocator's own share is in it. Every shape runs in a
//! process of its own, because freed memory would hide what the next one takes.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a measurement needs a clock and arguments"
)]

use std::{
    process::Command,
    time::{Duration, Instant},
};

use hive_proto::{
    channel::{Channel, NetworkIndex},
    mix::{STEP, scatter},
    pattern::Pattern,
    plane::table::{HolderId, RouteTable, Side},
};

/// Makes the n-th of many patterns.
type Shape = fn(u64) -> String;

/// How the patterns may look, by name.
const SHAPES: &[(&str, Shape)] = &[
    ("random", |n| format!("{:x}/{:x}", mix(n) >> 32, mix(n) & 0xffff_ffff)),
    ("sensors", |n| format!("site-{}/sensor-{}", n / 1000, n % 1000)),
    ("wild", |n| format!("site-{}/room-{}/*/on", n / 1000, n % 1000)),
    ("deep", |n| format!("eu/berlin/plant-{}/hall-{}/sensor-{}/up", n / 10_000, n / 100 % 100, n % 100)),
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [shape, count] = arguments.as_slice() {
        return measure(shape, count.parse()?);
    }
    let count = arguments.first().map_or("1000000", String::as_str);
    println!("shape      patterns      MiB  B/pattern  insert µs  lookup µs  change in a snapshot µs");
    for (shape, _) in SHAPES {
        let status = Command::new(std::env::current_exe()?).args([shape, count]).status()?;
        anyhow::ensure!(status.success(), "{shape} failed");
    }
    Ok(())
}

fn measure(shape: &str, count: u64) -> anyhow::Result<()> {
    let Some((_, text)) = SHAPES.iter().find(|(name, _)| *name == shape) else {
        anyhow::bail!("no shape is called {shape}");
    };
    let before = resident_bytes()?;
    let mut table = RouteTable::new(1);
    let mut inserting = Duration::ZERO;
    for n in 0..count {
        let pattern = Pattern::parse(&text(n))?;
        let holder = HolderId(n / 1000);
        let start = Instant::now();
        table.add(Side::Peer, NetworkIndex::HOME, &pattern, holder, false);
        inserting += start.elapsed();
    }
    let bytes = resident_bytes()?.saturating_sub(before);
    for holder in 0..count.div_ceil(1000) {
        table.attach(HolderId(holder), holder);
    }
    let lookup = lookups(&table, count, *text)?;
    let change = changes(&mut table, count, *text)?;
    println!(
        "{shape:10} {count:8} {:8.1} {:10.0} {:10.2} {lookup:10.2} {change:10.2}",
        bytes as f64 / f64::from(1 << 20),
        bytes as f64 / count as f64,
        inserting.as_secs_f64() * 1e6 / count as f64,
    );
    Ok(())
}

/// The mean of one lookup, in microseconds.
fn lookups(table: &RouteTable<u64>, count: u64, text: Shape) -> anyhow::Result<f64> {
    let asked: Vec<Channel> = (0..200_000)
        .map(|n| Channel::parse(&text(mix(n) % count).replace('*', "lamp")))
        .collect::<Result<_, _>>()?;
    let start = Instant::now();
    let found: usize =
        asked.iter().map(|channel| table.wanting(Side::Peer, NetworkIndex::HOME, channel).count()).sum();
    let spent = start.elapsed();
    anyhow::ensure!(found == asked.len(), "{found} of {} were found", asked.len());
    Ok(spent.as_secs_f64() * 1e6 / asked.len() as f64)
}

/// The mean of taking a snapshot and adding a pattern, in microseconds.
fn changes(table: &mut RouteTable<u64>, count: u64, text: Shape) -> anyhow::Result<f64> {
    let patterns: Vec<Pattern> =
        (count..count + 10_000).map(|n| Pattern::parse(&text(n))).collect::<Result<_, _>>()?;
    let start = Instant::now();
    for pattern in &patterns {
        let snapshot = table.clone();
        table.add(Side::Peer, NetworkIndex::HOME, pattern, HolderId(1), false);
        drop(snapshot);
    }
    Ok(start.elapsed().as_secs_f64() * 1e6 / patterns.len() as f64)
}

fn resident_bytes() -> anyhow::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = text.split(' ').nth(1).unwrap_or_default().parse()?;
    Ok(pages * 4096)
}

/// A number that looks random.
fn mix(n: u64) -> u64 {
    scatter(n.wrapping_add(1).wrapping_mul(STEP))
}
