//! Several hundred queries over series that go wrong in all the ways that scrapes do: our answers
//! are those of a real Prometheus.
//!
//! `answers.txt` holds what Prometheus 3.5 said, so that nothing but cargo is needed here. With
//! `prometheus` on PATH, `cargo test -p embedded-prometheus --test promql -- --ignored` asks it
//! again, at more times; with `KEEP_ANSWERS=1` it writes the file anew.

mod prometheus;
mod series;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use embedded_prometheus::labels::Labels;
use embedded_prometheus::promql::{
    self, Answer, InstantRow, Limits, QueryError, RangeRow, format_value,
};
use embedded_prometheus::store::{Retention, Sample, Store, Time};
use series::START;

/// When a query is asked: at one time, or at every step from the first time to the second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    At(Time),
    Over(Time, Time, Time),
}

impl std::fmt::Display for When {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(time) => write!(f, "at {time}"),
            Self::Over(start, end, step) => write!(f, "over {start} {end} {step}"),
        }
    }
}

/// When each query is asked in every run.
const KEPT: [When; 3] = [
    When::At(START + 3_723_456),
    When::At(START + 5_400_000),
    // Steps that meet no scrape, from before the first sample to after the last.
    When::Over(START - 100_123, START + 5_900_000, 611_777),
];

/// When it is asked of a running Prometheus as well.
const MORE: [When; 6] = [
    When::At(START),
    When::At(START + 60_000),
    When::At(START + 2_000_000),
    When::At(START + 5_700_000),
    When::Over(START, START + 5_400_000, 60_000),
    When::Over(START + 1_234_567, START + 2_234_567, 17_000),
];

