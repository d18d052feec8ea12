//! Walks the expression: each node has a value for every step of the query.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use promql_parser::parser::{Expr, UnaryExpr};

use super::select::Windows;
use super::{
    Answer, Budget, InstantRow, Limits, QueryError, RangeRow, Steps, aggregate, binary, functions,
};
use crate::labels::Labels;
use crate::store::{Sample, Store, Time};

/// What a node is worth.
pub enum Value {
    /// A number for each step.
    Scalar(Vec<f64>),
    Vector(Vec<Row>),
    Text(String),
}

/// One series of an instant vector: at each step a value, or none.
#[derive(Debug, Clone)]
pub struct Row {
    pub labels: Labels,
    pub values: Vec<Option<f64>>,
}

/// One query on its way.
pub struct Evaluation<'a> {
    pub store: &'a Store,
    pub limits: &'a Limits,
    /// What `start()` and `end()` are.
    pub start: Time,
    pub end: Time,
    pub budget: Budget,
}

pub fn execution(why: impl Into<String>) -> QueryError {
    QueryError::Execution(why.into())
}

impl<'a> Evaluation<'a> {
    pub fn new(store: &'a Store, limits: &'a Limits, start: Time, end: Time) -> Self {
        let budget = Budget { deadline: Instant::now() + limits.time, samples: limits.samples };
        Self { store, limits, start, end, budget }
    }

    pub fn instant(&mut self, expr: &Expr, time: Time) -> Result<Answer, QueryError> {
        let steps = Steps::at(time);
        if let Expr::MatrixSelector(_) | Expr::Subquery(_) = unwrapped(expr) {
            let windows = self.windows(unwrapped(expr), steps)?;
            let rows = windows.rows.iter().filter_map(|row| {
                let samples = windows.window(row, time).to_vec();
                (!samples.is_empty()).then(|| RangeRow { labels: row.labels.clone(), samples })
            });
            return Ok(Answer::Matrix(rows.collect()));
        }
        Ok(match self.eval(expr, steps)? {
            Value::Scalar(values) => Answer::Scalar(values[0]),
            Value::Text(text) => Answer::Text(text),
            Value::Vector(rows) => Answer::Vector(
                rows.into_iter()
                    .filter_map(|row| {
                        Some(InstantRow { labels: row.labels, value: row.values[0]? })
                    })
                    .collect(),
            ),
        })
    }

    pub fn range(&mut self, expr: &Expr, steps: Steps) -> Result<Vec<RangeRow>, QueryError> {
        let rows = match self.eval(expr, steps)? {
            Value::Scalar(values) => {
                let values = values.into_iter().map(Some).collect();
                vec![Row { labels: Labels::none(), values }]
            }
            Value::Vector(rows) => rows,
            Value::Text(_) => Vec::new(),
        };
        let mut rows: Vec<_> = rows
            .into_iter()
            .map(|row| {
                let values = steps.times().zip(row.values);
                let samples =
                    values.filter_map(|(time, value)| Some(Sample { time, value: value? }));
                RangeRow { labels: row.labels, samples: samples.collect() }
            })
            .filter(|row| !row.samples.is_empty())
            .collect();
        rows.sort_by(|one, other| one.labels.cmp(&other.labels));
        Ok(rows)
    }

    /// The value of a node at each step.
    pub fn eval(&mut self, expr: &Expr, steps: Steps) -> Result<Value, QueryError> {
        self.budget.in_time()?;
        // A query may be nested deeper than a thread's stack is.
        stacker::maybe_grow(128 * 1024, 1024 * 1024, || self.eval_node(expr, steps))
    }

    fn eval_node(&mut self, expr: &Expr, steps: Steps) -> Result<Value, QueryError> {
        match expr {
            Expr::NumberLiteral(number) => Ok(Value::Scalar(vec![number.val; steps.count])),
            Expr::StringLiteral(text) => Ok(Value::Text(text.val.clone())),
            Expr::Paren(paren) => self.eval(&paren.expr, steps),
            Expr::Unary(UnaryExpr { expr }) => match self.eval(expr, steps)? {
                Value::Scalar(values) => {
                    Ok(Value::Scalar(values.iter().map(|value| -value).collect()))
                }
                Value::Vector(rows) => {
                    let negated =
                        rows.into_iter().map(|row| row.map(Labels::without_name, |value| -value));
                    unique(negated.collect()).map(Value::Vector)
                }
                Value::Text(_) => Err(execution("a text has no negative")),
            },
            Expr::VectorSelector(selector) => self.select(selector, steps).map(Value::Vector),
            Expr::Aggregate(aggregate) => {
                aggregate::eval(self, aggregate, steps).map(Value::Vector)
            }
            Expr::Binary(binary) => binary::eval(self, binary, steps),
            Expr::Call(call) => functions::eval(self, call, steps),
            Expr::MatrixSelector(_) | Expr::Subquery(_) | Expr::Extension(_) => {
                Err(execution("a range vector stands where an instant vector is needed"))
            }
        }
    }

