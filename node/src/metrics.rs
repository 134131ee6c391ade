//! Metrics: numbers with names and labels, as Prometheus reads them.
//!
//! What it owns: the text format. Exists so that whoever knows numbers need not know how they are written. It must not know
//! what they count, and has no tasks and no sockets.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, text},
    metrics::{MetricType, exemplar::Exemplar},
    registry::Registry,
};

/// What a client is told that the text is.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What stands before every name.
const PREFIX: &str = "hive";

/// Label names and values.
pub type Labels = Vec<(&'static str, String)>;

/// One thing that is measured, with a number for each set of labels.
#[derive(Debug, Clone)]
pub struct Metric {
    /// Its name, without the prefix, and without the `_total` of counters.
    pub name: &'static str,
    /// What it is, in a few words and without a full stop.
    pub help: &'static str,
    /// The numbers.
    pub points: Vec<(Labels, Number)>,
}

/// A number of one kind; the kinds of one metric are the same.
#[derive(Debug, Clone)]
pub enum Number {
    /// It only grows.
    Count(u64),
    /// The same, of what is no whole number.
    Sum(f64),
    /// It goes up and down.
    Gauge(f64),
    /// How many were how large.
    Histogram {
        /// Upper bounds, and how many are not above them and above the one before; the last bound is infinite.
        buckets: Vec<(f64, u64)>,
        /// All of them together.
        sum: f64,
    },
}

/// The text.
#[must_use]
pub fn text(metrics: Vec<Metric>) -> String {
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(Numbers(metrics)));
    let mut written = String::new();
    // A text does not refuse what is written to it.
    let _ = text::encode(&mut written, &registry);
    written
}

#[derive(Debug)]
struct Numbers(Vec<Metric>);

/// The labels of none.
type Unlabelled = [(&'static str, String); 0];

impl Collector for Numbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for Metric { name, help, points } in &self.0 {
            let Some((_, first)) = points.first() else { continue };
            let mut metric = encoder.encode_descriptor(name, help, None, first.kind())?;
            for (labels, number) in points {
                let labels: Vec<(&str, &str)> =
                    labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let mut point = metric.encode_family(&labels)?;
                match number {
                    Number::Count(count) => {
                        point.encode_counter::<Unlabelled, u64, u64>(
                            count,
                            None::<&Exemplar<Unlabelled, u64>>,
                        )?;
                    }
                    Number::Sum(sum) => {
                        point.encode_counter::<Unlabelled, f64, f64>(
                            sum,
                            None::<&Exemplar<Unlabelled, f64>>,
                        )?;
                    }
                    Number::Gauge(value) => point.encode_gauge(value)?,
                    Number::Histogram { buckets, sum } => {
                        let count = buckets.iter().map(|(_, count)| count).sum();
                        point.encode_histogram::<Unlabelled>(*sum, count, buckets, None)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Number {
    fn kind(&self) -> MetricType {
        match self {
            Self::Count(_) | Self::Sum(_) => MetricType::Counter,
            Self::Gauge(_) => MetricType::Gauge,
            Self::Histogram { .. } => MetricType::Histogram,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_with_their_labels_escaped() {
        let labels = |plugin: &str| vec![("plugin", plugin.to_owned())];
        let written = text(vec![
            Metric {
                name: "plugin_handled",
                help: "Events handled",
                points: vec![(labels("a"), Number::Count(3)), (labels("b\"\n"), Number::Count(4))],
            },
            Metric { name: "up_seconds", help: "Time", points: vec![(Vec::new(), Number::Gauge(1.5))] },
            Metric { name: "nothing", help: "No number", points: Vec::new() },
            Metric {
                name: "took_seconds",
                help: "Time",
                points: vec![(
                    labels("a"),
                    Number::Histogram { buckets: vec![(0.1, 2), (f64::INFINITY, 1)], sum: 2.5 },
                )],
            },
        ]);
        let want = [
            "hive_plugin_handled_total{plugin=\"a\"} 3",
            "hive_plugin_handled_total{plugin=\"b\\\"\\n\"} 4",
            "hive_up_seconds 1.5",
            "hive_took_seconds_sum{plugin=\"a\"} 2.5",
            "hive_took_seconds_count{plugin=\"a\"} 3",
            "hive_took_seconds_bucket{le=\"0.1\",plugin=\"a\"} 2",
            "hive_took_seconds_bucket{le=\"+Inf\",plugin=\"a\"} 3",
        ];
        for line in want {
            assert!(written.lines().any(|written| written == line), "{line} in\n{written}");
        }
        assert!(!written.contains("nothing") && written.ends_with("# EOF\n"), "{written}");
    }
}
