//! A real Prometheus that is given series and asked for answers; and ours, asked in the same way.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use actix_web::{App, HttpServer};
use embedded_prometheus::api::Api;
use embedded_prometheus::labels::Labels;
use embedded_prometheus::scrape::Shared;
use embedded_prometheus::store::{Sample, Store, Time};
use prost::Message;
use serde_json::Value;

use crate::{Comparable, When};

/// A server with Prometheus's API.
pub struct Prometheus {
    address: String,
    _program: Option<Program>,
}

struct Program {
    child: Child,
    _storage: tempfile::TempDir,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The messages of remote write 1.0: <https://prometheus.io/docs/specs/prw/remote_write_spec/>
#[derive(Clone, PartialEq, Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    series: Vec<WrittenSeries>,
}

#[derive(Clone, PartialEq, Message)]
struct WrittenSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<WrittenLabel>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<WrittenSample>,
}

#[derive(Clone, PartialEq, Message)]
struct WrittenLabel {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct WrittenSample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    time: i64,
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(30)));
    ureq::Agent::new_with_config(config.build())
}

impl Prometheus {
    pub fn start() -> Self {
        let storage = tempfile::tempdir().unwrap();
        let config = storage.path().join("prometheus.yml");
        std::fs::write(&config, "global: {}\n").unwrap();
        let mut child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", storage.path().join("data").display()))
            .args(["--storage.tsdb.retention.time=100y", "--web.enable-remote-write-receiver"])
            .arg("--web.listen-address=127.0.0.1:0")
            .stderr(Stdio::piped())
            .spawn()
            .expect("prometheus is on PATH");
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let listening = log.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, address) = line.split_once("msg=\"Listening on\"")?.1.split_once("address=")?;
            Some(address.split_whitespace().next()?.to_owned())
        });
        std::thread::spawn(move || log.for_each(drop));
        let address = listening.expect("Prometheus says where it listens");
        for _ in 0..200 {
            let ready = agent().get(format!("http://{address}/-/ready")).call();
            if ready.is_ok_and(|answer| answer.status().is_success()) {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { address, _program: Some(Program { child, _storage: storage }) }
    }

    /// Ours, behind the same API, until the test process ends.
    pub fn ours(store: Store) -> Self {
        let api = Api { store: Shared::new(store), ..Api::default() };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let app = move || {
                    let api = api.clone();
                    App::new().configure(move |config| api.routes(config))
                };
                HttpServer::new(app).workers(2).listen(listener).unwrap().run().await.unwrap();
            });
        });
        Self { address, _program: None }
    }

    pub fn write(&self, series: &[(Labels, Vec<Sample>)]) {
        let series = series.iter().map(|(labels, samples)| WrittenSeries {
            labels: labels
                .iter()
                .map(|(name, value)| WrittenLabel {
                    name: name.to_owned(),
                    value: value.to_owned(),
                })
                .collect(),
            samples: samples
                .iter()
                .map(|Sample { time, value }| WrittenSample { value: *value, time: *time })
                .collect(),
        });
        let request = WriteRequest { series: series.collect() };
        let body = snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).unwrap();
        let mut answer = agent()
            .post(format!("http://{}/api/v1/write", self.address))
            .header("content-type", "application/x-protobuf")
            .header("content-encoding", "snappy")
            .header("x-prometheus-remote-write-version", "0.1.0")
            .send(&body[..])
            .unwrap();
        let said = answer.body_mut().read_to_string().unwrap();
        assert!(answer.status().is_success(), "{said}");
    }

    pub fn ask(&self, query: &str, when: When) -> Comparable {
        let time = |time: Time| format!("{}.{:03}", time / 1000, time % 1000);
        let url = format!("http://{}/api/v1", self.address);
        let request = match when {
            When::At(at) => agent().get(format!("{url}/query")).query("time", time(at)),
            When::Over(start, end, step) => agent()
                .get(format!("{url}/query_range"))
                .query("start", time(start))
                .query("end", time(end))
                .query("step", time(step)),
        };
        let answer = request.query("query", query).call().unwrap();
        let answer: Value = serde_json::from_reader(answer.into_body().into_reader()).unwrap();
        match answer["errorType"].as_str() {
            Some("bad_data") => return Comparable::Error("bad_data"),
            Some("execution") => return Comparable::Error("execution"),
            Some(other) => panic!("{query}: {other}: {answer}"),
            None => {}
        }
        let result = &answer["data"]["result"];
        match answer["data"]["resultType"].as_str().unwrap() {
            "string" => Comparable::Text(result[1].as_str().unwrap().to_owned()),
            "scalar" => Comparable::Rows(vec![(Labels::none(), vec![sample(result)])]),
            _ => Comparable::Rows(result.as_array().unwrap().iter().map(row).collect()),
        }
    }
}

fn row(row: &Value) -> (Labels, Vec<Sample>) {
    let labels = row["metric"].as_object().unwrap().iter();
    let labels = labels.map(|(name, value)| (name.clone(), value.as_str().unwrap())).collect();
    let samples = match row["values"].as_array() {
        Some(values) => values.iter().map(sample).collect(),
        None => vec![sample(&row["value"])],
    };
    (labels, samples)
}

fn sample(pair: &Value) -> Sample {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970")]
    let time = (pair[0].as_f64().unwrap() * 1000.0).round() as Time;
    let value = pair[1].as_str().unwrap();
    Sample { time, value: value.parse().unwrap() }
}
