//! The arithmetic of a measurement: CPU time, medians, percentiles.

use std::time::Duration;

/// CPU time this process has used, all threads together.
pub(super) fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
    seconds + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// The middle value; of an even number the lower one. NaN of none.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len().saturating_sub(1) / 2;
    values.get(middle).copied().unwrap_or(f64::NAN)
}

/// The value that `share` of all values do not exceed. NaN of none.
pub(super) fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() as f64 * share).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_percentiles_are_values_that_occurred() {
        let values = || (1..=100).rev().map(f64::from).collect::<Vec<_>>();
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((percentile(&mut values(), 0.5) - 50.0).abs() < f64::EPSILON);
        assert!((percentile(&mut values(), 0.99) - 99.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).is_nan());
    }
}
