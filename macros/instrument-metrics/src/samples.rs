//! Families and samples in the form that the `prometheus` crate gathers.

use std::collections::HashMap;
use std::sync::Arc;

use prometheus::core::Desc;
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType,
};

use crate::series::HistogramCell;

/// Labels that every series of a `Metrics` has.
#[derive(Debug, Clone, Default)]
pub struct ConstLabels(Arc<Vec<(String, String)>>);

impl ConstLabels {
    pub fn push(&mut self, name: String, value: String) {
        Arc::make_mut(&mut self.0).push((name, value));
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The description of a family whose samples have these labels, too.
    ///
    /// # Errors
    ///
    /// Where a name is none that Prometheus takes.
    pub fn desc(&self, name: String, help: &str, labels: &[&str]) -> prometheus::Result<Desc> {
        let own: HashMap<_, _> = self.0.iter().cloned().collect();
        let labels = labels.iter().map(ToString::to_string).collect();
        Desc::new(name, help.to_owned(), labels, own)
    }

    /// A sample with its own labels and these; where both have a name, its own.
    fn sample(&self, own: &[(&str, &str)]) -> Metric {
        let others = self.iter().filter(|(name, _)| own.iter().all(|(owned, _)| owned != name));
        let mut labels: Vec<_> = own.iter().copied().chain(others).collect();
        labels.sort_unstable();
        let pair = |(name, value): (&str, &str)| {
            let mut pair = LabelPair::default();
            pair.set_name(name.to_owned());
            pair.set_value(value.to_owned());
            pair
        };
        Metric::from_label(labels.into_iter().map(pair).collect())
    }

    pub fn gauge(&self, labels: &[(&str, &str)], value: f64) -> Metric {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        let mut metric = self.sample(labels);
        metric.set_gauge(gauge);
        metric
    }

    pub fn counter(&self, labels: &[(&str, &str)], total: u64) -> Metric {
        let mut counter = Counter::default();
        // Prometheus keeps every sample as a 64-bit float: whole up to 2^53.
        #[expect(clippy::cast_precision_loss, reason = "the format's own precision")]
        counter.set_value(total as f64);
        let mut metric = self.sample(labels);
        metric.set_counter(counter);
        metric
    }

    pub fn histogram(&self, labels: &[(&str, &str)], cell: &HistogramCell) -> Metric {
        let cumulative = cell.cumulative();
        let buckets = cell.bounds().iter().zip(&cumulative).map(|(bound, count)| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(*bound);
            bucket.set_cumulative_count(*count);
            bucket
        });
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets.collect());
        histogram.set_sample_count(cumulative[cell.bounds().len()]);
        histogram.set_sample_sum(cell.sum());
        let mut metric = self.sample(labels);
        metric.set_histogram(histogram);
        metric
    }
}

/// A family with its samples, sorted by their labels.
pub fn family(desc: &Desc, kind: MetricType, mut metrics: Vec<Metric>) -> MetricFamily {
    metrics.sort_by(|a, b| label_values(a).cmp(label_values(b)));
    let mut family = MetricFamily::default();
    family.set_name(desc.fq_name.clone());
    family.set_help(desc.help.clone());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

fn label_values(metric: &Metric) -> impl Iterator<Item = &str> {
    metric.get_label().iter().map(LabelPair::value)
}
