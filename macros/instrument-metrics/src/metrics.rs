//! The handle on everything that is measured, and how it is built.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use prometheus::Registry;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use crate::endpoint::Endpoint;
use crate::families::{Build, Families, Settings};
use crate::labels;
use crate::memory::MemoryGauges;
use crate::middleware::Middleware;
use crate::samples::ConstLabels;

/// The metrics of handlers that stand in no middleware.
static OF_THE_PROCESS: OnceLock<Metrics> = OnceLock::new();

/// Held while the default registry is filled, by a builder or by the first measured request: one
/// of the two comes first, and the other one finds its metrics.
static REGISTERING: Mutex<()> = Mutex::new(());

/// What an app measures with: build one per process, outside the closure that
/// `HttpServer::new` takes, and clone it into that closure.
///
/// ```no_run
/// use actix_web::{App, HttpServer};
/// use instrument_metrics::Metrics;
///
/// # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
/// let metrics = Metrics::builder().namespace("memo").max_series(2_000).build()?;
/// HttpServer::new(move || {
///     App::new()
///         .wrap(metrics.middleware())
///         .service(metrics.endpoint("/metrics"))
/// })
/// .bind("127.0.0.1:8080")?
/// .run()
/// .await?;
/// # Ok(())
/// # }
/// ```
///
/// Without any builder, an annotated handler measures all the same, into the default registry of
/// the `prometheus` crate.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    families: Arc<Families>,
    registry: Registry,
}

impl Metrics {
    /// Starts with the defaults: the `prometheus` crate's default registry, no namespace, 2,000
    /// series a family.
    ///
    /// ```
    /// use instrument_metrics::{Metrics, prometheus::Registry};
    ///
    /// let metrics = Metrics::builder().registry(Registry::new()).namespace("memo").build()?;
    /// # Ok::<(), instrument_metrics::BuildError>(())
    /// ```
    pub fn builder() -> Builder {
        let settings = Settings {
            namespace: None,
            const_labels: ConstLabels::default(),
            bounds: Arc::new(*prometheus::DEFAULT_BUCKETS),
            max_series: 2_000,
            build: None,
        };
        Builder { settings, registry: None }
    }

    /// Counts what no annotated handler answers: 404, 405, extractor errors, refusals by other
    /// middleware, handlers without the attribute. Every request is counted once.
    ///
    /// Wrap it last, so that it stands outside the other middleware and sees what they refuse:
    /// actix calls the middleware that was wrapped last first.
    ///
    /// ```
    /// # use actix_web::App;
    /// # let metrics = instrument_metrics::Metrics::builder()
    /// #     .registry(instrument_metrics::prometheus::Registry::new()).build().unwrap();
    /// App::new().wrap(metrics.middleware());
    /// ```
    #[must_use]
    pub fn middleware(&self) -> Middleware {
        Middleware::new(self.clone())
    }

    /// The page that Prometheus scrapes, as a service for `App::service`.
    ///
    /// It shows everything in the registry, your own metrics included, and answers only this
    /// machine and private networks; see [`Endpoint`].
    ///
    /// ```
    /// # use actix_web::App;
    /// # let metrics = instrument_metrics::Metrics::builder()
    /// #     .registry(instrument_metrics::prometheus::Registry::new()).build().unwrap();
    /// App::new().service(metrics.endpoint("/metrics"));
    /// ```
    pub fn endpoint(&self, path: &str) -> Endpoint {
        Endpoint::new(path, self.clone())
    }

    /// Where these metrics are registered: the place for your own.
    ///
    /// ```
    /// use instrument_metrics::Metrics;
    /// use instrument_metrics::prometheus::{IntGauge, Registry};
    ///
    /// let metrics = Metrics::builder().registry(Registry::new()).build()?;
    /// let memos = IntGauge::new("memos", "Memos that are stored now.")?;
    /// metrics.registry().register(Box::new(memos.clone()))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.inner.registry
    }

    pub(crate) fn families(&self) -> &Families {
        &self.inner.families
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Whether these are [`of_the_process`](Self::of_the_process).
    pub(crate) fn are_of_the_process(&self) -> bool {
        OF_THE_PROCESS.get().is_some_and(|metrics| metrics.is_same(self))
    }

    /// What a handler outside any middleware measures with: what was built for the default
    /// registry or, where nothing was, the defaults.
    pub(crate) fn of_the_process() -> &'static Self {
        if let Some(metrics) = OF_THE_PROCESS.get() {
            return metrics;
        }
        let _registering = REGISTERING.lock().unwrap_or_else(PoisonError::into_inner);
        OF_THE_PROCESS.get_or_init(|| {
            let Builder { settings, .. } = Self::builder();
            let families =
                Families::new(settings.clone()).expect("the families' own names are valid");
            let metrics = Self::from_families(families, prometheus::default_registry().clone());
            if let Err(error) = metrics.register(&settings.const_labels) {
                // A request must not fail because it is measured, so this can only be told.
                tell(&format!(
                    "instrument-metrics: the default registry refuses the http_ families, so they \
                     are not on any page: {error}. Is a metric of the same name registered there?"
                ));
            }
            metrics
        })
    }

    fn from_families(families: Families, registry: Registry) -> Self {
        Self { inner: Arc::new(Inner { families: Arc::new(families), registry }) }
    }

    fn register(&self, const_labels: &ConstLabels) -> prometheus::Result<()> {
        let memory = MemoryGauges::new(const_labels.clone())?;
        let families = Arc::clone(&self.inner.families);
        self.inner.registry.register(Box::new(Registered(families)))?;
        // The `process` feature of the `prometheus` crate registers the same names in the default
        // registry on Linux: then they are on the page already, and ours stand back.
        let _ = self.inner.registry.register(Box::new(memory));
        Ok(())
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("registry", &self.inner.registry).finish_non_exhaustive()
    }
}

