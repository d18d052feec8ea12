//! Proofs with the real servers, found on PATH: what the memo-service shows is what Prometheus
//! reads, and what the dashboards ask has an answer.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::error::ErrorInternalServerError;
use actix_web::{get, web};
use embedded_prometheus::scrape::{Scraper, Shared};
use embedded_prometheus::store::{Retention, Store};
use instrument_metrics::prometheus::Registry;
use instrument_metrics::{Access, Metrics, instrument_metrics};
use memo_service::{Config, MemoService};
use serde_json::Value;

/// How long anything may take to come about.
const PATIENCE: Duration = Duration::from_mins(1);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the root").to_owned()
}

/// A memo-service on a port of its own, until the test process ends.
fn start_memo_service() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = Config::from_variables(|name| match name {
        "DATABASE_URL" => Some("sqlite::memory:".to_owned()),
        "MODEL_SECONDS" => Some("0.1-0.3".to_owned()),
        _ => None,
    })
    .unwrap();
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let service = MemoService::start(&config).await.unwrap();
            service.serve(listener).unwrap().await.unwrap();
        });
    });
    address
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(10)));
    ureq::Agent::new_with_config(config.build())
}

/// Requests of all kinds, until the test process ends.
fn start_traffic(service: SocketAddr) {
    thread::spawn(move || {
        let agent = agent();
        let url = |path: &str| format!("http://{service}{path}");
        let json = |path: &str, body: &str| {
            let request = agent.post(url(path)).header("content-type", "application/json");
            request.send(body).map(drop)
        };
        loop {
            let round = json("/memos", r#"{"title": "milk"}"#)
                .and_then(|()| json("/ai/summary", r#"{"text": "a few words"}"#))
                .and_then(|()| agent.get(url("/memos/1")).call().map(drop))
                .and_then(|()| agent.get(url("/fail?rate=0.5")).call().map(drop))
                .and_then(|()| agent.get(url("/random_sleep")).call().map(drop))
                .and_then(|()| agent.get(url("/no/such/page")).call().map(drop));
            round.expect("the memo-service answers");
        }
    });
}

/// A real Prometheus with the stack's own configuration, but for the address of the memo-service
/// and the time between two scrapes.
struct Prometheus {
    child: Child,
    api: Api,
    _storage: tempfile::TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    fn start(service: SocketAddr) -> Self {
        let stack = fs::read_to_string(root().join("stack/prometheus/prometheus.yml")).unwrap();
        let replaced = [
            ("memo-service:8080", service.to_string()),
            ("scrape_interval: 5s", "scrape_interval: 1s".to_owned()),
            ("scrape_timeout: 4s", "scrape_timeout: 1s".to_owned()),
        ];
        let config = replaced.iter().fold(stack, |config, (old, new)| {
            assert!(config.contains(old), "prometheus.yml has no `{old}`");
            config.replace(old, new)
        });
        Self::with(&config)
    }

    fn with(config: &str) -> Self {
        let storage = tempfile::tempdir().unwrap();
        let file = storage.path().join("prometheus.yml");
        fs::write(&file, config).unwrap();
        let mut child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", storage.path().join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stderr(Stdio::piped())
            .spawn()
            .expect("prometheus is on PATH");
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = log
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                let (_, address) =
                    line.split_once("msg=\"Listening on\"")?.1.split_once("address=")?;
                address.split_whitespace().next()?.parse().ok()
            })
            .expect("Prometheus says where it listens");
        thread::spawn(move || log.for_each(drop));
        let api = Api(address);
        api.wait_until_ready();
        Self { child, api, _storage: storage }
    }
}

/// The HTTP API of a running Prometheus.
struct Api(SocketAddr);

impl Api {
    fn wait_until_ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        let is_ready = || {
            let answer = agent().get(format!("http://{}/-/ready", self.0)).call();
            answer.is_ok_and(|answer| answer.status().is_success())
        };
        while !is_ready() {
            assert!(Instant::now() < deadline, "Prometheus is not ready after {PATIENCE:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The rows of an instant query.
    fn query(&self, expr: &str) -> Vec<Value> {
        let url = format!("http://{}/api/v1/query", self.0);
        let answer = agent().get(url).query("query", expr).call().unwrap();
        let answer: Value = serde_json::from_reader(answer.into_body().into_reader()).unwrap();
        assert_eq!(answer["status"], "success", "{expr}: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }

    /// Waits until a query has a row.
    fn wait_for(&self, expr: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.query(expr).is_empty() {
            assert!(Instant::now() < deadline, "no row after {PATIENCE:?}: {expr}");
            thread::sleep(Duration::from_millis(250));
        }
    }
}

fn number(row: &Value) -> f64 {
    row["value"][1].as_str().unwrap().parse().unwrap()
}

#[test]
#[ignore = "needs promtool on PATH"]
fn promtool_finds_nothing_wrong_with_the_memo_services_page() {
    let service = start_memo_service();
    let agent = agent();
    for path in ["/", "/memos", "/fail", "/health", "/no/such/page"] {
        agent.get(format!("http://{service}{path}")).call().unwrap();
    }
    let page = agent.get(format!("http://{service}/metrics")).call().unwrap();
    let page = page.into_body().read_to_string().unwrap();
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is on PATH");
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{page}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "needs promtool on PATH"]
fn promtool_takes_the_stacks_configuration() {
    let output = Command::new("promtool")
        .args(["check", "config", "--lint-fatal"])
        .arg(root().join("stack/prometheus/prometheus.yml"))
        .output()
        .expect("promtool is on PATH");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "needs prometheus on PATH"]
fn prometheus_scrapes_the_memo_service_and_every_panel_has_data() {
    let service = start_memo_service();
    start_traffic(service);
    let server = Prometheus::start(service);
    let prometheus = &server.api;
    prometheus.wait_for(r#"up{job="memo-service"} == 1"#);
    // Two scrapes make a rate; a failed request makes an error ratio.
    prometheus.wait_for(r#"rate(http_requests_total{route="/fail",status="500"}[20s]) > 0"#);
    prometheus.wait_for(r#"rate(http_requests_total{route="<unmatched>"}[20s]) > 0"#);

    let p95 = "histogram_quantile(0.95, sum by (le, route) (rate(http_request_duration_seconds_bucket[1m])))";
    let rows = prometheus.query(p95);
    let slow = rows.iter().find(|row| row["metric"]["route"] == "/random_sleep").expect(p95);
    assert!((0.1..=0.5).contains(&number(slow)), "random_sleep takes 0.1 to 0.5 s, not {slow}");

    let mut asked = 0;
    for file in fs::read_dir(root().join("stack/grafana/dashboards")).unwrap() {
        let file = file.unwrap().path();
        let dashboard: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let expr = target["expr"].as_str().unwrap();
                // As Grafana does it, for this job and the last twenty seconds.
                let expr = expr
                    .replace("$job", "memo-service")
                    .replace("$instance", ".+")
                    .replace("$__rate_interval", "20s")
                    .replace("$__range", "20s");
                assert!(!expr.contains('$'), "an unknown variable: {expr}");
                let rows = prometheus.query(&expr);
                let title = &panel["title"];
                assert!(!rows.is_empty(), "{}: {title}: no rows for {expr}", file.display());
                let has_number = rows.iter().any(|row| number(row).is_finite());
                assert!(has_number, "{}: {title}: only NaN for {expr}", file.display());
                asked += 1;
                println!("{:>3} rows  {title}", rows.len());
            }
        }
    }
    assert!(asked > 10, "{asked} queries");
}

const AWKWARD: &str = "a \"quoted\" \\ name\nin two lines, größer {x=\"y\"}";

#[get("/memos/{id}")]
#[instrument_metrics(labels(app = "a \"quoted\" \\ name\nin two lines, größer {x=\"y\"}"))]
async fn get_memo(id: web::Path<u64>) -> Result<String, actix_web::Error> {
    match *id {
        0 => Err(ErrorInternalServerError("no memo has this number")),
        id => Ok(id.to_string()),
    }
}

/// A service that measures one handler, and shows its page to who brings the token.
fn start_measured_service(token: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let metrics = Metrics::builder()
        .registry(Registry::new())
        .const_label("region", AWKWARD)
        .build_info(AWKWARD, "abc123")
        .build()
        .unwrap();
    let access = Access::private_networks().bearer_token(token).unwrap();
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || {
                actix_web::App::new()
                    .service(get_memo)
                    .service(metrics.endpoint("/metrics").access(access.clone()))
                    .wrap(metrics.middleware())
            };
            let server = actix_web::HttpServer::new(app).workers(1).listen(listener).unwrap();
            server.run().await.unwrap();
        });
    });
    address
}

/// The queries in the documentation of an annotated handler `get_memo`, as they are written there.
fn queries_of_get_memo() -> Vec<String> {
    let file = "macros/instrument-metrics-macros/src/snapshots/\
                instrument_metrics_macros__promql__tests__the_queries_of_a_handler.snap";
    let documentation = fs::read_to_string(root().join(file)).unwrap();
    let blocks = documentation.split("```promql").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().trim().to_owned()).collect()
}

#[test]
#[ignore = "needs prometheus on PATH"]
fn prometheus_reads_every_label_that_the_library_writes_and_answers_a_handlers_queries() {
    let service = start_measured_service("c2VjcmV0");
    thread::spawn(move || {
        let agent = agent();
        for id in (0..5).cycle() {
            agent.get(format!("http://{service}/memos/{id}")).call().unwrap();
            thread::sleep(Duration::from_millis(5));
        }
    });
    let target = format!("static_configs: [{{targets: [\"{service}\"]}}]");
    let server = Prometheus::with(&format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - {{job_name: with, authorization: {{credentials: c2VjcmV0}}, {target}}}
  - {{job_name: without, {target}}}
"
    ));
    let prometheus = &server.api;
    prometheus.wait_for("rate(http_requests_total{status=\"500\"}[10s]) > 0");
    prometheus.wait_for("up{job=\"without\"} == 0");

    for family in ["http_requests_total", "http_request_duration_seconds_bucket"] {
        let rows = prometheus.query(family);
        let of_handler: Vec<_> =
            rows.iter().filter(|row| row["metric"]["handler"] == "get_memo").collect();
        assert!(!of_handler.is_empty(), "{family}: {rows:#?}");
        for row in of_handler {
            assert_eq!(row["metric"]["app"], AWKWARD);
            assert_eq!(row["metric"]["region"], AWKWARD);
            assert_eq!(row["metric"]["route"], "/memos/{id}");
        }
    }
    let build = prometheus.query("build_info");
    assert_eq!(build[0]["metric"]["version"], AWKWARD);

    let queries = queries_of_get_memo();
    assert_eq!(queries.len(), 3);
    for query in queries {
        let rows = prometheus.query(&query);
        assert!(rows.iter().any(|row| number(row) > 0.0), "{query}: {rows:#?}");
        println!("{query}\n    {} rows, the first is {}", rows.len(), number(&rows[0]));
    }
}