/// An answer in a form that can be compared: values by series and time; or the kind of error.
#[derive(Debug, Clone, PartialEq)]
pub enum Comparable {
    Rows(Vec<(Labels, Vec<Sample>)>),
    Text(String),
    Error(&'static str),
}

fn ours(store: &Store, query: &str, when: When) -> Comparable {
    let answered = promql::parse(query).and_then(|query| match when {
        When::At(time) => {
            promql::instant(store, &query, time, &Limits::default()).map(|answer| match answer {
                Answer::Vector(rows) => Comparable::Rows(
                    rows.into_iter()
                        .map(|InstantRow { labels, value }| (labels, vec![Sample { time, value }]))
                        .collect(),
                ),
                Answer::Matrix(rows) => Comparable::Rows(of_rows(rows)),
                Answer::Scalar(value) => {
                    Comparable::Rows(vec![(Labels::none(), vec![Sample { time, value }])])
                }
                Answer::Text(text) => Comparable::Text(text),
            })
        }
        When::Over(start, end, step) => {
            promql::range(store, &query, start, end, step, &Limits::default())
                .map(of_rows)
                .map(Comparable::Rows)
        }
    });
    answered.unwrap_or_else(|error| {
        Comparable::Error(match error {
            QueryError::BadData(_) => "bad_data",
            QueryError::Execution(_) => "execution",
            QueryError::Timeout => "timeout",
        })
    })
}

fn of_rows(rows: Vec<RangeRow>) -> Vec<(Labels, Vec<Sample>)> {
    rows.into_iter().map(|row| (row.labels, row.samples)).collect()
}

/// How two answers differ, if they do: in a series, a time, or more than a billionth of a value.
fn difference(query: &str, ours: &Comparable, theirs: &Comparable) -> Option<String> {
    let (Comparable::Rows(our_rows), Comparable::Rows(their_rows)) = (ours, theirs) else {
        return (ours != theirs).then(|| format!("ours {ours:?}, theirs {theirs:?}"));
    };
    if query.starts_with("sort") {
        let order = |rows: &[(Labels, Vec<Sample>)]| -> Vec<_> {
            rows.iter()
                .map(|(_, samples)| samples.first().map(|sample| format_value(sample.value)))
                .collect()
        };
        if our_rows.iter().all(|(_, samples)| samples.len() == 1)
            && order(our_rows) != order(their_rows)
        {
            return Some(format!(
                "order: ours {:?}, theirs {:?}",
                order(our_rows),
                order(their_rows)
            ));
        }
    }
    let by_series = |rows: &[(Labels, Vec<Sample>)]| -> BTreeMap<(Labels, Time), f64> {
        let samples = rows.iter().flat_map(|(labels, samples)| {
            samples.iter().map(|sample| ((labels.clone(), sample.time), sample.value))
        });
        samples.collect()
    };
    let (our_rows, their_rows) = (by_series(our_rows), by_series(their_rows));
    for (key, theirs) in &their_rows {
        match our_rows.get(key) {
            None => {
                return Some(format!("{} at {}: we have none, theirs is {theirs}", key.0, key.1));
            }
            Some(ours) if !close(*ours, *theirs) => {
                return Some(format!("{} at {}: ours is {ours}, theirs is {theirs}", key.0, key.1));
            }
            Some(_) => {}
        }
    }
    let more = our_rows.iter().find(|(key, _)| !their_rows.contains_key(*key));
    more.map(|(key, ours)| format!("{} at {}: ours is {ours}, they have none", key.0, key.1))
}

fn close(one: f64, other: f64) -> bool {
    one == other
        || (one.is_nan() && other.is_nan())
        || (one - other).abs() <= 1e-9 * one.abs().max(other.abs())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promql")
}

fn queries() -> Vec<String> {
    let text = fs::read_to_string(folder().join("queries.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// An answer as lines: `=` and the kind of error, a text, or a series and its values.
fn written(answer: &Comparable) -> String {
    match answer {
        Comparable::Error(kind) => format!("! {kind}\n"),
        Comparable::Text(text) => format!("' {text}\n"),
        Comparable::Rows(rows) => {
            rows.iter().fold(String::new(), |mut lines, (labels, samples)| {
                let labels: BTreeMap<_, _> = labels.iter().collect();
                let samples: Vec<_> = samples
                    .iter()
                    .map(|sample| format!("{}@{}", format_value(sample.value), sample.time - START))
                    .collect();
                let labels = serde_json::to_string(&labels).unwrap();
                let _ = writeln!(lines, "{labels} {}", samples.join(" "));
                lines
            })
        }
    }
}

fn read(lines: &[&str]) -> Comparable {
    match lines {
        [line] if line.starts_with("! ") => {
            Comparable::Error(if *line == "! bad_data" { "bad_data" } else { "execution" })
        }
        [line] if line.starts_with("' ") => Comparable::Text(line[2..].to_owned()),
        rows => Comparable::Rows(rows.iter().map(|line| read_row(line)).collect()),
    }
}

fn read_row(line: &str) -> (Labels, Vec<Sample>) {
    let (labels, samples) = line.rsplit_once('}').unwrap();
    let labels: BTreeMap<String, String> = serde_json::from_str(&format!("{labels}}}")).unwrap();
    let samples = samples.split_whitespace().map(|sample| {
        let (value, time) = sample.split_once('@').unwrap();
        Sample { value: value.parse().unwrap(), time: START + time.parse::<Time>().unwrap() }
    });
    (labels.into_iter().collect(), samples.collect())
}

#[test]
fn our_answers_are_those_that_prometheus_gave() {
    let answers = fs::read_to_string(folder().join("answers.txt")).unwrap();
    let store = series::stored();
    let mut differences = Vec::new();
    let mut asked = 0;
    for block in answers.split("\n? ").filter(|block| !block.trim().is_empty()) {
        let block = block.trim_start_matches("? ");
        let mut lines = block.lines();
        let query = lines.next().unwrap();
        let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        let mut parts = lines.split(|line| line.starts_with("at ") || line.starts_with("over "));
        parts.next();
        for (when, theirs) in KEPT.into_iter().zip(parts) {
            asked += 1;
            let ours = ours(&store, query, when);
            if let Some(difference) = difference(query, &ours, &read(theirs)) {
                differences.push(format!("{query}  {when}\n    {difference}"));
            }
        }
    }
    assert_eq!(asked, queries().len() * KEPT.len(), "answers.txt is not of these queries");
    assert!(
        differences.is_empty(),
        "{} of {asked}:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
#[ignore = "needs prometheus on PATH"]
fn our_answers_are_those_that_a_running_prometheus_gives() {
    let prometheus = prometheus::Prometheus::start();
    prometheus.write(&series::all());
    let store = series::stored();
    let keep = std::env::var_os("KEEP_ANSWERS").is_some();
    let (mut asked, mut differences, mut kept) = (0, Vec::new(), String::new());
    let (mut our_time, mut their_time) = (0.0, 0.0);
    for query in queries() {
        let _ = writeln!(kept, "? {query}");
        for when in KEPT.into_iter().chain(MORE) {
            let before = Instant::now();
            let theirs = prometheus.ask(&query, when);
            their_time += before.elapsed().as_secs_f64();
            let before = Instant::now();
            let ours = ours(&store, &query, when);
            our_time += before.elapsed().as_secs_f64();
            asked += 1;
            if let Some(difference) = difference(&query, &ours, &theirs) {
                differences.push(format!("{query}  {when}\n    {difference}"));
            }
            if KEPT.contains(&when) {
                let _ = write!(kept, "{when}\n{}", written(&theirs));
            }
        }
        kept.push('\n');
    }
    println!(
        "{} of {asked} equal; ours took {our_time:.2} s, Prometheus with HTTP {their_time:.2} s",
        asked - differences.len()
    );
    if keep {
        fs::write(folder().join("answers.txt"), kept).unwrap();
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// One hour of what a service with many routes exposes, every five seconds: 500 series.
fn an_hour_of_requests() -> Vec<(Labels, Vec<Sample>)> {
    let bounds =
        ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"];
    let common =
        [("job", "api"), ("instance", "127.0.0.1:8080"), ("handler", "h"), ("method", "GET")];
    let mut series = Vec::new();
    for route in 0..32_u32 {
        let route_label = format!("/r{route}");
        let mut add = |name: &str, more: (&str, &str), growth: u32| {
            let labels =
                common.into_iter().chain([("__name__", name), ("route", &route_label), more]);
            let samples = (0..720_u32).map(|scrape| Sample {
                time: START + Time::from(scrape) * 5_000,
                value: f64::from(scrape * growth + route),
            });
            series.push((labels.collect(), samples.collect()));
        };
        add("http_requests_total", ("status", "200"), 7);
        add("http_requests_total", ("status", "500"), 1);
        for (bucket, bound) in (1..).zip(bounds) {
            add("http_request_duration_seconds_bucket", ("le", bound), bucket);
        }
        add("http_request_duration_seconds_sum", ("", ""), 1);
        add("http_request_duration_seconds_count", ("", ""), 12);
    }
    series
}

/// The queries of the largest dashboard.
fn queries_of_the_largest_dashboard() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../grafana/dashboards");
    let files =
        fs::read_dir(folder).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    let dashboards = files.map(|text| serde_json::from_str::<serde_json::Value>(&text).unwrap());
    let of = |dashboard: serde_json::Value| -> Vec<String> {
        let panels = dashboard["panels"].as_array().unwrap().iter();
        let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
        let filled = targets.map(|target| {
            let query = target["expr"].as_str().unwrap();
            [("$job", ".+"), ("$instance", ".+"), ("$__rate_interval", "20s"), ("$__range", "1h")]
                .into_iter()
                .fold(query.to_owned(), |query, (name, value)| query.replace(name, value))
        });
        filled.collect()
    };
    dashboards.map(of).max_by_key(Vec::len).unwrap()
}

#[test]
#[ignore = "needs prometheus on PATH"]
fn a_refresh_of_the_largest_dashboard_beside_prometheus() {
    let series = an_hour_of_requests();
    let mut store = Store::new(Retention::default());
    for (labels, samples) in &series {
        for sample in samples {
            store.push(labels, *sample).unwrap();
        }
    }
    let bytes = store.bytes();
    let theirs = prometheus::Prometheus::start();
    theirs.write(&series);
    let ours = prometheus::Prometheus::ours(store);
    let queries = queries_of_the_largest_dashboard();
    let when = When::Over(START, START + 3_600_000, 10_000);
    let refresh = |server: &prometheus::Prometheus| {
        let before = Instant::now();
        let rows = queries.iter().map(|query| match server.ask(query, when) {
            Comparable::Rows(rows) => rows.len(),
            other => panic!("{query}: {other:?}"),
        });
        let rows: usize = rows.sum();
        (rows, before.elapsed().as_secs_f64() * 1000.0)
    };
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let (our_rows, our_time) = refresh(&ours);
        let (their_rows, their_time) = refresh(&theirs);
        assert_eq!(our_rows, their_rows);
        times.0.push(our_time);
        times.1.push(their_time);
    }
    let median = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    println!(
        "{} series of an hour, {} queries, 361 steps: ours {:.0} ms, Prometheus {:.0} ms (median of 5); our store has {:.1} MB",
        series.len(),
        queries.len(),
        median(times.0),
        median(times.1),
        f64::from(u32::try_from(bytes).unwrap()) / 1e6
    );
}
