//! Series in memory.

use std::collections::{BTreeSet, HashMap};

use crate::labels::{Condition, Labels, Matcher};

/// Milliseconds since 1970, as Prometheus counts time.
pub type Time = i64;

/// One value at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When it was taken.
    pub time: Time,
    /// What it was; [`STALE`] where the series has ended.
    pub value: f64,
}

/// The value that says that a series has ended: one certain NaN, as in Prometheus.
pub const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// Whether this is [`STALE`], and not just any NaN.
#[must_use]
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE.to_bits()
}

/// How much a [`Store`] keeps.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Samples that are older than the newest by more than this are dropped, in milliseconds.
    pub milliseconds: Time,
    /// At most so many samples; the oldest are dropped.
    pub samples: usize,
    /// At most so many series; samples of further ones are refused.
    pub series: usize,
}

impl Default for Retention {
    /// Six hours, five million samples (80 MB), and 100,000 series.
    fn default() -> Self {
        Self { milliseconds: 6 * 60 * 60 * 1000, samples: 5_000_000, series: 100_000 }
    }
}

/// Why a sample was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Its series has a newer one.
    #[error("the sample is older than the newest one of its series")]
    OutOfOrder,
    /// Its series has another one at this time.
    #[error("the series has another value at this time")]
    Duplicate,
    /// There are as many series as the retention allows.
    #[error("there is no room for another series")]
    Full,
}

/// Series in memory, found by their labels.
#[derive(Debug, Default)]
pub struct Store {
    retention: Retention,
    series: Vec<Series>,
    by_labels: HashMap<Labels, usize>,
    /// Which series have a label of this name and value.
    by_label: HashMap<String, HashMap<String, BTreeSet<usize>>>,
    /// Places of series that were dropped.
    free: Vec<usize>,
    samples: usize,
    newest: Time,
}

#[derive(Debug)]
struct Series {
    labels: Labels,
    samples: std::collections::VecDeque<Sample>,
}

impl Store {
    /// An empty store that keeps so much.
    #[must_use]
    pub fn new(retention: Retention) -> Self {
        Self { retention, newest: Time::MIN, ..Self::default() }
    }

    /// Adds a sample at the end of its series.
    ///
    /// # Errors
    ///
    /// [`Refused`] where the series has a newer one or another one at the same time, and where
    /// there are too many series.
    pub fn push(&mut self, labels: &Labels, sample: Sample) -> Result<(), Refused> {
        let index = match self.by_labels.get(labels) {
            Some(index) => *index,
            None => self.add(labels)?,
        };
        let samples = &mut self.series[index].samples;
        if let Some(last) = samples.back() {
            if last.time > sample.time {
                return Err(Refused::OutOfOrder);
            }
            if last.time == sample.time {
                let same = last.value.to_bits() == sample.value.to_bits();
                return if same { Ok(()) } else { Err(Refused::Duplicate) };
            }
        }
        samples.push_back(sample);
        self.samples += 1;
        self.newest = self.newest.max(sample.time);
        if self.samples > self.retention.samples {
            self.make_room();
        }
        Ok(())
    }

    fn add(&mut self, labels: &Labels) -> Result<usize, Refused> {
        if self.by_labels.len() >= self.retention.series {
            self.drop_old();
            if self.by_labels.len() >= self.retention.series {
                return Err(Refused::Full);
            }
        }
        let series = Series { labels: labels.clone(), samples: std::collections::VecDeque::new() };
        let index = match self.free.pop() {
            Some(index) => {
                self.series[index] = series;
                index
            }
            None => {
                self.series.push(series);
                self.series.len() - 1
            }
        };
        self.by_labels.insert(labels.clone(), index);
        for (name, value) in labels.iter() {
            let values = self.by_label.entry(name.to_owned()).or_default();
            values.entry(value.to_owned()).or_default().insert(index);
        }
        Ok(index)
    }

    /// Drops what the retention in time does not keep, and series without samples.
    pub fn drop_old(&mut self) {
        self.drop_before(self.newest.saturating_sub(self.retention.milliseconds));
    }

