//! The program as a container runs it: started, asked for its health, stopped.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// `memo-service` with a port and a database of its own.
struct Program {
    child: Child,
    said: BufReader<ChildStdout>,
    address: String,
    _folder: tempfile::TempDir,
}

impl Program {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_memo-service"))
            .current_dir(folder.path())
            .envs([("MEMO_ADDRESS", "127.0.0.1:0"), ("MODEL_SECONDS", "600-600")])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let (_, rest) = line.split_once("http://").unwrap_or_else(|| panic!("no address: {line}"));
        let address = rest.split('/').next().unwrap().to_owned();
        Self { child, said, address, _folder: folder }
    }

    fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    fn page(&self) -> String {
        let mut page = String::new();
        self.send("GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .read_to_string(&mut page)
            .unwrap();
        page
    }

    fn healthcheck(&self) -> Output {
        Command::new(env!("CARGO_BIN_EXE_memo-service"))
            .args(["healthcheck", &format!("http://{}/health", self.address)])
            // As a container engine may set it in all of its containers.
            .envs(
                ["HTTP_PROXY", "http_proxy", "ALL_PROXY"].map(|name| (name, "http://127.0.0.1:1")),
            )
            .output()
            .unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_is_healthy_until_it_is_asked_to_stop() {
    let mut program = Program::start();
    let healthy = program.healthcheck();
    assert!(healthy.status.success(), "{}", String::from_utf8_lossy(&healthy.stderr));

    let pid = program.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(program.child.wait().unwrap().success());
    let mut rest = String::new();
    program.said.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "memo-service has stopped.\n");
    assert_eq!(program.healthcheck().status.code(), Some(1));
}

#[test]
fn a_client_that_hangs_up_ends_the_call_to_the_model() {
    let program = Program::start();
    let body = r#"{"text": "nobody waits for this"}"#;
    let request = format!(
        "POST /ai/summary HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let client = program.send(&request);
    let in_flight = "http_requests_in_flight{handler=\"summarize\"} 1\n";
    wait_for(|| program.page().contains(in_flight), "the call begins");
    drop(client);
    let cancelled = "model_calls_total{model=\"simulated-1\",outcome=\"cancelled\"} 1\n";
    wait_for(|| program.page().contains(cancelled), "the call is cancelled");
    let aborted = "http_requests_aborted_total{handler=\"summarize\",reason=\"cancelled\"} 1\n";
    assert!(program.page().contains(aborted), "{}", program.page());
}

#[test]
fn a_wrong_variable_stops_the_start_with_a_sentence() {
    let output = Command::new(env!("CARGO_BIN_EXE_memo-service"))
        .env("MODEL_FAILURE_RATE", "10%")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "memo-service: MODEL_FAILURE_RATE=\"10%\" cannot be used: write a share from 0 to 1\n"
    );
}

fn wait_for(condition: impl Fn() -> bool, what: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "not within 20 seconds: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}
