//! PromQL as Prometheus 3 evaluates it, over a [`Store`].
//!
//! All of the language but native histograms and what Prometheus calls experimental. The parser is
//! the `promql-parser` crate; what its tree means is evaluated here, all steps of a range at once.
//!
//! ```
//! use embedded_prometheus::labels::Labels;
//! use embedded_prometheus::promql::{self, Answer, Limits};
//! use embedded_prometheus::store::{Retention, Sample, Store};
//!
//! let mut store = Store::new(Retention::default());
//! let series: Labels = [("__name__", "requests_total"), ("status", "200")].into_iter().collect();
//! for (time, value) in [(0, 0.0), (15_000, 30.0), (30_000, 60.0)] {
//!     store.push(&series, Sample { time, value })?;
//! }
//! let query = promql::parse("sum(rate(requests_total[30s]))")?;
//! let Answer::Vector(rows) = promql::instant(&store, &query, 30_000, &Limits::default())? else {
//!     panic!("a vector");
//! };
//! assert_eq!(rows[0].value, 2.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod aggregate;
mod binary;
mod eval;
mod functions;
mod histogram;
mod numbers;
mod over_time;
mod query;
mod select;

use std::time::{Duration, Instant};

pub use numbers::format_value;
pub(crate) use numbers::{format_float, go_exponent};
pub use query::{Query, parse, parse_selector};
pub(crate) use select::milliseconds;

use crate::labels::Labels;
use crate::store::{Sample, Store, Time};

/// Why a query has no answer; the kinds are those of Prometheus's API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The query, or its times, cannot be read.
    #[error("{0}")]
    BadData(String),
    /// It can be read, and makes no sense for these series.
    #[error("{0}")]
    Execution(String),
    /// It took longer than allowed.
    #[error("query timed out in expression evaluation")]
    Timeout,
}

/// How much a query may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many samples it may hold at once, those of its answer among them.
    pub samples: usize,
    /// How long it may take.
    pub time: Duration,
    /// How old the newest sample of a series may be for the series to be there, in milliseconds.
    pub lookback: Time,
    /// The step of a subquery that names none, in milliseconds.
    pub subquery_step: Time,
}

impl Default for Limits {
    /// Ten million samples and ten seconds; five minutes and one minute, as in Prometheus.
    fn default() -> Self {
        Self {
            samples: 10_000_000,
            time: Duration::from_secs(10),
            lookback: 5 * 60 * 1000,
            subquery_step: 60 * 1000,
        }
    }
}

/// What an instant query answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// One value for each series, at the time of the query.
    Vector(Vec<InstantRow>),
    /// Many values for each series.
    Matrix(Vec<RangeRow>),
    /// A number.
    Scalar(f64),
    /// A text.
    Text(String),
}

/// A series and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct InstantRow {
    /// Its labels.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
}

/// A series and its values.
#[derive(Debug, Clone, PartialEq)]
pub struct RangeRow {
    /// Its labels.
    pub labels: Labels,
    /// Its values, by time.
    pub samples: Vec<Sample>,
}

/// The times that a query is evaluated at.
#[derive(Debug, Clone, Copy)]
struct Steps {
    start: Time,
    step: Time,
    count: usize,
}

impl Steps {
    fn at(start: Time) -> Self {
        Self { start, step: 1, count: 1 }
    }

    fn times(self) -> impl Iterator<Item = Time> {
        (0..self.count).map(move |index| self.time(index))
    }

    fn time(self, index: usize) -> Time {
        self.start + self.step * Time::try_from(index).unwrap_or(Time::MAX)
    }

    fn end(self) -> Time {
        self.time(self.count.saturating_sub(1))
    }
}

/// Evaluates a query at one time.
///
/// # Errors
///
/// [`QueryError::Execution`] where it makes no sense for these series or costs too much, and
/// [`QueryError::Timeout`].
pub fn instant(
    store: &Store,
    query: &Query,
    time: Time,
    limits: &Limits,
) -> Result<Answer, QueryError> {
    eval::Evaluation::new(store, limits, time, time).instant(query.expr(), time)
}

/// Evaluates a query at each `step` from `start` to `end`, both included; in milliseconds.
///
/// # Errors
///
/// As [`instant`]; and [`QueryError::BadData`] where the query is no vector or number, the step is
/// not positive, the end is before the start, or there are more than 11,000 steps.
pub fn range(
    store: &Store,
    query: &Query,
    start: Time,
    end: Time,
    step: Time,
    limits: &Limits,
) -> Result<Vec<RangeRow>, QueryError> {
    let bad = |why: &str| Err(QueryError::BadData(why.to_owned()));
    if step <= 0 {
        return bad(
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        );
    }
    if end < start {
        return bad("end timestamp must not be before start time");
    }
    if (end - start) / step > 11_000 {
        return bad(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        );
    }
    query.check_for_range()?;
    let count = usize::try_from((end - start) / step).unwrap_or(0) + 1;
    let steps = Steps { start, step, count };
    eval::Evaluation::new(store, limits, start, end).range(query.expr(), steps)
}

/// Counts what a query costs.
struct Budget {
    deadline: Instant,
    samples: usize,
}

impl Budget {
    fn spend(&mut self, samples: usize) -> Result<(), QueryError> {
        let Some(left) = self.samples.checked_sub(samples) else {
            return Err(QueryError::Execution(
                "query processing would load too many samples into memory in query execution"
                    .to_owned(),
            ));
        };
        self.samples = left;
        self.in_time()
    }

    fn in_time(&self) -> Result<(), QueryError> {
        if Instant::now() > self.deadline { Err(QueryError::Timeout) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Retention;

    fn ask(text: &str, time: Time) -> Result<usize, QueryError> {
        let mut store = Store::new(Retention::default());
        for instance in ["a", "b"] {
            let series = [("__name__", "up"), ("job", "api"), ("instance", instance)];
            store.push(&series.into_iter().collect(), Sample { time: 0, value: 1.0 }).unwrap();
        }
        match instant(&store, &parse(text)?, time, &Limits::default())? {
            Answer::Vector(rows) => Ok(rows.len()),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_sample_that_is_just_as_old_as_the_lookback_is_gone() {
        assert_eq!(ask("up", 299_999), Ok(2));
        assert_eq!(ask("up", 300_000), Ok(0));
        let mut store = Store::new(Retention::default());
        let up = [("__name__", "up")].into_iter().collect();
        store.push(&up, Sample { time: 0, value: 1.0 }).unwrap();
        let query = parse("up").unwrap();
        let rows = range(&store, &query, 0, 300_000, 100_000, &Limits::default()).unwrap();
        let times: Vec<_> = rows[0].samples.iter().map(|sample| sample.time).collect();
        assert_eq!(times, [0, 100_000, 200_000]);
    }

    #[test]
    fn what_has_to_be_said_of_a_join_is_said() {
        let table = [
            (
                "up * on(job) max by (job) (up)",
                "many-to-one matching must be explicit (group_left/group_right)",
            ),
            ("max by (job) (up) * on(job) up", "many-to-many matching not allowed"),
        ];
        for (query, sentence) in table {
            let error = ask(query, 0).unwrap_err().to_string();
            assert!(error.contains(sentence), "{query}: {error}");
        }
    }
}
