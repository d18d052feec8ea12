//! Recording and alerting rules, as Prometheus has them in its rule files.
//!
//! [`replay`] tells for a test which alerts fire when, over series that are already there.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use crate::config::Span;
use crate::labels::{Labels, NAME};
use crate::promql::{self, Answer, Limits, Query, milliseconds};
use crate::scrape::{Shared, now};
use crate::store::{STALE, Sample, Store, Time};
use crate::template::Template;

/// A rule file is none that is understood here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RuleError(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    groups: Vec<FileGroup>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileGroup {
    name: String,
    interval: Option<Span>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    rules: Vec<FileRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRule {
    record: Option<String>,
    alert: Option<String>,
    expr: String,
    #[serde(rename = "for")]
    wait: Option<Span>,
    keep_firing_for: Option<Span>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// Rules that are evaluated one after the other, at the same times.
#[derive(Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// How often; `None` for the configuration's `evaluation_interval`.
    pub interval: Option<Duration>,
    /// Its rules, in the order in which they are evaluated.
    pub rules: Vec<Rule>,
}

/// A rule, and what it came to the last time.
#[derive(Debug)]
pub struct Rule {
    /// The name of the recorded series, or of the alert.
    pub name: String,
    /// What is evaluated.
    pub query: Query,
    /// What is done with it.
    pub kind: RuleKind,
    /// Why the last evaluation failed, if it did.
    pub error: Option<String>,
    labels: Vec<(String, Template)>,
    recorded: Vec<Labels>,
}

/// What is done with a rule's value.
#[derive(Debug)]
pub enum RuleKind {
    /// It becomes series.
    Recording,
    /// Each of its series is an alert.
    Alerting(Alerting),
}

/// An alerting rule's times, texts and alerts.
#[derive(Debug)]
pub struct Alerting {
    /// How long the condition has to hold before the alert fires.
    pub wait: Duration,
    /// How long it fires on when the condition holds no more.
    pub keep_firing_for: Duration,
    /// The alerts that are pending or firing.
    pub alerts: Vec<Alert>,
    annotations: Vec<(String, Template)>,
}

/// A series for which an alerting rule's condition holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Its labels, `alertname` among them.
    pub labels: Labels,
    /// Its texts.
    pub annotations: BTreeMap<String, String>,
    /// Whether it fires.
    pub state: AlertState,
    /// Since when the condition holds.
    pub active_at: Time,
    /// The value of the condition's series.
    pub value: f64,
    /// Since when the condition has not held any more, while it is kept firing.
    keeps_firing_since: Option<Time>,
}

/// Whether an alert fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertState {
    /// The condition holds, not yet for long enough.
    Pending,
    /// It is being told.
    Firing,
}

