//! Binary operators, between numbers and vectors in all combinations.

use std::collections::{HashMap, HashSet};

use promql_parser::parser::{BinModifier, BinaryExpr, LabelModifier, VectorMatchCardinality};

use super::eval::{Assembly, Evaluation, Row, Value, execution, unique};
use super::{QueryError, Steps};
use crate::labels::{Labels, NAME};

#[derive(Debug, Clone, Copy)]
enum Operator {
    Arithmetic(fn(f64, f64) -> f64),
    Comparison(fn(&f64, &f64) -> bool),
}

fn operator(name: &str) -> Option<Operator> {
    use Operator::{Arithmetic, Comparison};
    Some(match name {
        "+" => Arithmetic(|left, right| left + right),
        "-" => Arithmetic(|left, right| left - right),
        "*" => Arithmetic(|left, right| left * right),
        "/" => Arithmetic(|left, right| left / right),
        "%" => Arithmetic(|left, right| left % right),
        "^" => Arithmetic(f64::powf),
        "atan2" => Arithmetic(f64::atan2),
        "==" => Comparison(f64::eq),
        "!=" => Comparison(f64::ne),
        ">" => Comparison(f64::gt),
        "<" => Comparison(f64::lt),
        ">=" => Comparison(f64::ge),
        "<=" => Comparison(f64::le),
        _ => return None,
    })
}

/// One operator as it is written in the query.
#[derive(Clone, Copy)]
struct Operation {
    operator: Operator,
    /// `bool`: a comparison answers 0 or 1 instead of leaving series out.
    answers: bool,
}

impl Operation {
    /// The value of a pair; `None` where a comparison leaves it out. `kept` is what a comparison
    /// that holds keeps.
    fn apply(self, left: f64, right: f64, kept: f64) -> Option<f64> {
        match self.operator {
            Operator::Arithmetic(compute) => Some(compute(left, right)),
            Operator::Comparison(holds) if self.answers => Some(f64::from(holds(&left, &right))),
            Operator::Comparison(holds) => holds(&left, &right).then_some(kept),
        }
    }

    /// Whether what comes out is another metric, and so has no name.
    fn drops_name(self) -> bool {
        self.answers || matches!(self.operator, Operator::Arithmetic(_))
    }
}

pub fn eval(
    evaluation: &mut Evaluation,
    binary: &BinaryExpr,
    steps: Steps,
) -> Result<Value, QueryError> {
    let left = evaluation.eval(&binary.lhs, steps)?;
    let right = evaluation.eval(&binary.rhs, steps)?;
    let name = binary.op.to_string();
    let modifier = binary.modifier.as_ref();
    let Some(operator) = operator(&name) else {
        let (Value::Vector(left), Value::Vector(right)) = (left, right) else {
            return Err(execution(format!(
                "set operator {name:?} not allowed in binary scalar expression"
            )));
        };
        return set(&name, left, right, modifier, steps).map(Value::Vector);
    };
    let operation =
        Operation { operator, answers: modifier.is_some_and(|modifier| modifier.return_bool) };
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => {
            let pairs = left.into_iter().zip(right);
            // The parser asks for `bool` between numbers, so none is left out.
            let values =
                pairs.map(|(left, right)| operation.apply(left, right, left).unwrap_or(f64::NAN));
            Ok(Value::Scalar(values.collect()))
        }
        (Value::Vector(rows), Value::Scalar(numbers)) => {
            with_numbers(rows, &numbers, operation, |operation, value, number| {
                operation.apply(value, number, value)
            })
        }
        (Value::Scalar(numbers), Value::Vector(rows)) => {
            with_numbers(rows, &numbers, operation, |operation, value, number| {
                operation.apply(number, value, value)
            })
        }
        (Value::Vector(left), Value::Vector(right)) => {
            matched(evaluation, &left, &right, operation, modifier, steps).map(Value::Vector)
        }
        _ => Err(execution(format!("the operator {name:?} needs numbers or vectors"))),
    }
}

fn with_numbers(
    rows: Vec<Row>,
    numbers: &[f64],
    operation: Operation,
    apply: fn(Operation, f64, f64) -> Option<f64>,
) -> Result<Value, QueryError> {
    let rows = rows.into_iter().map(|row| {
        let pairs = row.values.iter().zip(numbers);
        let values = pairs.map(|(value, number)| apply(operation, (*value)?, *number)).collect();
        let labels = if operation.drops_name() { row.labels.without_name() } else { row.labels };
        Row { labels, values }
    });
    unique(rows.collect()).map(Value::Vector)
}

/// What two series have to have in common.
fn signature(labels: &Labels, modifier: Option<&BinModifier>) -> Labels {
    match modifier.and_then(|modifier| modifier.matching.as_ref()) {
        Some(LabelModifier::Include(on)) => {
            labels.filter(|name| on.labels.iter().any(|label| label == name))
        }
        Some(LabelModifier::Exclude(ignored)) => {
            labels.filter(|name| name != NAME && ignored.labels.iter().all(|label| label != name))
        }
        None => labels.without_name(),
    }
}