    /// Drops the oldest tenth of the time that is covered, as often as it takes.
    fn make_room(&mut self) {
        self.drop_old();
        while self.samples > self.retention.samples {
            let oldest = self.series.iter().filter_map(|series| series.samples.front());
            let Some(oldest) = oldest.map(|sample| sample.time).min() else { return };
            self.drop_before(oldest + (self.newest - oldest) / 10 + 1);
        }
    }

    fn drop_before(&mut self, time: Time) {
        let mut empty = Vec::new();
        for (index, series) in self.series.iter_mut().enumerate() {
            let old = series.samples.partition_point(|sample| sample.time < time);
            series.samples.drain(..old);
            self.samples -= old;
            if series.samples.is_empty() && self.by_labels.get(&series.labels) == Some(&index) {
                empty.push(index);
            }
        }
        for index in empty {
            let labels = std::mem::take(&mut self.series[index].labels);
            self.by_labels.remove(&labels);
            for (name, value) in labels.iter() {
                if let Some(values) = self.by_label.get_mut(name) {
                    if let Some(series) = values.get_mut(value) {
                        series.remove(&index);
                        if series.is_empty() {
                            values.remove(value);
                        }
                    }
                    if values.is_empty() {
                        self.by_label.remove(name);
                    }
                }
            }
            self.free.push(index);
        }
    }

    /// The selected series with their samples from `from` to `to`, both included; series without
    /// any are left out. By labels.
    #[must_use]
    pub fn select(&self, matchers: &[Matcher], from: Time, to: Time) -> Vec<(Labels, Vec<Sample>)> {
        let mut selected: Vec<_> = self
            .find(matchers)
            .filter_map(|series| {
                let start = series.samples.partition_point(|sample| sample.time < from);
                let end = series.samples.partition_point(|sample| sample.time <= to);
                (start < end).then(|| {
                    (series.labels.clone(), series.samples.range(start..end).copied().collect())
                })
            })
            .collect();
        selected.sort_by(|(one, _): &(Labels, Vec<Sample>), (other, _)| one.cmp(other));
        selected
    }

    /// The labels of the selected series that have a sample from `from` to `to`.
    #[must_use]
    pub fn series(&self, matchers: &[Matcher], from: Time, to: Time) -> Vec<Labels> {
        let has_samples = |series: &&Series| {
            let start = series.samples.partition_point(|sample| sample.time < from);
            series.samples.get(start).is_some_and(|sample| sample.time <= to)
        };
        let mut labels: Vec<_> =
            self.find(matchers).filter(has_samples).map(|series| series.labels.clone()).collect();
        labels.sort();
        labels
    }

    fn find(&self, matchers: &[Matcher]) -> impl Iterator<Item = &Series> {
        // The most selective equality is looked up, and the others are tried on what it finds.
        let equal = matchers.iter().filter_map(|matcher| match &matcher.condition {
            Condition::Is(value) if !value.is_empty() => {
                Some(self.by_label.get(&matcher.name).and_then(|values| values.get(value)))
            }
            _ => None,
        });
        let smallest = equal.min_by_key(|found| found.map_or(0, BTreeSet::len));
        let candidates: Box<dyn Iterator<Item = usize>> = match smallest {
            Some(Some(found)) => Box::new(found.iter().copied()),
            Some(None) => Box::new(std::iter::empty()),
            None => Box::new(self.by_labels.values().copied()),
        };
        candidates
            .map(|index| &self.series[index])
            .filter(|series| matchers.iter().all(|matcher| matcher.selects(&series.labels)))
    }

    /// How many series there are.
    #[must_use]
    pub fn series_count(&self) -> usize {
        self.by_labels.len()
    }

    /// How many samples there are.
    #[must_use]
    pub fn sample_count(&self) -> usize {
        self.samples
    }

