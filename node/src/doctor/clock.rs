//! Clocks: how far this host's is from those of other nodes.

use super::report::{Cause, Finding, Probe};

/// Clocks further apart than this are named: from there on last-writer-wins means the wrong writer.
const APART_MS: u64 = 500;

/// Another node's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clock {
    /// Whose it is.
    pub(super) name: String,
    /// How far it is ahead of this host's, in milliseconds; negative: behind.
    pub(super) ahead_ms: i64,
}

/// Whether the clocks agree. With several others, the one that differs from the median is wrong; of two nobody knows.
pub(super) fn probe(clocks: &[Clock]) -> Finding {
    let mut sorted: Vec<i64> = clocks.iter().map(|clock| clock.ahead_ms).collect();
    sorted.sort_unstable();
    let Some(median) = sorted.get(sorted.len().saturating_sub(1) / 2).copied() else {
        return Finding::skipped(Probe::Clock, "there is nobody to compare it with");
    };
    let is_apart = |ms: i64| ms.unsigned_abs() > APART_MS;
    if is_apart(median) {
        let seen = match clocks {
            [only] => format!("the clocks differ: that of {} is {} this host's", only.name, ahead(median)),
            _ => format!(
                "this host's clock is {} the median of {} others",
                ahead(median.saturating_neg()),
                clocks.len()
            ),
        };
        return apart(seen);
    }
    match clocks.iter().find(|clock| is_apart(clock.ahead_ms)) {
        Some(wrong) => {
            let seen = format!("the clock of {} is {} this host's", wrong.name, ahead(wrong.ahead_ms));
            apart(if clocks.len() > 1 { format!("{seen}, and the others agree with it") } else { seen })
        }
        None => {
            let most = sorted.iter().map(|ms| ms.unsigned_abs()).max().unwrap_or(0);
            let others = if clocks.len() == 1 { "one other" } else { "the others" };
            Finding::ok(Probe::Clock, format!("within {most} ms of {others}"))
        }
    }
}

fn apart(seen: String) -> Finding {
    Finding::fail(Probe::Clock, Cause::Clock, seen)
        .hint("let every host set its clock by NTP: timedatectl set-ntp true; then look again")
}

/// `3.2 s ahead of`.
fn ahead(ms: i64) -> String {
    let size = ms.unsigned_abs();
    let span = match size {
        0..60_000 => format!("{}.{} s", size / 1000, size % 1000 / 100),
        60_000..7_200_000 => format!("{} min", size / 60_000),
        7_200_000..172_800_000 => format!("{} h", size / 3_600_000),
        _ => format!("{} days", size / 86_400_000),
    };
    format!("{span} {}", if ms < 0 { "behind" } else { "ahead of" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::Verdict;

    #[test]
    fn the_clock_that_is_wrong_is_named() {
        let check = |clocks: &[(&str, i64)], verdict, seen: &str| {
            let clocks: Vec<Clock> =
                clocks.iter().map(|(name, ms)| Clock { name: (*name).into(), ahead_ms: *ms }).collect();
            let found = probe(&clocks);
            assert_eq!((found.verdict, found.seen.as_str()), (verdict, seen));
            assert_eq!(found.cause, (verdict == Verdict::Fail).then_some(Cause::Clock));
        };
        check(&[], Verdict::Skipped, "there is nobody to compare it with");
        check(&[("b", 3)], Verdict::Ok, "within 3 ms of one other");
        check(&[("b", -500), ("c", 12)], Verdict::Ok, "within 500 ms of the others");
        check(&[("b", 3_250)], Verdict::Fail, "the clocks differ: that of b is 3.2 s ahead of this host's");
        check(&[("b", -501)], Verdict::Fail, "the clocks differ: that of b is 0.5 s behind this host's");
        let days = "this host's clock is 365 days behind the median of 3 others";
        check(&[("b", 31_536_000_000), ("c", 31_536_000_009), ("d", 0)], Verdict::Fail, days);
        let one = "the clock of c is 90 min behind this host's, and the others agree with it";
        check(&[("b", 1), ("c", -5_400_000), ("d", 2)], Verdict::Fail, one);
        check(
            &[("b", i64::MIN)],
            Verdict::Fail,
            "the clocks differ: that of b is 106751991167 days behind this host's",
        );
    }
}
