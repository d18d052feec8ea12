//! Functions of numbers, texts and instant vectors.

use chrono::{DateTime, Datelike, Timelike, Utc};
use promql_parser::label::{MatchOp, Matchers};
use promql_parser::parser::{Call, Expr, VectorSelector};

use super::eval::{Evaluation, Row, Value, execution, unique, unwrapped};
use super::numbers::{ascending, descending};
use super::over_time::Window;
use super::{QueryError, Steps, histogram, over_time};
use crate::labels::{Labels, NAME, anchored};
use crate::store::Time;

pub fn eval(evaluation: &mut Evaluation, call: &Call, steps: Steps) -> Result<Value, QueryError> {
    let name = call.func.name;
    let arguments: Vec<&Expr> = call.args.args.iter().map(AsRef::as_ref).collect();
    if let Some((function, keeps_name)) = over_time::by_name(name) {
        return over_windows(evaluation, &arguments, function, keeps_name, steps)
            .map(Value::Vector);
    }
    if let Some(function) = of_a_value(name) {
        let rows = evaluation.vector(arguments[0], steps)?;
        return each(rows, |_, value| Some(function(value))).map(Value::Vector);
    }
    if let Some(function) = of_a_date(name) {
        return of_dates(evaluation, arguments.first().copied(), function, steps)
            .map(Value::Vector);
    }
    match name {
        "time" => Ok(Value::Scalar(steps.times().map(seconds).collect())),
        "pi" => Ok(Value::Scalar(vec![std::f64::consts::PI; steps.count])),
        "scalar" => {
            let rows = evaluation.vector(arguments[0], steps)?;
            let only = |step: usize| {
                let mut present = rows.iter().filter_map(|row| row.values[step]);
                present.next().filter(|_| present.next().is_none()).unwrap_or(f64::NAN)
            };
            Ok(Value::Scalar((0..steps.count).map(only).collect()))
        }
        "vector" => {
            let numbers = evaluation.scalar(arguments[0], steps)?;
            Ok(Value::Vector(vec![of_nobody(numbers.into_iter().map(Some).collect())]))
        }
        "absent" => {
            let rows = evaluation.vector(arguments[0], steps)?;
            let there = |step: usize| rows.iter().any(|row| row.values[step].is_some());
            Ok(Value::Vector(absent(arguments[0], there, steps)))
        }
        "absent_over_time" => {
            let windows = evaluation.windows(arguments[0], steps)?;
            let there = |step: usize| {
                let time = steps.time(step);
                windows.rows.iter().any(|row| !windows.window(row, time).is_empty())
            };
            Ok(Value::Vector(absent(arguments[0], there, steps)))
        }
        "timestamp" => timestamps(evaluation, arguments[0], steps).map(Value::Vector),
        "clamp" => clamp(evaluation, &arguments, Some(1), Some(2), steps),
        "clamp_min" => clamp(evaluation, &arguments, Some(1), None, steps),
        "clamp_max" => clamp(evaluation, &arguments, None, Some(1), steps),
        "round" => {
            let rows = evaluation.vector(arguments[0], steps)?;
            let to = match arguments.get(1) {
                Some(to) => evaluation.scalar(to, steps)?,
                None => vec![1.0; steps.count],
            };
            // A multiple of a fraction is exact only by way of its inverse.
            let round = |step: usize, value: f64| {
                let inverse = 1.0 / to[step];
                (value * inverse + 0.5).floor() / inverse
            };
            each(rows, |step, value| Some(round(step, value))).map(Value::Vector)
        }
        "sort" => sorted(evaluation, arguments[0], steps, ascending),
        "sort_desc" => sorted(evaluation, arguments[0], steps, descending),
        "label_replace" => label_replace(evaluation, &arguments, steps).map(Value::Vector),
        "label_join" => label_join(evaluation, &arguments, steps).map(Value::Vector),
        "histogram_quantile" => histogram::quantiles(evaluation, call, steps).map(Value::Vector),
        "histogram_fraction" => histogram::fractions(evaluation, call, steps).map(Value::Vector),
        other => Err(execution(format!("the function {other:?} is not supported here"))),
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds fit for 285,000 years")]
fn seconds(time: Time) -> f64 {
    time as f64 / 1000.0
}

fn of_nobody(values: Vec<Option<f64>>) -> Row {
    Row { labels: Labels::none(), values }
}

/// Each value by itself; the metric's name is dropped, as it is another metric now.
fn each(
    rows: Vec<Row>,
    function: impl Fn(usize, f64) -> Option<f64>,
) -> Result<Vec<Row>, QueryError> {
    let rows = rows.into_iter().map(|row| {
        let values = row.values.into_iter().enumerate();
        let values = values.map(|(step, value)| function(step, value?)).collect();
        Row { labels: row.labels.without_name(), values }
    });
    unique(rows.collect())
}

fn of_a_value(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "exp" => f64::exp,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sqrt" => f64::sqrt,
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        "sinh" => f64::sinh,
        "cosh" => f64::cosh,
        "tanh" => f64::tanh,
        "asinh" => f64::asinh,
        "acosh" => f64::acosh,
        "atanh" => f64::atanh,
        "deg" => f64::to_degrees,
        "rad" => f64::to_radians,
        "sgn" => |value| {
            if value > 0.0 {
                1.0
            } else if value < 0.0 {
                -1.0
            } else {
                value
            }
        },
        _ => return None,
    })
}

