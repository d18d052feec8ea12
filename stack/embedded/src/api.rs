//! The HTTP API that Prometheus has, for Grafana, for `promtool query` and for our own page.
//!
//! <https://prometheus.io/docs/prometheus/latest/querying/api/>: queries, series, labels, metadata,
//! targets, rules and alerts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::{Map, Number, Value, json};

use crate::exposition::Kind;
use crate::labels::{Labels, Matcher};
use crate::promql::{self, Answer, Limits, QueryError, RangeRow, format_value};
use crate::rules::{Alert, Evaluator, Rule, RuleKind};
use crate::scrape::{Scraper, Shared, now};
use crate::store::{Sample, Time};

/// What the API answers from.
#[derive(Debug, Clone, Default)]
pub struct Api {
    /// The series.
    pub store: Shared,
    /// What fills them, where something does.
    pub scraper: Option<Arc<Scraper>>,
    /// What evaluates rules over them, where something does.
    pub rules: Option<Arc<Evaluator>>,
    /// How much a query may cost.
    pub limits: Limits,
}

impl Api {
    /// The routes, for `App::configure`.
    ///
    /// ```
    /// use actix_web::App;
    /// use embedded_prometheus::api::Api;
    ///
    /// let api = Api::default();
    /// let app = App::new().configure(|config| api.routes(config));
    /// ```
    pub fn routes(&self, config: &mut web::ServiceConfig) {
        let both = |handler: Handler| {
            let api = self.clone();
            let answer = move |request: HttpRequest, body: web::Bytes| {
                let api = api.clone();
                async move { answer(api, &request, &body, handler).await }
            };
            web::route().to(answer)
        };
        let routes: [(&str, Handler); 12] = [
            ("/query", Api::query),
            ("/query_range", Api::query_range),
            ("/series", Api::series),
            ("/labels", Api::labels),
            ("/label/{name}/values", Api::label_values),
            ("/metadata", Api::metadata),
            ("/targets", Api::targets),
            ("/rules", Api::rules),
            ("/alerts", Api::alerts),
            ("/query_exemplars", |_, _| Ok(json!([]))),
            ("/status/buildinfo", |_, _| {
                Ok(
                    json!({"version": "3.5.0", "application": "embedded-prometheus", "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": ""}),
                )
            }),
            ("/format_query", |_, parameters| {
                promql::parse(parameters.needed("query")?)
                    .map(|query| json!(query.to_string()))
                    .map_err(Refusal::from)
            }),
        ];
        for (path, handler) in routes {
            config.route(&format!("/api/v1{path}"), both(handler));
        }
        config
            .route("/-/ready", web::get().to(|| async { "embedded-prometheus is ready.\n" }))
            .route("/-/healthy", web::get().to(|| async { "embedded-prometheus is healthy.\n" }));
    }
}

type Handler = fn(&Api, &Parameters) -> Result<Value, Refusal>;

/// Names and values of the URL's query and of a form, and what stands in the path.
struct Parameters {
    pairs: Vec<(String, String)>,
    path: Option<String>,
}

/// A request that cannot be answered.
struct Refusal(QueryError);

impl From<QueryError> for Refusal {
    fn from(error: QueryError) -> Self {
        Self(error)
    }
}

fn bad(why: impl Into<String>) -> Refusal {
    Refusal(QueryError::BadData(why.into()))
}

async fn answer(api: Api, request: &HttpRequest, body: &[u8], handler: Handler) -> HttpResponse {
    let of_url = url::form_urlencoded::parse(request.query_string().as_bytes());
    let pairs = of_url.into_owned().chain(url::form_urlencoded::parse(body).into_owned()).collect();
    let path = request.match_info().get("name").map(str::to_owned);
    let parameters = Parameters { pairs, path };
    let outcome = web::block(move || handler(&api, &parameters)).await;
    match outcome {
        Ok(Ok(data)) => HttpResponse::Ok().json(json!({"status": "success", "data": data})),
        Ok(Err(Refusal(error))) => refused(&error),
        Err(_) => refused(&QueryError::Execution("the query was given up".to_owned())),
    }
}

