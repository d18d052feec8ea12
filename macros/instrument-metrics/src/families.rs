//! The metric families of the attribute, and how they look to a scrape.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType,
};

use crate::labels::OVERFLOW;
use crate::series::{CounterCell, HistogramCell, Series};

/// Upper bounds in seconds: those of Prometheus's own client libraries, 5 ms to 10 s.
const BOUNDS: &[f64] = prometheus::DEFAULT_BUCKETS;

/// Why a request never got an answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Abort {
    Panic,
    Cancelled,
}

impl Abort {
    /// Tells the one from the other where a measurement is dropped unfinished.
    pub fn of_this_drop() -> Self {
        if std::thread::panicking() { Self::Panic } else { Self::Cancelled }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Who answered which kind of request; `handler` is empty where no annotated handler did.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Request {
    pub handler: &'static str,
    pub route: String,
    pub method: &'static str,
}

impl Request {
    /// Method and status stay readable, so that an error ratio over all is right even then.
    fn overflow(&self) -> Self {
        Self { handler: OVERFLOW, route: OVERFLOW.to_owned(), method: self.method }
    }

    fn labels(&self) -> [(&'static str, &str); 3] {
        [("handler", self.handler), ("method", self.method), ("route", &self.route)]
    }
}

/// All series of one `Metrics`.
pub struct Families {
    most: usize,
    requests: Series<(Request, u16), CounterCell>,
    durations: Series<Request, HistogramCell>,
    in_flight: Series<&'static str, AtomicI64>,
    aborted: Series<(&'static str, Abort), CounterCell>,
    requests_desc: Desc,
    durations_desc: Desc,
    in_flight_desc: Desc,
    aborted_desc: Desc,
    dropped_desc: Desc,
}

impl Families {
    /// # Errors
    ///
    /// Where the namespace makes no valid metric name.
    pub fn new(namespace: Option<&str>, most: usize) -> prometheus::Result<Self> {
        let desc = |name: &str, help: &str, labels: &[&str]| {
            let name = match namespace {
                Some(namespace) => format!("{namespace}_{name}"),
                None => name.to_owned(),
            };
            let labels = labels.iter().map(ToString::to_string).collect();
            Desc::new(name, help.to_owned(), labels, std::collections::HashMap::new())
        };
        Ok(Self {
            most,
            requests: Series::new(),
            durations: Series::new(),
            in_flight: Series::new(),
            aborted: Series::new(),
            requests_desc: desc(
                "http_requests_total",
                "HTTP requests that were answered.",
                &["handler", "method", "route", "status"],
            )?,
            durations_desc: desc(
                "http_request_duration_seconds",
                "Time from the handler's start to the head of its response, in seconds.",
                &["handler", "method", "route"],
            )?,
            in_flight_desc: desc(
                "http_requests_in_flight",
                "HTTP requests that a handler is working on now.",
                &["handler"],
            )?,
            aborted_desc: desc(
                "http_requests_aborted_total",
                "HTTP requests whose handler panicked or was dropped before it answered.",
                &["handler", "reason"],
            )?,
            dropped_desc: Desc::new(
                "metrics_series_dropped_total".to_owned(),
                "Samples folded into an <overflow> series because the family was full.".to_owned(),
                vec!["family".to_owned()],
                std::collections::HashMap::new(),
            )?,
        })
    }

    /// Counts an answered request and its duration.
    pub fn answered(&self, request: Request, status: u16, duration: Duration) {
        let durations =
            self.durations.capped_cell(request.clone(), self.most, Request::overflow, || {
                HistogramCell::new(BOUNDS)
            });
        durations.observe(BOUNDS, duration.as_secs_f64());
        let fold = |(request, status): &(Request, u16)| (request.overflow(), *status);
        self.requests
            .capped_cell((request, status), self.most, fold, CounterCell::default)
            .add_one();
    }

    /// Counts a request that never got an answer.
    pub fn aborted(&self, handler: &'static str, why: Abort) {
        self.aborted.cell((handler, why), CounterCell::default).add_one();
    }

    /// A request enters `handler`, and leaves it when the returned guard is dropped, however that
    /// comes about.
    pub fn enter(&self, handler: &'static str) -> InFlight {
        let cell = self.in_flight.cell(handler, || {
            // At 0 from the first request on: `increase` does not see a counter's first sample, so
            // one that appears at 1 hides that very abort.
            for why in [Abort::Panic, Abort::Cancelled] {
                self.aborted.cell((handler, why), CounterCell::default);
            }
            AtomicI64::default()
        });
        cell.fetch_add(1, Ordering::Relaxed);
        InFlight(cell)
    }

    fn family(desc: &Desc, kind: MetricType, mut metrics: Vec<Metric>) -> MetricFamily {
        metrics.sort_by(|a, b| label_values(a).cmp(label_values(b)));
        let mut family = MetricFamily::default();
        family.set_name(desc.fq_name.clone());
        family.set_help(desc.help.clone());
        family.set_field_type(kind);
        family.set_metric(metrics);
        family
    }

    fn dropped(&self) -> Vec<Metric> {
        let families = [
            (&self.requests_desc, self.requests.dropped()),
            (&self.durations_desc, self.durations.dropped()),
        ];
        families
            .into_iter()
            .map(|(desc, dropped)| counter(&[("family", &desc.fq_name)], dropped))
            .collect()
    }
}

/// One request in a handler; see [`Families::enter`].
pub struct InFlight(Arc<AtomicI64>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Collector for Families {
    fn desc(&self) -> Vec<&Desc> {
        vec![
            &self.requests_desc,
            &self.durations_desc,
            &self.in_flight_desc,
            &self.aborted_desc,
            &self.dropped_desc,
        ]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let requests = self.requests.read(|(request, status), cell| {
            let [handler, method, route] = request.labels();
            let status = status.to_string();
            counter(&[handler, method, route, ("status", &status)], cell.total())
        });
        let durations =
            self.durations.read(|request, cell| histogram(&request.labels(), BOUNDS, cell));
        let in_flight = self.in_flight.read(|handler, cell| {
            #[expect(clippy::cast_precision_loss, reason = "requests in flight are few")]
            gauge(&[("handler", handler)], cell.load(Ordering::Relaxed) as f64)
        });
        let aborted = self.aborted.read(|(handler, why), cell| {
            counter(&[("handler", handler), ("reason", why.label())], cell.total())
        });
        vec![
            Self::family(&self.requests_desc, MetricType::COUNTER, requests),
            Self::family(&self.durations_desc, MetricType::HISTOGRAM, durations),
            Self::family(&self.in_flight_desc, MetricType::GAUGE, in_flight),
            Self::family(&self.aborted_desc, MetricType::COUNTER, aborted),
            Self::family(&self.dropped_desc, MetricType::COUNTER, self.dropped()),
        ]
    }
}

fn label_values(metric: &Metric) -> impl Iterator<Item = &str> {
    metric.get_label().iter().map(LabelPair::value)
}

/// A sample with these labels; they have to come sorted by name.
pub fn sample(labels: &[(&str, &str)]) -> Metric {
    let pair = |(name, value): &(&str, &str)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    };
    Metric::from_label(labels.iter().map(pair).collect())
}

pub fn gauge(labels: &[(&str, &str)], value: f64) -> Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    let mut metric = sample(labels);
    metric.set_gauge(gauge);
    metric
}

fn counter(labels: &[(&str, &str)], total: u64) -> Metric {
    let mut counter = Counter::default();
    // Prometheus keeps every sample as a 64-bit float: whole up to 2^53.
    #[expect(clippy::cast_precision_loss, reason = "the format's own precision")]
    counter.set_value(total as f64);
    let mut metric = sample(labels);
    metric.set_counter(counter);
    metric
}

fn histogram(labels: &[(&str, &str)], bounds: &[f64], cell: &HistogramCell) -> Metric {
    let cumulative = cell.cumulative();
    let buckets = bounds.iter().zip(&cumulative).map(|(bound, count)| {
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(*count);
        bucket
    });
    let mut histogram = Histogram::default();
    histogram.set_bucket(buckets.collect());
    histogram.set_sample_count(cumulative[bounds.len()]);
    histogram.set_sample_sum(cell.sum());
    let mut metric = sample(labels);
    metric.set_histogram(histogram);
    metric
}
