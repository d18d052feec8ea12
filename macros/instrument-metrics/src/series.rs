//! The cells behind a family: one for each set of label values, made when first needed.
//!
//! `prometheus::MetricVec` finds a child by a hash of its label values without a separator between
//! them: ("1", "11") and ("11", "1") are one series there. Here the whole key is compared.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// All series of one family.
pub struct Series<K, C> {
    cells: RwLock<HashMap<K, Arc<C>>>,
    /// Samples that went into an overflow series because the family was full.
    dropped: AtomicU64,
}

impl<K: Eq + Hash + Clone, C> Series<K, C> {
    pub fn new() -> Self {
        Self { cells: RwLock::default(), dropped: AtomicU64::new(0) }
    }

    /// The cell of `key`; made by `make` if there is none yet.
    pub fn cell(&self, key: K, make: impl FnOnce(&K) -> C) -> Arc<C> {
        self.capped_cell(key, usize::MAX, K::clone, make)
    }

    /// As [`cell`](Self::cell), but once the family has `most` series, a new one is folded into
    /// the series that `overflow` names, and counted as dropped.
    pub fn capped_cell(
        &self,
        key: K,
        most: usize,
        overflow: impl FnOnce(&K) -> K,
        make: impl FnOnce(&K) -> C,
    ) -> Arc<C> {
        // A poisoned map is whole: nothing that panics runs while the lock is held, but `make`,
        // and what it makes is inserted afterwards.
        let known = self.cells.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(cell) = known {
            return cell;
        }
        let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        let key = if cells.len() < most || cells.contains_key(&key) {
            key
        } else {
            // Relaxed: a count that nothing else is ordered by.
            self.dropped.fetch_add(1, Ordering::Relaxed);
            overflow(&key)
        };
        Arc::clone(cells.entry(key).or_insert_with_key(|key| Arc::new(make(key))))
    }

    /// How many samples were folded into an overflow series.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Every series as `read` sees it, in no order.
    pub fn read<T>(&self, mut read: impl FnMut(&K, &C) -> T) -> Vec<T> {
        let cells = self.cells.read().unwrap_or_else(PoisonError::into_inner);
        cells.iter().map(|(key, cell)| read(key, cell)).collect()
    }
}

/// A cell that only goes up.
#[derive(Default)]
pub struct CounterCell(AtomicU64);

impl CounterCell {
    pub fn add_one(&self) {
        // Relaxed: each counter stands for itself; a scrape may see one request's counter before
        // its histogram, as it may with any two metrics.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Observations in seconds, by bucket.
pub struct HistogramCell {
    /// Upper bounds in seconds, ascending.
    bounds: Arc<[f64]>,
    /// How many fell into each bucket alone; the last one is for what exceeds every bound.
    buckets: Box<[AtomicU64]>,
    /// The sum, as the bits of an `f64`.
    sum: AtomicU64,
}

impl HistogramCell {
    pub fn new(bounds: Arc<[f64]>) -> Self {
        Self {
            buckets: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            bounds,
            sum: AtomicU64::new(0f64.to_bits()),
        }
    }

    pub fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    pub fn observe(&self, seconds: f64) {
        // `le` means less or equal: an observation on a bound belongs to the bucket below it.
        let bucket = self.bounds.partition_point(|bound| *bound < seconds);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let add = |sum: u64| Some((f64::from_bits(sum) + seconds).to_bits());
        // `fetch_update` fails only when its function returns `None`.
        let _ = self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// How many observations each bucket and those below it hold; the last number is the count of
    /// all. They are read once, so `_count` and the `+Inf` bucket can never differ.
    pub fn cumulative(&self) -> Vec<u64> {
        let buckets = self.buckets.iter();
        buckets
            .scan(0, |so_far, bucket| {
                *so_far += bucket.load(Ordering::Relaxed);
                Some(*so_far)
            })
            .collect()
    }

    pub fn sum(&self) -> f64 {
        f64::from_bits(self.sum.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_values_that_look_alike_when_joined_are_two_series() {
        let series = Series::new();
        series.cell(("1", "11"), |_| CounterCell::default()).add_one();
        series.cell(("11", "1"), |_| CounterCell::default()).add_one();
        assert_eq!(series.read(|_, cell| cell.total()), [1, 1]);
    }

    #[test]
    fn a_full_family_folds_what_is_new_and_counts_it() {
        let series = Series::new();
        for key in ["a", "b", "c", "a", "d"] {
            series.capped_cell(key, 2, |_| OVERFLOW_KEY, |_| CounterCell::default()).add_one();
        }
        let mut totals = series.read(|key, cell| (*key, cell.total()));
        totals.sort_unstable();
        assert_eq!(totals, [("<overflow>", 2), ("a", 2), ("b", 1)]);
        assert_eq!(series.dropped(), 2);
    }
    const OVERFLOW_KEY: &str = crate::labels::OVERFLOW;

    #[test]
    fn an_observation_on_a_bound_counts_below_it() {
        let cell = HistogramCell::new([0.1, 0.5].into());
        for seconds in [0.1, 0.100_001, 0.5, 7.0] {
            cell.observe(seconds);
        }
        assert_eq!(cell.cumulative(), [1, 3, 4]);
        assert!((cell.sum() - 7.700_001).abs() < 1e-12, "{}", cell.sum());
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let cell = HistogramCell::new([1.0].into());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| cell.observe(0.5)));
            }
        });
        assert_eq!(cell.cumulative(), [40_000, 40_000]);
        assert!((cell.sum() - 20_000.0).abs() < 1e-9, "{}", cell.sum());
    }
}