fn refused(error: &QueryError) -> HttpResponse {
    let (status, kind) = match error {
        QueryError::BadData(_) => (StatusCode::BAD_REQUEST, "bad_data"),
        QueryError::Execution(_) => (StatusCode::UNPROCESSABLE_ENTITY, "execution"),
        QueryError::Timeout => (StatusCode::SERVICE_UNAVAILABLE, "timeout"),
    };
    HttpResponse::build(status)
        .json(json!({"status": "error", "errorType": kind, "error": error.to_string()}))
}

impl Parameters {
    fn get(&self, name: &str) -> Option<&str> {
        let pair = self.pairs.iter().find(|(known, value)| known == name && !value.is_empty());
        pair.map(|(_, value)| value.as_str())
    }

    fn needed(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name)
            .ok_or_else(|| bad(format!("invalid parameter {name:?}: it is missing or empty")))
    }

    fn time(&self, name: &str) -> Result<Option<Time>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let wrong = || {
            bad(format!("invalid parameter {name:?}: cannot parse {text:?} to a valid timestamp"))
        };
        if let Ok(seconds) = text.parse::<f64>() {
            let milliseconds = (seconds * 1000.0).round();
            // The largest time that every later sum stays within.
            if !milliseconds.is_finite() || milliseconds.abs() > 1e15 {
                return Err(wrong());
            }
            #[expect(clippy::cast_possible_truncation, reason = "checked above")]
            return Ok(Some(milliseconds as Time));
        }
        let date = chrono::DateTime::parse_from_rfc3339(text).map_err(|_| wrong())?;
        Ok(Some(date.timestamp_millis()))
    }

    fn needed_time(&self, name: &str) -> Result<Time, Refusal> {
        self.time(name)?
            .ok_or_else(|| bad(format!("invalid parameter {name:?}: it is missing or empty")))
    }

    fn duration(&self, name: &str) -> Result<Option<Duration>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let wrong = || {
            bad(format!("invalid parameter {name:?}: cannot parse {text:?} to a valid duration"))
        };
        match text.parse::<f64>() {
            Ok(seconds) => Duration::try_from_secs_f64(seconds).map(Some).map_err(|_| {
                bad(format!("invalid parameter {name:?}: zero or negative query resolution step widths are not accepted. Try a positive integer"))
            }),
            Err(_) => promql_parser::util::parse_duration(text).map(Some).map_err(|_| wrong()),
        }
    }

    /// The sets of matchers in `match[]`.
    fn selectors(&self) -> Result<Vec<Vec<Matcher>>, Refusal> {
        let selectors = self.pairs.iter().filter(|(name, _)| name == "match[]");
        selectors.map(|(_, text)| promql::parse_selector(text).map_err(Refusal)).collect()
    }

    /// The times that series are looked for between.
    fn between(&self) -> Result<(Time, Time), Refusal> {
        Ok((self.time("start")?.unwrap_or(Time::MIN), self.time("end")?.unwrap_or(Time::MAX)))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "handlers are of one type")]
impl Api {
    fn limits(&self, parameters: &Parameters) -> Result<Limits, Refusal> {
        let asked = parameters.duration("timeout")?;
        Ok(Limits {
            time: asked.map_or(self.limits.time, |asked| asked.min(self.limits.time)),
            ..self.limits
        })
    }

    fn query(&self, parameters: &Parameters) -> Result<Value, Refusal> {
        let time = parameters.time("time")?.unwrap_or_else(now);
        let query = promql::parse(parameters.needed("query")?)?;
        let limits = self.limits(parameters)?;
        let answer = promql::instant(&self.store.read(), &query, time, &limits)?;
        let point = |value: f64| pair(Sample { time, value });
        Ok(match answer {
            Answer::Vector(rows) => {
                let rows = rows
                    .iter()
                    .map(|row| json!({"metric": metric(&row.labels), "value": point(row.value)}));
                json!({"resultType": "vector", "result": rows.collect::<Vec<_>>()})
            }
            Answer::Matrix(rows) => matrix(&rows),
            Answer::Scalar(value) => json!({"resultType": "scalar", "result": point(value)}),
            Answer::Text(text) => json!({"resultType": "string", "result": [seconds(time), text]}),
        })
    }

