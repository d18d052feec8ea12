//! The learner's service, asked without a network.

use std::pin::Pin;
use std::rc::Rc;

use actix_http::Request;
use actix_web::dev::{Service as _, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::test::{self, TestRequest};
use actix_web::{App, web};
use embedded_prometheus::exposition::{self, Exposition, Kind};

use crate::Failure;
use crate::failure::print_failures_plainly;
use crate::snapshot;

type Ask = dyn Fn(Request) -> Pin<Box<dyn Future<Output = Answer>>>;

/// The learner's routes in an app.
pub struct Service {
    ask: Box<Ask>,
}

/// What the service answered.
pub struct Answer {
    /// The status, errors included.
    pub status: StatusCode,
    /// The header `Content-Type`, or nothing.
    pub content_type: String,
    /// The whole body as text.
    pub body: String,
}

impl Service {
    /// An app with these routes, ready to be asked.
    pub async fn new(routes: impl FnOnce(&mut web::ServiceConfig)) -> Self {
        print_failures_plainly();
        let app = Rc::new(test::init_service(App::new().configure(routes)).await);
        Self {
            ask: Box::new(move |request| {
                let app = Rc::clone(&app);
                Box::pin(async move {
                    match app.call(request).await {
                        Ok(response) => Answer::read(response).await,
                        Err(error) => Answer {
                            status: error.as_response_error().error_response().status(),
                            content_type: String::new(),
                            body: error.to_string(),
                        },
                    }
                })
            }),
        }
    }

    /// Asks `GET path`.
    pub async fn get(&self, path: &str) -> Answer {
        self.ask(TestRequest::get().uri(path)).await
    }

    /// Asks what the request says.
    pub async fn ask(&self, request: TestRequest) -> Answer {
        (self.ask)(request.to_request()).await
    }

    /// Asks `GET /metrics`, as Prometheus does.
    pub async fn scrape(&self) -> Scrape {
        Scrape { answer: self.get("/metrics").await }
    }
}

impl Answer {
    async fn read<B: actix_web::body::MessageBody>(response: ServiceResponse<B>) -> Self {
        let header = response.headers().get(header::CONTENT_TYPE);
        let content_type =
            header.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let status = response.status();
        let body = test::read_body(response).await;
        Self {
            status,
            content_type: content_type.unwrap_or_default(),
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }
}

/// What one scrape got.
pub struct Scrape {
    answer: Answer,
}

impl Scrape {
    /// The page as text; fails the check where there is none.
    #[track_caller]
    pub fn page(&self) -> &str {
        let Answer { status, body, .. } = &self.answer;
        if *status == StatusCode::OK {
            return body;
        }
        let failure = Failure::new(format!("Prometheus asks GET /metrics and gets {status}."))
            .means(
                "A scrape that is not answered with 200 OK gives Prometheus nothing but `up 0`: \
                 on every dashboard your service is down.",
            );
        if *status == StatusCode::NOT_FOUND {
            failure
                .next(
                    "Write a handler for exactly `GET /metrics`, and add it in `routes` with \
                     `app.service(…)`: without that, actix-web does not know it.",
                )
                .raise()
        }
        failure
            .next("Read the answer below: it says what went wrong.")
            .show("The answer", body)
            .raise()
    }

    /// The page for a person: of each histogram's buckets only the last.
    #[must_use]
    pub fn shown(&self) -> String {
        let is_shown = |line: &&str| !line.contains("_bucket{") || line.contains("le=\"+Inf\"");
        let lines: Vec<_> = self.answer.body.lines().filter(is_shown).collect();
        lines.join("\n")
    }

    /// The header that says which format the page is in; fails the check where it is another one.
    #[track_caller]
    pub fn expect_text_format(&self) {
        self.page();
        let content_type = &self.answer.content_type;
        let mut parts = content_type.split(';').map(str::trim);
        let is_text = parts.next() == Some("text/plain");
        if is_text && parts.any(|part| part == "version=0.0.4") {
            return;
        }
        let failure = if is_text {
            Failure::new(format!("The page says `{content_type}`, and no version of the format."))
                .means(
                    "Prometheus 3 takes it for 0.0.4, which is a guess, and every other reader has \
                     to guess as well. The format's own rules ask for the version.",
                )
        } else {
            let seen = if content_type.is_empty() { "nothing" } else { content_type };
            Failure::new(format!("The page is there, but its Content-Type says: {seen}.")).means(
                "Prometheus 3 reads the Content-Type first. Where it names no format that \
                 Prometheus knows, the scrape fails, however good the page is.",
            )
        };
        failure
            .next(
                "Answer with the Content-Type `text/plain; version=0.0.4`. The prometheus crate \
                 has it as `prometheus::TEXT_FORMAT`.",
            )
            .raise()
    }

    /// The page as Prometheus reads it; fails the check where it cannot.
    #[track_caller]
    pub fn exposition(&self) -> Exposition {
        let page = self.page();
        match exposition::read(page) {
            Ok(exposition) => exposition,
            Err(error) => Failure::new(format!("Prometheus cannot read the page: {error}."))
                .means("It throws the whole scrape away, also the lines that were right.")
                .next("Let `TextEncoder` of the prometheus crate write the page, from `prometheus::gather()`.")
                .show("The page", &self.shown())
                .raise(),
        }
    }

    /// The value of a series; fails the check where it is not on the page.
    #[track_caller]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        if let Some(value) = self.exposition().value(name, labels) {
            return value;
        }
        let pairs: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        let series = if pairs.is_empty() {
            name.to_owned()
        } else {
            format!("{name}{{{}}}", pairs.join(","))
        };
        Failure::new(format!("There is no `{series}` on the page."))
            .means("A query for it finds nothing, and its panel says \"No data\".")
            .next("Look for it among the lines below: a name, a label or a value may differ by a letter.")
            .show("The page", &self.shown())
            .raise()
    }

    /// Fails the check unless the page says `# TYPE name kind`.
    #[track_caller]
    pub fn expect_kind(&self, name: &str, kind: Kind) {
        let exposition = self.exposition();
        let said = exposition.families.get(name).map(|family| family.kind);
        if said == Some(kind) {
            return;
        }
        let failure = if let Some(said) = said {
            Failure::new(format!("The page says that `{name}` is a {said}."))
                .means(format!("Whoever builds a query looks at the type first; this is a {kind}."))
                .next(format!("Make `{name}` a {kind}."))
        } else if exposition.samples_of(name).next().is_some() {
            Failure::new(format!(
                "`{name}` is on the page, without its line `# TYPE {name} {kind}`."
            ))
            .means("Whoever builds a query looks at the type first, and finds none.")
            .next("Let `TextEncoder` write the page: it writes HELP and TYPE as well.")
        } else if exposition.samples.is_empty() {
            Failure::new("The page is empty, although something was counted.")
                .means("Prometheus is satisfied with an empty page, and so nobody will notice.")
                .next(
                    "Call `prometheus::gather()` in the handler, anew for each request: it reads \
                     the registry where `register_…!` puts its metrics.",
                )
        } else {
            Failure::new(format!("There is no `{name}` on the page."))
                .means("A query for it finds nothing, and its panel says \"No data\".")
                .next("Look for it among the lines below: the name may differ by a letter.")
        };
        failure.show("The page", &self.shown()).raise()
    }

    /// Compares the samples of these families, sorted and without HELP and TYPE, with a snapshot;
    /// see [`crate::snapshot`].
    #[track_caller]
    pub fn expect_samples(&self, snapshot: &str, families: &[&str], meaning: &str) {
        let page = self.page();
        self.exposition();
        let mut lines: Vec<_> = page
            .lines()
            .filter(|line| families.iter().any(|family| belongs(line, family)))
            .collect();
        lines.sort_unstable();
        snapshot::expect(snapshot, &lines.join("\n"), meaning);
    }

    /// Compares the page's lines about these families, HELP and TYPE included, with a snapshot.
    #[track_caller]
    pub fn expect_page(&self, snapshot: &str, families: &[&str], meaning: &str) {
        let page = self.page();
        self.exposition();
        let about = |line: &&str| {
            let line =
                line.strip_prefix("# HELP ").or(line.strip_prefix("# TYPE ")).unwrap_or(line);
            families.iter().any(|family| belongs(line, family))
        };
        let lines: Vec<_> = page.lines().filter(about).collect();
        snapshot::expect(snapshot, &lines.join("\n"), meaning);
    }
}

/// Whether a line begins with a name of this family.
fn belongs(line: &str, family: &str) -> bool {
    let Some(rest) = line.strip_prefix(family) else { return false };
    let rest = ["_bucket", "_sum", "_count"]
        .iter()
        .find_map(|suffix| rest.strip_prefix(suffix))
        .unwrap_or(rest);
    rest.starts_with(['{', ' '])
}
