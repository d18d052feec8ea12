//! Targets that behave and targets that do not, through sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use embedded_prometheus::config::Config;
use embedded_prometheus::promql::{self, Answer, Limits};
use embedded_prometheus::scrape::{Scraper, Shared, now};
use embedded_prometheus::store::{Retention, Store};

/// A server that answers each request with what the function makes of its number, head and all.
fn serve(answer: impl Fn(usize) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = AtomicUsize::new(0);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(&answer(count.fetch_add(1, Ordering::Relaxed)));
        }
    });
    address
}

fn page(text: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}", text.len())
        .into()
}

/// What is scraped every 50 milliseconds, with these lines of its own.
fn scrape(address: SocketAddr, lines: &str) -> (Scraper, Shared) {
    let config = Config::read(&format!(
        "scrape_configs:\n  - job_name: api\n    scrape_interval: 50ms\n    scrape_timeout: 50ms\n{lines}    \
         static_configs: [{{targets: [\"{address}\"], labels: {{team: a}}}}]\n"
    ))
    .unwrap();
    let store = Shared::new(Store::new(Retention::default()));
    (Scraper::start(config.targets(), &store), store)
}

/// `labels value` of each row.
fn ask(store: &Shared, query: &str) -> Vec<String> {
    let parsed = promql::parse(query).unwrap();
    match promql::instant(&store.read(), &parsed, now(), &Limits::default()).unwrap() {
        Answer::Vector(rows) => {
            rows.iter().map(|row| format!("{} {}", row.labels, row.value)).collect()
        }
        other => panic!("{query}: {other:?}"),
    }
}

fn wait_for(store: &Shared, query: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while ask(store, query).is_empty() {
        assert!(Instant::now() < deadline, "{query} has no answer after 20 seconds");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Why the target is down.
fn error_of(scraper: &Scraper, store: &Shared) -> String {
    wait_for(store, "up == 0");
    // The state is written just after the series.
    thread::sleep(Duration::from_millis(20));
    scraper.targets()[0].error.clone().expect("it is down for a reason")
}

#[test]
fn a_page_becomes_series_with_the_targets_labels() {
    let address = serve(|_| page("memos{job=\"mine\",owner=\"a}b\"} 3\n"));
    let (_scraper, store) = scrape(address, "");
    wait_for(&store, "memos");
    assert_eq!(
        ask(&store, "memos"),
        [format!(
            "memos{{exported_job=\"mine\", instance=\"{address}\", job=\"api\", owner=\"a}}b\", team=\"a\"}} 3"
        )]
    );
    assert_eq!(
        ask(&store, "up"),
        [format!("up{{instance=\"{address}\", job=\"api\", team=\"a\"}} 1")]
    );
    assert_eq!(ask(&store, "scrape_samples_scraped > 0").len(), 1);
    assert_eq!(ask(&store, "scrape_duration_seconds > 0").len(), 1);
}

#[test]
fn bounds_and_quantiles_are_stored_as_prometheus_writes_them() {
    let address = serve(|_| {
        page(
            "# TYPE h histogram\nh_bucket{le=\"1\"} 1\n# TYPE s summary\ns{quantile=\"1\"} 1\ng{le=\"1\"} 1\n",
        )
    });
    let (_scraper, store) = scrape(address, "");
    wait_for(&store, "h_bucket{le=\"1.0\"}");
    wait_for(&store, "s{quantile=\"1.0\"}");
    wait_for(&store, "g{le=\"1\"}");
}

#[test]
fn a_target_may_keep_its_own_labels() {
    let address = serve(|_| page("memos{job=\"mine\"} 3\n"));
    let (_scraper, store) = scrape(address, "    honor_labels: true\n");
    wait_for(&store, "memos{job=\"mine\", team=\"a\"}");
}

#[test]
fn what_is_gone_from_the_page_is_gone_at_once() {
    let address = serve(|count| page(if count < 3 { "a 1\nb 1\n" } else { "a 1\n" }));
    let (_scraper, store) = scrape(address, "");
    wait_for(&store, "b");
    wait_for(&store, "a unless on() b");
}

#[test]
fn a_target_that_dies_takes_its_series_with_it_and_comes_back() {
    let down = Arc::new(Mutex::new(false));
    let is_down = Arc::clone(&down);
    let address =
        serve(move |_| if *is_down.lock().unwrap() { Vec::new() } else { page("a_total 7\n") });
    let (_scraper, store) = scrape(address, "");
    wait_for(&store, "a_total");
    *down.lock().unwrap() = true;
    wait_for(&store, "up == 0");
    assert_eq!(ask(&store, "a_total"), Vec::<String>::new());
    *down.lock().unwrap() = false;
    wait_for(&store, "a_total");
}

#[test]
fn what_is_no_page_is_told() {
    let address = serve(|_| page("a 1\nb one\n"));
    let (scraper, store) = scrape(address, "");
    assert!(error_of(&scraper, &store).starts_with("line 2, column 3: "));

    let address = serve(|_| b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n".to_vec());
    let (scraper, store) = scrape(address, "");
    assert_eq!(error_of(&scraper, &store), "server returned HTTP status 403 Forbidden");

    let address = serve(|_| page("a 1\nb 1\nc 1\n"));
    let (scraper, store) = scrape(address, "    sample_limit: 2\n");
    assert_eq!(error_of(&scraper, &store), "3 samples exceed the sample_limit, 2");

    let address = serve(|_| page("a{b=\"123456\"} 1\n"));
    let (scraper, store) = scrape(address, "    label_value_length_limit: 5\n");
    assert!(error_of(&scraper, &store).contains("label_value_length_limit, 5"));

    let address = serve(|_| page(&"a 1\n".repeat(300)));
    let (scraper, store) = scrape(address, "    body_size_limit: 1KB\n");
    assert_eq!(
        error_of(&scraper, &store),
        "the page is larger than the body_size_limit, 1024 bytes"
    );
}

#[test]
fn a_target_that_never_answers_is_given_up() {
    let address = serve(|_| {
        thread::sleep(Duration::from_secs(3));
        Vec::new()
    });
    let (scraper, store) = scrape(address, "");
    assert_eq!(error_of(&scraper, &store), "no answer within 50ms");
    let before = Instant::now();
    drop(scraper);
    assert!(before.elapsed() < Duration::from_secs(2), "stopping waits for it");
}

#[test]
fn ten_megabytes_without_an_end_are_not_kept() {
    let address = serve(|_| {
        let mut endless = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
        endless.extend(std::iter::repeat_n(b'x', 10 << 20));
        endless
    });
    let (scraper, store) = scrape(address, "    body_size_limit: 1MB\n");
    wait_for(&store, "up == 0");
    assert!(store.read().bytes() < 100_000);
    drop(scraper);
}