    fn query_range(&self, parameters: &Parameters) -> Result<Value, Refusal> {
        let (start, end) = (parameters.needed_time("start")?, parameters.needed_time("end")?);
        let step = parameters.duration("step")?;
        let step = step.ok_or_else(|| bad("invalid parameter \"step\": it is missing or empty"))?;
        let step = Time::try_from(step.as_millis()).unwrap_or(Time::MAX);
        let query = promql::parse(parameters.needed("query")?)?;
        let limits = self.limits(parameters)?;
        let rows = promql::range(&self.store.read(), &query, start, end, step, &limits)?;
        Ok(matrix(&rows))
    }

    /// The labels of series that were there, those of every selector.
    fn found(&self, parameters: &Parameters) -> Result<BTreeSet<Labels>, Refusal> {
        let (start, end) = parameters.between()?;
        let mut selectors = parameters.selectors()?;
        if selectors.is_empty() {
            selectors.push(Vec::new());
        }
        let store = self.store.read();
        let found = selectors.iter().flat_map(|selector| store.series(selector, start, end));
        Ok(found.collect())
    }

    fn series(&self, parameters: &Parameters) -> Result<Value, Refusal> {
        if parameters.selectors()?.is_empty() {
            return Err(bad("no match[] parameter provided"));
        }
        Ok(self.found(parameters)?.iter().map(metric).collect())
    }

    fn labels(&self, parameters: &Parameters) -> Result<Value, Refusal> {
        let found = self.found(parameters)?;
        let names: BTreeSet<&str> =
            found.iter().flat_map(|labels| labels.iter().map(|(name, _)| name)).collect();
        Ok(json!(names))
    }

    fn label_values(&self, parameters: &Parameters) -> Result<Value, Refusal> {
        let name = parameters.path.as_deref().unwrap_or_default();
        let found = self.found(parameters)?;
        let values: BTreeSet<&str> =
            found.iter().map(|labels| labels.get(name)).filter(|value| !value.is_empty()).collect();
        Ok(json!(values))
    }

    fn metadata(&self, parameters: &Parameters) -> Result<Value, Refusal> {
        let wanted = parameters.get("metric");
        let mut families: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
        for target in self.scraper.iter().flat_map(|scraper| scraper.targets()) {
            for (name, family) in target.families {
                if wanted.is_none_or(|wanted| wanted == name) {
                    let kind = match family.kind {
                        Kind::Untyped => "unknown".to_owned(),
                        kind => kind.to_string(),
                    };
                    families
                        .entry(name)
                        .or_default()
                        .insert((kind, family.help.unwrap_or_default()));
                }
            }
        }
        let families = families.into_iter().map(|(name, known)| {
            let known = known
                .into_iter()
                .map(|(kind, help)| json!({"type": kind, "help": help, "unit": ""}));
            (name, known.collect())
        });
        Ok(Value::Object(families.collect()))
    }

    fn targets(&self, _: &Parameters) -> Result<Value, Refusal> {
        let targets = self.scraper.iter().flat_map(|scraper| scraper.targets());
        let active: Vec<_> = targets
            .map(|state| {
                let health = match (&state.last_scrape, &state.error) {
                    (None, _) => "unknown",
                    (Some(_), None) => "up",
                    (Some(_), Some(_)) => "down",
                };
                json!({
                    "discoveredLabels": {},
                    "labels": metric(&state.target.labels),
                    "scrapePool": state.target.labels.get("job"),
                    "scrapeUrl": state.target.url,
                    "globalUrl": state.target.url,
                    "lastError": state.error.unwrap_or_default(),
                    "lastScrape": date(state.last_scrape.unwrap_or(0)),
                    "lastScrapeDuration": state.duration.as_secs_f64(),
                    "health": health,
                    "scrapeInterval": format!("{:?}", state.target.interval),
                    "scrapeTimeout": format!("{:?}", state.target.timeout),
                })
            })
            .collect();
        Ok(json!({"activeTargets": active, "droppedTargets": [], "droppedTargetCounts": {}}))
    }

