//! The series that the queries are about: an hour and a half of scrapes that go wrong in all the
//! ways that scrapes do. The same each time.

use embedded_prometheus::labels::Labels;
use embedded_prometheus::store::{Retention, STALE, Sample, Store, Time};

/// When the first sample was taken: a full hour, in milliseconds since 1970.
pub const START: Time = 1_700_002_800_000;
/// How long the samples go on.
const LENGTH: Time = 90 * 60 * 1000;

/// Numbers that look random, and are the same each time.
struct Noise(u64);

impl Noise {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let noise = (self.0 >> 11) as f64 / (1u64 << 53) as f64;
        noise
    }
}

/// Series that are being made.
struct Made {
    noise: Noise,
    series: Vec<(Labels, Vec<Sample>)>,
}

/// All series with their samples.
pub fn all() -> Vec<(Labels, Vec<Sample>)> {
    let mut made = Made { noise: Noise(7), series: Vec::new() };
    made.counters();
    made.gauges();
    made.latencies();
    made.constants();
    made.series
}

impl Made {
    /// `labels` are `name=value`, with spaces between them.
    fn add(&mut self, labels: &str, samples: Vec<Sample>) {
        let pairs = labels.split(' ').map(|label| label.split_once('=').expect("name=value"));
        self.series.push((pairs.collect(), samples));
    }

    /// The times of scrapes: every so often, a little too early or too late.
    fn scrapes(&mut self, every: Time) -> Vec<Time> {
        let mut jitter = || {
            #[expect(clippy::cast_possible_truncation, reason = "some hundred milliseconds")]
            let jitter = ((self.noise.next() - 0.5) * 400.0) as Time;
            jitter
        };
        (0..LENGTH / every).map(|scrape| START + scrape * every + jitter()).collect()
    }

    /// With resets, a gap of eight minutes, one that ends, one that begins late.
    fn counters(&mut self) {
        for (instance, status, growth) in [
            ("a", "200", 5.0),
            ("a", "500", 0.2),
            ("b", "200", 3.0),
            ("b", "404", 0.5),
            ("c", "200", 1.0),
        ] {
            let mut total = 0.0;
            let mut samples = Vec::new();
            for (index, time) in self.scrapes(15_000).into_iter().enumerate() {
                total += (self.noise.next() * growth * 2.0).floor();
                if instance == "b" && [100, 237].contains(&index) {
                    total = 0.0;
                }
                let gap = instance == "a" && (120..152).contains(&index);
                let late = instance == "c" && index < 200;
                if !gap && !late {
                    samples.push(Sample { time, value: total });
                }
                if status == "404" && index == 300 {
                    samples.push(Sample { time: time + 1_000, value: STALE });
                    break;
                }
            }
            let labels = format!(
                "__name__=http_requests_total job=api instance={instance} status={status} method=GET"
            );
            self.add(&labels, samples);
        }
    }

    /// With NaN, infinities, and one that comes and goes.
    fn gauges(&mut self) {
        for (job, instance, scale) in [("api", "a", 1.0), ("api", "b", 10.0), ("db", "a", -3.0)] {
            let mut samples = Vec::new();
            for (index, time) in self.scrapes(30_000).into_iter().enumerate() {
                let value = match (job, index % 40) {
                    ("db", 7) => f64::NAN,
                    ("db", 13) => f64::INFINITY,
                    ("db", 29) => f64::NEG_INFINITY,
                    _ => (self.noise.next() - 0.3) * scale,
                };
                samples.push(Sample { time, value });
            }
            self.add(&format!("__name__=temperature job={job} instance={instance}"), samples);
        }
        let (mut scrape, mut samples) = (0.0, Vec::new());
        for (index, time) in self.scrapes(15_000).into_iter().enumerate() {
            let value = if index / 20 % 2 == 1 { STALE } else { scrape };
            samples.push(Sample { time, value });
            scrape += 1.0;
        }
        self.add("__name__=flapping job=api instance=a", samples);
    }

    /// A histogram of two handlers.
    fn latencies(&mut self) {
        let bounds = ["0.05", "0.1", "0.25", "0.5", "1", "+Inf"];
        for (handler, mean) in [("list", 0.08), ("get", 0.3)] {
            let (mut counts, mut sum) = ([0.0; 6], 0.0);
            let mut samples = vec![Vec::new(); 8];
            for time in self.scrapes(15_000) {
                for _ in 0..7 {
                    let observed = -self.noise.next().max(1e-9).ln() * mean;
                    sum += observed;
                    for (count, bound) in counts.iter_mut().zip(bounds) {
                        if observed <= bound.parse().unwrap_or(f64::INFINITY) {
                            *count += 1.0;
                        }
                    }
                }
                let values = counts.into_iter().chain([counts[5], sum]);
                for (samples, value) in samples.iter_mut().zip(values) {
                    samples.push(Sample { time, value });
                }
            }
            let mut samples = samples.into_iter();
            let of_handler = format!("job=api handler={handler}");
            for (bound, samples) in bounds.iter().zip(samples.by_ref()) {
                self.add(
                    &format!("__name__=latency_seconds_bucket {of_handler} le={bound}"),
                    samples,
                );
            }
            for (suffix, samples) in ["count", "sum"].iter().zip(samples) {
                self.add(&format!("__name__=latency_seconds_{suffix} {of_handler}"), samples);
            }
        }
    }

    fn constants(&mut self) {
        // A histogram without +Inf; one with levels of all signs and a bucket that loses
        // observations; what joins are made of; and numbers that a careless sum loses.
        let constants = [
            ("__name__=unbounded_bucket job=odd le=1", 3.0),
            ("__name__=unbounded_bucket job=odd le=2", 5.0),
            ("__name__=unbounded_bucket job=odd le=none", 7.0),
            ("__name__=signed_bucket job=odd le=-1", 2.0),
            ("__name__=signed_bucket job=odd le=0", 4.0),
            ("__name__=signed_bucket job=odd le=1", 3.0),
            ("__name__=signed_bucket job=odd le=3", 9.0),
            ("__name__=signed_bucket job=odd le=+Inf", 10.0),
            ("__name__=build_info job=api instance=a version=1.2 revision=r-1.2", 1.0),
            ("__name__=build_info job=api instance=b version=1.3 revision=r-1.3", 1.0),
            ("__name__=build_info job=api instance=d version=1.4 revision=r-1.4", 1.0),
            ("__name__=level shard=0 side=even", 3.0),
            ("__name__=level shard=1 side=odd", 1.0),
            ("__name__=level shard=2 side=even", 2.0),
            ("__name__=level shard=3 side=odd", f64::NAN),
            ("__name__=level shard=4 side=even", -5.0),
            ("__name__=level shard=5 side=odd", 1e10),
            ("__name__=careless part=0", 1e16),
            ("__name__=careless part=1", 1.0),
            ("__name__=careless part=2", 1.0),
            ("__name__=careless part=3", -1e16),
        ];
        for (labels, value) in constants {
            let times = self.scrapes(60_000).into_iter();
            self.add(labels, times.map(|time| Sample { time, value }).collect());
        }
    }
}

/// A store with all of them.
pub fn stored() -> Store {
    let mut store = Store::new(Retention { milliseconds: Time::MAX, ..Retention::default() });
    for (labels, samples) in all() {
        for sample in samples {
            store.push(&labels, sample).expect("in order");
        }
    }
    store
}
