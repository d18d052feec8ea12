//! `cargo workbook load` as a person sees it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// A service that takes its time for each answer; it counts the requests.
fn service(delay: Duration) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, counted) = (stream.unwrap(), Arc::clone(&counted));
            thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                counted.fetch_add(1, Ordering::Relaxed);
                thread::sleep(delay);
                let _ = stream.write_all(
                    b"HTTP/1.1 418 I'm a teapot\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                );
            });
        }
    });
    (url, count)
}

fn load(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_local-stack")).arg("load").args(arguments).output().unwrap()
}

#[test]
fn a_slow_service_gets_no_less_traffic() {
    let (url, count) = service(Duration::from_millis(400));
    let output = load(&["--url", &url, "--rate", "50", "--seconds", "2", "--path", "/a"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    let sent = count.load(Ordering::Relaxed) - 1;
    // One after the other, two seconds would be enough for five.
    assert!((80..=101).contains(&sent), "{sent}: {told}");
    let last = told.lines().last().unwrap();
    assert!(
        last.contains(&format!("{sent} sent")) && last.contains(&format!("418: {sent}")),
        "{told}"
    );
    assert!(last.contains("0 in flight"), "{told}");
}

#[test]
fn what_cannot_be_is_told_in_a_sentence() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{nobody}");
    let (url, _) = service(Duration::ZERO);
    let table: [(&[&str], &str); 7] = [
        (&["--url", "localhost:8080"], "write it as http://127.0.0.1:8080"),
        (&["--url", &url, "--path", "//elsewhere/"], "begins with one `/`"),
        (&["--url", &url, "--rate", "-1"], "--rate is more than 0"),
        (&["--url", &nobody], "Start it first, with `cargo workbook up`"),
        (&["--url", "127.0.0.1:8080"], "write it as http://127.0.0.1:8080"),
        (&["--url", &url, "--rate", "0"], "--rate is more than 0"),
        (&["--url", &url, "--failures", "2"], "--failures is from 0 to 1"),
    ];
    for (arguments, sentence) in table {
        let output = load(arguments);
        assert!(!output.status.success());
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(sentence), "{arguments:?}: {told}");
    }
}
