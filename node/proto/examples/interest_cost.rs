//! What wanting many channels costs the node that wants them: `cargo run --release -p hive-proto --example
//! interest_cost [COUNT]`.
//!
//! Subscriptions come one by one and go through all that holds them: the local route table, the count of
//! holders, and what is announced. Memory is what the process grew by (Linux).

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a measurement needs a clock and arguments"
)]

use std::time::{Duration, Instant};

use hive_proto::{
    channel::NetworkIndex,
    interest::{Announced, InterestOp, LocalInterest},
    mix::{STEP, scatter},
    pattern::Pattern,
    plane::table::{HolderId, RouteTable, Side},
};

fn main() -> anyhow::Result<()> {
    let count: u64 = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    let patterns: Vec<Pattern> = (0..count)
        .map(|n| Pattern::parse(&format!("{:x}/{:x}", mix(n) >> 32, mix(n) & 0xffff_ffff)))
        .collect::<Result<_, _>>()?;
    let before = resident_bytes()?;
    let mut table = RouteTable::new(1);
    let (mut local, mut announced) = (LocalInterest::default(), Announced::new());
    let (mut spent, mut longest, mut said) = ([Duration::ZERO; 3], Duration::ZERO, 0);
    table.attach(HolderId(1), ());
    for pattern in &patterns {
        let start = Instant::now();
        table.add(Side::Local, NetworkIndex::HOME, pattern, HolderId(1), false);
        let tabled = Instant::now();
        let op = local.add(pattern, false);
        let counted = Instant::now();
        let revision = announced.apply(op.into_iter().collect());
        let done = Instant::now();
        longest = longest.max(done - counted);
        said += revision.ops.iter().map(bytes).sum::<usize>();
        spent[0] += tabled - start;
        spent[1] += counted - tabled;
        spent[2] += done - counted;
    }
    let mib = resident_bytes()?.saturating_sub(before) as f64 / f64::from(1 << 20);
    let filter: usize = announced.wants().filter().blocks().map(|block| block.bytes().len()).sum();
    let [tabled, counted, announcing] = spent.map(|spent| spent.as_secs_f64() * 1e3);
    println!("{count} subscriptions to two random segments, one by one:");
    println!("  route table {tabled:.0} ms, holders {counted:.0} ms, announcing {announcing:.0} ms");
    println!("  the longest single announcement {:.1} ms", longest.as_secs_f64() * 1e3);
    println!("  {mib:.1} MiB without the text of the patterns, which all share");
    println!("  announced: {} patterns, a filter of {filter} bytes", announced.wants().len());
    println!("  said in all: {} bytes a subscription", said as u64 / count.max(1));
    Ok(())
}

/// What an operation takes in a frame, about.
fn bytes(op: &InterestOp) -> usize {
    match op {
        InterestOp::Block(block) => 4 + block.bytes().len(),
        op => 2 + op.pattern().map_or(0, |pattern| pattern.as_str().len()),
    }
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
