//! Numbers as Prometheus adds, orders and writes them.

use std::cmp::Ordering;

/// A sum that remembers what rounding has cost: Neumaier's compensated sum.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    pub fn new(sum: f64, lost: f64) -> Self {
        Self { sum, lost }
    }

    #[must_use]
    pub fn plus(self, value: f64) -> Self {
        let sum = self.sum + value;
        let lost = if sum.is_infinite() {
            0.0
        } else if self.sum.abs() >= value.abs() {
            self.lost + ((self.sum - sum) + value)
        } else {
            self.lost + ((value - sum) + self.sum)
        };
        Self { sum, lost }
    }

    pub fn total(self) -> f64 {
        self.sum + self.lost
    }
}

/// The mean of values; where their sum would be too large for a float, it is built up step by step.
pub fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut mean, mut count) = (Sum::default(), None::<Sum>, 0.0);
    for value in values {
        count += 1.0;
        let so_far = match mean {
            None => {
                let more = sum.plus(value);
                if count == 1.0 || !more.sum.is_infinite() {
                    sum = more;
                    continue;
                }
                Sum::new(sum.sum / (count - 1.0), sum.lost / (count - 1.0))
            }
            Some(mean) => mean,
        };
        mean = Some(so_far);
        if so_far.sum.is_infinite() {
            let same_infinity = value.is_infinite() && (so_far.sum > 0.0) == (value > 0.0);
            if same_infinity || value.is_finite() {
                continue;
            }
        }
        let part = (count - 1.0) / count;
        mean = Some(Sum::new(part * so_far.sum, part * so_far.lost).plus(value / count));
    }
    match mean {
        Some(mean) => mean.total(),
        None => sum.sum / count + sum.lost / count,
    }
}

/// The φ-quantile of values, interpolated between neighbours.
pub fn quantile(quantile: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || quantile.is_nan() {
        return f64::NAN;
    }
    if quantile < 0.0 {
        return f64::NEG_INFINITY;
    }
    if quantile > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(|one, other| nan_first(*one, *other));
    #[expect(clippy::cast_precision_loss, reason = "there are never so many values")]
    let rank = quantile * (values.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 <= rank < len")]
    let lower = rank.floor() as usize;
    let upper = (lower + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}

/// NaN before everything.
fn nan_first(one: f64, other: f64) -> Ordering {
    one.partial_cmp(&other).unwrap_or_else(|| other.is_nan().cmp(&one.is_nan()))
}

/// From small to large, NaN at the end.
pub fn ascending(one: f64, other: f64) -> Ordering {
    one.partial_cmp(&other).unwrap_or_else(|| one.is_nan().cmp(&other.is_nan()))
}

/// From large to small, NaN at the end.
pub fn descending(one: f64, other: f64) -> Ordering {
    other.partial_cmp(&one).unwrap_or_else(|| one.is_nan().cmp(&other.is_nan()))
}

/// A value as Prometheus writes it in its API: `1`, `0.25`, `1e+21`, `NaN`, `+Inf`.
#[must_use]
pub fn format_value(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else if size != 0.0 && !(1e-6..1e21).contains(&size) {
        with_exponent(value)
    } else {
        value.to_string()
    }
}

/// A bound as Prometheus stores it in a label: always with a point or an exponent.
pub fn format_float(value: f64) -> String {
    if !value.is_finite() {
        return format_value(value);
    }
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        // Go's shortest form without a point: 1e+06.
        return with_exponent(value);
    }
    let written = value.to_string();
    if written.contains('.') { written } else { format!("{written}.0") }
}

fn with_exponent(value: f64) -> String {
    go_exponent(&format!("{value:e}"))
}

/// `1e-7` as Go writes it, `1e-07`.
pub fn go_exponent(written: &str) -> String {
    let (digits, exponent) = written.split_once('e').unwrap_or((written, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_prometheus_writes_them() {
        let table = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.25, "0.25"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-07"),
            (-2e-300, "-2e-300"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ];
        for (value, expected) in table {
            assert_eq!(format_value(value), expected);
        }
    }

    #[test]
    fn bounds_have_a_point_or_an_exponent() {
        let table = [
            (1.0, "1.0"),
            (0.0, "0.0"),
            (-1.0, "-1.0"),
            (0.005, "0.005"),
            (2.5, "2.5"),
            (100_000.0, "100000.0"),
            (1e6, "1e+06"),
            (2.5e-5, "2.5e-05"),
            (f64::INFINITY, "+Inf"),
        ];
        for (value, expected) in table {
            assert_eq!(format_float(value), expected);
        }
    }

    #[test]
    fn small_parts_of_a_sum_are_not_lost() {
        let sum = [1e16, 1.0, 1.0, 1.0, -1e16].into_iter().fold(Sum::default(), Sum::plus);
        assert_eq!(sum.total(), 3.0);
    }

    #[test]
    fn a_mean_may_be_of_numbers_whose_sum_is_too_large() {
        assert_eq!(mean([f64::MAX, f64::MAX].into_iter()), f64::MAX);
        assert_eq!(mean([f64::INFINITY, 1.0].into_iter()), f64::INFINITY);
        assert!(mean([f64::INFINITY, f64::NEG_INFINITY].into_iter()).is_nan());
        assert_eq!(mean([1.0, 2.0, 6.0].into_iter()), 3.0);
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(quantile(0.5, vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(quantile(0.25, vec![1.0, 2.0]), 1.25);
        assert_eq!(quantile(1.0, vec![1.0, 2.0]), 2.0);
        assert_eq!(quantile(-0.1, vec![1.0]), f64::NEG_INFINITY);
        assert_eq!(quantile(1.1, vec![1.0]), f64::INFINITY);
    }
}
