//! Fetches the pages of targets into the store, again and again.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use crate::config::{ScrapeLimits, Target};
use crate::exposition::{self, Exposition, Family, Kind};
use crate::labels::{Labels, NAME};
use crate::promql::format_float;
use crate::store::{STALE, Sample, Store, Time};

/// A store that a scraper fills while others ask it.
#[derive(Debug, Clone, Default)]
pub struct Shared(Arc<RwLock<Store>>);

impl Shared {
    /// Shares a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self(Arc::new(RwLock::new(store)))
    }

    /// To ask it. Whoever fills it waits meanwhile.
    pub fn read(&self) -> RwLockReadGuard<'_, Store> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// To fill it.
    pub fn write(&self) -> RwLockWriteGuard<'_, Store> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Now, in milliseconds since 1970.
#[must_use]
pub fn now() -> Time {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Time::try_from(since.as_millis()).unwrap_or(Time::MAX)
}

/// How a target's last scrape went.
#[derive(Debug, Clone)]
pub struct TargetState {
    /// The target.
    pub target: Target,
    /// When it was scraped; `None` before the first time.
    pub last_scrape: Option<Time>,
    /// How long that took.
    pub duration: Duration,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// What its page says of each family.
    pub families: BTreeMap<String, Family>,
}

/// Scrapes targets, such as those of a [`Config`](crate::config::Config), each in a thread of its own, until it is dropped.
#[derive(Debug)]
pub struct Scraper {
    states: Vec<Arc<Mutex<TargetState>>>,
    /// Dropped first: that wakes the threads, and they end.
    stop: Vec<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Scraper {
    /// Begins at once, and goes on at each target's interval.
    #[must_use]
    pub fn start(targets: impl IntoIterator<Item = Target>, store: &Shared) -> Self {
        let mut scraper = Self { states: Vec::new(), stop: Vec::new(), threads: Vec::new() };
        for target in targets {
            let state = TargetState {
                target: target.clone(),
                last_scrape: None,
                duration: Duration::ZERO,
                error: None,
                families: BTreeMap::new(),
            };
            let state = Arc::new(Mutex::new(state));
            let (stop, stopped) = channel();
            let mut one = OneTarget::new(target, store.clone(), Arc::clone(&state));
            scraper.states.push(state);
            scraper.stop.push(stop);
            scraper.threads.push(std::thread::spawn(move || one.run(&stopped)));
        }
        scraper
    }

    /// How each target's last scrape went.
    #[must_use]
    pub fn targets(&self) -> Vec<TargetState> {
        self.states.iter().map(|state| lock(state).clone()).collect()
    }
}

impl Drop for Scraper {
    fn drop(&mut self) {
        self.stop.clear();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One target on its way through time.
struct OneTarget {
    target: Target,
    store: Shared,
    state: Arc<Mutex<TargetState>>,
    agent: ureq::Agent,
    /// The series of the last scrape: those that are gone the next time have ended.
    present: HashSet<Labels>,
}

impl OneTarget {
    fn new(target: Target, store: Shared, state: Arc<Mutex<TargetState>>) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(target.timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .build();
        Self { target, store, state, agent: agent.into(), present: HashSet::new() }
    }

    fn run(&mut self, stopped: &Receiver<()>) {
        let mut next = Instant::now();
        loop {
            self.scrape();
            next += self.target.interval;
            // What was missed is not made up for.
            next = next.max(Instant::now());
            let pause = next.saturating_duration_since(Instant::now());
            if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    fn scrape(&mut self) {
        let time = now();
        let before_scrape = self.present.clone();
        let before = Instant::now();
        let page = self.fetch();
        let duration = before.elapsed();
        let (count, outcome) = match page {
            Ok(page) => {
                let count = page.samples.len();
                let families = page.families.clone();
                (count, self.store_page(&page, time).map(|()| families))
            }
            Err(why) => (0, Err(why)),
        };
        if outcome.is_err() {
            self.end_all(time);
        }
        let added = self.present.difference(&before_scrape).count();
        self.report(time, duration, count, added, outcome.is_ok());
        let mut state = lock(&self.state);
        state.last_scrape = Some(time);
        state.duration = duration;
        match outcome {
            Ok(families) => {
                state.families = families;
                state.error = None;
            }
            Err(why) => state.error = Some(why),
        }
    }

    fn fetch(&self) -> Result<Exposition, String> {
        let mut request = self
            .agent
            .get(&self.target.url)
            .header("accept", "text/plain;version=0.0.4;q=1,*/*;q=0.1")
            .header("user-agent", concat!("embedded-prometheus/", env!("CARGO_PKG_VERSION")));
        if let Some(credentials) = &self.target.credentials {
            request = request.header("authorization", format!("Bearer {credentials}"));
        }
        let answer = request.call().map_err(|error| match error {
            ureq::Error::Timeout(_) => format!("no answer within {:?}", self.target.timeout),
            other => other.to_string(),
        })?;
        if answer.status() != 200 {
            return Err(format!("server returned HTTP status {}", answer.status()));
        }
        let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        let is_openmetrics =
            kind.is_some_and(|kind| kind.starts_with("application/openmetrics-text"));
        let largest = self.target.limits.body;
        let mut page = Vec::new();
        let mut body = answer.into_body().into_reader().take(largest + 1);
        body.read_to_end(&mut page).map_err(|error| error.to_string())?;
        if page.len() as u64 > largest {
            return Err(format!("the page is larger than the body_size_limit, {largest} bytes"));
        }
        let page = String::from_utf8(page).map_err(|_| "the page is no UTF-8".to_owned())?;
        let read = if is_openmetrics { exposition::read_openmetrics } else { exposition::read };
        read(&page).map_err(|error| error.to_string())
    }

    fn store_page(&mut self, page: &Exposition, time: Time) -> Result<(), String> {
        let limits = self.target.limits;
        if limits.samples > 0 && page.samples.len() > limits.samples {
            return Err(format!(
                "{} samples exceed the sample_limit, {}",
                page.samples.len(),
                limits.samples
            ));
        }
        let mut present = HashSet::new();
        let mut samples = Vec::new();
        for sample in &page.samples {
            let labels = with_floats(self.labels(sample), page);
            check(&labels, limits)?;
            // A series with times of its own says itself when it ends.
            if sample.timestamp_ms.is_none() {
                present.insert(labels.clone());
            }
            samples.push((
                labels,
                Sample { time: sample.timestamp_ms.unwrap_or(time), value: sample.value },
            ));
        }
        let mut store = self.store.write();
        for (labels, sample) in samples {
            // What comes late or twice is left out, and the rest of the page is not.
            let _ = store.push(&labels, sample);
        }
        for ended in self.present.difference(&present) {
            let _ = store.push(ended, Sample { time, value: STALE });
        }
        drop(store);
        self.present = present;
        Ok(())
    }

    /// The labels of a sample with those of the target.
    fn labels(&self, sample: &exposition::Sample) -> Labels {
        let name = [(NAME, sample.name.as_str())];
        let own = sample.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut labels: Labels = own.chain(name).collect();
        for (name, value) in self.target.labels.iter() {
            let exposed = labels.get(name).to_owned();
            if exposed.is_empty() {
                labels = labels.with(name, value);
            } else if !self.target.honor_labels {
                labels = labels.with(name, value).with(&format!("exported_{name}"), &exposed);
            }
        }
        labels
    }

    /// The target is gone, and all of its series with it.
    fn end_all(&mut self, time: Time) {
        let mut store = self.store.write();
        for labels in self.present.drain() {
            let _ = store.push(&labels, Sample { time, value: STALE });
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "there are never so many samples")]
    fn report(&self, time: Time, duration: Duration, samples: usize, added: usize, up: bool) {
        let values = [
            ("up", f64::from(up)),
            ("scrape_duration_seconds", duration.as_secs_f64()),
            ("scrape_samples_scraped", samples as f64),
            // Nothing is relabeled here.
            ("scrape_samples_post_metric_relabeling", samples as f64),
            ("scrape_series_added", added as f64),
        ];
        let mut store = self.store.write();
        for (name, value) in values {
            let _ = store.push(&self.target.labels.with(NAME, name), Sample { time, value });
        }
        store.drop_old();
    }
}

/// The bound of a bucket and the quantile of a summary, written as Prometheus 3 writes them, so that
/// a query that names one finds it there and here: `le="1"` is stored as `1.0`.
fn with_floats(labels: Labels, page: &Exposition) -> Labels {
    let (label, kind) = match (labels.get("le"), labels.get("quantile")) {
        ("", "") => return labels,
        ("", _) => ("quantile", Kind::Summary),
        _ => ("le", Kind::Histogram),
    };
    let name = labels.get(NAME);
    let family = name.strip_suffix("_bucket").unwrap_or(name);
    if page.families.get(family).is_none_or(|family| family.kind != kind) {
        return labels;
    }
    match labels.get(label).parse::<f64>() {
        Ok(number) => labels.with(label, &format_float(number)),
        Err(_) => labels,
    }
}

fn check(labels: &Labels, limits: ScrapeLimits) -> Result<(), String> {
    let name = labels.get(NAME);
    let exceeds = |size: usize, limit: usize| limit > 0 && size > limit;
    if exceeds(labels.iter().count(), limits.labels) {
        return Err(format!("{name} has more labels than the label_limit, {}", limits.labels));
    }
    for (label, value) in labels.iter() {
        if exceeds(label.len(), limits.label_name) {
            return Err(format!(
                "{name}: the label {label} is longer than the label_name_length_limit, {}",
                limits.label_name
            ));
        }
        if exceeds(value.len(), limits.label_value) {
            return Err(format!(
                "{name}: the value of the label {label} is longer than the label_value_length_limit, {}",
                limits.label_value
            ));
        }
    }
    Ok(())
}
