//! The metric families of the attribute.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Metric, MetricFamily, MetricType};

use crate::heap::{self, HeapCell, RequestHeap};
use crate::labels::OVERFLOW;
use crate::samples::{ConstLabels, family};
use crate::series::{CounterCell, HistogramCell, Series};
use crate::site::{Handler, NOBODY, Site};

/// Why a request never got an answer.
#[derive(Clone, Copy)]
pub enum Abort {
    Panic,
    Cancelled,
}

impl Abort {
    /// Tells the one from the other where a measurement is dropped unfinished.
    pub fn of_this_drop() -> Self {
        if std::thread::panicking() { Self::Panic } else { Self::Cancelled }
    }
}

/// What a handler, or nobody, has answered.
pub struct Answer {
    pub site: &'static Site,
    pub route: String,
    pub method: &'static str,
    pub status: u16,
    pub duration: Duration,
}

/// Who answered which kind of request.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Request {
    handler: Handler,
    route: String,
    method: &'static str,
}

impl Request {
    /// Method and status stay readable, so that an error ratio over all is right even then.
    fn overflow(&self) -> Self {
        Self { handler: Handler::named(OVERFLOW), route: OVERFLOW.to_owned(), method: self.method }
    }

    fn labels<'a>(&'a self, status: Option<(&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
        let own = [("method", self.method), ("route", self.route.as_str())];
        self.handler.labels(own.into_iter().chain(status))
    }
}

/// What a [`Families`] is made with.
#[derive(Debug, Clone)]
pub struct Settings {
    pub namespace: Option<String>,
    pub const_labels: ConstLabels,
    /// Upper bounds in seconds, for handlers that have none of their own.
    pub bounds: Arc<[f64]>,
    /// How many series a family may have that grows with routes.
    pub max_series: usize,
    /// Shown as `build_info`.
    pub build: Option<Build>,
}

/// Which build of the service is running.
#[derive(Debug, Clone)]
pub struct Build {
    pub version: String,
    pub revision: String,
}

/// All series of one `Metrics`.
pub struct Families {
    settings: Settings,
    requests: Series<(Request, u16), CounterCell>,
    durations: Series<Request, HistogramCell>,
    in_flight: Series<Handler, AtomicI64>,
    aborted: Series<Handler, AbortedCell>,
    /// `None` where the program's allocator does not count.
    heap: Option<Series<Handler, HeapCell>>,
    /// Handlers whose labels are partly those of all series; see `handler_of`.
    reduced: Mutex<HashMap<Handler, Handler>>,
    descs: Descs,
}

struct Descs {
    requests: Desc,
    durations: Desc,
    in_flight: Desc,
    aborted: Desc,
    dropped: Desc,
    held: Desc,
    allocated: Desc,
    build: Desc,
}

impl Descs {
    fn new(settings: &Settings) -> prometheus::Result<Self> {
        let desc = |name: &str, help: &str, labels: &[&str]| {
            let name = match &settings.namespace {
                Some(namespace) => format!("{namespace}_{name}"),
                None => name.to_owned(),
            };
            settings.const_labels.desc(name, help, labels)
        };
        Ok(Self {
            requests: desc(
                "http_requests_total",
                "HTTP requests that were answered.",
                &["handler", "method", "route", "status"],
            )?,
            durations: desc(
                "http_request_duration_seconds",
                "Time from the handler's start to the head of its response, in seconds.",
                &["handler", "method", "route"],
            )?,
            in_flight: desc(
                "http_requests_in_flight",
                "HTTP requests that a handler is working on now.",
                &["handler"],
            )?,
            aborted: desc(
                "http_requests_aborted_total",
                "HTTP requests that panicked or were cancelled before they were answered.",
                &["handler", "reason"],
            )?,
            dropped: settings.const_labels.desc(
                "metrics_series_dropped_total".to_owned(),
                "Samples folded into an <overflow> series because the family was full.",
                &["family"],
            )?,
            held: desc(
                "http_handler_heap_bytes",
                "Heap that the handler's requests in flight hold now, in bytes.",
                &["handler"],
            )?,
            allocated: desc(
                "http_handler_allocated_bytes_total",
                "Heap that was allocated while the handler ran, in bytes.",
                &["handler"],
            )?,
            build: desc(
                "build_info",
                "Always 1; the labels say which build is running.",
                &["revision", "version"],
            )?,
        })
    }
}

