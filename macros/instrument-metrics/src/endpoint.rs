//! `/metrics`.

use std::pin::Pin;
use std::rc::Rc;

use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, guard, web};
use prometheus::TextEncoder;

use crate::metrics::Metrics;
use crate::{access, scope};

/// The text format that every Prometheus reads, with the charset that its own libraries name.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

type BeforeScrape = Rc<dyn Fn() -> Pin<Box<dyn Future<Output = ()>>>>;

/// The page that Prometheus scrapes; made by [`Metrics::endpoint`].
///
/// It answers `GET` and `HEAD` with the text exposition format 0.0.4, and only to this machine and
/// private networks, by the address of the connection: `X-Forwarded-For` and its like are never
/// believed. Others get 403 and a sentence. A connection without an address, a Unix socket or an
/// in-process test, is this machine.
///
/// Behind a reverse proxy every request comes from the proxy, which is near: let the proxy refuse
/// this path, or serve it on a port that the proxy does not know.
///
/// The middleware does not count scrapes that are answered.
pub struct Endpoint {
    path: String,
    metrics: Metrics,
    before_scrape: Option<BeforeScrape>,
}

impl Endpoint {
    pub(crate) fn new(path: &str, metrics: Metrics) -> Self {
        Self { path: path.to_owned(), metrics, before_scrape: None }
    }

    /// Awaits `refresh` before each scrape reads the registry: for gauges that have to be asked
    /// for, such as rows in a database.
    ///
    /// Give it a time limit of its own: Prometheus gives up on a scrape after ten seconds by
    /// default, and then has no metrics at all.
    ///
    /// ```
    /// # use instrument_metrics::{Metrics, prometheus::{IntGauge, Registry}};
    /// # async fn count_memos() -> i64 { 3 }
    /// # let metrics = Metrics::builder().registry(Registry::new()).build().unwrap();
    /// let memos = IntGauge::new("memos", "Memos that are stored now.").unwrap();
    /// let endpoint = metrics.endpoint("/metrics").before_scrape(move || {
    ///     let memos = memos.clone();
    ///     async move { memos.set(count_memos().await) }
    /// });
    /// ```
    #[must_use]
    pub fn before_scrape<F, Fut>(mut self, refresh: F) -> Self
    where
        F: Fn() -> Fut + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        self.before_scrape = Some(Rc::new(move || Box::pin(refresh())));
        self
    }
}

impl HttpServiceFactory for Endpoint {
    fn register(self, config: &mut AppService) {
        let Self { path, metrics, before_scrape } = self;
        let page = move |request: HttpRequest| {
            let (metrics, before_scrape) = (metrics.clone(), before_scrape.clone());
            async move { page(&request, &metrics, before_scrape).await }
        };
        let get_or_head = guard::Any(guard::Get()).or(guard::Head());
        web::resource(path).route(web::route().guard(get_or_head).to(page)).register(config);
    }
}

async fn page(
    request: &HttpRequest,
    metrics: &Metrics,
    before_scrape: Option<BeforeScrape>,
) -> HttpResponse {
    if let Some(peer) = request.peer_addr()
        && !access::is_near(peer.ip())
    {
        return HttpResponse::Forbidden().content_type(ContentType::plaintext()).body(format!(
            "These metrics are for this machine and its private networks; you come from {}.\n",
            peer.ip()
        ));
    }
    scope::mark_answered(metrics);
    if let Some(refresh) = before_scrape {
        refresh().await;
    }
    match TextEncoder::new().encode_to_string(&metrics.registry().gather()) {
        Ok(page) => HttpResponse::Ok().content_type(CONTENT_TYPE).body(page),
        Err(error) => HttpResponse::InternalServerError()
            .content_type(ContentType::plaintext())
            .body(format!("The registry holds a metric that cannot be written: {error}.\n")),
    }
}
