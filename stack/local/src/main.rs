//! `cargo workbook up`: the stack on one machine without Docker. The memo-service, and a Prometheus
//! that scrapes it, where one is to be found; Ctrl-C stops both.

mod prometheus;

use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

use clap::Parser;
use memo_service::{Config, MemoService};

use prometheus::Prometheus;

/// The memo-service, and a Prometheus that scrapes it, until you press Ctrl-C.
///
/// The memo-service is configured by its environment variables, such as `MEMO_ADDRESS`.
#[derive(Parser)]
#[command(bin_name = "cargo workbook up", version)]
struct Arguments {
    /// `auto` takes the Prometheus on PATH, if there is one; `none` takes none; else the program.
    #[arg(long, default_value = "auto")]
    prometheus: OsString,
    /// Where Prometheus answers.
    #[arg(long, default_value = "127.0.0.1:9090")]
    prometheus_address: SocketAddr,
}

#[actix_web::main]
async fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(memo_service::LOG))
        .init();
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("cargo workbook up: {sentence}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), String> {
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
    let mut serving = tokio::spawn(server);
    println!("memo-service   http://{address}/");
    println!("  its API      http://{address}/docs/");
    println!("  its metrics  http://{address}/metrics");

    let outcome = match Prometheus::start(arguments, address).await {
        Ok(Some(mut prometheus)) => {
            println!("Prometheus     http://{}/", prometheus.address);
            println!("Ctrl-C stops both.");
            let outcome = tokio::select! {
                result = &mut serving => ended(result),
                why = prometheus.exited() => Err(why),
                () = hung_up() => Ok(()),
            };
            prometheus.stop().await;
            outcome
        }
        Ok(None) => {
            if arguments.prometheus == "none" {
                println!("Prometheus     none, as you asked");
            } else {
                println!("Prometheus     none on PATH; another: --prometheus PROGRAM");
                println!("  or with containers, and Grafana: see stack/README.md");
            }
            println!("Ctrl-C stops it.");
            ended((&mut serving).await)
        }
        Err(sentence) => Err(sentence),
    };
    stop.stop(true).await;
    service.close().await;
    outcome
}

/// Waits until the terminal is closed, where there is such a thing. (The service itself listens
/// for Ctrl-C, and for the signal that asks it to end.)
async fn hung_up() {
    #[cfg(unix)]
    if let Ok(mut signal) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()) {
        signal.recv().await;
        return;
    }
    std::future::pending::<()>().await;
}

/// How the server ended by itself, which is how Ctrl-C ends it.
fn ended(result: Result<std::io::Result<()>, tokio::task::JoinError>) -> Result<(), String> {
    match result {
        Ok(Ok(())) => {
            println!("Stopped.");
            Ok(())
        }
        Ok(Err(error)) => Err(format!("the memo-service has stopped: {error}")),
        Err(error) => Err(format!("the memo-service has stopped: {error}")),
    }
}