impl Families {
    /// # Errors
    ///
    /// Where the namespace or a label makes no valid name.
    pub fn new(settings: Settings) -> prometheus::Result<Self> {
        Ok(Self {
            descs: Descs::new(&settings)?,
            settings,
            requests: Series::new(),
            durations: Series::new(),
            in_flight: Series::new(),
            aborted: Series::new(),
            heap: heap::is_counted().then(Series::new),
            reduced: Mutex::default(),
        })
    }

    /// Counts a request that was answered, and its duration.
    pub fn answered(&self, answer: Answer) {
        let Answer { site, route, method, status, duration } = answer;
        let request = Request { handler: self.handler_of(site), route, method };
        let most = self.settings.max_series;
        if !site.skipped.duration {
            let make = |request: &Request| {
                // What is folded together has one set of bounds.
                let own = site.bounds.filter(|_| request.handler.name != OVERFLOW);
                HistogramCell::new(own.map_or_else(|| Arc::clone(&self.settings.bounds), Arc::from))
            };
            let cell = self.durations.capped_cell(request.clone(), most, Request::overflow, make);
            cell.observe(duration.as_secs_f64());
        }
        if !site.skipped.requests {
            let fold = |(request, status): &(Request, u16)| (request.overflow(), *status);
            let make = |_: &_| CounterCell::default();
            self.requests.capped_cell((request, status), most, fold, make).add_one();
        }
    }

    /// Counts a request that was never answered.
    pub fn aborted(&self, site: &Site, why: Abort) {
        if let Some(aborts) = self.aborts(site) {
            aborts.add_one(why);
        }
    }

    /// `None` where the handler leaves them out.
    fn aborts(&self, site: &Site) -> Option<Arc<AbortedCell>> {
        let cell = || self.aborted.cell(self.handler_of(site), |_| AbortedCell::default());
        (!site.skipped.aborted).then(cell)
    }

    /// Shows, at 0, what no annotated handler answers: `increase` does not see a counter's first
    /// sample, so one that appears at 1 hides that very abort.
    pub fn expect_nobody(&self) {
        self.aborts(&NOBODY);
    }

    /// The labels of a handler, without those that all series have with the same value: two
    /// handlers that differ in nothing else are one series.
    fn handler_of(&self, site: &Site) -> Handler {
        let handler = site.handler;
        let is_of_all = |label: &&(&str, &str)| {
            self.settings.const_labels.iter().any(|of_all| of_all == **label)
        };
        if !handler.labels.iter().any(|label| is_of_all(&label)) {
            return handler;
        }
        let mut known = self.reduced.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry(handler).or_insert_with(|| {
            let own = handler.labels.iter().filter(|label| !is_of_all(label)).copied();
            // Once for each handler, of which there is a fixed number in a program.
            Handler { labels: Vec::leak(own.collect()), ..handler }
        })
    }

    /// A request enters a handler, and leaves it when the returned guard is dropped, however that
    /// comes about.
    pub fn enter(&self, site: &Site) -> InHandler {
        let Site { skipped, .. } = site;
        let handler = self.handler_of(site);
        let in_flight = (!skipped.in_flight).then(|| {
            let cell = self.in_flight.cell(handler, |_| AtomicI64::default());
            cell.fetch_add(1, Ordering::Relaxed);
            InFlight(cell)
        });
        // Now, and not at the first abort: see `expect_nobody`.
        let aborted = self.aborts(site);
        let heap = self.heap.as_ref().filter(|_| !skipped.heap);
        let heap = heap.map(|heap| RequestHeap::new(heap.cell(handler, |_| HeapCell::default())));
        InHandler { heap, aborted, _in_flight: in_flight }
    }
}

