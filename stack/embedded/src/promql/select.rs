//! Selectors and subqueries: from stored samples to values at each step.

use std::time::SystemTime;

use promql_parser::parser::{AtModifier, MatrixSelector, Offset, SubqueryExpr, VectorSelector};

use super::eval::{Evaluation, Row, execution};
use super::{QueryError, Steps, query};
use crate::labels::Labels;
use crate::store::{Sample, Time, is_stale};

/// Where a selector looks, seen from a step.
#[derive(Debug, Clone, Copy)]
struct Shift {
    /// What `@` names.
    at: Option<Time>,
    /// By how much `offset` goes back.
    offset: Time,
}

impl Shift {
    fn apply(self, time: Time) -> Time {
        self.at.unwrap_or(time).saturating_sub(self.offset)
    }
}

/// Series whose samples are looked at through a window that moves with the steps.
pub struct Windows {
    pub rows: Vec<WindowRow>,
    /// How long the window is, in milliseconds.
    pub range: Time,
    shift: Shift,
}

pub struct WindowRow {
    pub labels: Labels,
    samples: Vec<Sample>,
}

impl Windows {
    /// Where the window ends that belongs to a step; its start is no part of it.
    pub fn end(&self, step: Time) -> Time {
        self.shift.apply(step)
    }

    pub fn window<'r>(&self, row: &'r WindowRow, step: Time) -> &'r [Sample] {
        let end = self.end(step);
        let start = end.saturating_sub(self.range);
        let from = row.samples.partition_point(|sample| sample.time <= start);
        let to = row.samples.partition_point(|sample| sample.time <= end);
        &row.samples[from.min(to)..to]
    }
}

/// One series, and the sample that each step sees.
pub type NewestRow = (Labels, Vec<Option<Sample>>);

impl Windows {
    /// The window of each step, one after the other. Both ends only move on.
    pub fn moving<'r>(
        &'r self,
        row: &'r WindowRow,
        steps: Steps,
    ) -> impl Iterator<Item = (Time, &'r [Sample])> {
        let (mut from, mut to) = (0, 0);
        steps.times().map(move |step| {
            let end = self.end(step);
            let start = end.saturating_sub(self.range);
            while row.samples.get(to).is_some_and(|sample| sample.time <= end) {
                to += 1;
            }
            while from < to && row.samples[from].time <= start {
                from += 1;
            }
            (step, &row.samples[from..to])
        })
    }
}

pub fn milliseconds(duration: std::time::Duration) -> Time {
    Time::try_from(duration.as_millis()).unwrap_or(Time::MAX)
}

impl Evaluation<'_> {
    fn shift(&self, at: Option<&AtModifier>, offset: Option<&Offset>) -> Shift {
        let at = at.map(|at| match at {
            AtModifier::Start => self.start,
            AtModifier::End => self.end,
            AtModifier::At(time) => match time.duration_since(SystemTime::UNIX_EPOCH) {
                Ok(after) => milliseconds(after),
                Err(before) => -milliseconds(before.duration()),
            },
        });
        let offset = match offset {
            None => 0,
            Some(Offset::Pos(back)) => milliseconds(*back),
            Some(Offset::Neg(ahead)) => -milliseconds(*ahead),
        };
        Shift { at, offset }
    }

    /// The newest sample before each step, if it is not too old.
    pub fn select(
        &mut self,
        selector: &VectorSelector,
        steps: Steps,
    ) -> Result<Vec<Row>, QueryError> {
        let found = self.newest(selector, steps)?;
        let rows = found.into_iter().map(|(labels, samples)| {
            let values =
                samples.into_iter().map(|sample| sample.map(|sample| sample.value)).collect();
            Row { labels, values }
        });
        Ok(rows.collect())
    }

    /// As [`select`](Self::select), with the times of the samples.
    pub fn newest(
        &mut self,
        selector: &VectorSelector,
        steps: Steps,
    ) -> Result<Vec<NewestRow>, QueryError> {
        let shift = self.shift(selector.at.as_ref(), selector.offset.as_ref());
        let lookback = self.limits.lookback;
        let found = self.load(selector, shift, lookback, steps)?;
        self.budget.spend(found.len().saturating_mul(steps.count))?;
        let rows = found.into_iter().map(|(labels, samples)| {
            let mut until = 0;
            let at_each = steps.times().map(|step| {
                let time = shift.apply(step);
                while samples.get(until).is_some_and(|sample| sample.time <= time) {
                    until += 1;
                }
                let newest = samples[..until].last()?;
                (newest.time > time - lookback && !is_stale(newest.value)).then_some(*newest)
            });
            (labels, at_each.collect::<Vec<_>>())
        });
        Ok(rows.filter(|(_, samples)| samples.iter().any(Option::is_some)).collect())
    }

    pub fn select_range(
        &mut self,
        matrix: &MatrixSelector,
        steps: Steps,
    ) -> Result<Windows, QueryError> {
        let shift = self.shift(matrix.vs.at.as_ref(), matrix.vs.offset.as_ref());
        let range = milliseconds(matrix.range);
        let found = self.load(&matrix.vs, shift, range, steps)?;
        let rows = found.into_iter().map(|(labels, mut samples)| {
            samples.retain(|sample| !is_stale(sample.value));
            WindowRow { labels, samples }
        });
        Ok(Windows { rows: rows.filter(|row| !row.samples.is_empty()).collect(), range, shift })
    }

    /// All samples that some step may see.
    fn load(
        &mut self,
        selector: &VectorSelector,
        shift: Shift,
        back: Time,
        steps: Steps,
    ) -> Result<Vec<(Labels, Vec<Sample>)>, QueryError> {
        let matchers = query::matchers(selector).map_err(execution)?;
        let (first, last) = (shift.apply(steps.start), shift.apply(steps.end()));
        let from = first.saturating_sub(back).saturating_add(1);
        let found = self.store.select(&matchers, from, last);
        self.budget.spend(found.iter().map(|(_, samples)| samples.len()).sum())?;
        Ok(found)
    }

    /// Evaluates the inner expression at the multiples of the step in all windows.
    pub fn subquery(
        &mut self,
        subquery: &SubqueryExpr,
        steps: Steps,
    ) -> Result<Windows, QueryError> {
        let shift = self.shift(subquery.at.as_ref(), subquery.offset.as_ref());
        let range = milliseconds(subquery.range);
        let step = subquery.step.map_or(self.limits.subquery_step, milliseconds).max(1);
        let before = shift.apply(steps.start).saturating_sub(range);
        let end = shift.apply(steps.end());
        let start = (before.div_euclid(step) + 1) * step;
        if end < start {
            return Ok(Windows { rows: Vec::new(), range, shift });
        }
        let count = usize::try_from((end - start) / step).unwrap_or(usize::MAX).saturating_add(1);
        self.budget.spend(count)?;
        let inner = Steps { start, step, count };
        let rows = match self.eval(&subquery.expr, inner)? {
            super::eval::Value::Vector(rows) => rows,
            super::eval::Value::Scalar(values) => {
                vec![Row { labels: Labels::none(), values: values.into_iter().map(Some).collect() }]
            }
            super::eval::Value::Text(_) => return Err(execution("a text has no range")),
        };
        let rows = rows.into_iter().map(|row| {
            let samples = inner.times().zip(row.values);
            let samples = samples.filter_map(|(time, value)| Some(Sample { time, value: value? }));
            WindowRow { labels: row.labels, samples: samples.collect() }
        });
        Ok(Windows { rows: rows.collect(), range, shift })
    }
}
