//! The dashboards in the browser: the page, what it shows, and the query API that it asks.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HOST};
use actix_web::middleware::{DefaultHeaders, Next, from_fn};
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, error, web};
use embedded_prometheus::api::Api;
use serde_json::{Value, json};

/// What answers queries.
#[derive(Clone)]
pub enum Queries {
    Embedded(Api),
    Prometheus(SocketAddr),
}

/// The page, being served.
pub struct Page {
    pub address: SocketAddr,
    stop: ServerHandle,
}

const FILES: [(&str, &str, &str); 7] = [
    ("/", "text/html; charset=utf-8", include_str!("../page/index.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("../page/page.css")),
    ("/page.js", "text/javascript; charset=utf-8", include_str!("../page/page.js")),
    ("/panels.js", "text/javascript; charset=utf-8", include_str!("../page/panels.js")),
    ("/chart.js", "text/javascript; charset=utf-8", include_str!("../page/chart.js")),
    ("/format.js", "text/javascript; charset=utf-8", include_str!("../page/format.js")),
    ("/prometheus.js", "text/javascript; charset=utf-8", include_str!("../page/prometheus.js")),
];

/// Nothing from elsewhere, and nothing that is written into the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// How often the stack's configuration has everything scraped, in seconds.
const SCRAPE_INTERVAL: u32 = 5;

impl Page {
    pub fn serve(listener: TcpListener, queries: Queries) -> Result<Self, String> {
        let failed = |error: io::Error| format!("the dashboards cannot be served: {error}");
        let address = listener.local_addr().map_err(failed)?;
        let app = move || {
            let queries = queries.clone();
            App::new()
                .configure(move |config| routes(config, &queries))
                .wrap(
                    DefaultHeaders::new()
                        .add((header::CONTENT_SECURITY_POLICY, POLICY))
                        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                        .add((header::REFERRER_POLICY, "no-referrer"))
                        .add((header::CACHE_CONTROL, "no-cache")),
                )
                .wrap(from_fn(for_this_machine))
        };
        // Ctrl-C is everybody's, and listened for by whoever has started this.
        let server = HttpServer::new(app).workers(2).disable_signals().listen(listener);
        let server = server.map_err(failed)?.run();
        let stop = server.handle();
        tokio::spawn(server);
        Ok(Self { address, stop })
    }

    pub async fn stop(&self) {
        self.stop.stop(false).await;
    }
}

/// A page of another site may have a name of its own lead to this machine, and then ask us: only
/// the names of this machine are answered.
async fn for_this_machine(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.chars().all(|digit| digit.is_ascii_digit()) { name } else { host }
    });
    let is_address = name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
    if !is_address && name != "localhost" {
        return Err(error::ErrorForbidden(
            "This page is for this machine: open it as http://127.0.0.1.",
        ));
    }
    next.call(request).await
}

fn routes(config: &mut web::ServiceConfig, queries: &Queries) {
    for (path, kind, text) in FILES {
        let file = move || async move { HttpResponse::Ok().content_type(kind).body(text) };
        config.route(path, web::get().to(file));
    }
    config.route("/dashboards", web::get().to(dashboards)).route(
        "/settings",
        web::get().to(|| async { web::Json(json!({"scrape_interval": SCRAPE_INTERVAL})) }),
    );
    match queries {
        Queries::Embedded(api) => api.routes(config),
        Queries::Prometheus(address) => {
            let address = *address;
            let pass_on = move |request: HttpRequest| pass_on(address, request);
            config.route("/api/v1/{path}*", web::get().to(pass_on));
        }
    }
}

/// Asks the Prometheus that is a program, and answers with its answer.
async fn pass_on(prometheus: SocketAddr, request: HttpRequest) -> HttpResponse {
    let url = format!("http://{prometheus}{}?{}", request.path(), request.query_string());
    let answer = web::block(move || {
        let config = ureq::Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)));
        let answer = ureq::Agent::new_with_config(config.build()).get(url).call()?;
        let status = answer.status().as_u16();
        Ok::<_, ureq::Error>((
            status,
            answer.into_body().with_config().limit(64 << 20).read_to_vec()?,
        ))
    });
    match answer.await {
        Ok(Ok((status, body))) => {
            let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
            HttpResponse::build(status).content_type("application/json").body(body)
        }
        _ => HttpResponse::BadGateway().json(json!({
            "status": "error", "errorType": "unavailable", "error": "Prometheus does not answer",
        })),
    }
}

/// The dashboards that Grafana is provisioned with, read anew each time: whoever edits one sees it.
/// A file that is wrong takes none of the others with it.
async fn dashboards() -> web::Json<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../grafana/dashboards");
    let (dashboards, errors) = read_dashboards(&folder);
    web::Json(json!({"dashboards": dashboards, "errors": errors}))
}

fn read_dashboards(folder: &Path) -> (Vec<Value>, Vec<String>) {
    let failed = |path: &Path, error: &dyn std::fmt::Display| {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        format!("stack/grafana/dashboards/{name}: {error}")
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return (Vec::new(), vec![failed(folder, &error)]),
    };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let (mut dashboards, mut errors) = (Vec::new(), Vec::new());
    for file in files {
        let text = fs::read_to_string(&file).map_err(|error| failed(&file, &error));
        let read = text
            .and_then(|text| serde_json::from_str(&text).map_err(|error| failed(&file, &error)));
        match read {
            Ok(dashboard) => dashboards.push(dashboard),
            Err(error) => errors.push(error),
        }
    }
    (dashboards, errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_file_takes_no_other_dashboard_with_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("good.json"), "{\"uid\": \"good\"}").unwrap();
        fs::write(folder.path().join("bad.json"), "{\"uid\":").unwrap();
        fs::write(folder.path().join("README.md"), "no dashboard").unwrap();
        let (dashboards, errors) = read_dashboards(folder.path());
        assert_eq!(dashboards, [json!({"uid": "good"})]);
        assert_eq!(errors.len(), 1);
        assert!(
            errors[0].starts_with("stack/grafana/dashboards/bad.json: EOF while parsing"),
            "{errors:?}"
        );
    }
}
