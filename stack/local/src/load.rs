//! `cargo workbook load`: requests at a steady rate, so that the dashboards have something to show.
//!
//! The loop is open: requests begin when their time has come, however long the ones before take. A
//! service that becomes slow gets no less traffic, as in life.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::rt;
use rand::seq::IndexedRandom;
use url::Url;

/// Sends requests at a steady rate, and says how they are answered.
#[derive(clap::Args)]
pub struct Arguments {
    /// The service.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Requests a second.
    #[arg(long, default_value_t = 20.0, allow_negative_numbers = true)]
    rate: f64,
    /// For how many seconds; until Ctrl-C, if it is not said.
    #[arg(long, allow_negative_numbers = true)]
    seconds: Option<f64>,
    /// Paths to get, in equal parts, instead of the memo-service's mix.
    #[arg(long)]
    path: Vec<String>,
    /// The part of the requests to /fail that fail, 0 to 1.
    #[arg(long, default_value_t = 0.3, allow_negative_numbers = true)]
    failures: f64,
}

/// At most so many requests wait for an answer, each in a thread; those that would be more are
/// counted as given up.
const MOST_IN_FLIGHT: usize = 400;

/// A kind of request, and how often it comes.
struct Kind {
    path: String,
    /// JSON to post; without it, the path is got.
    body: Option<&'static str>,
    weight: u32,
}

