//! `/metrics`.

use std::io::Write;
use std::pin::Pin;
use std::rc::Rc;

use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::http::header::{
    AcceptEncoding, CONTENT_ENCODING, ContentType, Encoding, Header, VARY, WWW_AUTHENTICATE,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, guard, web};
use flate2::Compression;
use flate2::write::GzEncoder;
use prometheus::TextEncoder;

use crate::access::{Access, Refusal};
use crate::metrics::Metrics;
use crate::scope::{self, RequestId};

/// The text format that every Prometheus reads, with the charset that its own libraries name.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

type BeforeScrape = Rc<dyn Fn() -> Pin<Box<dyn Future<Output = ()>>>>;

/// The page that Prometheus scrapes; made by [`Metrics::endpoint`].
///
/// It answers `GET` and `HEAD` with the text exposition format 0.0.4, with gzip where the client
/// takes it, as Prometheus does; and only to this machine and private networks, unless
/// [`access`](Self::access) says otherwise. Others get 403 or 401 and a sentence.
///
/// Behind a reverse proxy every request comes from the proxy, which is near: let the proxy refuse
/// this path, or serve it on a port that the proxy does not know.
///
/// The middleware does not count scrapes that are answered; those that are refused it does.
pub struct Endpoint {
    path: String,
    page: Page,
}

impl Endpoint {
    pub(crate) fn new(path: &str, metrics: Metrics) -> Self {
        let page = Page { metrics, access: Rc::default(), before_scrape: None };
        Self { path: path.to_owned(), page }
    }

    /// Lets these read the metrics, and nobody else.
    ///
    /// ```
    /// # use instrument_metrics::{Access, Metrics, prometheus::Registry};
    /// # let metrics = Metrics::builder().registry(Registry::new()).build()?;
    /// let access = Access::networks(["10.20.0.0/16"])?; // once, outside the server's closure
    /// let endpoint = metrics.endpoint("/metrics").access(access.clone());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.page.access = Rc::new(access);
        self
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
        self.page.before_scrape = Some(Rc::new(move || Box::pin(refresh())));
        self
    }
}

impl HttpServiceFactory for Endpoint {
    fn register(self, config: &mut AppService) {
        let Self { path, page } = self;
        let answer = move |request: HttpRequest| {
            let page = page.clone();
            async move { page.answer(&request).await }
        };
        let get_or_head = guard::Any(guard::Get()).or(guard::Head());
        web::resource(path).route(web::route().guard(get_or_head).to(answer)).register(config);
    }
}

#[derive(Clone)]
struct Page {
    metrics: Metrics,
    access: Rc<Access>,
    before_scrape: Option<BeforeScrape>,
}

impl Page {
    async fn answer(&self, request: &HttpRequest) -> HttpResponse {
        if let Some(refusal) = self.access.refusal(request) {
            return refused(&refusal);
        }
        if let Some(refresh) = &self.before_scrape {
            refresh().await;
        }
        // All of it before the first byte goes out: a page is whole, or it is an error.
        let page = TextEncoder::new().encode_to_string(&self.metrics.registry().gather());
        scope::mark_counted(&self.metrics, RequestId::of(request.head()));
        match page {
            Ok(page) => exposition(page, request),
            Err(error) => plain(HttpResponse::InternalServerError())
                .body(format!("The registry holds a metric that cannot be written: {error}.\n")),
        }
    }
}

fn exposition(page: String, request: &HttpRequest) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.content_type(CONTENT_TYPE).insert_header((VARY, "accept-encoding"));
    if takes_gzip(request)
        && let Ok(zipped) = gzip(page.as_bytes())
    {
        return response.insert_header((CONTENT_ENCODING, "gzip")).body(zipped);
    }
    response.body(page)
}

fn takes_gzip(request: &HttpRequest) -> bool {
    let ours = [Encoding::gzip(), Encoding::identity()];
    let accepted = AcceptEncoding::parse(request).ok();
    accepted.and_then(|accepted| accepted.negotiate(ours.iter())) == Some(Encoding::gzip())
}

fn gzip(page: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(page)?;
    encoder.finish()
}

fn refused(refusal: &Refusal) -> HttpResponse {
    let mut response = plain(HttpResponse::build(refusal.status()));
    if *refusal == Refusal::Token {
        response.insert_header((WWW_AUTHENTICATE, "Bearer"));
    }
    response.body(format!("{refusal}\n"))
}

fn plain(mut response: HttpResponseBuilder) -> HttpResponseBuilder {
    response.content_type(ContentType::plaintext());
    response
}
