//! Quantiles and fractions of classic histograms, from the buckets that `le` names.

use promql_parser::parser::Call;

use super::eval::{Evaluation, Row, grouped};
use super::{QueryError, Steps};
use crate::labels::NAME;

#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    upper: f64,
    /// Observations in this bucket and those below it.
    count: f64,
}

/// `histogram_quantile(φ, buckets)`
pub fn quantiles(
    evaluation: &mut Evaluation,
    call: &Call,
    steps: Steps,
) -> Result<Vec<Row>, QueryError> {
    let wanted = evaluation.scalar(&call.args.args[0], steps)?;
    let rows = evaluation.vector(&call.args.args[1], steps)?;
    Ok(of_each_histogram(&rows, steps, |step, buckets| quantile(wanted[step], buckets)))
}

/// `histogram_fraction(lower, upper, buckets)`
pub fn fractions(
    evaluation: &mut Evaluation,
    call: &Call,
    steps: Steps,
) -> Result<Vec<Row>, QueryError> {
    let lower = evaluation.scalar(&call.args.args[0], steps)?;
    let upper = evaluation.scalar(&call.args.args[1], steps)?;
    let rows = evaluation.vector(&call.args.args[2], steps)?;
    Ok(of_each_histogram(&rows, steps, |step, buckets| fraction(lower[step], upper[step], buckets)))
}

/// Rows that differ only in `le` are one histogram; rows without a number there are none.
fn of_each_histogram(
    rows: &[Row],
    steps: Steps,
    value: impl Fn(usize, Vec<Bucket>) -> f64,
) -> Vec<Row> {
    let mut results = Vec::new();
    for (labels, rows) in grouped(rows, |labels| labels.filter(|name| name != NAME && name != "le"))
    {
        let rows: Vec<_> =
            rows.into_iter().filter_map(|row| Some((bound(row.labels.get("le"))?, row))).collect();
        let values = (0..steps.count).map(|step| {
            let buckets = rows.iter().filter_map(|(upper, row)| {
                Some(Bucket { upper: *upper, count: row.values[step]? })
            });
            let buckets: Vec<_> = buckets.collect();
            (!buckets.is_empty()).then(|| value(step, buckets))
        });
        results.push(Row { values: values.collect(), labels });
    }
    results
}

fn bound(le: &str) -> Option<f64> {
    match le {
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        number => number.parse().ok(),
    }
}

/// Sorted, one for each bound; `None` without one for everything.
fn complete(mut buckets: Vec<Bucket>) -> Option<Vec<Bucket>> {
    buckets.sort_by(|one, other| one.upper.total_cmp(&other.upper));
    if buckets.last()?.upper != f64::INFINITY {
        return None;
    }
    buckets.dedup_by(|next, kept| {
        let same = next.upper == kept.upper;
        if same {
            kept.count += next.count;
        }
        same
    });
    Some(buckets)
}

/// Differences that only rounding can have made are none; and a bucket never holds less than the
/// one below it.
fn make_monotonic(buckets: &mut [Bucket]) {
    let Some(first) = buckets.first() else { return };
    let mut before = first.count;
    for bucket in &mut buckets[1..] {
        if bucket.count < before || almost_equal(before, bucket.count) {
            bucket.count = before;
        } else {
            before = bucket.count;
        }
    }
}

fn almost_equal(one: f64, other: f64) -> bool {
    const TOLERANCE: f64 = 1e-12;
    let sum = one.abs() + other.abs();
    let difference = (one - other).abs();
    if one == 0.0 || other == 0.0 || sum < f64::MIN_POSITIVE {
        difference < TOLERANCE * f64::MIN_POSITIVE
    } else {
        difference / sum.min(f64::MAX) < TOLERANCE
    }
}

fn quantile(quantile: f64, buckets: Vec<Bucket>) -> f64 {
    if quantile.is_nan() {
        return f64::NAN;
    }
    if quantile < 0.0 {
        return f64::NEG_INFINITY;
    }
    if quantile > 1.0 {
        return f64::INFINITY;
    }
    let Some(mut buckets) = complete(buckets) else { return f64::NAN };
    make_monotonic(&mut buckets);
    let [bounded @ .., all] = buckets.as_slice() else { return f64::NAN };
    let Some(highest) = bounded.last() else { return f64::NAN };
    if all.count == 0.0 || all.count.is_nan() {
        return f64::NAN;
    }
    let rank = quantile * all.count;
    let index = bounded.partition_point(|bucket| bucket.count < rank);
    let Some(bucket) = bounded.get(index) else { return highest.upper };
    if index == 0 && bucket.upper <= 0.0 {
        return bucket.upper;
    }
    let below = match index {
        0 => Bucket { upper: 0.0, count: 0.0 },
        index => bounded[index - 1],
    };
    let part = (rank - below.count) / (bucket.count - below.count);
    below.upper + (bucket.upper - below.upper) * part
}

fn fraction(lower: f64, upper: f64, buckets: Vec<Bucket>) -> f64 {
    let Some(buckets) = complete(buckets) else { return f64::NAN };
    let all = buckets.last().map_or(0.0, |bucket| bucket.count);
    if all == 0.0 || all.is_nan() || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank_of(upper, &buckets, all) - rank_of(lower, &buckets, all)) / all
}

/// How many observations are below a value, evenly spread within its bucket. The lowest bucket
/// begins at minus infinity, and so a value within it has no rank: that is NaN, as in Prometheus
/// 3.5.
fn rank_of(value: f64, buckets: &[Bucket], all: f64) -> f64 {
    let mut below = Bucket { upper: f64::NEG_INFINITY, count: 0.0 };
    for bucket in buckets {
        if below.upper >= value {
            return least(below.count, all);
        }
        if bucket.upper > value {
            let part = (value - below.upper) / (bucket.upper - below.upper);
            return least(below.count + (bucket.count - below.count) * part, all);
        }
        below = *bucket;
    }
    all
}

/// The smaller one; NaN stays NaN.
fn least(rank: f64, all: f64) -> f64 {
    if rank > all { all } else { rank }
}