/// One page on a port of its own, until the test process ends.
fn serve_page(page: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || {
                let answer = move || async move {
                    actix_web::HttpResponse::Ok()
                        .content_type("text/plain; version=0.0.4")
                        .body(page)
                };
                actix_web::App::new().route("/metrics", actix_web::web::get().to(answer))
            };
            let server = actix_web::HttpServer::new(app).workers(1).listen(listener).unwrap();
            server.run().await.unwrap();
        });
    });
    address
}

#[test]
#[ignore = "needs prometheus on PATH"]
fn the_reader_takes_and_refuses_what_prometheus_does() {
    let pages = [
        "a 1\n",
        "a 1",
        "a{b=\"x\"} 1\na{b=\"x\"} 1\n",
        "a{b=\"\\t\"} 1\n",
        "a{b=\"/memos/{id}\",c=\"x,y=z\"} 1\n",
        "# HELP\n# TYPE\na 1\n",
        "# EOF\n",
        "a NaN\nb +Inf\nc -Inf\n",
        "a 1 1700000000000\n",
        "a 1\r\n",
        "a 1 # {trace=\"x\"} 0.5\n",
        "# TYPE a info\na 1\n",
        "# TYPE a unknown\na 1\n",
        "# TYPE a count\na 1\n",
        "a one\n",
        "a\n",
        "1a 1\n",
        "a{b=\"x} 1\n",
        "a{b=x} 1\n",
        "a 1 now\n",
        "a 1 2 3\n",
        "<html></html>\n",
    ];
    let targets: Vec<_> = pages.iter().map(|page| (serve_page(page), page)).collect();
    let jobs: String = targets
        .iter()
        .map(|(address, _)| {
            format!(
                "  - job_name: \"{address}\"\n    static_configs: [{{targets: [\"{address}\"]}}]\n"
            )
        })
        .collect();
    let config =
        format!("global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n{jobs}");
    let server = Prometheus::with(&config);
    let mut different = Vec::new();
    for (address, page) in targets {
        let up = format!("up{{instance=\"{address}\"}}");
        server.api.wait_for(&up);
        let theirs = number(&server.api.query(&up)[0]) == 1.0;
        let ours = embedded_prometheus::exposition::read(page);
        if ours.is_ok() != theirs {
            different.push(format!("{page:?}: Prometheus {theirs}, ours {ours:?}"));
        }
    }
    assert!(different.is_empty(), "{different:#?}");
}

