//! What the attribute says of one handler, written by its expansion into a `static`.

/// Where the attribute stands: one for each annotated handler.
pub struct Site {
    pub(crate) handler: Handler,
    /// Upper bounds of the duration histogram in seconds; `None` for those of the `Metrics`.
    pub(crate) bounds: Option<&'static [f64]>,
    pub(crate) skipped: Skipped,
}

/// The labels that all series of a handler have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Handler {
    /// Empty where no annotated handler answered.
    pub name: &'static str,
    /// Those of the attribute's `labels(…)`, sorted by name.
    pub labels: &'static [(&'static str, &'static str)],
}

impl Handler {
    pub const fn named(name: &'static str) -> Self {
        Self { name, labels: &[] }
    }

    /// The handler's labels and those of one series.
    pub fn labels<'a>(
        &self,
        of_the_series: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Vec<(&'a str, &'a str)> {
        let own = [("handler", self.name)];
        own.into_iter().chain(self.labels.iter().copied()).chain(of_the_series).collect()
    }
}

/// The families that a handler leaves out.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "one for each family")]
pub struct Skipped {
    pub requests: bool,
    pub duration: bool,
    pub in_flight: bool,
    pub aborted: bool,
    pub heap: bool,
}

impl Skipped {
    pub const NOTHING: Self =
        Self { requests: false, duration: false, in_flight: false, aborted: false, heap: false };
}

/// Whoever answers what no annotated handler does.
pub static NOBODY: Site = Site::new("").skip_in_flight().skip_heap();

impl Site {
    /// A site whose `handler` label is this.
    #[must_use]
    pub const fn new(handler: &'static str) -> Self {
        Self { handler: Handler::named(handler), bounds: None, skipped: Skipped::NOTHING }
    }

    /// More labels; sorted by name, and none that the families have.
    #[must_use]
    pub const fn labels(mut self, labels: &'static [(&'static str, &'static str)]) -> Self {
        self.handler.labels = labels;
        self
    }

    /// Upper bounds of the duration histogram, in seconds; right ones, as [`buckets`] says.
    #[must_use]
    pub const fn buckets(mut self, bounds: &'static [f64]) -> Self {
        self.bounds = Some(bounds);
        self
    }

    /// Leaves `http_requests_total` out.
    #[must_use]
    pub const fn skip_requests(mut self) -> Self {
        self.skipped.requests = true;
        self
    }

    /// Leaves `http_request_duration_seconds` out.
    #[must_use]
    pub const fn skip_duration(mut self) -> Self {
        self.skipped.duration = true;
        self
    }

    /// Leaves `http_requests_in_flight` out.
    #[must_use]
    pub const fn skip_in_flight(mut self) -> Self {
        self.skipped.in_flight = true;
        self
    }

    /// Leaves `http_requests_aborted_total` out.
    #[must_use]
    pub const fn skip_aborted(mut self) -> Self {
        self.skipped.aborted = true;
        self
    }

    /// Leaves `http_handler_heap_bytes` and `http_handler_allocated_bytes_total` out.
    #[must_use]
    pub const fn skip_heap(mut self) -> Self {
        self.skipped.heap = true;
        self
    }
}

/// The bounds of a histogram, in seconds, as they were given.
///
/// # Panics
///
/// And so, in a `static`, a compiler error at the caller: where there are none, and where one is
/// not finite, not more than 0, or not more than the one before.
#[must_use]
#[track_caller]
pub const fn buckets(bounds: &'static [f64]) -> &'static [f64] {
    assert!(!bounds.is_empty(), "buckets: a histogram needs at least one bound");
    let mut index = 0;
    while index < bounds.len() {
        let bound = bounds[index];
        assert!(bound.is_finite(), "buckets: a bound is a finite number of seconds");
        assert!(bound > 0.0, "buckets: a bound is more than 0 seconds");
        assert!(
            index == 0 || bounds[index - 1] < bound,
            "buckets: bounds go up, each one more than the one before"
        );
        index += 1;
    }
    bounds
}
