//! Counts what no annotated handler does.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use actix_web::Error;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use pin_project_lite::pin_project;

use crate::families::{Abort, Answer};
use crate::labels;
use crate::metrics::Metrics;
use crate::scope::{self, Entered, Outcome, RequestId, Scope};
use crate::site::NOBODY;

/// Made by [`Metrics::middleware`].
#[derive(Debug, Clone)]
pub struct Middleware {
    metrics: Metrics,
    excluded: Arc<Vec<String>>,
}

impl Middleware {
    pub(crate) fn new(metrics: Metrics) -> Self {
        metrics.families().expect_nobody();
        Self { metrics, excluded: Arc::default() }
    }

    /// Does not count what is answered under `path` without an annotated handler: a request's path,
    /// or the pattern of its route. An annotated handler counts its requests all the same; leave the
    /// attribute away there.
    ///
    /// Scrapes that the endpoint answers are left out anyway.
    ///
    /// ```
    /// # use actix_web::App;
    /// # let metrics = instrument_metrics::Metrics::builder()
    /// #     .registry(instrument_metrics::prometheus::Registry::new()).build().unwrap();
    /// App::new().wrap(metrics.middleware().exclude("/favicon.ico").exclude("/static/{file}*"));
    /// ```
    #[must_use]
    pub fn exclude(mut self, path: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.excluded).push(path.into());
        self
    }
}

impl<S, B> Transform<S, ServiceRequest> for Middleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = MiddlewareService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let Self { metrics, excluded } = self.clone();
        ready(Ok(MiddlewareService { metrics, excluded, service }))
    }
}

/// What [`Middleware`] makes of the service that it wraps.
pub struct MiddlewareService<S> {
    metrics: Metrics,
    excluded: Arc<Vec<String>>,
    service: S,
}

impl<S, B> Service<ServiceRequest> for MiddlewareService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = InMiddleware<S::Future>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let started = Instant::now();
        // Read now, for an inner middleware that answers with an error: then no request comes
        // back. (Keeping the request itself would break actix's extraction of path parameters.)
        let method = labels::method(request.method());
        let route = request.match_pattern();
        let is_excluded = |path: &str| self.excluded.iter().any(|excluded| excluded == path);
        let excluded = is_excluded(request.path()) || route.as_deref().is_some_and(is_excluded);
        let id = RequestId::of(request.head());
        let scope = Some(Scope::new(self.metrics.clone(), id));
        // Made before the service is called: dropped by a panic in there, it counts that.
        let mut measured = InMiddleware { service: None, scope, excluded, started, method, route };
        let entered = Entered::new(&mut measured.scope);
        measured.service = Some(self.service.call(request));
        drop(entered);
        measured
    }
}

pin_project! {
    /// One request inside the middleware.
    pub struct InMiddleware<F> {
        #[pin]
        service: Option<F>,
        // `None` once the request is accounted for.
        scope: Option<Scope>,
        excluded: bool,
        started: Instant,
        method: &'static str,
        route: Option<String>,
    }

    impl<F> PinnedDrop for InMiddleware<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // The handler inside is dropped within its scope, so that it can say that it has
            // counted the abort.
            let entered = Entered::new(this.scope);
            this.service.set(None);
            drop(entered);
            if let Some(scope) = this.scope.take() {
                let (metrics, request) = (scope.metrics().clone(), scope.request());
                let site = match scope.into_outcome() {
                    // The handler has answered, and its answer is lost on the way out.
                    Outcome::Answered { answer, aborted: false } => Some(answer.site),
                    Outcome::Unknown if !*this.excluded => Some(&NOBODY),
                    _ => None,
                };
                if let Some(site) = site {
                    metrics.families().aborted(site, Abort::of_this_drop());
                }
                scope::mark_counted(&metrics, request);
            }
        }
    }
}

impl<F, B> Future for InMiddleware<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(service) = this.service.as_pin_mut() else {
            unreachable!("a service's future is not polled after it is done");
        };
        let entered = Entered::new(this.scope);
        let polled = service.poll(cx);
        drop(entered);
        let result = ready!(polled);

        if let Some(scope) = this.scope.take() {
            let (metrics, id) = (scope.metrics().clone(), scope.request());
            let (request, status) = match &result {
                Ok(response) => (Some(response.request()), response.status()),
                // Asked for its status only: an error may hold its response ready, and hands it
                // out once.
                Err(error) => (None, error.as_response_error().status_code()),
            };
            let status = status.as_u16();
            let elsewhere =
                request.is_some_and(|request| scope::was_counted_elsewhere(&metrics, request));
            let answer = match scope.into_outcome() {
                Outcome::Answered { answer, .. } => Some(Answer { status, ..answer }),
                Outcome::Unknown if !elsewhere && !*this.excluded => {
                    let route = match request {
                        Some(request) => request.match_pattern(),
                        None => this.route.take(),
                    };
                    let (route, method) = (labels::route(route), *this.method);
                    let duration = this.started.elapsed();
                    Some(Answer { site: &NOBODY, route, method, status, duration })
                }
                _ => None,
            };
            match answer {
                Some(answer) => scope::hand_over(&metrics, id, answer),
                None => scope::mark_counted(&metrics, id),
            }
        }
        Poll::Ready(result)
    }
}
