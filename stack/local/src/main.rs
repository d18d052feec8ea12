//! `cargo workbook up`: the stack on one machine without Docker. A service, a Prometheus that
//! scrapes it, and the dashboards in the browser; Ctrl-C stops all of it.

mod embedded;
mod load;
mod page;
mod prometheus;
mod targets;

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

use clap::Parser;
use memo_service::{Config, MemoService};

use embedded::Embedded;
use page::Page;
use prometheus::Prometheus;
use targets::Targets;

/// The stack on this machine, without Docker.
#[derive(Parser)]
#[command(bin_name = "cargo workbook", version)]
enum Command {
    Up(Arguments),
    Load(load::Arguments),
}

/// A service, a Prometheus that scrapes it, and live dashboards, until you press Ctrl-C.
///
/// The memo-service is configured by its environment variables, such as `MEMO_ADDRESS`.
#[derive(clap::Args)]
struct Arguments {
    /// Watch this service instead of the memo-service: where it runs, as `http://127.0.0.1:8082`.
    #[arg(long)]
    service: Option<String>,
    /// `auto` takes the Prometheus on PATH or, without one, the one that is built in; `embedded`
    /// takes that; else the program.
    #[arg(long, default_value = "auto")]
    prometheus: OsString,
    /// Where a Prometheus that is a program answers.
    #[arg(long, default_value = "127.0.0.1:9090")]
    prometheus_address: SocketAddr,
    /// Where the dashboards are.
    #[arg(long, default_value = "127.0.0.1:3000")]
    address: SocketAddr,
}

/// One line for whoever looks on; who no longer does is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

#[actix_web::main]
async fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(memo_service::LOG))
        .init();
    let (name, outcome) = match Command::parse() {
        Command::Up(arguments) => ("up", run(&arguments).await.map(|()| say("Stopped."))),
        Command::Load(arguments) => ("load", load::run(&arguments).await),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("cargo workbook {name}: {sentence}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), String> {
    let page = TcpListener::bind(arguments.address).map_err(|error| {
        format!(
            "the dashboards cannot be at {}: {error}. \
             Another address: cargo workbook up --address 127.0.0.1:3001",
            arguments.address
        )
    })?;
    let Some(url) = &arguments.service else {
        let service = Service::start().await?;
        let outcome =
            watch(arguments, &Targets::memo_service(service.address), page, service.ended()).await;
        service.stop().await;
        return outcome;
    };
    say(&format!("your service   {url}"));
    watch(arguments, &Targets::service(url)?, page, std::future::pending()).await
}

/// The memo-service, running.
struct Service {
    address: SocketAddr,
    service: MemoService,
    stop: actix_web::dev::ServerHandle,
    ended: tokio::sync::watch::Receiver<Option<String>>,
}

impl Service {
    async fn start() -> Result<Self, String> {
        let config = Config::from_env().map_err(|error| error.to_string())?;
        let listener = TcpListener::bind(config.address).map_err(|error| {
            format!(
                "the memo-service cannot listen on {}: {error}. \
                 Another address: MEMO_ADDRESS=127.0.0.1:8090 cargo workbook up",
                config.address
            )
        })?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let service = MemoService::start(&config).await.map_err(|error| error.to_string())?;
        let server = service.serve(listener).map_err(|error| error.to_string())?;
        let stop = server.handle();
        let (tell, ended) = tokio::sync::watch::channel(None);
        tokio::spawn(async move {
            // It listens for Ctrl-C itself, and then ends without an error.
            let why = server.await.err().map_or(String::new(), |error| error.to_string());
            let _ = tell.send(Some(why));
        });
        say(&format!("memo-service   http://{address}/"));
        say(&format!("  its API      http://{address}/docs/"));
        say(&format!("  its metrics  http://{address}/metrics"));
        Ok(Self { address, service, stop, ended })
    }

    /// Waits until it stops by itself.
    fn ended(&self) -> impl Future<Output = Result<(), String>> + use<> {
        let mut ended = self.ended.clone();
        async move {
            let why = match ended.wait_for(Option::is_some).await {
                Ok(why) => why.clone().unwrap_or_default(),
                Err(_) => "it is lost".to_owned(),
            };
            if why.is_empty() {
                Ok(())
            } else {
                Err(format!("the memo-service has stopped: {why}"))
            }
        }
    }

    async fn stop(self) {
        self.stop.stop(true).await;
        self.service.close().await;
    }
}

/// Scrapes the targets and shows the dashboards, until something ends.
async fn watch(
    arguments: &Arguments,
    targets: &Targets,
    listener: TcpListener,
    service_ended: impl Future<Output = Result<(), String>>,
) -> Result<(), String> {
    let program = prometheus::program(&arguments.prometheus);
    let Some(program) = program else {
        let embedded = Embedded::start(targets)?;
        say("Prometheus     the one that is built in");
        let page = Page::serve(listener, page::Queries::Embedded(embedded.api()))?;
        let outcome = until_something_ends(&page, service_ended, std::future::pending()).await;
        page.stop().await;
        return outcome;
    };
    let mut prometheus = Prometheus::start(&program, arguments.prometheus_address, targets).await?;
    let address = prometheus.address;
    say(&format!("Prometheus     http://{address}/"));
    let page = Page::serve(listener, page::Queries::Prometheus(address))?;
    let outcome = until_something_ends(&page, service_ended, prometheus.exited()).await;
    page.stop().await;
    prometheus.stop().await;
    outcome
}

async fn until_something_ends(
    page: &Page,
    service_ended: impl Future<Output = Result<(), String>>,
    prometheus_exited: impl Future<Output = String>,
) -> Result<(), String> {
    say(&format!("dashboards     http://{}/", page.address));
    say("Ctrl-C stops everything.");
    tokio::select! {
        outcome = service_ended => outcome,
        why = prometheus_exited => Err(why),
        _ = tokio::signal::ctrl_c() => Ok(()),
        () = hung_up() => Ok(()),
    }
}

/// Waits until the terminal is closed, or until the program is asked to end, where there is such a
/// thing.
async fn hung_up() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut hangup), Ok(mut terminate)) =
            (signal(SignalKind::hangup()), signal(SignalKind::terminate()))
        {
            tokio::select! {
                _ = hangup.recv() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    std::future::pending::<()>().await;
}
