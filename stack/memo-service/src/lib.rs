//! The example service that the workbook measures: memos in SQLite or PostgreSQL, a simulated
//! language model, a slow route and a failing one.
//!
//! Its requests are measured by `#[instrument_metrics]`; its own numbers (memos, connections, model
//! calls) stand on the same page, `/metrics`.
#![warn(missing_docs)]

mod answers;
mod config;
mod memos;
mod model;
mod openapi;
mod routes;

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};
use instrument_metrics::Metrics;
use instrument_metrics::prometheus::{self, Gauge, IntGaugeVec, Opts, Registry};
use utoipa::OpenApi;
use utoipa_swagger_ui::SwaggerUi;

pub use config::{Config, ConfigError};
pub use memos::ConnectError;

use memos::Memos;
use model::Model;

/// What a program that runs this service logs by default: warnings. The database driver's warnings
/// about a URL are left out, because they repeat its parameters, a password among them.
pub const LOG: &str = "warn,sqlx_postgres::options::parse=error";

/// A connected service; any number of servers may answer for it.
#[derive(Clone)]
pub struct MemoService {
    metrics: Metrics,
    memos: Memos,
    gauges: Gauges,
    model: Model,
}

/// What is not counted as it happens but asked for at the scrape.
#[derive(Clone)]
struct Gauges {
    memos: Gauge,
    connections: IntGaugeVec,
}

impl Gauges {
    fn register(registry: &Registry) -> prometheus::Result<Self> {
        let memos = Gauge::new("memos", "Memos that are stored now.")?;
        let options = Opts::new("db_pool_connections", "Connections to the database, by state.");
        let connections = IntGaugeVec::new(options, &["state"])?;
        registry.register(Box::new(memos.clone()))?;
        registry.register(Box::new(connections.clone()))?;
        Ok(Self { memos, connections })
    }

    async fn refresh(&self, memos: &Memos) {
        // Before the memos are counted: that takes a connection itself.
        let (idle, in_use) = memos.connections();
        self.connections.with_label_values(&["idle"]).set(idle);
        self.connections.with_label_values(&["in_use"]).set(in_use);
        // Not a number while nobody knows: a number from before the database went away would be a
        // lie on the dashboard.
        self.memos.set(memos.count().await.unwrap_or(f64::NAN));
    }
}

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The database did not answer.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A metric could not be registered.
    #[error("the service's metrics: {0}")]
    Metrics(#[from] instrument_metrics::BuildError),
    /// One of the service's own metrics could not be registered.
    #[error("the service's own metrics: {0}")]
    OwnMetrics(#[from] prometheus::Error),
}

impl MemoService {
    /// Connects to the database, makes its table where there is none, and registers the metrics in
    /// a registry of the service's own.
    ///
    /// # Errors
    ///
    /// [`StartError`]: the database does not answer or refuses.
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        let memos = Memos::connect(&config.database_url, config.pool_size).await?;
        let metrics = Metrics::builder().registry(Registry::new()).build()?;
        let registry = metrics.registry();
        let gauges = Gauges::register(registry)?;
        let model = Model::new(config, registry)?;
        Ok(Self { metrics, memos, gauges, model })
    }

    /// The metrics of this service.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Adds the service's routes, `/metrics`, `/openapi.json` and `/docs` to an app.
    pub fn configure(&self, app: &mut web::ServiceConfig) {
        let (memos, gauges) = (self.memos.clone(), self.gauges.clone());
        let metrics = self.metrics.endpoint("/metrics").before_scrape(move || {
            let (memos, gauges) = (memos.clone(), gauges.clone());
            async move { gauges.refresh(&memos).await }
        });
        app.app_data(web::Data::new(self.memos.clone()))
            .app_data(web::Data::new(self.model.clone()))
            .app_data(answers::json_errors())
            .app_data(answers::path_errors())
            .app_data(answers::query_errors())
            .configure(routes::configure)
            .service(metrics)
            .service(
                SwaggerUi::new("/docs/{_:.*}")
                    .url("/openapi.json", openapi::Description::openapi()),
            )
            .service(web::redirect("/docs", "/docs/"))
            .default_service(web::to(answers::no_route));
    }

    /// Answers HTTP on `listener` until the returned server is stopped, by a signal or through its
    /// handle; then requests that are under way have ten seconds to end.
    ///
    /// # Errors
    ///
    /// The operating system's, where the listener cannot be used.
    pub fn serve(&self, listener: TcpListener) -> io::Result<Server> {
        let service = self.clone();
        let server = HttpServer::new(move || {
            App::new().wrap(service.metrics.middleware()).configure(|app| service.configure(app))
        });
        // A client that hangs up ends its request: nobody waits for the model any more, and its
        // answer would cost all the same. By default actix lets an HTTP/1 handler run to its end.
        let server = server.h1_allow_half_closed(false).shutdown_timeout(10);
        Ok(server.listen(listener)?.run())
    }

    /// Closes the connections to the database, after those in use have come back.
    pub async fn close(&self) {
        self.memos.close().await;
    }
}

/// How long one question to the database may take where somebody waits for a quick answer.
const PATIENCE: Duration = Duration::from_secs(1);