/// To the program's log or, where it keeps none, to stderr.
fn tell(sentence: &str) {
    if log::log_enabled!(log::Level::Error) {
        log::error!("{sentence}");
    } else {
        eprintln!("{sentence}");
    }
}

/// The registry's own handle on the families.
struct Registered(Arc<Families>);

impl Collector for Registered {
    fn desc(&self) -> Vec<&Desc> {
        self.0.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.0.collect()
    }
}

/// Options of [`Metrics`]; made by [`Metrics::builder`].
#[derive(Debug, Clone)]
#[must_use = "call `build` to get the metrics"]
pub struct Builder {
    settings: Settings,
    registry: Option<Registry>,
}

impl Builder {
    /// Puts `namespace_` before the names of the `http_` families and of `build_info`:
    /// `memo_http_requests_total`. The `process_` families keep the names that every dashboard knows.
    ///
    /// ```
    /// use instrument_metrics::{Metrics, prometheus::Registry};
    ///
    /// let metrics = Metrics::builder().registry(Registry::new()).namespace("memo").build()?;
    /// # Ok::<(), instrument_metrics::BuildError>(())
    /// ```
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.settings.namespace = Some(namespace.into());
        self
    }

    /// How many series `http_requests_total` and `http_request_duration_seconds` may have each.
    ///
    /// What comes after is folded into series whose `handler` and `route` are `<overflow>`, and
    /// counted in `metrics_series_dropped_total{family}`. Method and status stay, so that an error
    /// ratio over the whole service is right even then.
    ///
    /// ```
    /// # use instrument_metrics::{Metrics, prometheus::Registry};
    /// let metrics = Metrics::builder().registry(Registry::new()).max_series(10_000).build()?;
    /// # Ok::<(), instrument_metrics::BuildError>(())
    /// ```
    pub fn max_series(mut self, max_series: usize) -> Self {
        self.settings.max_series = max_series;
        self
    }

    /// A label that all series of these metrics have, such as the region a service runs in. It may
    /// be called several times.
    ///
    /// What Prometheus knows of a target itself (its job, its instance, the labels of its scrape
    /// configuration) is better said there. Where a handler has a label of this name by its
    /// `labels(…)`, its own is taken.
    ///
    /// ```
    /// # use instrument_metrics::{Metrics, prometheus::Registry};
    /// let metrics =
    ///     Metrics::builder().registry(Registry::new()).const_label("region", "eu").build()?;
    /// # Ok::<(), instrument_metrics::BuildError>(())
    /// ```
    pub fn const_label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.const_labels.push(name.into(), value.into());
        self
    }

    /// Upper bounds of the duration histograms, in seconds, ascending; handlers with `buckets` of
    /// their own have those. Default: 5 ms to 10 s, as in Prometheus's client libraries.
    ///
    /// ```
    /// # use instrument_metrics::{Metrics, prometheus::Registry};
    /// let metrics =
    ///     Metrics::builder().registry(Registry::new()).buckets([0.01, 0.1, 1.0, 10.0]).build()?;
    /// # Ok::<(), instrument_metrics::BuildError>(())
    /// ```
    pub fn buckets(mut self, bounds: impl IntoIterator<Item = f64>) -> Self {
        self.settings.bounds = bounds.into_iter().collect();
        self
    }

    /// Shows which build is running, as `build_info{version="…",revision="…"} 1`, so that a
    /// dashboard can mark a deployment.
    ///
    /// ```
    /// # use instrument_metrics::{Metrics, prometheus::Registry};
    /// let revision = option_env!("GIT_REVISION").unwrap_or("unknown");
    /// let metrics = Metrics::builder()
    ///     .registry(Registry::new())
    ///     .build_info(env!("CARGO_PKG_VERSION"), revision)
    ///     .build()?;
    /// # Ok::<(), instrument_metrics::BuildError>(())
    /// ```
    pub fn build_info(mut self, version: impl Into<String>, revision: impl Into<String>) -> Self {
        self.settings.build = Some(Build { version: version.into(), revision: revision.into() });
        self
    }

    /// Registers in a registry of your own instead of the default one of the `prometheus` crate.
    ///
    /// Such metrics measure only the requests that pass their [`middleware`](Metrics::middleware),
    /// so that several apps, or the tests of one process, can be measured apart:
    ///
    /// ```
    /// use actix_web::{App, Responder, get, test};
    /// use instrument_metrics::{Metrics, instrument_metrics, prometheus::Registry};
    ///
    /// #[get("/")]
    /// #[instrument_metrics]
    /// async fn index() -> impl Responder {
    ///     "hello"
    /// }
    ///
    /// # #[actix_web::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let metrics = Metrics::builder().registry(Registry::new()).build()?;
    /// let app = App::new()
    ///     .wrap(metrics.middleware())
    ///     .service(index)
    ///     .service(metrics.endpoint("/metrics"));
    /// let app = test::init_service(app).await;
    /// test::call_service(&app, test::TestRequest::get().uri("/").to_request()).await;
    /// let scrape = test::TestRequest::get().uri("/metrics").to_request();
    /// let page = test::call_and_read_body(&app, scrape).await;
    /// let page = std::str::from_utf8(&page)?;
    /// assert!(page.contains(
    ///     r#"http_requests_total{handler="index",method="GET",route="/",status="200"} 1"#
    /// ));
    /// # Ok(())
    /// # }
    /// ```
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Registers the families.
    ///
    /// ```
    /// use instrument_metrics::{Metrics, prometheus::Registry};
    ///
    /// let metrics = Metrics::builder().registry(Registry::new()).build()?;
    /// # Ok::<(), instrument_metrics::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError`] where the namespace, a label or the buckets are none that Prometheus takes,
    /// where the registry has these families already, or where the metrics of the default registry
    /// exist already.
    pub fn build(self) -> Result<Metrics, BuildError> {
        self.check()?;
        let families = Families::new(self.settings.clone())?;
        let Some(registry) = &self.registry else {
            return self.build_for_the_process(families);
        };
        let metrics = Metrics::from_families(families, registry.clone());
        metrics.register(&self.settings.const_labels)?;
        Ok(metrics)
    }

    fn build_for_the_process(&self, families: Families) -> Result<Metrics, BuildError> {
        let _registering = REGISTERING.lock().unwrap_or_else(PoisonError::into_inner);
        if OF_THE_PROCESS.get().is_some() {
            return Err(BuildError::AlreadyBuilt);
        }
        let metrics = Metrics::from_families(families, prometheus::default_registry().clone());
        metrics.register(&self.settings.const_labels)?;
        Ok(OF_THE_PROCESS.get_or_init(|| metrics).clone())
    }

    fn check(&self) -> Result<(), BuildError> {
        let Settings { namespace, const_labels, bounds, max_series, .. } = &self.settings;
        if *max_series == 0 {
            return Err(BuildError::NoSeries);
        }
        if let Some(namespace) = namespace
            && !labels::is_namespace(namespace)
        {
            return Err(BuildError::Namespace(namespace.clone()));
        }
        let mut names = Vec::new();
        for (name, _) in const_labels.iter() {
            let why = if names.contains(&name) {
                Some("it is given twice")
            } else {
                labels::why_no_const_label(name)
            };
            if let Some(why) = why {
                return Err(BuildError::Label { name: name.to_owned(), why });
            }
            names.push(name);
        }
        let ascending = bounds.is_sorted_by(|one, next| one < next);
        let right = bounds.iter().all(|bound| bound.is_finite() && *bound > 0.0);
        if bounds.is_empty() || !ascending || !right {
            return Err(BuildError::Buckets(bounds.to_vec()));
        }
        Ok(())
    }
}