fn of_a_date(name: &str) -> Option<fn(DateTime<Utc>) -> u32> {
    Some(match name {
        "minute" => |date| date.minute(),
        "hour" => |date| date.hour(),
        "day_of_week" => |date| date.weekday().num_days_from_sunday(),
        "day_of_month" => |date| date.day(),
        "day_of_year" => |date| date.ordinal(),
        "days_in_month" => |date| u32::from(date.num_days_in_month()),
        "month" => |date| date.month(),
        "year" => |date| u32::try_from(date.year()).unwrap_or(0),
        _ => return None,
    })
}

/// Of the values as seconds since 1970 or, without any, of the time of the query.
fn of_dates(
    evaluation: &mut Evaluation,
    argument: Option<&Expr>,
    function: fn(DateTime<Utc>) -> u32,
    steps: Steps,
) -> Result<Vec<Row>, QueryError> {
    let rows = match argument {
        Some(argument) => evaluation.vector(argument, steps)?,
        None => vec![of_nobody(steps.times().map(|time| Some(seconds(time))).collect())],
    };
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds; what is no date is NaN")]
    let date = |value: f64| DateTime::from_timestamp(value as i64, 0).filter(|_| !value.is_nan());
    each(rows, |_, value| Some(date(value).map_or(f64::NAN, |date| f64::from(function(date)))))
}

fn over_windows(
    evaluation: &mut Evaluation,
    arguments: &[&Expr],
    function: over_time::OverTime,
    keeps_name: bool,
    steps: Steps,
) -> Result<Vec<Row>, QueryError> {
    let (mut windows, mut numbers) = (None, Vec::new());
    for argument in arguments {
        match argument.value_type() {
            promql_parser::parser::value::ValueType::Matrix => {
                windows = Some(evaluation.windows(argument, steps)?);
            }
            _ => numbers.push(evaluation.scalar(argument, steps)?),
        }
    }
    let windows = windows.ok_or_else(|| execution("a range vector is needed here"))?;
    evaluation.budget.spend(windows.rows.len().saturating_mul(steps.count))?;
    // Turned round: the numbers of each step.
    let numbers: Vec<Vec<f64>> = (0..steps.count)
        .map(|step| numbers.iter().map(|numbers| numbers[step]).collect())
        .collect();
    let rows = windows.rows.iter().map(|row| {
        let values = windows.moving(row, steps).zip(&numbers).map(|((now, samples), numbers)| {
            let end = windows.end(now);
            let window = Window { samples, start: end - windows.range, end, now, numbers };
            if samples.is_empty() { None } else { function(&window) }
        });
        let values = values.collect();
        let labels = if keeps_name { row.labels.clone() } else { row.labels.without_name() };
        Row { labels, values }
    });
    unique(rows.collect())
}

fn clamp(
    evaluation: &mut Evaluation,
    arguments: &[&Expr],
    least: Option<usize>,
    most: Option<usize>,
    steps: Steps,
) -> Result<Value, QueryError> {
    let rows = evaluation.vector(arguments[0], steps)?;
    let mut bound = |index: Option<usize>, none: f64| match index {
        Some(index) => evaluation.scalar(arguments[index], steps),
        None => Ok(vec![none; steps.count]),
    };
    let least = bound(least, f64::NEG_INFINITY)?;
    let most = bound(most, f64::INFINITY)?;
    let clamped = |step: usize, value: f64| {
        let (least, most) = (least[step], most[step]);
        let nan = least.is_nan() || most.is_nan() || value.is_nan();
        let clamped = if nan { f64::NAN } else { value.min(most).max(least) };
        (least.is_nan() || most.is_nan() || least <= most).then_some(clamped)
    };
    each(rows, clamped).map(Value::Vector)
}