fn kinds(arguments: &Arguments) -> Vec<Kind> {
    let get = |path: &str, weight| Kind { path: path.to_owned(), body: None, weight };
    let post = |path: &str, body, weight| Kind { path: path.to_owned(), body: Some(body), weight };
    if !arguments.path.is_empty() {
        return arguments.path.iter().map(|path| get(path, 1)).collect();
    }
    vec![
        get("/memos", 6),
        get("/memos/1", 6),
        post("/memos", r#"{"title": "milk"}"#, 3),
        post("/ai/summary", r#"{"text": "a few words about milk"}"#, 1),
        get("/random_sleep", 2),
        get(&format!("/fail?rate={}", arguments.failures), 2),
        get("/no/such/page", 1),
    ]
}

#[derive(Default)]
struct Tally {
    sent: u64,
    in_flight: usize,
    given_up: u64,
    /// By status, or by what went wrong.
    answers: BTreeMap<String, u64>,
    slowest: Duration,
}

pub async fn run(arguments: &Arguments) -> Result<(), String> {
    let base = Url::parse(&arguments.url).map_err(|error| {
        format!("--url {}: {error}; write it as http://127.0.0.1:8080", arguments.url)
    })?;
    if base.scheme() != "http" || base.host_str().is_none() {
        return Err(format!("--url {}: write it as http://127.0.0.1:8080", arguments.url));
    }
    if let Some(path) =
        arguments.path.iter().find(|path| !path.starts_with('/') || path.starts_with("//"))
    {
        return Err(format!("--path {path}: a path of the service begins with one `/`"));
    }
    if !(arguments.rate > 0.0 && arguments.rate <= 10_000.0) {
        return Err("--rate is more than 0 and at most 10000 requests a second".to_owned());
    }
    if !(0.0..=1.0).contains(&arguments.failures) {
        return Err("--failures is from 0 to 1".to_owned());
    }
    let length = match arguments.seconds.map(Duration::try_from_secs_f64) {
        None => None,
        Some(Ok(length)) => Some(length),
        Some(Err(_)) => return Err("--seconds is a number of seconds".to_owned()),
    };
    let kinds = kinds(arguments);
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(30)))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_idle_connections(MOST_IN_FLIGHT)
        .max_idle_connections_per_host(MOST_IN_FLIGHT)
        .proxy(None);
    let client = ureq::Agent::new_with_config(config.build());
    client.get(base.as_str()).call().map_err(|error| {
        format!("{base} does not answer: {error}. Start it first, with `cargo workbook up`")
    })?;

    println!("{} requests a second to {base}; Ctrl-C stops.", arguments.rate);
    let tally = Rc::new(RefCell::new(Tally::default()));
    let started = Instant::now();
    let mut report = rt::time::interval(Duration::from_secs(if std::io::stdout().is_terminal() {
        1
    } else {
        5
    }));
    report.tick().await;
    let mut due = started;
    let between = Duration::from_secs_f64(1.0 / arguments.rate);
    loop {
        due += between;
        tokio::select! {
            () = rt::time::sleep_until(due.into()) => send(&client, &base, &kinds, &tally)?,
            _ = report.tick() => show(&tally.borrow(), started, false),
            _ = tokio::signal::ctrl_c() => break,
        }
        if length.is_some_and(|length| started.elapsed() >= length) {
            break;
        }
    }
    while tally.borrow().in_flight > 0 {
        let answered = rt::time::sleep(Duration::from_millis(20));
        tokio::select! {
            () = answered => {}
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    show(&tally.borrow(), started, true);
    Ok(())
}

fn send(
    client: &ureq::Agent,
    base: &Url,
    kinds: &[Kind],
    tally: &Rc<RefCell<Tally>>,
) -> Result<(), String> {
    let kind = kinds
        .choose_weighted(&mut rand::rng(), |kind| kind.weight)
        .map_err(|error| error.to_string())?;
    let url = base.join(&kind.path).map_err(|error| format!("--path {}: {error}", kind.path))?;
    if tally.borrow().in_flight >= MOST_IN_FLIGHT {
        tally.borrow_mut().given_up += 1;
        return Ok(());
    }
    let (client, body) = (client.clone(), kind.body);
    let answer = rt::task::spawn_blocking(move || ask(&client, &url, body));
    let tally = Rc::clone(tally);
    tally.borrow_mut().sent += 1;
    tally.borrow_mut().in_flight += 1;
    rt::spawn(async move {
        let before = Instant::now();
        let outcome = answer.await.unwrap_or_else(|error| error.to_string());
        let mut tally = tally.borrow_mut();
        tally.in_flight -= 1;
        tally.slowest = tally.slowest.max(before.elapsed());
        *tally.answers.entry(outcome).or_default() += 1;
    });
    Ok(())
}

/// The status, or what went wrong.
fn ask(client: &ureq::Agent, url: &Url, body: Option<&str>) -> String {
    let answer = match body {
        Some(body) => {
            client.post(url.as_str()).header("content-type", "application/json").send(body)
        }
        None => client.get(url.as_str()).call(),
    };
    match answer {
        Ok(mut answer) => {
            // Read to the end, so that the connection can be used again.
            let _ = answer.body_mut().read_to_vec();
            answer.status().as_u16().to_string()
        }
        Err(ureq::Error::Timeout(_)) => "timeout".to_owned(),
        Err(_) => "no answer".to_owned(),
    }
}

/// One line; on a terminal it is written over again and again.
fn show(tally: &Tally, started: Instant, last: bool) {
    let seconds = started.elapsed().as_secs_f64();
    let answers: Vec<_> =
        tally.answers.iter().map(|(answer, count)| format!("{answer}: {count}")).collect();
    #[expect(clippy::cast_precision_loss, reason = "a rate to one decimal")]
    let rate = tally.sent as f64 / seconds.max(1e-9);
    let given_up = match tally.given_up {
        0 => String::new(),
        count => format!("  {count} given up: {MOST_IN_FLIGHT} were waiting"),
    };
    let line = format!(
        "{seconds:5.0} s  {} sent ({rate:.1}/s)  {}  {} in flight  slowest {:.0?}{given_up}",
        tally.sent,
        answers.join("  "),
        tally.in_flight,
        tally.slowest,
    );
    let mut stdout = std::io::stdout();
    let written = if stdout.is_terminal() {
        write!(stdout, "\r\x1b[2K{line}{}", if last { "\n" } else { "" })
    } else {
        writeln!(stdout, "{line}")
    };
    // Whoever reads this may be gone.
    let _ = written.and_then(|()| stdout.flush());
}