/// Why [`Builder::build`] refused.
///
/// `Debug` prints the sentence, too: it is what `main` and `unwrap` show.
///
/// ```
/// use instrument_metrics::{BuildError, Metrics, prometheus::Registry};
///
/// let refused = Metrics::builder().registry(Registry::new()).namespace("my-app").build();
/// assert!(matches!(refused, Err(BuildError::Namespace(name)) if name == "my-app"));
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The namespace cannot begin a metric name.
    #[error(
        "the namespace {0:?} makes no metric name: use letters, digits and `_`, with no digit first \
         and no `_` at the end"
    )]
    Namespace(String),
    /// A label of [`Builder::const_label`] cannot be one.
    #[error("{name:?} cannot be a label of all series: {why}")]
    Label {
        /// The label's name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The bounds of [`Builder::buckets`] make no histogram.
    #[error(
        "the buckets {0:?} make no histogram: give at least one bound, each a finite number of \
         seconds, more than 0, and more than the one before"
    )]
    Buckets(Vec<f64>),
    /// [`Builder::max_series`] leaves no series at all.
    #[error("max_series(0) leaves no room for a single series: give at least 1")]
    NoSeries,
    /// The metrics of the default registry exist: they were built before, or an annotated handler
    /// has measured already.
    #[error(
        "the metrics of the default registry exist already: build them once, before the server \
         starts and outside the closure of HttpServer::new; in tests give each its own with \
         .registry(Registry::new())"
    )]
    AlreadyBuilt,
    /// The registry has metrics of this crate, or another metric of one of their names.
    #[error(
        "the registry refuses the metrics: {0}; does it have metrics of this crate already (build \
         them once for each registry, and clone them), or one of yours with that name?"
    )]
    Registry(#[from] prometheus::Error),
}

impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
