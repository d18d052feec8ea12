//! `cargo workbook up` as a person sees it.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The program, started with a port of its own; its folder holds its database.
struct Up {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    _folder: tempfile::TempDir,
}

impl Up {
    fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_local-stack"))
            .args(arguments)
            .current_dir(folder.path())
            .env("MEMO_ADDRESS", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, _folder: folder }
    }

    /// The address in the next line that begins so.
    fn url(&mut self, beginning: &str) -> String {
        let line =
            self.lines.by_ref().map_while(Result::ok).find(|line| line.starts_with(beginning));
        let line = line.unwrap_or_else(|| panic!("no line begins with {beginning:?}"));
        let url = line.split_whitespace().last().unwrap();
        assert!(url.starts_with("http://"), "{line}");
        url.to_owned()
    }

    /// As a terminal does Ctrl-C: a signal to the whole group. Whether it ended well.
    fn interrupt(&mut self) -> bool {
        self.signal("-INT")
    }

    fn signal(&mut self, signal: &str) -> bool {
        let group = format!("-{}", self.child.id());
        assert!(Command::new("kill").args([signal, "--", &group]).status().unwrap().success());
        self.child.wait().unwrap().success()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.interrupt();
        }
    }
}

fn get(url: &str) -> Result<String, ureq::Error> {
    let config = ureq::Agent::config_builder().proxy(None).build();
    ureq::Agent::new_with_config(config).get(url).call()?.into_body().read_to_string()
}

#[test]
fn without_a_prometheus_the_service_runs_and_stops() {
    let mut up = Up::start(&["--prometheus", "none"]);
    let service = up.url("memo-service");
    assert!(get(&format!("{service}health")).unwrap().contains("ok"));
    assert!(up.interrupt());
    assert!(get(&format!("{service}health")).is_err(), "something is left running");
}

#[test]
fn a_prometheus_that_is_none_is_told_and_nothing_is_left_running() {
    let mut up = Up::start(&["--prometheus", "/no/such/program"]);
    let service = up.url("memo-service");
    assert!(!up.child.wait().unwrap().success());
    let mut told = String::new();
    std::io::Read::read_to_string(&mut up.child.stderr.take().unwrap(), &mut told).unwrap();
    assert!(told.contains("cannot start /no/such/program"), "{told}");
    assert!(get(&service).is_err(), "the service is left running");
}

#[test]
#[ignore = "needs prometheus on PATH"]
fn a_terminal_that_is_closed_stops_both() {
    let mut up = Up::start(&["--prometheus-address", "127.0.0.1:0"]);
    let service = up.url("memo-service");
    let prometheus = up.url("Prometheus");
    assert!(up.signal("-HUP"));
    assert!(get(&service).is_err(), "the service is left running");
    assert!(get(&prometheus).is_err(), "Prometheus is left running");
}

#[test]
#[ignore = "needs prometheus on PATH"]
fn a_prometheus_on_path_scrapes_the_service_and_stops_with_it() {
    let mut up = Up::start(&["--prometheus-address", "127.0.0.1:0"]);
    let service = up.url("memo-service");
    let prometheus = up.url("Prometheus");
    let query =
        format!("{prometheus}api/v1/query?query=up%7Bjob%3D%22memo-service%22%7D%20%3D%3D%201");
    let deadline = Instant::now() + Duration::from_mins(1);
    while !get(&query).is_ok_and(|rows| rows.contains("memo-service")) {
        assert!(Instant::now() < deadline, "no scrape after a minute");
        thread::sleep(Duration::from_millis(250));
    }
    assert!(up.interrupt());
    assert!(get(&service).is_err(), "the service is left running");
    assert!(get(&prometheus).is_err(), "Prometheus is left running");
}
