//! Functions of a range vector: what the samples in a window come to.

use super::numbers::{Sum, mean, quantile};
use crate::store::{Sample, Time};

/// One window of one series, and where it stands.
pub struct Window<'a> {
    pub samples: &'a [Sample],
    /// The window's start and end, in milliseconds; the start is no part of it.
    pub start: Time,
    pub end: Time,
    /// When the expression is evaluated: not the window's end where there is an offset.
    pub now: Time,
    /// The function's numbers.
    pub numbers: &'a [f64],
}

impl Window<'_> {
    fn values(&self) -> impl Iterator<Item = f64> {
        self.samples.iter().map(|sample| sample.value)
    }

    fn pairs(&self) -> impl Iterator<Item = (f64, f64)> {
        self.samples.windows(2).map(|pair| (pair[0].value, pair[1].value))
    }
}

/// What a function makes of a window; `None` where it has too few samples.
pub type OverTime = fn(&Window) -> Option<f64>;

/// The function of this name, and whether the series keeps its name.
pub fn by_name(name: &str) -> Option<(OverTime, bool)> {
    let function: OverTime = match name {
        "rate" => |window| extrapolated(window, true, true),
        "increase" => |window| extrapolated(window, true, false),
        "delta" => |window| extrapolated(window, false, false),
        "irate" => |window| last_two(window, true),
        "idelta" => |window| last_two(window, false),
        "changes" => {
            |window| {
                Some(count(window.pairs().filter(|(before, after)| {
                    before != after && !(before.is_nan() && after.is_nan())
                })))
            }
        }
        "resets" => |window| Some(count(window.pairs().filter(|(before, after)| after < before))),
        "deriv" => |window| {
            let first = window.samples.first().filter(|_| window.samples.len() > 1)?;
            Some(regression(window.samples, first.time).slope)
        },
        "predict_linear" => |window| {
            window.samples.get(1)?;
            let line = regression(window.samples, window.now);
            Some(line.intercept + line.slope * window.numbers.first()?)
        },
        "sum_over_time" => |window| Some(window.values().fold(Sum::default(), Sum::plus).total()),
        "avg_over_time" => |window| Some(mean(window.values())),
        "min_over_time" => |window| window.values().reduce(min),
        "max_over_time" => |window| window.values().reduce(max),
        "count_over_time" => |window| Some(count(window.values())),
        "last_over_time" => |window| window.values().last(),
        "present_over_time" => |_| Some(1.0),
        "stddev_over_time" => |window| Some(variance(window.values()).sqrt()),
        "stdvar_over_time" => |window| Some(variance(window.values())),
        "quantile_over_time" => {
            |window| Some(quantile(*window.numbers.first()?, window.values().collect()))
        }
        _ => return None,
    };
    Some((function, name == "last_over_time"))
}

#[expect(clippy::cast_precision_loss, reason = "there are never so many samples")]
fn count<T>(items: impl Iterator<Item = T>) -> f64 {
    items.count() as f64
}

/// The smaller one; NaN only if both are.
pub fn min(one: f64, other: f64) -> f64 {
    if other < one || one.is_nan() { other } else { one }
}

/// The larger one; NaN only if both are.
pub fn max(one: f64, other: f64) -> f64 {
    if other > one || one.is_nan() { other } else { one }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds fit for 285,000 years")]
fn seconds(milliseconds: Time) -> f64 {
    milliseconds as f64 / 1000.0
}

/// How much a series has grown in the window: what its samples show, drawn out to the window's ends
/// where samples come close to them. <https://prometheus.io/docs/prometheus/latest/querying/functions/#rate>
fn extrapolated(window: &Window, is_counter: bool, a_second: bool) -> Option<f64> {
    let [first, .., last] = window.samples else { return None };
    let mut growth = last.value - first.value;
    if is_counter {
        // A loop, as this is what a dashboard over hours mostly waits for.
        let mut before = first.value;
        for sample in window.samples {
            if sample.value < before {
                growth += before;
            }
            before = sample.value;
        }
    }

    let covered = seconds(last.time - first.time);
    #[expect(clippy::cast_precision_loss, reason = "there are never so many samples")]
    let between_samples = covered / (window.samples.len() - 1) as f64;
    let threshold = between_samples * 1.1;
    let mut to_start = seconds(first.time - window.start);
    let mut to_end = seconds(window.end - last.time);
    if to_start >= threshold {
        to_start = between_samples / 2.0;
    }
    if is_counter && growth > 0.0 && first.value >= 0.0 {
        // A counter cannot have been below zero.
        to_start = to_start.min(covered * (first.value / growth));
    }
    if to_end >= threshold {
        to_end = between_samples / 2.0;
    }
    let mut factor = (covered + to_start + to_end) / covered;
    if a_second {
        factor /= seconds(window.end - window.start);
    }
    Some(growth * factor)
}

fn last_two(window: &Window, is_rate: bool) -> Option<f64> {
    let [.., before, last] = window.samples else { return None };
    let growth =
        if is_rate && last.value < before.value { last.value } else { last.value - before.value };
    if last.time == before.time {
        return None;
    }
    Some(if is_rate { growth / seconds(last.time - before.time) } else { growth })
}

/// A line through the samples, by least squares.
struct Line {
    slope: f64,
    /// The value at the time that was asked for.
    intercept: f64,
}

fn regression(samples: &[Sample], at: Time) -> Line {
    let first = samples[0].value;
    if samples.iter().all(|sample| sample.value == first) {
        let slope = if first.is_infinite() { f64::NAN } else { 0.0 };
        return Line { slope, intercept: if first.is_infinite() { f64::NAN } else { first } };
    }
    let points = || samples.iter().map(|sample| (seconds(sample.time - at), sample.value));
    let sum =
        |values: &mut dyn Iterator<Item = f64>| values.fold(Sum::default(), Sum::plus).total();
    let n = count(samples.iter());
    let x = sum(&mut points().map(|(x, _)| x));
    let y = sum(&mut points().map(|(_, y)| y));
    let xy = sum(&mut points().map(|(x, y)| x * y));
    let xx = sum(&mut points().map(|(x, _)| x * x));
    let slope = (xy - x * y / n) / (xx - x * x / n);
    Line { slope, intercept: y / n - slope * x / n }
}

fn variance(values: impl Iterator<Item = f64>) -> f64 {
    let (mut mean, mut squares, mut count) = (Sum::default(), Sum::default(), 0.0);
    for value in values {
        count += 1.0;
        let delta = value - mean.total();
        mean = mean.plus(delta / count);
        squares = squares.plus(delta * (value - mean.total()));
    }
    squares.total() / count
}
