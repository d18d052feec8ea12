//! Aggregations: `sum`, `topk` and the like, over groups of series.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use promql_parser::parser::{AggregateExpr, LabelModifier};

use super::eval::{Assembly, Evaluation, Row, execution, grouped};
use super::numbers::{Sum, ascending, descending, format_value, mean, quantile};
use super::over_time::{max, min};
use super::{QueryError, Steps};
use crate::labels::{Labels, NAME};

/// How the values of a group become one.
type Fold = fn(&[f64], f64) -> f64;

pub fn eval(
    evaluation: &mut Evaluation,
    aggregate: &AggregateExpr,
    steps: Steps,
) -> Result<Vec<Row>, QueryError> {
    let operation = aggregate.op.to_string();
    let parameter = || {
        aggregate
            .param
            .as_deref()
            .ok_or_else(|| execution(format!("{operation} needs a parameter")))
    };
    if operation == "count_values" {
        let label = evaluation.text(parameter()?, steps)?;
        return count_values(evaluation, aggregate, &label, steps);
    }
    let numbers = match &aggregate.param {
        Some(parameter) => evaluation.scalar(parameter, steps)?,
        None => vec![f64::NAN; steps.count],
    };
    let rows = evaluation.vector(&aggregate.expr, steps)?;
    let fold: Fold = match operation.as_str() {
        "topk" => return best(&rows, aggregate, &numbers, steps, descending),
        "bottomk" => return best(&rows, aggregate, &numbers, steps, ascending),
        "sum" => |values, _| values.iter().copied().fold(Sum::default(), Sum::plus).total(),
        "avg" => |values, _| mean(values.iter().copied()),
        "count" => |values, _| count(values),
        "group" => |_, _| 1.0,
        "min" => |values, _| values.iter().copied().reduce(min).unwrap_or(f64::NAN),
        "max" => |values, _| values.iter().copied().reduce(max).unwrap_or(f64::NAN),
        "stddev" => |values, _| variance(values).sqrt(),
        "stdvar" => |values, _| variance(values),
        "quantile" => |values, wanted| quantile(wanted, values.to_vec()),
        other => return Err(execution(format!("unknown aggregation {other}"))),
    };
    evaluation.budget.in_time()?;
    let groups = grouped(&rows, |labels| group_labels(labels, aggregate.modifier.as_ref()));
    let mut values = Vec::new();
    let rows = groups.into_iter().map(|(labels, rows)| {
        let folded = (0..steps.count).map(|step| {
            values.clear();
            values.extend(rows.iter().filter_map(|row| row.values[step]));
            (!values.is_empty()).then(|| fold(&values, numbers[step]))
        });
        Row { values: folded.collect(), labels }
    });
    Ok(rows.collect())
}

#[expect(clippy::cast_precision_loss, reason = "there are never so many series")]
fn count(values: &[f64]) -> f64 {
    values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    if values.first().is_none_or(|first| !first.is_finite()) {
        return f64::NAN;
    }
    let (mut mean, mut squares, mut count) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let delta = value - mean;
        mean += delta / count;
        squares += delta * (value - mean);
    }
    squares / count
}

/// The labels that all series of a group have.
fn group_labels(labels: &Labels, modifier: Option<&LabelModifier>) -> Labels {
    match modifier {
        None => Labels::none(),
        Some(LabelModifier::Include(by)) => {
            labels.filter(|name| by.labels.iter().any(|kept| kept == name))
        }
        Some(LabelModifier::Exclude(without)) => labels
            .filter(|name| name != NAME && without.labels.iter().all(|dropped| dropped != name)),
    }
}

/// The `k` first of each group at each step, in the order that `before` says.
fn best(
    rows: &[Row],
    aggregate: &AggregateExpr,
    k: &[f64],
    steps: Steps,
    before: fn(f64, f64) -> Ordering,
) -> Result<Vec<Row>, QueryError> {
    let groups = grouped(rows, |labels| group_labels(labels, aggregate.modifier.as_ref()));
    let mut results = Assembly::new(steps.count);
    for (step, k) in k.iter().enumerate() {
        let k = whole(*k)?;
        for rows in groups.values() {
            let mut present: Vec<_> =
                rows.iter().filter_map(|row| Some((row.values[step]?, &row.labels))).collect();
            present.sort_by(|(one, _), (other, _)| before(*one, *other));
            for (value, labels) in present.into_iter().take(k) {
                results.set(step, labels.clone(), value)?;
            }
        }
    }
    Ok(results.into_rows())
}

fn whole(number: f64) -> Result<usize, QueryError> {
    // 2^63, the first float that is no 64-bit integer.
    const TOO_LARGE: f64 = 9_223_372_036_854_775_808.0;
    if number.abs() >= TOO_LARGE {
        return Err(execution(format!("Scalar value {} overflows int64", format_value(number))));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count, rounded down; none for NaN"
    )]
    Ok(number.max(0.0) as usize)
}

/// How many series of each group have each value.
fn count_values(
    evaluation: &mut Evaluation,
    aggregate: &AggregateExpr,
    label: &str,
    steps: Steps,
) -> Result<Vec<Row>, QueryError> {
    if label.is_empty() {
        return Err(execution("invalid label name \"\""));
    }
    let rows = evaluation.vector(&aggregate.expr, steps)?;
    let groups = grouped(&rows, |labels| {
        let group = group_labels(labels, aggregate.modifier.as_ref());
        // The label takes the place of one that the series had.
        group.with(label, "")
    });
    let mut results = Assembly::new(steps.count);
    for step in 0..steps.count {
        for (labels, rows) in &groups {
            let mut counts: BTreeMap<String, f64> = BTreeMap::new();
            for value in rows.iter().filter_map(|row| row.values[step]) {
                *counts.entry(plain(value)).or_default() += 1.0;
            }
            for (value, count) in counts {
                results.set(step, labels.with(label, &value), count)?;
            }
        }
    }
    Ok(results.into_rows())
}

/// A value as a label: never with an exponent.
fn plain(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { format_value(value) }
}