    /// How many bytes the samples and the labels take, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let of_series = |series: &Series| {
            series.samples.capacity() * size_of::<Sample>()
                + size_of::<Series>()
                + 3 * series.labels.bytes()
        };
        self.series.iter().map(of_series).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::anchored;

    fn labels(name: &str, job: &str) -> Labels {
        [("__name__", name), ("job", job)].into_iter().collect()
    }

    fn at(time: Time) -> Sample {
        Sample { time, value: 1.0 }
    }

    fn is(name: &str, value: &str) -> Matcher {
        Matcher { name: name.to_owned(), condition: Condition::Is(value.to_owned()) }
    }

    #[test]
    fn series_are_found_by_all_kinds_of_matchers() {
        let mut store = Store::new(Retention::default());
        for (name, job) in [("up", "a"), ("up", "b"), ("down", "a"), ("bare", "")] {
            store.push(&labels(name, job), at(1)).unwrap();
        }
        let matcher = |name: &str, condition| Matcher { name: name.to_owned(), condition };
        let table = [
            (vec![is("__name__", "up")], vec!["up a", "up b"]),
            (vec![is("__name__", "up"), is("job", "b")], vec!["up b"]),
            (vec![is("__name__", "up"), is("job", "c")], vec![]),
            (vec![is("job", "")], vec!["bare "]),
            (vec![matcher("job", Condition::IsNot("a".into()))], vec!["bare ", "up b"]),
            (
                vec![matcher("job", Condition::Matches(anchored("a|b").unwrap()))],
                vec!["down a", "up a", "up b"],
            ),
            (
                vec![matcher("job", Condition::MatchesNot(anchored("a.*").unwrap()))],
                vec!["bare ", "up b"],
            ),
        ];
        for (matchers, expected) in table {
            let found = store.series(&matchers, 0, 9);
            let found: Vec<_> = found
                .iter()
                .map(|labels| format!("{} {}", labels.get("__name__"), labels.get("job")))
                .collect();
            assert_eq!(found, expected, "{matchers:?}");
        }
    }

    #[test]
    fn both_ends_of_the_time_belong_to_a_selection() {
        let mut store = Store::new(Retention::default());
        (1..=5).for_each(|time| store.push(&labels("up", "a"), at(time)).unwrap());
        let selected = store.select(&[is("job", "a")], 2, 4);
        assert_eq!(selected[0].1, [at(2), at(3), at(4)]);
        assert!(store.select(&[is("job", "a")], 6, 9).is_empty());
    }

    #[test]
    fn what_is_old_goes_and_its_series_with_it() {
        let retention = Retention { milliseconds: 10, samples: 100, series: 2 };
        let mut store = Store::new(retention);
        store.push(&labels("up", "a"), at(0)).unwrap();
        store.push(&labels("up", "b"), at(5)).unwrap();
        assert_eq!(store.push(&labels("up", "c"), at(6)), Err(Refused::Full));
        store.push(&labels("up", "b"), at(11)).unwrap();
        store.push(&labels("up", "c"), at(12)).unwrap();
        assert_eq!((store.series_count(), store.sample_count()), (2, 3));
        assert!(store.series(&[is("job", "a")], 0, 99).is_empty());
        // The place of the first series is taken by the third.
        assert_eq!(store.series(&[is("job", "c")], 0, 99).len(), 1);
    }

    #[test]
    fn there_are_never_more_samples_than_allowed() {
        let mut store = Store::new(Retention { milliseconds: Time::MAX, samples: 50, series: 10 });
        for time in 0..1_000 {
            store.push(&labels("up", "a"), at(time)).unwrap();
            store.push(&labels("up", "b"), at(time)).unwrap();
            assert!(store.sample_count() <= 50);
        }
        let kept = store.select(&[is("job", "a")], 0, 1_000).remove(0).1;
        assert!(kept.len() >= 15 && kept.last() == Some(&at(999)), "{kept:?}");
    }

    #[test]
    fn samples_come_in_order_or_not_at_all() {
        let mut store = Store::new(Retention::default());
        let up = labels("up", "a");
        store.push(&up, at(5)).unwrap();
        assert_eq!(store.push(&up, at(4)), Err(Refused::OutOfOrder));
        assert_eq!(store.push(&up, at(5)), Ok(()));
        assert_eq!(store.push(&up, Sample { time: 5, value: 2.0 }), Err(Refused::Duplicate));
    }
}