impl AlertState {
    /// As Prometheus writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// Reads a rule file.
///
/// # Errors
///
/// [`RuleError`] where it is none; the sentence says which rule is wrong, and why.
pub fn read(yaml: &str) -> Result<Vec<Group>, RuleError> {
    let file: File = serde_saphyr::from_str(yaml).map_err(|error| RuleError(error.to_string()))?;
    let mut groups: Vec<Group> = Vec::new();
    for group in file.groups {
        if groups.iter().any(|earlier| earlier.name == group.name) {
            return Err(RuleError(format!("two groups have the name {:?}", group.name)));
        }
        let rules = group.rules.into_iter().map(|rule| read_rule(rule, &group.labels, &group.name));
        groups.push(Group {
            interval: group.interval.map(|span| span.0),
            rules: rules.collect::<Result<_, _>>()?,
            name: group.name,
        });
    }
    Ok(groups)
}

fn read_rule(
    rule: FileRule,
    of_group: &BTreeMap<String, String>,
    group: &str,
) -> Result<Rule, RuleError> {
    let name = rule.record.as_ref().or(rule.alert.as_ref()).cloned().unwrap_or_default();
    let wrong = |why: String| RuleError(format!("group {group:?}, rule {name:?}: {why}"));
    let query = promql::parse(&rule.expr).map_err(|error| wrong(error.to_string()))?;
    let templates = |texts: BTreeMap<String, String>| {
        let read = texts.into_iter().map(|(name, text)| Ok((name, Template::read(&text)?)));
        read.collect::<Result<Vec<_>, String>>()
    };
    let mut labels = of_group.clone();
    labels.extend(rule.labels);
    let labels = templates(labels).map_err(&wrong)?;
    let span = |span: Option<Span>| span.map_or(Duration::ZERO, |span| span.0);
    let kind = match (&rule.record, &rule.alert) {
        (Some(_), None) => {
            if rule.wait.is_some() || rule.keep_firing_for.is_some() || !rule.annotations.is_empty()
            {
                return Err(wrong(
                    "for, keep_firing_for and annotations are for alerts".to_owned(),
                ));
            }
            RuleKind::Recording
        }
        (None, Some(_)) => RuleKind::Alerting(Alerting {
            wait: span(rule.wait),
            keep_firing_for: span(rule.keep_firing_for),
            alerts: Vec::new(),
            annotations: templates(rule.annotations).map_err(&wrong)?,
        }),
        _ => return Err(wrong("a rule has either `record` or `alert`".to_owned())),
    };
    if !["scalar", "vector"].contains(&query.kind()) {
        return Err(wrong(format!(
            "the expression is a {}, and has to be a vector or a number",
            query.kind()
        )));
    }
    Ok(Rule { name, query, kind, error: None, labels, recorded: Vec::new() })
}

impl Group {
    /// Evaluates all rules at one time, and stores what they record.
    pub fn evaluate(&mut self, store: &Shared, time: Time, limits: &Limits) {
        for rule in &mut self.rules {
            let answer = promql::instant(&store.read(), &rule.query, time, limits);
            let outcome = match answer {
                Ok(answer) => rule.update(answer, &mut store.write(), time),
                Err(error) => Err(error.to_string()),
            };
            rule.error = outcome.err();
        }
    }
}

fn rows(answer: Answer) -> Vec<(Labels, f64)> {
    match answer {
        Answer::Vector(rows) => rows.into_iter().map(|row| (row.labels, row.value)).collect(),
        Answer::Scalar(value) => vec![(Labels::none(), value)],
        Answer::Matrix(_) | Answer::Text(_) => Vec::new(),
    }
}

impl Rule {
    fn update(&mut self, answer: Answer, store: &mut Store, time: Time) -> Result<(), String> {
        let rows = rows(answer);
        let labelled = |labels: &Labels, value: f64| {
            let own =
                self.labels.iter().map(|(name, template)| (name, template.fill(labels, value)));
            own.fold(labels.without_name(), |labels, (name, value)| labels.with(name, &value))
        };
        let mut series: Vec<(Labels, f64)> = Vec::new();
        match &mut self.kind {
            RuleKind::Recording => {
                for (labels, value) in rows {
                    series.push((labelled(&labels, value).with(NAME, &self.name), value));
                }
            }
            RuleKind::Alerting(alerting) => {
                let found = rows.iter().map(|(labels, value)| {
                    (labelled(labels, *value).with("alertname", &self.name), labels, *value)
                });
                alerting.update(found.collect(), time)?;
                series = alerting.series();
            }
        }
        let mut recorded: HashSet<Labels> = HashSet::new();
        for (labels, value) in series {
            if !recorded.insert(labels.clone()) {
                return Err(
                    "vector contains metrics with the same labelset after applying rule labels"
                        .to_owned(),
                );
            }
            let _ = store.push(&labels, Sample { time, value });
        }
        for ended in self.recorded.iter().filter(|labels| !recorded.contains(*labels)) {
            let _ = store.push(ended, Sample { time, value: STALE });
        }
        self.recorded = recorded.into_iter().collect();
        Ok(())
    }
}

impl Alerting {
    fn update(&mut self, found: Vec<(Labels, &Labels, f64)>, time: Time) -> Result<(), String> {
        let mut alerts: Vec<Alert> = Vec::new();
        for (labels, series, value) in found {
            if alerts.iter().any(|alert| alert.labels == labels) {
                return Err(
                    "vector contains metrics with the same labelset after applying alert labels"
                        .to_owned(),
                );
            }
            let texts = self.annotations.iter();
            let annotations =
                texts.map(|(name, text)| (name.clone(), text.fill(series, value))).collect();
            let before = self.alerts.iter().find(|alert| alert.labels == labels);
            let active_at = before.map_or(time, |alert| alert.active_at);
            let fires = before.is_some_and(|alert| alert.state == AlertState::Firing)
                || time - active_at >= milliseconds(self.wait);
            let state = if fires { AlertState::Firing } else { AlertState::Pending };
            alerts.push(Alert {
                labels,
                annotations,
                state,
                active_at,
                value,
                keeps_firing_since: None,
            });
        }
        for before in &self.alerts {
            if before.state != AlertState::Firing
                || alerts.iter().any(|alert| alert.labels == before.labels)
            {
                continue;
            }
            let since = before.keeps_firing_since.unwrap_or(time);
            if !self.keep_firing_for.is_zero() && time - since < milliseconds(self.keep_firing_for)
            {
                alerts.push(Alert { keeps_firing_since: Some(since), ..before.clone() });
            }
        }
        self.alerts = alerts;
        Ok(())
    }