#[test]
#[ignore = "needs prometheus on PATH"]
fn what_prometheus_stores_of_a_page_is_what_the_built_in_one_stores() {
    let page = serve_page(
        "# TYPE h histogram\nh_bucket{le=\"0.005\"} 1\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"1e6\"} 2\n\
         h_bucket{le=\"25000000\"} 3\nh_bucket{le=\"+Inf\"} 4\nh_sum 9\nh_count 4\n\
         # TYPE s summary\ns{quantile=\"0\"} 1\ns{quantile=\"0.5\"} 1\ns{quantile=\"1\"} 7\ns_sum 9\ns_count 3\n\
         # TYPE g gauge\ng{le=\"1\",quantile=\"1\"} 1\nu_bucket{le=\"1\"} 1\n\
         c{job=\"own\",instance=\"here\",empty=\"\"} 5\nt 1 1700000000000\n",
    );
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n  \
         - job_name: page\n    static_configs: [{{targets: [\"{page}\"], labels: {{team: a}}}}]\n"
    );
    let server = Prometheus::with(&config);
    server.api.wait_for("up == 1");
    let config = embedded_prometheus::config::Config::read(&config).unwrap();
    let store = Shared::new(Store::new(Retention::default()));
    let _scraper = Scraper::start(config.targets(), &store);
    let ours = || -> BTreeSet<String> {
        let labels = store.read().series(&[], i64::MIN, i64::MAX);
        let series = labels
            .iter()
            .map(|labels| labels.iter().map(|(name, value)| format!("{name}={value};")).collect());
        series.collect()
    };
    while ours().len() < 15 {
        thread::sleep(Duration::from_millis(50));
    }
    let url = format!("http://{}/api/v1/series", server.api.0);
    let answer =
        agent().get(url).query("match[]", "{__name__=~\".+\"}").query("start", "0").call().unwrap();
    let answer: Value = serde_json::from_reader(answer.into_body().into_reader()).unwrap();
    let theirs: BTreeSet<String> = answer["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|labels| {
            let sorted: std::collections::BTreeMap<_, _> =
                labels.as_object().unwrap().iter().collect();
            sorted
                .iter()
                .map(|(name, value)| format!("{name}={};", value.as_str().unwrap()))
                .collect()
        })
        .collect();
    assert_eq!(ours(), theirs);
}

#[test]
#[ignore = "needs docker compose, and the stack's images in the env file that STACK_IMAGES names"]
fn the_compose_stack_becomes_healthy_and_answers() {
    let images =
        std::env::var("STACK_IMAGES").expect("STACK_IMAGES=file with SERVICE_IMAGE=… lines");
    let compose = |arguments: &[&str]| {
        let output = Command::new("docker")
            .args(["compose", "--project-name", "metrics-workbook-proof", "--env-file", &images])
            .arg("--file")
            .arg(root().join("stack/compose.yaml"))
            .args(arguments)
            .envs([("MEMO_PORT", "18081"), ("PROMETHEUS_PORT", "19090")])
            .output()
            .expect("docker is on PATH");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let up = ["up", "--pull", "never", "--no-build", "--wait", "memo-service", "prometheus"];
    let (healthy, log) = compose(&up);
    let outcome = std::panic::catch_unwind(|| {
        assert!(healthy, "{log}");
        let service: SocketAddr = "127.0.0.1:18081".parse().unwrap();
        let prometheus = Api("127.0.0.1:19090".parse().unwrap());
        let agent = agent();
        prometheus.wait_for(r#"up{job="memo-service"} == 1"#);
        let deadline = Instant::now() + PATIENCE;
        let p95 = "histogram_quantile(0.95, sum by (le, route) (rate(http_request_duration_seconds_bucket{route=\"/random_sleep\"}[1m]))) > 0";
        while prometheus.query(p95).is_empty() {
            assert!(Instant::now() < deadline, "no p95 after {PATIENCE:?}");
            agent.get(format!("http://{service}/random_sleep")).call().unwrap();
        }
    });
    let (down, log) = compose(&["down", "--volumes"]);
    outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    assert!(down, "{log}");
}