/// One request in a handler; see [`Families::enter`].
pub struct InHandler {
    /// `None` where heap is not counted.
    pub heap: Option<RequestHeap>,
    aborted: Option<Arc<AbortedCell>>,
    _in_flight: Option<InFlight>,
}

impl InHandler {
    /// Counts that the request was never answered.
    pub fn aborted(&self, why: Abort) {
        if let Some(aborted) = &self.aborted {
            aborted.add_one(why);
        }
    }
}

/// How many requests a handler did not answer.
#[derive(Default)]
struct AbortedCell {
    panics: CounterCell,
    cancelled: CounterCell,
}

impl AbortedCell {
    fn add_one(&self, why: Abort) {
        match why {
            Abort::Panic => self.panics.add_one(),
            Abort::Cancelled => self.cancelled.add_one(),
        }
    }
}

struct InFlight(Arc<AtomicI64>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Collector for Families {
    fn desc(&self) -> Vec<&Desc> {
        let Descs { requests, durations, in_flight, aborted, dropped, .. } = &self.descs;
        let mut descs = vec![requests, durations, in_flight, aborted, dropped];
        if self.heap.is_some() {
            descs.extend([&self.descs.held, &self.descs.allocated]);
        }
        if self.settings.build.is_some() {
            descs.push(&self.descs.build);
        }
        descs
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Self { descs, settings: Settings { const_labels, build, .. }, .. } = self;
        let requests = self.requests.read(|(request, status), cell| {
            let status = status.to_string();
            const_labels.counter(&request.labels(Some(("status", &status))), cell.total())
        });
        let durations = self
            .durations
            .read(|request, cell| const_labels.histogram(&request.labels(None), cell));
        let in_flight = self
            .in_flight
            .read(|handler, cell| gauge(const_labels, handler, cell.load(Ordering::Relaxed)));
        let aborted = self.aborted.read(|handler, cell| {
            let count = |reason, cell: &CounterCell| {
                const_labels.counter(&handler.labels([("reason", reason)]), cell.total())
            };
            [count("panic", &cell.panics), count("cancelled", &cell.cancelled)]
        });
        let dropped = [
            (&descs.requests, self.requests.dropped()),
            (&descs.durations, self.durations.dropped()),
        ];
        let dropped = dropped
            .map(|(family, dropped)| const_labels.counter(&[("family", &family.fq_name)], dropped));
        let mut families = vec![
            family(&descs.requests, MetricType::COUNTER, requests),
            family(&descs.durations, MetricType::HISTOGRAM, durations),
            family(&descs.in_flight, MetricType::GAUGE, in_flight),
            family(&descs.aborted, MetricType::COUNTER, aborted.into_iter().flatten().collect()),
            family(&descs.dropped, MetricType::COUNTER, dropped.into()),
        ];
        if let Some(heap) = &self.heap {
            let held = heap.read(|handler, cell| gauge(const_labels, handler, cell.held()));
            let allocated = heap
                .read(|handler, cell| const_labels.counter(&handler.labels([]), cell.allocated()));
            families.push(family(&descs.held, MetricType::GAUGE, held));
            families.push(family(&descs.allocated, MetricType::COUNTER, allocated));
        }
        if let Some(Build { version, revision }) = build {
            let labels = [("revision", revision.as_str()), ("version", version)];
            let build = const_labels.gauge(&labels, 1.0);
            families.push(family(&descs.build, MetricType::GAUGE, vec![build]));
        }
        families
    }
}

#[expect(clippy::cast_precision_loss, reason = "the format's own precision")]
fn gauge(const_labels: &ConstLabels, handler: &Handler, value: i64) -> Metric {
    const_labels.gauge(&handler.labels([]), value as f64)
}