    /// A node that the parser knows to be a vector.
    pub fn vector(&mut self, expr: &Expr, steps: Steps) -> Result<Vec<Row>, QueryError> {
        match self.eval(expr, steps)? {
            Value::Vector(rows) => Ok(rows),
            Value::Scalar(_) | Value::Text(_) => Err(execution("an instant vector is needed here")),
        }
    }

    /// A node that the parser knows to be a number.
    pub fn scalar(&mut self, expr: &Expr, steps: Steps) -> Result<Vec<f64>, QueryError> {
        match self.eval(expr, steps)? {
            Value::Scalar(values) => Ok(values),
            Value::Vector(_) | Value::Text(_) => Err(execution("a number is needed here")),
        }
    }

    /// A node that the parser knows to be a text.
    pub fn text(&mut self, expr: &Expr, steps: Steps) -> Result<String, QueryError> {
        match self.eval(expr, steps)? {
            Value::Text(text) => Ok(text),
            Value::Vector(_) | Value::Scalar(_) => Err(execution("a text is needed here")),
        }
    }

    /// The samples that a range selector or a subquery sees at each step.
    pub fn windows(&mut self, expr: &Expr, steps: Steps) -> Result<Windows, QueryError> {
        match unwrapped(expr) {
            Expr::MatrixSelector(matrix) => self.select_range(matrix, steps),
            Expr::Subquery(subquery) => self.subquery(subquery, steps),
            _ => Err(execution("a range vector is needed here")),
        }
    }
}

impl Row {
    pub fn map(self, labels: impl FnOnce(&Labels) -> Labels, value: impl Fn(f64) -> f64) -> Self {
        let values = self.values.into_iter().map(|known| known.map(&value)).collect();
        Self { labels: labels(&self.labels), values }
    }

    pub fn is_empty(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }
}

/// What stands in the parentheses.
pub fn unwrapped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => unwrapped(&paren.expr),
        other => other,
    }
}

/// Rows whose labels may have become the same: an error where two of them have a value.
pub fn unique(rows: Vec<Row>) -> Result<Vec<Row>, QueryError> {
    let mut seen = HashSet::new();
    let rows: Vec<_> = rows.into_iter().filter(|row| !row.is_empty()).collect();
    if rows.iter().all(|row| seen.insert(row.labels.clone())) {
        Ok(rows)
    } else {
        Err(same_labels())
    }
}

pub fn same_labels() -> QueryError {
    execution("vector cannot contain metrics with the same labelset")
}

/// Puts values that come step by step together to rows, in the order in which they first came.
pub struct Assembly {
    steps: usize,
    index: HashMap<Labels, usize>,
    rows: Vec<Row>,
}

impl Assembly {
    pub fn new(steps: usize) -> Self {
        Self { steps, index: HashMap::new(), rows: Vec::new() }
    }

    /// The place of the row with these labels.
    pub fn place(&mut self, labels: Labels) -> usize {
        *self.index.entry(labels).or_insert_with_key(|labels| {
            self.rows.push(Row { labels: labels.clone(), values: vec![None; self.steps] });
            self.rows.len() - 1
        })
    }

    /// # Errors
    ///
    /// Where the series has a value at this step already.
    pub fn set(&mut self, step: usize, labels: Labels, value: f64) -> Result<(), QueryError> {
        let place = self.place(labels);
        self.set_at(place, step, value)
    }

    /// As [`set`](Self::set), for a row whose place is known.
    pub fn set_at(&mut self, place: usize, step: usize, value: f64) -> Result<(), QueryError> {
        match self.rows[place].values[step].replace(value) {
            Some(_) => Err(same_labels()),
            None => Ok(()),
        }
    }

    pub fn into_rows(self) -> Vec<Row> {
        self.rows
    }
}

/// Rows in groups, by what `key` makes of their labels; groups in the order of their keys.
pub fn grouped(rows: &[Row], key: impl Fn(&Labels) -> Labels) -> BTreeMap<Labels, Vec<&Row>> {
    let mut groups: BTreeMap<Labels, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        groups.entry(key(&row.labels)).or_default().push(row);
    }
    groups
}
