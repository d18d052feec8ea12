//! The dashboards in a real browser, under load: every panel shows data, and none an error.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

/// The part of a tag's attribute.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

/// What stands on the page after the scripts have run for a while.
fn dom(url: &str, width: u32) -> String {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--virtual-time-budget=6000",
            "--dump-dom",
        ])
        .arg(format!("--window-size={width},2400"))
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(url)
        .output()
        .expect("chromium is on PATH");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs chromium on PATH"]
fn every_panel_of_every_dashboard_shows_data_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let mut up = Running(
        Command::new(env!("CARGO_BIN_EXE_local-stack"))
            .args(["up", "--prometheus", "embedded", "--address", "127.0.0.1:0"])
            .current_dir(folder.path())
            .env("MEMO_ADDRESS", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut lines = BufReader::new(up.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut url = |beginning: &str| {
        let line = lines.find(|line| line.starts_with(beginning)).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    };
    let (service, page) = (url("memo-service"), url("dashboards"));
    let _load = Running(
        Command::new(env!("CARGO_BIN_EXE_local-stack"))
            .args(["load", "--url", &service, "--rate", "40"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap(),
    );
    // Five scrapes: rates over `$__rate_interval` need some.
    thread::sleep(Duration::from_secs(27));
    let list = ureq::get(format!("{page}dashboards")).call().unwrap();
    let list: serde_json::Value = serde_json::from_reader(list.into_body().into_reader()).unwrap();
    let mut seen = 0;
    for dashboard in list["dashboards"].as_array().unwrap() {
        let uid = dashboard["uid"].as_str().unwrap();
        let shown = dom(&format!("{page}#dashboard={uid}&range=300&refresh=0"), 1280);
        let panels: Vec<_> = shown.split("<section class=\"panel\"").skip(1).collect();
        let wanted = dashboard["panels"].as_array().unwrap().iter();
        assert_eq!(
            panels.len(),
            wanted.filter(|panel| panel["type"] != "row").count(),
            "{uid}: {shown}"
        );
        for panel in panels {
            let title = attribute(panel, "aria-label").unwrap();
            assert_eq!(attribute(panel, "data-error"), None, "{uid}: {title}");
            let series: usize = attribute(panel, "data-series").unwrap_or("0").parse().unwrap();
            assert!(series > 0, "{uid}: {title} has no series");
            assert!(!panel.contains("class=\"nothing"), "{uid}: {title} has no data");
            println!("{series:3} series  {title}");
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen} panels");
}