    /// What can be queried of the alerts: `ALERTS` and `ALERTS_FOR_STATE`.
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
    fn series(&self) -> Vec<(Labels, f64)> {
        let of_one = |alert: &Alert| {
            let state = alert.labels.with(NAME, "ALERTS").with("alertstate", alert.state.name());
            let since = alert.labels.with(NAME, "ALERTS_FOR_STATE");
            [(state, 1.0), (since, (alert.active_at / 1000) as f64)]
        };
        self.alerts.iter().flat_map(of_one).collect()
    }
}

/// What an alert did, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// At which evaluation.
    pub time: Time,
    /// The alert's labels.
    pub labels: Labels,
    /// Its new state; `None` where it is resolved.
    pub state: Option<AlertState>,
    /// Its texts at that time.
    pub annotations: BTreeMap<String, String>,
}

/// Evaluates rules over series that are already in the store, at each `step` from `start` to `end`
/// (milliseconds), and tells each change of an alert.
///
/// ```
/// use embedded_prometheus::rules::{self, AlertState};
/// use embedded_prometheus::scrape::Shared;
/// use embedded_prometheus::store::{Retention, Sample, Store};
///
/// let mut store = Store::new(Retention::default());
/// let up = [("__name__", "up"), ("job", "api")].into_iter().collect();
/// for minute in 0..10 {
///     let value = if minute < 5 { 1.0 } else { 0.0 };
///     store.push(&up, Sample { time: minute * 60_000, value })?;
/// }
/// let mut groups = rules::read(
///     "groups: [{name: a, rules: [{alert: Down, expr: up == 0, for: 2m}]}]",
/// )?;
/// let changes = rules::replay(&mut groups, &Shared::new(store), 0, 540_000, 60_000);
/// let states: Vec<_> = changes.iter().map(|change| (change.time / 60_000, change.state)).collect();
/// assert_eq!(states, [(5, Some(AlertState::Pending)), (7, Some(AlertState::Firing))]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
///
/// Where the step is not positive.
pub fn replay(
    groups: &mut [Group],
    store: &Shared,
    start: Time,
    end: Time,
    step: Time,
) -> Vec<Change> {
    assert!(step > 0, "the step of a replay is positive");
    let mut changes = Vec::new();
    let mut time = start;
    while time <= end {
        for group in &mut *groups {
            let before = alerts_of(group);
            group.evaluate(store, time, &Limits::default());
            let after = alerts_of(group);
            for alert in &after {
                let known = before.iter().find(|known| known.labels == alert.labels);
                if known.is_none_or(|known| known.state != alert.state) {
                    changes.push(Change {
                        time,
                        labels: alert.labels.clone(),
                        state: Some(alert.state),
                        annotations: alert.annotations.clone(),
                    });
                }
            }
            for gone in
                before.iter().filter(|known| after.iter().all(|alert| alert.labels != known.labels))
            {
                changes.push(Change {
                    time,
                    labels: gone.labels.clone(),
                    state: None,
                    annotations: gone.annotations.clone(),
                });
            }
        }
        time += step;
    }
    changes
}

fn alerts_of(group: &Group) -> Vec<Alert> {
    let rules = group.rules.iter().filter_map(|rule| match &rule.kind {
        RuleKind::Alerting(alerting) => Some(&alerting.alerts),
        RuleKind::Recording => None,
    });
    rules.flatten().cloned().collect()
}