    fn rules(&self, _: &Parameters) -> Result<Value, Refusal> {
        let groups = self.rules.iter().flat_map(|rules| {
            rules.read(|group| {
                json!({
                    "name": group.name,
                    "file": "",
                    "interval": group.interval.map_or(0.0, |interval| interval.as_secs_f64()),
                    "limit": 0,
                    "rules": group.rules.iter().map(rule).collect::<Vec<_>>(),
                })
            })
        });
        Ok(json!({"groups": groups.collect::<Vec<_>>()}))
    }

    fn alerts(&self, _: &Parameters) -> Result<Value, Refusal> {
        let alerts = self.rules.iter().flat_map(|rules| {
            rules.read(|group| group.rules.iter().flat_map(alerts_of).collect::<Vec<_>>())
        });
        Ok(json!({"alerts": alerts.flatten().collect::<Vec<_>>()}))
    }
}

fn alerts_of(rule: &Rule) -> Vec<Value> {
    match &rule.kind {
        RuleKind::Alerting(alerting) => alerting.alerts.iter().map(alert).collect(),
        RuleKind::Recording => Vec::new(),
    }
}

fn alert(alert: &Alert) -> Value {
    json!({
        "labels": metric(&alert.labels),
        "annotations": alert.annotations,
        "state": alert.state.name(),
        "activeAt": date(alert.active_at),
        "value": format_value(alert.value),
    })
}

fn rule(rule: &Rule) -> Value {
    let mut value = json!({
        "name": rule.name,
        "query": rule.query.to_string(),
        "health": if rule.error.is_some() { "err" } else { "ok" },
        "lastError": rule.error.clone().unwrap_or_default(),
        "evaluationTime": 0,
        "lastEvaluation": date(0),
        "labels": {},
    });
    match &rule.kind {
        RuleKind::Recording => value["type"] = json!("recording"),
        RuleKind::Alerting(alerting) => {
            let states = alerting.alerts.iter().map(|alert| alert.state.name());
            value["type"] = json!("alerting");
            value["state"] = json!(states.min().unwrap_or("inactive"));
            value["duration"] = json!(alerting.wait.as_secs_f64());
            value["keepFiringFor"] = json!(alerting.keep_firing_for.as_secs_f64());
            value["annotations"] = json!({});
            value["alerts"] = alerts_of(rule).into();
        }
    }
    value
}

fn date(time: Time) -> String {
    let date = chrono::DateTime::from_timestamp_millis(time).unwrap_or_default();
    date.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn metric(labels: &Labels) -> Value {
    let labels = labels.iter().map(|(name, value)| (name.to_owned(), Value::from(value)));
    Value::Object(labels.collect::<Map<_, _>>())
}

fn matrix(rows: &[RangeRow]) -> Value {
    #[derive(Serialize)]
    struct Row {
        metric: Value,
        values: Vec<Value>,
    }
    let rows = rows.iter().map(|row| Row {
        metric: metric(&row.labels),
        values: row.samples.iter().copied().map(pair).collect(),
    });
    json!({"resultType": "matrix", "result": rows.collect::<Vec<_>>()})
}

fn pair(sample: Sample) -> Value {
    Value::Array(vec![seconds(sample.time), Value::from(format_value(sample.value))])
}

/// Whole seconds without a fraction, as Prometheus writes them.
#[expect(clippy::cast_precision_loss, reason = "milliseconds fit for 285,000 years")]
fn seconds(time: Time) -> Value {
    if time % 1000 == 0 {
        Value::from(time / 1000)
    } else {
        Number::from_f64(time as f64 / 1000.0).map_or(Value::Null, Value::Number)
    }
}