/// `and`, `or`, `unless`
fn set(
    name: &str,
    left: Vec<Row>,
    right: Vec<Row>,
    modifier: Option<&BinModifier>,
    steps: Steps,
) -> Result<Vec<Row>, QueryError> {
    // At which steps some series on a side has a signature.
    let present = |rows: &[Row]| {
        let mut present: HashMap<Labels, Vec<bool>> = HashMap::new();
        for row in rows {
            let steps = present
                .entry(signature(&row.labels, modifier))
                .or_insert_with(|| vec![false; steps.count]);
            for (step, value) in steps.iter_mut().zip(&row.values) {
                *step |= value.is_some();
            }
        }
        present
    };
    // Values stay where the other side has the signature, or where it has not.
    let keep = |rows: Vec<Row>, other: &HashMap<Labels, Vec<bool>>, wanted: bool| -> Vec<Row> {
        let rows = rows.into_iter().map(|mut row| {
            let there = other.get(&signature(&row.labels, modifier));
            for (step, value) in row.values.iter_mut().enumerate() {
                if there.is_some_and(|there| there[step]) != wanted {
                    *value = None;
                }
            }
            row
        });
        rows.filter(|row| !row.is_empty()).collect()
    };
    match name {
        "and" => Ok(keep(left, &present(&right), true)),
        "unless" => Ok(keep(left, &present(&right), false)),
        "or" => {
            let more = keep(right, &present(&left), false);
            let mut results = Assembly::new(steps.count);
            for row in left.into_iter().chain(more) {
                for (step, value) in row.values.iter().enumerate() {
                    if let Some(value) = value {
                        results.set(step, row.labels.clone(), *value)?;
                    }
                }
            }
            Ok(results.into_rows())
        }
        other => Err(execution(format!("unknown operator {other:?}"))),
    }
}

/// Pairs series of both sides, step by step.
fn matched(
    evaluation: &mut Evaluation,
    left: &[Row],
    right: &[Row],
    operation: Operation,
    modifier: Option<&BinModifier>,
    steps: Steps,
) -> Result<Vec<Row>, QueryError> {
    let card = modifier.map_or(&VectorMatchCardinality::OneToOne, |modifier| &modifier.card);
    // The side that may have many series for one of the other.
    let swapped = matches!(card, VectorMatchCardinality::OneToMany(_));
    let (many, one) = if swapped { (right, left) } else { (left, right) };
    let signatures = |rows: &[Row]| -> Vec<Labels> {
        rows.iter().map(|row| signature(&row.labels, modifier)).collect()
    };
    let (many_signatures, one_signatures) = (signatures(many), signatures(one));
    let mut places: HashMap<(usize, usize), usize> = HashMap::new();
    let mut results = Assembly::new(steps.count);
    for step in 0..steps.count {
        evaluation.budget.in_time()?;
        if many.iter().all(|row| row.values[step].is_none()) {
            continue;
        }
        let mut partners: HashMap<&Labels, (usize, f64)> = HashMap::new();
        for (index, row) in one.iter().enumerate() {
            let Some(value) = row.values[step] else { continue };
            if let Some((other, _)) = partners.insert(&one_signatures[index], (index, value)) {
                let side = if swapped { "left" } else { "right" };
                return Err(execution(format!(
                    "found duplicate series for the match group {} on the {side} hand-side of the operation: [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
                    one_signatures[index], row.labels, one[other].labels
                )));
            }
        }
        let mut seen: HashMap<&Labels, HashSet<usize>> = HashMap::new();
        for (index, row) in many.iter().enumerate() {
            let Some(value) = row.values[step] else { continue };
            let Some((partner, other)) = partners.get(&many_signatures[index]) else { continue };
            let (first, second) = if swapped { (*other, value) } else { (value, *other) };
            let Some(result) = operation.apply(first, second, first) else { continue };
            let place = *places.entry((index, *partner)).or_insert_with(|| {
                let of_one = &one[*partner].labels;
                results.place(result_labels(&row.labels, of_one, operation, modifier, card))
            });
            let first_of_group = !seen.contains_key(&many_signatures[index]);
            let group = seen.entry(&many_signatures[index]).or_default();
            if matches!(card, VectorMatchCardinality::OneToOne) {
                if !first_of_group {
                    return Err(execution(
                        "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                    ));
                }
            } else if !group.insert(place) {
                return Err(execution(
                    "multiple matches for labels: grouping labels must ensure unique matches",
                ));
            }
            results.set_at(place, step, result)?;
        }
    }
    Ok(results.into_rows())
}

fn result_labels(
    many: &Labels,
    one: &Labels,
    operation: Operation,
    modifier: Option<&BinModifier>,
    card: &VectorMatchCardinality,
) -> Labels {
    let mut labels = if operation.drops_name() { many.without_name() } else { many.clone() };
    if matches!(card, VectorMatchCardinality::OneToOne) {
        labels = match modifier.and_then(|modifier| modifier.matching.as_ref()) {
            Some(LabelModifier::Include(on)) => {
                labels.filter(|name| on.labels.iter().any(|label| label == name))
            }
            Some(LabelModifier::Exclude(ignored)) => {
                labels.filter(|name| ignored.labels.iter().all(|label| label != name))
            }
            None => labels,
        };
    }
    for included in card.labels().into_iter().flat_map(|included| &included.labels) {
        labels = labels.with(included, one.get(included));
    }
    labels
}