/// Evaluates rules again and again, each group in a thread of its own, until it is dropped.
#[derive(Debug)]
pub struct Evaluator {
    groups: Vec<Arc<Mutex<Group>>>,
    /// Dropped first: that wakes the threads, and they end.
    stop: Vec<std::sync::mpsc::Sender<()>>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Evaluator {
    /// Begins at once.
    #[must_use]
    pub fn start(groups: Vec<Group>, store: &Shared, interval: Duration, limits: Limits) -> Self {
        let mut evaluator = Self { groups: Vec::new(), stop: Vec::new(), threads: Vec::new() };
        for group in groups {
            let interval = group.interval.unwrap_or(interval).max(Duration::from_millis(100));
            let group = Arc::new(Mutex::new(group));
            let (stop, stopped) = std::sync::mpsc::channel();
            evaluator.groups.push(Arc::clone(&group));
            evaluator.stop.push(stop);
            let store = store.clone();
            evaluator.threads.push(std::thread::spawn(move || {
                loop {
                    group.lock().unwrap_or_else(PoisonError::into_inner).evaluate(
                        &store,
                        now(),
                        &limits,
                    );
                    if stopped.recv_timeout(interval)
                        != Err(std::sync::mpsc::RecvTimeoutError::Timeout)
                    {
                        return;
                    }
                }
            }));
        }
        evaluator
    }

    /// Looks at all groups.
    pub fn read<T>(&self, mut look: impl FnMut(&Group) -> T) -> Vec<T> {
        let groups = self.groups.iter();
        groups.map(|group| look(&group.lock().unwrap_or_else(PoisonError::into_inner))).collect()
    }
}

impl Drop for Evaluator {
    fn drop(&mut self) {
        self.stop.clear();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Retention;

    /// `up` of a job: 1, but 0 in these minutes, and absent in those.
    fn store(down: &[Time], absent: &[Time]) -> Shared {
        let mut store = Store::new(Retention::default());
        let up = [(NAME, "up"), ("job", "api")].into_iter().collect();
        for minute in 0..40 {
            let value = f64::from(!down.contains(&minute));
            let value = if absent.contains(&minute) { STALE } else { value };
            store.push(&up, Sample { time: minute * 60_000, value }).unwrap();
        }
        Shared::new(store)
    }

    fn timeline(rules: &str, store: &Shared) -> Vec<(Time, &'static str)> {
        let mut groups = read(&format!("groups: [{{name: a, rules: [{rules}]}}]")).unwrap();
        let changes = replay(&mut groups, store, 0, 39 * 60_000, 60_000);
        let state = |change: &Change| change.state.map_or("resolved", AlertState::name);
        changes.iter().map(|change| (change.time / 60_000, state(change))).collect()
    }

    #[test]
    fn an_alert_waits_fires_keeps_firing_and_resolves() {
        let down: Vec<_> = (10..15).chain(20..21).collect();
        let store = || store(&down, &[]);
        assert_eq!(
            timeline("{alert: Down, expr: up == 0, for: 3m}", &store()),
            [(10, "pending"), (13, "firing"), (15, "resolved"), (20, "pending"), (21, "resolved")]
        );
        assert_eq!(
            timeline("{alert: Down, expr: up == 0}", &store()),
            [(10, "firing"), (15, "resolved"), (20, "firing"), (21, "resolved")]
        );
        assert_eq!(
            timeline("{alert: Down, expr: up == 0, for: 3m, keep_firing_for: 4m}", &store()),
            [(10, "pending"), (13, "firing"), (19, "resolved"), (20, "pending"), (21, "resolved")]
        );
    }

    #[test]
    fn a_series_that_is_gone_resolves_its_alert_at_once() {
        assert_eq!(
            timeline("{alert: Down, expr: up == 0}", &store(&[10, 11, 12], &[13])),
            [(10, "firing"), (13, "resolved")]
        );
        assert_eq!(
            timeline("{alert: Gone, expr: 'absent(up)', for: 1m}", &store(&[], &[13, 14])),
            [(13, "pending"), (14, "firing"), (15, "resolved")]
        );
    }

    #[test]
    fn what_is_recorded_can_be_asked_and_alerted_on() {
        let store = store(&[10, 11], &[]);
        let rules = "{record: 'job:up:avg5m', expr: 'avg by (job) (avg_over_time(up[5m]))', labels: {team: a}}, \
                     {alert: Low, expr: 'job:up:avg5m < 0.9', annotations: {summary: '{{ $labels.job }} is at {{ $value | humanizePercentage }}'}}";
        let mut groups = read(&format!("groups: [{{name: a, rules: [{rules}]}}]")).unwrap();
        let changes = replay(&mut groups, &store, 0, 39 * 60_000, 60_000);
        assert_eq!(changes[0].time, 600_000);
        assert_eq!(changes[0].labels.to_string(), r#"{alertname="Low", job="api", team="a"}"#);
        assert_eq!(changes[0].annotations["summary"], "api is at 80%");
        assert_eq!(changes[1].state, None);
        let alerts = promql::parse("ALERTS{alertstate=\"firing\"}").unwrap();
        let answer = promql::instant(&store.read(), &alerts, 660_000, &Limits::default()).unwrap();
        assert!(matches!(answer, Answer::Vector(rows) if rows.len() == 1));
        // Resolved is gone at once, and not after the lookback.
        let resolved = promql::instant(&store.read(), &alerts, changes[1].time, &Limits::default());
        assert_eq!(resolved.unwrap(), Answer::Vector(Vec::new()));
    }

    #[test]
    fn a_wrong_rule_is_named() {
        let table = [
            ("{alert: A, expr: 'up =='}", "group \"a\", rule \"A\": "),
            ("{alert: A, record: b, expr: up}", "a rule has either `record` or `alert`"),
            ("{record: b, expr: up, for: 1m}", "are for alerts"),
            ("{alert: A, expr: 'up[5m]'}", "the expression is a matrix"),
            ("{alert: A, expr: up, annotations: {a: '{{ range }}'}}", "`range`"),
            ("{alert: A, expr: up, severity: page}", "severity"),
        ];
        for (rule, expected) in table {
            let error =
                read(&format!("groups: [{{name: a, rules: [{rule}]}}]")).unwrap_err().to_string();
            assert!(error.contains(expected), "{rule}: {error}");
        }
    }
}
