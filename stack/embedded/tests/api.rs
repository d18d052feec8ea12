//! The HTTP API as its clients see it: Grafana, our own page, `promtool`.

use actix_web::dev::{Service, ServiceResponse};
use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
use actix_web::{App, Error};
use embedded_prometheus::api::Api;
use embedded_prometheus::labels::Labels;
use embedded_prometheus::scrape::Shared;
use embedded_prometheus::store::{Retention, Sample, Store};
use serde_json::{Value, json};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().copied().collect()
}

/// `up` of two jobs, and a counter, every ten seconds of five minutes.
fn api() -> Api {
    let mut store = Store::new(Retention::default());
    for time in (0..=300_000).step_by(10_000) {
        for job in ["api", "db"] {
            let up = labels(&[("__name__", "up"), ("job", job)]);
            store.push(&up, Sample { time, value: 1.0 }).unwrap();
        }
        let total = labels(&[("__name__", "requests_total"), ("job", "api"), ("path", "/a b")]);
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        store.push(&total, Sample { time, value: time as f64 / 1000.0 }).unwrap();
    }
    Api { store: Shared::new(store), ..Api::default() }
}

async fn ask<S, B>(app: &S, uri: &str) -> (u16, Value)
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
    B: actix_web::body::MessageBody,
{
    let response = call_service(app, TestRequest::get().uri(uri).to_request()).await;
    (response.status().as_u16(), read_body_json(response).await)
}

#[actix_web::test]
async fn every_answer_has_prometheus_form() {
    let api = api();
    let app = init_service(App::new().configure(|config| api.routes(config))).await;
    let row = |job: &str| json!({"metric": {"__name__": "up", "job": job}, "value": [300, "1"]});
    let table = [
        (
            "query?query=up&time=300",
            json!({"resultType": "vector", "result": [row("api"), row("db")]}),
        ),
        (
            "query?query=sum(rate(requests_total%5B1m%5D))&time=299.5",
            json!({"resultType": "vector", "result": [{"metric": {}, "value": [299.5, "1"]}]}),
        ),
        (
            "query?query=1%2B1&time=1970-01-01T00:05:00Z",
            json!({"resultType": "scalar", "result": [300, "2"]}),
        ),
        ("query?query=%22a%22&time=300", json!({"resultType": "string", "result": [300, "a"]})),
        (
            "query?query=requests_total%5B15s%5D&time=20",
            json!({"resultType": "matrix", "result": [{
                "metric": {"__name__": "requests_total", "job": "api", "path": "/a b"},
                "values": [[10, "10"], [20, "20"]],
            }]}),
        ),
        (
            "query_range?query=sum(up)&start=0&end=20&step=10s",
            json!({"resultType": "matrix", "result": [{"metric": {}, "values": [[0, "2"], [10, "2"], [20, "2"]]}]}),
        ),
        ("series?match[]=up%7Bjob%3D%22db%22%7D", json!([{"__name__": "up", "job": "db"}])),
        ("labels", json!(["__name__", "job", "path"])),
        ("labels?match[]=up", json!(["__name__", "job"])),
        ("label/job/values", json!(["api", "db"])),
        ("label/job/values?match[]=requests_total", json!(["api"])),
        ("label/path/values?start=0&end=1", json!(["/a b"])),
        ("label/path/values?start=400", json!([])),
        ("metadata", json!({})),
        ("targets", json!({"activeTargets": [], "droppedTargets": [], "droppedTargetCounts": {}})),
        ("rules", json!({"groups": []})),
        ("alerts", json!({"alerts": []})),
        ("query_exemplars?query=up&start=0&end=1", json!([])),
    ];
    for (path, data) in table {
        let (status, answer) = ask(&app, &format!("/api/v1/{path}")).await;
        assert_eq!(answer, json!({"status": "success", "data": data}), "{path}");
        assert_eq!(status, 200, "{path}");
    }
    let ready = call_service(&app, TestRequest::get().uri("/-/ready").to_request()).await;
    assert_eq!(ready.status(), 200);
}

#[actix_web::test]
async fn a_form_is_read_as_a_query_is() {
    let api = api();
    let app = init_service(App::new().configure(|config| api.routes(config))).await;
    let form = [("query", "count(up)"), ("time", "300")];
    let request = TestRequest::post().uri("/api/v1/query").set_form(form).to_request();
    let answer: Value = read_body_json(call_service(&app, request).await).await;
    assert_eq!(answer["data"]["result"][0]["value"], json!([300, "2"]));
}

#[actix_web::test]
async fn what_cannot_be_answered_is_refused_as_prometheus_does() {
    let api = api();
    let app = init_service(App::new().configure(|config| api.routes(config))).await;
    let table = [
        ("query", 400, "bad_data", "\"query\""),
        ("query?query=up%7B", 400, "bad_data", "invalid parameter \"query\""),
        ("query?query=up&time=soon", 400, "bad_data", "cannot parse \"soon\" to a valid timestamp"),
        ("query?query=up%20%2B%20on()%20up&time=300", 422, "execution", "many-to-many"),
        ("query_range?query=up&start=0&end=10&step=0", 400, "bad_data", "zero or negative"),
        (
            "query_range?query=up&start=10&end=0&step=1",
            400,
            "bad_data",
            "end timestamp must not be before start",
        ),
        ("query_range?query=up&start=0&end=100000&step=1", 400, "bad_data", "11,000 points"),
        ("query_range?query=up%5B5m%5D&start=0&end=1&step=1", 400, "bad_data", "range vector"),
        ("series", 400, "bad_data", "no match[] parameter"),
        ("series?match[]=sum(up)", 400, "bad_data", "no series selector"),
        ("query?query=up&timeout=0.000000001", 503, "timeout", "timed out"),
    ];
    for (path, expected, kind, sentence) in table {
        let (status, answer) = ask(&app, &format!("/api/v1/{path}")).await;
        assert_eq!(
            (status, answer["errorType"].as_str()),
            (expected, Some(kind)),
            "{path}: {answer}"
        );
        assert!(answer["error"].as_str().unwrap().contains(sentence), "{path}: {answer}");
    }
}

#[test]
#[ignore = "needs promtool on PATH"]
fn promtool_asks_us_as_it_asks_prometheus() {
    let api = api();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || {
                let api = api.clone();
                App::new().configure(move |config| api.routes(config))
            };
            actix_web::HttpServer::new(app)
                .workers(1)
                .listen(listener)
                .unwrap()
                .run()
                .await
                .unwrap();
        });
    });
    let promtool = |arguments: &[&str]| {
        let output = std::process::Command::new("promtool").arg("query").args(arguments).output();
        let output = output.expect("promtool is on PATH");
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let url = format!("http://{address}");
    let instant = promtool(&["instant", "--time=300", &url, "sum by (job) (up)"]);
    assert_eq!(instant, "{job=\"api\"} => 1 @[300]\n{job=\"db\"} => 1 @[300]\n");
    let range = promtool(&["range", "--start=0", "--end=20", "--step=10s", &url, "count(up)"]);
    assert_eq!(range, "{} =>\n2 @[0]\n2 @[10]\n2 @[20]\n");
    assert_eq!(promtool(&["labels", "--start=0", "--end=300", &url, "job"]), "api\ndb\n");
    let series = promtool(&["series", "--match=up{job=\"db\"}", "--start=0", "--end=300", &url]);
    assert_eq!(series, "{__name__=\"up\", job=\"db\"}\n");
}
