//! `cargo workbook up` as a person sees it.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
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
            .arg("up")
            .args(arguments)
            .args(if arguments.contains(&"--address") {
                &[][..]
            } else {
                &["--address", "127.0.0.1:0"]
            })
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

/// Asks until the answer has what is wanted.
fn wait_for(url: &str, wanted: &str) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !get(url).is_ok_and(|answer| answer.contains(wanted)) {
        assert!(Instant::now() < deadline, "{url} has no {wanted} after a minute");
        thread::sleep(Duration::from_millis(100));
    }
}

const UP: &str = "api/v1/query?query=up%20%3D%3D%201";

#[test]
fn without_a_prometheus_the_dashboards_are_live_and_everything_stops() {
    let mut up = Up::start(&["--prometheus", "embedded"]);
    let service = up.url("memo-service");
    let page = up.url("dashboards");
    assert!(get(&format!("{service}health")).unwrap().contains("ok"));
    assert!(get(&page).unwrap().contains("<title>Metrics Workbook</title>"));
    assert!(get(&format!("{page}dashboards")).unwrap().contains("\"uid\""));
    wait_for(&format!("{page}{UP}"), "\"job\":\"memo-service\"");
    assert!(up.interrupt());
    for url in [&service, &page] {
        assert!(get(url).is_err(), "something is left running at {url}");
    }
}

#[test]
fn a_service_of_ones_own_is_watched_instead() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let page = "# TYPE memos gauge\nmemos 3\n";
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
                page.len()
            );
        }
    });
    let mut up = Up::start(&["--prometheus", "embedded", "--service", &own]);
    let page = up.url("dashboards");
    wait_for(&format!("{page}api/v1/query?query=memos"), "\"3\"");
    assert!(!get(&format!("{page}api/v1/label/job/values")).unwrap().contains("memo-service"));
    assert!(up.signal("-TERM"));
}

#[test]
fn what_cannot_be_is_told_in_a_sentence_and_nothing_is_left_running() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let table: [(&[&str], &str); 3] = [
        (&["--address", &taken], "Another address: cargo workbook up --address 127.0.0.1:3001"),
        (&["--address", "192.0.2.1:3000"], "the dashboards cannot be at 192.0.2.1:3000"),
        (&["--service", "localhost:8082"], "write it as http://127.0.0.1:8082"),
    ];
    for (arguments, sentence) in table {
        let mut up = Up::start(arguments);
        assert!(!up.child.wait().unwrap().success());
        let mut told = String::new();
        up.child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        assert!(told.contains(sentence), "{arguments:?}: {told}");
    }
}

#[test]
fn a_page_of_another_site_gets_no_answer() {
    let mut up = Up::start(&["--prometheus", "embedded"]);
    let page = up.url("dashboards");
    let address = page.trim_start_matches("http://").trim_end_matches('/').to_owned();
    for (host, expected) in
        [("evil.example", "403"), ("localhost:3000", "200"), (address.as_str(), "200"), ("", "403")]
    {
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(stream, "GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer.split(' ').nth(1), Some(expected), "{host:?}: {answer}");
    }
    assert!(get(&page).is_ok());
}

#[test]
fn a_prometheus_that_is_none_is_told_and_nothing_is_left_running() {
    let mut up = Up::start(&["--prometheus", "/no/such/program"]);
    let service = up.url("memo-service");
    assert!(!up.child.wait().unwrap().success());
    let mut told = String::new();
    up.child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
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
    wait_for(&format!("{prometheus}{UP}"), "memo-service");
    // The page passes queries on to it.
    let page = up.url("dashboards");
    wait_for(&format!("{page}{UP}"), "memo-service");
    assert!(up.interrupt());
    assert!(get(&service).is_err(), "the service is left running");
    assert!(get(&prometheus).is_err(), "Prometheus is left running");
}