fn sorted(
    evaluation: &mut Evaluation,
    argument: &Expr,
    steps: Steps,
    order: fn(f64, f64) -> std::cmp::Ordering,
) -> Result<Value, QueryError> {
    let mut rows = evaluation.vector(argument, steps)?;
    // Only an instant query has an order.
    if steps.count == 1 {
        let value = |row: &Row| row.values[0].unwrap_or(f64::NAN);
        rows.sort_by(|one, other| order(value(one), value(other)));
    }
    Ok(Value::Vector(rows))
}

/// The times of the samples that a selector finds; of any other vector the time of the query.
fn timestamps(
    evaluation: &mut Evaluation,
    argument: &Expr,
    steps: Steps,
) -> Result<Vec<Row>, QueryError> {
    let Expr::VectorSelector(selector) = unwrapped(argument) else {
        let rows = evaluation.vector(argument, steps)?;
        return each(rows, |step, _| Some(seconds(steps.time(step))));
    };
    let found = evaluation.newest(selector, steps)?;
    let rows = found.into_iter().map(|(labels, samples)| {
        let times = samples.into_iter().map(|sample| sample.map(|sample| seconds(sample.time)));
        Row { labels: labels.without_name(), values: times.collect() }
    });
    unique(rows.collect())
}

/// 1 where nothing is there, with the labels that the selector says it would have.
fn absent(argument: &Expr, there: impl Fn(usize) -> bool, steps: Steps) -> Vec<Row> {
    let values: Vec<_> = (0..steps.count).map(|step| (!there(step)).then_some(1.0)).collect();
    let row = Row { labels: labels_of_absent(argument), values };
    if row.is_empty() { Vec::new() } else { vec![row] }
}

fn labels_of_absent(argument: &Expr) -> Labels {
    let (Expr::VectorSelector(VectorSelector { matchers, .. })
    | Expr::MatrixSelector(promql_parser::parser::MatrixSelector {
        vs: VectorSelector { matchers, .. },
        ..
    })) = unwrapped(argument)
    else {
        return Labels::none();
    };
    let Matchers { matchers, .. } = matchers;
    let times = |name: &str| matchers.iter().filter(|matcher| matcher.name == name).count();
    let certain = matchers.iter().filter(|matcher| {
        // A label that is named twice, or otherwise than by `=`, could be anything.
        matcher.name != NAME && times(&matcher.name) == 1 && matches!(matcher.op, MatchOp::Equal)
    });
    certain.map(|matcher| (matcher.name.clone(), matcher.value.clone())).collect()
}

fn label_replace(
    evaluation: &mut Evaluation,
    arguments: &[&Expr],
    steps: Steps,
) -> Result<Vec<Row>, QueryError> {
    let rows = evaluation.vector(arguments[0], steps)?;
    let [target, replacement, source, pattern] = texts(evaluation, &arguments[1..], steps)?
        .try_into()
        .map_err(|_| execution("label_replace takes four texts"))?;
    let regex = anchored(&pattern).map_err(|_| {
        execution(format!("invalid regular expression in label_replace(): {pattern}"))
    })?;
    check_label("destination", &target, "label_replace")?;
    let rows = rows.into_iter().map(|row| {
        let Some(captures) = regex.captures(row.labels.get(&source)) else { return row };
        let mut value = String::new();
        captures.expand(&replacement, &mut value);
        Row { labels: row.labels.with(&target, &value), values: row.values }
    });
    unique(rows.collect())
}

fn label_join(
    evaluation: &mut Evaluation,
    arguments: &[&Expr],
    steps: Steps,
) -> Result<Vec<Row>, QueryError> {
    let rows = evaluation.vector(arguments[0], steps)?;
    let texts = texts(evaluation, &arguments[1..], steps)?;
    let [target, separator, sources @ ..] = texts.as_slice() else {
        return Err(execution("label_join takes at least two texts"));
    };
    check_label("destination", target, "label_join")?;
    for source in sources {
        check_label("source", source, "label_join")?;
    }
    let rows = rows.into_iter().map(|row| {
        let values: Vec<_> = sources.iter().map(|source| row.labels.get(source)).collect();
        Row { labels: row.labels.with(target, &values.join(separator)), values: row.values }
    });
    unique(rows.collect())
}

fn texts(
    evaluation: &mut Evaluation,
    arguments: &[&Expr],
    steps: Steps,
) -> Result<Vec<String>, QueryError> {
    arguments.iter().map(|argument| evaluation.text(argument, steps)).collect()
}

fn check_label(which: &str, label: &str, function: &str) -> Result<(), QueryError> {
    if label.is_empty() {
        return Err(execution(format!("invalid {which} label name in {function}(): {label}")));
    }
    Ok(())
}
